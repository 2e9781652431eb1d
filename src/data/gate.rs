//! What a data gate has to say: facts about the data that the report must show, and those that forbid an analysis.

use jiff::civil::Date;
use serde::Serialize;

use super::reading::MalformedRow;

/// One finding about the data.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gate {
    /// What was found.
    pub reason: GateReason,
    /// Whether it forbids the analysis; else it is only shown.
    pub refuses: bool,
    /// Name of the facts whose rows it is about; none: `[data]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facts: Option<String>,
}

impl Gate {
    /// The same finding about facts.
    pub(crate) fn of_facts(self, name: &str) -> Gate {
        Gate { facts: Some(name.to_string()), ..self }
    }
}

/// What can be found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "code")]
#[non_exhaustive]
pub enum GateReason {
    /// The data has no rows, or the file is empty.
    NoRows,
    /// Fewer rows than `min_rows`.
    TooFewRows {
        /// Rows that were read.
        rows: u64,
        /// Rows the config asks for.
        min: u64,
    },
    /// Rows that could not be read; they are left out.
    Malformed {
        /// How many.
        count: u64,
        /// The first of them.
        first: Vec<MalformedRow>,
    },
    /// A group that the control or the allocation names has no rows.
    AbsentGroup {
        /// The group.
        group: String,
    },
    /// A group that the allocation does not name has rows.
    UndeclaredGroup {
        /// The group.
        group: String,
        /// Its units.
        units: u64,
    },
    /// All rows belong to one group.
    SingleGroup {
        /// The group.
        group: String,
    },
    /// Two groups differ in case, spaces or look-alike letters only.
    SimilarGroups {
        /// One of them.
        first: String,
        /// The other.
        second: String,
    },
    /// So many groups that the column is hardly a group.
    TooManyGroups {
        /// How many.
        count: u64,
    },
    /// Rows without a group; they are left out.
    MissingGroup {
        /// How many.
        rows: u64,
    },
    /// Rows without a unit; they are left out.
    MissingUnit {
        /// How many.
        rows: u64,
    },
    /// Units in two groups, by the rows of `[data]` and the group columns of facts together; they are left out.
    UnitsInTwoGroups {
        /// How many.
        count: u64,
        /// Exposures are counts: the rows of these units are left out, but the group sizes still hold them.
        counts_stay: bool,
    },
    /// Users whose devices are in two groups, each device in one; they are left out. Units of which one device alone is in two
    /// groups are [`GateReason::UnitsInTwoGroups`].
    DevicesInTwoGroups {
        /// How many users.
        users: u64,
        /// Their devices.
        devices: u64,
    },
    /// Devices that `[data.identity]` gives to two users: it is not known whose they are, so they stay units of their own.
    DevicesOfTwoUsers {
        /// How many of those in the experiment.
        devices: u64,
    },
    /// `[data.identity]` has no rows.
    EmptyIdentity,
    /// Rows of `[data.identity]` that could not be read; they are left out.
    MalformedIdentity {
        /// How many.
        count: u64,
        /// The first of them.
        first: Vec<MalformedRow>,
    },
    /// Units that came in after the last day of the experiment; they take part.
    UnitsAfterEnd {
        /// How many.
        units: u64,
        /// The last day.
        end: Date,
    },
    /// Rows from after the date of the data; they are left out.
    RowsAfterDate {
        /// How many.
        rows: u64,
    },
    /// Rows of days that had been settled are others than they were: everything was read again, and the sums that nights kept
    /// do not agree.
    PastChanged {
        /// How many days.
        count: u64,
        /// The first of them.
        first: Date,
    },
    /// The last row of `[data]` and of all facts is long ago.
    Stale {
        /// Days between its day and the date of the data.
        days: u64,
        /// Days the config allows.
        limit: u64,
    },
    /// Days inside of the time of exposures on which nobody came.
    MissingDays {
        /// How many.
        count: u64,
        /// The first of them.
        first: Date,
    },
    /// Rows without a time where rows are judged by their time: left out of facts, kept in `[data]`. Where none has the time that
    /// the config names a column for, this refuses.
    MissingTime {
        /// How many.
        rows: u64,
    },
    /// Rows of `[data]` from before the start of the experiment: they are no outcomes, but tell what units were like before.
    PrePeriod {
        /// How many.
        rows: u64,
        /// Units that have such rows.
        units: u64,
        /// Of these, units that were never seen since: they are not part of the experiment.
        never_since: u64,
    },
    /// Rows of facts whose units were never exposed; they are left out.
    UnexposedUnits {
        /// How many.
        rows: u64,
        /// Units that have such rows.
        units: u64,
    },
    /// More than half of the rows of facts belong to units that were never exposed: a wrong key, or the wrong files.
    FactsUnjoined {
        /// Rows of units that were never exposed.
        rows: u64,
        /// All rows of the facts.
        of: u64,
    },
    /// Rows of facts from before the first exposure of their unit; they are left out.
    BeforeExposure {
        /// How many.
        rows: u64,
        /// Units that have such rows.
        units: u64,
    },
    /// Rows of facts of units in two groups; they are left out.
    RowsOfMixedUnits {
        /// How many.
        rows: u64,
        /// Units that have such rows.
        units: u64,
    },
    /// Rows of facts of units whose rows in `[data]` a rule leaves out; they are left out, too.
    RowsOfExcludedUnits {
        /// How many.
        rows: u64,
        /// Units that have such rows.
        units: u64,
    },
    /// Facts name a group that no exposure has.
    ForeignGroup {
        /// The group.
        group: String,
        /// Rows of the facts that name it.
        rows: u64,
    },
    /// Facts hold more units of a group than were counted there.
    MoreUnitsThanCounted {
        /// The group.
        group: String,
        /// Units with facts.
        units: u64,
        /// Units that were counted.
        counted: u64,
    },
    /// Values that break the rule of their column.
    InvalidValues {
        /// The column.
        column: String,
        /// How many.
        count: u64,
        /// Whether their rows are left out.
        excluded: bool,
    },
    /// No row of a group is left after invalid rows were left out.
    NothingLeft {
        /// The group.
        group: String,
    },
}

