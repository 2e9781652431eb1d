//! Nights whose mail has not been queued yet: a run that dies between putting its folder in place and queueing leaves one.

use jiff::Timestamp;
use rusqlite::params;

use super::Outbox;

impl Outbox {
    /// Notes that the mail of a night is to be queued when its reports are in place.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn announce(&mut self, date: &str, at: Timestamp) -> rusqlite::Result<()> {
        self.note(date, "announced", at)
    }

    /// Notes that everything a night has to say is queued.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn settled(&mut self, date: &str, at: Timestamp) -> rusqlite::Result<()> {
        self.note(date, "queued", at)
    }

    /// Data dates that were announced and never queued, in order.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn unsettled(&self) -> rusqlite::Result<Vec<String>> {
        let mut statement = self.archive.connection().prepare(
            "SELECT data_date FROM mail_nights AS n WHERE event = 'announced'
             AND seq = (SELECT max(seq) FROM mail_nights WHERE data_date = n.data_date) ORDER BY data_date",
        )?;
        let rows = statement.query_map([], |row| row.get(0))?;
        rows.collect()
    }

    fn note(&mut self, date: &str, event: &str, at: Timestamp) -> rusqlite::Result<()> {
        self.archive.connection().execute(
            "INSERT INTO mail_nights (data_date, event, at) VALUES (?1, ?2, ?3)",
            params![date, event, at.to_string()],
        )?;
        Ok(())
    }
}
