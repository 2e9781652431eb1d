//! Corrections for testing several hypotheses at once, as adjusted p-values.
//!
//! An adjusted p-value is the smallest family-wise error rate (or false discovery rate) at which that hypothesis
//! would be rejected, so it is compared with the same α as a raw one.

use super::Undefined;

/// How the p-values of a family are adjusted.
///
/// With m hypotheses and sorted p₍₁₎ ≤ … ≤ p₍ₘ₎:
///
/// | method | adjusted p₍ᵢ₎ | controls | assumes |
/// | --- | --- | --- | --- |
/// | `Bonferroni` | m·p | family-wise error | nothing |
/// | `Sidak` | 1 − (1 − p)^m | family-wise error | independence (or positive orthant dependence) |
/// | `Holm` | max over j ≤ i of (m − j + 1)·p₍ⱼ₎ | family-wise error | nothing; never weaker than Bonferroni |
/// | `HolmSidak` | max over j ≤ i of 1 − (1 − p₍ⱼ₎)^(m − j + 1) | family-wise error | as Šidák |
/// | `Hochberg` | min over j ≥ i of (m − j + 1)·p₍ⱼ₎ | family-wise error | independence or positive dependence |
/// | `Hommel` | closed test of Simes' inequality | family-wise error | as Hochberg, never weaker than it |
/// | `BenjaminiHochberg` | min over j ≥ i of m·p₍ⱼ₎/j | false discovery rate | independence or positive dependence |
/// | `BenjaminiYekutieli` | the same times Σ 1/k, k ≤ m | false discovery rate | nothing |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Correction {
    /// Bonferroni.
    Bonferroni,
    /// Šidák (1967).
    Sidak,
    /// Holm (1979), step-down Bonferroni.
    Holm,
    /// Step-down Šidák.
    HolmSidak,
    /// Hochberg (1988), step-up.
    Hochberg,
    /// Hommel (1988).
    Hommel,
    /// Benjamini & Hochberg (1995).
    BenjaminiHochberg,
    /// Benjamini & Yekutieli (2001).
    BenjaminiYekutieli,
}

impl Correction {
    /// Every method, in the order of the table above.
    pub const ALL: [Correction; 8] = [
        Correction::Bonferroni,
        Correction::Sidak,
        Correction::Holm,
        Correction::HolmSidak,
        Correction::Hochberg,
        Correction::Hommel,
        Correction::BenjaminiHochberg,
        Correction::BenjaminiYekutieli,
    ];
}

/// The adjusted p-values of one family of hypotheses, in the order of `p`.
///
/// # Estimand
/// For each hypothesis the smallest error rate of the family at which it is still rejected; see [`Correction`] for
/// the formula and assumption of each method.
///
/// # Formula
/// The table at [`Correction`].
///
/// # Assumptions
/// The p-values belong to one family that was fixed before looking. Which dependence between them a method allows is in
/// the table at [`Correction`].
///
/// # Edge cases
/// An empty family gives an empty answer, a family of one its raw p-value. The answer is never below the raw p-value,
/// never above 1, and keeps the order of the raw p-values.
///
/// # Errors
/// [`Undefined::InvalidParameter`] for a p-value outside [0, 1] or NaN.
///
/// # Source
/// `statsmodels.stats.multitest.multipletests`; reference case `multiple_testing`. Hommel is O(m²), the others
/// O(m log m).
pub fn adjust(p: &[f64], correction: Correction) -> Result<Vec<f64>, Undefined> {
    if !p.iter().all(|p| (0.0..=1.0).contains(p)) {
        return Err(Undefined::InvalidParameter("p"));
    }
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let ascending: Vec<f64> = order.iter().map(|&index| p[index]).collect();
    let adjusted = adjust_sorted(&ascending, correction);
    let mut answer = vec![0.0; p.len()];
    for (&index, (adjusted, &raw)) in order.iter().zip(adjusted.into_iter().zip(&ascending)) {
        // Rounding of 1 − (1 − p)^m may fall an ulp short of p; an adjusted p-value is never below the raw one.
        answer[index] = adjusted.clamp(raw, 1.0);
    }
    Ok(answer)
}

fn adjust_sorted(p: &[f64], correction: Correction) -> Vec<f64> {
    let m = p.len();
    let size = m as f64;
    // How many hypotheses are left when the smaller p-values have been rejected.
    let remaining = |index: usize| (m - index) as f64;
    let each =
        |scaled: &dyn Fn(usize, f64) -> f64| p.iter().enumerate().map(|(i, &p)| scaled(i, p)).collect();
    match correction {
        Correction::Bonferroni => each(&|_, p| size * p),
        Correction::Sidak => each(&|_, p| sidak(p, size)),
        Correction::Holm => running_maximum(each(&|i, p| remaining(i) * p)),
        Correction::HolmSidak => running_maximum(each(&|i, p| sidak(p, remaining(i)))),
        Correction::Hochberg => running_minimum_from_the_end(each(&|i, p| remaining(i) * p)),
        Correction::Hommel => hommel(p),
        Correction::BenjaminiHochberg => {
            running_minimum_from_the_end(each(&|i, p| p * size / (i + 1) as f64))
        }
        Correction::BenjaminiYekutieli => {
            let harmonic: f64 = (1..=m).map(|k| 1.0 / k as f64).sum();
            running_minimum_from_the_end(each(&|i, p| p * size * harmonic / (i + 1) as f64))
        }
    }
}

