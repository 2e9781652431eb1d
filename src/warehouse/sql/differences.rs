//! Differences of the values of units from a centre, which is the same for all cells.

use super::super::asked::{Asked, AskedCovariate, AskedMetric};
use super::units::{lacks_by_difference, splits_rows, units_of_data};
use super::{Centres, IN_ONE_GROUP, SAMPLE, bit, facts, variables};
use crate::config::valid::Aggregate;

/// The units of a metric that have a value.
pub fn valued(asked: &Asked, metric: &AskedMetric, m: usize) -> String {
    let one = |i: usize| asked.dialect.is_finite(&format!("z_x{m}_{i}"));
    format!(
        "z_class = {IN_ONE_GROUP} AND {}",
        (0..metric.variables()).map(one).collect::<Vec<_>>().join(" AND ")
    )
}

/// Units that have a covariate.
pub fn known(asked: &Asked, j: usize) -> String {
    format!(
        "z_class = {IN_ONE_GROUP} AND z_w = 1 AND z_c{j} IS NOT NULL AND {}",
        asked.dialect.is_finite(&format!("z_c{j}"))
    )
}

/// The centres of all variables, one line.
pub fn centre(asked: &Asked, centres: &Centres) -> String {
    let dialect = asked.dialect;
    let constant = |at: usize, value: f64| format!("{} AS k_{at}", dialect.number(value));
    let one = "1 AS k_one".to_owned();
    if let Centres::Known(known) = centres {
        let known = known.iter().enumerate().map(|(at, mean)| constant(at, *mean));
        return format!("SELECT {}", std::iter::once(one).chain(known).collect::<Vec<_>>().join(", "));
    }
    let found = sampled_means(asked);
    let mut constants = vec![one];
    let mut of_tables = vec![Vec::new(); 1 + asked.facts.len()];
    for (at, (from, mean)) in found.iter().enumerate() {
        match mean {
            None => constants.push(constant(at, 0.0)),
            Some((condition, value)) => {
                let mean = format!("avg({})", dialect.only(condition, value));
                let field = format!("coalesce({mean}, {}) AS k_{at}", dialect.number(0.0));
                of_tables[from.map_or(0, |from| from + 1)].push(field);
            }
        }
    }
    let mut all = format!("SELECT {}", constants.join(", "));
    for (table, fields) in of_tables.iter().enumerate().filter(|(_, fields)| !fields.is_empty()) {
        let means = match table.checked_sub(1) {
            Some(at) => facts::sampled(asked, at, SAMPLE, fields),
            None => {
                let sample = format!("(SELECT * FROM {} LIMIT {SAMPLE}) AS q_first", asked.own.relation);
                // Of all days, so that the centre is the same whichever of them are read.
                let units = units_of_data(&Asked { span: None, ..asked.clone() }, &sample);
                format!("SELECT {} FROM ({units}) AS q_sample", fields.join(", "))
            }
        };
        all = format!("SELECT * FROM ({all}) AS q_centres{table} CROSS JOIN ({means}) AS q_means{table}");
    }
    all
}

/// Where a centre is taken from: the table, and of its units a condition and the value; none where zero is as good a centre as
/// any, because most units may have nothing.
type Sample = (Option<usize>, Option<(String, String)>);

/// Where the centre of each variable is taken from.
fn sampled_means(asked: &Asked) -> Vec<Sample> {
    let mut found = Vec::with_capacity(variables(asked));
    let of_facts = |metric: &AskedMetric, m: usize, i: usize| match (metric.aggregate, i) {
        (Aggregate::Count, _) | (Aggregate::Rows, 1) => asked.dialect.double(&format!("u_n{m}")),
        _ => format!("u_x{m}_{i}"),
    };
    for (m, metric) in asked.metrics.iter().enumerate() {
        for i in 0..metric.variables() {
            found.push(match metric.from {
                _ if metric.step.is_some() => (None, None),
                None => (None, Some((valued(asked, metric, m), format!("z_x{m}_{i}")))),
                Some(from) if metric.with_zeros => (Some(from), None),
                Some(from) => {
                    let value = of_facts(metric, m, i);
                    let finite = asked.dialect.is_finite(&value);
                    (Some(from), Some((finite, value)))
                }
            });
        }
    }
    for (j, covariate) in asked.covariates.iter().enumerate() {
        let own = || (None, Some((known(asked, j), format!("z_c{j}"))));
        found.push(match covariate {
            AskedCovariate::Column { .. } => own(),
            AskedCovariate::Before { metric, value, .. } => match &asked.metrics[*metric] {
                of if of.from.is_none() => own(),
                of if of.adds_up() => (of.from, None),
                of => {
                    let value = of_facts(of, *metric, *value);
                    let finite = asked.dialect.is_finite(&value);
                    (of.from, Some((finite, value)))
                }
            },
        });
    }
    found
}

/// Units with the differences of their values from the centres; nothing where there is no value.
pub fn differences(asked: &Asked, units: &str, centre: &str) -> String {
    let dialect = asked.dialect;
    let zero = dialect.number(0.0);
    let in_one_group = format!("z_class = {IN_ONE_GROUP}");
    let mut fields =
        vec!["z_class AS d_class, z_g AS d_g, z_all AS d_all, z_rows AS d_rows, z_w AS d_w".to_owned()];
    if !splits_rows(asked) {
        fields.push("z_ung AS d_ung".to_owned());
    }
    if asked.own.time.is_some() {
        fields.push(format!("{} AS d_t", dialect.only(&in_one_group, "z_t")));
        fields.push("z_first AS d_first, z_last AS d_last, z_undated AS d_undated".to_owned());
    }
    if asked.start.is_some() {
        fields.push("z_early AS d_early".to_owned());
    }
    let mut at = 0;
    for (m, metric) in asked.metrics.iter().enumerate() {
        let valued = valued(asked, metric, m);
        if !metric.covariates.is_empty() {
            fields.push(format!("{} AS d_ok{m}", bit(&valued)));
        }
        if !lacks_by_difference(metric) {
            fields.push(format!("CASE WHEN z_class = {IN_ONE_GROUP} THEN z_m{m} ELSE 0 END AS d_m{m}"));
        }
        for i in 0..metric.variables() {
            let difference = format!("z_x{m}_{i} - k_{at}");
            let difference = if metric.is_whole() { difference } else { dialect.factor(&difference) };
            fields.push(format!("{} AS d_x{m}_{i}", dialect.only(&valued, &difference)));
            at += 1;
        }
        let first = format!("z_x{m}_0");
        fields.push(format!("{first} AS d_z{m}, {} AS d_v{m}", dialect.only(&valued, &first)));
    }
    let mut lacking = Vec::new();
    for j in 0..asked.covariates.len() {
        let known = known(asked, j);
        fields.push(format!("{} AS d_ck{j}", bit(&known)));
        let difference = dialect.factor(&format!("z_c{j} - k_{at}"));
        fields.push(format!("CASE WHEN {known} THEN {difference} ELSE {zero} END AS d_c{j}"));
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
    fields.extend((0..asked.facts.len()).flat_map(|at| facts::passed_on(asked, at, "y", "d")));
    fields.extend((0..at).map(|at| format!("k_{at}")));
    format!(
        "SELECT {} FROM ({units}) AS q_settled CROSS JOIN ({centre}) AS q_centre{}",
        fields.join(", "),
        asked.dialect.kept_apart()
    )
}
