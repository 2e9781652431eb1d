//! What can go wrong between here and a database, said so that an operator knows what to do.

use crate::diag::Diagnostic;

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The server cannot be reached.
    Connect,
    /// The server does not know the user, or the password is wrong.
    Login,
    /// There is no common, trusted encryption.
    Tls,
    /// The time is over.
    Timeout,
    /// The user interrupted the run.
    Interrupted,
    /// The server refuses the query.
    Query,
    /// The answer is not what was asked for.
    Answer,
}

impl Fault {
    /// The diagnostic, with what the server or the system said.
    pub fn says(self, place: &str, said: &str) -> Diagnostic {
        let said = said.trim();
        let (code, what, hint) = self.words();
        Diagnostic::error(code, format!("{place}: {what}: {said}")).hint(hint)
    }

    /// The code of the diagnostic.
    pub fn code(self) -> &'static str {
        self.words().0
    }

    /// Code, what is wrong, what to do.
    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Fault::Connect => (
                "warehouse::connect",
                "the database cannot be reached",
                "check host and port in the address, the network and the firewall",
            ),
            Fault::Login => (
                "warehouse::login",
                "the database refuses the user",
                "check user and password in the environment, and that the user may read the table",
            ),
            Fault::Tls => (
                "warehouse::tls",
                "no trusted encrypted connection",
                "install the certificate of the authority, or say `sslmode=disable` in the address inside of a trusted network",
            ),
            Fault::Timeout => (
                "warehouse::timeout",
                "the database did not answer in time; the query was cancelled",
                "raise `timeout` under [data], or ask for less",
            ),
            Fault::Interrupted => {
                ("warehouse::interrupted", "interrupted; the query was cancelled", "run it again")
            }
            Fault::Query => (
                "warehouse::query",
                "the database refuses the query",
                "the words of the database say why; `RUST_LOG=itog=debug` shows the query",
            ),
            Fault::Answer => (
                "warehouse::answer",
                "the answer of the database is not what was asked for",
                "please report this with the version of the database",
            ),
        }
    }
}
