//! Sending against a server that says what a test tells it to: every place at which a dialogue can fail.

use std::cell::RefCell;
use std::net::TcpListener;
use std::time::Duration;

use itog::deliver::outbox::send::{Clock, Outcome, Policy, send};
use itog::deliver::outbox::smtp::{Protection, Server, Trouble};
use itog::deliver::outbox::{Event, Message, Outbox, message_id};
use jiff::{SignedDuration, Timestamp};

#[path = "outbox/fake.rs"]
mod fake;

use fake::{Fake, Reply};

/// A clock that passes at once and remembers the pauses.
struct Quick {
    now: RefCell<Timestamp>,
    pauses: RefCell<Vec<u64>>,
}

impl Quick {
    fn new() -> Quick {
        Quick { now: RefCell::new(start()), pauses: RefCell::default() }
    }
}

impl Clock for Quick {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    fn wait(&self, pause: Duration) {
        self.pauses.borrow_mut().push(pause.as_secs());
        *self.now.borrow_mut() += SignedDuration::try_from(pause).unwrap();
    }
}

fn server(fake: &Fake) -> Server {
    Server {
        host: "127.0.0.1".into(),
        port: fake.port,
        protection: Protection::None,
        login: None,
        roots: None,
        hello: "itog.example.ru".into(),
        timeout: Duration::from_secs(5),
    }
}

fn start() -> Timestamp {
    "2026-11-23T03:00:00Z".parse().unwrap()
}

const POLICY: Policy = Policy {
    attempts: 4,
    backoff: Duration::from_secs(30),
    give_up: Duration::from_secs(72 * 3600),
    resend_uncertain: false,
};

fn message(recipient: &str, body: &[u8]) -> Message {
    Message {
        message_id: message_id("digest", "", "key", recipient, "example.ru"),
        kind: "digest".into(),
        experiment: String::new(),
        data_date: "2026-11-22".into(),
        run_key: "key".into(),
        sender: "itog@example.ru".into(),
        recipient: recipient.into(),
        subject: "Итоги".into(),
        headers: format!("To: {recipient}\r\n"),
        body: body.to_vec(),
        news: "n".into(),
        decision: "d".into(),
    }
}

const BODY: &[u8] = b"Content-Type: text/plain\r\n\r\n.a line with a dot\r\nbody\r\n";

fn outbox(recipients: &[&str]) -> (tempfile::TempDir, Outbox) {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = Outbox::open(folder.path()).unwrap();
    let messages: Vec<Message> = recipients.iter().map(|to| message(to, BODY)).collect();
    outbox.queue(&messages, start()).unwrap();
    (folder, outbox)
}

fn events(outbox: &Outbox, id: i64) -> Vec<Event> {
    outbox.history(id).unwrap().iter().map(|happened| happened.event).collect()
}

fn run(outbox: &mut Outbox, fake: &Fake, clock: &Quick) -> Outcome {
    send(outbox, &server(fake), POLICY, clock).unwrap()
}

#[test]
fn messages_arrive_once_and_whole_and_a_repeat_sends_nothing() {
    let fake = Fake::new(&[]);
    let (_folder, mut outbox) = outbox(&["a@example.ru", "b@example.ru"]);
    let outcome = run(&mut outbox, &fake, &Quick::new());
    assert_eq!((outcome.sent.len(), outcome.waiting.len()), (2, 0));
    assert_eq!(events(&outbox, 1), [Event::Queued, Event::Attempt, Event::Sent]);
    assert_eq!(outbox.history(1).unwrap()[2].detail, "250 2.0.0 queued as 4711");
    let text = fake.taken.lock().unwrap()[0].1.clone();
    assert_eq!(
        text,
        "Date: Mon, 23 Nov 2026 03:00:00 +0000\r\nTo: a@example.ru\r\nContent-Type: text/plain\r\n\r\n\
         .a line with a dot\r\nbody\r\n"
    );
    assert_eq!(run(&mut outbox, &fake, &Quick::new()), Outcome::default());
    assert_eq!(outbox.queue(&[message("a@example.ru", BODY)], start()).unwrap(), 0);
    run(&mut outbox, &fake, &Quick::new());
    assert_eq!(fake.taken(), ["a@example.ru", "b@example.ru"]);
}

