//! Units: what their rows add up to, and what each of them is known by in the end.

use super::super::asked::{Asked, AskedCovariate, AskedMetric};
use super::super::dialect::Dialect;
use super::facts::brought_together;
use super::fields::Fields;
use super::rows::rows;
use super::{IN_ONE_GROUP, IN_TWO_GROUPS, UNEXPOSED, WITHOUT_GROUP, WITHOUT_UNIT, all, bit};
use crate::config::valid::Aggregate;

/// Every unit with all that is known of it.
pub fn units(asked: &Asked) -> String {
    let (fields, exposed) = exposed(asked, &asked.own.relation);
    settled(asked, &brought_together(asked, fields, &exposed), true)
}

/// The same of some rows of `[data]`, as if there were no facts.
pub fn units_of_data(asked: &Asked, relation: &str) -> String {
    settled(asked, &exposed(asked, relation).1, false)
}

/// The rows that outcomes are computed from, or those from before; `early` says that rows tell one from the other.
pub struct Taking {
    /// The dialect of the server.
    pub dialect: Dialect,
    /// Conditions of a row that takes part.
    pub live: Vec<String>,
    /// Conditions of a row from before, where there may be one.
    pub before: Option<Vec<String>>,
    /// Rows are added up by unit.
    pub grouped: bool,
}

impl Taking {
    fn of(&self, function: &str, condition: &str, value: &str) -> String {
        match self.grouped {
            true => format!("{function}({})", self.dialect.only(condition, value)),
            false => self.dialect.only(condition, value),
        }
    }

    fn count(&self, condition: &str) -> String {
        if self.grouped { format!("sum({})", bit(condition)) } else { bit(condition) }
    }
}

/// Units by what their rows of `[data]` add up to.
fn exposed(asked: &Asked, relation: &str) -> (Fields, String) {
    let grouped = !asked.own.unit.is_empty();
    let early = asked.start.is_some();
    let mut named = vec!["q_g IS NOT NULL".to_owned()];
    let mut unnamed = vec!["q_g IS NULL".to_owned()];
    let mut before = Vec::new();
    if early {
        named.insert(0, "q_e = 0".to_owned());
        unnamed.insert(0, "q_e = 0".to_owned());
        before.push("q_e = 1".to_owned());
    }
    let mut live = named.clone();
    let excluding = asked.rules_of(None).any(|(_, rule)| rule.excludes);
    if excluding {
        live.push("q_w = 1".to_owned());
        before.push("q_w = 1".to_owned());
    }
    let taking = Taking { dialect: asked.dialect, live, before: early.then_some(before), grouped };
    let label = if early { asked.dialect.only("q_e = 0", "q_g") } else { "q_g".to_owned() };
    let mut fields = Fields::default();
    let count = |condition: &str| taking.count(condition);
    if grouped {
        (0..asked.own.unit.len()).for_each(|at| fields.add(format!("q_k{at}"), format!("j_{at}")));
        fields.add(format!("min({label})"), "u_g");
        fields.add(format!("max({label})"), "u_h");
        fields.add("count(*)", "u_all");
    } else {
        fields.add("q_g", "u_g");
        fields.add("1", "u_all");
    }
    let plain = splits_rows(asked);
    let analysed = bit(&all(&taking.live));
    if plain {
        // Where each row takes part, counts of columns say the same as conditions row by row and cost less.
        fields.add("count(q_g)", "u_rows");
    } else {
        fields.add(count(&all(&named)), "u_rows");
        fields.add(count(&all(&unnamed)), "u_ung");
    }
    match (plain && !excluding, grouped) {
        (true, _) => fields.add(bit("count(q_g) > 0"), "u_w"),
        (_, true) => fields.add(format!("max({analysed})"), "u_w"),
        (_, false) => fields.add(analysed, "u_w"),
    }
    if asked.own.time.is_some() {
        fields.add(taking.of("min", &all(&named), "q_t"), "u_t");
        let ends = if grouped { ("min(q_t)", "max(q_t)") } else { ("q_t", "q_t") };
        fields.add(ends.0, "u_first");
        fields.add(ends.1, "u_last");
        fields
            .add(if grouped { "count(*) - count(q_t)".to_owned() } else { bit("q_t IS NULL") }, "u_undated");
        if asked.facts.iter().any(|(_, facts)| facts.time.is_some()) {
            fields.add(taking.of("min", &all(&named), "q_ts"), "u_ts");
        }
    }
    if early {
        fields.add("sum(q_e)", "u_early");
    }
    fields.append(added_up(asked, None, &taking));
    for (j, covariate) in asked.covariates.iter().enumerate() {
        if let AskedCovariate::Column { .. } = covariate {
            fields.add(taking.of("avg", &all(&taking.live), &format!("q_c{j}")), format!("u_c{j}"));
        }
    }
    for k in 0..asked.partitions.len() {
        fields.add(taking.of("min", &all(&taking.live), &format!("q_p{k}")), format!("u_p{k}"));
    }
    let by = if grouped { format!(" GROUP BY {}", keys(asked, "q_k")) } else { String::new() };
    let units = fields.from(&format!("({}) AS q_rows{by}", rows(asked, relation)));
    (fields, units)
}

