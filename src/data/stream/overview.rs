//! The columns that were read at a glance, from what a pass kept of them.

use super::pass::{Dates, Found, Texts};
use super::sketch::quantile;
use crate::data::columns::Kind;
use crate::data::overview::{ColumnOverview, iso};

/// Where the pass kept a column.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kept {
    /// Its numbers, by measure.
    Measure(usize),
    /// Its texts.
    Texts(usize),
    /// Its dates.
    Dates(usize),
    /// The labels of the groups.
    Labels,
}

/// Describes a column. Quartiles are within [`super::QUANTILE_ERROR`] of their values, all else is exact.
pub(crate) fn described(name: &str, kind: Kind, kept: Kept, invalid: u64, found: &Found) -> ColumnOverview {
    let mut overview = ColumnOverview { invalid, ..ColumnOverview::nothing(name, kind) };
    match kept {
        Kept::Labels => {
            overview.count = found.rows - found.unlabelled;
            overview.missing = found.unlabelled;
            overview.distinct = Some(found.labels.len() as u64);
        }
        Kept::Texts(at) => {
            let Some(Texts { count, missing, different, .. }) = found.texts.get(at) else { return overview };
            (overview.count, overview.missing) = (*count, *missing);
            overview.distinct = different.as_ref().map(|different| different.len() as u64);
        }
        Kept::Dates(at) => {
            let Some(Dates { count, missing, range }) = found.dates.get(at) else { return overview };
            (overview.count, overview.missing) = (*count, *missing);
            let timed = kind == Kind::Datetime;
            overview.earliest = range.and_then(|(first, _)| iso(first, timed));
            overview.latest = range.and_then(|(_, last)| iso(last, timed));
        }
        Kept::Measure(measure) => {
            let (whole, sketch) = found.whole(measure);
            let moments = whole.moments.moments();
            overview.count = moments.n + whole.non_finite;
            overview.missing = whole.missing;
            overview.non_finite = whole.non_finite;
            let (min, max) = whole.range.unzip();
            (overview.min, overview.max) = (min, max);
            overview.mean = (moments.n > 0).then_some(moments.mean);
            overview.std = moments.sd();
            let table = sketch.table();
            // A place at the end of the range may stand for values beyond it.
            let within = |share| {
                quantile(&table, share).map(|value| value.clamp(min.unwrap_or(value), max.unwrap_or(value)))
            };
            overview.q25 = within(0.25);
            overview.median = within(0.5);
            overview.q75 = within(0.75);
        }
    }
    overview
}
