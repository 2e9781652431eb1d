//! From the lines of the answer to [`Sums`].

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::asked::Asked;
use super::sql::{
    COMMON, IN_ONE_GROUP, IN_TWO_GROUPS, MOST_LINES, OF_COVARIATE, OF_FACTS, OF_RULE, RECENT, WITHOUT_UNIT,
    of_metric, variables,
};
use crate::stats::Moments;
use crate::stats::comoments::Comoments;
use crate::stats::shape_moments::ShapeMoments;
use crate::sums::{
    ArmSums, Cell, ColumnSums, Covariate, Exposure, FactsSums, Key, MOST_VALUES, MetricSums, OfUnits,
    Partition, Sums, Table, ValueTable,
};

/// A centre further from the mean than so many standard deviations costs too many digits.
const FURTHEST: f64 = 10.0;

/// Third and fourth powers of larger differences may be too large for a number.
const LARGEST_BASE: f64 = 1e75;

/// Lines of sums by cell; all others are values with their counts.
const CELLS: i64 = 0;

/// One line of the answer, its fields as text; none for NULL.
pub type Line = Vec<Option<String>>;

/// What came of an answer.
pub struct Answered {
    /// The sums of all lines.
    pub sums: Sums,
    /// Where nights add to the ones before: the sums of settled days and of the others.
    pub portions: Option<[Sums; 2]>,
    /// The means of all variables, where a centre was so far from one that digits were lost.
    pub ask_again: Option<Vec<f64>>,
}

/// One line, read.
struct Read {
    part: i64,
    /// Of days that are not settled.
    recent: bool,
    number: i64,
    group: Option<String>,
    day: Option<Date>,
    lacking: u32,
    parts: Vec<String>,
    numbers: Vec<f64>,
}

/// Puts the sums together.
///
/// # Errors
/// A line that is not of the form that was asked for, in words.
pub fn answered(asked: &Asked, lines: &[Line]) -> Result<Answered, String> {
    let read = lines.iter().map(|line| self::read(asked, line)).collect::<Result<Vec<Read>, String>>()?;
    let all: Vec<&Read> = read.iter().collect();
    let sums = together(asked, &all)?;
    let ask_again = far(asked, &sums, all.iter().find(|line| line.part == CELLS).copied());
    let of = |recent: bool| {
        let own: Vec<&Read> = all.iter().filter(|line| line.recent == recent).copied().collect();
        together(asked, &own)
    };
    let portions = if asked.span.is_some() { Some([of(false)?, of(true)?]) } else { None };
    Ok(Answered { sums, portions, ask_again })
}

/// The sums of some lines.
fn together(asked: &Asked, read: &[&Read]) -> Result<Sums, String> {
    let mut sums = Sums {
        partitions: asked
            .partitions
            .iter()
            .map(|(by, _)| Partition { by: by.clone(), parts: Vec::new() })
            .collect(),
        ..Sums::default()
    };
    // Lines come in any order; sums are the same whatever it is.
    let cells: Vec<&Read> = read.iter().filter(|line| line.part == CELLS).copied().collect();
    let in_groups = || cells.iter().filter(|line| line.number == IN_ONE_GROUP);
    let mut groups: Vec<String> = in_groups().filter_map(|line| line.group.clone()).collect();
    groups.sort_unstable();
    groups.dedup();
    for (k, partition) in sums.partitions.iter_mut().enumerate() {
        partition.parts = in_groups().map(|line| line.parts[k].clone()).collect();
        partition.parts.sort_unstable();
        partition.parts.dedup();
    }
    sums.groups = groups;
    let metrics = asked.metrics.iter().map(|metric| MetricSums {
        metric: metric.id.clone(),
        values: metric.variables(),
        covariates: metric
            .covariates
            .iter()
            .map(|j| Covariate { name: asked.covariates[*j].name().to_owned(), known: Moments::EMPTY })
            .collect(),
        strata: metric.strata,
        groups: vec![ArmSums::default(); sums.groups.len()],
    });
    sums.metrics = metrics.collect();
    let facts = asked.facts.iter().map(|(name, _)| FactsSums { name: name.clone(), ..FactsSums::default() });
    sums.facts = facts.collect();
    let mut days: Option<(Date, Date)> = None;
    let mut rules = vec![[0.0; OF_RULE]; asked.rules.len()];
    let mut ordered = cells.clone();
    ordered.sort_by(|a, b| {
        (a.number, &a.group, a.day, a.lacking, &a.parts)
            .cmp(&(b.number, &b.group, b.day, b.lacking, &b.parts))
    });
    for line in ordered {
        common(&mut sums, line, &mut days);
        for (rule, numbers) in rules.iter_mut().zip(line.numbers[COMMON..].chunks(OF_RULE)) {
            add_rule(rule, numbers);
        }
        let facts = line.numbers[COMMON + OF_RULE * asked.rules.len()..].chunks(OF_FACTS);
        for (facts, numbers) in sums.facts.iter_mut().zip(facts) {
            of_facts(facts, line.number, numbers);
        }
        if line.number == IN_ONE_GROUP {
            of_cell(asked, &mut sums, line)?;
        }
    }
    sums.time = days.map(|(first, last)| (first.at(0, 0, 0, 0), last.at(0, 0, 0, 0)));
    for (rule, numbers) in asked.rules.iter().zip(&rules) {
        let rows = rule.from.map_or(sums.rows.total, |at| sums.facts[at].rows);
        let found = column(rule.column.clone(), rule.number.is_some(), numbers, rows);
        match rule.from {
            None => sums.columns.push(found),
            Some(at) => sums.facts[at].columns.push(found),
        }
    }
    tables(asked, &mut sums, read);
    Ok(sums)
}

