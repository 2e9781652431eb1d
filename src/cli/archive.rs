//! Arguments of `itog archive`.

use std::path::PathBuf;

use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use itog::history::Outcome;
use jiff::civil::Date;

use super::Format;

#[derive(Debug, Subcommand)]
pub enum ArchiveCommand {
    /// List the archived recommendations in order, with the decisions that people took on them
    List {
        /// Form of the list
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
    },
    /// Show everything of an experiment, or of one recommendation by its number in the list
    Show {
        /// Experiment id, or a number of `archive list`; an id of digits goes before a number
        #[arg(value_name = "ID|SEQ")]
        what: String,
        /// Form of the answer
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
    },
    /// Take down what people decided about an experiment; a later decision supersedes the one that stands
    Decide {
        /// Experiment id
        id: String,
        /// What was decided
        #[arg(long, value_parser = outcomes())]
        outcome: Outcome,
        /// Who decided
        #[arg(long, value_name = "NAME")]
        by: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// The day to look at it again
        #[arg(long, value_name = "YYYY-MM-DD")]
        review_on: Option<Date>,
        /// Refuse unless this decision is the one that stands; whichever stands is superseded when not given
        #[arg(long, value_name = "N")]
        supersedes: Option<i64>,
    },
    /// Find words in titles, hypotheses, owners, headlines and decisions, in whatever form they stand
    Search {
        /// Words; all of them must occur in a text
        #[arg(required = true, value_name = "WORD")]
        words: Vec<String>,
        /// Most places shown
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
        /// Form of the answer
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
    },
    /// Check that nothing in the archive was changed, and name the record where something was
    Verify {
        /// Read every stored file and the folders of dates, too
        #[arg(long)]
        deep: bool,
        /// A chain head printed in a digest: it must still be part of the chain
        #[arg(long, value_name = "HASH")]
        witness: Option<String>,
        /// Form of the answer
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
    },
    /// Write the archive as a BagIt folder (RFC 8493): records as JSON lines, stored files, the database
    Export {
        /// Folder to make; it must not exist or must be empty
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
    /// Compute archived runs again from what was stored, and compare the results; all runs when none is named
    Replay {
        /// Run key or its beginning, number of `archive list`, or experiment id
        #[arg(value_name = "RUN")]
        runs: Vec<String>,
        /// Form of the answer
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
    },
    /// Count what became of the experiments: shipped, kept, stopped, how long it took, what it brought
    Scorecard {
        /// Form of the answer
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
    },
}

/// The names of outcomes, listed in the help.
fn outcomes() -> impl TypedValueParser<Value = Outcome> {
    PossibleValuesParser::new(Outcome::ALL.map(Outcome::name))
        .try_map(|name| Outcome::of_name(&name).ok_or("an unknown outcome"))
}
