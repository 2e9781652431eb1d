//! The only place where a decision is made.
//!
//! [`RULES`] is the whole policy: rules in order, the first whose condition holds decides. A rule has a code, an action
//! and a condition over [`Evidence`]; nothing else may choose an action. Risks and next steps are lists of the same
//! form in which every holding condition speaks. The sentences that belong to the codes are templates
//! (`templates/narrative/verdict/<code>.tera`), so that the words and the rule cannot drift apart unseen: a test fails
//! for a code without its sentence.

use serde::Serialize;

pub mod controls;

use crate::config::valid::{Comparisons, Config, Goal, Monitoring, Role, Status};
use crate::metrics::outcome::{Comparison, Direction, MetricOutcome, Way};
use crate::monitoring::{FutilityAdvice, Monitoring as Watched, Since};
use crate::trust::Trust;
use crate::validation::trust::Split;

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Roll the winner out (катить).
    Ship,
    /// Keep the control (оставить контроль).
    Keep,
    /// Go on collecting or preparing (продолжать).
    Continue,
    /// Stop the experiment (остановить).
    Stop,
    /// The data do not allow a conclusion (выводу верить нельзя).
    Invalid,
}

impl Action {
    /// Every action.
    pub const ALL: [Action; 5] =
        [Action::Ship, Action::Keep, Action::Continue, Action::Stop, Action::Invalid];

    /// Its name in results.
    pub fn name(self) -> &'static str {
        match self {
            Action::Ship => "ship",
            Action::Keep => "keep",
            Action::Continue => "continue",
            Action::Stop => "stop",
            Action::Invalid => "invalid",
        }
    }
}

/// The decision with everything it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What to do.
    pub action: Action,
    /// The group to use from now on, when the action names one.
    pub winner: Option<String>,
    /// Code of the rule that decided.
    pub rule: &'static str,
    /// Codes of the rules that were asked before it and did not hold.
    pub passed_over: Vec<&'static str>,
    /// Codes of what could still go wrong, in the order of [`RISKS`].
    pub risks: Vec<&'static str>,
    /// Codes of what to do next, in the order of [`STEPS`].
    pub steps: Vec<&'static str>,
}

/// Without boundaries for nightly looks, harm on the way is told only below this p-value. With 28 looks it is reached
/// without any harm in about one experiment of a hundred.
const EARLY_ALARM: f64 = 0.001;

/// What the rules look at.
pub struct Evidence<'a> {
    /// The experiment.
    pub config: &'a Config,
    /// Whether the data can be trusted.
    pub trust: &'a Trust,
    /// What the rows say of the split.
    pub split: &'a Split,
    /// What was measured.
    pub outcomes: &'a [MetricOutcome],
    /// Rules were changed after the first night.
    pub rules_changed: bool,
}