fn read(asked: &Asked, line: &Line) -> Result<Read, String> {
    let fields = 6 + asked.partitions.len();
    if line.len() != fields {
        return Err(format!("a line has {} fields, and {fields} were asked for", line.len()));
    }
    let whole = |at: usize| -> Result<Option<i64>, String> {
        let Some(text) = &line[at] else { return Ok(None) };
        text.parse().map(Some).map_err(|_| format!("`{text}` is no whole number"))
    };
    let wanted = |at: usize| whole(at)?.ok_or_else(|| "a number is missing".to_owned());
    let numbers = line[fields - 1].as_deref().unwrap_or("");
    let numbers = numbers.trim_matches(['{', '}', '[', ']']).split(',').filter(|text| !text.is_empty());
    let numbers = numbers
        .map(|text| text.trim().parse::<f64>().map_err(|_| format!("`{text}` is no number")))
        .collect::<Result<Vec<f64>, String>>()?;
    let (part, recent) = (wanted(0)? % RECENT, wanted(0)? >= RECENT);
    let expected = match part {
        CELLS => {
            COMMON
                + OF_RULE * asked.rules.len()
                + OF_FACTS * asked.facts.len()
                + OF_COVARIATE * asked.covariates.len()
                + asked.metrics.iter().map(of_metric).sum::<usize>()
                + variables(asked)
        }
        _ => 2,
    };
    if numbers.len() != expected {
        return Err(format!("a line has {} numbers, and {expected} were asked for", numbers.len()));
    }
    let number = wanted(1)?;
    if part != CELLS && usize::try_from(number).map_or(true, |number| number >= asked.metrics.len()) {
        return Err(format!("there is no metric {number}"));
    }
    Ok(Read {
        part,
        recent,
        number,
        group: line[2].as_deref().map(|label| label.trim().to_owned()),
        day: whole(3)?.and_then(date),
        lacking: u32::try_from(wanted(4)?).map_err(|_| "too many covariates".to_owned())?,
        parts: line[5..fields - 1]
            .iter()
            .map(|part| part.clone().unwrap_or_default().trim().to_owned())
            .collect(),
        numbers,
    })
}

fn date(day: i64) -> Option<Date> {
    Date::constant(1970, 1, 1).checked_add(jiff::Span::new().try_days(day).ok()?).ok()
}

fn count(number: f64) -> u64 {
    if number > 0.0 { number.round() as u64 } else { 0 }
}

fn common(sums: &mut Sums, line: &Read, days: &mut Option<(Date, Date)>) {
    let [units, analysed, rows, unnamed, all, undated, early, with_early, first, last] =
        std::array::from_fn(|at| line.numbers[at]);
    let of = &mut sums.rows;
    of.total += count(all);
    of.without_group += count(unnamed);
    of.without_time += count(undated);
    of.early += count(early);
    of.early_units += count(with_early);
    match line.number {
        WITHOUT_UNIT => of.without_unit += count(all),
        IN_TWO_GROUPS => of.mixed_units += count(units),
        IN_ONE_GROUP => {}
        // Units without a group were seen before the experiment only, or never in a group.
        _ => of.never_since += count(with_early),
    }
    let dated = count(all) > count(undated);
    if let (true, Some(first), Some(last)) = (dated && last > 0.0, date(first as i64), date(last as i64)) {
        *days = Some(days.map_or((first, last), |(a, b)| (a.min(first), b.max(last))));
    }
    if line.number == IN_ONE_GROUP
        && let Some(group) = line.group.as_ref().and_then(|id| sums.groups.iter().position(|g| g == id))
    {
        let parts = places(sums, &line.parts);
        sums.expose(Exposure {
            group,
            day: line.day,
            parts,
            units: count(units),
            analysed: count(analysed),
            rows: count(rows),
        });
    }
}

