//! The cases of methods made for experiments: ratios, CUPED, equivalence, Bayes, sequential looks.

use itog::stats::bivariate::BivariateMoments;
use itog::stats::group_sequential::{Spending, boundaries};
use itog::stats::proportions::Proportion;
use itog::stats::{
    Moments, Undefined, beta_binomial, confidence_sequence, cuped, ratio, tost as equivalence,
};
use serde_json::json;

use crate::functions::bounds;
use crate::input::{Answer, Input};

/// The moments of the pairs of two lists.
fn pairs(case: &Input, y: &str, x: &str) -> Result<BivariateMoments, Box<dyn std::error::Error>> {
    Ok(BivariateMoments::from_slices(&case.numbers(y)?, &case.numbers(x)?)?)
}

/// `ratio_delta_method`: the control is `a`, the treatment `b`. What of it exists is compared, whatever else does not.
pub fn ratio_delta_method(case: &Input) -> Answer {
    let (control, treatment) = (pairs(case, "num_a", "den_a")?, pairs(case, "num_b", "den_b")?);
    let (a, b) = (ratio::ratio_of_means(&control).ok(), ratio::ratio_of_means(&treatment).ok());
    let result = ratio::ratio_difference(&control, &treatment, case.alternative()?, case.level()?).ok();
    let relative = result.and_then(|result| result.relative.ok());
    Ok(json!({
        "ratio_a": a.map(|a| a.value),
        "var_a": a.map(|a| a.variance),
        "ratio_b": b.map(|b| b.value),
        "var_b": b.map(|b| b.variance),
        "difference": result.map(|result| result.difference.estimate),
        "se": result.map(|result| result.difference.se),
        "z": result.map(|result| result.difference.statistic),
        "p": result.map(|result| result.difference.p),
        "relative": relative.map(|relative| relative.estimate),
        "relative_ci95_log_delta": relative.and_then(|relative| relative.log_delta).map(bounds),
    }))
}

/// `cuped`: the control is `a`, the treatment `b`.
///
/// The common mean of the covariate is taken out first, as its source does: no result depends on it, but where it is large
/// beside the spread, means of groups hold too few digits of their distance from it.
pub fn cuped_difference(case: &Input) -> Answer {
    let (x_a, x_b) = (case.numbers("x_a")?, case.numbers("x_b")?);
    let centre = Moments::from_slice(&[x_a.as_slice(), &x_b].concat()).mean;
    let group = |y: &str, x: &[f64]| -> Result<BivariateMoments, Box<dyn std::error::Error>> {
        let centred: Vec<f64> = x.iter().map(|x| x - centre).collect();
        Ok(BivariateMoments::from_slices(&case.numbers(y)?, &centred)?)
    };
    let (control, treatment) = (group("y_a", &x_a)?, group("y_b", &x_b)?);
    let result = cuped::cuped(&control, &treatment, case.alternative()?, case.level()?)?;
    Ok(json!({
        "theta": result.theta,
        "mean_a": result.control.mean,
        "mean_b": result.treatment.mean,
        "difference": result.difference.estimate,
        "t": result.difference.statistic,
        "p": result.difference.p,
        "variance_ratio": result.variance_ratio,
    }))
}

/// `tost_welch`
pub fn tost(case: &Input) -> Answer {
    let (x, y) = (case.moments("x")?, case.moments("y")?);
    let result = equivalence::tost_welch(&x, &y, case.number("low")?, case.number("high")?, case.level()?)?;
    Ok(json!({ "p_low": result.p_low, "p_high": result.p_high }))
}

/// `beta_binomial`
pub fn beta_binomial_posterior(case: &Input) -> Answer {
    let a = Proportion::new(case.count("c_a")?, case.count("n_a")?)?;
    let b = Proportion::new(case.count("c_b")?, case.count("n_b")?)?;
    let prior = case.numbers("prior")?.try_into().map_err(|_| Undefined::InvalidParameter("prior"))?;
    let result = beta_binomial::beta_binomial(a, b, prior)?;
    Ok(json!({
        "prob_b_better": result.prob_b_better,
        "expected_loss_choose_b": result.expected_loss_choose_b,
    }))
}

/// `asymptotic_confidence_sequence`
pub fn confidence_sequence(case: &Input) -> Answer {
    let (n, variance) = (case.number("n")?, case.number("variance")?);
    let half_width =
        confidence_sequence::half_width(n, variance, case.number("alpha")?, case.number("rho2")?)?;
    Ok(json!({ "half_width": half_width }))
}

/// `group_sequential`
pub fn group_sequential_boundaries(case: &Input) -> Answer {
    let spending = match case.text("spending")? {
        "obrien_fleming_lan_demets" => Spending::ObrienFleming,
        "pocock_lan_demets" => Spending::Pocock,
        other => return Err(format!("the spending function `{other}` is not known").into()),
    };
    let result = boundaries(&case.numbers("information")?, case.number("alpha")?, spending)?;
    Ok(json!({ "z": result.z }))
}
