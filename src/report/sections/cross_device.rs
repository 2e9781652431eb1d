//! Devices and people: who sees both variants and what it costs.

use serde_json::json;

use crate::config::valid::RandomisationUnit;
use crate::cross_device::{Consequence, consequences};
use crate::report::Teller;
use crate::report::document::{Block, Cell, Column, Inline, Table};
use crate::wording::narrative::NarrativeError;
use crate::wording::{numbers, plural, typography};

pub fn blocks(t: &Teller) -> Result<Vec<Block>, NarrativeError> {
    let config = &t.findings.config;
    let Some(described) = &config.cross_device else { return Ok(Vec::new()) };
    let plan = t.findings.plans.first();
    let outcome = consequences(described, plan.map_or(2, |p| p.groups));
    let percent = |x: f64| numbers::percent(x, 1);
    let facts = json!({
        "by_user": described.unit == RandomisationUnit::User,
        "mean_devices": numbers::number(outcome.mean_devices, 1),
        "multi": numbers::percent(outcome.multi, 0),
        "match_rate": numbers::percent(described.match_rate, 0),
        "contaminated_by_device": percent(outcome.by_device.contaminated),
        "retained_by_device": numbers::percent(outcome.by_device.retained, 0),
        "inflation_by_device": plural::times(outcome.by_device.inflation, 1),
        "contaminated": percent(outcome.as_designed.contaminated),
        "retained": numbers::percent(outcome.as_designed.retained, 0),
        "inflation": plural::times(outcome.as_designed.inflation, 2),
        "n_per_group": plan.map(|p| (p.n_exact * outcome.as_designed.inflation).ceil() as u64),
    });
    let mut blocks = vec![Block::heading(2, "cross-device", "Один человек — несколько устройств")];
    blocks.extend(t.paragraphs("cross_device", Some(("device", facts)))?);
    let row = |name: &str, c: &Consequence| {
        vec![
            Cell::text(name),
            Cell::number(percent(c.contaminated), c.contaminated),
            Cell::number(percent(c.retained), c.retained),
            Cell::number(format!("× {}", numbers::number(c.inflation, 2)), c.inflation),
        ]
    };
    let mut rows = vec![row("Вариант назначен устройству", &outcome.by_device)];
    if described.unit == RandomisationUnit::User {
        rows.push(row("Вариант назначен человеку по графу идентичности", &outcome.as_designed));
    }
    blocks.push(Block::Table(Table {
        id: "cross-device-cost".into(),
        caption: "Цена нескольких устройств".into(),
        columns: vec![
            Column::text("Как назначен вариант"),
            Column::number("Увидят оба варианта"),
            Column::number("Остаётся от эффекта"),
            Column::number("Нужно пользователей"),
        ],
        rows,
        notes: vec![
            "Считается, что эффект пропорционален доле устройств с вариантом, а несвязанные устройства получают \
             вариант независимо."
                .into(),
        ],
    }));
    let rows = described.devices_per_user.iter().map(|(devices, share)| {
        vec![
            Cell::number(numbers::integer(*devices), f64::from(*devices)),
            Cell::number(percent(*share), *share),
        ]
    });
    blocks.push(Block::Table(Table {
        id: "cross-device-users".into(),
        caption: "Сколько устройств у пользователя".into(),
        columns: vec![Column::text("Устройств"), Column::number("Доля пользователей")],
        rows: rows.collect(),
        notes: vec![],
    }));
    if !described.sources.is_empty() {
        blocks.push(Block::heading(3, "identity-sources", "Как узнать одного человека"));
        let items = described.sources.iter().map(|s| {
            let note = s.note.clone().unwrap_or_default();
            (vec![Inline::strong(s.title.clone())], vec![Inline::Text(typography::typeset(&note))])
        });
        blocks.push(Block::Definitions { items: items.collect() });
    }
    Ok(blocks)
}
