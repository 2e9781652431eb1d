//! Groups: what the labels of the rows are called, in which order, and whether they fit the design.

use polars::prelude::*;
use serde::Serialize;

use super::accounting::{defect, series};
use super::gate::{Gate, GateReason};
use super::names::{NONE, folded, natural_order};
use super::units::is_no_label;
use crate::config::valid::Design;
use crate::diag::Diagnostic;

/// More groups than this are hardly groups.
const MOST_GROUPS: usize = 100;

/// A group and its size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupCount {
    /// The group as the data writes it, without surrounding spaces.
    pub id: String,
    /// Units assigned to it (rows where no unit column is declared, the sum of the counts where exposures are counts), units
    /// with invalid values among them: what the sample ratio check counts. Units that are in two groups count in neither.
    pub units: u64,
    /// Rows of these units.
    pub rows: u64,
    /// Units with at least one row that the analysis uses.
    pub analysed: u64,
}

/// The labels of a column, each different text once, and which of them every row has.
pub(crate) struct Labels<'a> {
    /// Different texts as written, in the order of the rows.
    texts: Vec<&'a str>,
    of_row: Vec<u32>,
}

impl<'a> Labels<'a> {
    /// The labels of the column of that name.
    pub(crate) fn of(frame: &'a DataFrame, name: &str) -> Result<Labels<'a>, Diagnostic> {
        let column = series(frame, name)?.str().map_err(|error| defect(&error))?;
        Ok(Labels::of_texts(column.iter(), column.len()))
    }

    fn of_texts(cells: impl Iterator<Item = Option<&'a str>>, rows: usize) -> Labels<'a> {
        let mut numbers: PlHashMap<&str, u32> = PlHashMap::default();
        let mut labels = Labels { texts: Vec::new(), of_row: Vec::with_capacity(rows) };
        for cell in cells {
            labels.of_row.push(match cell {
                None => NONE,
                Some(text) => *numbers.entry(text).or_insert_with(|| {
                    labels.texts.push(text);
                    labels.texts.len() as u32 - 1
                }),
            });
        }
        labels
    }

    /// The groups among the rows that `takes_part`: the control first, then the declared order, then the natural order.
    pub(crate) fn groups(&self, takes_part: impl Fn(usize) -> bool, design: &Design) -> Vec<String> {
        let mut met = vec![false; self.texts.len()];
        for (row, label) in self.of_row.iter().enumerate() {
            if *label != NONE && !met[*label as usize] {
                met[*label as usize] = takes_part(row);
            }
        }
        let met = self.texts.iter().zip(met).filter(|(_, met)| *met).map(|(text, _)| *text);
        let mut present: Vec<&str> = met.filter_map(|label| named(label, design)).collect();
        present.sort_unstable();
        present.dedup();
        ordered(present, design).into_iter().map(str::to_string).collect()
    }

    /// The index into `groups` for every row; [`NONE`] for rows without a label, [`FOREIGN`] for labels that are no group.
    pub(crate) fn numbered(&self, groups: &[String], design: &Design) -> Vec<u32> {
        let number_of_text: Vec<u32> = self
            .texts
            .iter()
            .map(|text| match named(text, design) {
                None => NONE,
                Some(label) => {
                    groups.iter().position(|group| group == label).map_or(FOREIGN, |index| index as u32)
                }
            })
            .collect();
        self.of_row
            .iter()
            .map(|label| if *label == NONE { NONE } else { number_of_text[*label as usize] })
            .collect()
    }

    /// The label of a row, without surrounding spaces.
    pub(crate) fn text(&self, row: usize) -> Option<&'a str> {
        self.texts.get(self.of_row[row] as usize).map(|text| text.trim())
    }
}

/// Stands for a label that is the name of no group.
pub(crate) const FOREIGN: u32 = NONE - 1;

/// The label of a row without surrounding spaces. Words such as `NULL` are how databases write that there is none, unless
/// the design has a group of that name.
pub(crate) fn named<'a>(label: &'a str, design: &Design) -> Option<&'a str> {
    let label = label.trim();
    let declared = || {
        let controls = design.control.iter().chain(&design.other_controls);
        controls.chain(design.allocation.iter().map(|(group, _)| group)).any(|group| group.trim() == label)
    };
    (!is_no_label(label) || declared()).then_some(label)
}

/// The control first, further controls after it, then the declared groups in their order, then the others in natural order.
pub(crate) fn ordered<'a>(mut present: Vec<&'a str>, design: &Design) -> Vec<&'a str> {
    let declared: Vec<&str> = declared(design);
    let place = |label: &str| declared.iter().position(|group| *group == label).unwrap_or(usize::MAX);
    present.sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| natural_order(a, b)));
    present
}

