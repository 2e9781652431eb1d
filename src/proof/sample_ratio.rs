//! The sample ratio check that may be looked at every night.
//!
//! The chi-square test of group sizes holds its level once. Asked every night of an experiment it raises a false alarm far more
//! often than its level says. The sequential test here holds its level over all nights together, however many there
//! are and whenever one stops.

use crate::stats::Undefined;
use crate::stats::distributions::ln_gamma;
use crate::stats::multiple_testing::{Correction, adjust};

/// The usual concentration of the prior: it expects shares within about a percent of the plan, which is where real
/// mismatches are.
pub const CONCENTRATION: f64 = 10_000.0;

/// The check over the nights so far.
#[derive(Clone, Debug, PartialEq)]
pub struct SequentialRatio {
    /// ln of the Bayes factor against the planned shares, by night.
    pub ln_bayes_factors: Vec<f64>,
    /// p-value by night: never rises, and valid whenever it is looked at.
    pub p_values: Vec<f64>,
    /// p-value of the last night.
    pub p: f64,
    /// A group has fewer units than the night before: the data were revised, and the guarantee is that of the nights since
    /// only as far as revisions are rare.
    pub revised: bool,
}

impl SequentialRatio {
    /// The first night whose p-value is below `alpha`.
    pub fn first_below(&self, alpha: f64) -> Option<usize> {
        self.p_values.iter().position(|p| *p < alpha)
    }
}

/// The sequential multinomial test of group sizes against planned shares.
///
/// # Hypothesis
/// Every unit falls into the groups with the planned shares θ.
///
/// # Formula
/// With counts S and the Dirichlet prior α = kθ the Bayes factor of "other shares" against θ is
/// B(α + S)/B(α) / ∏ θᵢ^Sᵢ, B the multivariate beta function. Under the hypothesis it is a martingale that starts at one, so by
/// Ville's inequality it ever exceeds 1/a with a chance of a at most: p = min over the nights of 1/BF.
///
/// # Parameters
/// `counts` are cumulative: by night, by group. `shares` need not add up to one. `concentration` is k.
///
/// # Assumptions
/// Units are assigned independently of each other. Nights may be missing.
///
/// # Errors
/// [`Undefined::EmptyGroup`] without nights, [`Undefined::LengthMismatch`], [`Undefined::TooFewGroups`],
/// [`Undefined::ZeroExpected`] for a share of zero, [`Undefined::InvalidParameter`] for shares or a concentration outside of
/// their domain.
///
/// # Source
/// M. Lindon & A. Malek (2022), *Anytime-valid inference for multinomial count data*, NeurIPS; its Python package `ssrm_test`
/// has the same concentration.
pub fn sequential(
    counts: &[Vec<u64>],
    shares: &[f64],
    concentration: f64,
) -> Result<SequentialRatio, Undefined> {
    if counts.is_empty() {
        return Err(Undefined::EmptyGroup);
    }
    if shares.len() < 2 {
        return Err(Undefined::TooFewGroups { needed: 2, found: shares.len() as u64 });
    }
    if counts.iter().any(|night| night.len() != shares.len()) {
        return Err(Undefined::LengthMismatch);
    }
    if shares.iter().any(|share| !share.is_finite() || *share < 0.0) {
        return Err(Undefined::InvalidParameter("share"));
    }
    if shares.contains(&0.0) {
        return Err(Undefined::ZeroExpected);
    }
    if !(concentration.is_finite() && concentration > 0.0) {
        return Err(Undefined::InvalidParameter("concentration"));
    }
    let whole: f64 = shares.iter().sum();
    let shares: Vec<f64> = shares.iter().map(|share| share / whole).collect();
    let ln_bayes_factors: Vec<f64> =
        counts.iter().map(|night| ln_bayes_factor(night, &shares, concentration)).collect();
    let mut highest = 0.0_f64;
    let p_values: Vec<f64> = ln_bayes_factors
        .iter()
        .map(|ln| {
            highest = highest.max(*ln);
            (-highest).exp()
        })
        .collect();
    let fell = |pair: &[Vec<u64>]| pair[0].iter().zip(&pair[1]).any(|(before, now)| now < before);
    Ok(SequentialRatio {
        p: p_values.last().copied().unwrap_or(1.0),
        p_values,
        ln_bayes_factors,
        revised: counts.windows(2).any(fell),
    })
}

