//! Watching every night, measured by simulation: how often it finds an effect that is not there, how often it finds one
//! that is, and how often its intervals hold the truth. Seeds are fixed, so that the outcome is too.
//!
//! Each bound is the nominal rate plus about three standard errors of the share of the runs, unless a looser one is
//! explained.

use itog::monitoring::{
    Closing, Effect, Efficiency, Futility, FutilityAdvice, Look, LookOutcome, Method, Plan, Schedule, WarmUp,
    efficiency, monitor,
};
use itog::stats::distributions::normal_quantile;
use itog::stats::group_sequential::Spending;
use itog::stats::t_test::welch;
use itog::stats::{Alternative, Level, Moments};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

const ALPHA: f64 = 0.05;
/// z_{0.025} + z_{0.2}: the drift at which the fixed test has the power 0.8.
const DRIFT: f64 = 2.801_585;

fn normal(rng: &mut Xoshiro256PlusPlus) -> f64 {
    // The middle of the step keeps the uniform away from 0 and 1.
    normal_quantile((rng.random_range(0..1u64 << 52) as f64 + 0.5) / (1u64 << 52) as f64)
}

fn uniform(rng: &mut Xoshiro256PlusPlus) -> f64 {
    rng.random_range(0..1u64 << 52) as f64 / (1u64 << 52) as f64
}

fn generator(seed: u64, run: u32) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed << 32 | u64::from(run))
}

/// Share of the runs in which `event` happens; each run has its own seed, so that threads do not matter.
fn share(seed: u64, runs: u32, event: impl Fn(&mut Xoshiro256PlusPlus) -> bool + Sync) -> f64 {
    let found: u32 = (0..runs).into_par_iter().map(|run| u32::from(event(&mut generator(seed, run)))).sum();
    f64::from(found) / f64::from(runs)
}

/// Nights of a score with the drift `drift` at full information, seen at these shares of it. The standard error at full
/// information is 1, so that the effect is the drift.
fn nights(rng: &mut Xoshiro256PlusPlus, shares: &[f64], drift: f64) -> Vec<Look> {
    let (mut score, mut before) = (0.0, 0.0_f64);
    let looks = (1..).zip(shares).map(|(day, &share)| {
        let gain = share - before;
        // Units that a correction takes out are any of those that were in: the score goes back on a Brownian bridge.
        let (back, variance) =
            if gain < 0.0 { (score / before, -gain * share / before) } else { (drift, gain) };
        before = share;
        score += back * gain + variance.sqrt() * normal(rng);
        let effect = Effect { estimate: score / share, se: 1.0 / share.sqrt() };
        Look { day, information: share, effect: Some(effect) }
    });
    looks.collect()
}

fn even(looks: u32) -> Vec<f64> {
    (1..=looks).map(|look| f64::from(look) / f64::from(looks)).collect()
}

fn schedule(plan: &Plan, shares: &[f64]) -> Schedule {
    let nights: Vec<(i32, Option<f64>)> = (1..).zip(shares.iter().map(|share| Some(*share))).collect();
    Schedule::new(plan, &nights, Closing::Open).unwrap()
}

fn spent(spending: Spending) -> Plan {
    Plan { method: Method::GroupSequential { planned: 1.0, spending }, ..usual() }
}

fn usual() -> Plan {
    Plan::usual(Some(1.0), 1.0, ALPHA)
}

fn always_valid() -> Plan {
    Plan::usual(None, 1.0, ALPHA)
}

fn crossed(looks: &[LookOutcome]) -> bool {
    looks.iter().any(|look| look.crosses)
}

/// Share of the runs that cross at any night.
fn crossing(seed: u64, runs: u32, plan: &Plan, shares: &[f64], drift: f64) -> f64 {
    let schedule = schedule(plan, shares);
    share(seed, runs, |rng| crossed(&schedule.outcomes(&nights(rng, shares, drift)).unwrap()))
}