/// The rows of facts of units of one class.
fn of_facts(facts: &mut FactsSums, class: i64, numbers: &[f64]) {
    let [rows, units, late, early, early_units, bad, used, used_units, out, out_units, undated, first, last] =
        std::array::from_fn(|at| numbers.get(at).copied().unwrap_or(0.0));
    let of = |rows: f64, units: f64| OfUnits { rows: count(rows), units: count(units) };
    facts.rows += count(rows);
    facts.undated += count(undated);
    match class {
        WITHOUT_UNIT => facts.without_unit += count(rows),
        IN_TWO_GROUPS => facts.mixed += of(rows, units),
        IN_ONE_GROUP => {
            facts.excluded_units += of(out, out_units);
            facts.without_time += count(late);
            facts.early += of(early, early_units);
            facts.invalid += count(bad);
            facts.used += of(used, used_units);
        }
        _ => facts.unknown += of(rows, units),
    }
    let dated = count(rows) > count(undated) && last > 0.0;
    if let (true, Some(first), Some(last)) = (dated, date(first as i64), date(last as i64)) {
        let (first, last) = (first.at(0, 0, 0, 0), last.at(0, 0, 0, 0));
        facts.time = Some(facts.time.map_or((first, last), |(a, b)| (a.min(first), b.max(last))));
    }
}

fn places(sums: &Sums, labels: &[String]) -> Vec<u32> {
    let place = |(partition, label): (&Partition, &String)| {
        partition.parts.iter().position(|part| part == label).unwrap_or(0) as u32
    };
    sums.partitions.iter().zip(labels).map(place).collect()
}

fn add_rule(rule: &mut [f64; OF_RULE], numbers: &[f64]) {
    let had = rule[2] > 0.0;
    let has = numbers[2] > 0.0;
    for (at, total) in rule.iter_mut().enumerate() {
        *total = match at {
            5 if had && has => total.min(numbers[at]),
            6 if had && has => total.max(numbers[at]),
            5 | 6 if has => numbers[at],
            5 | 6 => *total,
            _ => *total + numbers[at],
        };
    }
}

fn column(name: String, is_number: bool, numbers: &[f64; OF_RULE], rows: u64) -> ColumnSums {
    let [values, broken, finite, sum, squares, low, high] = *numbers;
    let known = finite > 0.0;
    let moments = ShapeMoments::from_powers(count(finite), 0.0, [sum, squares, 0.0, 0.0]).moments();
    ColumnSums {
        name,
        moments: is_number.then_some(moments),
        min: known.then_some(low),
        max: known.then_some(high),
        count: count(values),
        missing: rows.saturating_sub(count(values)),
        non_finite: if is_number { count(values) - count(finite).min(count(values)) } else { 0 },
        invalid: count(broken),
    }
}

/// The metrics of one cell.
fn of_cell(asked: &Asked, sums: &mut Sums, line: &Read) -> Result<(), String> {
    let Some(group) = line.group.as_ref().and_then(|id| sums.groups.iter().position(|g| g == id)) else {
        return Ok(());
    };
    let parts = places(sums, &line.parts);
    let centres = &line.numbers[line.numbers.len() - variables(asked)..];
    let of_covariates = centres.len() - asked.covariates.len();
    let mut rest = &line.numbers[COMMON + OF_RULE * asked.rules.len() + OF_FACTS * asked.facts.len()..];
    let mut known = Vec::with_capacity(asked.covariates.len());
    for j in 0..asked.covariates.len() {
        let (own, after) = rest.split_at(OF_COVARIATE);
        rest = after;
        let powers = [own[1], own[2], 0.0, 0.0];
        known.push(ShapeMoments::from_powers(count(own[0]), centres[of_covariates + j], powers).moments());
    }
    let mut at = 0;
    for (metric, own) in asked.metrics.iter().zip(&mut sums.metrics) {
        for (j, covariate) in metric.covariates.iter().zip(&mut own.covariates) {
            covariate.known = covariate.known.merge(&known[*j]);
        }
        let (numbers, after) = rest.split_at(of_metric(metric));
        rest = after;
        let values = metric.variables();
        let mut centre: Vec<f64> = centres[at..at + values].to_vec();
        at += values;
        centre.extend(metric.covariates.iter().map(|j| centres[of_covariates + j]));
        let lacking = metric
            .covariates
            .iter()
            .enumerate()
            .fold(0, |bits, (own, j)| bits | (line.lacking >> j & 1) << own);
        let key = Key { day: line.day, parts: parts.clone(), lacking };
        let cell = cell(key, numbers, &centre).map_err(|reason| reason.to_string())?;
        own.groups[group].add(cell).map_err(|reason| reason.to_string())?;
    }
    Ok(())
}

