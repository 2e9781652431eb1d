//! Several rows of a unit become one value.

use std::borrow::Cow;

use super::names::NONE;
use super::numbers::Numbers;
use crate::config::valid::Aggregate;

/// What is known of an entry (a row or a unit).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// No row of it meets the filter.
    Absent,
    /// Rows of it do, but none has a value.
    Missing,
    /// It has a value.
    Present,
}

/// One value an entry for each expression.
pub(crate) struct ByEntry<'a> {
    pub values: Vec<Cow<'a, [f64]>>,
    /// State of every entry; absent when all have values.
    pub states: Option<Vec<State>>,
}

/// Rows as they are: every row is an entry.
pub(crate) fn by_row<'a>(numbers: &'a [Numbers], kept: Option<&[bool]>, how: Aggregate) -> ByEntry<'a> {
    let values = numbers.iter().map(|numbers| Cow::Borrowed(numbers.values())).collect();
    let complete = numbers.iter().all(|numbers| numbers.present().is_none());
    if kept.is_none() && complete && how != Aggregate::Count {
        return ByEntry { values, states: None };
    }
    let rows = numbers.first().map_or(0, |numbers| numbers.values().len());
    let state = |row: usize| {
        if kept.is_some_and(|kept| !kept[row]) {
            State::Absent
        } else if how == Aggregate::Count || numbers.iter().all(|numbers| numbers.has(row)) {
            State::Present
        } else {
            State::Missing
        }
    };
    let states: Vec<State> = (0..rows).map(state).collect();
    // An absent row may be a unit with nothing, and a row without a value counts nothing.
    let values = numbers
        .iter()
        .map(|numbers| {
            let value = |row: usize| match (states[row], numbers.has(row)) {
                (State::Present, true) if how == Aggregate::Count => 1.0,
                (State::Present, true) => numbers.values()[row],
                _ => 0.0,
            };
            Cow::Owned((0..rows).map(value).collect())
        })
        .collect();
    ByEntry { values, states: Some(states) }
}

/// Rows brought together by unit. `group_of_row` tells which rows take part.
pub(crate) fn by_unit<'a>(
    numbers: &[Numbers],
    kept: Option<&[bool]>,
    group_of_row: &[u32],
    unit_of_row: &[u32],
    units: usize,
    how: Aggregate,
) -> ByEntry<'a> {
    let mut states = vec![State::Absent; units];
    let mut totals: Vec<Vec<f64>> = vec![vec![0.0; units]; numbers.len()];
    let mut rows_of_unit = if how == Aggregate::Mean { vec![0_u32; units] } else { Vec::new() };
    let slices: Vec<&[f64]> = numbers.iter().map(Numbers::values).collect();
    for (row, (group, unit)) in group_of_row.iter().zip(unit_of_row).enumerate() {
        if *group == NONE || kept.is_some_and(|kept| !kept[row]) {
            continue;
        }
        let unit = *unit as usize;
        let state = &mut states[unit];
        let has_value = numbers.iter().all(|numbers| numbers.has(row));
        if !has_value {
            // Nothing to count is a count.
            if *state == State::Absent {
                *state = if how == Aggregate::Count { State::Present } else { State::Missing };
            }
            continue;
        }
        let is_first = std::mem::replace(state, State::Present) != State::Present;
        if how == Aggregate::Mean {
            rows_of_unit[unit] += 1;
        }
        for (total, slice) in totals.iter_mut().zip(&slices) {
            let (total, value) = (&mut total[unit], slice[row]);
            *total = match how {
                Aggregate::Count => *total + 1.0,
                Aggregate::Sum | Aggregate::Mean | Aggregate::Rows => *total + value,
                _ if is_first => value,
                // A value that is no number stays one: it must be counted, not lost in a comparison.
                Aggregate::Any | Aggregate::Max => {
                    if value.is_nan() || value > *total {
                        value
                    } else {
                        *total
                    }
                }
                Aggregate::Min => {
                    if value.is_nan() || value < *total {
                        value
                    } else {
                        *total
                    }
                }
            };
        }
    }
    if how == Aggregate::Mean {
        for total in &mut totals {
            for (total, rows) in total.iter_mut().zip(&rows_of_unit) {
                *total /= f64::from((*rows).max(1));
            }
        }
    }
    ByEntry { values: totals.into_iter().map(Cow::Owned).collect(), states: Some(states) }
}

#[cfg(test)]
mod tests {
    use polars::prelude::*;

    use super::*;

    fn column(values: &[Option<f64>]) -> Numbers {
        Numbers::of(&Series::new("x".into(), values), "x").unwrap()
    }

