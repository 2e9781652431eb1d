//! Lengths of time as people write them: `90s`, `10m`, `1h 30m`.

use std::time::Duration;

use jiff::SignedDuration;

/// Reads a length of time in jiff's friendly format or as ISO 8601; nothing unless it is longer than zero.
pub fn duration(text: &str) -> Option<Duration> {
    let parsed: SignedDuration = text.trim().parse().ok()?;
    Duration::try_from(parsed).ok().filter(|length| !length.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_read_and_nothing_else() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("1h 30m", 5400), ("2 hours", 7200), ("PT1M", 60)]
        {
            assert_eq!(duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(duration("250ms"), Some(Duration::from_millis(250)));
        for text in ["", "10", "0s", "-5m", "soon", "1 year"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