/// Whether every row of `[data]` is one with a group or one without, so that one count tells the other.
pub fn splits_rows(asked: &Asked) -> bool {
    !asked.own.unit.is_empty() && asked.start.is_none()
}

/// Whether the units of a metric that lack a value are those that take part and have none: each of them has rows for it.
pub fn lacks_by_difference(metric: &AskedMetric) -> bool {
    metric.step.is_none() && metric.aggregate != Aggregate::Count && !counts_rows(metric, "u_")
}

/// The columns of the unit, of that prefix.
pub fn keys(asked: &Asked, prefix: &str) -> String {
    (0..asked.own.unit.len()).map(|at| format!("{prefix}{at}")).collect::<Vec<_>>().join(", ")
}

/// What the rows of a table add up to for metrics, funnels and rules.
pub fn added_up(asked: &Asked, from: Option<usize>, taking: &Taking) -> Fields {
    let mut fields = Fields::default();
    for (m, metric) in asked.metrics_of(from) {
        fields.append(of_metric(asked, m, metric, taking, &taking.live, "u_"));
        if let Some(before) = taking.before.as_ref().filter(|_| asked.is_before_wanted(m)) {
            fields.append(of_metric(asked, m, metric, taking, before, "b_"));
        }
    }
    for (f, funnel) in asked.funnels_of(from) {
        for i in 0..funnel.steps.len() {
            let came = format!("{} AND q_h{f}_{i} = 1", all(&taking.live));
            let dated = format!("{came} AND q_m{f} IS NOT NULL");
            let came = match funnel.ordered {
                true => asked.dialect.moments(&dated, &format!("q_m{f}")),
                false => format!("max({})", bit(&came)),
            };
            fields.add(came, format!("u_h{f}_{i}"));
        }
    }
    for (q, rule) in asked.rules_of(from) {
        let sum = |value: String| if taking.grouped { format!("sum({value})") } else { value };
        fields.add(sum(format!("q_r{q}")), format!("u_r{q}"));
        fields.add(sum(format!("q_b{q}")), format!("u_b{q}"));
        if rule.number.is_some() {
            let finite = format!("q_n{q} IS NOT NULL AND {}", asked.dialect.is_finite(&format!("q_n{q}")));
            fields.add(taking.count(&finite), format!("u_rn{q}"));
            for (name, function, value) in [
                ("rs", "sum", format!("q_n{q}")),
                ("rq", "sum", format!("({0}) * ({0})", asked.dialect.factor(&format!("q_n{q}")))),
                ("rl", "min", format!("q_n{q}")),
                ("rh", "max", format!("q_n{q}")),
            ] {
                fields.add(taking.of(function, &finite, &value), format!("u_{name}{q}"));
            }
        }
    }
    fields
}

/// Whether the rows of a unit that meet the filter are counted: of rows of `[data]` without a filter it is known whether there are
/// any.
fn counts_rows(metric: &AskedMetric, prefix: &str) -> bool {
    metric.from.is_some() || metric.filter.is_some() || prefix != "u_" || metric.aggregate == Aggregate::Rows
}

