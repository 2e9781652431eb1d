//! Rows as bytes, so that they can wait for the others of their units.
//!
//! A pack holds some rows of one part: their number, then column by column a tag, whether any value is missing (and then one
//! byte a row), and the values. Packs follow each other in a queue and are read back as one frame.

use polars::prelude::*;

use crate::data::accounting::defect;
use crate::data::columns::Kind;
use crate::diag::Diagnostic;

/// How the values of a column are written; the byte that stands before them.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Form {
    Long = 1,
    Short = 2,
    Number = 3,
    Truth = 4,
    Date = 5,
    Moment = 6,
    Text = 7,
    /// Few different texts, each row with the number of its own.
    Label = 8,
}

const FORMS: [Form; 8] =
    [Form::Long, Form::Short, Form::Number, Form::Truth, Form::Date, Form::Moment, Form::Text, Form::Label];

/// A column to be packed: one of a frame, or labels with the number of every row ([`NONE`](crate::data::names::NONE) without).
pub(crate) enum Column<'a> {
    Series(Series),
    Labels(&'a [String], &'a [u32]),
}

/// Packs the rows of each list, which are numbers of rows of the columns.
///
/// # Errors
/// A column of a type that no table is read with, which is a defect of this program.
pub(crate) fn packs(columns: &[Column], lists: &[Vec<u32>]) -> Result<Vec<Vec<u8>>, Diagnostic> {
    let mut packs: Vec<Vec<u8>> =
        lists.iter().map(|rows| (rows.len() as u32).to_le_bytes().to_vec()).collect();
    for column in columns {
        pack(column, lists, &mut packs).map_err(|error| defect(&error))?;
    }
    // Nothing is worth a pack without rows.
    packs.iter_mut().zip(lists).filter(|(_, rows)| rows.is_empty()).for_each(|(pack, _)| pack.clear());
    Ok(packs)
}

fn pack(column: &Column, lists: &[Vec<u32>], packs: &mut [Vec<u8>]) -> PolarsResult<()> {
    let series = match column {
        Column::Labels(labels, of_row) => {
            for (rows, pack) in lists.iter().zip(packs) {
                labelled(labels, of_row, rows, pack);
            }
            return Ok(());
        }
        Column::Series(series) => series.rechunk(),
    };
    let present: Option<Vec<bool>> = (series.null_count() > 0)
        .then(|| series.is_not_null().iter().map(|here| here == Some(true)).collect());
    let form = match series.dtype() {
        DataType::Int64 => Form::Long,
        DataType::Int32 => Form::Short,
        DataType::Float64 => Form::Number,
        DataType::Boolean => Form::Truth,
        DataType::Date => Form::Date,
        DataType::Datetime(..) => Form::Moment,
        DataType::String => Form::Text,
        dtype => polars_bail!(ComputeError: "column `{}` cannot be put by as {dtype}", series.name()),
    };
    for (rows, pack) in lists.iter().zip(packs.iter_mut()) {
        pack.push(form as u8);
        pack.push(u8::from(present.is_some()));
        if let Some(present) = &present {
            pack.extend(rows.iter().map(|row| u8::from(present[*row as usize])));
        }
    }
    let physical = series.to_physical_repr();
    match form {
        Form::Long | Form::Moment => {
            let values = filled(physical.i64()?, 0);
            fixed(lists, packs, |row| values[row].to_le_bytes());
        }
        Form::Short | Form::Date => {
            let values = filled(physical.i32()?, 0);
            fixed(lists, packs, |row| values[row].to_le_bytes());
        }
        Form::Number => {
            let values = filled(physical.f64()?, 0.0);
            fixed(lists, packs, |row| values[row].to_le_bytes());
        }
        Form::Truth => {
            let values: Vec<u8> =
                physical.bool()?.iter().map(|value| u8::from(value == Some(true))).collect();
            fixed(lists, packs, |row| [values[row]]);
        }
        Form::Text | Form::Label => {
            let values: Vec<&str> = physical.str()?.iter().map(Option::unwrap_or_default).collect();
            for (rows, pack) in lists.iter().zip(packs) {
                let texts = || rows.iter().map(|row| values[*row as usize]);
                texts().for_each(|text| pack.extend((text.len() as u32).to_le_bytes()));
                texts().for_each(|text| pack.extend(text.as_bytes()));
            }
        }
    }
    Ok(())
}

