//! `itog doctor`: is this machine ready for unattended nights.

use std::collections::BTreeMap;
use std::net::{TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;

use itog::config::valid::DataSource;
use itog::deliver::archive::{Archive, Depth, FILE};
use itog::deliver::{folder, nights};
use itog::report::document::{Block, Document, Meta};
use itog::{config, data, run, warehouse};
use jiff::Zoned;
use serde::Serialize;

use super::{DONE, FAILED, Outcome, print, print_json, templates};
use crate::cli::{DoctorArgs, Format};

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Standing {
    Ok,
    Warning,
    Failed,
}

/// One check.
#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    standing: Standing,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'static str>,
}

fn ok(check: &'static str, found: impl Into<String>) -> Finding {
    Finding { check, standing: Standing::Ok, found: found.into(), hint: None }
}

fn warning(check: &'static str, found: impl Into<String>, hint: &'static str) -> Finding {
    Finding { check, standing: Standing::Warning, found: found.into(), hint: Some(hint) }
}

fn wrong(check: &'static str, found: impl Into<String>, hint: &'static str) -> Finding {
    Finding { check, standing: Standing::Failed, found: found.into(), hint: Some(hint) }
}

pub fn doctor(args: &DoctorArgs) -> Outcome {
    let out = &args.out.out;
    let now = Zoned::now();
    let mut findings = vec![rendering()];
    findings.extend(output(out));
    findings.push(archive(out));
    findings.extend(clock(out, &now));
    findings.extend(experiments(&args.paths));
    findings.push(mail(&args.paths));
    let failed = findings.iter().any(|f| f.standing == Standing::Failed);
    if args.format == Format::Json {
        print_json(&serde_json::json!({ "ready": !failed, "checks": findings }))?;
    } else {
        print(&findings.iter().map(line).collect::<String>())?;
    }
    Ok(if failed { FAILED } else { DONE })
}

fn line(finding: &Finding) -> String {
    let word = match finding.standing {
        Standing::Ok => "ok",
        Standing::Warning => "warning",
        Standing::Failed => "FAILED",
    };
    let hint = finding.hint.map_or_else(String::new, |hint| format!("\n{:22}→ {hint}", ""));
    format!("{word:<8} {:<12} {}{hint}\n", finding.check, finding.found)
}

/// Templates, fonts and both renderers, by making a page.
fn rendering() -> Finding {
    const HINT: &str = "the program is damaged: install it again";
    let Ok(templates) = templates(None) else {
        return wrong("rendering", "a built-in template is broken", HINT);
    };
    let text = "Съешь ещё этих мягких французских булок, да выпей чаю: 1 234,5 ₽.";
    let document = Document {
        meta: Meta {
            title: "Проверка".into(),
            subtitle: String::new(),
            running_head: "Проверка".into(),
            date: "2026-01-01".into(),
            date_words: "1 января 2026 г.".into(),
            generator: itog::report::GENERATOR.into(),
            description: "Проверка".into(),
            contents: false,
            one_list: false,
        },
        blocks: vec![Block::paragraph(text)],
    };
    let mut warnings = Vec::new();
    match run::rendered(
        &document,
        || Ok(Vec::new()),
        &templates,
        jiff::civil::date(2026, 1, 1),
        &mut warnings,
    ) {
        Ok((_, pdf)) if warnings.is_empty() => {
            ok("rendering", format!("templates, fonts and PDF work ({} bytes)", pdf.len()))
        }
        Ok(_) => wrong("rendering", warnings[0].to_string(), HINT),
        Err(problem) => wrong("rendering", problem.to_string(), HINT),
    }
}

/// The output folder: everything that a run does with it, and how much room there is.
fn output(out: &Path) -> Vec<Finding> {
    let there = out.ancestors().find(|path| path.is_dir() || path.as_os_str().is_empty());
    let there = match there {
        Some(path) if !path.as_os_str().is_empty() => path,
        _ => Path::new("."),
    };
    let shown = there.display();
    let mut findings = Vec::new();
    match folder::probe(there) {
        Ok(probe) if probe.exchange => {
            findings.push(ok("output", format!("{shown}: write, flush, rename, exchange, links work")));
        }
        Ok(_) => findings.push(warning(
            "output",
            format!("{shown} cannot exchange two folders in one step"),
            "a night is put in place in two steps there; use a local file system (ext4, xfs, btrfs) for one",
        )),
        Err(error) => findings.push(wrong(
            "output",
            format!("{shown}: {error}"),
            "the user of the timer must own the output folder and its disk must be mounted for writing",
        )),
    }
    let all = nights::nights(out);
    let night = all.last().map_or(0, |date| nights::size(out, *date));
    match folder::free(there) {
        Ok(free) => {
            let found = format!("{} MiB free, the last night has {} MiB", free >> 20, night >> 20);
            let enough = free > (3 * night).max(256 << 20);
            findings.push(match enough {
                true => ok("disk", found),
                false => warning("disk", found, "free some space, or remove old nights with `itog prune`"),
            });
        }
        Err(error) => findings.push(warning("disk", error.to_string(), "look at it with df")),
    }
    findings
}

