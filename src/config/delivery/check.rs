//! What the sections of `delivery.toml` say together.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::super::raw::At;
use super::super::sink::Sink;
use super::raw::{RawDelivery, RawMail, RawManager, RawOperator, RawOwner, RawSmtp};
use super::valid::{
    Delivery, Form, Mail, Mailbox, Manager, On, Operator, Owner, Secret, Security, Smtp, Uncertain, When,
};
use super::{address, codes};

/// Checks everything; nothing is returned when something that must be there is not.
pub fn check(raw: &RawDelivery, path: &Path, sink: &mut Sink) -> Option<Delivery> {
    let mail = raw.mail.as_ref().and_then(|raw| mail(raw, sink));
    let smtp = raw.smtp.as_ref().and_then(|raw| smtp(raw, path, sink));
    let managers: Vec<_> = raw.manager.iter().map(|raw| manager(raw, sink)).collect();
    let owners: Vec<_> = raw.owner.iter().map(|raw| owner(raw, sink)).collect();
    let operators: Vec<_> = raw.operator.iter().map(|raw| operator(raw, sink)).collect();
    let of = |address: &Option<At<String>>| {
        address.as_ref().map(|written| (written.value.to_lowercase(), written.span.clone()))
    };
    unique("[[manager]]", raw.manager.iter().map(|one| of(&one.value.address)), sink);
    unique("[[operator]]", raw.operator.iter().map(|one| of(&one.value.address)), sink);
    let owner_key = |one: &At<RawOwner>| {
        let (address, span) = of(&one.value.address)?;
        Some((format!("{}\n{address}", one.value.name.as_ref()?.value.to_lowercase()), span))
    };
    unique("[[owner]]", raw.owner.iter().map(owner_key), sink);
    let enabled = raw.enabled.as_ref()?;
    if enabled.value && managers.is_empty() && owners.is_empty() && operators.is_empty() {
        let hint = "add [[manager]], [[owner]] or [[operator]] with an `address`, or write enabled = false";
        sink.error(codes::NOBODY, &enabled.span, "delivery is enabled, and nobody gets anything", hint);
    }
    Some(Delivery {
        path: path.to_path_buf(),
        enabled: enabled.value,
        mail: mail?,
        smtp: smtp?,
        managers: managers.into_iter().collect::<Option<_>>()?,
        owners: owners.into_iter().collect::<Option<_>>()?,
        operators: operators.into_iter().collect::<Option<_>>()?,
    })
}

fn mailbox(written: &At<String>, sink: &mut Sink) -> Option<Mailbox> {
    match address::read(&written.value) {
        Ok(mailbox) => Some(mailbox),
        Err((message, hint)) => {
            sink.error(codes::ADDRESS, &written.span, message, hint);
            None
        }
    }
}

/// An absent mailbox is `Some(None)`, a wrong one nothing.
fn optional(written: Option<&At<String>>, sink: &mut Sink) -> Option<Option<Mailbox>> {
    match written {
        None => Some(None),
        Some(written) => mailbox(written, sink).map(Some),
    }
}

