//! The only place where a decision is made.
//!
//! [`RULES`] is the whole policy: rules in order, the first whose condition holds decides. A rule has a code, an action
//! and a condition over [`Evidence`]; nothing else may choose an action. Risks and next steps are lists of the same
//! form in which every holding condition speaks. The sentences that belong to the codes are templates
//! (`templates/narrative/verdict/<code>.tera`), so that the words and the rule cannot drift apart unseen: a test fails
//! for a code without its sentence.

use serde::Serialize;

pub mod controls;
mod rules;

use crate::config::valid::{Config, Goal, MetricKind, Monitoring, Role, Status};
use crate::metrics::outcome::{Comparison, Direction, MetricOutcome, Way};
use crate::monitoring::Monitoring as Watched;
use crate::stats::distributions::normal_sf;
use crate::trust::Trust;
use crate::validation::segments::BySegment;
use crate::validation::trust::Split;

pub use rules::{RISKS, RULES, Remark, Rule, STEPS, Winner};

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

impl Verdict {
    /// The experiment runs and its test is valid only at the end: no difference of today is news, good or bad.
    pub fn too_early(&self) -> bool {
        self.rule == "look-not-valid"
    }
}

/// Without boundaries for nightly looks, harm on the way is told only below this p-value. With 28 looks it is reached
/// without any harm in about one experiment of a hundred.
const EARLY_ALARM: f64 = 0.001;

/// A quality metric differs below this p-value: that of the sample ratio check, because it, too, throws the experiment away.
pub const QUALITY_ALPHA: f64 = 0.001;

