//! `itog prune`: nights that have been kept long enough.

use std::path::Path;

use itog::deliver::nights::{self, Keep};
use itog::diag::Diagnostic;
use serde_json::json;

use super::night::take;
use super::{FAILED, Outcome, USAGE, print, print_json, stop};
use crate::cli::Format;

pub fn prune(keep: Keep, dry_run: bool, format: Format, out: &Path) -> Outcome {
    if !out.is_dir() {
        let message = format!("there is no folder {}", out.display());
        return stop(&[Diagnostic::error("prune::none", message).hint("name it with --out DIR")], USAGE);
    }
    let _lock = if dry_run { None } else { Some(take(out)?) };
    let all = nights::nights(out);
    let outlived = nights::outlived(&all, keep);
    let mut freed = 0;
    for night in &outlived {
        freed += nights::size(out, *night);
        if !dry_run {
            nights::remove(out, *night).or_else(|error| {
                let message = format!("cannot remove the night {night}: {error}");
                let hint = "check the permissions; the archive and the other nights are not touched";
                stop(&[Diagnostic::error("prune::failed", message).hint(hint)], FAILED)
            })?;
            tracing::info!(data_date = %night, "removed a night");
        }
    }
    let names: Vec<String> = outlived.iter().map(ToString::to_string).collect();
    let kept = all.len() - outlived.len();
    if format == Format::Json {
        return print_json(&json!({ "dry_run": dry_run, "removed": names, "kept": kept, "bytes": freed }));
    }
    let verb = if dry_run { "would remove" } else { "removed" };
    let lines: String = names.iter().map(|name| format!("{verb} {name}\n")).collect();
    print(&format!("{lines}{verb} {} nights, {} MiB; {kept} stay\n", names.len(), freed >> 20))
}
