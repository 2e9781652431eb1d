//! The one query of an experiment: rows → units → differences from a centre → sums by cell, as nested SELECTs that old
//! servers without common table expressions understand.
//!
//! # The lines of the answer
//! Each has the fields *part* (0: sums of a cell, 1: a value with its count), *number* (class of the units, or the metric), *group*,
//! *day* (since 1970), *lacking* (bits of covariates), a label a partition, and *numbers*, in the order of [`Layout`].
//!
//! # Digits
//! Sums of powers are taken of differences from a centre that is the same for all cells, so that they add up and values far from zero keep their
//! digits. The centre is the mean over the first [`SAMPLE`] rows; where it turns out to be far from the mean beside the spread, the
//! query is asked again with the means that the first answer gave ([`Centres::Known`]).

use super::asked::{Asked, AskedCovariate, AskedMetric, Wish};
use crate::config::valid::Aggregate;
use crate::sums::MOST_VALUES;

/// Rows that the centre is taken from.
const SAMPLE: usize = 2_000;
/// A metric whose test may need values brings them when so many rows or fewer take part.
const FEW: usize = 200_000;

/// So many lines of values a metric may bring: one that reaches it has too many.
pub const MOST_LINES: usize = 2 * (MOST_VALUES + 1);

/// What differences are taken from.
#[derive(Clone, Debug, PartialEq)]
pub enum Centres {
    /// Means over the first rows.
    Sampled,
    /// Means that are known, in the order of [`variables`].
    Known(Vec<f64>),
}

/// Classes of units.
pub const IN_ONE_GROUP: i64 = 0;
/// Units that are in two groups.
pub const IN_TWO_GROUPS: i64 = 1;
/// Rows without a unit.
pub const WITHOUT_UNIT: i64 = 2;
/// Units without a group.
pub const WITHOUT_GROUP: i64 = 3;

/// Numbers of a cell that are not of a metric: units, analysed units, rows with a group, rows without, all rows, rows without a
/// time, early rows, units with early rows, first day, last day.
pub const COMMON: usize = 10;
/// Numbers of a rule: values, broken, finite numbers, their sum, sum of squares, smallest, largest.
pub const OF_RULE: usize = 7;
/// Numbers of a covariate: units that have it, sum and sum of squares of the differences.
pub const OF_COVARIATE: usize = 3;

/// Every variable that has a centre: values of metrics in their order, then covariates.
pub fn variables(asked: &Asked) -> usize {
    asked.metrics.iter().map(AskedMetric::variables).sum::<usize>() + asked.covariates.len()
}

/// The numbers of a metric in a cell: units, missing, non-finite, zeros, ones, smallest, largest, sums of powers 1 to 4 of
/// the first value; then the sums of all variables but the first, and the upper triangle of products but the first square.
pub fn of_metric(metric: &AskedMetric) -> usize {
    let d = metric.variables() + metric.covariates.len();
    11 + (d - 1) + d * (d + 1) / 2 - 1
}

/// The query.
pub fn query(asked: &Asked, centres: &Centres) -> String {
    let units = units(asked, &asked.relation);
    let centre = match centres {
        Centres::Sampled => {
            let sample = format!("(SELECT * FROM {} LIMIT {SAMPLE}) AS q_first", asked.relation);
            sampled(asked, &self::units(asked, &sample))
        }
        Centres::Known(known) => {
            let of = known
                .iter()
                .enumerate()
                .map(|(at, mean)| format!("{} AS k_{at}", asked.dialect.number(*mean)));
            format!(
                "SELECT {}",
                std::iter::once("1 AS k_one".to_owned()).chain(of).collect::<Vec<_>>().join(", ")
            )
        }
    };
    let mut parts = vec![cells(asked, &differences(asked, &units, &centre))];
    for (number, metric) in asked.metrics.iter().enumerate() {
        parts.extend(table(asked, number, metric, &units));
    }
    parts.join("\nUNION ALL\n")
}

/// The query that gives no row but tells the columns.
pub fn header(relation: &str) -> String {
    format!("SELECT * FROM {relation} LIMIT 0")
}

fn all(conditions: &[String]) -> String {
    if conditions.is_empty() { "1 = 1".to_owned() } else { conditions.join(" AND ") }
}

fn bit(condition: &str) -> String {
    format!("CASE WHEN {condition} THEN 1 ELSE 0 END")
}

