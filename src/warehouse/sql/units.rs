//! Units: what their rows add up to, and what each of them is known by in the end.

use super::super::asked::{Asked, AskedCovariate, AskedMetric};
use super::rows::rows;
use super::{IN_ONE_GROUP, IN_TWO_GROUPS, WITHOUT_GROUP, WITHOUT_UNIT, all, bit};
use crate::config::valid::Aggregate;

/// Units: what their rows add up to.
pub fn units(asked: &Asked, relation: &str) -> String {
    let dialect = asked.dialect;
    let grouped = asked.unit.is_some();
    let early = asked.start.is_some();
    // Rows that outcomes are computed from, and the same from before the experiment.
    let (mut live, mut before) = (vec!["q_g IS NOT NULL".to_owned()], Vec::new());
    let mut named = vec!["q_g IS NOT NULL".to_owned()];
    let mut unnamed = vec!["q_g IS NULL".to_owned()];
    if early {
        for conditions in [&mut live, &mut named, &mut unnamed] {
            conditions.insert(0, "q_e = 0".to_owned());
        }
        before.push("q_e = 1".to_owned());
    }
    if asked.rules.iter().any(|rule| rule.excludes) {
        live.push("q_w = 1".to_owned());
        before.push("q_w = 1".to_owned());
    }
    let of = |function: &str, condition: &str, value: &str| match grouped {
        true => format!("{function}(CASE WHEN {condition} THEN {value} END)"),
        false => format!("CASE WHEN {condition} THEN {value} END"),
    };
    let count = |condition: &str| match grouped {
        true => format!("sum({})", bit(condition)),
        false => bit(condition),
    };
    let label = if early { "CASE WHEN q_e = 0 THEN q_g END" } else { "q_g" };
    let mut fields = Vec::new();
    if grouped {
        fields.push("q_u AS u_u".to_owned());
        fields.push(format!("min({label}) AS u_g, max({label}) AS u_h"));
        fields.push("count(*) AS u_all".to_owned());
    } else {
        fields.push("q_g AS u_g, 1 AS u_all".to_owned());
    }
    fields.push(format!("{} AS u_rows, {} AS u_ung", count(&all(&named)), count(&all(&unnamed))));
    fields.push(match grouped {
        true => format!("max({}) AS u_w", bit(&all(&live))),
        false => format!("{} AS u_w", bit(&all(&live))),
    });
    if asked.time.is_some() {
        fields.push(format!("{} AS u_t", of("min", &all(&named), "q_t")));
        let (first, last) = if grouped { ("min(q_t)", "max(q_t)") } else { ("q_t", "q_t") };
        fields.push(format!("{first} AS u_first, {last} AS u_last, {} AS u_undated", count("q_t IS NULL")));
    }
    if early {
        fields.push("sum(q_e) AS u_early".to_owned());
    }
    for (m, metric) in asked.metrics.iter().enumerate() {
        let mut of_time = |conditions: &[String], prefix: &str| {
            let mut conditions = conditions.to_vec();
            conditions.extend(metric.filter.iter().map(|_| format!("q_f{m} = 1")));
            let has: Vec<String> =
                (0..metric.values.len()).map(|i| format!("q_v{m}_{i} IS NOT NULL")).collect();
            let kept = all(&conditions);
            conditions.extend(has);
            let valued = all(&conditions);
            fields.push(format!("{} AS {prefix}s{m}, {} AS {prefix}n{m}", count(&kept), count(&valued)));
            if metric.aggregate != Aggregate::Count {
                let function = match metric.aggregate {
                    Aggregate::Mean => "avg",
                    Aggregate::Max | Aggregate::Any => "max",
                    Aggregate::Min => "min",
                    Aggregate::Sum | Aggregate::Rows | Aggregate::Count => "sum",
                };
                for i in 0..metric.values.len() {
                    let own = format!("q_v{m}_{i}");
                    let mut value = of(function, &valued, &own);
                    if grouped && matches!(metric.aggregate, Aggregate::Max | Aggregate::Min) {
                        // Servers pass over what is undefined in an extreme, or take it for the largest; here it stays undefined.
                        let undefined = dialect.is_undefined(&own);
                        let zero = dialect.number(0.0);
                        value.push_str(&format!(
                            " + sum(CASE WHEN {valued} AND {undefined} THEN {own} ELSE {zero} END)"
                        ));
                    }
                    fields.push(format!("{value} AS {prefix}x{m}_{i}"));
                }
            }
        };
        of_time(&live, "u_");
        if early
            && asked
                .covariates
                .iter()
                .any(|c| matches!(c, AskedCovariate::Before { metric, .. } if *metric == m))
        {
            of_time(&before, "b_");
        }
    }
    for (j, covariate) in asked.covariates.iter().enumerate() {
        if let AskedCovariate::Column { .. } = covariate {
            fields.push(format!("{} AS u_c{j}", of("avg", &all(&live), &format!("q_c{j}"))));
        }
    }
    for k in 0..asked.partitions.len() {
        fields.push(format!("{} AS u_p{k}", of("min", &all(&live), &format!("q_p{k}"))));
    }
    for (q, rule) in asked.rules.iter().enumerate() {
        let sum = |value: &str| if grouped { format!("sum({value})") } else { value.to_owned() };
        fields.push(format!("{} AS u_r{q}, {} AS u_b{q}", sum(&format!("q_r{q}")), sum(&format!("q_b{q}"))));
        if rule.number.is_some() {
            let finite = format!("q_n{q} IS NOT NULL AND {}", dialect.is_finite(&format!("q_n{q}")));
            fields.push(format!("{} AS u_rn{q}", count(&finite)));
            for (name, function, value) in [
                ("rs", "sum", format!("q_n{q}")),
                ("rq", "sum", format!("q_n{q} * q_n{q}")),
                ("rl", "min", format!("q_n{q}")),
                ("rh", "max", format!("q_n{q}")),
            ] {
                fields.push(format!("{} AS u_{name}{q}", of(function, &finite, &value)));
            }
        }
    }
    let by = if grouped { " GROUP BY q_u" } else { "" };
    settled(asked, &format!("SELECT {} FROM ({}) AS q_rows{by}", fields.join(", "), rows(asked, relation)))
}

