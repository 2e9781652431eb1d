//! Properties of all charts over many inputs: the same input is the same drawing, nothing leaves the picture, and no
//! two texts touch.

use proptest::collection::vec;
use proptest::prelude::*;

use super::curves::{Curve, Level, Marked};
use super::distribution::{Distribution, Sample, distribution};
use super::duration::{Duration, duration};
use super::ecdf::{Ecdf, ecdf};
use super::forest::{Forest, Row, forest};
use super::labels::{outside, overlaps, text_box};
use super::monitoring::{Look, Monitoring, monitoring};
use super::power::{Power, power};
use super::pvalues::{Pvalues, pvalues};
use super::qq::{Qq, qq};
use super::rates::{Rate, Rates, rates};
use super::replicates::{Replicates, replicates};
use super::steps::{Bar, Step, Steps, steps};
use super::style::{Axis, WIDTH};
use crate::drawing::{Drawing, Mark};

const NAMES: [&str; 8] = [
    "A",
    "Вариант с очень длинным названием, которое никуда не помещается",
    "B",
    "Контекстная реклама",
    "неразрывноедлинноеслововименигруппыбезпробелов",
    "Пуш",
    "",
    "Контроль",
];

/// Values of every kind a data set may hold, in one or several magnitudes.
fn values() -> impl Strategy<Value = Vec<f64>> {
    let one = prop_oneof![
        8 => -50.0..2000.0f64,
        2 => Just(0.0),
        1 => 1e-12..1e-9f64,
        1 => 1e9..1e13f64,
        1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::MAX), Just(f64::MIN), Just(1e-310)],
    ];
    prop_oneof![
        6 => vec(one, 0..60),
        2 => vec(0.0..30.0f64, 1..200),
        1 => (1e-3..1e6f64, 1..40usize).prop_map(|(v, n)| vec![v; n]),
        1 => (1..30usize).prop_map(|n| vec![0.0; n]),
    ]
}

fn groups() -> impl Strategy<Value = Vec<Vec<f64>>> {
    vec(values(), 0..9)
}

/// One number, mostly ordinary.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![12 => -2.0..2.0f64, 2 => -1e4..1e4f64, 1 => Just(f64::NAN), 1 => Just(f64::NEG_INFINITY)]
}

/// All digits: the longest labels a caller could make.
fn digits(v: f64) -> String {
    v.to_string()
}

/// Short labels.
fn short(v: f64) -> String {
    if v.abs() < 1e6 { format!("{v:.2}") } else { format!("{v:.1e}") }
}

fn axis(long: bool, log: bool) -> Axis<'static> {
    let format: &'static dyn Fn(f64) -> String = if long { &digits } else { &short };
    Axis {
        title: if long {
            "Выручка на одного пользователя за время теста, ₽"
        } else {
            ""
        },
        format,
        log,
    }
}

fn samples(groups: &[Vec<f64>]) -> Vec<Sample<'_>> {
    let mut samples = Vec::new();
    for (i, values) in groups.iter().enumerate() {
        samples.push(Sample { name: NAMES[i % 8], note: "n = 256\nсреднее 18,70", values });
    }
    samples
}