#[test]
fn what_a_server_puts_off_is_tried_again_with_growing_pauses() {
    for reply in [
        Reply::Rcpt("450 4.2.0 greylisted"),
        Reply::Mail("451 later"),
        Reply::Data("451 later"),
        Reply::Text("452 4.3.1 disk full"),
        Reply::Rcpt("421 closing"),
    ] {
        let fake = Fake::new(&[reply, reply, reply]);
        let (_folder, mut outbox) = outbox(&["a@example.ru"]);
        let clock = Quick::new();
        let outcome = run(&mut outbox, &fake, &clock);
        assert_eq!(outcome.sent.len(), 1, "{reply:?}: {outcome:?}");
        assert_eq!(*clock.pauses.borrow(), [30, 60, 120], "{reply:?}");
        let last: Vec<Event> = events(&outbox, 1).into_iter().filter(|e| *e != Event::Attempt).collect();
        assert_eq!(last, [Event::Queued, Event::Deferred, Event::Deferred, Event::Deferred, Event::Sent]);
    }
}

#[test]
fn a_message_that_never_gets_through_waits_for_the_next_time_and_fails_in_the_end() {
    let fake = Fake::new(&[Reply::Rcpt("450 later"); 9]);
    let (_folder, mut outbox) = outbox(&["a@example.ru"]);
    let clock = Quick::new();
    let outcome = run(&mut outbox, &fake, &clock);
    assert_eq!((outcome.waiting.len(), outcome.failed.len()), (1, 0));
    assert_eq!(outcome.waiting[0].tries, 4);
    clock.wait(Duration::from_secs(73 * 3600));
    let outcome = run(&mut outbox, &fake, &clock);
    assert_eq!((outcome.waiting.len(), outcome.failed.len()), (0, 1));
    assert!(
        outcome.failed[0].last.detail.contains("72 hours") && outcome.failed[0].last.detail.contains("450")
    );
    // By hand it gets its whole time again.
    outbox.record(1, Event::Queued, clock.now(), "by hand").unwrap();
    assert_eq!(run(&mut outbox, &fake, &clock).waiting.len(), 1);
}

#[test]
fn one_refused_of_three_does_not_touch_the_others() {
    for refusal in [
        Reply::Rcpt("550 5.1.1 no such user"),
        Reply::Mail("553 sender refused"),
        Reply::Data("554 no"),
        Reply::Text("554 5.7.1 spam"),
    ] {
        let fake = Fake::new(&[Reply::Take, refusal, Reply::Take]);
        let (_folder, mut outbox) = outbox(&["a@example.ru", "b@example.ru", "c@example.ru"]);
        let outcome = run(&mut outbox, &fake, &Quick::new());
        assert_eq!((outcome.sent.len(), outcome.failed.len()), (2, 1), "{refusal:?}");
        assert_eq!(fake.taken(), ["a@example.ru", "c@example.ru"], "{refusal:?}");
        assert_eq!(outcome.failed[0].recipient, "b@example.ru");
        assert!(outcome.failed[0].last.detail.contains("55"), "{:?}", outcome.failed[0]);
        assert_eq!(run(&mut outbox, &fake, &Quick::new()), Outcome::default(), "it is told once");
    }
}

#[test]
fn what_failed_gives_way_to_what_the_same_night_tells_anew() {
    let fake = Fake::new(&[Reply::Rcpt("550 5.1.1 no such user")]);
    let (_folder, mut outbox) = outbox(&["a@example.ru"]);
    assert_eq!(run(&mut outbox, &fake, &Quick::new()).failed.len(), 1);
    let anew = Message { message_id: "anew@example.ru".into(), ..message("a@example.ru", BODY) };
    assert_eq!(outbox.queue(&[anew], start()).unwrap(), 1);
    let outcome = run(&mut outbox, &fake, &Quick::new());
    assert_eq!((outcome.sent.len(), outcome.failed.len()), (1, 0));
    assert_eq!(events(&outbox, 1), [Event::Queued, Event::Failed, Event::Cancelled]);
}

#[test]
fn a_connection_lost_before_the_text_is_tried_again() {
    let fake = Fake::new(&[Reply::DropBeforeText]);
    let (_folder, mut outbox) = outbox(&["a@example.ru", "b@example.ru"]);
    let outcome = run(&mut outbox, &fake, &Quick::new());
    assert_eq!((outcome.sent.len(), outcome.uncertain.len()), (2, 0), "{outcome:?}");
    assert_eq!(fake.taken(), ["b@example.ru", "a@example.ru"]);
    assert_eq!(
        events(&outbox, 1),
        [Event::Queued, Event::Attempt, Event::Deferred, Event::Attempt, Event::Sent]
    );
}