fn mail(raw: &At<RawMail>, sink: &mut Sink) -> Option<Mail> {
    let mail = &raw.value;
    let from = mail.from.as_ref().and_then(|from| mailbox(from, sink));
    let reply_to = optional(mail.reply_to.as_ref(), sink);
    let bounces_to = optional(mail.bounces_to.as_ref(), sink);
    if let Some(url) = &mail.base_url
        && !is_url(&url.value, &["https://", "http://"])
    {
        let message = format!("`{}` is not the address of a page", url.value);
        sink.error(codes::URL, &url.span, message, "write https://reports.example.ru/itog");
    }
    for way in &mail.unsubscribe {
        if !is_url(&way.value, &["https://", "mailto:"]) {
            let message = format!("`{}` is neither mailto: nor https:", way.value);
            let hint = "write mailto:itog@example.ru?subject=unsubscribe or https://…";
            sink.error(codes::URL, &way.span, message, hint);
        }
    }
    let one_click = mail.one_click.as_ref().filter(|one| one.value);
    if let Some(one_click) = one_click
        && !mail.unsubscribe.iter().any(|way| way.value.starts_with("https://"))
    {
        let message = "one click needs an address that takes a POST request";
        sink.error(codes::URL, &one_click.span, message, "add an https:// address to `unsubscribe`");
    }
    let attach = mail.attach_up_to_kb.as_ref();
    if let Some(attach) = attach
        && attach.value == 0
        && mail.base_url.is_none()
        && !sink.is_spoiled(&raw.span, &["base_url"])
    {
        let message = "every PDF is to be linked, and nothing says where they are published";
        sink.error(codes::NO_BASE_URL, &attach.span, message, "add `base_url`, or attach PDFs up to a size");
    }
    let base_url = mail.base_url.as_ref().map(|url| url.value.trim_end_matches('/').to_owned());
    let (from, reply_to) = (from?, reply_to?);
    let mut unsubscribe: Vec<String> = mail.unsubscribe.iter().map(|way| way.value.clone()).collect();
    if unsubscribe.is_empty() {
        let answers = &reply_to.as_ref().unwrap_or(&from).address;
        unsubscribe.push(format!("mailto:{answers}?subject=unsubscribe"));
    }
    Some(Mail {
        from,
        reply_to,
        bounces_to: bounces_to?,
        base_url,
        attach_up_to: attach.map_or(4000, |attach| attach.value) * 1000,
        unsubscribe,
        one_click: one_click.is_some(),
        uncertain: mail.uncertain.as_ref().map_or(Uncertain::Hold, |word| word.value.0),
    })
}

/// Whether a text is an address of one of these schemes that can stand in a header.
fn is_url(text: &str, schemes: &[&str]) -> bool {
    let known = schemes.iter().any(|scheme| text.len() > scheme.len() && text.starts_with(scheme));
    known && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"".contains(&byte))
}

/// Whether a host is this machine.
fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn smtp(raw: &At<RawSmtp>, path: &Path, sink: &mut Sink) -> Option<Smtp> {
    let smtp = &raw.value;
    if let Some(password) = &smtp.password {
        let message = "a password in a file that others read and that is kept under version control";
        let hint = "write password_env = \"ITOG_SMTP_PASSWORD\" or password_file = \"…\" in its place, and change this \
                    password: it has been seen";
        sink.error(codes::PASSWORD_IN_FILE, &password.span, message, hint);
    }
    let security = smtp.security.as_ref().map_or(Security::Starttls, |word| word.value.0);
    let allowed = smtp.allow_plaintext.as_ref().is_some_and(|allowed| allowed.value);
    if let (Security::None, Some(host)) = (security, &smtp.host)
        && !allowed
        && !is_loopback(&host.value)
    {
        let message = format!("mail and password would cross the network to {} unprotected", host.value);
        let hint =
            "write security = \"starttls\" or \"tls\"; allow_plaintext = true allows it in spite of this";
        let place = smtp.security.as_ref().map_or(&host.span, |security| &security.span);
        sink.error(codes::PLAINTEXT, place, message, hint);
    }
    let secret = login(raw, path, sink);
    let own = |file: &At<String>| beside(path, &file.value);
    let number = |written: &Option<At<u64>>, default: u64| written.as_ref().map_or(default, |w| w.value);
    let default_port = match security {
        Security::Starttls => 587,
        Security::Tls => 465,
        Security::None => 25,
    };
    Some(Smtp {
        host: smtp.host.as_ref()?.value.clone(),
        port: u16::try_from(number(&smtp.port, default_port)).ok()?,
        security,
        username: smtp.username.as_ref().map(|username| username.value.clone()),
        password: secret,
        ca_file: smtp.ca_file.as_ref().map(own),
        hello: smtp.hello.as_ref().map(|hello| hello.value.clone()),
        timeout_seconds: number(&smtp.timeout_seconds, 60),
        attempts: u32::try_from(number(&smtp.attempts, 4)).ok()?,
        backoff_seconds: number(&smtp.backoff_seconds, 30),
        give_up_hours: number(&smtp.give_up_hours, 72),
    })
}

