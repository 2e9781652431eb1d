//! What an effect is worth in a year, and what a wrong decision costs on average.

use crate::config::valid::{Aggregate, Config, Goal, MetricKind, MetricSource, Role};
use crate::metrics::outcome::MetricOutcome;
use crate::stats::distributions::{normal_pdf, normal_sf};

/// The value is one of every user, so that a sum over users is their number times the mean.
fn is_per_user(o: &MetricOutcome) -> bool {
    let of_units = match &o.metric.source {
        MetricSource::Rows(rows) => rows.aggregate != Aggregate::Rows,
        _ => true,
    };
    o.conditional.is_none() && of_units && matches!(o.metric.kind, MetricKind::Mean | MetricKind::Proportion)
}

/// Days of a year, leap years included.
const YEAR: f64 = 365.25;

/// The worth of one pair.
#[derive(Clone, Debug, PartialEq)]
pub struct Worth {
    /// Metric id.
    pub metric: String,
    /// Control of the pair.
    pub control: String,
    /// Treatment of the pair.
    pub treatment: String,
    /// Users that the decision is about in a year.
    pub users: f64,
    /// Gain of the treatment over the control in a year, in the currency; positive is good.
    pub gain: f64,
    /// Interval of the gain, at the level of the pair.
    pub interval: Option<(f64, f64)>,
    /// What shipping the treatment loses on average, if the truth is spread about the estimate by its standard error.
    pub loss_if_shipped: Option<f64>,
    /// What keeping the control loses on average, by the same reckoning.
    pub loss_if_kept: Option<f64>,
}

/// The worth of every comparison with the control; empty without `[money]`, and for a metric whose effect cannot be multiplied by
/// the number of users: one on a part of them, a ratio, a quantile, a mean of rows.
///
/// # Formula
/// gain = ±(treatment − control) · value · users a year, the sign being that of the goal. With the estimate d, its error s and
/// z = d/s, the expected loss of shipping is E max(0, −D) = s φ(z) − d Φ(−z) for D ~ N(d, s²), that of keeping d more
/// (the posterior under a flat prior; Stucchio 2015).
pub fn worth(config: &Config, outcomes: &[MetricOutcome]) -> Vec<Worth> {
    let Some(money) = &config.money else { return Vec::new() };
    let is_meant = |o: &&MetricOutcome| match &money.metric {
        Some(id) => o.metric.id == *id,
        None => o.metric.role == Role::Primary,
    };
    let Some(o) = outcomes.iter().find(is_meant).filter(|o| is_per_user(o)) else {
        return Vec::new();
    };
    let Some(control) = o.groups.first() else { return Vec::new() };
    let users = money.traffic.daily() * YEAR;
    let sign = if o.metric.goal == Goal::Increase { 1.0 } else { -1.0 };
    let scale = sign * money.value * users;
    let of = |c: &crate::metrics::outcome::Comparison| {
        let effect = c.absolute?;
        let interval = effect.ci.map(|(low, high)| {
            let ends = (low * scale, high * scale);
            (ends.0.min(ends.1), ends.0.max(ends.1))
        });
        let (gain, error) = (effect.estimate * scale, c.error().map(|se| se * scale.abs()));
        let loss = error.map(|s| s * normal_pdf(gain / s) - gain * normal_sf(gain / s));
        Some(Worth {
            metric: o.metric.id.clone(),
            control: c.control.clone(),
            treatment: c.treatment.clone(),
            users,
            gain,
            interval,
            loss_if_shipped: loss.map(|loss| loss.max(0.0)),
            loss_if_kept: loss.map(|loss| (loss + gain).max(0.0)),
        })
    };
    o.comparisons.iter().filter(|c| c.control == control.id).filter_map(of).collect()
}