#[test]
fn a_connection_lost_after_the_text_is_uncertain_and_never_sent_again_in_silence() {
    let fake = Fake::new(&[Reply::DropAfterText]);
    let (_folder, mut outbox) = outbox(&["a@example.ru", "b@example.ru"]);
    for sent in [1, 0, 0] {
        let outcome = run(&mut outbox, &fake, &Quick::new());
        assert_eq!((outcome.sent.len(), outcome.uncertain.len()), (sent, 1), "{outcome:?}");
    }
    assert_eq!(fake.seen.lock().unwrap().len(), 2, "the text went once to each");
    // A person decides.
    outbox.record(1, Event::Queued, start(), "by hand").unwrap();
    let outcome = run(&mut outbox, &fake, &Quick::new());
    assert_eq!((outcome.sent.len(), outcome.uncertain.len()), (1, 0));
}

#[test]
fn a_stated_policy_sends_uncertain_messages_again() {
    let fake = Fake::new(&[Reply::DropAfterText]);
    let (_folder, mut outbox) = outbox(&["a@example.ru"]);
    let policy = Policy { resend_uncertain: true, ..POLICY };
    let clock = Quick::new();
    assert_eq!(send(&mut outbox, &server(&fake), policy, &clock).unwrap().uncertain.len(), 1);
    assert_eq!(send(&mut outbox, &server(&fake), policy, &clock).unwrap().sent.len(), 1);
    let queued = events(&outbox, 1).into_iter().filter(|event| *event == Event::Queued).count();
    assert_eq!(queued, 2, "that it was sent again stands in its history");
}

#[test]
fn a_long_text_that_breaks_off_in_its_middle_was_not_taken() {
    let mut body = b"Content-Type: text/plain\r\n\r\n".to_vec();
    for _ in 0..400_000 {
        body.extend_from_slice(b"a line of the text that is long enough\r\n");
    }
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = Outbox::open(folder.path()).unwrap();
    outbox.queue(&[message("a@example.ru", &body)], start()).unwrap();
    let fake = Fake::new(&[Reply::DropInText]);
    let outcome = run(&mut outbox, &fake, &Quick::new());
    assert_eq!((outcome.sent.len(), outcome.uncertain.len()), (1, 0), "{:?}", outcome.uncertain);
    assert_eq!(
        fake.taken.lock().unwrap()[0].1.len(),
        body.len() + "Date: Mon, 23 Nov 2026 03:00:00 +0000\r\nTo: a@example.ru\r\n".len()
    );
}

#[test]
fn a_process_that_died_while_sending_leaves_an_uncertain_message() {
    let fake = Fake::new(&[]);
    let (_folder, mut outbox) = outbox(&["a@example.ru", "b@example.ru"]);
    outbox.record(1, Event::Attempt, start(), "").unwrap();
    let outcome = run(&mut outbox, &fake, &Quick::new());
    assert_eq!((outcome.sent.len(), outcome.uncertain.len()), (1, 1));
    assert_eq!(fake.taken(), ["b@example.ru"]);
}

#[test]
fn a_server_that_is_away_keeps_everything_waiting() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let fake = Fake::new(&[]);
    let (_folder, mut outbox) = outbox(&["a@example.ru", "b@example.ru"]);
    let away = Server { port, ..server(&fake) };
    let clock = Quick::new();
    let outcome = send(&mut outbox, &away, POLICY, &clock).unwrap();
    assert_eq!((outcome.waiting.len(), clock.pauses.borrow().len()), (2, 3));
    assert!(matches!(outcome.trouble, Some(Trouble::Passing(_))), "{outcome:?}");
    assert_eq!(run(&mut outbox, &fake, &clock).sent.len(), 2);
}

#[test]
fn a_server_without_starttls_or_login_gets_nothing_and_is_not_asked_again() {
    let fake = Fake::new(&[]);
    let (_folder, mut outbox) = outbox(&["a@example.ru"]);
    let login = Some(("itog".to_owned(), "secret".to_owned()));
    for server in [
        Server { protection: Protection::Starttls, ..server(&fake) },
        Server { login: login.clone(), ..server(&fake) },
    ] {
        let clock = Quick::new();
        let outcome = send(&mut outbox, &server, POLICY, &clock).unwrap();
        assert!(matches!(outcome.trouble, Some(Trouble::Lasting(_))), "{outcome:?}");
        assert_eq!((outcome.waiting.len(), clock.pauses.borrow().len()), (1, 0));
        assert!(!format!("{outcome:?}{server:?}").contains("secret"));
    }
    assert!(fake.seen.lock().unwrap().is_empty());
}