/// Every group that the design names, controls first.
fn declared(design: &Design) -> Vec<&str> {
    let controls = design.control.iter().chain(&design.other_controls);
    let mut names: Vec<&str> = Vec::new();
    for name in controls.chain(design.allocation.iter().map(|(group, _)| group)) {
        if !names.contains(&name.trim()) {
            names.push(name.trim());
        }
    }
    names
}

/// What the groups themselves give cause to say.
pub(crate) fn judge(groups: &[GroupCount], design: &Design) -> Vec<Gate> {
    let mut gates = Vec::new();
    for group in declared(design) {
        if !groups.iter().any(|found| found.id == group) {
            gates.push(GateReason::AbsentGroup { group: group.to_string() }.refusing());
        }
    }
    if groups.len() > MOST_GROUPS {
        gates.push(GateReason::TooManyGroups { count: groups.len() as u64 }.refusing());
        return gates;
    }
    let allocated: Vec<&str> = design.allocation.iter().map(|(group, _)| group.trim()).collect();
    if !allocated.is_empty() {
        for group in groups.iter().filter(|group| !allocated.contains(&group.id.as_str())) {
            // A control outside the allocation was named on purpose; the ratio check has no share for it all the same.
            gates
                .push(GateReason::UndeclaredGroup { group: group.id.clone(), units: group.units }.refusing());
        }
    }
    for (index, first) in groups.iter().enumerate() {
        for second in &groups[index + 1..] {
            if folded(&first.id) == folded(&second.id) {
                let (first, second) = (first.id.clone(), second.id.clone());
                gates.push(GateReason::SimilarGroups { first, second }.refusing());
            }
        }
        if first.analysed == 0 {
            gates.push(GateReason::NothingLeft { group: first.id.clone() }.refusing());
        }
    }
    if let [only] = groups {
        gates.push(GateReason::SingleGroup { group: only.id.clone() }.refusing());
    }
    gates
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::config::valid::{Comparisons, Correction, Looks, Monitoring, Resampling};

    pub(crate) fn design(control: Option<&str>, allocation: &[(&str, f64)]) -> Design {
        Design {
            control: control.map(str::to_string),
            other_controls: Vec::new(),
            alpha: 0.05,
            power: 0.8,
            correction: Correction::Holm,
            allocation: allocation.iter().map(|(group, weight)| (group.to_string(), *weight)).collect(),
            comparisons: Comparisons::Control,
            monitoring: Monitoring::Fixed,
            monitoring_by_dates: false,
            looks: Looks::default(),
            replicates: 1000,
            resampling: Resampling::Multinomial,
        }
    }

    fn labels<'a>(cells: &[Option<&'a str>]) -> Labels<'a> {
        Labels::of_texts(cells.iter().copied(), cells.len())
    }

    #[test]
    fn groups_come_in_the_order_of_the_design() {
        let labels = labels(&[Some("10"), Some("2"), Some(" 1 "), Some("2"), None, Some("3")]);
        let mut design = design(Some("2"), &[]);
        let found = labels.groups(|row| row < 5, &design);
        assert_eq!(found, ["2", "1", "10"]);
        assert_eq!(labels.numbered(&found, &design), [2, 0, 1, 0, NONE, FOREIGN]);
        assert_eq!((labels.text(2), labels.text(4)), (Some("1"), None));
        design.other_controls = vec!["10".to_string()];
        assert_eq!(labels.groups(|_| true, &design), ["2", "10", "1", "3"]);
    }

    #[test]
    fn words_for_nothing_are_no_groups() {
        let labels = labels(&[Some("none"), Some("B"), Some("NULL"), Some("-")]);
        assert_eq!(labels.groups(|_| true, &design(None, &[])), ["-", "B", "none"]);
        assert_eq!(labels.groups(|_| true, &design(Some("NULL"), &[]))[0], "NULL");
    }

    #[test]
    fn groups_that_do_not_fit_the_design_refuse() {
        let declared = design(Some("A"), &[("A", 1.0), ("B", 1.0)]);
        let check = |groups: &[&str]| {
            let groups: Vec<GroupCount> = groups
                .iter()
                .map(|id| GroupCount { id: id.to_string(), units: 1, rows: 1, analysed: 1 })
                .collect();
            judge(&groups, &declared)
                .iter()
                .map(|gate| (gate.reason.code(), gate.refuses))
                .collect::<Vec<_>>()
        };
        assert_eq!(check(&["A", "B"]), []);
        assert_eq!(check(&["A"]), [("absent-group", true), ("single-group", true)]);
        assert_eq!(check(&["A", "B", "C"]), [("undeclared-group", true)]);
        assert_eq!(check(&["A", "B", "В"]), [("undeclared-group", true), ("similar-groups", true)]);
    }
}
