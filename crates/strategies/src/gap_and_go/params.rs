//! Parameters of `gap_and_go` (TG1-TG29) and their checked form.

use engine::strategy_engine::{Breakeven, Direction, Target, TargetAt, Trail, TrailRule};
use model::Ppm;

use crate::TimeOfDay;
use crate::parameters::{Kind, Parameter, Settings};

/// The table of TG1-TG29.
pub(crate) const PARAMETERS: &[Parameter] = &[
    Parameter::new("scan_time", Kind::Time, "09:29", "TG1", "when candidates are chosen"),
    Parameter::new(
        "min_gap_percent",
        Kind::Number,
        "4",
        "TG2",
        "smallest gap at the scan and at the open, either way for the short side",
    )
    .within(1.0, 50.0),
    Parameter::new("max_gap_percent", Kind::Number, "40", "TG3", "largest gap at the scan")
        .within(10.0, 500.0),
    Parameter::new("min_pm_volume", Kind::Int, "50000", "TG4", "premarket shares at the scan")
        .within(0.0, 5e6),
    Parameter::new(
        "min_pm_dollar_volume",
        Kind::Number,
        "500000",
        "TG5",
        "premarket dollars at the scan",
    )
    .within(0.0, 1e8),
    Parameter::new("min_rvol_pm", Kind::Number, "2.0", "TG6", "premarket volume over its mean")
        .within(0.0, 50.0),
    Parameter::new("price_min", Kind::Number, "2", "TG7", "lowest price at the scan")
        .within(0.5, 2_000.0),
    Parameter::new("price_max", Kind::Number, "20", "TG7", "highest price at the scan")
        .within(0.5, 2_000.0),
    Parameter::new("max_float", Kind::NumberOrNone, "100000000", "TG8", "largest float in shares")
        .within(1e6, 1e12),
    Parameter::new(
        "float_missing",
        Kind::Choice(&["pass", "reject"]),
        "pass",
        "TG9",
        "what a missing float does",
    ),
    Parameter::new(
        "max_pullback_in_range",
        Kind::Number,
        "0.50",
        "TG10",
        "distance from the premarket high (short: low) as a part of the range",
    )
    .within(0.0, 1.0),
    Parameter::new(
        "min_gap_retained",
        Kind::Number,
        "0.5",
        "TG11",
        "gap at the scan over the gap at the premarket high (short: low)",
    )
    .within(0.0, 1.0),
    Parameter::new(
        "require_news",
        Kind::Switch,
        "false",
        "TG12",
        "only with a catalyst; needs a news feed",
    ),
    Parameter::new(
        "max_candidates",
        Kind::Int,
        "5",
        "TG13",
        "candidates kept, by gap times relative volume",
    )
    .within(1.0, 50.0),
    Parameter::new(
        "trigger",
        Kind::Choice(&["pm_high", "or1", "or5", "max_pm_high_or1", "max_pm_high_or5"]),
        "pm_high",
        "TG14",
        "level whose break is traded; for the short side the lows",
    ),
    Parameter::new("entry_start", Kind::Time, "open+1m", "TG15", "entries from"),
    Parameter::new("entry_end", Kind::Time, "open+60m", "TG15", "entries until"),
    Parameter::new(
        "min_rvol_first_bar",
        Kind::Number,
        "2.0",
        "TG16",
        "volume of the first bar over its mean",
    )
    .within(0.0, 50.0),
    Parameter::new(
        "require_green_first_bar",
        Kind::Switch,
        "true",
        "TG17",
        "first bar closes at or above its open (short: below)",
    ),
    Parameter::new(
        "above_vwap",
        Kind::Switch,
        "true",
        "TG18",
        "last close above the session VWAP (short: below)",
    ),
    Parameter::new("chase_percent", Kind::Number, "0.5", "TG19", "limit beyond the trigger")
        .within(0.05, 2.0),
    Parameter::new(
        "stop_mode",
        Kind::Choice(&["low_since_open", "or_low", "vwap", "atr"]),
        "low_since_open",
        "TG20",
        "protective stop",
    ),
    Parameter::new(
        "stop_atr",
        Kind::Number,
        "2.0",
        "TG20",
        "multiple of the 1-minute ATR for stop_mode atr",
    )
    .within(0.5, 10.0),
    Parameter::new("min_stop_percent", Kind::Number, "0.3", "TG21", "smallest stop distance")
        .within(0.05, 10.0),
    Parameter::new("max_stop_percent", Kind::Number, "5.0", "TG21", "largest stop distance")
        .within(0.5, 20.0),
    Parameter::new(
        "wider_stop",
        Kind::Choice(&["skip", "cap"]),
        "skip",
        "TG21",
        "what a wider stop does",
    ),
    Parameter::new("targets", Kind::Targets, "2.0:0.5", "TG22", "targets as R:fraction"),
    Parameter::new(
        "breakeven_after",
        Kind::Choice(&["none", "1R", "2R", "first_target"]),
        "first_target",
        "TG23",
        "when the stop moves to the entry",
    ),
    Parameter::new(
        "trail",
        Kind::Choice(&["none", "ema9", "vwap", "low3", "low5", "atr"]),
        "ema9",
        "TG24",
        "exit of the rest after the first target",
    ),
    Parameter::new(
        "trail_atr",
        Kind::Number,
        "2.0",
        "TG24",
        "multiple of the 1-minute ATR for trail atr",
    )
    .within(0.5, 10.0),
    Parameter::new(
        "time_stop_minutes",
        Kind::IntOrOff,
        "30",
        "TG25",
        "minutes within which +1R must be touched",
    )
    .within(5.0, 120.0),
    Parameter::new("flat_by", Kind::Time, "11:30", "TG26", "flat at the latest"),
    Parameter::new("max_entries", Kind::Int, "2", "TG27", "entries per symbol and day")
        .within(1.0, 5.0),
    Parameter::new("cool_down_bars", Kind::Int, "5", "TG27", "bars after an exit")
        .within(0.0, 60.0),
    Parameter::new(
        "strategy_day_stop",
        Kind::Number,
        "-3",
        "TG28",
        "result of the day in R that ends entries",
    )
    .within(-10.0, -1.0),
    Parameter::new(
        "side",
        Kind::Choice(&["long", "short", "both"]),
        "long",
        "TG29",
        "gaps up are bought, gaps down sold short",
    ),
];

