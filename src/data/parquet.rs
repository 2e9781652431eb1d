//! Parquet: the schema tells the kinds, polars reads only the columns asked for.

use std::path::{Path, PathBuf};

use polars::prelude::*;

use super::columns::Kind;
use super::failure;
use super::reading::FileReading;
use crate::diag::{Diagnostic, Place};

/// Parquet files of one schema.
pub(crate) struct ParquetFiles {
    pub paths: Vec<PathBuf>,
    /// Column names in the order of the first file.
    pub names: Vec<String>,
    /// Their kinds; none for columns of types that this program does not read.
    pub kinds: Vec<Option<Kind>>,
}

/// A file that polars cannot read.
pub(crate) fn problem(path: &Path, error: &PolarsError) -> Diagnostic {
    Diagnostic::error(
        "data::parquet",
        format!("the file is no readable Parquet: {}", failure::sentence(error)),
    )
    .at(Place::file(path))
}

fn scan(path: &Path) -> Result<LazyFrame, Diagnostic> {
    let file = std::fs::File::open(path).map_err(|error| failure::unreadable(path, &error))?;
    // polars panics on a schema with half-precision numbers, so the raw schema is looked at first.
    let schema = ParquetReader::new(file).schema().map_err(|error| problem(path, &error))?;
    if let Some(field) = schema.iter_values().find(|field| has_half_precision(&field.dtype)) {
        let message = format!("column `{}` holds half-precision numbers, which cannot be read", field.name);
        return Err(Diagnostic::error("data::parquet", message)
            .at(Place::file(path))
            .hint("save it as single or double precision"));
    }
    let args = ScanArgsParquet { glob: false, ..Default::default() };
    let text = path.to_str().ok_or_else(|| {
        Diagnostic::error("data::unreadable", "the path is not valid Unicode").at(Place::file(path))
    })?;
    LazyFrame::scan_parquet(PlRefPath::new(text), args).map_err(|error| problem(path, &error))
}

fn has_half_precision(dtype: &ArrowDataType) -> bool {
    match dtype {
        ArrowDataType::Float16 => true,
        ArrowDataType::List(inner)
        | ArrowDataType::LargeList(inner)
        | ArrowDataType::FixedSizeList(inner, _)
        | ArrowDataType::Map(inner, _) => has_half_precision(&inner.dtype),
        ArrowDataType::Struct(fields) => fields.iter().any(|field| has_half_precision(&field.dtype)),
        ArrowDataType::Dictionary(_, values, _) => has_half_precision(values),
        _ => false,
    }
}

impl ParquetFiles {
    /// Reads the schemas.
    ///
    /// # Errors
    /// A file that cannot be read, is no Parquet, or has other columns than the first one.
    pub(crate) fn open(paths: &[PathBuf]) -> Result<ParquetFiles, Vec<Diagnostic>> {
        let mut found: Option<ParquetFiles> = None;
        let mut problems = Vec::new();
        for path in paths {
            let schema = scan(path)
                .and_then(|mut frame| frame.collect_schema().map_err(|error| problem(path, &error)));
            let schema = match schema {
                Ok(schema) => schema,
                Err(problem) => {
                    problems.push(problem);
                    continue;
                }
            };
            let names: Vec<String> = schema.iter_names().map(|name| name.to_string()).collect();
            let kinds: Vec<Option<Kind>> = schema.iter_values().map(kind_of).collect();
            match &mut found {
                None => found = Some(ParquetFiles { paths: vec![path.clone()], names, kinds }),
                Some(first) if first.names == names && same_words(&first.kinds, &kinds) => {
                    // Integers in one file and numbers in another are numbers.
                    for (known, new) in first.kinds.iter_mut().zip(kinds) {
                        if *known != new {
                            *known = known.map(wider);
                        }
                    }
                    first.paths.push(path.clone());
                }
                Some(first) => problems.push(
                    Diagnostic::error(
                        "data::header-differs",
                        "the columns or their types differ from those of the first file",
                    )
                    .at(Place::file(path))
                    .hint(format!("the first file is {}", first.paths[0].display())),
                ),
            }
        }
        match found {
            Some(files) if problems.is_empty() => Ok(files),
            _ => Err(problems),
        }
    }

