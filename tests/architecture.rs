//! Imports go one way: the table says which rooms a room may use, and any other `crate::` path is a failure.

#![allow(clippy::disallowed_methods, reason = "tests read and write files")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A room and the rooms it may import.
const ROOMS: &[(&str, &[&str])] = &[
    ("diag", &[]),
    ("theme", &[]),
    ("artifact", &[]),
    ("stats", &[]),
    ("sums", &["stats"]),
    ("demo", &[]),
    ("fonts", &[]),
    ("drawing", &["fonts", "theme"]),
    ("config", &["diag"]),
    ("data", &["config", "diag", "stats", "sums"]),
    ("monitoring", &["stats"]),
    ("proof", &["stats"]),
    ("planning", &["config", "monitoring", "stats"]),
    ("preregistration", &["config"]),
    ("cross_device", &["config"]),
    ("metrics", &["config", "data", "diag", "monitoring", "planning", "stats", "sums"]),
    ("money", &["config", "metrics", "stats"]),
    ("history", &[]),
    ("watch", &["config", "data", "metrics", "monitoring", "planning", "stats"]),
    ("trust", &["config", "data", "planning", "stats"]),
    ("validation", &["config", "data", "diag", "metrics", "proof", "stats", "sums", "trust"]),
    ("verdict", &["config", "metrics", "monitoring", "stats", "trust", "validation"]),
    (
        "findings",
        &[
            "config",
            "data",
            "diag",
            "history",
            "metrics",
            "money",
            "planning",
            "preregistration",
            "trust",
            "validation",
            "verdict",
            "watch",
        ],
    ),
    ("wording", &["diag"]),
    ("charts", &["drawing", "fonts", "theme"]),
    ("graph", &["charts", "config", "drawing", "fonts", "theme"]),
    (
        "report",
        &[
            "charts",
            "config",
            "cross_device",
            "data",
            "drawing",
            "findings",
            "graph",
            "history",
            "metrics",
            "money",
            "monitoring",
            "planning",
            "preregistration",
            "proof",
            "stats",
            "theme",
            "trust",
            "validation",
            "verdict",
            "watch",
            "wording",
        ],
    ),
    (
        "results",
        &[
            "data",
            "findings",
            "metrics",
            "monitoring",
            "planning",
            "proof",
            "report",
            "stats",
            "trust",
            "validation",
        ],
    ),
    ("render", &["diag", "drawing", "fonts", "report", "theme", "wording"]),
    ("templates", &["diag", "drawing", "render", "report", "wording"]),
    ("deliver", &["artifact", "diag"]),
    ("mailing", &["config", "deliver", "diag", "render", "report", "wording"]),
    (
        "run",
        &[
            "artifact",
            "config",
            "data",
            "diag",
            "drawing",
            "findings",
            "history",
            "metrics",
            "money",
            "planning",
            "preregistration",
            "render",
            "report",
            "results",
            "stats",
            "templates",
            "trust",
            "validation",
            "verdict",
            "watch",
        ],
    ),
    ("warehouse", &["config", "data", "diag", "stats", "sums"]),
    (
        "batch",
        &[
            "artifact",
            "config",
            "data",
            "deliver",
            "diag",
            "history",
            "report",
            "run",
            "sums",
            "templates",
            "warehouse",
            "wording",
        ],
    ),
    ("replay", &["artifact", "batch", "config", "deliver", "diag", "run", "templates", "wording"]),
];

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

/// The rooms that a source names after `crate::`, in code and in `use crate::{a, b}`.
fn named(text: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for line in text.lines().filter(|l| !l.trim_start().starts_with("//")) {
        for (at, _) in line.match_indices("crate::") {
            let rest = &line[at + "crate::".len()..];
            let list = rest.strip_prefix('{').map(|r| r.split('}').next().unwrap_or(r));
            for part in list.unwrap_or(rest).split(',').take(if list.is_some() { usize::MAX } else { 1 }) {
                let name: String =
                    part.trim().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                rooms.insert(name);
            }
        }
    }
    rooms
}

#[test]
fn no_arrow_runs_back() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let known: BTreeSet<&str> = ROOMS.iter().map(|(room, _)| *room).collect();
    let mut wrong = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&root).unwrap();
        let first = relative.iter().next().unwrap().to_string_lossy();
        let room = first.trim_end_matches(".rs").to_owned();
        if ["main", "lib", "cli", "commands", "terminal"].contains(&room.as_str()) {
            continue;
        }
        let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
            wrong.push(format!("{}: the room `{room}` is not in the table", relative.display()));
            continue;
        };
        for used in named(&fs::read_to_string(&file).unwrap()) {
            if used != room && known.contains(used.as_str()) && !allowed.contains(&used.as_str()) {
                wrong.push(format!("{}: {room} must not import {used}", relative.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_itself_has_no_cycle() {
    // A room may only import rooms that stand above it.
    for (index, (room, allowed)) in ROOMS.iter().enumerate() {
        for used in *allowed {
            let position = ROOMS.iter().position(|(name, _)| name == used);
            assert!(position.is_some_and(|p| p < index), "{room} imports {used}, which stands below it");
        }
    }
}

#[test]
fn renderers_see_the_document_and_nothing_else_of_the_report() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/render");
    let mut files = Vec::new();
    sources(&root, &mut files);
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for (at, _) in text.match_indices("crate::report::") {
            let rest = &text[at + "crate::report::".len()..];
            assert!(rest.starts_with("document"), "{}: {}", file.display(), &rest[..rest.len().min(40)]);
        }
    }
}
