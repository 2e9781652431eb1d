//! What a single unit does to a difference of means.

use super::outcome::Driver;
use crate::stats::Moments;

/// A unit is named when without it the difference moves by at least this share of its standard error …
const MOVE_IN_SE: f64 = 0.5;
/// … and it holds at least this share of its group's total.
const SHARE_OF_TOTAL: f64 = 0.05;

/// A group as far as its largest value matters.
#[derive(Clone, Copy)]
pub struct Extreme<'a> {
    /// The group.
    pub id: &'a str,
    /// Moments of all its values.
    pub moments: &'a Moments,
    /// Its largest value.
    pub max: f64,
}

/// The largest value of either group, when it alone carries a good part of the difference.
pub fn driver(control: Extreme, treatment: Extreme) -> Option<Driver> {
    let (a, b) = (control.moments, treatment.moments);
    let se = (a.variance_of_mean()? + b.variance_of_mean()?).sqrt();
    let difference = b.mean - a.mean;
    let candidate = |group: Extreme, other: f64, sign: f64| {
        let (n, total) = (group.moments.n, group.moments.sum());
        if n < 3 || total <= 0.0 {
            return None;
        }
        let without = group.moments.mean + (group.moments.mean - group.max) / (n - 1) as f64;
        Some(Driver {
            group: group.id.to_owned(),
            value: group.max,
            share: group.max / total,
            mean_without: without,
            difference_without: sign * (without - other),
        })
    };
    let both = [candidate(control, b.mean, -1.0), candidate(treatment, a.mean, 1.0)];
    both.into_iter()
        .flatten()
        .filter(|d| (d.difference_without - difference).abs() >= MOVE_IN_SE * se && d.share >= SHARE_OF_TOTAL)
        .max_by(|x, y| {
            let moved = |d: &Driver| (d.difference_without - difference).abs();
            moved(x).total_cmp(&moved(y))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn driver_of(a: &[f64], b: &[f64]) -> Option<Driver> {
        let moments = [a, b].map(Moments::from_slice);
        let max = |values: &[f64]| values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let control = Extreme { id: "A", moments: &moments[0], max: max(a) };
        driver(control, Extreme { id: "B", moments: &moments[1], max: max(b) })
    }

    #[test]
    fn one_huge_purchase_is_named_with_what_is_left_without_it() {
        let a = [10.0, 11.0, 12.0, 9.0, 10.5, 11.5, 900.0];
        let b = [9.0, 9.5, 10.0, 10.5, 11.0, 11.5, 12.0];
        let driver = driver_of(&a, &b).unwrap();
        assert_eq!((driver.group.as_str(), driver.value), ("A", 900.0));
        assert!((driver.mean_without - 64.0 / 6.0).abs() < 1e-12);
        assert!((driver.difference_without - (10.5 - 64.0 / 6.0)).abs() < 1e-12);
    }

    #[test]
    fn even_values_have_no_driver() {
        let a: Vec<f64> = (0..100).map(f64::from).collect();
        assert_eq!(driver_of(&a, &a), None);
    }
}
