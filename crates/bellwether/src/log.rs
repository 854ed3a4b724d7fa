//! Logs go to stderr, as text or as JSON lines; stdout belongs to the command's answer.

use std::io;

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt;

use crate::cli::LogFormat;
use crate::config::{Environment, LogLevel, System};

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
    let builder = fmt().with_max_level(level).with_writer(io::stderr).with_target(false);
    // A second start within one process (tests) keeps the first subscriber.
    let _ = match format {
        LogFormat::Text => builder.with_ansi(ansi).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}
