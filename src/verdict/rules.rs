//! The policy as data: rules in order, and the remarks that are made beside the decision.

use super::{Action, Evidence, controls, spread_ratio};
use crate::config::valid::Status;
use crate::monitoring::{FutilityAdvice, Monitoring as Watched, Since};

/// One rule of the policy.
pub struct Rule {
    /// Stable code, also the name of its sentence.
    pub code: &'static str,
    /// What it decides.
    pub action: Action,
    /// When it holds, in English, for the table in the documentation.
    pub when: &'static str,
    /// The condition.
    pub holds: fn(&Evidence) -> bool,
    /// Whom it names the winner.
    pub winner: Winner,
}

/// Whom a rule names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Winner {
    /// Nobody.
    Nobody,
    /// The control.
    Control,
    /// The best treatment that may be shipped.
    Best,
}

/// The policy: the first rule that holds decides. The last one always holds.
pub const RULES: &[Rule] = &[
    Rule {
        code: "data-refused",
        action: Action::Invalid,
        when: "a data gate refused the data of an experiment that has begun",
        holds: |e| e.trust.refused() && e.config.experiment.status != Status::Planned,
        winner: Winner::Nobody,
    },
    Rule {
        code: "srm-failed",
        action: Action::Invalid,
        when: "group sizes do not fit the declared allocation",
        holds: |e| e.trust.srm_failed() || e.split.nightly_failed(),
        winner: Winner::Nobody,
    },
    Rule {
        code: "segment-srm-failed",
        action: Action::Invalid,
        when: "group sizes do not fit the declared allocation in a segment",
        holds: |e| !e.split.failed_segments().is_empty(),
        winner: Winner::Nobody,
    },
    Rule {
        code: "unbalanced-before",
        action: Action::Invalid,
        when: "the groups differed before the experiment by what is known of their users",
        holds: |e| !e.split.unbalanced().is_empty(),
        winner: Winner::Nobody,
    },
    Rule {
        code: "quality-differs",
        action: Action::Invalid,
        when: "a quality metric differs between the groups",
        holds: |e| e.quality_differs(),
        winner: Winner::Nobody,
    },
    Rule {
        code: "controls-differ",
        action: Action::Invalid,
        when: "two control groups differ, so the split itself makes a difference",
        holds: |e| controls::differ(e.outcomes),
        winner: Winner::Nobody,
    },
    Rule {
        code: "test-chosen",
        action: Action::Continue,
        when: "nothing is measured or planned, a test was to be chosen",
        holds: |e| e.outcomes.is_empty() && e.config.plans.is_empty() && !e.config.test_choices.is_empty(),
        winner: Winner::Nobody,
    },
    Rule {
        code: "not-started",
        action: Action::Continue,
        when: "the experiment is planned or measures nothing yet",
        holds: |e| e.outcomes.is_empty() || e.config.experiment.status == Status::Planned,
        winner: Winner::Nobody,
    },
    Rule {
        code: "primary-undefined",
        action: Action::Invalid,
        when: "the primary metric cannot be computed",
        holds: |e| e.primary_undefined(),
        winner: Winner::Nobody,
    },
    Rule {
        code: "guardrail-harmed-early",
        action: Action::Stop,
        when: "a running experiment harms a guardrail in every treatment",
        holds: |e| {
            let pairs = e.against_control();
            e.running() && !pairs.is_empty() && pairs.iter().all(|c| e.guardrail_alarms(&c.treatment))
        },
        winner: Winner::Control,
    },
    Rule {
        code: "look-not-valid",
        action: Action::Continue,
        when: "the experiment runs and its test is valid only at the end",
        holds: |e| e.look_not_valid(),
        winner: Winner::Nobody,
    },
    Rule {
        code: "within-boundaries",
        action: Action::Continue,
        when: "the experiment runs and no comparison has crossed its boundary yet",
        holds: |e| e.within_boundaries(),
        winner: Winner::Nobody,
    },
    Rule {
        code: "rank-and-mean-disagree",
        action: Action::Continue,
        when: "the rank test and the difference of means point to opposite sides",
        holds: |e| e.rank_and_mean_disagree(),
        winner: Winner::Nobody,
    },
    Rule {
        code: "below-interest",
        action: Action::Keep,
        when: "the effect is proven and proven smaller than the smallest effect of interest",
        holds: |e| e.below_interest(),
        winner: Winner::Control,
    },
    Rule {
        code: "winner-tied",
        action: Action::Ship,
        when: "several treatments beat the control and the best is not told apart from the next",
        holds: |e| e.winner_tied(),
        winner: Winner::Best,
    },
    Rule {
        code: "primary-better",
        action: Action::Ship,
        when: "a treatment is better on the primary metric and harms no guardrail",
        holds: |e| e.winner().is_some(),
        winner: Winner::Best,
    },
    Rule {
        code: "guardrail-unproven",
        action: Action::Continue,
        when: "a treatment is better but a guardrail is not proven safe within its margin",
        holds: |e| !e.candidates().is_empty(),
        winner: Winner::Nobody,
    },
    Rule {
        code: "guardrail-harmed",
        action: Action::Keep,
        when: "a treatment harms a guardrail",
        holds: |e| e.against_control().iter().any(|c| e.guardrail_harmed(&c.treatment)),
        winner: Winner::Control,
    },
    Rule {
        code: "primary-worse",
        action: Action::Keep,
        when: "no treatment is better and at least one is worse on the primary metric",
        holds: |e| e.any_worse(),
        winner: Winner::Control,
    },
    Rule {
        code: "no-effect-of-interest",
        action: Action::Keep,
        when: "no difference is found and effects of interest are excluded",
        holds: |e| e.negligible(),
        winner: Winner::Control,
    },
    Rule {
        code: "not-enough-data",
        action: Action::Continue,
        when: "no difference is found and the sample could not have shown one of interest",
        holds: |_| true,
        winner: Winner::Nobody,
    },
];

