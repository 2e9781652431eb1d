//! `itog check`: configs and the headers of their data.

use std::path::{Path, PathBuf};

use itog::diag::{Diagnostic, Place, Severity};
use itog::{batch, config, data, warehouse};

use super::{DONE, Outcome, PARTLY, USAGE, configs, overrides, print, templates};
use crate::terminal;

pub fn check(paths: &[PathBuf], set: &[String], texts: Option<&Path>, quiet: bool) -> Outcome {
    let overrides = overrides(set)?;
    templates(texts)?;
    let configs = configs(paths)?;
    let mut broken = 0;
    let mut described: Vec<(String, &PathBuf)> = Vec::new();
    let mut experiments = Vec::new();
    let mut databases = warehouse::Inspector::default();
    for path in &configs {
        let problems = match config::load(path, &overrides) {
            Err(problems) => problems,
            Ok(config) => {
                let experiment = &config.value.experiment;
                experiments.push((experiment.id.clone(), experiment.owner.clone()));
                let mut said = config.warnings;
                match described.iter().find(|(id, _)| *id == experiment.id) {
                    Some((id, first)) => said.push(batch::duplicate(id, first).at(Place::file(path))),
                    None => described.push((experiment.id.clone(), path)),
                }
                let of_config = |problem: Diagnostic| problem.of_config(path);
                if config.value.data.as_ref().is_some_and(|source| source.warehouse.is_some()) {
                    let wrong = databases.inspect(&config.value).err().unwrap_or_default();
                    said.extend(wrong.into_iter().map(of_config));
                } else if let Some(source) = &config.value.data {
                    match data::inspect(source, &config.value.metrics, &config.value.segments) {
                        Ok(header) => said.extend(header.warnings),
                        Err(problems) => said.extend(problems.into_iter().map(of_config)),
                    }
                }
                said
            }
        };
        let wrong = problems.iter().any(|p| p.severity == Severity::Error);
        broken += usize::from(wrong);
        terminal::print(&problems);
        if !quiet && !wrong {
            print(&format!("{}: ok\n", path.display()))?;
        }
    }
    let is_delivery_wrong = delivery(paths, &experiments, quiet)?;
    Ok(match broken {
        0 if is_delivery_wrong => USAGE,
        0 => DONE,
        n if n == configs.len() => USAGE,
        _ => PARTLY,
    })
}

/// Checks the `delivery.toml` of the folders, and it against the experiments; whether it is wrong.
fn delivery(paths: &[PathBuf], experiments: &[(String, Option<String>)], quiet: bool) -> Result<bool, u8> {
    let Some(path) = config::delivery::find(paths) else { return Ok(false) };
    let read = config::delivery::load(&path);
    let (problems, is_wrong) = match &read {
        Err(problems) => (problems.clone(), true),
        Ok(read) => {
            let gaps = config::delivery::gaps(&read.value, experiments);
            (read.warnings.iter().cloned().chain(gaps).collect(), false)
        }
    };
    terminal::print(&problems);
    if !quiet && !is_wrong {
        print(&format!("{}: ok\n", path.display()))?;
    }
    Ok(is_wrong)
}
