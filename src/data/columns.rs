//! From the cells of a column to its kind.

use super::cells::{Cell, Mark, classify};
use super::reading::{Found, How};
use crate::diag::Diagnostic;

/// What the cells of one column were, over all rows and files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Evidence {
    pub missing: u64,
    pub markers: u64,
    pub integers: u64,
    pub neutral: u64,
    pub non_finite: u64,
    pub dot: u64,
    pub comma: u64,
    pub unclear: u64,
    pub comma_groups: u64,
    pub booleans: u64,
    pub dates: u64,
    pub timed: u64,
    pub text: u64,
}

impl Evidence {
    /// Takes one cell into account.
    pub(crate) fn add(&mut self, cell: &[u8]) {
        let count = match classify(cell) {
            Cell::Missing => &mut self.missing,
            Cell::Marker => &mut self.markers,
            Cell::Number(mark) => match mark {
                Mark::Integer => &mut self.integers,
                Mark::Neutral => &mut self.neutral,
                Mark::NonFinite => &mut self.non_finite,
                Mark::Dot => &mut self.dot,
                Mark::Comma => &mut self.comma,
                Mark::Unclear => &mut self.unclear,
                Mark::CommaGroups => &mut self.comma_groups,
            },
            Cell::Boolean(_) => &mut self.booleans,
            Cell::Date(stamp) => {
                self.timed += u64::from(stamp.timed);
                &mut self.dates
            }
            Cell::Text => &mut self.text,
        };
        *count += 1;
    }

    /// Evidence of two parts of one column.
    pub(crate) fn merge(&mut self, other: &Evidence) {
        self.missing += other.missing;
        self.markers += other.markers;
        self.integers += other.integers;
        self.neutral += other.neutral;
        self.non_finite += other.non_finite;
        self.dot += other.dot;
        self.comma += other.comma;
        self.unclear += other.unclear;
        self.comma_groups += other.comma_groups;
        self.booleans += other.booleans;
        self.dates += other.dates;
        self.timed += other.timed;
        self.text += other.text;
    }

    fn numbers(&self) -> u64 {
        self.integers
            + self.neutral
            + self.non_finite
            + self.dot
            + self.comma
            + self.unclear
            + self.comma_groups
    }

    /// Cells that hold anything.
    fn values(&self) -> u64 {
        self.numbers() + self.booleans + self.dates + self.text
    }
}

/// The kind of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Integers below 10¹⁸.
    Integer,
    /// Numbers.
    Float,
    /// Booleans.
    Boolean,
    /// Dates.
    Date,
    /// Time stamps.
    Datetime,
    /// Text.
    Text,
}

impl Kind {
    /// The word for it in messages.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Kind::Integer | Kind::Float => "number",
            Kind::Boolean => "boolean",
            Kind::Date | Kind::Datetime => "date",
            Kind::Text => "text",
        }
    }
}

/// How a column is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub kind: Kind,
    /// Decimal mark of the column.
    pub decimal: u8,
}

/// What the caller knows of a column beyond its cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// It names groups or units: text whatever it looks like.
    Label,
    /// Metrics or rules read it.
    Needed,
    /// It is shown in the overview only.
    Shown,
}

/// Decides the kind of every column and the decimal mark of the file.
///
/// A column is of the kind that most of its values are: of a needed column half are enough (the other cells are then
/// malformed and reported), of a column that is only shown nine tenths (else it is text).
///
/// # Errors
/// `data::decimal-unclear` when a needed column holds numbers such as `1,303` only and nothing tells whether the comma
/// separates decimals or thousands.
pub(crate) fn plan(
    columns: &[(&str, Use, &Evidence)],
    declared: Option<char>,
    separator: u8,
) -> Result<(Vec<Plan>, Found<char>), Vec<Diagnostic>> {
    let numeric: Vec<bool> =
        columns.iter().map(|(_, usage, evidence)| is_numeric(*usage, evidence)).collect();
    let numeric_columns = || {
        columns.iter().zip(&numeric).filter(|(_, numeric)| **numeric).map(|((_, _, evidence), _)| evidence)
    };
    let dots: u64 = numeric_columns().map(|evidence| evidence.dot + evidence.comma_groups).sum();
    let commas: u64 = numeric_columns().map(|evidence| evidence.comma).sum();
    let file_mark = match declared {
        Some(declared) => Found::declared(declared),
        None if commas > dots => Found::detected(','),
        None if dots > 0 => Found::detected('.'),
        None => Found::default('.'),
    };
    let mut problems = Vec::new();
    let mut plans = Vec::with_capacity(columns.len());
    for ((name, usage, evidence), numeric) in columns.iter().zip(numeric) {
        let (dots, commas) = (evidence.dot + evidence.comma_groups, evidence.comma);
        let decimal = match file_mark.how {
            How::Declared => file_mark.value as u8,
            _ if commas > dots => b',',
            _ if dots > 0 => b'.',
            How::Detected => file_mark.value as u8,
            How::Default if evidence.unclear > 0 && numeric && *usage == Use::Needed => {
                problems.push(
                    Diagnostic::error(
                        "data::decimal-unclear",
                        format!("column `{name}` holds numbers such as `1,303`: nothing tells decimals from thousands"),
                    )
                    .hint("declare the mark: `decimal = \",\"` or `decimal = \".\"` under [data]"),
                );
                b'.'
            }
            How::Default if separator == b',' => b'.',
            How::Default => b',',
        };
        plans.push(column_plan(*usage, evidence, numeric, decimal));
    }
    if problems.is_empty() { Ok((plans, file_mark)) } else { Err(problems) }
}

