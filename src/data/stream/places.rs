//! The place of every row of a part: which cell of the sums its values belong to.

use polars::prelude::*;

use super::labels::label_rows;
use super::parts::Part;
use super::tally::NOWHERE;
use crate::config::valid::Design;
use crate::data::expression::{Expression, evaluate};
use crate::data::groups::named;
use crate::data::names::NONE;
use crate::data::parquet::label;
use crate::data::stamps::{DAY, NO_TIME};
use crate::diag::Diagnostic;

/// Up to so many combinations are looked up in a table.
const TABLE: u64 = 1 << 16;
/// More different labels than this are no groups and no parts.
pub(crate) const MOST_LABELS: usize = 1_000;

/// In what the rows of a cell are alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PlaceKey {
    /// The label of the group without spaces around it.
    pub group: String,
    /// Day since 1970, where it is known.
    pub day: Option<i64>,
    /// For every partition the label of the part, the empty one where there is none.
    pub parts: Vec<String>,
}

/// How many rows there are of a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Size {
    pub rows: u64,
    /// Rows that no rule leaves out.
    pub analysed: u64,
}

/// The rows of a part, each with its place.
#[derive(Default)]
pub(crate) struct Placed {
    pub keys: Vec<PlaceKey>,
    pub sizes: Vec<Size>,
    /// Place of every row that is analysed; [`NOWHERE`] for the others.
    pub of_row: Vec<u32>,
    /// The place of every row is its label: `of_row` is empty then.
    pub by_label: bool,
    pub missing_group: u64,
    pub after_date: u64,
    pub untimed: u64,
    /// First and last time of rows until the date.
    pub time: Option<(i64, i64)>,
}

/// What rows are told apart by.
pub(crate) struct Apart<'a> {
    pub design: &'a Design,
    /// Rows from this moment on are left out.
    pub end: i64,
    /// SQL of every partition.
    pub partitions: Vec<(String, Expression)>,
}

