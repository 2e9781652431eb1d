//! What the rows say of the split itself, beyond the sizes of the groups at the end: the sample ratio night by night and in
//! segments, and the balance of what was known before the experiment.

use super::exposed;
use crate::config::valid::{Adjustment, Config, MetricSource, Role};
use crate::data::{Dataset, GroupValues};
use crate::diag::Diagnostic;
use crate::proof::balance::{Balance, Covariates, compare};
use crate::proof::sample_ratio::{CONCENTRATION, SegmentRatio, SequentialRatio, by_segment, sequential};
use crate::trust::{SRM_ALPHA, shares};

/// What was found of the split.
#[derive(Clone, Debug, Default)]
pub struct Split {
    /// The sample ratio over all nights, valid at each of them; none where the days are not known.
    pub nightly: Option<SequentialRatio>,
    /// Segments, each with its parts whose sizes do not fit the allocation.
    pub segments: Vec<(String, Vec<SegmentRatio>)>,
    /// Balance of the covariates of the primary metric, by treatment.
    pub balance: Vec<(String, Vec<String>, Balance)>,
}

impl Split {
    /// Looks at the split of an experiment.
    ///
    /// # Errors
    /// An expression that the data refuse.
    pub fn look(config: &Config, data: &Dataset) -> Result<Split, Diagnostic> {
        let ids: Vec<&str> = data.groups.iter().map(|group| group.id.as_str()).collect();
        let shares = shares(&config.design, &ids);
        let nightly = data.daily.as_ref().and_then(|daily| {
            let mut total = vec![0; shares.len()];
            let nights: Vec<Vec<u64>> = daily
                .days
                .iter()
                .map(|(_, counts)| {
                    total.iter_mut().zip(counts).for_each(|(total, count)| *total += count);
                    total.clone()
                })
                .collect();
            sequential(&nights, &shares, CONCENTRATION).ok()
        });
        let mut segments = Vec::new();
        if !data.has_counts_only() {
            for segment in &config.segments {
                let sizes = data.segment_sizes(&segment.by)?;
                let nights: Vec<(String, Vec<Vec<u64>>)> =
                    sizes.into_iter().map(|(id, counts)| (id, vec![counts])).collect();
                // Ids label rows, one at the end: a segment is a look of its own.
                if let Ok(found) = by_segment(&nights, &shares, CONCENTRATION) {
                    segments.push((segment.title.clone(), found));
                }
            }
        }
        Ok(Split { nightly, segments, balance: balance(config, data)? })
    }

    /// The sizes do not fit the allocation, looking every night.
    pub fn nightly_failed(&self) -> bool {
        self.nightly.as_ref().is_some_and(|ratio| ratio.p < SRM_ALPHA)
    }

    /// Parts of segments whose sizes do not fit the allocation: title of the segment, part and p-value.
    pub fn failed_segments(&self) -> Vec<(&str, &str, f64)> {
        let parts =
            self.segments.iter().flat_map(|(title, parts)| parts.iter().map(move |part| (title, part)));
        parts
            .filter(|(_, part)| part.p_adjusted < SRM_ALPHA)
            .map(|(title, part)| (title.as_str(), part.id.as_str(), part.p_adjusted))
            .collect()
    }

    /// The groups differed before the experiment: treatment and p-value of the joint test.
    pub fn unbalanced(&self) -> Vec<(&str, f64)> {
        let joint =
            self.balance.iter().filter_map(|(id, _, balance)| Some((id.as_str(), balance.joint.ok()?.p)));
        joint.filter(|(_, p)| *p < SRM_ALPHA).collect()
    }
}

/// The balance of the covariates that are known of all units.
fn balance(config: &Config, data: &Dataset) -> Result<Vec<(String, Vec<String>, Balance)>, Diagnostic> {
    let primary = config.metrics.iter().find(|metric| metric.role == Role::Primary);
    let Some(MetricSource::Rows(rows)) = primary.map(|metric| &metric.source) else { return Ok(Vec::new()) };
    if rows.adjustment.covariates.is_empty() || data.has_counts_only() || data.sums().is_some() {
        return Ok(Vec::new());
    }
    let adjustment = Adjustment { covariates: rows.adjustment.covariates.clone(), ..Adjustment::default() };
    let gathered = exposed(data, &adjustment)?;
    let Some((control, treatments)) = gathered.groups.split_first() else { return Ok(Vec::new()) };
    let of = |group: &GroupValues| {
        let columns: Vec<&[f64]> = group.covariates.iter().map(Vec::as_slice).collect();
        Covariates::from_columns(&columns).ok()
    };
    let Some(base) = of(control) else { return Ok(Vec::new()) };
    let compared = treatments.iter().filter_map(|group| {
        Some((group.group.clone(), gathered.covariates.clone(), compare(&base, &of(group)?).ok()?))
    });
    Ok(compared.collect())
}
