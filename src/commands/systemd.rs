//! `itog init --systemd`: units for unattended nights, and a cron line for machines without systemd.

use std::path::Path;

use itog::diag::Diagnostic;

use super::{Outcome, USAGE, print, stop};

/// The files by name. `@ITOG@` stands for the path of this program.
const FILES: [(&str, &str); 5] = [
    ("itog.service", include_str!("../../deploy/itog.service")),
    ("itog.timer", include_str!("../../deploy/itog.timer")),
    ("itog-failed.service", include_str!("../../deploy/itog-failed.service")),
    ("itog.sysusers", include_str!("../../deploy/itog.sysusers")),
    ("itog.cron", include_str!("../../deploy/itog.cron")),
];

pub fn units(folder: Option<&Path>) -> Outcome {
    let program =
        std::env::current_exe().map_or_else(|_| "/usr/local/bin/itog".into(), |p| p.display().to_string());
    let files = FILES.map(|(name, text)| (name, text.replace("@ITOG@", &program)));
    let Some(folder) = folder else {
        let text: Vec<String> = files.iter().map(|(name, text)| format!("# ---- {name}\n{text}")).collect();
        return print(&text.join("\n"));
    };
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| files.iter().try_for_each(|(name, text)| std::fs::write(folder.join(name), text)));
    if let Err(error) = written {
        let message = format!("cannot write to {}: {error}", folder.display());
        return stop(&[Diagnostic::error("init::folder", message)], USAGE);
    }
    print(&files.iter().map(|(name, _)| format!("{}\n", folder.join(name).display())).collect::<String>())
}
