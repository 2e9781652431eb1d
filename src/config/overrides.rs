//! `--set KEY=VALUE`: one key of a config changed from the command line.
//!
//! The change is made in the text, so that comments and the places of problems survive and the config attached to a
//! report is the config that was run.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::codes;
use super::schema::{Kind, Node};
use super::suggest;
use crate::diag::Diagnostic;

/// One `--set` argument; its text is `KEY=VALUE` again.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Override {
    /// Steps of the dotted key; a step into a list is an index from 0, an id or a name.
    key: Vec<String>,
    /// The value as typed.
    typed: String,
}

impl std::fmt::Display for Override {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let steps: Vec<String> = self.key.iter().map(|step| quoted(step)).collect();
        write!(f, "{}={}", steps.join("."), self.typed)
    }
}

impl Override {
    /// Reads `KEY=VALUE`: a dotted TOML key and a TOML value; a value that is not valid TOML is taken as text.
    ///
    /// # Errors
    /// `config::override-syntax` when there is no `=` or no valid key before it.
    pub fn parse(argument: &str) -> Result<Override, Diagnostic> {
        let wrong = || {
            let message = format!("`{argument}` is not KEY=VALUE");
            Diagnostic::error(codes::OVERRIDE_SYNTAX, message).hint("for example --set data.path=other.csv")
        };
        let equals = find_equals(argument).ok_or_else(wrong)?;
        let (key, value) = (argument[..equals].trim(), argument[equals + 1..].trim());
        // An integer key such as `0` is a valid bare key, so the TOML parser reads every form of step.
        let probe = format!("{key} = 0");
        let tree = DeTable::parse(&probe).map_err(|_| wrong())?;
        let mut steps = Vec::new();
        let mut table = tree.get_ref();
        while let Some((step, value)) = table.iter().next() {
            steps.push(step.get_ref().to_string());
            match value.get_ref() {
                DeValue::Table(inner) => table = inner,
                _ => break,
            }
        }
        if steps.is_empty() || key.contains('\n') {
            return Err(wrong());
        }
        Ok(Override { key: steps, typed: value.to_owned() })
    }

    /// Whether this sets where the data are; such a path is relative to the current folder, as the user typed it there.
    pub fn sets_data_path(&self) -> bool {
        self.key == ["data", "path"] || self.key == ["data"]
    }

    /// The name or index of the facts whose files this sets; such a path, too, is relative to the current folder.
    pub fn sets_facts_path(&self) -> Option<&str> {
        match self.key.as_slice() {
            [data, facts, which, path] if data == "data" && facts == "facts" && path == "path" => Some(which),
            _ => None,
        }
    }

    /// The dotted key as typed.
    pub fn name(&self) -> String {
        self.key.join(".")
    }

    /// The text of a config with this change in it.
    ///
    /// # Errors
    /// `config::override-place` when the key leads nowhere: a list without such an entry, or into a value that has no
    /// keys.
    pub fn apply(&self, text: &str) -> Result<String, Diagnostic> {
        let Ok(tree) = DeTable::parse(text) else {
            // The text was valid before; what made it invalid is an earlier override.
            return Err(self.misplaced("an earlier --set broke the file", "check the values of all --set"));
        };
        let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let mut slot = Slot { insert: Insert::Line(start), depth: 0 };
        let mut table = tree.get_ref();
        let mut node = Some(Node::root());
        let mut depth = 0;
        loop {
            let Some(step) = self.key.get(depth) else {
                return Err(self.misplaced("it names a whole table", "set its keys one by one"));
            };
            node = node.and_then(|node| node.key(step));
            let Some(value) = table.get(step.as_str()) else { break };
            depth += 1;
            let mut value = value;
            if let DeValue::Array(list) = value.get_ref()
                && depth < self.key.len()
            {
                value = self.entry(list.iter(), depth)?;
                node = node.and_then(Node::items);
                depth += 1;
            }
            let written = text.get(value.span()).unwrap_or("");
            match value.get_ref() {
                DeValue::Table(inner) if depth < self.key.len() => {
                    slot.enter(written, &value.span(), text, depth);
                    table = inner;
                }
                DeValue::Table(_) if !written.starts_with('{') => {
                    return Err(self.misplaced("it names a whole table", "set its keys one by one"));
                }
                DeValue::Array(_) if written.starts_with("[[") => {
                    return Err(
                        self.misplaced("it names a list of tables", "add which one: an index or an id")
                    );
                }
                _ if depth == self.key.len() => {
                    let mut changed = text.to_owned();
                    changed.replace_range(value.span(), &self.value(node));
                    return Ok(changed);
                }
                _ => return Err(self.misplaced("it leads into a value without keys", "name the key itself")),
            }
        }
        node = self
            .key
            .get(depth + 1..)
            .unwrap_or_default()
            .iter()
            .fold(node, |node, step| node.and_then(|node| node.key(step)));
        let steps: Vec<String> = self.key.iter().skip(slot.depth).map(|step| quoted(step)).collect();
        let changed = slot.insert.write(text, &format!("{} = {}", steps.join("."), self.value(node)));
        match DeTable::parse(&changed) {
            Ok(_) => Ok(changed),
            Err(_) => Err(self.misplaced("the file has no place for it", "write the key into the file")),
        }
    }

