//! What the first screen says: groups named by words, decisions that people wrote down, experiments that are over.

use itog::findings::Findings;
use itog::history::{Decision, History, Outcome};
use itog::report::compose;
use itog::report::document::{Block, VerdictCard};
use itog::wording::narrative::Narrative;

use crate::experiments::made;

/// A finished experiment on shares: `successes` of ten thousand in each group.
fn shares(groups: [&str; 2], title: &str, successes: [u64; 2], goal: &str) -> Findings {
    let [a, b] = groups;
    let [in_a, in_b] = successes;
    made(&format!(
        "[experiment]\nid = \"said\"\ntitle = \"Проба\"\nstatus = \"finished\"\n[design]\ncontrol = \"{a}\"\n\
         [[metric]]\nid = \"m\"\ntitle = \"{title}\"\nkind = \"proportion\"\nrole = \"primary\"\n\
         goal = \"{goal}\"\n[metric.counts]\n\"{a}\" = {{ n = 10000, successes = {in_a} }}\n\
         \"{b}\" = {{ n = 10000, successes = {in_b} }}\n"
    ))
}

fn card(findings: &Findings) -> VerdictCard {
    let document = compose(findings, &Narrative::new().unwrap()).unwrap().document;
    let card = document.blocks.into_iter().find_map(|block| match block {
        Block::Verdict(card) => Some(card),
        _ => None,
    });
    card.unwrap()
}

/// A point of the first screen, with plain spaces.
fn point(card: &VerdictCard, label: &str) -> String {
    let point = card.points.iter().find(|point| point.label == label);
    let text: String = point.unwrap().inlines.iter().map(|inline| inline.plain()).collect();
    plain(&text)
}

fn plain(text: &str) -> String {
    text.replace(['\u{a0}', '\u{202f}'], " ")
}

#[test]
fn groups_that_are_words_stand_in_quotation_marks() {
    let said = card(&shares(["старая", "новая"], "Открывшие уведомление", [1000, 1300], "increase"));
    assert_eq!(plain(&said.headline), "Выкатить вариант «новая».");
    assert!(
        plain(&said.lead).starts_with("Показатель «Открывшие уведомление» в группе «новая» — 13,00 % против"),
        "{}",
        said.lead
    );
    assert!(point(&said, "Дальше").starts_with("Выкатить вариант «новая» на всех."));
    // Tables and codes need no marks.
    assert_eq!(said.effects.unwrap().columns[2].title, "новая");
    let codes = card(&shares(["A", "B"], "Доля", [1000, 1300], "increase"));
    assert_eq!(plain(&codes.headline), "Выкатить вариант B.");
    let findings = shares(["старая", "новая"], "Доля", [1000, 1300], "increase");
    assert_eq!(findings.verdict.winner.as_deref(), Some("новая"), "ids stay as they are written");
}

#[test]
fn the_next_step_respects_what_people_have_decided() {
    let mut findings = shares(["A", "B"], "Доля", [1000, 1300], "increase");
    let decision = |outcome| Decision {
        seq: 1,
        outcome,
        by: "Анна Петрова".into(),
        reason: "Ждём мнения юристов".into(),
        on: jiff::civil::date(2026, 10, 13),
        review_on: None,
        superseded: false,
        recommended: None,
    };
    findings.history = History { last: None, decisions: vec![decision(Outcome::Iterate)] };
    let said = card(&findings);
    assert_eq!(
        point(&said, "Решение людей"),
        "Дорабатывают. Ждём мнения юристов. Записано 13 октября 2026 г., автор записи — Анна Петрова."
    );
    let next = point(&said, "Дальше");
    assert!(
        next.starts_with("Решение уже принято, и оно расходится с советом отчёта: дорабатывают."),
        "{next}"
    );
    assert!(!next.contains("на всех"), "{next}");
    findings.history = History { last: None, decisions: vec![decision(Outcome::Ship)] };
    let next = point(&card(&findings), "Дальше");
    assert!(next.starts_with("Решение уже принято, и отчёт с ним согласен: выкатили."), "{next}");
    assert!(next.contains("сверить показатель «Доля»"), "{next}");
}

#[test]
fn a_finished_experiment_is_to_be_run_again_and_says_how_many_there_are() {
    let next = point(&card(&shares(["A", "B"], "Доля", [100, 101], "increase")), "Дальше");
    assert!(next.contains("всего на все группы нужно"), "{next}");
    assert!(next.contains("сейчас их 20 000"), "{next}");
    // Nobody is asked for fewer users than there are.
    let enough = point(&card(&shares(["A", "B"], "Доля", [1000, 1010], "increase")), "Дальше");
    assert!(enough.contains("такая выборка заметила бы"), "{enough}");
    assert!(!enough.contains("продлить") && !enough.contains("нужно на все"), "{enough}");
    assert!(next.contains("Эксперимент закончен: чтобы собрать больше данных, продлить его"), "{next}");
}
