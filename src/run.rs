//! The pipeline on one screen: the way of one experiment from its config to finished files, with no output I/O.
//!
//! [`findings`] is what is known, [`report`] is how it is told. [`crate::batch`] runs many of them. Each stage is a tracing
//! span of its name, which `itog run --timings` adds up.

use jiff::civil::Date;
use tracing::{Span, debug_span};

use crate::artifact::Artifact;
use crate::config::choices::word;
use crate::config::valid::{Config, DataSource, Monitoring, Plan, Role, Status};
use crate::data::{Dataset, GateReason};
use crate::diag::{Diagnostic, Warned};
use crate::findings::Findings;
use crate::history::{Effect, History, Told, Worth};
use crate::metrics::choice;
use crate::preregistration::Rules;
use crate::report::digest::Entry;
use crate::report::document::{Block, Document};
use crate::report::{self as telling, GENERATOR, Report};
use crate::stats::Undefined;
use crate::templates::Templates;
use crate::trust::Trust;
use crate::validation::trust::Split;
use crate::validation::{aa, course, segments};
use crate::verdict::{Evidence, decide};
use crate::watch::{self, Night};
use crate::{data, drawing, metrics, money, planning, render, results};

/// What the nights before left.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// Nights in order; those of tonight's date and later are passed over.
    pub nights: Vec<Night>,
    /// The rules of the first night.
    pub rules: Option<Rules>,
    /// What the last report said and what people decided.
    pub history: History,
}

/// From a config to everything that is known.
///
/// # Errors
/// Data that cannot be read, an expression that they refuse, a plan without a solution.
pub fn findings(config: Warned<Config>, date: Date, past: &Past) -> Result<Findings, Vec<Diagnostic>> {
    let Warned { value: mut config, mut warnings } = config;
    config.experiment.status = config.experiment.status_on(date);
    let mut data = None;
    if let Some(source) = &config.data {
        let _stage = debug_span!("read").entered();
        let opened = opened(&config, source, date)?;
        warnings.extend(opened.warnings);
        data = Some(opened.value);
    }
    if let Some(data) = &mut data {
        forgive_age(&config, date, data);
        after_end(&config, data);
    }
    let weights: Vec<f64> = config.design.allocation.iter().map(|(_, weight)| *weight).collect();
    let solved = |plan| planning::solve(plan, &weights).map_err(|reason| unsolved(plan, reason));
    let plans = config.plans.iter().map(solved);
    let plans = debug_span!("plan").in_scope(|| plans.collect::<Result<Vec<_>, _>>());
    let plans = plans.map_err(|problem| vec![problem])?;
    let trust = Trust::assess(&config, data.as_ref(), &plans);
    let rows = data.as_ref().filter(|_| !trust.refused());
    let mut outcomes = match trust.refused() {
        true => Vec::new(),
        false => debug_span!("measure").in_scope(|| metrics::measure(&config, rows, &plans))?,
    };
    let one = |problem| vec![problem];
    let (mut split, mut proven) = (Split::default(), Vec::new());
    if let Some(rows) = rows {
        let _stage = debug_span!("prove").entered();
        split = Split::look(&config, rows).map_err(one)?;
        // The proof is of the tests as they are made each night, before looks are put together.
        proven = aa::run(&config, rows, &outcomes, aa::NIGHTLY).map_err(one)?;
    }
    let stage = debug_span!("watch").entered();
    let seen = watch::seen(&outcomes, rows);
    let (nights, made_again) = nights_before(&config, date, rows, past)?;
    let watch = watch::watch(&config, date, &mut outcomes, rows, &plans, &nights);
    let remade = if made_again { nights } else { Vec::new() };
    drop(stage);
    let (mut by_segment, mut by_day) = (Vec::new(), Vec::new());
    if let Some(rows) = rows {
        let _stage = debug_span!("prove").entered();
        by_segment = segments::run(&config, rows, &outcomes).map_err(one)?;
        by_day = course::run(&config, rows, &outcomes).map_err(one)?;
    }
    let changes = past.rules.as_ref().map_or_else(Vec::new, |first| Rules::of(&config).changed_since(first));
    let choices = config.test_choices.iter().map(choice::recommend).collect();
    let verdict = decide(&Evidence {
        config: &config,
        trust: &trust,
        split: &split,
        outcomes: &outcomes,
        segments: &by_segment,
        rules_changed: !changes.is_empty(),
    });
    let worth = money::worth(&config, &outcomes);
    let history = past.history.clone();
    Ok(Findings {
        config,
        date,
        data,
        trust,
        split,
        watch,
        seen,
        remade,
        changes,
        proven,
        segments: by_segment,
        course: by_day,
        worth,
        outcomes,
        plans,
        choices,
        history,
        verdict,
        warnings,
    })
}

