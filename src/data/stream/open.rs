//! From big files to a dataset of sums: the choice of the way, and a pass over one table.

use jiff::civil::Date;

use super::beside::{Beside, Made, Shape, Work};
use super::by_unit;
use super::choice::{Way, way};
use super::hash::{PIECE, Piece, pieces, whole};
use super::job::{Columns, Goal, Job};
use super::parts::{Sizes, in_order, threads};
use super::pass::Found;
use super::row_groups::RowGroups;
use super::text_pass::pass_text;
use crate::config::valid::{DataSource, Design, Metric, Segment};
use crate::data::columns::Kind;
use crate::data::parquet::ParquetFiles;
use crate::data::reading::{FileReading, Format, Reading};
use crate::data::source::{Table, format};
use crate::data::spec::{Spec, needs};
use crate::data::table::check_types;
use crate::data::{Dataset, failure};
use crate::diag::Diagnostic;

/// What is asked of the rows.
pub(crate) struct Asked<'a> {
    pub source: &'a DataSource,
    pub metrics: &'a [Metric],
    pub design: &'a Design,
    pub segments: &'a [Segment],
    /// First day of the experiment.
    pub start: Option<Date>,
    /// The date of the data: rows from later days are counted and left out.
    pub date: Date,
    pub sizes: Sizes,
}

impl<'a> Asked<'a> {
    /// A question in parts of the usual size.
    pub(crate) fn of(
        source: &'a DataSource,
        metrics: &'a [Metric],
        design: &'a Design,
        segments: &'a [Segment],
        start: Option<Date>,
        date: Date,
    ) -> Asked<'a> {
        Asked { source, metrics, design, segments, start, date, sizes: Sizes::default() }
    }

    /// `[data]` and the facts that are read.
    pub(crate) fn specs(&self) -> Vec<Spec<'a>> {
        let facts = self.source.facts.iter().map(|facts| Spec::facts(facts, self.metrics));
        std::iter::once(Spec::data(self.source, self.metrics, self.segments)).chain(facts).collect()
    }
}

/// Reads the rows in parts; none where they are few, or something needs all of them at once.
///
/// # Errors
/// As [`crate::data::open`].
pub(crate) fn open(
    asked: &Asked,
    warnings: &mut Vec<Diagnostic>,
) -> Result<Option<Dataset>, Vec<Diagnostic>> {
    let specs = asked.specs();
    let mut memory = 0;
    for spec in &specs {
        memory += memory_of(spec)?;
    }
    let way = way(asked.source, asked.metrics, memory, warnings);
    let Some(way) = way.map_err(|problem| vec![specs[0].placed(problem)])? else { return Ok(None) };
    let mut own = Vec::new();
    let data = match way {
        Way::Sums => of_rows(asked, &specs[0], Goal::Metrics, &mut own)?,
        Way::Units => of_rows(asked, &specs[0], Goal::Units, &mut own)?,
        Way::Shards => by_unit::open(asked, &specs, memory, &mut own)?,
    };
    if data.is_some() {
        warnings.extend(own);
    } else if let Some(name) = not_plain(&specs) {
        let message =
            format!("about {} MB of rows are read as a whole: {name} is not in UTF-8", memory >> 20);
        warnings.push(
            Diagnostic::warning("data::streaming", message)
                .hint("save it in UTF-8 (`iconv -f WINDOWS-1251 -t UTF-8`), and it is read in parts"),
        );
    }
    Ok(data)
}

/// Rows that are units.
fn of_rows(
    asked: &Asked,
    spec: &Spec,
    goal: Goal,
    warnings: &mut Vec<Diagnostic>,
) -> Result<Option<Dataset>, Vec<Diagnostic>> {
    let mut beside = if goal == Goal::Units { Beside::Units(None) } else { Beside::Nothing };
    let Some(passed) = pass(asked, spec, goal, &mut beside, warnings)? else { return Ok(None) };
    if passed.found.rows == 0 {
        return Ok(None);
    }
    passed.is_timed(spec).map_err(|problem| vec![spec.placed(problem)])?;
    let made = match beside {
        Beside::Units(sums) => sums.map(|sums| *sums),
        _ => None,
    };
    passed.dataset(asked, spec, made).map(Some).map_err(|problems| spec.all_placed(problems))
}

/// About how much memory the rows of a table would take at once.
fn memory_of(spec: &Spec) -> Result<u64, Vec<Diagnostic>> {
    match format(spec).map_err(|problems| spec.all_placed(problems))? {
        Format::Csv => Ok(super::text_pass::memory(spec)),
        Format::Parquet => {
            let files =
                ParquetFiles::open(&spec.files.paths).map_err(|problems| spec.all_placed(problems))?;
            let needs = needs(&files.names, spec)?;
            let is_text =
                |index: &usize| needs.group == Some(*index) || files.kinds[*index] == Some(Kind::Text);
            let width: u64 = needs.all.iter().map(|index| if is_text(index) { 24 } else { 8 }).sum();
            let rows = files.rows().map_err(|problem| vec![spec.placed(problem)])?;
            Ok(rows * (width + 24))
        }
    }
}

/// The first file of separated text that is not in UTF-8.
fn not_plain(specs: &[Spec]) -> Option<String> {
    let is_text = |spec: &&Spec| matches!(format(spec), Ok(Format::Csv));
    let file = |spec: &Spec| {
        let wanted = spec.wanted();
        spec.files.paths.iter().find_map(|path| {
            let head = crate::data::csv::CsvFile::head(path, spec.files, &wanted).ok()?;
            (head.encoding().0.value != "UTF-8").then(|| path.display().to_string())
        })
    };
    specs.iter().filter(is_text).find_map(file)
}

