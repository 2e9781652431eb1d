//! Users with several devices: the device is what the rows name, the user is the unit.

use itog::config::valid::Identity;
use itog::data::{GateReason, IdentityReading};
use polars::prelude::*;

use super::counts::{facts, orders, written};
use super::*;

/// u1 came with two phones; u2 with one phone in each group; device 6 was seen in both groups by itself, as was 8, which is of
/// u4 like 9; device 7 is given to two users; 5 is nobody's.
const EXPOSURES: &str = "device,group,time,platform
1,A,2026-03-03 10:00,web
2,A,2026-03-01 09:00,ios
3,A,2026-03-01 12:00,ios
4,B,2026-03-02 08:00,web
5,B,2026-03-02 08:00,web
6,A,2026-03-01 08:00,web
6,B,2026-03-02 08:00,web
7,B,2026-03-02 08:00,ios
8,A,2026-03-02 08:00,ios
8,B,2026-03-02 08:00,ios
9,A,2026-03-02 08:00,ios
";

/// The user `5` is not the device 5.
const DEVICES: &str = "device,user
1,5
2,5
11,5
3,u2
4,u2
4,u2
7,u3
7,u5
8,u4
9,u4
6,
,u6
99,u7
";

/// Device 11 is of the first user, but was never exposed itself; 12 is a stranger.
const ORDERS: &str = "device,time,revenue
1,2026-03-01 10:00,5
2,2026-03-01 08:00,50
11,2026-03-05 10:00,7
5,2026-03-05 10:00,11
3,2026-03-05 10:00,100
12,2026-03-05 10:00,100
7,2026-03-05 10:00,13
";

fn story(folder: &tempfile::TempDir) -> DataSource {
    let mut source = source(written(folder, "exposures.csv", EXPOSURES), "group");
    (source.unit, source.time) = (Some("device".to_string()), Some("time".to_string()));
    source.facts = vec![facts(written(folder, "orders.csv", ORDERS), "device", Some("time"), None)];
    source.identity = Some(table(written(folder, "devices.csv", DEVICES)));
    source
}

fn table(path: PathBuf) -> Identity {
    Identity { files: files(path), device: "device".to_string(), user: "user".to_string() }
}

fn numbers(reading: &IdentityReading) -> [u64; 7] {
    [
        reading.rows_incomplete,
        reading.devices_seen,
        reading.devices_matched,
        reading.users_seen,
        reading.users_with_several,
        reading.users_mixed,
        reading.devices_mixed,
    ]
}

