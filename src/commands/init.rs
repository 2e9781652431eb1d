//! `itog init` and `itog templates`: example experiments with their data, and the built-in texts, as folders.

#![allow(clippy::disallowed_methods, reason = "these commands write the folder that they are asked for")]

use std::path::Path;

use itog::diag::Diagnostic;

use super::{Outcome, USAGE, print, stop};

pub fn init(dir: &Path) -> Outcome {
    write(dir, itog::demo::files())?;
    print(&format!("made {0}/config; now: cd {0} && itog run\n", dir.display()))
}

/// The built-in texts and, beside them, what narrative templates may read.
pub fn templates(dir: &Path) -> Outcome {
    let texts = itog::templates::builtin().into_iter().map(|(name, text)| (name, text.as_bytes().to_vec()));
    let facts = ("facts.json", itog::templates::FACTS.as_bytes().to_vec());
    write(dir, texts.chain([facts]).collect())?;
    print(&format!(
        "made {0}; change what you need, delete the rest, then: itog run --templates {0}\n",
        dir.display()
    ))
}

/// Writes files into a folder that is new or empty.
fn write(dir: &Path, files: Vec<(&str, Vec<u8>)>) -> Result<(), u8> {
    let problem = |message: String| stop(&[Diagnostic::error("init::folder", message)], USAGE);
    if dir.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        return problem(format!("{} is not empty; name a new folder", dir.display()));
    }
    let written = files.into_iter().try_for_each(|(name, bytes)| {
        let path = dir.join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(dir))?;
        std::fs::write(path, bytes)
    });
    written.or_else(|error| problem(format!("cannot write to {}: {error}", dir.display())))
}