/// 1 − (1 − p)^m without the cancellation at small p.
fn sidak(p: f64, m: f64) -> f64 {
    -(m * (-p).ln_1p()).exp_m1()
}

fn running_maximum(mut values: Vec<f64>) -> Vec<f64> {
    for i in 1..values.len() {
        values[i] = values[i].max(values[i - 1]);
    }
    values
}

fn running_minimum_from_the_end(mut values: Vec<f64>) -> Vec<f64> {
    for i in (1..values.len()).rev() {
        values[i - 1] = values[i - 1].min(values[i]);
    }
    values
}

/// Hommel's procedure: for each size m of an intersection hypothesis, the Simes p-value of its m largest members
/// bounds every adjusted p-value from below (Wright 1992, algorithm of the appendix).
fn hommel(p: &[f64]) -> Vec<f64> {
    let mut adjusted = p.to_vec();
    for m in (2..=p.len()).rev() {
        let split = p.len() - m;
        let size = m as f64;
        let simes = p[split..]
            .iter()
            .enumerate()
            .map(|(i, &p)| size * p / (i + 1) as f64)
            .fold(f64::INFINITY, f64::min);
        for (index, adjusted) in adjusted.iter_mut().enumerate() {
            let bound = if index < split { simes.min(size * p[index]) } else { simes };
            *adjusted = adjusted.max(bound);
        }
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn assert_close(actual: &[f64], expected: &[f64]) {
        for (a, e) in actual.iter().zip(expected) {
            assert!((a - e).abs() <= 1e-12 * e.abs(), "{actual:?} is not {expected:?}");
        }
        assert_eq!(actual.len(), expected.len());
    }

    #[test]
    fn agrees_with_statsmodels() {
        let p = [0.9, 0.01, 0.02, 0.03, 0.005];
        // multipletests([0.9, 0.01, 0.02, 0.03, 0.005], method=…)
        assert_close(&adjust(&p, Correction::Holm).unwrap(), &[0.9, 0.04, 0.06, 0.06, 0.025]);
        assert_close(&adjust(&p, Correction::Hochberg).unwrap(), &[0.9, 0.04, 0.06, 0.06, 0.025]);
        assert_close(&adjust(&p, Correction::Hommel).unwrap(), &[0.9, 0.04, 0.045, 0.06, 0.025]);
        assert_close(
            &adjust(&p, Correction::BenjaminiHochberg).unwrap(),
            &[0.9, 0.025, 0.1 / 3.0, 0.0375, 0.025],
        );
    }

    #[test]
    fn edges_of_a_family() {
        for correction in Correction::ALL {
            assert_eq!(adjust(&[], correction), Ok(vec![]));
            assert_close(&adjust(&[0.3], correction).unwrap(), &[0.3]);
            assert_eq!(adjust(&[0.0, 1.0], correction), Ok(vec![0.0, 1.0]));
            assert!(adjust(&[0.5, f64::NAN], correction).is_err());
            assert!(adjust(&[1.5], correction).is_err());
        }
        // A p-value so small that 1 − p rounds to 1 is not lost.
        assert_close(&adjust(&[1e-200, 0.5], Correction::Sidak).unwrap()[..1], &[2e-200]);
    }

    proptest! {
        #[test]
        fn adjusted_p_values_keep_order_and_never_fall_below_the_raw(
            p in prop::collection::vec(0.0_f64..=1.0, 1..25),
        ) {
            for correction in Correction::ALL {
                let adjusted = adjust(&p, correction).unwrap();
                for i in 0..p.len() {
                    prop_assert!(adjusted[i] >= p[i] && adjusted[i] <= 1.0);
                    for j in 0..p.len() {
                        if p[i] <= p[j] {
                            prop_assert!(adjusted[i] <= adjusted[j], "{correction:?}");
                        }
                    }
                }
            }
        }

        #[test]
        fn stronger_methods_never_adjust_more(p in prop::collection::vec(0.0_f64..=1.0, 1..25)) {
            let order = [Correction::Bonferroni, Correction::Holm, Correction::Hochberg, Correction::Hommel];
            let adjusted = order.map(|correction| adjust(&p, correction).unwrap());
            for pair in adjusted.windows(2) {
                for (weaker, stronger) in pair[0].iter().zip(&pair[1]) {
                    prop_assert!(*stronger <= weaker * (1.0 + 1e-12));
                }
            }
        }
    }
}
