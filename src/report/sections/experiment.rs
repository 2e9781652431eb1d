//! What was tested.

use super::upper_first;
use crate::report::Teller;
use crate::report::document::{Block, Inline, Tone};
use crate::wording::narrative::NarrativeError;
use crate::wording::typography;

pub fn blocks(t: &Teller) -> Result<Vec<Block>, NarrativeError> {
    let mut blocks = t.paragraphs("experiment", None)?;
    blocks
        .extend(t.findings.config.experiment.notes.iter().map(|n| Block::paragraph(typography::typeset(n))));
    blocks.extend(changed(t));
    if blocks.is_empty() {
        return Ok(blocks);
    }
    blocks.insert(0, Block::heading(2, "experiment", "Эксперимент"));
    Ok(blocks)
}

/// What is not as it was written before the first night.
fn changed(t: &Teller) -> Option<Block> {
    let said = t.facts["changes"].as_array()?.iter().filter_map(|change| change["text"].as_str());
    let mut paragraphs: Vec<Vec<Inline>> = said
        .map(|text| vec![Inline::Text(format!("{}.", upper_first(&typography::typeset(text))))])
        .collect();
    if paragraphs.is_empty() {
        return None;
    }
    paragraphs.push(vec![Inline::text(
        "Правила записаны в первую ночь эксперимента. Кто меняет их, уже видя данные, чаще находит то, чего нет.",
    )]);
    Some(Block::Callout {
        tone: Tone::Caution, title: "Правила изменены по ходу".into(), paragraphs
    })
}