    /// Rows of all files, by their footers.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(crate) fn rows(&self) -> Result<u64, Diagnostic> {
        let of = |path: &PathBuf| {
            let file = std::fs::File::open(path).map_err(|error| failure::unreadable(path, &error))?;
            let rows = ParquetReader::new(file).num_rows().map_err(|error| problem(path, &error))?;
            Ok(rows as u64)
        };
        self.paths.iter().map(of).sum()
    }

    /// Reads some columns of all files, one after the other, brought to our kinds; `labels` come as text.
    ///
    /// # Errors
    /// `data::parquet` when a file turns out to be damaged.
    pub(crate) fn read(&self, projection: &[usize], labels: &[usize]) -> Result<DataFrame, Diagnostic> {
        let mut whole: Option<DataFrame> = None;
        for path in &self.paths {
            let selected: Vec<Expr> = projection.iter().map(|&index| column(&self.names[index])).collect();
            let frame = scan(path)?.select(selected).collect().map_err(|error| problem(path, &error))?;
            let height = frame.height();
            let mut columns = Vec::with_capacity(projection.len());
            for &index in projection {
                let series = frame
                    .column(&self.names[index])
                    .map_err(|error| problem(path, &error))?
                    .as_materialized_series();
                let kind = if labels.contains(&index) { Some(Kind::Text) } else { self.kinds[index] };
                columns.push(normalised(series, kind).map_err(|error| problem(path, &error))?.into_column());
            }
            let part = DataFrame::new(height, columns).map_err(|error| problem(path, &error))?;
            match &mut whole {
                None => whole = Some(part),
                Some(whole) => {
                    whole.vstack_mut(&part).map_err(|error| problem(path, &error))?;
                }
            }
        }
        let mut whole = whole.unwrap_or_default();
        whole.rechunk_mut();
        Ok(whole)
    }

    /// The sizes and hashes of the files.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(crate) fn readings(&self) -> Result<Vec<FileReading>, Diagnostic> {
        self.paths
            .iter()
            .map(|path| {
                let mut hasher = blake3::Hasher::new();
                let file = std::fs::File::open(path).map_err(|error| failure::unreadable(path, &error))?;
                let bytes = std::io::copy(&mut std::io::BufReader::new(file), &mut hasher)
                    .map_err(|error| failure::unreadable(path, &error))?;
                let rows = scan(path)?
                    .select([len()])
                    .collect()
                    .and_then(|frame| {
                        frame.select_at_idx(0).map_or(Ok(0), |count| count.get(0)?.try_extract::<u64>())
                    })
                    .map_err(|error| problem(path, &error))?;
                Ok(FileReading {
                    path: path.clone(),
                    bytes,
                    blake3: hasher.finalize().to_hex().to_string(),
                    rows,
                    malformed: 0,
                    blank: 0,
                    encoding: None,
                    separator: None,
                    bom: false,
                    final_newline: true,
                })
            })
            .collect()
    }
}

/// A column by its name, whatever characters the name holds (`col` reads `^…$` as a pattern).
pub(crate) fn column(name: &str) -> Expr {
    Expr::Column(name.into())
}

fn same_words(a: &[Option<Kind>], b: &[Option<Kind>]) -> bool {
    a.iter().zip(b).all(|(a, b)| a.map(Kind::word) == b.map(Kind::word))
}

fn wider(kind: Kind) -> Kind {
    match kind {
        Kind::Integer => Kind::Float,
        Kind::Date => Kind::Datetime,
        kind => kind,
    }
}

fn kind_of(dtype: &DataType) -> Option<Kind> {
    match dtype {
        DataType::Boolean => Some(Kind::Boolean),
        DataType::String => Some(Kind::Text),
        DataType::Date => Some(Kind::Date),
        DataType::Datetime(_, _) => Some(Kind::Datetime),
        DataType::UInt64 => Some(Kind::Float),
        dtype if dtype.is_integer() => Some(Kind::Integer),
        dtype if dtype.is_numeric() || dtype.is_null() => Some(Kind::Float),
        dtype if dtype.is_categorical() || dtype.is_enum() => Some(Kind::Text),
        _ => None,
    }
}

/// A column of a file as the kind it has over all files. NaN is how pandas writes a missing number, so it is missing here.
pub(crate) fn normalised(series: &Series, kind: Option<Kind>) -> PolarsResult<Series> {
    let dtype = match kind {
        Some(Kind::Integer) => DataType::Int64,
        Some(Kind::Float) => DataType::Float64,
        Some(Kind::Boolean) => DataType::Boolean,
        Some(Kind::Date) => DataType::Date,
        Some(Kind::Datetime) => DataType::Datetime(TimeUnit::Microseconds, None),
        Some(Kind::Text) => return label(series),
        None => polars_bail!(ComputeError: "column `{}` has a type that cannot be analysed", series.name()),
    };
    let cast = series.strict_cast(&dtype)?;
    if dtype != DataType::Float64 {
        return Ok(cast);
    }
    if cast.f64()?.downcast_iter().all(|array| array.values().iter().all(|value| !value.is_nan())) {
        return Ok(cast);
    }
    let values: Float64Chunked =
        cast.f64()?.iter().map(|value| value.filter(|value| !value.is_nan())).collect();
    Ok(values.with_name(series.name().clone()).into_series())
}

/// A column as text: whole floating-point numbers without their `.0`, blanks as missing.
pub(crate) fn label(series: &Series) -> PolarsResult<Series> {
    let values: StringChunked = if series.dtype().is_float() {
        series
            .cast(&DataType::Float64)?
            .f64()?
            .iter()
            .map(|value| value.filter(|v| !v.is_nan()).map(|v| v.to_string()))
            .collect()
    } else {
        let text = series.cast(&DataType::String)?;
        text.str()?.iter().map(|value| value.filter(|value| !value.trim().is_empty())).collect()
    };
    Ok(values.with_name(series.name().clone()).into_series())
}