/// Values without gaps; what is missing is told elsewhere.
fn filled<T: PolarsNumericType>(values: &ChunkedArray<T>, nothing: T::Native) -> Vec<T::Native> {
    match values.cont_slice() {
        Ok(values) => values.to_vec(),
        Err(_) => values.iter().map(|value| value.unwrap_or(nothing)).collect(),
    }
}

fn fixed<const BYTES: usize>(lists: &[Vec<u32>], packs: &mut [Vec<u8>], of: impl Fn(usize) -> [u8; BYTES]) {
    for (rows, pack) in lists.iter().zip(packs) {
        pack.reserve(rows.len() * BYTES);
        rows.iter().for_each(|row| pack.extend_from_slice(&of(*row as usize)));
    }
}

fn labelled(labels: &[String], of_row: &[u32], rows: &[u32], pack: &mut Vec<u8>) {
    pack.push(Form::Label as u8);
    pack.push(0);
    pack.extend((labels.len() as u32).to_le_bytes());
    labels.iter().for_each(|label| pack.extend((label.len() as u32).to_le_bytes()));
    labels.iter().for_each(|label| pack.extend(label.as_bytes()));
    let wide = labels.len() >= usize::from(u8::MAX);
    for row in rows {
        let label = of_row[*row as usize];
        // Beyond all labels: none. Both widths cut it down to their greatest number.
        match wide {
            true => pack.extend((label as u16).to_le_bytes()),
            false => pack.push(label as u8),
        }
    }
}

/// The packs of a queue as one frame with columns of these names; without any rows the kinds say what the columns would hold.
///
/// # Errors
/// Bytes that are not what was packed, which is a defect of this program.
pub(crate) fn unpacked(bytes: &[u8], columns: &[(&str, Option<Kind>)]) -> Result<DataFrame, Diagnostic> {
    let short =
        || Diagnostic::error("data::scratch", "the temporary file does not hold what was written to it");
    let mut making: Vec<Making> = columns.iter().map(|_| Making::default()).collect();
    let mut reader = Reader { bytes };
    let mut height = 0;
    while !reader.bytes.is_empty() {
        let rows = reader.number().ok_or_else(short)? as usize;
        for column in &mut making {
            column.read(&mut reader, rows).ok_or_else(short)?;
        }
        height += rows;
    }
    let made = making.into_iter().zip(columns);
    let made = made.map(|(column, (name, kind))| column.series(name, *kind).into_column());
    DataFrame::new(height, made.collect()).map_err(|error| defect(&error))
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    fn numbers<const BYTES: usize, T>(
        &mut self,
        count: usize,
        of: fn([u8; BYTES]) -> T,
    ) -> Option<impl Iterator<Item = T> + use<'a, BYTES, T>> {
        let bytes = self.take(count.checked_mul(BYTES)?)?;
        let (chunks, _) = bytes.as_chunks::<BYTES>();
        Some(chunks.iter().map(move |chunk| of(*chunk)))
    }

    fn texts(&mut self, count: usize) -> Option<Vec<&'a str>> {
        let lengths: Vec<u32> = self.numbers(count, u32::from_le_bytes)?.collect();
        lengths.into_iter().map(|length| std::str::from_utf8(self.take(length as usize)?).ok()).collect()
    }
}

/// A column while it is read back.
#[derive(Default)]
struct Making {
    form: Option<Form>,
    longs: Vec<i64>,
    days: Vec<i32>,
    numbers: Vec<f64>,
    truths: Vec<bool>,
    texts: Option<StringChunkedBuilder>,
    rows: usize,
    missing: Vec<usize>,
}

