//! The functions of the reference file by name: how each case is put to the statistics room.

use itog::stats::multiple_testing::{Correction, adjust};
use itog::stats::proportions::{self, Proportion};
use itog::stats::t_test::{self, MeanDifference};
use itog::stats::{
    Interval, TestResult, anova, brunner_munzel, chi_square, dunnett, fisher, kolmogorov_smirnov,
    kruskal_wallis, mann_whitney, normality, tukey, variance_tests,
};
use serde_json::{Value, json};

use crate::experiments;
use crate::input::{Answer, Input};
use crate::planning;
use crate::{scipy, statsmodels};

/// A function of the reference file.
pub type Function = fn(&Input) -> Answer;

/// Every function that the statistics room answers for.
pub const FUNCTIONS: &[(&str, Function)] = &[
    ("anova_oneway", |case| {
        let groups = scipy::centred_moments(&case.groups("groups")?);
        Ok(anova::one_way(&groups).map(|a| json!({ "f": a.f, "p": a.p }))?)
    }),
    ("asymptotic_confidence_sequence", experiments::confidence_sequence),
    ("beta_binomial", experiments::beta_binomial_posterior),
    ("brown_forsythe", |case| {
        statistic("w", variance_tests::brown_forsythe(&[&case.numbers("x")?, &case.numbers("y")?])?)
    }),
    ("brunner_munzel", brunner_munzel_case),
    ("chi2_contingency", |case| chi2(chi_square::contingency(&case.table("table")?)?)),
    ("cuped", experiments::cuped_difference),
    ("dagostino_k2", |case| {
        let x = case.numbers("x")?;
        statistic("k2", scipy::k2_with_replaced_zero_skewness(&x, normality::dagostino_k2(&x)?))
    }),
    ("dunnett", dunnett_case),
    ("fisher_exact", fisher_case),
    ("group_sequential", experiments::group_sequential_boundaries),
    ("kruskal_wallis", |case| {
        statistic("h", kruskal_wallis::kruskal_wallis(&slices(&case.groups("groups")?))?)
    }),
    ("ks_two_sample_asymptotic", |case| {
        let (x, y) = (case.numbers("x")?, case.numbers("y")?);
        let result = kolmogorov_smirnov::ks_two_sample_asymptotic(&x, &y)?;
        Ok(json!({ "d": result.statistic, "p": scipy::ks_p_of_two_values(&x, &y, result) }))
    }),
    ("mann_whitney_u", mann_whitney_case),
    ("mde_proportions_cohen_h", planning::mde_proportions),
    ("multiple_testing", multiple_testing_case),
    ("power_proportions_cohen_h", planning::power_proportions),
    ("proportion_ci", proportion_ci_case),
    ("ratio_delta_method", experiments::ratio_delta_method),
    ("sample_size_means_t", planning::sample_size_means),
    ("sample_size_proportions_cohen_h", planning::sample_size_proportions),
    ("shapiro_wilk", |case| statistic("w", normality::shapiro_wilk(&case.numbers("x")?)?)),
    ("srm", |case| chi2(chi_square::goodness_of_fit(&case.counts("observed")?, &case.numbers("share")?)?)),
    ("t_test_from_stats_student", |case| {
        t(t_test::student(&case.summary("1")?, &case.summary("2")?, case.alternative()?, case.level()?)?)
    }),
    ("t_test_from_stats_welch", |case| {
        t(t_test::welch(&case.summary("1")?, &case.summary("2")?, case.alternative()?, case.level()?)?)
    }),
    ("t_test_student", |case| {
        t(t_test::student(&case.moments("x")?, &case.moments("y")?, case.alternative()?, case.level()?)?)
    }),
    ("t_test_welch", |case| {
        t(t_test::welch(&case.moments("x")?, &case.moments("y")?, case.alternative()?, case.level()?)?)
    }),
    ("tost_welch", experiments::tost),
    ("tukey_hsd", tukey_case),
    ("two_proportions", two_proportions_case),
];

/// A statistic under its own name, with its p-value.
fn statistic(name: &str, result: TestResult) -> Answer {
    Ok(json!({ name: result.statistic, "df": result.df, "p": result.p }))
}

fn chi2(result: chi_square::ChiSquare) -> Answer {
    Ok(json!({ "chi2": result.statistic, "df": result.df, "p": result.p }))
}

/// A t test; an infinite bound becomes `null`, as in the file.
fn t(result: MeanDifference) -> Answer {
    let MeanDifference { statistic, df, p, ci, .. } = result;
    Ok(json!({ "t": statistic, "df": df, "p": p, "ci_low": ci.low, "ci_high": ci.high }))
}

