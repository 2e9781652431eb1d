//! The numbers of the assignment, from the shipped configs and, where it is at hand, from the real file.

#![allow(clippy::disallowed_methods, reason = "tests read and write files")]

use std::path::{Path, PathBuf};

use itog::config::{self, Override};
use itog::findings::Findings;
use itog::metrics::outcome::{Comparison, Direction};
use itog::run;
use itog::verdict::Action;

fn findings(name: &str, overrides: &[Override]) -> Findings {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name);
    let config = config::load(&path, overrides).unwrap();
    run::findings(config, "2026-11-22".parse().unwrap(), &run::Past::default()).unwrap()
}

fn close(value: f64, expected: f64, relative: f64) {
    assert!(((value - expected) / expected).abs() <= relative, "{value} is not {expected}");
}

fn test_of<'a>(c: &'a Comparison, name: &str) -> &'a itog::metrics::outcome::NamedTest {
    c.tests.iter().find(|t| t.test == name).unwrap()
}

#[test]
fn arppu_of_the_real_file() {
    let real = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/ab_stats.csv");
    if !real.is_file() {
        eprintln!("skipped: the real file is not beside this repository");
        return;
    }
    let path = Override::parse(&format!("data.path={}", real.display())).unwrap();
    let f = findings("arppu.toml", &[path]);
    let data = f.data.as_ref().unwrap();
    assert_eq!(data.reading.rows, 23_652);
    let units: Vec<u64> = data.groups.iter().map(|g| g.units).collect();
    assert_eq!(units, [11_835, 11_817]);
    let column = |name: &str| data.overview.iter().find(|c| c.name == name).unwrap();
    assert_eq!(column("av_site visit").invalid, 468);
    close(column("revenue").std.unwrap(), 9.557_729_777_665, 1e-12);
    let o = &f.outcomes[0];
    assert_eq!((o.groups[0].n, o.groups[1].n), (256, 234));
    close(o.groups[0].mean.unwrap(), 18.698_468_640_625, 1e-12);
    close(o.groups[1].mean.unwrap(), 12.362_118_756_410_25, 1e-12);
    close(o.groups[0].normality.unwrap().p, 2.472e-32, 1e-3);
    close(o.groups[1].normality.unwrap().p, 1.5996e-22, 1e-3);
    let c = &o.comparisons[0];
    assert_eq!(c.deciding.test, "mann-whitney");
    assert_eq!(c.deciding.statistic, 29_729.5);
    close(c.deciding.p, 0.887_195_661_634_451_4, 1e-12);
    close(test_of(c, "welch").p, 0.259_644_467_790, 1e-10);
    let driver = c.driver.as_ref().unwrap();
    assert_eq!(driver.group, "A");
    close(driver.value, 1_303.609_284, 1e-9);
    close(driver.mean_without, 13.66, 1e-3);
    close(c.detectable.unwrap().absolute, 15.716, 1e-3);
    assert_eq!(f.verdict.action, Action::Continue);
}

#[test]
fn the_demo_data_tell_the_same_story() {
    let f = findings("arppu.toml", &[]);
    let o = &f.outcomes[0];
    assert_eq!(f.data.as_ref().unwrap().reading.rows, 23_652);
    assert_eq!((o.groups[0].n, o.groups[1].n), (256, 234));
    assert!(!o.comparisons[0].significant);
    assert_eq!(o.comparisons[0].driver.as_ref().unwrap().group, "A");
    assert!(o.conditional.is_some());
    assert_eq!(f.verdict.action, Action::Continue);
    for code in ["outlier-drives", "conditional-metric", "data-quality"] {
        assert!(f.verdict.risks.contains(&code), "{code} is not said");
    }
}

#[test]
fn traffic_sources() {
    let f = findings("traffic-sources.toml", &[]);
    let plan = &f.plans[0];
    close(plan.effect_size, 0.009_091_425_586, 1e-10);
    assert_eq!((plan.n_per_group, plan.days, plan.corrected.days), (262_947, Some(592), Some(747)));
    let o = &f.outcomes[0];
    let z: Vec<f64> = o.comparisons.iter().map(|c| c.deciding.statistic).collect();
    for (value, expected) in z.iter().zip([-38.139, -54.682, -16.933]) {
        assert!((value - expected).abs() < 5e-4, "{value} is not {expected}");
    }
    close(o.comparisons[2].deciding.p, 2.554_192_947_558e-64, 1e-9);
    assert!(o.comparisons.iter().all(|c| c.significant && c.direction == Direction::Better));
    assert!(o.omnibus.as_ref().unwrap().p < 1e-300);
    let at_plan = o.at_plan.as_ref().unwrap();
    assert!(at_plan.holds && at_plan.n == 262_947 && at_plan.ranking == ["3", "2", "1"]);
    assert_eq!((f.verdict.action, f.verdict.winner.as_deref()), (Action::Ship, Some("3")));
}

#[test]
fn timespent_keeps_the_control_because_the_goal_is_to_increase() {
    let f = findings("timespent.toml", &[]);
    let c = &f.outcomes[0].comparisons[0];
    close(c.deciding.statistic, 11.236_630_785_707_332, 1e-12);
    close(c.deciding.df.unwrap(), 17_379.000_439_191, 1e-10);
    assert_eq!(c.direction, Direction::Worse);
    assert_eq!((f.verdict.action, f.verdict.winner.as_deref()), (Action::Keep, Some("A")));
}

#[test]
fn cpa_gets_a_test_for_ratios_and_at_least_three_reasons() {
    let f = findings("cpa.toml", &[]);
    let choice = &f.choices[0];
    assert_eq!(choice.normal, Some(false));
    assert_eq!(choice.recommended, "delta");
    assert!(choice.because.len() >= 3);
}

#[test]
fn the_cinema_has_its_plan_its_devices_and_the_whole_graph() {
    let f = findings("cinema-cashback.toml", &[]);
    assert_eq!(f.plans.len(), 1);
    assert!(f.config.cross_device.is_some());
    let a = f.config.architecture.as_ref().unwrap();
    assert_eq!(a.lanes.len(), 3);
    assert!(a.nodes.len() >= 15 && a.edges.len() >= 13);
    assert!(a.nodes.iter().all(|n| n.note.is_some()), "every node says what it does");
}
