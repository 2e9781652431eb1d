//! Rank tests of a relabelling: from rank sums where the ranks are fixed, else from one walk over the units in order.

use super::sums::holds;
use crate::stats::Alternative;
use crate::stats::distributions::normal_sf;
use crate::stats::mann_whitney::{Method, mann_whitney_u};
use crate::stats::rank::cubed_minus_itself;
use crate::stats::t_test::student_t_p;

/// The units of a metric in ascending order of their values, and where groups of equal values end.
pub(super) struct Ordered {
    pub units: Vec<u32>,
    pub ends: Vec<u32>,
}

impl Ordered {
    /// Orders the chosen units. Equal values stand in the order of the units, so that the answer is the same every time.
    pub fn new(values: &[f64], chosen: &[usize]) -> Ordered {
        let mut units: Vec<u32> = chosen.iter().map(|&i| i as u32).collect();
        units.sort_by(|&a, &b| values[a as usize].total_cmp(&values[b as usize]));
        let mut ends = Vec::new();
        for (at, &unit) in units.iter().enumerate() {
            let next = units.get(at + 1).map(|&next| values[next as usize]);
            if next != Some(values[unit as usize]) {
                ends.push(at as u32 + 1);
            }
        }
        Ordered { units, ends }
    }

    /// One walk: how the values of two groups lie to each other.
    pub fn placements(&self, first: &[u64], second: &[u64]) -> Placements {
        let mut sums = Placements::default();
        let mut start = 0;
        for &end in &self.ends {
            let (mut a, mut b) = (0_u64, 0_u64);
            for &unit in &self.units[start..end as usize] {
                a += u64::from(holds(first, unit as usize));
                b += u64::from(holds(second, unit as usize));
            }
            start = end as usize;
            let (of_first, of_second) = (2 * sums.n2 + b, 2 * sums.n1 + a);
            sums.twice_u += a * of_first;
            sums.squares_first += u128::from(a * of_first) * u128::from(of_first);
            sums.squares_second += u128::from(b * of_second) * u128::from(of_second);
            sums.ties += cubed_minus_itself((a + b) as usize);
            sums.n1 += a;
            sums.n2 += b;
        }
        sums
    }
}

/// Twice the placements of two groups in each other, summed: integers, exactly.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Placements {
    pub n1: u64,
    pub n2: u64,
    twice_u: u64,
    squares_first: u128,
    squares_second: u128,
    ties: u128,
}

impl Placements {
    /// The Mann–Whitney test.
    pub fn mann_whitney(&self) -> Option<f64> {
        let untied = cubed_minus_itself((self.n1 + self.n2) as usize) - self.ties;
        mann_whitney(self.n1, self.n2, self.twice_u, untied as f64, self.ties > 0)
    }

    /// The Brunner–Munzel test.
    pub fn brunner_munzel(&self) -> Option<f64> {
        if self.n1 < 2 || self.n2 < 2 {
            return None;
        }
        let (n1, n2) = (self.n1 as f64, self.n2 as f64);
        let twice_u_second = 2 * self.n1 * self.n2 - self.twice_u;
        // n Σx² − (Σx)² of the doubled placements is an integer too.
        let m2 = |n: u64, squares: u128, sum: u64| {
            (u128::from(n) * squares - u128::from(sum) * u128::from(sum)) as f64 / (4.0 * n as f64)
        };
        let part1 = m2(self.n1, self.squares_first, self.twice_u) / (n1 - 1.0) / (n1 * n2 * n2);
        let part2 = m2(self.n2, self.squares_second, twice_u_second) / (n2 - 1.0) / (n2 * n1 * n1);
        let variance = part1 + part2;
        if variance <= 0.0 {
            return None;
        }
        let difference = (twice_u_second as f64 - self.twice_u as f64) / (4.0 * n1 * n2);
        let df = variance * variance / (part1 * part1 / (n1 - 1.0) + part2 * part2 / (n2 - 1.0));
        Some(student_t_p(difference / variance.sqrt(), df, Alternative::TwoSided))
    }
}

/// The two-sided Mann–Whitney p-value from twice U of the first group; `untied` is n³ − n − Σ(t³ − t).
pub(super) fn mann_whitney(n1: u64, n2: u64, twice_u: u64, untied: f64, ties: bool) -> Option<f64> {
    if n1 == 0 || n2 == 0 {
        return None;
    }
    if n1.min(n2) <= 8 && !ties {
        return exact(n1, n2, twice_u / 2);
    }
    let (pairs, n) = (n1 * n2, (n1 + n2) as f64);
    let tail = twice_u.max(2 * pairs - twice_u);
    let distance = (tail as i64 - pairs as i64 - 1) as f64 / 2.0;
    let sd = (n1 as f64 * n2 as f64 / 12.0 * (untied / (n * (n - 1.0)))).sqrt();
    let p = if sd > 0.0 { normal_sf(distance / sd) } else { 1.0 };
    Some((2.0 * p).min(1.0))
}

/// The exact p-value of small groups without ties: a pair of samples with this U stands for all of them.
fn exact(n1: u64, n2: u64, u: u64) -> Option<f64> {
    // The values of the second sample are 1, 2, …; one of the first with k of them below lies between k and k + 1.
    let below = |i: u64| u.saturating_sub(i * n2).min(n2);
    let first: Vec<f64> =
        (0..n1).map(|i| below(i) as f64 + 0.5 + 0.25 * (n1 - i) as f64 / (n1 + 1) as f64).collect();
    let second: Vec<f64> = (1..=n2).map(|i| i as f64).collect();
    mann_whitney_u(&first, &second, Alternative::TwoSided, Method::Auto).ok().map(|test| test.p)
}