    /// The entry of a list that the step at `depth` names.
    fn entry<'a, 'i>(
        &self,
        list: impl Iterator<Item = &'a Spanned<DeValue<'i>>>,
        depth: usize,
    ) -> Result<&'a Spanned<DeValue<'i>>, Diagnostic>
    where
        'i: 'a,
    {
        let entries: Vec<_> = list.collect();
        let id = |entry: &Spanned<DeValue<'i>>| {
            // Facts are called by their name, everything else by its id.
            let id = entry.get_ref().get("id").or_else(|| entry.get_ref().get("name"));
            id.and_then(|id| id.get_ref().as_str()).map(str::to_owned)
        };
        let wanted = &self.key[depth];
        let ids: Vec<String> = entries.iter().filter_map(|entry| id(entry)).collect();
        let by_id = entries.iter().find(|entry| id(entry).as_deref() == Some(wanted.as_str()));
        let by_index = || wanted.parse::<usize>().ok().and_then(|index| entries.get(index));
        by_id.or_else(by_index).copied().ok_or_else(|| {
            let message = format!("there is no `{wanted}` in `{}`", self.key[..depth].join("."));
            self.misplaced(&message, &suggest::hint(wanted, "its entries", ids.iter().map(String::as_str)))
        })
    }

    /// The value as TOML: what was typed when it is TOML of the type the key takes, else as text.
    fn value(&self, node: Option<Node>) -> String {
        let parsed = DeValue::parse(&self.typed).ok();
        let wants_text = node.is_some_and(|node| node.kind() == Kind::Text);
        match parsed {
            Some(value) if !wants_text || value.get_ref().is_str() => self.typed.clone(),
            _ => toml::Value::String(self.typed.clone()).to_string(),
        }
    }

    fn misplaced(&self, why: &str, hint: &str) -> Diagnostic {
        let message = format!("--set {} cannot be applied: {why}", self.name());
        Diagnostic::error(codes::OVERRIDE_PLACE, message).hint(hint)
    }
}

/// The deepest table met on the way in which new keys can be written.
struct Slot {
    insert: Insert,
    /// How many steps of the key lead to it.
    depth: usize,
}

enum Insert {
    /// On a line of its own at this offset.
    Line(usize),
    /// After the opening brace at this offset; whether the braces are empty.
    Brace(usize, bool),
}

impl Slot {
    /// Takes note of a table written as `written`: braces or a header can take new keys, dotted keys cannot.
    fn enter(&mut self, written: &str, span: &Range<usize>, text: &str, depth: usize) {
        if let Some(inside) = written.strip_prefix('{') {
            *self = Slot { insert: Insert::Brace(span.start + 1, inside.trim() == "}"), depth };
        } else if written.starts_with('[') {
            let rest = text.get(span.end..).unwrap_or("");
            let line_end = rest.find('\n').map_or(text.len(), |end| span.end + end + 1);
            *self = Slot { insert: Insert::Line(line_end), depth };
        }
    }
}

impl Insert {
    fn write(&self, text: &str, assignment: &str) -> String {
        let mut changed = text.to_owned();
        match *self {
            Insert::Line(at) if at > 0 && !text[..at].ends_with(['\n', '\u{feff}']) => {
                changed.insert_str(at, &format!("\n{assignment}\n"));
            }
            Insert::Line(at) => changed.insert_str(at, &format!("{assignment}\n")),
            Insert::Brace(at, true) => changed.insert_str(at, &format!(" {assignment} ")),
            Insert::Brace(at, false) => changed.insert_str(at, &format!(" {assignment},")),
        }
        changed
    }
}