/// Rows that meet the filter, those of them with a value, and what these add up to.
fn of_metric(
    asked: &Asked,
    m: usize,
    metric: &AskedMetric,
    taking: &Taking,
    conditions: &[String],
    prefix: &str,
) -> Fields {
    let mut conditions = conditions.to_vec();
    conditions.extend(metric.filter.iter().map(|_| format!("q_f{m} = 1")));
    let mut fields = Fields::default();
    if counts_rows(metric, prefix) {
        fields.add(taking.count(&all(&conditions)), format!("{prefix}s{m}"));
    }
    // Aggregates of one value pass over what is not there by themselves.
    if metric.values.len() > 1 || matches!(metric.aggregate, Aggregate::Count | Aggregate::Rows) {
        conditions.extend((0..metric.values.len()).map(|i| format!("q_v{m}_{i} IS NOT NULL")));
    }
    let valued = all(&conditions);
    if matches!(metric.aggregate, Aggregate::Count | Aggregate::Rows) {
        fields.add(taking.count(&valued), format!("{prefix}n{m}"));
    }
    if metric.aggregate == Aggregate::Count {
        return fields;
    }
    let function = match metric.aggregate {
        Aggregate::Mean => "avg",
        Aggregate::Max | Aggregate::Any => "max",
        Aggregate::Min => "min",
        Aggregate::Sum | Aggregate::Rows | Aggregate::Count => "sum",
    };
    for i in 0..metric.values.len() {
        let own = format!("q_v{m}_{i}");
        let mut value = taking.of(function, &valued, &own);
        if taking.grouped && matches!(metric.aggregate, Aggregate::Max | Aggregate::Min) {
            // Servers pass over what is undefined in an extreme, or take it for the largest; here it stays undefined.
            let undefined = asked.dialect.is_undefined(&own);
            let zero = asked.dialect.number(0.0);
            value.push_str(&format!(" + sum(CASE WHEN {valued} AND {undefined} THEN {own} ELSE {zero} END)"));
        }
        fields.add(value, format!("{prefix}x{m}_{i}"));
    }
    fields
}

/// Units with their class, their day, and one value a metric; NULL where there is none. Of facts only where they are joined.
fn settled(asked: &Asked, units: &str, joined: bool) -> String {
    let is_there = |from: Option<usize>| joined || from.is_none();
    let grouped = !asked.own.unit.is_empty();
    let mut classes = Vec::new();
    if grouped {
        classes.push((asked.key.is_none("j_"), WITHOUT_UNIT));
    }
    if joined && !asked.facts.is_empty() {
        classes.push(("u_all IS NULL".to_owned(), UNEXPOSED));
    }
    classes.push(("u_g IS NULL".to_owned(), WITHOUT_GROUP));
    if grouped {
        classes.push(("u_g <> u_h".to_owned(), IN_TWO_GROUPS));
    }
    let classes: Vec<String> =
        classes.iter().map(|(condition, class)| format!("WHEN {condition} THEN {class}")).collect();
    let mut fields = vec![format!(
        "CASE {} ELSE {IN_ONE_GROUP} END AS z_class, u_g AS z_g, u_all AS z_all, u_rows AS z_rows, u_w AS z_w",
        classes.join(" ")
    )];
    if !splits_rows(asked) {
        fields.push("u_ung AS z_ung".to_owned());
    }
    if asked.own.time.is_some() {
        fields.push("u_t AS z_t, u_first AS z_first, u_last AS z_last, u_undated AS z_undated".to_owned());
    }
    if asked.start.is_some() {
        fields.push("u_early AS z_early".to_owned());
    }
    for (m, metric) in asked.metrics.iter().enumerate().filter(|(_, metric)| is_there(metric.from)) {
        if let Some((f, step)) = metric.step {
            let reached = reached(asked, f, step);
            let (one, zero) = (asked.dialect.number(1.0), asked.dialect.number(0.0));
            fields.push(format!(
                "CASE WHEN u_w = 0 THEN NULL WHEN {reached} THEN {one} ELSE {zero} END AS z_x{m}_0, 0 AS z_m{m}"
            ));
            continue;
        }
        let adds_rows = !matches!(metric.aggregate, Aggregate::Count | Aggregate::Rows);
        for i in 0..metric.variables() {
            if adds_rows && metric.from.is_none() && !metric.with_zeros {
                // Without rows that take part there is none.
                fields.push(format!("u_x{m}_{i} AS z_x{m}_{i}"));
                continue;
            }
            // A unit whose rows a rule leaves out has no value, not even none.
            let branches = value(asked, metric, m, i, "u_", metric.with_zeros);
            fields.push(format!("CASE WHEN u_w = 0 THEN NULL {branches} END AS z_x{m}_{i}"));
        }
        if lacks_by_difference(metric) {
            continue;
        }
        fields.push(match metric.aggregate {
            Aggregate::Rows => format!("CASE WHEN u_w = 1 THEN u_s{m} - u_n{m} ELSE 0 END AS z_m{m}"),
            Aggregate::Count => format!("0 AS z_m{m}"),
            _ => {
                let (some, _) = with_rows(metric, m, "u_");
                format!("{} AS z_m{m}", bit(&format!("u_w = 1 AND {some} AND u_x{m}_0 IS NULL")))
            }
        });
    }
    for (j, covariate) in asked.covariates.iter().enumerate() {
        if let AskedCovariate::Before { metric, .. } = covariate
            && !is_there(asked.metrics[*metric].from)
        {
            continue;
        }
        fields.push(match covariate {
            AskedCovariate::Column { .. } => format!("u_c{j} AS z_c{j}"),
            AskedCovariate::Before { metric, value: i, .. } => {
                let of = &asked.metrics[*metric];
                format!("CASE {} END AS z_c{j}", value(asked, of, *metric, *i, "b_", of.adds_up()))
            }
        });
    }
    fields.extend((0..asked.partitions.len()).map(|k| format!("u_p{k} AS z_p{k}")));
    for (q, rule) in asked.rules.iter().enumerate().filter(|(_, rule)| is_there(rule.from)) {
        fields.push(format!("u_r{q} AS z_r{q}, u_b{q} AS z_b{q}"));
        if rule.number.is_some() {
            let names = ["rn", "rs", "rq", "rl", "rh"].map(|name| format!("u_{name}{q} AS z_{name}{q}"));
            fields.push(names.join(", "));
        }
    }
    let facts = if joined { asked.facts.len() } else { 0 };
    fields.extend((0..facts).flat_map(|at| super::facts::passed_on(asked, at, "v", "y")));
    format!("SELECT {} FROM ({units}) AS q_units{}", fields.join(", "), asked.dialect.kept_apart())
}

