//! Relabellings that are made together: labels, sums over groups, and the p-value of every metric from them.

use super::decide::{self, GroupSums, Spread};
use super::prepare::{Prepared, Rule};
use super::ranks;
use super::relabel::Labels;
use super::resample::Labelled;
use super::sums::{Pair, TILE, Tables};
use rand::Rng;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

/// p-values of one metric: for each pair one for each relabelling, none where the test does not exist.
pub(super) type Column = Vec<Vec<Option<f64>>>;

/// Relabellings that are made together.
pub(super) struct Batch<'a> {
    /// Number of units.
    pub units: usize,
    /// How units are labelled.
    pub labels: &'a Labels,
    /// Pairs of groups to compare.
    pub pairs: &'a [(usize, usize)],
    /// Number of relabellings.
    pub length: usize,
}

/// The sums of one metric in all groups but the last, for every relabelling of a batch: group by group.
struct Sums {
    counts: Vec<u32>,
    successes: Vec<u32>,
    pairs: Vec<Vec<Pair>>,
}

impl Batch<'_> {
    /// The p-values of each metric in as many of the relabellings as it takes part in.
    pub fn run(&self, metrics: &[(&Prepared, usize)], seed: u64) -> Vec<Column> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let masked = self.labels.masked();
        let keep = metrics.iter().any(|(metric, length)| *length > 0 && metric.reads_labels());
        let tiles = self.units.div_ceil(TILE);
        // Words of a tile lie group by group, relabelling by relabelling.
        let stride = masked * self.length;
        let mut words = vec![0_u64; if keep { tiles * stride } else { stride }];
        let mut everyone = vec![0_u32; stride];
        let mut sums: Vec<Sums> = metrics
            .iter()
            .map(|(metric, _)| Sums {
                counts: vec![0; if metric.present.is_some() { stride } else { 0 }],
                successes: vec![0; if metric.successes.is_some() { stride } else { 0 }],
                pairs: metric.pairs.iter().map(|_| vec![[0.0; 2]; stride]).collect(),
            })
            .collect();
        let mut tables = Tables::new();
        let mut masks = vec![0; masked];
        for tile in 0..tiles {
            let (from, to) = (tile * TILE, ((tile + 1) * TILE).min(self.units));
            let exists = u64::MAX >> (TILE - (to - from));
            let words = &mut words[if keep { tile * stride } else { 0 }..][..stride];
            for i in 0..self.length {
                self.labels.draw(&mut masks, &mut rng);
                for (group, mask) in masks.iter().enumerate() {
                    words[group * self.length + i] = mask & exists;
                }
            }
            count(words, u64::MAX, &mut everyone);
            for ((metric, length), sums) in metrics.iter().zip(&mut sums) {
                for group in 0..masked {
                    let range = group * self.length..group * self.length + length;
                    if let Some(present) = &metric.present {
                        count(&words[range.clone()], present[tile], &mut sums.counts[range.clone()]);
                    }
                    if let Some(successes) = &metric.successes {
                        count(&words[range], successes[tile], &mut sums.successes[group * self.length..]);
                    }
                }
                if *length == 0 {
                    continue;
                }
                for (column, sums) in metric.pairs.iter().zip(&mut sums.pairs) {
                    tables.fill(&column[from..to]);
                    for group in 0..masked {
                        let range = group * self.length..group * self.length + length;
                        tables.add(&words[range.clone()], &mut sums[range]);
                    }
                }
            }
        }
        let labels = Kept { words: &words, tiles, stride, batch: self };
        metrics
            .iter()
            .zip(&sums)
            .enumerate()
            .map(|(index, ((metric, length), sums))| {
                let own = seed ^ (index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                self.p_values(metric, *length, (sums, &everyone), &labels, own)
            })
            .collect()
    }

    /// The p-values of one metric.
    fn p_values(
        &self,
        metric: &Prepared,
        length: usize,
        (sums, everyone): (&Sums, &[u32]),
        labels: &Kept,
        seed: u64,
    ) -> Column {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let totals = totals(metric);
        let groups = self.labels.masked() + 1;
        let mut columns: Column = self.pairs.iter().map(|_| Vec::with_capacity(length)).collect();
        let mut groups_sums = vec![GroupSums::default(); groups];
        let mut rows = vec![Vec::new(); if metric.reads_labels() { groups } else { 0 }];
        for i in 0..length {
            let mut rest = totals;
            for (group, own) in groups_sums[..groups - 1].iter_mut().enumerate() {
                let at = group * self.length + i;
                own.n = u64::from(sums.counts.get(at).copied().unwrap_or(everyone[at]));
                own.successes = u64::from(sums.successes.get(at).copied().unwrap_or(0));
                for ((own, column), rest) in own.pairs.iter_mut().zip(&sums.pairs).zip(&mut rest.pairs) {
                    *own = column[at];
                    *rest = [rest[0] - own[0], rest[1] - own[1]];
                }
                rest.n -= own.n;
                rest.successes -= own.successes;
            }
            groups_sums[groups - 1] = rest;
            if metric.reads_labels() {
                labels.rows(i, metric.present.as_deref(), &mut rows);
            }
            for (column, &(a, b)) in columns.iter_mut().zip(self.pairs) {
                let rows = |group: usize| rows.get(group).map_or(&[][..], Vec::as_slice);
                let a = Labelled { labels: rows(a), sums: &groups_sums[a] };
                let b = Labelled { labels: rows(b), sums: &groups_sums[b] };
                column.push(p_value(&metric.rule, a, b, &mut rng));
            }
        }
        columns
    }
}

