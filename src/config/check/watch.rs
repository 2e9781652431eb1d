//! `[design.looks]` with the way of looking, `[[segment]]` and `[money]`.

use super::super::codes;
use super::super::raw::{At, RawConfig, RawLooks, RawMoney, RawSegment, SpendingName};
use super::super::sink::Sink;
use super::super::suggest;
use super::super::valid::{Looks, Metric, Money, Monitoring, Segment, Spending, Status, Traffic};
use super::text;

/// How looks are handled: as written, else by where the experiment stands and whether a size is planned. Where nobody wrote how it
/// stands either, as while it runs; true, the second, then.
pub fn monitoring(raw: &RawConfig, sink: &mut Sink) -> (Monitoring, bool, Looks) {
    let design = raw.design.as_ref().map(|design| &design.value);
    let written = design.and_then(|design| design.monitoring.as_ref());
    let status = raw.experiment.as_ref().and_then(|experiment| experiment.value.status.as_ref());
    let running = status.is_some_and(|status| status.value.0 == Status::Running);
    let table = design.and_then(|design| design.looks.as_ref());
    let planned = table.is_some_and(|looks| looks.value.planned.is_some()) || !raw.plan.is_empty();
    let by_dates = written.is_none() && status.is_none();
    let monitoring = match written {
        Some(written) => written.value.0,
        None if !running && !by_dates => Monitoring::Fixed,
        None if planned => Monitoring::GroupSequential,
        None => Monitoring::AlwaysValid,
    };
    if let Some(written) = written
        && monitoring == Monitoring::GroupSequential
        && !planned
        && !sink.is_any_spoiled(&(0..0))
    {
        let message = "nothing says at which size the experiment ends";
        let hint = "add [[plan]] or `planned` under [design.looks], or monitoring = \"always-valid\"";
        sink.error(codes::NO_PLANNED_SIZE, &written.span, message, hint);
    }
    let looks = table.map_or_else(Looks::default, |table| looks(table, monitoring, running, sink));
    (monitoring, by_dates, looks)
}

fn looks(raw: &At<RawLooks>, monitoring: Monitoring, running: bool, sink: &mut Sink) -> Looks {
    let looks = &raw.value;
    let defaults = Looks::default();
    let spending = looks.spending.as_ref().map_or(SpendingName::ObrienFleming, |written| written.value.0);
    let useless = [
        ("spending", looks.spending.as_ref().map(|w| &w.span), monitoring != Monitoring::GroupSequential),
        ("planned", looks.planned.as_ref().map(|w| &w.span), monitoring != Monitoring::GroupSequential),
        ("futility", looks.futility.as_ref().map(|w| &w.span), monitoring != Monitoring::GroupSequential),
        ("expected", looks.expected.as_ref().map(|w| &w.span), monitoring != Monitoring::AlwaysValid),
        ("rho", looks.rho.as_ref().map(|w| &w.span), spending != SpendingName::Power),
    ];
    for (key, span, is_useless) in useless {
        // The rules stay in the file when the experiment is over: they were those of its looks.
        if let Some(span) = span
            && is_useless
            && (running || key == "rho")
        {
            let message = format!("`{key}` does nothing with this way of looking");
            sink.error(codes::LOOKS, span, message, "remove it, or change `monitoring` or `spending`");
        }
    }
    let number = |written: &Option<At<u64>>, default| written.as_ref().map_or(default, |w| w.value);
    Looks {
        spending: match spending {
            SpendingName::ObrienFleming => Spending::ObrienFleming,
            SpendingName::Pocock => Spending::Pocock,
            SpendingName::Power => Spending::Power(looks.rho.as_ref().map_or(3.0, |rho| rho.value)),
        },
        planned: looks.planned.as_ref().map(|written| written.value),
        expected: looks.expected.as_ref().map(|written| written.value),
        warm_up_units: number(&looks.warm_up_units, defaults.warm_up_units),
        warm_up_days: number(&looks.warm_up_days, defaults.warm_up_days),
        futility: looks.futility.as_ref().map_or(defaults.futility, |w| Some(w.value).filter(|f| *f > 0.0)),
    }
}

/// One `[[segment]]`.
pub fn segment(raw: &At<RawSegment>, file: &RawConfig, sink: &mut Sink) -> Option<Segment> {
    let segment = &raw.value;
    if file.data.is_none() && !sink.is_spoiled(&(0..0), &["data"]) {
        let hint = "add [data] with `path` and `group`";
        sink.error(
            codes::METRIC_WITHOUT_DATA,
            &raw.span,
            "segments are parts of rows, and there is no [data]",
            hint,
        );
    }
    let id = text(segment.id.as_ref())?;
    Some(Segment {
        title: text(segment.title.as_ref()).unwrap_or_else(|| id.clone()),
        id,
        by: text(segment.by.as_ref())?,
    })
}

/// `[money]`, whose metric must exist.
pub fn money(raw: &At<RawMoney>, metrics: Option<&[Metric]>, sink: &mut Sink) -> Option<Money> {
    let money = &raw.value;
    if let (Some(named), Some(metrics)) = (&money.metric, metrics)
        && !metrics.iter().any(|metric| metric.id == named.value)
    {
        let ids = metrics.iter().map(|metric| metric.id.as_str());
        let hint = suggest::hint(&named.value, "metrics", ids);
        sink.error(codes::MONEY_METRIC, &named.span, format!("there is no metric `{}`", named.value), hint);
    }
    let traffic = &money.traffic.as_ref()?.value;
    Some(Money {
        metric: text(money.metric.as_ref()),
        value: money.value.as_ref().map_or(1.0, |value| value.value),
        currency: text(money.currency.as_ref()).unwrap_or_else(|| "₽".to_owned()),
        traffic: Traffic { users: traffic.users.as_ref()?.value, days: traffic.days.as_ref()?.value },
    })
}
