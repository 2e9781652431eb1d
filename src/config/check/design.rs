//! `[design]`.

use super::super::choices::{KindName, word};
use super::super::codes;
use super::super::raw::{At, RawDesign, RawMetric};
use super::super::sink::Sink;
use super::super::valid::{Comparisons, Correction, Design, Looks, Monitoring, Resampling};
use super::groups::Groups;
use super::{ALPHA, POWER, REPLICATES, alpha, text};

/// Checks the section and fills its defaults in; an absent one is all defaults.
pub fn check(
    raw: Option<&At<RawDesign>>,
    metrics: &[At<RawMetric>],
    groups: &Groups,
    sink: &mut Sink,
) -> Design {
    let empty = RawDesign::default();
    let design = raw.map_or(&empty, |raw| &raw.value);
    let place = raw.map_or(0..0, |raw| raw.span.clone());
    let correction = design.correction.as_ref().map_or(Correction::Holm, |written| written.value.0);
    let comparisons = design.comparisons.as_ref().map_or(Comparisons::Control, |written| written.value.0);
    if let Some(written) = &design.correction {
        let spoiled = raw.is_some_and(|raw| sink.is_spoiled(&raw.span, &["comparisons"]));
        match (correction, comparisons) {
            _ if spoiled => {}
            (Correction::Dunnett, Comparisons::All) => sink.error(
                codes::DUNNETT_NEEDS_CONTROL,
                &written.span,
                "Dunnett's test compares each group with the control, and `comparisons` is `all`",
                "use `tukey` for all pairs of means, or comparisons = \"control\"",
            ),
            (Correction::Tukey, Comparisons::Control) => sink.error(
                codes::TUKEY_NEEDS_ALL,
                &written.span,
                "Tukey's test compares every pair, and `comparisons` is `control`",
                "use `dunnett` for means against a control, or comparisons = \"all\"",
            ),
            _ => {}
        }
        if matches!(correction, Correction::Dunnett | Correction::Tukey) {
            let others: Vec<_> = metrics.iter().filter(|metric| !is_mean(metric, sink)).collect();
            for metric in others {
                let id = metric.value.id.as_ref();
                let message = format!(
                    "`{}` is for means, and the metric `{}` is not a mean",
                    word(correction),
                    id.map_or("?", |id| id.value.as_str())
                );
                let place = id.map_or(&metric.span, |id| &id.span);
                sink.error(codes::CORRECTION_NEEDS_MEANS, place, message, "`holm` fits every kind of metric");
            }
        }
    }
    let controls = controls(raw, sink);
    if !controls.is_empty()
        && matches!(correction, Correction::Dunnett | Correction::Tukey)
        && let Some(written) = &design.correction
    {
        let message = format!("`{}` does not pool several controls", word(correction));
        sink.error(codes::CONTROLS_CORRECTION, &written.span, message, "`holm` fits every design");
    }
    let allocation = design.allocation.as_ref().map_or_else(Vec::new, |allocation| {
        allocation.value.0.iter().map(|(group, weight)| (group.value.clone(), weight.value.0)).collect()
    });
    Design {
        control: controls
            .first()
            .cloned()
            .or_else(|| text(design.control.as_ref()))
            .or_else(|| groups.names.first().cloned()),
        other_controls: controls.into_iter().skip(1).collect(),
        alpha: alpha(&place, design.alpha.as_ref(), design.confidence.as_ref(), sink).unwrap_or(ALPHA),
        power: design.power.as_ref().map_or(POWER, |power| power.value),
        correction,
        allocation,
        comparisons,
        // Both depend on the rest of the file and are put in by the caller.
        monitoring: Monitoring::Fixed,
        monitoring_by_dates: false,
        looks: Looks::default(),
        replicates: design.replicates.as_ref().map_or(REPLICATES, |written| written.value as u32),
        resampling: design.resampling.as_ref().map_or(Resampling::Multinomial, |written| written.value.0),
    }
}

/// Several controls, in their order; empty where there is one.
fn controls(raw: Option<&At<RawDesign>>, sink: &mut Sink) -> Vec<String> {
    let Some(design) = raw.map(|raw| &raw.value) else { return Vec::new() };
    let Some(first) = design.controls.first() else { return Vec::new() };
    if design.control.is_some() {
        let message = "both `control` and `controls` are given";
        sink.error(codes::CONTROL_AND_CONTROLS, &first.span, message, "keep one of them");
    }
    let names: Vec<String> = design.controls.iter().map(|name| name.value.clone()).collect();
    let repeated = design.controls.iter().enumerate().find(|(at, name)| names[..*at].contains(&name.value));
    if let Some((_, again)) = repeated {
        let message = format!("the control `{}` is named twice", again.value);
        sink.error(codes::CONTROLS, &again.span, message, "name each group once");
    } else if names.len() < 2 {
        let hint = format!("control = \"{}\"", first.value);
        sink.error(codes::CONTROLS, &first.span, "`controls` names one group only", hint);
    }
    names
}

/// Whether a metric is, or by default becomes, a mean; one with an unreadable kind passes.
fn is_mean(metric: &At<RawMetric>, sink: &Sink) -> bool {
    match &metric.value.kind {
        Some(kind) => kind.value.0 == KindName::Mean,
        None => sink.is_spoiled(&metric.span, &["kind"]) || metric.value.counts.is_none(),
    }
}
