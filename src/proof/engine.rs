//! A/A proofs: do the deciding tests hold their error rate on these very data?
//!
//! # What it is
//! All units of an experiment get random labels, thousands of times. Labels drawn at random have no effect, so that every
//! significant difference is a false positive; a test of level alpha may show it in a share alpha of the relabellings.
//! The p-values of a continuous test are uniform then. Both are checked for every metric with its own deciding test.
//!
//! # How it is fast
//! One relabelling serves all metrics. Labels are random bits, sixty-four units to a word (`relabel`); sums over a
//! group come from tables of partial sums that some two thousand relabellings share (`sums`), and most tests need no more
//! than two or six such sums. Rank tests without a fixed rank sum walk over the units in order (`ranks`); the bootstrap of a
//! quantile has a closed form (`quantile`); the bootstrap and the permutation test of means have a form of their own
//! (`resample`).
//!
//! # Which units
//! All units of the compared groups together. An effect that is there makes their values a mixture of two laws, and the
//! relabelling of that mixture has no effect all the same.
//!
//! # What it cannot show
//! Relabelling makes units exchangeable by force. It shows what skewness, ties, rare successes, rows taken for units and
//! small samples do to a test; it does not show a broken assignment, for which there is [`super::sample_ratio`] and
//! [`super::balance`], nor dependence between units, as in households, unless the unit table is made of households.
//!
//! # Source
//! R. Kohavi, D. Tang & Y. Xu (2020), *Trustworthy Online Controlled Experiments*, chapter 19 (A/A tests by replaying
//! stored data); P. Good (2005), *Permutation, Parametric and Bootstrap Tests of Hypotheses*.

use super::batch::{Batch, Column};
use super::calibration::{FEWEST, NotRun, Rate, Uniformity, Verdict};
use super::column::{MeanTest, Measure, UnitTable};
use super::prepare::Prepared;
use super::relabel::Labels;
use super::resample::REPLICATES;
use super::sums::TILE;
use crate::stats::multiple_testing::{Correction, adjust};
use crate::stats::{Level, Undefined};
use rand::Rng;
use rayon::prelude::*;

/// Relabellings that share tables of partial sums.
const BATCH: usize = 2048;
/// Most words of labels that a batch keeps for tests that read them: 32 MB.
const KEPT: usize = 1 << 22;

/// What to prove.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Weights of the groups, control first.
    pub weights: Vec<f64>,
    /// Pairs of groups to compare.
    pub pairs: Vec<(usize, usize)>,
    /// Level of the tests.
    pub alpha: f64,
    /// Correction over the pairs, for the rate of the family.
    pub correction: Option<Correction>,
    /// Relabellings.
    pub iterations: usize,
    /// Nominal seconds of one core that a metric may cost. Where its relabellings would cost more it gets fewer, by a
    /// rule that knows sizes and tests and no clock, so that the same data give the same numbers everywhere.
    pub budget: f64,
}

impl Plan {
    /// A control and a treatment of equal weights: ten thousand relabellings, two seconds a metric.
    pub fn halves(alpha: f64) -> Plan {
        Plan {
            weights: vec![1.0, 1.0],
            pairs: vec![(0, 1)],
            alpha,
            correction: None,
            iterations: 10_000,
            budget: 2.0,
        }
    }
}

/// The proof of one test of one metric on one pair of groups.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    /// Index of the column.
    pub metric: usize,
    /// The pair of groups.
    pub pair: (usize, usize),
    /// What was found.
    pub verdict: Verdict,
    /// Share of false positives with its interval; none when the proof was not run.
    pub rate: Option<Rate>,
    /// Relabellings in which the test does not exist, left out of the rate.
    pub undefined: usize,
    /// Distance of the p-values from uniform.
    pub uniformity: Option<Uniformity>,
    /// p-values in the order of the relabellings.
    pub p_values: Vec<f64>,
    /// The test has few p-values, so that fewer false positives than alpha and a distance from uniform are in its nature.
    pub discrete: bool,
    /// Replicates in each relabelling, for tests that resample; the report's own test may use more.
    pub replicates: Option<usize>,
}

