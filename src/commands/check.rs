//! `itog check`: configs and the headers of their data.

use std::path::PathBuf;

use itog::diag::Severity;
use itog::{config, data};

use super::{DONE, Outcome, PARTLY, USAGE, configs, overrides, print};
use crate::terminal;

pub fn check(paths: &[PathBuf], set: &[String], quiet: bool) -> Outcome {
    let overrides = overrides(set)?;
    let configs = configs(paths)?;
    let mut broken = 0;
    for path in &configs {
        let problems = match config::load(path, &overrides) {
            Err(problems) => problems,
            Ok(config) => {
                let mut said = config.warnings;
                if let Some(source) = &config.value.data {
                    match data::inspect(source, &config.value.metrics, &config.value.segments) {
                        Ok(header) => said.extend(header.warnings),
                        Err(problems) => said.extend(problems),
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
    Ok(match broken {
        0 => DONE,
        n if n == configs.len() => USAGE,
        _ => PARTLY,
    })
}
