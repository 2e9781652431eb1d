//! Values with their counts: all that rank tests, quantiles and resampling need of one variable.

use serde::{Deserialize, Serialize};

/// So many different values a group may have in a table: a multiple of what a metric that repeats its values has, and few
/// enough to be carried and kept.
pub const MOST_VALUES: usize = 50_000;

/// So many different values of a group are told apart where values pass by in portions: 8 MB.
pub const MOST_PLACES: usize = 1 << 19;

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
    /// Values as exact as [`MOST_PLACES`] of them allow.
    Rounded(RoundedTable),
}

impl Table {
    /// A table of values in any order that never has too many of them: they are rounded instead.
    pub fn rounded(values: &[f64]) -> Table {
        Table::Rounded(RoundedTable { bits: EXACT, values: ValueTable::of(values) }.fitting())
    }

    /// A table of values that were counted elsewhere: by places with so many bits after the leading one, or as they are.
    pub fn of_places(values: Vec<(f64, u64)>, bits: Option<u32>) -> Table {
        Table::Rounded(RoundedTable { bits: bits.unwrap_or(EXACT), values: values.into() }.fitting())
    }

    /// Both tables as one.
    pub fn merge(&self, other: &Table) -> Table {
        match (self, other) {
            (Table::Kept(one), Table::Kept(other)) => {
                let both = one.merge(other);
                if both.values.len() > MOST_VALUES { Table::TooManyValues } else { Table::Kept(both) }
            }
            (Table::Rounded(one), Table::Rounded(other)) => Table::Rounded(one.merge(other)),
            (Table::Kept(exact), Table::Rounded(rounded)) | (Table::Rounded(rounded), Table::Kept(exact)) => {
                Table::Rounded(rounded.merge(&RoundedTable { bits: EXACT, values: exact.clone() }))
            }
            (Table::NotAsked, _) | (_, Table::NotAsked) => Table::NotAsked,
            _ => Table::TooManyValues,
        }
    }

    /// The table, where there is one that holds the values as they are.
    pub fn kept(&self) -> Option<&ValueTable> {
        self.values().filter(|(_, error)| *error == 0.0).map(|(values, _)| values)
    }

    /// The table, where there is one, and the most that a value of it is off, relative to itself.
    pub fn values(&self) -> Option<(&ValueTable, f64)> {
        match self {
            Table::Kept(table) => Some((table, 0.0)),
            Table::Rounded(table) => Some((&table.values, table.error())),
            _ => None,
        }
    }
}

/// Bits of a double after the leading one: none is rounded away.
const EXACT: u32 = 52;

/// A table whose values share places where there are too many of them: a place is named by its middle and holds all values of
/// one sign and exponent with the same first bits. Bits are given up one by one until the places are few enough, and
/// places of fewer bits are unions of those of more, so that the table of some values is the same however they were split (the
/// collapsing of Epicoco et al. 2020, UDDSketch, with places that are linear inside of an octave).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoundedTable {
    /// Bits after the leading one that are kept of values.
    bits: u32,
    values: ValueTable,
}

impl RoundedTable {
    /// The most that a value is off, relative to itself: half of a place, nothing where values are exact.
    pub fn error(&self) -> f64 {
        if self.bits >= EXACT { 0.0 } else { 0.5_f64.powi(self.bits as i32 + 1) }
    }

    fn merge(&self, other: &RoundedTable) -> RoundedTable {
        let bits = self.bits.min(other.bits);
        let values = self.with(bits).values.merge(&other.with(bits).values);
        RoundedTable { bits, values }.fitting()
    }

    /// The table with as many of its bits as leave few enough places.
    fn fitting(self) -> RoundedTable {
        if self.values.values.len() <= MOST_PLACES {
            return self;
        }
        // Fewer bits never give more places.
        let (mut fits, mut too_many) = (0, self.bits);
        while fits + 1 < too_many {
            let bits = (fits + too_many) / 2;
            let pairs = self.values.values.windows(2);
            let places = 1 + pairs.filter(|pair| middle(pair[0].0, bits) != middle(pair[1].0, bits)).count();
            if places <= MOST_PLACES { fits = bits } else { too_many = bits }
        }
        self.with(fits)
    }

    fn with(&self, bits: u32) -> RoundedTable {
        if bits == self.bits {
            return self.clone();
        }
        // Ascending values have ascending places, so that those of one place are neighbours.
        let mut values: Vec<(f64, u64)> = Vec::with_capacity(self.values.values.len());
        for (value, count) in &self.values.values {
            let place = middle(*value, bits);
            match values.last_mut() {
                Some((known, so_far)) if *known == place => *so_far += count,
                _ => values.push((place, *count)),
            }
        }
        RoundedTable { bits, values: ValueTable { values } }
    }
}

/// The middle of the place of a value; 0 is a place of its own. Rounding a middle to fewer bits gives
/// the place that the values of it have: its last bit is below those that are kept.
fn middle(value: f64, bits: u32) -> f64 {
    if value == 0.0 {
        return 0.0;
    }
    let rest = EXACT - bits;
    f64::from_bits(value.to_bits() >> rest << rest | 1 << (rest - 1))
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
        // Few values repeat often, most of all zero; sorting many of the same takes little.
        let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        sorted.iter_mut().for_each(|value| *value += 0.0);
        sorted.sort_unstable_by(f64::total_cmp);
        let values = sorted.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as u64)).collect();
        ValueTable { values }
    }

    /// Different values in ascending order with their counts.
    pub fn pairs(&self) -> &[(f64, u64)] {
        &self.values
    }

    /// How many units there are.
    pub fn units(&self) -> u64 {
        self.values.iter().map(|(_, count)| count).sum()
    }

    /// Type 7 of Hyndman & Fan (1996), as numpy and pandas; none without units.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let place = self.units().checked_sub(1)? as f64 * share;
        let (below, mut seen) = (place.floor() as u64, 0);
        let mut low = None;
        for (value, count) in &self.values {
            seen += count;
            if seen > below {
                let own = *low.get_or_insert(*value);
                if seen > below + 1 {
                    return Some(own + (value - own) * (place - below as f64));
                }
            }
        }
        low
    }

    /// Every value where there are at most so many units, else about that many of them in even steps; ascending.
    pub fn spread(&self, most: usize) -> Vec<f64> {
        let step = self.units().div_ceil(most.max(1) as u64).max(1);
        let (mut shown, mut seen, mut next) = (Vec::new(), 0, 0);
        for (value, count) in &self.values {
            seen += count;
            while next < seen {
                shown.push(*value);
                next += step;
            }
        }
        shown
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
        let (mut one, mut two) = (self.values.iter().peekable(), other.values.iter().peekable());
        let mut values = Vec::with_capacity(self.values.len() + other.values.len());
        while let (Some(a), Some(b)) = (one.peek(), two.peek()) {
            let (a, b) = (**a, **b);
            // Minus zero was made zero, so that the order of bits is that of numbers.
            if a.0 < b.0 {
                values.push(a);
                one.next();
            } else if b.0 < a.0 {
                values.push(b);
                two.next();
            } else {
                values.push((a.0, a.1 + b.1));
                one.next();
                two.next();
            }
        }
        values.extend(one.chain(two).copied());
        ValueTable { values }
    }
}
