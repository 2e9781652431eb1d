//! The bytes of a message: headers as RFC 5322 and its kin want them, and a body of parts.

use lettre::message::header::{
    ContentDisposition, ContentId, ContentTransferEncoding, ContentType, HeaderName, HeaderValue,
};
use lettre::message::{Body, MultiPart, SinglePart, header};

use crate::config::delivery::valid::Mailbox;
use crate::render::email::Rendered;

/// A file that goes with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Its name, ASCII.
    pub name: String,
    /// PDF.
    pub bytes: Vec<u8>,
}

/// What stands in the headers of one message.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    /// Sender.
    pub from: &'a Mailbox,
    /// Where answers go.
    pub reply_to: Option<&'a Mailbox>,
    /// Recipient.
    pub to: &'a Mailbox,
    /// Subject, any characters.
    pub subject: &'a str,
    /// Identity without angle brackets.
    pub message_id: &'a str,
    /// Identities of the thread, the oldest first.
    pub references: &'a [String],
    /// Ways to leave, `mailto:` and `https:`.
    pub leave: &'a [String],
    /// Whether the `https:` way takes one POST (RFC 8058).
    pub one_click: bool,
    /// Experiment id, or empty.
    pub experiment: &'a str,
}

/// The headers as they are sent, each line with CRLF; Date and those of the body are missing.
pub fn headers(h: &Headers) -> String {
    let mut all = header::Headers::new();
    let mailbox = |m: &Mailbox| {
        let address = m.address.parse().ok()?;
        Some(lettre::message::Mailboxes::from(lettre::message::Mailbox::new(m.name.clone(), address)))
    };
    // The addresses were read when delivery.toml was; none is lost here.
    if let Some(from) = mailbox(h.from) {
        all.set(header::From::from(from));
    }
    if let Some(reply_to) = h.reply_to.and_then(mailbox) {
        all.set(header::ReplyTo::from(reply_to));
    }
    if let Some(to) = mailbox(h.to) {
        all.set(header::To::from(to));
    }
    all.set(header::Subject::from(h.subject.to_owned()));
    all.set(header::MessageId::from(format!("<{}>", h.message_id)));
    let references: Vec<String> = h.references.iter().map(|id| format!("<{id}>")).collect();
    if let Some(last) = references.last() {
        all.set(header::InReplyTo::from(last.clone()));
        all.set(header::References::from(references.join(" ")));
    }
    let mut raw = |name: &'static str, value: String| {
        all.insert_raw(HeaderValue::new(HeaderName::new_from_ascii_str(name), value));
    };
    raw("List-Id", format!("<itog.{}>", h.from.domain()));
    let leave: Vec<String> = h.leave.iter().map(|way| format!("<{way}>")).collect();
    raw("List-Unsubscribe", leave.join(", "));
    if h.one_click {
        raw("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned());
    }
    // So that no out-of-office reply comes back: RFC 3834, and Exchange's way.
    raw("Auto-Submitted", "auto-generated".to_owned());
    raw("X-Auto-Response-Suppress", "All".to_owned());
    if !h.experiment.is_empty() {
        raw("X-Itog-Experiment", h.experiment.to_owned());
    }
    raw("MIME-Version", "1.0".to_owned());
    all.to_string()
}

/// The body: plain text and HTML as alternatives, the HTML with its pictures, and the PDF beside them. Boundaries come from
/// the content, so that the same letter has the same bytes.
pub fn body(rendered: &Rendered, pictures: &[(String, Vec<u8>)], attachment: Option<&Attachment>) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(rendered.html.as_bytes()).update(rendered.text.as_bytes());
    for (cid, _) in pictures {
        hasher.update(cid.as_bytes());
    }
    let hash = hasher.finalize().to_hex();
    let boundary = |which: &str| format!("itog-{which}-{}", &hash[..24]);
    let text = |text: &str, kind: ContentType| {
        SinglePart::builder().header(kind).body(encoded(text.to_owned().into_bytes_crlf()))
    };
    let html = text(&rendered.html, ContentType::TEXT_HTML);
    let alternative = MultiPart::alternative()
        .boundary(boundary("alternative"))
        .singlepart(text(&rendered.text, ContentType::TEXT_PLAIN));
    let alternative = if pictures.is_empty() {
        alternative.singlepart(html)
    } else {
        let mut related = MultiPart::related().boundary(boundary("related")).singlepart(html);
        for (cid, bytes) in pictures {
            let name = format!("{}.png", cid.split('.').next().unwrap_or("chart"));
            related = related.singlepart(
                SinglePart::builder()
                    .header(png())
                    .header(ContentId::from(format!("<{cid}>")))
                    .header(ContentDisposition::inline_with_name(&name))
                    .body(bytes.clone()),
            );
        }
        alternative.multipart(related)
    };
    match attachment {
        None => alternative.formatted(),
        Some(file) => MultiPart::mixed()
            .boundary(boundary("mixed"))
            .multipart(alternative)
            .singlepart(
                SinglePart::builder()
                    .header(pdf())
                    .header(ContentDisposition::attachment(&file.name))
                    .body(file.bytes.clone()),
            )
            .formatted(),
    }
}

/// Text as quoted-printable: it passes every server, and people can read it in the raw.
fn encoded(text: Vec<u8>) -> Body {
    match Body::new_with_encoding(text, ContentTransferEncoding::QuotedPrintable) {
        Ok(body) => body,
        Err(text) => Body::new(text),
    }
}

/// Line ends as mail has them.
trait Crlf {
    fn into_bytes_crlf(self) -> Vec<u8>;
}

impl Crlf for String {
    fn into_bytes_crlf(self) -> Vec<u8> {
        self.replace("\r\n", "\n").replace('\n', "\r\n").into_bytes()
    }
}

fn png() -> ContentType {
    ContentType::parse("image/png").unwrap_or(ContentType::TEXT_PLAIN)
}

fn pdf() -> ContentType {
    ContentType::parse("application/pdf").unwrap_or(ContentType::TEXT_PLAIN)
}