/// Units with their class, their day, and one value a metric; NULL where there is none.
pub fn settled(asked: &Asked, units: &str) -> String {
    let dialect = asked.dialect;
    let class = match asked.unit {
        Some(_) => format!(
            "CASE WHEN u_u IS NULL THEN {WITHOUT_UNIT} WHEN u_g IS NULL THEN {WITHOUT_GROUP} \
             WHEN u_g <> u_h THEN {IN_TWO_GROUPS} ELSE {IN_ONE_GROUP} END"
        ),
        None => format!("CASE WHEN u_g IS NULL THEN {WITHOUT_GROUP} ELSE {IN_ONE_GROUP} END"),
    };
    let mut fields = vec![format!(
        "{class} AS z_class, u_g AS z_g, u_all AS z_all, u_rows AS z_rows, u_ung AS z_ung, u_w AS z_w"
    )];
    if asked.time.is_some() {
        fields.push("u_t AS z_t, u_first AS z_first, u_last AS z_last, u_undated AS z_undated".to_owned());
    }
    if asked.start.is_some() {
        fields.push("u_early AS z_early".to_owned());
    }
    let value = |metric: &AskedMetric, m: usize, i: usize, prefix: &str, with_zeros: bool| {
        let own = match (metric.aggregate, i) {
            (Aggregate::Count, _) | (Aggregate::Rows, 1) => dialect.double(&format!("{prefix}n{m}")),
            _ => format!("{prefix}x{m}_{i}"),
        };
        let zero = dialect.number(0.0);
        let mut branches = vec![format!("WHEN {prefix}n{m} > 0 THEN {own}")];
        if metric.aggregate == Aggregate::Count {
            branches.push(format!("WHEN {prefix}s{m} > 0 THEN {zero}"));
        }
        if with_zeros {
            branches.push(format!("WHEN {prefix}s{m} = 0 THEN {zero}"));
        }
        branches.join(" ")
    };
    for (m, metric) in asked.metrics.iter().enumerate() {
        for i in 0..metric.variables() {
            // A unit whose rows a rule leaves out has no value, not even none.
            let branches = value(metric, m, i, "u_", metric.with_zeros);
            fields.push(format!("CASE WHEN u_w = 0 THEN NULL {branches} END AS z_x{m}_{i}"));
        }
        fields.push(match metric.aggregate {
            Aggregate::Rows => format!("u_s{m} - u_n{m} AS z_m{m}"),
            Aggregate::Count => format!("0 AS z_m{m}"),
            _ => format!("{} AS z_m{m}", bit(&format!("u_s{m} > 0 AND u_n{m} = 0"))),
        });
    }
    for (j, covariate) in asked.covariates.iter().enumerate() {
        fields.push(match covariate {
            AskedCovariate::Column { .. } => format!("u_c{j} AS z_c{j}"),
            AskedCovariate::Before { metric, value: i, .. } => {
                let of = &asked.metrics[*metric];
                let zeros = matches!(of.aggregate, Aggregate::Sum | Aggregate::Count | Aggregate::Any);
                format!("CASE {} END AS z_c{j}", value(of, *metric, *i, "b_", zeros))
            }
        });
    }
    fields.extend((0..asked.partitions.len()).map(|k| format!("u_p{k} AS z_p{k}")));
    for (q, rule) in asked.rules.iter().enumerate() {
        fields.push(format!("u_r{q} AS z_r{q}, u_b{q} AS z_b{q}"));
        if rule.number.is_some() {
            let names = ["rn", "rs", "rq", "rl", "rh"].map(|name| format!("u_{name}{q} AS z_{name}{q}"));
            fields.push(names.join(", "));
        }
    }
    format!("SELECT {} FROM ({units}) AS q_units", fields.join(", "))
}
