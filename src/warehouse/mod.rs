//! Past one machine: the rows of an experiment stay in their database, and only sums come here.
//!
//! # What
//! [`ask`] sends one aggregate query an experiment and gives [`Sums`](crate::sums::Sums); [`Inspector`] checks configs against the columns alone.
//!
//! # How
//! The columns of the table or query are read first, without a row. Every expression of the config is checked against them by the
//! rules for files (`data::inspect_columns`) and translated into the dialect of the server (`translate`); what has no
//! counterpart there is refused. `asked` lists the aggregates that the metrics need, `sql` writes the one query, `answer` puts the
//! lines of the answer together. `postgres` and `clickhouse` are the clients: read-only, with a time limit, encrypted, cancelled
//! on the server when the time is over or the user interrupts.

#![allow(clippy::disallowed_methods, reason = "secrets come from the environment")]

mod answer;
mod asked;
mod clickhouse;
mod dialect;
mod failure;
mod interrupt;
mod lexer;
mod postgres;
mod sql;
#[cfg(test)]
mod tests;
mod translate;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::civil::Date;

use crate::config::valid::{Config, DataSource, Engine, Relation, Warehouse};
use crate::data;
use crate::diag::Diagnostic;
use crate::sums::Before;
use answer::{Answered, Line, answered};
use asked::{Asked, AskedCovariate, Headers, Span, relation};
use dialect::Dialect;
use failure::Fault;
pub use interrupt::interrupt;
use sql::Centres;
use translate::Column;

/// An open session with either server.
enum Session {
    Postgres(postgres::Session),
    Clickhouse(clickhouse::Session),
}

type Failed = (Fault, String);

impl Session {
    async fn open(
        warehouse: &Warehouse,
        url: &str,
        password: Option<&str>,
        tables: Option<&[String]>,
        id: &str,
    ) -> Result<Session, Failed> {
        let timeout = Duration::from_secs(warehouse.timeout);
        Ok(match warehouse.engine {
            Engine::Postgres => {
                Session::Postgres(postgres::Session::open(url, password, timeout, tables).await?)
            }
            Engine::Clickhouse => Session::Clickhouse(clickhouse::Session::open(url, password, timeout, id)?),
        })
    }

    async fn columns(&self, sql: &str) -> Result<Vec<(String, String)>, Failed> {
        match self {
            Session::Postgres(session) => session.columns(sql).await,
            Session::Clickhouse(session) => session.columns(sql).await,
        }
    }

    /// Whether a query would run. ClickHouse says so of a table when it tells its columns, and cannot be asked of more without running it.
    async fn accepts(&self, sql: &str) -> Result<(), Failed> {
        match self {
            Session::Postgres(session) => session.accepts(sql).await,
            Session::Clickhouse(_) => Ok(()),
        }
    }

    async fn lines(&self, sql: &str) -> Result<Vec<Line>, Failed> {
        tracing::debug!(target: "itog::warehouse", sql, "query");
        match self {
            Session::Postgres(session) => session.lines(sql).await,
            Session::Clickhouse(session) => session.lines(sql).await,
        }
    }
}

/// The sums of an experiment whose rows are in a database, as the JSON that its report is made from: of all rows, or, with
/// `incremental = true`, what the nights before kept and the days after it.
///
/// # Errors
/// A config that the columns or the dialect do not fit, all problems at once; a server that cannot be asked.
pub fn ask(config: &Config, date: Date, before: &Before) -> Result<String, Vec<Diagnostic>> {
    let (source, warehouse) = place(config)?;
    let written = |text: Result<String, serde_json::Error>| {
        text.map_err(|error| vec![Fault::Answer.says("sums", &error.to_string())])
    };
    with_session(config, source, warehouse, async |session, headers| {
        let mut asked = Asked::of(config, source, warehouse, &headers, date)?;
        let until =
            source.incremental.as_ref().and_then(|incremental| data::settled_until(incremental, date));
        let Some(until) = until else {
            return written(answer(session, source, &asked).await?.sums.to_json());
        };
        let question = question(&asked, warehouse);
        let usable = before.usable(&question, Some(until));
        let since = usable.as_ref().and_then(|known| known.until?.tomorrow().ok());
        asked.span = Some(Span { since, until });
        let wrong = |said: String| vec![Fault::Answer.says(&source.files.pattern, &said)];
        let answered = answer(session, source, &asked).await?;
        let portions = answered.portions.ok_or_else(|| wrong("the days were not told apart".to_owned()))?;
        let own = before.add(usable.as_ref(), question, Some(until), portions, Vec::new());
        written(own.map_err(|reason| wrong(reason.to_string()))?.to_json())
    })
}

