//! The meaning of a config: what its sections say together. One file a section.
//!
//! Each check gets what was written (wrong keys already reported and taken out) and returns the valid section, or
//! nothing when something was reported. All sections are checked whatever the others say.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use super::codes;
use super::raw::{At, RawConfig};
use super::sink::Sink;
use super::valid::{Config, DataSource, Design};

mod architecture;
mod cross_device;
pub mod data;
mod design;
mod experiment;
mod funnel;
mod groups;
mod metric;
mod plan;
mod rows;
mod test_choice;
mod warehouse;
mod watch;

/// The default significance level.
const ALPHA: f64 = 0.05;
/// The default power.
const POWER: f64 = 0.8;
/// The default number of replicates.
const REPLICATES: u32 = 10_000;

/// Checks all sections. `path` is the config's file and `base` the folders that data paths are relative to.
///
/// The places of the data paths come along, since whether the files exist is seen only later.
pub fn check(
    raw: &RawConfig,
    path: &Path,
    base: &data::Base<'_>,
    sink: &mut Sink,
) -> (Option<Config>, Option<Located>) {
    something_to_do(raw, sink);
    let groups = groups::check(raw, sink);
    let experiment = raw.experiment.as_ref().and_then(|raw| experiment::check(raw, sink));
    let (monitoring, monitoring_by_dates, looks) = watch::monitoring(raw, sink);
    let design = Design {
        monitoring,
        monitoring_by_dates,
        looks,
        ..design::check(raw.design.as_ref(), &raw.metric, &groups, sink)
    };
    let data = raw.data.as_ref().map(|raw| data::check(raw, base, sink));
    unique("plans", raw.plan.iter().map(|plan| (plan.value.id.as_ref(), plan.value.title.as_ref())), sink);
    let plans = all(&raw.plan, sink, |raw, sink| plan::check(raw, &design, &groups, sink));
    let metrics = metric::check_all(raw, sink);
    let steps = funnel::check_all(raw, sink);
    let metrics = metrics.zip(steps).map(|(mut metrics, steps)| {
        metrics.extend(steps);
        metrics
    });
    unique(
        "segments",
        raw.segment.iter().map(|segment| (segment.value.id.as_ref(), segment.value.title.as_ref())),
        sink,
    );
    let segments = all(&raw.segment, sink, |segment, sink| watch::segment(segment, raw, sink));
    let money = raw.money.as_ref().map(|money| watch::money(money, metrics.as_deref(), sink));
    unique("test choices", raw.test_choice.iter().map(|choice| (choice.value.id.as_ref(), None)), sink);
    let test_choices = all(&raw.test_choice, sink, |raw, sink| test_choice::check(raw, &design, sink));
    let cross_device = raw.cross_device.as_ref().map(|raw| cross_device::check(raw, sink));
    let architecture = raw.architecture.as_ref().map(|raw| architecture::check(raw, sink));

    let located = data.as_ref().and_then(Option::as_ref).and_then(|source| {
        let written = &raw.data.as_ref()?.value;
        let facts = written.facts.iter().filter_map(|facts| Some(facts.value.path.as_ref()?.span.clone()));
        let identity = written.identity.as_ref().and_then(|identity| identity.value.path.as_ref());
        Some(Located {
            identity: identity.map(|path| path.span.clone()),
            source: source.clone(),
            data: written.path.as_ref()?.span.clone(),
            facts: facts.collect(),
        })
    });
    let config = || {
        Some(Config {
            path: path.to_path_buf(),
            text: sink.text().clone(),
            experiment: experiment?,
            design,
            data: transposed(data)?,
            metrics: metrics?,
            segments: segments?,
            money: transposed(money)?,
            plans: plans?,
            test_choices: test_choices?,
            cross_device: transposed(cross_device)?,
            architecture: transposed(architecture)?,
        })
    };
    (config(), located)
}

/// The data section, also when other sections are wrong, and where its paths are written.
pub struct Located {
    /// The section, its patterns not resolved yet.
    pub source: DataSource,
    /// Where `data.path` is written.
    pub data: Range<usize>,
    /// Where the path of each of the facts is written.
    pub facts: Vec<Range<usize>>,
    /// Where the path of the identities is written.
    pub identity: Option<Range<usize>>,
}

