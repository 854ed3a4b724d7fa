//! Rules TI9-TI18, TB4, TB5 and TB7 against exact fractions: every column of
//! `intraday_expected.csv`, the state after each bar, with the reference data built from the
//! sessions before by [`ReferenceBuilder`].

use indicators::reference::{Corporate, ReferenceBuilder, ReferenceOptions, SessionSummary};
use indicators::{
    AtrDay, DayVwap, Ema, Gap, HodLod, OpeningRange, PremarketRange, PrevHodVwap, PriceRange, Rvol,
    VwapScope,
};
use model::exchange::{Segment, Session};
use model::record::{Reader, Record, encode};
use model::{Bar, Date, MINUTE_NS, Price, SymbolDay, SymbolId, Timestamp};

use crate::oracle::{Row, agree, table};

/// One session of the bar file.
struct FileSession {
    times: Session,
    bars: Vec<Bar>,
}

/// The session's boundaries, from the two clocks of a row. The files hold full days.
fn times(row: Row<'_>) -> Session {
    let start: Timestamp = row.text("start_utc").parse().unwrap();
    let (hours, minutes) = row.text("start_ny").split_once(':').unwrap();
    let minute = hours.parse::<i64>().unwrap() * 60 + minutes.parse::<i64>().unwrap();
    let at = |wall: i64| start.plus_nanos((wall - minute) * MINUTE_NS);
    Session {
        date: row.text("session").parse().unwrap(),
        pre_open: at(4 * 60),
        open: at(9 * 60 + 30),
        close: at(16 * 60),
        post_close: at(20 * 60),
        early_close: false,
    }
}

fn sessions() -> Vec<FileSession> {
    let mut sessions: Vec<FileSession> = Vec::new();
    for row in table("intraday_bars.csv").rows() {
        let times = times(row);
        let bar = row.bar(row.text("start_utc").parse().unwrap());
        let segment = times.segment(bar.start).map(Segment::name);
        assert_eq!(segment, Some(row.text("segment")), "TB3 at {}", bar.start);
        match sessions.last_mut().filter(|last| last.times.date == times.date) {
            Some(last) => last.bars.push(bar),
            None => sessions.push(FileSession { times, bars: vec![bar] }),
        }
    }
    sessions
}

/// All indicators of a day.
#[derive(Default)]
struct Day {
    rth: DayVwap,
    ext: DayVwap,
    prev_hod: PrevHodVwap,
    premarket: PremarketRange,
    hod_lod: HodLod,
    ema: Ema,
    atr: AtrDay,
    ranges: Vec<OpeningRange>,
    gap: Gap,
    rvol: Rvol,
}
model::record!(Day {
    1: rth,
    2: ext,
    3: prev_hod,
    4: premarket,
    5: hod_lod,
    6: ema,
    7: atr,
    8: ranges,
    9: gap,
    10: rvol,
});

impl Day {
    fn new() -> Self {
        Self {
            rth: DayVwap::new(VwapScope::Rth),
            ext: DayVwap::new(VwapScope::Ext),
            ema: Ema::new(9),
            atr: AtrDay::new(14),
            ranges: [1, 5, 15, 30].map(OpeningRange::new).to_vec(),
            ..Self::default()
        }
    }

    fn start(&mut self, times: &Session, facts: &SymbolDay) {
        self.rth.start_day(times);
        self.ext.start_day(times);
        self.prev_hod.start_day(times);
        self.premarket.start_day(times);
        self.hod_lod.start_day(times);
        self.ema.reset();
        self.atr.reset();
        self.ranges.iter_mut().for_each(|range| range.start_day(times));
        self.gap.start_day(times, facts.prev_close);
        self.rvol.start_day(times);
    }

    fn update(&mut self, bar: &Bar) {
        self.rth.update(bar);
        self.ext.update(bar);
        self.prev_hod.update(bar);
        self.premarket.update(bar);
        self.hod_lod.update(bar);
        self.ema.update(bar.close.to_f64());
        self.atr.update(bar);
        self.ranges.iter_mut().for_each(|range| range.update(bar));
        self.gap.update(bar);
        self.rvol.update(bar);
    }

