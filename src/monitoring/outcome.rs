//! What watching an experiment says.

use super::Look;
use super::forecast::Forecast;
use super::futility::FutilityOutcome;
use super::schedule::Step;
use crate::stats::Interval;
use crate::stats::distributions::normal_sf;

/// Whether a night is a look, and why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A look on the way.
    Look,
    /// The last look: it spends all the error rate that is left.
    Final,
    /// The night has no estimate: no data, or no variance.
    NoEstimate,
    /// The warm-up is not over, or there is less than the least step of information.
    TooEarly,
    /// Nothing, or too little, has come since the last look.
    NothingNew,
    /// Information is less than at the last look: late data were corrected.
    Shrunk,
    /// After the last look: no error rate is left.
    Overrun,
}

impl Standing {
    /// Its name in results.
    pub fn code(self) -> &'static str {
        match self {
            Standing::Look => "look",
            Standing::Final => "final",
            Standing::NoEstimate => "no-estimate",
            Standing::TooEarly => "too-early",
            Standing::NothingNew => "nothing-new",
            Standing::Shrunk => "shrunk",
            Standing::Overrun => "overrun",
        }
    }

    /// Whether the night was tested.
    pub fn tested(self) -> bool {
        matches!(self, Standing::Look | Standing::Final)
    }
}

/// One night with its boundary and what it showed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LookOutcome {
    /// The day.
    pub day: i32,
    /// Information so far.
    pub information: f64,
    /// Whether the night is a look.
    pub standing: Standing,
    /// Information over the planned (always-valid: the expected) one.
    pub fraction: Option<f64>,
    /// Estimate of the effect.
    pub estimate: Option<f64>,
    /// Its standard error.
    pub se: Option<f64>,
    /// `estimate / se`.
    pub z: Option<f64>,
    /// Critical |z|; none where the night is no look or nothing could cross.
    pub boundary_z: Option<f64>,
    /// The boundary in units of the effect: `boundary_z · se`; effects beyond ± it cross.
    pub effect_boundary: Option<f64>,
    /// The interval that holds at all looks at once, `estimate ± effect_boundary`; it excludes zero exactly when the
    /// look crosses.
    pub interval: Option<Interval>,
    /// The two-sided p-value that would cross at this look.
    pub nominal_p: Option<f64>,
    /// Two-sided error rate spent so far; none for an always-valid plan.
    pub spent: Option<f64>,
    /// The p-value that a single look would have. For contrast only: over many nights it misleads.
    pub naive_p: Option<f64>,
    /// The estimate is beyond the boundary.
    pub crosses: bool,
}

impl LookOutcome {
    pub(super) fn new(look: &Look, step: &Step) -> LookOutcome {
        let effect = look.effect.filter(|effect| effect.known());
        let margin = effect.zip(step.boundary_z).map(|(effect, z)| z * effect.se);
        let interval = effect.zip(margin).map(|(effect, margin)| Interval {
            low: effect.estimate - margin,
            high: effect.estimate + margin,
        });
        let z = effect.map(|effect| effect.estimate / effect.se);
        LookOutcome {
            day: look.day,
            information: look.information,
            standing: step.standing,
            fraction: step.fraction,
            estimate: effect.map(|effect| effect.estimate),
            se: effect.map(|effect| effect.se),
            z,
            boundary_z: step.boundary_z,
            effect_boundary: margin,
            interval,
            nominal_p: step.nominal_p,
            spent: step.spent,
            naive_p: z.map(|z| 2.0 * normal_sf(z.abs())),
            crosses: interval.is_some_and(|interval| !interval.contains(0.0)),
        }
    }
}

/// Where the experiment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// No look yet, or its boundary is so far out that no effect one would expect could cross it.
    TooEarly,
    /// Within the boundaries: no decision, more looks to come.
    Inside,
    /// The boundary was crossed with a positive effect: decided.
    CrossedUp,
    /// The boundary was crossed with a negative effect: decided.
    CrossedDown,
    /// The last look was made within the boundary: decided, no difference found.
    NotCrossed,
    /// As `NotCrossed`, and more data came after the last look, which decide nothing.
    Overrun,
}

