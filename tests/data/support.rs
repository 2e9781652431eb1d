//! Tables, metrics and questions as the tests write them.

use std::path::PathBuf;

use itog::config::valid::{
    Adjustment, Aggregate, ColumnRule, Comparisons, Correction, DataSource, Design, Files, Goal, Looks,
    Metric, MetricKind, MetricSource, Monitoring, OnBroken, Population, Resampling, Role, Rows, Streaming,
    TestKind,
};
use itog::data::{Dataset, Gate, Gathered, Header, Query};
use itog::diag::{Diagnostic, Warned};

pub fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/data").join(name)
}

pub fn files(path: PathBuf) -> Files {
    Files {
        pattern: path.display().to_string(),
        paths: vec![path],
        separator: None,
        decimal: None,
        encoding: None,
        malformed: OnBroken::Refuse,
        columns: Vec::new(),
        min_rows: 1,
    }
}

pub fn source(path: PathBuf, group: &str) -> DataSource {
    DataSource {
        warehouse: None,
        answer: None,
        files: files(path),
        group: group.to_string(),
        unit: None,
        time: None,
        count: None,
        facts: Vec::new(),
        identity: None,
        warn_after: None,
        error_after: None,
        streaming: Streaming::Auto,
        incremental: None,
    }
}

/// The sum of an expression over the matching rows of `[data]`.
pub fn rows(value: &str, filter: Option<&str>) -> Rows {
    Rows {
        from: None,
        value: value.to_string(),
        denominator: None,
        filter: filter.map(str::to_string),
        aggregate: Aggregate::Sum,
        population: Population::Matching,
        adjustment: Adjustment::default(),
        winsorize: None,
    }
}

pub fn metric(value: &str, filter: Option<&str>) -> Metric {
    metric_of(rows(value, filter))
}

pub fn metric_of(rows: Rows) -> Metric {
    Metric {
        id: "m".to_string(),
        title: "m".to_string(),
        unit: None,
        kind: MetricKind::Mean,
        source: MetricSource::Rows(Box::new(rows)),
        goal: Goal::Increase,
        role: Role::Primary,
        test: TestKind::Auto,
        margin: None,
        min_effect: None,
        assumption: None,
        plan: None,
        family: None,
    }
}

/// A date of the data after all rows.
pub const DATE: jiff::civil::Date = jiff::civil::date(2026, 12, 31);

/// The dataset of an experiment without a start.
pub fn open(
    source: &DataSource,
    metrics: &[Metric],
    design: &Design,
) -> Result<Warned<Dataset>, Vec<Diagnostic>> {
    itog::data::open(source, metrics, design, &[], None, DATE)
}

/// The headers of an experiment without segments.
pub fn inspect(source: &DataSource, metrics: &[Metric]) -> Result<Warned<Header>, Vec<Diagnostic>> {
    itog::data::inspect(source, metrics, &[])
}

/// The values of one group.
#[derive(Debug, PartialEq)]
pub struct Sample {
    pub group: String,
    pub values: Vec<f64>,
    pub missing: u64,
    pub non_finite: u64,
}

pub fn gathered(data: &Dataset, rows: &Rows, binary: bool) -> Result<Gathered, Diagnostic> {
    let values: Vec<&str> =
        std::iter::once(&rows.value).chain(&rows.denominator).map(String::as_str).collect();
    data.gather(&Query {
        from: rows.from.as_deref(),
        values: &values,
        filter: rows.filter.as_deref(),
        aggregate: rows.aggregate,
        population: rows.population,
        binary,
        adjustment: &rows.adjustment,
    })
}

pub fn first_values(answer: Gathered) -> Vec<Sample> {
    let sample = |mut group: itog::data::GroupValues| Sample {
        group: group.group,
        values: group.values.remove(0),
        missing: group.missing,
        non_finite: group.non_finite,
    };
    answer.groups.into_iter().map(sample).collect()
}

pub fn samples(data: &Dataset, value: &str, filter: Option<&str>) -> Result<Vec<Sample>, Diagnostic> {
    gathered(data, &rows(value, filter), false).map(first_values)
}

pub fn indicators(data: &Dataset, value: &str, filter: Option<&str>) -> Result<Vec<Sample>, Diagnostic> {
    gathered(data, &Rows { aggregate: Aggregate::Any, ..rows(value, filter) }, true).map(first_values)
}

pub fn design(control: Option<&str>) -> Design {
    Design {
        control: control.map(str::to_string),
        alpha: 0.05,
        power: 0.8,
        correction: Correction::Holm,
        allocation: Vec::new(),
        comparisons: Comparisons::Control,
        monitoring: Monitoring::Fixed,
        monitoring_by_dates: false,
        looks: Looks::default(),
        other_controls: Vec::new(),
        replicates: 1000,
        resampling: Resampling::Multinomial,
    }
}

pub fn rule(
    column: &str,
    min: Option<f64>,
    max: Option<f64>,
    required: bool,
    invalid: OnBroken,
) -> ColumnRule {
    ColumnRule { column: column.to_string(), title: None, unit: None, min, max, required, invalid }
}

/// Opens a fixture whose group column is `group` and whose metric is `x`.
pub fn simple(name: &str) -> Dataset {
    opened(&source(fixture(name), "group"), &[metric("x", None)])
}

pub fn opened(source: &DataSource, metrics: &[Metric]) -> Dataset {
    match open(source, metrics, &design(None)) {
        Ok(Warned { value, .. }) => value,
        Err(problems) => panic!("{}: {problems:?}", source.files.pattern),
    }
}

pub fn problems(source: &DataSource, metrics: &[Metric]) -> Vec<Diagnostic> {
    match open(source, metrics, &design(None)) {
        Ok(opened) => panic!("{} was read: {:?}", source.files.pattern, opened.value),
        Err(problems) => problems,
    }
}

pub fn codes(gates: &[Gate]) -> Vec<&'static str> {
    gates.iter().filter(|gate| gate.refuses).map(|gate| gate.reason.code()).collect()
}

pub fn values(dataset: &Dataset, sql: &str) -> Vec<Vec<f64>> {
    samples(dataset, sql, None).unwrap().into_iter().map(|sample| sample.values).collect()
}

/// The malformed rows of a dataset as line and fault.
pub fn malformed(dataset: &Dataset) -> Vec<(u64, &'static str)> {
    dataset.reading.first_malformed.iter().map(|row| (row.line, row.fault.code())).collect()
}
