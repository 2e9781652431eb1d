//! Differences of the values of units from a centre, which is the same for all cells.

use super::super::asked::{Asked, AskedMetric};
use super::{IN_ONE_GROUP, bit};

/// The units of a metric that have a value.
pub fn valued(asked: &Asked, metric: &AskedMetric, m: usize) -> String {
    let one =
        |i: usize| format!("z_x{m}_{i} IS NOT NULL AND {}", asked.dialect.is_finite(&format!("z_x{m}_{i}")));
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

/// The centres: means over some units.
pub fn sampled(asked: &Asked, units: &str) -> String {
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
pub fn differences(asked: &Asked, units: &str, centre: &str) -> String {
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
