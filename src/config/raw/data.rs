//! `[data]` as it is written.

use schemars::JsonSchema;

use super::super::choices::Word;
use super::super::valid::{Engine, OnBroken, Streaming};
use super::{At, ID, Named};

/// Where the rows are and what their columns mean.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "data")]
pub struct RawData {
    /// CSV or Parquet files, relative to the config; `*`, `?` and `[…]` match several. Needed unless `source` is given.
    #[schemars(extend("minLength" = 1, "examples" = ["data/ab_stats.csv", "data/2024-03-*.parquet"]))]
    pub path: Option<At<String>>,
    /// The rows are in a database, which is asked for their sums.
    pub source: Option<At<Word<Engine>>>,
    /// Table or view of the database, with its schema where it has one.
    #[schemars(extend("minLength" = 1, "examples" = ["analytics.ab_stats"]))]
    pub table: Option<At<String>>,
    /// A SELECT that gives the rows, instead of `table`.
    #[schemars(extend("minLength" = 1, "examples" = ["SELECT * FROM events WHERE experiment = 'x'"]))]
    pub query: Option<At<String>>,
    /// Name of the environment variable with the address of the database: `postgresql://user:password@host:5432/base`,
    /// `https://user:password@host:8443/?database=base`; ITOG_POSTGRES_URL or ITOG_CLICKHOUSE_URL when absent.
    #[schemars(extend("minLength" = 1, "examples" = ["DWH_URL"]))]
    pub url_env: Option<At<String>>,
    /// Name of the environment variable with the password, where the address has none.
    #[schemars(extend("minLength" = 1, "examples" = ["DWH_PASSWORD"]))]
    pub password_env: Option<At<String>>,
    /// Seconds that the database may take to answer; 600 unless said otherwise.
    #[schemars(extend("minimum" = 1, "maximum" = 86400, "examples" = [1800]))]
    pub timeout: Option<At<u64>>,
    /// Separator of CSV columns; found out when absent.
    #[schemars(extend("minLength" = 1, "maxLength" = 1, "examples" = [";"]))]
    pub separator: Option<At<String>>,
    /// Decimal mark of CSV numbers; found out when absent.
    #[schemars(extend("enum" = [".", ","], "examples" = [","]))]
    pub decimal: Option<At<String>>,
    /// Text encoding; found out when absent and certain.
    #[schemars(extend("minLength" = 1, "examples" = ["windows-1251"]))]
    pub encoding: Option<At<String>>,
    /// Column with the group.
    #[schemars(required, extend("minLength" = 1, "examples" = ["ab_group"]))]
    pub group: Option<At<String>>,
    /// Column with the unit of randomisation: several rows of a unit are added up. Each row is a unit when absent.
    #[schemars(extend("minLength" = 1, "examples" = ["user_id"]))]
    pub unit: Option<At<String>>,
    /// Column with the time of the row; the earliest row of a unit is its first exposure.
    #[schemars(extend("minLength" = 1, "examples" = ["event_time"]))]
    pub time: Option<At<String>>,
    /// Column with the number of units that a row stands for, where exposures are known as counts only, such as visitors
    /// by day. Not together with `unit`.
    #[schemars(extend("minLength" = 1, "examples" = ["visitors"]))]
    pub count: Option<At<String>>,
    /// Outcomes in other files, joined by unit.
    #[serde(default)]
    pub facts: Vec<At<RawFacts>>,
    /// Which devices are one user, where units are devices.
    pub identity: Option<At<RawIdentity>>,
    /// Days between the last data and the data date after which the report says that they are stale; needs `time`.
    #[schemars(extend("minimum" = 0, "examples" = [2]))]
    pub warn_after: Option<At<u64>>,
    /// Days between the last data and the data date after which they are refused; needs `time`.
    #[schemars(extend("minimum" = 0, "examples" = [7]))]
    pub error_after: Option<At<u64>>,
    /// Whether the rows are read in parts, of which only sums stay; `auto` unless said otherwise.
    pub streaming: Option<At<Word<Streaming>>>,
    /// Rows of past days stay as they are, so that a night takes their sums from the archive and reads the days after them
    /// only; false unless said otherwise. Needs `time`; each row is a unit.
    pub incremental: Option<At<bool>>,
    /// With `incremental`: so many days up to the data date may still get rows and are read again each night; 2 unless said
    /// otherwise.
    #[schemars(extend("minimum" = 1, "maximum" = 365, "examples" = [3]))]
    pub late_days: Option<At<u64>>,
    /// What happens to rows that cannot be read; `refuse` unless said otherwise.
    pub malformed: Option<At<Word<OnBroken>>>,
    /// Fewest rows the analysis accepts; 1 unless said otherwise.
    #[schemars(extend("minimum" = 1))]
    pub min_rows: Option<At<u64>>,
    /// Validity rules by column, reported and gated.
    pub columns: Option<At<Named<RawColumn>>>,
}

