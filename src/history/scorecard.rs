//! The scorecard: what became of the experiments, counted over what reports said and what people decided.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use super::{Decision, Outcome, Told};

/// One experiment with all that is remembered of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Experiment id.
    pub id: String,
    /// The data date of its first report.
    pub first: Date,
    /// What its last report said.
    pub told: Told,
    /// Decisions of people in order.
    pub decisions: Vec<Decision>,
}

impl Case {
    /// The decision that stands, if people have decided.
    pub fn standing(&self) -> Option<&Decision> {
        self.decisions.iter().rev().find(|decision| !decision.superseded)
    }

    /// Days from the first day to the end: that of a finished experiment, else the day it was decided. Without a first day in
    /// the config the first report stands for it. None where the days are in the wrong order.
    fn days(&self, decided: Date) -> Option<i64> {
        let start = self.told.start.unwrap_or(self.first);
        let end = self.told.end.filter(|_| self.told.status == "finished").unwrap_or(decided);
        let days = i64::from(start.until(end).ok()?.get_days()) + 1;
        (days > 0).then_some(days)
    }

    /// What the treatment that was rolled out is worth in a year; none when nobody said it or several could be meant.
    fn gain(&self) -> Option<(&str, f64)> {
        let meant = match (&self.told.winner, self.told.worth.as_slice()) {
            (_, [only]) => Some(only),
            (Some(winner), several) => several.iter().find(|worth| worth.treatment == *winner),
            (None, _) => None,
        };
        meant.map(|worth| (worth.currency.as_str(), worth.gain))
    }
}

/// What became of the experiments up to a day.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Scorecard {
    /// Experiments with a report.
    pub experiments: usize,
    /// Of them, those with a decision that stands.
    pub decided: usize,
    /// Decisions that stand, by outcome, every outcome named.
    pub outcomes: BTreeMap<&'static str, usize>,
    /// Undecided experiments whose last report advises to decide (`ship`, `keep`, `stop`).
    pub waiting: usize,
    /// Median days of the decided experiments.
    pub median_days: Option<f64>,
    /// Decisions that answered a recommendation.
    pub answered: usize,
    /// Of them, those that did what it advised.
    pub followed: usize,
    /// What the experiments that were rolled out are worth in a year as their last report had it, by currency.
    pub gain: BTreeMap<String, f64>,
    /// Experiments that were rolled out and whose worth nobody said.
    pub shipped_without_worth: usize,
    /// Experiments whose day to look at them again has come.
    pub due: Vec<String>,
}

impl Scorecard {
    /// Counts over experiments, on a day.
    pub fn of(cases: &[Case], on: Date) -> Scorecard {
        let mut card = Scorecard { experiments: cases.len(), ..Scorecard::default() };
        card.outcomes = Outcome::ALL.iter().map(|outcome| (outcome.name(), 0)).collect();
        let mut days = Vec::new();
        for case in cases {
            let Some(standing) = case.standing() else {
                card.waiting += usize::from(["ship", "keep", "stop"].contains(&case.told.action.as_str()));
                continue;
            };
            card.decided += 1;
            *card.outcomes.entry(standing.outcome.name()).or_default() += 1;
            days.extend(case.days(standing.on));
            if let Some(action) = &standing.recommended {
                card.answered += 1;
                card.followed += usize::from(standing.outcome.follows(action));
            }
            if standing.review_on.is_some_and(|day| day <= on) {
                card.due.push(case.id.clone());
            }
            if standing.outcome == Outcome::Ship {
                match case.gain() {
                    Some((currency, gain)) => *card.gain.entry(currency.to_owned()).or_default() += gain,
                    None => card.shipped_without_worth += 1,
                }
            }
        }
        days.sort_unstable();
        card.median_days = match days.as_slice() {
            [] => None,
            sorted => Some((sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) as f64 / 2.0),
        };
        card
    }

    /// How many decisions of an outcome stand.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.outcomes.get(outcome.name()).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Worth;
    use jiff::civil::date;

    fn case(id: &str, action: &str, end: i8, outcome: Option<Outcome>, gain: &[f64]) -> Case {
        let worth = |(gain, treatment): (&f64, &str)| Worth {
            treatment: treatment.into(),
            gain: *gain,
            currency: "₽".into(),
        };
        let told = Told {
            title: id.into(),
            hypothesis: None,
            owner: None,
            status: "finished".into(),
            start: Some(date(2026, 3, 1)),
            end: Some(date(2026, 3, end)),
            action: action.into(),
            label: String::new(),
            rule: String::new(),
            winner: (action == "ship").then(|| "C".into()),
            headline: String::new(),
            lead: String::new(),
            units: None,
            effects: Vec::new(),
            worth: gain.iter().zip(["B", "C"]).map(worth).collect(),
        };
        let decision = outcome.map(|outcome| Decision {
            seq: 1,
            outcome,
            by: "А".into(),
            reason: "Б".into(),
            on: date(2026, 4, 1),
            review_on: Some(date(2026, 5, 1)),
            superseded: false,
            recommended: Some(action.into()),
        });
        Case { id: id.into(), first: date(2026, 3, 2), told, decisions: decision.into_iter().collect() }
    }

    #[test]
    fn outcomes_days_money_and_answers_are_counted() {
        let mut corrected = case("d", "keep", 31, Some(Outcome::Rollback), &[]);
        let earlier =
            Decision { seq: 0, outcome: Outcome::Ship, superseded: true, ..corrected.decisions[0].clone() };
        corrected.decisions.insert(0, earlier);
        let cases = [
            case("a", "ship", 10, Some(Outcome::Ship), &[1.0, 20.0]),
            case("b", "keep", 14, Some(Outcome::Ship), &[-5.0]),
            case("c", "continue", 20, None, &[]),
            corrected,
            case("e", "stop", 5, None, &[]),
            case("f", "ship", 11, Some(Outcome::Ship), &[]),
        ];
        let card = Scorecard::of(&cases, date(2026, 5, 1));
        assert_eq!((card.experiments, card.decided, card.waiting), (6, 4, 1));
        assert_eq!((card.count(Outcome::Ship), card.count(Outcome::Rollback)), (3, 1));
        // 10, 11, 14 and 31 days.
        assert_eq!(card.median_days, Some(12.5));
        assert_eq!((card.answered, card.followed), (4, 3));
        // Of the first the winner C, of the second the only treatment.
        assert_eq!(card.gain, BTreeMap::from([("₽".to_owned(), 15.0)]));
        assert_eq!(card.shipped_without_worth, 1);
        assert_eq!(card.due, ["a", "b", "d", "f"]);
        assert_eq!(Scorecard::of(&cases, date(2026, 4, 30)).due, Vec::<String>::new());
        assert_eq!(Scorecard::of(&[], date(2026, 5, 1)).median_days, None);
    }
}
