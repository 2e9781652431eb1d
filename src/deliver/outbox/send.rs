//! Sending what waits: every message to one recipient, tried again with growing pauses, never twice in silence.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Outbox;
use super::events::Event;
use super::messages::Queued;
use super::smtp::{Refusal, Server, Session, Trouble};

/// How often and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Tries of a message now; the rest is for the next time.
    pub attempts: u32,
    /// Pause before the second try; each further one is twice as long.
    pub backoff: Duration,
    /// A message that waited longer has failed.
    pub give_up: Duration,
    /// Whether messages whose delivery is unknown are sent again.
    pub resend_uncertain: bool,
}

/// The time, and passing it.
pub trait Clock {
    /// Now.
    fn now(&self) -> Timestamp;
    /// Waits.
    fn wait(&self, pause: Duration);
}

/// What came of sending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Messages that the server took now.
    pub sent: Vec<Queued>,
    /// Messages that failed for good now.
    pub failed: Vec<Queued>,
    /// Messages that wait for the next time.
    pub waiting: Vec<Queued>,
    /// Messages whose delivery is unknown, from now and before.
    pub uncertain: Vec<Queued>,
    /// Why there was no dialogue with the server, when there was none.
    pub trouble: Option<Trouble>,
}

/// Sends everything that waits. Only the holder of the outbox lock may do this.
///
/// # Errors
/// What SQLite says; what is wrong with server and messages is in the [`Outcome`].
pub fn send(
    outbox: &mut Outbox,
    server: &Server,
    policy: Policy,
    clock: &impl Clock,
) -> rusqlite::Result<Outcome> {
    let start = clock.now();
    outbox.settle(start)?;
    if policy.resend_uncertain {
        for message in outbox.list(|event| event == Event::Uncertain)? {
            outbox.record(
                message.id,
                Event::Queued,
                start,
                "sent again, as delivery.toml says of uncertain messages",
            )?;
        }
    }
    let mut ids = Vec::new();
    give_up(outbox, policy, start, &mut ids)?;
    let mut trouble = None;
    for round in 0..policy.attempts.max(1) {
        let waiting = outbox.list(Event::waits)?;
        if waiting.is_empty() {
            break;
        }
        if round > 0 {
            clock.wait(policy.backoff.saturating_mul(1 << (round - 1).min(16)));
        }
        ids.extend(waiting.iter().map(|message| message.id));
        trouble = one_round(outbox, server, clock, &waiting)?;
        if matches!(trouble, Some(Trouble::Lasting(_))) {
            break;
        }
    }
    ids.sort_unstable();
    ids.dedup();
    let mut outcome = Outcome { trouble, ..Outcome::default() };
    for message in outbox.list(|_| true)? {
        let list = match message.last.event {
            Event::Sent if ids.contains(&message.id) => &mut outcome.sent,
            Event::Failed if ids.contains(&message.id) => &mut outcome.failed,
            Event::Queued | Event::Deferred => &mut outcome.waiting,
            Event::Uncertain | Event::Attempt => &mut outcome.uncertain,
            _ => continue,
        };
        list.push(message);
    }
    Ok(outcome)
}

/// Ends messages that have waited too long.
fn give_up(outbox: &mut Outbox, policy: Policy, now: Timestamp, ids: &mut Vec<i64>) -> rusqlite::Result<()> {
    let limit = SignedDuration::try_from(policy.give_up).unwrap_or(SignedDuration::MAX);
    for message in outbox.list(Event::waits)? {
        if now.duration_since(message.since) > limit {
            let detail = format!("not delivered in {} hours: {}", limit.as_hours(), message.last.detail);
            outbox.record(message.id, Event::Failed, now, &detail)?;
            ids.push(message.id);
        }
    }
    Ok(())
}

/// Tries each message once. A server that is not there ends the round: it is the same for all.
fn one_round(
    outbox: &mut Outbox,
    server: &Server,
    clock: &impl Clock,
    waiting: &[Queued],
) -> rusqlite::Result<Option<Trouble>> {
    let mut session: Option<Session> = None;
    for message in waiting {
        let Some(text) = outbox.text(message.id)? else {
            let detail = "its text is gone from the archive or was changed there";
            outbox.record(message.id, Event::Failed, clock.now(), detail)?;
            continue;
        };
        let mut open =
            match session.take().filter(Session::is_usable).map_or_else(|| Session::open(server), Ok) {
                Ok(open) => open,
                Err(trouble) => {
                    let (Trouble::Passing(detail) | Trouble::Lasting(detail)) = &trouble;
                    outbox.record(message.id, Event::Deferred, clock.now(), detail)?;
                    return Ok(Some(trouble));
                }
            };
        let (event, detail) = one(outbox, &mut open, message, &text, clock)?;
        outbox.record(message.id, event, clock.now(), &detail)?;
        if event != Event::Sent {
            open.reset();
        }
        session = Some(open);
    }
    if let Some(open) = session {
        open.close();
    }
    Ok(None)
}

/// Hands one message over. The attempt is on the disk before the text can leave.
fn one(
    outbox: &mut Outbox,
    session: &mut Session,
    message: &Queued,
    text: &[u8],
    clock: &impl Clock,
) -> rusqlite::Result<(Event, String)> {
    let handed = match session.envelope(&message.sender, &message.recipient) {
        Err(refusal) => Err(refusal),
        Ok(()) => {
            outbox.record(message.id, Event::Attempt, clock.now(), "")?;
            session.text(text)
        }
    };
    Ok(match handed {
        Ok(reply) => (Event::Sent, reply),
        Err(Refusal::Later(detail)) => (Event::Deferred, detail),
        Err(Refusal::Never(detail)) => (Event::Failed, detail),
        Err(Refusal::Unknown(detail)) => (Event::Uncertain, detail),
    })
}
