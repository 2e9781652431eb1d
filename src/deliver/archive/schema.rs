//! The schema of the archive, as the steps that bring it from one version to the next.

use super::chain::Chained;
use super::{decisions, nights, recommendations, runs, seals};
use crate::deliver::outbox;

/// Every chained table, in the order in which `verify` walks them and `export` writes them.
pub const CHAINED: &[Chained] = &[
    recommendations::TABLE,
    nights::TABLE,
    runs::TABLE,
    decisions::TABLE,
    seals::TABLE,
    outbox::MESSAGES,
    outbox::MESSAGE_EVENTS,
];

/// Steps that bring an archive from one version to the next; the version is SQLite's `user_version`. A step that was once
/// released is never edited.
pub const MIGRATIONS: &[&str] = &["
    CREATE TABLE recommendations (
        seq INTEGER PRIMARY KEY, experiment TEXT NOT NULL, title TEXT NOT NULL, data_date TEXT NOT NULL,
        run_key TEXT NOT NULL UNIQUE, action TEXT NOT NULL, winner TEXT, rule TEXT NOT NULL,
        results TEXT NOT NULL, chain TEXT NOT NULL UNIQUE
    ) STRICT;
    CREATE INDEX recommendations_by_experiment ON recommendations (experiment, data_date);
    CREATE TRIGGER recommendations_never_change BEFORE UPDATE ON recommendations
        BEGIN SELECT RAISE(ABORT, 'the archive is append-only'); END;
    CREATE TRIGGER recommendations_never_go BEFORE DELETE ON recommendations
        BEGIN SELECT RAISE(ABORT, 'the archive is append-only'); END;
", "
    CREATE TABLE nights (
        seq INTEGER PRIMARY KEY, experiment TEXT NOT NULL, data_date TEXT NOT NULL, run_key TEXT NOT NULL UNIQUE,
        content TEXT NOT NULL, chain TEXT NOT NULL UNIQUE
    ) STRICT;
    CREATE INDEX nights_by_experiment ON nights (experiment, data_date, seq);
    CREATE TRIGGER nights_never_change BEFORE UPDATE ON nights
        BEGIN SELECT RAISE(ABORT, 'the archive is append-only'); END;
    CREATE TRIGGER nights_never_go BEFORE DELETE ON nights
        BEGIN SELECT RAISE(ABORT, 'the archive is append-only'); END;
", outbox::TABLES, "
    CREATE TABLE runs (
        seq INTEGER PRIMARY KEY, experiment TEXT NOT NULL, data_date TEXT NOT NULL, run_key TEXT NOT NULL UNIQUE,
        tool TEXT NOT NULL, stamp TEXT NOT NULL, config TEXT NOT NULL, overrides TEXT NOT NULL, past TEXT NOT NULL,
        inputs TEXT NOT NULL, outputs TEXT NOT NULL, told TEXT NOT NULL, chain TEXT NOT NULL UNIQUE
    ) STRICT;
    CREATE INDEX runs_by_experiment ON runs (experiment, data_date, seq);
    CREATE TRIGGER runs_never_change BEFORE UPDATE ON runs
        BEGIN SELECT RAISE(ABORT, 'the archive is append-only'); END;
    CREATE TRIGGER runs_never_go BEFORE DELETE ON runs
        BEGIN SELECT RAISE(ABORT, 'the archive is append-only'); END;

    CREATE TABLE decisions (
        seq INTEGER PRIMARY KEY, experiment TEXT NOT NULL,
        outcome TEXT NOT NULL
            CHECK (outcome IN ('ship', 'rollback', 'iterate', 'inconclusive', 'invalid', 'stopped-early')),
        decided_by TEXT NOT NULL CHECK (decided_by <> ''), reason TEXT NOT NULL CHECK (reason <> ''),
        review_on TEXT CHECK (review_on <> ''), decided_at TEXT NOT NULL, recommendation INTEGER,
        supersedes INTEGER UNIQUE, chain TEXT NOT NULL UNIQUE
    ) STRICT;
    CREATE INDEX decisions_by_experiment ON decisions (experiment, seq);
    CREATE TRIGGER decisions_never_change BEFORE UPDATE ON decisions
        BEGIN SELECT RAISE(ABORT, 'the archive is append-only'); END;
    CREATE TRIGGER decisions_never_go BEFORE DELETE ON decisions
        BEGIN SELECT RAISE(ABORT, 'the archive is append-only'); END;

    CREATE TABLE seals (
        seq INTEGER PRIMARY KEY, heads TEXT NOT NULL, chain TEXT NOT NULL UNIQUE
    ) STRICT;
    CREATE TRIGGER seals_never_change BEFORE UPDATE ON seals
        BEGIN SELECT RAISE(ABORT, 'the archive is append-only'); END;
    CREATE TRIGGER seals_never_go BEFORE DELETE ON seals
        BEGIN SELECT RAISE(ABORT, 'the archive is append-only'); END;
"];

/// The version of an archive that this program makes.
pub fn version() -> i64 {
    MIGRATIONS.len() as i64
}