impl Making {
    fn read(&mut self, reader: &mut Reader, rows: usize) -> Option<()> {
        let [tag, gaps] = *reader.take(2)? else { return None };
        let form = *FORMS.iter().find(|form| **form as u8 == tag)?;
        let present = if gaps == 1 { Some(reader.take(rows)?) } else { None };
        if let Some(present) = present {
            let gaps = present.iter().enumerate().filter(|(_, present)| **present == 0);
            self.missing.extend(gaps.map(|(row, _)| self.rows + row));
        }
        self.rows += rows;
        match form {
            Form::Long | Form::Moment => self.longs.extend(reader.numbers(rows, i64::from_le_bytes)?),
            Form::Short => {
                self.longs.extend(reader.numbers(rows, |bytes| i64::from(i32::from_le_bytes(bytes)))?);
            }
            Form::Date => self.days.extend(reader.numbers(rows, i32::from_le_bytes)?),
            Form::Number => self.numbers.extend(reader.numbers(rows, f64::from_le_bytes)?),
            Form::Truth => self.truths.extend(reader.numbers(rows, |[byte]| byte == 1)?),
            Form::Text => {
                let texts = reader.texts(rows)?;
                let builder = self.builder();
                for (row, text) in texts.into_iter().enumerate() {
                    match present.is_none_or(|present| present[row] == 1) {
                        true => builder.append_value(text),
                        false => builder.append_null(),
                    }
                }
            }
            Form::Label => {
                let count = reader.number()? as usize;
                let labels = reader.texts(count)?;
                let wide = count >= usize::from(u8::MAX);
                let of_row: Vec<usize> = match wide {
                    true => reader.numbers(rows, |bytes| usize::from(u16::from_le_bytes(bytes)))?.collect(),
                    false => reader.numbers(rows, |[byte]| usize::from(byte))?.collect(),
                };
                let builder = self.builder();
                for label in of_row {
                    match labels.get(label) {
                        Some(label) => builder.append_value(label),
                        None => builder.append_null(),
                    }
                }
            }
        }
        // Whole numbers of both widths are one column.
        let form = match form {
            Form::Short => Form::Long,
            Form::Label => Form::Text,
            form => form,
        };
        self.form.get_or_insert(form);
        (self.form == Some(form)).then_some(())
    }

    fn builder(&mut self) -> &mut StringChunkedBuilder {
        self.texts.get_or_insert_with(|| StringChunkedBuilder::new(PlSmallStr::EMPTY, 0))
    }

    fn series(self, name: &str, kind: Option<Kind>) -> Series {
        let missing = &self.missing;
        let series = match self.form {
            Some(Form::Long | Form::Short) => numbers::<Int64Type>(self.longs, missing).into_series(),
            Some(Form::Moment) => numbers::<Int64Type>(self.longs, missing)
                .into_datetime(TimeUnit::Microseconds, None)
                .into_series(),
            Some(Form::Date) => numbers::<Int32Type>(self.days, missing).into_date().into_series(),
            Some(Form::Number) => numbers::<Float64Type>(self.numbers, missing).into_series(),
            Some(Form::Truth) => {
                let mut values: Vec<Option<bool>> = self.truths.into_iter().map(Some).collect();
                missing.iter().for_each(|row| values[*row] = None);
                BooleanChunked::new(PlSmallStr::EMPTY, values).into_series()
            }
            Some(Form::Text | Form::Label) => self
                .texts
                .map_or_else(|| StringChunked::full_null(PlSmallStr::EMPTY, 0), |texts| texts.finish())
                .into_series(),
            None => Series::new_empty(
                PlSmallStr::EMPTY,
                &match kind {
                    Some(Kind::Integer) => DataType::Int64,
                    Some(Kind::Float) => DataType::Float64,
                    Some(Kind::Boolean) => DataType::Boolean,
                    Some(Kind::Date) => DataType::Date,
                    Some(Kind::Datetime) => DataType::Datetime(TimeUnit::Microseconds, None),
                    Some(Kind::Text) => DataType::String,
                    None => DataType::Null,
                },
            ),
        };
        series.with_name(name.into())
    }
}

