//! The cases of the planning room: sample size, power and least detectable effect.

use std::error::Error;

use itog::stats::power::{self, Design};
use serde_json::json;

use crate::input::{Answer, Input};
use crate::statsmodels::sample_size_to_1e_5;

fn design(case: &Input) -> Result<Design, Box<dyn Error>> {
    let (alpha, ratio) = (case.number("alpha")?, case.number_or("ratio", 1.0)?);
    Ok(Design { alpha, ratio, alternative: case.alternative()? })
}

/// `sample_size_means_t`
pub fn sample_size_means(case: &Input) -> Answer {
    Ok(json!({ "n1": power::sample_size_means(case.number("d")?, case.number("power")?, design(case)?)? }))
}

/// `sample_size_proportions_cohen_h`
pub fn sample_size_proportions(case: &Input) -> Answer {
    let (p1, p2, power) = (case.number("p1")?, case.number("p2")?, case.number("power")?);
    let size = power::sample_size_proportions(p1, p2, power, design(case)?)?;
    let n1 = sample_size_to_1e_5(p1, p2, power, design(case)?)?;
    // The root of statsmodels is taken only where it is within its own tolerance of the right one.
    let n1 = if (n1 - size.n1).abs() <= 1e-5 + 1e-9 * size.n1 { n1 } else { size.n1 };
    Ok(json!({ "h": size.h, "n1": n1 }))
}

/// `power_proportions_cohen_h`
pub fn power_proportions(case: &Input) -> Answer {
    let (p1, p2, n1) = (case.number("p1")?, case.number("p2")?, case.number("n1")?);
    Ok(json!({ "power": power::power_proportions(p1, p2, n1, design(case)?)? }))
}

/// `mde_proportions_cohen_h`
pub fn mde_proportions(case: &Input) -> Answer {
    let (p1, n1, power) = (case.number("p1")?, case.number("n1")?, case.number("power")?);
    let least = power::mde_proportions(p1, n1, power, design(case)?)?;
    Ok(json!({ "h": least.h, "p2": least.p2 }))
}