impl Apart<'_> {
    /// Finds the places of the rows of a part.
    ///
    /// # Errors
    /// SQL that does not fit the columns; `data::streaming` for a partition with more parts than anybody reads.
    pub(crate) fn place(
        &self,
        part: &Part,
        stamps: Option<&[Option<i64>]>,
        excluded: Option<&[bool]>,
    ) -> Result<Placed, Diagnostic> {
        let mut ids: Vec<&str> = Vec::new();
        let group_of_label: Vec<u32> = part
            .labels
            .iter()
            .map(|label| match named(label, self.design) {
                None => NONE,
                Some(id) => ids.iter().position(|known| *known == id).unwrap_or_else(|| {
                    ids.push(id);
                    ids.len() - 1
                }) as u32,
            })
            .collect();
        let group_of =
            |row: usize| group_of_label.get(part.label_of_row[row] as usize).copied().unwrap_or(NONE);
        let parted =
            self.partitions.iter().map(|by| parts(by, &part.frame)).collect::<Result<Vec<_>, _>>()?;
        let mut placed = Placed::default();
        if stamps.is_none() && excluded.is_none() && parted.is_empty() {
            placed.keys = ids
                .iter()
                .map(|id| PlaceKey { group: id.to_string(), day: None, parts: Vec::new() })
                .collect();
            let mut counts = vec![0_u64; ids.len() + 1];
            let mut count = |group: u32| counts[(group as usize).min(ids.len())] += 1;
            if group_of_label.iter().zip(0..).all(|(group, label)| *group == label) {
                // Every label is a group of its own: rows are placed as they are labelled.
                part.label_of_row.iter().for_each(|label| count(*label));
                placed.of_row = Vec::new();
                placed.by_label = true;
            } else {
                for row in 0..part.label_of_row.len() {
                    let group = group_of(row);
                    count(group);
                    placed.of_row.push(group);
                }
            }
            placed.missing_group = counts.pop().unwrap_or_default();
            placed.sizes = counts.into_iter().map(|count| Size { rows: count, analysed: count }).collect();
            return Ok(placed);
        }
        placed.of_row.reserve(part.label_of_row.len());
        let first_day =
            stamps.and_then(|stamps| stamps.iter().flatten().min()).map_or(0, |day| day.div_euclid(DAY));
        let last_day =
            stamps.and_then(|stamps| stamps.iter().flatten().max()).map_or(0, |day| day.div_euclid(DAY));
        let days = (last_day - first_day) as u64 + 2;
        let combinations = parted.iter().fold((ids.len() as u64).saturating_mul(days), |all, (labels, _)| {
            all.saturating_mul(labels.len() as u64 + 1)
        });
        let mut table = if combinations <= TABLE { vec![NOWHERE; combinations as usize] } else { Vec::new() };
        let mut map: PlHashMap<u64, u32> = PlHashMap::default();
        for row in 0..part.label_of_row.len() {
            let stamp = stamps.map(|stamps| stamps[row].unwrap_or(NO_TIME));
            match stamp {
                Some(NO_TIME) => placed.untimed += 1,
                Some(stamp) if stamp >= self.end => {
                    placed.after_date += 1;
                    placed.of_row.push(NOWHERE);
                    continue;
                }
                Some(stamp) => {
                    placed.time =
                        Some(placed.time.map_or((stamp, stamp), |(a, b)| (a.min(stamp), b.max(stamp))));
                }
                None => {}
            }
            let group = group_of(row);
            if group == NONE {
                placed.missing_group += 1;
                placed.of_row.push(NOWHERE);
                continue;
            }
            let day = stamp.filter(|stamp| *stamp != NO_TIME).map(|stamp| stamp.div_euclid(DAY));
            let mut code = u64::from(group) * days + day.map_or(0, |day| (day - first_day) as u64 + 1);
            for (labels, of_row) in &parted {
                code = code * (labels.len() as u64 + 1) + u64::from(of_row[row].wrapping_add(1));
            }
            let known = match table.get_mut(code as usize) {
                Some(known) => known,
                None => map.entry(code).or_insert(NOWHERE),
            };
            if *known == NOWHERE {
                *known = placed.keys.len() as u32;
                let label = |(labels, of_row): &(Vec<String>, Vec<u32>)| {
                    labels.get(of_row[row] as usize).cloned().unwrap_or_default()
                };
                let parts = parted.iter().map(label).collect();
                placed.keys.push(PlaceKey { group: ids[group as usize].to_string(), day, parts });
                placed.sizes.push(Size::default());
            }
            let place = *known;
            let size = &mut placed.sizes[place as usize];
            size.rows += 1;
            let is_excluded = excluded.is_some_and(|excluded| excluded[row]);
            size.analysed += u64::from(!is_excluded);
            placed.of_row.push(if is_excluded { NOWHERE } else { place });
        }
        Ok(placed)
    }
}

/// The labels of a partition, and which of them every row has.
fn parts((sql, by): &(String, Expression), frame: &DataFrame) -> Result<(Vec<String>, Vec<u32>), Diagnostic> {
    let quoted = format!("`{sql}`");
    let failed = |error: PolarsError| {
        Diagnostic::error("data::sql-type", format!("{quoted}: {}", crate::data::failure::sentence(&error)))
    };
    let series = evaluate(by, frame, &quoted)?;
    let found = label_rows(&label(&series).map_err(failed)?).map_err(failed)?;
    if found.0.len() > MOST_LABELS {
        return Err(too_many(&quoted));
    }
    Ok(found)
}

/// A column with more labels than anybody reads.
pub(crate) fn too_many(what: &str) -> Diagnostic {
    Diagnostic::error("data::streaming", format!("{what} has more than {MOST_LABELS} different values"))
        .hint("big files are added up by group and part: name a column with few different values")
}
