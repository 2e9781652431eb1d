//! The demonstration data: a table of the shape of a real experiment, made by a generator that anyone can run again.
//!
//! # What it holds
//! 23,652 visitors, 11,835 in group `A` and 11,817 in group `B`, one row each, in random order, with the columns `revenue`
//! (money spent), `num_purchases`, `purchase` (1 for a buyer), `ab_group` and `av_site visit` (mean time of a visit).
//!
//! # What story it tells
//! 256 visitors of `A` and 234 of `B` bought something (2.16 % and 1.98 %). What a buyer spends follows one and the same
//! heavy-tailed law in both groups, so there is no difference to find; but one buyer of `A` spent 1,304.27, three hundred
//! times the median, and that single purchase makes the mean of `A` look half as large again as that of `B`. Visit times are
//! normal around 7 with a far larger spread in `B`; about 470 of them are negative, nearly all in `B`, which no visit can be:
//! a fault of the measurement that a careful reader has to notice.
//!
//! # Determinism
//! All numbers come from Xoshiro256++ (Blackman & Vigna, 2021) with a fixed seed, through formulas written here. They are
//! rounded to fewer digits than a logarithm of one mathematical library may differ from another's, so every platform writes
//! the same bytes.

use std::fmt::Write;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// Chosen among a few so that the two groups come out as alike as the one law that makes them.
const SEED: u64 = 20_240_309;

/// The files of a new folder of experiments, by path in it: the experiments that ship with the program, and the data they
/// read.
pub fn files() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("config/arppu.toml", include_bytes!("../config/arppu.toml").to_vec()),
        ("config/traffic-sources.toml", include_bytes!("../config/traffic-sources.toml").to_vec()),
        ("config/cpa.toml", include_bytes!("../config/cpa.toml").to_vec()),
        ("config/timespent.toml", include_bytes!("../config/timespent.toml").to_vec()),
        ("config/cinema-cashback.toml", include_bytes!("../config/cinema-cashback.toml").to_vec()),
        ("config/delivery.toml", include_bytes!("../config/delivery.toml").to_vec()),
        ("config/data/ab_stats.csv", ab_stats_csv().into_bytes()),
    ]
}

/// What one group is made of.
struct Group {
    name: char,
    visitors: usize,
    buyers: usize,
    visit_mean: f64,
    visit_sd: f64,
    /// Share of visits that are measured three times less precisely.
    blurred: f64,
    /// What the last buyer spends, and in how many purchases, instead of what the law says.
    largest: Option<(f64, u64)>,
}

const GROUPS: [Group; 2] = [
    Group {
        name: 'A',
        visitors: 11_835,
        buyers: 256,
        visit_mean: 6.97,
        visit_sd: 2.0,
        blurred: 0.005,
        largest: Some((1304.27, 23)),
    },
    Group {
        name: 'B',
        visitors: 11_817,
        buyers: 234,
        visit_mean: 7.05,
        visit_sd: 3.9,
        blurred: 0.0,
        largest: None,
    },
];

/// A buyer's spending is log-normal: its median, and the standard deviation of its logarithm.
const SPENDING_MEDIAN: f64 = 4.3;
const SPENDING_LOG_SD: f64 = 1.6;
/// The cheapest thing on sale, and the most an ordinary buyer spends.
const SPENDING_RANGE: (f64, f64) = (0.26, 250.0);
/// Chance that a buyer buys once more.
const AGAIN: f64 = 0.28;

/// One visitor.
struct Visitor {
    revenue: f64,
    purchases: u64,
    group: char,
    visit: f64,
}

