//! The pass over separated text: kinds are taken from the beginning of the files, and the pass is made again where the rest of
//! them says otherwise.

use super::choice::in_parts;
use super::hash::{Piece, whole};
use super::job::{Columns, Job};
use super::open::Asked;
use super::parts::{Sizes, in_order, threads};
use super::pass::Found as Rows;
use super::text::{Last, Range, Reader, TextFile};
use crate::config::valid::Files;
use crate::data::Dataset;
use crate::data::columns::{Evidence, Kind, Plan, Use, plan};
use crate::data::csv::CsvFile;
use crate::data::inspect::{collect, same_header};
use crate::data::reading::{FileReading, Format, Found, MalformedRow, Reading, SHOWN_MALFORMED};
use crate::data::source::{CsvTable, Table};
use crate::data::spec::{Needs, Spec, needs};
use crate::data::table::{check_types, mixed_dialects, usage};
use crate::diag::Diagnostic;

/// Rows of separated text take about so many times the bytes of their files at once: these, their cells and what is made of them.
const COPIES: u64 = 3;
/// More passes than this are never needed: the kinds that the whole file gives stay, and so does what a last row is.
const MOST_PASSES: usize = 4;

/// Reads separated text in parts; none where that is not the way of these files.
pub(crate) fn open_text(
    asked: &Asked,
    spec: &Spec,
    warnings: &mut Vec<Diagnostic>,
) -> Result<Option<Dataset>, Vec<Diagnostic>> {
    let one = |problem: Diagnostic| vec![spec.placed(problem)];
    let all = |problems| spec.all_placed(problems);
    let sizes: u64 =
        spec.files.paths.iter().filter_map(|path| std::fs::metadata(path).ok()).map(|meta| meta.len()).sum();
    if !in_parts(asked.source, asked.metrics, sizes * COPIES, warnings).map_err(one)? {
        return Ok(None);
    }
    let wanted = spec.wanted();
    let (heads, problems) = collect(spec.files, |path| CsvFile::head(path, spec.files, &wanted));
    if !problems.is_empty() {
        return Err(all(problems));
    }
    // What is not UTF-8, or has no header, goes the way of the rows, which says all there is to say.
    let is_plain = |head: &CsvFile| head.encoding().0.value == "UTF-8" && !head.layout.names.is_empty();
    if !heads.iter().all(is_plain) {
        return Ok(None);
    }
    let mut own = Vec::new();
    let heads = same_header(heads, &mut own).map_err(all)?;
    let Some(names) = heads.first().map(|head| head.layout.names.clone()) else { return Ok(None) };
    let needs = needs(&names, spec)?;
    let mut pass = Text::of(heads, names, &needs, spec.files, asked.sizes).map_err(all)?;
    for _ in 0..MOST_PASSES {
        let kinds = pass.kinds();
        let kind = |index: usize| kinds[index];
        let columns = Columns { names: &pass.names, kind: &kind, needs: &needs };
        let group = needs.group.unwrap_or_default();
        let group_is_read = columns.is_read(spec, group).map_err(all)?;
        let mut job = Job::of(asked, spec, &columns, pass.rows).map_err(all)?;
        if !group_is_read {
            job.kept_labels(group);
        }
        let reader = pass.reader(group, group_is_read);
        let first = pass.files[0].range(0, None, &reader, false).map_err(one)?;
        if !first.part.label_of_row.is_empty() {
            check_types(spec, &pass.names, first.part.frame.schema()).map_err(all)?;
        }
        drop(first);
        let Some(seen) = pass.look(&job, &reader).map_err(one)? else { return Ok(None) };
        if pass.learn(&seen, spec.files, &needs).map_err(all)? {
            continue;
        }
        let (found, reading) = pass.accounted(seen);
        if found.rows == 0 {
            return Ok(None);
        }
        warnings.extend(own);
        mixed_dialects(&reading, warnings);
        let table = Table::Csv(pass.table());
        return job.dataset(asked, spec, &table, found, reading, warnings).map(Some).map_err(all);
    }
    Ok(None)
}

/// Files of separated text and how they are read.
struct Text {
    files: Vec<TextFile>,
    names: Vec<String>,
    /// What is known of the cells: of columns that are read from all rows once a pass was made, of others from the heads.
    evidence: Vec<Evidence>,
    uses: Vec<Use>,
    plans: Vec<Plan>,
    decimal: Found<char>,
    /// Columns that are read, ascending.
    read: Vec<usize>,
    /// About how many rows there are.
    rows: u64,
    /// Files whose last row is torn.
    torn: Vec<bool>,
}