#[test]
fn twenty_eight_nights_are_wrong_no_more_often_than_one() {
    let shares = even(28);
    let plans = [usual(), spent(Spending::Pocock), spent(Spending::Power(3.0)), spent(Spending::Power(1.5))];
    for (seed, plan) in (1..).zip(plans) {
        let found = crossing(seed, 16_000, &plan, &shares, 0.0);
        // Spending is exact: the error rate is neither more nor less than it should be.
        assert!((found - ALPHA).abs() < 0.005, "{plan:?}: {found}");
    }
    let always = crossing(5, 16_000, &always_valid(), &shares, 0.0);
    assert!(always <= ALPHA, "always valid: {always}");
    // For contrast: whoever stops at the first night with p < 0.05.
    let naive = share(6, 4000, |rng| {
        nights(rng, &shares, 0.0)
            .iter()
            .any(|look| look.effect.is_some_and(|e| (e.estimate / e.se).abs() > 1.96))
    });
    assert!(naive > 0.2, "{naive}");
}

#[test]
fn an_effect_is_found_about_as_often_and_sooner() {
    let shares = even(28);
    let found = crossing(11, 8000, &usual(), &shares, DRIFT);
    assert!(found >= 0.765, "{found}");
    // What a plan is told beforehand is what happens: power with the inflated size, and the mean sample.
    let spending = Spending::ObrienFleming;
    let Efficiency { inflation, expected_effect, expected_null, .. } =
        efficiency(ALPHA, 0.8, Some(spending), 28).unwrap();
    let schedule = schedule(&usual(), &shares);
    for (seed, drift, expected, power) in
        [(12, DRIFT * inflation.sqrt(), expected_effect, 0.8), (13, 0.0, expected_null, ALPHA)]
    {
        let runs = 8000;
        let stops: Vec<Option<f64>> = (0..runs)
            .into_par_iter()
            .map(|run| {
                let looks = nights(&mut generator(seed, run), &shares, drift);
                let looks = schedule.outcomes(&looks).unwrap();
                looks.iter().find(|look| look.crosses).map(|look| look.information)
            })
            .collect();
        let mean = stops.iter().map(|stop| stop.unwrap_or(1.0)).sum::<f64>() / f64::from(runs) * inflation;
        let crossed = stops.iter().flatten().count() as f64 / f64::from(runs);
        assert!((mean - expected).abs() < 0.01, "mean sample {mean} instead of {expected}");
        assert!((crossed - power).abs() < 0.014, "power {crossed} instead of {power}");
    }
}

#[test]
fn irregular_nights_keep_the_error_rate() {
    // Flows that differ by a factor of twenty, nights that bring nothing, corrections that take information away, an end
    // beyond the plan and nights after it.
    let found: Vec<f64> = (0..12_u32)
        .map(|case| {
            let mut rng = generator(21, case);
            let mut shares: Vec<f64> = Vec::new();
            let mut share = 0.0_f64;
            while share < 1.1 {
                let gain = match rng.random_range(0..10) {
                    0 => 0.0,
                    1 => -0.2 * share.min(0.05),
                    _ => 0.005 + 0.095 * uniform(&mut rng).powi(3),
                };
                share += gain;
                shares.push(share.max(1e-4));
            }
            let plan = [usual(), spent(Spending::Pocock), spent(Spending::Power(2.0))][case as usize % 3];
            crossing(100 + u64::from(case), 4000, &plan, &shares, 0.0)
        })
        .collect();
    let mean = found.iter().sum::<f64>() / found.len() as f64;
    // Corrections are the only thing that boundaries do not know of: units that are taken out and replaced tie two looks
    // together a little less than their information says. With ten times the runs the mean is 0.0514 here, and 0.0498
    // without the corrections.
    assert!((mean - ALPHA).abs() < 0.004, "{mean}: {found:?}");
    assert!(found.iter().all(|rate| *rate < ALPHA + 0.0105), "{found:?}");
}