/// A section that was written must be valid; one that was not written may be absent.
fn transposed<T>(section: Option<Option<T>>) -> Option<Option<T>> {
    match section {
        Some(None) => None,
        Some(Some(section)) => Some(Some(section)),
        None => Some(None),
    }
}

/// Checks each entry, also those after a wrong one; everything or nothing is returned.
fn all<R, T>(
    raw: &[At<R>],
    sink: &mut Sink,
    mut check: impl FnMut(&At<R>, &mut Sink) -> Option<T>,
) -> Option<Vec<T>> {
    let checked: Vec<Option<T>> = raw.iter().map(|entry| check(entry, sink)).collect();
    checked.into_iter().collect()
}

fn something_to_do(raw: &RawConfig, sink: &mut Sink) {
    let lists =
        [raw.metric.len(), raw.funnel.len(), raw.plan.len(), raw.test_choice.len()].iter().sum::<usize>();
    let sections = [raw.data.is_some(), raw.cross_device.is_some(), raw.architecture.is_some()];
    let spoiled = ["data", "metric", "funnel", "plan", "test_choice", "cross_device", "architecture"];
    if lists == 0 && !sections.contains(&true) && !sink.is_spoiled(&(0..0), &spoiled) {
        let hint = "add [data] with [[metric]], or [[plan]], [[test_choice]], [architecture]";
        let message = "the file has nothing to report";
        let place = raw.experiment.as_ref().map_or(0..0, |experiment| experiment.span.clone());
        sink.error(codes::NOTHING_TO_DO, &place, message, hint);
    }
}

/// Reports every id that an earlier entry has already, and every title that makes two entries look the same.
fn unique<'a>(
    what: &str,
    entries: impl Iterator<Item = (Option<&'a At<String>>, Option<&'a At<String>>)>,
    sink: &mut Sink,
) {
    let (mut ids, mut titles) = (BTreeMap::new(), BTreeMap::new());
    for (id, title) in entries {
        if let Some(id) = id
            && let Some(first) = ids.insert(id.value.as_str(), id.span.clone())
        {
            let hint = format!("the other is in line {}; rename one", line(sink, &first));
            sink.error(codes::DUPLICATE_ID, &id.span, format!("two {what} have the id `{}`", id.value), hint);
            ids.insert(id.value.as_str(), first);
        }
        if let Some(title) = title
            && let Some(first) = titles.insert(title.value.trim(), title.span.clone())
        {
            let hint = format!("the other is in line {}; readers cannot tell them apart", line(sink, &first));
            let message = format!("two {what} have the title `{}`", title.value);
            sink.warning(codes::DUPLICATE_TITLE, &title.span, message, hint);
            titles.insert(title.value.trim(), first);
        }
    }
}

/// The 1-based line of a place.
fn line(sink: &Sink, span: &Range<usize>) -> usize {
    sink.text().get(..span.start).unwrap_or("").matches('\n').count() + 1
}

/// The significance level of a section that may call it `alpha` or `confidence`.
fn alpha(
    table: &Range<usize>,
    alpha: Option<&At<f64>>,
    confidence: Option<&At<f64>>,
    sink: &mut Sink,
) -> Option<f64> {
    let given = |value: Option<&At<f64>>, key| value.is_some() || sink.is_spoiled(table, &[key]);
    if given(alpha, "alpha") && given(confidence, "confidence") {
        let place = confidence.or(alpha).map_or(table, |written| &written.span).clone();
        let hint = "confidence is 1 − alpha: keep one of them";
        sink.error(codes::ALPHA_AND_CONFIDENCE, &place, "both `alpha` and `confidence` are given", hint);
    }
    // 1 − 0.97 is 0.030000000000000027 in binary; twelve digits are what anyone means.
    let complement = |confidence: &At<f64>| ((1.0 - confidence.value) * 1e12).round() / 1e12;
    alpha.map(|alpha| alpha.value).or_else(|| confidence.map(complement))
}

/// The value of an optional text.
fn text(written: Option<&At<String>>) -> Option<String> {
    written.map(|written| written.value.clone())
}