/// The proof that the corrected tests of a metric hold the error rate of their family.
#[derive(Clone, Debug, PartialEq)]
pub struct FamilyProof {
    /// Index of the column.
    pub metric: usize,
    /// Share of relabellings in which any pair is significant after the correction.
    pub rate: Rate,
    /// What was found.
    pub verdict: Verdict,
}

/// All proofs.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Proven {
    /// One for each metric and pair, in order.
    pub proofs: Vec<Proof>,
    /// One for each metric that ran, where the plan has several pairs and a correction.
    pub families: Vec<FamilyProof>,
}

/// Proves the deciding test of every metric by relabelling.
///
/// The same generator state gives the same answer, whatever the number of threads.
///
/// # Errors
/// [`Undefined::LengthMismatch`] where columns differ in length, [`Undefined::InvalidParameter`] for weights, pairs, a
/// level, a budget or a number of relabellings outside of their domain. A metric that cannot be tested is no error: its
/// verdict says why.
pub fn prove(table: &UnitTable, plan: &Plan, rng: &mut impl Rng) -> Result<Proven, Undefined> {
    table.check()?;
    let labels = Labels::new(&plan.weights)?;
    let groups = plan.weights.len();
    if plan.pairs.is_empty() || plan.pairs.iter().any(|&(a, b)| a == b || a.max(b) >= groups) {
        return Err(Undefined::InvalidParameter("pairs"));
    }
    Level::from_alpha(plan.alpha).ok_or(Undefined::InvalidParameter("alpha"))?;
    if plan.iterations == 0 || !(plan.budget.is_finite() && plan.budget > 0.0) {
        return Err(Undefined::InvalidParameter("budget"));
    }
    let prepared: Vec<Result<Prepared, Undefined>> =
        table.columns.par_iter().map(|column| Prepared::new(column, table.units, groups)).collect();
    // How many of the relabellings each metric takes part in.
    let limits: Vec<usize> = prepared
        .iter()
        .map(|metric| match metric {
            Ok(metric) => {
                let affordable = plan.budget * 1e9 / metric.cost(table.units, plan.pairs.len());
                let limit = plan.iterations.min(affordable as usize);
                if limit < FEWEST.min(plan.iterations) { 0 } else { limit }
            }
            Err(_) => 0,
        })
        .collect();
    let reads = prepared.iter().flatten().any(Prepared::reads_labels);
    let tiles = table.units.div_ceil(TILE).max(1);
    let size = if reads { (KEPT / (tiles * labels.masked())).clamp(32, BATCH) } else { BATCH };
    let most = limits.iter().copied().max().unwrap_or(0);
    let seeds: Vec<u64> = (0..most.div_ceil(size)).map(|_| rng.next_u64()).collect();
    let batches: Vec<Vec<Column>> = seeds
        .par_iter()
        .enumerate()
        .map(|(index, &seed)| {
            let start = index * size;
            let metrics: Vec<(&Prepared, usize)> = prepared
                .iter()
                .zip(&limits)
                .filter_map(|(metric, limit)| {
                    Some((metric.as_ref().ok()?, limit.saturating_sub(start).min(size)))
                })
                .collect();
            let length = size.min(most - start);
            Batch { units: table.units, labels: &labels, pairs: &plan.pairs, length }.run(&metrics, seed)
        })
        .collect();
    let mut ran = 0;
    let mut proven = Proven::default();
    for (metric, column) in table.columns.iter().enumerate() {
        let outcome = match &prepared[metric] {
            Err(reason) => Err(NotRun::Undefined(*reason)),
            Ok(_) => {
                let p: Column = (0..plan.pairs.len())
                    .map(|pair| batches.iter().flat_map(|batch| batch[ran][pair].iter().copied()).collect())
                    .collect();
                ran += 1;
                if limits[metric] == 0 { Err(NotRun::TooExpensive) } else { Ok(p) }
            }
        };
        judge(metric, &column.measure, outcome, plan, &mut proven);
    }
    Ok(proven)
}

