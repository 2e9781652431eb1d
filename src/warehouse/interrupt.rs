//! Whether somebody asked the program to end: a query that nobody waits for is cancelled on its server, too.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use super::failure::Fault;

static ASKED: AtomicBool = AtomicBool::new(false);

/// Tells every query under way to end. Safe to be called from the handler of a signal's thread.
pub fn interrupt() {
    ASKED.store(true, Ordering::SeqCst);
}

/// Comes back when the program is asked to end.
async fn interrupted() {
    while !ASKED.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits for an answer until the time is over or the program is asked to end.
pub(super) async fn in_time<T>(asked: impl Future<Output = T>, limit: Duration) -> Result<T, Fault> {
    let mut asked = pin!(asked);
    let mut late = pin!(tokio::time::sleep(limit));
    let mut stopped = pin!(interrupted());
    poll_fn(|context| {
        if let Poll::Ready(answer) = asked.as_mut().poll(context) {
            return Poll::Ready(Ok(answer));
        }
        if late.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(Fault::Timeout));
        }
        if stopped.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(Fault::Interrupted));
        }
        Poll::Pending
    })
    .await
}
