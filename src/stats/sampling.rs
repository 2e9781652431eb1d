//! Random numbers of the laws that resampling needs, from a generator that the caller passes in.
//!
//! The algorithms are fixed here and not taken from a library, so that a seed gives the same report for as long as this
//! file does not change.

use super::distributions::normal_quantile;
use rand::Rng;

/// A uniform number strictly between 0 and 1, of 53 bits.
pub(super) fn unit(rng: &mut impl Rng) -> f64 {
    ((rng.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
}

/// A uniform index below `n`, by multiplication (Lemire 2019). Its bias is below n/2⁶⁴, far under what any number of
/// replicates can show.
pub(super) fn index(n: usize, rng: &mut impl Rng) -> usize {
    ((u128::from(rng.next_u64()) * n as u128) >> 64) as usize
}

/// A standard normal number, by inversion.
pub(super) fn standard_normal(rng: &mut impl Rng) -> f64 {
    normal_quantile(unit(rng))
}

/// ln k! by Stirling's series; exact to 1e-10, which is all that a rejection step needs.
fn ln_factorial(k: f64) -> f64 {
    stirling_tail(k) + (k + 0.5) * (k + 1.0).ln() - (k + 1.0) + 0.918_938_533_204_672_8
}

/// What Stirling's formula for k!, written in k + 1, leaves out.
fn stirling_tail(k: f64) -> f64 {
    /// ln k! − ((k + ½) ln(k + 1) − (k + 1) + ½ ln 2π) for k = 0 … 9.
    const SMALL: [f64; 10] = [
        0.081_061_466_795_327_8,
        0.041_340_695_955_409_46,
        0.027_677_925_684_998_34,
        0.020_790_672_103_765_09,
        0.016_644_691_189_821_19,
        0.013_876_128_823_070_748,
        0.011_896_709_945_891_77,
        0.010_411_265_261_972_096,
        0.009_255_462_182_712_733,
        0.008_330_563_433_362_87,
    ];
    if k < 10.0 {
        return SMALL[k as usize];
    }
    let next = k + 1.0;
    let square = next * next;
    (1.0 / 12.0 - (1.0 / 360.0 - 1.0 / 1260.0 / square) / square) / next
}

/// The number of successes in `n` trials of probability `p`.
///
/// Inversion below ten expected successes, else the transformed rejection BTRS of W. Hörmann (1993).
pub(super) fn binomial(n: u64, p: f64, rng: &mut impl Rng) -> u64 {
    if n == 0 || p <= 0.0 {
        return 0;
    }
    if p >= 1.0 {
        return n;
    }
    if p > 0.5 {
        return n - binomial(n, 1.0 - p, rng);
    }
    if n as f64 * p < 10.0 { binomial_by_inversion(n, p, rng) } else { binomial_by_rejection(n, p, rng) }
}

fn binomial_by_inversion(n: u64, p: f64, rng: &mut impl Rng) -> u64 {
    let odds = p / (1.0 - p);
    let mut mass = (n as f64 * (-p).ln_1p()).exp();
    let mut left = unit(rng);
    let mut k = 0;
    while left > mass && k < n {
        left -= mass;
        mass *= odds * (n - k) as f64 / (k + 1) as f64;
        k += 1;
    }
    k
}

fn binomial_by_rejection(trials: u64, p: f64, rng: &mut impl Rng) -> u64 {
    let n = trials as f64;
    let q = 1.0 - p;
    let sd = (n * p * q).sqrt();
    let b = 1.15 + 2.53 * sd;
    let a = -0.0873 + 0.0248 * b + 0.01 * p;
    let centre = n * p + 0.5;
    let quick = 0.92 - 4.2 / b;
    loop {
        let u = unit(rng) - 0.5;
        let v = unit(rng);
        let distance = 0.5 - u.abs();
        let k = ((2.0 * a / distance + b) * u + centre).floor();
        if k < 0.0 || k > n {
            continue;
        }
        if distance >= 0.07 && v <= quick {
            return k as u64;
        }
        // One draw in six comes here; what only it needs is not prepared for the others.
        let alpha = (2.83 + 5.1 / b) * sd;
        let odds = p / q;
        let mode = ((n + 1.0) * p).floor();
        let height = (v * alpha / (a / (distance * distance) + b)).ln();
        let bound = (mode + 0.5) * ((mode + 1.0) / (odds * (n - mode + 1.0))).ln()
            + (n + 1.0) * ((n - mode + 1.0) / (n - k + 1.0)).ln()
            + (k + 0.5) * (odds * (n - k + 1.0) / (k + 1.0)).ln()
            + stirling_tail(mode)
            + stirling_tail(n - mode)
            - stirling_tail(k)
            - stirling_tail(n - k);
        if height <= bound {
            return k as u64;
        }
    }
}

/// A Poisson number of mean `mean`.
///
/// Inversion below ten, else the transformed rejection PTRS of W. Hörmann (1993).
pub(super) fn poisson(mean: f64, rng: &mut impl Rng) -> u64 {
    if mean < 10.0 {
        let mut mass = (-mean).exp();
        let mut left = unit(rng);
        let mut k = 0;
        while left > mass && k < 1000 {
            left -= mass;
            k += 1;
            mass *= mean / k as f64;
        }
        return k;
    }
    let b = 0.931 + 2.53 * mean.sqrt();
    let a = -0.059 + 0.02483 * b;
    let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
    let quick = 0.9277 - 3.6224 / (b - 2.0);
    loop {
        let u = unit(rng) - 0.5;
        let v = unit(rng);
        let distance = 0.5 - u.abs();
        let k = ((2.0 * a / distance + b) * u + mean + 0.43).floor();
        if distance >= 0.07 && v <= quick {
            return k as u64;
        }
        if k < 0.0 || (distance < 0.013 && v > distance) {
            continue;
        }
        let height = (v * inverse_alpha / (a / (distance * distance) + b)).ln();
        if height <= k * mean.ln() - mean - ln_factorial(k) {
            return k as u64;
        }
    }
}

/// How many of `marked` units are among `drawn` units taken without replacement out of `marked + unmarked`.
///
/// Unit by unit where few are marked or drawn, else the ratio-of-uniforms rejection HRUA of E. Stadlober (1989).
pub(super) fn hypergeometric(marked: u64, unmarked: u64, drawn: u64, rng: &mut impl Rng) -> u64 {
    let total = marked + unmarked;
    if drawn > total / 2 {
        return marked - hypergeometric(marked, unmarked, total - drawn, rng);
    }
    if marked > unmarked {
        return drawn - hypergeometric(unmarked, marked, drawn, rng);
    }
    // Marked and drawn play the same part: both are subsets of the units, chosen independently.
    let (few, many) = (marked.min(drawn), marked.max(drawn));
    if few < 20 {
        let (mut found, mut left, mut units) = (0, many, total);
        for _ in 0..few {
            if unit(rng) * (units as f64) < left as f64 {
                found += 1;
                left -= 1;
            }
            units -= 1;
        }
        return found;
    }
    hypergeometric_by_rejection(few as f64, many as f64, total as f64, rng)
}

fn hypergeometric_by_rejection(few: f64, many: f64, total: f64, rng: &mut impl Rng) -> u64 {
    let p = few / total;
    let centre = many * p + 0.5;
    let variance = (total - many) * many * p * (1.0 - p) / (total - 1.0);
    let c = (variance + 0.5).sqrt();
    let width = 1.715_527_769_921_413_5 * c + 0.898_916_162_058_898_8;
    let mode = ((many + 1.0) * (few + 1.0) / (total + 2.0)).floor();
    let ln_weight = |k: f64| {
        ln_factorial(k)
            + ln_factorial(few - k)
            + ln_factorial(many - k)
            + ln_factorial(total - few - many + k)
    };
    let at_mode = ln_weight(mode);
    let bound = (few + 1.0).min((centre + 16.0 * c).floor());
    loop {
        let u = unit(rng);
        let x = centre + width * (unit(rng) - 0.5) / u;
        if x < 0.0 || x >= bound {
            continue;
        }
        let k = x.floor();
        let height = at_mode - ln_weight(k);
        if u * (4.0 - u) - 3.0 <= height || (u * (u - height) < 1.0 && 2.0 * u.ln() <= height) {
            return k as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::SeedableRng;

    /// Checks mean and variance of 200,000 draws within five standard errors.
    fn check(mean: f64, variance: f64, mut draw: impl FnMut(&mut Xoshiro256PlusPlus) -> f64) {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(20_261_122);
        let n = 200_000;
        let draws: Vec<f64> = (0..n).map(|_| draw(&mut rng) - mean).collect();
        let shift = draws.iter().sum::<f64>() / f64::from(n);
        let squares: Vec<f64> = draws.iter().map(|x| x * x).collect();
        let spread = squares.iter().sum::<f64>() / f64::from(n);
        let fourth = squares.iter().map(|x| x * x).sum::<f64>() / f64::from(n);
        let se_mean = (variance / f64::from(n)).sqrt();
        let se_spread = ((fourth - spread * spread).max(0.0) / f64::from(n)).sqrt();
        assert!(shift.abs() <= 5.0 * se_mean, "mean off by {shift}, standard error {se_mean}");
        assert!(
            (spread - variance).abs() <= 5.0 * se_spread + 1e-12,
            "variance {spread}, expected {variance}"
        );
    }

    #[test]
    fn binomial_numbers_have_their_moments() {
        for (n, p) in [(1, 0.3), (20, 0.1), (50, 0.9), (40, 0.5), (1_000_000, 0.002), (1_000_000, 0.4)] {
            let nf = n as f64;
            check(nf * p, nf * p * (1.0 - p), |rng| binomial(n, p, rng) as f64);
        }
    }

    #[test]
    fn poisson_numbers_have_their_moments() {
        for mean in [0.2, 1.0, 9.9, 10.0, 37.5, 4000.0] {
            check(mean, mean, |rng| poisson(mean, rng) as f64);
        }
    }

    #[test]
    fn hypergeometric_numbers_have_their_moments() {
        for (marked, unmarked, drawn) in
            [(1, 9, 4), (30, 50, 40), (300, 200, 450), (4_000, 1_000_000, 500_000), (70, 900, 60), (5, 0, 3)]
        {
            let (m, n, d) = (marked as f64, (marked + unmarked) as f64, drawn as f64);
            let variance = d * (m / n) * (1.0 - m / n) * (n - d) / (n - 1.0);
            check(d * m / n, variance, |rng| hypergeometric(marked, unmarked, drawn, rng) as f64);
        }
    }

    #[test]
    fn normal_numbers_and_indices_have_their_moments() {
        check(0.0, 1.0, standard_normal);
        check(2.0, 2.0, |rng| index(5, rng) as f64);
    }
}