/// What is broken to enter (TG14).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Trigger {
    /// The premarket high, short: low.
    Premarket,
    /// The high of the first minutes, short: low.
    Range(u8),
    /// The farther of both.
    Farther(u8),
}

/// Where the protective stop lies (TG20).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum StopMode {
    /// The lowest low since the open, short: highest high.
    SinceOpen,
    /// The low of the first minutes, short: high.
    Range,
    Vwap,
    Atr,
}

/// Which gaps are traded (TG29, TG39).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Sides {
    long: bool,
    short: bool,
}

impl Sides {
    /// Returns the direction in which a gap is traded, if it is.
    pub(super) fn of_gap(self, gap: f64) -> Option<Direction> {
        if gap >= 0.0 {
            self.long.then_some(Direction::Long)
        } else {
            self.short.then_some(Direction::Short)
        }
    }
}

/// Checked parameters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Params {
    pub(super) scan_time: TimeOfDay,
    pub(super) min_gap: f64,
    pub(super) max_gap: f64,
    pub(super) min_pm_volume: f64,
    pub(super) min_pm_dollars: f64,
    pub(super) min_rvol_pm: f64,
    pub(super) price_min: f64,
    pub(super) price_max: f64,
    pub(super) max_float: Option<f64>,
    pub(super) float_missing_rejects: bool,
    pub(super) max_pullback: f64,
    pub(super) min_retained: f64,
    pub(super) require_news: bool,
    pub(super) max_candidates: usize,
    pub(super) trigger: Trigger,
    pub(super) entry_start: TimeOfDay,
    pub(super) entry_end: TimeOfDay,
    pub(super) min_rvol_first_bar: f64,
    pub(super) require_green: bool,
    pub(super) above_vwap: bool,
    pub(super) chase: Ppm,
    pub(super) stop_mode: StopMode,
    pub(super) stop_atr: f64,
    pub(super) min_stop: Ppm,
    pub(super) max_stop: Ppm,
    pub(super) cap_wide_stop: bool,
    pub(super) targets: [Option<Target>; 3],
    pub(super) breakeven: Breakeven,
    pub(super) trail: Trail,
    pub(super) time_stop_minutes: Option<u32>,
    pub(super) flat_by: TimeOfDay,
    pub(super) max_entries: u16,
    pub(super) cool_down_bars: u32,
    pub(super) day_stop: f64,
    pub(super) sides: Sides,
}

