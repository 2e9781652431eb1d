//! A mail server inside of the test.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What the server does with one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Takes it.
    Take,
    /// Answers RCPT so.
    Rcpt(&'static str),
    /// Answers MAIL so.
    Mail(&'static str),
    /// Answers DATA so.
    Data(&'static str),
    /// Answers the whole text so.
    Text(&'static str),
    /// Closes the connection in place of an answer to DATA.
    DropBeforeText,
    /// Takes the text and closes the connection in place of an answer.
    DropAfterText,
    /// Closes after the first line of the text.
    DropInText,
}

/// A server that answers as it is told, message by message, and keeps what it took: recipient and text.
pub struct Fake {
    /// Where it listens, on the loopback.
    pub port: u16,
    /// What it took.
    pub taken: Arc<Mutex<Vec<(String, String)>>>,
    /// What it read to the end, taken or not.
    pub seen: Arc<Mutex<Vec<(String, String)>>>,
}

impl Fake {
    /// Answers as the script says, and takes what comes after its end.
    pub fn new(script: &[Reply]) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (taken, seen) = (Arc::default(), Arc::default());
        let (script, keep, see) = (script.to_vec(), Arc::clone(&taken), Arc::clone(&seen));
        thread::spawn(move || {
            let mut script = script.into_iter();
            for stream in listener.incoming() {
                // A connection that breaks is what some of the tests are about.
                let _ = converse(&stream.unwrap(), &mut script, &keep, &see);
            }
        });
        Fake { port, taken, seen }
    }

    /// Recipients of what it took.
    pub fn taken(&self) -> Vec<String> {
        self.taken.lock().unwrap().iter().map(|(to, _)| to.clone()).collect()
    }
}

type Kept = Arc<Mutex<Vec<(String, String)>>>;

fn converse(
    stream: &TcpStream,
    script: &mut impl Iterator<Item = Reply>,
    taken: &Kept,
    seen: &Kept,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream.try_clone()?;
    let mut say = |text: &str| writer.write_all(format!("{text}\r\n").as_bytes());
    say("220 fake ready")?;
    let (mut reply, mut to) = (Reply::Take, String::new());
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        match line.get(..4).unwrap_or("") {
            "EHLO" => say("250-fake\r\n250 8BITMIME")?,
            "MAIL" => {
                reply = script.next().unwrap_or(Reply::Take);
                say(if let Reply::Mail(text) = reply { text } else { "250 ok" })?;
            }
            "RCPT" => {
                to = line.trim().trim_start_matches("RCPT TO:<").trim_end_matches('>').to_owned();
                say(if let Reply::Rcpt(text) = reply { text } else { "250 ok" })?;
            }
            "DATA" => match reply {
                Reply::DropBeforeText => return Ok(()),
                Reply::Data(text) => say(text)?,
                _ => {
                    say("354 go on")?;
                    let mut text = String::new();
                    loop {
                        line.clear();
                        if reader.read_line(&mut line)? == 0 || reply == Reply::DropInText {
                            return Ok(());
                        }
                        if line == ".\r\n" {
                            break;
                        }
                        text.push_str(line.strip_prefix('.').unwrap_or(&line));
                    }
                    seen.lock().unwrap().push((to.clone(), text.clone()));
                    match reply {
                        Reply::DropAfterText => return Ok(()),
                        Reply::Text(text) => say(text)?,
                        _ => {
                            taken.lock().unwrap().push((to.clone(), text));
                            say("250 2.0.0 queued as 4711")?;
                        }
                    }
                }
            },
            "QUIT" => {
                say("221 bye")?;
                return Ok(());
            }
            _ => say("250 ok")?,
        }
    }
}
