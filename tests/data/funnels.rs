//! An event log of an A/A/B test with five steps.

use super::counts::written;
use super::*;

const EVENTS: &str = "device\texp\ttime\tevent
u1\t246\t2019-08-01 10:00:00\tTutorial
u1\t246\t2019-08-01 10:01:00\tMain
u1\t246\t2019-08-01 10:02:00\tOffers
u1\t246\t2019-08-01 10:03:00\tCart
u1\t246\t2019-08-01 10:03:00\tPayment
u2\t246\t2019-08-01 10:00:00\tMain
u2\t246\t2019-08-01 10:06:00\tMain
u2\t246\t2019-08-01 10:05:00\tTutorial
u2\t246\t2019-08-01 10:07:00\tCart
u3\t247\t2019-08-01 11:00:00\tTutorial
u3\t247\t2019-08-01 11:00:00\tMain
u3\t247\t2019-08-01 10:59:00\tOffers
u3\t247\t2019-08-01 11:05:00\tCart
u4\t247\t2019-08-01 12:00:00\tMain
u5\t248\t2019-08-02 10:01:00\tPayment
u5\t248\t2019-08-02 10:02:00\tCart
u5\t248\t2019-08-02 10:03:00\tOffers
u5\t248\t2019-08-02 10:04:00\tMain
u5\t248\t2019-08-02 10:05:00\tTutorial
u6\t248\t2019-08-02 10:00:00\tTutorial
u6\t248\t2019-08-02 10:30:00\tMain
u6\t248\t2019-08-02 11:00:00\tOffers
";

fn steps() -> Vec<String> {
    ["Tutorial", "Main", "Offers", "Cart", "Payment"].map(|event| format!("event = '{event}'")).to_vec()
}

fn step_metric() -> Metric {
    let step = itog::config::valid::FunnelStep {
        funnel: "purchase".to_string(),
        funnel_title: "Purchase".to_string(),
        from: None,
        steps: steps(),
        ordered: true,
    };
    Metric { kind: MetricKind::Proportion, source: MetricSource::Step(step), ..metric("1", None) }
}

#[test]
fn units_are_followed_through_the_steps() {
    let folder = tempfile::tempdir().unwrap();
    let mut source = source(written(&folder, "events.tsv", EVENTS), "exp");
    source.unit = Some("device".to_string());
    source.time = Some("time".to_string());
    let mut design = design(Some("246"));
    design.other_controls = vec!["247".to_string()];
    let data = open(&source, &[step_metric()], &design).unwrap().value;
    assert_eq!(data.gates, []);
    let reached = |ordered: bool, count: usize| -> Vec<Vec<f64>> {
        let answer = data.funnel(None, &steps()[..count], ordered).unwrap();
        answer.groups.into_iter().map(|mut group| group.values.remove(0)).collect()
    };
    // In order: u1 pays at the moment of its cart; u2 skips the offers; u3 saw them before the main screen; u5 went backwards.
    let ordered = [
        [[1.0, 1.0], [1.0, 0.0], [1.0, 1.0]],
        [[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]],
        [[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]],
        [[1.0, 0.0], [0.0, 0.0], [0.0, 0.0]],
        [[1.0, 0.0], [0.0, 0.0], [0.0, 0.0]],
    ];
    let any_order = [
        [[1.0, 1.0], [1.0, 0.0], [1.0, 1.0]],
        [[1.0, 1.0], [1.0, 0.0], [1.0, 1.0]],
        [[1.0, 0.0], [1.0, 0.0], [1.0, 1.0]],
        [[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]],
        [[1.0, 0.0], [0.0, 0.0], [1.0, 0.0]],
    ];
    for count in 1..=5 {
        assert_eq!(reached(true, count), ordered[count - 1], "{count} steps in order");
        assert_eq!(reached(false, count), any_order[count - 1], "{count} steps in any order");
    }
    assert_eq!(data.funnel(None, &steps(), true).unwrap().groups[1].units, [2, 3]);

    source.time = None;
    let data = open(&source, &[step_metric()], &design).unwrap().value;
    assert_eq!(data.funnel(None, &steps(), true).unwrap_err().code, "data::funnel-time");
    assert!(data.funnel(None, &steps(), false).is_ok());
}
