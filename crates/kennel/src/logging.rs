//! Log lines, on standard error: for people on a terminal, as JSON otherwise.
//!
//! Names and addresses of people appear at DEBUG and below only; code that logs keeps to that.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::LogFormat;

/// Begins logging for the whole process. Does nothing if somebody did before (tests).
pub fn start(filter: &str, format: LogFormat) {
    let terminal = std::io::stderr().is_terminal();
    let colours = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let json = is_json(format, terminal);
    // An error means that logging has begun already.
    let _ = subscriber(filter, json, colours, std::io::stderr).try_init();
}

fn is_json(format: LogFormat, terminal: bool) -> bool {
    match format {
        LogFormat::Human => false,
        LogFormat::Json => true,
        LogFormat::Auto => !terminal,
    }
}

fn subscriber<W>(filter: &str, json: bool, colours: bool, writer: W) -> Box<dyn tracing::Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    // The configuration has parsed the filter before.
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(colours);
    if json {
        Box::new(builder.json().flatten_event(true).with_current_span(false).finish())
    } else {
        Box::new(builder.with_target(false).finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("whole").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(filter: &str, json: bool, act: impl FnOnce()) -> String {
        let page = Page::default();
        let writer = page.clone();
        tracing::subscriber::with_default(subscriber(filter, json, false, move || writer.clone()), act);
        let bytes = page.0.lock().expect("whole").clone();
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn json_lines_are_json() {
        let text = logged("info", true, || tracing::info!(port = 8080, "Kennel is running"));
        let line: serde_json::Value = serde_json::from_str(text.trim_end()).expect("one JSON object");
        assert_eq!(
            (&line["message"], &line["port"], &line["level"]),
            (&"Kennel is running".into(), &8080.into(), &"INFO".into())
        );
    }

    #[test]
    fn the_filter_decides() {
        let act = || {
            tracing::debug!("quiet");
            tracing::warn!("loud");
        };
        let text = logged("warn", false, act);
        assert!(text.contains("loud") && !text.contains("quiet"), "{text}");
    }

    #[test]
    fn auto_follows_the_terminal() {
        assert!(is_json(LogFormat::Auto, false));
        assert!(!is_json(LogFormat::Auto, true));
        assert!(is_json(LogFormat::Json, true));
        assert!(!is_json(LogFormat::Human, false));
    }
}