    #[test]
    fn rows_of_a_unit_become_one_value() {
        let numbers = [column(&[Some(2.0), Some(-5.0), None, Some(4.0), None, Some(9.0)])];
        let (groups, units) = ([0, 0, 0, 1, 1, NONE], [0, 0, 0, 1, 2, 1]);
        let of = |how| {
            let found = by_unit(&numbers, None, &groups, &units, 4, how);
            (found.values[0].to_vec(), found.states.unwrap())
        };
        use State::{Absent, Missing, Present};
        let states = vec![Present, Present, Missing, Absent];
        assert_eq!(of(Aggregate::Sum), (vec![-3.0, 4.0, 0.0, 0.0], states.clone()));
        assert_eq!(of(Aggregate::Mean), (vec![-1.5, 4.0, 0.0, 0.0], states.clone()));
        assert_eq!(of(Aggregate::Max), (vec![2.0, 4.0, 0.0, 0.0], states.clone()));
        assert_eq!(of(Aggregate::Min), (vec![-5.0, 4.0, 0.0, 0.0], states));
        assert_eq!(of(Aggregate::Count), (vec![2.0, 1.0, 0.0, 0.0], vec![Present, Present, Present, Absent]));
        let kept = [false, true, true, false, true, true];
        let found = by_unit(&numbers, Some(&kept), &groups, &units, 4, Aggregate::Max);
        assert_eq!(found.values[0].to_vec(), [-5.0, 0.0, 0.0, 0.0]);
        assert_eq!(found.states.unwrap(), [Present, Absent, Missing, Absent]);
    }

    #[test]
    fn rows_with_one_of_two_values_do_not_count() {
        let numbers = [column(&[Some(1.0), Some(2.0), None]), column(&[Some(10.0), None, Some(30.0)])];
        let found = by_unit(&numbers, None, &[0, 0, 0], &[0, 0, 1], 2, Aggregate::Sum);
        assert_eq!((found.values[0].to_vec(), found.values[1].to_vec()), (vec![1.0, 0.0], vec![10.0, 0.0]));
        assert_eq!(found.states.unwrap(), [State::Present, State::Missing]);
    }

    /// The values of every unit gathered first and then reduced, as a reader would do by hand.
    fn by_hand(values: &[f64], how: Aggregate) -> f64 {
        let sum: f64 = values.iter().sum();
        match how {
            Aggregate::Count => values.len() as f64,
            Aggregate::Mean => sum / values.len() as f64,
            Aggregate::Max | Aggregate::Any => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            Aggregate::Min => values.iter().copied().fold(f64::INFINITY, f64::min),
            Aggregate::Sum | Aggregate::Rows => sum,
        }
    }

    const ALL: [Aggregate; 6] =
        [Aggregate::Sum, Aggregate::Count, Aggregate::Any, Aggregate::Mean, Aggregate::Max, Aggregate::Min];

    proptest::proptest! {
        #[test]
        fn aggregates_are_those_of_the_gathered_rows(
            rows in proptest::collection::vec(
                (proptest::bool::ANY, 0..5_u32, proptest::option::of(-50..50_i32), proptest::bool::ANY),
                0..40,
            ),
        ) {
            let groups: Vec<u32> = rows.iter().map(|row| if row.0 { 0 } else { NONE }).collect();
            let units: Vec<u32> = rows.iter().map(|row| row.1).collect();
            let kept: Vec<bool> = rows.iter().map(|row| row.3).collect();
            let numbers = [column(&rows.iter().map(|row| row.2.map(f64::from)).collect::<Vec<_>>())];
            for how in ALL {
                let found = by_unit(&numbers, Some(&kept), &groups, &units, 5, how);
                let states = found.states.unwrap();
                for unit in 0..5 {
                    let own = || rows.iter().filter(|row| row.0 && row.3 && row.1 == unit);
                    let values: Vec<f64> = own().filter_map(|row| row.2.map(f64::from)).collect();
                    let state = match (own().count(), values.len()) {
                        (0, _) => State::Absent,
                        (_, 0) if how != Aggregate::Count => State::Missing,
                        _ => State::Present,
                    };
                    proptest::prop_assert_eq!(states[unit as usize], state);
                    if state == State::Present {
                        proptest::prop_assert_eq!(found.values[0][unit as usize], by_hand(&values, how));
                    }
                }
            }
        }

        #[test]
        fn a_row_is_a_unit_with_one_row(
            rows in proptest::collection::vec((proptest::option::of(-50..50_i32), proptest::bool::ANY), 0..20),
        ) {
            let numbers = [column(&rows.iter().map(|row| row.0.map(f64::from)).collect::<Vec<_>>())];
            let kept: Vec<bool> = rows.iter().map(|row| row.1).collect();
            let units: Vec<u32> = (0..rows.len() as u32).collect();
            for how in ALL {
                let left = by_row(&numbers, Some(&kept), how);
                let right = by_unit(&numbers, Some(&kept), &vec![0; rows.len()], &units, rows.len(), how);
                proptest::prop_assert_eq!(&left.values, &right.values);
                proptest::prop_assert_eq!(&left.states, &right.states);
            }
        }
    }
}
