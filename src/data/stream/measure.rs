//! What a pass is asked: the expressions of the metrics and of the overview, each evaluated once a part.

use polars::prelude::*;

use super::sketch::Sketch;
use super::tally::{Tally, Values, add_rows};
use crate::config::valid::{Aggregate, Metric, MetricKind, MetricSource};
use crate::data::expression::{Expression, evaluate, parse};
use crate::data::failure::sentence;
use crate::data::numbers::Numbers;
use crate::data::query::{is_number, is_predicate};
use crate::data::spec::has_zero;
use crate::diag::Diagnostic;

/// One or two expressions with their condition: what one [`Tally`] a place is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Measure {
    /// Expressions, or numerator and denominator.
    pub values: Vec<String>,
    pub filter: Option<String>,
    /// A row with any value counts as 1.
    pub counts: bool,
    /// Rows that do not meet the condition are units with nothing.
    pub with_zeros: bool,
    /// Rows outside of all groups are measured, too: the overview is made of it.
    pub whole: bool,
    /// Values are counted by group: medians and charts are made of it.
    pub charted: bool,
}

impl Measure {
    /// What a metric asks of rows that are units; none for metrics that are not made of them.
    pub(crate) fn of(metric: &Metric) -> Option<Measure> {
        let MetricSource::Rows(rows) = &metric.source else { return None };
        let mut values = vec![rows.value.clone()];
        if metric.kind == MetricKind::Ratio {
            values.push(rows.denominator.clone().unwrap_or_else(|| "1".to_string()));
        }
        // A row is a unit, so all aggregates but the count are its value.
        let counts = rows.aggregate == Aggregate::Count && values.len() == 1;
        let aggregate = if values.len() > 1 { Aggregate::Sum } else { rows.aggregate };
        let with_zeros = rows.filter.is_some() && has_zero(aggregate, rows.population);
        let charted = metric.kind == MetricKind::Mean;
        Some(Measure { values, filter: rows.filter.clone(), counts, with_zeros, whole: false, charted })
    }

    /// The column of that name over all rows, for the overview.
    pub(crate) fn column(name: &str) -> Measure {
        Measure {
            values: vec![name.to_string()],
            filter: None,
            counts: false,
            with_zeros: false,
            whole: true,
            charted: false,
        }
    }

    /// Whether the sums of `self` hold the answer to `other`.
    fn answers(&self, other: &Measure) -> bool {
        Measure { whole: other.whole, charted: other.charted, ..self.clone() } == *other
    }
}

/// What a measure found in a part: tallies by place, and counts of values by group.
type Measured = (Vec<Tally>, Vec<Sketch>);

/// The measures of a pass, their expressions parsed.
pub(crate) struct Measures {
    list: Vec<(Measure, Vec<usize>, Option<usize>)>,
    /// Expressions, and whether only their presence is asked.
    values: Vec<(String, Expression, bool)>,
    filters: Vec<(String, Expression)>,
}

impl Measures {
    /// Nothing is asked yet.
    pub(crate) fn new() -> Measures {
        Measures { list: Vec::new(), values: Vec::new(), filters: Vec::new() }
    }

    /// Asks for a measure; the answer is the number under which its sums are kept.
    ///
    /// # Errors
    /// SQL that does not parse.
    pub(crate) fn ask(&mut self, measure: Measure, columns: &[String]) -> Result<usize, Vec<Diagnostic>> {
        if let Some(known) = self.number(&measure) {
            self.list[known].0.whole |= measure.whole;
            self.list[known].0.charted |= measure.charted;
            return Ok(known);
        }
        let mut values = Vec::with_capacity(measure.values.len());
        for sql in &measure.values {
            let known =
                self.values.iter().position(|(known, _, counts)| known == sql && *counts == measure.counts);
            values.push(match known {
                Some(at) => at,
                None => {
                    let parsed = parse(sql, &format!("`{sql}`"), columns)?;
                    self.values.push((sql.clone(), parsed, measure.counts));
                    self.values.len() - 1
                }
            });
        }
        let filter = match &measure.filter {
            None => None,
            Some(sql) => Some(match self.filters.iter().position(|(known, _)| known == sql) {
                Some(at) => at,
                None => {
                    self.filters.push((sql.clone(), parse(sql, &format!("`{sql}`"), columns)?));
                    self.filters.len() - 1
                }
            }),
        };
        self.list.push((measure, values, filter));
        Ok(self.list.len() - 1)
    }

    /// How many values a measure has a row: two for a ratio.
    pub(crate) fn values(&self, measure: usize) -> usize {
        self.list[measure].1.len()
    }

    /// The number of the sums that hold the answer to a measure.
    pub(crate) fn number(&self, measure: &Measure) -> Option<usize> {
        self.list.iter().position(|(known, ..)| known.answers(measure))
    }