/// A remark that is made whenever its condition holds.
pub struct Remark {
    /// Stable code, also the name of its sentence.
    pub code: &'static str,
    /// The condition; the action is already known.
    pub holds: fn(&Evidence, Action) -> bool,
}

/// What could still go wrong, in the order it is said.
pub const RISKS: &[Remark] = &[
    Remark { code: "rules-changed", holds: |e, _| e.rules_changed },
    Remark {
        code: "effect-faded",
        holds: |e, _| e.watched(|m| matches!(m.since, Some(Since::Faded | Since::Reversed))),
    },
    Remark { code: "looks-contradict", holds: |e, _| e.watched(|m| m.contradictory) },
    Remark {
        code: "guardrail-without-margin",
        holds: |e, a| a == Action::Ship && e.guardrail_without_margin(),
    },
    Remark { code: "other-metric-worse", holds: |e, a| a == Action::Ship && e.other_worse() },
    Remark { code: "segment-worse", holds: |e, a| a == Action::Ship && e.segment_worse() },
    Remark { code: "guardrail-worse-within-margin", holds: |e, a| a == Action::Ship && e.harm_tolerated() },
    Remark { code: "controls-uneasy", holds: |e, a| a != Action::Invalid && controls::uneasy(e.outcomes) },
    Remark { code: "contamination", holds: |e, a| a != Action::Invalid && e.trust.is_contaminated() },
    Remark { code: "beside-disagrees", holds: |e, a| a == Action::Ship && e.beside_disagrees() },
    Remark { code: "outlier-drives", holds: |e, _| e.against_control().iter().any(|c| c.driver.is_some()) },
    Remark { code: "conditional-metric", holds: |e, _| e.primary().is_some_and(|o| o.conditional.is_some()) },
    Remark { code: "few-observations", holds: |e, a| matches!(a, Action::Ship | Action::Keep) && few(e) },
    Remark { code: "spread-differs", holds: |e, _| spread_ratio(e).is_some_and(|r| r >= 1.25) },
    Remark {
        code: "rank-test-decides",
        holds: |e, a| {
            a == Action::Ship && e.against_control().iter().any(|c| c.deciding.test == "mann-whitney")
        },
    },
    Remark { code: "size-assumed", holds: |e, _| e.primary().is_some_and(|o| o.metric.assumption.is_some()) },
    Remark { code: "below-plan", holds: |e, _| below_plan(e) },
    Remark { code: "data-quality", holds: |e, a| a != Action::Invalid && e.trust.has_invalid_values() },
    Remark {
        code: "device-randomised",
        holds: |e, _| {
            e.config
                .cross_device
                .as_ref()
                .is_some_and(|c| c.unit == crate::config::valid::RandomisationUnit::Device)
        },
    },
    Remark { code: "long-plan", holds: |e, a| a == Action::Continue && e.trust.longest_plan_days() > LONG },
    Remark { code: "plan-outlasts-end", holds: |e, a| a == Action::Continue && outlasts_end(e) },
];

