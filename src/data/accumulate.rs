//! Nights that add to the sums of the nights before, where rows are in files: a file whose rows are all of settled days is read
//! once, known again by its ends, and never opened whole until everything is due again.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use super::reading::FileReading;
use super::{failure, open, stream};
use crate::config::valid::{Config, DataSource, Files, Incremental, Streaming};
use crate::diag::Diagnostic;
use crate::stats::Undefined;
use crate::sums::{Accumulated, Before, SettledFile, Sums};

/// Bytes at each end of a file by which it is known again.
const END: u64 = 1 << 20;

/// The last day that is settled on a data date.
pub fn settled_until(incremental: &Incremental, date: Date) -> Option<Date> {
    date.checked_sub(jiff::Span::new().try_days(i64::from(incremental.late_days)).ok()?).ok()
}

/// The hash of what is asked: of texts, of the version of this program, of nothing that differs from night to night.
pub fn question(texts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for text in [env!("CARGO_PKG_VERSION")].iter().chain(texts) {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// Sums of the files of an experiment with `incremental = true`; none for all others.
///
/// # Errors
/// As [`open`]; `data::incremental` where something of the experiment is not made of sums.
pub fn accumulate(
    config: &Config,
    date: Date,
    before: &Before,
) -> Result<Option<Accumulated>, Vec<Diagnostic>> {
    let Some(source) = config.data.as_ref().filter(|source| source.warehouse.is_none()) else {
        return Ok(None);
    };
    let Some(incremental) = &source.incremental else { return Ok(None) };
    if let Some(reason) = stream::needs_rows(source, &config.metrics) {
        let message = format!("incremental = true: {reason}");
        return Err(vec![
            Diagnostic::error("data::incremental", message)
                .hint("remove `incremental`: this experiment needs its rows of all days"),
        ]);
    }
    let until = settled_until(incremental, date);
    let question = asked(config, source);
    let ends = source.files.paths.iter().map(ends).collect::<Result<Vec<_>, _>>();
    let ends = ends.map_err(|problem| vec![problem])?;
    let is_there = |file: &SettledFile| {
        let mut files = source.files.paths.iter().zip(&ends);
        files.any(|(path, (bytes, ends))| {
            file.path == shown(path) && file.bytes == *bytes && file.ends == *ends
        })
    };
    // A settled file that is gone or another one cannot be taken out of the sums again.
    let usable = before
        .usable(&question, until)
        .filter(|known| known.files.iter().filter(|file| file.settled).all(is_there));
    let kept: Vec<SettledFile> =
        usable.iter().flat_map(|known| &known.files).filter(|file| file.settled).cloned().collect();
    let mut portions = [Vec::new(), Vec::new()];
    let mut files = kept;
    for (path, (_, ends)) in source.files.paths.iter().zip(ends) {
        if files.iter().any(|file| file.path == shown(path)) {
            continue;
        }
        let (sums, reading) = of_file(config, source, path, date)?;
        let settled = sums.as_ref().is_some_and(|sums| is_settled(sums, until)) && reading.malformed == 0;
        files.push(SettledFile {
            path: shown(path),
            bytes: reading.bytes,
            blake3: reading.blake3,
            ends,
            rows: reading.rows,
            malformed: reading.malformed,
            settled,
        });
        portions[usize::from(!settled)].extend(sums);
    }
    files.sort_by(|a, b| (!a.settled, &a.path).cmp(&(!b.settled, &b.path)));
    let together = || {
        let [settled, recent] = portions.map(|sums| Sums::all(&sums));
        before.add(usable.as_ref(), question, until, [settled?, recent?], files)
    };
    let own = together().map_err(|reason: Undefined| {
        vec![Diagnostic::error("data::incremental", format!("the sums of the files do not add up: {reason}"))]
    })?;
    Ok(Some(own))
}

/// Puts the sums of the files of an experiment with `incremental = true` into the config: from there on they are an input like
/// what a database answers. The files with their hashes; none for all other experiments.
///
/// # Errors
/// As [`accumulate`].
pub fn fill(config: &mut Config, date: Date, before: &Before) -> Result<Vec<SettledFile>, Vec<Diagnostic>> {
    let Some(own) = accumulate(config, date, before)? else { return Ok(Vec::new()) };
    let text = own.to_json().map_err(|error| {
        vec![Diagnostic::error("data::incremental", format!("the sums cannot be written: {error}"))]
    })?;
    if let Some(data) = &mut config.data {
        data.answer = Some(text.into());
    }
    Ok(own.files)
}

/// The sums of one file; none where it has no rows.
fn of_file(
    config: &Config,
    source: &DataSource,
    path: &Path,
    date: Date,
) -> Result<(Option<Sums>, FileReading), Vec<Diagnostic>> {
    let files = Files { paths: vec![path.to_owned()], ..source.files.clone() };
    let source = DataSource { files, streaming: Streaming::Always, ..source.clone() };
    let start = config.experiment.start;
    let data = open::open(&source, &config.metrics, &config.design, &config.segments, start, date)?.value;
    let reading = data.reading.files.first().cloned().ok_or_else(|| {
        vec![Diagnostic::error("data::incremental", format!("{} was not read", path.display()))]
    })?;
    match data.sums {
        Some(sums) => Ok((Some(*sums), reading)),
        None if reading.rows == 0 => Ok((None, reading)),
        None => {
            let message = format!("{}: its rows cannot be brought to sums", path.display());
            Err(vec![
                Diagnostic::error("data::incremental", message)
                    .hint("remove `incremental`: this experiment needs its rows of all days"),
            ])
        }
    }
}

fn is_settled(sums: &Sums, until: Option<Date>) -> bool {
    let last = sums.time.map(|(_, last)| last.date());
    sums.rows.without_time == 0 && sums.rows.after_date == 0 && last.is_some() && last <= until
}

fn asked(config: &Config, source: &DataSource) -> String {
    let files = Files { paths: Vec::new(), ..source.files.clone() };
    let source = DataSource { files, answer: None, ..source.clone() };
    let design = &config.design;
    question(&[
        &format!("{source:?}"),
        &format!("{:?}", config.metrics),
        &format!("{:?}", config.segments),
        &format!("{:?} {:?} {:?}", design.control, design.other_controls, design.allocation),
    ])
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// The size of a file and the hash of its ends.
fn ends(path: &PathBuf) -> Result<(u64, String), Diagnostic> {
    let look = || {
        let mut file = File::open(path)?;
        let bytes = file.metadata()?.len();
        let mut hasher = blake3::Hasher::new();
        let mut end = vec![0; bytes.min(END) as usize];
        file.read_exact(&mut end)?;
        hasher.update(&end);
        file.seek(SeekFrom::End(-(end.len() as i64)))?;
        file.read_exact(&mut end)?;
        hasher.update(&end);
        Ok((bytes, hasher.finalize().to_hex().to_string()))
    };
    look().map_err(|error: std::io::Error| failure::unreadable(path, &error))
}
