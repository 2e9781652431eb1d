//! What templates may say of a plan.

use serde_json::{Value, json};

use super::percent_of_level;
use crate::config::valid::{Config, PlanEstimand, Status};
use crate::planning::{self, PlanOutcome};
use crate::report::scale::without_zeros;
use crate::wording::numbers;

/// The effect of a plan, in words of its kind: «+0,2 п. п.», «+4 %». What was declared is told as it was, what is computed with
/// two digits.
pub fn lift_words(estimand: PlanEstimand, lift: f64) -> (String, Option<String>) {
    // «+2,25 п. п.», not «+2,3».
    let digits = |x: f64| {
        let exact = |digits: &usize| {
            let short = format!("{x:.*e}", digits - 1).parse::<f64>();
            short.is_ok_and(|short| (short / x - 1.0).abs() < 1e-9)
        };
        (2..=4).find(exact).unwrap_or(2)
    };
    match estimand {
        PlanEstimand::Proportion { baseline, .. } => {
            let decimals = numbers::decimals_for(lift * 100.0, digits(lift)).min(6);
            (
                without_zeros(&numbers::points(lift, decimals)),
                Some(without_zeros(&numbers::signed_percent(lift / baseline, 1))),
            )
        }
        PlanEstimand::Mean { baseline, .. } => {
            let decimals = numbers::decimals_for(lift, digits(lift)).min(6);
            let relative =
                baseline.filter(|b| *b != 0.0).map(|b| without_zeros(&numbers::signed_percent(lift / b, 1)));
            (without_zeros(&numbers::signed(lift, decimals)), relative)
        }
    }
}

/// The days that the config gives the experiment, those that the plan lacks, and the end that would do; none where the
/// plan fits, and after the end.
fn outlasts(config: &Config, days: Option<u64>) -> Option<Value> {
    let e = &config.experiment;
    let (needed, given) = (days?, u64::from(e.days()?));
    if needed <= given || e.status == Status::Finished {
        return None;
    }
    let end = e.start?.checked_add(jiff::Span::new().days(i64::try_from(needed).ok()? - 1)).ok()?;
    Some(json!({ "days": given, "missing": needed - given, "end": end.to_string() }))
}

/// One plan.
pub fn plan(config: &Config, p: &PlanOutcome) -> Option<Value> {
    let plan = config.plans.iter().find(|c| c.id == p.id)?;
    let (lift, baseline) = match plan.estimand {
        PlanEstimand::Proportion { baseline, lift } => {
            (lift, Some(without_zeros(&numbers::percent(baseline, 2))))
        }
        PlanEstimand::Mean { baseline, lift, .. } => {
            (lift, baseline.map(|b| without_zeros(&numbers::significant(b, 4))))
        }
    };
    let target = match plan.estimand {
        PlanEstimand::Proportion { baseline, lift } => {
            Some(without_zeros(&numbers::percent(baseline + lift, 2)))
        }
        PlanEstimand::Mean { baseline, lift, .. } => {
            baseline.map(|b| without_zeros(&numbers::significant(b + lift, 4)))
        }
    };
    let (lift_text, relative) = lift_words(plan.estimand, lift);
    let size = |groups: u32, corrected: bool| {
        p.scenarios.iter().find(|s| s.groups == groups && s.corrected == corrected && s.lift == lift)
    };
    let month = p.detectable.iter().find(|d| d.days == 30);
    let quarter = p.detectable.iter().find(|d| d.days == 90);
    let detectable = |d: &planning::DetectableIn| {
        let (absolute, relative) = lift_words(plan.estimand, d.lift);
        json!({ "days": d.days, "lift": absolute, "relative": relative })
    };
    Some(json!({
        "id": plan.id,
        "title": plan.title,
        "proportion": matches!(plan.estimand, PlanEstimand::Proportion { .. }),
        "baseline": baseline,
        "target": target,
        "lift": lift_text,
        "lift_size": lift_text.trim_start_matches(['+', numbers::MINUS]),
        "relative": relative,
        "alpha": plan.alpha,
        "rises": lift > 0.0,
        "level": percent_of_level(1.0 - plan.alpha),
        "false_alarms": percent_of_level(plan.alpha),
        "power": percent_of_level(plan.power),
        "groups": p.groups,
        "pairs": p.pairs,
        "n_per_group": p.n_per_group,
        "n_total": p.n_total,
        "days": p.days,
        "full_weeks": p.days.map(|d| d.div_ceil(7) * 7),
        "days_two_groups": size(2, false).and_then(|s| s.days),
        "corrected_n": p.corrected.n_per_group,
        "corrected_days": p.corrected.days,
        "traffic": plan.traffic.map(|t| json!({
            "users": t.users.round() as u64,
            "days": t.days.round() as u64,
            "daily": numbers::number(t.daily(), 0),
        })),
        "effect_size": numbers::significant(p.effect_size, 4),
        "month": month.map(detectable),
        "quarter": quarter.map(detectable),
        "long": p.days.is_some_and(|d| d > 90),
        "outlasts": outlasts(config, p.days),
    }))
}
