//! A column made ready: centred, scaled, laid out for the tables of partial sums, or put in order.

use super::column::{Column, MeanTest, Measure, ProportionTest};
use super::quantile::QuantileTest;
use super::ranks::Ordered;
use super::resample::Tails;
use super::sums::{Pair, words};
use crate::stats::rank::{cubed_minus_itself, midranks};
use crate::stats::{Moments, Undefined};

/// Fewest units on which a metric is worth relabelling.
const FEWEST_UNITS: u64 = 4;

/// A metric ready for relabelling.
pub(super) struct Prepared {
    /// The units that have the metric; none when all do.
    pub present: Option<Vec<u64>>,
    /// Number of these units.
    pub n: u64,
    /// The units that succeeded.
    pub successes: Option<Vec<u64>>,
    /// Columns of numbers, two at a time; zero for units without the metric.
    pub pairs: Vec<Vec<Pair>>,
    /// How a p-value follows.
    pub rule: Rule,
}

/// How the p-value of a relabelling is computed.
pub(super) enum Rule {
    /// From the sums of x and x².
    Welch,
    /// From the sums of x and x².
    Student,
    /// From the sum of twice the midranks; with the tie-corrected n³ − n and whether there are ties.
    RankSum { untied: f64, ties: bool },
    /// From successes.
    Proportion(ProportionTest),
    /// From the sums of e and e², d and ed, d²: e the residual of the ratio of all units, d the denominator.
    Delta,
    /// From the sums of x and x² over rows, and of rows.
    Rows,
    /// From the units in order.
    MannWhitney(Ordered),
    /// From the units in order.
    BrunnerMunzel(Ordered),
    /// From the units around the quantile.
    Quantile(QuantileTest),
    /// From the sums of x and x², x³ and the largest deviations.
    Bootstrap(Tails),
    /// From the sums of x and x², x³ and the largest deviations.
    Permutation(Tails),
}

impl Prepared {
    /// Prepares a column of a table of `units` units that get one of `groups` labels.
    ///
    /// # Errors
    /// Values that are not finite, that do not vary, or that are too few; a denominator of zero.
    pub fn new(column: &Column, units: usize, groups: usize) -> Result<Prepared, Undefined> {
        let is_present = |i: usize| column.present.as_ref().is_none_or(|present| present[i]);
        let chosen: Vec<usize> = (0..units).filter(|&i| is_present(i)).collect();
        let n = chosen.len() as u64;
        if n < FEWEST_UNITS {
            return Err(Undefined::TooFewObservations { needed: FEWEST_UNITS, found: n });
        }
        let present = column.present.as_ref().map(|present| words(present.iter().copied()));
        let plain = |pairs, rule| Prepared { present: present.clone(), n, successes: None, pairs, rule };
        match &column.measure {
            Measure::Mean { values, test } => {
                let standard = Standard::of(values, &chosen)?;
                let squares = || standard.column(units, &chosen, |x| [x, x * x]);
                let cubes = || standard.column(units, &chosen, |x| [x * x * x, 0.0]);
                Ok(match test {
                    MeanTest::Welch => plain(vec![squares()], Rule::Welch),
                    MeanTest::Student => plain(vec![squares()], Rule::Student),
                    // Rank sums of a pair out of several groups need the ranks within the pair.
                    MeanTest::MannWhitney if groups > 2 => {
                        plain(Vec::new(), Rule::MannWhitney(Ordered::new(values, &chosen)))
                    }
                    MeanTest::MannWhitney => {
                        let (column, rule) = rank_sums(&standard.values, units, &chosen);
                        plain(vec![column], rule)
                    }
                    MeanTest::BrunnerMunzel => {
                        plain(Vec::new(), Rule::BrunnerMunzel(Ordered::new(values, &chosen)))
                    }
                    MeanTest::Bootstrap => plain(
                        vec![squares(), cubes()],
                        Rule::Bootstrap(Tails::new(&standard.values, &chosen)),
                    ),
                    MeanTest::Permutation => plain(
                        vec![squares(), cubes()],
                        Rule::Permutation(Tails::new(&standard.values, &chosen)),
                    ),
                })
            }
            Measure::Proportion { successes, test } => {
                let succeeded = chosen.iter().filter(|&&i| successes[i]).count() as u64;
                if succeeded == 0 || succeeded == n {
                    return Err(Undefined::ZeroVariance);
                }
                let set = words((0..units).map(|i| is_present(i) && successes[i]));
                Ok(Prepared { successes: Some(set), ..plain(Vec::new(), Rule::Proportion(*test)) })
            }
            Measure::Ratio { numerator, denominator } => {
                Ok(plain(ratio(numerator, denominator, units, &chosen)?, Rule::Delta))
            }
            Measure::Quantile { values, q } => {
                Standard::of(values, &chosen)?;
                let ordered = Ordered::new(values, &chosen);
                Ok(plain(Vec::new(), Rule::Quantile(QuantileTest::new(&ordered, *q, units, groups)?)))
            }
            Measure::Rows { count, sum, sum_of_squares } => {
                Ok(plain(rows([count, sum, sum_of_squares], units, &chosen)?, Rule::Rows))
            }
        }
    }

    /// The rule reads the labels of single units, not only sums over groups.
    pub fn reads_labels(&self) -> bool {
        matches!(
            self.rule,
            Rule::MannWhitney(_)
                | Rule::BrunnerMunzel(_)
                | Rule::Quantile(_)
                | Rule::Bootstrap(_)
                | Rule::Permutation(_)
        )
    }

