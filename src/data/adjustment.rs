//! What is known of units beside their outcomes: covariates, the time before, strata.

use std::borrow::Cow;

use super::Dataset;
use super::aggregate::{ByEntry, State, by_row, by_unit};
use super::numbers::Numbers;
use super::query::{Gathered, Query, all};
use super::rows::Rows;
use super::segments::Parts;
use crate::config::valid::Aggregate;
use crate::diag::Diagnostic;

/// A covariate by unit, gaps filled.
struct Covariate<'a> {
    values: Cow<'a, [f64]>,
    /// Units whose value was filled in; absent when none was.
    filled: Option<Vec<bool>>,
}

impl Dataset {
    /// Adds the covariates and strata that a query asks for.
    pub(crate) fn adjust(
        &self,
        query: &Query,
        table: &Rows,
        numbers: &[Numbers],
        kept: Option<&[bool]>,
        how: Aggregate,
        answer: &mut Gathered,
    ) -> Result<(), Diagnostic> {
        let adjustment = query.adjustment;
        if adjustment.is_empty() {
            return Ok(());
        }
        if !adjustment.covariates.is_empty() || adjustment.strata.is_some() {
            // There are no rows of units to read them from where exposures are counts.
            self.table(None)?;
        }
        for sql in &adjustment.covariates {
            let column = [self.numbers(&self.rows, sql)?];
            let found = if self.units.are_rows {
                by_row(&column, None, Aggregate::Mean)
            } else {
                let units = self.rows.unit_of_row.as_deref().unwrap_or_default();
                let groups = &self.rows.group_of_row;
                by_unit(&column, None, groups, units, self.units.total, Aggregate::Mean)
            };
            for covariate in self.filled(found, false, sql)? {
                enter(answer, &covariate);
            }
            answer.covariates.push(sql.clone());
        }
        if adjustment.pre_period {
            for (covariate, sql) in self.before(table, numbers, kept, how)?.iter().zip(query.values) {
                enter(answer, covariate);
                answer.covariates.push(format!("pre-period: {sql}"));
            }
        }
        if let Some(sql) = &adjustment.strata {
            self.stratify(sql, answer)?;
        }
        Ok(())
    }

    /// The values of a query over the rows from before the exposure.
    fn before<'a>(
        &self,
        table: &Rows,
        numbers: &[Numbers],
        kept: Option<&[bool]>,
        how: Aggregate,
    ) -> Result<Vec<Covariate<'a>>, Diagnostic> {
        let problem = |reason: &str| {
            Diagnostic::error("data::no-pre-period", format!("cuped: {reason}"))
                .hint("it needs a `time` column in [data] and in the facts, or `start` under [experiment] for the rows of [data]")
        };
        if self.counts.is_some() {
            return Err(problem(
                "exposures are counts: who came is known of those only who did something later",
            ));
        }
        let Some(units) = &table.unit_of_row else {
            return Err(problem("each row is a unit of its own, none has a row before"));
        };
        let Some(early) = &table.early else {
            return Err(problem(match table.stamps {
                None => "the rows have no time, so nothing tells before from after",
                Some(_) => "there is no row from before the exposure",
            }));
        };
        let how = if how == Aggregate::Rows { Aggregate::Mean } else { how };
        let found = by_unit(numbers, kept, early, units, self.units.total, how);
        self.filled(found, matches!(how, Aggregate::Sum | Aggregate::Count | Aggregate::Any), "pre-period")
    }

    /// Gaps filled with the mean over all units; units without rows have 0 when `with_zeros`.
    fn filled<'a>(
        &self,
        found: ByEntry<'a>,
        with_zeros: bool,
        name: &str,
    ) -> Result<Vec<Covariate<'a>>, Diagnostic> {
        let states = found.states;
        let mut covariates = Vec::with_capacity(found.values.len());
        for values in found.values {
            if states.is_none() && all(&values, f64::is_finite) {
                covariates.push(Covariate { values, filled: None });
                continue;
            }
            let has_value = |unit: usize| match states.as_ref().map_or(State::Present, |states| states[unit])
            {
                State::Present => values[unit].is_finite(),
                State::Absent => with_zeros,
                State::Missing => false,
            };
            let filled: Vec<bool> = (0..values.len()).map(|unit| !has_value(unit)).collect();
            // Welford's mean: it does not overflow where a sum would.
            let (mut mean, mut count) = (0.0, 0.0);
            for unit in self.units.by_group.iter().flatten().map(|unit| *unit as usize) {
                if !filled[unit] {
                    count += 1.0;
                    mean += (values[unit] - mean) / count;
                }
            }
            if count == 0.0 {
                return Err(Diagnostic::error(
                    "data::no-covariate",
                    format!("`{name}` has no value for any unit: nothing can be adjusted for"),
                ));
            }
            let values = values
                .iter()
                .zip(&filled)
                .map(|(value, filled)| if *filled { mean } else { *value })
                .collect();
            covariates.push(Covariate { values: Cow::Owned(values), filled: Some(filled) });
        }
        Ok(covariates)
    }

    fn stratify(&self, sql: &str, answer: &mut Gathered) -> Result<(), Diagnostic> {
        let Parts { labels, of_unit } = self.parts(sql)?;
        for group in &mut answer.groups {
            group.strata = group.units.iter().map(|unit| of_unit[*unit as usize]).collect();
        }
        answer.strata = labels;
        Ok(())
    }
}

/// Gives every entry the covariate of its unit.
fn enter(answer: &mut Gathered, covariate: &Covariate) {
    for group in &mut answer.groups {
        let values = group.units.iter().map(|unit| covariate.values[*unit as usize]).collect();
        group.covariates.push(values);
        if let Some(filled) = &covariate.filled {
            group.covariates_missing +=
                group.units.iter().filter(|unit| filled[**unit as usize]).count() as u64;
        }
    }
}
