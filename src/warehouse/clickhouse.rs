//! The client of ClickHouse, over HTTP.
//!
//! The session reads only (`readonly = 2`: settings may be given, nothing may be written), ends its queries in time, and buffers the
//! answer on the server, so that an error in the middle of it comes as an error. Formats are those that servers of 2018 know.

use std::time::Duration;

use reqwest::{StatusCode, Url};

use super::answer::Line;
use super::failure::Fault;
use super::interrupt::in_time;

/// Where queries go.
pub struct Session {
    client: reqwest::Client,
    url: Url,
    user: Option<(String, Option<String>)>,
    timeout: Duration,
    /// Names the queries of this session, so that they can be cancelled.
    id: String,
}

type Failed = (Fault, String);

impl Session {
    /// Prepares the client; nothing is sent yet.
    ///
    /// # Errors
    /// An address that is none.
    pub fn open(url: &str, password: Option<&str>, timeout: Duration, id: &str) -> Result<Session, Failed> {
        let wrong = |reason: String| (Fault::Connect, format!("the address is not understood: {reason}"));
        let mut url: Url = url.parse().map_err(|error| wrong(format!("{error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong(format!("`{}` is neither http nor https", url.scheme())));
        }
        let decoded = |text: &str| percent_decoded(text);
        let name = decoded(url.username());
        let password = password.map(str::to_owned).or_else(|| url.password().map(decoded));
        let user = (!name.is_empty() || password.is_some())
            .then(|| (if name.is_empty() { "default".to_owned() } else { name }, password));
        // What an error prints must not hold the password.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(15))
            .user_agent("itog")
            .build()
            .map_err(|error| (Fault::Tls, chain(&error)))?;
        Ok(Session { client, url, user, timeout, id: id.to_owned() })
    }

    /// Columns of a query with the names of their types.
    ///
    /// # Errors
    /// What the server refuses.
    pub async fn columns(&self, sql: &str) -> Result<Vec<(String, String)>, Failed> {
        let text = self.ask(&format!("{sql} FORMAT TabSeparatedWithNamesAndTypes"), "columns").await?;
        let mut lines = text.lines().map(|line| line.split('\t').map(unescaped));
        let (Some(names), Some(types)) = (lines.next(), lines.next()) else {
            return Err((Fault::Answer, "no header".to_owned()));
        };
        Ok(names.map(Option::unwrap_or_default).zip(types.map(Option::unwrap_or_default)).collect())
    }

    /// The lines of a query.
    ///
    /// # Errors
    /// What the server refuses, and a time that is over.
    pub async fn lines(&self, sql: &str) -> Result<Vec<Line>, Failed> {
        let text = self.ask(&format!("{sql} FORMAT TabSeparated"), "sums").await?;
        Ok(text.lines().map(|line| line.split('\t').map(unescaped).collect()).collect())
    }

    async fn ask(&self, sql: &str, what: &str) -> Result<String, Failed> {
        let id = format!("{}-{what}", self.id);
        let seconds = self.timeout.as_secs().to_string();
        let settings = [
            ("query_id", id.as_str()),
            ("readonly", "2"),
            ("max_execution_time", seconds.as_str()),
            ("wait_end_of_query", "1"),
            ("join_use_nulls", "1"),
            ("max_query_size", "10485760"),
            ("max_ast_depth", "10000"),
            ("max_ast_elements", "1000000"),
            ("max_expanded_ast_elements", "10000000"),
        ];
        let answer = async {
            let answer = self.request(&settings).body(sql.to_owned()).send().await.map_err(|e| failed(&e))?;
            let status = answer.status();
            let text = answer.text().await.map_err(|e| failed(&e))?;
            if status.is_success() { Ok(text) } else { Err(refused(status, &text)) }
        };
        let fault = match in_time(answer, self.timeout + Duration::from_secs(5)).await {
            Ok(answer) => return answer,
            Err(fault) => fault,
        };
        let kill = format!("KILL QUERY WHERE query_id = '{id}' ASYNC");
        let killed = self.request(&[]).body(kill).send();
        let _ = tokio::time::timeout(Duration::from_secs(5), killed).await;
        Err((fault, format!("after {seconds} s")))
    }

    fn request(&self, settings: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let mut url = self.url.clone();
        if !settings.is_empty() {
            url.query_pairs_mut().extend_pairs(settings);
        }
        let request = self.client.post(url);
        match &self.user {
            Some((user, password)) => request.basic_auth(user, password.as_deref()),
            None => request,
        }
    }
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (bytes[at], hex) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                at += 3;
            }
            (byte, _) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// A field as ClickHouse escapes it; none for NULL.
fn unescaped(field: &str) -> Option<String> {
    if field == "\\N" {
        return None;
    }
    let mut text = String::with_capacity(field.len());
    let mut characters = field.chars();
    while let Some(c) = characters.next() {
        text.push(match c {
            '\\' => match characters.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('0') => '\0',
                Some('b') => '\u{8}',
                Some('f') => '\u{c}',
                Some(other) => other,
                None => '\\',
            },
            c => c,
        });
    }
    Some(text)
}

/// What the server answered instead of lines: `Code: 47. DB::Exception: …`.
fn refused(status: StatusCode, text: &str) -> Failed {
    let said: String = text.trim().chars().take(600).collect();
    let code = said
        .strip_prefix("Code: ")
        .and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u32>().ok());
    let fault = match (code, status) {
        // Unknown user, wrong password, required password, authentication failed, not enough privileges.
        (Some(192..=194 | 516 | 497), _) | (None, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            Fault::Login
        }
        (Some(159 | 160), _) => Fault::Timeout,
        (Some(_), _) => Fault::Query,
        (None, _) => Fault::Answer,
    };
    (fault, if said.is_empty() { format!("HTTP {status}") } else { said })
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(&format!(": {next}"));
        cause = next.source();
    }
    text
}

fn failed(error: &reqwest::Error) -> Failed {
    let said = chain(error);
    let lower = said.to_lowercase();
    let fault = match () {
        () if lower.contains("certificate") || lower.contains("tls") => Fault::Tls,
        () if error.is_connect() => Fault::Connect,
        () if error.is_timeout() => Fault::Timeout,
        () => Fault::Connect,
    };
    (fault, said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_they_are_escaped() {
        assert_eq!(unescaped("\\N"), None);
        assert_eq!(unescaped("a\\tb\\\\N\\'").as_deref(), Some("a\tb\\N'"));
        assert_eq!(percent_decoded("p%40ss%2"), "p@ss%2");
    }

    #[test]
    fn a_refusal_says_whose_fault_it_is() {
        let of = |text: &str| refused(StatusCode::INTERNAL_SERVER_ERROR, text).0;
        assert_eq!(of("Code: 193, e.displayText() = DB::Exception: Wrong password"), Fault::Login);
        assert_eq!(of("Code: 159. DB::Exception: Timeout exceeded"), Fault::Timeout);
        assert_eq!(of("Code: 47. DB::Exception: Unknown identifier"), Fault::Query);
        assert_eq!(of(""), Fault::Answer);
    }

    #[test]
    fn the_password_leaves_the_address() {
        let open = |url: &str| Session::open(url, None, Duration::from_secs(1), "x");
        let session = open("https://us%65r:p%40ss@host:8443/?database=d").ok().unwrap();
        assert_eq!(session.user, Some(("user".into(), Some("p@ss".into()))));
        assert_eq!(session.url.as_str(), "https://host:8443/?database=d");
        assert!(open("postgres://host").is_err() && open("nothing").is_err());
    }
}
