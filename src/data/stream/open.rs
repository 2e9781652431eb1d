//! From big files to a dataset of sums: Parquet, and the choice of the way.

use jiff::civil::Date;

use super::choice::in_parts;
use super::hash::{PIECE, Piece, pieces, whole};
use super::job::{Columns, Job};
use super::parts::{Sizes, in_order, threads};
use super::pass::Found;
use super::row_groups::RowGroups;
use super::text_pass::open_text;
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
    pub date: Date,
    pub sizes: Sizes,
}

/// Reads the rows in parts; none where they are few, or something needs all of them at once.
///
/// # Errors
/// As [`crate::data::open`].
pub(crate) fn open(
    asked: &Asked,
    warnings: &mut Vec<Diagnostic>,
) -> Result<Option<Dataset>, Vec<Diagnostic>> {
    let spec = Spec::data(asked.source, asked.metrics, asked.segments);
    let one = |problem: Diagnostic| vec![spec.placed(problem)];
    match format(&spec).map_err(|problems| spec.all_placed(problems))? {
        Format::Csv => open_text(asked, &spec, warnings),
        Format::Parquet => {
            let files =
                ParquetFiles::open(&spec.files.paths).map_err(|problems| spec.all_placed(problems))?;
            let needs = needs(&files.names, &spec)?;
            let kind =
                |index: usize| if needs.group == Some(index) { Some(Kind::Text) } else { files.kinds[index] };
            let columns = Columns { names: &files.names, kind: &kind, needs: &needs };
            // An unreadable type is told by the way of the rows.
            if needs.all.iter().any(|index| kind(*index).is_none()) {
                return Ok(None);
            }
            let group = needs.group.unwrap_or_default();
            let group_is_read =
                columns.is_read(&spec, group).map_err(|problems| spec.all_placed(problems))?;
            let projection: Vec<usize> = needs.all.iter().copied().collect();
            let mut parts =
                RowGroups::open(&files, projection, vec![group], group, group_is_read, asked.sizes.rows)
                    .map_err(one)?;
            let rows = parts.rows();
            let width: u64 =
                needs.all.iter().map(|index| if kind(*index) == Some(Kind::Text) { 24 } else { 8 }).sum();
            if !in_parts(asked.source, asked.metrics, rows * (width + 24), warnings).map_err(one)?
                || rows == 0
            {
                return Ok(None);
            }
            let mut job =
                Job::of(asked, &spec, &columns, rows).map_err(|problems| spec.all_placed(problems))?;
            if !group_is_read {
                job.kept_labels(group);
            }
            let first = parts.read(0).map_err(one)?;
            check_types(&spec, &files.names, first.frame.schema())
                .map_err(|problems| spec.all_placed(problems))?;
            drop(first);
            let short = columns.short(&spec);
            job.keep_short(&short);
            parts.keep_short(short);
            let (found, reading) = of_parquet(&parts, &files, &job).map_err(one)?;
            job.dataset(
                asked,
                &spec,
                &Table::Parquet { files, labels: vec![group], units: Vec::new() },
                found,
                reading,
                warnings,
            )
            .map(Some)
            .map_err(|problems| spec.all_placed(problems))
        }
    }
}

/// Reads the parts of Parquet files, and hashes these beside.
fn of_parquet(parts: &RowGroups, files: &ParquetFiles, job: &Job) -> Result<(Found, Reading), Diagnostic> {
    enum Made {
        Rows(Box<Found>),
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
            return Ok(Made::Rows(Box::new(wanted.look(&parts.read(number)?)?)));
        }
        let (file, number) = of_file[number - parts.len()];
        parts.piece(file, number, sizes[file]).map(Made::Piece)
    };
    let mut found = Found::default();
    let mut hashed: Vec<Vec<Piece>> = vec![Vec::new(); sizes.len()];
    let mut rows = vec![0; sizes.len()];
    let take = |number: usize, made: Made| {
        match made {
            Made::Rows(more) => {
                rows[parts.place(number).0] += more.rows;
                found.merge(*more)?;
            }
            Made::Piece(piece) => hashed[of_file[number - parts.len()].0].push(piece),
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