fn ln_bayes_factor(counts: &[u64], shares: &[f64], concentration: f64) -> f64 {
    let total: u64 = counts.iter().sum();
    let parts = counts.iter().zip(shares).map(|(&count, share)| {
        let prior = concentration * share;
        rising(prior, count) - count as f64 * share.ln()
    });
    parts.sum::<f64>() - rising(concentration, total)
}

/// ln (x)ₙ = ln Γ(x + n) − ln Γ(x).
fn rising(x: f64, n: u64) -> f64 {
    ln_gamma(x + n as f64) - ln_gamma(x)
}

/// The check of one segment.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentRatio {
    /// Value of the segment.
    pub id: String,
    /// Its check.
    pub ratio: SequentialRatio,
    /// Holm's p-value over all segments of the call: valid at every look like the raw one.
    pub p_adjusted: f64,
}

/// The check in every segment, corrected for their number: where a mismatch of the whole comes from.
///
/// # Errors
/// As [`sequential`], for any of the segments.
pub fn by_segment(
    segments: &[(String, Vec<Vec<u64>>)],
    shares: &[f64],
    concentration: f64,
) -> Result<Vec<SegmentRatio>, Undefined> {
    let ratios: Vec<SequentialRatio> = segments
        .iter()
        .map(|(_, counts)| sequential(counts, shares, concentration))
        .collect::<Result<_, _>>()?;
    let raw: Vec<f64> = ratios.iter().map(|ratio| ratio.p).collect();
    let adjusted = adjust(&raw, Correction::Holm)?;
    let rows = segments.iter().zip(ratios).zip(adjusted);
    Ok(rows
        .map(|(((id, _), ratio), p_adjusted)| SegmentRatio { id: id.clone(), ratio, p_adjusted })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn halves(counts: &[[u64; 2]]) -> SequentialRatio {
        let counts: Vec<Vec<u64>> = counts.iter().map(|night| night.to_vec()).collect();
        sequential(&counts, &[1.0, 1.0], CONCENTRATION).unwrap()
    }

    #[test]
    fn the_bayes_factor_agrees_with_scipy() {
        // scipy.special.gammaln
        assert!((halves(&[[505_000, 495_000]]).ln_bayes_factors[0] - 47.19822335895151).abs() < 1e-6);
        assert!((halves(&[[5_100, 4_900]]).ln_bayes_factors[0] - 0.6534805811752449).abs() < 1e-8);
        let three = sequential(&[vec![120, 260, 640]], &[1.0, 3.0, 6.0], 500.0).unwrap();
        assert!((three.ln_bayes_factors[0] - 2.722546782444624).abs() < 1e-9, "{three:?}");
    }

    #[test]
    fn half_a_percent_of_a_million_is_a_mismatch_and_chance_is_none() {
        assert!(halves(&[[505_000, 495_000]]).p < 0.001);
        assert!(halves(&[[500_600, 499_400]]).p > 0.1);
    }

    #[test]
    fn p_never_rises_and_revisions_are_said() {
        let found = halves(&[[100, 100], [6_000, 5_000], [50_000, 50_000]]);
        assert!(found.p_values.windows(2).all(|pair| pair[1] <= pair[0]));
        assert_eq!((found.p, found.p_values[0]), (found.p_values[1], 1.0));
        assert_eq!((found.first_below(0.01), found.revised), (Some(1), false));
        assert!(halves(&[[100, 100], [90, 120]]).revised);
    }

    #[test]
    fn segments_are_corrected_for_their_number() {
        let segments =
            [("a".to_owned(), vec![vec![5_200, 4_800]]), ("b".to_owned(), vec![vec![5_000, 5_000]])];
        let found = by_segment(&segments, &[1.0, 1.0], CONCENTRATION).unwrap();
        assert!((found[0].p_adjusted - 2.0 * found[0].ratio.p).abs() < 1e-15 && found[1].p_adjusted == 1.0);
    }

    #[test]
    fn errors_have_reasons() {
        let error = |counts: &[Vec<u64>], shares: &[f64]| sequential(counts, shares, CONCENTRATION).err();
        assert_eq!(error(&[], &[0.5, 0.5]), Some(Undefined::EmptyGroup));
        assert_eq!(error(&[vec![1]], &[0.5, 0.5]), Some(Undefined::LengthMismatch));
        assert_eq!(error(&[vec![1, 2]], &[1.0, 0.0]), Some(Undefined::ZeroExpected));
        assert_eq!(error(&[vec![1]], &[1.0]), Some(Undefined::TooFewGroups { needed: 2, found: 1 }));
        assert_eq!(error(&[vec![1, 2]], &[f64::NAN, 0.5]), Some(Undefined::InvalidParameter("share")));
    }
}
