//! Random tables, written in every dialect, read back as they were.

use std::fmt::Write as _;

use itog::config::valid::OnBroken;
use itog::data::Dataset;
use proptest::prelude::*;

use super::{codes, indicators, metric, opened, samples, source};

/// One row of a random table.
#[derive(Clone, Debug)]
struct Row {
    group: bool,
    number: Option<f64>,
    integer: i64,
    flag: bool,
    text: String,
}

/// How a table is written.
#[derive(Clone, Debug)]
struct Dialect {
    separator: char,
    decimal: char,
    encoding: &'static str,
    bom: bool,
    line_break: &'static str,
    words: (&'static str, &'static str),
    quote_all: bool,
    final_newline: bool,
    declared: bool,
}

fn row() -> impl Strategy<Value = Row> {
    let number = proptest::option::weighted(
        0.9,
        prop_oneof![(-1e6..1e6f64), (-9_999_999..9_999_999i64).prop_map(|n| n as f64 / 100.0), Just(0.0)],
    );
    (
        any::<bool>(),
        number,
        -1_000_000_000_000..1_000_000_000_000i64,
        any::<bool>(),
        "[a-zа-яё \";,|\n\t'5]{0,8}",
    )
        .prop_map(|(group, number, integer, flag, text)| Row { group, number, integer, flag, text })
}

fn dialect() -> impl Strategy<Value = Dialect> {
    let separator = prop_oneof![Just(','), Just(';'), Just('\t'), Just('|')];
    let encoding = prop_oneof![Just("UTF-8"), Just("windows-1251"), Just("UTF-16LE"), Just("UTF-16BE")];
    let words = prop_oneof![Just(("TRUE", "FALSE")), Just(("ИСТИНА", "ЛОЖЬ")), Just(("true", "false"))];
    let line_break = prop_oneof![Just("\n"), Just("\r\n")];
    (separator, prop_oneof![Just('.'), Just(',')], encoding, words, line_break, any::<[bool; 4]>()).prop_map(
        |(separator, decimal, encoding, words, line_break, [bom, quote_all, final_newline, declared])| {
            Dialect {
                separator,
                decimal,
                encoding,
                bom: bom && encoding.starts_with("UTF"),
                line_break,
                words,
                quote_all,
                final_newline,
                declared,
            }
        },
    )
}

fn written(rows: &[Row], dialect: &Dialect) -> Vec<u8> {
    let mut text = String::new();
    let cell = |content: &str| {
        let special = [dialect.separator, '"', '\n', '\r'];
        if dialect.quote_all || content.contains(special) {
            format!("\"{}\"", content.replace('"', "\"\""))
        } else {
            content.to_string()
        }
    };
    let mut line = |cells: [&str; 5]| {
        let cells: Vec<String> = cells.iter().map(|content| cell(content)).collect();
        let _ = write!(text, "{}{}", cells.join(&dialect.separator.to_string()), dialect.line_break);
    };
    line(["группа", "выручка", "заказов", "покупка", "примечание"]);
    for row in rows {
        let number = row
            .number
            .map_or(String::new(), |number| number.to_string().replace('.', &dialect.decimal.to_string()));
        let flag = if row.flag { dialect.words.0 } else { dialect.words.1 };
        line([
            if row.group { "тест" } else { "контроль" },
            &number,
            &row.integer.to_string(),
            flag,
            &row.text,
        ]);
    }
    if !dialect.final_newline {
        text.truncate(text.len() - dialect.line_break.len());
    }
    let mark = if dialect.bom { "\u{feff}" } else { "" };
    let text = format!("{mark}{text}");
    match dialect.encoding {
        "UTF-16LE" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "UTF-16BE" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        "windows-1251" => encoding_rs::WINDOWS_1251.encode(&text).0.into_owned(),
        _ => text.into_bytes(),
    }
}