impl Params {
    pub(super) fn read(s: &Settings) -> Self {
        let mut targets = [None; 3];
        for (slot, (r, fraction)) in targets.iter_mut().zip(s.targets("targets")) {
            *slot = Some(Target { at: TargetAt::R(r), fraction });
        }
        Self {
            scan_time: s.time("scan_time"),
            min_gap: s.number("min_gap_percent"),
            max_gap: s.number("max_gap_percent"),
            min_pm_volume: s.number("min_pm_volume"),
            min_pm_dollars: s.number("min_pm_dollar_volume"),
            min_rvol_pm: s.number("min_rvol_pm"),
            price_min: s.number("price_min"),
            price_max: s.number("price_max"),
            max_float: s.optional("max_float"),
            float_missing_rejects: s.word("float_missing") == "reject",
            max_pullback: s.number("max_pullback_in_range"),
            min_retained: s.number("min_gap_retained"),
            require_news: s.switch("require_news"),
            max_candidates: s.int("max_candidates").unsigned_abs() as usize,
            trigger: match s.word("trigger") {
                "or1" => Trigger::Range(1),
                "or5" => Trigger::Range(5),
                "max_pm_high_or1" => Trigger::Farther(1),
                "max_pm_high_or5" => Trigger::Farther(5),
                _ => Trigger::Premarket,
            },
            entry_start: s.time("entry_start"),
            entry_end: s.time("entry_end"),
            min_rvol_first_bar: s.number("min_rvol_first_bar"),
            require_green: s.switch("require_green_first_bar"),
            above_vwap: s.switch("above_vwap"),
            chase: s.percent("chase_percent"),
            stop_mode: match s.word("stop_mode") {
                "or_low" => StopMode::Range,
                "vwap" => StopMode::Vwap,
                "atr" => StopMode::Atr,
                _ => StopMode::SinceOpen,
            },
            stop_atr: s.number("stop_atr"),
            min_stop: s.percent("min_stop_percent"),
            max_stop: s.percent("max_stop_percent"),
            cap_wide_stop: s.word("wider_stop") == "cap",
            targets,
            breakeven: match s.word("breakeven_after") {
                "none" => Breakeven::Never,
                "1R" => Breakeven::AtR(Ppm(1_000_000)),
                "2R" => Breakeven::AtR(Ppm(2_000_000)),
                _ => Breakeven::FirstTarget,
            },
            trail: Trail { rule: trail_rule(s), after_first_target: true },
            time_stop_minutes: s.optional("time_stop_minutes").map(|minutes| minutes as u32),
            flat_by: s.time("flat_by"),
            max_entries: s.int("max_entries") as u16,
            cool_down_bars: s.int("cool_down_bars") as u32,
            day_stop: s.number("strategy_day_stop"),
            sides: Sides { long: s.word("side") != "short", short: s.word("side") != "long" },
        }
    }

    /// Returns how many minutes the opening range of trigger and stop lasts.
    pub(super) fn range_minutes(&self) -> u8 {
        match self.trigger {
            Trigger::Range(minutes) | Trigger::Farther(minutes) => minutes,
            Trigger::Premarket => 1,
        }
    }
}

fn trail_rule(s: &Settings) -> TrailRule {
    match s.word("trail") {
        "ema9" => TrailRule::Ema9,
        "vwap" => TrailRule::Vwap { closes: 1 },
        "low3" => TrailRule::LowOf { bars: 3 },
        "low5" => TrailRule::LowOf { bars: 5 },
        "atr" => TrailRule::Atr {
            multiple: Ppm::from_fraction(s.number("trail_atr")).unwrap_or_default(),
        },
        _ => TrailRule::Off,
    }
}
