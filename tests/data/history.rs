//! The dataset of an earlier day is that of files without the later rows.

use itog::config::valid::{Facts, Identity, Segment};
use jiff::civil::{Date, date};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::counts::{orders, written};
use super::*;

const START: Date = date(2026, 3, 3);

struct Dice(Xoshiro256PlusPlus);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0.next_u64() % end
    }

    /// A day of two weeks in March, rarely none.
    fn day(&mut self) -> Option<i8> {
        (self.below(40) > 0).then(|| 1 + self.below(14) as i8)
    }
}

/// A row with the day it is from; none: it has no time.
type Row = (Option<i8>, String);

fn stamp(day: Option<i8>, clock: Option<u64>) -> String {
    match (day, clock) {
        (None, _) => String::new(),
        (Some(day), None) => format!("2026-03-{day:02}"),
        (Some(day), Some(minutes)) => format!("2026-03-{day:02} {:02}:{:02}", minutes / 60, minutes % 60),
    }
}

/// A table of the rows up to a day.
fn cut(folder: &tempfile::TempDir, name: &str, header: &str, rows: &[Row], day: i8) -> PathBuf {
    let rows = rows.iter().filter(|(of, _)| of.is_none_or(|of| of <= day));
    let text: String = rows.map(|(_, row)| format!("{row}\n")).collect();
    written(folder, name, &format!("{header}\n{text}"))
}

/// Everything that a dataset says but how its files were read.
fn told(data: &Dataset, questions: &[(Rows, bool)], by: Option<&str>) -> String {
    let facts: Vec<_> = data
        .facts
        .iter()
        .map(|facts| {
            (facts.reading.rows, facts.rows_used, facts.units_with_rows, &facts.left_out, facts.time)
        })
        .collect();
    let identity = data.identity.as_ref().map(|identity| {
        (identity.devices_seen, identity.users_seen, identity.users_mixed, identity.devices_mixed)
    });
    let answers: Vec<_> = questions.iter().map(|(rows, binary)| gathered(data, rows, *binary)).collect();
    format!(
        "{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{facts:?}\n{identity:?}\n{answers:?}\n{:?}\n{:?}",
        (data.reading.rows, &data.groups, data.rows_missing_group, data.contamination),
        data.gates,
        (data.time, data.lag_days),
        data.daily,
        data.unit_day(),
        by.map(|by| data.segment_sizes(by)),
        data.successes("signups", None),
    )
}

