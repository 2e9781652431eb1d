//! How much longer.

use super::Plan;
use super::outcome::LookOutcome;
use super::schedule::Schedule;
use crate::stats::Undefined;

/// The flow is measured over this many days: whole weeks, because days of the week differ.
const WINDOW: i32 = 7;

/// The rest of the way at the present flow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// Information a day, over the last seven days, or over all nights while there are fewer.
    pub per_day: f64,
    /// Days until the planned (always-valid: the expected) information, rounded up; 0 when it is reached.
    pub days_left: u32,
    /// The next night, if the flow stays; none for an always-valid plan and where the night would be no look.
    pub next: Option<NextLook>,
}

/// What the next night would be asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NextLook {
    /// Information over the planned one.
    pub fraction: f64,
    /// Critical |z|.
    pub boundary_z: f64,
}

/// Days beyond which a forecast says nothing: a hundred years.
const LONGEST: f64 = 36_525.0;

/// The forecast; none where nights do not gain information.
pub(super) fn forecast(
    plan: &Plan,
    horizon: f64,
    schedule: &Schedule,
    looks: &[LookOutcome],
) -> Result<Option<Forecast>, Undefined> {
    let Some(latest) = looks.last() else { return Ok(None) };
    // The latest night at least a window ago; while there is none, the first night.
    let ago = looks.iter().rev().find(|look| latest.day.saturating_sub(look.day) >= WINDOW);
    let Some(from) = ago.or(looks.first()) else { return Ok(None) };
    let days = f64::from(latest.day.saturating_sub(from.day));
    let gained = latest.information - from.information;
    if !(days > 0.0 && gained > 0.0) {
        return Ok(None);
    }
    let per_day = gained / days;
    let left = ((horizon - latest.information).max(0.0) / per_day).ceil();
    if left > LONGEST {
        return Ok(None);
    }
    let fraction = (latest.information + per_day) / horizon;
    let next = match (&schedule.test, schedule.last) {
        (Some(test), last) if fraction - last.unwrap_or(0.0) >= super::LEAST_STEP => {
            let nights =
                looks.first().map_or(1, |first| latest.day.saturating_sub(first.day).saturating_add(2));
            let warm =
                latest.information + per_day >= plan.warm_up.information && nights >= plan.warm_up.days;
            let boundary = test.clone().look(fraction, fraction.min(1.0))?;
            Some(boundary.z).filter(|z| warm && z.is_finite())
        }
        _ => None,
    };
    Ok(Some(Forecast {
        per_day,
        days_left: left as u32,
        next: next.map(|boundary_z| NextLook { fraction, boundary_z }),
    }))
}