/// What every picture must hold.
fn check(draw: impl Fn() -> Drawing) -> Result<(), TestCaseError> {
    let drawing = draw();
    prop_assert_eq!(drawing.width, WIDTH);
    prop_assert!(drawing.height > 40.0 && drawing.height.is_finite());
    let beyond = outside(&drawing);
    prop_assert!(beyond.is_empty(), "outside {}: {:?}", drawing.height, beyond);
    let touching = overlaps(&drawing);
    prop_assert!(touching.is_empty(), "touching: {:?}", touching);
    prop_assert_eq!(&drawing, &draw());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn distributions(groups in groups(), long: bool, log: bool) {
        let groups = samples(&groups);
        let key = ["половина значений", "медиана", "среднее"];
        check(|| distribution(&Distribution { groups: &groups, axis: axis(long, log), extreme: &short, key }))?;
    }

    #[test]
    fn funnels(shares in vec(vec(number(), 0..5), 0..9), long: bool) {
        let drawn: Vec<Step> = shares
            .iter()
            .enumerate()
            .map(|(at, shares)| Step {
                name: NAMES[at % 8],
                bars: shares
                    .iter()
                    .enumerate()
                    .map(|(group, share)| Bar { name: NAMES[(at + group) % 8], share: *share, text: "80,34 %" })
                    .collect(),
            })
            .collect();
        check(|| steps(&Steps { steps: &drawn, axis: axis(long, false) }))?;
    }

    #[test]
    fn distribution_functions(groups in groups(), long: bool, log: bool) {
        let groups = samples(&groups);
        check(|| ecdf(&Ecdf { groups: &groups, value: axis(long, log), share: axis(false, false) }))?;
    }

    #[test]
    fn quantile_plots(groups in groups(), long: bool) {
        let groups = samples(&groups);
        check(|| qq(&Qq { groups: &groups, normal: axis(long, false), value: axis(long, false) }))?;
    }

    #[test]
    fn forests(rows in vec((number(), number(), number()), 0..40), long: bool, margin in number()) {
        let rows: Vec<Row> = rows
            .iter()
            .enumerate()
            .map(|(i, (estimate, low, high))| Row {
                label: NAMES[i % 8],
                note: if long { "защитный показатель" } else { "" },
                estimate: *estimate,
                low: estimate - low.abs(),
                high: estimate + high.abs(),
                rgb: 0x0b4f8a,
                text: "−33,9 % (от −92,9 до +25,2)",
            })
            .collect();
        let directions = ("← хуже", "лучше →");
        let margins = [(margin, "допуск −10 %"), (-margin, "план")];
        check(|| forest(&Forest { rows: &rows, axis: axis(long, false), directions, margins: &margins, text_title: "эффект" }))?;
        // However far to one side the effects lie, both sides are named.
        let drawing = forest(&Forest { rows: &rows, axis: axis(long, false), directions, margins: &[], text_title: "" });
        for word in [directions.0, directions.1] {
            prop_assert!(drawing.marks.iter().any(|m| matches!(m, Mark::Text { text, .. } if text == word)), "no {}", word);
        }
    }

    #[test]
    fn group_values(rows in vec((number(), number()), 0..12), long: bool) {
        let groups: Vec<Rate> = rows
            .iter()
            .enumerate()
            .map(|(i, (estimate, half))| Rate {
                name: NAMES[i % 8],
                note: "25 000 из 40 000",
                estimate: *estimate,
                low: estimate - half.abs(),
                high: estimate + half.abs(),
                text: "62,50 %",
            })
            .collect();
        check(|| rates(&Rates { groups: &groups, axis: axis(long, false), text_title: "", baseline: long }))?;
    }

    #[test]
    fn bootstraps(values in values(), observed in number(), ends in (number(), number()), long: bool) {
        let interval = Some((ends.0.min(ends.1), ends.0.max(ends.1), "интервал 95 %: от −18,9 до +2,3 ₽"));
        let plot = Replicates {
            values: &values,
            observed: (observed, "в данных −6,34 ₽"),
            interval,
            zero: "нет разницы",
            effect: axis(long, false),
            share: axis(false, false),
        };
        check(|| replicates(&plot))?;
    }

    #[test]
    fn named_curves(points in vec(vec((0.0..1.0f64, number()), 0..40), 0..9), marks in vec((0.0..1.0f64, number()), 0..5), long: bool) {
        let sorted: Vec<Vec<(f64, f64)>> = points
            .into_iter()
            .map(|mut run| {
                run.sort_by(|a, b| a.0.total_cmp(&b.0));
                run
            })
            .collect();
        let curves: Vec<Curve> = sorted.iter().zip(NAMES).map(|(points, name)| Curve { name, points }).collect();
        let marked: Vec<Marked> = marks.iter().enumerate().map(|(i, at)| Marked { at: *at, curve: i, text: "план: 592 дня" }).collect();
        let levels = [Level { value: 0.4, text: "месяц" }, Level { value: 0.5, text: "квартал" }, Level { value: f64::NAN, text: "год" }];
        let plot = Duration { curves: &curves, marked: &marked, levels: &levels, effect: axis(long, false), days: axis(false, long) };
        check(|| duration(&plot))?;
        let plot = Power { curves: &curves, marked: &marked, levels: &levels, effect: axis(long, false), power: axis(false, false) };
        check(|| power(&plot))?;
    }

    #[test]
    fn aa_tests(values in vec(number(), 0..300), long: bool) {
        let expected = "ожидается по 5 % в каждом столбце";
        check(|| pvalues(&Pvalues { values: &values, alpha: 0.05, expected, p: axis(long, false), share: axis(false, false) }))?;
    }

    #[test]
    fn nights(looks in vec((number(), number(), number()), 0..60), long: bool) {
        let look = |(i, (estimate, low, high)): (usize, &(f64, f64, f64))| Look {
            day: i as f64,
            estimate: *estimate,
            low: estimate - low.abs(),
            high: estimate + high.abs(),
        };
        let looks: Vec<Look> = looks.iter().enumerate().map(look).collect();
        let boundary: Vec<(f64, f64)> = looks.iter().map(|look| (look.day, 40.0 / (look.day + 1.0))).collect();
        let boundary = if long { &boundary[..] } else { &[] };
        let plot = Monitoring { looks: &looks, last: "сегодня: −6,34 ₽", zero: "нет разницы", boundary, boundary_word: "граница решения", day: axis(long, false), effect: axis(false, false) };
        check(|| monitoring(&plot))?;
    }
}

