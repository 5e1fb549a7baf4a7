//! `carrack man` and `carrack completions`: what is made out of the arguments' definition?

use clap::CommandFactory;

use crate::cli::{Cli, Completions, Exit};
use crate::say;

/// Prints the manual page: the program's, and a part for each command.
pub(crate) fn man() -> Exit {
    let command = Cli::command();
    let mut page = Vec::new();
    let made = clap_mangen::Man::new(command.clone()).render(&mut page).and_then(|()| {
        command.get_subcommands().filter(|c| c.get_name() != "help").try_for_each(|c| {
            let of = c.clone().bin_name(format!("carrack {}", c.get_name()));
            let man = clap_mangen::Man::new(of);
            page.extend_from_slice(format!(".SH CARRACK {}\n", c.get_name().to_uppercase()).as_bytes());
            man.render_description_section(&mut page)?;
            man.render_options_section(&mut page)?;
            man.render_extra_section(&mut page)
        })
    });
    match made {
        Ok(()) => say::out_bytes(&page),
        Err(e) => {
            say::err(format_args!("carrack: the manual page cannot be made: {e}"));
            Exit::Failed
        }
    }
}

/// Prints completions for a shell.
pub(crate) fn completions(args: &Completions) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "carrack", &mut script);
    say::out_bytes(&script)
}
