//! Charts as plain SVG: lines, bars and their axes. Colours come from the page's style sheet.
//!
//! Coordinates are printed with one decimal, so equal data gives equal bytes.

use std::fmt::Write;

use maud::{Markup, html};
use model::Date;

/// Space for the labels of the value axis, and around the plot.
const LEFT: f64 = 74.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 26.0;
/// More points than this are thinned to the extremes of equal steps.
const POINTS: usize = 1_200;
/// Short names of the months.
pub(super) const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A plot area with a value axis.
#[derive(Clone, Copy)]
pub(super) struct Plot {
    width: f64,
    height: f64,
    low: f64,
    high: f64,
    step: f64,
    slots: usize,
}

/// How the axis of a chart is labelled.
#[derive(Clone, Copy)]
pub(super) enum Unit {
    /// US dollars.
    Dollars,
    /// A fraction as percent.
    Percent,
    /// A count.
    Count,
    /// A plain number.
    Number,
}

/// How a line is drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// A line with a light area below.
    Line,
    /// An area hanging from zero.
    Fall,
}

impl Plot {
    /// Lays out a plot of `slots` places from left to right for values within the bounds.
    pub(super) fn new(
        (width, height): (f64, f64),
        (low, high): (f64, f64),
        slots: usize,
        unit: Unit,
    ) -> Self {
        let (low, high) = if low < high { (low, high) } else { widened(low) };
        let wanted = if height < 180.0 { 3.0 } else { 5.0 };
        let step = nice_step((high - low) / wanted);
        // There are no half trades.
        let step = if matches!(unit, Unit::Count) { step.max(1.0) } else { step };
        let (low, high) = ((low / step).floor() * step, (high / step).ceil() * step);
        Self { width, height, low, high, step, slots: slots.max(1) }
    }

    fn y(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        TOP + (1.0 - share) * (self.height - TOP - BOTTOM)
    }

    /// Place of the i-th of `slots` points, the first and the last on the edges.
    fn x(&self, i: usize) -> f64 {
        let last = (self.slots - 1).max(1) as f64;
        LEFT + (self.width - LEFT - RIGHT) * i as f64 / last
    }

    /// Left edge and width of the i-th of `slots` bars.
    fn bar(&self, i: usize) -> (f64, f64) {
        let pitch = (self.width - LEFT - RIGHT) / self.slots as f64;
        let width = (pitch * 0.76).clamp(0.8, 34.0);
        (LEFT + pitch * (i as f64 + 0.5) - width / 2.0, width)
    }

    fn axis(&self, unit: Unit) -> Markup {
        let lines = ((self.high - self.low) / self.step).round() as usize;
        html! {
            @for i in 0..=lines {
                @let value = self.low + self.step * i as f64;
                @let y = fixed(self.y(value));
                line class=(if i == 0 { "axis" } else { "grid" })
                    x1=(fixed(LEFT)) x2=(fixed(self.width - RIGHT)) y1=(y) y2=(y) {}
                text class="end" x=(fixed(LEFT - 8.0)) y=(fixed(self.y(value) + 4.0)) {
                    (tick(value, self.step, unit))
                }
            }
        }
    }

    fn svg(&self, label: &str, body: Markup) -> Markup {
        html! {
            div class="scroll" {
                svg viewBox=(format!("0 0 {:.0} {:.0}", self.width, self.height)) role="img"
                    class=[(self.width > 700.0).then_some("wide")] aria-label=(label) { (body) }
            }
        }
    }

    fn below(&self) -> String {
        fixed(self.height - 7.0)
    }
}

/// A range around a single value.
fn widened(value: f64) -> (f64, f64) {
    let margin = if value == 0.0 { 1.0 } else { value.abs() * 0.01 };
    (value - margin, value + margin)
}

/// The next of 1, 2, 2.5, 5 times a power of ten at or above `least`.
fn nice_step(least: f64) -> f64 {
    let mut unit = 1.0;
    // The bounds of the exponents of a float; a value that is no number ends the loops at once.
    for _ in 0..330 {
        if unit > least { unit /= 10.0 } else { break }
    }
    for _ in 0..330 {
        if unit * 10.0 <= least { unit *= 10.0 } else { break }
    }
    let found = [1.0, 2.0, 2.5, 5.0].into_iter().map(|m| m * unit).find(|step| *step >= least);
    found.unwrap_or(unit * 10.0)
}

fn fixed(value: f64) -> String {
    crate::format::decimals(value, 1)
}

/// Text of a tick, with as many decimals as the step needs.
fn tick(value: f64, step: f64, unit: Unit) -> String {
    let places = |step: f64| {
        let mut scaled = step;
        (0..6).find(|_| {
            let whole = (scaled - scaled.round()).abs() < 1e-6;
            scaled *= 10.0;
            whole
        })
    };
    match unit {
        Unit::Percent => {
            format!(
                "{}%",
                crate::format::decimals(value * 100.0, places(step * 100.0).unwrap_or(6))
            )
        }
        Unit::Dollars => {
            let text = model::Cash::from_f64(value).map(crate::format::money).unwrap_or_default();
            if step >= 1.0 { text.trim_end_matches(".00").to_owned() } else { text }
        }
        Unit::Count | Unit::Number => crate::format::decimals(value, places(step).unwrap_or(6)),
    }
}

