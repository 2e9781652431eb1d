//! The root of a continuous function in a bracket.

/// The root of a continuous function in a bracket, by Brent's method.
///
/// # Source
/// R. P. Brent (1973), *Algorithms for Minimization Without Derivatives*, chapter 4 (`scipy.optimize.brentq`).
pub fn brent(f: impl Fn(f64) -> f64, low: f64, high: f64) -> Option<f64> {
    let (mut previous, mut best) = (low, high);
    let (mut f_previous, mut f_best) = (f(low), f(high));
    if f_previous == 0.0 {
        return Some(low);
    }
    if f_best == 0.0 {
        return Some(high);
    }
    if f_previous.is_nan() || f_best.is_nan() || (f_previous < 0.0) == (f_best < 0.0) {
        return None;
    }
    // `contra` is the end of the bracket whose sign differs from that of `best`.
    let (mut contra, mut f_contra) = (previous, f_previous);
    let mut step = best - previous;
    let mut step_before = step;
    for _ in 0..500 {
        if (f_best < 0.0) == (f_contra < 0.0) {
            (contra, f_contra) = (previous, f_previous);
            step = best - previous;
            step_before = step;
        }
        if f_contra.abs() < f_best.abs() {
            (previous, f_previous) = (best, f_best);
            (best, f_best) = (contra, f_contra);
            (contra, f_contra) = (previous, f_previous);
        }
        let tolerance = 2.0 * f64::EPSILON * best.abs() + f64::MIN_POSITIVE;
        let half = (contra - best) / 2.0;
        if f_best == 0.0 || half.abs() <= tolerance {
            return Some(best);
        }
        let finite = f_best.is_finite() && f_previous.is_finite() && f_contra.is_finite();
        if finite && step_before.abs() >= tolerance && f_previous.abs() > f_best.abs() {
            let s = f_best / f_previous;
            let (mut p, mut q) = if previous == contra {
                (2.0 * half * s, 1.0 - s)
            } else {
                let (q, r) = (f_previous / f_contra, f_best / f_contra);
                let p = s * (2.0 * half * q * (q - r) - (best - previous) * (r - 1.0));
                (p, (q - 1.0) * (r - 1.0) * (s - 1.0))
            };
            if p > 0.0 {
                q = -q;
            }
            p = p.abs();
            if 2.0 * p < (3.0 * half * q - (tolerance * q).abs()).min((step_before * q).abs()) {
                step_before = step;
                step = p / q;
            } else {
                step = half;
                step_before = half;
            }
        } else {
            step = half;
            step_before = half;
        }
        (previous, f_previous) = (best, f_best);
        best += if step.abs() > tolerance { step } else { tolerance.copysign(half) };
        f_best = f(best);
        if f_best.is_nan() {
            return None;
        }
    }
    Some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_roots_to_the_last_bits() {
        let root = brent(|x| x * x - 2.0, 0.0, 2.0).unwrap();
        assert!((root - std::f64::consts::SQRT_2).abs() < 1e-15, "{root}");
        let tiny = brent(|x| x - 3e-200, -1.0, 1.0).unwrap();
        assert!((tiny / 3e-200 - 1.0).abs() < 1e-12, "{tiny}");
    }

    #[test]
    fn takes_infinite_ends_and_refuses_a_bracket_without_a_change_of_sign() {
        let root = brent(|x: f64| x.ln() - 1.0, 0.0, 10.0).unwrap();
        assert!((root - std::f64::consts::E).abs() < 1e-14, "{root}");
        assert_eq!(brent(|x| x * x + 1.0, -1.0, 1.0), None);
        assert_eq!(brent(|_| f64::NAN, -1.0, 1.0), None);
    }
}
