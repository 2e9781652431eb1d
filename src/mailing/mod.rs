//! The mail of a night: who gets what, put together from the reports that are in place.
//!
//! [`night`] reads what the folder of a date holds, [`rules`] says who is told what (pure), [`mime`] makes the bytes. The result is
//! a list of messages for the outbox; nothing here sends anything.

pub mod mime;
pub mod night;
pub mod rules;

use jiff::civil::Date;

use crate::config::delivery::Delivery;
use crate::config::delivery::valid::Mailbox;
use crate::deliver::outbox::{Earlier, Event, Message, Outbox, message_id};
use crate::diag::Diagnostic;
use crate::render::email::{Frame, Picture, Renderer};
use crate::report::mail::Letter;
use crate::wording::numbers;
use night::Night;
use rules::{Addressed, Reader};

/// Which letters of a night are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// What is news to its reader, as `delivery.toml` says.
    News,
    /// The same, also when the reader was told of a later night.
    EvenOld,
    /// All of them, whatever was told before.
    Everything,
}

/// The messages of a night that are due, each to one recipient.
///
///
/// # Errors
/// A template of the user that fails, a file of the report that is gone, what the archive says.
pub fn messages(
    night: &Night,
    delivery: &Delivery,
    outbox: &Outbox,
    renderer: &Renderer,
    due: Due,
) -> Result<Vec<Message>, Diagnostic> {
    let mut messages = Vec::new();
    let mut bodies: Vec<(String, Vec<u8>)> = Vec::new();
    for addressed in rules::addressed(delivery, night) {
        let address = &addressed.to.address;
        let earlier = outbox
            .earlier(addressed.kind, &addressed.experiment, address)
            .map_err(|error| Diagnostic::error("archive::read", error.to_string()))?;
        let news = fingerprint(&addressed.letter.news);
        let decision = fingerprint(&addressed.letter.decision);
        let is_due = match due {
            Due::Everything => true,
            Due::News | Due::EvenOld => rules::is_due(
                addressed.when,
                &news,
                &decision,
                night.date,
                earlier.as_ref(),
                due == Due::EvenOld,
            ),
        };
        if !is_due {
            continue;
        }
        let leave = leave(delivery, addressed.to);
        let parts = parts(night, delivery, &addressed, leave.first())?;
        let key = fingerprint(&format!(
            "{}\n{:?}\n{}",
            addressed.letter.document.meta.date, parts.frame, addressed.key
        ));
        let body = match bodies.iter().find(|(known, _)| *known == key) {
            Some((_, body)) => body.clone(),
            None => {
                let rendered = renderer
                    .render(&addressed.letter.document, &parts.frame)
                    .map_err(|error| Diagnostic::error("render::email", error.to_string()))?;
                let body = mime::body(&rendered, &parts.pictures, parts.attachment.as_ref());
                bodies.push((key, body.clone()));
                body
            }
        };
        messages.push(message(delivery, &addressed, earlier, leave, night.date, (news, decision), body));
    }
    Ok(messages)
}

/// What surrounds a letter, and the files that go with it.
struct Parts {
    frame: Frame,
    pictures: Vec<(String, Vec<u8>)>,
    attachment: Option<mime::Attachment>,
}