/// Adds to each count the units of a tile that a word selects within a set.
fn count(words: &[u64], set: u64, counts: &mut [u32]) {
    if set == 0 {
        return;
    }
    for (word, count) in words.iter().zip(counts) {
        *count += (word & set).count_ones();
    }
}

/// The sums over all units.
fn totals(metric: &Prepared) -> GroupSums {
    let mut totals = GroupSums { n: metric.n, ..GroupSums::default() };
    if let Some(successes) = &metric.successes {
        totals.successes = successes.iter().map(|word| u64::from(word.count_ones())).sum();
    }
    for (total, column) in totals.pairs.iter_mut().zip(&metric.pairs) {
        *total = column.iter().fold([0.0; 2], |sum, pair| [sum[0] + pair[0], sum[1] + pair[1]]);
    }
    totals
}

/// The labels of a batch.
struct Kept<'a> {
    words: &'a [u64],
    tiles: usize,
    stride: usize,
    batch: &'a Batch<'a>,
}

impl Kept<'_> {
    /// The units of each group in relabelling `i`, among those present.
    fn rows(&self, i: usize, present: Option<&[u64]>, rows: &mut [Vec<u64>]) {
        rows.iter_mut().for_each(|row| row.resize(self.tiles, 0));
        let Some((last, masked)) = rows.split_last_mut() else { return };
        for tile in 0..self.tiles {
            let count = (self.batch.units - tile * TILE).min(TILE);
            let exists = u64::MAX >> (TILE - count);
            let mut rest = present.map_or(exists, |present| present[tile]);
            for (group, row) in masked.iter_mut().enumerate() {
                row[tile] = rest & self.words[tile * self.stride + group * self.batch.length + i];
                rest &= !row[tile];
            }
            last[tile] = rest;
        }
    }
}

/// The p-value of a relabelling; none where the test does not exist.
fn p_value(rule: &Rule, a: Labelled, b: Labelled, rng: &mut impl Rng) -> Option<f64> {
    let spread = |group: &GroupSums| Spread::new(group.n as f64, group.pairs[0]);
    match rule {
        Rule::Welch => decide::welch(spread(a.sums)?, spread(b.sums)?),
        Rule::Student => decide::student(spread(a.sums)?, spread(b.sums)?),
        Rule::RankSum { untied, ties } => {
            // Sums of twice the midranks are exact integers in a double.
            let twice_u = a.sums.pairs[0][0] as u64 - a.sums.n * (a.sums.n + 1);
            ranks::mann_whitney(a.sums.n, b.sums.n, twice_u, *untied, *ties)
        }
        Rule::Proportion(test) => decide::proportion(*test, a.sums, b.sums),
        Rule::Delta => decide::delta(a.sums, b.sums),
        Rule::Rows => decide::rows(a.sums, b.sums),
        Rule::MannWhitney(order) => order.placements(a.labels, b.labels).mann_whitney(),
        Rule::BrunnerMunzel(order) => order.placements(a.labels, b.labels).brunner_munzel(),
        Rule::Quantile(test) => test.p((a.labels, a.sums.n), (b.labels, b.sums.n)),
        Rule::Bootstrap(tails) => tails.bootstrap(a, b, rng),
        Rule::Permutation(tails) => tails.permutation(a, b, rng),
    }
}