/// The value of a unit, as the branches of a CASE.
fn value(asked: &Asked, metric: &AskedMetric, m: usize, i: usize, prefix: &str, with_zeros: bool) -> String {
    let own = match (metric.aggregate, i) {
        (Aggregate::Count, _) | (Aggregate::Rows, 1) => asked.dialect.double(&format!("{prefix}n{m}")),
        _ => format!("{prefix}x{m}_{i}"),
    };
    let zero = asked.dialect.number(0.0);
    // What no row adds to is NULL.
    let (some, none) = with_rows(metric, m, prefix);
    let mut branches = vec![match metric.aggregate {
        Aggregate::Count | Aggregate::Rows => format!("WHEN {prefix}n{m} > 0 THEN {own}"),
        _ => format!("WHEN {own} IS NOT NULL THEN {own}"),
    }];
    if metric.aggregate == Aggregate::Count {
        branches.push(format!("WHEN {some} THEN {zero}"));
    }
    if with_zeros {
        branches.push(format!("WHEN {none} THEN {zero}"));
    }
    branches.join(" ")
}

/// Whether a unit has rows that meet the filter of a metric, and whether it has none.
fn with_rows(metric: &AskedMetric, m: usize, prefix: &str) -> (String, String) {
    let rows = format!("{prefix}s{m}");
    match (counts_rows(metric, prefix), metric.from) {
        (false, _) => ("u_w = 1".to_owned(), "u_w = 0".to_owned()),
        (true, None) => (format!("{rows} > 0"), format!("{rows} = 0")),
        // Units without a row of the facts have not even a count of them.
        (true, Some(_)) => (format!("{rows} > 0"), format!("coalesce({rows}, 0) = 0")),
    }
}

/// Whether a unit came as far as a step.
fn reached(asked: &Asked, f: usize, step: usize) -> String {
    if !asked.funnels[f].ordered {
        return all(&(0..=step).map(|i| format!("u_h{f}_{i} = 1")).collect::<Vec<_>>());
    }
    let first = asked.dialect.first_moment(&format!("u_h{f}_0"));
    let moment = (1..=step).fold(first, |since, i| asked.dialect.earliest(&format!("u_h{f}_{i}"), &since));
    asked.dialect.is_reached(&moment)
}
