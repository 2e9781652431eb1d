//! A server that `.ci/warehouse` started, and tables that are files and tables of it at once.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Which server.
#[derive(Clone, Debug)]
pub enum Server {
    Postgres(String),
    Clickhouse(String),
}

/// What a column holds; each may lack values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Type {
    Text,
    Int,
    Real,
    Date,
    Stamp,
}

/// A table as CSV.
pub struct Table {
    pub name: &'static str,
    pub columns: Vec<(&'static str, Type)>,
    /// Lines below the header, an empty cell for a missing value.
    pub lines: Vec<String>,
}

impl Server {
    /// The servers that are there; those that are not are named.
    pub fn all() -> Vec<Server> {
        let found = [("ITOG_POSTGRES_URL", true), ("ITOG_CLICKHOUSE_URL", false)];
        let found = found.into_iter().filter_map(|(name, postgres)| {
            let Ok(url) = std::env::var(name) else {
                eprintln!("skipped: {name} is not set; .ci/warehouse starts a server and sets it");
                return None;
            };
            Some(if postgres { Server::Postgres(url) } else { Server::Clickhouse(url) })
        });
        found.collect()
    }

    /// What configs call it.
    pub fn source(&self) -> &'static str {
        match self {
            Server::Postgres(_) => "postgres",
            Server::Clickhouse(_) => "clickhouse",
        }
    }

    /// Runs statements.
    pub fn run(&self, sql: &str) -> String {
        match self {
            Server::Postgres(url) => block(async {
                let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
                tokio::spawn(connection);
                let lines =
                    client.simple_query(sql).await.unwrap_or_else(|error| panic!("{sql:.300}: {error:?}"));
                let lines = lines.into_iter().filter_map(|message| match message {
                    tokio_postgres::SimpleQueryMessage::Row(row) => Some(
                        (0..row.len()).map(|at| row.get(at).unwrap_or("\\N")).collect::<Vec<_>>().join("\t"),
                    ),
                    _ => None,
                });
                lines.collect::<Vec<String>>().join("\n")
            }),
            Server::Clickhouse(url) => block(async {
                let answer = reqwest::Client::new().post(url).body(sql.to_owned()).send().await.unwrap();
                let status = answer.status();
                let text = answer.text().await.unwrap();
                assert!(status.is_success(), "{sql:.300}: {text}");
                text.trim_end().to_owned()
            }),
        }
    }

    /// Puts a table there anew.
    pub fn fill(&self, table: &Table) {
        let name = table.name;
        self.run(&format!("DROP TABLE IF EXISTS {name}"));
        let columns: Vec<String> =
            table.columns.iter().map(|(name, of)| format!("{name} {}", self.type_of(*of))).collect();
        match self {
            Server::Postgres(_) => {
                self.run(&format!("CREATE TABLE {name} ({})", columns.join(", ")));
                for part in table.lines.chunks(2000) {
                    let rows: Vec<String> = part.iter().map(|line| table.values(line)).collect();
                    self.run(&format!("INSERT INTO {name} VALUES {}", rows.join(",")));
                }
                self.run(&format!("ANALYZE {name}"));
            }
            Server::Clickhouse(_) => {
                let engine = "ENGINE = MergeTree() PARTITION BY tuple() ORDER BY tuple()";
                self.run(&format!("CREATE TABLE {name} ({}) {engine}", columns.join(", ")));
                let mut text = format!("INSERT INTO {name} FORMAT TabSeparated\n");
                for line in &table.lines {
                    let cells: Vec<&str> =
                        line.split(',').map(|cell| if cell.is_empty() { "\\N" } else { cell }).collect();
                    writeln!(text, "{}", cells.join("\t")).unwrap();
                }
                self.run(&text);
            }
        }
    }

    fn type_of(&self, of: Type) -> &'static str {
        match (self, of) {
            (Server::Postgres(_), Type::Text) => "text",
            (Server::Postgres(_), Type::Int) => "bigint",
            (Server::Postgres(_), Type::Real) => "numeric",
            (Server::Postgres(_), Type::Date) => "date",
            (Server::Postgres(_), Type::Stamp) => "timestamp",
            (Server::Clickhouse(_), Type::Text) => "Nullable(String)",
            (Server::Clickhouse(_), Type::Int) => "Nullable(Int64)",
            (Server::Clickhouse(_), Type::Real) => "Nullable(Float64)",
            (Server::Clickhouse(_), Type::Date) => "Nullable(Date)",
            (Server::Clickhouse(_), Type::Stamp) => "Nullable(DateTime)",
        }
    }
}

impl Table {
    /// The same as a file.
    pub fn write(&self, folder: &Path) {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        let mut text = names.join(",") + "\n";
        self.lines.iter().for_each(|line| writeln!(text, "{line}").unwrap());
        fs::write(folder.join(format!("{}.csv", self.name)), text).unwrap();
    }

    fn values(&self, line: &str) -> String {
        let cells = line.split(',').zip(&self.columns).map(|(cell, (_, of))| match (cell, of) {
            ("", _) => "NULL".to_owned(),
            (cell, Type::Int | Type::Real) => cell.to_owned(),
            (cell, _) => format!("'{}'", cell.replace('\'', "''")),
        });
        format!("({})", cells.collect::<Vec<_>>().join(","))
    }
}

/// Waits for an answer.
pub fn block<T>(work: impl std::future::Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}
