//! `results.v1`: the numbers of one experiment as JSON, as the contract promises them.
//!
//! Every number is a JSON number of full precision; what does not exist is `null`, never NaN.

use serde_json::{Map, Value, json};

use crate::findings::Findings;
use crate::metrics::outcome::{Comparison, Estimate, GroupOutcome, MetricOutcome, NamedTest};
use crate::monitoring::Monitoring;
use crate::planning::PlanOutcome;
use crate::proof::calibration::Verdict as ProofVerdict;
use crate::report::Report;
use crate::report::mail;
use crate::report::sections::tone;
use crate::report::sentences::Sentence;
use crate::validation::aa::Proven;
use crate::validation::segments::BySegment;

/// A finite number, else null.
fn number(x: f64) -> Value {
    serde_json::Number::from_f64(x).map_or(Value::Null, Value::Number)
}

fn optional(x: Option<f64>) -> Value {
    x.map_or(Value::Null, number)
}

fn interval(ci: Option<(f64, f64)>) -> Value {
    ci.map_or(Value::Null, |(low, high)| json!([number(low), number(high)]))
}

fn estimate(e: Option<Estimate>) -> Value {
    e.map_or(Value::Null, |e| json!({ "estimate": number(e.estimate), "ci": interval(e.ci) }))
}

fn test(t: &NamedTest) -> Value {
    json!({ "test": t.test, "statistic": number(t.statistic), "df": optional(t.df), "p": number(t.p) })
}

fn group(g: &GroupOutcome) -> Value {
    json!({
        "id": g.id,
        "n": g.n,
        "mean": optional(g.mean),
        "sd": optional(g.sd),
        "ci": interval(g.ci),
        "median": optional(g.median),
        "max": optional(g.max),
        "skewness": optional(g.skewness),
        "successes": g.successes,
        "missing": g.missing,
        "normality": g.normality.map_or(Value::Null, |n| {
            json!({ "test": n.test, "statistic": number(n.statistic), "p": number(n.p) })
        }),
    })
}

fn comparison(c: &Comparison, role: &str) -> Value {
    json!({
        "role": role,
        "control": c.control,
        "treatment": c.treatment,
        "test": c.deciding.test,
        "statistic": number(c.deciding.statistic),
        "df": optional(c.deciding.df),
        "p": number(c.deciding.p),
        "p_adjusted": number(c.p_adjusted),
        "significant": c.significant,
        "level": number(c.level),
        "effect": {
            "absolute": estimate(c.absolute),
            "relative": estimate(c.relative),
            "relative_log_delta": interval(c.relative_log),
            "shift": estimate(c.shift),
            "superiority": estimate(c.superiority),
        },
        "beside": c.beside.iter().map(|b| json!({
            "way": b.way,
            "test": test(&b.test),
            "absolute": estimate(Some(b.absolute)),
        })).collect::<Vec<_>>(),
        "adjustment": c.adjustment.as_ref().map_or(Value::Null, |a| json!({
            "covariates": a.covariates,
            "dropped": a.dropped,
            "strata": a.strata,
            "variance_ratio": number(a.ratio),
            "missing": a.missing,
        })),
        "direction": c.direction,
        "detectable": c.detectable.map_or(Value::Null, |d| {
            json!({ "absolute": number(d.absolute), "relative": optional(d.relative) })
        }),
        "bootstrap": c.replicates.as_ref().map_or(Value::Null, |r| {
            json!({ "replicates": r.differences.len(), "method": r.method, "ci": interval(Some(r.ci)) })
        }),
        "driver": c.driver.as_ref().map_or(Value::Null, |d| {
            json!({
                "group": d.group,
                "value": number(d.value),
                "share": number(d.share),
                "mean_without": number(d.mean_without),
                "difference_without": number(d.difference_without),
            })
        }),
        "needed": c.needed.map_or(Value::Null, |n| {
            json!({
                "effect": number(n.effect),
                "relative": optional(n.relative),
                "n_per_group": number(n.per_group.ceil()),
                "users_per_group": number(n.users_per_group.ceil()),
                "days": optional(n.days.map(f64::ceil)),
            })
        }),
        "tests": c.tests.iter().map(test).collect::<Vec<_>>(),
        "monitoring": c.monitoring.as_ref().map_or(Value::Null, monitoring),
    })
}

