//! `carrack why CODE`: what does a CRK code mean, and what can be done?

use types::Reason;

use crate::cli::{Exit, Why};
use crate::say;

/// Explains one code, or lists them all.
pub(crate) fn run(args: &Why) -> Exit {
    let Some(code) = &args.code else {
        return list();
    };
    let Some(reason) = Reason::by_code(code) else {
        say::err(format_args!("carrack: there is no code `{}`; `carrack why` lists them all", code.escape_debug()));
        return Exit::Usage;
    };
    say::out(format_args!("{}: {}.\n\n{}", reason.code(), reason.cause(), reason.remedy()))
}

fn list() -> Exit {
    let mut page = String::new();
    let mut chapter = "";
    for reason in Reason::ALL {
        let of = chapter_of(reason.code());
        if of != chapter {
            if !chapter.is_empty() {
                page.push('\n');
            }
            page.push_str(of);
            page.push('\n');
            chapter = of;
        }
        page.push_str(&format!("  {}  {}\n", reason.code(), reason.cause()));
    }
    page.push_str("\n`carrack why CODE` says what to do about one.");
    say::out(format_args!("{page}"))
}

fn chapter_of(code: &str) -> &'static str {
    match code.as_bytes().get(4) {
        Some(b'1') => "Getting in",
        Some(b'2') => "Files and folders",
        Some(b'3') => "Data connections",
        Some(b'4') => "What the client said",
        Some(b'6') => "TLS",
        Some(b'7') => "As a client of other servers",
        _ => "Configuration and start",
    }
}