/// What to do next, in the order it is said.
pub const STEPS: &[Remark] = &[
    Remark { code: "mend-data", holds: |e, a| a == Action::Invalid && e.trust.refused() },
    Remark {
        code: "find-srm-cause",
        holds: |e, a| a == Action::Invalid && (e.trust.srm_failed() || e.split.nightly_failed()),
    },
    Remark {
        code: "find-split-cause",
        holds: |e, a| {
            let split = !e.split.failed_segments().is_empty() || !e.split.unbalanced().is_empty();
            a == Action::Invalid && (split || e.quality_differs())
        },
    },
    Remark {
        code: "stop-in-vain",
        holds: |e, a| {
            let futile = |m: &Watched| m.futility.is_some_and(|f| f.advice == FutilityAdvice::Futile);
            let pairs = e.against_control();
            let all = pairs.iter().all(|c| c.monitoring.as_ref().is_some_and(futile));
            a == Action::Continue && !pairs.is_empty() && all
        },
    },
    Remark {
        code: "find-controls-cause",
        holds: |e, a| a == Action::Invalid && controls::differ(e.outcomes),
    },
    Remark { code: "roll-out", holds: |_, a| a == Action::Ship },
    Remark { code: "stop-now", holds: |_, a| a == Action::Stop },
    Remark { code: "do-not-roll-out", holds: |_, a| a == Action::Keep },
    Remark {
        code: "find-who-lost",
        holds: |e, a| a == Action::Keep && e.any_worse() && spread_ratio(e).is_some_and(|r| r >= 1.25),
    },
    Remark {
        code: "unconditional-metric",
        holds: |e, a| a == Action::Continue && e.primary().is_some_and(|o| o.conditional.is_some()),
    },
    Remark {
        code: "measure-guardrail",
        holds: |e, a| {
            a == Action::Continue && !e.running() && !e.candidates().is_empty() && e.winner().is_none()
        },
    },
    Remark {
        code: "choose-question",
        holds: |e, a| a == Action::Continue && !e.running() && e.rank_and_mean_disagree(),
    },
    Remark { code: "collect", holds: |e, a| a == Action::Continue && needed(e) },
    Remark { code: "check-counter", holds: |e, a| a != Action::Invalid && e.trust.has_invalid_values() },
    Remark {
        code: "wait-for-end",
        holds: |e, a| a == Action::Continue && e.running() && e.config.experiment.end.is_some(),
    },
    Remark {
        code: "shorten-plan",
        holds: |e, a| a == Action::Continue && e.trust.longest_plan_days() > LONG,
    },
    // A plan that is too long anyway is to be shortened, not to be given more days.
    Remark {
        code: "move-end",
        holds: |e, a| a == Action::Continue && outlasts_end(e) && e.trust.longest_plan_days() <= LONG,
    },
    Remark {
        code: "start-as-planned",
        holds: |e, a| {
            a == Action::Continue
                && e.config.experiment.status == Status::Planned
                && !e.config.plans.is_empty()
        },
    },
    Remark { code: "use-chosen-test", holds: |e, _| !e.config.test_choices.is_empty() },
];

/// Days beyond which a plan is too long: products and users change meanwhile.
const LONG: f64 = 90.0;

/// A plan of an experiment that has not ended needs more days than the config gives it.
fn outlasts_end(e: &Evidence) -> bool {
    let Some(days) = e.config.experiment.days() else { return false };
    e.config.experiment.status != Status::Finished && e.trust.longest_plan_days() > f64::from(days)
}

fn below_plan(e: &Evidence) -> bool {
    let Some(primary) = e.primary() else { return false };
    let Some(plan) = &primary.at_plan else { return false };
    primary.groups.iter().any(|g| g.n < plan.n)
}

/// Observations of a group below which a test of means rests on the shape of the values, and one of them may turn it.
const FEW: u64 = 30;

fn few(e: &Evidence) -> bool {
    let Some(primary) = e.primary() else { return false };
    if let Some(beyond) = super::beyond_quantile(primary) {
        return beyond < FEW;
    }
    // Permutations, ranks and exact tests hold at any size.
    let approximate =
        ["welch", "student", "delta", "cuped", "post-stratified", "bootstrap", "dunnett", "tukey"];
    let by_t = primary.comparisons.iter().any(|c| approximate.contains(&c.deciding.test));
    by_t && primary.groups.iter().any(|g| g.n < FEW)
}

fn needed(e: &Evidence) -> bool {
    e.primary().is_some_and(|o| o.comparisons.iter().any(|c| c.needed.is_some()))
}