/// The rows of an experiment: of files, or the sums that a database answered.
fn opened(config: &Config, source: &DataSource, date: Date) -> Result<Warned<Dataset>, Vec<Diagnostic>> {
    if source.warehouse.is_some() || source.answer.is_some() {
        let value = Dataset::of_answer(source, &config.design, date).map_err(|problem| vec![problem])?;
        return Ok(Warned { value, warnings: Vec::new() });
    }
    let (metrics, design) = (&config.metrics, &config.design);
    data::open(source, metrics, design, &config.segments, config.experiment.start, date)
}

/// A finished experiment grows no staler: its data are late only as far as they end before its last day.
fn forgive_age(config: &Config, date: Date, data: &mut Dataset) {
    let Some(end) = config.experiment.end.filter(|end| *end < date) else { return };
    let since_end = end.until(date).map_or(0, |span| i64::from(span.get_days()));
    if config.experiment.status != Status::Finished {
        return;
    }
    data.lag_days = data.lag_days.map(|lag| (lag - since_end).max(0));
    let lag = data.lag_days.unwrap_or(0);
    data.gates.retain(|gate| match gate.reason {
        GateReason::Stale { limit, .. } => lag > limit as i64,
        _ => true,
    });
}

/// Whoever comes in after the last day changes an answer that was given: it is said.
fn after_end(config: &Config, data: &mut Dataset) {
    let (Some(end), Some(daily)) = (config.experiment.end, &data.daily) else { return };
    let late = daily.days.iter().filter(|(day, _)| *day > end);
    let units: u64 = late.flat_map(|(_, units)| units).sum();
    if units > 0 {
        data.gates.push(GateReason::UnitsAfterEnd { units, end }.when(false));
    }
}

/// The A/A run alone, with more effort than a night spends.
///
/// # Errors
/// As [`findings`].
pub fn validate(
    config: Warned<Config>,
    date: Date,
    effort: aa::Effort,
) -> Result<Vec<aa::Proven>, Vec<Diagnostic>> {
    let config = config.value;
    let Some(source) = &config.data else { return Ok(Vec::new()) };
    let (metrics, design) = (&config.metrics, &config.design);
    let rows = data::open(source, metrics, design, &config.segments, config.experiment.start, date)?.value;
    let outcomes = metrics::measure(&config, Some(&rows), &[])?;
    aa::run(&config, &rows, &outcomes, effort).map_err(|problem| vec![problem])
}

/// The nights before tonight: those that were kept, or where none was, those that the rows of each day give.
///
/// A night that nobody kept while others were is none: nobody looked.
fn nights_before(
    config: &Config,
    date: Date,
    data: Option<&Dataset>,
    past: &Past,
) -> Result<(Vec<Night>, bool), Vec<Diagnostic>> {
    let way = watch::way(config, &past.nights);
    let kept: Vec<Night> = past.nights.iter().filter(|night| night.date < date).cloned().collect();
    let days = data.and_then(|data| data.daily.as_ref()).map(|daily| &daily.days);
    let (Some(data), Some(days)) = (data, days) else { return Ok((kept, false)) };
    if way == Monitoring::Fixed || !kept.is_empty() {
        return Ok((kept, false));
    }
    let mut nights = Vec::new();
    for (day, _) in days.iter().filter(|(day, _)| *day < date) {
        let Some(rows) = data.as_of(*day) else { break };
        // What the rows of the whole refuse has been told by now; what only this night's rows refuse (nobody has a past yet,
        // say) makes it a night without a look.
        let Ok(glances) = metrics::glance(config, &rows) else { continue };
        let seen = watch::seen_again(glances, &rows);
        nights.push(Night { date: *day, way, seen, made_again: true });
    }
    Ok((nights, true))
}

fn unsolved(plan: &Plan, reason: Undefined) -> Diagnostic {
    Diagnostic::error("plan::no-solution", format!("the plan `{}` has no solution: {reason}", plan.id))
        .hint("the power must be above alpha, and the effect large enough for a finite sample")
}

/// A finished experiment: its files and what the batch needs to know of it.
pub struct Made {
    /// Files, named relative to the folder of the date.
    pub artifacts: Vec<Artifact>,
    /// Its line of the digest.
    pub entry: Entry,
    /// `results.v1`.
    pub results: serde_json::Value,
    /// Code of the rule that decided.
    pub rule: &'static str,
    /// A data gate refused the data.
    pub refused: bool,
    /// The named winner.
    pub winner: Option<String>,
    /// What the operator should know, none of it fatal.
    pub warnings: Vec<Diagnostic>,
    /// What the night keeps for those to come, as JSON; none where nothing was measured.
    pub night: Option<String>,
    /// What the report said, for the reports to come.
    pub told: Told,
}

