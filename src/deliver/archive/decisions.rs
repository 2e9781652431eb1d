//! Decisions of people: what was done about an experiment, by whom and why.
//!
//! At most one decision of an experiment stands. A new one supersedes the one that stands; nothing is changed or taken
//! back. Who means to correct a certain decision names it, and is refused when another one stands meanwhile.

use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Row, TransactionBehavior};
use serde::Serialize;

use super::chain::Chained;
use super::{Archive, Failure, Result, seals};

/// The table.
pub const TABLE: Chained = Chained {
    name: "decisions",
    genesis: "itog.decisions.v1",
    columns: &[
        "experiment",
        "outcome",
        "decided_by",
        "reason",
        "review_on",
        "decided_at",
        "recommendation",
        "supersedes",
    ],
    sealed: true,
};

/// One decision as archived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Position in the chain, from 1.
    pub seq: i64,
    /// Experiment id.
    pub experiment: String,
    /// `ship`, `rollback`, `iterate`, `inconclusive`, `invalid`, `stopped-early`.
    pub outcome: String,
    /// Who decided.
    #[serde(rename = "by")]
    pub decided_by: String,
    /// Why.
    pub reason: String,
    /// The day to look at it again, when one was named.
    pub review_on: Option<String>,
    /// When it was written down, UTC.
    pub decided_at: String,
    /// The recommendation that was the experiment's last one then: of its newest night, and of several runs of it the last.
    pub recommendation: Option<i64>,
    /// The decision that it took the place of.
    pub supersedes: Option<i64>,
    /// The decision that took its place; it stands while there is none.
    pub superseded_by: Option<i64>,
    /// Hash that binds this decision to all before it.
    pub chain: String,
}

/// What somebody decided.
#[derive(Clone, Debug)]
pub struct NewDecision<'a> {
    /// Experiment id.
    pub experiment: &'a str,
    /// Outcome.
    pub outcome: &'a str,
    /// Who decided, not empty.
    pub by: &'a str,
    /// Why, not empty.
    pub reason: &'a str,
    /// The day to look at it again.
    pub review_on: Option<&'a str>,
    /// Now, as `2026-11-22T10:15:00Z`.
    pub at: &'a str,
    /// The decision that is meant to be corrected; whichever stands when none is named.
    pub supersedes: Option<i64>,
}

/// How a decision was taken down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decided {
    /// Under this position.
    New(i64),
    /// The same decision stands already, under this position; nothing was appended.
    Standing(i64),
}

/// Why a decision was not taken down.
#[derive(Debug)]
pub enum Refused {
    /// The archive has no experiment of this id; the ids that it has.
    Unknown(Vec<String>),
    /// It was to supersede one decision, and another one stands; which, if any.
    Another(Option<i64>),
    /// The clock stands before the last decision, which was written down then.
    Clock(String),
    /// The archive cannot be read or written.
    Archive(Failure),
}

impl<E: Into<Failure>> From<E> for Refused {
    fn from(error: E) -> Self {
        Refused::Archive(error.into())
    }
}

const SELECT: &str = "SELECT seq, experiment, outcome, decided_by, reason, review_on, decided_at, recommendation, supersedes,
    (SELECT later.seq FROM decisions AS later WHERE later.supersedes = decision.seq), chain FROM decisions AS decision";

impl Archive {
    /// Takes down a decision.
    ///
    /// # Errors
    /// [`Refused`]; then nothing was written.
    pub fn decide(&mut self, new: &NewDecision) -> std::result::Result<Decided, Refused> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // A night of the past that was made again says nothing newer than the night after it.
        let newest =
            "SELECT seq FROM recommendations WHERE experiment = ?1 ORDER BY data_date DESC, seq DESC LIMIT 1";
        let recommendation: Option<i64> =
            transaction.query_row(newest, [new.experiment], |row| row.get(0)).optional()?;
        if recommendation.is_none() {
            let mut statement =
                transaction.prepare("SELECT DISTINCT experiment FROM recommendations ORDER BY 1")?;
            let known = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            return Err(Refused::Unknown(known));
        }
        let sql = format!("{SELECT} WHERE experiment = ?1 ORDER BY seq DESC LIMIT 1");
        let standing = transaction.query_row(&sql, [new.experiment], decision).optional()?;
        if new.supersedes.is_some() && new.supersedes != standing.as_ref().map(|standing| standing.seq) {
            return Err(Refused::Another(standing.map(|standing| standing.seq)));
        }
        if let Some(standing) = &standing {
            let same = standing.outcome == new.outcome
                && standing.decided_by == new.by
                && standing.reason == new.reason
                && standing.review_on.as_deref() == new.review_on
                && standing.recommendation == recommendation;
            if same {
                return Ok(Decided::Standing(standing.seq));
            }
        }
        // The order of decisions is that of their positions, but a time before the last one can only be a wrong clock.
        let last: Option<String> =
            transaction.query_row("SELECT max(decided_at) FROM decisions", [], |row| row.get(0))?;
        if let Some(last) = last.filter(|last| last.as_str() > new.at) {
            return Err(Refused::Clock(last));
        }
        let text = |text: &str| Value::from(text.to_owned());
        let values = [
            text(new.experiment),
            text(new.outcome),
            text(new.by),
            text(new.reason),
            new.review_on.map_or(Value::Null, text),
            text(new.at),
            recommendation.map_or(Value::Null, Value::from),
            standing.map_or(Value::Null, |standing| Value::from(standing.seq)),
        ];
        let seq = TABLE.append(&transaction, &values)?;
        seals::seal(&transaction)?;
        transaction.commit()?;
        Ok(Decided::New(seq))
    }

    /// Every decision in order; of one experiment where one is named.
    pub fn decisions(&self, experiment: Option<&str>) -> Result<Vec<Decision>> {
        let sql = format!("{SELECT} WHERE ?1 IS NULL OR experiment = ?1 ORDER BY seq");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map([experiment], decision)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

fn decision(row: &Row) -> rusqlite::Result<Decision> {
    Ok(Decision {
        seq: row.get(0)?,
        experiment: row.get(1)?,
        outcome: row.get(2)?,
        decided_by: row.get(3)?,
        reason: row.get(4)?,
        review_on: row.get(5)?,
        decided_at: row.get(6)?,
        recommendation: row.get(7)?,
        supersedes: row.get(8)?,
        superseded_by: row.get(9)?,
        chain: row.get(10)?,
    })
}
