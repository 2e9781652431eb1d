//! `delivery.toml` as it is written: every key of every section, once.

use schemars::JsonSchema;

use super::super::choices::{Choice, Word};
use super::super::raw::At;
use super::valid::{Form, On, Security, Uncertain, When};

/// Who gets which mail, and how it travels.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "itog delivery", rename = "Delivery file")]
pub struct RawDelivery {
    /// Whether anything is queued and sent; `false` leaves `itog send --dry-run`.
    #[schemars(required, extend("examples" = [false]))]
    pub enabled: Option<At<bool>>,
    /// What is the same in every message.
    #[schemars(required)]
    pub mail: Option<At<RawMail>>,
    /// The server that takes the mail.
    #[schemars(required)]
    pub smtp: Option<At<RawSmtp>>,
    /// Readers of the digest.
    #[serde(default)]
    pub manager: Vec<At<RawManager>>,
    /// People who answer for experiments.
    #[serde(default)]
    pub owner: Vec<At<RawOwner>>,
    /// People who keep the night running.
    #[serde(default)]
    pub operator: Vec<At<RawOperator>>,
}

/// What is the same in every message.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "mail")]
pub struct RawMail {
    /// The sender that readers see.
    #[schemars(required, extend("minLength" = 1, "examples" = ["Итоги экспериментов <itog@example.ru>"]))]
    pub from: Option<At<String>>,
    /// Where answers go; to the sender unless said otherwise.
    #[schemars(extend("minLength" = 1, "examples" = ["analytics@example.ru"]))]
    pub reply_to: Option<At<String>>,
    /// Where servers return what they cannot deliver; to the sender unless said otherwise.
    #[schemars(extend("minLength" = 1, "examples" = ["itog-bounces@example.ru"]))]
    pub bounces_to: Option<At<String>>,
    /// Where the output folder is published: links lead to `<base_url>/<date>/<experiment>/report.html`.
    #[schemars(extend("minLength" = 1, "examples" = ["https://reports.example.ru/itog"]))]
    pub base_url: Option<At<String>>,
    /// PDFs up to this size are attached, larger ones linked; 4000 unless said otherwise, 0 links all.
    #[schemars(extend("minimum" = 0, "maximum" = 25000, "examples" = [4000]))]
    pub attach_up_to_kb: Option<At<u64>>,
    /// Addresses at which a reader leaves: `mailto:…`, `https://…`; a mail to `reply_to` unless said otherwise.
    /// `{address}` stands for the reader's address.
    #[serde(default)]
    #[schemars(inner(length(min = 1)), extend("examples" = [["mailto:itog@example.ru?subject=unsubscribe"]]))]
    pub unsubscribe: Vec<At<String>>,
    /// Whether the `https:` address ends the subscription by one POST request (RFC 8058); false unless said otherwise.
    pub one_click: Option<At<bool>>,
    /// What becomes of a message whose connection was lost after its text was sent; `hold` unless said otherwise.
    pub uncertain: Option<At<Word<Uncertain>>>,
}

/// The server that takes the mail.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "smtp")]
pub struct RawSmtp {
    /// Its name, as its certificate bears it.
    #[schemars(required, extend("minLength" = 1, "examples" = ["smtp.example.ru"]))]
    pub host: Option<At<String>>,
    /// 587 for `starttls`, 465 for `tls` and 25 for `none` unless said otherwise.
    #[schemars(extend("minimum" = 1, "maximum" = 65535, "examples" = [587]))]
    pub port: Option<At<u64>>,
    /// How the connection is protected; `starttls` unless said otherwise.
    pub security: Option<At<Word<Security>>>,
    /// Allows `security = "none"` with a server that is not this machine.
    pub allow_plaintext: Option<At<bool>>,
    /// Login name; none when the server takes mail without login.
    #[schemars(extend("minLength" = 1, "examples" = ["itog"]))]
    pub username: Option<At<String>>,
    /// Never here: a password in this file is refused. Use `password_env` or `password_file`.
    pub password: Option<At<String>>,
    /// The environment variable that holds the password.
    #[schemars(extend("minLength" = 1, "examples" = ["ITOG_SMTP_PASSWORD"]))]
    pub password_env: Option<At<String>>,
    /// The file that holds the password and nothing else, relative to this file.
    #[schemars(extend("minLength" = 1, "examples" = ["/etc/itog/smtp-password"]))]
    pub password_file: Option<At<String>>,
    /// Certificates (PEM) to trust beside those of the system, relative to this file.
    #[schemars(extend("minLength" = 1, "examples" = ["/etc/itog/ca.pem"]))]
    pub ca_file: Option<At<String>>,
    /// How this machine calls itself to the server; the domain of `from` unless said otherwise.
    #[schemars(extend("minLength" = 1, "examples" = ["itog.example.ru"]))]
    pub hello: Option<At<String>>,
    /// Seconds after which a silent server is given up; 60 unless said otherwise.
    #[schemars(extend("minimum" = 1, "maximum" = 600, "examples" = [60]))]
    pub timeout_seconds: Option<At<u64>>,
    /// Tries of a message by one command; 4 unless said otherwise.
    #[schemars(extend("minimum" = 1, "maximum" = 20, "examples" = [4]))]
    pub attempts: Option<At<u64>>,
    /// Seconds before the second try, each further wait twice as long; 30 unless said otherwise.
    #[schemars(extend("minimum" = 0, "maximum" = 3600, "examples" = [30]))]
    pub backoff_seconds: Option<At<u64>>,
    /// Hours after which a message that never got through has failed; 72 unless said otherwise.
    #[schemars(extend("minimum" = 1, "maximum" = 720, "examples" = [72]))]
    pub give_up_hours: Option<At<u64>>,
}