/// What one night keeps: its looks, and the rules it was judged by.
#[derive(serde::Serialize, serde::Deserialize)]
struct Kept {
    /// Nights before the first one that was kept: made again once, and from then on what they were, whatever becomes of the rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    before: Vec<Night>,
    night: Night,
    rules: Rules,
}

impl Kept {
    fn all(mut self) -> Vec<Night> {
        self.before.push(self.night);
        self.before
    }
}

impl Past {
    /// What the archive kept: the nights in order and the first one ever. Content that cannot be read is of another version
    /// and passed over.
    pub fn of(nights: &[String], first: Option<&str>, history: History) -> Past {
        let read = |text: &str| serde_json::from_str::<Kept>(text).ok();
        Past {
            nights: nights.iter().filter_map(|text| read(text)).flat_map(Kept::all).collect(),
            rules: first.and_then(read).map(|kept| kept.rules),
            history,
        }
    }
}

fn night(findings: &Findings) -> Option<String> {
    if findings.seen.is_empty() || findings.config.experiment.status == Status::Planned {
        return None;
    }
    let way = findings.watch.as_ref().map_or(Monitoring::Fixed, |watch| watch.way);
    let night = Night { date: findings.date, way, seen: findings.seen.clone(), made_again: false };
    serde_json::to_string(&Kept {
        before: findings.remade.clone(),
        night,
        rules: Rules::of(&findings.config),
    })
    .ok()
}

/// Writes the manifest that a PDF carries, from the files that exist before it.
pub type Manifest<'a> = &'a dyn Fn(&[Artifact]) -> Result<Vec<u8>, serde_json::Error>;