fn monitoring(m: &Monitoring) -> Value {
    let ends = |i: Option<crate::stats::Interval>| {
        interval(i.map(|i| (i.low, i.high)).filter(|(l, h)| l.is_finite() && h.is_finite()))
    };
    json!({
        "state": m.state.code(),
        "crossed": m.crossed.map_or(Value::Null, |c| json!({ "day": c.day, "up": c.up })),
        "since": m.since.map(|s| s.code()),
        "p": m.p.map_or(Value::Null, |p| json!({ "value": number(p.value), "kind": p.kind.code() })),
        "estimate": optional(m.estimate),
        "ci": ends(m.interval),
        "contradictory": m.contradictory,
        "naive_p": optional(m.naive_p),
        "fraction": optional(m.fraction),
        "alpha_spent": optional(m.spent),
        "futility": m.futility.map_or(Value::Null, |f| json!({
            "power_planned": number(f.power_planned), "power_trend": number(f.power_trend), "advice": f.advice.code(),
        })),
        "days_left": m.forecast.map(|f| f.days_left),
        "looks": m.looks.iter().map(|l| json!({
            "day": l.day,
            "information": number(l.information),
            "standing": l.standing.code(),
            "fraction": optional(l.fraction),
            "estimate": optional(l.estimate),
            "se": optional(l.se),
            "boundary_z": optional(l.boundary_z.filter(|z| z.is_finite())),
            "ci": ends(l.interval),
        })).collect::<Vec<_>>(),
    })
}

/// What the A/A run says of a metric, in one word.
pub fn proof_verdict(p: &Proven) -> &'static str {
    match p.verdict {
        ProofVerdict::Holds => "holds",
        ProofVerdict::TooMany => "too-many",
        ProofVerdict::Conservative => "conservative",
        ProofVerdict::NotRun(_) => "not-run",
    }
}

/// The A/A run of one metric.
pub fn proven(p: &Proven) -> Value {
    json!({
        "metric": p.metric,
        "test": p.test,
        "verdict": proof_verdict(p),
        "units": p.units,
        "iterations": p.rate.as_ref().map(|r| r.iterations),
        "false_positives": p.rate.as_ref().map_or(Value::Null, |r| {
            json!({ "share": number(r.share), "ci": interval(Some((r.interval.low, r.interval.high))) })
        }),
        "uniform_p": p.uniformity.as_ref().map_or(Value::Null, |u| number(u.p)),
        "histogram": p.histogram,
    })
}

fn by_segment(s: &BySegment) -> Value {
    json!({
        "id": s.segment,
        "metric": s.metric,
        "control": s.control,
        "treatment": s.treatment,
        "heterogeneity": s.found.heterogeneity.as_ref().map_or(Value::Null, |h| {
            json!({ "q": number(h.q), "df": number(h.df), "p": number(h.p) })
        }),
        "parts": s.found.effects.iter().map(|e| json!({
            "value": e.id,
            "merged": e.merged,
            "units": [e.units.0, e.units.1],
            "estimate": number(e.effect.estimate),
            "ci": interval(Some((e.effect.ci.low, e.effect.ci.high))),
            "against_rest_p": e.against_rest.as_ref().map_or(Value::Null, |a| number(a.difference.p)),
            "against_rest_p_adjusted": e.against_rest.as_ref().map_or(Value::Null, |a| number(a.p_adjusted)),
        })).collect::<Vec<_>>(),
        "not_assessed": s.found.not_assessed,
    })
}