/// Whether two groups differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Apart {
    /// p-value, with the correction where the two are compared by the config.
    pub p: f64,
    /// The two are told apart.
    pub significant: bool,
}

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
    /// The effect on the deciding metric by parts of the users.
    pub segments: &'a [BySegment],
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

    /// Every guardrail with its comparison of this treatment with the control: what treatments do to each other harms nobody.
    fn guardrails_of<'e>(
        &'e self,
        treatment: &'e str,
    ) -> impl Iterator<Item = (&'e MetricOutcome, &'e Comparison)> {
        self.with_role(Role::Guardrail).flat_map(move |o| {
            let control = o.groups.first().map(|g| g.id.as_str());
            let own = move |c: &&Comparison| c.treatment == treatment && Some(c.control.as_str()) == control;
            o.comparisons.iter().filter(own).map(move |c| (o, c))
        })
    }

    fn guardrail_harmed(&self, treatment: &str) -> bool {
        self.guardrails_of(treatment).any(|(o, c)| harms(o, c))
    }

    /// The harm to a guardrail is beyond doubt even on the way: it crossed its boundary, or where nobody watches by rules
    /// that allow it, it is so clear that nightly looks cannot have made it.
    fn guardrail_alarms(&self, treatment: &str) -> bool {
        let sure = |c: &Comparison| c.monitoring.is_some() || c.p_adjusted <= EARLY_ALARM;
        self.guardrails_of(treatment).any(|(o, c)| harms(o, c) && sure(c))
    }

    /// A guardrail of this treatment is proven safe: its interval stays above the margin.
    fn guardrail_unproven(&self, treatment: &str) -> bool {
        self.guardrails_of(treatment).any(|(o, c)| harm_not_excluded(o, c))
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

    /// How two groups of the deciding metric are told apart: by their own comparison where there is one, else, where treatments
    /// are compared with the control only, by the z test of their values, which decides nothing but this.
    pub fn told_apart(&self, one: &str, other: &str) -> Option<Apart> {
        let primary = self.primary()?;
        let both = [one, other];
        let own = |c: &&Comparison| {
            both.contains(&c.control.as_str()) && both.contains(&c.treatment.as_str()) && one != other
        };
        if let Some(c) = primary.comparisons.iter().find(own) {
            return Some(Apart { p: c.p_adjusted, significant: c.significant });
        }
        let value = |id: &str| primary.comparisons.iter().find(|c| c.treatment == id)?.points.map(|[_, t]| t);
        let (one, other) = (value(one)?, value(other)?);
        let se = (one.1 + other.1).sqrt();
        let p = (se > 0.0).then(|| 2.0 * normal_sf((one.0 - other.0).abs() / se))?;
        Some(Apart { p, significant: p < primary.alpha })
    }

    /// The winner is not told apart from another candidate.
    fn winner_tied(&self) -> bool {
        let Some(winner) = self.winner() else { return false };
        let tied = |other: &&str| self.told_apart(winner, other).is_some_and(|apart| !apart.significant);
        self.candidates().iter().filter(|t| **t != winner).any(tied)
    }

    fn any_worse(&self) -> bool {
        self.against_control().iter().any(|c| c.direction == Direction::Worse)
    }

    fn running(&self) -> bool {
        self.config.experiment.status == Status::Running
    }

    /// The comparison excludes effects as large as the smallest one of interest.
    fn is_negligible(&self, c: &Comparison) -> bool {
        let Some(bound) = self.primary().and_then(|o| o.metric.min_effect) else { return false };
        c.absolute.and_then(|a| a.ci).is_some_and(|(low, high)| low > -bound && high < bound)
    }

    /// Every comparison excludes effects as large as the smallest one of interest.
    fn negligible(&self) -> bool {
        let pairs = self.against_control();
        !pairs.is_empty() && pairs.iter().all(|c| self.is_negligible(c))
    }

    /// Whatever is significantly better is better by less than the smallest effect of interest for certain.
    fn below_interest(&self) -> bool {
        let candidates = self.candidates();
        let pairs = self.against_control();
        let mut own = pairs.iter().filter(|c| candidates.contains(&c.treatment.as_str()));
        !candidates.is_empty() && own.all(|c| self.is_negligible(c))
    }

    /// Whoever reads both the deciding rank test and the means would hear that the treatment is better and worse.
    fn rank_and_mean_disagree(&self) -> bool {
        self.against_control().iter().any(|c| c.ranks_oppose_means())
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

    /// A watched experiment in which nothing has crossed its boundary upwards and something still may: one treatment that lost does
    /// not end the others.
    fn within_boundaries(&self) -> bool {
        let pairs = self.against_control();
        let watched = || pairs.iter().filter_map(|c| Some((c, c.monitoring.as_ref()?)));
        self.running()
            && watched().all(|(c, m)| m.crossed.is_none() || c.direction == Direction::Worse)
            && watched().any(|(_, m)| !m.state.decided())
    }

    /// Some quality metric differs between the groups beyond doubt.
    fn quality_differs(&self) -> bool {
        self.with_role(Role::Quality).flat_map(|o| &o.comparisons).any(|c| c.p_adjusted < QUALITY_ALPHA)
    }

    fn watched(&self, holds: impl Fn(&Watched) -> bool) -> bool {
        self.against_control().iter().any(|c| c.monitoring.as_ref().is_some_and(&holds))
    }

    /// A guardrail of the winner is reliably worse, but within its margin.
    fn harm_tolerated(&self) -> bool {
        let Some(winner) = self.winner() else { return false };
        self.guardrails_of(winner).any(|(o, c)| c.direction == Direction::Worse && !harms(o, c))
    }

    /// A guardrail that has no margin, so that nobody can say it is safe; one that the winner makes better is.
    fn guardrail_without_margin(&self) -> bool {
        let Some(winner) = self.winner() else { return false };
        self.guardrails_of(winner).any(|(o, c)| o.metric.margin.is_none() && c.direction != Direction::Better)
    }

    /// A metric that does not decide is reliably worse in the winner.
    fn other_worse(&self) -> bool {
        let (deciding, winner) = (self.primary().map(|o| o.metric.id.as_str()), self.winner());
        let control = self.control();
        let worse = |c: &Comparison| {
            let own = Some(c.treatment.as_str()) == winner && Some(c.control.as_str()) == control;
            own && c.plain_direction() == Direction::Worse
        };
        let others = self.outcomes.iter().filter(|o| Some(o.metric.id.as_str()) != deciding);
        others.filter(|o| decides_nothing(o.metric.role)).flat_map(|o| &o.comparisons).any(worse)
    }

    /// The winner is reliably worse in some part of the users, and that part is unlike the others.
    fn segment_worse(&self) -> bool {
        let (Some(winner), Some(primary)) = (self.winner(), self.primary()) else { return false };
        let mut of_winner = self.segments.iter().filter(|by| by.treatment == winner);
        of_winner.any(|by| by.losing(primary).next().is_some())
    }

    fn primary_undefined(&self) -> bool {
        self.primary().is_some_and(|o| o.undefined.is_some() || o.comparisons.is_empty())
    }
}

/// Metrics of this role are told beside the decision: one whose harm forbids to ship, or that voids the verdict, is not.
pub fn decides_nothing(role: Role) -> bool {
    matches!(role, Role::Primary | Role::Secondary)
}

/// A guardrail is reliably worse, and by more than its margin for all that is known: a harm whose whole interval stays within
/// the margin was declared tolerable beforehand.
pub fn harms(o: &MetricOutcome, c: &Comparison) -> bool {
    c.direction == Direction::Worse && (o.metric.margin.is_none() || harm_not_excluded(o, c))
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

/// Of a quantile, the observations expected on its shorter side in the smaller group: what the bootstrap of it rests on.
pub fn beyond_quantile(o: &MetricOutcome) -> Option<u64> {
    let MetricKind::Quantile { quantile: q } = o.metric.kind else { return None };
    let least = o.groups.iter().map(|g| g.n).min()?;
    Some((least as f64 * q.min(1.0 - q)) as u64)
}

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
