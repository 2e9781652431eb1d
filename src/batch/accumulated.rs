//! What the nights before kept of the sums of an experiment, for a night that adds to them.

use std::path::Path;
use std::sync::{Mutex, OnceLock};

use jiff::civil::Date;

use super::Batch;
use super::prepare::peek;
use crate::deliver::archive::objects::Objects;
use crate::deliver::archive::{self, Archive};
use crate::sums::Before;

/// So many days apart nights read everything again, whatever was kept: rows that came later than the config says are found then.
const WHOLE_EVERY: i64 = 7;

/// The role of sums among the inputs of a run.
const SUMS: &str = "sums";

/// The archive, opened when the first config asks for it: a batch that does not add to nights before leaves it alone until it holds
/// the lock of its folder.
pub(super) struct KeptSums<'b> {
    batch: &'b Batch,
    archive: OnceLock<Mutex<Option<Archive>>>,
    objects: Objects,
}

impl KeptSums<'_> {
    /// Of the output folder of a batch; nothing is made there.
    pub(super) fn of(batch: &Batch) -> KeptSums<'_> {
        KeptSums { batch, archive: OnceLock::new(), objects: Objects::of(&batch.out) }
    }

    /// What tonight finds of the experiment of a config. Configs that do not ask for it are not looked for.
    pub(super) fn before(&self, config: &Path) -> Before {
        let nothing = Before { kept: None, whole: true };
        let asked = || {
            let table = peek(config)?;
            let by_file = table.get("data").and_then(|data| data.get("incremental")?.as_bool());
            let by_hand = self.batch.overrides.iter().any(|one| one.to_string().contains("incremental"));
            let id = table.get("experiment")?.get("id")?.as_str()?.to_owned();
            (by_file == Some(true) || by_hand).then_some(id)
        };
        let Some(id) = asked() else { return nothing };
        // An archive that cannot be read is told of when it is opened to be written; tonight reads everything.
        let archive = self.archive.get_or_init(|| Mutex::new(Archive::read(&self.batch.out).ok()));
        let Ok(archive) = archive.lock() else { return nothing };
        let found = archive.as_ref().and_then(|archive| self.last(archive, &id).ok().flatten());
        let Some((night, kept)) = found else { return nothing };
        Before { kept: Some(kept), whole: self.batch.full || is_due(night, self.batch.date) }
    }

    /// The sums of the last night before the date of the batch.
    fn last(&self, archive: &Archive, id: &str) -> archive::Result<Option<(Date, String)>> {
        let Some(run) = archive.run_before(id, &self.batch.date.to_string())? else { return Ok(None) };
        let sums = run.inputs.iter().find(|input| input.role == SUMS && input.kept);
        let text = sums
            .and_then(|input| self.objects.read(&input.blake3).ok())
            .and_then(|bytes| String::from_utf8(bytes).ok());
        Ok(run.data_date.parse().ok().zip(text))
    }
}

/// Whether a day on which everything is read lies between two nights: such days are fixed, so that which night it is does not
/// depend on the nights before.
fn is_due(night: Date, tonight: Date) -> bool {
    let week = |date: Date| {
        let days = date.since(Date::constant(1970, 1, 1)).map_or(0, |span| i64::from(span.get_days()));
        days.div_euclid(WHOLE_EVERY)
    };
    week(night) != week(tonight)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn once_in_seven_days_everything_is_due() {
        let days: Vec<Date> = (1..=28).map(|day| date(2026, 11, day)).collect();
        let due = days.windows(2).filter(|pair| is_due(pair[0], pair[1])).count();
        assert_eq!(due, 4);
        assert!(is_due(date(2026, 11, 1), date(2026, 11, 20)));
    }
}