/// Turns the p-values of a metric into its proofs.
fn judge(
    metric: usize,
    measure: &Measure,
    outcome: Result<Column, NotRun>,
    plan: &Plan,
    proven: &mut Proven,
) {
    let replicates = match measure {
        Measure::Mean { test: MeanTest::Bootstrap | MeanTest::Permutation, .. } => Some(REPLICATES),
        _ => None,
    };
    let rate = |significant: usize, iterations: usize| Rate::new(significant, iterations).ok();
    for (index, &pair) in plan.pairs.iter().enumerate() {
        let all: &[Option<f64>] = outcome.as_ref().map_or(&[], |column| &column[index]);
        let p_values: Vec<f64> = all.iter().flatten().copied().collect();
        let undefined = all.len() - p_values.len();
        let significant = p_values.iter().filter(|p| **p < plan.alpha).count();
        let found = rate(significant, p_values.len());
        let verdict = match (&outcome, &found) {
            (Err(reason), _) => Verdict::NotRun(*reason),
            (Ok(_), Some(rate)) if undefined <= p_values.len() => rate.verdict(plan.alpha),
            _ => Verdict::NotRun(NotRun::MostlyUndefined),
        };
        proven.proofs.push(Proof {
            metric,
            pair,
            verdict,
            rate: found,
            undefined,
            uniformity: Uniformity::of(&p_values),
            p_values,
            discrete: measure.is_discrete(),
            replicates,
        });
    }
    let (Ok(column), Some(correction), true) = (&outcome, plan.correction, plan.pairs.len() > 1) else {
        return;
    };
    // Relabellings in which a pair has no test have no family either.
    let families: Vec<bool> = (0..column[0].len())
        .filter_map(|i| column.iter().map(|pair| pair[i]).collect::<Option<Vec<f64>>>())
        .filter_map(|p| adjust(&p, correction).ok())
        .map(|adjusted| adjusted.iter().any(|p| *p < plan.alpha))
        .collect();
    if let Some(rate) = rate(families.iter().filter(|any| **any).count(), families.len()) {
        proven.families.push(FamilyProof { metric, rate, verdict: rate.verdict(plan.alpha) });
    }
}

#[cfg(test)]
mod tests {
    use super::super::column::{Column, ProportionTest};
    use super::*;
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::SeedableRng;

    fn seeded(seed: u64) -> Xoshiro256PlusPlus {
        Xoshiro256PlusPlus::seed_from_u64(seed)
    }

    fn uniforms(n: usize, seed: u64) -> Vec<f64> {
        let mut rng = seeded(seed);
        (0..n).map(|_| ((rng.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64).collect()
    }

    /// One metric of each kind that needs labels, and one that does not.
    fn table(n: usize) -> UnitTable {
        let values: Vec<f64> = uniforms(n, 1).iter().map(|u| -u.ln()).collect();
        let mean = |test| Column::new(Measure::Mean { values: values.clone(), test });
        let columns = vec![
            mean(MeanTest::Welch),
            mean(MeanTest::BrunnerMunzel),
            mean(MeanTest::Bootstrap),
            mean(MeanTest::Permutation),
            Column::new(Measure::Quantile { values: values.clone(), q: 0.5 }),
        ];
        UnitTable { units: n, columns }
    }

    #[test]
    fn a_seed_gives_the_same_proof_on_any_number_of_threads() {
        let (table, plan) = (table(150), Plan { iterations: 300, ..Plan::halves(0.05) });
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| prove(&table, &plan, &mut seeded(8)).unwrap())
        };
        let alone = on(1);
        assert_eq!(alone, on(2));
        assert_ne!(alone, prove(&table, &plan, &mut seeded(9)).unwrap());
        // What the bootstrap draws does not move the labels of the others.
        let first = UnitTable { columns: table.columns[..1].to_vec(), ..table.clone() };
        assert_eq!(prove(&first, &plan, &mut seeded(8)).unwrap().proofs[0], alone.proofs[0]);
    }

