//! One template over every combination of what its conditions ask: flags both ways, optional facts present and absent,
//! counts of every form, lists of several lengths. The conditions are read from the template itself, so that a new
//! branch is swept without anyone remembering it.

use std::collections::{BTreeMap, BTreeSet};

use itog::wording::narrative::Narrative;
use serde_json::{Value, json};

use crate::told::faults_of_prose;

/// Combinations beyond which they are drawn instead of enumerated.
const MOST: usize = 1200;
/// Counts of every form that a Russian word takes after a number.
const COUNTS: [u64; 8] = [1, 2, 5, 11, 21, 101, 592, 1_000_000];
/// Words in Latin letters of the sample.
const LATIN: [&str; 7] = ["CPA", "CUPED", "ARPPU", "control", "z-критерию", "z-критерия", "z-критерием"];
/// Templates that may say nothing, because their code speaks only together with a fact of the same condition.
const MAY_BE_SILENT: [&str; 15] = [
    "risk/beside-disagrees",
    "risk/below-plan",
    "risk/guardrail-without-margin",
    "risk/guardrail-worse-within-margin",
    "risk/long-plan",
    "risk/outlier-drives",
    "risk/plan-outlasts-end",
    "risk/spread-differs",
    "section/architecture",
    "section/experiment",
    "section/history",
    "section/metric",
    "step/collect",
    "step/move-end",
    "step/shorten-plan",
];

/// Renders the template over its combinations; what is wrong, with the text.
pub fn sweep(narrative: &Narrative, name: &str, source: &str, facts: &Value) -> Vec<String> {
    let parts = parts(source);
    let domains = domains(&parts, facts);
    let mut unseen: BTreeSet<String> = pieces(&parts);
    let mut problems = BTreeMap::new();
    let base = pruned(facts, source);
    for choice in combinations(&domains.iter().map(|(_, options)| options.len()).collect::<Vec<_>>()) {
        let mut facts = base.clone();
        for ((pointer, options), at) in domains.iter().zip(&choice) {
            match (facts.pointer_mut(pointer), &options[*at]) {
                // Their parts have been set already: a map stays, a list loses its tail.
                (None, _) | (Some(_), Value::Object(_)) => {}
                (Some(Value::Array(items)), Value::Array(option)) => items.truncate(option.len()),
                (Some(place), option) => *place = option.clone(),
            }
        }
        let paragraphs = match narrative.render(name, &facts) {
            Ok(paragraphs) => paragraphs,
            Err(error) => {
                problems.entry(error.to_string()).or_insert_with(String::new);
                continue;
            }
        };
        let silent = MAY_BE_SILENT.iter().any(|n| name.ends_with(&format!("{n}.tera")));
        let least = if name.contains("/rule/") { 2 } else { usize::from(!silent) };
        if paragraphs.len() < least {
            problems.entry("too few paragraphs".to_owned()).or_insert_with(|| paragraphs.join(" ¶ "));
        }
        for text in &paragraphs {
            for fault in faults_of_prose(text, &LATIN) {
                problems.entry(fault).or_insert_with(|| text.clone());
            }
        }
        let all = bare(&paragraphs.join(" "));
        unseen.retain(|piece| !all.contains(piece.as_str()));
    }
    let faults = problems.iter().map(|(fault, text)| format!("{name}: {fault}: «{text}»"));
    let dead = unseen.iter().map(|piece| format!("{name}: no combination says «{piece}»"));
    faults.chain(dead).collect()
}

/// A piece of a template.
enum Part<'a> {
    Text(&'a str),
    Tag(&'a str),
    Expression(&'a str),
}

fn parts(source: &str) -> Vec<Part<'_>> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(start) = rest.find("{{").into_iter().chain(rest.find("{%")).chain(rest.find("{#")).min() {
        found.push(Part::Text(&rest[..start]));
        let opening = &rest[start..start + 2];
        let closing = opening.replace('{', "").replace('#', "#}").replace('%', "%}");
        let closing = if closing.is_empty() { "}}" } else { &closing };
        let length = rest[start + 2..].find(closing).unwrap_or(rest.len() - start - 4);
        let inside = rest[start + 2..start + 2 + length].trim_matches('-').trim();
        match opening {
            "{{" => found.push(Part::Expression(inside)),
            "{%" => found.push(Part::Tag(inside)),
            _ => {}
        }
        rest = &rest[start + 2 + length + 2..];
    }
    found.push(Part::Text(rest));
    found
}

