//! The labels of groups in a part of the rows, without a text a row.

use polars::prelude::*;

use crate::data::names::NONE;
use crate::data::parquet::label;

/// So many labels are looked for one after the other before a map is asked.
const FEW: usize = 16;
/// And so many are compared with every row.
const BRANCHLESS: usize = 4;

/// The different labels of a column as text, and which of them every row has; [`NONE`] for rows without one.
///
/// # Errors
/// A column that cannot be taken as text.
pub(crate) fn label_rows(series: &Series) -> PolarsResult<(Vec<String>, Vec<u32>)> {
    if series.dtype().is_integer() {
        let numbers = series.cast(&DataType::Int64)?;
        let (numbers, of_row) = numbered(numbers.i64()?.iter(), numbers.len());
        return Ok((numbers.into_iter().map(|number| number.to_string()).collect(), of_row));
    }
    let text = if series.dtype().is_string() { series.clone() } else { label(series)? };
    let text = text.str()?;
    if let Some((labels, of_row)) = short(text) {
        return Ok((labels, of_row));
    }
    let (texts, mut of_row) = numbered(text.iter(), text.len());
    let texts: Vec<String> = texts.into_iter().map(str::to_string).collect();
    if texts.iter().any(|text| text.trim().is_empty()) {
        let blank: Vec<bool> = texts.iter().map(|text| text.trim().is_empty()).collect();
        let is_blank = |label: &u32| blank.get(*label as usize) == Some(&true);
        of_row.iter_mut().filter(|label| is_blank(label)).for_each(|label| *label = NONE);
    }
    Ok((texts, of_row))
}

/// The labels where every row has one, and there are few and all of them are short: texts of at most twelve bytes stand in the view of a row itself, so
/// that two of them are told apart by one comparison of numbers.
fn short(text: &StringChunked) -> Option<(Vec<String>, Vec<u32>)> {
    const SHORT: u32 = 12;
    if text.null_count() > 0 {
        return None;
    }
    let mut views: Vec<u128> = Vec::new();
    let mut labels: Vec<String> = Vec::new();
    let mut of_row = Vec::with_capacity(text.len());
    for array in text.downcast_iter() {
        for (row, view) in array.views().iter().enumerate() {
            let number = view.as_u128();
            // Without a branch that depends on the label: groups of neighbours are as random as units were drawn.
            let (mut known, mut label) = (false, 0);
            for (at, view) in views.iter().enumerate().take(BRANCHLESS) {
                let same = *view == number;
                known |= same;
                label |= if same { at as u32 } else { 0 };
            }
            if known {
                of_row.push(label);
                continue;
            }
            let label = match views.iter().position(|known| *known == number) {
                Some(known) => known as u32,
                None if view.length > SHORT || views.len() == FEW => return None,
                None => {
                    let label = array.value(row);
                    if label.trim().is_empty() {
                        of_row.push(NONE);
                        continue;
                    }
                    views.push(number);
                    labels.push(label.to_string());
                    labels.len() as u32 - 1
                }
            };
            of_row.push(label);
        }
    }
    Some((labels, of_row))
}

/// Different values in the order of their rows, and the number of the value of every row.
fn numbered<T: Copy + Eq + std::hash::Hash>(
    cells: impl Iterator<Item = Option<T>>,
    rows: usize,
) -> (Vec<T>, Vec<u32>) {
    let mut values: Vec<T> = Vec::new();
    let mut numbers: PlHashMap<T, u32> = PlHashMap::default();
    let mut of_row = Vec::with_capacity(rows);
    for cell in cells {
        let Some(value) = cell else {
            of_row.push(NONE);
            continue;
        };
        let few = &values[..values.len().min(FEW)];
        let known = few.iter().position(|known| *known == value).map(|at| at as u32);
        of_row.push(known.or_else(|| numbers.get(&value).copied()).unwrap_or_else(|| {
            let number = values.len() as u32;
            values.push(value);
            if values.len() > FEW {
                numbers.insert(value, number);
            }
            number
        }));
    }
    (values, of_row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_numbered_by_their_labels() {
        let texts = Series::new("g".into(), [Some("B"), None, Some("A"), Some(" "), Some("B")]);
        let (labels, of_row) = label_rows(&texts).unwrap();
        assert_eq!(
            (labels.as_slice(), of_row),
            (&["B".to_string(), "A".into(), " ".into()][..], vec![0, NONE, 1, NONE, 0])
        );
        let numbers = Series::new("g".into(), [Some(2_i32), Some(1), None, Some(2)]);
        assert_eq!(label_rows(&numbers).unwrap(), (vec!["2".to_string(), "1".into()], vec![0, 1, NONE, 0]));
        let floats = Series::new("g".into(), [Some(1.0), Some(f64::NAN), Some(0.5)]);
        assert_eq!(label_rows(&floats).unwrap(), (vec!["1".to_string(), "0.5".into()], vec![0, NONE, 1]));
    }

    #[test]
    fn many_labels_are_told_apart() {
        let texts: Vec<String> = (0..500).map(|i| format!("group {}", i % 100)).collect();
        let (labels, of_row) = label_rows(&Series::new("g".into(), &texts)).unwrap();
        assert_eq!(labels.len(), 100);
        assert!(of_row.iter().zip(&texts).all(|(label, text)| labels[*label as usize] == *text));
    }
}
