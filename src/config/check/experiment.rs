//! `[experiment]`.

use jiff::civil::Date;

use super::super::codes;
use super::super::duration;
use super::super::raw::{At, Day, RawExperiment};
use super::super::sink::Sink;
use super::super::valid::{Experiment, Status};
use super::text;

/// Checks the section; nothing when its id or title is missing (reported already).
pub fn check(raw: &At<RawExperiment>, sink: &mut Sink) -> Option<Experiment> {
    let raw = &raw.value;
    let start = raw.start.as_ref().and_then(date);
    let end = raw.end.as_ref().and_then(date);
    if let (Some(first), Some(last), Some(written)) = (start, end, &raw.end)
        && first > last
    {
        let message = format!("the experiment ends on {last}, before it starts on {first}");
        sink.error(
            codes::START_AFTER_END,
            &written.span,
            message,
            "swap `start` and `end`, or mend the year",
        );
    }
    let time_limit = raw.time_limit.as_ref().and_then(|written| match duration(&written.value) {
        Some(limit) => Some(limit),
        None => {
            let message = format!("`{}` is not a time limit", written.value);
            sink.error(codes::TIME_LIMIT, &written.span, message, "write it as \"90s\", \"10m\" or \"2h\"");
            None
        }
    });
    let paragraphs = |list: &[At<String>]| list.iter().map(|paragraph| paragraph.value.clone()).collect();
    Some(Experiment {
        id: text(raw.id.as_ref())?,
        title: text(raw.title.as_ref())?,
        hypothesis: text(raw.hypothesis.as_ref()),
        owner: text(raw.owner.as_ref()),
        notes: paragraphs(&raw.notes),
        next_steps: paragraphs(&raw.next_steps),
        status: raw.status.as_ref().map_or(Status::Finished, |status| status.value.0),
        status_by_dates: raw.status.is_none(),
        start,
        end,
        time_limit,
    })
}

/// The parser has refused days that no calendar has.
fn date(day: &At<Day>) -> Option<Date> {
    let date = day.value.0.date?;
    Date::new(i16::try_from(date.year).ok()?, i8::try_from(date.month).ok()?, i8::try_from(date.day).ok()?)
        .ok()
}