impl Evidence<'_> {
    fn with_role(&self, role: Role) -> impl Iterator<Item = &MetricOutcome> {
        self.outcomes.iter().filter(move |o| o.metric.role == role)
    }

    /// The metric that decides: the first primary one.
    pub fn primary(&self) -> Option<&MetricOutcome> {
        self.with_role(Role::Primary).next()
    }

    /// The control group of the deciding metric.
    pub fn control(&self) -> Option<&str> {
        self.primary().and_then(|o| o.groups.first()).map(|g| g.id.as_str())
    }

    /// Comparisons of the deciding metric with the control.
    fn against_control(&self) -> Vec<&Comparison> {
        let control = self.control();
        let all = self.primary().map(|o| o.comparisons.as_slice()).unwrap_or_default();
        all.iter().filter(|c| Some(c.control.as_str()) == control).collect()
    }

    fn guardrail_harmed(&self, treatment: &str) -> bool {
        self.with_role(Role::Guardrail)
            .flat_map(|o| &o.comparisons)
            .any(|c| c.treatment == treatment && c.direction == Direction::Worse)
    }

    /// The harm to a guardrail is beyond doubt even on the way: it crossed its boundary, or where nobody watches by rules
    /// that allow it, it is so clear that nightly looks cannot have made it.
    fn guardrail_alarms(&self, treatment: &str) -> bool {
        self.with_role(Role::Guardrail).flat_map(|o| &o.comparisons).any(|c| {
            let sure = c.monitoring.is_some() || c.p_adjusted <= EARLY_ALARM;
            c.treatment == treatment && c.direction == Direction::Worse && sure
        })
    }

    /// A guardrail of this treatment is proven safe: its interval stays above the margin.
    fn guardrail_unproven(&self, treatment: &str) -> bool {
        self.with_role(Role::Guardrail)
            .any(|o| o.comparisons.iter().any(|c| c.treatment == treatment && harm_not_excluded(o, c)))
    }

    /// Treatments that are significantly better than the control and harm no guardrail, best first.
    fn candidates(&self) -> Vec<&str> {
        let mut better: Vec<&Comparison> =
            self.against_control().into_iter().filter(|c| c.direction == Direction::Better).collect();
        let goal = self.primary().map(|o| o.metric.goal).unwrap_or(Goal::Increase);
        let gain = |c: &Comparison| {
            let effect = c.absolute.map(|a| a.estimate).unwrap_or(0.0);
            if goal == Goal::Increase { effect } else { -effect }
        };
        better.sort_by(|a, b| gain(b).total_cmp(&gain(a)));
        better.into_iter().map(|c| c.treatment.as_str()).filter(|t| !self.guardrail_harmed(t)).collect()
    }

    /// The treatment to ship, if one may be shipped.
    pub fn winner(&self) -> Option<&str> {
        self.candidates().into_iter().find(|t| !self.guardrail_unproven(t))
    }

    /// The winner is not told apart from another candidate, where all pairs are compared.
    fn winner_tied(&self) -> bool {
        let (Some(winner), Some(primary)) = (self.winner(), self.primary()) else { return false };
        self.config.design.comparisons == Comparisons::All
            && self.candidates().iter().filter(|t| **t != winner).any(|other| {
                primary.comparisons.iter().any(|c| {
                    !c.significant
                        && [c.control.as_str(), c.treatment.as_str()].contains(&winner)
                        && [c.control.as_str(), c.treatment.as_str()].contains(other)
                })
            })
    }

    fn any_worse(&self) -> bool {
        self.against_control().iter().any(|c| c.direction == Direction::Worse)
    }

    fn running(&self) -> bool {
        self.config.experiment.status == Status::Running
    }

    /// Every comparison excludes effects as large as the smallest one of interest.
    fn negligible(&self) -> bool {
        let Some(bound) = self.primary().and_then(|o| o.metric.min_effect) else { return false };
        let pairs = self.against_control();
        !pairs.is_empty()
            && pairs.iter().all(|c| {
                c.absolute.and_then(|a| a.ci).is_some_and(|(low, high)| low > -bound && high < bound)
            })
    }

    /// The effect is significant but smaller than the smallest one of interest for certain.
    fn below_interest(&self) -> bool {
        self.winner().is_some() && self.negligible()
    }

    /// The deciding rank test and the difference of means point to opposite sides, each beyond doubt.
    fn rank_and_mean_disagree(&self) -> bool {
        self.against_control().iter().any(|c| {
            let mean = c.absolute.and_then(|a| a.ci);
            let shift = c.shift.and_then(|s| s.ci);
            match (c.significant, mean, shift) {
                (true, Some((m_low, m_high)), Some((s_low, s_high))) => {
                    (m_low > 0.0 && s_high < 0.0) || (m_high < 0.0 && s_low > 0.0)
                }
                _ => false,
            }
        })
    }

    /// The deciding answer is not confirmed by the same question answered without the adjustment or the winsorising.
    fn beside_disagrees(&self) -> bool {
        self.against_control().iter().filter(|c| c.significant).any(|c| {
            let others = c.beside.iter().filter(|other| other.way != Way::Means);
            others.into_iter().any(|other| other.test.p >= 1.0 - c.level)
        })
    }

    /// A running experiment whose primary metric nobody watches by rules that allow it.
    fn look_not_valid(&self) -> bool {
        let fixed = self.config.design.monitoring == Monitoring::Fixed;
        self.running() && (fixed || self.against_control().iter().any(|c| c.monitoring.is_none()))
    }

    /// A watched experiment in which nothing has crossed its boundary and something still may.
    fn within_boundaries(&self) -> bool {
        let watched: Vec<&Watched> =
            self.against_control().into_iter().filter_map(|c| c.monitoring.as_ref()).collect();
        self.running()
            && watched.iter().all(|m| m.crossed.is_none())
            && watched.iter().any(|m| !m.state.decided())
    }

    /// Some quality metric differs between the groups beyond doubt.
    fn quality_differs(&self) -> bool {
        self.with_role(Role::Quality).flat_map(|o| &o.comparisons).any(|c| c.p_adjusted < controls::ALPHA)
    }

    fn watched(&self, holds: impl Fn(&Watched) -> bool) -> bool {
        self.against_control().iter().any(|c| c.monitoring.as_ref().is_some_and(&holds))
    }

    /// A guardrail that has no margin, so that nobody can say it is safe.
    fn guardrail_without_margin(&self) -> bool {
        self.with_role(Role::Guardrail).any(|o| o.metric.margin.is_none())
    }

    fn primary_undefined(&self) -> bool {
        self.primary().is_some_and(|o| o.undefined.is_some() || o.comparisons.is_empty())
    }
}

