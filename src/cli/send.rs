//! Arguments of `itog send`.

use std::path::PathBuf;

use clap::Args;
use jiff::civil::Date;

use super::{Format, OutArgs, TemplateArgs};

#[derive(Debug, Args)]
pub struct SendArgs {
    #[command(flatten)]
    pub out: OutArgs,
    #[command(flatten)]
    pub templates: TemplateArgs,
    /// Who gets which mail
    #[arg(long, value_name = "FILE", default_value = "config/delivery.toml")]
    pub delivery: PathBuf,
    /// Write the messages as .eml files and send nothing
    #[arg(long, conflicts_with_all = ["status", "retry_uncertain", "retry_failed", "cancel"])]
    pub dry_run: bool,
    /// Folder of the .eml files; `outbox` in the output folder when not given
    #[arg(long, value_name = "DIR", requires = "dry_run")]
    pub to: Option<PathBuf>,
    /// Queue the mail of this night again, also when a later one was told; with --dry-run, show all of it
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub night: Option<Date>,
    /// Try each message once, without pauses
    #[arg(long)]
    pub once: bool,
    /// List what waits, failed or is uncertain; send nothing
    #[arg(long, conflicts_with_all = ["night", "once"])]
    pub status: bool,
    /// Send uncertain messages again, which may then arrive twice: their numbers in --status, or `all`
    #[arg(long, value_name = "ID", num_args = 1..)]
    pub retry_uncertain: Vec<String>,
    /// Send failed messages again: their numbers in --status, or `all`
    #[arg(long, value_name = "ID", num_args = 1..)]
    pub retry_failed: Vec<String>,
    /// Take back messages that wait, failed or are uncertain: their numbers in --status, or `all`
    #[arg(long, value_name = "ID", num_args = 1..)]
    pub cancel: Vec<String>,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}
