//! The rows of big files part by part: what a part is, and the threads that read parts and bring them back in their order.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use polars::prelude::DataFrame;

use super::hash::PIECE;
use super::row_groups::ROWS;
use crate::diag::Diagnostic;

/// Some rows that follow each other in a file.
#[derive(Debug, Default)]
pub(crate) struct Part {
    /// The columns that expressions, rules, the overview and the sample read.
    pub frame: DataFrame,
    /// Different labels of groups as written, in the order of the rows.
    pub labels: Vec<String>,
    /// Index into `labels` of every row; [`NONE`](super::super::names::NONE) for rows without one.
    pub label_of_row: Vec<u32>,
}

/// How large parts are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// Rows of a part of Parquet.
    pub rows: usize,
    /// Bytes of a part of separated text: a power of two from 1024 on.
    pub bytes: usize,
    /// Bytes that are read beyond these, for the record that reaches over the end.
    pub beyond: usize,
    /// Rows of units that are brought together at once take about so many bytes.
    pub shard: u64,
}

impl Default for Sizes {
    fn default() -> Self {
        Sizes { rows: ROWS, bytes: PIECE, beyond: 64 << 10, shard: 96 << 20 }
    }
}

/// Makes `count` results on as many threads as this process may use and hands them to `take` in the order of their numbers,
/// whichever thread was faster. No more results wait than there are threads.
///
/// # Errors
/// The first error by number, of either function; what comes after it is not made.
pub(crate) fn in_order<T: Send>(
    count: usize,
    threads: usize,
    make: impl Fn(usize) -> Result<T, Diagnostic> + Sync,
    take: impl FnMut(usize, T) -> Result<(), Diagnostic> + Send,
) -> Result<(), Diagnostic> {
    struct Waiting<T, F> {
        next: usize,
        made: BTreeMap<usize, Result<T, Diagnostic>>,
        take: F,
        failed: Option<Diagnostic>,
    }
    let next = AtomicUsize::new(0);
    let waiting = Mutex::new(Waiting { next: 0, made: BTreeMap::new(), take, failed: None });
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return;
            }
            let result = make(number);
            // Another thread that panicked ends the whole; its panic is passed on by the scope.
            let Ok(mut waiting) = waiting.lock() else { return };
            let waiting = &mut *waiting;
            waiting.made.insert(number, result);
            while waiting.failed.is_none()
                && let Some(result) = waiting.made.remove(&waiting.next)
            {
                let taken = result.and_then(|result| (waiting.take)(waiting.next, result));
                waiting.failed = taken.err();
                waiting.next += 1;
            }
            if waiting.failed.is_some() {
                next.store(count, Ordering::Relaxed);
                return;
            }
        }
    };
    let threads = threads.min(count).max(1);
    if threads == 1 {
        work();
    } else {
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(work);
            }
        });
    }
    match waiting.into_inner() {
        Ok(Waiting { failed: Some(problem), .. }) => Err(problem),
        Ok(_) => Ok(()),
        Err(_) => Err(Diagnostic::error("data::streaming", "a thread that read the data failed")),
    }
}

/// How many threads read.
pub(crate) fn threads() -> usize {
    rayon::current_num_threads().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_their_order_from_any_number_of_threads() {
        for threads in [1, 2, 7] {
            let mut taken = Vec::new();
            let make = |number: usize| {
                if number.is_multiple_of(3) {
                    std::thread::yield_now();
                }
                Ok(number * 2)
            };
            in_order(50, threads, make, |number, result| {
                taken.push((number, result));
                Ok(())
            })
            .unwrap();
            assert_eq!(taken, (0..50).map(|number| (number, number * 2)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_first_error_ends_the_work() {
        for threads in [1, 4] {
            let make = |number: usize| match number {
                5 | 7 => Err(Diagnostic::error("data::streaming", format!("part {number}"))),
                number => Ok(number),
            };
            let mut taken = 0;
            let failed = in_order(1000, threads, make, |_, _| {
                taken += 1;
                Ok(())
            });
            assert_eq!((failed.unwrap_err().message.as_str(), taken), ("part 5", 5));
        }
    }
}
