//! Logs go to stderr, as text or as JSON lines, and for a system that runs also into the file of
//! the day; stdout belongs to the command's answer.
//!
//! Invariant: every line passes the scrubber (I18).

mod day_files;

use std::io::{self, Write};
use std::path::Path;
use std::sync::OnceLock;

use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::{LookupSpan, Registry};
use tracing_subscriber::util::SubscriberInitExt;

use crate::cli::LogFormat;
use crate::config::{Environment, LogLevel, System};
use crate::exit::Failure;
use crate::secrets::scrub;

use day_files::DayFiles;

/// The folder in the data directory.
const FOLDER: &str = "logs";

/// Where lines go beside stderr, once a system runs.
static FILES: OnceLock<DayFiles> = OnceLock::new();

/// Starts logging with the level of the configuration.
///
/// Without a format named on the command line, `development` gets text for people and the other
/// environments JSON for a collector.
pub(crate) fn start(system: &System, format: Option<LogFormat>) {
    let level = match system.log_level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let format = format.unwrap_or(match system.environment {
        Environment::Development => LogFormat::Text,
        Environment::Testing | Environment::Staging | Environment::Production => LogFormat::Json,
    });
    let ansi = anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
    let console = layer(|| Scrubbed(Console), format, ansi);
    let files = layer(|| Scrubbed(Files), format, false);
    // A second start within one process (tests) keeps the first subscriber.
    let _ = Registry::default().with(level).with(console).with(files).try_init();
}

/// Writes the lines from here on into the files of the data directory as well, one a day, each kept
/// for so many days (contract.md 4).
pub(crate) fn to_files(data_dir: &Path, keep_days: u16) -> Result<(), Failure> {
    let folder = data_dir.join(FOLDER);
    let files = DayFiles::open(&folder, keep_days, runtime::clock::wall).map_err(|error| {
        Failure::io(format_args!("make log files in {}", folder.display()), error)
    })?;
    // A second system within one process (tests) keeps the first one's files.
    let _ = FILES.set(files);
    Ok(())
}

fn layer<S, W>(writer: W, format: LogFormat, ansi: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let layer = fmt::layer().with_writer(writer).with_target(false);
    match format {
        LogFormat::Text => layer.with_ansi(ansi).boxed(),
        LogFormat::Json => layer.json().boxed(),
    }
}

/// Takes whole lines.
trait Lines {
    fn line(&self, line: &[u8]) -> io::Result<()>;
}

struct Console;

impl Lines for Console {
    fn line(&self, line: &[u8]) -> io::Result<()> {
        io::stderr().write_all(line)
    }
}

struct Files;

impl Lines for Files {
    fn line(&self, line: &[u8]) -> io::Result<()> {
        FILES.get().map_or(Ok(()), |files| files.write(line))
    }
}

/// Scrubs each line: the formatter writes one at a time, whole.
struct Scrubbed<L>(L);

impl<L: Lines> Write for Scrubbed<L> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        self.0.line(scrub(&text).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