/// A cell from sums of powers and products of differences from the centres.
fn cell(key: Key, numbers: &[f64], centre: &[f64]) -> Result<Cell, crate::stats::Undefined> {
    let (head, rest) = numbers.split_at(11);
    let [units, missing, non_finite, zeros, ones, low, high, s1, s2, s3, s4] =
        std::array::from_fn(|at| head[at]);
    let d = centre.len();
    let n = count(units);
    let (others, products) = rest.split_at(d - 1);
    let sums: Vec<f64> = std::iter::once(s1).chain(others.iter().copied()).collect();
    let raw: Vec<f64> = std::iter::once(s2).chain(products.iter().copied()).collect();
    let count_of = units.max(1.0);
    let mut products = Vec::with_capacity(raw.len());
    let mut next = raw.iter();
    for j in 0..d {
        for k in j..d {
            let about_centre = next.next().copied().unwrap_or(0.0);
            let product = about_centre - sums[j] * (sums[k] / count_of);
            products.push(if j == k { product.max(0.0) } else { product });
        }
    }
    let means = match n {
        0 => vec![0.0; d],
        _ => sums.iter().zip(centre).map(|(sum, centre)| centre + sum / count_of).collect(),
    };
    // Servers refuse such powers, leave them infinite, or were given others.
    let is_too_large = n > 0 && (low - centre[0]).abs().max((high - centre[0]).abs()) > LARGEST_BASE;
    let [s3, s4] = if is_too_large { [f64::NAN; 2] } else { [s3, s4] };
    Ok(Cell {
        key,
        joint: Comoments::from_parts(n, means, products)?,
        shape: ShapeMoments::from_powers(n, centre[0], [s1, s2, s3, s4]),
        range: (n > 0).then_some((low, high)),
        zeros: count(zeros),
        ones: count(ones),
        missing: count(missing),
        non_finite: count(non_finite),
    })
}

/// The tables of values, where all their lines came.
fn tables(asked: &Asked, sums: &mut Sums, read: &[&Read]) {
    let mut found: BTreeMap<(usize, &str), Vec<(f64, u64)>> = BTreeMap::new();
    let mut lines = vec![0_usize; asked.metrics.len()];
    for line in read.iter().filter(|line| line.part != CELLS) {
        let metric = line.number as usize;
        lines[metric] += 1;
        if let (Some(group), [value, times]) = (&line.group, line.numbers.as_slice()) {
            found.entry((metric, group)).or_default().push((*value, count(*times)));
        }
    }
    for (m, own) in sums.metrics.iter_mut().enumerate() {
        if asked.metrics[m].table == super::asked::Wish::No {
            continue;
        }
        for (id, arm) in sums.groups.iter().zip(&mut own.groups) {
            let values = found.remove(&(m, id.as_str())).unwrap_or_default();
            let units: u64 = arm.cells.iter().map(|cell| cell.joint.n()).sum();
            let table: ValueTable = values.into_iter().collect();
            let too_many = lines[m] >= MOST_LINES || table.pairs().len() > MOST_VALUES;
            // Where few rows were asked for and there are more, no line comes at all.
            arm.table = match () {
                () if too_many => Table::TooManyValues,
                () if table.units() == units => Table::Kept(table),
                () => Table::NotAsked,
            };
        }
    }
}

/// The means of all variables where some centre was far from one.
fn far(asked: &Asked, sums: &Sums, first: Option<&Read>) -> Option<Vec<f64>> {
    let centres = first.map(|line| &line.numbers[line.numbers.len() - variables(asked)..])?;
    let mut means = Vec::with_capacity(centres.len());
    let mut is_far = false;
    let mut see = |moments: Moments, centre: f64| {
        let shape = ShapeMoments { n: moments.n, mean: moments.mean, m2: moments.m2, m3: 0.0, m4: 0.0 };
        is_far |= moments.n > 1 && moments.m2 > 0.0 && shape.distance(centre) > FURTHEST;
        means.push(if moments.n > 0 { moments.mean } else { centre });
    };
    let mut at = 0;
    for (metric, asked_metric) in sums.metrics.iter().zip(&asked.metrics) {
        for value in 0..asked_metric.variables() {
            let cells = metric.groups.iter().flat_map(|arm| &arm.cells);
            let moments = cells.filter_map(|cell| cell.joint.of_variable(value));
            see(moments.reduce(|a, b| a.merge(&b)).unwrap_or_default(), centres[at]);
            at += 1;
        }
    }
    for j in 0..asked.covariates.len() {
        let known = sums.metrics.iter().zip(&asked.metrics).find_map(|(metric, of)| {
            let own = of.covariates.iter().position(|covariate| *covariate == j)?;
            Some(metric.covariates[own].known)
        });
        see(known.unwrap_or_default(), centres[at]);
        at += 1;
    }
    is_far.then_some(means)
}
