//! What goes into an A/A proof: the units, their metrics and the deciding test of each.

use crate::stats::Undefined;

/// The units of an experiment with all their metrics. Unit `i` of every column is the same randomised unit.
#[derive(Clone, Debug, Default)]
pub struct UnitTable {
    /// Number of randomised units.
    pub units: usize,
    /// One column a metric.
    pub columns: Vec<Column>,
}

/// One metric.
#[derive(Clone, Debug)]
pub struct Column {
    /// Values and the test that decides about them.
    pub measure: Measure,
    /// Units on which the metric is defined; none when it is defined on all. What stands in the place of an absent unit
    /// is never read.
    pub present: Option<Vec<bool>>,
}

impl Column {
    /// A metric of all units.
    pub fn new(measure: Measure) -> Self {
        Column { measure, present: None }
    }
}

/// The deciding test of a mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeanTest {
    /// Welch's t test.
    Welch,
    /// Student's t test.
    Student,
    /// Mann–Whitney's U test, exact in small samples without ties as in [`crate::stats::mann_whitney`].
    MannWhitney,
    /// Brunner and Munzel's test.
    BrunnerMunzel,
    /// The bootstrap of the difference in means (BCa, percentile where there is none).
    Bootstrap,
    /// The permutation test of the difference in means.
    Permutation,
}

/// The deciding test of a proportion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProportionTest {
    /// The pooled z test.
    Z,
    /// Pearson's chi-square without continuity correction.
    ChiSquare,
    /// Fisher's exact test.
    Fisher,
}

/// The values of a metric by unit, with their test. Values adjusted by CUPED are a mean of the adjusted values: its slope
/// comes from all units together, so it is the same under every relabelling.
#[derive(Clone, Debug)]
pub enum Measure {
    /// A number a unit.
    Mean {
        /// Values.
        values: Vec<f64>,
        /// Deciding test.
        test: MeanTest,
    },
    /// Success or failure of a unit.
    Proportion {
        /// Successes.
        successes: Vec<bool>,
        /// Deciding test.
        test: ProportionTest,
    },
    /// A ratio of sums over units, by the delta method.
    Ratio {
        /// Numerators.
        numerator: Vec<f64>,
        /// Denominators.
        denominator: Vec<f64>,
    },
    /// A quantile of the values, by the bootstrap.
    Quantile {
        /// Values.
        values: Vec<f64>,
        /// Level of the quantile, strictly between 0 and 1.
        q: f64,
    },
    /// Welch's test on rows, several to a unit, as if rows were independent. Units are relabelled and keep their rows, so
    /// this shows what taking rows for units costs.
    Rows {
        /// Rows of a unit.
        count: Vec<f64>,
        /// Sum over the rows of a unit.
        sum: Vec<f64>,
        /// Sum of squares over the rows of a unit.
        sum_of_squares: Vec<f64>,
    },
}

impl Measure {
    /// Every slice of the measure has this length.
    fn has_length(&self, units: usize) -> bool {
        match self {
            Measure::Mean { values, .. } | Measure::Quantile { values, .. } => values.len() == units,
            Measure::Proportion { successes, .. } => successes.len() == units,
            Measure::Ratio { numerator, denominator } => {
                numerator.len() == units && denominator.len() == units
            }
            Measure::Rows { count, sum, sum_of_squares } => {
                [count, sum, sum_of_squares].iter().all(|column| column.len() == units)
            }
        }
    }

    /// The p-values of the test live on few points, so that it rejects less often than its level allows.
    pub fn is_discrete(&self) -> bool {
        matches!(self, Measure::Proportion { .. })
    }
}

impl UnitTable {
    /// Checks that every column describes the units of the table.
    ///
    /// # Errors
    /// [`Undefined::LengthMismatch`].
    pub fn check(&self) -> Result<(), Undefined> {
        let fits = |column: &Column| {
            let mask = column.present.as_ref().is_none_or(|present| present.len() == self.units);
            mask && column.measure.has_length(self.units)
        };
        if self.columns.iter().all(fits) { Ok(()) } else { Err(Undefined::LengthMismatch) }
    }
}
