//! Answers of scipy 1.17.1 where the statistics room says that there is none, or has another one: for the comparison with
//! its numbers alone.
//!
//! scipy divides by a standard error of zero and publishes what floating-point numbers make of it (t = ±∞ and p = 0), and
//! Student's test borrows the variance of the other arm for an arm of one unit. A report calls both undefined.

use itog::stats::descriptive::Shape;
use itog::stats::distributions::{chi_square_sf, f_sf, student_t_isf, student_t_sf};
use itog::stats::quantiles::median;
use itog::stats::{Alternative, Interval, Moments, TestResult, anova};
use serde_json::{Value, json};

use crate::functions::bounds;
use crate::input::{Answer, Input};

/// What scipy publishes for a case of `name` that has no answer here; `None` where scipy has none either.
pub fn answer_of_undefined(name: &str, case: &Input) -> Option<Answer> {
    Some(match name {
        "t_test_student" => t_test(case, Variances::Equal, false),
        "t_test_welch" => t_test(case, Variances::Unequal, false),
        "t_test_from_stats_student" => t_test(case, Variances::Equal, true),
        "t_test_from_stats_welch" => t_test(case, Variances::Unequal, true),
        "shapiro_wilk" => constant_shapiro(case),
        "brown_forsythe" => brown_forsythe(case),
        "anova_oneway" => case.groups("groups").map(|groups| {
            let (f, p) = analysis_of_variance(&groups);
            json!({ "f": f, "p": p })
        }),
        "dunnett" => constant_dunnett(case),
        "srm" => case.counts("observed").map(|counts| match counts.as_slice() {
            [total] if *total > 0 => json!({ "chi2": 0.0, "p": null }),
            _ => Value::Null,
        }),
        _ => return None,
    })
}

#[derive(PartialEq, Clone, Copy)]
enum Variances {
    Equal,
    Unequal,
}

/// `ttest_ind` and `ttest_ind_from_stats` without a guard, by the arithmetic of floating-point numbers.
fn t_test(case: &Input, variances: Variances, from_stats: bool) -> Answer {
    let (x, y) = if from_stats {
        (case.summary("1")?, case.summary("2")?)
    } else {
        (case.moments("x")?, case.moments("y")?)
    };
    let (n1, n2) = (x.n as f64, y.n as f64);
    let (df, se) = if variances == Variances::Equal {
        let df = n1 + n2 - 2.0;
        (df, ((x.m2 + y.m2) / df * (1.0 / n1 + 1.0 / n2)).sqrt())
    } else {
        // From a summary the deviation of a single unit is given; from the unit itself it is not a number.
        let variance = |part: &Moments, key: &str| match (part.n, from_stats) {
            (1, true) => case.number(key).map(|sd| sd * sd),
            (1, false) => Ok(f64::NAN),
            (n, _) => Ok(part.m2 / (n - 1) as f64),
        };
        let (v1, v2) = (variance(&x, "sd1")? / n1, variance(&y, "sd2")? / n2);
        let sum = v1 + v2;
        (sum * sum / (v1 * v1 / (n1 - 1.0) + v2 * v2 / (n2 - 1.0)), sum.sqrt())
    };
    // scipy calculates with one degree of freedom where they are 0/0.
    let used = if df.is_nan() { 1.0 } else { df };
    let (difference, alternative) = (x.mean - y.mean, case.alternative()?);
    let t = difference / se;
    let p = match alternative {
        Alternative::TwoSided => 2.0 * student_t_sf(t.abs(), used),
        Alternative::Less => student_t_sf(-t, used),
        Alternative::Greater => student_t_sf(t, used),
    };
    let alpha = case.level()?.alpha();
    let tail = if alternative == Alternative::TwoSided { alpha / 2.0 } else { alpha };
    let Interval { low, high } = Interval::around(difference, student_t_isf(tail, used) * se, alternative);
    Ok(json!({ "t": t, "df": if from_stats { df } else { used }, "p": p, "ci_low": low, "ci_high": high }))
}

/// Equal values are as normal as can be: W = 1 and p = 1.
fn constant_shapiro(case: &Input) -> Answer {
    let x = case.numbers("x")?;
    let constant = x.len() >= 3 && x.iter().all(|&value| value == x[0]);
    Ok(if constant { json!({ "w": 1.0, "p": 1.0 }) } else { Value::Null })
}