/// Lowest and highest of the values and of `also`.
pub(super) fn bounds(values: impl Iterator<Item = f64>, also: f64) -> (f64, f64) {
    values.fold((also, also), |(low, high), value| (low.min(value), high.max(value)))
}

/// Indices of at most about [`POINTS`] points that keep every visible extreme.
fn thinned(values: &[f64]) -> Vec<usize> {
    if values.len() <= POINTS {
        return (0..values.len()).collect();
    }
    let step = values.len().div_ceil(POINTS / 2);
    let mut kept = Vec::new();
    for start in (0..values.len()).step_by(step) {
        let range = start..(start + step).min(values.len());
        let by = |a: &usize, b: &usize| values[*a].total_cmp(&values[*b]);
        let low = range.clone().min_by(by).unwrap_or(start);
        let high = range.max_by(by).unwrap_or(start);
        kept.extend([low.min(high), low.max(high)]);
    }
    kept.push(values.len() - 1);
    kept.dedup();
    kept
}

/// Draws a line over dates. `base` is a dashed line of reference.
pub(super) fn line(
    size: (f64, f64),
    label: &str,
    points: &[(Date, f64)],
    unit: Unit,
    look: Look,
    base: Option<f64>,
) -> Markup {
    let values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
    let start = base.or_else(|| values.first().copied()).unwrap_or(0.0);
    let plot = Plot::new(size, bounds(values.iter().copied(), start), values.len(), unit);
    let mut path = String::new();
    for (place, i) in thinned(&values).into_iter().enumerate() {
        let command = if place == 0 { 'M' } else { 'L' };
        // Writing to a String cannot fail.
        let _ = write!(path, "{command}{} {}", fixed(plot.x(i)), fixed(plot.y(values[i])));
    }
    let ground = fixed(if look == Look::Fall { plot.y(0.0) } else { plot.y(plot.low) });
    let (first, last) = (fixed(plot.x(0)), fixed(plot.x(values.len().saturating_sub(1))));
    let area = format!("{path}L{last} {ground}L{first} {ground}Z");
    let (fill, stroke) = if look == Look::Fall { ("fall", "falling") } else { ("area", "line") };
    let dates: Vec<Date> = points.iter().map(|(date, _)| *date).collect();
    plot.svg(
        label,
        html! {
            (plot.axis(unit))
            @if let Some(base) = base {
                line class="base" x1=(fixed(LEFT)) x2=(fixed(plot.width - RIGHT))
                    y1=(fixed(plot.y(base))) y2=(fixed(plot.y(base))) {}
            }
            path class=(fill) d=(area) {}
            path class=(stroke) d=(path) {}
            (date_labels(&plot, &dates, |i| plot.x(i)))
        },
    )
}

/// Labels some of the dates; the first and the last are turned inwards.
fn date_labels(plot: &Plot, dates: &[Date], x: impl Fn(usize) -> f64) -> Markup {
    let (Some(first), Some(last)) = (dates.first(), dates.last()) else { return html! {} };
    let years = last.days() - first.days() > 400;
    let name = |date: &Date| {
        let (year, month, day) = date.ymd();
        let month = MONTHS.get(usize::from(month.unsigned_abs()) - 1).copied().unwrap_or("");
        if years { format!("{month} {year}") } else { format!("{month} {day}") }
    };
    let wanted = if plot.width < 700.0 { 4 } else { 8 };
    let count = wanted.min(dates.len());
    let mut labels: Vec<(usize, String)> = (0..count)
        .map(|k| if count == 1 { 0 } else { k * (dates.len() - 1) / (count - 1) })
        .map(|i| (i, name(&dates[i])))
        .collect();
    labels.dedup_by(|later, earlier| later.1 == earlier.1);
    html! {
        @for (i, text) in &labels {
            @let place = if *i == 0 { "start" } else if i + 1 == dates.len() { "end" } else { "middle" };
            text class=(place) x=(fixed(x(*i))) y=(plot.below()) { (text) }
        }
    }
}

/// One bar: its name, its value and its tooltip.
pub(super) struct Bar {
    /// Name below the axis, where there is room.
    pub(super) name: String,
    /// Its height.
    pub(super) value: f64,
    /// Text of the tooltip.
    pub(super) hint: String,
    /// Style class: `up`, `down` or `flat`.
    pub(super) class: &'static str,
}

