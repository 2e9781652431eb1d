//! The pipeline on one screen: the way of one experiment from its config to finished files, with no output I/O.
//!
//! [`findings`] is what is known, [`report`] is how it is told. [`crate::batch`] runs many of them.

use jiff::civil::Date;

use crate::artifact::Artifact;
use crate::config::valid::{Config, Plan};
use crate::diag::{Diagnostic, Warned};
use crate::findings::Findings;
use crate::metrics::choice;
use crate::report::digest::Entry;
use crate::report::document::{Block, Document};
use crate::report::{self as telling, GENERATOR, Report};
use crate::stats::Undefined;
use crate::trust::Trust;
use crate::verdict::{Evidence, decide};
use crate::wording::narrative::Narrative;
use crate::{data, drawing, metrics, planning, render, results};

/// From a config to everything that is known.
///
/// # Errors
/// Data that cannot be read, an expression that they refuse, a plan without a solution.
pub fn findings(config: Warned<Config>, date: Date) -> Result<Findings, Vec<Diagnostic>> {
    let Warned { value: config, mut warnings } = config;
    let mut data = None;
    if let Some(source) = &config.data {
        let opened = data::open(source, &config.metrics, &config.design, config.experiment.start)?;
        warnings.extend(opened.warnings);
        data = Some(opened.value);
    }
    let plans =
        config.plans.iter().map(|plan| planning::solve(plan).map_err(|reason| unsolved(plan, reason)));
    let plans = plans.collect::<Result<Vec<_>, _>>().map_err(|problem| vec![problem])?;
    let trust = Trust::assess(&config, data.as_ref(), &plans);
    let outcomes = match trust.refused() {
        true => Vec::new(),
        false => metrics::measure(&config, data.as_ref(), &plans)?,
    };
    let choices = config.test_choices.iter().map(choice::recommend).collect();
    let verdict = decide(&Evidence { config: &config, trust: &trust, outcomes: &outcomes });
    Ok(Findings { config, date, data, trust, outcomes, plans, choices, verdict, warnings })
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
}

/// From findings to finished files.
///
/// # Errors
/// A narrative template or a renderer that fails, as a diagnostic.
pub fn report(findings: &Findings, narrative: &Narrative, stamp: Date) -> Result<Made, Diagnostic> {
    let told = telling::compose(findings, narrative)
        .map_err(|error| Diagnostic::error("report::narrative", error.to_string()))?;
    let id = &findings.config.experiment.id;
    let results = results::v1(findings, &told);
    let results_text = pretty(&results)?;
    let attachments = [
        render::pdf::Attachment {
            name: "config.toml".into(),
            media: "application/toml".into(),
            description: "Описание эксперимента".into(),
            relationship: render::pdf::Relationship::Source,
            bytes: findings.config.text.as_bytes().to_vec(),
        },
        render::pdf::Attachment {
            name: "results.json".into(),
            media: "application/json".into(),
            description: "Результаты с полной точностью".into(),
            relationship: render::pdf::Relationship::Data,
            bytes: results_text.clone(),
        },
    ];
    let mut warnings = findings.warnings.clone();
    let (html, pdf) = rendered(&told.document, &attachments, stamp, &mut warnings)?;
    let mut artifacts = vec![
        Artifact::new(format!("{id}/report.html"), "text/html", html),
        Artifact::new(format!("{id}/report.pdf"), "application/pdf", pdf),
        Artifact::new(format!("{id}/results.json"), "application/json", results_text),
    ];
    artifacts.extend(charts(id, &told.document));
    Ok(Made {
        artifacts,
        entry: entry(findings, &told),
        results,
        rule: findings.verdict.rule,
        refused: findings.trust.refused(),
        winner: findings.verdict.winner.clone(),
        warnings,
    })
}

fn pretty(value: &serde_json::Value) -> Result<Vec<u8>, Diagnostic> {
    let mut bytes = serde_json::to_vec_pretty(value)
        .map_err(|error| Diagnostic::error("report::json", error.to_string()))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// HTML and PDF of a document; what the renderers noticed is added to `warnings`.
pub fn rendered(
    document: &Document,
    attachments: &[render::pdf::Attachment],
    stamp: Date,
    warnings: &mut Vec<Diagnostic>,
) -> Result<(String, Vec<u8>), Diagnostic> {
    let html = render::html::render(document)
        .map_err(|error| Diagnostic::error("render::html", error.to_string()))?;
    let options = render::pdf::PdfOptions { date: stamp.to_string(), producer: GENERATOR.to_owned() };
    let pdf = render::pdf::render(document, attachments, &options)
        .map_err(|error| Diagnostic::error("render::pdf", error.to_string()))?;
    let noticed = pdf.warnings.iter().map(|w| Diagnostic::warning("render::pdf", w.to_string()));
    warnings.extend(noticed);
    Ok((html, pdf.bytes))
}

/// Scale of chart images: 2.5 pixels a point is sharp on dense screens and in mail.
const PNG_SCALE: f32 = 2.5;

/// Every chart of a document as SVG and PNG.
fn charts(id: &str, document: &Document) -> Vec<Artifact> {
    let figures = document.blocks.iter().filter_map(|block| match block {
        Block::Figure(figure) => Some(figure),
        _ => None,
    });
    figures
        .flat_map(|figure| {
            let options = drawing::svg::Options { label: &figure.alt, standalone: true };
            let svg = drawing::svg::svg(&figure.drawing, &options);
            let png = drawing::png::png(&figure.drawing, PNG_SCALE);
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
