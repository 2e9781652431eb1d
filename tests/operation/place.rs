//! A folder with configs, and the program run in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

/// An experiment from published numbers.
pub const COUNTS: &str = r#"
[experiment]
id = "ID"
title = "Опыт ID"
EXTRA
[design]
control = "A"
[[metric]]
id = "paid"
title = "Доля оплативших"
kind = "proportion"
goal = "increase"
counts = { A = { successes = 500, n = 10000 }, B = { successes = 560, n = 10000 } }
"#;

/// An experiment from rows.
pub const ROWS: &str = r#"
[experiment]
id = "ID"
title = "Опыт ID"
[design]
control = "A"
[data]
path = "rows.csv"
group = "group"
EXTRA
[[metric]]
id = "spend"
title = "Траты"
kind = "mean"
value = "spend"
goal = "increase"
"#;

/// A project of experiments made by template.
pub struct Place(pub tempfile::TempDir);

impl Place {
    pub fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("config")).unwrap();
        let mut csv = String::from("group,day,spend\n");
        for i in 0..400 {
            let (group, day) = (if i % 2 == 0 { "A" } else { "B" }, 10 + i / 40);
            csv.push_str(&format!("{group},2026-11-{day},{}\n", i * 37 % 101));
        }
        fs::write(folder.path().join("config/rows.csv"), csv).unwrap();
        Place(folder)
    }

    pub fn with(self, id: &str, template: &str, extra: &str) -> Place {
        let text = template.replace("ID", id).replace("EXTRA", extra);
        fs::write(self.0.path().join(format!("config/{id}.toml")), text).unwrap();
        self
    }

    pub fn out(&self) -> PathBuf {
        self.0.path().join("output")
    }

    pub fn itog(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_itog"));
        command.args(arguments).current_dir(self.0.path()).env_remove("SOURCE_DATE_EPOCH");
        command.output().expect("the program starts")
    }

    /// The names in the output folder that are neither a night nor what belongs to all nights.
    pub fn leftovers(&self) -> Vec<String> {
        let known =
            [".lock", "latest", "objects", "archive.sqlite", "archive.sqlite-wal", "archive.sqlite-shm"];
        let names = fs::read_dir(self.out()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        names.filter(|n| !known.contains(&n.as_str()) && n.parse::<jiff::civil::Date>().is_err()).collect()
    }

    /// Every file of a night.
    pub fn night(&self, date: &str) -> BTreeMap<PathBuf, Vec<u8>> {
        let (mut found, mut folders) = (BTreeMap::new(), vec![self.out().join(date)]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.insert(path.clone(), fs::read(&path).unwrap());
                }
            }
        }
        found
    }
}

pub fn code(output: &Output) -> i32 {
    output.status.code().expect("an exit code")
}

pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", said(output)))
}
