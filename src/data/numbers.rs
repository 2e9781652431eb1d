//! Values of an expression as plain slices: loops over them need not ask every row whether it has a value.

use polars::prelude::*;

use super::failure::sentence;
use crate::diag::Diagnostic;

/// One number a row.
pub(crate) struct Numbers {
    array: Float64Chunked,
    /// Numbers with gaps, and where there is none; absent when every row has a number.
    gaps: Option<(Vec<f64>, Vec<bool>)>,
}

impl Numbers {
    /// The numbers of a series of numbers or truth values.
    ///
    /// # Errors
    /// `data::sql-type` when they cannot be taken as numbers.
    pub(crate) fn of(series: &Series, used_by: &str) -> Result<Numbers, Diagnostic> {
        let failed = |error: PolarsError| {
            Diagnostic::error("data::sql-type", format!("{used_by}: {}", sentence(&error)))
        };
        let array = series.cast(&DataType::Float64).map_err(failed)?;
        let array = array.f64().map_err(failed)?.rechunk().into_owned();
        let gaps = array.cont_slice().is_err().then(|| {
            let numbers = array.iter().map(|number| number.unwrap_or(0.0)).collect();
            let present = array.iter().map(|number| number.is_some()).collect();
            (numbers, present)
        });
        Ok(Numbers { array, gaps })
    }

    /// 1 for every row that has a value of any type.
    pub(crate) fn presence(series: &Series) -> Numbers {
        let ones = Float64Chunked::from_slice(PlSmallStr::EMPTY, &vec![1.0; series.len()]);
        let gaps = (series.null_count() > 0).then(|| {
            let present: Vec<bool> = series.is_not_null().iter().map(|here| here == Some(true)).collect();
            (vec![1.0; series.len()], present)
        });
        Numbers { array: ones, gaps }
    }

    /// The number of every row; 0 where there is none.
    pub(crate) fn values(&self) -> &[f64] {
        match &self.gaps {
            Some((numbers, _)) => numbers,
            None => self.array.cont_slice().unwrap_or_default(),
        }
    }

    /// Which rows have a number; absent when all have.
    pub(crate) fn present(&self) -> Option<&[bool]> {
        self.gaps.as_ref().map(|(_, present)| present.as_slice())
    }

    /// Whether a row has a number.
    pub(crate) fn has(&self, row: usize) -> bool {
        self.present().is_none_or(|present| present[row])
    }
}