/// The two ends of an interval.
pub fn bounds(interval: Interval) -> Value {
    json!([interval.low, interval.high])
}

fn slices(groups: &[Vec<f64>]) -> Vec<&[f64]> {
    groups.iter().map(Vec::as_slice).collect()
}

fn brunner_munzel_case(case: &Input) -> Answer {
    let (x, y) = (case.numbers("x")?, case.numbers("y")?);
    let result = brunner_munzel::brunner_munzel(&x, &y, case.alternative()?, case.level()?)?;
    Ok(json!({ "w": result.w, "p": result.p }))
}

fn mann_whitney_case(case: &Input) -> Answer {
    let method = match case.text("method").unwrap_or("auto") {
        "auto" => mann_whitney::Method::Auto,
        "exact" => mann_whitney::Method::Exact,
        "asymptotic" => mann_whitney::Method::Asymptotic,
        other => return Err(format!("the method `{other}` is not known").into()),
    };
    let (x, y) = (case.numbers("x")?, case.numbers("y")?);
    let result = mann_whitney::mann_whitney_u(&x, &y, case.alternative()?, method)?;
    Ok(json!({ "u": result.u, "p": result.p }))
}

fn fisher_case(case: &Input) -> Answer {
    let table = case.table("table")?;
    let [first, second] = table.as_slice() else { return Err("the table has not two rows".into()) };
    let row = |row: &Vec<u64>| <[u64; 2]>::try_from(row.as_slice());
    Ok(json!({ "p": fisher::fisher_exact([row(first)?, row(second)?], case.alternative()?)?.p }))
}

fn dunnett_case(case: &Input) -> Answer {
    let control = usize::try_from(case.count("control")?)?;
    let found =
        dunnett::dunnett(&case.group_moments("groups")?, control, case.alternative()?, case.level()?)?;
    let statistics: Vec<f64> = found.iter().map(|one| one.statistic).collect();
    Ok(json!({ "statistic": statistics, "p": found.iter().map(|one| one.p).collect::<Vec<_>>() }))
}

/// The file holds the p-values as a symmetric matrix with ones on its diagonal.
fn tukey_case(case: &Input) -> Answer {
    let groups = case.group_moments("groups")?;
    let mut matrix = vec![vec![1.0; groups.len()]; groups.len()];
    for pair in tukey::tukey_hsd(&groups, case.level()?)? {
        matrix[pair.first][pair.second] = pair.p;
        matrix[pair.second][pair.first] = pair.p;
    }
    Ok(json!({ "p": matrix }))
}

fn two_proportions_case(case: &Input) -> Answer {
    let first = Proportion::new(case.count("c1")?, case.count("n1")?)?;
    let second = Proportion::new(case.count("c2")?, case.count("n2")?)?;
    let level = case.level()?;
    // Without variance there is no test, but intervals there are.
    let test = proportions::two_proportion_z(first, second, case.alternative()?).ok();
    Ok(json!({
        "z": test.map(|test| test.statistic),
        "p": test.map(|test| test.p),
        "ci_wald": bounds(proportions::wald_interval(first, second, level)),
        "ci_agresti_caffo": bounds(proportions::agresti_caffo_interval(first, second, level)),
        "ci_newcomb": bounds(proportions::newcombe_interval(first, second, level)),
        "ci_score": proportions::statsmodels_score_interval(first, second, level).map(bounds),
        "ci_ratio_score": statsmodels::ratio_score_interval_with_spurious_roots(first, second, level),
    }))
}

fn proportion_ci_case(case: &Input) -> Answer {
    let (arm, level) = (Proportion::new(case.count("c")?, case.count("n")?)?, case.level()?);
    Ok(json!({
        "wilson": bounds(proportions::wilson_interval(arm, level)),
        "clopper_pearson": bounds(proportions::clopper_pearson_interval(arm, level)),
        "jeffreys": bounds(proportions::jeffreys_interval(arm, level)),
    }))
}

fn multiple_testing_case(case: &Input) -> Answer {
    let p = case.numbers("p")?;
    let adjusted = |correction: Correction| adjust(&p, correction);
    Ok(json!({
        "bonferroni": adjusted(Correction::Bonferroni)?,
        "sidak": adjusted(Correction::Sidak)?,
        "holm": adjusted(Correction::Holm)?,
        "holm_sidak": adjusted(Correction::HolmSidak)?,
        "hochberg": adjusted(Correction::Hochberg)?,
        "hommel": adjusted(Correction::Hommel)?,
        "bh": adjusted(Correction::BenjaminiHochberg)?,
        "by": adjusted(Correction::BenjaminiYekutieli)?,
    }))
}
