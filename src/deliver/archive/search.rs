//! Full-text search: titles, hypotheses, owners, headlines and what people decided, by the stems of their words.
//!
//! The index is made when it is asked for, in memory, from what the chains hold: there is no second copy of the archive that
//! could differ from it, and a read-only archive can be searched. Equal texts of an experiment are indexed once.

use rusqlite::{Connection, params};
use rust_stemmers::{Algorithm, Stemmer};
use serde::Serialize;

use super::{Archive, Result};

/// One place where the words were found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// Experiment id.
    pub experiment: String,
    /// Where: `title`, `hypothesis`, `owner`, `headline`, `decision`.
    pub field: String,
    /// The latest record that says it: a recommendation, or a decision for the field `decision`.
    pub seq: i64,
    /// Its data date, or the time of the decision.
    pub date: String,
    /// The text.
    pub text: String,
}

/// The outcome of a search.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Searched {
    /// The stems that were looked for.
    pub stems: Vec<String>,
    /// Places, the best match first.
    pub found: Vec<Found>,
}

/// The stems of a text, in order: words and numbers, in lower case, «ё» as «е», Russian and English endings taken off.
fn stems(text: &str) -> Vec<String> {
    let (russian, english) = (Stemmer::create(Algorithm::Russian), Stemmer::create(Algorithm::English));
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words
        .map(|word| {
            let word = word.to_lowercase().replace('ё', "е");
            let cyrillic = word.chars().any(|c| ('\u{400}'..='\u{4ff}').contains(&c));
            let stemmer = if cyrillic { &russian } else { &english };
            stemmer.stem(&word).into_owned()
        })
        .collect()
}

/// Every text of the archive once: experiment, field, latest record, date, text.
const TEXTS: &str = "
    SELECT experiment, 'title', max(seq), max(data_date), title FROM recommendations GROUP BY experiment, title
    UNION ALL
    SELECT run.experiment, field.key, max(recommendation.seq), max(run.data_date), field.value
        FROM runs AS run
        JOIN json_each(run.told) AS field ON field.key IN ('hypothesis', 'owner', 'headline', 'lead') AND field.type = 'text'
        JOIN recommendations AS recommendation ON recommendation.run_key = run.run_key
        GROUP BY run.experiment, field.key, field.value
    UNION ALL
    SELECT experiment, 'decision', seq, decided_at, decided_by || ': ' || reason FROM decisions";

impl Archive {
    /// Where every word of a query occurs together, in whatever form.
    pub fn search(&self, query: &str, most: usize) -> Result<Searched> {
        let stems_of_query = stems(query);
        if stems_of_query.is_empty() {
            return Ok(Searched { stems: stems_of_query, found: Vec::new() });
        }
        let index = Connection::open_in_memory()?;
        index.execute_batch(
            "CREATE VIRTUAL TABLE texts USING fts5(stems, experiment UNINDEXED, field UNINDEXED, seq UNINDEXED,
                 date UNINDEXED, text UNINDEXED, tokenize = \"unicode61 remove_diacritics 0\")",
        )?;
        let mut insert = index.prepare("INSERT INTO texts VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
        let mut texts = self.connection.prepare(TEXTS)?;
        let mut rows = texts.query([])?;
        index.execute_batch("BEGIN")?;
        while let Some(row) = rows.next()? {
            let (experiment, field): (String, String) = (row.get(0)?, row.get(1)?);
            let (seq, date, text): (i64, String, String) = (row.get(2)?, row.get(3)?, row.get(4)?);
            // The id is searched along with everything that is said of the experiment.
            let indexed = stems(&format!("{text} {experiment}")).join(" ");
            insert.execute(params![indexed, experiment, field, seq, date, text])?;
        }
        index.execute_batch("COMMIT")?;
        let wanted: Vec<String> = stems_of_query.iter().map(|stem| format!("\"{stem}\"")).collect();
        let mut matching = index.prepare(
            "SELECT experiment, field, seq, date, text FROM texts WHERE texts MATCH ?1
             ORDER BY rank, date DESC, experiment, seq LIMIT ?2",
        )?;
        let found = matching.query_map(params![wanted.join(" "), most as i64], |row| {
            Ok(Found {
                experiment: row.get(0)?,
                field: row.get(1)?,
                seq: row.get(2)?,
                date: row.get(3)?,
                text: row.get(4)?,
            })
        })?;
        Ok(Searched { stems: stems_of_query, found: found.collect::<rusqlite::Result<_>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_have_one_stem() {
        assert_eq!(stems("Корзины, корзиной; корзина"), vec!["корзин"; 3]);
        assert_eq!(stems("Платёж"), stems("платеж"));
        assert_eq!(
            stems("Checkouts of cinema-cashback 2026"),
            ["checkout", "of", "cinema", "cashback", "2026"]
        );
        assert_eq!(stems(" — …"), Vec::<String>::new());
    }
}
