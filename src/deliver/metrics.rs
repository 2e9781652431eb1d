//! Metrics of a run for Prometheus: a text file that node_exporter's textfile collector picks up.

use std::fmt::Write;
use std::io;
use std::path::Path;

/// What a metric is to Prometheus. A file of one run only holds gauges: each run writes what it saw.
#[derive(Debug, Default)]
pub struct Metrics {
    text: String,
}

impl Metrics {
    /// Adds a metric with its samples: labels and a value each.
    pub fn gauge(&mut self, name: &str, help: &str, samples: &[(&[(&str, &str)], f64)]) {
        if samples.is_empty() {
            return;
        }
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (labels, value) in samples {
            let labels: Vec<String> =
                labels.iter().map(|(key, value)| format!("{key}=\"{}\"", escaped(value))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let _ = writeln!(self.text, "{name}{labels} {value}");
        }
    }

    /// The file as it will be.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Puts the file in place in one step: a collector sees the old one or the new one.
    ///
    /// # Errors
    /// What the file system refuses.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new().prefix(".itog-").tempfile_in(folder)?;
        io::Write::write_all(&mut file, self.text.as_bytes())?;
        // Temporary files are private; the collector runs as another user.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
        }
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }
}

/// A label value as the exposition format wants it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_in_the_exposition_format_and_replaces_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("itog.prom");
        std::fs::write(&path, "old").unwrap();
        let mut metrics = Metrics::default();
        metrics.gauge("itog_up", "Whether.", &[(&[], 1.0)]);
        metrics.gauge("itog_by", "By.", &[(&[("action", "a\"b\\c")], 2.5)]);
        metrics.gauge("itog_none", "Nothing.", &[]);
        metrics.write(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            text,
            "# HELP itog_up Whether.\n# TYPE itog_up gauge\nitog_up 1\n\
             # HELP itog_by By.\n# TYPE itog_by gauge\nitog_by{action=\"a\\\"b\\\\c\"} 2.5\n"
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
