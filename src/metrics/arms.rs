//! The order of the groups of a metric, several controls pooled, and which pairs are compared.

use crate::config::valid::{Comparisons, Counts, Design, Summary};
use crate::data::GroupValues;
use crate::stats::Moments;

/// Numbers of one group, whatever they are.
pub trait Arm: Sized {
    /// The group.
    fn id(&self) -> &str;
    /// All units of several groups as one.
    fn pooled(parts: &[Self], id: String) -> Self;
}

/// Which of the groups are controls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Separate controls that follow their pool, which is then the first group; 0 where there is one control.
    pub parts: usize,
}

/// The groups in the order of the comparison: the control first; of several controls their pool first, each of them
/// after it, then the treatments.
pub fn arrange<A: Arm>(groups: Vec<A>, design: &Design) -> (Vec<A>, Layout) {
    let controls: Vec<&str> =
        design.control.iter().chain(&design.other_controls).map(|id| id.trim()).collect();
    let place = |arm: &A| controls.iter().position(|id| *id == arm.id()).unwrap_or(usize::MAX);
    let mut groups = groups;
    groups.sort_by_key(place);
    let parts = groups.iter().filter(|arm| place(arm) != usize::MAX).count();
    if design.other_controls.is_empty() || parts < 2 {
        return (groups, Layout::default());
    }
    let id = groups[..parts].iter().map(Arm::id).collect::<Vec<_>>().join(" + ");
    let pool = A::pooled(&groups[..parts], id);
    groups.insert(0, pool);
    (groups, Layout { parts })
}

impl Layout {
    /// The first treatment.
    fn treatments(self) -> usize {
        1 + self.parts
    }

    /// Pairs of controls, which are compared before anything else.
    pub fn controls(self) -> Vec<(usize, usize)> {
        let parts = 1..=self.parts;
        parts.clone().flat_map(|i| (i + 1..=self.parts).map(move |j| (i, j))).collect()
    }

    /// Pairs (control, treatment) that decide, in order.
    pub fn pairs(self, groups: usize, comparisons: Comparisons) -> Vec<(usize, usize)> {
        let treatments = self.treatments()..groups;
        let mut pairs: Vec<(usize, usize)> = treatments.clone().map(|t| (0, t)).collect();
        if comparisons == Comparisons::All {
            pairs.extend((1..=self.parts).flat_map(|c| treatments.clone().map(move |t| (c, t))));
            pairs.extend(treatments.clone().flat_map(|i| (i + 1..groups).map(move |j| (i, j))));
        }
        pairs
    }
}

impl Arm for (String, Summary) {
    fn id(&self) -> &str {
        &self.0
    }

    fn pooled(parts: &[Self], id: String) -> Self {
        let moments = |s: &Summary| Moments::from_summary(s.mean, s.sd, s.n).unwrap_or_default();
        let all = parts.iter().map(|(_, s)| moments(s)).reduce(|a, b| a.merge(&b)).unwrap_or_default();
        (id, Summary { mean: all.mean, sd: all.sd().unwrap_or(0.0), n: all.n })
    }
}

impl Arm for (String, Counts) {
    fn id(&self) -> &str {
        &self.0
    }

    fn pooled(parts: &[Self], id: String) -> Self {
        let sum = |of: fn(&Counts) -> u64| parts.iter().map(|(_, c)| of(c)).sum();
        (id, Counts { successes: sum(|c| c.successes), n: sum(|c| c.n) })
    }
}

impl Arm for GroupValues {
    fn id(&self) -> &str {
        &self.group
    }

    fn pooled(parts: &[Self], id: String) -> Self {
        let columns = |of: fn(&GroupValues) -> &[Vec<f64>]| {
            let count = parts.first().map_or(0, |part| of(part).len());
            (0..count)
                .map(|at| parts.iter().flat_map(|part| of(part)[at].iter().copied()).collect())
                .collect()
        };
        // Units belong to one group, so the clusters of the next part follow those of the one before.
        let mut offset = 0;
        let mut clusters = Vec::new();
        for part in parts {
            clusters.extend(part.clusters.iter().map(|cluster| cluster + offset));
            offset += part.clusters.iter().max().map_or(0, |last| last + 1);
        }
        GroupValues {
            group: id,
            values: columns(|part| &part.values),
            covariates: columns(|part| &part.covariates),
            covariates_missing: parts.iter().map(|part| part.covariates_missing).sum(),
            strata: parts.iter().flat_map(|part| part.strata.iter().copied()).collect(),
            clusters,
            units: parts.iter().flat_map(|part| part.units.iter().copied()).collect(),
            missing: parts.iter().map(|part| part.missing).sum(),
            non_finite: parts.iter().map(|part| part.non_finite).sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_control_is_compared_with_each_treatment_or_every_pair_is() {
        let layout = Layout::default();
        assert_eq!(layout.pairs(3, Comparisons::Control), [(0, 1), (0, 2)]);
        assert_eq!(layout.pairs(3, Comparisons::All), [(0, 1), (0, 2), (1, 2)]);
        assert!(layout.controls().is_empty());
    }

    #[test]
    fn two_controls_are_compared_first_and_decide_together() {
        // The pool, two controls, one treatment.
        let layout = Layout { parts: 2 };
        assert_eq!(layout.controls(), [(1, 2)]);
        assert_eq!(layout.pairs(4, Comparisons::Control), [(0, 3)]);
        assert_eq!(layout.pairs(4, Comparisons::All), [(0, 3), (1, 3), (2, 3)]);
    }

    #[test]
    fn pooled_counts_add_up() {
        let arms = [
            ("246".to_owned(), Counts { successes: 1, n: 10 }),
            ("247".to_owned(), Counts { successes: 2, n: 11 }),
        ];
        assert_eq!(Arm::pooled(&arms, "both".into()), ("both".to_owned(), Counts { successes: 3, n: 21 }));
    }
}