/// An experiment whose two tables are written anew for every day.
struct Story {
    source: DataSource,
    exposures: (&'static str, Vec<Row>),
    orders: (&'static str, Vec<Row>),
    questions: Vec<(Rows, bool)>,
    /// Metrics beside those of the questions.
    also: Vec<Metric>,
    by: Option<&'static str>,
}

impl Story {
    fn on(&self, folder: &tempfile::TempDir, rows_until: i8, day: Date) -> Dataset {
        let mut source = self.source.clone();
        let (header, rows) = &self.exposures;
        source.files.paths = vec![cut(folder, "exposures.csv", header, rows, rows_until)];
        let (header, rows) = &self.orders;
        for facts in &mut source.facts {
            facts.files.paths = vec![cut(folder, "orders.csv", header, rows, rows_until)];
        }
        let of_questions = self.questions.iter().map(|(rows, _)| metric_of(rows.clone()));
        let metrics: Vec<Metric> = of_questions.chain(self.also.iter().cloned()).collect();
        let segment = |by: &str| Segment { id: "s".to_string(), title: "s".to_string(), by: by.to_string() };
        let segments: Vec<Segment> = self.by.map(segment).into_iter().collect();
        itog::data::open(&source, &metrics, &design(Some("A")), &segments, Some(START), day).unwrap().value
    }

    /// Compares every day until the date of the data with the files of that day; the number of days with an analysis.
    fn compare(&self, last: i8) -> usize {
        let folder = tempfile::tempdir().unwrap();
        let data = self.on(&folder, 14, date(2026, 3, last));
        assert!(data.as_of(date(2026, 3, last + 1)).is_none());
        let mut analysed = 0;
        for day in 1..=last {
            let then = date(2026, 3, day);
            let (found, expected) = (data.as_of(then).unwrap(), self.on(&folder, day, then));
            let of_found = told(&found, &self.questions, self.by);
            assert_eq!(of_found, told(&expected, &self.questions, self.by), "day {day} of {last}");
            // An earlier day is the same, whichever later day it is asked of.
            if let Some(start) = found.as_of(START) {
                let of_last = data.as_of(START).unwrap();
                assert_eq!(told(&start, &[], self.by), told(&of_last, &[], self.by));
            }
            analysed += usize::from(!expected.is_refused());
        }
        let before = date(2026, 2, 28);
        let (found, expected) = (data.as_of(before).unwrap(), self.on(&folder, 0, before));
        assert_eq!(told(&found, &[], None), told(&expected, &[], None));
        analysed
    }
}

fn table(name: &str, group: Option<&str>) -> Facts {
    super::counts::facts(PathBuf::from(name), "device", Some("time"), group)
}

/// Units with several rows, orders that may name a group, devices of users.
fn of_units(dice: &mut Dice, folder: &tempfile::TempDir) -> Story {
    let by_clock = dice.below(2) == 0;
    let clock = |dice: &mut Dice| by_clock.then(|| dice.below(1440));
    let group = |dice: &mut Dice, device: u64| match dice.below(60) {
        0 => "A",
        1 => "B",
        2 => "",
        _ => ["A", "B"][(device / 3 % 2) as usize],
    };
    let exposures = (0..250).map(|_| {
        let (device, day) = (dice.below(120), dice.day());
        let age = ["", "17", "30", "45", "99"][dice.below(5) as usize];
        let platform = ["", "web", "ios"][dice.below(3) as usize];
        (day, format!("d{device},{},{},{platform},{age}", group(dice, device), stamp(day, clock(dice))))
    });
    let exposures = exposures.collect();
    let by_group = dice.below(2) == 0;
    let orders_rows = (0..250).map(|_| {
        let (device, day) = (dice.below(140), dice.day());
        let named = if dice.below(3) == 0 { group(dice, device) } else { "" };
        let revenue = ["", "1.5", "20", "-3"][dice.below(4) as usize];
        (day, format!("d{device},{named},{},{revenue}", stamp(day, clock(dice))))
    });
    let orders_rows = orders_rows.collect();
    let devices: String = (0..100).map(|_| format!("d{},u{}\n", dice.below(140), dice.below(60))).collect();
    let devices = written(folder, "devices.csv", &format!("device,user\n{devices}"));
    let mut source = source(PathBuf::from("exposures.csv"), "group");
    (source.unit, source.time) = (Some("device".to_string()), Some("time".to_string()));
    source.files.columns = vec![rule("age", Some(18.0), None, false, OnBroken::Exclude)];
    // Rows without a group are told and left out.
    source.files.malformed = OnBroken::Report;
    (source.warn_after, source.error_after) = (Some(0), Some(2));
    source.facts = vec![table("orders.csv", by_group.then_some("group"))];
    source.facts[0].files.columns = vec![rule("revenue", Some(0.0), None, false, OnBroken::Report)];
    if dice.below(3) > 0 {
        let (device, user) = ("device".to_string(), "user".to_string());
        source.identity = Some(Identity { files: files(devices), device, user });
    }
    let mut before = orders("revenue", Aggregate::Sum, Population::Exposed);
    before.adjustment.pre_period = true;
    let mut adjusted = rows("age", None);
    adjusted.adjustment.covariates = vec!["age + 1".to_string()];
    adjusted.adjustment.strata = Some("platform".to_string());
    let questions = vec![
        (orders("revenue", Aggregate::Mean, Population::Matching), false),
        (orders("revenue > 2", Aggregate::Any, Population::Exposed), true),
        (orders("revenue", Aggregate::Rows, Population::Matching), false),
        (before, false),
        (adjusted, false),
    ];
    Story {
        source,
        exposures: ("device,group,time,platform,age", exposures),
        orders: ("device,group,time,revenue", orders_rows),
        questions,
        also: Vec::new(),
        by: Some("platform"),
    }
}

#[test]
fn an_earlier_day_is_what_the_files_of_that_day_say() {
    let mut analysed = 0;
    for seed in 0..8 {
        let folder = tempfile::tempdir().unwrap();
        let mut dice = Dice(Xoshiro256PlusPlus::seed_from_u64(seed));
        let last = 9 + dice.below(5) as i8;
        analysed += of_units(&mut dice, &folder).compare(last);
    }
    assert!(analysed > 60, "{analysed}");
}

#[test]
fn an_earlier_day_of_counts_and_of_rows_is_that_of_its_files() {
    let mut analysed = 0;
    for seed in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let mut dice = Dice(Xoshiro256PlusPlus::seed_from_u64(seed));
        let mut story = of_units(&mut dice, &folder);
        let counts =
            (1..=14).flat_map(|day| ["A", "B"].map(|group| (day, group))).filter(|(day, _)| *day != 7);
        let counts = counts.map(|(day, group)| {
            let (visitors, signups) = (40 + dice.below(40), dice.below(40));
            (Some(day), format!("{group},{},{visitors},{signups}", stamp(Some(day), None)))
        });
        story.exposures = ("group,time,visitors,signups", counts.collect());
        (story.source.unit, story.source.identity) = (None, None);
        story.source.count = Some("visitors".to_string());
        story.source.files.columns = Vec::new();
        story.source.facts[0].group = Some("group".to_string());
        story.questions.truncate(3);
        story.also = vec![Metric { kind: MetricKind::Proportion, ..metric("signups", None) }];
        story.by = None;
        analysed += story.compare(13);

        // Rows that are units have no facts; the orders are rows of their own.
        let mut story = of_units(&mut dice, &folder);
        (story.source.unit, story.source.identity) = (None, None);
        story.source.facts.clear();
        story.questions.drain(..4);
        analysed += story.compare(13);
    }
    assert!(analysed > 80, "{analysed}");
}

#[test]
fn what_has_no_time_has_no_history() {
    let folder = tempfile::tempdir().unwrap();
    let exposures = written(&folder, "e.csv", "device,group,time\n1,A,2026-03-01\n2,B,2026-03-02\n");
    let mut source = source(exposures, "group");
    source.unit = Some("device".to_string());
    let first = date(2026, 3, 1);
    let has_history =
        |source: &DataSource, metrics: &[Metric]| opened(source, metrics).as_of(first).is_some();
    assert!(!has_history(&source, &[]));
    source.time = Some("time".to_string());
    assert!(has_history(&source, &[]));
    source.facts = vec![table("", None)];
    source.facts[0].files = files(written(&folder, "o.csv", "device,group,revenue\n1,A,5\n"));
    source.facts[0].time = None;
    let revenue = [metric_of(orders("revenue", Aggregate::Sum, Population::Exposed))];
    // Facts that nothing depends on may be as old as they like.
    assert!(has_history(&source, &[]) && !has_history(&source, &revenue));
    source.facts[0].group = Some("group".to_string());
    assert!(!has_history(&source, &[]));
}
