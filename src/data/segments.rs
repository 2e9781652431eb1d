//! Parts of the units: the label that an expression gives to every unit.

use polars::prelude::*;

use super::Dataset;
use super::expression::evaluate;
use super::failure::sentence;
use super::names::{NONE, natural_order};
use super::parquet::label;
use crate::diag::Diagnostic;

/// Units by their label.
pub(crate) struct Parts {
    /// Labels in natural order; units without one have the last label, `""`.
    pub labels: Vec<String>,
    /// Index into `labels` of every unit; [`NONE`] for units without rows.
    pub of_unit: Vec<u32>,
}

impl Dataset {
    /// How many units have which value of a SQL expression over `[data]`, by group in the order of [`Dataset::groups`].
    ///
    /// The value of a unit is that of its first row, so that [`Adjustment::strata`](crate::config::valid::Adjustment) of the
    /// same expression are the same parts in the same, natural, order. Units without a value are the last part, `""`, which is
    /// there only when it has units. The parts of a group add up to its `analysed` units.
    ///
    /// # Errors
    /// `data::counts-only` where exposures are counts; SQL that does not fit, as [`Dataset::gather`].
    pub fn segment_sizes(&self, by: &str) -> Result<Vec<(String, Vec<u64>)>, Diagnostic> {
        if let Some(sums) = self.sums() {
            return Ok(self.summed_sizes(sums, by));
        }
        self.table(None)?;
        if self.groups.is_empty() {
            return Ok(Vec::new());
        }
        let Parts { labels, of_unit } = self.parts(by)?;
        let mut sizes: Vec<(String, Vec<u64>)> =
            labels.into_iter().map(|label| (label, vec![0; self.groups.len()])).collect();
        for (group, members) in self.units.by_group.iter().enumerate() {
            for unit in members {
                sizes[of_unit[*unit as usize] as usize].1[group] += 1;
            }
        }
        Ok(sizes)
    }

    /// The label of every unit of the analysis.
    pub(crate) fn parts(&self, sql: &str) -> Result<Parts, Diagnostic> {
        let quoted = format!("`{sql}`");
        let failed = |error: PolarsError| {
            Diagnostic::error("data::sql-type", format!("{quoted}: {}", sentence(&error)))
        };
        let series = evaluate(&self.expression(&self.rows, sql)?, &self.rows.frame, &quoted)?;
        let texts = label(&series).map_err(failed)?;
        let texts = texts.str().map_err(failed)?;
        // Labels are numbered as they are met and then put into their order.
        let mut numbers: PlHashMap<&str, u32> = PlHashMap::default();
        let mut met: Vec<&str> = Vec::new();
        let mut any_missing = false;
        let mut of_unit = vec![NONE; self.units.total];
        let mut seen = vec![false; self.units.total];
        for (row, text) in texts.iter().enumerate() {
            if self.rows.group_of_row[row] == NONE {
                continue;
            }
            let unit = self.rows.unit(row);
            if std::mem::replace(&mut seen[unit], true) {
                continue;
            }
            any_missing |= text.is_none();
            of_unit[unit] = text.map_or(NONE, |text| {
                *numbers.entry(text).or_insert_with(|| {
                    met.push(text);
                    met.len() as u32 - 1
                })
            });
        }
        let mut order: Vec<usize> = (0..met.len()).collect();
        order.sort_by(|a, b| natural_order(met[*a], met[*b]));
        let mut place = vec![0_u32; met.len()];
        for (to, from) in (0_u32..).zip(&order) {
            place[*from] = to;
        }
        let none = met.len() as u32;
        for (part, _) in of_unit.iter_mut().zip(seen).filter(|(_, seen)| *seen) {
            *part = if *part == NONE { none } else { place[*part as usize] };
        }
        let mut labels: Vec<String> = order.iter().map(|index| met[*index].to_string()).collect();
        if any_missing {
            labels.push(String::new());
        }
        Ok(Parts { labels, of_unit })
    }
}
