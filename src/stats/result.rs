//! The types every test of the room shares: the alternative, the confidence level, the interval, the result and the reason
//! why a result does not exist.

use std::fmt;

/// Direction of the alternative hypothesis. For two samples `Less` says that the first is less than the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Alternative {
    /// The parameter differs from its null value in either direction.
    #[default]
    TwoSided,
    /// The parameter is less than its null value.
    Less,
    /// The parameter is greater than its null value.
    Greater,
}

impl Alternative {
    /// The same hypothesis with the two samples swapped.
    pub fn swapped(self) -> Self {
        match self {
            Alternative::TwoSided => Alternative::TwoSided,
            Alternative::Less => Alternative::Greater,
            Alternative::Greater => Alternative::Less,
        }
    }
}

/// A confidence level strictly between 0 and 1, such as 0.95, with the significance `1 − level` that belongs to it.
///
/// Both numbers are kept, each as it was given: 1 − 0.05 is not 0.95 in binary, and a p-value is compared with the α that
/// the config states.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    level: f64,
    alpha: f64,
}

impl Level {
    /// The conventional 0.95.
    pub const P95: Level = Level { level: 0.95, alpha: 0.05 };

    /// A level, or `None` when `level` is not strictly between 0 and 1.
    pub fn new(level: f64) -> Option<Level> {
        (level > 0.0 && level < 1.0).then(|| Level { level, alpha: complement(level) })
    }

    /// The level whose significance is `alpha`: `1 − alpha`; `None` when `alpha` is not strictly between 0 and 1, or so
    /// small (below 1e-300) that shares of it are no numbers of full precision.
    pub fn from_alpha(alpha: f64) -> Option<Level> {
        (1e-300..1.0).contains(&alpha).then(|| Level { level: complement(alpha), alpha })
    }

    /// The significance that matches the level: `1 − level`, or exactly what [`Level::from_alpha`] was given.
    pub fn alpha(self) -> f64 {
        self.alpha
    }

    /// The level itself, for example 0.95.
    pub fn get(self) -> f64 {
        self.level
    }
}

impl PartialOrd for Level {
    /// By the level; between levels that differ by less than a number can tell, by the significance.
    fn partial_cmp(&self, other: &Level) -> Option<std::cmp::Ordering> {
        let by_level = self.level.partial_cmp(&other.level)?;
        Some(by_level.then(other.alpha.partial_cmp(&self.alpha)?))
    }
}

/// `1 − share`, strictly between 0 and 1: the decimal number of at most 15 places that is meant (0.05 for 0.95, where the
/// subtraction gives 0.050000000000000044) if `share` is its complement, the plain difference otherwise.
fn complement(share: f64) -> f64 {
    let difference = 1.0 - share;
    let decimal = (difference * 1e15).round() / 1e15;
    let meant = if 1.0 - decimal == share { decimal } else { difference };
    meant.clamp(f64::MIN_POSITIVE, 1.0_f64.next_down())
}

/// An interval in the units of its estimate. One side is infinite when the alternative is one-sided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower bound, `-inf` when there is none.
    pub low: f64,
    /// Upper bound, `+inf` when there is none.
    pub high: f64,
}

impl Interval {
    /// The interval `estimate ± quantile · se`, cut to one side by the alternative: `Less` has no lower bound and `Greater`
    /// no upper one. `quantile` is the positive critical value that belongs to the alternative.
    pub fn around(estimate: f64, margin: f64, alternative: Alternative) -> Interval {
        Interval {
            low: if alternative == Alternative::Less { f64::NEG_INFINITY } else { estimate - margin },
            high: if alternative == Alternative::Greater { f64::INFINITY } else { estimate + margin },
        }
    }

    /// Whether `value` lies in the closed interval.
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// Length of the interval, infinite for a one-sided one.
    pub fn width(&self) -> f64 {
        self.high - self.low
    }

    /// The interval of `−x` when this is the interval of `x`.
    pub fn negated(&self) -> Interval {
        Interval { low: -self.high, high: -self.low }
    }
}

/// A test statistic and its p-value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TestResult {
    /// The statistic, on the scale that its function documents.
    pub statistic: f64,
    /// Degrees of freedom, where the reference distribution has one number of them.
    pub df: Option<f64>,
    /// The p-value, in [0, 1].
    pub p: f64,
}

