//! What a SELECT gives: expressions and the names they go by.

/// The columns of one SELECT.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// One more column.
    pub fn add(&mut self, sql: impl Into<String>, name: impl Into<String>) {
        self.0.push((sql.into(), name.into()));
    }

    /// The columns of another one behind these.
    pub fn append(&mut self, others: Fields) {
        self.0.extend(others.0);
    }

    /// The names of the columns.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(_, name)| name.as_str())
    }

    /// The SELECT over what stands after FROM.
    pub fn from(&self, source: &str) -> String {
        let fields: Vec<String> = self.0.iter().map(|(sql, name)| format!("{sql} AS {name}")).collect();
        format!("SELECT {} FROM {source}", fields.join(", "))
    }
}