fn read(rows: &[Row], dialect: &Dialect) -> Dataset {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv");
    std::fs::write(&path, written(rows, dialect)).unwrap();
    let mut source = source(path, "группа");
    source.files.malformed = OnBroken::Refuse;
    if dialect.declared {
        source.files.separator = Some(dialect.separator);
        source.files.decimal = Some(dialect.decimal);
        source.files.encoding = Some(dialect.encoding.to_string());
    }
    opened(&source, &[metric("выручка + заказов", Some("покупка")), metric("CHAR_LENGTH(примечание)", None)])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_table_reads_back_from_any_dialect(rows in proptest::collection::vec(row(), 1..30), dialect in dialect()) {
        let mut rows = rows;
        // Evidence for the decimal mark, and both groups.
        let first = Row { group: false, number: Some(0.5), integer: 1, flag: true, text: "первая строка".to_string() };
        let second = Row { group: true, text: "вторая".to_string(), ..first.clone() };
        rows.splice(0..0, [first, second]);
        // A last row without a line break whose last cell is empty looks torn; here it would be a lie.
        if let Some(last) = rows.last_mut() {
            last.text.push('я');
        }
        let data = read(&rows, &dialect);
        let control: Vec<&Row> = rows.iter().filter(|row| !row.group).collect();
        prop_assert_eq!(codes(&data.gates), Vec::<&str>::new());
        prop_assert_eq!(data.reading.rows, rows.len() as u64);
        prop_assert_eq!(&data.reading.encoding.as_ref().unwrap().value, dialect.encoding);

        let numbers = &samples(&data, "выручка", None).unwrap()[0];
        let expected: Vec<f64> = control.iter().filter_map(|row| row.number).collect();
        prop_assert_eq!(&numbers.values, &expected);
        prop_assert_eq!(numbers.missing as usize, control.len() - expected.len());
        let integers: Vec<f64> = control.iter().map(|row| row.integer as f64).collect();
        prop_assert_eq!(&samples(&data, "заказов", None).unwrap()[0].values, &integers);
        let flags: Vec<f64> = control.iter().map(|row| f64::from(u8::from(row.flag))).collect();
        prop_assert_eq!(&indicators(&data, "покупка", None).unwrap()[0].values, &flags);
        let lengths: Vec<f64> = control
            .iter()
            .filter(|row| !row.text.trim().is_empty())
            .map(|row| row.text.chars().count() as f64)
            .collect();
        prop_assert_eq!(&samples(&data, "CHAR_LENGTH(примечание)", None).unwrap()[0].values, &lengths);
    }

    #[test]
    fn the_order_of_rows_does_not_matter(mut rows in proptest::collection::vec(row(), 2..30), dialect in dialect()) {
        for (index, row) in rows.iter_mut().enumerate() {
            (row.group, row.number) = (index % 2 == 0, row.number.or(Some(0.5)));
            row.text.push('я');
        }
        let sorted = |data: &Dataset| -> Vec<Vec<f64>> {
            let samples = super::samples(data, "выручка", Some("покупка")).unwrap();
            samples.into_iter().map(|mut sample| { sample.values.sort_by(f64::total_cmp); sample.values }).collect()
        };
        let dialect = Dialect { declared: true, ..dialect };
        let forward = read(&rows, &dialect);
        rows.reverse();
        let backward = read(&rows, &dialect);
        prop_assert_eq!(sorted(&forward), sorted(&backward));
        prop_assert_eq!(&forward.groups, &backward.groups);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0..60usize) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.csv");
        const TABLE: &[u8] = b"group,x\nA,1\nB,2\nA,\"3\"\nB,4\n";
        let mut content = TABLE[..cut.min(TABLE.len())].to_vec();
        content.extend(&bytes);
        std::fs::write(&path, content).unwrap();
        let source = source(path, "group");
        let _ = super::inspect(&source, &[metric("x", None)]);
        let _ = super::open(&source, &[metric("x", None)], &super::design(None));
    }

    #[test]
    fn no_expression_makes_the_reader_panic(words in proptest::collection::vec(
        proptest::sample::select(vec![
            "x", "group", "\"x\"", "'a'", "1", "2.5", "+", "-", "*", "/", "%", "(", ")", ",", "=", "<>", "<", ">=", "AND", "OR",
            "NOT", "IN", "IS", "NULL", "BETWEEN", "LIKE", "CASE", "WHEN", "THEN", "ELSE", "END", "CAST", "AS", "INT", "DATE",
            "SUM", "COUNT", "OVER", "PARTITION", "BY", "SELECT", "FROM", "ABS", "ROUND", "COALESCE", "LENGTH", "UPPER", "EXTRACT",
            "INTERVAL", "'1 day'", "||", "::", ".", "*", "[", "]", "^", "~", "ARRAY", "EXISTS", "DISTINCT", "SUBSTR", "POWER",
        ]),
        1..9,
    )) {
        let path = super::fixture("plain.csv");
        let sql = words.join(" ");
        let data = opened(&source(path.clone(), "group"), &[metric("x", Some("note = 'one'"))]);
        let _ = samples(&data, &sql, None);
        let _ = samples(&data, "x", Some(&sql));
        let _ = super::inspect(&source(path, "group"), &[metric(&sql, Some(&sql))]);
    }
}