/// A step of a key as TOML writes it.
fn quoted(step: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !step.is_empty() && step.bytes().all(bare) {
        step.to_owned()
    } else {
        toml::Value::String(step.to_owned()).to_string()
    }
}

/// The first `=` outside quotes.
fn find_equals(argument: &str) -> Option<usize> {
    let mut quote = None;
    for (at, letter) in argument.char_indices() {
        match (quote, letter) {
            (None, '=') => return Some(at),
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), letter) if open == letter => quote = None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# a comment
[experiment]
id = \"a\"

[data] # rows
path = \"a.csv\"
columns.\"x y\" = { min = 0 }

[[metric]]
id = \"m\"
counts = { A = { successes = 1, n = 2 } }
";

    fn set(text: &str, argument: &str) -> Result<String, Diagnostic> {
        Override::parse(argument).unwrap().apply(text)
    }

    #[test]
    fn a_value_is_replaced_and_everything_else_stays() {
        assert_eq!(set(TEXT, "data.path=/x/b.csv").unwrap(), TEXT.replace("\"a.csv\"", "\"/x/b.csv\""));
        assert_eq!(set(TEXT, "metric.m.counts.A.n=30").unwrap(), TEXT.replace("n = 2", "n = 30"));
        assert_eq!(set(TEXT, "metric.0.counts.A.n=30").unwrap(), TEXT.replace("n = 2", "n = 30"));
        assert_eq!(set(TEXT, "data.columns.\"x y\".min=1.5").unwrap(), TEXT.replace("min = 0", "min = 1.5"));
    }

    #[test]
    fn a_new_key_goes_into_its_table() {
        assert!(set(TEXT, "data.group=g").unwrap().contains("[data] # rows\ngroup = \"g\"\npath"));
        assert!(set(TEXT, "metric.m.test=welch").unwrap().contains("[[metric]]\ntest = \"welch\"\nid"));
        assert!(set(TEXT, "design.alpha=0.01").unwrap().starts_with("design.alpha = 0.01\n# a comment"));
        assert!(
            set(TEXT, "metric.m.counts.B={successes=1,n=3}")
                .unwrap()
                .contains("{ B = {successes=1,n=3}, A =")
        );
        assert!(set(TEXT, "data.columns.z.min=1").unwrap().contains("[data] # rows\ncolumns.z.min = 1\n"));
        assert!(set("[design]", "design.power=0.9").unwrap().ends_with("[design]\npower = 0.9\n"));
        let twice = set(&set(TEXT, "design.alpha=0.01").unwrap(), "design.power=0.9").unwrap();
        assert!(toml::from_str::<toml::Table>(&twice).unwrap()["design"]["power"].as_float() == Some(0.9));
    }

    #[test]
    fn text_keys_take_bare_words_and_numbers_as_text() {
        assert!(set(TEXT, "design.control=1").unwrap().contains("design.control = \"1\""));
        assert!(set(TEXT, "design.control=\"1\"").unwrap().contains("design.control = \"1\""));
        assert!(set(TEXT, "data.path=2024.csv").unwrap().contains("path = \"2024.csv\""));
        assert!(set(TEXT, "experiment.start=2024-03-01").unwrap().contains("start = 2024-03-01"));
        assert!(set(TEXT, "metric.m.where=a = 'b'").unwrap().contains("where = \"a = 'b'\""));
    }

    #[test]
    fn a_place_that_does_not_exist_is_named() {
        let missing = set(TEXT, "metric.n.test=z").unwrap_err();
        assert_eq!(
            (missing.code, missing.hint.as_deref()),
            (codes::OVERRIDE_PLACE, Some("its entries: `m`"))
        );
        for argument in ["metric=1", "data=1", "data.path.x=1", "metric.9.id=x"] {
            assert_eq!(set(TEXT, argument).unwrap_err().code, codes::OVERRIDE_PLACE, "{argument}");
        }
    }

    #[test]
    fn what_is_not_an_assignment_is_refused() {
        for argument in ["", "data.path", "=1", "a b=1", "a.=1", "a\nb=1", "a#=1"] {
            assert_eq!(Override::parse(argument).unwrap_err().code, codes::OVERRIDE_SYNTAX, "{argument:?}");
        }
    }
}
