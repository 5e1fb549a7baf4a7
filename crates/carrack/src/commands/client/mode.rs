//! Which permission bits does somebody mean: `644`, or `u+x,go-w` as chmod(1) has it?

use std::str::FromStr;

/// A change of permission bits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum ModeChange {
    /// These bits.
    Octal(u32),
    /// These changes, one after the other.
    Clauses(Vec<Clause>),
}

/// `go-w`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Clause {
    /// The bits of those whom it is about.
    who: u32,
    how: How,
    /// `r`, `w`, `x`, `s`, `t` for everybody; masked by `who`.
    bits: u32,
    /// `X`: the right to enter folders, and to run what somebody may run already.
    runs: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum How {
    Add,
    Take,
    Set,
}

const READ: u32 = 0o444;
const WRITE: u32 = 0o222;
const RUN: u32 = 0o111;
const SET_ID: u32 = 0o6000;
const STICKY: u32 = 0o1000;

impl ModeChange {
    /// The bits there are to be. `now` is `None` where they are not known.
    pub(crate) fn apply(&self, now: Option<u32>, is_dir: bool) -> Option<u32> {
        let clauses = match self {
            Self::Octal(bits) => return Some(*bits),
            Self::Clauses(clauses) => clauses,
        };
        let mut mode = now?;
        for clause in clauses {
            let runs = if clause.runs && (is_dir || mode & RUN != 0) { RUN } else { 0 };
            let bits = (clause.bits | runs) & clause.who;
            mode = match clause.how {
                How::Add => mode | bits,
                How::Take => mode & !bits,
                How::Set => mode & !(clause.who & (READ | WRITE | RUN)) & !(clause.who & clause.bits) | bits,
            };
        }
        Some(mode)
    }
}

impl FromStr for ModeChange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            return match u32::from_str_radix(text, 8) {
                Ok(bits) if bits <= 0o7777 => Ok(Self::Octal(bits)),
                _ => Err("octal bits are 0 to 7777".to_owned()),
            };
        }
        text.split(',').map(clause).collect::<Result<Vec<_>, _>>().map(Self::Clauses)
    }
}

fn clause(text: &str) -> Result<Clause, String> {
    let wrong = || format!("`{text}`: expected octal digits such as 644, or changes such as u+x,go-w");
    let at = text.find(['+', '-', '=']).ok_or_else(wrong)?;
    let (who, rest) = text.split_at_checked(at).ok_or_else(wrong)?;
    let mut signs = rest.chars();
    let how = match signs.next() {
        Some('+') => How::Add,
        Some('-') => How::Take,
        _ => How::Set,
    };
    let mut mask = 0;
    for c in who.chars() {
        mask |= match c {
            'u' => 0o4700,
            'g' => 0o2070,
            'o' => 0o0007,
            'a' => 0o6777,
            _ => return Err(wrong()),
        };
    }
    let mask = if who.is_empty() { 0o6777 } else { mask };
    let (mut bits, mut runs) = (0, false);
    for c in signs {
        bits |= match c {
            'r' => READ,
            'w' => WRITE,
            'x' => RUN,
            's' => SET_ID,
            't' => STICKY,
            'X' => {
                runs = true;
                0
            }
            _ => return Err(wrong()),
        };
    }
    // The sticky bit is nobody's own.
    let who = if bits & STICKY != 0 { mask | STICKY } else { mask };
    Ok(Clause { who, how, bits, runs })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_those_of_chmod() {
        for (text, now, is_dir, then) in [
            ("644", 0o777, false, 0o644),
            ("0", 0o777, false, 0),
            ("u+x", 0o644, false, 0o744),
            ("+x", 0o644, false, 0o755),
            ("go-w", 0o666, false, 0o644),
            ("a=r", 0o777, false, 0o444),
            ("u=rwx,go=rx", 0, false, 0o755),
            ("o=", 0o777, false, 0o770),
            ("a+X", 0o644, false, 0o644),
            ("a+X", 0o744, false, 0o755),
            ("a+X", 0o644, true, 0o755),
            ("+t", 0o777, true, 0o1777),
            ("-t", 0o1777, true, 0o777),
            ("u+s", 0o755, false, 0o4755),
            ("g+s", 0o755, false, 0o2755),
            ("ug-s", 0o6755, false, 0o755),
            ("a=rX", 0o4744, false, 0o4555),
        ] {
            assert_eq!(text.parse::<ModeChange>().unwrap().apply(Some(now), is_dir), Some(then), "{text} of {now:o}");
        }
        assert_eq!("u+x".parse::<ModeChange>().unwrap().apply(None, false), None);
        assert_eq!("7".parse::<ModeChange>().unwrap().apply(None, false), Some(7));
    }

    #[test]
    fn what_is_no_mode_is_refused() {
        for text in ["", "8", "77777", "u", "u+q", "z+x", "u+x,", "rw-r--r--", "é+x"] {
            assert!(text.parse::<ModeChange>().is_err(), "{text}");
        }
    }
}
