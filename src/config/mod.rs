//! From a TOML file to a checked [`Config`](valid::Config), every problem of the file reported in one pass.
//!
//! The way of a config: text → `--set` [`overrides`] → TOML tree → [`shape`] (keys, types, words, ranges, all from the
//! [`schema`] of the [`raw`] types) → [`raw`] values → [`check`] (what the sections say together) → [`valid`].
//! Only [`load`] and [`files`] touch the disk.

use std::path::Path;
use std::sync::Arc;

use serde::de::Deserialize;
use toml::de::DeTable;

use crate::diag::{Diagnostic, Place, Warned};

mod check;
pub mod choices;
pub mod codes;
pub mod delivery;
mod duration;
mod files;
mod overrides;
mod raw;
mod schema;
mod shape;
mod sink;
mod suggest;
mod syntax;
pub mod valid;

pub use duration::duration;
pub use overrides::Override;
pub use schema::schema;
pub use valid::Config;

use check::Located;
use check::data::Base;
use schema::Node;
use sink::Sink;

/// Reads and checks a config, with `overrides` applied in order, and looks for its data files.
///
/// Paths in the file are relative to the file's folder; a path given by an override is relative to the current folder.
///
/// # Errors
/// Everything that is wrong, and the warnings with it, in the order of the file.
pub fn load(path: &Path, overrides: &[Override]) -> Result<Warned<Config>, Vec<Diagnostic>> {
    let text = files::read(path).map_err(|(code, message, hint)| {
        vec![Diagnostic::error(code, message).hint(hint).at(Place::file(path))]
    })?;
    let mut pass = Pass::over(path, &text, overrides);
    if let Some(located) = pass.data.take() {
        let base = folders(path, overrides);
        let places = std::iter::once(located.data).chain(located.facts).chain(located.identity);
        let facts = located.source.facts.iter().enumerate();
        let tables = std::iter::once((&located.source.files, base.data))
            .chain(facts.map(|(index, facts)| (&facts.files, base.facts(Some(&facts.name), index))))
            .chain(located.source.identity.iter().map(|identity| (&identity.files, base.own)));
        let mut found = Vec::new();
        for ((files, base), span) in tables.zip(places) {
            let paths = files::resolve(base, &files.pattern);
            if paths.is_empty() {
                let looked = base.join(&files.pattern);
                let hint = if looked.is_dir() {
                    "this is a folder: add a file name or `*.csv`"
                } else {
                    "check the path"
                };
                let message = format!("there is no file {}", looked.display());
                pass.sink.error(codes::DATA_MISSING, &span, message, hint);
            }
            found.push(paths);
        }
        if let Some(data) = pass.config.as_mut().and_then(|config| config.data.as_mut()) {
            let facts = data.facts.iter_mut().map(|facts| &mut facts.files);
            let identity = data.identity.iter_mut().map(|identity| &mut identity.files);
            let tables = std::iter::once(&mut data.files).chain(facts).chain(identity);
            tables.zip(found).for_each(|(files, paths)| files.paths = paths);
        }
    }
    pass.finish()
}

/// Checks the text of a config without looking at the disk: patterns in the data path stay as they are.
///
/// # Errors
/// As [`load`], but for missing files.
pub fn parse(path: &Path, text: &str, overrides: &[Override]) -> Result<Warned<Config>, Vec<Diagnostic>> {
    Pass::over(path, text, overrides).finish()
}

/// The folders that data paths are relative to.
fn folders<'p>(path: &'p Path, overrides: &[Override]) -> Base<'p> {
    let own = path.parent().unwrap_or(Path::new(""));
    Base {
        data: if overrides.iter().any(Override::sets_data_path) { Path::new("") } else { own },
        own,
        overridden: overrides.iter().filter_map(|o| o.sets_facts_path().map(str::to_owned)).collect(),
    }
}

/// One pass over a text: what was understood and what was found.
struct Pass {
    config: Option<Config>,
    data: Option<Located>,
    sink: Sink,
}

impl Pass {
    fn over(path: &Path, text: &str, overrides: &[Override]) -> Pass {
        let text: Arc<str> = text.into();
        if let Some(sink) = syntax::check(path, &text, Node::root()) {
            return Pass { config: None, data: None, sink };
        }
        let mut changed = String::from(&*text);
        let mut misplaced = Vec::new();
        for change in overrides {
            match change.apply(&changed) {
                Ok(next) => changed = next,
                Err(problem) => misplaced.push(problem),
            }
        }
        let text: Arc<str> = if changed == *text { text } else { changed.into() };
        let mut sink = Sink::new(path, &text);
        misplaced.into_iter().for_each(|problem| sink.push_unplaced(problem));
        let (mut tree, _) = DeTable::parse_recoverable(&text);
        shape::check(&mut tree, Node::root(), &mut sink);
        let (config, data) = match raw::RawConfig::deserialize(toml::de::Deserializer::from(tree)) {
            Ok(raw) => check::check(&raw, path, &folders(path, overrides), &mut sink),
            // The shape agrees with the types, so this is reached only if a type reads less than its schema says.
            Err(error) => {
                let span = error.span().unwrap_or(0..0);
                sink.error(
                    codes::WRONG_TYPE,
                    &span,
                    error.message().to_owned(),
                    "compare with `itog schema`",
                );
                (None, None)
            }
        };
        Pass { config, data, sink }
    }

    fn finish(self) -> Result<Warned<Config>, Vec<Diagnostic>> {
        let has_errors = self.sink.has_errors();
        match self.config {
            Some(value) if !has_errors => Ok(Warned { value, warnings: self.sink.into_sorted() }),
            _ => Err(self.sink.into_sorted()),
        }
    }
}
