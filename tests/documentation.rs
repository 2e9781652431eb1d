//! Every public function of the statistics room says what it computes, from what assumptions, and where it comes from.
//!
//! # The rule
//! - A *distribution* (a free function under `stats/distributions`) states its formula, its domain, its measured accuracy
//!   and its source.
//! - A *statistic* (a free function elsewhere that returns a `Result`, a `TestResult` or an `Interval`) states estimand,
//!   formula, assumptions, edge cases and source, and its errors where it returns a `Result`; where every edge case is an
//!   error, the errors are enough.
//! - Methods, constructors and other helpers need a sentence, and those that return a `Result` their errors.
//!
//! What a whole file shares may stand in its `//!` comment, and a function may lean on a function or a type of the same file
//! that its comment links to. Tests and what is not `pub` are left out.

#![allow(clippy::disallowed_methods, reason = "tests read files")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const STATISTIC: [&str; 5] = ["Estimand", "Formula", "Assumptions", "Edge cases", "Source"];
const DISTRIBUTION: [&str; 4] = ["Formula", "Domain", "Accuracy", "Source"];

/// A public function with its comment.
struct Function {
    name: String,
    doc: String,
    signature: String,
    in_impl: bool,
}

/// The headings of a comment.
fn headings(doc: &str) -> BTreeSet<&str> {
    doc.lines().filter_map(|line| line.trim().strip_prefix("# ")).map(str::trim).collect()
}

/// A file of the room.
struct Room {
    /// The comment at its head.
    head: String,
    functions: Vec<Function>,
    /// The public types with their comments.
    types: Vec<(String, String)>,
}

/// The name at the beginning of a text.
fn name_at(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// What a file declares in public, before its tests.
fn parse(source: &str) -> Room {
    let code: Vec<&str> = source.lines().take_while(|line| line.trim() != "#[cfg(test)]").collect();
    let strip = |line: &str, mark: &str| line.trim().strip_prefix(mark).map(|rest| rest.trim().to_owned());
    let head = code.iter().map_while(|line| strip(line, "//!")).collect::<Vec<String>>().join("\n");
    let (mut functions, mut types) = (Vec::new(), Vec::new());
    let mut doc: Vec<String> = Vec::new();
    for (index, line) in code.iter().enumerate() {
        if let Some(text) = strip(line, "///") {
            doc.push(text);
            continue;
        }
        let declaration = line.trim();
        if let Some(rest) = declaration.strip_prefix("pub fn ") {
            let name = name_at(rest);
            let mut signature = String::new();
            for part in &code[index..] {
                signature.push_str(part.trim());
                signature.push(' ');
                if part.contains('{') {
                    break;
                }
            }
            // Items of the file itself begin at its margin.
            let in_impl = !line.starts_with("pub fn ");
            functions.push(Function { name, doc: doc.join("\n"), signature, in_impl });
        }
        let declared = ["pub struct ", "pub enum "].iter().find_map(|kind| declaration.strip_prefix(kind));
        if let Some(rest) = declared {
            types.push((name_at(rest), doc.join("\n")));
        }
        // Attributes stand between a comment and its item.
        if !declaration.starts_with("#[") {
            doc.clear();
        }
    }
    Room { head, functions, types }
}

impl Function {
    fn returns(&self) -> &str {
        self.signature.rsplit_once("->").map_or("", |(_, result)| result.trim())
    }

    fn returns_result(&self) -> bool {
        self.returns().starts_with("Result<")
    }

    fn is_statistic(&self) -> bool {
        let result = self.returns();
        !self.in_impl
            && (self.returns_result() || result.starts_with("TestResult") || result.contains("Interval"))
    }

    /// The headings that the rule asks for.
    fn required(&self, is_distribution: bool) -> Vec<&'static str> {
        let mut required = if self.in_impl {
            Vec::new()
        } else if is_distribution {
            DISTRIBUTION.to_vec()
        } else if self.is_statistic() {
            STATISTIC.to_vec()
        } else {
            Vec::new()
        };
        if self.returns_result() {
            required.push("Errors");
        }
        required
    }
}