/// Draws bars from zero.
pub(super) fn bars(size: (f64, f64), label: &str, bars: &[Bar], unit: Unit) -> Markup {
    let plot = Plot::new(size, bounds(bars.iter().map(|b| b.value), 0.0), bars.len(), unit);
    let longest = bars.iter().map(|bar| bar.name.chars().count()).max().unwrap_or(0);
    let room = (((plot.width - LEFT) / (longest as f64 * 7.0 + 14.0)) as usize).max(1);
    let every = bars.len().div_ceil(room).max(1);
    let zero = plot.y(0.0);
    plot.svg(
        label,
        html! {
            (plot.axis(unit))
            @for (i, bar) in bars.iter().enumerate() {
                @let (x, breadth) = plot.bar(i);
                @let y = plot.y(bar.value);
                rect class=(bar.class) x=(fixed(x)) width=(fixed(breadth))
                    y=(fixed(y.min(zero))) height=(fixed((y - zero).abs())) {
                    title { (bar.hint) }
                }
                @if i % every == 0 {
                    text class="middle" x=(fixed(x + breadth / 2.0)) y=(plot.below()) { (bar.name) }
                }
            }
            line class="axis" x1=(fixed(LEFT)) x2=(fixed(plot.width - RIGHT))
                y1=(fixed(zero)) y2=(fixed(zero)) {}
        },
    )
}

/// Draws the running sum of steps; few steps get dots with tooltips.
pub(super) fn steps(size: (f64, f64), label: &str, bars: &[Bar]) -> Markup {
    /// More dots than this would cover the line.
    const DOTS: usize = 150;
    let mut sum = 0.0;
    let mut sums = vec![0.0];
    sums.extend(bars.iter().map(|bar| {
        sum += bar.value;
        sum
    }));
    let plot = Plot::new(size, bounds(sums.iter().copied(), 0.0), sums.len(), Unit::Dollars);
    let mut path = String::new();
    for (place, i) in thinned(&sums).into_iter().enumerate() {
        let (x, y) = (fixed(plot.x(i)), fixed(plot.y(sums[i])));
        let _ = if place == 0 { write!(path, "M{x} {y}") } else { write!(path, "H{x}V{y}") };
    }
    plot.svg(
        label,
        html! {
            (plot.axis(Unit::Dollars))
            line class="base" x1=(fixed(LEFT)) x2=(fixed(plot.width - RIGHT))
                y1=(fixed(plot.y(0.0))) y2=(fixed(plot.y(0.0))) {}
            path class="line" d=(path) {}
            @if bars.len() <= DOTS {
                @for (i, bar) in bars.iter().enumerate() {
                    circle class=(format!("dot {}", bar.class)) r="4" cx=(fixed(plot.x(i + 1)))
                        cy=(fixed(plot.y(sums[i + 1]))) { title { (bar.hint) } }
                }
            }
            text x=(fixed(LEFT)) y=(plot.below()) { "start" }
            text class="end" x=(fixed(plot.width - RIGHT)) y=(plot.below()) {
                "trade " (crate::format::count(bars.len() as u64))
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_numbers() {
        for (least, expected) in
            [(0.9, 1.0), (1.0, 1.0), (1.7, 2.0), (2.2, 2.5), (3.0, 5.0), (7.0, 10.0)]
        {
            for scale in [0.001, 1.0, 10_000.0] {
                let found = nice_step(least * scale);
                assert!((found / (expected * scale) - 1.0).abs() < 1e-9, "{least} {scale} {found}");
            }
        }
        assert!(nice_step(f64::NAN) > 0.0 && nice_step(f64::MAX) > 0.0);
    }

    #[test]
    fn ticks_show_what_the_step_needs() {
        assert_eq!(tick(0.025, 0.025, Unit::Percent), "2.5%");
        assert_eq!(tick(-1500.0, 500.0, Unit::Dollars), "-1,500");
        assert_eq!(tick(0.5, 0.5, Unit::Dollars), "0.50");
        assert_eq!(tick(2.0, 1.0, Unit::Count), "2");
    }

    /// Thinning keeps the extremes and the ends.
    #[test]
    fn thinning_keeps_extremes() {
        let mut values: Vec<f64> = (0..10_000).map(|i| f64::from(i % 7)).collect();
        values[4321] = 99.0;
        values[1234] = -99.0;
        let kept = thinned(&values);
        assert!(kept.len() < 1_300 && kept.is_sorted());
        assert!(kept.contains(&4321) && kept.contains(&1234) && kept.contains(&9_999));
    }

    /// A single value, no value and equal values still give a drawable plot.
    #[test]
    fn degenerate_data_is_drawn() {
        let date: Date = "2025-06-02".parse().unwrap();
        for points in [vec![], vec![(date, 5.0)], vec![(date, 0.0), (date.plus_days(1), 0.0)]] {
            let text =
                line((600.0, 200.0), "x", &points, Unit::Dollars, Look::Line, None).into_string();
            assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
        }
        let text = bars((600.0, 200.0), "x", &[], Unit::Count).into_string();
        assert!(!text.contains("NaN"), "{text}");
    }
}