/// What a pass saw.
struct Seen {
    found: Rows,
    evidence: Vec<Evidence>,
    files: Vec<SeenFile>,
}

#[derive(Default)]
struct SeenFile {
    rows: u64,
    blank: u64,
    malformed: u64,
    first_malformed: Vec<MalformedRow>,
    empty_ends: u64,
    last: Option<Last>,
    pieces: Vec<Piece>,
    /// Line and offset that the next range begins with.
    line: u64,
    at: u64,
}

impl Text {
    fn of(
        mut heads: Vec<CsvFile>,
        names: Vec<String>,
        needs: &Needs,
        spec: &Files,
        sizes: Sizes,
    ) -> Result<Text, Vec<Diagnostic>> {
        let mut evidence = vec![Evidence::default(); names.len()];
        let (mut rows, mut bytes) = (0, 0);
        for head in &mut heads {
            for (known, more) in evidence.iter_mut().zip(head.scan()) {
                known.merge(more);
            }
            rows += head.rows();
            bytes += head.bytes_read();
        }
        let files = heads
            .into_iter()
            .map(|head| TextFile::of(head, sizes))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|problem| vec![problem])?;
        let all: u64 = files.iter().map(|file| file.size).sum();
        let rows = (rows as f64 * all as f64 / bytes.max(1) as f64) as u64;
        let uses = (0..names.len()).map(|index| usage(needs, index)).collect();
        let mut text = Text {
            torn: vec![false; files.len()],
            files,
            names,
            evidence,
            uses,
            plans: Vec::new(),
            decimal: Found::default('.'),
            read: needs.all.iter().copied().collect(),
            rows,
        };
        (text.plans, text.decimal) = text.planned(spec)?;
        Ok(text)
    }

    fn planned(&self, spec: &Files) -> Result<(Vec<Plan>, Found<char>), Vec<Diagnostic>> {
        let columns: Vec<(&str, Use, &Evidence)> = self
            .names
            .iter()
            .zip(&self.uses)
            .zip(&self.evidence)
            .map(|((name, usage), evidence)| (name.as_str(), *usage, evidence))
            .collect();
        plan(&columns, spec.decimal, self.files[0].layout.separator_byte())
    }

    fn kinds(&self) -> Vec<Option<Kind>> {
        self.plans.iter().map(|plan| Some(plan.kind)).collect()
    }

    fn reader(&self, group: usize, group_is_read: bool) -> Reader<'_> {
        let columns = self.read.iter().map(|index| (*index, self.plans[*index])).collect();
        Reader { columns, group, group_is_read, names: &self.names }
    }

    /// One pass over all files; none where bytes that are no UTF-8 put the encoding in doubt.
    fn look(&self, job: &Job, reader: &Reader) -> Result<Option<Seen>, Diagnostic> {
        let ranges: Vec<(usize, usize)> = (0..self.files.len())
            .flat_map(|file| (0..self.files[file].ranges()).map(move |number| (file, number)))
            .collect();
        let wanted = job.wanted();
        let make = |at: usize| -> Result<(Range, Rows), Diagnostic> {
            let (file, number) = ranges[at];
            let range = self.files[file].range(number, None, reader, self.torn[file])?;
            let found = wanted.look(&range.part)?;
            Ok((range, found))
        };
        let mut seen = Seen {
            found: Rows::default(),
            evidence: vec![Evidence::default(); reader.columns.len()],
            files: self
                .files
                .iter()
                .map(|file| SeenFile { line: file.layout.line, at: file.body(), ..SeenFile::default() })
                .collect(),
        };
        let mut in_doubt = false;
        let take = |at: usize, (mut range, mut found): (Range, Rows)| {
            let (file, number) = ranges[at];
            let own = &mut seen.files[file];
            if range.first != own.at {
                // A record of the range before reached over the first line break of this one.
                range = self.files[file].range(number, Some(own.at), reader, self.torn[file])?;
                found = wanted.look(&range.part)?;
            }
            in_doubt |= range.damaged;
            own.take(range, &mut seen.evidence, found.rows);
            seen.found.merge(found)
        };
        in_order(ranges.len(), threads(), make, take)?;
        Ok((!in_doubt).then_some(seen))
    }

    /// Takes the evidence of all rows for that of the heads. Whether another pass is to be made: a column is of another kind
    /// than its head promised, or a last row turns out to be torn.
    fn learn(&mut self, seen: &Seen, spec: &Files, needs: &Needs) -> Result<bool, Vec<Diagnostic>> {
        for (index, evidence) in self.read.iter().zip(&seen.evidence) {
            self.evidence[*index] = evidence.clone();
        }
        let (plans, decimal) = self.planned(spec)?;
        let differ = |index: &usize| {
            let (old, new) = (self.plans[*index], plans[*index]);
            (old.kind, old.decimal) != (new.kind, new.decimal)
        };
        let again = self.read.iter().any(differ);
        (self.plans, self.decimal) = (plans, decimal);
        if again {
            return Ok(true);
        }
        let empty_ends: u64 = seen.files.iter().map(|file| file.empty_ends).sum();
        let last_column = self.names.len() - 1;
        let mut torn = self.torn.clone();
        for (torn, file) in torn.iter_mut().zip(&seen.files) {
            let Some(last) =
                file.last.as_ref().filter(|last| !last.terminated && !*torn && seen.found.rows >= 2)
            else {
                continue;
            };
            *torn = last.ends_in_empty_cell && empty_ends == 1
                || needs.group == Some(last_column)
                    && last.label.as_ref().is_some_and(|label| seen.is_cut(label));
        }
        let again = torn != self.torn;
        self.torn = torn;
        Ok(again)
    }

    fn accounted(&self, seen: Seen) -> (Rows, Reading) {
        let mut reading = Reading {
            decimal: Some(self.decimal.clone()),
            encoding: self.files.first().map(|file| file.encoding.clone()),
            separator: self.files.first().map(|file| file.layout.separator.clone()),
            rows: seen.found.rows,
            ..Reading::empty(Format::Csv)
        };
        for (file, own) in self.files.iter().zip(seen.files) {
            reading.malformed += own.malformed;
            reading.first_malformed.extend(own.first_malformed);
            reading.files.push(FileReading {
                path: file.path.clone(),
                bytes: file.size,
                blake3: whole(&own.pieces).unwrap_or_default(),
                rows: own.rows,
                malformed: own.malformed,
                blank: own.blank,
                encoding: Some(file.encoding.clone()),
                separator: Some(file.layout.separator.clone()),
                bom: file.bom,
                final_newline: own.last.is_none_or(|last| last.terminated),
            });
        }
        reading.first_malformed.truncate(SHOWN_MALFORMED);
        (seen.found, reading)
    }

    /// The files as a table of which nothing is read any more.
    fn table(&self) -> CsvTable {
        CsvTable {
            files: Vec::new(),
            empty_files: Vec::new(),
            evidence: self.evidence.clone(),
            plans: self.plans.clone(),
            decimal: self.decimal.clone(),
            names: self.names.clone(),
        }
    }
}

impl Seen {
    /// Whether the label of a last row is the beginning of another one and of no row but its own.
    fn is_cut(&self, label: &str) -> bool {
        let rows: u64 = self
            .found
            .cells
            .iter()
            .filter(|(key, ..)| key.group == label)
            .map(|(_, size, _)| size.rows)
            .sum();
        let longer = |other: &String| other.trim().len() > label.len() && other.trim().starts_with(label);
        rows <= 1 && self.found.labels.iter().any(longer)
    }
}

impl SeenFile {
    fn take(&mut self, range: Range, evidence: &mut [Evidence], rows: u64) {
        self.rows += rows;
        self.blank += range.blank;
        self.malformed += range.malformed;
        self.empty_ends += range.empty_ends;
        let line = self.line;
        let located =
            range.first_malformed.into_iter().map(|row| MalformedRow { line: row.line + line, ..row });
        let room = SHOWN_MALFORMED.saturating_sub(self.first_malformed.len());
        self.first_malformed.extend(located.take(room));
        self.last = range.last.or(self.last.take());
        self.pieces.push(range.hash);
        self.line += range.lines;
        self.at = range.end;
        evidence.iter_mut().zip(&range.evidence).for_each(|(own, more)| own.merge(more));
    }
}
