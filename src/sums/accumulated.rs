//! Sums that grow from night to night: what is settled is kept and merged, only the rest is read.
//!
//! Days up to [`Accumulated::until`] are settled: their rows do not change any more, by the config's word (`late_days`). The next
//! night takes their sums as they are and reads the days after them. Cells are told apart by day, so a cell is made by one
//! reading whether it was kept or read tonight: what is accumulated and what is read at once are the same numbers.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Partition, RowCounts, Sums, Table};
use crate::stats::Undefined;

/// The form that accumulated sums are written in.
pub const SCHEMA: &str = "itog.days.v1";

/// Sums of an experiment in two portions: what no later night reads again, and what it does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accumulated {
    /// [`SCHEMA`].
    pub schema: String,
    /// What was asked: the hash of all that shapes sums but the days. Sums of another question are not added to.
    pub question: String,
    /// The last settled day; none where no day is settled yet.
    pub until: Option<Date>,
    /// Rows up to that day.
    pub settled: Sums,
    /// Rows of the days after it, and rows without a time.
    pub recent: Sums,
    /// Settled days whose rows turned out to be others when everything was read again; none on a night that read the rest only.
    pub changed: Vec<Date>,
    /// Where the rows are in files: the files, settled ones first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<SettledFile>,
}

/// A file whose rows are in accumulated sums.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettledFile {
    /// Its path as the config names it.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// blake3 of the whole file, hexadecimal.
    pub blake3: String,
    /// blake3 of its ends, by which later nights know it again without reading it.
    pub ends: String,
    /// Rows in it.
    pub rows: u64,
    /// Rows of it that could not be read.
    pub malformed: u64,
    /// All its rows are of settled days.
    pub settled: bool,
}

/// What a night finds of the nights before it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Before {
    /// The sums that the last night kept, as [`Accumulated::to_json`] wrote them.
    pub kept: Option<String>,
    /// Everything is to be read again and compared with them.
    pub whole: bool,
}

impl Before {
    /// The sums that tonight may add to: of the same question, settled no further than tonight settles. Kept sums of another
    /// form or question are as none: the night reads everything.
    pub fn usable(&self, question: &str, until: Option<Date>) -> Option<Accumulated> {
        let known = self.known(question).filter(|_| !self.whole)?;
        (known.until.is_some() && known.until <= until).then_some(known)
    }

    fn known(&self, question: &str) -> Option<Accumulated> {
        let known = Accumulated::from_json(self.kept.as_deref()?).ok()?;
        (known.question == question).then_some(known)
    }

    /// Tonight's sums: what `usable` gave, and what was read beside it, in its two portions. Where nothing was usable, everything
    /// was read, and is compared with what the night before kept.
    ///
    /// # Errors
    /// As [`Sums::merge`].
    pub fn add(
        &self,
        usable: Option<&Accumulated>,
        question: String,
        until: Option<Date>,
        read: [Sums; 2],
        files: Vec<SettledFile>,
    ) -> Result<Accumulated, Undefined> {
        let [settled, recent] = read;
        let settled = match usable {
            Some(known) => merged(&[&known.settled, &settled])?,
            None => merged(&[&settled])?,
        };
        let mut own = Accumulated {
            schema: SCHEMA.to_owned(),
            question,
            until,
            settled,
            recent: merged(&[&recent])?,
            changed: Vec::new(),
            files,
        };
        if usable.is_none()
            && let Some(known) = self.known(&own.question)
            && let Some(day) = known.until.min(until)
        {
            own.changed = own.changed_until(&known, day)?;
        }
        Ok(own)
    }
}

impl Accumulated {
    /// All rows as one.
    ///
    /// # Errors
    /// As [`Sums::merge`].
    pub fn total(&self) -> Result<Sums, Undefined> {
        merged(&[&self.settled, &self.recent])
    }

    /// The sums as JSON, the same bytes for the same sums.
    ///
    /// # Errors
    /// None but those of the writer.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Sums as [`Accumulated::to_json`] wrote them.
    ///
    /// # Errors
    /// Text that is no JSON of this form, and sums that do not fit together.
    pub fn from_json(text: &str) -> Result<Accumulated, String> {
        let own: Accumulated = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if own.schema != SCHEMA {
            return Err(format!("the sums are of the form `{}`, not `{SCHEMA}`", own.schema));
        }
        if !own.settled.fits() || !own.recent.fits() {
            return Err("the sums do not fit together".to_owned());
        }
        Ok(own)
    }

    /// Days up to `until` on which the rows of `other` are others than those in here: another number of units, or a mean that is
    /// further off than rounding explains.
    ///
    /// # Errors
    /// As [`Sums::merge`].
    pub fn changed_until(&self, other: &Accumulated, until: Date) -> Result<Vec<Date>, Undefined> {
        let (own, other) = (self.by_day()?, other.by_day()?);
        let days: BTreeSet<Date> =
            own.keys().chain(other.keys()).copied().filter(|day| *day <= until).collect();
        let differs = |day: &Date| match (own.get(day), other.get(day)) {
            (Some(a), Some(b)) => !same(a, b),
            (one, other) => one.is_some() != other.is_some(),
        };
        Ok(days.into_iter().filter(differs).collect())
    }

