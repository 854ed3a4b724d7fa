//! The usual course of a day: how volume, volatility and the presence of trades depend on the
//! time. The figures behind the constants are in [`generator`](super).

/// Share of the premarket's volume in each hour from 04:00; the last entry is half an hour.
const PRE_VOLUME: [f64; 6] = [0.02, 0.01, 0.02, 0.13, 0.54, 0.28];
/// Part of the premarket minutes of a large company that have a trade, by hour from 04:00.
const PRE_PRESENCE: [f64; 6] = [0.26, 0.26, 0.38, 0.82, 0.99, 0.99];
/// Part of the post-market minutes that have a trade, by hour from the close.
const POST_PRESENCE: [f64; 4] = [0.92, 0.62, 0.55, 0.57];
/// Share of the post-market's volume in each hour from the close.
const POST_VOLUME: [f64; 4] = [0.60, 0.20, 0.12, 0.08];

/// Returns the weight of a regular minute in the day's volume: high at the open, low at noon, high
/// again before the close. `minute` counts from the open, `length` is the session's.
pub(super) fn rth_volume(minute: i64, length: i64) -> f64 {
    let from_open = minute as f64;
    let to_close = (length - 1 - minute) as f64;
    let opening = if minute == 0 { 3.0 } else { 0.0 };
    let closing = if to_close < 45.0 { 1.5 * (1.0 - to_close / 45.0) } else { 0.0 };
    let last = if minute == length - 1 { 2.8 } else { 0.0 };
    0.7 + 3.0 / (1.0 + from_open / 13.0) + opening + closing + last
}

/// Returns the volatility of a regular minute relative to others: twice as high at the open as at
/// noon, a little higher at the close.
pub(super) fn rth_sigma(minute: i64, length: i64) -> f64 {
    let to_close = (length - 1 - minute) as f64;
    let closing = if to_close < 40.0 { 0.3 * (1.0 - to_close / 40.0) } else { 0.0 };
    0.8 + 1.7 / (1.0 + minute as f64 / 18.0) + closing
}

/// Returns the mean of a weight over a session, and the mean of its square.
pub(super) fn means(length: i64, weight: fn(i64, i64) -> f64) -> (f64, f64) {
    let (mut sum, mut square) = (0.0, 0.0);
    for minute in 0..length {
        let value = weight(minute, length);
        sum += value;
        square += value * value;
    }
    let count = length.max(1) as f64;
    (sum / count, square / count)
}

/// Returns the share of the premarket's volume that a minute with a trade gets on average, and the
/// chance that the minute has a trade. `minute` counts from 04:00.
pub(super) fn pre(minute: i64) -> (f64, f64) {
    let hour = hour_of(minute, PRE_VOLUME.len());
    let minutes = if hour == 5 { 30.0 } else { 60.0 };
    (PRE_VOLUME[hour] / minutes, PRE_PRESENCE[hour])
}

/// Returns the same for the post-market; `minute` counts from the close.
pub(super) fn post(minute: i64) -> (f64, f64) {
    let hour = hour_of(minute, POST_VOLUME.len());
    (POST_VOLUME[hour] / 60.0, POST_PRESENCE[hour])
}

fn hour_of(minute: i64, hours: usize) -> usize {
    usize::try_from(minute / 60).unwrap_or(0).min(hours - 1)
}
