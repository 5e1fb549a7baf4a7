//! Which clients have ways of their own, and what does the server do for them? The table of those known, each with where it
//! was seen. `docs/tftp-clients.md` is made of it.

use ipnet::IpNet;
use proto::tftp::options::Wishes;
use types::MacPrefix;

use super::names::{Asker, fits};

/// A way that some clients have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quirk {
    /// What it is called in the configuration, and in the ladder.
    pub name: &'static str,
    /// Who has it.
    pub clients: &'static str,
    /// What they do.
    pub does: &'static str,
    /// What the server does for them.
    pub answer: &'static str,
    /// What the row rests on.
    pub rests: Rests,
    /// Where that is found.
    pub source: &'static str,
    /// What it turns on.
    pub switch: Switch,
}

/// What says that clients are so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rests {
    /// The client's own source text.
    Code,
    /// A report of somebody who met such clients, with what was on the wire or what helped.
    Report,
    /// The manual of a server that has a switch for it: nobody is named who needs it.
    Experience,
}

impl Rests {
    const fn words(self) -> &'static str {
        match self {
            Self::Code => "its source",
            Self::Report => "a report",
            Self::Experience => "experience alone",
        }
    }
}

/// What a quirk turns on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Switch {
    /// Done for all, for it harms nobody.
    Always,
    /// For the clients that a listener names: this option is as if they had not asked for it.
    Refuse(Asked),
    /// For the clients that a listener names: no block is larger.
    Blksize(u16),
}

/// An option that may be asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asked {
    /// All of them: the answer to a request is the first block, as RFC 1350 alone has it.
    All,
    /// RFC 2348.
    Blksize,
}

/// All that are known.
pub const QUIRKS: &[Quirk] = &[
    Quirk {
        name: "size-probe",
        clients: "UEFI PXE (EDK II) and boot ROMs",
        does: "ask for a file with tsize, end that transfer with ERROR 8 or 0 once they know the size, and ask again",
        answer: "the end is written down as a size probe and is no failure",
        rests: Rests::Report,
        source: "https://github.com/pin/tftp/issues/125",
        switch: Switch::Always,
    },
    Quirk {
        name: "only-what-was-asked",
        clients: "EFI PXE clients",
        does: "break off where the OACK has an option that they did not ask for",
        answer: "the OACK has none (RFC 2347)",
        rests: Rests::Report,
        source: "https://github.com/gagle/node-tftp/pull/14, https://github.com/pypxe/PyPXE/pull/125",
        switch: Switch::Always,
    },
    Quirk {
        name: "dos-slashes",
        clients: "Windows boot managers",
        does: "ask for \\Boot\\BCD and the like",
        answer: "backslashes are slashes, and slashes in front are none",
        rests: Rests::Report,
        source: "https://github.com/theforeman/puppet-tftp/pull/1, https://github.com/MicrosoftDocs/windows-itpro-docs/pull/5121",
        switch: Switch::Always,
    },
    Quirk {
        name: "empty-size",
        clients: "curl",
        does: "takes a tsize of 0 in an OACK for an error",
        answer: "the size of an empty file is not told",
        rests: Rests::Code,
        source: "https://github.com/curl/curl (lib/tftp.c: invalid tsize)",
        switch: Switch::Always,
    },
    Quirk {
        name: "five-seconds-down",
        clients: "atftp",
        does: "repeats a lost ACK only after five seconds in which nothing comes",
        answer: "the server's waits grow to eight seconds",
        rests: Rests::Code,
        source: "https://github.com/madmartin/atftp (tftp_def.h: TIMEOUT)",
        switch: Switch::Always,
    },
    Quirk {
        name: "five-seconds-up",
        clients: "curl",
        does: "repeats the last block of an upload until its ACK comes: each five seconds with --max-time, else each 72",
        answer: "the server stays for twelve seconds to repeat that ACK",
        rests: Rests::Code,
        source: "https://github.com/curl/curl (lib/tftp.c: retry_time)",
        switch: Switch::Always,
    },
    Quirk {
        name: "sent-again",
        clients: "Cisco IOS and others",
        does: "send a request again that was not answered, or the whole file when its last ACK was lost, and stumble over \"file exists\"",
        answer: "what stands with the same content is confirmed",
        rests: Rests::Report,
        source: "https://github.com/mpetazzoni/ptftpd/issues/8, https://github.com/msoulier/tftpy/issues/137",
        switch: Switch::Always,
    },
    Quirk {
        name: "blksize-1024",
        clients: "QEMU's UEFI and others",
        does: "agree on blocks of a whole packet, and then work badly with them",
        answer: "blocks of 1024 bytes at most",
        rests: Rests::Report,
        source: "https://github.com/crowbar/crowbar-core/pull/1078",
        switch: Switch::Blksize(1024),
    },
    Quirk {
        name: "no-blksize",
        clients: "some boot ROMs",
        does: "ask for blksize, and behave badly where they get it",
        answer: "blksize is not answered",
        rests: Rests::Experience,
        source: "dnsmasq(8) (--tftp-no-blocksize)",
        switch: Switch::Refuse(Asked::Blksize),
    },
    Quirk {
        name: "no-options",
        clients: "programs with faults in their options",
        does: "send options, and go wrong with the answer",
        answer: "no option is answered: the first block is",
        rests: Rests::Experience,
        source: "tftpd(8) of tftp-hpa (--refuse)",
        switch: Switch::Refuse(Asked::All),
    },
];

