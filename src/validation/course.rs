//! The effect by the day on which units came in: does novelty wear off, do people learn?

use std::collections::{BTreeMap, BTreeSet};

use super::segments::drawn_in;
use super::summed;
use crate::config::valid::{Adjustment, Aggregate, Config, MetricKind, MetricSource, Role};
use crate::data::{Dataset, GroupValues};
use crate::diag::Diagnostic;
use crate::metrics::gather;
use crate::metrics::outcome::MetricOutcome;
use crate::proof::novelty::{Course, DayEffect, course};
use crate::stats::bivariate::BivariateMoments;
use crate::stats::ratio::ratio_of_means;
use crate::stats::{Level, Moments};
use crate::sums::Sums;

/// The cohorts of several groups together, by their ids.
type CohortsOf<'a> = Box<dyn Fn(&[&str]) -> Cohorts + 'a>;

/// Units of a day in either group below which the day says nothing by itself.
pub const FEWEST: usize = 20;

/// The effect of the primary metric in one pair, by the day units came in.
#[derive(Clone, Debug)]
pub struct ByDay {
    /// Metric id.
    pub metric: String,
    /// Control of the pair.
    pub control: String,
    /// Treatment of the pair.
    pub treatment: String,
    /// The first day, from which days are counted.
    pub start: jiff::civil::Date,
    /// The effect of each day.
    pub days: Vec<DayEffect>,
    /// Days on which units came in, but too few to say anything by themselves.
    pub left_out: usize,
    /// What their course says.
    pub found: Course,
}

/// The course of every pair of the primary metric with the control; empty where the time of exposures is not known.
///
/// Cohorts of different days are different units, so days are independent.
///
/// # Errors
/// An expression that the data refuse.
pub fn run(config: &Config, data: &Dataset, outcomes: &[MetricOutcome]) -> Result<Vec<ByDay>, Diagnostic> {
    let Some(daily) = &data.daily else { return Ok(Vec::new()) };
    let (Some(o), Some((start, _))) =
        (outcomes.iter().find(|o| o.metric.role == Role::Primary), daily.days.first())
    else {
        return Ok(Vec::new());
    };
    let (Some(control), Some(level)) = (o.groups.first(), Level::from_alpha(config.design.alpha)) else {
        return Ok(Vec::new());
    };
    let MetricSource::Rows(rows) = &o.metric.source else { return Ok(Vec::new()) };
    if matches!(o.metric.kind, MetricKind::Quantile { .. })
        || rows.aggregate == Aggregate::Rows
        || data.has_counts_only()
    {
        return Ok(Vec::new());
    }
    let separate: Vec<&str> = o.separate.iter().map(|g| g.id.as_str()).collect();
    let limits = o.handling.winsorized;
    let cohorts: CohortsOf = match data.sums() {
        // Sums of days are of the values as they are.
        Some(_) if limits.is_some() => return Ok(Vec::new()),
        Some(sums) => Box::new(move |ids| of_sums(sums, &o.metric.id, ids, *start)),
        None => {
            let Some(days) = data.unit_day() else { return Ok(Vec::new()) };
            let mut groups = gather(data, &o.metric, rows, &Adjustment::default())?.groups;
            drawn_in(&mut groups, limits);
            Box::new(move |ids| of_rows(&groups, ids, &days))
        }
    };
    let by_day = |id: &str| match id == control.id && !separate.is_empty() {
        true => cohorts(&separate),
        false => cohorts(&[id]),
    };
    let base = by_day(&control.id);
    let mut found = Vec::new();
    for c in o.comparisons.iter().filter(|c| c.control == control.id) {
        let other = by_day(&c.treatment);
        let effects: Vec<DayEffect> = base
            .iter()
            .filter_map(|(day, cohort)| {
                let (control, treatment) = ((*cohort)?, (*other.get(day)?)?);
                let se = (control.variance + treatment.variance).sqrt();
                let size = control.units * treatment.units / (control.units + treatment.units);
                let estimate = treatment.value - control.value;
                (se > 0.0).then_some(DayEffect { day: *day, estimate, se, size })
            })
            .collect();
        let Ok(answer) = course(&effects, None, level) else { continue };
        let with_units: BTreeSet<&u32> = base.keys().chain(other.keys()).collect();
        found.push(ByDay {
            metric: o.metric.id.clone(),
            control: c.control.clone(),
            treatment: c.treatment.clone(),
            start: *start,
            left_out: with_units.len() - effects.len(),
            days: effects,
            found: answer,
        });
    }
    Ok(found)
}

/// The units that came in on one day.
#[derive(Clone, Copy)]
struct Cohort {
    value: f64,
    /// The squared standard error of the value.
    variance: f64,
    units: f64,
}

/// By day counted from the first one; none where too few units came in.
type Cohorts = BTreeMap<u32, Option<Cohort>>;

fn of_rows(groups: &[GroupValues], meant: &[&str], days: &[Option<u32>]) -> Cohorts {
    let mut cohorts: BTreeMap<u32, Vec<Vec<f64>>> = BTreeMap::new();
    for group in groups.iter().filter(|group| meant.contains(&group.group.as_str())) {
        for (at, unit) in group.units.iter().enumerate() {
            let Some(day) = days.get(*unit as usize).copied().flatten() else { continue };
            let cohort = cohorts.entry(day).or_insert_with(|| vec![Vec::new(); group.values.len()]);
            cohort.iter_mut().zip(&group.values).for_each(|(column, values)| column.push(values[at]));
        }
    }
    cohorts.into_iter().map(|(day, columns)| (day, point(&columns))).collect()
}

fn of_sums(sums: &Sums, metric: &str, meant: &[&str], start: jiff::civil::Date) -> Cohorts {
    let Some(metric) = sums.metric(metric) else { return Cohorts::new() };
    let days: BTreeSet<_> = metric.groups.iter().flat_map(|arm| arm.days()).collect();
    let cohort = |day: jiff::civil::Date| {
        let number = u32::try_from(start.until(day).ok()?.get_days()).ok()?;
        let values = summed::values(sums, metric, meant, |key| key.day == Some(day))?;
        let units = values.n();
        let point = if units >= FEWEST as u64 { summed::point(&values) } else { None };
        Some((number, point.map(|(value, variance)| Cohort { value, variance, units: units as f64 })))
    };
    days.into_iter().filter_map(cohort).collect()
}

/// What a cohort says by itself.
fn point(columns: &[Vec<f64>]) -> Option<Cohort> {
    let units = columns.first()?.len();
    if units < FEWEST {
        return None;
    }
    let (value, variance) = match columns {
        [values] => {
            let moments = Moments::from_slice(values);
            (moments.mean, moments.variance_of_mean()?)
        }
        [numerator, denominator] => {
            let moments = BivariateMoments::from_slices(numerator, denominator).ok()?;
            let estimate = ratio_of_means(&moments).ok()?;
            (estimate.value, estimate.variance)
        }
        _ => return None,
    };
    Some(Cohort { value, variance, units: units as f64 })
}
