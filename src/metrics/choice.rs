//! Which test fits: the written rules behind `test = "auto"` and behind `[[test_choice]]`.
//!
//! The rules look at the kind of the metric, the size of the sample, its skewness and its share of zeros. They never
//! choose by a normality test alone: at a few thousand units such a test rejects deviations that do not matter, because
//! what has to be near normal is the mean, not the values (Lumley et al., Annu. Rev. Public Health 2002).

use crate::config::valid::{MetricKind, TestChoice, TestKind};

/// The recommendation for one `[[test_choice]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Recommendation {
    /// The question.
    pub question: TestChoice,
    /// What the normality test says at its level; none when none was run.
    pub normal: Option<bool>,
    /// Contract name of the recommended test.
    pub recommended: &'static str,
    /// Tests worth running beside it.
    pub beside: Vec<&'static str>,
    /// Codes of the reasons in order, each the name of its sentence.
    pub because: Vec<&'static str>,
}

/// Enough units for the mean of a skewed value to be near normal: Kohavi et al. (KDD 2014) ask for 355·skewness² units
/// a group for a 95 % interval.
pub const KOHAVI_FACTOR: f64 = 355.0;

/// From this size normality tests reject deviations that do not matter for means.
pub const LARGE_SAMPLE: u64 = 500;

/// Answers a `[[test_choice]]`.
pub fn recommend(question: &TestChoice) -> Recommendation {
    let normal = question.normality.as_ref().map(|n| n.p >= question.alpha);
    let large = question.n >= LARGE_SAMPLE;
    let mut because = Vec::new();
    match normal {
        Some(false) => because.push("normality-rejected"),
        Some(true) => because.push("normality-not-rejected"),
        None => because.push("normality-unknown"),
    }
    if normal == Some(false) && large {
        because.push("normality-rejects-trifles");
    }
    let (recommended, beside) = match (question.kind, large, normal) {
        (MetricKind::Ratio, _, _) => {
            because.push("ratio-of-sums");
            because.push("ratio-delta-method");
            because.push("rank-test-asks-otherwise");
            ("delta", vec!["bootstrap", "mann-whitney"])
        }
        (MetricKind::Proportion, _, _) => {
            because.push("proportion-z");
            ("z", vec!["fisher"])
        }
        (MetricKind::Quantile { .. }, _, _) => {
            because.push("quantile-bootstrap");
            ("bootstrap", vec![])
        }
        (MetricKind::Mean, true, _) => {
            because.push("mean-near-normal");
            because.push("welch-unequal-spread");
            because.push("rank-test-asks-otherwise");
            ("welch", vec!["bootstrap", "mann-whitney"])
        }
        (MetricKind::Mean, false, Some(true)) => {
            because.push("welch-unequal-spread");
            ("welch", vec!["permutation"])
        }
        (MetricKind::Mean, false, _) => {
            because.push("small-and-not-normal");
            ("permutation", vec!["mann-whitney", "bootstrap"])
        }
    };
    Recommendation { question: question.clone(), normal, recommended, beside, because }
}

/// What `auto` looks at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Units of the smaller group.
    pub n: u64,
    /// Largest absolute skewness over the groups, when rows are known.
    pub skewness: Option<f64>,
    /// Share of values that are exactly zero, in all groups together.
    pub zeros: f64,
    /// Rows are known, so that resampling is possible.
    pub rows: bool,
}

/// With fewer values other than zero than this in the smaller group, the mean is made by a handful of units, and only a test
/// without assumptions about its distribution is safe.
const FEW_OTHER_THAN_ZERO: f64 = 30.0;

