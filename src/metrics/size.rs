//! What this sample could have shown, and what it would take to see an effect worth having.

use super::outcome::{Detectable, GroupOutcome, Needed};
use crate::config::valid::{Config, Metric};
use crate::data::Dataset;
use crate::stats::distributions::normal_isf;

/// Without a declared smallest effect of interest, sizes are stated for a change of a fifth: large enough to be worth a
/// release in most products, small enough to be honest about.
pub const DEFAULT_RELATIVE_EFFECT: f64 = 0.2;

/// A pair of groups to be sized.
pub struct Sizing<'a> {
    /// Control.
    pub control: &'a GroupOutcome,
    /// Treatment.
    pub treatment: &'a GroupOutcome,
    /// Variances of a unit in both groups.
    pub spread: Option<(f64, f64)>,
    /// Level of the comparison, two-sided.
    pub alpha: f64,
    /// Power.
    pub power: f64,
}

impl Sizing<'_> {
    /// z of the level plus z of the power.
    fn reach(&self) -> f64 {
        normal_isf(self.alpha / 2.0) + normal_isf(1.0 - self.power)
    }

    /// The smallest true effect seen with this power: (z₁₋α⸝₂ + z_power) · √(s²_c/n_c + s²_t/n_t).
    pub fn detectable(&self) -> Option<Detectable> {
        let (c, t) = self.spread?;
        if self.control.n == 0 || self.treatment.n == 0 {
            return None;
        }
        let se = (c / self.control.n as f64 + t / self.treatment.n as f64).sqrt();
        let absolute = self.reach() * se;
        let relative = self.control.mean.filter(|m| *m != 0.0).map(|m| absolute / m.abs());
        (absolute > 0.0).then_some(Detectable { absolute, relative })
    }

    /// The shares of the pair in all users: as declared, else equal.
    fn shares(&self, config: &Config, groups: usize) -> [f64; 2] {
        let declared = &config.design.allocation;
        let whole: f64 = declared.iter().map(|(_, weight)| weight).sum();
        [self.control, self.treatment].map(|group| {
            let own = declared.iter().find(|(id, _)| *id == group.id).map(|(_, weight)| weight / whole);
            own.filter(|share| *share > 0.0).unwrap_or(1.0 / groups as f64)
        })
    }

    /// Units and days until the effect worth having is seen with this power: N = (z₁₋α⸝₂ + z_power)² (s²_c/w_c + s²_t/w_t) / δ²
    /// in all groups together, with the shares w of the declared allocation; with equal shares (z)² (s²_c + s²_t) / δ² in each.
    pub fn needed(
        &self,
        config: &Config,
        metric: &Metric,
        conditional: Option<&[(String, f64)]>,
        groups: usize,
        data: Option<&Dataset>,
    ) -> Option<Needed> {
        let (c, t) = self.spread?;
        let mean = self.control.mean.filter(|m| *m != 0.0);
        let effect = metric.min_effect.or_else(|| mean.map(|m| (m * DEFAULT_RELATIVE_EFFECT).abs()))?;
        let [of_control, of_treatment] = self.shares(config, groups);
        let total = self.reach().powi(2) * (c / of_control + t / of_treatment) / (effect * effect);
        let per_group = total / groups as f64;
        // A metric on a part of the units needs all of the users that yield that part; the scarcer group decides.
        let share = conditional
            .into_iter()
            .flatten()
            .filter(|(id, _)| *id == self.control.id || *id == self.treatment.id)
            .map(|(_, share)| *share)
            .fold(1.0, f64::min);
        let users_per_group = per_group / share;
        let days = flow(config, data).map(|flow| users_per_group * groups as f64 / flow);
        Some(Needed { effect, relative: mean.map(|m| effect / m.abs()), per_group, users_per_group, days })
    }
}

/// Randomised units a day over the declared period, or over what has passed of it; none without rows or dates.
pub fn flow(config: &Config, data: Option<&Dataset>) -> Option<f64> {
    let (start, end) = (config.experiment.start?, config.experiment.end?);
    let end = data.map_or(end, |data| end.min(data.date()));
    let days = f64::from(start.until(end).ok()?.get_days() + 1);
    let units: u64 = data?.groups.iter().map(|g| g.units).sum();
    (days > 0.0 && units > 0).then(|| units as f64 / days)
}
