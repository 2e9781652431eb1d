//! The Russian names of tests, actions, roles and everything else that a report mentions.
//!
//! The names are data, `templates/terms.toml`, so that a user can replace them; what must be in it is written here as
//! [`Vocabulary::keys`] and [`TESTS`], and a sweep test compares the two.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::builtin;
use super::overrides::Override;
use crate::diag::{Diagnostic, Place};

/// Every test that results may name.
pub const TESTS: &[&str] = &[
    "auto",
    "welch",
    "student",
    "mann-whitney",
    "brunner-munzel",
    "wilcoxon",
    "z",
    "chi-square",
    "fisher",
    "anova",
    "welch-anova",
    "kruskal-wallis",
    "bootstrap",
    "permutation",
    "delta",
    "cuped",
    "post-stratified",
    "shapiro-wilk",
    "dagostino-pearson",
    "kolmogorov-smirnov",
    "levene",
    "brown-forsythe",
    "tukey",
    "dunnett",
    "tost",
    "beta-binomial",
    "group-sequential",
    "always-valid",
];

/// Every action that results may name.
pub const ACTIONS: &[&str] = &["ship", "keep", "continue", "stop", "invalid"];

/// What a report says of a test.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TestTerm {
    /// «критерий Уэлча».
    pub name: String,
    /// «по критерию Уэлча».
    pub by: String,
    /// What the test asks, one plain sentence.
    pub asks: String,
}

/// What a report says of an action.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ActionTerm {
    /// «Оставить контроль».
    pub label: String,
    /// One character that says the same without colour.
    pub sign: String,
    /// The tone of the card in its serialized form: `note`, `good`, `caution`, `bad`, `void`.
    pub tone: String,
}

/// A closed set of values, each of which has one word or phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vocabulary {
    /// Words of tones.
    Tone,
    /// Signs of tones.
    ToneSign,
    /// Where an experiment stands.
    Status,
    /// A metric's part in the verdict.
    Role,
    /// Which direction is good.
    Goal,
    /// Which way a metric went, seen from its goal.
    Direction,
    /// Metric kinds.
    Kind,
    /// Corrections for several comparisons.
    Correction,
    /// Which groups are compared.
    Comparisons,
    /// How often the data may be looked at.
    Monitoring,
    /// What happens to rows that break a rule.
    OnBroken,
    /// Units of randomisation.
    Unit,
    /// Why a metric has no result.
    Undefined,
    /// Decisions in the archive.
    Outcome,
    /// Types of columns.
    ColumnType,
    /// Letters of test statistics; tests that have none are absent.
    Statistic,
}

impl Vocabulary {
    /// Every vocabulary.
    pub const ALL: [Vocabulary; 16] = [
        Vocabulary::Tone,
        Vocabulary::ToneSign,
        Vocabulary::Status,
        Vocabulary::Role,
        Vocabulary::Goal,
        Vocabulary::Direction,
        Vocabulary::Kind,
        Vocabulary::Correction,
        Vocabulary::Comparisons,
        Vocabulary::Monitoring,
        Vocabulary::OnBroken,
        Vocabulary::Unit,
        Vocabulary::Undefined,
        Vocabulary::Outcome,
        Vocabulary::ColumnType,
        Vocabulary::Statistic,
    ];

