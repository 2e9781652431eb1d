//! The pass over separated text: kinds are taken from the beginning of the files, and the pass is made again where the rest of
//! them says otherwise.

use super::beside::{Beside, Made, Shape, Work};
use super::hash::{Piece, whole};
use super::job::{Columns, Goal, Job};
use super::open::{Asked, Passed};
use super::parts::{Part, Sizes, in_order, threads};
use super::pass::Found as Rows;
use super::text::{Last, Range, Reader, TextFile};
use crate::config::valid::Files;
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

/// About how much memory the rows of these files take at once.
pub(crate) fn memory(spec: &Spec) -> u64 {
    let sizes =
        spec.files.paths.iter().filter_map(|path| std::fs::metadata(path).ok()).map(|meta| meta.len());
    sizes.sum::<u64>() * COPIES
}

/// A pass over separated text, or several; none where that is not the way of these files.
pub(crate) fn pass_text<'a>(
    asked: &Asked<'a>,
    spec: &Spec<'a>,
    goal: Goal,
    beside: &mut Beside,
    warnings: &mut Vec<Diagnostic>,
) -> Result<Option<Passed<'a>>, Vec<Diagnostic>> {
    let one = |problem: Diagnostic| vec![spec.placed(problem)];
    let all = |problems| spec.all_placed(problems);
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
        let group_is_read = match needs.group {
            Some(group) => columns.is_read(spec, group).map_err(all)?,
            None => false,
        };
        let mut job = Job::of(asked, spec, &columns, pass.rows, goal).map_err(all)?;
        if let Some(group) = needs.group.filter(|_| !group_is_read) {
            job.kept_labels(group);
        }
        let reader = pass.reader(needs.group, group_is_read);
        let first = pass.files[0].range(0, None, &reader, false).map_err(one)?;
        if !first.part.label_of_row.is_empty() {
            check_types(spec, &pass.names, &first.part.frame).map_err(all)?;
        }
        drop(first);
        let put_by = columns.put_by(group_is_read);
        let shape = Shape { names: &pass.names, kind: &kind };
        let apart = spec.group.filter(|_| !group_is_read);
        let work = beside.work(asked, spec, shape, apart);
        let Some(seen) = pass.look(&job, &reader, &work, beside).map_err(one)? else { return Ok(None) };
        drop(work);
        if pass.learn(&seen, spec.files, &needs).map_err(all)? {
            beside.forget();
            continue;
        }
        let (found, reading) = pass.accounted(seen);
        warnings.extend(own);
        mixed_dialects(&reading, warnings);
        return Ok(Some(Passed { job, found, reading, table: Table::Csv(pass.table()), columns: put_by }));
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

    fn reader(&self, group: Option<usize>, group_is_read: bool) -> Reader<'_> {
        let columns = self.read.iter().map(|index| (*index, self.plans[*index])).collect();
        Reader { columns, group, group_is_read, names: &self.names }
    }

    /// One pass over all files; none where bytes that are no UTF-8 put the encoding in doubt.
    fn look(
        &self,
        job: &Job,
        reader: &Reader,
        work: &Work,
        beside: &mut Beside,
    ) -> Result<Option<Seen>, Diagnostic> {
        let ranges: Vec<(usize, usize)> = (0..self.files.len())
            .flat_map(|file| (0..self.files[file].ranges()).map(move |number| (file, number)))
            .collect();
        let wanted = job.wanted();
        let made = |at: usize, begin: Option<u64>| -> Result<(Range, Rows, Made), Diagnostic> {
            let (file, number) = ranges[at];
            let mut range = self.files[file].range(number, begin, reader, self.torn[file])?;
            let found = wanted.look(&range.part)?;
            let made = work.of(&range.part, &wanted)?;
            // No more results wait than there are threads, but none of them needs its rows any more.
            range.part = Part::default();
            Ok((range, found, made))
        };
        let make = |at: usize| made(at, None);
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
        let take = |at: usize, (mut range, mut found, mut results): (Range, Rows, Made)| {
            let own = &mut seen.files[ranges[at].0];
            if range.first != own.at {
                // A record of the range before reached over the first line break of this one.
                (range, found, results) = made(at, Some(own.at))?;
            }
            in_doubt |= range.damaged;
            own.take(range, &mut seen.evidence, found.rows);
            seen.found.merge(found)?;
            beside.take(results)
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
