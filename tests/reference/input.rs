//! Typed access to the input of a reference case.

use std::error::Error;

use itog::stats::{Alternative, Level, Moments};
use serde_json::Value;

/// What a function of the table returns: the output of the case, or why there is none.
pub type Answer = Result<Value, Box<dyn Error>>;

/// The `in` object of a case.
pub struct Input<'a>(pub &'a Value);

impl Input<'_> {
    fn field(&self, key: &str) -> Result<&Value, Box<dyn Error>> {
        self.0.get(key).ok_or_else(|| format!("the input has no `{key}`").into())
    }

    /// A number.
    pub fn number(&self, key: &str) -> Result<f64, Box<dyn Error>> {
        number(self.field(key)?)
    }

    /// A number, or `default` when the case does not give it.
    pub fn number_or(&self, key: &str, default: f64) -> Result<f64, Box<dyn Error>> {
        self.0.get(key).map_or(Ok(default), number)
    }

    /// A whole number that is not negative.
    pub fn count(&self, key: &str) -> Result<u64, Box<dyn Error>> {
        count(self.field(key)?)
    }

    /// A text.
    pub fn text(&self, key: &str) -> Result<&str, Box<dyn Error>> {
        self.field(key)?.as_str().ok_or_else(|| format!("`{key}` is not a text").into())
    }

    /// A list of numbers.
    pub fn numbers(&self, key: &str) -> Result<Vec<f64>, Box<dyn Error>> {
        list(self.field(key)?)?.iter().map(number).collect()
    }

    /// A list of whole numbers.
    pub fn counts(&self, key: &str) -> Result<Vec<u64>, Box<dyn Error>> {
        list(self.field(key)?)?.iter().map(count).collect()
    }

    /// A list of lists of numbers.
    pub fn groups(&self, key: &str) -> Result<Vec<Vec<f64>>, Box<dyn Error>> {
        list(self.field(key)?)?.iter().map(|group| list(group)?.iter().map(number).collect()).collect()
    }

    /// A list of lists of whole numbers.
    pub fn table(&self, key: &str) -> Result<Vec<Vec<u64>>, Box<dyn Error>> {
        list(self.field(key)?)?.iter().map(|row| list(row)?.iter().map(count).collect()).collect()
    }

    /// The moments of a list of numbers.
    pub fn moments(&self, key: &str) -> Result<Moments, Box<dyn Error>> {
        Ok(Moments::from_slice(&self.numbers(key)?))
    }

    /// The moments of each group.
    pub fn group_moments(&self, key: &str) -> Result<Vec<Moments>, Box<dyn Error>> {
        Ok(self.groups(key)?.iter().map(|group| Moments::from_slice(group)).collect())
    }

    /// The moments of a sample that is given by mean, deviation and size: `mean1`, `sd1`, `n1` for the suffix `1`.
    pub fn summary(&self, suffix: &str) -> Result<Moments, Box<dyn Error>> {
        let (mean, sd) = (self.number(&format!("mean{suffix}"))?, self.number(&format!("sd{suffix}"))?);
        let moments = Moments::from_summary(mean, sd, self.count(&format!("n{suffix}"))?);
        moments.ok_or_else(|| "the summary is not one of a sample".into())
    }

    /// The alternative, by its name in scipy or in statsmodels; two-sided when the case does not give it.
    pub fn alternative(&self) -> Result<Alternative, Box<dyn Error>> {
        match self.0.get("alternative").map_or(Some("two-sided"), Value::as_str) {
            Some("two-sided") => Ok(Alternative::TwoSided),
            Some("less" | "smaller") => Ok(Alternative::Less),
            Some("greater" | "larger") => Ok(Alternative::Greater),
            other => Err(format!("the alternative {other:?} is not known").into()),
        }
    }

    /// The confidence level; 0.95 when the case does not give it.
    pub fn level(&self) -> Result<Level, Box<dyn Error>> {
        Level::new(self.number_or("confidence", 0.95)?).ok_or_else(|| "the confidence is not a level".into())
    }
}

fn list(value: &Value) -> Result<&Vec<Value>, Box<dyn Error>> {
    value.as_array().ok_or_else(|| format!("{value} is not a list").into())
}

/// A number; `null` stands for one that is not a number, as JSON has none.
fn number(value: &Value) -> Result<f64, Box<dyn Error>> {
    if value.is_null() {
        return Ok(f64::NAN);
    }
    value.as_f64().ok_or_else(|| format!("{value} is not a number").into())
}

fn count(value: &Value) -> Result<u64, Box<dyn Error>> {
    let number = number(value)?;
    if number.is_nan() || number < 0.0 || number.fract() != 0.0 {
        return Err(format!("{value} is not a count").into());
    }
    Ok(value.as_u64().unwrap_or(number as u64))
}
