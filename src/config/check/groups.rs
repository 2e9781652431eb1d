//! Which groups the experiment has, as far as the file itself says.

use std::collections::BTreeSet;
use std::ops::Range;

use super::super::codes;
use super::super::raw::{At, Named, RawConfig};
use super::super::sink::Sink;
use super::super::suggest;

/// The groups of the first place that names them, in its order; empty when only the data know.
pub struct Groups {
    /// Names in order.
    pub names: Vec<String>,
}

impl Groups {
    /// How many groups the file names, if it names any.
    pub fn count(&self) -> Option<u32> {
        u32::try_from(self.names.len()).ok().filter(|count| *count > 0)
    }
}

/// Gathers the groups from the allocation, the summaries and the counts; reports those that differ and a control that
/// is none of them.
pub fn check(raw: &RawConfig, sink: &mut Sink) -> Groups {
    let mut places: Vec<(String, Vec<String>, Range<usize>)> = Vec::new();
    let design = raw.design.as_ref().map(|design| &design.value);
    if let Some(allocation) = design.and_then(|design| design.allocation.as_ref()) {
        places.push(("the allocation".to_owned(), names(&allocation.value), allocation.span.clone()));
    }
    for metric in &raw.metric {
        let id = metric.value.id.as_ref().map_or("?", |id| id.value.as_str());
        if let Some(summary) = &metric.value.summary {
            places.push((format!("the summary of `{id}`"), names(&summary.value), summary.span.clone()));
        }
        if let Some(counts) = &metric.value.counts {
            places.push((format!("the counts of `{id}`"), names(&counts.value), counts.span.clone()));
        }
    }
    // A group whose entry was wrong is not a group that is missing.
    places.retain(|(_, _, span)| !sink.is_any_spoiled(span));
    for (place, groups, span) in &places {
        if groups.len() < 2 {
            let message = format!("{place} has {} group(s)", groups.len());
            sink.error(codes::TOO_FEW_GROUPS, span, message, "a comparison needs at least two");
        }
    }
    let Some((first, expected, _)) = places.first() else { return Groups { names: Vec::new() } };
    let set = |groups: &[String]| groups.iter().cloned().collect::<BTreeSet<String>>();
    for (place, groups, span) in places.iter().skip(1).filter(|(_, groups, _)| set(groups) != set(expected)) {
        let listed = suggest::list(groups.iter().map(String::as_str));
        let hint = format!("{first} has {}", suggest::list(expected.iter().map(String::as_str)));
        sink.error(codes::GROUPS_DIFFER, span, format!("{place} has other groups: {listed}"), hint);
    }
    let controls = design.into_iter().flat_map(|design| design.control.iter().chain(&design.controls));
    for control in controls.filter(|control| !expected.contains(&control.value)) {
        let hint = suggest::hint(&control.value, "groups", expected.iter().map(String::as_str));
        let message = format!("the control `{}` is not a group", control.value);
        sink.error(codes::CONTROL_NOT_A_GROUP, &control.span, message, hint);
    }
    Groups { names: expected.clone() }
}

fn names<T>(table: &Named<T>) -> Vec<String> {
    table.0.iter().map(|(name, _): &(At<String>, At<T>)| name.value.clone()).collect()
}