impl GateReason {
    /// The stable name of the finding.
    pub fn code(&self) -> &'static str {
        match self {
            GateReason::NoRows => "no-rows",
            GateReason::TooFewRows { .. } => "too-few-rows",
            GateReason::Malformed { .. } => "malformed",
            GateReason::AbsentGroup { .. } => "absent-group",
            GateReason::UndeclaredGroup { .. } => "undeclared-group",
            GateReason::SingleGroup { .. } => "single-group",
            GateReason::SimilarGroups { .. } => "similar-groups",
            GateReason::TooManyGroups { .. } => "too-many-groups",
            GateReason::MissingGroup { .. } => "missing-group",
            GateReason::MissingUnit { .. } => "missing-unit",
            GateReason::UnitsInTwoGroups { .. } => "units-in-two-groups",
            GateReason::DevicesInTwoGroups { .. } => "devices-in-two-groups",
            GateReason::DevicesOfTwoUsers { .. } => "devices-of-two-users",
            GateReason::EmptyIdentity => "empty-identity",
            GateReason::MalformedIdentity { .. } => "malformed-identity",
            GateReason::UnitsAfterEnd { .. } => "units-after-end",
            GateReason::RowsAfterDate { .. } => "rows-after-date",
            GateReason::PastChanged { .. } => "past-changed",
            GateReason::Stale { .. } => "stale",
            GateReason::MissingDays { .. } => "missing-days",
            GateReason::MissingTime { .. } => "missing-time",
            GateReason::PrePeriod { .. } => "pre-period",
            GateReason::UnexposedUnits { .. } => "unexposed-units",
            GateReason::FactsUnjoined { .. } => "facts-unjoined",
            GateReason::BeforeExposure { .. } => "before-exposure",
            GateReason::RowsOfMixedUnits { .. } => "rows-of-mixed-units",
            GateReason::RowsOfExcludedUnits { .. } => "rows-of-excluded-units",
            GateReason::ForeignGroup { .. } => "foreign-group",
            GateReason::MoreUnitsThanCounted { .. } => "more-units-than-counted",
            GateReason::InvalidValues { .. } => "invalid-values",
            GateReason::NothingLeft { .. } => "nothing-left",
        }
    }

    /// The finding as a gate that refuses.
    pub(crate) fn refusing(self) -> Gate {
        self.when(true)
    }

    /// The finding as a gate that refuses only when `refuses`.
    pub(crate) fn when(self, refuses: bool) -> Gate {
        Gate { reason: self, refuses, facts: None }
    }
}
