//! Probability distributions, accurate in both tails.
//!
//! These are the numeric ground of the room: plain functions of `f64` that are total on their documented domain and pass
//! `NaN` through outside of it. Callers check their inputs and turn what is undefined into
//! [`Undefined`](crate::stats::Undefined); no `NaN` leaves the statistics room.
//!
//! Tails are computed as tails and never as one minus the other side. They are written here rather than taken from
//! `statrs`, because at the degrees of freedom of an online experiment (1e5 to 1e9) its incomplete beta function loses
//! digits in `ln Γ`, its t quantile does not return, and its error function is good to 1e-10 only.

mod beta;
mod dunnett_max_t;
mod erf;
mod f;
mod gamma;
mod kolmogorov;
mod kolmogorov_small;
mod noncentral_t;
mod normal;
mod saddle_point;
mod scale_mixture;
mod student_t;
mod studentized_range;

pub use beta::{beta_cdf, beta_cdf_pair, beta_isf, beta_quantile, beta_sf};
pub use dunnett_max_t::{dunnett_critical_value, dunnett_sf};
pub use f::f_sf;
pub use gamma::{chi_square_cdf, chi_square_sf, gamma_p, gamma_q};
pub use kolmogorov::{kolmogorov_sf, smirnov_sf};
pub use noncentral_t::{noncentral_t_cdf, noncentral_t_sf};
pub(in crate::stats) use normal::normal_quantiles;
pub use normal::{normal_cdf, normal_isf, normal_ln_sf, normal_pdf, normal_quantile, normal_sf};
pub use saddle_point::{binomial_ln_pmf, binomial_pmf, ln_beta, ln_choose, ln_gamma};
pub use student_t::{student_t_cdf, student_t_isf, student_t_quantile, student_t_sf};
pub use studentized_range::{studentized_range_isf, studentized_range_sf};