/// Which devices are one user: devices of one user in two groups are left out, the others are added up by user.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "identity")]
pub struct RawIdentity {
    /// CSV or Parquet files, relative to the config; `*`, `?` and `[…]` match several.
    #[schemars(required, extend("minLength" = 1, "examples" = ["data/devices.csv"]))]
    pub path: Option<At<String>>,
    /// Separator of CSV columns; found out when absent.
    #[schemars(extend("minLength" = 1, "maxLength" = 1, "examples" = [";"]))]
    pub separator: Option<At<String>>,
    /// Text encoding; found out when absent and certain.
    #[schemars(extend("minLength" = 1, "examples" = ["windows-1251"]))]
    pub encoding: Option<At<String>>,
    /// Column with the device, the unit of [data].
    #[schemars(required, extend("minLength" = 1, "examples" = ["device_id"]))]
    pub device: Option<At<String>>,
    /// Column with the user.
    #[schemars(required, extend("minLength" = 1, "examples" = ["user_id"]))]
    pub user: Option<At<String>>,
}

/// What the units did, in files of its own; what happened before a unit's first exposure is left out.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "facts")]
pub struct RawFacts {
    /// The name that metrics refer to with `from`.
    #[schemars(required, extend("pattern" = ID, "examples" = ["orders"]))]
    pub name: Option<At<String>>,
    /// Title shown to readers; the name when absent.
    #[schemars(extend("minLength" = 1))]
    pub title: Option<At<String>>,
    /// CSV or Parquet files, relative to the config; `*`, `?` and `[…]` match several. Needed unless `[data]` names a `source`.
    #[schemars(extend("minLength" = 1, "examples" = ["data/orders.csv"]))]
    pub path: Option<At<String>>,
    /// Table or view of the database that `[data]` names.
    #[schemars(extend("minLength" = 1, "examples" = ["analytics.orders"]))]
    pub table: Option<At<String>>,
    /// A SELECT that gives the rows, instead of `table`.
    #[schemars(extend("minLength" = 1, "examples" = ["SELECT * FROM orders WHERE paid"]))]
    pub query: Option<At<String>>,
    /// Separator of CSV columns; found out when absent.
    #[schemars(extend("minLength" = 1, "maxLength" = 1, "examples" = [";"]))]
    pub separator: Option<At<String>>,
    /// Decimal mark of CSV numbers; found out when absent.
    #[schemars(extend("enum" = [".", ","], "examples" = [","]))]
    pub decimal: Option<At<String>>,
    /// Text encoding; found out when absent and certain.
    #[schemars(extend("minLength" = 1, "examples" = ["windows-1251"]))]
    pub encoding: Option<At<String>>,
    /// Column with the unit.
    #[schemars(required, extend("minLength" = 1, "examples" = ["visitor"]))]
    pub unit: Option<At<String>>,
    /// Column with the group; needed where exposures are counts, else checked against the exposures.
    #[schemars(extend("minLength" = 1, "examples" = ["group"]))]
    pub group: Option<At<String>>,
    /// Column with the time of the row.
    #[schemars(extend("minLength" = 1, "examples" = ["date"]))]
    pub time: Option<At<String>>,
    /// What happens to rows that cannot be read; `refuse` unless said otherwise.
    pub malformed: Option<At<Word<OnBroken>>>,
    /// Fewest rows the analysis accepts; 1 unless said otherwise.
    #[schemars(extend("minimum" = 1))]
    pub min_rows: Option<At<u64>>,
    /// Validity rules by column, reported and gated.
    pub columns: Option<At<Named<RawColumn>>>,
}

/// The validity rule of one column.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "column")]
pub struct RawColumn {
    /// Title shown to readers.
    #[schemars(extend("minLength" = 1))]
    pub title: Option<At<String>>,
    /// Unit of measurement shown to readers.
    #[schemars(extend("minLength" = 1, "examples" = ["₽"]))]
    pub unit: Option<At<String>>,
    /// Smallest valid value.
    pub min: Option<At<f64>>,
    /// Largest valid value.
    pub max: Option<At<f64>>,
    /// Missing values are invalid.
    pub required: Option<At<bool>>,
    /// What happens to rows that break the rule; `report` unless said otherwise.
    pub invalid: Option<At<Word<OnBroken>>>,
}
