//! The dataset as it was on earlier days, made of the rows that are in memory already.

use std::sync::Arc;

use jiff::civil::Date;

use super::Dataset;
use super::content::Content;
use super::join::Setting;
use super::open::{assemble, end_of};
use super::reading::Reading;
use crate::config::valid::{DataSource, Design, Facts, Metric, MetricSource};

/// Of sums: what they were made for, where each row is a unit, so that its day is that of all that is known of it.
#[derive(Debug)]
pub(crate) struct ByDay {
    pub source: DataSource,
    pub design: Design,
}

impl ByDay {
    /// None where the day of a unit's first exposure does not tell when its rows came.
    pub(crate) fn of(source: &DataSource, design: &Design) -> Option<Arc<ByDay>> {
        let rows_are_units = source.unit.is_none() && source.count.is_none() && source.facts.is_empty();
        (rows_are_units && source.time.is_some())
            .then(|| Arc::new(ByDay { source: source.clone(), design: design.clone() }))
    }
}

/// The tables that a dataset was made of.
#[derive(Debug)]
pub(crate) struct Origin {
    pub setting: Setting,
    pub own: Content,
    pub tables: Vec<Content>,
}

impl Origin {
    /// Whether it is known of the rows that matter when they came.
    pub(crate) fn is_dated(&self, metrics: &[Metric]) -> bool {
        let matters = |facts: &Facts| {
            // A column of groups may put a unit into two of them.
            facts.group.is_some()
                || metrics.iter().any(|metric| match &metric.source {
                    MetricSource::Rows(rows) => rows.from.as_ref() == Some(&facts.name),
                    MetricSource::Step(step) => step.from.as_ref() == Some(&facts.name),
                    _ => false,
                })
        };
        self.own.stamps.is_some()
            && self.setting.source.facts.iter().zip(&self.tables).all(|(facts, content)| {
                content.stamps.is_some() || content.frame.height() == 0 || !matters(facts)
            })
    }
}

impl Dataset {
    /// The dataset as it was at the end of `day`: what [`open`](super::open) would give of files without the rows from later
    /// days, `day` being the date of the data. Group sizes, first exposures, units in two groups, what is left out of facts, and
    /// the gates are those of that day, so that on an early day facts without a row and groups without a unit refuse.
    ///
    /// Rows without a time are always there, and so are malformed rows. [`Reading::rows`](super::Reading::rows) are the rows of
    /// that day; all else that `reading` and `overview` say is of the files as a whole, and so are the kinds of the columns.
    ///
    /// Of sums, where each row is a unit: the same, but rows without a group and broken rules are counted of all days.
    ///
    /// No answer for days after the date of the data, where no row of `[data]` has a time, and where facts that a metric reads,
    /// or that name groups, have none. No file is read.
    pub fn as_of(&self, day: Date) -> Option<Dataset> {
        if let (Some(sums), Some(setting)) = (&self.sums, &self.by_day) {
            let sums = sums.until(day).filter(|_| day <= self.date)?;
            let reading = Reading { rows: sums.rows.total, ..self.reading.clone() };
            let data = Dataset::of_sums(sums, reading, &setting.source, &setting.design, day);
            return Some(Dataset { by_day: Some(setting.clone()), ..data });
        }
        let origin = self.origin.as_ref().filter(|_| day <= self.date)?;
        let source = &origin.setting.source;
        let cut = |content: &Content, files| {
            let mut content = content.until(end_of(day), files).ok()?;
            content.reading.rows = content.frame.height() as u64;
            content.after_date = 0;
            Some(content)
        };
        let own = cut(&origin.own, &source.files)?;
        let tables: Option<Vec<Content>> = origin
            .tables
            .iter()
            .zip(&source.facts)
            .map(|(content, facts)| cut(content, &facts.files))
            .collect();
        let data = assemble(&origin.setting, &own, &tables?, day).ok()?;
        Some(Dataset { origin: Some(origin.clone()), ..data })
    }
}