#[test]
fn a_scheduled_end_short_of_the_plan_keeps_the_error_rate() {
    // The flow was lower than planned: 28 nights bring 70 % of the plan, and the date was fixed in advance.
    let shares: Vec<f64> = even(28).iter().map(|share| share * 0.7).collect();
    let nights_known: Vec<(i32, Option<f64>)> = (1..).zip(shares.iter().map(|share| Some(*share))).collect();
    let rate = |closing: Closing| {
        let schedule = Schedule::new(&usual(), &nights_known, closing).unwrap();
        share(25, 16_000, |rng| crossed(&schedule.outcomes(&nights(rng, &shares, 0.0)).unwrap()))
    };
    let (closed, open) = (rate(Closing::Scheduled), rate(Closing::Open));
    assert!((closed - ALPHA).abs() < 0.005, "{closed}");
    // What is not scheduled may not spend the rest.
    assert!(open < 0.025, "{open}");
}

#[test]
fn a_hundred_nights_without_an_end_are_wrong_in_less_than_the_promised_share() {
    // Up to five times the expected size.
    let shares: Vec<f64> = even(100).iter().map(|share| share * 5.0).collect();
    let found = crossing(31, 8000, &always_valid(), &shares, 0.0);
    assert!(found <= ALPHA, "{found}");
    // With enough data it finds what is there: at the expected size half of the time, later nearly always.
    let power = crossing(32, 4000, &always_valid(), &shares, DRIFT);
    assert!(power > 0.98, "{power}");
}

#[test]
fn repeated_intervals_hold_the_truth_at_all_nights_at_once() {
    let shares = even(28);
    for (seed, plan, nominal) in
        [(41, usual(), 0.95), (42, spent(Spending::Pocock), 0.95), (43, always_valid(), 1.0)]
    {
        let schedule = schedule(&plan, &shares);
        let found = share(seed, 8000, |rng| {
            let looks = schedule.outcomes(&nights(rng, &shares, DRIFT)).unwrap();
            looks.iter().filter_map(|look| look.interval).all(|interval| interval.contains(DRIFT))
        });
        assert!(found > nominal - 0.0075 || (nominal == 1.0 && found >= 0.95), "{plan:?}: {found}");
    }
}

#[test]
fn what_is_said_at_the_end_is_neither_biased_nor_overconfident() {
    let shares = even(10);
    for (seed, plan, drift) in
        [(51, usual(), DRIFT), (52, spent(Spending::Pocock), DRIFT), (53, spent(Spending::Pocock), 0.0)]
    {
        let runs = 800;
        let said: Vec<(bool, bool, bool, bool)> = (0..runs)
            .into_par_iter()
            .map(|run| {
                let looks = nights(&mut generator(seed, run), &shares, drift);
                let answer = monitor(&plan, &looks, Closing::Open).unwrap();
                let interval = answer.interval.unwrap();
                let at = answer.crossed.map_or(looks.len() - 1, |crossed| crossed.look);
                let naive = looks[at].effect.unwrap();
                (
                    interval.contains(drift),
                    answer.estimate.unwrap() > drift,
                    naive.estimate > drift,
                    answer.p.unwrap().value < ALPHA,
                )
            })
            .collect();
        let of = |what: fn(&(bool, bool, bool, bool)) -> bool| {
            said.iter().filter(|s| what(s)).count() as f64 / f64::from(runs)
        };
        let (covered, above, naive, rejected) = (of(|s| s.0), of(|s| s.1), of(|s| s.2), of(|s| s.3));
        assert!((covered - 0.95).abs() < 0.0235, "{plan:?}: coverage {covered}");
        assert!((above - 0.5).abs() < 0.055, "{plan:?}: {above} above the truth");
        if drift == 0.0 {
            assert!((rejected - ALPHA).abs() < 0.0235, "{plan:?}: {rejected}");
        } else {
            // The naive estimate at the stop exaggerates.
            assert!(naive > above + 0.03, "{plan:?}: {naive} above the truth without correction");
        }
    }
}

/// One unit's value.
#[derive(Clone, Copy, Debug)]
enum Units {
    /// A tenth of the users pay a log-normal amount: skewness about 12.
    Revenue,
    /// A twentieth of the users convert.
    Conversion,
    /// Exponential times.
    Times,
}

impl Units {
    fn draw(self, rng: &mut Xoshiro256PlusPlus) -> f64 {
        match self {
            Units::Revenue if uniform(rng) < 0.1 => normal(rng).exp(),
            Units::Revenue => 0.0,
            Units::Conversion => f64::from(u8::from(uniform(rng) < 0.05)),
            Units::Times => -(1.0 - uniform(rng)).ln(),
        }
    }
}

