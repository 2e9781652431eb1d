//! Arguments. One definition feeds the parser, the help and the shell completions.

mod archive;
mod send;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::civil::Date;

pub use archive::ArchiveCommand;
pub use send::SendArgs;

/// A/B experiments described in TOML become reports that a manager can decide from.
#[derive(Debug, Parser)]
#[command(name = "itog", version, about, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    /// Say nothing but errors
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Form of the log and of diagnostics on stderr
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub log_format: LogFormat,
    /// What the log says; info when stderr is not a terminal, error when it is
    #[arg(long, global = true, value_enum, value_name = "LEVEL")]
    pub log_level: Option<LogLevel>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make the reports of a night: HTML, PDF, charts, digest, archive
    Run(RunArgs),
    /// Make the nights that were missed, oldest first; only the newest is mailed
    CatchUp(CatchUpArgs),
    /// Tell how the last night went, what each experiment was told, and what waits or is stuck
    Status {
        #[command(flatten)]
        out: OutArgs,
        /// Form of the answer
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
    },
    /// Find out whether this machine is ready for unattended nights
    Doctor(DoctorArgs),
    /// Remove the folders of old nights; the archive keeps what it needs
    Prune {
        /// Keep the nights of so many days, counted back from the newest
        #[arg(long, value_name = "DAYSd", value_parser = days, conflicts_with = "keep_nights", required_unless_present = "keep_nights")]
        keep: Option<u32>,
        /// Keep so many nights
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        keep_nights: Option<u32>,
        /// Only say what would be removed
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        out: OutArgs,
        /// Form of the answer
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
    },
    /// Read and validate configs and the headers of their data; run nothing
    Check {
        /// Config files or folders
        #[arg(default_value = "config")]
        paths: Vec<PathBuf>,
        #[command(flatten)]
        set: SetArgs,
        #[command(flatten)]
        texts: TemplateArgs,
    },
    /// Print the results of one config as JSON; write no file
    Analyze {
        /// Config file
        file: PathBuf,
        #[command(flatten)]
        set: SetArgs,
        #[command(flatten)]
        texts: TemplateArgs,
        /// Data date; today when not given
        #[arg(long, value_name = "YYYY-MM-DD")]
        date: Option<Date>,
    },
    /// Prove on the data themselves that the deciding tests hold their error rate: an A/A run of thousands of relabellings
    Validate {
        /// Config file
        file: PathBuf,
        #[command(flatten)]
        set: SetArgs,
        /// Data date; today when not given
        #[arg(long, value_name = "YYYY-MM-DD")]
        date: Option<Date>,
        /// Relabellings; 20 000 when not given
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(100..=1_000_000))]
        iterations: Option<u64>,
        /// Output format
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
    },
    /// Answer how many users and days an experiment needs, from flags alone
    Plan(PlanArgs),
    /// Print the architecture graph of a config as Mermaid, DOT or SVG
    Graph {
        /// Config file
        file: PathBuf,
        /// Output format
        #[arg(long, value_enum, default_value_t = GraphFormat::Mermaid)]
        format: GraphFormat,
    },
    /// Read the archive of decisions, and take decisions down in it
    Archive {
        #[command(subcommand)]
        command: ArchiveCommand,
        #[command(flatten)]
        out: OutArgs,
    },
    /// Deliver what is in the outbox
    Send(SendArgs),
    /// Make a folder with example experiments and their data
    Init {
        /// Folder to make; it must not exist or must be empty
        #[arg(required_unless_present = "systemd")]
        dir: Option<PathBuf>,
        /// Print systemd units and a cron line instead, or write them into this folder
        #[arg(long, value_name = "DIR", num_args = 0..=1, conflicts_with = "dir")]
        systemd: Option<Option<PathBuf>>,
    },
    /// Serve a batch: jobs on stdin, answers on stdout; started by `itog run`
    #[command(hide = true)]
    Worker {
        /// Tell where the time of each experiment went
        #[arg(long)]
        timings: bool,
        #[command(flatten)]
        texts: TemplateArgs,
    },
    /// Write the built-in templates, style sheet and terms into a folder, to be changed and given to --templates
    Templates {
        /// Folder to make; it must not exist or must be empty
        dir: PathBuf,
    },
    /// Print the JSON Schema of the config, for editors
    Schema {
        /// The schema of delivery.toml instead
        #[arg(long)]
        delivery: bool,
    },
    /// Print the completions of a shell
    Completions {
        /// Shell
        shell: clap_complete::Shell,
    },
}

/// Output folder.
#[derive(Debug, Args)]
pub struct OutArgs {
    /// Output folder
    #[arg(long, value_name = "DIR", default_value = "output", global = true)]
    pub out: PathBuf,
}

/// Overrides of config keys.
#[derive(Debug, Args)]
pub struct SetArgs {
    /// Override one config key, as --set data.path=other.csv; repeatable
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
}

/// Texts of the user's own.
#[derive(Debug, Args)]
pub struct TemplateArgs {
    /// Folder with templates and terms in place of the built-in ones; `itog templates DIR` writes those
    #[arg(long, value_name = "DIR")]
    pub templates: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub night: NightArgs,
    /// Data date; today when not given
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub date: Option<Date>,
    /// Only the experiment with this id
    #[arg(long, value_name = "ID")]
    pub only: Option<String>,
    /// Keep experiments whose report is complete for the same inputs, those of a killed run included
    #[arg(long)]
    pub resume: bool,
    /// Tell where the time went: a table on stderr, or `timings` in the summary with --format json
    #[arg(long)]
    pub timings: bool,
}

