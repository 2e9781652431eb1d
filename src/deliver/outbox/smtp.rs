//! One dialogue with a mail server, step by step, so that it is known how far a message got when something fails.
//!
//! lettre speaks the protocol and TLS; its `SmtpTransport::send` would hide whether the text had left when the connection
//! was lost, which is the one thing that decides whether a message may be sent again.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{Certificate, SmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;

/// Where mail is handed in.
#[derive(Clone)]
pub struct Server {
    /// Host name, which the certificate must bear.
    pub host: String,
    /// Port.
    pub port: u16,
    /// How the connection is protected.
    pub protection: Protection,
    /// Login name and password.
    pub login: Option<(String, String)>,
    /// Certificates to trust beside those of the system, PEM.
    pub roots: Option<Vec<u8>>,
    /// How this machine calls itself.
    pub hello: String,
    /// After this silence the server is given up.
    pub timeout: Duration,
}

impl std::fmt::Debug for Server {
    /// Without the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

/// How a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// STARTTLS, required.
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// None.
    None,
}

/// Why no dialogue came about; no message is to blame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It may pass: the server is away or busy.
    Passing(String),
    /// It will not pass by itself: the certificate, the login, STARTTLS that is not offered.
    Lasting(String),
}

/// How a step of the dialogue ended otherwise than well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// To be tried again.
    Later(String),
    /// For good.
    Never(String),
    /// The text left and no answer came.
    Unknown(String),
}

/// A dialogue in which messages can be handed over.
pub struct Session {
    connection: SmtpConnection,
    is_usable: bool,
}

/// Pieces in which a text is written: between two of them it is known that the end has not left.
const PIECE: usize = 16 * 1024;

impl Session {
    /// Connects, protects the connection and logs in.
    ///
    /// # Errors
    /// [`Trouble`], in words for the operator.
    pub fn open(server: &Server) -> Result<Session, Trouble> {
        let hello = ClientId::Domain(server.hello.clone());
        let tls = match server.protection {
            Protection::None => None,
            _ => Some(tls(server)?),
        };
        let wrapped = tls.as_ref().filter(|_| server.protection == Protection::Tls);
        let place = (server.host.as_str(), server.port);
        let mut connection =
            SmtpConnection::connect(place, Some(server.timeout), &hello, wrapped, None).map_err(trouble)?;
        if let (Protection::Starttls, Some(tls)) = (server.protection, &tls) {
            if !connection.can_starttls() {
                connection.abort();
                let message = format!("{} does not offer STARTTLS", server.host);
                return Err(Trouble::Lasting(message));
            }
            connection.starttls(tls, &hello).map_err(trouble)?;
        }
        if let Some((name, password)) = &server.login {
            let credentials = Credentials::new(name.clone(), password.clone());
            connection.auth(DEFAULT_MECHANISMS, &credentials).map_err(|error| {
                let words = format!("the login was refused: {}", words(&error));
                match error.is_permanent() || error.is_client() {
                    true => Trouble::Lasting(words),
                    false => Trouble::Passing(words),
                }
            })?;
        }
        Ok(Session { connection, is_usable: true })
    }

    /// Whether another message can be handed over in this dialogue.
    pub fn is_usable(&self) -> bool {
        self.is_usable && !self.connection.has_broken()
    }

    /// Names sender and recipient.
    ///
    /// # Errors
    /// [`Refusal`], never unknown: no text has left.
    pub fn envelope(&mut self, sender: &str, recipient: &str) -> Result<(), Refusal> {
        let address =
            |text: &str| text.parse::<Address>().map_err(|error| Refusal::Never(format!("{text}: {error}")));
        let (sender, recipient) = (address(sender)?, address(recipient)?);
        self.connection.command(Mail::new(Some(sender), vec![])).map_err(|error| self.refused(&error))?;
        self.connection.command(Rcpt::new(recipient, vec![])).map_err(|error| self.refused(&error))?;
        Ok(())
    }

    /// Hands over the text. What the server said is returned.
    ///
    /// # Errors
    /// [`Refusal`]; unknown when the end of the text may have left and no answer came.
    pub fn text(&mut self, text: &[u8]) -> Result<String, Refusal> {
        self.connection.command(Data).map_err(|error| self.refused(&error))?;
        // The end of the text brings its own line break.
        let text = text.strip_suffix(b"\r\n").unwrap_or(text);
        let mut left = 0;
        let pieces = text.chunks(PIECE).inspect(|piece| left += piece.len());
        match self.connection.message_iter(pieces) {
            Ok(response) => Ok(said(&response)),
            Err(error) if error.status().is_some() => Err(self.refused(&error)),
            // Until the last piece was asked for, the end cannot have left, and without it a server takes nothing.
            Err(error) if left < text.len() => {
                self.is_usable = false;
                Err(Refusal::Later(words(&error)))
            }
            Err(error) => {
                self.is_usable = false;
                Err(Refusal::Unknown(words(&error)))
            }
        }
    }

    /// Makes the dialogue ready for the next message after one that was refused.
    pub fn reset(&mut self) {
        if self.is_usable() && self.connection.command(Rset).is_err() {
            self.is_usable = false;
        }
    }

    /// Takes leave.
    pub fn close(mut self) {
        if self.is_usable() {
            let _ = self.connection.quit();
        }
    }

    fn refused(&mut self, error: &Error) -> Refusal {
        // 421: the server closes the connection; without a status it has been lost.
        let code = error.status().map(u16::from);
        if code.is_none_or(|code| code == 421) {
            self.is_usable = false;
        }
        match error.is_permanent() {
            true => Refusal::Never(words(error)),
            false => Refusal::Later(words(error)),
        }
    }
}

fn tls(server: &Server) -> Result<TlsParameters, Trouble> {
    let lasting = |error: &Error| Trouble::Lasting(words(error));
    let mut builder = TlsParameters::builder(server.host.clone());
    if let Some(pem) = &server.roots {
        let certificate = Certificate::from_pem(pem).map_err(|error| lasting(&error))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build().map_err(|error| lasting(&error))
}

fn trouble(error: Error) -> Trouble {
    let words = words(&error);
    let mut source = error.source();
    let mut is_untrusted = error.is_tls();
    while let Some(inner) = source {
        is_untrusted |=
            inner.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::InvalidData);
        source = inner.source();
    }
    match is_untrusted || error.is_permanent() || words.contains("certificate") {
        true => Trouble::Lasting(words),
        false => Trouble::Passing(words),
    }
}

/// An error with its causes, on one line.
fn words(error: &Error) -> String {
    one_line(&error.to_string())
}

fn said(response: &Response) -> String {
    let lines: Vec<&str> = response.message().collect();
    one_line(&format!("{} {}", response.code(), lines.join(" ")))
}

/// What a server says goes into logs and lists: on one line, without control characters, not endless.
fn one_line(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(500).collect()
}