/// Nights of two groups with so many new units of each a night, and Welch's standard error.
fn units(rng: &mut Xoshiro256PlusPlus, kind: Units, nights: i32, a_night: u32) -> Vec<Look> {
    let mut groups = [Moments::from_slice(&[]), Moments::from_slice(&[])];
    (1..=nights)
        .map(|day| {
            for group in &mut groups {
                for _ in 0..a_night {
                    group.push(kind.draw(rng));
                }
            }
            let test = welch(&groups[1], &groups[0], Alternative::TwoSided, Level::P95);
            let effect = test.ok().map(|test| Effect { estimate: test.estimate, se: test.se });
            Look { day, information: f64::from(day) / f64::from(nights), effect }
        })
        .collect()
}

#[test]
fn skewed_revenue_and_rates_keep_the_error_rate() {
    let warm_up = WarmUp { information: 0.0, days: 7 };
    let plans = [usual(), Plan { warm_up, ..spent(Spending::Pocock) }, Plan { warm_up, ..always_valid() }];
    let shares = even(28);
    let schedules = plans.map(|plan| schedule(&plan, &shares));
    for (seed, kind) in [(61, Units::Revenue), (62, Units::Conversion), (63, Units::Times)] {
        let runs = 2500;
        let found: Vec<[bool; 3]> = (0..runs)
            .into_par_iter()
            .map(|run| {
                let looks = units(&mut generator(seed, run), kind, 28, 100);
                [0, 1, 2].map(|plan| crossed(&schedules[plan].outcomes(&looks).unwrap()))
            })
            .collect();
        let rate = |plan: usize| found.iter().filter(|f| f[plan]).count() as f64 / f64::from(runs);
        assert!(rate(0) < ALPHA + 0.0135, "{kind:?}, O'Brien–Fleming: {}", rate(0));
        assert!(rate(1) < ALPHA + 0.0135, "{kind:?}, Pocock: {}", rate(1));
        assert!(rate(2) < ALPHA, "{kind:?}, always valid: {}", rate(2));
    }
}

#[test]
fn the_advice_to_give_up_costs_little_power_and_no_error_rate() {
    let futility = Some(Futility { effect: DRIFT, least: 0.1 });
    let plan = Plan { futility, ..usual() };
    let shares = even(5);
    for (seed, drift) in [(71, DRIFT), (72, 0.0)] {
        let runs = 500;
        // Whether it crosses at all, whether before any advice to give up, and whether the advice came.
        let said: Vec<(bool, bool, bool)> = (0..runs)
            .into_par_iter()
            .map(|run| {
                let looks = nights(&mut generator(seed, run), &shares, drift);
                let crossed = monitor(&plan, &looks, Closing::Open).unwrap().crossed.is_some();
                let futile = (1..=looks.len()).find_map(|nights| {
                    let answer = monitor(&plan, &looks[..nights], Closing::Open).unwrap();
                    match answer.futility {
                        _ if answer.crossed.is_some() => Some(false),
                        Some(futility) if futility.advice == FutilityAdvice::Futile => Some(true),
                        _ => None,
                    }
                });
                (crossed, crossed && futile != Some(true), futile == Some(true))
            })
            .collect();
        let of = |what: fn(&(bool, bool, bool)) -> bool| {
            said.iter().filter(|s| what(s)).count() as f64 / f64::from(runs)
        };
        let (crossed, followed, futile) = (of(|s| s.0), of(|s| s.1), of(|s| s.2));
        if drift == 0.0 {
            assert!(followed <= crossed && crossed < ALPHA + 0.03, "{followed} {crossed}");
            assert!(futile > 0.4, "in vain in {futile} of the runs only");
        } else {
            // Lan, Simon & Halperin: at most β/(1 − 0.1), here 0.2/0.9 − 0.2 = 0.022, and the error of the share.
            assert!(crossed - followed < 0.04, "{crossed} falls to {followed}");
        }
    }
}