    #[test]
    fn rows_taken_for_units_are_found_out() {
        // Ten rows a unit that hardly differ within it.
        let n = 400;
        let unit: Vec<f64> = uniforms(n, 2);
        let rows = Measure::Rows {
            count: vec![10.0; n],
            sum: unit.iter().map(|u| 10.0 * u).collect(),
            sum_of_squares: unit.iter().map(|u| 10.0 * u * u + 0.01).collect(),
        };
        let mean = Measure::Mean { values: unit, test: MeanTest::Welch };
        let table = UnitTable { units: n, columns: vec![Column::new(rows), Column::new(mean)] };
        let proven = prove(&table, &Plan { iterations: 4000, ..Plan::halves(0.05) }, &mut seeded(3)).unwrap();
        // √10 times too small a standard error: P(|Z| > 1.96/√10) = 0.535.
        assert_eq!(proven.proofs[0].verdict, Verdict::TooMany);
        assert!((proven.proofs[0].rate.unwrap().share - 0.535).abs() < 0.04);
        assert_eq!(proven.proofs[1].verdict, Verdict::Holds);
    }

    #[test]
    fn the_budget_bounds_the_relabellings_and_what_cannot_be_tested_says_why() {
        let mut table = table(150);
        table.columns.push(Column::new(Measure::Mean { values: vec![2.0; 150], test: MeanTest::Welch }));
        let none = Measure::Proportion { successes: vec![false; 150], test: ProportionTest::Fisher };
        table.columns.push(Column::new(none));
        let mut rare = vec![f64::NAN; 150];
        rare[..3].fill(1.0);
        let present = Some(rare.iter().map(|x| x.is_finite()).collect());
        table
            .columns
            .push(Column { measure: Measure::Mean { values: rare, test: MeanTest::Welch }, present });
        let plan = Plan { iterations: 1000, budget: 0.02, ..Plan::halves(0.05) };
        let proofs = prove(&table, &plan, &mut seeded(4)).unwrap().proofs;
        assert_eq!(proofs[0].p_values.len(), 1000);
        assert_eq!(proofs[2].verdict, Verdict::NotRun(NotRun::TooExpensive));
        let reason = |i: usize| proofs[i].verdict;
        assert_eq!(reason(5), Verdict::NotRun(NotRun::Undefined(Undefined::ZeroVariance)));
        assert_eq!(reason(6), Verdict::NotRun(NotRun::Undefined(Undefined::ZeroVariance)));
        let few = Undefined::TooFewObservations { needed: 4, found: 3 };
        assert_eq!(reason(7), Verdict::NotRun(NotRun::Undefined(few)));
        assert!(proofs[5].rate.is_none() && proofs[5].p_values.is_empty());
        let error = |plan: Plan| prove(&table, &plan, &mut seeded(1)).err();
        assert_eq!(
            error(Plan { pairs: vec![(0, 2)], ..plan.clone() }),
            Some(Undefined::InvalidParameter("pairs"))
        );
        assert_eq!(error(Plan { alpha: 0.0, ..plan.clone() }), Some(Undefined::InvalidParameter("alpha")));
        let short = Column::new(Measure::Quantile { values: vec![1.0], q: 0.5 });
        let table = UnitTable { units: 2, columns: vec![short] };
        assert_eq!(prove(&table, &plan, &mut seeded(1)).err(), Some(Undefined::LengthMismatch));
    }

    #[test]
    fn corrected_pairs_hold_the_rate_of_their_family() {
        let values: Vec<f64> = uniforms(900, 6);
        let columns = vec![Column::new(Measure::Mean { values, test: MeanTest::MannWhitney })];
        let plan = Plan {
            weights: vec![1.0, 1.0, 1.0],
            pairs: vec![(0, 1), (0, 2), (1, 2)],
            correction: Some(Correction::Holm),
            ..Plan::halves(0.05)
        };
        let proven = prove(&UnitTable { units: 900, columns }, &plan, &mut seeded(5)).unwrap();
        assert!(proven.proofs.iter().all(|proof| proof.verdict == Verdict::Holds));
        // Holm's rate over the three pairs of three groups is somewhat below the level.
        assert!((0.035..0.053).contains(&proven.families[0].rate.share), "{:?}", proven.families);
    }
}
