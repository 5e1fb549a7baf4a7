//! Quantities as people read them.

use std::time::Duration;

/// `1.5 MiB`.
pub(super) fn bytes(bytes: u64) -> String {
    let mut number = bytes as f64;
    let mut units = ["B", "KiB", "MiB", "GiB", "TiB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    for next in units {
        if number < 1024.0 {
            break;
        }
        number /= 1024.0;
        unit = next;
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{number:.1} {unit}") }
}

/// `1.5 MiB/s`.
pub(super) fn rate(moved: u64, took: Duration) -> String {
    let seconds = took.as_secs_f64();
    format!("{}/s", bytes(if seconds > 0.0 { (moved as f64 / seconds) as u64 } else { moved }))
}

/// `2.5 s`, `3 min 20 s`.
pub(super) fn time(took: Duration) -> String {
    let seconds = took.as_secs();
    match seconds {
        0..60 => format!("{:.1} s", took.as_secs_f64()),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_short() {
        assert_eq!((bytes(0), bytes(1023), bytes(1536)), ("0 B".into(), "1023 B".into(), "1.5 KiB".into()));
        assert_eq!(bytes(u64::MAX), "16777216.0 TiB");
        assert_eq!(rate(3 << 20, Duration::from_secs(2)), "1.5 MiB/s");
        assert_eq!(rate(5, Duration::ZERO), "5 B/s");
        assert_eq!(time(Duration::from_millis(2_500)), "2.5 s");
        assert_eq!((time(Duration::from_secs(200)), time(Duration::from_secs(3_700))), ("3 min 20 s".into(), "1 h 1 min".into()));
    }
}