/// The interval of a guardrail does not exclude a harm of its margin; a guardrail without a margin has none to exclude.
pub fn harm_not_excluded(o: &MetricOutcome, c: &Comparison) -> bool {
    let Some(margin) = o.metric.margin else { return false };
    let Some((low, high)) = c.absolute.and_then(|a| a.ci) else { return true };
    match o.metric.goal {
        Goal::Increase => low <= -margin,
        Goal::Decrease => high >= margin,
    }
}

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
        when: "a data gate refused the data",
        holds: |e| e.trust.refused(),
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
    Remark { code: "controls-uneasy", holds: |e, a| a != Action::Invalid && controls::uneasy(e.outcomes) },
    Remark { code: "contamination", holds: |e, a| a != Action::Invalid && e.trust.is_contaminated() },
    Remark { code: "beside-disagrees", holds: |e, a| a == Action::Ship && e.beside_disagrees() },
    Remark { code: "outlier-drives", holds: |e, _| e.against_control().iter().any(|c| c.driver.is_some()) },
    Remark { code: "conditional-metric", holds: |e, _| e.primary().is_some_and(|o| o.conditional.is_some()) },
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
    Remark { code: "long-plan", holds: |e, a| a == Action::Continue && e.trust.longest_plan_days() > 90.0 },
];

/// What to do next, in the order it is said.
pub const STEPS: &[Remark] = &[
    Remark { code: "mend-data", holds: |e, _| e.trust.refused() },
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
    Remark { code: "do-not-roll-out", holds: |_, a| a == Action::Keep || a == Action::Stop },
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
    Remark { code: "collect", holds: |e, a| a == Action::Continue && needed(e) },
    Remark { code: "check-counter", holds: |e, a| a != Action::Invalid && e.trust.has_invalid_values() },
    Remark {
        code: "wait-for-end",
        holds: |e, a| a == Action::Continue && e.running() && e.config.experiment.end.is_some(),
    },
    Remark {
        code: "shorten-plan",
        holds: |e, a| a == Action::Continue && e.trust.longest_plan_days() > 90.0,
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

/// Ratio of the larger to the smaller standard deviation of the primary metric, in means only.
pub fn spread_ratio(e: &Evidence) -> Option<f64> {
    let primary = e.primary().filter(|o| o.metric.kind == crate::config::valid::MetricKind::Mean)?;
    // A spread that one unit makes is said by `outlier-drives`, not here.
    if primary.comparisons.iter().any(|c| c.driver.is_some()) {
        return None;
    }
    let sds: Vec<f64> = primary.groups.iter().filter_map(|g| g.sd).collect();
    let (low, high) =
        (sds.iter().copied().fold(f64::INFINITY, f64::min), sds.iter().copied().fold(0.0, f64::max));
    (low > 0.0 && low.is_finite()).then(|| high / low)
}

fn below_plan(e: &Evidence) -> bool {
    let Some(primary) = e.primary() else { return false };
    let Some(plan) = &primary.at_plan else { return false };
    primary.groups.iter().any(|g| g.n < plan.n)
}

fn needed(e: &Evidence) -> bool {
    e.primary().is_some_and(|o| o.comparisons.iter().any(|c| c.needed.is_some()))
}

/// Decides: the first rule of [`RULES`] that holds.
pub fn decide(evidence: &Evidence) -> Verdict {
    let index = RULES.iter().position(|rule| (rule.holds)(evidence)).unwrap_or(RULES.len() - 1);
    let rule = &RULES[index];
    let said = |remarks: &[Remark]| {
        remarks.iter().filter(|r| (r.holds)(evidence, rule.action)).map(|r| r.code).collect()
    };
    Verdict {
        action: rule.action,
        winner: match rule.winner {
            Winner::Nobody => None,
            Winner::Control => evidence.control().map(str::to_owned),
            Winner::Best => evidence.winner().map(str::to_owned),
        },
        rule: rule.code,
        passed_over: RULES[..index].iter().map(|r| r.code).collect(),
        risks: said(RISKS),
        steps: said(STEPS),
    }
}
