//! `--metrics FILE`: what a night was like, for Prometheus.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use itog::batch::{Batch, Ended};
use itog::deliver::metrics::Metrics;
use itog::deliver::outbox::Outbox;
use jiff::Timestamp;

/// The name under which the last whole night is remembered from file to file.
const SUCCESS: &str = "itog_last_success_timestamp_seconds";

/// The metrics of a night that took so long. The time of the last night without a failed experiment is carried over from the
/// file that is there when this one is not such a night.
pub fn metrics(batch: &Batch, ended: &[Ended], took: Duration, path: &Path) -> Metrics {
    let now = Timestamp::now().as_second() as f64;
    let whole = ended.iter().all(|e| e.result.is_ok());
    let success = if whole { Some(now) } else { before(path) };
    let midnight = batch.date.to_zoned(jiff::tz::TimeZone::UTC).map_or(0, |day| day.timestamp().as_second());
    let mut metrics = Metrics::default();
    metrics.gauge("itog_last_run_timestamp_seconds", "When the last run ended.", &[(&[], now)]);
    if let Some(success) = success {
        metrics.gauge(SUCCESS, "When the last run without a failed experiment ended.", &[(&[], success)]);
    }
    metrics.gauge(
        "itog_data_date_timestamp_seconds",
        "Midnight of the data date, UTC.",
        &[(&[], midnight as f64)],
    );
    metrics.gauge("itog_run_duration_seconds", "How long the run took.", &[(&[], took.as_secs_f64())]);
    let mut outcomes = BTreeMap::from([("complete", 0), ("failed", 0), ("kept", 0), ("refused", 0)]);
    let mut actions: BTreeMap<&str, u64> = BTreeMap::new();
    let mut rows = 0;
    for e in ended {
        let outcome = match &e.result {
            Err(_) => "failed",
            Ok(success) if success.refused => "refused",
            Ok(success) if success.kept => "kept",
            Ok(_) => "complete",
        };
        *outcomes.entry(outcome).or_default() += 1;
        if let Ok(success) = &e.result {
            *actions.entry(&success.action).or_default() += 1;
            rows += success.rows;
        }
    }
    counted(
        &mut metrics,
        "itog_experiments",
        "Experiments of the last run by how they ended.",
        "outcome",
        &outcomes,
    );
    counted(
        &mut metrics,
        "itog_recommendations",
        "Reports of the last run by their action.",
        "action",
        &actions,
    );
    metrics.gauge("itog_rows_read", "Rows of data that the last run read.", &[(&[], rows as f64)]);
    let took: Vec<([(&str, &str); 1], f64)> = ended
        .iter()
        .filter_map(|e| Some(([("experiment", e.id.as_deref()?)], e.took.as_secs_f64())))
        .collect();
    let took: Vec<_> = took.iter().map(|(labels, value)| (labels.as_slice(), *value)).collect();
    metrics.gauge("itog_experiment_duration_seconds", "How long each experiment took.", &took);
    if let Some(sum) = Outbox::open(&batch.out).ok().and_then(|outbox| outbox.sum().ok()) {
        let states = BTreeMap::from([
            ("cancelled", sum.cancelled),
            ("failed", sum.failed),
            ("sent", sum.sent),
            ("uncertain", sum.uncertain),
            ("waiting", sum.waiting),
        ]);
        counted(&mut metrics, "itog_outbox_messages", "Messages of the outbox by state.", "state", &states);
    }
    metrics
}

fn counted(metrics: &mut Metrics, name: &str, help: &str, label: &str, counts: &BTreeMap<&str, u64>) {
    let samples: Vec<([(&str, &str); 1], f64)> =
        counts.iter().map(|(value, count)| ([(label, *value)], *count as f64)).collect();
    let samples: Vec<_> = samples.iter().map(|(labels, value)| (labels.as_slice(), *value)).collect();
    metrics.gauge(name, help, &samples);
}

fn before(path: &Path) -> Option<f64> {
    let text = std::fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| line.strip_prefix(SUCCESS)?.trim().parse().ok())
}
