//! `itog run --timings`: how long each stage of a run took, for the whole batch and for each experiment.
//!
//! A stage is a tracing span of the library (`read`, `measure`, `pdf`, …) under the span `experiment`. Of stages inside one
//! another each is charged with its own time only, so that the stages of a thread add up to the time it was busy; over
//! several threads they add up to more than the clock on the wall.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use itog::batch::Stage;
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

/// The span whose `id` names an experiment.
const EXPERIMENT: &str = "experiment";
/// Experiments that the table for people lists, slowest first.
const LISTED: usize = 20;

/// How often a stage was entered and how long it took itself.
#[derive(Clone, Copy, Debug, Default)]
struct Spent {
    calls: u64,
    time: Duration,
}

/// Stages by name, of the batch and of each experiment.
#[derive(Debug, Default)]
struct Ledger {
    batch: BTreeMap<String, Spent>,
    experiments: BTreeMap<String, BTreeMap<String, Spent>>,
}

/// The stopwatch of a run; clones write into the same ledger.
#[derive(Clone, Debug)]
pub struct Timings {
    began: Instant,
    ledger: Arc<Mutex<Ledger>>,
}

/// The id of the experiment that a span belongs to, kept with the span.
struct Owner(String);

thread_local! {
    /// The stages that this thread is in, outermost first: when the stage was last resumed, and what it has taken so far.
    static OPEN: RefCell<Vec<(Instant, Duration)>> = const { RefCell::new(Vec::new()) };
}

impl Timings {
    /// Starts the stopwatch.
    pub fn start() -> Self {
        Timings { began: Instant::now(), ledger: Arc::default() }
    }

