//! How are folders told to clients: LIST, NLST, MLST and MLSD (RFC 959 §4.1.3, RFC 3659 §7)?

mod facts;
mod long;
mod media;
mod options;
pub mod parse;

pub use facts::{Facts, FactsError, MlsxLine, Permitted, Place, facts_line, parse_facts};
pub use long::{long_line, name_line};
pub use options::ListOptions;

/// Appends a number in decimal.
fn decimal(number: u64, out: &mut Vec<u8>) {
    digits(number, 10, 1, b' ', out);
}

/// Appends a number in a base up to 16, filled from the left to a width (of 64 at most). Lines of a large folder
/// are made by the hundred thousand, and this is several times as fast as `write!`.
fn digits(mut number: u64, base: u64, width: usize, fill: u8, out: &mut Vec<u8>) {
    let mut buffer = [fill; 64];
    let mut used = 0;
    for place in buffer.iter_mut().rev() {
        // Below the base, so below 16.
        let digit = (number % base) as u8;
        *place = if digit < 10 { b'0' + digit } else { b'a' + digit - 10 };
        used += 1;
        number /= base;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(buffer.get(buffer.len().saturating_sub(used.max(width))..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let text = |number, base, width, fill| {
            let mut out = Vec::new();
            digits(number, base, width, fill, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(text(0, 10, 1, b' '), "0");
        assert_eq!(text(u64::MAX, 10, 1, b' '), u64::MAX.to_string());
        assert_eq!(text(u64::MAX, 8, 30, b'0'), format!("{:030o}", u64::MAX));
        assert_eq!(text(0xbeef, 16, 1, b' '), "beef");
        assert_eq!(text(42, 10, 5, b' '), "   42");
        assert_eq!(text(12345, 10, 3, b' '), "12345");
    }
}
