//! Successes of exposures that are counts: both numbers of a share stand in the row.

use super::Dataset;
use super::counts::counts;
use super::names::NONE;
use crate::config::valid::Counts;
use crate::diag::Diagnostic;

impl Dataset {
    /// Where exposures are counts: the sums of `value`, the number of successes of a row, and of the units, by group in the order
    /// of [`Dataset::groups`], over the rows that meet the filter.
    ///
    /// # Errors
    /// `data::successes` when some row has no whole number of successes between 0 and its units, or a group has no units;
    /// `data::counts-only` where rows are units. Else as [`Dataset::gather`].
    pub fn successes(&self, value: &str, filter: Option<&str>) -> Result<Vec<(String, Counts)>, Diagnostic> {
        let Some(column) = &self.counts else {
            return Err(Diagnostic::error(
                "data::counts-only",
                "successes are sums only where exposures are counts",
            ));
        };
        let numbers = self.numbers(&self.rows, value)?;
        let kept = self.condition(&self.rows, filter)?;
        let units = counts(&self.rows.frame, column)?;
        let mut sums: Vec<Counts> = vec![Counts { successes: 0, n: 0 }; self.groups.len()];
        let mut wrong = 0_u64;
        let mut first = None;
        for (row, group) in self.rows.group_of_row.iter().enumerate() {
            if *group == NONE || kept.as_ref().is_some_and(|kept| !kept[row]) {
                continue;
            }
            let (successes, n) = (numbers.values()[row], units[row]);
            if !numbers.has(row) || successes.fract() != 0.0 || !(0.0..=n as f64).contains(&successes) {
                wrong += 1;
                let shown = if numbers.has(row) { successes.to_string() } else { "missing".to_string() };
                first.get_or_insert((shown, n));
                continue;
            }
            let sum = &mut sums[*group as usize];
            sum.successes = sum.successes.saturating_add(successes as u64);
            sum.n = sum.n.saturating_add(n);
        }
        if let Some((shown, n)) = first {
            let message = format!(
                "`{value}` is no number of successes in {wrong} rows (the first has {shown} of {n} units)"
            );
            return Err(Diagnostic::error("data::successes", message)
                .hint("the value must be a whole number from 0 to the number of units of the row"));
        }
        if let Some((group, _)) = self.groups.iter().zip(&sums).find(|(_, sum)| sum.n == 0) {
            return Err(Diagnostic::error(
                "data::successes",
                format!("`{value}`: group `{}` has no units", group.id),
            ));
        }
        Ok(self.groups.iter().map(|group| group.id.clone()).zip(sums).collect())
    }
}