    /// What is known of each day.
    fn by_day(&self) -> Result<BTreeMap<Date, Vec<Fact>>, Undefined> {
        let total = self.total()?;
        let mut days: BTreeMap<Date, Vec<Fact>> = BTreeMap::new();
        let part = |parts: &[u32]| {
            let names = parts.iter().zip(&total.partitions).map(|(at, by)| by.parts[*at as usize].clone());
            names.collect::<Vec<String>>()
        };
        for exposure in &total.exposures {
            if let Some(day) = exposure.day {
                let name = ("", total.groups[exposure.group].as_str());
                let numbers = vec![exposure.units as f64, exposure.analysed as f64, exposure.rows as f64];
                days.entry(day).or_default().push(Fact::of(name, part(&exposure.parts), numbers));
            }
        }
        for metric in &total.metrics {
            for (group, arm) in total.groups.iter().zip(&metric.groups) {
                for cell in &arm.cells {
                    let Some(day) = cell.key.day else { continue };
                    let mut numbers = vec![cell.joint.n() as f64, cell.missing as f64, cell.zeros as f64];
                    numbers.extend(cell.joint.means());
                    let name = (metric.metric.as_str(), group.as_str());
                    days.entry(day).or_default().push(Fact::of(name, part(&cell.key.parts), numbers));
                }
            }
        }
        days.values_mut().for_each(|facts| facts.sort_by(|a, b| a.name.cmp(&b.name)));
        Ok(days)
    }
}

/// Some numbers of a day.
struct Fact {
    name: (String, String, Vec<String>),
    numbers: Vec<f64>,
}

impl Fact {
    fn of((metric, group): (&str, &str), parts: Vec<String>, numbers: Vec<f64>) -> Fact {
        Fact { name: (metric.to_owned(), group.to_owned(), parts), numbers }
    }
}

fn same(a: &[Fact], b: &[Fact]) -> bool {
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1e-300);
    a.len() == b.len()
        && a.iter().zip(b).all(|(a, b)| {
            a.name == b.name
                && a.numbers.len() == b.numbers.len()
                && a.numbers.iter().zip(&b.numbers).all(|(a, b)| near(*a, *b))
        })
}

impl Sums {
    /// Portions as one, everything in an order that does not depend on how they were cut.
    ///
    /// # Errors
    /// As [`Sums::merge`].
    pub fn all(portions: &[Sums]) -> Result<Sums, Undefined> {
        merged(&portions.iter().collect::<Vec<&Sums>>())
    }

    /// Nothing was ever put in.
    fn is_blank(&self) -> bool {
        self.metrics.is_empty() && self.groups.is_empty() && self.rows == RowCounts::default()
    }
}

fn merged(portions: &[&Sums]) -> Result<Sums, Undefined> {
    let portions: Vec<&Sums> = portions.iter().copied().filter(|sums| !sums.is_blank()).collect();
    let mut total = in_order(&portions);
    for portion in portions {
        total = total.merge(portion)?;
    }
    for metric in &mut total.metrics {
        for arm in &mut metric.groups {
            arm.cells.sort_by(|a, b| a.key.cmp(&b.key));
        }
    }
    total.exposures.sort_by(|a, b| (a.group, a.day, &a.parts).cmp(&(b.group, b.day, &b.parts)));
    total.columns.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(total)
}

/// No rows yet, but the names of all groups and parts in their order: so the order of the sums does not depend on which portion
/// met a name first.
fn in_order(portions: &[&Sums]) -> Sums {
    fn sorted<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
        names.cloned().collect::<BTreeSet<String>>().into_iter().collect()
    }
    let Some(first) = portions.first() else { return Sums::default() };
    let groups = sorted(portions.iter().flat_map(|sums| &sums.groups));
    let partition = |(at, known): (usize, &Partition)| Partition {
        by: known.by.clone(),
        parts: sorted(portions.iter().filter_map(|sums| sums.partitions.get(at)).flat_map(|p| &p.parts)),
    };
    let mut empty = Sums {
        partitions: first.partitions.iter().enumerate().map(partition).collect(),
        metrics: first.metrics.clone(),
        ..Sums::default()
    };
    for metric in &mut empty.metrics {
        metric.groups = vec![Default::default(); groups.len()];
        metric.covariates.iter_mut().for_each(|covariate| covariate.known = crate::stats::Moments::EMPTY);
        // A table that nobody asked for is none, so what is merged first has one where one was asked for.
        metric.groups.iter_mut().for_each(|arm| arm.table = Table::default());
    }
    empty.groups = groups;
    empty
}

/// Sums as an experiment takes them.
pub struct Known {
    /// All rows.
    pub sums: Sums,
    /// The last settled day of accumulated sums.
    pub until: Option<Date>,
    /// [`Accumulated::changed`].
    pub changed: Vec<Date>,
    /// Rows of files that could not be read.
    pub malformed: u64,
}

/// Sums in either form: of one reading, or accumulated.
///
/// # Errors
/// Text that is of neither form.
pub fn read(text: &str) -> Result<Known, String> {
    #[derive(Deserialize)]
    struct Form {
        schema: String,
    }
    let form: Form = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if form.schema != SCHEMA {
        return Ok(Known { sums: Sums::from_json(text)?, until: None, changed: Vec::new(), malformed: 0 });
    }
    let own = Accumulated::from_json(text)?;
    let sums = own.total().map_err(|reason| reason.to_string())?;
    let malformed = own.files.iter().map(|file| file.malformed).sum();
    Ok(Known { sums, until: own.until, changed: own.changed, malformed })
}
