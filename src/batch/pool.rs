//! Worker processes: each experiment runs in a process of its own kind of trouble.
//!
//! A thread cannot be stopped from outside, and a process that runs out of memory or stack takes all its threads with it. So
//! the batch never reads data itself: a few long-lived processes of the same program (`itog worker`) take one experiment
//! after the other. One that is past its time limit is killed, one that dies is replaced, and nobody else notices. A worker
//! whose batch was killed sees the end of its input and ends at once.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How workers are started.
#[derive(Clone, Debug)]
pub struct WorkerCommand {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// It was past this limit and was killed.
    TimeLimit(Duration),
    /// The worker died; how, in words.
    Died(String),
    /// The worker could not be started.
    Start(String),
    /// The run was interrupted.
    Interrupted,
}

/// How often a waiting batch looks whether it was interrupted.
const TICK: Duration = Duration::from_millis(100);

/// Experiments after which a worker is replaced, so that what its allocator keeps cannot grow with the night.
const SERVES: usize = 250;

/// The workers of a batch.
pub struct Pool {
    command: WorkerCommand,
    size: usize,
    idle: Mutex<Vec<Worker>>,
    interrupted: Arc<AtomicBool>,
}

struct Worker {
    child: Child,
    input: ChildStdin,
    answers: Receiver<String>,
    served: usize,
}

impl Drop for Worker {
    fn drop(&mut self) {
        // A worker holds nothing that needs a farewell; what it was writing stands aside.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Pool {
    /// A pool of at most `size` workers, none of them started yet. `interrupted` ends every wait.
    pub fn new(command: WorkerCommand, size: usize, interrupted: Arc<AtomicBool>) -> Pool {
        Pool { command, size: size.max(1), idle: Mutex::new(Vec::new()), interrupted }
    }

    /// Asks `line(i)` for each `i` of `order`, as many at a time as there are workers, and hands each answer to `take`.
    ///
    /// `line` may fail with what stands for the answer; `limit` is the time limit of a task.
    pub(super) fn each(
        &self,
        order: &[usize],
        limit: impl Fn(usize) -> Option<Duration> + Sync,
        line: impl Fn(usize) -> Result<String, String> + Sync,
        take: impl Fn(usize, Result<String, Lost>, Duration) + Sync,
    ) {
        let next = AtomicUsize::new(0);
        let work = || {
            while let Some(&index) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                let begun = Instant::now();
                let answer = match line(index) {
                    Ok(line) => self.ask(&line, limit(index), order.len()),
                    Err(reason) => Err(Lost::Start(reason)),
                };
                take(index, answer, begun.elapsed());
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..self.size.min(order.len()) {
                scope.spawn(work);
            }
        });
    }

    fn ask(&self, line: &str, limit: Option<Duration>, tasks: usize) -> Result<String, Lost> {
        if self.interrupted.load(Ordering::Relaxed) {
            return Err(Lost::Interrupted);
        }
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut worker = match idle {
            Some(worker) => worker,
            None => self.start(tasks).map_err(|error| Lost::Start(error.to_string()))?,
        };
        let answer = worker.ask(line, limit, &self.interrupted)?;
        worker.served += 1;
        if worker.served < SERVES {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
        }
        Ok(answer)
    }