/// The deciding test of a mean with `test = "auto"`, and the codes of the reasons.
pub fn for_mean(sample: Sample) -> (TestKind, Vec<&'static str>) {
    let Some(skewness) = sample.skewness.filter(|_| sample.rows) else {
        return (TestKind::Welch, vec!["auto-summary-welch"]);
    };
    let (test, reason) = if sample.n as f64 * (1.0 - sample.zeros) < FEW_OTHER_THAN_ZERO && sample.zeros > 0.0
    {
        (TestKind::Permutation, "auto-few-nonzero")
    } else if sample.n as f64 >= KOHAVI_FACTOR * skewness * skewness {
        (TestKind::Welch, "auto-mean-near-normal")
    } else if sample.n < 50 {
        (TestKind::Permutation, "auto-small-skewed")
    } else {
        // Not the bootstrap: with a tail this heavy its intervals miss the tail that the sample missed. On squared
        // exponential values BCa's rejected 10 % of true hypotheses at 5 % with 200 units a group, the percentile
        // interval 7 %; the permutation test keeps its level whatever the values are.
        (TestKind::Permutation, "auto-heavy-tail")
    };
    // Where most units have nothing, ranks are ties and say little; that is why no rank test was taken.
    let zeros = (sample.zeros >= 0.5 && reason != "auto-few-nonzero").then_some("auto-many-zeros");
    (test, std::iter::once(reason).chain(zeros).collect())
}

/// The deciding test of a mean of which only sums are known: what is asked for where it needs no values, else Welch's. The
/// last reason says what was not computed.
pub fn for_sums(asked: TestKind, sample: Sample) -> (TestKind, Vec<&'static str>) {
    let (test, mut reasons) = match asked {
        TestKind::Auto => match for_mean(sample) {
            (TestKind::Permutation, _) => (TestKind::Welch, vec!["auto-sums-welch"]),
            possible => possible,
        },
        TestKind::Welch | TestKind::Student => (asked, Vec::new()),
        _ => (TestKind::Welch, vec!["sums-welch-instead"]),
    };
    reasons.push("sums-no-values");
    (test, reasons)
}

/// The deciding test of a proportion with `test = "auto"`: Fisher's where the smallest expected count is below 5
/// (Cochran's rule), else z.
pub fn for_proportion(smallest_expected: f64) -> (TestKind, Vec<&'static str>) {
    if smallest_expected < 5.0 {
        (TestKind::Fisher, vec!["auto-few-successes"])
    } else {
        (TestKind::Z, vec!["auto-proportion-z"])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::valid::Normality;

    #[test]
    fn a_ratio_of_a_large_sample_takes_the_delta_method_and_says_what_normality_tests_leave_out() {
        let question = TestChoice {
            id: "cpa".into(),
            metric: "CPA".into(),
            kind: MetricKind::Ratio,
            n: 2350,
            normality: Some(Normality { test: "shapiro-wilk".into(), p: 0.00002 }),
            alpha: 0.05,
        };
        let answer = recommend(&question);
        assert_eq!(answer.normal, Some(false));
        assert_eq!(answer.recommended, "delta");
        assert!(answer.because.len() >= 3);
        assert!(answer.because.contains(&"normality-rejects-trifles"));
    }

    #[test]
    fn a_skewed_value_needs_more_units_before_its_mean_is_trusted() {
        let sample = |n| Sample { n, skewness: Some(4.0), zeros: 0.0, rows: true };
        assert_eq!(for_mean(sample(10_000)).0, TestKind::Welch);
        assert_eq!(for_mean(sample(1_000)), (TestKind::Permutation, vec!["auto-heavy-tail"]));
        assert_eq!(for_mean(sample(20)).0, TestKind::Permutation);
    }

    #[test]
    fn a_handful_of_buyers_is_not_enough_for_a_normal_mean() {
        let sample = |zeros| Sample { n: 1_000, skewness: Some(1.0), zeros, rows: true };
        assert_eq!(for_mean(sample(0.99)), (TestKind::Permutation, vec!["auto-few-nonzero"]));
        let many = (TestKind::Welch, vec!["auto-mean-near-normal", "auto-many-zeros"]);
        assert_eq!(for_mean(sample(0.9)), many);
    }
}
