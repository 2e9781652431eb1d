use std::path::PathBuf;

use super::*;

fn file(name: &str, text: &str) -> Override {
    Override { name: name.into(), file: PathBuf::from("mine").join(name), text: text.into() }
}

fn problems(texts: &[Override]) -> Vec<String> {
    Templates::with(texts.to_vec()).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn a_copy_of_every_built_in_text_changes_nothing() {
    let all = builtin().into_iter().map(|(name, text)| file(name, text)).collect();
    assert!(Templates::with(all).unwrap().changed().is_empty());
}

#[test]
fn a_changed_text_is_in_force_and_is_an_input() {
    let name = "narrative/step/mend-data.tera";
    let templates = Templates::with(vec![file(name, "Позвонить дежурному.")]).unwrap();
    assert_eq!(templates.changed().iter().map(|o| o.name.as_str()).collect::<Vec<_>>(), [name]);
    assert_eq!(templates.narrative.render(name, &serde_json::json!({})).unwrap(), ["Позвонить дежурному."]);
}

#[test]
fn a_file_that_replaces_nothing_is_told_with_the_nearest_name() {
    let found = problems(&[file("term.toml", ""), file("narrative/rule/primary-beter.tera", "x")]);
    assert!(found[0].contains("did you mean `narrative/rule/primary-better.tera`"), "{found:?}");
    assert!(found[1].contains("did you mean `terms.toml`"), "{found:?}");
}

#[test]
fn what_no_report_has_is_told_with_its_line_before_anything_is_run() {
    let found = problems(&[file("narrative/step/mend-data.tera", "Строка.\n{{ primary.titel }}")]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("mine/narrative/step/mend-data.tera:2:"), "{found:?}");
    let found = problems(&[file("html/report.html.tera", "a\nb {{ meta.nosuch }}")]);
    assert!(found[0].starts_with("mine/html/report.html.tera:2:"), "{found:?}");
    let found = problems(&[file("narrative/rule/data-refused.tera", "Только заголовок.")]);
    assert!(found[0].contains("a headline and a lead"), "{found:?}");
}

#[test]
fn a_partial_is_tried_where_it_is_included() {
    let found = problems(&[
        file("narrative/_signature.tera", "{{ nosuch }}"),
        file("narrative/step/mend-data.tera", "{% include \"_signature.tera\" %}"),
    ]);
    assert!(found[0].starts_with("mine/narrative/_signature.tera:1:"), "{found:?}");
}

#[test]
fn broken_terms_are_told_once() {
    let found = problems(&[file("terms.toml", "[word.role]\nprimary = 1\n")]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("mine/terms.toml:2:"), "{found:?}");
}

#[test]
fn every_built_in_template_is_true_to_the_sample_facts() {
    let templates = Templates::new().unwrap();
    let facts: Value = serde_json::from_str(FACTS).unwrap();
    for (name, _) in builtin::NARRATIVE.iter().filter(|(name, _)| !overrides::is_partial(name)) {
        templates.narrative.render(name, &facts).unwrap_or_else(|error| panic!("{error}"));
    }
    templates.html.render(&sample::document()).unwrap();
}
