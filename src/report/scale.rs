//! How the values of one metric are written: percent or a unit, and how many decimals its uncertainty deserves.

use crate::config::valid::MetricKind;
use crate::metrics::outcome::MetricOutcome;
use crate::wording::numbers;

/// The notation of one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    /// Values are shares, written as percent; differences are in percentage points.
    pub percent: bool,
    /// Unit after values; empty for none.
    pub unit: String,
    /// Decimals of values and differences.
    pub decimals: usize,
}

impl Scale {
    /// The notation of an outcome: as many decimals as show two digits of the uncertainty of its differences; money
    /// has two at least. Values below one get a third digit where two would leave them two figures («0,404 ₽», not
    /// «0,40 ₽»).
    pub fn of(outcome: &MetricOutcome) -> Self {
        let percent = outcome.metric.kind == MetricKind::Proportion;
        let unit = outcome.metric.unit.clone().unwrap_or_default();
        let half_widths = outcome.comparisons.iter().filter_map(|c| {
            let (low, high) = c.absolute?.ci?;
            Some((high - low) / 2.0)
        });
        let spread = half_widths.reduce(f64::min).or_else(|| {
            outcome.groups.iter().filter_map(|g| g.ci.map(|(low, high)| (high - low) / 2.0)).reduce(f64::min)
        });
        let shown = spread.map_or(1.0, |s| if percent { s * 100.0 } else { s });
        let decimals = numbers::decimals_for(shown, 2);
        let largest = outcome.groups.iter().filter_map(|g| g.mean).map(f64::abs).fold(0.0, f64::max);
        // In millions nobody counts kopecks.
        let least = if percent || is_money(&unit) && largest < 1e6 { 2 } else { 0 };
        let small = !percent && largest > 0.0 && largest < 1.0;
        let third = if small { numbers::decimals_for(largest, 3).min(decimals + 1) } else { 0 };
        Scale { percent, unit, decimals: decimals.max(third).clamp(least, 8) }
    }

    /// A value: «18,70 ₽», «2,16 %».
    pub fn value(&self, x: f64) -> String {
        if self.percent {
            numbers::percent(x, self.decimals)
        } else {
            numbers::with_unit(&numbers::number(x, self.decimals), &self.unit)
        }
    }

    /// A value that was observed and not computed: whole numbers stay whole, money has no more than its kopecks.
    pub fn observed(&self, x: f64) -> String {
        let decimals = match (self.percent, is_money(&self.unit)) {
            (true, _) => return self.value(x),
            (false, true) if self.decimals > 0 => 2,
            (false, _) if x.fract() == 0.0 => 0,
            (false, _) => self.decimals,
        };
        numbers::with_unit(&numbers::number(x, decimals), &self.unit)
    }

    /// A value without its unit, for columns that name it once.
    pub fn bare(&self, x: f64) -> String {
        if self.percent {
            numbers::percent_value(x, self.decimals)
        } else {
            numbers::number(x, self.decimals)
        }
    }

    /// A difference with its sign: «−6,34 ₽», «−0,18 п. п.».
    pub fn difference(&self, x: f64) -> String {
        if self.percent {
            numbers::points(x, self.decimals)
        } else {
            numbers::with_unit(&numbers::signed(x, self.decimals), &self.unit)
        }
    }

    /// Whether a difference is zero in the digits that are shown.
    pub fn is_zero(&self, x: f64) -> bool {
        !self.difference(x).contains(|c: char| ('1'..='9').contains(&c) || c == '∞')
    }

    /// A difference without its sign, for «ниже на …».
    pub fn size(&self, x: f64) -> String {
        if self.percent {
            let text = numbers::percent_value(x.abs(), self.decimals);
            numbers::with_unit(&text, numbers::POINTS)
        } else {
            self.value(x.abs())
        }
    }

    /// The interval of a difference: «от −17,38 до +4,71 ₽». One that excludes zero has the decimals to show it.
    pub fn interval(&self, (low, high): (f64, f64)) -> String {
        let nearest = low.abs().min(high.abs());
        let hidden = |decimals: usize| Scale { decimals, ..self.clone() }.is_zero(nearest);
        let apart = low * high > 0.0;
        let decimals = (self.decimals..=8).find(|d| !apart || !hidden(*d)).unwrap_or(self.decimals);
        if self.percent {
            numbers::interval_of_points(low, high, decimals)
        } else {
            numbers::with_unit(&numbers::interval(low, high, decimals), &self.unit)
        }
    }

    /// The interval of a value: «от 17,20 до 20,19 ₽».
    pub fn level_interval(&self, (low, high): (f64, f64)) -> String {
        if self.percent {
            let (low, high) = (low * 100.0, high * 100.0);
            numbers::with_unit(&numbers::interval_of_level(low, high, self.decimals), "%")
        } else {
            numbers::with_unit(&numbers::interval_of_level(low, high, self.decimals), &self.unit)
        }
    }

    /// What axes and column heads say after the title: «%», «₽», nothing.
    pub fn axis_unit(&self) -> &str {
        if self.percent { "%" } else { &self.unit }
    }

    /// The title of an axis: «ARPPU, ₽».
    pub fn axis(&self, title: &str) -> String {
        match self.axis_unit() {
            "" => title.to_owned(),
            unit => format!("{title}, {unit}"),
        }
    }
}

fn is_money(unit: &str) -> bool {
    ["₽", "€", "$", "руб.", "р."].contains(&unit)
}

/// A number with four significant digits at most and no zeros that say nothing: «0,3247», «152», «−12,07».
pub fn compact(x: f64) -> String {
    without_zeros(&numbers::significant(x, 4))
}

/// Drops the zeros at the end of a decimal part: «+4,0 %» → «+4 %».
pub fn without_zeros(text: &str) -> String {
    let Some((whole, rest)) = text.split_once(',') else { return text.to_owned() };
    let digits = rest.chars().take_while(char::is_ascii_digit).collect::<String>();
    let tail = &rest[digits.len()..];
    let kept = digits.trim_end_matches('0');
    if kept.is_empty() { format!("{whole}{tail}") } else { format!("{whole},{kept}{tail}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_observed_has_no_decimals_of_its_mean() {
        let of = |unit: &str, decimals| Scale { percent: false, unit: unit.into(), decimals };
        assert_eq!(of("₽", 3).observed(1304.27).replace([numbers::THIN, numbers::NBSP], " "), "1 304,27 ₽");
        assert_eq!(of("", 2).observed(7.0), "7");
        assert_eq!(of("", 2).observed(7.5), "7,50");
        assert_eq!(of("₽", 2).observed(7.0).replace(numbers::NBSP, " "), "7,00 ₽");
    }

    #[test]
    fn zeros_that_say_nothing_are_dropped() {
        assert_eq!(without_zeros("+4,0 %"), "+4 %");
        assert_eq!(without_zeros("5,20 %"), "5,2 %");
        assert_eq!(without_zeros("1 300"), "1 300");
        assert_eq!(compact(152.0), "152");
        assert_eq!(compact(0.324_689), "0,3247");
    }
}
