//! Data as companies have it: every way to write a table reads the same, every malformed row is found and located.

#![allow(clippy::disallowed_methods, reason = "tests read and write files")]

use std::path::PathBuf;

use itog::config::valid::{
    Adjustment, Aggregate, DataSource, Design, Metric, MetricKind, MetricSource, OnBroken, Population, Rows,
};
use itog::data::{ColumnKind, Dataset, GateReason, Header, How, RowFault};
use itog::diag::Warned;

#[path = "data/adjustments.rs"]
mod adjustments;
#[path = "data/counts.rs"]
mod counts;
#[path = "data/dialects.rs"]
mod dialects;
#[path = "data/facts.rs"]
mod facts;
#[path = "data/freshness.rs"]
mod freshness;
#[path = "data/funnels.rs"]
mod funnels;
#[path = "data/history.rs"]
mod history;
#[path = "data/identity.rs"]
mod identity;
#[path = "data/parquet.rs"]
mod parquet;
#[path = "data/support.rs"]
mod support;

use support::*;

#[test]
fn one_table_reads_the_same_however_excel_saved_it() {
    let cases = [
        ("excel_1251.csv", "windows-1251", ';', false),
        ("excel_1251_true_false.csv", "windows-1251", ';', false),
        ("excel_1251_after_utf8_bom.csv", "windows-1251", ';', true),
        ("excel_utf8_bom.csv", "UTF-8", ';', true),
        ("excel_utf16le_tab.csv", "UTF-16LE", '\t', true),
        ("utf16be_without_bom.csv", "UTF-16BE", ';', false),
        ("excel_sep_line.csv", "UTF-8", ';', false),
        ("old_mac.csv", "UTF-8", ';', false),
    ];
    for (name, encoding, separator, bom) in cases {
        let mut source = source(fixture(name), "группа");
        source.time = Some("дата".to_string());
        let metrics = [metric("выручка", Some("покупка"))];
        let Warned { value: data, warnings } = open(&source, &metrics, &design(Some("тест"))).unwrap();
        assert_eq!(warnings, [], "{name}");
        assert_eq!(data.gates, [], "{name}");
        assert_eq!(data.reading.rows, 8, "{name}");
        let file = &data.reading.files[0];
        assert_eq!(file.encoding.as_ref().unwrap().value, encoding, "{name}");
        assert_eq!(file.separator.as_ref().unwrap().value, separator, "{name}");
        assert_eq!(file.bom, bom, "{name}");
        let decimal = data.reading.decimal.as_ref().unwrap();
        assert_eq!((decimal.value, decimal.how), (',', How::Detected), "{name}");

        // The control comes first although it is neither first in the file nor in the alphabet.
        let groups: Vec<(&str, u64)> =
            data.groups.iter().map(|group| (group.id.as_str(), group.units)).collect();
        assert_eq!(groups, [("тест", 4), ("контроль", 4)], "{name}");
        let buyers = samples(&data, "выручка", Some("покупка")).unwrap();
        assert_eq!(buyers[0].values, [7.25], "{name}");
        assert_eq!(buyers[1].values, [1303.61, 12.5], "{name}");
        // TRUE is 1 in comparisons, as analysts write them.
        assert_eq!(samples(&data, "выручка", Some("покупка = 1")).unwrap(), buyers, "{name}");
        let all = samples(&data, "выручка", None).unwrap();
        assert_eq!((all[0].missing, all[0].values.len()), (1, 3), "{name}");
        let share = indicators(&data, "покупка", None).unwrap();
        assert_eq!(share[1].values, [0.0, 1.0, 1.0, 0.0], "{name}");

        let kinds: Vec<ColumnKind> = data.overview.iter().map(|column| column.kind).collect();
        use ColumnKind::{Boolean, Date, Number, Text};
        assert_eq!(kinds, [Text, Text, Number, Boolean, Date, Text], "{name}");
        let revenue = &data.overview[2];
        assert_eq!(
            (revenue.count, revenue.missing, revenue.markers, revenue.max),
            (7, 1, 1, Some(1303.61)),
            "{name}"
        );
        assert_eq!(data.overview[4].latest.as_deref(), Some("2024-03-04"), "{name}");
        let city = &data.overview[5];
        assert_eq!((city.count, city.missing, city.distinct), (7, 1, Some(6)), "{name}");
        let time = data.time.unwrap();
        assert_eq!((time.first.to_string(), time.missing), ("2024-03-01T00:00:00".to_string(), 0), "{name}");
    }
}

