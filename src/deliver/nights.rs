//! The nights of an output folder: which there are, which are missing, and which have been kept long enough.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::ToSpan;
use jiff::civil::Date;

use super::manifest::Manifest;

/// The folders of data dates, oldest first. A folder of a date exists only when its run came to its end.
pub fn nights(out: &Path) -> Vec<Date> {
    let Ok(entries) = fs::read_dir(out) else { return Vec::new() };
    let mut dates: Vec<Date> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter(|entry| entry.path().join("manifest.json").is_file())
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    dates.sort();
    dates
}

/// Whether only some experiments of a night were asked for, so that it is still to be completed. A folder whose manifest
/// cannot be read counts as complete: it is no reason to make a night again.
pub fn is_partial(out: &Path, night: Date) -> bool {
    Manifest::read(&out.join(night.to_string())).is_some_and(|manifest| manifest.partial)
}

/// The nights after the last complete one up to `today`, oldest first, at most the newest `max` of them; and how many older
/// ones that leaves out. Where no night is complete, they begin with the first that was made in part, or today is the only
/// one. Whether a night is `partial` is asked from the newest back, and no further than the last complete one.
pub fn missing(
    nights: &[Date],
    partial: impl Fn(Date) -> bool,
    today: Date,
    max: usize,
) -> (Vec<Date>, usize) {
    let mut past: Vec<Date> = nights.iter().copied().filter(|date| *date <= today).collect();
    past.sort();
    let last = past.iter().rev().copied().find(|date| !partial(*date));
    let mut date = match last {
        Some(last) => last.checked_add(1.day()).unwrap_or(Date::MAX),
        None => past.first().copied().unwrap_or(today),
    };
    let mut wanted = Vec::new();
    while date <= today && last != Some(Date::MAX) {
        wanted.push(date);
        let Ok(next) = date.checked_add(1.day()) else { break };
        date = next;
    }
    let passed = wanted.len().saturating_sub(max);
    (wanted.split_off(passed), passed)
}

/// How long nights are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Those of so many days, counted back from the newest night. The clock is not asked: were it wrong, it would take all.
    Days(u32),
    /// The newest so many.
    Nights(usize),
}

/// The nights that have been kept long enough, oldest first; never the newest, which `latest` points at.
pub fn outlived(nights: &[Date], keep: Keep) -> Vec<Date> {
    let Some(newest) = nights.iter().copied().max() else { return Vec::new() };
    match keep {
        Keep::Days(days) => {
            let first = newest.checked_sub(i64::from(days).days()).unwrap_or(Date::MIN);
            nights.iter().copied().filter(|date| *date <= first && *date != newest).collect()
        }
        Keep::Nights(count) => {
            let mut sorted = nights.to_vec();
            sorted.sort();
            sorted.truncate(sorted.len().saturating_sub(count.max(1)));
            sorted
        }
    }
}

/// Removes the folder of a night: first its name, in one step, then what is in it. Files that the archive keeps have links of
/// their own in its store. Only the holder of the lock may.
pub fn remove(out: &Path, night: Date) -> io::Result<()> {
    // A removal that is killed leaves a folder that the next run sweeps.
    let aside = out.join(format!(".{night}-outlived"));
    if aside.exists() {
        fs::remove_dir_all(&aside)?;
    }
    fs::rename(out.join(night.to_string()), &aside)?;
    fs::remove_dir_all(aside)
}

/// Bytes of the files below a folder of a night.
pub fn size(out: &Path, night: Date) -> u64 {
    let mut bytes = 0;
    let mut folders: Vec<PathBuf> = vec![out.join(night.to_string())];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
            match entry.metadata() {
                Ok(found) if found.is_dir() => folders.push(entry.path()),
                Ok(found) => bytes += found.len(),
                Err(_) => {}
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn november(days: &[i8]) -> Vec<Date> {
        days.iter().map(|day| date(2026, 11, *day)).collect()
    }

    #[test]
    fn what_is_missing_lies_after_the_last_complete_night() {
        let today = date(2026, 11, 22);
        let missing = |nights: &[Date], today, max| super::missing(nights, |_| false, today, max);
        assert_eq!(missing(&november(&[15, 18, 19]), today, 9), (november(&[20, 21, 22]), 0));
        assert_eq!(missing(&november(&[18]), today, 2), (november(&[21, 22]), 2));
        assert_eq!(missing(&november(&[22]), today, 9), (Vec::new(), 0));
        assert_eq!(missing(&[], today, 9), (november(&[22]), 0));
        // A night of the future, made by hand, hides nothing.
        assert_eq!(missing(&november(&[20, 25]), today, 9), (november(&[21, 22]), 0));
    }

    #[test]
    fn a_night_made_in_part_is_missing_and_hides_none_before_it() {
        let partial = |days: &'static [i8]| move |night: Date| days.contains(&night.day());
        let today = date(2026, 11, 22);
        assert_eq!(missing(&november(&[18, 20]), partial(&[20]), today, 9), (november(&[19, 20, 21, 22]), 0));
        assert_eq!(missing(&november(&[21, 22]), partial(&[22]), today, 9), (november(&[22]), 0));
        assert_eq!(missing(&november(&[20, 21]), partial(&[20]), today, 9), (november(&[22]), 0));
        assert_eq!(missing(&november(&[20, 22]), partial(&[20, 22]), today, 9), (november(&[20, 21, 22]), 0));
        assert_eq!(missing(&[Date::MAX], |_| false, Date::MAX, 9), (Vec::new(), 0));
    }

    #[test]
    fn the_newest_night_is_never_outlived() {
        let nights = november(&[1, 10, 20, 22]);
        assert_eq!(outlived(&nights, Keep::Days(2)), november(&[1, 10, 20]));
        assert_eq!(outlived(&nights, Keep::Days(3)), november(&[1, 10]));
        assert_eq!(outlived(&nights, Keep::Days(0)), november(&[1, 10, 20]));
        assert_eq!(outlived(&nights, Keep::Nights(2)), november(&[1, 10]));
        assert_eq!(outlived(&nights, Keep::Nights(0)), november(&[1, 10, 20]));
        assert_eq!(outlived(&nights, Keep::Nights(9)), Vec::new());
        assert_eq!(outlived(&[], Keep::Nights(1)), Vec::new());
    }

    #[test]
    fn only_complete_nights_count_and_a_removed_one_is_gone() {
        let out = tempfile::tempdir().unwrap();
        for name in ["2026-11-21", "2026-11-22"] {
            fs::create_dir(out.path().join(name)).unwrap();
            fs::write(out.path().join(name).join("manifest.json"), "{}").unwrap();
        }
        fs::create_dir(out.path().join("2026-11-20")).unwrap();
        assert_eq!(nights(out.path()), november(&[21, 22]));
        assert_eq!(size(out.path(), date(2026, 11, 21)), 2);
        remove(out.path(), date(2026, 11, 21)).unwrap();
        assert_eq!(nights(out.path()), november(&[22]));
        assert_eq!(fs::read_dir(out.path()).unwrap().count(), 2);
    }
}