fn enough(usage: Use, count: u64, values: u64) -> bool {
    match usage {
        Use::Label => false,
        Use::Needed => count * 2 >= values,
        Use::Shown => count * 10 >= values * 9,
    }
}

fn is_numeric(usage: Use, evidence: &Evidence) -> bool {
    let numbers = evidence.numbers();
    numbers > 0
        && numbers >= evidence.booleans.max(evidence.dates)
        && enough(usage, numbers, evidence.values())
}

fn column_plan(usage: Use, evidence: &Evidence, numeric: bool, decimal: u8) -> Plan {
    let values = evidence.values();
    if usage != Use::Label && values == 0 {
        // Nothing to judge by: a column of missing numbers fits every expression.
        return Plan { kind: Kind::Float, decimal };
    }
    if numeric {
        let fractional =
            evidence.neutral + evidence.non_finite + evidence.dot + evidence.comma + evidence.unclear;
        let kind = if fractional == 0 { Kind::Integer } else { Kind::Float };
        return Plan { kind, decimal };
    }
    if evidence.dates > 0 && evidence.dates >= evidence.booleans && enough(usage, evidence.dates, values) {
        let kind = if evidence.timed > 0 { Kind::Datetime } else { Kind::Date };
        return Plan { kind, decimal };
    }
    if evidence.booleans > 0 && enough(usage, evidence.booleans, values) {
        return Plan { kind: Kind::Boolean, decimal };
    }
    Plan { kind: Kind::Text, decimal }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(cells: &[&str]) -> Evidence {
        let mut evidence = Evidence::default();
        cells.iter().for_each(|cell| evidence.add(cell.as_bytes()));
        evidence
    }

    fn kind(cells: &[&str], usage: Use) -> Plan {
        plan(&[("x", usage, &evidence(cells))], None, b';').unwrap().0[0]
    }

    #[test]
    fn kinds_follow_the_majority() {
        assert_eq!(kind(&["1", "2", ""], Use::Needed), Plan { kind: Kind::Integer, decimal: b',' });
        assert_eq!(kind(&["1", "2.5"], Use::Needed), Plan { kind: Kind::Float, decimal: b'.' });
        assert_eq!(kind(&["1", "2,5"], Use::Needed), Plan { kind: Kind::Float, decimal: b',' });
        assert_eq!(kind(&["1", "NA"], Use::Needed).kind, Kind::Integer);
        assert_eq!(kind(&["1", "12,5x"], Use::Needed).kind, Kind::Integer);
        assert_eq!(kind(&["1", "12,5x"], Use::Shown).kind, Kind::Text);
        assert_eq!(kind(&["1", "2"], Use::Label).kind, Kind::Text);
        assert_eq!(kind(&["TRUE", "FALSE"], Use::Needed).kind, Kind::Boolean);
        assert_eq!(kind(&["01.03.2024"], Use::Needed).kind, Kind::Date);
        assert_eq!(kind(&["01.03.2024", "02.03.2024 10:00"], Use::Needed).kind, Kind::Datetime);
        assert_eq!(kind(&["a", "b"], Use::Needed).kind, Kind::Text);
        assert_eq!(kind(&["", ""], Use::Needed).kind, Kind::Float);
    }

    #[test]
    fn an_unclear_comma_is_decided_by_other_columns_or_refused() {
        let (thousands, comma, dot) = (evidence(&["1,303", "2,500"]), evidence(&["0,5"]), evidence(&["0.5"]));
        let together = |other| {
            plan(&[("x", Use::Needed, &thousands), ("y", Use::Shown, other)], None, b';')
                .map(|(plans, mark)| (plans[0].decimal, mark))
        };
        assert_eq!(together(&comma), Ok((b',', Found::detected(','))));
        assert_eq!(together(&dot), Ok((b'.', Found::detected('.'))));
        let alone = plan(&[("x", Use::Needed, &thousands)], None, b';').unwrap_err();
        assert_eq!(alone[0].code, "data::decimal-unclear");
        assert!(plan(&[("x", Use::Needed, &thousands)], Some(','), b';').is_ok());
    }
}
