//! Nights that add to the sums of the nights before: they agree with reading everything, read no settled file again, and what
//! changed behind them is found.

#![allow(clippy::disallowed_methods, reason = "tests read and write files")]

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::Value;

const NIGHTS: i8 = 12;
/// A day with so many rows that its file is longer than what a night looks at to know it again.
const LARGE: i8 = 3;

fn day(day: i8) -> String {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(day as u64);
    let mut text = String::from("day,group,platform,spend,visits\n");
    for row in 0..if day == LARGE { 110_000 } else { 400 } {
        let treated: bool = rng.random();
        let spend = 10.0 * rng.random::<f64>() + f64::from(u8::from(treated));
        let (group, platform) = (if treated { "B" } else { "A" }, if row % 3 == 0 { "ios" } else { "web" });
        let _ = writeln!(text, "2026-03-{day:02},{group},{platform},{spend:.4},{}", row % 7);
    }
    text
}

const CONFIG: &str = r#"
[experiment]
id = "daily"
title = "По дням"
status = "running"
start = 2026-03-01
end = 2026-03-31
[design]
control = "A"
[data]
path = "day-*.csv"
group = "group"
time = "day"
incremental = true
[data.columns.spend]
min = 0
[[metric]]
id = "spend"
title = "Траты"
value = "spend"
role = "primary"
test = "welch"
[[metric]]
id = "visited"
title = "Доля с визитом"
kind = "proportion"
value = "visits > 0"
[[metric]]
id = "per-visit"
title = "Траты на визит"
kind = "ratio"
value = "spend"
denominator = "visits"
[[segment]]
id = "platform"
title = "Платформа"
by = "platform"
"#;

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        std::fs::write(place.0.path().join("x.toml"), CONFIG).unwrap();
        place
    }

    fn file(&self, day: i8) -> std::path::PathBuf {
        self.0.path().join(format!("day-{day:02}.csv"))
    }

    /// The results of a night, made in the output folder of that name.
    fn night(&self, out: &str, date: i8, more: &[&str]) -> Value {
        let out = self.0.path().join(out);
        let made = Command::new(env!("CARGO_BIN_EXE_itog"))
            .args(["run", "x.toml", "--quiet", "--date", &format!("2026-03-{date:02}")])
            .args(more)
            .arg("--out")
            .arg(&out)
            .current_dir(self.0.path())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        results(&out, date)
    }

    /// Every night as it came.
    fn nights(&self, out: &str, until: i8) -> Value {
        let mut last = Value::Null;
        for night in 1..=until {
            std::fs::write(self.file(night), day(night)).unwrap();
            last = self.night(out, night, &[]);
        }
        last
    }
}

