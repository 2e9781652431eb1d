//! Sums over the units of a group, sixty-four units at a time, by tables of partial sums.
//!
//! Eight units have 256 possible labellings. The sums of all of them are written down once and looked up by the byte of
//! labels for each of some two thousand relabellings ("method of the four Russians", Arlazarov et al. 1970). Eight such
//! tables of two columns are 32 kB, which a core keeps beside it.

/// Two columns of sums: they share a look-up.
pub(super) type Pair = [f64; 2];

/// Units of one tile: one word of labels.
pub(super) const TILE: usize = 64;

/// The partial sums of sixty-four units.
pub(super) struct Tables(Box<[[Pair; 256]; 8]>);

impl Tables {
    /// Empty tables, to be filled for one tile after the other.
    pub fn new() -> Tables {
        Tables(Box::new([[[0.0; 2]; 256]; 8]))
    }

    /// Writes down the sums of up to sixty-four units; units that are not there add nothing.
    pub fn fill(&mut self, units: &[Pair]) {
        for (byte, table) in self.0.iter_mut().enumerate() {
            table[0] = [0.0; 2];
            for bit in 0..8 {
                let value = units.get(byte * 8 + bit).copied().unwrap_or([0.0; 2]);
                let (known, next) = table.split_at_mut(1 << bit);
                for (sum, without) in next.iter_mut().zip(known) {
                    *sum = [without[0] + value[0], without[1] + value[1]];
                }
            }
        }
    }

    /// Adds to each sum the units that its word of labels selects.
    pub fn add(&self, words: &[u64], sums: &mut [Pair]) {
        let tables = &*self.0;
        for (word, sum) in words.iter().zip(sums) {
            let byte = word.to_le_bytes();
            let at = |i: usize| &tables[i][byte[i] as usize];
            let plus = |a: Pair, b: &Pair| [a[0] + b[0], a[1] + b[1]];
            // Two chains of additions, so that one does not wait for the other.
            let even = plus(plus(plus(*at(0), at(2)), at(4)), at(6));
            let odd = plus(plus(plus(*at(1), at(3)), at(5)), at(7));
            *sum = plus(*sum, &plus(even, &odd));
        }
    }
}

/// A set of units as words of sixty-four bits.
pub(super) fn words(units: impl ExactSizeIterator<Item = bool>) -> Vec<u64> {
    let mut words = vec![0; units.len().div_ceil(TILE)];
    for (i, set) in units.enumerate() {
        words[i / TILE] |= u64::from(set) << (i % TILE);
    }
    words
}

/// Whether unit `i` belongs to the set.
pub(super) fn holds(words: &[u64], i: usize) -> bool {
    words[i / TILE] >> (i % TILE) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looked_up_sums_are_those_of_the_units() {
        let units: Vec<Pair> = (0..50).map(|i| [f64::from(i), f64::from(i * i)]).collect();
        let mut tables = Tables::new();
        tables.fill(&units);
        let labels: Vec<u64> = (0..40_u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        let mut sums = vec![[1.0, 2.0]; labels.len()];
        tables.add(&labels, &mut sums);
        for (word, sum) in labels.iter().zip(sums) {
            let chosen = |column: usize| -> f64 {
                (0..50).filter(|i| word >> i & 1 == 1).map(|i| units[i][column]).sum()
            };
            assert_eq!(sum, [1.0 + chosen(0), 2.0 + chosen(1)]);
        }
    }

    #[test]
    fn sets_keep_their_members() {
        let set = words((0..130).map(|i| i % 3 == 0));
        assert_eq!(set.len(), 3);
        assert!((0..130).all(|i| holds(&set, i) == (i % 3 == 0)));
    }
}