/// Numbers of which some are missing.
fn numbers<T: PolarsNumericType>(values: Vec<T::Native>, missing: &[usize]) -> ChunkedArray<T> {
    if missing.is_empty() {
        return ChunkedArray::from_vec(PlSmallStr::EMPTY, values);
    }
    let mut values: Vec<Option<T::Native>> = values.into_iter().map(Some).collect();
    missing.iter().for_each(|row| values[*row] = None);
    values.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::data::names::NONE;

    type Row = (Option<i64>, Option<f64>, Option<bool>, Option<String>, Option<i32>, usize);

    fn frame(rows: &[Row]) -> Vec<Series> {
        let of = |name: &str| PlSmallStr::from_str(name);
        vec![
            Series::new(of("i"), rows.iter().map(|row| row.0).collect::<Vec<_>>()),
            Series::new(of("f"), rows.iter().map(|row| row.1).collect::<Vec<_>>()),
            Series::new(of("b"), rows.iter().map(|row| row.2).collect::<Vec<_>>()),
            Series::new(of("s"), rows.iter().map(|row| row.3.clone()).collect::<Vec<_>>()),
            Series::new(of("d"), rows.iter().map(|row| row.4).collect::<Vec<_>>())
                .cast(&DataType::Date)
                .unwrap(),
            Series::new(of("t"), rows.iter().map(|row| row.0).collect::<Vec<_>>())
                .cast(&DataType::Datetime(TimeUnit::Microseconds, None))
                .unwrap(),
        ]
    }

    proptest! {
        #[test]
        fn what_is_unpacked_is_what_was_packed(
            rows in prop::collection::vec(
                (
                    prop::option::of(any::<i64>()),
                    prop::option::of(any::<f64>().prop_filter("number", |v| !v.is_nan())),
                    prop::option::of(any::<bool>()),
                    prop::option::of("[а-яa-z]{0,9}"),
                    prop::option::of(0..40_000i32),
                    0..7usize,
                ),
                1..60,
            ),
            many in prop::bool::ANY,
        ) {
            // More labels than one byte tells apart, or few.
            let labels: Vec<String> = (0..if many { 300 } else { 5 }).map(|label| format!("g{label}")).collect();
            let label = |row: usize| if rows[row].5 > 5 { NONE } else { (rows[row].5 * labels.len() / 6) as u32 };
            let of_row: Vec<u32> = (0..rows.len()).map(label).collect();
            let known = frame(&rows);
            let mut columns: Vec<Column> = known.iter().cloned().map(Column::Series).collect();
            columns.push(Column::Labels(&labels, &of_row));
            let mut lists = vec![Vec::new(); 3];
            (0..rows.len() as u32).for_each(|row| lists[row as usize % 3].push(row));
            // Two packs behind each other are one frame.
            let (one, two) = (packs(&columns, &lists).unwrap(), packs(&columns, &lists[..1]).unwrap());
            let bytes = [one[0].clone(), two[0].clone()].concat();
            let names = ["i", "f", "b", "s", "d", "t", "g"].map(|name| (name, None));
            let found = unpacked(&bytes, &names).unwrap();
            let at: Vec<u32> = lists[0].iter().chain(&lists[0]).copied().collect();
            for series in &known {
                let meant = series.take(&IdxCa::from_vec("row".into(), at.clone())).unwrap();
                let own = found.column(series.name()).unwrap().as_materialized_series();
                prop_assert!(own.equals_missing(&meant), "{own:?} {meant:?}");
            }
            let texts: Vec<Option<String>> =
                at.iter().map(|row| labels.get(of_row[*row as usize] as usize).cloned()).collect();
            prop_assert!(found.column("g").unwrap().as_materialized_series().equals_missing(&Series::new("g".into(), texts)));
            prop_assert!(unpacked(&bytes[..bytes.len() - 1], &names).is_err());
        }
    }
}