    /// Measures the rows of a part: for each measure the tallies by place, and after them that of all other rows where these
    /// are measured, with the counts of values by group, and after them those of all other rows.
    ///
    /// # Errors
    /// SQL that does not fit the columns.
    pub(crate) fn add(
        &self,
        frame: &DataFrame,
        group_of_place: &[u32],
        place_of_row: &[u32],
    ) -> Result<Vec<Measured>, Diagnostic> {
        let places = group_of_place.len();
        let groups = group_of_place.iter().max().map_or(0, |last| *last as usize + 1);
        // Rows outside of all places are of no group.
        let mut sketch_of_place = group_of_place.to_vec();
        sketch_of_place.push(groups as u32);
        // What is read as it stands in memory needs no copy as doubles.
        let is_needed = |at: usize| {
            self.list
                .iter()
                .any(|(measure, values, _)| values.contains(&at) && native(measure, frame).is_none())
        };
        let numbers = self
            .values
            .iter()
            .enumerate()
            .map(|(at, value)| is_needed(at).then(|| numbers(value, frame)).transpose())
            .collect::<Result<Vec<_>, _>>()?;
        let any_outside = place_of_row.iter().any(|place| *place as usize >= places);
        let filters =
            self.filters.iter().map(|filter| condition(filter, frame)).collect::<Result<Vec<_>, _>>()?;
        let mut of_all = None;
        let mut found = Vec::with_capacity(self.list.len());
        for (measure, values, filter) in &self.list {
            let places_of_rows = if measure.whole && any_outside {
                let outside = places as u32;
                &*of_all.get_or_insert_with(|| {
                    place_of_row.iter().map(|place| (*place).min(outside)).collect::<Vec<u32>>()
                })
            } else {
                place_of_row
            };
            let mut tallies = vec![Tally::default(); places + usize::from(measure.whole)];
            let mut sketches = vec![Sketch::default(); groups + 1];
            let is_counted = measure.whole || measure.charted;
            let sketched = is_counted.then_some((&mut sketches[..], &sketch_of_place[..]));
            if let Some(native) = native(measure, frame) {
                match native {
                    Native::Whole(first) => {
                        add_rows(&mut tallies, &Values::all(first), places_of_rows, sketched);
                    }
                    Native::Short(first) => {
                        add_rows(&mut tallies, &Values::all(first), places_of_rows, sketched);
                    }
                }
                found.push((tallies, sketches));
                continue;
            }
            let Some(first) = &numbers[values[0]] else { continue };
            let second = values.get(1).and_then(|at| numbers[*at].as_ref());
            let both: Option<Vec<bool>> = second.and_then(|second| {
                let (one, two) = (first.present(), second.present());
                (one.is_some() || two.is_some())
                    .then(|| (0..frame.height()).map(|row| first.has(row) && second.has(row)).collect())
            });
            let values = Values {
                first: first.values(),
                second: second.map(Numbers::values),
                present: both.as_deref().or(first.present()),
                kept: filter.map(|at| filters[at].as_slice()),
                with_zeros: measure.with_zeros,
                missing_is_zero: measure.counts,
            };
            add_rows(&mut tallies, &values, places_of_rows, sketched);
            found.push((tallies, sketches));
        }
        Ok(found)
    }
}

/// A column of whole numbers without gaps, as it stands in memory.
enum Native<'a> {
    Whole(&'a [i64]),
    Short(&'a [i32]),
}

/// The values of a measure that is such a column and nothing else.
fn native<'a>(measure: &Measure, frame: &'a DataFrame) -> Option<Native<'a>> {
    let ([name], None, false) = (measure.values.as_slice(), &measure.filter, measure.counts) else {
        return None;
    };
    let series = frame.column(name.trim()).ok()?.as_materialized_series();
    if series.null_count() > 0 || series.n_chunks() != 1 {
        return None;
    }
    match series.dtype() {
        DataType::Int64 => series.i64().ok()?.cont_slice().ok().map(Native::Whole),
        DataType::Int32 => series.i32().ok()?.cont_slice().ok().map(Native::Short),
        _ => None,
    }
}

fn numbers(
    (sql, expression, counts): &(String, Expression, bool),
    frame: &DataFrame,
) -> Result<Numbers, Diagnostic> {
    let quoted = format!("`{sql}`");
    let series = evaluate(expression, frame, &quoted)?;
    if *counts {
        return Ok(Numbers::presence(&series));
    }
    is_number(series.dtype(), sql, &quoted)?;
    Numbers::of(&series, &quoted)
}

fn condition((sql, expression): &(String, Expression), frame: &DataFrame) -> Result<Vec<bool>, Diagnostic> {
    let quoted = format!("`{sql}`");
    let series = evaluate(expression, frame, &quoted)?;
    is_predicate(series.dtype(), sql, &quoted)?;
    let failed =
        |error: PolarsError| Diagnostic::error("data::sql-type", format!("{quoted}: {}", sentence(&error)));
    let series = series.cast(&DataType::Boolean).map_err(failed)?;
    Ok(series.bool().map_err(failed)?.iter().map(|met| met == Some(true)).collect())
}
