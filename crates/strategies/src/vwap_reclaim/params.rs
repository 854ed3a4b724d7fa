//! Parameters of `vwap_reclaim` (TV1-TV21) and their checked form.

use engine::strategy_engine::Direction;
use model::Ppm;

use crate::TimeOfDay;
use crate::parameters::{Kind, Parameter, Settings};

/// The table of TV1-TV21.
pub(crate) const PARAMETERS: &[Parameter] = &[
    Parameter::new("price_min", Kind::Number, "5", "TV1", "lowest price").within(0.5, 10_000.0),
    Parameter::new("price_max", Kind::Number, "500", "TV1", "highest price").within(0.5, 100_000.0),
    Parameter::new("min_adv", Kind::Number, "1000000", "TV2", "average daily volume in shares")
        .within(0.0, 1e10),
    Parameter::new("min_atr", Kind::Number, "0.50", "TV3", "daily ATR in dollars")
        .within(0.0, 1_000.0),
    Parameter::new(
        "in_play",
        Kind::Switch,
        "true",
        "TV4",
        "only stocks with a gap or relative volume",
    ),
    Parameter::new("in_play_gap_percent", Kind::Number, "2", "TV4", "gap at the open, either way")
        .within(0.0, 50.0),
    Parameter::new("in_play_rvol", Kind::Number, "1.5", "TV4", "cumulative relative volume")
        .within(0.0, 50.0),
    Parameter::new(
        "bias",
        Kind::Choice(&["none", "green_day", "above_sma50"]),
        "none",
        "TV5",
        "condition on the day; mirrored for the short side",
    ),
    Parameter::new("entry_start", Kind::Time, "open+15m", "TV6", "entries from"),
    Parameter::new("entry_end", Kind::Time, "close-60m", "TV6", "entries until"),
    Parameter::new(
        "min_bars_below",
        Kind::Int,
        "5",
        "TV7",
        "closes below VWAP (short: above) in a row before",
    )
    .within(2.0, 120.0),
    Parameter::new("min_depth_percent", Kind::Number, "0.2", "TV8", "smallest depth behind VWAP")
        .within(0.0, 10.0),
    Parameter::new("max_depth_percent", Kind::Number, "3.0", "TV8", "largest depth behind VWAP")
        .within(0.1, 50.0),
    Parameter::new(
        "min_volume_ratio",
        Kind::Number,
        "1.5",
        "TV9",
        "volume of the reclaim bar over the mean of 20",
    )
    .within(0.0, 5.0),
    Parameter::new(
        "upper_half",
        Kind::Switch,
        "true",
        "TV10",
        "the reclaim bar closes in its upper half (short: lower)",
    ),
    Parameter::new(
        "hold_bars",
        Kind::Int,
        "1",
        "TV11",
        "further closes at or above VWAP (short: below)",
    )
    .within(0.0, 10.0),
    Parameter::new(
        "entry_mode",
        Kind::Choice(&["break", "next_open", "retest"]),
        "break",
        "TV12",
        "how it is entered",
    ),
    Parameter::new("chase_percent", Kind::Number, "0.2", "TV13", "limit beyond the trigger")
        .within(0.01, 2.0),
    Parameter::new("valid_bars", Kind::Int, "5", "TV13", "bars for which the entry works")
        .within(1.0, 60.0),
    Parameter::new(
        "stop_buffer_atr",
        Kind::Number,
        "0.1",
        "TV14",
        "room behind the stop in 1-minute ATR",
    )
    .within(0.0, 5.0),
    Parameter::new("min_stop_percent", Kind::Number, "0.2", "TV15", "smallest stop distance")
        .within(0.01, 10.0),
    Parameter::new("max_stop_percent", Kind::Number, "2.0", "TV15", "largest stop distance")
        .within(0.1, 20.0),
    Parameter::new(
        "target_hod_min_r",
        Kind::Number,
        "1.5",
        "TV16",
        "smallest distance in R for the high (short: low) of day to be the target",
    )
    .within(0.1, 20.0),
    Parameter::new("target_r", Kind::Number, "2.0", "TV16", "first target in R otherwise")
        .within(0.1, 20.0),
    Parameter::new(
        "target_fraction",
        Kind::Number,
        "0.5",
        "TV16",
        "part closed at the first target",
    )
    .within(0.01, 1.0),
    Parameter::new(
        "vwap_exit_closes",
        Kind::IntOrOff,
        "2",
        "TV17",
        "closes behind VWAP in a row that close the position",
    )
    .within(1.0, 5.0),
    Parameter::new(
        "time_stop_minutes",
        Kind::IntOrOff,
        "60",
        "TV18",
        "minutes within which +1R must be touched",
    )
    .within(5.0, 390.0),
    Parameter::new("max_entries", Kind::Int, "2", "TV19", "entries per symbol and day")
        .within(1.0, 10.0),
    Parameter::new("flat_by", Kind::Time, "close-5m", "TV20", "flat at the latest"),
    Parameter::new(
        "side",
        Kind::Choice(&["long", "short"]),
        "long",
        "TV21",
        "short sells the loss of VWAP after strength above it",
    ),
];

