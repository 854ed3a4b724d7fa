//! Delivery into the log: the console and the file of the day.

use engine::alert_system::Severity;
use tracing::{error, info, warn};

use super::{Deliver, Notice, Undelivered};

/// Writes each notice as a line of the log.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogDelivery;

impl Deliver for LogDelivery {
    fn deliver(&self, notice: &Notice) -> Result<(), Undelivered> {
        let Notice { id, severity, kind, symbol, strategy, message, count, .. } = notice;
        let (severity, alert) = (severity.name(), message.as_str());
        let symbol = symbol.as_ref().map(ToString::to_string);
        let strategy = strategy.as_ref().map(ToString::to_string);
        match notice.severity {
            Severity::Critical if notice.escalated => error!(
                severity,
                kind,
                alert,
                id,
                symbol,
                strategy,
                count,
                "nobody has acknowledged a critical alert: `bellwether ack ID` does"
            ),
            Severity::Critical => {
                error!(severity, kind, alert, id, symbol, strategy, count, "an alert was raised");
            }
            Severity::Warning => {
                warn!(severity, kind, alert, id, symbol, strategy, count, "an alert was raised");
            }
            Severity::Info => {
                info!(severity, kind, alert, id, symbol, strategy, count, "an alert was raised");
            }
        }
        Ok(())
    }
}
