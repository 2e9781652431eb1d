//! `itog archive replay`: archived runs, made again.

use std::path::Path;

use itog::deliver::archive::objects::Objects;
use itog::deliver::archive::{Archive, Run};
use itog::diag::Diagnostic;
use itog::replay::{self, Prepared, Replayed};
use rayon::prelude::*;
use serde_json::json;

use super::{DONE, FAILED, Outcome, PARTLY, USAGE, print, print_json, read, stop};
use crate::cli::Format;
use crate::{commands, terminal};

pub fn replay(archive: &Archive, wanted: &[String], format: Format, out: &Path) -> Outcome {
    let runs = chosen(archive, wanted, out)?;
    let templates = commands::templates(None)?;
    let objects = Objects::of(out);
    let prepared = runs
        .into_iter()
        .map(|run| read(replay::prepare(archive, run), out))
        .collect::<Result<Vec<Prepared>, u8>>()?;
    let replayed: Vec<(Prepared, Replayed)> = prepared
        .into_par_iter()
        .map(|prepared| {
            let replayed = replay::replay(&prepared, &objects, &templates);
            (prepared, replayed)
        })
        .collect();
    tell(&replayed, format)?;
    let differs =
        |(_, replayed): &(Prepared, Replayed)| matches!(replayed, Replayed::Differs(_) | Replayed::Failed(_));
    let not_kept = |(_, replayed): &(Prepared, Replayed)| matches!(replayed, Replayed::NotKept(_));
    Ok(if replayed.iter().any(differs) {
        FAILED
    } else if replayed.iter().any(not_kept) {
        PARTLY
    } else {
        DONE
    })
}

/// The runs that were named: by key or its beginning, by number of the list, by experiment; all when none is.
fn chosen(archive: &Archive, wanted: &[String], out: &Path) -> Result<Vec<Run>, u8> {
    let all = read(archive.runs(), out)?;
    if wanted.is_empty() {
        return Ok(all);
    }
    let entries = read(archive.list(), out)?;
    let mut chosen: Vec<Run> = Vec::new();
    for name in wanted {
        let numbered = name.parse().ok().and_then(|seq: i64| entries.iter().find(|entry| entry.seq == seq));
        let is_meant = |run: &&Run| match all.iter().any(|run| run.experiment == *name) {
            true => run.experiment == *name,
            false => match numbered {
                Some(entry) => run.run_key == entry.run_key,
                None => name.len() >= 6 && run.run_key.starts_with(name.as_str()),
            },
        };
        let meant: Vec<&Run> = all.iter().filter(is_meant).collect();
        if meant.is_empty() {
            let message = format!("no archived run is named `{name}`");
            let problem = Diagnostic::error("archive::unknown-run", message).hint(
                "name an experiment, a number of `itog archive list` or six characters of a run key; runs of versions \
                 before the store cannot be replayed",
            );
            return stop(&[problem], USAGE);
        }
        chosen.extend(meant.into_iter().cloned());
    }
    chosen.sort_by_key(|run| run.seq);
    chosen.dedup_by_key(|run| run.seq);
    Ok(chosen)
}

fn tell(replayed: &[(Prepared, Replayed)], format: Format) -> Result<(), u8> {
    if format == Format::Json {
        let one = |(prepared, replayed): &(Prepared, Replayed)| {
            let (result, what) = match replayed {
                Replayed::Equal(others) => ("equal", others.clone()),
                Replayed::Differs(keys) => ("differs", keys.clone()),
                Replayed::NotKept(inputs) => ("not-kept", inputs.clone()),
                Replayed::Failed(problems) => ("failed", problems.iter().map(ToString::to_string).collect()),
            };
            let run = &prepared.run;
            json!({
                "run_key": run.run_key, "experiment": run.experiment, "data_date": run.data_date, "tool": run.tool,
                "result": result, "what": what,
            })
        };
        return print_json(&replayed.iter().map(one).collect()).map(drop);
    }
    for (prepared, replayed) in replayed {
        let run = &prepared.run;
        let (said, what) = match replayed {
            Replayed::Equal(others) if others.is_empty() => ("equal", Vec::new()),
            Replayed::Equal(others) => {
                ("equal results; these files differ", others.iter().map(String::as_str).collect())
            }
            Replayed::Differs(keys) => ("differs", keys.iter().map(String::as_str).collect::<Vec<_>>()),
            Replayed::NotKept(inputs) => ("inputs not kept", inputs.iter().map(String::as_str).collect()),
            Replayed::Failed(problems) => {
                terminal::print(problems);
                ("failed", Vec::new())
            }
        };
        let mut text = format!(
            "{}  {:<20} {}  {said}",
            run.data_date,
            run.experiment,
            &run.run_key[..12.min(run.run_key.len())]
        );
        if run.tool != itog::report::GENERATOR && !matches!(replayed, Replayed::NotKept(_)) {
            text.push_str(&format!(" (made by {}, replayed by {})", run.tool, itog::report::GENERATOR));
        }
        text.push('\n');
        what.iter().for_each(|line| text.push_str(&format!("            {line}\n")));
        print(&text)?;
    }
    Ok(())
}