/// Rows with everything that is computed row by row.
fn rows(asked: &Asked, relation: &str) -> String {
    let dialect = asked.dialect;
    let mut fields = vec![format!("{} AS q_g", asked.group)];
    fields.extend(asked.unit.iter().map(|unit| format!("{unit} AS q_u")));
    let mut wanted = Vec::new();
    if let Some((column, kind)) = &asked.time {
        fields.push(format!("{} AS q_t", dialect.day(column, *kind)));
        if let Ok(after) = asked.date.tomorrow() {
            wanted.push(format!("({column} IS NULL OR {column} < {})", dialect.midnight(after, *kind)));
        }
        if let Some(start) = asked.start {
            let early = format!("{column} < {}", dialect.midnight(start, *kind));
            fields.push(format!("{} AS q_e", bit(&early)));
        }
    }
    let excluding: Vec<String> =
        asked.rules.iter().filter(|rule| rule.excludes).map(|rule| rule.broken.clone()).collect();
    if !excluding.is_empty() {
        fields.push(format!("CASE WHEN {} THEN 0 ELSE 1 END AS q_w", excluding.join(" OR ")));
    }
    for (m, metric) in asked.metrics.iter().enumerate() {
        fields.extend(metric.filter.iter().map(|filter| format!("{} AS q_f{m}", bit(filter))));
        fields.extend(metric.values.iter().enumerate().map(|(i, value)| format!("{value} AS q_v{m}_{i}")));
    }
    for (j, covariate) in asked.covariates.iter().enumerate() {
        if let AskedCovariate::Column { sql, .. } = covariate {
            fields.push(format!("{sql} AS q_c{j}"));
        }
    }
    fields.extend(asked.partitions.iter().enumerate().map(|(k, (_, sql))| format!("{sql} AS q_p{k}")));
    for (q, rule) in asked.rules.iter().enumerate() {
        fields.push(format!("{} AS q_r{q}", bit(&format!("{} IS NOT NULL", rule.value))));
        fields.push(format!("{} AS q_b{q}", bit(&rule.broken)));
        fields.extend(rule.number.iter().map(|number| format!("{number} AS q_n{q}")));
    }
    let condition = if wanted.is_empty() { String::new() } else { format!(" WHERE {}", all(&wanted)) };
    format!("SELECT {} FROM {relation}{condition}", fields.join(", "))
}