    /// What one relabelling costs, in nominal nanoseconds of one core; measured once, on a usual server, and rounded up.
    pub fn cost(&self, units: usize, comparisons: usize) -> f64 {
        let (tiles, n) = (units as f64 / 64.0, self.n as f64);
        let sums = tiles * (4.0 + 7.0 * self.pairs.len() as f64);
        let gathered = if self.reads_labels() { 4.0 * tiles } else { 0.0 };
        let each = match &self.rule {
            Rule::Welch | Rule::Student | Rule::Rows => 500.0,
            Rule::RankSum { .. } | Rule::Delta => 100.0,
            Rule::Proportion(ProportionTest::Fisher) => 2_000.0 + 40.0 * n.sqrt(),
            Rule::Proportion(_) => 300.0,
            Rule::MannWhitney(_) | Rule::BrunnerMunzel(_) => 500.0 + 3.0 * n,
            Rule::Quantile(test) => 500.0 + 2.0 * tiles + 45.0 * test.window() as f64,
            Rule::Bootstrap(tails) | Rule::Permutation(tails) => tails.cost(2.5),
        };
        sums + gathered + comparisons as f64 * each
    }
}

/// Values of the chosen units, centred and scaled, so that their sums of squares keep their digits. No test of this room
/// feels a shift or a scale.
struct Standard {
    values: Vec<f64>,
}

impl Standard {
    fn of(values: &[f64], chosen: &[usize]) -> Result<Standard, Undefined> {
        let values: Vec<f64> = chosen.iter().map(|&i| values[i]).collect();
        let moments = Moments::from_slice(&values);
        if moments.checked_variance()? == 0.0 {
            return Err(Undefined::ZeroVariance);
        }
        let sd = (moments.m2 / moments.n as f64).sqrt();
        Ok(Standard { values: values.iter().map(|x| (x - moments.mean) / sd).collect() })
    }

    fn column(&self, units: usize, chosen: &[usize], pair: impl Fn(f64) -> Pair) -> Vec<Pair> {
        spread(units, chosen, self.values.iter().map(|&x| pair(x)))
    }
}

/// Pairs of the chosen units among all units, zero elsewhere.
fn spread(units: usize, chosen: &[usize], pairs: impl Iterator<Item = Pair>) -> Vec<Pair> {
    let mut column = vec![[0.0; 2]; units];
    for (&i, pair) in chosen.iter().zip(pairs) {
        column[i] = pair;
    }
    column
}

/// Twice the midranks: integers, so that their sums are exact.
fn rank_sums(values: &[f64], units: usize, chosen: &[usize]) -> (Vec<Pair>, Rule) {
    let ranks = midranks(values);
    let ties = crate::stats::rank::tie_term(values);
    let untied = (cubed_minus_itself(values.len()) - ties) as f64;
    let column = spread(units, chosen, ranks.iter().map(|rank| [2.0 * rank, 0.0]));
    (column, Rule::RankSum { untied, ties: ties > 0 })
}

/// The columns of the delta method about the ratio of all units, in units of their own size.
fn ratio(y: &[f64], x: &[f64], units: usize, chosen: &[usize]) -> Result<Vec<Vec<Pair>>, Undefined> {
    let n = chosen.len() as f64;
    let sum = |values: &[f64]| chosen.iter().map(|&i| values[i]).sum::<f64>();
    let (total_y, total_x) = (sum(y), sum(x));
    if !(total_y.is_finite() && total_x.is_finite()) {
        return Err(Undefined::NonFinite);
    }
    if total_x == 0.0 {
        return Err(Undefined::ZeroDenominator);
    }
    let whole = total_y / total_x;
    let residuals: Vec<f64> = chosen.iter().map(|&i| y[i] - whole * x[i]).collect();
    let size = (residuals.iter().map(|e| e * e).sum::<f64>() / n).sqrt();
    let scale = chosen.iter().map(|&i| y[i].abs()).fold(0.0, f64::max);
    if size <= scale * 1e-13 {
        return Err(Undefined::ZeroVariance);
    }
    let mean = total_x / n;
    let pairs = |of: fn(f64, f64) -> Pair| {
        let each = chosen.iter().zip(&residuals).map(move |(&i, e)| of(e / size, x[i] / mean));
        spread(units, chosen, each)
    };
    Ok(vec![pairs(|e, _| [e, e * e]), pairs(|e, d| [d, e * d]), pairs(|_, d| [d * d, 0.0])])
}

/// Sums over the rows of a unit about the mean of all rows.
fn rows(columns: [&Vec<f64>; 3], units: usize, chosen: &[usize]) -> Result<Vec<Vec<Pair>>, Undefined> {
    let [count, sum, squares] = columns;
    let total = |values: &[f64]| chosen.iter().map(|&i| values[i]).sum::<f64>();
    let (rows, values) = (total(count), total(sum));
    if !(rows.is_finite() && values.is_finite() && total(squares).is_finite()) {
        return Err(Undefined::NonFinite);
    }
    if chosen.iter().any(|&i| count[i] < 0.0) || rows < FEWEST_UNITS as f64 {
        return Err(Undefined::InvalidParameter("count"));
    }
    let mean = values / rows;
    let centred: Vec<Pair> = chosen
        .iter()
        .map(|&i| [sum[i] - count[i] * mean, squares[i] - 2.0 * mean * sum[i] + mean * mean * count[i]])
        .collect();
    let sd = (centred.iter().map(|pair| pair[1]).sum::<f64>() / rows).sqrt();
    if sd.is_nan() || sd <= mean.abs() * 1e-13 {
        return Err(Undefined::ZeroVariance);
    }
    let moments = spread(units, chosen, centred.iter().map(|[x, square]| [x / sd, square / (sd * sd)]));
    let counts = spread(units, chosen, chosen.iter().map(|&i| [count[i], 0.0]));
    Ok(vec![moments, counts])
}