/// Asks, and asks again with the means where the centres were too far from them.
async fn answer(session: &Session, source: &DataSource, asked: &Asked) -> Result<Answered, Vec<Diagnostic>> {
    let fail = |(fault, said): Failed| vec![fault.says(&source.files.pattern, &said)];
    let wrong = |said: String| fail((Fault::Answer, said));
    let lines = session.lines(&sql::query(asked, &Centres::Sampled)).await.map_err(fail)?;
    let first = answered(asked, &lines).map_err(wrong)?;
    let Some(means) = first.ask_again else { return Ok(first) };
    let lines = session.lines(&sql::query(asked, &Centres::Known(means))).await.map_err(fail)?;
    answered(asked, &lines).map_err(wrong)
}

/// What is asked, whatever the night: the query of a fixed date, where it is asked, and the names that its numbers get.
fn question(asked: &Asked, warehouse: &Warehouse) -> String {
    let asked = Asked { date: Date::constant(2000, 1, 1), ..asked.clone() };
    let metrics: Vec<&str> = asked.metrics.iter().map(|metric| metric.id.as_str()).collect();
    let covariates: Vec<&str> = asked.covariates.iter().map(AskedCovariate::name).collect();
    let partitions: Vec<&str> = asked.partitions.iter().map(|(by, _)| by.as_str()).collect();
    let rules: Vec<&str> = asked.rules.iter().map(|rule| rule.column.as_str()).collect();
    data::question(&[
        &sql::query(&asked, &Centres::Sampled),
        &warehouse.url_env,
        &metrics.join("\n"),
        &covariates.join("\n"),
        &partitions.join("\n"),
        &rules.join("\n"),
    ])
}

/// Checks configs against the columns of their databases, and whether these may be read, asking for no row. A server that could not
/// be reached is not tried again: each try may take as long as a connection may.
#[derive(Default)]
pub struct Inspector {
    unreachable: BTreeSet<String>,
}

impl Inspector {
    /// Checks one config.
    ///
    /// # Errors
    /// As [`ask`], as far as can be told without a row.
    pub fn inspect(&mut self, config: &Config) -> Result<(), Vec<Diagnostic>> {
        let (source, warehouse) = place(config)?;
        if self.is_unreachable(warehouse) {
            let said = format!("not tried again, the address in {} did not answer before", warehouse.url_env);
            return Err(vec![Fault::Connect.says(&source.files.pattern, &said)]);
        }
        let found = with_session(config, source, warehouse, async |session, headers| {
            let date = config.experiment.end.unwrap_or(Date::constant(2000, 1, 1));
            let asked = Asked::of(config, source, warehouse, &headers, date)?;
            // Columns are told to users who may not read them.
            let said = session.accepts(&sql::query(&asked, &Centres::Sampled)).await;
            said.map_err(|(fault, said)| vec![fault.says(&source.files.pattern, &said)])
        });
        if let Err(problems) = &found
            && problems.iter().any(|problem| problem.code == Fault::Connect.code())
        {
            self.unreachable.insert(warehouse.url_env.clone());
        }
        found
    }

    /// Whether the server of a config could not be reached before.
    pub fn is_unreachable(&self, warehouse: &Warehouse) -> bool {
        self.unreachable.contains(&warehouse.url_env)
    }
}

