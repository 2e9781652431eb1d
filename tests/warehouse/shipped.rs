//! The experiment that ships: its report from files and from servers says the same numbers.

use std::fs;
use std::path::Path;

use itog::config::{self, valid::Config};
use itog::data::{self, Dataset};
use itog::metrics;
use itog::sums::Before;
use itog::warehouse;
use jiff::civil::date;

use super::same::compare;
use super::server::{Server, Table, Type};

fn configured(text: &str, folder: &Path) -> Config {
    let path = folder.join("arppu.toml");
    fs::write(&path, text).unwrap();
    config::load(&path, &[]).unwrap_or_else(|problems| panic!("{problems:?}")).value
}

#[test]
fn the_shipped_experiment_says_the_same_from_servers() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let text = fs::read_to_string(root.join("arppu.toml")).unwrap();
    let csv = fs::read_to_string(root.join("data/ab_stats.csv")).unwrap();
    let path = r#"path = "data/ab_stats.csv""#;
    assert!(text.contains(path));
    let quoted = |server: &Server| match server {
        Server::Postgres(_) => "\"av_site visit\"",
        Server::Clickhouse(_) => "`av_site visit`",
    };
    let night = date(2026, 11, 22);
    for server in Server::all() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        fs::write(folder.path().join("data/ab_stats.csv"), &csv).unwrap();
        server.fill(&Table {
            name: "itog_ab_stats",
            columns: vec![
                ("revenue", Type::Real),
                ("num_purchases", Type::Int),
                ("purchase", Type::Int),
                ("ab_group", Type::Text),
                (quoted(&server), Type::Real),
            ],
            lines: csv.lines().skip(1).map(str::to_owned).collect(),
        });
        let files = configured(&text, folder.path());
        let source = files.data.as_ref().unwrap();
        let (metrics_of, design) = (&files.metrics, &files.design);
        let opened = data::open(source, metrics_of, design, &files.segments, files.experiment.start, night);
        let rows = opened.unwrap_or_else(|problems| panic!("{problems:?}")).value;
        let place = format!("source = \"{}\"\ntable = \"itog_ab_stats\"", server.source());
        let mut asked = configured(&text.replace(path, &place), folder.path());
        warehouse::fill(&mut asked, night, &Before::default()).unwrap_or_else(|problems| {
            let said: Vec<String> = problems.iter().map(|p| format!("{}: {}", p.code, p.message)).collect();
            panic!("{}", said.join("\n"))
        });
        let sums = Dataset::of_answer(asked.data.as_ref().unwrap(), &asked.design, night).unwrap();
        assert_eq!(rows.groups, sums.groups);
        let of_rows = metrics::measure(&files, Some(&rows), &[]).unwrap();
        let of_sums = metrics::measure(&asked, Some(&sums), &[]).unwrap();
        assert!(of_rows.len() > 2 && of_rows.len() == of_sums.len());
        of_rows.iter().zip(&of_sums).for_each(|(a, b)| compare(a, b));
    }
}
