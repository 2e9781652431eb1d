//! Every diagnostic code in the sources stands in `docs/diagnostics.md`, and every code listed there is in the sources.
//!
//! A code is a text of the form `family::name`. The config room tests what its own codes mean; this test is about all.

#![allow(clippy::disallowed_methods, reason = "the test reads the sources and the documentation")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The families of codes: the part before `::`.
const FAMILIES: &[&str] = &[
    "archive",
    "cli",
    "config",
    "data",
    "deliver",
    "delivery",
    "graph",
    "init",
    "plan",
    "prune",
    "render",
    "report",
    "run",
    "status",
    "templates",
    "warehouse",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Whether a text is a diagnostic code.
fn is_code(text: &str) -> bool {
    let Some((family, name)) = text.split_once("::") else { return false };
    FAMILIES.contains(&family)
        && !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// The string literals of a source that are codes, comments left out. A code never holds an escape or a quote, so the
/// pieces between quotes are enough.
fn codes_of(source: &str) -> BTreeSet<String> {
    let lines = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.flat_map(|line| line.split('"').skip(1)).filter(|text| is_code(text)).map(str::to_owned).collect()
}

/// Codes of the sources with the first file that holds each.
fn in_sources() -> BTreeMap<String, PathBuf> {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    files.sort();
    let mut found = BTreeMap::new();
    for file in files {
        for code in codes_of(&fs::read_to_string(&file).unwrap()) {
            found.entry(code).or_insert_with(|| file.clone());
        }
    }
    found
}

/// The cells of every table row of the documentation that begins with a code.
fn rows() -> Vec<(String, Vec<String>)> {
    let text = fs::read_to_string(root().join("docs/diagnostics.md")).unwrap();
    text.lines()
        .filter_map(|line| {
            let row = line.strip_prefix("| `")?.strip_suffix(" |")?;
            // A pipe inside of a cell is written `\|`.
            let row = row.replace("\\|", "¦");
            let mut cells = row.split(" | ").map(str::to_owned);
            Some((cells.next()?.trim_end_matches('`').to_owned(), cells.collect()))
        })
        .collect()
}

#[test]
fn every_code_of_the_sources_is_documented() {
    let listed: BTreeSet<String> = rows().into_iter().map(|(code, _)| code).collect();
    let missing: Vec<String> = in_sources()
        .into_iter()
        .filter(|(code, _)| !listed.contains(code))
        .map(|(code, file)| format!("`{code}` ({})", file.display()))
        .collect();
    assert!(missing.is_empty(), "docs/diagnostics.md lacks {}", missing.join(", "));
}

#[test]
fn every_documented_code_is_in_the_sources() {
    let known = in_sources();
    let gone: Vec<String> =
        rows().into_iter().map(|(code, _)| code).filter(|code| !known.contains_key(code)).collect();
    assert!(gone.is_empty(), "docs/diagnostics.md lists what no source says: {}", gone.join(", "));
}

#[test]
fn every_code_is_explained_once_with_what_is_wrong_and_what_to_do() {
    let mut seen = BTreeSet::new();
    for (code, cells) in rows() {
        assert!(is_code(&code), "`{code}` is no code of a known family");
        assert!(seen.insert(code.clone()), "`{code}` stands twice in docs/diagnostics.md");
        assert_eq!(cells.len(), 2, "the row of `{code}` has the columns code, what is wrong, what to do");
        for cell in cells {
            assert!(cell.ends_with('.') || cell.ends_with('`'), "`{code}`: `{cell}` is no sentence");
        }
    }
    assert!(seen.len() > 80, "only {} codes were found", seen.len());
}

#[test]
fn codes_are_told_from_other_texts() {
    let source = r#"
        // "data::in-a-comment"
        error("data::no-file", "no file"); x == "std::fs"; "data::Upper"; ("run::panic", "data::sql-type")
    "#;
    let found: Vec<String> = codes_of(source).into_iter().collect();
    assert_eq!(found, ["data::no-file", "data::sql-type", "run::panic"]);
}