impl State {
    /// Every state.
    pub const ALL: [State; 6] = [
        State::TooEarly,
        State::Inside,
        State::CrossedUp,
        State::CrossedDown,
        State::NotCrossed,
        State::Overrun,
    ];

    /// Its name in results.
    pub fn code(self) -> &'static str {
        match self {
            State::TooEarly => "too-early",
            State::Inside => "inside",
            State::CrossedUp => "crossed-up",
            State::CrossedDown => "crossed-down",
            State::NotCrossed => "not-crossed",
            State::Overrun => "overrun",
        }
    }

    /// Whether the test has said what it will say.
    pub fn decided(self) -> bool {
        !matches!(self, State::TooEarly | State::Inside)
    }
}

/// The first crossing: the decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crossing {
    /// Index of the look among the nights.
    pub look: usize,
    /// Its day.
    pub day: i32,
    /// The effect is positive.
    pub up: bool,
}

/// What has become of the effect after the crossing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// The latest night is still beyond its boundary on the same side.
    Holds,
    /// The latest night is within its boundary: the decision stays, the effect is less sure than it was.
    Faded,
    /// The latest night is beyond the boundary on the other side: the effect changed in time.
    Reversed,
}

impl Since {
    /// Its name in results.
    pub fn code(self) -> &'static str {
        match self {
            Since::Holds => "holds",
            Since::Faded => "faded",
            Since::Reversed => "reversed",
        }
    }
}

/// Which p-value it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PValueKind {
    /// Of a test that has stopped, by the stage-wise ordering.
    Stagewise,
    /// Of a test that goes on: the least α whose boundary the latest look reaches.
    Repeated,
    /// The running minimum of the always-valid p-values.
    AlwaysValid,
}

impl PValueKind {
    /// Its name in results.
    pub fn code(self) -> &'static str {
        match self {
            PValueKind::Stagewise => "stagewise",
            PValueKind::Repeated => "repeated",
            PValueKind::AlwaysValid => "always-valid",
        }
    }
}

/// A p-value that looking every night does not spoil: at most α exactly when the boundary has been crossed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PValue {
    /// Its value.
    pub value: f64,
    /// Which one.
    pub kind: PValueKind,
}

/// Everything that may be said after the nights so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Monitoring {
    /// The nights in order.
    pub looks: Vec<LookOutcome>,
    /// Where the experiment stands.
    pub state: State,
    /// The decision, once it is made.
    pub crossed: Option<Crossing>,
    /// What became of the effect after the decision; none at the night of the decision itself.
    pub since: Option<Since>,
    /// The look that the p-value, the estimate and the interval of a group-sequential test are of: the one that decided, or the latest;
    /// none before the first and for an always-valid plan, which puts all looks together.
    pub decisive: Option<usize>,
    /// The p-value to show; none before the first look.
    pub p: Option<PValue>,
    /// Median-unbiased estimate at the decision; none on the way and for always-valid plans, which have no other
    /// estimate than that of the look.
    pub estimate: Option<f64>,
    /// The interval to show: on the way that of the latest look; after the end of a group-sequential test the
    /// stage-wise one; of an always-valid plan the intersection over all looks.
    pub interval: Option<Interval>,
    /// Intervals of different nights have nothing in common: the effect changes in time.
    pub contradictory: bool,
    /// The p-value of the latest night as if it were the only one. For contrast only.
    pub naive_p: Option<f64>,
    /// Information over the planned or expected one at the latest night.
    pub fraction: Option<f64>,
    /// Two-sided error rate spent so far; none for an always-valid plan.
    pub spent: Option<f64>,
    /// Whether going on is worth it; none after the end, without a rule or without a planned size.
    pub futility: Option<FutilityOutcome>,
    /// How much longer; none after the end.
    pub forecast: Option<Forecast>,
}