fn parts(
    night: &Night,
    delivery: &Delivery,
    addressed: &Addressed,
    leave: Option<&String>,
) -> Result<Parts, Diagnostic> {
    let Addressed { letter, reader, experiment, .. } = addressed;
    let base = delivery.mail.base_url.as_ref().map(|base| format!("{base}/{}", night.date));
    let mut frame = Frame { preview: letter.preview.clone(), base: base.clone(), ..Frame::default() };
    let mut pictures = Vec::new();
    for figure in &letter.figures {
        let bytes = night.file(&format!("{experiment}/charts/{}.png", figure.id))?;
        let cid = format!("{}.{}@itog", figure.id, &blake3::hash(&bytes).to_hex()[..12]);
        frame.pictures.push(Picture {
            cid: cid.clone(),
            caption: figure.caption.clone(),
            alt: figure.alt.clone(),
        });
        pictures.push((cid, bytes));
    }
    if let (Some(base), Some(page)) = (&base, &letter.page) {
        let says = if experiment.is_empty() {
            "Открыть все отчёты"
        } else {
            "Открыть весь отчёт"
        };
        frame.links.push((says.to_owned(), format!("{base}/{page}")));
    }
    let mut attachment = None;
    if let Some(pdf) = &letter.pdf {
        let size = night.size(pdf)?;
        let shown = match size {
            0..100_000 => format!("{}\u{a0}КБ", size.div_ceil(1000)),
            _ => format!("{}\u{a0}МБ", numbers::number(size as f64 / 1e6, 1)),
        };
        if size <= delivery.mail.attach_up_to {
            let stem = if experiment.is_empty() { "itog" } else { experiment.as_str() };
            let name = format!("{stem}-{}.pdf", night.date);
            attachment = Some(mime::Attachment { name, bytes: night.file(pdf)? });
            let what = if experiment.is_empty() {
                "Сводка приложена"
            } else {
                "Полный отчёт приложен"
            };
            frame.remarks.push(format!("{what} к письму в PDF."));
        } else if let Some(base) = &base {
            frame.links.push((format!("Отчёт в PDF, {shown}"), format!("{base}/{pdf}")));
        } else {
            let place = format!("{}/{pdf}", night.date);
            frame
                .remarks
                .push(format!("Отчёт в PDF велик для письма ({shown}), он лежит в папке отчётов: {place}."));
        }
    }
    let why = match reader {
        Reader::Manager => "Вы получаете это письмо как читатель сводки экспериментов.",
        Reader::Owner => "Вы получаете это письмо, потому что отвечаете за эксперимент.",
        Reader::Operator => "Вы получаете это письмо как дежурный.",
    };
    frame.remarks.push(why.to_owned());
    frame.leave = leave.map(|way| ("Отписаться".to_owned(), way.clone()));
    Ok(Parts { frame, pictures, attachment })
}

/// Ways to leave, with the reader's address in them.
fn leave(delivery: &Delivery, to: &Mailbox) -> Vec<String> {
    let address: String = to
        .address
        .bytes()
        .map(|byte| match byte {
            byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect();
    delivery.mail.unsubscribe.iter().map(|way| way.replace("{address}", &address)).collect()
}

fn message(
    delivery: &Delivery,
    addressed: &Addressed,
    earlier: Option<Earlier>,
    leave: Vec<String>,
    date: Date,
    (news, decision): (String, String),
    body: Vec<u8>,
) -> Message {
    let mail = &delivery.mail;
    let Letter { subject, .. } = &addressed.letter;
    let date = date.to_string();
    // The same night was told before, and is told again because it came out otherwise.
    let again = earlier.as_ref().is_some_and(|e| {
        e.data_date == date && matches!(e.event, Event::Sent | Event::Uncertain | Event::Attempt)
    });
    let subject = if again { format!("Уточнение. {subject}") } else { subject.clone() };
    let domain = mail.from.domain();
    let id = message_id(addressed.kind, &addressed.experiment, &addressed.key, &addressed.to.address, domain);
    let is_thread = !addressed.experiment.is_empty();
    let root = format!("{}@{domain}", &fingerprint(&format!("thread\n{}", addressed.experiment))[..24]);
    let before = earlier.filter(|_| is_thread || again).map(|e| e.message_id);
    let mut references: Vec<String> = is_thread.then_some(root).into_iter().collect();
    references.extend(before);
    let headers = mime::headers(&mime::Headers {
        from: &mail.from,
        reply_to: mail.reply_to.as_ref(),
        to: addressed.to,
        subject: &subject,
        message_id: &id,
        references: &references,
        leave: &leave,
        one_click: mail.one_click,
        experiment: &addressed.experiment,
    });
    Message {
        message_id: id,
        kind: addressed.kind.to_owned(),
        experiment: addressed.experiment.clone(),
        data_date: date,
        run_key: addressed.key.clone(),
        sender: mail.bounces_to.as_ref().unwrap_or(&mail.from).address.clone(),
        recipient: addressed.to.address.clone(),
        subject,
        headers,
        body,
        news,
        decision,
    }
}

fn fingerprint(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}