/// TV5.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Bias {
    None,
    GreenDay,
    AboveSma50,
}

/// TV12.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum EntryMode {
    Break,
    NextOpen,
    Retest,
}

/// Checked parameters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Params {
    pub(super) price_min: f64,
    pub(super) price_max: f64,
    pub(super) min_adv: f64,
    pub(super) min_atr: f64,
    pub(super) in_play: bool,
    pub(super) in_play_gap: f64,
    pub(super) in_play_rvol: f64,
    pub(super) bias: Bias,
    pub(super) entry_start: TimeOfDay,
    pub(super) entry_end: TimeOfDay,
    pub(super) min_bars_below: u32,
    pub(super) min_depth: f64,
    pub(super) max_depth: f64,
    pub(super) min_volume_ratio: f64,
    pub(super) upper_half: bool,
    pub(super) hold_bars: u32,
    pub(super) entry_mode: EntryMode,
    pub(super) chase: Ppm,
    pub(super) valid_bars: u32,
    pub(super) stop_buffer_atr: f64,
    pub(super) min_stop: Ppm,
    pub(super) max_stop: Ppm,
    pub(super) target_hod_min_r: Ppm,
    pub(super) target_r: Ppm,
    pub(super) target_fraction: Ppm,
    pub(super) vwap_exit_closes: Option<u8>,
    pub(super) time_stop_minutes: Option<u32>,
    pub(super) max_entries: u16,
    pub(super) flat_by: TimeOfDay,
    pub(super) direction: Direction,
}

impl Params {
    pub(super) fn read(s: &Settings) -> Self {
        let ppm = |name| Ppm::from_fraction(s.number(name)).unwrap_or_default();
        Self {
            price_min: s.number("price_min"),
            price_max: s.number("price_max"),
            min_adv: s.number("min_adv"),
            min_atr: s.number("min_atr"),
            in_play: s.switch("in_play"),
            in_play_gap: s.number("in_play_gap_percent"),
            in_play_rvol: s.number("in_play_rvol"),
            bias: match s.word("bias") {
                "green_day" => Bias::GreenDay,
                "above_sma50" => Bias::AboveSma50,
                _ => Bias::None,
            },
            entry_start: s.time("entry_start"),
            entry_end: s.time("entry_end"),
            min_bars_below: s.int("min_bars_below") as u32,
            min_depth: s.number("min_depth_percent"),
            max_depth: s.number("max_depth_percent"),
            min_volume_ratio: s.number("min_volume_ratio"),
            upper_half: s.switch("upper_half"),
            hold_bars: s.int("hold_bars") as u32,
            entry_mode: match s.word("entry_mode") {
                "next_open" => EntryMode::NextOpen,
                "retest" => EntryMode::Retest,
                _ => EntryMode::Break,
            },
            chase: s.percent("chase_percent"),
            valid_bars: s.int("valid_bars") as u32,
            stop_buffer_atr: s.number("stop_buffer_atr"),
            min_stop: s.percent("min_stop_percent"),
            max_stop: s.percent("max_stop_percent"),
            target_hod_min_r: ppm("target_hod_min_r"),
            target_r: ppm("target_r"),
            target_fraction: ppm("target_fraction"),
            vwap_exit_closes: s.optional("vwap_exit_closes").map(|closes| closes as u8),
            time_stop_minutes: s.optional("time_stop_minutes").map(|minutes| minutes as u32),
            max_entries: s.int("max_entries") as u16,
            flat_by: s.time("flat_by"),
            direction: if s.word("side") == "short" { Direction::Short } else { Direction::Long },
        }
    }
}
