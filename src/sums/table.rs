//! Values with their counts: all that rank tests, quantiles and resampling need of one variable.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// So many different values a group may have in a table: a multiple of what a metric that repeats its values has, and few
/// enough to be carried and kept.
pub const MOST_VALUES: usize = 50_000;

/// Whether there is a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Table {
    /// Nobody asked for one.
    #[default]
    NotAsked,
    /// There are more different values than [`MOST_VALUES`].
    TooManyValues,
    /// Here it is.
    Kept(ValueTable),
}

impl Table {
    /// Both tables as one.
    pub fn merge(&self, other: &Table) -> Table {
        match (self, other) {
            (Table::Kept(one), Table::Kept(other)) => {
                let both = one.merge(other);
                if both.values.len() > MOST_VALUES { Table::TooManyValues } else { Table::Kept(both) }
            }
            (Table::NotAsked, _) | (_, Table::NotAsked) => Table::NotAsked,
            _ => Table::TooManyValues,
        }
    }

    /// The table, where there is one.
    pub fn kept(&self) -> Option<&ValueTable> {
        match self {
            Table::Kept(table) => Some(table),
            _ => None,
        }
    }
}

/// Different values in ascending order, each with the number of units that have it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<(f64, u64)>", into = "Vec<(f64, u64)>")]
pub struct ValueTable {
    values: Vec<(f64, u64)>,
}

impl From<Vec<(f64, u64)>> for ValueTable {
    fn from(values: Vec<(f64, u64)>) -> Self {
        values.into_iter().collect()
    }
}

impl From<ValueTable> for Vec<(f64, u64)> {
    fn from(table: ValueTable) -> Self {
        table.values
    }
}

impl FromIterator<(f64, u64)> for ValueTable {
    /// Counts of a value that comes twice are added; values that are no finite numbers and counts of 0 are passed over.
    fn from_iter<I: IntoIterator<Item = (f64, u64)>>(values: I) -> Self {
        let mut values: Vec<(f64, u64)> =
            values.into_iter().filter(|(value, count)| value.is_finite() && *count > 0).collect();
        // Equality, not the order of bits: −0 and 0 are one value.
        values.iter_mut().for_each(|(value, _)| *value += 0.0);
        values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        values.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 += if same { next.1 } else { 0 };
            same
        });
        ValueTable { values }
    }
}

impl ValueTable {
    /// The table of values in any order.
    pub fn of(values: &[f64]) -> ValueTable {
        let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
        values.iter().for_each(|value| *counts.entry(value.to_bits()).or_insert(0) += 1);
        counts.into_iter().map(|(bits, count)| (f64::from_bits(bits), count)).collect()
    }

    /// Different values in ascending order with their counts.
    pub fn pairs(&self) -> &[(f64, u64)] {
        &self.values
    }

    /// How many units there are.
    pub fn units(&self) -> u64 {
        self.values.iter().map(|(_, count)| count).sum()
    }

    /// Every value as often as it was counted, ascending.
    pub fn expanded(&self) -> Vec<f64> {
        let mut all = Vec::with_capacity(self.units() as usize);
        for (value, count) in &self.values {
            all.resize(all.len() + *count as usize, *value);
        }
        all
    }

    /// Both tables as one.
    pub fn merge(&self, other: &ValueTable) -> ValueTable {
        self.values.iter().chain(&other.values).copied().collect()
    }
}