/// A reader of the digest.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "manager")]
pub struct RawManager {
    /// Name and address.
    #[schemars(required, extend("minLength" = 1, "examples" = ["Мария Ким <maria@example.ru>"]))]
    pub address: Option<At<String>>,
    /// Ids of experiments, `*` and `?` allowed; all unless said otherwise.
    #[serde(default)]
    #[schemars(inner(length(min = 1)), extend("examples" = [["pricing-*", "arppu"]]))]
    pub experiments: Vec<At<String>>,
    /// On which nights; `news` unless said otherwise.
    pub when: Option<At<Word<When>>>,
}

/// Who answers for experiments.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "owner")]
pub struct RawOwner {
    /// As `owner` under [experiment] names them.
    #[schemars(required, extend("minLength" = 1, "examples" = ["Анна Петрова"]))]
    pub name: Option<At<String>>,
    /// Name and address.
    #[schemars(required, extend("minLength" = 1, "examples" = ["Анна Петрова <anna@example.ru>"]))]
    pub address: Option<At<String>>,
    /// Ids of experiments, `*` and `?` allowed; all unless said otherwise.
    #[serde(default)]
    #[schemars(inner(length(min = 1)), extend("examples" = [["pricing-*", "arppu"]]))]
    pub experiments: Vec<At<String>>,
    /// On which nights; `news` unless said otherwise.
    pub when: Option<At<Word<When>>>,
    /// A message an experiment, or one digest of all; `each` unless said otherwise.
    pub form: Option<At<Word<Form>>>,
}

/// Who keeps the night running.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "operator")]
pub struct RawOperator {
    /// Name and address.
    #[schemars(required, extend("minLength" = 1, "examples" = ["duty@example.ru"]))]
    pub address: Option<At<String>>,
    /// What makes a message; `problems` unless said otherwise.
    pub on: Option<At<Word<On>>>,
}

impl Choice for Uncertain {
    const NAME: &'static str = "Uncertain";
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (Uncertain::Hold, "hold", "It waits for `itog send --retry-uncertain`; nothing arrives twice."),
        (Uncertain::Resend, "resend", "It is sent again, and may arrive twice."),
    ];
}

impl Choice for Security {
    const NAME: &'static str = "Security";
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (Security::Starttls, "starttls", "The connection turns to TLS before anything is said; required."),
        (Security::Tls, "tls", "TLS from the first byte."),
        (Security::None, "none", "Nothing is protected: only for a server on this machine."),
    ];
}

impl Choice for When {
    const NAME: &'static str = "When";
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (When::Always, "always", "Every night."),
        (When::News, "news", "When something is said that was not in the last message."),
        (When::Decision, "decision", "When an action is another one than in the last message."),
    ];
}

impl Choice for Form {
    const NAME: &'static str = "Form";
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (Form::Each, "each", "A message an experiment, each in its own thread."),
        (Form::Digest, "digest", "One digest of all of them."),
    ];
}

impl Choice for On {
    const NAME: &'static str = "On";
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (On::Problems, "problems", "A report that failed, or data that a gate refused."),
        (On::Failures, "failures", "A report that failed."),
        (On::Always, "always", "Every night."),
    ];
}
