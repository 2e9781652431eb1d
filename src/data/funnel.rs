//! Funnels: which units came as far as a step.

use super::Dataset;
use super::aggregate::{ByEntry, State};
use super::names::NONE;
use super::query::{Entries, Gathered};
use super::stamps::NO_TIME;
use crate::diag::Diagnostic;

impl Dataset {
    /// For every unit of the experiment 1 when it came as far as the last of `steps`, else 0: `values[0]` of the groups.
    ///
    /// A unit came as far as a step when it has a row that meets its predicate, and came as far as the step before. When the
    /// funnel is `ordered`, that row must also not be earlier than the moment at which the step before was reached, each step
    /// being reached as early as possible; steps may share a moment. Rows without a time reach nothing then. Where dates are
    /// all that is known, steps of one day are in order.
    ///
    /// # Errors
    /// `data::funnel-time` for an ordered funnel over rows without times; as [`Dataset::gather`] else.
    pub fn funnel(
        &self,
        from: Option<&str>,
        steps: &[String],
        ordered: bool,
    ) -> Result<Gathered, Diagnostic> {
        let table = self.table(from)?;
        let stamps = match (&table.stamps, ordered) {
            (_, false) => None,
            (Some(stamps), true) => Some(&stamps.micros),
            (None, true) => {
                return Err(Diagnostic::error(
                    "data::funnel-time",
                    "the steps of a funnel have an order, but the rows have no time",
                )
                .hint("name the `time` column of the rows, or write `ordered = false`"));
            }
        };
        // The moment at which each unit reached the last step so far: without an order any moment will do.
        let mut reached = vec![Some(NO_TIME); self.units.total];
        for step in steps {
            let met = self.condition(table, Some(step))?.unwrap_or_default();
            let mut next: Vec<Option<i64>> = vec![None; self.units.total];
            for (row, _) in
                met.iter().enumerate().filter(|(row, met)| **met && table.group_of_row[*row] != NONE)
            {
                let unit = table.unit(row);
                let stamp = stamps.map_or(0, |stamps| stamps[row]);
                let Some(before) = reached[unit].filter(|before| stamp != NO_TIME && stamp >= *before) else {
                    continue;
                };
                let earliest = next[unit].map_or(stamp, |known| known.min(stamp));
                next[unit] = Some(earliest.max(before));
            }
            reached = next;
        }
        let values: Vec<f64> = reached.iter().map(|moment| f64::from(u8::from(moment.is_some()))).collect();
        let states: Option<Vec<State>> = None;
        let entries = Entries { by_group: (&self.units.by_group[..]).into(), units: None };
        self.selected(&entries, &ByEntry { values: vec![values.into()], states }, true)
    }
}