/// Why a result does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undefined {
    /// A sample holds fewer values than the method needs.
    TooFewObservations {
        /// Least number of values.
        needed: u64,
        /// Number of values given.
        found: u64,
    },
    /// There are fewer groups than the method compares.
    TooFewGroups {
        /// Least number of groups.
        needed: u64,
        /// Number of groups given.
        found: u64,
    },
    /// A group holds no values at all.
    EmptyGroup,
    /// The values do not vary, so that there is nothing to measure an effect against.
    ZeroVariance,
    /// All values are equal, so that ranks carry no information.
    AllValuesTied,
    /// An input, or a sum over the inputs, is infinite or not a number.
    NonFinite,
    /// A denominator is zero: a ratio or a relative effect has no value.
    ZeroDenominator,
    /// A row, a column or a share of a table is zero, so that an expected count is zero.
    ZeroExpected,
    /// Slices that describe the same units differ in length.
    LengthMismatch,
    /// A parameter lies outside its domain; the text names it.
    InvalidParameter(&'static str),
    /// No value of the unknown satisfies the equation, or the search did not reach it.
    NoSolution,
    /// Only sums of the values are known, and the method needs the values themselves.
    RowsNeeded,
}

impl Undefined {
    /// A stable identifier for files and messages; never changes with the wording.
    pub fn code(&self) -> &'static str {
        match self {
            Undefined::TooFewObservations { .. } => "too-few-observations",
            Undefined::TooFewGroups { .. } => "too-few-groups",
            Undefined::EmptyGroup => "empty-group",
            Undefined::ZeroVariance => "zero-variance",
            Undefined::AllValuesTied => "all-values-tied",
            Undefined::NonFinite => "non-finite",
            Undefined::ZeroDenominator => "zero-denominator",
            Undefined::ZeroExpected => "zero-expected",
            Undefined::LengthMismatch => "length-mismatch",
            Undefined::InvalidParameter(_) => "invalid-parameter",
            Undefined::NoSolution => "no-solution",
            Undefined::RowsNeeded => "rows-needed",
        }
    }
}

impl fmt::Display for Undefined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Undefined::TooFewObservations { needed, found } => {
                write!(f, "too few observations: {found}, at least {needed} needed")
            }
            Undefined::TooFewGroups { needed, found } => {
                write!(f, "too few groups: {found}, at least {needed} needed")
            }
            Undefined::EmptyGroup => f.write_str("a group is empty"),
            Undefined::ZeroVariance => f.write_str("the values do not vary"),
            Undefined::AllValuesTied => f.write_str("all values are equal"),
            Undefined::NonFinite => f.write_str("a value is infinite or not a number"),
            Undefined::ZeroDenominator => f.write_str("the denominator is zero"),
            Undefined::ZeroExpected => f.write_str("an expected count is zero"),
            Undefined::LengthMismatch => f.write_str("slices of the same units differ in length"),
            Undefined::InvalidParameter(name) => write!(f, "parameter out of its domain: {name}"),
            Undefined::NoSolution => f.write_str("the equation has no solution in the domain"),
            Undefined::RowsNeeded => f.write_str("only sums are known, and the method needs the values"),
        }
    }
}

impl std::error::Error for Undefined {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_lies_strictly_between_zero_and_one() {
        assert!(Level::new(0.0).is_none());
        assert!(Level::new(1.0).is_none());
        assert!(Level::new(f64::NAN).is_none());
        assert!(Level::from_alpha(0.0).is_none() && Level::from_alpha(f64::MIN_POSITIVE).is_none());
        assert_eq!(Level::new(0.9).map(Level::get), Some(0.9));
        assert_eq!(Level::from_alpha(0.05), Level::new(0.95));
        assert_eq!(Level::from_alpha(0.05), Some(Level::P95));
    }

    #[test]
    fn level_and_significance_come_back_as_they_were_given() {
        for share in [0.05, 0.03, 0.01, 0.1, 0.95, 0.999, 1.0 / 3.0, 1e-5, 1e-20, 1e-300] {
            let level = Level::from_alpha(share).unwrap();
            assert_eq!(level.alpha(), share);
            assert!(level.get() > 0.0 && level.get() < 1.0);
            assert_eq!(Level::new(share).map(Level::get), Some(share));
            let sum = level.alpha() + level.get();
            assert!((sum - 1.0).abs() <= f64::EPSILON, "{sum}");
        }
        assert!(Level::from_alpha(0.01) > Level::from_alpha(0.05));
        assert!(Level::from_alpha(1e-30) > Level::from_alpha(1e-20));
    }

    #[test]
    fn a_one_sided_interval_has_one_bound() {
        let less = Interval::around(1.0, 2.0, Alternative::Less);
        assert_eq!((less.low, less.high), (f64::NEG_INFINITY, 3.0));
        assert!(less.contains(-1e300) && !less.contains(3.1));
        assert_eq!(less.negated(), Interval { low: -3.0, high: f64::INFINITY });
    }

    #[test]
    fn reasons_name_their_numbers() {
        let reason = Undefined::TooFewObservations { needed: 3, found: 1 };
        assert_eq!(reason.to_string(), "too few observations: 1, at least 3 needed");
        assert_eq!(reason.code(), "too-few-observations");
    }
}