/// Without blanks, which the typographer changes.
fn bare(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// What the template writes by itself: its texts and the word forms in its expressions.
fn pieces(parts: &[Part]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for part in parts {
        match part {
            Part::Text(text) => found.extend(text.split("\n\n").map(bare)),
            Part::Expression(inside) if inside.contains("plural(") => {
                found.extend(inside.split('"').skip(1).step_by(2).map(bare));
            }
            _ => {}
        }
    }
    found.retain(|piece| piece.chars().filter(|c| c.is_alphabetic()).count() > 1);
    found
}

/// A path of names in the inside of a tag, with what stands right before and after it.
struct Named {
    path: String,
    before: String,
    after: String,
}

fn paths(inside: &str) -> Vec<Named> {
    let mut found = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    let chars: Vec<char> = inside.chars().chain([' ']).collect();
    for (i, &c) in chars.iter().enumerate() {
        if c == '"' {
            quoted = !quoted;
        }
        let inner = c.is_ascii_alphanumeric() || "_.[]".contains(c);
        if !quoted && inner && c != '"' {
            word.push(c);
        } else if !word.is_empty() {
            let after: String = chars[i..].iter().collect::<String>().trim_start().to_owned();
            let argument = after.starts_with('=') && !after.starts_with("==");
            if word.starts_with(|c: char| c.is_ascii_lowercase()) && !argument {
                let before: String = chars[..i - word.chars().count()].iter().collect();
                let before = before.trim_end().to_owned();
                found.push(Named { path: std::mem::take(&mut word), before, after });
            }
            word.clear();
        }
    }
    found
}

/// The pointers into the facts that the template's conditions and values depend on, each with its options.
fn domains(parts: &[Part], facts: &Value) -> Vec<(String, Vec<Value>)> {
    let mut aliases: BTreeMap<String, String> = BTreeMap::new();
    let mut asked: BTreeMap<String, (bool, bool)> = BTreeMap::new();
    for part in parts {
        let (inside, condition) = match part {
            Part::Text(_) => continue,
            Part::Expression(inside) => (*inside, false),
            Part::Tag(inside) => (*inside, inside.starts_with("if ") || inside.starts_with("elif ")),
        };
        let resolve = |path: &str, aliases: &BTreeMap<String, String>| {
            let path = path.replace('[', ".").replace(']', "");
            let (root, tail) = path.split_once('.').unwrap_or((&path, ""));
            let root = aliases.get(root).cloned().unwrap_or_else(|| root.to_owned());
            if tail.is_empty() { root } else { format!("{root}.{tail}") }
        };
        let found = paths(inside);
        for Named { path, before, after } in &found {
            let (absent, empty) = asked.entry(resolve(path, &aliases)).or_default();
            *absent |= ["is defined", "is undefined", "is not defined"].iter().any(|s| after.starts_with(s));
            // A list asked by itself may be empty.
            let alone = ["if", "and", "or", "not"].iter().any(|s| before.ends_with(s));
            let ends = after.is_empty() || after.starts_with("and") || after.starts_with("or");
            *empty |= condition && alone && ends;
        }
        let named = |word: &str| found.iter().position(|one| one.path == word);
        if let Some(at) = named("for").filter(|_| inside.starts_with("for ")) {
            let list = resolve(&found[at + 3].path, &aliases);
            aliases.insert(found[at + 1].path.clone(), format!("{list}.*"));
        }
        if let Some(rest) = inside.strip_prefix("set ")
            && let Some((alias, value)) = rest.split_once('=')
        {
            aliases.insert(alias.trim().to_owned(), resolve(value.trim(), &aliases));
        }
    }
    let mut found = Vec::new();
    for (path, (absent, empty)) in asked {
        for pointer in expand(&path, facts) {
            let Some(value) = facts.pointer(&pointer) else { continue };
            let mut options = options(&pointer, value);
            if absent {
                options.push(Value::Null);
            }
            if empty && value.is_array() {
                options.push(json!([]));
            }
            if options.len() > 1 || options[0] != *value {
                found.push((pointer, options));
            }
        }
    }
    // What lies deeper first, so that a list is shortened after its items were set; what is absent goes last.
    found.sort_by_key(|(pointer, _)| (std::cmp::Reverse(pointer.matches('/').count()), pointer.clone()));
    found
}

/// The JSON pointers of a path with `*` for every item of a list.
fn expand(path: &str, facts: &Value) -> Vec<String> {
    let mut pointers = vec![String::new()];
    for segment in path.split('.') {
        pointers = pointers
            .into_iter()
            .flat_map(|pointer| match segment {
                "*" => {
                    let items = facts.pointer(&pointer).and_then(Value::as_array).map_or(0, Vec::len);
                    (0..items).map(|i| format!("{pointer}/{i}")).collect()
                }
                _ => vec![format!("{pointer}/{segment}")],
            })
            .collect();
    }
    pointers.retain(|pointer| facts.pointer(pointer).is_some());
    pointers
}

/// What a fact may be besides what it is in the sample.
fn options(pointer: &str, value: &Value) -> Vec<Value> {
    let key = pointer.rsplit('/').find(|part| part.parse::<usize>().is_err()).unwrap_or("");
    let texts = |list: &[&str]| list.iter().map(|t| json!(t)).collect::<Vec<_>>();
    match (key, value) {
        // The rules about harm speak only when something is harmed.
        ("harmed", _) if pointer.contains("guardrails/0") => vec![json!(true)],
        (_, Value::Bool(_)) => vec![json!(true), json!(false)],
        ("groups", Value::Number(_)) => vec![json!(2), json!(3), json!(5)],
        ("pairs", Value::Number(_)) => vec![json!(1), json!(3), json!(10)],
        ("between", Value::Number(_)) => [0].iter().chain(&COUNTS).map(|n| json!(n)).collect(),
        (_, Value::Number(n)) if n.is_u64() => COUNTS.iter().map(|n| json!(n)).collect(),
        (key, Value::Number(_)) if key.starts_with('p') || key.ends_with("_p") => {
            vec![json!(1e-9), json!(0.004), json!(0.3), json!(1.0)]
        }
        ("state", _) => texts(&itog::monitoring::State::ALL.map(itog::monitoring::State::code)),
        ("recommended", _) => texts(&["delta", "bootstrap", "welch", "permutation", "z"]),
        ("kind", _) => texts(&["mean", "proportion", "ratio", "quantile"]),
        ("test", _) => texts(&["mann-whitney", "brunner-munzel", "welch", "chi-square"]),
        ("reading", Value::String(_)) => texts(itog::report::facts::READINGS),
        ("way", _) => texts(&["unadjusted", "not-winsorized", "means"]),
        ("correction", _) => texts(&["holm", "none", "tukey"]),
        ("undefined" | "reason", Value::String(_)) => {
            texts(itog::wording::terms::Vocabulary::Undefined.keys())
        }
        ("metric", Value::String(_)) => texts(&["CPA", "Выручка на показ"]),
        // Points end with a point, and a sentence after them must not have two.
        (
            "size" | "detectable" | "boundary" | "estimate" | "apart" | "difference" | "difference_without"
            | "mean_without" | "margin" | "min_effect",
            _,
        ) => texts(&["−1,10\u{a0}₽", "−1,10\u{a0}п.\u{202f}п."]),
        ("interval" | "shift_interval" | "bootstrap_interval", _) => {
            texts(&["от\u{a0}−3,10 до\u{a0}+4,20\u{a0}₽", "от\u{a0}−3,10 до\u{a0}+4,20\u{a0}п.\u{202f}п."])
        }
        ("title", _) => texts(&["Выручка на пользователя", "ARPPU", "Покупки"]),
        ("winner" | "treatment" | "control" | "wide" | "narrow" | "id", Value::String(_)) => {
            texts(&["B", "control", "2"])
        }
        (_, Value::Array(items)) => (1..=items.len()).map(|n| Value::Array(items[..n].to_vec())).collect(),
        _ => vec![value.clone()],
    }
}

/// The facts whose names the template mentions, so that each rendering copies little.
fn pruned(facts: &Value, source: &str) -> Value {
    let Value::Object(map) = facts else { return facts.clone() };
    Value::Object(
        map.iter().filter(|(key, _)| source.contains(*key)).map(|(k, v)| (k.clone(), v.clone())).collect(),
    )
}

/// Every combination of options where they are few; else each option alone on two backgrounds, and draws.
fn combinations(sizes: &[usize]) -> Vec<Vec<usize>> {
    let product = sizes.iter().try_fold(1_usize, |a, b| a.checked_mul(*b)).unwrap_or(usize::MAX);
    if product <= MOST {
        let digits = |mut n: usize| {
            sizes
                .iter()
                .map(|size| {
                    let digit = n % size;
                    n /= size;
                    digit
                })
                .collect()
        };
        return (0..product).map(digits).collect();
    }
    let first = vec![0; sizes.len()];
    let last: Vec<usize> = sizes.iter().map(|size| size - 1).collect();
    let mut found = vec![first.clone(), last.clone()];
    for background in [first, last] {
        for (at, size) in sizes.iter().enumerate() {
            for option in 0..*size {
                let mut one = background.clone();
                one[at] = option;
                found.push(one);
            }
        }
    }
    // A linear congruential generator (Knuth's MMIX constants): the draws are the same in every run.
    let mut state = 20_261_122_u64;
    for _ in 0..MOST {
        let draw = sizes.iter().map(|size| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % size
        });
        found.push(draw.collect());
    }
    found
}