/// What a file lacks, one line a function.
fn lacks(place: &str, source: &str) -> Vec<String> {
    let Room { head, functions, types } = parse(source);
    let is_distribution = place.contains("distributions/");
    let named = functions.iter().map(|function| (&function.name, &function.doc));
    let items: Vec<_> = named.chain(types.iter().map(|(name, doc)| (name, doc))).collect();
    let mut all = Vec::new();
    for function in &functions {
        if function.doc.trim().is_empty() {
            all.push(format!("{place}: `{}` has no comment", function.name));
            continue;
        }
        let mut stated: BTreeSet<&str> = headings(&function.doc);
        stated.extend(headings(&head));
        for (name, doc) in &items {
            if **name != function.name && function.doc.contains(&format!("[`{name}`]")) {
                stated.extend(headings(doc));
            }
        }
        if function.returns_result() && stated.contains("Errors") {
            stated.insert("Edge cases");
        }
        let missing: Vec<&str> = function
            .required(is_distribution)
            .into_iter()
            .filter(|heading| !stated.contains(heading))
            .collect();
        if !missing.is_empty() {
            all.push(format!("{place}: `{}` does not state: {}", function.name, missing.join(", ")));
        }
    }
    all
}

/// The Rust files under a folder, in order.
fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let entries = std::fs::read_dir(folder).expect("the folder is read");
    for entry in entries {
        let path = entry.expect("the entry is read").path();
        if path.is_dir() {
            files.extend(files_under(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[test]
fn every_statistic_is_documented() {
    let room = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/stats");
    let files = files_under(&room);
    let mut all = Vec::new();
    let mut functions = 0;
    for file in &files {
        let source = std::fs::read_to_string(file).expect("the file is read");
        let place = file.strip_prefix(&room).expect("the file is in the room").display().to_string();
        functions += parse(&source).functions.len();
        all.extend(lacks(&place, &source));
    }
    assert!(functions > 100, "only {functions} public functions were found");
    assert!(all.is_empty(), "{} functions:\n{}", all.len(), all.join("\n"));
}

#[test]
fn the_rule_finds_what_is_missing() {
    let documented = "/// A test.\n///\n/// # Estimand\n/// # Formula\n/// # Assumptions\n/// # Edge cases\n/// # Errors\n\
                      /// # Source\n#[must_use]\npub fn one(x: f64) -> Result<f64, Undefined> {\n}\n";
    assert!(lacks("a.rs", documented).is_empty());
    let leaning = format!(
        "{documented}\n/// As [`one`].\npub fn two(\n    x: f64,\n) -> Result<f64, Undefined> {{\n}}\n"
    );
    assert!(lacks("a.rs", &leaning).is_empty());
    let bare = "/// A test.\n///\n/// # Estimand\npub fn one(x: f64) -> Result<f64, Undefined> {\n}\n";
    let expected = "a.rs: `one` does not state: Formula, Assumptions, Edge cases, Source, Errors";
    assert_eq!(lacks("a.rs", bare), [expected]);
    assert!(
        lacks("a.rs", &format!("//! # Formula\n//! # Assumptions\n{bare}"))[0]
            .ends_with("Edge cases, Source, Errors")
    );
    let method = "impl A {\n    /// Its size.\n    pub fn size(&self) -> Interval {\n    }\n    pub fn bare(&self) {\n    }\n}\n";
    assert_eq!(lacks("a.rs", method), ["a.rs: `bare` has no comment"]);
    let tail = "/// A tail.\npub fn tail(x: f64) -> f64 {\n}\n#[cfg(test)]\npub fn test() {}\n";
    assert!(lacks("a.rs", tail).is_empty());
    assert_eq!(
        lacks("distributions/a.rs", tail),
        ["distributions/a.rs: `tail` does not state: Formula, Domain, Accuracy, Source"]
    );
}