#[test]
fn a_huge_purchase_is_labelled_and_a_group_is_named_in_readable_colour() {
    let (a, b) = ([1.99, 4.99, 9.99, 1303.609284], [1.99, 2.5, 4.99, 113.83]);
    let groups = [Sample { name: "A", note: "", values: &a }, Sample { name: "B", note: "", values: &b }];
    let extreme = |v: f64| format!("{v:.2}").replace('.', ",");
    let plot =
        Distribution { groups: &groups, axis: axis(false, true), extreme: &extreme, key: ["", "", ""] };
    let drawing = distribution(&plot);
    let text = |wanted: &str| {
        let found = drawing.marks.iter().find(|m| matches!(m, Mark::Text { text, .. } if text == wanted));
        found.unwrap_or_else(|| panic!("no {wanted}")).clone()
    };
    let Mark::Text { fill, .. } = text("B") else { unreachable!() };
    assert_eq!(fill.rgb, super::style::readable(crate::theme::color::group(1)));
    assert!(text_box(&text("1303,61")).unwrap().right > text_box(&text("113,83")).unwrap().right);
}

#[test]
fn an_interval_beyond_the_others_ends_in_an_arrow() {
    let row = |half: f64| Row {
        label: "ARPU",
        note: "",
        estimate: 0.1,
        low: 0.1 - half,
        high: 0.1 + half,
        rgb: 0,
        text: "",
    };
    let arrows = |rows: &[Row]| {
        let plot =
            Forest { rows, axis: axis(false, false), directions: ("", ""), margins: &[], text_title: "" };
        forest(&plot).marks.iter().filter(|m| matches!(m, Mark::Polygon { .. })).count()
    };
    assert_eq!(arrows(&[row(0.2), row(0.3), row(0.4)]), 0);
    assert_eq!(arrows(&[row(0.2), row(0.3), row(40.0)]), 2);
    assert_eq!(arrows(&[row(0.2), row(0.3), row(f64::INFINITY)]), 2);
}

#[test]
fn dots_are_filled_only_when_the_interval_excludes_zero() {
    let row =
        |low: f64| Row { label: "ARPU", note: "", estimate: 0.1, low, high: 0.3, rgb: 0x0b4f8a, text: "" };
    let dots = |low: f64| {
        let plot = Forest {
            rows: &[row(low)],
            axis: axis(false, false),
            directions: ("", ""),
            margins: &[],
            text_title: "",
        };
        forest(&plot).marks.iter().filter(|m| matches!(m, Mark::Circle { .. })).count()
    };
    assert_eq!((dots(0.05), dots(-0.05)), (2, 3));
}

#[test]
fn a_million_values_stay_a_light_picture() {
    let values: Vec<f64> = (0..1_000_000).map(|i| f64::from(i % 10_007) * 0.37).collect();
    let groups = [Sample { name: "A", note: "", values: &values }];
    let plain = axis(false, false);
    let drawn = [
        distribution(&Distribution { groups: &groups, axis: plain, extreme: &short, key: ["", "", ""] }),
        ecdf(&Ecdf { groups: &groups, value: plain, share: plain }),
        qq(&Qq { groups: &groups, normal: plain, value: plain }),
    ];
    for drawing in drawn {
        let inline = crate::drawing::svg::Options { label: "", standalone: false };
        let bytes = crate::drawing::svg::svg(&drawing, &inline).len();
        assert!(bytes < 60_000, "{bytes}");
    }
}
