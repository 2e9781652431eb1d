//! Every function of the statistics room against numbers computed with scipy and statsmodels.
//!
//! The file of cases is named by the environment variable `ITOG_REFERENCE` and is the project's own copy when that is unset.
//! A case whose function is not known fails, and so does a result that is missing or outside of its tolerance. The number of
//! compared cases is printed past the capture of the test harness.

#![allow(clippy::disallowed_methods, reason = "tests read and write files")]

#[path = "reference/experiments.rs"]
mod experiments;
#[path = "reference/functions.rs"]
mod functions;
#[path = "reference/input.rs"]
mod input;
#[path = "reference/planning.rs"]
mod planning;
#[path = "reference/scipy.rs"]
mod scipy;
#[path = "reference/statsmodels.rs"]
mod statsmodels;
#[path = "reference/tolerance.rs"]
mod tolerance;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use serde_json::Value;

use functions::FUNCTIONS;
use input::Input;
use itog::stats::Undefined;
use tolerance::{Tolerance, differences};

/// The project's own copy of the reference file.
fn own_file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/reference/statistics.json")
}

/// The cases of a reference file.
fn cases_of(path: &PathBuf) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file: Value = serde_json::from_str(&without_special_numbers(&text))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let cases = file.get("cases").and_then(Value::as_array).cloned().unwrap_or_default();
    assert!(!cases.is_empty(), "{}: there are no cases", path.display());
    cases
}

/// The text with `null` for `NaN` and `Infinity`, which Python writes although JSON has no such numbers.
fn without_special_numbers(text: &str) -> String {
    let outside =
        |part: &str| part.replace("-Infinity", "null").replace("Infinity", "null").replace("NaN", "null");
    // Between quotes nothing is replaced; the texts of a reference file hold no escaped quotes.
    let parts = text.split('"').enumerate();
    let replaced = parts.map(|(i, part)| if i % 2 == 0 { outside(part) } else { part.to_owned() });
    replaced.collect::<Vec<String>>().join("\"")
}

/// What a case asks and expects: name of the function, input, expected output, source.
fn parts(case: &Value) -> (&str, &Value, &Value, &str) {
    let text = |key: &str| case.get(key).and_then(Value::as_str).unwrap_or_default();
    (text("fn"), &case["in"], &case["out"], text("source"))
}

/// The output of the project's function for a case: `null` where it has none, unless scipy publishes one there.
fn answer(name: &str, input: &Value) -> Result<Value, String> {
    let (_, function) = FUNCTIONS
        .iter()
        .find(|(known, _)| *known == name)
        .ok_or_else(|| format!("the function `{name}` is not known"))?;
    let input = Input(input);
    match function(&input) {
        Err(error) if error.is::<Undefined>() => {
            Ok(scipy::answer_of_undefined(name, &input).and_then(Result::ok).unwrap_or(Value::Null))
        }
        found => found.map_err(|error| error.to_string()),
    }
}

#[test]
fn every_case_agrees_within_its_tolerance() {
    let path = std::env::var_os("ITOG_REFERENCE").map_or_else(own_file, PathBuf::from);
    let cases = cases_of(&path);
    let mut compared: BTreeMap<&str, usize> = BTreeMap::new();
    let mut failures = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        let (name, input, expected, source) = parts(case);
        *compared.entry(name).or_default() += 1;
        let found = match answer(name, input) {
            Ok(found) => found,
            Err(reason) => {
                failures.push(format!("case {index}, {name}: {reason}"));
                continue;
            }
        };
        let tolerance = |key: &str| Tolerance::of(name, source, key);
        for difference in differences(&found, expected, &tolerance) {
            failures.push(format!("case {index}, {name}: {difference}"));
        }
    }
    let mut report = format!("reference: {} cases of {} functions compared", cases.len(), compared.len());
    for (name, count) in &compared {
        report.push_str(&format!("\n  {name}: {count}"));
    }
    // Written to the stream itself: what `println!` prints is shown for failed tests only.
    writeln!(std::io::stdout(), "{report}").expect("standard output can be written");
    assert!(failures.is_empty(), "{} differences:\n{}", failures.len(), failures.join("\n"));
}

/// The absolute tolerance near zero lets any small p-value pass. The project's own file is held to more: its tails agree
/// relatively, which for p = 4e-83 no rounding of one minus a probability would.
#[test]
fn small_p_values_agree_relatively() {
    let mut tails = 0;
    for (index, case) in cases_of(&own_file()).iter().enumerate() {
        let (name, input, expected, _) = parts(case);
        let Some(tail) = expected.get("p").and_then(Value::as_f64).filter(|p| *p > 0.0 && *p < 1e-12) else {
            continue;
        };
        // The exact p of three values is one minus an angle in scipy too: at W = ¾ it is rounding noise.
        if name == "shapiro_wilk" && input["x"].as_array().is_some_and(|x| x.len() == 3) {
            continue;
        }
        let found =
            answer(name, input).expect("the case has an answer")["p"].as_f64().expect("p is a number");
        let allowed = if name == "shapiro_wilk" { 1e-4 } else { 1e-9 };
        assert!((found / tail - 1.0).abs() <= allowed, "case {index}, {name}: {found:e} instead of {tail:e}");
        tails += 1;
    }
    assert!(tails > 0, "the file holds small p-values");
}

#[test]
fn numbers_that_json_lacks_are_read_as_null() {
    let text =
        without_special_numbers(r#"{"p": [NaN, -Infinity, Infinity, 1.0], "source": "NaN is no number"}"#);
    assert_eq!(text, r#"{"p": [null, null, null, 1.0], "source": "NaN is no number"}"#);
}