#[test]
fn all_devices_of_a_user_are_one_unit() {
    let folder = tempfile::tempdir().unwrap();
    let revenue = orders("revenue", Aggregate::Sum, Population::Exposed);
    let metrics = [metric_of(revenue.clone()), metric("1", None)];
    let check = |source: &DataSource| {
        let data = opened(source, &metrics);
        let sizes: Vec<_> = data.groups.iter().map(|group| (group.units, group.rows)).collect();
        // The user of 1 and 2; devices 5 and 7.
        assert_eq!(sizes, [(1, 2), (2, 2)]);
        assert_eq!(data.contamination, 3);
        assert_eq!(numbers(data.identity.as_ref().unwrap()), [2, 9, 6, 3, 3, 1, 2]);
        let gates: Vec<_> = data.gates.iter().map(|gate| (&gate.reason, gate.refuses)).collect();
        let expected = [
            GateReason::UnitsInTwoGroups { count: 2, counts_stay: false },
            GateReason::DevicesInTwoGroups { users: 1, devices: 2 },
            GateReason::DevicesOfTwoUsers { devices: 1 },
            GateReason::UnexposedUnits { rows: 1, units: 1 },
            GateReason::RowsOfMixedUnits { rows: 1, units: 1 },
            GateReason::BeforeExposure { rows: 1, units: 1 },
        ];
        assert_eq!(gates, expected.each_ref().map(|reason| (reason, false)));
        // Rows of both phones are added up; the first exposure of the user is that of the second phone, so that the order with
        // the first phone counts although that phone was exposed later, and so does the order with the third.
        let values = |rows: &Rows| -> Vec<Vec<f64>> {
            first_values(gathered(&data, rows, false).unwrap()).into_iter().map(|s| s.values).collect()
        };
        assert_eq!(values(&revenue), [vec![12.0], vec![11.0, 13.0]]);
        assert_eq!(values(&rows("1", None)), [vec![2.0], vec![1.0, 1.0]]);
        // 3 March is not a day on which anybody came first.
        let days: Vec<_> = data.daily.as_ref().unwrap().days.iter().map(|(_, units)| units.clone()).collect();
        assert_eq!(days, [[1, 0], [0, 2]]);
        let clusters =
            gathered(&data, &Rows { aggregate: Aggregate::Rows, ..rows("1", None) }, false).unwrap();
        assert_eq!(clusters.groups[0].clusters, [0, 0]);
    };
    let mut source = story(&folder);
    check(&source);

    // The same in Parquet, devices whole numbers in one table and text in another.
    let parquet = |name: &str, mut frame: DataFrame| {
        let path = folder.path().join(name);
        ParquetWriter::new(std::fs::File::create(&path).unwrap()).finish(&mut frame).unwrap();
        path
    };
    let device: [Option<i64>; 13] =
        [1, 2, 11, 3, 4, 4, 7, 7, 8, 9, 6, 0, 99].map(|device| Some(device).filter(|device| *device > 0));
    let user = ["5", "5", "5", "u2", "u2", "u2", "u3", "u5", "u4", "u4", "", "u6", "u7"];
    let user = user.map(|user| Some(user).filter(|user| !user.is_empty()));
    let users = parquet("devices.parquet", df!("device" => device, "user" => user).unwrap());
    source.identity = Some(table(users));
    check(&source);
    let user: [Option<i64>; 13] =
        [5, 5, 5, 2, 2, 2, 3, 55, 4, 4, 0, 6, 7].map(|user| Some(user).filter(|user| *user > 0));
    let device = device.map(|device| device.map(|device| device.to_string()));
    source.identity = Some(table(parquet("texts.parquet", df!("device" => device, "user" => user).unwrap())));
    check(&source);
}

#[test]
fn without_the_table_every_device_is_a_unit() {
    let folder = tempfile::tempdir().unwrap();
    let mut source = story(&folder);
    source.identity = None;
    let data = opened(&source, &[]);
    assert_eq!(data.groups.iter().map(|group| group.units).collect::<Vec<_>>(), [4, 3]);
    assert_eq!((data.contamination, data.identity.is_none()), (2, true));
    // A table that knows none of the devices changes nothing.
    source.identity = Some(table(written(&folder, "others.csv", "user,device\nu1,d1\nu1,d2\n")));
    let other = opened(&source, &[]);
    assert_eq!(other.groups, data.groups);
    assert_eq!(numbers(other.identity.as_ref().unwrap()), [0, 9, 0, 0, 0, 0, 0]);
}

#[test]
fn groups_in_facts_may_show_a_user_in_two() {
    let folder = tempfile::tempdir().unwrap();
    let mut source = source(written(&folder, "e.csv", "device,group\na,A\nb,A\nc,B\nd,A\n"), "group");
    source.unit = Some("device".to_string());
    let orders = "device,revenue,group\nb,1,B\nd2,4,B\nd2,4,B\nd,2,A\n";
    source.facts = vec![facts(written(&folder, "o.csv", orders), "device", None, Some("group"))];
    source.identity = Some(table(written(&folder, "i.csv", "device,user\na,1\nd,2\nd2,2\nc,3\n")));
    let data = opened(&source, &[]);
    // b is in two groups by itself; the user of d is by the order with d2.
    let gates: Vec<_> = data.gates.iter().map(|gate| &gate.reason).take(2).collect();
    let expected = [
        GateReason::UnitsInTwoGroups { count: 1, counts_stay: false },
        GateReason::DevicesInTwoGroups { users: 1, devices: 2 },
    ];
    assert_eq!(gates, expected.each_ref());
    assert_eq!(numbers(data.identity.as_ref().unwrap()), [0, 5, 4, 3, 1, 1, 2]);
}

