//! What is known of units beside their outcomes: covariates, the time before, strata.

use std::borrow::Cow;

use super::Dataset;
use super::aggregate::{ByEntry, State, by_row, by_unit};
use super::names::NONE;
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

/// A covariate by unit, and which units lack it; none lacks it where nothing is said.
struct Gaps<'a> {
    values: Cow<'a, [f64]>,
    lacks: Option<Vec<bool>>,
}

impl Gaps<'_> {
    fn named(self, name: &str) -> Known {
        let lacks = self.lacks.unwrap_or_else(|| vec![false; self.values.len()]);
        Known { name: name.to_string(), values: self.values.into_owned(), lacks }
    }
}

/// A covariate as it is known of some units, by unit.
pub(crate) struct Known {
    /// The expression, or `pre-period: …`.
    pub name: String,
    pub values: Vec<f64>,
    /// Units without a value.
    pub lacks: Vec<bool>,
}

/// No unit has a row from before its exposure.
pub(crate) const NOBODY_BEFORE: &str = "there is no row from before the exposure";

/// What CUPED lacks.
pub(crate) fn no_pre_period(reason: &str) -> Diagnostic {
    Diagnostic::error("data::no-pre-period", format!("cuped: {reason}"))
        .hint("it needs a `time` column in [data] and in the facts, or `start` under [experiment] for the rows of [data]")
}

/// A covariate that no unit has.
pub(crate) fn no_covariate(name: &str) -> Diagnostic {
    Diagnostic::error(
        "data::no-covariate",
        format!("`{name}` has no value for any unit: nothing can be adjusted for"),
    )
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
            for covariate in self.filled(self.of_own_rows(&column), false, sql)? {
                enter(answer, &covariate);
            }
            answer.covariates.push(sql.clone());
        }
        if adjustment.pre_period {
            if table.early.is_none() {
                self.told_before(table)?;
                return Err(no_pre_period(NOBODY_BEFORE));
            }
            let (found, with_zeros) = self.before(table, numbers, kept, how)?;
            let covariates = self.filled(found, with_zeros, "pre-period")?;
            for (covariate, sql) in covariates.iter().zip(query.values) {
                enter(answer, covariate);
                answer.covariates.push(format!("pre-period: {sql}"));
            }
        }
        if let Some(sql) = &adjustment.strata {
            self.stratify(sql, answer)?;
        }
        Ok(())
    }

    /// The covariates of a query with their gaps. Units may have no row from before anywhere: these are some units of an
    /// experiment, others may have.
    ///
    /// # Errors
    /// As [`Dataset::gather`].
    pub(crate) fn known(&self, query: &Query) -> Result<Vec<Known>, Diagnostic> {
        let (adjustment, mut known) = (query.adjustment, Vec::new());
        for sql in &adjustment.covariates {
            let column = [self.numbers(&self.rows, sql)?];
            known.extend(self.with_gaps(self.of_own_rows(&column), false).map(|gaps| gaps.named(sql)));
        }
        if adjustment.pre_period {
            let table = self.table(query.from)?;
            let numbers = query
                .values
                .iter()
                .map(|sql| self.value(table, sql, query.aggregate))
                .collect::<Result<Vec<Numbers>, Diagnostic>>()?;
            let kept = self.condition(table, query.filter)?;
            let how = if numbers.len() > 1 { Aggregate::Sum } else { query.aggregate };
            let how = if query.aggregate == Aggregate::Rows { Aggregate::Rows } else { how };
            let (found, with_zeros) = self.before(table, &numbers, kept.as_deref(), how)?;
            let gaps = self.with_gaps(found, with_zeros).zip(query.values);
            known.extend(gaps.map(|(gaps, sql)| gaps.named(&format!("pre-period: {sql}"))));
        }
        Ok(known)
    }

    /// The mean of a column of `[data]` by unit.
    fn of_own_rows<'a>(&self, column: &'a [Numbers]) -> ByEntry<'a> {
        if self.units.are_rows {
            return by_row(column, None, Aggregate::Mean);
        }
        let units = self.rows.unit_of_row.as_deref().unwrap_or_default();
        by_unit(column, None, &self.rows.group_of_row, units, self.units.total, Aggregate::Mean)
    }

    /// Whether something tells rows from before the exposure from others.
    fn told_before(&self, table: &Rows) -> Result<(), Diagnostic> {
        if self.counts.is_some() {
            return Err(no_pre_period(
                "exposures are counts: who came is known of those only who did something later",
            ));
        }
        if table.unit_of_row.is_none() {
            return Err(no_pre_period("each row is a unit of its own, none has a row before"));
        }
        match table.stamps {
            None => Err(no_pre_period("the rows have no time, so nothing tells before from after")),
            Some(_) => Ok(()),
        }
    }

    /// The values of a query over the rows from before the exposure, and whether units without such rows have 0.
    fn before<'a>(
        &self,
        table: &Rows,
        numbers: &[Numbers],
        kept: Option<&[bool]>,
        how: Aggregate,
    ) -> Result<(ByEntry<'a>, bool), Diagnostic> {
        self.told_before(table)?;
        let units = table.unit_of_row.as_deref().unwrap_or_default();
        let nobody;
        let early = match &table.early {
            Some(early) => early,
            None => {
                nobody = vec![NONE; units.len()];
                &nobody
            }
        };
        let how = if how == Aggregate::Rows { Aggregate::Mean } else { how };
        let found = by_unit(numbers, kept, early, units, self.units.total, how);
        Ok((found, matches!(how, Aggregate::Sum | Aggregate::Count | Aggregate::Any)))
    }

    /// Covariates with the units that lack them.
    fn with_gaps<'a>(
        &self,
        found: ByEntry<'a>,
        with_zeros: bool,
    ) -> impl Iterator<Item = Gaps<'a>> + use<'a> {
        let states = found.states;
        found.values.into_iter().map(move |values| {
            if states.is_none() && all(&values, f64::is_finite) {
                return Gaps { values, lacks: None };
            }
            let has_value = |unit: usize| match states.as_ref().map_or(State::Present, |states| states[unit])
            {
                State::Present => values[unit].is_finite(),
                State::Absent => with_zeros,
                State::Missing => false,
            };
            let lacks = (0..values.len()).map(|unit| !has_value(unit)).collect();
            Gaps { values, lacks: Some(lacks) }
        })
    }

    /// Gaps filled with the mean over all units; units without rows have 0 when `with_zeros`.
    fn filled<'a>(
        &self,
        found: ByEntry<'a>,
        with_zeros: bool,
        name: &str,
    ) -> Result<Vec<Covariate<'a>>, Diagnostic> {
        let mut covariates = Vec::with_capacity(found.values.len());
        for Gaps { values, lacks } in self.with_gaps(found, with_zeros) {
            let Some(filled) = lacks else {
                covariates.push(Covariate { values, filled: None });
                continue;
            };
            // Welford's mean: it does not overflow where a sum would.
            let (mut mean, mut count) = (0.0, 0.0);
            for unit in self.units.by_group.iter().flatten().map(|unit| *unit as usize) {
                if !filled[unit] {
                    count += 1.0;
                    mean += (values[unit] - mean) / count;
                }
            }
            if count == 0.0 {
                return Err(no_covariate(name));
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
