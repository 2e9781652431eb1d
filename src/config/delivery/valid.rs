//! The validated description of who gets which mail and how it travels.

use std::path::PathBuf;

/// Who gets what, and how: a checked `delivery.toml`.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// The file it was read from.
    pub path: PathBuf,
    /// Whether anything may be sent; nothing is queued or sent otherwise.
    pub enabled: bool,
    /// What is the same in every message.
    pub mail: Mail,
    /// The server.
    pub smtp: Smtp,
    /// Who gets the digest.
    pub managers: Vec<Manager>,
    /// Who gets the reports of their own experiments.
    pub owners: Vec<Owner>,
    /// Who gets a message when something failed.
    pub operators: Vec<Operator>,
}

/// A name and an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// The name that readers see.
    pub name: Option<String>,
    /// The address, ASCII.
    pub address: String,
}

impl Mailbox {
    /// What follows the `@`.
    pub fn domain(&self) -> &str {
        self.address.rsplit('@').next().unwrap_or("")
    }
}

/// `[mail]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Mail {
    /// Sender.
    pub from: Mailbox,
    /// Where answers go; to the sender when absent.
    pub reply_to: Option<Mailbox>,
    /// Where servers return what they cannot deliver (the envelope's sender); to the sender when absent.
    pub bounces_to: Option<Mailbox>,
    /// Where the output folder is published, without a slash at its end.
    pub base_url: Option<String>,
    /// PDFs up to this many bytes are attached, larger ones linked.
    pub attach_up_to: u64,
    /// `mailto:` and `https:` addresses of List-Unsubscribe, in order.
    pub unsubscribe: Vec<String>,
    /// Whether the `https:` one ends the subscription by one POST (RFC 8058).
    pub one_click: bool,
    /// What becomes of a message whose delivery is unknown.
    pub uncertain: Uncertain,
}

/// What becomes of a message whose connection was lost after its text was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uncertain {
    /// It waits for a person.
    Hold,
    /// It is sent again, though it may arrive twice.
    Resend,
}

/// `[smtp]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Smtp {
    /// Host name, which its certificate must bear.
    pub host: String,
    /// Port.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// Login name.
    pub username: Option<String>,
    /// Where the password is; present exactly when there is a login name.
    pub password: Option<Secret>,
    /// Certificates to trust beside those of the system.
    pub ca_file: Option<PathBuf>,
    /// How this machine calls itself in EHLO; the domain of the sender when absent.
    pub hello: Option<String>,
    /// Seconds after which a silent server is given up.
    pub timeout_seconds: u64,
    /// Tries of a message by one command.
    pub attempts: u32,
    /// Seconds before the second try; each further wait is twice as long.
    pub backoff_seconds: u64,
    /// Hours after which a message that never got through has failed.
    pub give_up_hours: u64,
}

/// How a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// STARTTLS, required.
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// None.
    None,
}

/// Where a password is; never the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// An environment variable.
    Environment(String),
    /// A file; relative to `delivery.toml`.
    File(PathBuf),
}

/// When a recipient hears of a night.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Every night.
    Always,
    /// When what is told differs from what this recipient was last told.
    News,
    /// When an action differs from the one this recipient was last told.
    Decision,
}

/// `[[manager]]`: a reader of the digest.
#[derive(Clone, Debug, PartialEq)]
pub struct Manager {
    /// Whom.
    pub to: Mailbox,
    /// Patterns of experiment ids.
    pub experiments: Vec<String>,
    /// When.
    pub when: When,
}

/// `[[owner]]`: who answers for experiments.
#[derive(Clone, Debug, PartialEq)]
pub struct Owner {
    /// As `[experiment] owner` names them.
    pub name: String,
    /// Whom.
    pub to: Mailbox,
    /// Patterns of experiment ids.
    pub experiments: Vec<String>,
    /// When.
    pub when: When,
    /// In which form.
    pub form: Form,
}

/// How an owner's experiments are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A message an experiment.
    Each,
    /// One digest of all of them.
    Digest,
}

/// `[[operator]]`: who keeps the night running.
#[derive(Clone, Debug, PartialEq)]
pub struct Operator {
    /// Whom.
    pub to: Mailbox,
    /// When.
    pub on: On,
}

/// What makes a message for operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// A failure, or data that a gate refused.
    Problems,
    /// A failure only.
    Failures,
    /// Every night.
    Always,
}

/// Whether one of the patterns means this experiment.
pub fn is_meant(patterns: &[String], id: &str) -> bool {
    patterns.iter().any(|pattern| glob::Pattern::new(pattern).is_ok_and(|pattern| pattern.matches(id)))
}