    /// The layer that a subscriber needs to feed this stopwatch.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        Recorder { ledger: Arc::clone(&self.ledger) }.with_filter(LevelFilter::DEBUG)
    }

    /// Hands out what was spent since the last call, of all experiments together: how a worker tells its batch.
    pub fn take(&self) -> Vec<Stage> {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.experiments.clear();
        let spent = std::mem::take(&mut ledger.batch);
        let stage = |(name, s): (String, Spent)| Stage {
            name,
            calls: s.calls,
            micros: u64::try_from(s.time.as_micros()).unwrap_or(u64::MAX),
        };
        spent.into_iter().map(stage).collect()
    }

    /// Adds what a worker told of an experiment.
    pub fn add(&self, experiment: &str, stages: &[Stage]) {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let Ledger { batch, experiments } = &mut *ledger;
        let own = experiments.entry(experiment.to_owned()).or_default();
        for stage in stages {
            for spent in [&mut *own, &mut *batch] {
                let spent = spent.entry(stage.name.clone()).or_default();
                spent.calls += stage.calls;
                spent.time += Duration::from_micros(stage.micros);
            }
        }
    }

    /// `{ "wall_seconds", "peak_memory_bytes", "stages": [{ "stage", "seconds", "calls" }], "experiments": [{ "id",
    /// "seconds", "stages" }] }`; the longest stage and the slowest experiment come first, the peak is `null` where the system
    /// does not tell it.
    pub fn json(&self) -> Value {
        let ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let stages = |spent: &BTreeMap<String, Spent>| -> Vec<Value> {
            let stage = |(name, s): (&str, Spent)| json!({ "stage": name, "seconds": s.time.as_secs_f64(), "calls": s.calls });
            longest_first(spent).into_iter().map(stage).collect()
        };
        let experiments: Vec<Value> = slowest_first(&ledger)
            .into_iter()
            .map(|(id, time, spent)| json!({ "id": id, "seconds": time.as_secs_f64(), "stages": stages(spent) }))
            .collect();
        json!({
            "wall_seconds": self.began.elapsed().as_secs_f64(),
            "peak_memory_bytes": peak_memory(),
            "stages": stages(&ledger.batch),
            "experiments": experiments,
        })
    }

    /// The same as a table for people: stages of the batch, then the slowest experiments with their longest stages.
    pub fn table(&self) -> String {
        let ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let busy: Duration = ledger.batch.values().map(|s| s.time).sum();
        let mut text = format!("{:<12} {:>9} {:>6} {:>7}\n", "stage", "ms", "share", "calls");
        for (name, spent) in longest_first(&ledger.batch) {
            let share = 100.0 * spent.time.as_secs_f64() / busy.as_secs_f64().max(f64::MIN_POSITIVE);
            let _ = writeln!(text, "{name:<12} {:>9.1} {share:>5.1}% {:>7}", millis(spent.time), spent.calls);
        }
        let wall = self.began.elapsed();
        let _ = write!(
            text,
            "{:<12} {:>9.1}   in {:.1} ms by the clock",
            "all stages",
            millis(busy),
            millis(wall)
        );
        if let Some(peak) = peak_memory() {
            let _ = write!(text, ", {} MiB at most", peak / (1 << 20));
        }
        text.push('\n');
        let slowest = slowest_first(&ledger);
        if !slowest.is_empty() {
            let _ = writeln!(text, "\n{:<24} {:>9}  longest stages, ms", "experiment", "ms");
        }
        for (id, time, spent) in slowest.iter().take(LISTED) {
            let stages: Vec<String> = longest_first(spent)
                .into_iter()
                .take(4)
                .map(|(name, s)| format!("{name} {:.1}", millis(s.time)))
                .collect();
            let _ = writeln!(text, "{id:<24} {:>9.1}  {}", millis(*time), stages.join(", "));
        }
        if slowest.len() > LISTED {
            let _ = writeln!(text, "and {} faster ones", slowest.len() - LISTED);
        }
        text
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn longest_first(stages: &BTreeMap<String, Spent>) -> Vec<(&str, Spent)> {
    let mut sorted: Vec<_> = stages.iter().map(|(name, spent)| (name.as_str(), *spent)).collect();
    sorted.sort_by_key(|(_, spent)| std::cmp::Reverse(spent.time));
    sorted
}

fn slowest_first(ledger: &Ledger) -> Vec<(&str, Duration, &BTreeMap<String, Spent>)> {
    let whole = |stages: &BTreeMap<String, Spent>| stages.values().map(|s| s.time).sum::<Duration>();
    let mut sorted: Vec<_> =
        ledger.experiments.iter().map(|(id, stages)| (id.as_str(), whole(stages), stages)).collect();
    sorted.sort_by_key(|(_, time, _)| std::cmp::Reverse(*time));
    sorted
}

/// The most memory that this process ever held, in bytes, where the system tells it.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}

/// Listens to spans of this program and adds their times up.
struct Recorder {
    ledger: Arc<Mutex<Ledger>>,
}

/// Reads the `id` of an experiment.
#[derive(Default)]
struct IdOf(Option<String>);

impl Visit for IdOf {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "id" {
            self.0 = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "id" {
            self.0 = Some(format!("{value:?}"));
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if attributes.metadata().name() != EXPERIMENT {
            return;
        }
        let mut found = IdOf::default();
        attributes.record(&mut found);
        if let (Some(span), Some(owner)) = (context.span(id), found.0) {
            span.extensions_mut().insert(Owner(owner));
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if !context.span(id).is_some_and(|span| is_ours(&span)) {
            return;
        }
        let now = Instant::now();
        OPEN.with_borrow_mut(|open| {
            // The enclosing stage waits.
            if let Some((resumed, taken)) = open.last_mut() {
                *taken += now - *resumed;
            }
            open.push((now, Duration::ZERO));
        });
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id).filter(is_ours) else { return };
        let now = Instant::now();
        let taken = OPEN.with_borrow_mut(|open| {
            let (resumed, taken) = open.pop()?;
            if let Some((resumed, _)) = open.last_mut() {
                *resumed = now;
            }
            Some(taken + (now - resumed))
        });
        let Some(taken) = taken else { return };
        let name = if span.name() == EXPERIMENT { "other" } else { span.name() };
        let owner = span.scope().find_map(|s| s.extensions().get::<Owner>().map(|owner| owner.0.clone()));
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let spend = |spent: &mut Spent| {
            spent.calls += 1;
            spent.time += taken;
        };
        spend(ledger.batch.entry(name.to_owned()).or_default());
        if let Some(owner) = owner {
            spend(ledger.experiments.entry(owner).or_default().entry(name.to_owned()).or_default());
        }
    }
}

/// Spans of libraries are no stages.
fn is_ours<'a, R: LookupSpan<'a>>(span: &tracing_subscriber::registry::SpanRef<'a, R>) -> bool {
    span.metadata().target().starts_with("itog")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::{debug_span, info_span};
    use tracing_subscriber::layer::SubscriberExt;

    /// Busy for at least this long by the clock that the stopwatch reads.
    fn work(time: Duration) {
        let began = Instant::now();
        while began.elapsed() < time {
            std::hint::spin_loop();
        }
    }

    #[test]
    fn what_a_worker_tells_is_added_to_its_experiment_and_to_the_batch() {
        let (worker, batch) = (Timings::start(), Timings::start());
        let subscriber = tracing_subscriber::registry().with(worker.layer());
        tracing::subscriber::with_default(subscriber, || {
            let _experiment = info_span!(parent: None, "experiment", id = "one").entered();
            debug_span!("pdf").in_scope(|| work(Duration::from_millis(2)));
        });
        batch.add("one", &worker.take());
        assert_eq!(worker.take(), Vec::new());
        let json = batch.json();
        assert_eq!(json["experiments"][0]["id"], "one");
        assert_eq!(json["experiments"][0]["stages"][0]["stage"], "pdf");
        assert_eq!(json["stages"][0]["stage"], "pdf");
        assert!(json["stages"][0]["seconds"].as_f64().is_some_and(|s| s >= 0.002), "{json}");
    }

    #[test]
    fn a_stage_is_charged_with_its_own_time_and_an_experiment_with_its_stages() {
        let timings = Timings::start();
        let subscriber = tracing_subscriber::registry().with(timings.layer());
        let short = Duration::from_millis(2);
        tracing::subscriber::with_default(subscriber, || {
            let _experiment = info_span!(parent: None, "experiment", id = "one").entered();
            let _compose = debug_span!("compose").entered();
            debug_span!("charts").in_scope(|| work(short));
            debug_span!("charts").in_scope(|| work(short));
            let _ignored = tracing::debug_span!(target: "somebody", "query").entered();
            // A thread that waits inside a stage may take up another experiment.
            let _other = info_span!(parent: None, "experiment", id = "two").entered();
            debug_span!("pdf").in_scope(|| work(short));
        });
        let ledger = timings.ledger.lock().unwrap();
        let (one, two) = (&ledger.experiments["one"], &ledger.experiments["two"]);
        assert_eq!(one.keys().collect::<Vec<_>>(), ["charts", "compose", "other"]);
        assert_eq!(two.keys().collect::<Vec<_>>(), ["other", "pdf"]);
        assert_eq!(one["charts"].calls, 2);
        assert!(one["charts"].time >= 2 * short && two["pdf"].time >= short);
        let all: Duration = ledger.batch.values().map(|s| s.time).sum();
        let parts: Duration = one.values().chain(two.values()).map(|s| s.time).sum();
        assert_eq!(all, parts);
        assert!(all <= timings.began.elapsed(), "nothing is counted twice");
        drop(ledger);
        let json = timings.json();
        assert_eq!(json["experiments"][0]["id"], "one");
        assert_eq!(json["stages"][0]["stage"], "charts");
        assert!(timings.table().contains("charts"));
    }
}