fn archive(out: &Path) -> Finding {
    if !out.join(FILE).is_file() {
        return ok("archive", "none yet; the first run makes it");
    }
    match Archive::read(out) {
        Err(failure) => wrong(
            "archive",
            failure.diagnostic("archive::open", out).message,
            "see the operator's guide, «Резервная копия и восстановление»",
        ),
        Ok(archive) => {
            let verified = archive.verify(Depth::Chains);
            match verified.faults.first() {
                None => ok("archive", format!("whole, {} records", verified.records.values().sum::<usize>())),
                Some(fault) => wrong(
                    "archive",
                    fault.to_string(),
                    "restore it from a backup, then `itog archive verify`",
                ),
            }
        }
    }
}

/// The clock against what it must be later than, and the zone in which today is today.
fn clock(out: &Path, now: &Zoned) -> Vec<Finding> {
    const HINT: &str = "set the clock (timedatectl); the data date of a night comes from it";
    let shown = now.strftime("%Y-%m-%d %H:%M:%S %:z").to_string();
    let newest = nights::nights(out).into_iter().max();
    let touched = out.join(FILE).metadata().and_then(|found| found.modified()).ok();
    let touched = touched.and_then(|time| jiff::Timestamp::try_from(time).ok());
    let mut findings = Vec::new();
    findings.push(match (newest, touched) {
        (Some(night), _) if night > now.date() => {
            wrong("clock", format!("it says {shown}, and there is a night of {night} already"), HINT)
        }
        (_, Some(time)) if time > now.timestamp() => {
            wrong("clock", format!("it says {shown}, and the archive was written at {time}"), HINT)
        }
        _ => ok("clock", shown),
    });
    findings.push(match now.time_zone().iana_name() {
        Some(name) => ok("time zone", name),
        None => warning(
            "time zone",
            format!("without a name, {}", now.offset()),
            "set TZ or /etc/localtime, so that midnight is where your data have it",
        ),
    });
    findings
}

/// Configs and the headers of their data.
fn experiments(paths: &[PathBuf]) -> Vec<Finding> {
    let configs = match itog::batch::configs(paths) {
        Ok(configs) if configs.is_empty() => {
            return vec![warning("configs", "there is none", "name a folder with TOML files")];
        }
        Ok(configs) => configs,
        Err(problem) => {
            return vec![wrong("configs", problem.to_string(), "name the folder of the configs")];
        }
    };
    let mut findings = Vec::new();
    let mut in_databases = 0;
    let mut databases = warehouse::Inspector::default();
    let mut not_tried: BTreeMap<String, usize> = BTreeMap::new();
    for path in &configs {
        let mut check = "configs";
        let inspected = config::load(path, &[]).and_then(|config| match &config.value.data {
            Some(DataSource { warehouse: Some(warehouse), .. }) => {
                check = "databases";
                in_databases += 1;
                if databases.is_unreachable(warehouse) {
                    *not_tried.entry(warehouse.url_env.clone()).or_default() += 1;
                    return Ok(());
                }
                databases.inspect(&config.value)
            }
            Some(source) => data::inspect(source, &config.value.metrics, &config.value.segments).map(|_| ()),
            None => Ok(()),
        });
        if let Err(problems) = inspected {
            let first = problems.first().map_or_else(|| path.display().to_string(), ToString::to_string);
            findings.push(wrong(check, first, "`itog check` says all that is wrong"));
        }
    }
    for (address, experiments) in not_tried {
        let found = format!("not tried, as the address in {address} did not answer: {experiments} more");
        findings.push(wrong("databases", found, "ask again when it answers"));
    }
    if findings.is_empty() {
        findings.push(ok("configs", format!("{} experiments, their data can be read", configs.len())));
        if in_databases > 0 {
            findings.push(ok("databases", format!("{in_databases} experiments, their databases answer")));
        }
    }
    findings
}

/// `delivery.toml`, and whether its server answers.
fn mail(paths: &[PathBuf]) -> Finding {
    let Some(path) = config::delivery::find(paths) else {
        return ok("mail", "no delivery.toml: nothing is sent");
    };
    let delivery = match config::delivery::load(&path) {
        Ok(read) => read.value,
        Err(problems) => {
            let first = problems.first().map_or_else(String::new, ToString::to_string);
            return wrong("mail", first, "`itog check` says all that is wrong");
        }
    };
    if !delivery.enabled {
        return ok("mail", "delivery.toml is not enabled: nothing is sent");
    }
    let smtp = &delivery.smtp;
    let address = format!("{}:{}", smtp.host, smtp.port);
    let reached = (smtp.host.as_str(), smtp.port).to_socket_addrs().and_then(|mut found| {
        let first = found.next().ok_or_else(|| std::io::Error::other("the name has no address"))?;
        TcpStream::connect_timeout(&first, Duration::from_secs(10))
    });
    match reached {
        Ok(_) => ok("mail", format!("{address} answers")),
        Err(error) => wrong(
            "mail",
            format!("{address}: {error}"),
            "check the name, the port and the firewall; until then messages wait in the outbox",
        ),
    }
}
