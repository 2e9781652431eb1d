//! `itog plan`: users, days and the detectable effect from flags alone.

use itog::config::valid::{Plan, PlanEstimand, Traffic};
use itog::diag::Diagnostic;
use itog::planning;
use serde_json::json;

use super::{Outcome, USAGE, print, print_json, stop};
use crate::cli::{Format, PlanArgs};

pub fn plan(args: &PlanArgs) -> Outcome {
    let lift = args.lift.or(args.relative_lift.map(|r| r * args.baseline)).unwrap_or(0.0);
    let wrong =
        |message: &str, hint: &str| stop(&[Diagnostic::error("plan::impossible", message).hint(hint)], USAGE);
    let inside = |x: f64| x > 0.0 && x < 1.0;
    if !inside(args.alpha) || !inside(args.power) {
        return wrong("alpha and power must be between 0 and 1", "for example --alpha 0.05 --power 0.8");
    }
    let estimand = match args.sd {
        Some(sd) if sd > 0.0 && lift != 0.0 => PlanEstimand::Mean { baseline: Some(args.baseline), lift, sd },
        Some(_) => {
            return wrong("--sd must be positive and the lift not zero", "for example --lift 2 --sd 40");
        }
        None if inside(args.baseline) && inside(args.baseline + lift) && lift != 0.0 => {
            PlanEstimand::Proportion { baseline: args.baseline, lift }
        }
        None => {
            return wrong(
                "the rate must stay between 0 and 1 and the lift must not be zero",
                "for example --baseline 0.05 --lift 0.002; for a mean add --sd",
            );
        }
    };
    let plan = Plan {
        id: "plan".into(),
        title: "plan".into(),
        estimand,
        alpha: args.alpha,
        power: args.power,
        groups: args.groups,
        traffic: args.traffic.map(|(users, days)| Traffic { users, days }),
    };
    let solved = match planning::solve(&plan, &[]) {
        Ok(solved) => solved,
        Err(reason) => {
            return wrong(&format!("the plan has no solution: {reason}"), "the power must be above alpha");
        }
    };
    if args.format == Format::Json {
        return print_json(&json!(solved));
    }
    let days =
        |d: Option<u64>| d.map_or_else(|| "unknown (give --traffic)".to_owned(), |d| format!("{d} days"));
    let mut text = format!(
        "effect size   {}\nper group     {}\ntotal         {}\nduration      {}\n",
        solved.effect_size,
        solved.n_per_group,
        solved.n_total,
        days(solved.days),
    );
    if solved.pairs > 1 {
        text.push_str(&format!(
            "with Bonferroni for {} comparisons: {} per group, {}\n",
            solved.pairs,
            solved.corrected.n_per_group,
            days(solved.corrected.days)
        ));
    }
    for d in &solved.detectable {
        text.push_str(&format!("seen in {:>3} days   {}\n", d.days, d.lift));
    }
    print(&text)
}