#[derive(Debug, Args)]
pub struct CatchUpArgs {
    #[command(flatten)]
    pub night: NightArgs,
    /// Nights to make at most; older ones stay missing
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..))]
    pub max: u16,
    /// The last data date; today when not given
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub until: Option<Date>,
}

#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Config files or folders
    #[arg(default_value = "config")]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub out: OutArgs,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// What every night is made with.
#[derive(Debug, Args)]
pub struct NightArgs {
    /// Config files or folders
    #[arg(default_value = "config")]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub out: OutArgs,
    #[command(flatten)]
    pub set: SetArgs,
    #[command(flatten)]
    pub templates: TemplateArgs,
    /// Experiments made at the same time, each in a process of its own; as many as processors when not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// Largest data file that the archive keeps a copy of, as 500K, 16M, 2G; 0 for none
    #[arg(long, value_name = "SIZE", default_value = "16M", value_parser = size)]
    pub keep_inputs: u64,
    /// How long one experiment may take unless its config says so, as 90s, 10m, 2h, or none
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = timeout)]
    pub timeout: Timeout,
    /// Read all rows again where nights add to the sums of the nights before (incremental = true)
    #[arg(long)]
    pub full: bool,
    /// Queue and send no mail, whatever delivery.toml says
    #[arg(long)]
    pub no_send: bool,
    /// Write metrics of the run for Prometheus' textfile collector to this file
    #[arg(long, value_name = "FILE")]
    pub metrics: Option<PathBuf>,
    /// Form of the summary on stdout
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// A time limit, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeout(pub Option<Duration>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people
    Text,
    /// A JSON object a line
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum LogLevel {
    /// What failed
    Error,
    /// And what the operator should know
    Warn,
    /// And what was done
    Info,
    /// And how
    Debug,
    /// And everything
    Trace,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Lines for people
    Human,
    /// JSON for programs
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// Mermaid flowchart
    Mermaid,
    /// Graphviz DOT
    Dot,
    /// SVG picture
    Svg,
    /// The layout as JSON: boxes and the corners of the links, in points
    Json,
}

#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Present rate, or present mean together with --sd
    #[arg(long)]
    pub baseline: f64,
    /// Absolute change to be seen
    #[arg(
        long,
        conflicts_with = "relative_lift",
        required_unless_present = "relative_lift",
        allow_hyphen_values = true
    )]
    pub lift: Option<f64>,
    /// Change to be seen as a share of the baseline
    #[arg(long, allow_hyphen_values = true)]
    pub relative_lift: Option<f64>,
    /// Standard deviation of a unit; makes this a plan for a mean
    #[arg(long)]
    pub sd: Option<f64>,
    /// Significance level
    #[arg(long, default_value_t = 0.05)]
    pub alpha: f64,
    /// Power
    #[arg(long, default_value_t = 0.8)]
    pub power: f64,
    /// Groups that share the traffic
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(2..=100))]
    pub groups: u32,
    /// Users in a number of days, as 40000/30d
    #[arg(long, value_name = "USERS/DAYSd", value_parser = traffic)]
    pub traffic: Option<(f64, f64)>,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// Parses a size in bytes: `500K`, `16M`, `2G`, in powers of 1024.
fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no size; write it as 500K, 16M or 2G");
    let upper = text.trim().to_ascii_uppercase();
    let units = [('K', 1 << 10), ('M', 1 << 20), ('G', 1 << 30)];
    let with_unit = units.iter().find_map(|(letter, unit)| Some((upper.strip_suffix(*letter)?, *unit)));
    let (number, unit) = with_unit.unwrap_or((upper.as_str(), 1));
    number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit)).ok_or_else(wrong)
}

/// Parses `90d`.
fn days(text: &str) -> Result<u32, String> {
    let number = text.trim().strip_suffix('d').unwrap_or(text.trim());
    number.parse().map_err(|_| format!("`{text}` is not a number of days; write it as 90d"))
}

/// Parses a time limit.
fn timeout(text: &str) -> Result<Timeout, String> {
    if text == "none" {
        return Ok(Timeout(None));
    }
    let wrong = || format!("`{text}` is not a time limit; write it as 90s, 10m or 2h, or none");
    itog::config::duration(text).map(|limit| Timeout(Some(limit))).ok_or_else(wrong)
}

/// Parses `40000/30d`.
fn traffic(text: &str) -> Result<(f64, f64), String> {
    let wrong = || format!("`{text}` is not users per days; write it as 40000/30d");
    let (users, days) = text.split_once('/').ok_or_else(wrong)?;
    let users: f64 = users.trim().parse().map_err(|_| wrong())?;
    let days: f64 = days.trim().trim_end_matches('d').parse().map_err(|_| wrong())?;
    let valid = |x: f64| x.is_finite() && x > 0.0;
    if valid(users) && valid(days) { Ok((users, days)) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_size_is_a_number_with_a_unit() {
        assert_eq!((size("0"), size("16M"), size("2g")), (Ok(0), Ok(16 << 20), Ok(2 << 30)));
        assert!(size("many").is_err() && size("1KK").is_err() && size("99999999999G").is_err());
    }

    #[test]
    fn a_time_limit_is_a_length_or_none() {
        assert_eq!(timeout("10m"), Ok(Timeout(Some(Duration::from_secs(600)))));
        assert_eq!(timeout("none"), Ok(Timeout(None)));
        assert!(timeout("0s").is_err() && timeout("later").is_err());
    }

    #[test]
    fn traffic_is_users_per_days() {
        assert_eq!(traffic("40000/30d"), Ok((40000.0, 30.0)));
        assert_eq!(traffic("1e6 / 7"), Ok((1e6, 7.0)));
        assert!(traffic("40000").is_err());
        assert!(traffic("0/30d").is_err());
    }
}
