//! The client of PostgreSQL and of what speaks its protocol.
//!
//! The session reads only, ends its statements in time, and carries the program's name. The connection is encrypted unless the
//! server is on this machine or the address says `sslmode=disable`.

use std::future::Future;
use std::time::Duration;

use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::{CancelToken, Client, Config, NoTls, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::answer::Line;
use super::dialect::Dialect;
use super::failure::Fault;
use super::interrupt::in_time;
use crate::config::valid::Engine;

/// Kilobytes that a step of the query may take before a server that may sort does so instead of bringing rows together by hash.
const WORK_MEMORY: u64 = 131_072;

/// An open session.
pub struct Session {
    client: Client,
    cancel: CancelToken,
    tls: Option<MakeRustlsConnect>,
    timeout: Duration,
}

type Failed = (Fault, String);

impl Session {
    /// Connects and makes the session read-only. `tables` are the names of all that is asked, without schemas; none where a part
    /// of it is a query of the user.
    ///
    /// # Errors
    /// An address that is none, a server that cannot be reached or refuses the user.
    pub async fn open(
        url: &str,
        password: Option<&str>,
        timeout: Duration,
        tables: Option<&[String]>,
    ) -> Result<Session, Failed> {
        let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
            (Fault::Connect, format!("the address is not understood: {}", told(&error)))
        })?;
        if let Some(password) = password {
            config.password(password);
        }
        config.application_name("itog");
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(15));
        }
        let local = config.get_hosts().iter().all(|host| match host {
            Host::Tcp(name) => matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1"),
            #[cfg(unix)]
            Host::Unix(_) => true,
        });
        if !url.contains("sslmode") {
            config.ssl_mode(if local { SslMode::Disable } else { SslMode::Require });
        }
        let plain = config.get_ssl_mode() == SslMode::Disable;
        let tls = if plain { None } else { Some(encryption()?) };
        let opened = async {
            let client = match &tls {
                None => {
                    let (client, connection) = config.connect(NoTls).await?;
                    tokio::spawn(connection);
                    client
                }
                Some(tls) => {
                    let (client, connection) = config.connect(tls.clone()).await?;
                    tokio::spawn(connection);
                    client
                }
            };
            Ok(client)
        };
        let client = in_time(opened, timeout)
            .await
            .map_err(|fault| match fault {
                Fault::Timeout => (Fault::Connect, format!("no answer after {} s", timeout.as_secs())),
                fault => (fault, "while connecting".to_owned()),
            })?
            .map_err(|error: tokio_postgres::Error| failed(&error))?;
        let session = Session { cancel: client.cancel_token(), client, tls, timeout };
        let settings = settings(timeout, tables);
        session.bounded(session.client.simple_query(&settings)).await?;
        Ok(session)
    }

    /// Columns of a query with the names of their types.
    ///
    /// # Errors
    /// What the server refuses.
    pub async fn columns(&self, sql: &str) -> Result<Vec<(String, String)>, Failed> {
        let statement = self.bounded(self.client.prepare(sql)).await?;
        let columns = statement.columns().iter();
        Ok(columns.map(|column| (column.name().to_owned(), column.type_().name().to_owned())).collect())
    }

    /// The lines of a query.
    ///
    /// # Errors
    /// What the server refuses, and a time that is over.
    pub async fn lines(&self, sql: &str) -> Result<Vec<Line>, Failed> {
        let messages = self.bounded(self.client.simple_query(sql)).await?;
        let line = |message: SimpleQueryMessage| match message {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect())
            }
            _ => None,
        };
        Ok(messages.into_iter().filter_map(line).collect())
    }

    /// Whether the server would run a query: it plans it and checks what the user may read, without reading a row.
    ///
    /// # Errors
    /// What the server refuses.
    pub async fn accepts(&self, sql: &str) -> Result<(), Failed> {
        self.bounded(self.client.simple_query(&format!("EXPLAIN {sql}"))).await.map(|_| ())
    }

    /// Waits for an answer until the time is over or the user interrupts, and cancels the query on the server then.
    async fn bounded<T>(
        &self,
        asked: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Failed> {
        // The server ends the statement itself; this clock is for a server that does not answer at all.
        let patience = self.timeout + Duration::from_secs(5);
        let fault = match in_time(asked, patience).await {
            Ok(answer) => return answer.map_err(|error| failed(&error)),
            Err(fault) => fault,
        };
        let cancelled = async {
            match &self.tls {
                None => self.cancel.cancel_query(NoTls).await,
                Some(tls) => self.cancel.cancel_query(tls.clone()).await,
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(5), cancelled).await;
        Err((fault, format!("after {} s", self.timeout.as_secs())))
    }
}

/// The statements that a session begins with.
///
/// Parallel workers add numbers up in any order; one worker gives the same bits as long as the plan is the same. Settings that a server of
/// the protocol does not know are passed over: `pg_settings` has no row of them.
///
/// Units are brought together by hash, which took a fifth less than sorting them. Since version 13 a hash that outgrows its memory goes to
/// disk in parts, and less memory was even faster, so that forbidding sorts is all it takes. A query or a view of the user may need its
/// sorts (`DISTINCT ON`, windows), and would read a whole index out of order without them. There, and on older servers, more memory lets the
/// server choose the hash itself.
fn settings(timeout: Duration, tables: Option<&[String]>) -> String {
    let sorts_for_none = tables.map_or_else(
        || "1 = 0".to_owned(),
        |tables| {
            let dialect = Dialect(Engine::Postgres);
            let names = tables.iter().map(|name| dialect.text(name)).collect::<Vec<_>>().join(", ");
            format!(
                "(SELECT q_v.setting::int FROM pg_settings AS q_v WHERE q_v.name = 'server_version_num') >= 130000 \
                 AND NOT EXISTS (SELECT 1 FROM pg_class WHERE relname IN ({names}) AND relkind IN ('v', 'f'))"
            )
        },
    );
    format!(
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY; SET statement_timeout = {}; \
         SET extra_float_digits = 2; \
         SELECT set_config(name, CASE name WHEN 'max_parallel_workers_per_gather' THEN '0' \
         WHEN 'client_connection_check_interval' THEN '1000' \
         WHEN 'work_mem' THEN greatest(setting::bigint, {WORK_MEMORY})::text ELSE 'off' END, false) \
         FROM pg_settings WHERE name IN ('jit', 'synchronize_seqscans', 'max_parallel_workers_per_gather', \
         'client_connection_check_interval', \
         CASE WHEN {sorts_for_none} THEN 'enable_sort' ELSE 'work_mem' END)",
        timeout.as_millis()
    )
}

fn encryption() -> Result<MakeRustlsConnect, Failed> {
    match MakeRustlsConnect::with_native_certs() {
        Ok((tls, _)) => Ok(tls),
        Err(errors) => {
            let first = errors.first().map_or("no certificate was found".to_owned(), ToString::to_string);
            Err((Fault::Tls, format!("the certificates of this machine: {first}")))
        }
    }
}

/// What an error says, with its causes.
fn told(error: &tokio_postgres::Error) -> String {
    if let Some(error) = error.as_db_error() {
        let more = error.detail().map(|detail| format!(" ({detail})")).unwrap_or_default();
        return format!("{}{more}, SQLSTATE {}", error.message(), error.code().code());
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text.push_str(&format!(": {next}"));
        cause = next.source();
    }
    text
}

fn failed(error: &tokio_postgres::Error) -> Failed {
    let said = told(error);
    let fault = match error.code() {
        Some(code) if code.code().starts_with("28") => Fault::Login,
        Some(code) if *code == SqlState::INVALID_CATALOG_NAME => Fault::Login,
        Some(code) if *code == SqlState::QUERY_CANCELED => Fault::Timeout,
        Some(code) if code.code().starts_with("08") || code.code().starts_with("57P") => Fault::Connect,
        Some(_) => Fault::Query,
        None => {
            let lower = said.to_lowercase();
            let speaks_of = |words: &[&str]| words.iter().any(|word| lower.contains(word));
            if speaks_of(&["tls", "certificate", "ssl"]) {
                Fault::Tls
            } else if speaks_of(&["password", "authentication"]) {
                Fault::Login
            } else {
                Fault::Connect
            }
        }
    };
    (fault, said)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a session may do that asks for these tables; the server is the one that `.ci/warehouse` starts.
    fn allowed(tables: Option<&[&str]>) -> Option<(String, String)> {
        let Ok(url) = std::env::var("ITOG_POSTGRES_URL") else {
            eprintln!("skipped: ITOG_POSTGRES_URL is not set; .ci/warehouse starts a server and sets it");
            return None;
        };
        let tables: Option<Vec<String>> =
            tables.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let lines = runtime.block_on(async {
            let second = Duration::from_secs(10);
            let session = Session::open(&url, None, second, tables.as_deref()).await.ok().unwrap();
            session.lines("SELECT current_setting('enable_sort'), current_setting('work_mem')").await.unwrap()
        });
        let [sort, memory] = [0, 1].map(|at| lines[0][at].clone().unwrap());
        Some((sort, memory))
    }

    #[test]
    fn only_tables_are_asked_without_sorts() {
        let Some((sort, memory)) = allowed(Some(&["pg_class", "no such table"])) else { return };
        assert_eq!(sort, "off");
        assert_ne!(memory, "128MB");
        for tables in [None, Some(["pg_class", "pg_tables"].as_slice())] {
            assert_eq!(allowed(tables).unwrap(), ("on".into(), "128MB".into()), "{tables:?}");
        }
    }

    #[test]
    fn a_server_that_does_not_know_a_setting_is_not_asked_to_show_it() {
        let sql = settings(Duration::from_secs(1), Some(&["it's".to_owned()]));
        assert!(!sql.contains("current_setting") && sql.contains("relname IN ('it''s')"), "{sql}");
        assert!(settings(Duration::from_secs(1), None).contains("CASE WHEN 1 = 0 THEN"));
    }
}
