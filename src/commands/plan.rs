//! `itog plan`: users, days and the detectable effect from flags alone.

use itog::config::valid::{Plan, PlanEstimand, Traffic};
use itog::diag::Diagnostic;
use itog::planning::{self, OtherDesign, PlanOutcome};
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
    print(&text(&plan, &solved))
}

/// The answer in lines for people.
fn text(plan: &Plan, solved: &PlanOutcome) -> String {
    let days =
        |d: Option<u64>| d.map_or_else(|| "unknown (give --traffic)".to_owned(), |d| format!("{d} days"));
    let mut lines = vec![
        ("effect size".to_owned(), digits(solved.effect_size)),
        ("per group".to_owned(), solved.n_per_group.to_string()),
        ("total".to_owned(), solved.n_total.to_string()),
        ("duration".to_owned(), days(solved.days)),
    ];
    if solved.pairs > 1 {
        let corrected = &solved.corrected;
        let size = format!("{} per group, {}", corrected.n_per_group, days(corrected.days));
        lines.push((format!("with Bonferroni for {} comparisons", solved.pairs), size));
    }
    for row in &solved.designs {
        let name = match row.design {
            OtherDesign::GroupSequential => "looked at every night to that size".to_owned(),
            OtherDesign::AlwaysValid => "looked at every night without an end".to_owned(),
            OtherDesign::Weighted => "with the weights of the groups".to_owned(),
            OtherDesign::VarianceRemoved { share } => {
                format!("CUPED that removes {} % of variance", 100.0 * share)
            }
        };
        let mean = |n: u64| {
            let duration = row.days_expected.map_or_else(String::new, |d| format!(", {d} days"));
            format!("; {n}{duration} on average if the effect is there")
        };
        let duration = row.days.map_or_else(String::new, |d| format!(", {d} days"));
        let size =
            format!("{} in total{duration}{}", row.n_total, row.n_expected.map_or_else(String::new, mean));
        lines.push((name, size));
    }
    let baseline = match plan.estimand {
        PlanEstimand::Proportion { baseline, .. } => Some(baseline),
        PlanEstimand::Mean { baseline, .. } => baseline,
    };
    for d in &solved.detectable {
        let share = |b: f64| format!(" ({} % of the baseline)", digits(100.0 * d.lift / b.abs()));
        let relative = baseline.filter(|b| *b != 0.0).map_or_else(String::new, share);
        lines.push((format!("seen in {} days", d.days), format!("{}{relative}", digits(d.lift))));
    }
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    lines.iter().map(|(name, value)| format!("{name:width$}  {value}\n")).collect()
}

/// Four significant digits, whole ones all: a plan is never surer than that. `--format json` has them all.
fn digits(x: f64) -> String {
    match x.abs() {
        1000.0.. => format!("{x:.0}"),
        _ => format!("{x:.3e}").parse::<f64>().unwrap_or(x).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits_at_most() {
        assert_eq!(digits(0.032_629_400_767), "0.03263");
        assert_eq!(digits(12.636_403), "12.64");
        assert_eq!(digits(0.2), "0.2");
        assert_eq!(digits(123_456.7), "123457");
    }
}