    /// Its table under `word` in `terms.toml`, and its name in the filter `term(of="…")`.
    pub fn name(self) -> &'static str {
        match self {
            Vocabulary::Tone => "tone",
            Vocabulary::ToneSign => "tone_sign",
            Vocabulary::Status => "status",
            Vocabulary::Role => "role",
            Vocabulary::Goal => "goal",
            Vocabulary::Direction => "direction",
            Vocabulary::Kind => "kind",
            Vocabulary::Correction => "correction",
            Vocabulary::Comparisons => "comparisons",
            Vocabulary::Monitoring => "monitoring",
            Vocabulary::OnBroken => "on_broken",
            Vocabulary::Unit => "unit",
            Vocabulary::Undefined => "undefined",
            Vocabulary::Outcome => "outcome",
            Vocabulary::ColumnType => "column_type",
            Vocabulary::Statistic => "statistic",
        }
    }

    /// The values that must have a word.
    pub fn keys(self) -> &'static [&'static str] {
        match self {
            Vocabulary::Tone | Vocabulary::ToneSign => &["note", "good", "caution", "bad", "void"],
            Vocabulary::Status => &["planned", "running", "finished"],
            Vocabulary::Role => &["primary", "secondary", "guardrail", "quality"],
            Vocabulary::Goal => &["increase", "decrease"],
            Vocabulary::Direction => &["better", "worse", "none"],
            Vocabulary::Kind => &["mean", "proportion", "ratio", "quantile"],
            Vocabulary::Correction => {
                &["none", "bonferroni", "holm", "hochberg", "bh", "by", "dunnett", "tukey"]
            }
            Vocabulary::Comparisons => &["control", "all"],
            Vocabulary::Monitoring => &["fixed", "group-sequential", "always-valid"],
            Vocabulary::OnBroken => &["report", "exclude", "refuse"],
            Vocabulary::Unit => &["user", "device"],
            Vocabulary::Undefined => &[
                "too-few-observations",
                "too-few-groups",
                "empty-group",
                "zero-variance",
                "all-values-tied",
                "non-finite",
                "zero-denominator",
                "zero-expected",
                "length-mismatch",
                "invalid-parameter",
                "no-solution",
                "rows-needed",
            ],
            Vocabulary::Outcome => {
                &["ship", "rollback", "iterate", "inconclusive", "invalid", "stopped-early"]
            }
            Vocabulary::ColumnType => &["number", "integer", "float", "text", "boolean", "date", "datetime"],
            Vocabulary::Statistic => &[
                "welch",
                "student",
                "mann-whitney",
                "brunner-munzel",
                "cuped",
                "post-stratified",
                "z",
                "chi-square",
                "anova",
                "welch-anova",
                "kruskal-wallis",
                "shapiro-wilk",
                "dagostino-pearson",
                "kolmogorov-smirnov",
                "levene",
                "brown-forsythe",
                "group-sequential",
                "always-valid",
                "fisher",
                "bootstrap",
                "permutation",
                "tukey",
                "dunnett",
            ],
        }
    }
}

/// Every term.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    #[serde(default, rename = "test")]
    tests: BTreeMap<String, TestTerm>,
    #[serde(default, rename = "action")]
    actions: BTreeMap<String, ActionTerm>,
    #[serde(default, rename = "word")]
    vocabularies: BTreeMap<String, BTreeMap<String, String>>,
}

/// The built-in terms, read once.
static BUILTIN: LazyLock<Terms> = LazyLock::new(|| {
    toml::from_str(builtin::TERMS).expect("the embedded terms are valid TOML, which a test shows")
});

impl Terms {
    /// The terms that the binary carries.
    pub fn builtin() -> &'static Terms {
        &BUILTIN
    }

    /// The built-in terms with the entries of `replacement` in place of theirs.
    ///
    /// # Errors
    /// `templates::broken-terms` where the text is no such TOML, `templates::unknown-term` for each entry that
    /// replaces nothing.
    pub fn with_override(replacement: &Override) -> Result<Terms, Vec<Diagnostic>> {
        let theirs: Terms = toml::from_str(&replacement.text).map_err(|error| {
            let place = Place {
                file: replacement.file.clone(),
                text: Some(replacement.text.clone()),
                span: error.span(),
                line: None,
            };
            vec![Diagnostic::error("templates::broken-terms", error.message().to_owned()).at(place)]
        })?;
        let mut terms = Terms::builtin().clone();
        let mut unknown = Vec::new();
        for (key, term) in theirs.tests {
            replace(&mut terms.tests, format!("test.{key}"), key, term, &mut unknown);
        }
        for (key, term) in theirs.actions {
            replace(&mut terms.actions, format!("action.{key}"), key, term, &mut unknown);
        }
        for (name, words) in theirs.vocabularies {
            let table = terms.vocabularies.entry(name.clone()).or_default();
            for (key, word) in words {
                replace(table, format!("word.{name}.{key}"), key, word, &mut unknown);
            }
        }
        if unknown.is_empty() {
            return Ok(terms);
        }
        Err(unknown
            .into_iter()
            .map(|path| {
                Diagnostic::error("templates::unknown-term", format!("`{path}` replaces no term"))
                    .at(Place::file(&replacement.file))
                    .hint("the terms are listed in templates/terms.toml")
            })
            .collect())
    }

    /// The test of this contract name.
    pub fn test(&self, name: &str) -> Option<&TestTerm> {
        self.tests.get(name)
    }

    /// «критерий Уэлча»; a test without a term is called by its own name.
    pub fn test_name<'a>(&'a self, name: &'a str) -> &'a str {
        self.tests.get(name).map_or(name, |term| &term.name)
    }

    /// «по критерию Уэлча»; a test without a term is called by its own name.
    pub fn by_test<'a>(&'a self, name: &'a str) -> &'a str {
        self.tests.get(name).map_or(name, |term| &term.by)
    }

    /// The action of this contract name.
    pub fn action(&self, name: &str) -> Option<&ActionTerm> {
        self.actions.get(name)
    }

    /// The word of `key`; a key without a word stands for itself.
    pub fn word<'a>(&'a self, vocabulary: Vocabulary, key: &'a str) -> &'a str {
        self.find(vocabulary.name(), key).unwrap_or(key)
    }

    /// The word of `key` in the vocabulary of this name; `test` and `action` are vocabularies of names and labels.
    pub fn find(&self, vocabulary: &str, key: &str) -> Option<&str> {
        match vocabulary {
            "test" => self.tests.get(key).map(|term| term.name.as_str()),
            "by_test" => self.tests.get(key).map(|term| term.by.as_str()),
            "action" => self.actions.get(key).map(|term| term.label.as_str()),
            _ => self.vocabularies.get(vocabulary)?.get(key).map(String::as_str),
        }
    }
}

