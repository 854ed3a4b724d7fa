//! A progress bar with rate and remaining time, on stderr, when that is a terminal and the work
//! takes over a second (contract.md section 2).

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work shorter than this shows no bar.
const QUIET: Duration = Duration::from_secs(1);

/// Shows how far a piece of work is.
#[derive(Debug)]
pub(crate) struct Progress {
    label: &'static str,
    unit: &'static str,
    started: Instant,
    bar: Option<ProgressBar>,
    visible: bool,
}

impl Progress {
    /// Starts counting; `unit` is what is counted, such as `bars`.
    pub(crate) fn new(label: &'static str, unit: &'static str) -> Self {
        let visible = io::stderr().is_terminal();
        Self { label, unit, started: Instant::now(), bar: None, visible }
    }

    /// Changes what is being done.
    pub(crate) fn stage(&mut self, label: &'static str, unit: &'static str) {
        if self.label != label {
            self.clear();
            self.label = label;
            self.unit = unit;
        }
    }

    /// Tells how far the work is.
    pub(crate) fn update(&mut self, done: u64, total: u64) {
        if !self.visible || self.started.elapsed() < QUIET {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| make_bar(self.label, self.unit, total));
        bar.set_length(total);
        bar.set_position(done);
    }

    /// Takes the bar away.
    pub(crate) fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

fn make_bar(label: &'static str, unit: &'static str, total: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(10));
    let template = format!(
        "{label} {{wide_bar}} {{human_pos}}/{{human_len}} {unit}  {{per_sec}}  {{eta}} left"
    );
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style);
    }
    bar
}
