//! The program with a server: a run mails its night once, and its exit code says what was not delivered.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use itog::deliver::outbox::Outbox;
use mail_parser::MessageParser;
use serde_json::{Value, json};

use super::{BASE, HEAD, PEOPLE, at, fake};

fn itog(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_itog"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("SOURCE_DATE_EPOCH")
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A folder with one experiment and a delivery to a server on this machine.
fn project(port: u16) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    fs::create_dir(&config).unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/timespent.toml");
    let text = fs::read_to_string(shipped).unwrap();
    let owner = "[experiment]\nowner = \"Анна Петрова\"";
    let text: String =
        text.lines().filter(|line| !line.starts_with("owner")).map(|line| format!("{line}\n")).collect();
    fs::write(config.join("timespent.toml"), text.replacen("[experiment]", owner, 1)).unwrap();
    let smtp = format!("[smtp]\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\nattempts = 1\n");
    fs::write(config.join("delivery.toml"), [HEAD, BASE, &smtp, PEOPLE].concat()).unwrap();
    folder
}

#[test]
fn a_run_mails_its_night_once() {
    let server = fake::Fake::new(&[]);
    let folder = project(server.port);
    let run = ["run", "--date", "2026-11-22"];
    let output = itog(&run, folder.path());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(server.taken(), ["maria@example.ru", "anna@example.ru"]);
    for again in [&run[..], &["run", "--date", "2026-11-22", "--resume"], &["send"]] {
        let output = itog(again, folder.path());
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    }
    assert_eq!(server.taken().len(), 2, "a repeat sends nothing");
    let output = itog(&["archive", "verify"], folder.path());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

#[test]
fn what_is_not_delivered_waits_and_the_exit_code_says_so() {
    let server = fake::Fake::new(&[fake::Reply::Rcpt("450 later"), fake::Reply::DropAfterText]);
    let folder = project(server.port);
    let output = itog(&["run", "--date", "2026-11-22"], folder.path());
    assert_eq!(output.status.code(), Some(5), "{}", said(&output));
    assert!(
        said(&output).contains("delivery::uncertain") && said(&output).contains("450"),
        "{}",
        said(&output)
    );
    assert!(folder.path().join("output/2026-11-22/timespent/report.pdf").is_file());
    let status = itog(&["send", "--status", "--format", "json"], folder.path());
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!((&status["sum"]["waiting"], &status["sum"]["uncertain"]), (&json!(1), &json!(1)));
    let output = itog(&["send"], folder.path());
    assert_eq!(
        output.status.code(),
        Some(5),
        "the uncertain one still waits for a person: {}",
        said(&output)
    );
    assert_eq!(server.taken(), ["maria@example.ru"]);
    assert_eq!(itog(&["send", "--retry-uncertain", "1"], folder.path()).status.code(), Some(2), "1 was sent");
    let output = itog(&["send", "--retry-uncertain", "2"], folder.path());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(server.taken(), ["maria@example.ru", "anna@example.ru"]);
}

#[test]
fn a_message_that_failed_is_told_until_somebody_sees_to_it() {
    let server = fake::Fake::new(&[fake::Reply::Rcpt("550 no such user")]);
    let folder = project(server.port);
    let code = |arguments: &[&str], expected: i32| {
        let output = itog(arguments, folder.path());
        assert_eq!(output.status.code(), Some(expected), "{arguments:?}: {}", said(&output));
        said(&output)
    };
    let night = ["run", "--date", "2026-11-22"];
    code(&night, 5);
    // Nothing is sent again by itself, and nothing is forgotten.
    for arguments in [&["send", "--status"][..], &["run", "--date", "2026-11-22", "--resume"], &night] {
        let told = code(arguments, 5);
        assert!(told.contains("no such user"), "{arguments:?}: {told}");
    }
    // A timer that sends every quarter of an hour tells of what came of its own tries.
    code(&["send"], 0);
    assert_eq!(server.taken(), ["anna@example.ru"]);
    // Another night is not to blame for it.
    code(&["run", "--date", "2026-11-23"], 0);
    code(&["send", "--cancel", "1"], 0);
    code(&["send", "--status"], 0);
    code(&["run", "--date", "2026-11-22", "--resume"], 0);
}

#[test]
fn nothing_is_sent_when_it_is_not_wanted_or_the_file_is_wrong() {
    let server = fake::Fake::new(&[]);
    let folder = project(server.port);
    let path = folder.path().join("config/delivery.toml");
    let good = fs::read_to_string(&path).unwrap();
    for arguments in [
        &["run", "--date", "2026-11-22", "--no-send"][..],
        &["run", "--date", "2026-11-22", "--only", "timespent"],
        &["run", "config/timespent.toml", "--date", "2026-11-22"],
    ] {
        assert_eq!(itog(arguments, folder.path()).status.code(), Some(0), "{arguments:?}");
    }
    fs::write(&path, good.replace("from =", "form =")).unwrap();
    let output = itog(&["run", "--date", "2026-11-22"], folder.path());
    assert_eq!(output.status.code(), Some(5), "the reports are made: {}", said(&output));
    assert!(said(&output).contains("did you mean `from`?"), "{}", said(&output));
    assert_eq!(itog(&["check"], folder.path()).status.code(), Some(2));
    fs::write(&path, good.replace("enabled = true", "enabled = false")).unwrap();
    assert_eq!(itog(&["run", "--date", "2026-11-22"], folder.path()).status.code(), Some(0));
    let output = itog(&["send"], folder.path());
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("delivery::disabled"));
    assert!(server.seen.lock().unwrap().is_empty());
    let output = itog(&["send", "--dry-run"], folder.path());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let files: Vec<&str> = std::str::from_utf8(&output.stdout).unwrap().lines().collect();
    assert_eq!(files.len(), 2, "{files:?}");
    for file in files {
        let bytes = fs::read(folder.path().join(file)).unwrap();
        assert!(MessageParser::default().parse(&bytes).unwrap().subject().is_some());
    }
    // The night was not mailed; it is when somebody asks for it.
    fs::write(&path, &good).unwrap();
    let output = itog(&["send", "--night", "2026-11-22"], folder.path());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(server.taken().len(), 2);
}

#[test]
fn a_run_that_died_before_its_mail_was_queued_is_made_up_for() {
    let server = fake::Fake::new(&[]);
    let folder = project(server.port);
    assert_eq!(itog(&["run", "--date", "2026-11-22", "--no-send"], folder.path()).status.code(), Some(0));
    let out = folder.path().join("output");
    Outbox::open(&out).unwrap().announce("2026-11-22", at()).unwrap();
    Outbox::open(&out).unwrap().announce("2026-11-23", at()).unwrap();
    let output = itog(&["send"], folder.path());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(server.taken().len(), 2);
    assert_eq!(
        Outbox::open(&out).unwrap().unsettled().unwrap(),
        ["2026-11-23"],
        "that night has no reports yet"
    );
}