#[test]
fn every_malformed_row_is_found_and_located() {
    type Case = (&'static str, &'static [(u64, &'static str)], u64);
    let cases: [Case; 14] = [
        ("torn_last_line.csv", &[(5, "torn")], 3),
        ("torn_last_cell.csv", &[(5, "torn")], 3),
        ("torn_number.csv", &[(5, "torn")], 3),
        ("torn_group.csv", &[(6, "torn")], 4),
        ("torn_letter.csv", &[(4, "torn")], 2),
        ("utf16_tail.csv", &[(6, "nul"), (7, "nul"), (8, "nul")], 4),
        ("utf16_tail_with_bom.csv", &[(6, "nul"), (7, "nul")], 4),
        ("nul_bytes.csv", &[(3, "nul")], 3),
        ("wrong_fields.csv", &[(3, "fields"), (4, "fields")], 3),
        ("open_quote.csv", &[(3, "open-quote")], 3),
        ("open_quote_to_end.csv", &[(3, "open-quote")], 3),
        ("text_after_quote.csv", &[(3, "text-after-quote")], 2),
        ("bad_bytes.csv", &[(3, "encoding")], 2),
        ("bad_cells.csv", &[(3, "cell"), (6, "cell")], 4),
    ];
    for (name, expected, rows) in cases {
        // Both numeric columns of bad_cells.csv are read by the metric.
        let value = if name == "bad_cells.csv" { "x + y" } else { "x" };
        let mut source = source(fixture(name), "group");
        let data = opened(&source, &[metric(value, None)]);
        assert_eq!(malformed(&data), expected, "{name}");
        assert_eq!(data.reading.malformed, expected.len() as u64, "{name}");
        assert_eq!(data.reading.rows, rows, "{name}");
        assert_eq!(data.reading.files[0].rows, rows, "{name}");
        assert!(codes(&data.gates).contains(&"malformed"), "{name}: {:?}", data.gates);
        assert!(
            data.reading
                .first_malformed
                .iter()
                .all(|row| row.file == fixture(name) && !row.excerpt.is_empty())
        );

        source.files.malformed = OnBroken::Report;
        let data = opened(&source, &[metric(value, None)]);
        let shown: Vec<(&str, bool)> =
            data.gates.iter().map(|gate| (gate.reason.code(), gate.refuses)).collect();
        assert!(shown.contains(&("malformed", false)), "{name}: {shown:?}");
        let read: u64 =
            samples(&data, value, None).unwrap().iter().map(|s| s.values.len() as u64 + s.missing).sum();
        assert_eq!(read, rows, "{name}");
    }
}

#[test]
fn a_bad_cell_names_its_column_and_content() {
    let data = opened(&source(fixture("bad_cells.csv"), "group"), &[metric("x", None)]);
    let cell = RowFault::Cell { column: "x".to_string(), text: "12,5x".to_string(), expected: "number" };
    assert_eq!(data.reading.first_malformed[0].fault, cell);
    assert_eq!(data.reading.first_malformed[0].excerpt, "A;12,5x;2");
    // `y` is read by no metric: its bad cell spoils no row, and too many cells are bad for a column of numbers.
    assert_eq!(data.reading.malformed, 1);
    assert_eq!(data.overview[2].kind, ColumnKind::Text);
    // A marker is a missing value, not a malformed row.
    assert_eq!(samples(&data, "x", None).unwrap()[1].missing, 1);
    let mixed = simple("mixed_marks.csv");
    assert_eq!(malformed(&mixed), [(4, "cell")]);
}

#[test]
fn a_missing_final_newline_alone_is_no_damage() {
    let data = simple("no_final_newline.csv");
    assert_eq!((data.gates.len(), data.reading.rows, data.reading.files[0].final_newline), (0, 4, false));
}

#[test]
fn quoted_cells_blank_lines_and_stray_quotes_are_read() {
    let data = simple("quoted.csv");
    assert_eq!(data.gates, []);
    assert_eq!((data.reading.rows, data.reading.files[0].blank), (4, 1));
    assert_eq!(values(&data, "x"), [vec![1.5, 3.5], vec![2.5, 4.5]]);
    let source = source(fixture("quoted.csv"), "group");
    let data = opened(&source, &[metric("CHAR_LENGTH(note)", None)]);
    let lengths = samples(&data, "CHAR_LENGTH(note)", None).unwrap();
    assert_eq!((&lengths[0].values[..], lengths[0].missing), (&[18.0][..], 1));
    assert_eq!(lengths[1].values, [8.0, 9.0]);
}

#[test]
fn data_that_cannot_be_analysed_is_a_value_of_the_gate() {
    let gates = |name: &str, design: &Design| {
        let opened = open(&source(fixture(name), "group"), &[metric("x", None)], design).unwrap();
        codes(&opened.value.gates)
    };
    assert_eq!(gates("header_only.csv", &design(Some("A"))), ["no-rows"]);
    assert_eq!(gates("empty.csv", &design(Some("A"))), ["no-rows"]);
    assert_eq!(gates("one_group.csv", &design(None)), ["single-group"]);
    assert_eq!(gates("plain.csv", &design(Some("C"))), ["absent-group"]);
    let mut declared = design(None);
    declared.allocation = vec![("A".to_string(), 1.0), ("B".to_string(), 1.0), ("C".to_string(), 1.0)];
    assert_eq!(gates("plain.csv", &declared), ["absent-group"]);
    let mut large = source(fixture("plain.csv"), "group");
    large.files.min_rows = 5;
    let data = opened(&large, &[metric("x", None)]);
    assert_eq!(data.gates[0].reason, GateReason::TooFewRows { rows: 4, min: 5 });
    assert!(data.is_refused());
}

#[test]
fn what_makes_data_unreadable_is_an_error_with_a_hint() {
    let one = |source: &DataSource| {
        let found = problems(source, &[metric("x", None)]);
        assert_eq!(found.len(), 1, "{found:?}");
        found.into_iter().next().unwrap()
    };
    let missing = one(&source(fixture("plane.csv"), "group"));
    assert_eq!(missing.code, "data::no-file");
    assert_eq!(missing.hint.as_deref(), Some("did you mean `plain.csv`?"));
    assert_eq!(one(&source(fixture("workbook.csv"), "group")).code, "data::format");
    assert_eq!(one(&source(fixture("ambiguous_mark.csv"), "group")).code, "data::decimal-unclear");
    assert_eq!(one(&source(fixture(""), "group")).code, "data::unreadable");
    let mut nothing = source(fixture("nothing-*.csv"), "group");
    nothing.files.paths.clear();
    assert_eq!(one(&nothing).code, "data::no-file");
    let mut wrong = source(fixture("plain.csv"), "group");
    wrong.files.encoding = Some("cp-1251".to_string());
    assert_eq!(one(&wrong).code, "data::encoding-unknown");

    let renamed = problems(&source(fixture("renamed_column.csv"), "group"), &[metric("x", None)]);
    let hints: Vec<&str> = renamed.iter().filter_map(|problem| problem.hint.as_deref()).collect();
    assert_eq!(renamed.iter().map(|problem| problem.code).collect::<Vec<_>>(), ["data::missing-column"; 2]);
    assert!(hints[0].contains("`Group `") && hints[1].contains("`X`"), "{hints:?}");
}

#[test]
fn inspect_finds_the_same_mistakes_without_reading_rows() {
    let metrics =
        [metric("revenu", Some("x >")), metric("SUM(x)", None), metric("nte", Some("note = \"one\""))];
    let mut source = source(fixture("plain.csv"), "groop");
    source.files.columns.push(rule("y", None, None, false, OnBroken::Report));
    let found = inspect(&source, &metrics).unwrap_err();
    let codes: Vec<&str> = found.iter().map(|problem| problem.code).collect();
    assert_eq!(
        codes,
        [
            "data::missing-column",
            "data::missing-column",
            "data::missing-column",
            "data::sql",
            "data::sql-not-by-row",
            "data::missing-column",
            "data::missing-column"
        ]
    );
    assert_eq!(found[0].hint.as_deref(), Some("did you mean `group`?"));
    assert_eq!(found[5].hint.as_deref(), Some("did you mean `note`?"));
    assert_eq!(found[6].hint.as_deref(), Some("write text in single quotes: 'one'"));
    assert_eq!(problems(&source, &metrics).len(), 7);

    let source = self::source(fixture("plain.csv"), "group");
    let header = inspect(&source, &[metric("x", Some("note = 'one'"))]).unwrap();
    assert_eq!(header.value.columns, ["group", "x", "note"]);
    let empty = inspect(&self::source(fixture("empty.csv"), "group"), &[metric("x", None)]).unwrap();
    assert_eq!((empty.value.columns.len(), empty.warnings.len()), (0, 1));
    let _: Header = empty.value;
}

#[test]
fn types_are_checked_before_anything_is_computed() {
    let source = source(fixture("plain.csv"), "group");
    let code = |metric: Metric| problems(&source, &[metric])[0].code;
    assert_eq!(code(metric("note", None)), "data::not-a-number");
    assert_eq!(code(metric("x", Some("x"))), "data::not-a-condition");
    assert_eq!(code(metric("x - note", None)), "data::sql-type");
}

#[test]
fn expressions_are_those_of_sql() {
    let source = source(fixture("plain.csv"), "group");
    let metrics = [metric("x", Some("note IS NOT NULL"))];
    let data = opened(&source, &metrics);
    let of = |sql: &str| values(&data, sql);
    assert_eq!(of("CASE WHEN x > 2 AND note <> 'four' THEN 1 ELSE 0 END"), [vec![0.0, 1.0], vec![1.0, 0.0]]);
    assert_eq!(of("x * 2 + 1"), [vec![4.0, 6.0], vec![8.0, 10.0]]);
    assert_eq!(of("note IN ('one', 'three')"), [vec![1.0, 0.0], vec![1.0, 0.0]]);
    assert_eq!(of("x BETWEEN 2 AND 4"), [vec![0.0, 1.0], vec![1.0, 0.0]]);
    assert_eq!(of("1"), [vec![1.0, 1.0], vec![1.0, 1.0]]);
    assert_eq!(samples(&data, "x", Some("\"note\" LIKE 't%'")).unwrap()[0].values, [2.5]);
    let infinite = samples(&data, "1 / (x - 1.5)", None).unwrap();
    assert_eq!((infinite[0].non_finite, infinite[0].values.len()), (1, 1));
    let ratio = Rows { denominator: Some("x > 2".to_string()), ..rows("x", None) };
    let pairs = gathered(&data, &ratio, false).unwrap();
    assert_eq!(pairs.groups[0].values, [vec![1.5, 2.5], vec![0.0, 1.0]]);
    assert_eq!(indicators(&data, "x", None).unwrap_err().code, "data::not-binary");
    assert_eq!(samples(&data, "group", None).unwrap_err().code, "data::not-a-number");
    assert_eq!(samples(&data, "AVG(x)", None).unwrap_err().code, "data::sql-not-by-row");
}

#[test]
fn expressions_over_dates_booleans_and_integers() {
    let mut source = source(fixture("excel_1251.csv"), "группа");
    source.files.columns.push(rule("дата", None, None, true, OnBroken::Refuse));
    let data = opened(&source, &[metric("выручка", Some("покупка"))]);
    let count = |filter: &str| -> Vec<usize> {
        samples(&data, "1", Some(filter)).unwrap().iter().map(|sample| sample.values.len()).collect()
    };
    // `контроль` comes first in the alphabet.
    assert_eq!(count("\"дата\" >= '2024-03-02'"), [2, 4]);
    assert_eq!(count("дата BETWEEN '2024-03-02' AND '2024-03-03'"), [2, 2]);
    assert_eq!(count("NOT покупка"), [2, 3]);
    assert_eq!(count("покупка = TRUE AND выручка > 10"), [2, 0]);
    assert_eq!(count("группа = 'тест'"), [0, 4]);
    assert_eq!(samples(&data, "COALESCE(выручка, 0)", None).unwrap()[1].values, [0.0, 7.25, 0.0, 0.0]);
    assert_eq!(samples(&data, "7 / 2", None).unwrap()[0].values, [3.5; 4]);
    assert_eq!(samples(&data, "ABS(-выручка) + ROUND(0.4)", None).unwrap()[1].values, [0.0, 7.25, 0.0]);
    assert_eq!(samples(&data, "CAST(покупка AS INT)", None).unwrap()[1].values, [0.0, 1.0, 0.0, 0.0]);
    assert_eq!(samples(&data, "GREATEST(выручка, 5)", None).unwrap()[0].values, [5.0, 1303.61, 12.5, 5.0]);
}

#[test]
fn rows_of_a_unit_are_added_up() {
    let mut source = source(fixture("units.csv"), "group");
    source.unit = Some("user".to_string());
    source.files.malformed = OnBroken::Report;
    let data = opened(&source, &[metric("spent", Some("bought = 1"))]);
    let gates: Vec<&str> = data.gates.iter().map(|gate| gate.reason.code()).collect();
    assert_eq!(gates, ["missing-group", "missing-unit", "units-in-two-groups"]);
    let sizes: Vec<(u64, u64)> = data.groups.iter().map(|group| (group.units, group.rows)).collect();
    assert_eq!(sizes, [(2, 3), (2, 4)]);
    let spent = samples(&data, "spent", None).unwrap();
    let sample = |group: &str, values: &[f64], missing| Sample {
        group: group.to_string(),
        values: values.to_vec(),
        missing,
        non_finite: 0,
    };
    assert_eq!(spent, [sample("A", &[3.0], 1), sample("B", &[6.5, 3.0], 0)]);
    // A unit that bought in one row of several has bought.
    assert_eq!(
        indicators(&data, "bought", None).unwrap(),
        [sample("A", &[1.0, 0.0], 0), sample("B", &[1.0, 0.0], 0)]
    );
    assert_eq!(
        samples(&data, "spent", Some("bought = 1")).unwrap(),
        [sample("A", &[1.0], 0), sample("B", &[1.5], 0)]
    );
}

#[test]
fn validity_rules_report_exclude_or_refuse() {
    let with = |invalid: OnBroken| {
        let mut source = source(fixture("rules.csv"), "group");
        source.files.columns =
            vec![rule("x", Some(0.0), Some(100.0), false, invalid), rule("age", None, None, true, invalid)];
        opened(&source, &[metric("x", None)])
    };
    let reported = with(OnBroken::Report);
    assert_eq!((reported.overview[1].invalid, reported.overview[2].invalid), (2, 1));
    assert_eq!(values(&reported, "x"), [vec![1.0, -2.0], vec![3.0, 400.0, 5.0]]);
    assert!(!reported.is_refused() && reported.gates.len() == 2);
    let excluded = with(OnBroken::Exclude);
    assert_eq!(values(&excluded, "x"), [vec![1.0], vec![5.0]]);
    // The sample ratio is that of the assignment, not of what was left.
    assert_eq!(
        excluded.groups.iter().map(|group| (group.units, group.analysed)).collect::<Vec<_>>(),
        [(2, 1), (3, 1)]
    );
    assert_eq!(codes(&with(OnBroken::Refuse).gates), ["invalid-values", "invalid-values"]);

    let mut source = source(fixture("plain.csv"), "group");
    source.files.columns = vec![rule("note", Some(0.0), None, false, OnBroken::Report)];
    assert_eq!(problems(&source, &[])[0].code, "data::rule-type");
}

#[test]
fn several_files_are_one_table() {
    let mut source = source(fixture("part_1.csv"), "group");
    source.files.paths.push(fixture("part_2.csv"));
    let data = opened(&source, &[metric("x", None)]);
    assert_eq!(values(&data, "x"), [vec![1.0, 3.5], vec![2.0, 4.0]]);
    assert_eq!(data.reading.files.iter().map(|file| file.rows).collect::<Vec<_>>(), [2, 2]);
    source.files.paths.insert(0, fixture("empty.csv"));
    let Warned { value: data, warnings } = open(&source, &[metric("x", None)], &design(None)).unwrap();
    assert_eq!((warnings.len(), warnings[0].code), (1, "data::empty-file"));
    assert_eq!(data.reading.files.iter().map(|file| file.rows).collect::<Vec<_>>(), [0, 2, 2]);
    source.files.paths.push(fixture("part_3_other_header.csv"));
    let found = problems(&source, &[metric("x", None)]);
    assert_eq!((found.len(), found[0].code), (1, "data::header-differs"));
    assert_eq!(found[0].place.as_ref().unwrap().file, fixture("part_3_other_header.csv"));
}

#[test]
fn the_demonstration_data_is_what_the_generator_writes() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config/data/ab_stats.csv");
    assert!(
        std::fs::read(&path).unwrap() == itog::demo::ab_stats_csv().into_bytes(),
        "run the generator again"
    );
    let mut source = source(path, "ab_group");
    source.files.columns = vec![rule("av_site visit", Some(0.0), None, false, OnBroken::Report)];
    let data = opened(&source, &[metric("revenue", Some("purchase = 1")), metric("av_site visit", None)]);
    assert_eq!(data.reading.rows, 23_652);
    let groups: Vec<(&str, u64)> = data.groups.iter().map(|group| (group.id.as_str(), group.units)).collect();
    assert_eq!(groups, [("A", 11_835), ("B", 11_817)]);
    let buyers = samples(&data, "revenue", Some("purchase = 1")).unwrap();
    assert_eq!(buyers.iter().map(|sample| sample.values.len()).collect::<Vec<_>>(), [256, 234]);
    assert_eq!(indicators(&data, "purchase", None).unwrap()[1].values.iter().sum::<f64>(), 234.0);
    let invalid = data.overview.iter().map(|column| column.invalid).collect::<Vec<_>>();
    assert_eq!(invalid[..4], [0, 0, 0, 0]);
    assert!((440..500).contains(&invalid[4]), "{invalid:?}");
    assert!(samples(&data, "\"av_site visit\"", Some("\"av_site visit\" < 0")).is_ok());
}
