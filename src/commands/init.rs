//! `itog init`: example experiments and their data.

#![allow(clippy::disallowed_methods, reason = "`itog init` writes the folder that it is asked for")]

use std::path::Path;

use itog::diag::Diagnostic;

use super::{Outcome, USAGE, print, stop};

pub fn init(dir: &Path) -> Outcome {
    let problem = |message: String| stop(&[Diagnostic::error("init::folder", message)], USAGE);
    if dir.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        return problem(format!("{} is not empty; name a new folder", dir.display()));
    }
    let written = itog::demo::files().into_iter().try_for_each(|(name, bytes)| {
        let path = dir.join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(dir))?;
        std::fs::write(path, bytes)
    });
    if let Err(error) = written {
        return problem(format!("cannot write to {}: {error}", dir.display()));
    }
    print(&format!("made {0}/config; now: cd {0} && itog run\n", dir.display()))
}