/// Puts `value` in place of the entry of this key, or notes the path when there is none.
fn replace<T>(
    table: &mut BTreeMap<String, T>,
    path: String,
    key: String,
    value: T,
    unknown: &mut Vec<String>,
) {
    match table.get_mut(&key) {
        Some(entry) => *entry = value,
        None => unknown.push(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wording::{lint, typography};

    #[test]
    fn every_test_and_action_has_its_term_and_nothing_else_is_there() {
        let terms = Terms::builtin();
        assert!(terms.tests.keys().all(|key| TESTS.contains(&key.as_str())));
        assert!(terms.actions.keys().all(|key| ACTIONS.contains(&key.as_str())));
        for name in TESTS {
            let term = terms.test(name).unwrap_or_else(|| panic!("no term for {name}"));
            assert!(term.asks.ends_with('.') && term.by.starts_with("по "), "{name}");
        }
        for name in ACTIONS {
            let term = terms.action(name).unwrap_or_else(|| panic!("no term for {name}"));
            assert_eq!(term.sign.chars().count(), 1);
            assert!(Vocabulary::Tone.keys().contains(&term.tone.as_str()));
        }
        let mut signs: Vec<&str> = ACTIONS.iter().map(|a| terms.action(a).unwrap().sign.as_str()).collect();
        signs.sort_unstable();
        signs.dedup();
        assert_eq!(signs.len(), ACTIONS.len(), "signs tell actions apart without colour");
    }

    #[test]
    fn every_vocabulary_is_complete_and_nothing_else_is_there() {
        let terms = Terms::builtin();
        assert_eq!(terms.vocabularies.len(), Vocabulary::ALL.len());
        for vocabulary in Vocabulary::ALL {
            let words = &terms.vocabularies[vocabulary.name()];
            let mut keys: Vec<&str> = vocabulary.keys().to_vec();
            keys.sort_unstable();
            assert_eq!(words.keys().map(String::as_str).collect::<Vec<_>>(), keys, "{}", vocabulary.name());
        }
    }

    #[test]
    fn terms_are_clean_russian() {
        let terms = Terms::builtin();
        for (name, term) in &terms.tests {
            for text in [&term.name, &term.by, &term.asks] {
                let set = typography::typeset(text);
                assert_eq!(
                    lint::faults(&set, &["z-критерий", "z-критерию", "CUPED"]),
                    Vec::<String>::new(),
                    "{name}"
                );
            }
        }
        for vocabulary in Vocabulary::ALL {
            if matches!(vocabulary, Vocabulary::Statistic | Vocabulary::ToneSign) {
                continue;
            }
            for word in terms.vocabularies[vocabulary.name()].values() {
                assert_eq!(lint::faults(&typography::typeset(word), &[]), Vec::<String>::new(), "{word}");
            }
        }
    }

    #[test]
    fn an_override_replaces_single_entries_and_unknown_ones_are_found() {
        let file = |text: &str| Override {
            name: "terms.toml".into(),
            file: "my/terms.toml".into(),
            text: text.into(),
        };
        let terms = Terms::with_override(&file("[word.role]\nprimary = \"целевая\"\n")).unwrap();
        assert_eq!(terms.word(Vocabulary::Role, "primary"), "целевая");
        assert_eq!(terms.word(Vocabulary::Role, "guardrail"), "защитная");
        let problems = Terms::with_override(&file(
            "[word.role]\nprimry = \"целевая\"\n[test.x]\nname=\"\"\nby=\"\"\nasks=\"\"\n",
        ));
        assert_eq!(problems.unwrap_err().len(), 2);
        let broken = Terms::with_override(&file("[word.role]\nprimary = 5\n")).unwrap_err();
        assert_eq!(broken[0].place.as_ref().unwrap().line_column().map(|(line, _)| line), Some(2));
    }
}
