use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_795_300_000 + seconds).unwrap()
}

fn message(run_key: &str, recipient: &str) -> Message {
    Message {
        message_id: message_id("digest", "", run_key, recipient, "example.ru"),
        kind: "digest".into(),
        experiment: String::new(),
        data_date: "2026-11-22".into(),
        run_key: run_key.into(),
        sender: "itog@example.ru".into(),
        recipient: recipient.into(),
        subject: "Итоги".into(),
        headers: format!("To: {recipient}\r\n"),
        body: b"Content-Type: text/plain\r\n\r\nbody\r\n".to_vec(),
        news: "n".into(),
        decision: "d".into(),
    }
}

fn outbox() -> (tempfile::TempDir, Outbox) {
    let folder = tempfile::tempdir().unwrap();
    let outbox = Outbox::open(folder.path()).unwrap();
    (folder, outbox)
}

#[test]
fn a_repeat_queues_nothing_and_a_night_computed_again_takes_back_what_waits() {
    let (_folder, mut outbox) = outbox();
    let night = [message("k1", "a@example.ru"), message("k1", "b@example.ru")];
    assert_eq!(outbox.queue(&night, at(0)).unwrap(), 2);
    assert_eq!(outbox.queue(&night, at(1)).unwrap(), 0);
    outbox.record(1, Event::Sent, at(2), "250 ok").unwrap();
    let again = [message("k2", "a@example.ru"), message("k2", "b@example.ru")];
    assert_eq!(outbox.queue(&again, at(3)).unwrap(), 2);
    let states: Vec<Event> = outbox.list(|_| true).unwrap().iter().map(|m| m.last.event).collect();
    assert_eq!(states, [Event::Sent, Event::Cancelled, Event::Queued, Event::Queued]);
    let sum = Sum { waiting: 2, sent: 1, cancelled: 1, ..Sum::default() };
    assert_eq!(outbox.sum().unwrap(), sum);
    assert_eq!(outbox.verify_messages().unwrap(), None);
    assert_eq!(outbox.verify_events().unwrap(), None);
}

#[test]
fn an_attempt_without_an_end_is_uncertain_and_is_said_once() {
    let (_folder, mut outbox) = outbox();
    outbox.queue(&[message("k", "a@example.ru"), message("k", "b@example.ru")], at(0)).unwrap();
    outbox.record(1, Event::Attempt, at(1), "").unwrap();
    assert_eq!(outbox.settle(at(2)).unwrap(), 1);
    assert_eq!(outbox.settle(at(3)).unwrap(), 0);
    let history: Vec<Event> = outbox.history(1).unwrap().iter().map(|h| h.event).collect();
    assert_eq!(history, [Event::Queued, Event::Attempt, Event::Uncertain]);
    assert_eq!(outbox.list(Event::waits).unwrap().len(), 1);
}

#[test]
fn a_body_is_kept_once_and_let_go_when_all_its_messages_ended() {
    let (_folder, mut outbox) = outbox();
    outbox.queue(&[message("k", "a@example.ru"), message("k", "b@example.ru")], at(0)).unwrap();
    let bodies = |outbox: &Outbox| -> i64 {
        let sql = "SELECT count(*) FROM mail_bodies";
        outbox.archive.connection().query_row(sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(bodies(&outbox), 1);
    let text = String::from_utf8(outbox.text(1).unwrap().unwrap()).unwrap();
    assert!(text.starts_with("Date: ") && text.contains("\r\nTo: a@example.ru\r\nContent-Type: "), "{text}");
    outbox.record(1, Event::Sent, at(1), "").unwrap();
    assert_eq!(outbox.forget_bodies(at(100)).unwrap(), 0, "the other one still waits");
    outbox.record(2, Event::Failed, at(1), "").unwrap();
    assert_eq!(outbox.forget_bodies(at(1)).unwrap(), 0, "it has just ended");
    assert_eq!(outbox.forget_bodies(at(2)).unwrap(), 1);
    assert_eq!(outbox.text(1).unwrap(), None);
    assert_eq!(outbox.verify_messages().unwrap(), None, "headers and hashes stay");
}

#[test]
fn rows_refuse_to_change_and_a_change_by_force_is_found() {
    let (_folder, mut outbox) = outbox();
    outbox.queue(&[message("k", "a@example.ru"), message("k", "b@example.ru")], at(0)).unwrap();
    let connection = outbox.archive.connection();
    for sql in ["UPDATE messages SET subject = 'x'", "DELETE FROM messages", "DELETE FROM message_events"] {
        assert!(connection.execute(sql, []).is_err(), "{sql}");
    }
    let force = |sql: &str| connection.execute_batch(sql).unwrap();
    force("DROP TRIGGER mail_bodies_never_change; UPDATE mail_bodies SET bytes = x'00'");
    assert_eq!(outbox.verify_messages().unwrap(), Some(1));
    assert_eq!(outbox.text(1).unwrap(), None, "what was changed is not sent");
    force(
        "DROP TRIGGER message_events_never_change; UPDATE message_events SET at = '2026-01-01T00:00:00Z' WHERE seq = 2",
    );
    assert_eq!(outbox.verify_events().unwrap(), Some(2));
    force("DROP TRIGGER messages_never_change; UPDATE messages SET recipient = 'c@example.ru' WHERE seq = 2");
    assert_eq!(outbox.verify_messages().unwrap(), Some(2));
}

#[test]
fn identities_differ_by_everything_that_makes_a_message() {
    let id = |kind, experiment, key, recipient| message_id(kind, experiment, key, recipient, "example.ru");
    let all = [
        id("digest", "", "k", "a@b.ru"),
        id("operators", "", "k", "a@b.ru"),
        id("digest", "e", "k", "a@b.ru"),
        id("digest", "", "k2", "a@b.ru"),
        id("digest", "", "k", "c@b.ru"),
    ];
    for (i, one) in all.iter().enumerate() {
        assert!(all[i + 1..].iter().all(|other| other != one));
    }
    assert_eq!(all[0], id("digest", "", "k", "A@b.ru"));
}

#[test]
fn a_night_is_unsettled_until_its_mail_is_queued() {
    let (_folder, mut outbox) = outbox();
    outbox.announce("2026-11-22", at(0)).unwrap();
    outbox.announce("2026-11-21", at(0)).unwrap();
    assert_eq!(outbox.unsettled().unwrap(), ["2026-11-21", "2026-11-22"]);
    outbox.settled("2026-11-22", at(1)).unwrap();
    assert_eq!(outbox.unsettled().unwrap(), ["2026-11-21"]);
    outbox.announce("2026-11-22", at(2)).unwrap();
    assert_eq!(outbox.unsettled().unwrap().len(), 2);
}
