//! `itog graph`: the architecture graph in other formats.

use std::path::Path;

use itog::diag::Diagnostic;
use itog::{config, drawing, graph};

use super::{Outcome, USAGE, print, stop};
use crate::cli::GraphFormat;

pub fn architecture(file: &Path, format: GraphFormat) -> Outcome {
    let config = config::load(file, &[]).or_else(|problems| stop(&problems, USAGE))?;
    let Some(architecture) = &config.value.architecture else {
        let problem = Diagnostic::error("graph::none", format!("{} has no [architecture]", file.display()));
        return stop(&[problem], USAGE);
    };
    print(&match format {
        GraphFormat::Mermaid => graph::mermaid(architecture),
        GraphFormat::Dot => graph::dot(architecture),
        GraphFormat::Json => graph::json(architecture, &graph::layout(architecture)),
        GraphFormat::Svg => {
            let drawing = graph::draw(&graph::layout(architecture), Some(&graph::Legend::default()));
            let options = drawing::svg::Options { label: &architecture.title, standalone: true };
            drawing::svg::svg(&drawing, &options)
        }
    })
}