#[cfg(test)]
mod tests {
    use super::super::column::{Column, MeanTest, Measure, ProportionTest};
    use super::*;
    use crate::stats::bivariate::BivariateMoments;
    use crate::stats::brunner_munzel::brunner_munzel;
    use crate::stats::mann_whitney::{Method, mann_whitney_u};
    use crate::stats::proportions::{Proportion, two_proportion_z};
    use crate::stats::ratio::ratio_difference;
    use crate::stats::t_test::{student, welch};
    use crate::stats::{Alternative, Level, Moments, chi_square, fisher};

    const TWO: Alternative = Alternative::TwoSided;
    const AT: Level = Level::P95;

    fn unit(rng: &mut Xoshiro256PlusPlus) -> f64 {
        ((rng.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// The group of each unit in each relabelling of a batch, drawn as the batch draws them.
    fn relabellings(batch: &Batch, seed: u64) -> Vec<Vec<usize>> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut groups = vec![vec![batch.labels.masked(); batch.units]; batch.length];
        let mut masks = vec![0; batch.labels.masked()];
        for tile in 0..batch.units.div_ceil(TILE) {
            for groups in &mut groups {
                batch.labels.draw(&mut masks, &mut rng);
                for (bit, group) in groups[tile * TILE..].iter_mut().take(TILE).enumerate() {
                    let labelled = masks.iter().position(|mask| mask >> bit & 1 == 1);
                    *group = labelled.unwrap_or(*group);
                }
            }
        }
        groups
    }

    /// The p-value that the functions of `stats` give for the units of two groups.
    fn slow(measure: &Measure, a: &[usize], b: &[usize]) -> Option<f64> {
        let pick = |values: &[f64], units: &[usize]| units.iter().map(|&i| values[i]).collect::<Vec<f64>>();
        match measure {
            Measure::Mean { values, test } => {
                let (x, y) = (pick(values, a), pick(values, b));
                let (mx, my) = (Moments::from_slice(&x), Moments::from_slice(&y));
                match test {
                    MeanTest::Welch => welch(&mx, &my, TWO, AT).ok().map(|t| t.p),
                    MeanTest::Student => student(&mx, &my, TWO, AT).ok().map(|t| t.p),
                    MeanTest::MannWhitney => mann_whitney_u(&x, &y, TWO, Method::Auto).ok().map(|t| t.p),
                    MeanTest::BrunnerMunzel => brunner_munzel(&x, &y, TWO, AT).ok().map(|t| t.p),
                    MeanTest::Bootstrap | MeanTest::Permutation => None,
                }
            }
            Measure::Proportion { successes, test } => {
                let arm = |units: &[usize]| {
                    let hits = units.iter().filter(|&&i| successes[i]).count() as u64;
                    Proportion::new(hits, units.len() as u64).unwrap()
                };
                let (one, two) = (arm(a), arm(b));
                let table = [one, two].map(|arm| [arm.successes(), arm.trials() - arm.successes()]);
                match test {
                    ProportionTest::Z => two_proportion_z(one, two, TWO).ok().map(|z| z.p),
                    ProportionTest::ChiSquare => {
                        chi_square::contingency(&table.map(|row| row.to_vec())).ok().map(|c| c.p)
                    }
                    ProportionTest::Fisher => fisher::fisher_exact(table, TWO).ok().map(|f| f.p),
                }
            }
            Measure::Ratio { numerator, denominator } => {
                let arm = |units: &[usize]| {
                    BivariateMoments::from_slices(&pick(numerator, units), &pick(denominator, units)).unwrap()
                };
                ratio_difference(&arm(a), &arm(b), TWO, AT).ok().map(|d| d.difference.p)
            }
            Measure::Rows { count, sum, sum_of_squares } => {
                let arm = |units: &[usize]| {
                    let total = |column: &[f64]| pick(column, units).iter().sum::<f64>();
                    let (n, mean) = (total(count), total(sum) / total(count));
                    Moments { n: n as u64, mean, m2: total(sum_of_squares) - n * mean * mean }
                };
                welch(&arm(a), &arm(b), TWO, AT).ok().map(|t| t.p)
            }
            Measure::Quantile { .. } => None,
        }
    }

    fn columns(n: usize, seed: u64) -> Vec<Column> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut list = |of: &dyn Fn(f64) -> f64| (0..n).map(|_| of(unit(&mut rng))).collect::<Vec<f64>>();
        let skewed = list(&|u| 1e3 + u.ln().powi(2));
        let tied = list(&|u| (-3.0 * u.ln()).floor());
        let denominator = list(&|u| (u * 4.0).floor() + 1.0);
        let noise = list(&|u| u + 0.2);
        let numerator: Vec<f64> = denominator.iter().zip(&noise).map(|(d, e)| d * e).collect();
        let squares: Vec<f64> =
            numerator.iter().zip(&denominator).map(|(s, d)| s * s / d + d * 0.1).collect();
        let successes: Vec<bool> = noise.iter().map(|u| *u < 0.3).collect();
        let present: Vec<bool> = list(&|u| u).iter().map(|u| *u < 0.8).collect();
        let mut all = vec![
            Measure::Ratio { numerator: numerator.clone(), denominator: denominator.clone() },
            Measure::Rows { count: denominator, sum: numerator, sum_of_squares: squares },
        ];
        for test in [MeanTest::Welch, MeanTest::Student, MeanTest::MannWhitney, MeanTest::BrunnerMunzel] {
            all.push(Measure::Mean { values: skewed.clone(), test });
            all.push(Measure::Mean { values: tied.clone(), test });
        }
        for test in [ProportionTest::Z, ProportionTest::ChiSquare, ProportionTest::Fisher] {
            all.push(Measure::Proportion { successes: successes.clone(), test });
        }
        let partly = |measure: &Measure| Column { measure: measure.clone(), present: Some(present.clone()) };
        let parts: Vec<Column> = all.iter().map(partly).collect();
        all.into_iter().map(Column::new).chain(parts).collect()
    }

    #[test]
    fn every_fast_p_value_is_that_of_the_test_on_the_same_units() {
        for (n, weights) in
            [(14, vec![1.0, 1.0]), (24, vec![3.0, 1.0]), (333, vec![1.0, 1.0]), (200, vec![2.0, 1.0, 1.0])]
        {
            let labels = Labels::new(&weights).unwrap();
            let pairs: Vec<(usize, usize)> =
                if weights.len() == 2 { vec![(0, 1)] } else { vec![(0, 1), (1, 2), (0, 2)] };
            let batch = Batch { units: n, labels: &labels, pairs: &pairs, length: 40 };
            let columns = columns(n, n as u64);
            let prepared: Vec<Prepared> =
                columns.iter().map(|column| Prepared::new(column, n, weights.len()).unwrap()).collect();
            let metrics: Vec<(&Prepared, usize)> = prepared.iter().map(|metric| (metric, 40)).collect();
            let fast = batch.run(&metrics, 77);
            let groups = relabellings(&batch, 77);
            for ((index, column), fast) in columns.iter().enumerate().zip(&fast) {
                for (&(a, b), fast) in pairs.iter().zip(fast) {
                    for (labels, fast) in groups.iter().zip(fast) {
                        let member = |group: usize| -> Vec<usize> {
                            let is_present =
                                |i: usize| column.present.as_ref().is_none_or(|present| present[i]);
                            (0..n).filter(|&i| labels[i] == group && is_present(i)).collect()
                        };
                        let slow = slow(&column.measure, &member(a), &member(b));
                        match (fast, slow) {
                            (Some(fast), Some(slow)) => assert!(
                                (fast - slow).abs() < 1e-9,
                                "n {n} metric {index} {:?}: {fast} {slow}",
                                column.measure
                            ),
                            (None, None) => {}
                            // Groups of one unit or one outcome: the functions may still answer, the pipeline does not.
                            (fast, slow) => assert!(n < 50, "n {n} metric {index}: {fast:?} {slow:?}"),
                        }
                    }
                }
            }
        }
    }
}