/// Units: what their rows add up to.
fn units(asked: &Asked, relation: &str) -> String {
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
fn settled(asked: &Asked, units: &str) -> String {
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

/// The units of a metric that have a value.
fn valued(asked: &Asked, metric: &AskedMetric, m: usize) -> String {
    let one =
        |i: usize| format!("z_x{m}_{i} IS NOT NULL AND {}", asked.dialect.is_finite(&format!("z_x{m}_{i}")));
    format!(
        "z_class = {IN_ONE_GROUP} AND {}",
        (0..metric.variables()).map(one).collect::<Vec<_>>().join(" AND ")
    )
}

/// Units that have a covariate.
fn known(asked: &Asked, j: usize) -> String {
    format!(
        "z_class = {IN_ONE_GROUP} AND z_w = 1 AND z_c{j} IS NOT NULL AND {}",
        asked.dialect.is_finite(&format!("z_c{j}"))
    )
}

/// The centres: means over some units.
fn sampled(asked: &Asked, units: &str) -> String {
    let zero = asked.dialect.number(0.0);
    let mut at = 0;
    let mut fields = vec!["1 AS k_one".to_owned()];
    let mut mean = |condition: &str, value: &str| {
        fields.push(format!("coalesce(avg(CASE WHEN {condition} THEN {value} END), {zero}) AS k_{at}"));
        at += 1;
    };
    for (m, metric) in asked.metrics.iter().enumerate() {
        (0..metric.variables()).for_each(|i| mean(&valued(asked, metric, m), &format!("z_x{m}_{i}")));
    }
    (0..asked.covariates.len()).for_each(|j| mean(&known(asked, j), &format!("z_c{j}")));
    format!("SELECT {} FROM ({units}) AS q_sample", fields.join(", "))
}

/// Units with the differences of their values from the centres; 0 where there is no value.
fn differences(asked: &Asked, units: &str, centre: &str) -> String {
    let zero = asked.dialect.number(0.0);
    let mut fields = vec![
        "z_class AS d_class, z_g AS d_g, z_all AS d_all, z_rows AS d_rows, z_ung AS d_ung, z_w AS d_w"
            .to_owned(),
    ];
    if asked.time.is_some() {
        fields.push(format!("CASE WHEN z_class = {IN_ONE_GROUP} THEN z_t END AS d_t"));
        fields.push("z_first AS d_first, z_last AS d_last, z_undated AS d_undated".to_owned());
    }
    if asked.start.is_some() {
        fields.push("z_early AS d_early".to_owned());
    }
    let mut at = 0;
    for (m, metric) in asked.metrics.iter().enumerate() {
        let valued = valued(asked, metric, m);
        fields.push(format!("{} AS d_ok{m}", bit(&valued)));
        fields.push(format!("CASE WHEN z_class = {IN_ONE_GROUP} THEN z_m{m} ELSE 0 END AS d_m{m}"));
        fields.push(format!(
            "{} AS d_b{m}",
            bit(&format!("z_class = {IN_ONE_GROUP} AND z_x{m}_0 IS NOT NULL AND NOT ({valued})"))
        ));
        for i in 0..metric.variables() {
            fields.push(format!("CASE WHEN {valued} THEN z_x{m}_{i} - k_{at} ELSE {zero} END AS d_x{m}_{i}"));
            at += 1;
        }
        fields.push(format!("z_x{m}_0 AS d_v{m}"));
    }
    let mut lacking = Vec::new();
    for j in 0..asked.covariates.len() {
        let known = known(asked, j);
        fields.push(format!("{} AS d_ck{j}", bit(&known)));
        fields.push(format!("CASE WHEN {known} THEN z_c{j} - k_{at} ELSE {zero} END AS d_c{j}"));
        lacking.push(format!("CASE WHEN {known} THEN 0 ELSE {} END", 1_u64 << j));
        at += 1;
    }
    if !lacking.is_empty() {
        fields.push(format!("{} AS d_lacking", lacking.join(" + ")));
    }
    fields.extend((0..asked.partitions.len()).map(|k| format!("z_p{k} AS d_p{k}")));
    for (q, rule) in asked.rules.iter().enumerate() {
        fields.push(format!("z_r{q} AS d_r{q}, z_b{q} AS d_bq{q}"));
        if rule.number.is_some() {
            let names = ["rn", "rs", "rq", "rl", "rh"].map(|name| format!("z_{name}{q} AS d_{name}{q}"));
            fields.push(names.join(", "));
        }
    }
    fields.extend((0..at).map(|at| format!("k_{at}")));
    format!("SELECT {} FROM ({units}) AS q_settled CROSS JOIN ({centre}) AS q_centre", fields.join(", "))
}

/// Sums by cell.
fn cells(asked: &Asked, differences: &str) -> String {
    let dialect = asked.dialect;
    let timed = asked.time.is_some();
    let sum = |value: &str| format!("sum({value})");
    let none = || "0".to_owned();
    let mut numbers = vec![
        "count(*)".to_owned(),
        sum("d_w"),
        sum("d_rows"),
        sum("d_ung"),
        sum("d_all"),
        if timed { sum("d_undated") } else { none() },
        if asked.start.is_some() { sum("d_early") } else { none() },
        if asked.start.is_some() { sum(&bit("d_early > 0")) } else { none() },
        if timed { "min(d_first)".to_owned() } else { none() },
        if timed { "max(d_last)".to_owned() } else { none() },
    ];
    for (q, rule) in asked.rules.iter().enumerate() {
        numbers.extend([sum(&format!("d_r{q}")), sum(&format!("d_bq{q}"))]);
        match rule.number {
            None => numbers.extend(std::iter::repeat_with(none).take(5)),
            Some(_) => numbers.extend([
                sum(&format!("d_rn{q}")),
                sum(&format!("d_rs{q}")),
                sum(&format!("d_rq{q}")),
                format!("min(d_rl{q})"),
                format!("max(d_rh{q})"),
            ]),
        }
    }
    for j in 0..asked.covariates.len() {
        numbers.extend([sum(&format!("d_ck{j}")), sum(&format!("d_c{j}")), sum(&format!("d_c{j} * d_c{j}"))]);
    }
    for (m, metric) in asked.metrics.iter().enumerate() {
        let is = |value: &str| sum(&bit(&format!("d_ok{m} = 1 AND d_v{m} = {value}")));
        let own = format!("CASE WHEN d_ok{m} = 1 THEN d_v{m} END");
        numbers.extend([sum(&format!("d_ok{m}")), sum(&format!("d_m{m}")), sum(&format!("d_b{m}"))]);
        numbers.extend([is("0"), is("1"), format!("min({own})"), format!("max({own})")]);
        let x = format!("d_x{m}_0");
        numbers.extend([
            sum(&x),
            sum(&format!("{x} * {x}")),
            sum(&format!("{x} * {x} * {x}")),
            sum(&format!("({x} * {x}) * ({x} * {x})")),
        ]);
        let mut variables: Vec<String> = (0..metric.variables()).map(|i| format!("d_x{m}_{i}")).collect();
        variables.extend(metric.covariates.iter().map(|j| format!("(d_c{j} * d_ok{m})")));
        numbers.extend(variables.iter().skip(1).map(|variable| sum(variable)));
        for (j, first) in variables.iter().enumerate() {
            for (k, second) in variables.iter().enumerate().skip(j) {
                if (j, k) != (0, 0) {
                    numbers.push(sum(&format!("{first} * {second}")));
                }
            }
        }
    }
    numbers.extend((0..variables(asked)).map(|at| format!("max(k_{at})")));
    let day = if timed { "d_t" } else { "NULL" };
    let lacking = if asked.covariates.is_empty() { "0" } else { "d_lacking" };
    let mut fields = vec![
        format!("{} AS a_part", dialect.whole("0")),
        format!("{} AS a_number", dialect.whole("d_class")),
        format!("{} AS a_group", dialect.maybe_text("d_g")),
        format!("{} AS a_day", dialect.whole(day)),
        format!("{} AS a_lacking", dialect.whole(lacking)),
    ];
    fields.extend(
        (0..asked.partitions.len()).map(|k| format!("{} AS a_p{k}", dialect.maybe_text(&format!("d_p{k}")))),
    );
    fields.push(format!("{} AS a_numbers", dialect.array(&numbers)));
    let mut by = vec!["d_class".to_owned(), "d_g".to_owned()];
    by.extend(timed.then(|| "d_t".to_owned()));
    by.extend((!asked.covariates.is_empty()).then(|| "d_lacking".to_owned()));
    by.extend((0..asked.partitions.len()).map(|k| format!("d_p{k}")));
    // Units in two groups are one cell, whatever their groups are.
    let source = format!("({differences}) AS q_differences");
    format!("SELECT {}\nFROM {source}\nGROUP BY {}", fields.join(", "), by.join(", "))
}

/// Values with their counts.
fn table(asked: &Asked, number: usize, metric: &AskedMetric, units: &str) -> Option<String> {
    let dialect = asked.dialect;
    let mut condition = valued(asked, metric, number);
    match metric.table {
        Wish::No => return None,
        Wish::Yes => {}
        Wish::IfFew => {
            let filter = metric.filter.as_ref().map_or(String::new(), |filter| format!(" WHERE {filter}"));
            let few = format!(
                "(SELECT count(*) FROM (SELECT 1 AS q_one FROM {}{filter} LIMIT {}) AS q_few) <= {FEW}",
                asked.relation,
                FEW + 1
            );
            condition = format!("{few} AND {condition}");
        }
    }
    let x = format!("z_x{number}_0");
    let mut fields = vec![
        format!("{} AS a_part", dialect.whole("1")),
        format!("{} AS a_number", dialect.whole(&number.to_string())),
        format!("{} AS a_group", dialect.maybe_text("z_g")),
        format!("{} AS a_day", dialect.whole("NULL")),
        format!("{} AS a_lacking", dialect.whole("0")),
    ];
    fields.extend((0..asked.partitions.len()).map(|k| format!("{} AS a_p{k}", dialect.maybe_text("NULL"))));
    fields.push(format!("{} AS a_numbers", dialect.array(&[x.clone(), "count(*)".to_owned()])));
    Some(format!(
        "SELECT * FROM (SELECT {} FROM ({units}) AS q_values WHERE {condition} GROUP BY z_g, {x} LIMIT {MOST_LINES}) AS q_table{number}",
        fields.join(", ")
    ))
}
