//! The JSON Schema of the config, and reading it: which keys a section has and what each takes.

use std::sync::OnceLock;

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde_json::Value;

use super::raw::RawConfig;

/// The JSON Schema (2020-12) of a config, for editors and for `itog schema`.
pub fn schema() -> Value {
    tree().clone()
}

/// The schema, generated once.
fn tree() -> &'static Value {
    static TREE: OnceLock<Value> = OnceLock::new();
    TREE.get_or_init(generate::<RawConfig>)
}

/// The JSON Schema (2020-12) of a file whose raw type is `T`.
pub fn generate<T: JsonSchema>() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<T>();
    RecursiveTransform(without_null).transform(&mut schema);
    schema.to_value()
}

/// TOML has no null: an optional key is absent, never null, so the alternative only clutters the schema.
fn without_null(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else { return };
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(alternatives)) = object.get_mut("anyOf") {
        alternatives.retain(|alternative| alternative.get("type") != Some(&Value::from("null")));
        if let [Value::Object(only)] = alternatives.as_slice() {
            let only = only.clone();
            object.remove("anyOf");
            for (key, value) in only {
                object.entry(key).or_insert(value);
            }
        }
    }
}

/// What one place of the config takes: a node of the schema with references followed.
#[derive(Clone, Copy)]
pub struct Node {
    value: &'static Value,
    tree: &'static Value,
}

/// The type a [`Node`] asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A table.
    Table,
    /// A list.
    List,
    /// Text.
    Text,
    /// A calendar day.
    Day,
    /// An integer or a float.
    Number,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
}

impl Kind {
    /// With its article, for messages.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Table => "a table",
            Kind::List => "a list",
            Kind::Text => "a text in quotes",
            Kind::Day => "a date without quotes",
            Kind::Number => "a number",
            Kind::Integer => "a whole number",
            Kind::Boolean => "true or false",
        }
    }
}

impl Node {
    /// The whole file of an experiment.
    pub fn root() -> Node {
        Node::of(tree())
    }

    /// The whole file that a schema describes.
    pub fn of(tree: &'static Value) -> Node {
        Node { value: tree, tree }
    }

    fn resolve(self, value: &'static Value) -> Node {
        let target =
            value.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#'));
        match target.and_then(|pointer| self.tree.pointer(pointer)) {
            Some(target) => Node { value: target, tree: self.tree },
            None => Node { value, tree: self.tree },
        }
    }

    /// The type asked for.
    pub fn kind(self) -> Kind {
        match self.value.get("type").and_then(Value::as_str) {
            Some("array") => Kind::List,
            Some("string") if self.value.get("format") == Some(&Value::from("date")) => Kind::Day,
            Some("number") => Kind::Number,
            Some("integer") => Kind::Integer,
            Some("boolean") => Kind::Boolean,
            Some("object") => Kind::Table,
            _ => Kind::Text,
        }
    }

    /// The keys of a table, in alphabetical or declaration order; none for a table whose names the user gives.
    pub fn keys(self) -> Vec<&'static str> {
        let properties = self.value.get("properties").and_then(Value::as_object);
        properties.into_iter().flatten().map(|(key, _)| key.as_str()).collect()
    }

    /// What a key of a table takes.
    pub fn key(self, key: &str) -> Option<Node> {
        match self.value.get("properties").and_then(|properties| properties.get(key)) {
            Some(known) => Some(self.resolve(known)),
            None => {
                let any = self.value.get("additionalProperties").filter(|any| any.is_object());
                any.map(|any| self.resolve(any))
            }
        }
    }

    /// Whether the names of this table are the user's.
    pub fn is_named(self) -> bool {
        self.value.get("additionalProperties").is_some_and(Value::is_object)
    }

    /// The keys that a table must have.
    pub fn required(self) -> Vec<&'static str> {
        let required = self.value.get("required").and_then(Value::as_array);
        required.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// What the elements of a list take.
    pub fn items(self) -> Option<Node> {
        self.value.get("items").map(|items| self.resolve(items))
    }

    /// The words of a closed set; empty for free text.
    pub fn words(self) -> Vec<&'static str> {
        let constants = self.value.get("oneOf").and_then(Value::as_array);
        let plain = self.value.get("enum").and_then(Value::as_array);
        let constants = constants.into_iter().flatten().filter_map(|one| one.get("const"));
        constants.chain(plain.into_iter().flatten()).filter_map(Value::as_str).collect()
    }

    /// The pattern that a text must match.
    pub fn pattern(self) -> Option<&'static str> {
        self.value.get("pattern").and_then(Value::as_str)
    }

    /// A numeric rule such as `minimum` or `maxLength`.
    pub fn limit(self, rule: &str) -> Option<f64> {
        self.value.get(rule).and_then(Value::as_f64)
    }

    /// The sections of this file that have a key of this name.
    pub fn sections_with(self, key: &str) -> Vec<&'static str> {
        let root = Node::of(self.tree);
        let has = |section: &&'static str| {
            let node = root.key(section).and_then(|node| node.items().or(Some(node)));
            node.is_some_and(|node| node.keys().contains(&key))
        };
        root.keys().into_iter().filter(has).collect()
    }

    /// A section as users know it: `[design]`, `[[metric]]`, or the file.
    pub fn section(self, path: &str) -> String {
        let first = path.split('.').next().unwrap_or("");
        let is_list = Node::of(self.tree).key(first).is_some_and(|node| node.kind() == Kind::List);
        match path {
            "" => "the file".to_owned(),
            path if is_list && !path.contains('.') => format!("[[{path}]]"),
            path => format!("[{path}]"),
        }
    }
}