fn brown_forsythe(case: &Input) -> Answer {
    let spread = |key: &str| -> Result<Vec<f64>, Box<dyn std::error::Error>> {
        let values = case.numbers(key)?;
        let middle = median(&values)?;
        Ok(values.iter().map(|value| (value - middle).abs()).collect())
    };
    let (w, p) = analysis_of_variance(&[spread("x")?, spread("y")?]);
    Ok(json!({ "w": w, "p": p }))
}

/// F and its p-value where the values do not vary within the groups: ∞ and 0, or both undefined.
fn analysis_of_variance(groups: &[Vec<f64>]) -> (f64, f64) {
    let moments: Vec<Moments> = groups.iter().map(|group| Moments::from_slice(group)).collect();
    if let Ok(found) = anova::one_way(&moments) {
        return (found.f, found.p);
    }
    let units: usize = groups.iter().map(Vec::len).sum();
    let apart = moments.iter().any(|group| group.mean != moments[0].mean);
    if units <= groups.len() || !apart {
        return (f64::NAN, f64::NAN);
    }
    (f64::INFINITY, f_sf(f64::INFINITY, (groups.len() - 1) as f64, (units - groups.len()) as f64))
}

/// Without variance each comparison with another mean is infinitely many standard errors away.
fn constant_dunnett(case: &Input) -> Answer {
    let (groups, control) = (case.group_moments("groups")?, case.count("control")? as usize);
    let others = groups.iter().enumerate().filter(|(index, _)| *index != control).map(|(_, group)| group);
    let apart: Vec<bool> = others.map(|group| group.mean != groups[control].mean).collect();
    // scipy reads no standard error from a mean as exactly equal, which is not a number, as p = 1.
    let p: Vec<f64> = apart.iter().map(|&apart| if apart { 0.0 } else { 1.0 }).collect();
    Ok(json!({ "statistic": vec![Value::Null; apart.len()], "p": p }))
}

/// K² as scipy publishes it: where the skewness is exactly zero, `skewtest` replaces its standardised value by 1.
pub fn k2_with_replaced_zero_skewness(values: &[f64], found: TestResult) -> TestResult {
    if Shape::of(values).is_none_or(|shape| shape.skewness != 0.0) {
        return found;
    }
    let n = values.len() as f64;
    let beta = 3.0 * (n * n + 27.0 * n - 70.0) * (n + 1.0) * (n + 3.0)
        / ((n - 2.0) * (n + 5.0) * (n + 7.0) * (n + 9.0));
    let w2 = (2.0 * (beta - 1.0)).sqrt() - 1.0;
    let score = (1.0 / (2.0 / (w2 - 1.0)).sqrt()).asinh() / (0.5 * w2.ln()).sqrt();
    let k2 = found.statistic + score * score;
    TestResult { statistic: k2, p: chi_square_sf(k2, 2.0), ..found }
}

/// The p-value of the Kolmogorov–Smirnov test as scipy publishes it: one value against one has none.
pub fn ks_p_of_two_values(x: &[f64], y: &[f64], found: TestResult) -> Value {
    if x.len() == 1 && y.len() == 1 { Value::Null } else { json!(found.p) }
}

/// The moments of groups whose common mean was taken out before, as `f_oneway` does: where it is large beside the spread,
/// the mean of a group holds too few digits of its distance from the others.
pub fn centred_moments(groups: &[Vec<f64>]) -> Vec<Moments> {
    let all = Moments::from_slice(&groups.concat());
    let centred = |group: &Vec<f64>| group.iter().map(|value| value - all.mean).collect::<Vec<f64>>();
    groups.iter().map(|group| Moments::from_slice(&centred(group))).collect()
}

#[test]
fn a_symmetric_sample_has_the_replaced_score() {
    // scipy.stats.normaltest([-4, -3, -2, -1, 1, 2, 3, 4])
    let x = [-4.0, -3.0, -2.0, -1.0, 1.0, 2.0, 3.0, 4.0];
    let right = itog::stats::normality::dagostino_k2(&x).expect("eight values vary");
    let found = k2_with_replaced_zero_skewness(&x, right);
    // The standardised skewness 1 of eight values is the statistic 1.0108048609177787 of scipy.stats.skewtest.
    assert!((found.statistic - right.statistic - 1.010_804_860_917_778_7_f64.powi(2)).abs() < 1e-12);
    assert_eq!(bounds(Interval { low: f64::NEG_INFINITY, high: 1.0 }), json!([null, 1.0]));
}