#[test]
fn a_table_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut source = story(&folder);
    let identity = |name: &str, text: &str| table(written(&folder, name, text));
    source.identity = Some(Identity { device: "phone".to_string(), ..identity("devices.csv", DEVICES) });
    for found in [problems(&source, &[]), inspect(&source, &[]).unwrap_err()] {
        assert_eq!((found.len(), found[0].code), (1, "data::missing-column"));
        assert_eq!(found[0].message, "data.identity: device: the data has no column `phone`");
        assert_eq!(found[0].place.as_ref().unwrap().file, source.identity.as_ref().unwrap().files.paths[0]);
    }
    source.identity = Some(identity("empty.csv", ""));
    assert_eq!(codes(&opened(&source, &[]).gates), ["empty-identity"]);
    source.identity = Some(identity("torn.csv", "device,user\n1,5\n2,5,6\n"));
    let data = opened(&source, &[]);
    assert_eq!(codes(&data.gates), ["malformed-identity"]);
    assert_eq!(data.identity.unwrap().reading.first_malformed[0].line, 3);
    source.identity.as_mut().unwrap().files.malformed = OnBroken::Report;
    let data = opened(&source, &[]);
    assert_eq!((codes(&data.gates).len(), data.groups[0].units), (0, 4));
    source.identity.as_mut().unwrap().files.paths[0].set_extension("tsv");
    assert_eq!(problems(&source, &[])[0].code, "data::no-file");
}

#[test]
fn a_table_of_users_does_what_replacing_the_devices_would() {
    // Device i is of user i / 3, where that is even; rows are spread over devices and days by large steps.
    let user = |device: u64| {
        if (device / 3).is_multiple_of(2) { format!("user {}", device / 3) } else { device.to_string() }
    };
    let text = |name: &dyn Fn(u64) -> String| {
        let mut exposures = "device,group,time\n".to_string();
        let mut orders = "device,time,revenue\n".to_string();
        for row in 0..300_u64 {
            let (device, other) = (row * 7919 % 97, row * 104_729 % 113);
            // Some devices are in the other group for good, some for one row.
            let is_other = device.is_multiple_of(11) || row.is_multiple_of(89);
            let group = ["A", "B"][((device / 3 % 5 % 2) ^ u64::from(is_other)) as usize];
            exposures += &format!("{},{group},2026-03-{:02}\n", name(device), 1 + row * 31 % 14);
            orders += &format!("{},2026-03-{:02},{}\n", name(other), 1 + row * 53 % 14, row % 17);
        }
        (exposures, orders)
    };
    let folder = tempfile::tempdir().unwrap();
    let revenue = orders("revenue", Aggregate::Sum, Population::Exposed);
    let of = |(exposures, orders): (String, String), identity: Option<Identity>| {
        let mut source = source(written(&folder, "e.csv", &exposures), "group");
        (source.unit, source.time) = (Some("device".to_string()), Some("time".to_string()));
        source.facts = vec![facts(written(&folder, "o.csv", &orders), "device", Some("time"), None)];
        source.identity = identity;
        opened(&source, &[metric_of(revenue.clone())])
    };
    let devices = (0..113_u64)
        .filter(|device| (device / 3).is_multiple_of(2))
        .map(|device| format!("{},{device}\n", user(device)));
    let devices = format!("user,device\n{}", devices.collect::<String>());
    let by_table = of(text(&|device| device.to_string()), Some(table(written(&folder, "i.csv", &devices))));
    let replaced = of(text(&user), None);
    assert_eq!(by_table.groups, replaced.groups);
    assert_eq!(by_table.contamination, replaced.contamination);
    assert_eq!(by_table.daily, replaced.daily);
    assert_eq!(by_table.facts[0].left_out, replaced.facts[0].left_out);
    assert_eq!(gathered(&by_table, &revenue, false).unwrap(), gathered(&replaced, &revenue, false).unwrap());
    let told = by_table.identity.unwrap();
    assert!(by_table.contamination > told.users_mixed && told.users_mixed > 0, "{told:?}");
}
