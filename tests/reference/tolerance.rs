//! How closely a number must agree, and where two outputs differ.

use serde_json::Value;

/// Largest accepted difference: relative, or absolute where that is larger.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// In units of the expected value.
    pub relative: f64,
    /// In the units of the value.
    pub absolute: f64,
}

/// What holds where nothing else is stated.
const DEFAULT: Tolerance = Tolerance { relative: 1e-9, absolute: 1e-12 };

impl Tolerance {
    /// The tolerance of the output `key` of a function, from the words of the case's source.
    ///
    /// Understood are "compare to 1e-8 absolute", "compare to 1e-7 relative", "compare to 1e-3" (either of the two) and
    /// "p to 1e-6" (the output named `p`, absolutely). A clause that speaks of score intervals holds for them alone.
    pub fn of(function: &str, source: &str, key: &str) -> Tolerance {
        if function == "shapiro_wilk" {
            return Tolerance { relative: if key == "w" { 1e-6 } else { 1e-4 }, ..DEFAULT };
        }
        for clause in source.split([';', '(', ')']) {
            let words: Vec<&str> = clause.split([' ', ':', ',']).filter(|word| !word.is_empty()).collect();
            if words.contains(&"score") && !key.contains("score") {
                continue;
            }
            for (i, window) in words.windows(3).enumerate() {
                let (subject, Ok(size)) = (window[0], window[2].trim_end_matches('.').parse::<f64>()) else {
                    continue;
                };
                let to = window[1] == "to";
                let kind = words.get(i + 3).map_or("", |word| word.trim_end_matches('.'));
                if to && subject == "compare" {
                    return match kind {
                        "absolute" => Tolerance { absolute: size, ..DEFAULT },
                        "relative" => Tolerance { relative: size, ..DEFAULT },
                        _ => Tolerance { relative: size, absolute: size },
                    };
                }
                if to && subject == key {
                    return Tolerance { absolute: size, ..DEFAULT };
                }
            }
        }
        DEFAULT
    }

    /// Whether `found` agrees with `expected`.
    fn accepts(&self, found: f64, expected: f64) -> bool {
        (found - expected).abs() <= self.absolute.max(self.relative * expected.abs())
    }
}

/// All differences between two outputs, each with its place. Every expected key must be there; more may be. A function that
/// has no answer at all gives `null` for every key.
pub fn differences(found: &Value, expected: &Value, tolerance: &dyn Fn(&str) -> Tolerance) -> Vec<String> {
    let Value::Object(outputs) = expected else {
        return vec![format!("the expected output is not an object: {expected}")];
    };
    let mut all = Vec::new();
    for (key, value) in outputs {
        match found.get(key) {
            Some(found) => compare(found, value, tolerance(key), key, &mut all),
            None if found.is_null() => compare(&Value::Null, value, tolerance(key), key, &mut all),
            None => all.push(format!("`{key}` is missing")),
        }
    }
    if outputs.is_empty() {
        all.push("the expected output is empty".to_owned());
    }
    all
}

/// Whether there is no value, or a list of none: both programs write an undefined or infinite number as `null`.
fn absent(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(parts) => parts.iter().all(absent),
        _ => false,
    }
}

fn compare(found: &Value, expected: &Value, tolerance: Tolerance, place: &str, all: &mut Vec<String>) {
    match (found, expected) {
        _ if absent(found) && absent(expected) => {}
        // An interval of which one bound does not exist may be written as none.
        (Value::Array(bounds), Value::Null) if bounds.iter().any(absent) => {}
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (index, (found, expected)) in left.iter().zip(right).enumerate() {
                compare(found, expected, tolerance, &format!("{place}[{index}]"), all);
            }
        }
        _ => match (found.as_f64(), expected.as_f64()) {
            (Some(left), Some(right)) if tolerance.accepts(left, right) => {}
            _ => all.push(format!("{place} is {found} instead of {expected} ({tolerance:?})")),
        },
    }
}

#[test]
fn sources_state_their_tolerance() {
    let of = |source: &str, key: &str| Tolerance::of("any", source, key);
    let absolute = |size: f64| Tolerance { absolute: size, ..DEFAULT };
    let relative = |size: f64| Tolerance { relative: size, ..DEFAULT };
    assert_eq!(of("scipy.stats.tukey_hsd (p to 1e-6)", "p"), absolute(1e-6));
    assert_eq!(of("scipy.stats.dunnett (p to 1e-3: it integrates by simulation)", "p"), absolute(1e-3));
    assert_eq!(of("scipy.stats.dunnett (p to 1e-3: it integrates by simulation)", "statistic"), DEFAULT);
    let score = "proportions_ztest; ratio = p1 / p2; score intervals: compare to 1e-8 absolute";
    assert_eq!(of(score, "ci_ratio_score"), absolute(1e-8));
    assert_eq!(of(score, "z"), DEFAULT);
    assert_eq!(of("quadrature: P(pB > pA); compare to 1e-7 relative", "prob_b_better"), relative(1e-7));
    let either = Tolerance { relative: 1e-3, absolute: 1e-3 };
    assert_eq!(of("published boundary values (compare to 1e-3)", "z"), either);
    assert_eq!(of("root (statsmodels' own solve_power is only good to 1e-4), inverse of h", "h"), DEFAULT);
    assert_eq!(Tolerance::of("shapiro_wilk", "scipy.stats.shapiro", "w").relative, 1e-6);
}

#[test]
fn a_difference_names_its_place() {
    let expected = serde_json::json!({ "p": [0.5, 0.25], "low": null });
    let exact = |_: &str| DEFAULT;
    assert!(differences(&expected, &expected, &exact).is_empty());
    let found = serde_json::json!({ "p": [0.5, 0.250_000_1], "low": 1.0 });
    assert_eq!(differences(&found, &expected, &exact).len(), 2);
    assert_eq!(differences(&serde_json::json!({ "p": [0.5] }), &expected, &exact).len(), 2);
}

#[test]
fn nothing_agrees_with_nothing_alone() {
    let exact = |_: &str| DEFAULT;
    let none = serde_json::json!({ "p": null, "ci": [null, null], "t": null });
    assert!(differences(&Value::Null, &none, &exact).is_empty());
    assert_eq!(differences(&Value::Null, &serde_json::json!({ "p": 0.5, "t": null }), &exact).len(), 1);
    assert_eq!(differences(&serde_json::json!({ "p": 0.0, "ci": null, "t": null }), &none, &exact).len(), 1);
    let half = serde_json::json!({ "p": null, "ci": [null, 2.0], "t": null });
    assert_eq!(differences(&half, &none, &exact).len(), 1);
}