fn results(out: &Path, date: i8) -> Value {
    let path = out.join(format!("2026-03-{date:02}/daily/results.json"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

const OF_ROWS: [&str; 4] = ["data", "metrics", "segments", "decision"];

/// The first place where what the rows decide differs by more than rounding does; numbers of `rounding` are the same, too, when
/// they are near each other.
fn differs(at: &str, a: &Value, b: &Value, rounding: bool) -> Option<String> {
    match (a, b) {
        (Value::Object(one), Value::Object(other)) if one.len() == other.len() => {
            one.iter().find_map(|(key, a)| differs(&format!("{at}/{key}"), a, &other[key], rounding))
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let mut pairs = one.iter().zip(other).enumerate();
            pairs.find_map(|(index, (a, b))| differs(&format!("{at}/{index}"), a, b, rounding))
        }
        (Value::Number(one), Value::Number(other)) if rounding => {
            let (a, b) = (one.as_f64().unwrap(), other.as_f64().unwrap());
            ((a - b).abs() > 1e-9 * a.abs().max(b.abs()).max(1e-3)).then(|| format!("{at}: {a} {b}"))
        }
        (a, b) => (a != b).then(|| format!("{at}: {a} {b}")),
    }
}

fn gates(results: &Value) -> Vec<&str> {
    let gates = results["data"]["gates"].as_array().unwrap();
    gates.iter().map(|gate| gate["code"].as_str().unwrap()).collect()
}

#[test]
fn nights_that_add_agree_with_reading_everything() {
    let place = Place::new();
    let kept = place.nights("kept", NIGHTS);
    assert_eq!(kept["data"]["rows"], 110_000 + 400 * 11);
    assert_eq!(kept["metrics"].as_array().unwrap().len(), 3);
    // Nothing was kept in one folder, and everything is asked for in the other.
    let fresh = place.night("fresh", NIGHTS, &[]);
    let full = place.night("kept", NIGHTS, &["--full"]);
    assert_eq!(gates(&full), Vec::<&str>::new());
    for key in OF_ROWS {
        assert_eq!(differs(key, &kept[key], &fresh[key], false), None);
        assert_eq!(differs(key, &kept[key], &full[key], false), None);
    }
    // Rows read as rows give the same answers, those of the nights before included.
    let rows = place.night("rows", NIGHTS, &["--set", "data.incremental=false"]);
    for metric in 0..3 {
        for key in ["effect", "monitoring", "statistic", "p_adjusted"] {
            let of = |results: &Value| results["metrics"][metric]["comparisons"][0][key].clone();
            assert_eq!(differs(key, &of(&kept), &of(&rows), true), None);
        }
    }
}

#[test]
fn a_settled_file_is_not_read_again_and_what_changed_in_it_is_found_by_reading_everything() {
    let place = Place::new();
    place.nights("kept", 8);
    // The middle of the long file is another one, of the same length: spending of 1 where there was some of 5.
    let file = place.file(LARGE);
    let mut text = std::fs::read(&file).unwrap();
    let middle = text.len() / 2;
    assert!(middle > 1 << 20);
    let at = (middle..).find(|at| text[*at..].starts_with(b",web,5.")).unwrap();
    text[at + 5] = b'1';
    std::fs::write(&file, text).unwrap();
    std::fs::write(place.file(9), day(9)).unwrap();
    let sum = |results: &Value| {
        let group = &results["metrics"][0]["groups"];
        (0..2).map(|g| group[g]["mean"].as_f64().unwrap() * group[g]["n"].as_f64().unwrap()).sum::<f64>()
    };
    let kept = place.night("kept", 9, &[]);
    assert_eq!(gates(&kept), Vec::<&str>::new());
    let full = place.night("kept", 9, &["--full"]);
    assert_eq!(gates(&full), ["past-changed"]);
    assert!((sum(&kept) - sum(&full) - 4.0).abs() < 1e-6, "{} {}", sum(&kept), sum(&full));
    let page = place.0.path().join("kept/2026-03-09/daily/report.html");
    assert!(std::fs::read_to_string(page).unwrap().contains("строки изменились после того"));
}

#[test]
fn a_settled_file_that_is_gone_makes_the_night_read_everything() {
    let place = Place::new();
    place.nights("kept", 5);
    std::fs::remove_file(place.file(2)).unwrap();
    std::fs::write(place.file(6), day(6)).unwrap();
    let kept = place.night("kept", 6, &[]);
    assert_eq!(kept["data"]["rows"], 110_000 + 400 * 4);
    assert_eq!(gates(&kept), ["missing-days", "past-changed"]);
}

#[test]
fn an_archived_night_is_made_again_from_its_sums() {
    let place = Place::new();
    place.nights("kept", 5);
    (1..=5).for_each(|day| std::fs::remove_file(place.file(day)).unwrap());
    let made = Command::new(env!("CARGO_BIN_EXE_itog"))
        .args(["archive", "replay", "--out", "kept"])
        .current_dir(place.0.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&made.stdout);
    assert!(made.status.success(), "{said}{}", String::from_utf8_lossy(&made.stderr));
    assert_eq!(said.matches("equal").count(), 5, "{said}");
}

#[test]
fn what_cannot_be_added_up_by_days_is_refused() {
    let place = Place::new();
    std::fs::write(place.file(1), day(1)).unwrap();
    for (change, code) in [
        ("data.unit=\"platform\"", "config::incremental"),
        ("data.late_days=0", "config::out-of-range"),
        ("metric.spend.test=\"mann-whitney\"", "data::incremental"),
    ] {
        let made = Command::new(env!("CARGO_BIN_EXE_itog"))
            .args(["run", "x.toml", "--quiet", "--date", "2026-03-01", "--out", "refused", "--set", change])
            .current_dir(place.0.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&made.stderr);
        assert_eq!(made.status.code(), Some(2), "{change}: {said}");
        assert!(said.contains(code), "{change}: {said}");
        assert!(!place.0.path().join("refused").exists());
    }
}