    fn start(&self, tasks: usize) -> std::io::Result<Worker> {
        let mut command = Command::new(&self.command.program);
        command.args(&self.command.arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let threads = self.threads(tasks).to_string();
        // With an arena a thread, each keeps what it has freed: a tenth of the memory of a report, for no time that could be measured. Other
        // allocators than glibc's pass this over.
        let settings =
            [("RAYON_NUM_THREADS", &*threads), ("POLARS_MAX_THREADS", &threads), ("MALLOC_ARENA_MAX", "1")];
        for (name, value) in settings {
            if std::env::var_os(name).is_none() {
                command.env(name, value);
            }
        }
        let mut child = command.spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(std::io::Error::other("the worker has no pipes"));
        };
        let (sender, answers) = mpsc::channel();
        std::thread::spawn(move || {
            let lines = BufReader::new(output).lines();
            for line in lines.map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Worker { child, input, answers, served: 0 })
    }

    /// Threads of one worker: workers share the processors, but the last long experiments of a night may use a second one.
    fn threads(&self, tasks: usize) -> usize {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let workers = self.size.min(tasks).max(1);
        processors.div_ceil(workers).max(2).min(processors)
    }
}

impl Worker {
    fn ask(&mut self, line: &str, limit: Option<Duration>, interrupted: &AtomicBool) -> Result<String, Lost> {
        let begun = Instant::now();
        if self.input.write_all(format!("{line}\n").as_bytes()).and_then(|()| self.input.flush()).is_err() {
            return Err(self.died());
        }
        loop {
            let left = limit.map(|limit| limit.saturating_sub(begun.elapsed()));
            match self.answers.recv_timeout(left.map_or(TICK, |left| left.min(TICK))) {
                Ok(answer) => return Ok(answer),
                Err(RecvTimeoutError::Disconnected) if interrupted.load(Ordering::Relaxed) => {
                    return Err(Lost::Interrupted);
                }
                Err(RecvTimeoutError::Disconnected) => return Err(self.died()),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if interrupted.load(Ordering::Relaxed) {
                return Err(Lost::Interrupted);
            }
            if let Some(limit) = limit.filter(|limit| begun.elapsed() >= *limit) {
                return Err(Lost::TimeLimit(limit));
            }
        }
    }

    fn died(&mut self) -> Lost {
        let status = self.child.wait();
        Lost::Died(status.map_or_else(|error| error.to_string(), how))
    }
}

/// How a process ended, in words.
fn how(status: ExitStatus) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        match status.signal() {
            Some(9) => return "it was killed (signal 9); the system does so when memory runs out".into(),
            Some(11) => return "it broke the rules of memory (signal 11)".into(),
            Some(6) => return "it gave up (signal 6), as on a stack or memory that ran out".into(),
            Some(signal) => return format!("it was ended by signal {signal}"),
            None => {}
        }
    }
    format!("it ended with {status}")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// A pool whose workers are a line of shell.
    fn pool(script: &str, size: usize) -> Pool {
        let command = WorkerCommand { program: "sh".into(), arguments: vec!["-c".into(), script.into()] };
        Pool::new(command, size, Arc::default())
    }

    fn answers(pool: &Pool, lines: &[&str], limit: Option<Duration>) -> Vec<Result<String, Lost>> {
        let order: Vec<usize> = (0..lines.len()).collect();
        let answers = Mutex::new(vec![Err(Lost::Interrupted); lines.len()]);
        let line = |i: usize| Ok(lines[i].to_owned());
        pool.each(&order, |_| limit, line, |i, answer, _| answers.lock().unwrap()[i] = answer);
        answers.into_inner().unwrap()
    }

    #[test]
    fn every_task_has_its_own_answer() {
        let pool = pool("while read -r line; do echo \"did $line\"; done", 3);
        let lines: Vec<String> = (0..40).map(|i| i.to_string()).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        for (line, answer) in lines.iter().zip(answers(&pool, &lines, None)) {
            assert_eq!(answer, Ok(format!("did {line}")));
        }
    }

    #[test]
    fn one_that_is_stuck_is_killed_and_the_others_are_answered() {
        let pool = pool("while read -r line; do [ \"$line\" = stuck ] && sleep 600; echo \"$line\"; done", 2);
        let limit = Duration::from_secs(2);
        let answers = answers(&pool, &["a", "stuck", "b", "c"], Some(limit));
        assert_eq!(answers[1], Err(Lost::TimeLimit(limit)));
        for (index, said) in [(0, "a"), (2, "b"), (3, "c")] {
            assert_eq!(answers[index], Ok(said.to_owned()));
        }
    }

    #[test]
    fn one_that_dies_is_told_and_replaced() {
        let pool = pool("while read -r line; do [ \"$line\" = die ] && kill -9 $$; echo \"$line\"; done", 1);
        let answers = answers(&pool, &["a", "die", "b"], None);
        assert!(matches!(&answers[1], Err(Lost::Died(how)) if how.contains("signal 9")), "{answers:?}");
        assert_eq!((&answers[0], &answers[2]), (&Ok("a".into()), &Ok("b".into())));
    }

    #[test]
    fn an_interrupt_ends_every_wait() {
        let pool = pool("sleep 600", 2);
        pool.interrupted.store(true, Ordering::Relaxed);
        assert_eq!(answers(&pool, &["a", "b", "c"], None), vec![Err(Lost::Interrupted); 3]);
    }

    #[test]
    fn a_program_that_is_not_there_is_no_hang() {
        let command = WorkerCommand { program: "/nowhere/itog".into(), arguments: Vec::new() };
        let pool = Pool::new(command, 1, Arc::default());
        assert!(matches!(&answers(&pool, &["a"], None)[0], Err(Lost::Start(_))));
    }
}