/// One table that passed by.
pub(crate) struct Passed<'a> {
    pub job: Job<'a>,
    pub found: Found,
    pub reading: Reading,
    /// The files, of which nothing is read any more.
    pub table: Table,
    /// Names of the columns as rows were put by.
    pub columns: Vec<usize>,
}

/// A pass over one table; none where that is not the way of its files.
///
/// # Errors
/// As [`crate::data::open`].
pub(crate) fn pass<'a>(
    asked: &Asked<'a>,
    spec: &Spec<'a>,
    goal: Goal,
    beside: &mut Beside,
    warnings: &mut Vec<Diagnostic>,
) -> Result<Option<Passed<'a>>, Vec<Diagnostic>> {
    let all = |problems: Vec<Diagnostic>| spec.all_placed(problems);
    let one = |problem: Diagnostic| vec![spec.placed(problem)];
    if format(spec).map_err(all)? == Format::Csv {
        return pass_text(asked, spec, goal, beside, warnings);
    }
    let files = ParquetFiles::open(&spec.files.paths).map_err(all)?;
    let needs = needs(&files.names, spec)?;
    // As in the way of the rows: units that are whole numbers stay these.
    let as_text = |unit: &usize| needs.unit_is_read || files.kinds[*unit] != Some(Kind::Integer);
    let labels: Vec<usize> = needs.group.into_iter().chain(needs.unit.filter(as_text)).collect();
    let units: Vec<usize> = needs.unit.into_iter().collect();
    let kinds: Vec<Option<Kind>> = (0..files.names.len())
        .map(|index| match labels.contains(&index) || units.contains(&index) {
            true => Some(Kind::Text),
            false => files.kinds[index],
        })
        .collect();
    let kind = |index: usize| kinds[index];
    let columns = Columns { names: &files.names, kind: &kind, needs: &needs };
    // An unreadable type is told by the way of the rows.
    if needs.all.iter().any(|index| kind(*index).is_none()) {
        return Ok(None);
    }
    let group_is_read = match needs.group {
        Some(group) => columns.is_read(spec, group).map_err(all)?,
        None => false,
    };
    let projection: Vec<usize> = needs.all.iter().copied().collect();
    let sizes = asked.sizes;
    let mut parts =
        RowGroups::open(&files, projection, labels.clone(), needs.group, group_is_read, sizes.rows)
            .map_err(one)?;
    let mut job = Job::of(asked, spec, &columns, parts.rows(), goal).map_err(all)?;
    if let Some(group) = needs.group.filter(|_| !group_is_read) {
        job.kept_labels(group);
    }
    if parts.len() > 0 {
        let first = parts.read(0).map_err(one)?;
        check_types(spec, &files.names, &first.frame).map_err(all)?;
    }
    if goal != Goal::Units {
        let short = columns.short(spec);
        job.keep_short(&short);
        parts.keep_short(short);
    }
    let shape = Shape { names: &files.names, kind: &kind };
    let work = beside.work(asked, spec, shape, spec.group.filter(|_| !group_is_read));
    let (found, reading) = of_parquet(&parts, &files, &job, &work, beside).map_err(one)?;
    drop(work);
    let columns = columns.put_by(group_is_read);
    Ok(Some(Passed { job, found, reading, table: Table::Parquet { files, labels, units }, columns }))
}

/// Reads the parts of Parquet files, and hashes these beside.
fn of_parquet(
    parts: &RowGroups,
    files: &ParquetFiles,
    job: &Job,
    work: &Work,
    beside: &mut Beside,
) -> Result<(Found, Reading), Diagnostic> {
    enum Step {
        Rows(Box<Found>, Made),
        Piece(Piece),
    }
    let sizes = files
        .paths
        .iter()
        .map(|path| {
            std::fs::metadata(path).map(|meta| meta.len()).map_err(|error| failure::unreadable(path, &error))
        })
        .collect::<Result<Vec<u64>, Diagnostic>>()?;
    let of_file: Vec<(usize, usize)> = sizes
        .iter()
        .enumerate()
        .flat_map(|(file, size)| (0..pieces(*size, PIECE)).map(move |number| (file, number)))
        .collect();
    let wanted = job.wanted();
    let make = |number: usize| {
        if number < parts.len() {
            let part = parts.read(number)?;
            return Ok(Step::Rows(Box::new(wanted.look(&part)?), work.of(&part, &wanted)?));
        }
        let (file, number) = of_file[number - parts.len()];
        parts.piece(file, number, sizes[file]).map(Step::Piece)
    };
    let mut found = Found::default();
    let mut hashed: Vec<Vec<Piece>> = vec![Vec::new(); sizes.len()];
    let mut rows = vec![0; sizes.len()];
    let take = |number: usize, made: Step| {
        match made {
            Step::Rows(more, made) => {
                rows[parts.place(number).0] += more.rows;
                found.merge(*more)?;
                beside.take(made)?;
            }
            Step::Piece(piece) => hashed[of_file[number - parts.len()].0].push(piece),
        }
        Ok(())
    };
    in_order(parts.len() + of_file.len(), threads(), make, take)?;
    let readings =
        files.paths.iter().zip(sizes).zip(hashed).zip(rows).map(|(((path, bytes), hashed), rows)| {
            FileReading {
                path: path.clone(),
                bytes,
                blake3: whole(&hashed).unwrap_or_default(),
                rows,
                malformed: 0,
                blank: 0,
                encoding: None,
                separator: None,
                bom: false,
                final_newline: true,
            }
        });
    let reading = Reading { files: readings.collect(), rows: found.rows, ..Reading::empty(Format::Parquet) };
    Ok((found, reading))
}