    /// The value of a column of the expected file; `None` for an unknown one.
    fn column(&self, name: &str, facts: &SymbolDay) -> Option<Option<f64>> {
        let band = |k: f64| self.rth.current().and_then(|vwap| vwap.bands(k));
        let baseline = facts.volume_baseline.as_deref();
        let dollars = |price: Option<Price>| price.map(Price::to_f64);
        let part = |range: Option<PriceRange>| {
            dollars(range.map(|r| if name.ends_with("high") { r.high } else { r.low }))
        };
        Some(match name {
            "vwap" => self.rth.value(),
            "vwap_sd" => self.rth.current().and_then(|vwap| vwap.sigma()),
            "vwap_u1" => band(1.0).map(|(_, upper)| upper),
            "vwap_l1" => band(1.0).map(|(lower, _)| lower),
            "vwap_u2" => band(2.0).map(|(_, upper)| upper),
            "vwap_l2" => band(2.0).map(|(lower, _)| lower),
            "vwap_ext" => self.ext.value(),
            "avwap_prev_hod" => self.prev_hod.value(),
            "pm_high" => dollars(self.premarket.value().map(|levels| levels.high)),
            "pm_low" => dollars(self.premarket.value().map(|levels| levels.low)),
            "pm_volume" => self.premarket.value().map(|levels| levels.volume.0 as f64),
            "hod" => dollars(self.hod_lod.value().map(|range| range.high)),
            "lod" => dollars(self.hod_lod.value().map(|range| range.low)),
            "ema9_day_ext" => self.ema.value(),
            "atr14_day_ext" => self.atr.value(),
            "or1_high" | "or1_low" => part(self.ranges[0].value()),
            "or5_high" | "or5_low" => part(self.ranges[1].value()),
            "or15_high" | "or15_low" => part(self.ranges[2].value()),
            "or30_high" | "or30_low" => part(self.ranges[3].value()),
            "prev_close" => dollars(facts.prev_close),
            "gap_open_pct" => self.gap.open().map(|ratio| ratio * 100.0),
            "cum_volume" => self.rvol.cumulative_volume().map(|volume| volume.0 as f64),
            "rvol_cum_14" => self.rvol.value(baseline),
            "rvol_bar_14" => self.rvol.bar(baseline).ok(),
            _ => return None,
        })
    }
}

/// Runs all sessions through one instance and hands each bar's state to `check`.
fn run(mut day: Day, mut check: impl FnMut(&mut Day, &SymbolDay, Date, &Bar)) {
    let mut builder = ReferenceBuilder::new(ReferenceOptions::default());
    let mut previous = None;
    for FileSession { times, bars } in sessions() {
        let actions = Corporate::default();
        let facts = builder.symbol_day(
            SymbolId(0),
            (times.date, previous),
            times.minutes() as u16,
            actions,
            None,
        );
        previous = Some(times.date);
        day.start(&times, &facts);
        for bar in &bars {
            day.update(bar);
            check(&mut day, &facts, times.date, bar);
        }
        builder.push_session(SessionSummary::from_bars(&times, &bars));
    }
}

/// TI9-TI18: every column after every bar of the expected sessions. Levels, counts and volumes
/// must be equal, not near.
#[test]
fn every_column_agrees_after_every_bar() {
    let expected = table("intraday_expected.csv");
    let columns: Vec<_> = expected.columns[4..].to_vec();
    let exact = ["pm_", "hod", "lod", "or", "prev_close", "cum_volume"];
    let mut rows = expected.rows().peekable();
    run(Day::new(), |day, facts, date, bar| {
        let Some(row) = rows.next_if(|row| {
            row.text("session") == date.to_string()
                && row.text("start_utc") == bar.start.to_string()
        }) else {
            return;
        };
        for name in &columns {
            let ours = day.column(name, facts).unwrap_or_else(|| panic!("no column {name}"));
            let wanted = row.number(name);
            let same = if exact.iter().any(|prefix| name.starts_with(prefix)) {
                ours == wanted
            } else {
                agree(ours, wanted, 1e-9)
            };
            assert!(same, "{name} at {}: {ours:?}, expected {wanted:?}", bar.start);
        }
    });
    assert!(rows.next().is_none(), "expected rows without a bar");
}

/// J12: all indicators of a day, saved after a bar and loaded elsewhere, go on with equal bits.
#[test]
fn a_saved_day_continues_with_equal_bits() {
    let mut states = Vec::new();
    run(Day::new(), |day, _, _, _| states.push(encode(day)));
    let mut number = 0;
    run(Day::new(), |day, _, _, _| {
        if number % 97 == 0 {
            let mut loaded = Day::default();
            loaded.load(&mut Reader::new(&encode(day))).unwrap();
            *day = loaded;
        }
        assert!(encode(day) == states[number], "state after bar {number}");
        number += 1;
    });
}