fn beside(path: &Path, file: &str) -> PathBuf {
    path.parent().unwrap_or(Path::new("")).join(file)
}

/// Where the password is; a login name and a password come together, and the password from one place.
fn login(raw: &At<RawSmtp>, path: &Path, sink: &mut Sink) -> Option<Secret> {
    let smtp = &raw.value;
    let spoiled = sink.is_spoiled(&raw.span, &["username", "password", "password_env", "password_file"]);
    let (env, file) = (smtp.password_env.as_ref(), smtp.password_file.as_ref());
    if let (Some(_), Some(file)) = (env, file) {
        let hint = "keep `password_env` or `password_file`";
        sink.error(codes::LOGIN, &file.span, "the password is said to be in two places", hint);
    }
    match (&smtp.username, env.or(file)) {
        (Some(username), None) if smtp.password.is_none() && !spoiled => {
            let hint = "add password_env = \"ITOG_SMTP_PASSWORD\" or password_file = \"…\"";
            sink.error(codes::LOGIN, &username.span, "a login name without a password", hint);
        }
        (None, Some(place)) if !spoiled => {
            let hint = "add `username`, or remove the password";
            sink.error(codes::LOGIN, &place.span, "a password without a login name", hint);
        }
        _ => {}
    }
    env.map(|env| Secret::Environment(env.value.clone()))
        .or_else(|| file.map(|file| Secret::File(beside(path, &file.value))))
}

fn patterns(written: &[At<String>], sink: &mut Sink) -> Vec<String> {
    for pattern in written {
        if let Err(error) = glob::Pattern::new(&pattern.value) {
            let message = format!("`{}` is no pattern: {}", pattern.value, error.msg);
            sink.error(codes::PATTERN, &pattern.span, message, "such as pricing-*");
        }
    }
    match written {
        [] => vec!["*".to_owned()],
        written => written.iter().map(|pattern| pattern.value.clone()).collect(),
    }
}

fn manager(raw: &At<RawManager>, sink: &mut Sink) -> Option<Manager> {
    let manager = &raw.value;
    let experiments = patterns(&manager.experiments, sink);
    Some(Manager {
        to: manager.address.as_ref().and_then(|address| mailbox(address, sink))?,
        experiments,
        when: manager.when.as_ref().map_or(When::News, |word| word.value.0),
    })
}

fn owner(raw: &At<RawOwner>, sink: &mut Sink) -> Option<Owner> {
    let owner = &raw.value;
    let experiments = patterns(&owner.experiments, sink);
    let to = owner.address.as_ref().and_then(|address| mailbox(address, sink));
    Some(Owner {
        name: owner.name.as_ref()?.value.trim().to_owned(),
        to: to?,
        experiments,
        when: owner.when.as_ref().map_or(When::News, |word| word.value.0),
        form: owner.form.as_ref().map_or(Form::Each, |word| word.value.0),
    })
}

fn operator(raw: &At<RawOperator>, sink: &mut Sink) -> Option<Operator> {
    let operator = &raw.value;
    Some(Operator {
        to: operator.address.as_ref().and_then(|address| mailbox(address, sink))?,
        on: operator.on.as_ref().map_or(On::Problems, |word| word.value.0),
    })
}

fn unique(section: &str, entries: impl Iterator<Item = Option<(String, Range<usize>)>>, sink: &mut Sink) {
    let mut seen: BTreeMap<String, Range<usize>> = BTreeMap::new();
    for (key, span) in entries.flatten() {
        if seen.contains_key(&key) {
            let message = format!("the same reader stands twice under {section}");
            let hint = "put both filters into one entry: every message would come twice";
            sink.error(codes::DUPLICATE_RECIPIENT, &span, message, hint);
        }
        seen.entry(key).or_insert(span);
    }
}
