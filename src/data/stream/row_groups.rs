//! Parquet files part by part: row groups, and parts of row groups that are large.
//!
//! polars' own streaming engine takes a row group whole into memory (its issue 25307) and does not promise the order in which
//! it adds up. Here a part is a range of rows of one row group, only the pages of that range are decoded, and the order of the
//! parts is that of the file.

use std::path::PathBuf;
use std::sync::Arc;

use polars::prelude::*;

use super::hash::{Piece, piece_of};
use super::labels::label_rows;
use super::parts::Part;
use crate::data::columns::Kind;
use crate::data::failure;
use crate::data::names::NONE;
use crate::data::parquet::{ParquetFiles, normalised, problem};
use crate::diag::Diagnostic;

/// Rows of a part at most.
pub(crate) const ROWS: usize = 1 << 17;

/// Where a part is.
struct Place {
    file: usize,
    row_group: usize,
    offset: usize,
    rows: usize,
}

/// Parquet files cut into parts.
pub(crate) struct RowGroups {
    paths: Vec<PathBuf>,
    /// Of each file, its metadata with one row group each.
    metadata: Vec<Vec<Arc<FileMetadata>>>,
    places: Vec<Place>,
    names: Vec<String>,
    kinds: Vec<Option<Kind>>,
    /// Columns that are read, ascending.
    projection: Vec<usize>,
    /// Columns that are text whatever they hold.
    labels: Vec<usize>,
    group: Option<usize>,
    /// The column of the group is read by expressions, too.
    group_is_read: bool,
    /// Columns that stay 32-bit numbers where the file has such.
    short: Vec<usize>,
}

impl RowGroups {
    /// Looks at the footers of the files; parts have `most` rows at most.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(crate) fn open(
        files: &ParquetFiles,
        projection: Vec<usize>,
        labels: Vec<usize>,
        group: Option<usize>,
        group_is_read: bool,
        most: usize,
    ) -> Result<RowGroups, Diagnostic> {
        let (mut metadata, mut places) = (Vec::new(), Vec::new());
        for (number, path) in files.paths.iter().enumerate() {
            let file = std::fs::File::open(path).map_err(|error| failure::unreadable(path, &error))?;
            let mut reader = ParquetReader::new(file);
            let whole = reader.get_metadata().map_err(|error| problem(path, &error))?;
            let mut of_file = Vec::with_capacity(whole.row_groups.len());
            for (row_group, own) in whole.row_groups.iter().enumerate() {
                let rows = own.num_rows();
                places.extend((0..rows).step_by(most).map(|offset| Place {
                    file: number,
                    row_group,
                    offset,
                    rows: most.min(rows - offset),
                }));
                let mut one = FileMetadata::clone(whole);
                one.num_rows = rows;
                one.row_groups = vec![own.clone()];
                of_file.push(Arc::new(one));
            }
            metadata.push(of_file);
        }
        Ok(RowGroups {
            paths: files.paths.clone(),
            metadata,
            places,
            names: files.names.clone(),
            kinds: files.kinds.clone(),
            projection,
            labels,
            group,
            group_is_read,
            short: Vec::new(),
        })
    }

    /// Leaves columns that are only added up, and no expression reads, as the files have them where that is as 32-bit numbers.
    pub(crate) fn keep_short(&mut self, columns: Vec<usize>) {
        self.short = columns;
    }

    /// How many parts there are.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// The file of a part, and its rows.
    pub(crate) fn place(&self, part: usize) -> (usize, usize) {
        (self.places[part].file, self.places[part].rows)
    }

    /// Rows of all parts.
    pub(crate) fn rows(&self) -> u64 {
        self.places.iter().map(|place| place.rows as u64).sum()
    }

    /// Reads a part.
    ///
    /// # Errors
    /// A file that is damaged.
    pub(crate) fn read(&self, part: usize) -> Result<Part, Diagnostic> {
        let place = &self.places[part];
        let path = &self.paths[place.file];
        let failed = |error: PolarsError| problem(path, &error);
        let file = std::fs::File::open(path).map_err(|error| failure::unreadable(path, &error))?;
        let names = self.projection.iter().map(|index| self.names[*index].clone()).collect();
        let mut reader = ParquetReader::new(file)
            .with_columns(Some(names))
            .with_slice(Some((place.offset, place.rows)))
            .read_parallel(ParallelStrategy::None);
        reader.set_metadata(self.metadata[place.file][place.row_group].clone());
        let frame = reader.finish().map_err(failed)?;
        let (mut labels, mut label_of_row) = (Vec::new(), Vec::new());
        let mut columns = Vec::with_capacity(self.projection.len());
        for index in &self.projection {
            let series = frame.column(&self.names[*index]).map_err(failed)?.as_materialized_series();
            if Some(*index) == self.group {
                (labels, label_of_row) = label_rows(series).map_err(failed)?;
                if !self.group_is_read {
                    continue;
                }
            }
            if self.short.contains(index) && *series.dtype() == DataType::Int32 {
                columns.push(series.rechunk().into_column());
                continue;
            }
            let kind = if self.labels.contains(index) { Some(Kind::Text) } else { self.kinds[*index] };
            columns.push(normalised(&series.rechunk(), kind).map_err(failed)?.into_column());
        }
        if self.group.is_none() {
            label_of_row = vec![NONE; place.rows];
        }
        let frame = DataFrame::new(place.rows, columns).map_err(failed)?;
        Ok(Part { frame, labels, label_of_row })
    }

    /// The hash of a piece of a file of that size.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(crate) fn piece(&self, file: usize, number: usize, size: u64) -> Result<Piece, Diagnostic> {
        let path = &self.paths[file];
        std::fs::File::open(path)
            .and_then(|file| piece_of(&file, number, size))
            .map_err(|error| failure::unreadable(path, &error))
    }
}