/// Asks the database of an experiment, where it has one, and puts the answer into the config: from there on it is an input like
/// a file. `date` is the date of the data.
///
/// # Errors
/// As [`ask`].
pub fn fill(config: &mut Config, date: Date, before: &Before) -> Result<(), Vec<Diagnostic>> {
    if config.data.as_ref().is_none_or(|data| data.warehouse.is_none()) {
        return Ok(());
    }
    let text = ask(config, date, before)?;
    if let Some(data) = &mut config.data {
        data.answer = Some(text.into());
    }
    Ok(())
}

fn place(config: &Config) -> Result<(&DataSource, &Warehouse), Vec<Diagnostic>> {
    let source = config.data.as_ref().and_then(|data| Some((data, data.warehouse.as_ref()?)));
    source.ok_or_else(|| vec![Fault::Connect.says("data", "the config names no database")])
}

/// Opens a session, reads the columns and checks the config against them, and hands both on.
fn with_session<T>(
    config: &Config,
    source: &DataSource,
    warehouse: &Warehouse,
    then: impl AsyncFnOnce(&Session, Headers) -> Result<T, Vec<Diagnostic>>,
) -> Result<T, Vec<Diagnostic>> {
    let place = source.files.pattern.as_str();
    let secret = |name: &str| {
        std::env::var(name).ok().filter(|value| !value.trim().is_empty()).ok_or_else(|| {
            let message = format!("{place}: the environment variable {name} is not set");
            let hint = match warehouse.engine {
                Engine::Postgres => "for example postgresql://user:password@host:5432/base",
                Engine::Clickhouse => "for example https://user:password@host:8443/?database=base",
            };
            vec![Diagnostic::error("warehouse::no-address", message).hint(hint)]
        })
    };
    let url = secret(&warehouse.url_env)?;
    let password = warehouse.password_env.as_deref().map(secret).transpose()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| vec![Fault::Connect.says(place, &error.to_string())])?;
    let fail = |(fault, said): Failed| vec![fault.says(place, &said)];
    runtime.block_on(async {
        let id = format!("itog-{}-{}", config.experiment.id, std::process::id());
        let tables = tables(source, warehouse);
        let session = Session::open(warehouse, url.trim(), password.as_deref(), tables.as_deref(), &id)
            .await
            .map_err(fail)?;
        let dialect = Dialect(warehouse.engine);
        let read = async |from: &Relation| {
            let header = sql::header(&relation(from, dialect));
            let columns = session.columns(&header).await.map_err(fail)?;
            let column = |(name, of): (String, String)| Column::of(name, &of, dialect);
            Ok::<Vec<Column>, Vec<Diagnostic>>(columns.into_iter().map(column).collect())
        };
        let own: Vec<Column> = read(&warehouse.from).await?;
        let mut facts = Vec::with_capacity(source.facts.len());
        for relation in source.facts.iter().filter_map(|facts| facts.relation.as_ref()) {
            facts.push(read(relation).await?);
        }
        let headers = Headers { own, facts };
        fits(config, source, &headers)?;
        then(&session, headers).await
    })
}

/// The names of all tables that are asked, without their schemas; none where a part is a query.
fn tables(source: &DataSource, warehouse: &Warehouse) -> Option<Vec<String>> {
    let facts = source.facts.iter().filter_map(|facts| facts.relation.as_ref());
    let name = |relation: &Relation| match relation {
        Relation::Table(table) => dialect::parts(table).last().map(str::to_owned),
        Relation::Query(_) => None,
    };
    std::iter::once(&warehouse.from).chain(facts).map(name).collect()
}

/// Whether the columns are there that the config names.
fn fits(config: &Config, source: &DataSource, headers: &Headers) -> Result<(), Vec<Diagnostic>> {
    let place = source.files.pattern.as_str();
    let names = |columns: &[Column]| columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
    let facts: Vec<Vec<String>> = headers.facts.iter().map(|columns| names(columns)).collect();
    data::inspect_columns(source, &config.metrics, &config.segments, &names(&headers.own), &facts).map_err(
        |problems| {
            let placed = problems.into_iter().map(|problem| Diagnostic {
                message: format!("{place}: {}", problem.message),
                place: None,
                ..problem
            });
            placed.collect()
        },
    )
}