fn split(f: &Findings) -> Value {
    json!({
        "nightly_p": f.split.nightly.as_ref().map_or(Value::Null, |r| number(r.p)),
        "segments": f.split.segments.iter().map(|(title, parts)| json!({
            "title": title,
            "parts": parts.iter().map(|p| json!({ "value": p.id, "p_adjusted": number(p.p_adjusted) })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "balance": f.split.balance.iter().map(|(treatment, names, b)| json!({
            "treatment": treatment,
            "joint_p": b.joint.as_ref().map_or(Value::Null, |j| number(j.p)),
            "covariates": names.iter().zip(&b.differences).map(|(name, d)| json!({
                "name": name, "standardised": optional(d.standardised), "p_adjusted": optional(d.p_adjusted),
            })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    })
}

fn metric(o: &MetricOutcome) -> Value {
    json!({
        "id": o.metric.id,
        "title": o.metric.title,
        "kind": o.metric.kind.name(),
        "goal": o.metric.goal,
        "role": o.metric.role,
        "alpha": number(o.alpha),
        "family": o.metric.family,
        "comparisons_in_family": o.family,
        "groups": o.separate.iter().chain(&o.groups).map(group).collect::<Vec<_>>(),
        "omnibus": o.omnibus.as_ref().map_or(Value::Null, test),
        // Controls first: what differs between them cannot be told from what the treatment does.
        "comparisons": o.controls.iter().map(|c| comparison(c, "controls"))
            .chain(o.comparisons.iter().map(|c| comparison(c, "decides")))
            .collect::<Vec<_>>(),
        "winsorized": o.handling.winsorized.map_or(Value::Null, |w| json!({
            "low": optional(w.low), "high": optional(w.high), "raised": w.raised, "lowered": w.lowered,
        })),
        "rounded": optional(o.handling.rounded),
        "clusters": o.handling.clusters.map_or(Value::Null, |(rows, units)| json!({ "rows": rows, "units": units })),
        "at_plan": o.at_plan.as_ref().map_or(Value::Null, |a| {
            json!({
                "plan": a.plan,
                "n": a.n,
                "ranking": a.ranking,
                "holds": a.holds,
                "comparisons": a.comparisons.iter().map(|c| json!({
                    "control": c.control,
                    "treatment": c.treatment,
                    "statistic": number(c.statistic),
                    "p_adjusted": number(c.p_adjusted),
                })).collect::<Vec<_>>(),
            })
        }),
        "undefined": o.undefined.as_ref().map(ToString::to_string),
    })
}

fn plan(p: &PlanOutcome) -> Value {
    json!({
        "id": p.id,
        "groups": p.groups,
        "effect_size": number(p.effect_size),
        "n_per_group": p.n_per_group,
        "n_total": p.n_total,
        "days": p.days,
        "corrected": { "alpha": number(p.corrected.alpha), "n_per_group": p.corrected.n_per_group, "days": p.corrected.days },
        "scenarios": p.scenarios.iter().map(|s| json!({
            "lift": number(s.lift),
            "relative": optional(s.relative),
            "groups": s.groups,
            "corrected": s.corrected,
            "n_per_group": s.n_per_group,
            "days": s.days,
        })).collect::<Vec<_>>(),
        "designs": p.designs,
        "detectable": p.detectable.iter().map(|d| json!({
            "days": d.days,
            "n_per_group": number(d.n_per_group),
            "lift": number(d.lift),
            "relative": optional(d.relative),
        })).collect::<Vec<_>>(),
    })
}

fn facts(f: &crate::data::FactsReading) -> Value {
    let left = &f.left_out;
    let of = |counted: &crate::data::RowsOfUnits| json!({ "rows": counted.rows, "units": counted.units });
    json!({
        "name": f.name,
        "rows": f.reading.rows,
        "rows_used": f.rows_used,
        "units_with_rows": f.units_with_rows,
        "columns": f.overview.iter().map(column).collect::<Vec<_>>(),
        "left_out": {
            "before_exposure": of(&left.early),
            "unknown_units": of(&left.unknown),
            "units_in_two_groups": of(&left.mixed),
            "without_unit": left.no_unit,
            "without_time": left.no_time,
            "after_data_date": left.after_date,
        },
    })
}

fn column(c: &crate::data::ColumnOverview) -> Value {
    json!({
        "name": c.name, "kind": c.kind, "count": c.count, "missing": c.missing,
        "mean": optional(c.mean), "std": optional(c.std), "min": optional(c.min),
        "q25": optional(c.q25), "median": optional(c.median), "q75": optional(c.q75),
        "max": optional(c.max), "invalid": c.invalid,
    })
}

fn data(f: &Findings) -> Value {
    let sizes = crate::trust::group_sizes(&f.config, f.data.as_ref());
    let mut object = Map::new();
    if let Some(d) = &f.data {
        object.insert("rows".into(), json!(d.reading.rows));
        let columns = d.overview.iter().map(column);
        object.insert("columns".into(), columns.collect());
        let gates = d.gates.iter().map(|g| json!({ "code": g.reason.code(), "refuses": g.refuses }));
        object.insert("gates".into(), gates.collect());
        object.insert("contamination".into(), json!({ "units_in_two_groups": d.contamination }));
        object.insert("lag_days".into(), json!(d.lag_days));
        let identity = d.identity.as_ref().map_or(Value::Null, |i| {
            json!({
                "devices_seen": i.devices_seen,
                "devices_matched": i.devices_matched,
                "users_seen": i.users_seen,
                "users_with_several": i.users_with_several,
                "users_mixed": i.users_mixed,
                "devices_mixed": i.devices_mixed,
            })
        });
        object.insert("identity".into(), identity);
        object.insert("facts".into(), d.facts.iter().map(facts).collect());
    }
    object.insert("groups".into(), sizes.iter().map(|(id, n)| json!({ "id": id, "units": n })).collect());
    let srm = f.trust.srm.as_ref().map_or(
        Value::Null,
        |s| json!({ "chi2": number(s.test.statistic), "p": number(s.test.p), "ok": s.ok }),
    );
    object.insert("srm".into(), srm);
    Value::Object(object)
}

fn sentences(list: &[Sentence]) -> Value {
    list.iter().map(|s| json!({ "code": s.code, "text": s.text })).collect()
}

/// The results of one experiment. Keys of `results.v1` are promises: they are extended, never renamed.
pub fn v1(f: &Findings, report: &Report) -> Value {
    let words = &report.decision;
    json!({
        "schema": "itog.results.v1",
        "experiment": {
            "id": f.config.experiment.id,
            "title": f.config.experiment.title,
            "status": f.config.experiment.status,
            "owner": f.config.experiment.owner,
            "data_date": f.date.to_string(),
        },
        "data": data(f),
        "metrics": f.outcomes.iter().map(metric).collect::<Vec<_>>(),
        "split": split(f),
        "watch": f.watch.as_ref().map_or(Value::Null, |w| json!({
            "way": w.way, "nights": w.nights, "recomputed": w.recomputed, "planned_per_group": w.planned,
            "assumed": w.assumed,
        })),
        "changes": f.changes,
        "proof": f.proven.iter().map(proven).collect::<Vec<_>>(),
        "segments": f.segments.iter().map(by_segment).collect::<Vec<_>>(),
        "course": f.course.iter().map(|c| json!({
            "metric": c.metric,
            "control": c.control,
            "treatment": c.treatment,
            "shape": c.found.shape.code(),
            "slope": c.found.slope.as_ref().map_or(Value::Null, |s| json!({ "a_day": number(s.estimate), "p": number(s.p) })),
            "days": c.days.iter().map(|d| json!({
                "day": d.day, "estimate": number(d.estimate), "se": number(d.se),
            })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "money": f.worth.iter().map(|w| json!({
            "metric": w.metric,
            "control": w.control,
            "treatment": w.treatment,
            "users_a_year": number(w.users),
            "gain_a_year": number(w.gain),
            "ci": interval(w.interval),
            "loss_if_shipped": optional(w.loss_if_shipped),
            "loss_if_kept": optional(w.loss_if_kept),
        })).collect::<Vec<_>>(),
        "plans": f.plans.iter().map(plan).collect::<Vec<_>>(),
        "test_choices": f.choices.iter().zip(&report.choices).map(|(c, because)| json!({
            "id": c.question.id,
            "normal": c.normal,
            "recommended": c.recommended,
            "beside": c.beside,
            "because": because.iter().map(|s| s.text.as_str()).collect::<Vec<_>>(),
            "codes": c.because,
        })).collect::<Vec<_>>(),
        "architecture": f.config.architecture.as_ref().map_or(Value::Null, |a| json!(a)),
        "decision": {
            "action": f.verdict.action,
            "winner": f.verdict.winner,
            "rule": f.verdict.rule,
            "label": words.label,
            "tone": tone(f),
            "headline": words.headline,
            "lead": words.lead,
            "reasons": sentences(&words.reasons),
            "risks": sentences(&words.risks),
            "next": sentences(&words.steps),
        },
        "first_screen": mail::screen(&report.document),
    })
}
