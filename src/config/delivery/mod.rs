//! `delivery.toml`: who gets which mail, and how it travels.
//!
//! Read as strictly as an experiment: the schema of the [`raw`] types gives keys, words and ranges, [`check`] what the
//! sections say together, and a [`valid::Delivery`] exists only when nothing is wrong. A password never stands in the file; one
//! that does is an error, and no diagnostic shows it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use serde::de::Deserialize;
use serde_json::Value;
use toml::de::{DeTable, DeValue};

use super::schema::{self, Node};
use super::sink::Sink;
use super::{codes as config_codes, files, shape, syntax};
use crate::diag::{Diagnostic, Place, Warned};

mod address;
mod check;
pub mod codes;
mod gaps;
mod raw;
pub mod valid;

pub use gaps::{gaps, names};
pub use valid::Delivery;

/// The name of the file in a folder of configs.
pub const FILE: &str = "delivery.toml";

/// The first `delivery.toml` among the folders of a run; none where only single configs are named.
pub fn find(paths: &[PathBuf]) -> Option<PathBuf> {
    paths.iter().map(|path| path.join(FILE)).find(|file| file.is_file())
}

/// The JSON Schema (2020-12) of the file.
pub fn schema() -> Value {
    tree().clone()
}

fn tree() -> &'static Value {
    static TREE: OnceLock<Value> = OnceLock::new();
    TREE.get_or_init(schema::generate::<raw::RawDelivery>)
}

/// Reads and checks a `delivery.toml`.
///
/// # Errors
/// Everything that is wrong, and the warnings with it, in the order of the file.
pub fn load(path: &Path) -> Result<Warned<Delivery>, Vec<Diagnostic>> {
    let text = files::read(path).map_err(|(code, message, hint)| {
        vec![Diagnostic::error(code, message).hint(hint).at(Place::file(path))]
    })?;
    parse(path, &text)
}

/// Checks the text of a `delivery.toml`.
///
/// # Errors
/// As [`load`].
pub fn parse(path: &Path, text: &str) -> Result<Warned<Delivery>, Vec<Diagnostic>> {
    let text: Arc<str> = without_password(text).into();
    let file = Node::of(tree());
    if let Some(sink) = syntax::check(path, &text, file) {
        return Err(sink.into_sorted());
    }
    let mut sink = Sink::new(path, &text);
    let (mut tree, _) = DeTable::parse_recoverable(&text);
    shape::check(&mut tree, file, &mut sink);
    let delivery = match raw::RawDelivery::deserialize(toml::de::Deserializer::from(tree)) {
        Ok(raw) => check::check(&raw, path, &mut sink),
        Err(error) => {
            let span = error.span().unwrap_or(0..0);
            let hint = "compare with `itog schema --delivery`";
            sink.error(config_codes::WRONG_TYPE, &span, error.message().to_owned(), hint);
            None
        }
    };
    let has_errors = sink.has_errors();
    match delivery {
        Some(value) if !has_errors => Ok(Warned { value, warnings: sink.into_sorted() }),
        _ => Err(sink.into_sorted()),
    }
}

/// The text with the value of `smtp.password` struck out, at the same length: no diagnostic may quote it.
fn without_password(text: &str) -> String {
    let (tree, _) = DeTable::parse_recoverable(text);
    let smtp = tree.get_ref().get("smtp").map(|value| value.get_ref());
    let password = match smtp {
        Some(DeValue::Table(smtp)) => smtp.get("password"),
        _ => None,
    };
    let Some(span) = password.map(|value| value.span()) else { return text.to_owned() };
    let (Some(before), Some(value), Some(after)) =
        (text.get(..span.start), text.get(span.clone()), text.get(span.end..))
    else {
        return text.to_owned();
    };
    let inside = value.len().saturating_sub(2);
    format!("{before}\"{}\"{after}", "*".repeat(inside))
}
