//! The documents of the shipped experiments, word by word: what a report says changes only on purpose.
//!
//! A drawing is in the snapshot as its size and its texts, so that a golden file stays readable and a moved line does not
//! change it; the pictures themselves have tests of their own.

#![allow(clippy::disallowed_methods, reason = "tests read and write files")]

use std::path::Path;

use itog::drawing::Mark;
use itog::report::document::{Block, Document};
use itog::wording::narrative::Narrative;
use itog::{config, report, run};
use serde_json::{Value, json};

fn document(name: &str) -> Document {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(format!("{name}.toml"));
    let config = config::load(&path, &[]).unwrap();
    let findings = run::findings(config, "2026-11-22".parse().unwrap(), &run::Past::default()).unwrap();
    report::compose(&findings, &Narrative::new().unwrap()).unwrap().document
}

/// The document as JSON with each drawing told by its texts.
fn told(document: &Document) -> Value {
    let mut value = serde_json::to_value(document).unwrap();
    for (index, block) in document.blocks.iter().enumerate() {
        let Block::Figure(figure) = block else { continue };
        let texts: Vec<&str> = figure
            .drawing
            .marks
            .iter()
            .filter_map(|mark| match mark {
                Mark::Text { text, .. } => Some(text.as_str()),
                _ => None,
            })
            .collect();
        let size = format!("{:.0} × {:.0}", figure.drawing.width, figure.drawing.height);
        value["blocks"][index]["drawing"] = json!({ "size": size, "texts": texts });
    }
    value
}

fn check(name: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("golden");
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_json_snapshot!(name, told(&document(name))));
}

#[test]
fn arppu() {
    check("arppu");
}

#[test]
fn cinema_cashback() {
    check("cinema-cashback");
}

#[test]
fn cpa() {
    check("cpa");
}

#[test]
fn timespent() {
    check("timespent");
}

#[test]
fn traffic_sources() {
    check("traffic-sources");
}

/// Anchors are unique and every link inside a document leads somewhere.
#[test]
fn anchors_hold() {
    use itog::report::document::{Inline, Target};
    for name in ["arppu", "cinema-cashback", "cpa", "timespent", "traffic-sources"] {
        let document = document(name);
        let mut anchors = Vec::new();
        let mut links = Vec::new();
        for block in &document.blocks {
            match block {
                Block::Heading { id, .. } => anchors.push(id.clone()),
                Block::Table(table) => anchors.push(table.id.clone()),
                Block::Figure(figure) => anchors.push(figure.id.clone()),
                Block::Paragraph { inlines } => links.extend(inlines.iter().filter_map(|i| match i {
                    Inline::Link { target: Target::Anchor(to), .. } => Some(to.clone()),
                    _ => None,
                })),
                _ => {}
            }
        }
        let mut unique = anchors.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), anchors.len(), "{name}: an anchor stands twice: {anchors:?}");
        assert!(links.iter().all(|l| anchors.contains(l)), "{name}: a link leads nowhere: {links:?}");
        assert!(
            anchors
                .iter()
                .all(|a| a.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'))
        );
    }
}