/// From findings to finished files; the PDF carries what `manifest` writes.
///
/// # Errors
/// A narrative template or a renderer that fails, as a diagnostic.
pub fn report(
    findings: &Findings,
    templates: &Templates,
    stamp: Date,
    manifest: Option<Manifest>,
) -> Result<Made, Diagnostic> {
    let told = debug_span!("compose")
        .in_scope(|| telling::compose(findings, &templates.narrative))
        .map_err(|error| templates.blamed("report::narrative", &error))?;
    let id = &findings.config.experiment.id;
    let results = results::v1(findings, &told);
    let results_text = pretty(&results)?;
    let attachment = |name: &str, description: &str, relationship, bytes| render::pdf::Attachment {
        name: name.into(),
        media: if name.ends_with(".toml") { "application/toml" } else { "application/json" }.into(),
        description: description.into(),
        relationship,
        bytes,
    };
    let mut artifacts =
        vec![Artifact::new(format!("{id}/results.json"), "application/json", results_text.clone())];
    let mut warnings = findings.warnings.clone();
    let span = Span::current();
    let (html, pdf) = std::thread::scope(|scope| {
        // Pictures are made while the pages are laid out. What the PDF carries names them, so it waits for them at the end.
        let pictures = scope.spawn(|| charts(id, &told.document, &span));
        let attachments = || {
            let made = debug_span!("wait").in_scope(|| pictures.join());
            artifacts.extend(made.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            let mut attachments = vec![
                attachment(
                    "config.toml",
                    "Описание эксперимента",
                    render::pdf::Relationship::Source,
                    findings.config.text.as_bytes().to_vec(),
                ),
                attachment(
                    "results.json",
                    "Результаты с полной точностью",
                    render::pdf::Relationship::Data,
                    results_text,
                ),
            ];
            if let Some(manifest) = manifest {
                let failed = |error: serde_json::Error| Diagnostic::error("report::json", error.to_string());
                attachments.push(attachment(
                    "manifest.json",
                    "Версия программы и отпечатки того, из чего сделан отчёт",
                    render::pdf::Relationship::Supplement,
                    manifest(&artifacts).map_err(failed)?,
                ));
            }
            Ok(attachments)
        };
        rendered(&told.document, attachments, templates, stamp, &mut warnings)
    })?;
    let pages = [
        Artifact::new(format!("{id}/report.html"), "text/html", html),
        Artifact::new(format!("{id}/report.pdf"), "application/pdf", pdf),
    ];
    artifacts.splice(0..0, pages);
    Ok(Made {
        artifacts,
        entry: entry(findings, &told),
        results,
        rule: findings.verdict.rule,
        // Before the first day there is nothing to refuse.
        refused: findings.verdict.rule == "data-refused",
        winner: findings.verdict.winner.clone(),
        warnings,
        night: night(findings),
        told: told_of(findings, &told),
    })
}

/// What later reports may say of this one.
fn told_of(findings: &Findings, told: &Report) -> Told {
    let e = &findings.config.experiment;
    let primary = findings.outcomes.iter().find(|o| o.metric.role == Role::Primary);
    let effects = primary.into_iter().flat_map(|o| {
        let control = o.groups.first().map(|g| g.id.as_str());
        let against = o.comparisons.iter().filter(move |c| Some(c.control.as_str()) == control);
        against.map(|c| Effect {
            metric: o.metric.id.clone(),
            control: c.control.clone(),
            treatment: c.treatment.clone(),
            difference: c.absolute.map(|absolute| absolute.estimate),
            interval: c.absolute.and_then(|absolute| absolute.ci),
        })
    });
    let currency = findings.config.money.as_ref().map(|money| money.currency.as_str()).unwrap_or_default();
    let worth = findings.worth.iter().map(|worth| Worth {
        treatment: worth.treatment.clone(),
        gain: worth.gain,
        currency: currency.to_owned(),
    });
    Told {
        title: e.title.clone(),
        hypothesis: e.hypothesis.clone(),
        owner: e.owner.clone(),
        status: word(e.status).to_owned(),
        start: e.start,
        end: e.end,
        action: findings.verdict.action.name().to_owned(),
        label: told.decision.label.clone(),
        rule: findings.verdict.rule.to_owned(),
        winner: findings.verdict.winner.clone(),
        headline: told.decision.headline.clone(),
        lead: told.decision.lead.clone(),
        units: findings.units(),
        effects: effects.collect(),
        worth: worth.collect(),
    }
}

fn pretty(value: &serde_json::Value) -> Result<Vec<u8>, Diagnostic> {
    let mut bytes = serde_json::to_vec_pretty(value)
        .map_err(|error| Diagnostic::error("report::json", error.to_string()))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// HTML and PDF of a document; what the renderers noticed is added to `warnings`. The PDF asks for its `attachments` last.
pub fn rendered(
    document: &Document,
    attachments: impl FnOnce() -> Result<Vec<render::pdf::Attachment>, Diagnostic>,
    templates: &Templates,
    stamp: Date,
    warnings: &mut Vec<Diagnostic>,
) -> Result<(String, Vec<u8>), Diagnostic> {
    let html = debug_span!("html")
        .in_scope(|| templates.html.render(document))
        .map_err(|error| templates.blamed("render::html", &error.at))?;
    let options = render::pdf::PdfOptions { date: stamp.to_string(), producer: GENERATOR.to_owned() };
    let pdf = debug_span!("pdf").in_scope(|| render::pdf::render_with(document, attachments, &options))?;
    let noticed = pdf.warnings.iter().map(|w| Diagnostic::warning("render::pdf", w.to_string()));
    warnings.extend(noticed);
    Ok((html, pdf.bytes))
}

impl From<render::pdf::PdfError> for Diagnostic {
    fn from(error: render::pdf::PdfError) -> Diagnostic {
        Diagnostic::error("render::pdf", error.to_string())
    }
}

/// Scale of chart images: 2.5 pixels a point is sharp on dense screens and in mail.
const PNG_SCALE: f32 = 2.5;

/// Every chart of a document as SVG and PNG; `span` is that of the experiment.
fn charts(id: &str, document: &Document, span: &Span) -> Vec<Artifact> {
    let figures = document.blocks.iter().filter_map(|block| match block {
        Block::Figure(figure) => Some(figure),
        _ => None,
    });
    figures
        .flat_map(|figure| {
            let options = drawing::svg::Options { label: &figure.alt, standalone: true };
            let svg =
                debug_span!(parent: span, "svg").in_scope(|| drawing::svg::svg(&figure.drawing, &options));
            let png =
                debug_span!(parent: span, "png").in_scope(|| drawing::png::png(&figure.drawing, PNG_SCALE));
            let name = |ending: &str| format!("{id}/charts/{}.{ending}", figure.id);
            [Artifact::new(name("svg"), "image/svg+xml", svg), Artifact::new(name("png"), "image/png", png)]
        })
        .collect()
}

fn entry(findings: &Findings, told: &Report) -> Entry {
    Entry {
        id: findings.config.experiment.id.clone(),
        title: findings.config.experiment.title.clone(),
        action: Some(findings.verdict.action.name().to_owned()),
        label: told.decision.label.clone(),
        tone: telling::sections::tone(findings),
        headline: told.decision.headline.clone(),
        lead: told.decision.lead.clone(),
        before: None,
    }
}