/// The quirk of this name that a listener may turn on for some clients.
pub fn named(name: &str) -> Option<&'static Quirk> {
    QUIRKS.iter().find(|quirk| quirk.name == name && quirk.switch != Switch::Always)
}

/// A quirk that a listener turns on.
#[derive(Clone, Debug)]
pub struct Known {
    /// Which.
    pub quirk: &'static Quirk,
    /// Networks it goes for; all where empty.
    pub from: Vec<IpNet>,
    /// Beginnings of the hardware addresses it goes for; all where empty.
    pub mac: Vec<MacPrefix>,
}

impl Known {
    /// Changes what a client asked for, where it is one of those. Tells whether it is.
    pub fn adapt(&self, asker: Asker, wishes: &mut Wishes) -> bool {
        if !fits(&self.from, &self.mac, asker) {
            return false;
        }
        match self.quirk.switch {
            Switch::Always => {}
            Switch::Blksize(most) => wishes.blksize = wishes.blksize.map(|n| n.min(most)),
            Switch::Refuse(Asked::All) => *wishes = Wishes::default(),
            Switch::Refuse(Asked::Blksize) => wishes.blksize = None,
        }
        true
    }
}

/// The page of the documentation that lists them.
pub fn page() -> String {
    let mut page = String::from(PAGE);
    for quirk in QUIRKS {
        let when = if quirk.switch == Switch::Always { "all" } else { "named" };
        let (does, answer) = (quirk.does.replace('|', "\\|"), quirk.answer);
        page.push_str(&format!(
            "| `{}` | {} | {does} | {answer} | {when} | {} | {} |\n",
            quirk.name,
            quirk.clients,
            quirk.rests.words(),
            quirk.source
        ));
    }
    page
}

const PAGE: &str = "# TFTP clients and their ways

What some clients of TFTP do, and what the server does for them: for all clients, or for those that a listener names:

```toml
[[listener.quirk]]
name = \"blksize-1024\"
from = [\"192.0.2.0/24\"]
```

What a row rests on is said with it: the client's own source, a report of somebody who met such clients, or experience alone,
where all that is known is that another server has a switch for it.

| quirk | clients | what they do | what the server does | for | rests on | where |
| --- | --- | --- | --- | --- | --- | --- |
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_what_the_table_says() {
        assert!(include_str!("../../../../docs/tftp-clients.md") == page(), "docs/tftp-clients.md is to be:\n{}", page());
        for (i, quirk) in QUIRKS.iter().enumerate() {
            assert!(QUIRKS.iter().skip(i + 1).all(|other| other.name != quirk.name), "{}", quirk.name);
            assert!(!quirk.source.is_empty() && !quirk.name.contains(' '), "{}", quirk.name);
        }
    }

    #[test]
    fn switches_do_what_they_say_to_whom_they_are_for() {
        let asked = Wishes { blksize: Some(1468), tsize: Some(0), windowsize: Some(8), ..Wishes::default() };
        let here = Asker { ip: "192.0.2.7".parse().unwrap(), mac: None };
        let adapted = |name: &str, from: &str| {
            let known = Known { quirk: named(name).unwrap(), from: vec![from.parse().unwrap()], mac: Vec::new() };
            let mut wishes = asked.clone();
            known.adapt(here, &mut wishes).then_some(wishes)
        };
        assert_eq!(adapted("no-options", "192.0.2.0/24"), Some(Wishes::default()));
        assert_eq!(adapted("no-options", "198.51.100.0/24"), None);
        let blksize = |n| Wishes { blksize: n, ..asked.clone() };
        assert_eq!(adapted("blksize-1024", "192.0.2.7/32"), Some(blksize(Some(1024))));
        assert_eq!(adapted("no-blksize", "0.0.0.0/0"), Some(blksize(None)));
        assert!(named("size-probe").is_none() && named("gone").is_none());
    }
}
