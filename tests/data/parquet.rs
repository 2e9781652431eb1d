//! Parquet reads like the same table in CSV.

use super::*;
use itog::config::valid::Streaming;
use polars::prelude::*;

fn write(path: &std::path::Path, mut frame: DataFrame) {
    ParquetWriter::new(std::fs::File::create(path).unwrap()).finish(&mut frame).unwrap();
}

fn table() -> DataFrame {
    df!(
        "group" => [1_i64, 2, 1, 2],
        "x" => [Some(1.5), Some(f64::NAN), None, Some(4.5)],
        "bought" => [true, false, true, true],
        "city" => [Some("Москва"), None, Some("Омск"), Some(" ")],
    )
    .unwrap()
}

#[test]
fn parquet_reads_like_csv() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table [1].parquet");
    write(&path, table());
    let mut source = source(path, "group");
    assert_eq!(
        inspect(&source, &[metric("x", None)]).unwrap().value.columns,
        ["group", "x", "bought", "city"]
    );
    let data = opened(&source, &[metric("x", Some("bought"))]);
    let groups: Vec<&str> = data.groups.iter().map(|group| group.id.as_str()).collect();
    assert_eq!(groups, ["1", "2"]);
    let x = samples(&data, "x", None).unwrap();
    assert_eq!((&x[0].values[..], x[0].missing, x[1].missing), (&[1.5][..], 1, 1));
    assert_eq!(data.overview[3].distinct, Some(2));
    assert_eq!((data.reading.rows, data.reading.files[0].rows), (4, 4));

    let second = folder.path().join("table [2].parquet");
    write(&second, table());
    source.files.paths.push(second.clone());
    assert_eq!(opened(&source, &[metric("x", None)]).reading.rows, 8);
    write(&second, df!("group" => [1_i64], "y" => [1.0]).unwrap());
    assert_eq!(problems(&source, &[metric("x", None)])[0].code, "data::header-differs");
    source.files.paths.truncate(1);
    let missing = problems(&source, &[metric("x1", None)]);
    assert_eq!(
        (missing[0].code, missing[0].hint.as_deref()),
        ("data::missing-column", Some("did you mean `x`?"))
    );
}

#[test]
fn damaged_parquet_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.parquet");
    write(&path, table());
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    assert_eq!(problems(&source(path.clone(), "group"), &[metric("x", None)])[0].code, "data::parquet");
    std::fs::write(&path, "group,x\nA,1\n").unwrap();
    assert_eq!(problems(&source(path, "group"), &[metric("x", None)])[0].code, "data::parquet");
}

#[test]
fn types_that_cannot_be_read_are_named() {
    // Written by pyarrow: `z` holds half-precision numbers in one file and lists in the other.
    let half = source(fixture("half_precision.parquet"), "ab_group");
    let found = problems(&half, &[metric("revenue", None)]);
    assert_eq!(found[0].code, "data::parquet");
    assert!(found[0].message.contains("`z`"), "{}", found[0].message);

    let lists = source(fixture("lists.parquet"), "ab_group");
    assert_eq!(problems(&lists, &[metric("z", None)])[0].code, "data::column-type");
    let Warned { value: data, warnings } =
        open(&lists, &[metric("revenue + 0", None)], &design(None)).unwrap();
    assert_eq!((warnings[0].code, data.overview.len()), ("data::column-type", 2));
    assert_eq!(values(&data, "revenue"), [vec![1.0], vec![2.0, 4.0]]);
}

#[test]
fn narrow_and_decimal_numbers_are_numbers_as_a_whole_and_in_parts() {
    // Written by pyarrow: uint8, uint16, int8, int16, decimal128(10, 2) and decimal128(38, 18).
    let mut source = source(fixture("small_types.parquet"), "ab_group");
    let known: [(&str, [&[f64]; 2]); 8] = [
        ("flag", [&[0.0, 1.0], &[1.0, 255.0]]),
        ("count", [&[7.0, 65535.0], &[3.0]]),
        ("small", [&[-1.0, 3.0], &[2.0, 4.0]]),
        ("short", [&[-300.0, 3.0], &[2.0, 4.0]]),
        ("money", [&[12.34], &[0.1, -99999999.99]]),
        ("wide", [&[1.0, 3.0], &[2.5, 4.0]]),
        ("money * 2", [&[24.68], &[0.2, -199999999.98]]),
        ("flag + count", [&[7.0, 65536.0], &[258.0]]),
    ];
    for (sql, known) in known {
        source.streaming = Streaming::Never;
        let metrics = [metric(sql, None)];
        let data = open(&source, &metrics, &design(None)).unwrap().value;
        assert_eq!(values(&data, sql), known, "{sql}");
        source.streaming = Streaming::Always;
        let parts = open(&source, &metrics, &design(None)).unwrap().value;
        let own = &parts.sums().unwrap().metrics[0];
        for (arm, known) in own.groups.iter().zip(known) {
            let total = arm.total(own).unwrap();
            let mean = known.iter().sum::<f64>() / known.len() as f64;
            assert_eq!(total.joint.n(), known.len() as u64, "{sql}");
            assert!((total.joint.means()[0] - mean).abs() <= 1e-12 * mean.abs(), "{sql}");
        }
    }
    // Groups and units may be written so, too.
    source.group = "flag".into();
    source.unit = Some("count".into());
    source.files.malformed = OnBroken::Report;
    for streaming in [Streaming::Never, Streaming::Always] {
        source.streaming = streaming;
        let data = open(&source, &[metric("money", None)], &design(None)).unwrap().value;
        let groups: Vec<(&str, u64)> =
            data.groups.iter().map(|group| (group.id.as_str(), group.units)).collect();
        assert_eq!(groups, [("0", 1), ("1", 1), ("255", 1)], "{streaming:?}");
    }
}