/// The demonstration table as CSV: UTF-8, commas, decimal points, `\n`. Numbers are written in the shortest form that reads
/// back as the same number.
pub fn ab_stats_csv() -> String {
    let mut random = Random(Xoshiro256PlusPlus::seed_from_u64(SEED));
    let mut visitors: Vec<Visitor> = Vec::new();
    for group in &GROUPS {
        for index in 0..group.visitors {
            let sd = if random.share() < group.blurred { 3.0 * group.visit_sd } else { group.visit_sd };
            let visit = rounded(group.visit_mean + sd * random.normal(), 9);
            let (revenue, purchases) = match &group.largest {
                _ if index >= group.buyers => (0.0, 0),
                Some(largest) if index + 1 == group.buyers => *largest,
                _ => (random.spending(), random.purchases()),
            };
            visitors.push(Visitor { revenue, purchases, group: group.name, visit });
        }
    }
    random.shuffle(&mut visitors);

    let mut csv = String::from("revenue,num_purchases,purchase,ab_group,av_site visit\n");
    for Visitor { revenue, purchases, group, visit } in &visitors {
        let bought = u8::from(*purchases > 0);
        // Writing to a string cannot fail.
        let _ = writeln!(csv, "{revenue},{purchases},{bought},{group},{visit}");
    }
    csv
}

fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

/// Random numbers of the laws used here.
struct Random(Xoshiro256PlusPlus);

impl Random {
    /// Uniform in [0, 1), 53 random bits.
    fn share(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Standard normal, by the polar method (Marsaglia & Bray, 1964); the second number of each pair is not used.
    fn normal(&mut self) -> f64 {
        loop {
            let (x, y) = (2.0 * self.share() - 1.0, 2.0 * self.share() - 1.0);
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                return x * (-2.0 * square.ln() / square).sqrt();
            }
        }
    }

    /// What an ordinary buyer spends.
    fn spending(&mut self) -> f64 {
        loop {
            let spent = SPENDING_MEDIAN * (SPENDING_LOG_SD * self.normal()).exp();
            if spent > SPENDING_RANGE.0 && spent < SPENDING_RANGE.1 {
                return rounded(spent, 6);
            }
        }
    }

    /// Number of purchases of a buyer: geometric, at least 1.
    fn purchases(&mut self) -> u64 {
        let mut purchases = 1;
        while self.share() < AGAIN {
            purchases += 1;
        }
        purchases
    }

    /// Fisher–Yates shuffle.
    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = (u128::from(self.0.next_u64()) * (last as u128 + 1)) >> 64;
            items.swap(last, other as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_tells_its_story() {
        let csv = ab_stats_csv();
        let mut lines = csv.lines();
        assert_eq!(lines.next(), Some("revenue,num_purchases,purchase,ab_group,av_site visit"));
        let mut visitors = [0_u64; 2];
        let mut spent: [Vec<f64>; 2] = [Vec::new(), Vec::new()];
        let mut negative = [0_u64; 2];
        for line in lines {
            let cells: Vec<&str> = line.split(',').collect();
            let group = usize::from(cells[3] == "B");
            let (revenue, purchases): (f64, u64) = (cells[0].parse().unwrap(), cells[1].parse().unwrap());
            visitors[group] += 1;
            assert_eq!(cells[2] == "1", revenue > 0.0);
            assert_eq!(cells[2] == "1", purchases > 0);
            if revenue > 0.0 {
                spent[group].push(revenue);
            }
            negative[group] += u64::from(cells[4].parse::<f64>().unwrap() < 0.0);
        }
        assert_eq!(visitors, [11_835, 11_817]);
        assert_eq!([spent[0].len(), spent[1].len()], [256, 234]);
        assert!((440..500).contains(&(negative[0] + negative[1])), "{negative:?}");
        assert!(negative[1] > 10 * negative[0], "{negative:?}");
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let largest = spent[0].iter().copied().fold(0.0, f64::max);
        assert_eq!(largest, 1304.27);
        let without: Vec<f64> = spent[0].iter().copied().filter(|value| *value < largest).collect();
        // One purchase makes the difference: without it the groups are within a tenth of each other.
        assert!(mean(&spent[0]) / mean(&spent[1]) > 1.35);
        assert!(
            (mean(&without) / mean(&spent[1]) - 1.0).abs() < 0.1,
            "{} {}",
            mean(&without),
            mean(&spent[1])
        );
    }

    #[test]
    fn the_generator_is_deterministic() {
        assert!(ab_stats_csv() == ab_stats_csv());
    }
}
