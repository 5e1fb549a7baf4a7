//! What can be said of how files cross the network: TYPE, STRU and MODE of FTP, the mode of TFTP?

use clap::{Args, ValueEnum};
use client::url::{Form as UrlForm, Scheme, Url};
use proto::ftp::data::{CodePage, Form, Mode, Structure, Type};
use types::{Error, Reason};

use super::client::Options;

/// How files cross the network.
#[derive(Args, Debug, Default, Clone)]
#[command(next_help_heading = "How files cross the network")]
pub(crate) struct FormOptions {
    /// FTP: s (stream), b (blocks), c (runs shortened) or z (deflated). TFTP: octet, or netascii for text
    #[arg(long, value_name = "MODE", ignore_case = true)]
    pub(crate) mode: Option<ModeWord>,

    /// FTP: what the server shall store. f: a run of bytes; r: records, of which each is a line here; p: pages
    #[arg(long, value_name = "STRUCTURE", ignore_case = true)]
    pub(crate) structure: Option<StructureWord>,

    /// What [`TypeOption`] says; `find` has a `--type` of its own.
    #[arg(skip)]
    pub(crate) kind: Option<TypeWord>,

    /// The EBCDIC of --type e: 037, 500 or 1047 [default: 1047]
    #[arg(long, value_name = "NUMBER", value_parser = code_page)]
    pub(crate) code_page: Option<CodePage>,
}

/// What the bytes of files stand for, in the commands that move them.
#[derive(Args, Debug, Default, Clone, Copy)]
#[command(next_help_heading = "How files cross the network")]
pub(crate) struct TypeOption {
    /// FTP: i (bytes as they are), a (text with line ends of the network) or e (text in EBCDIC)
    #[arg(long = "type", value_name = "TYPE", ignore_case = true)]
    kind: Option<TypeWord>,
}

impl TypeOption {
    /// The options of a command, and this one with them.
    pub(crate) fn with(self, options: &Options) -> Options {
        let mut options = options.clone();
        options.form.kind = self.kind.or(options.form.kind);
        options
    }
}

/// How a body travels.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum ModeWord {
    /// As it is.
    S,
    /// In blocks.
    B,
    /// With runs shortened.
    C,
    /// Deflated.
    Z,
    /// TFTP: as it is.
    Octet,
    /// TFTP: as text.
    Netascii,
}

/// How a file is made up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum StructureWord {
    /// A run of bytes.
    F,
    /// Records.
    R,
    /// Pages.
    P,
}

/// What the bytes stand for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum TypeWord {
    /// Text.
    A,
    /// Text in EBCDIC.
    E,
    /// Bytes.
    I,
}

fn code_page(text: &str) -> Result<CodePage, String> {
    CodePage::named(text).ok_or_else(|| "the code pages of EBCDIC here are 037, 500 and 1047".into())
}

impl FormOptions {
    /// These options, and where they say nothing those of a bookmark.
    pub(crate) fn over(&self, under: Self) -> Self {
        Self {
            mode: self.mode.or(under.mode),
            structure: self.structure.or(under.structure),
            kind: self.kind.or(under.kind),
            code_page: self.code_page.or(under.code_page),
        }
    }

    /// Refuses what the protocol of a URL does not have.
    ///
    /// # Errors
    /// [`Reason::Unsupported`] with the option that does not fit.
    pub(crate) fn check(&self, url: &Url) -> Result<(), Error> {
        let tftp_mode = matches!(self.mode, Some(ModeWord::Octet | ModeWord::Netascii));
        let of_ftp = [
            ("--mode", self.mode.is_some() && !tftp_mode),
            ("--structure", self.structure.is_some()),
            ("--type", self.kind.is_some()),
            ("--code-page", self.code_page.is_some()),
        ];
        let (name, protocol) = match url.scheme {
            Scheme::Tftp => (of_ftp.iter().find(|(_, said)| *said).map(|(name, _)| *name), "FTP"),
            Scheme::Ftp | Scheme::Ftps | Scheme::Ftpes if tftp_mode => (Some("--mode octet and netascii"), "TFTP"),
            Scheme::Ftp | Scheme::Ftps | Scheme::Ftpes if self.code_page.is_some() && self.kind != Some(TypeWord::E) => {
                return Err(Error::with(Reason::BadParameter, "--code-page needs --type e"));
            }
            Scheme::Ftp | Scheme::Ftps | Scheme::Ftpes => (None, ""),
            _ if tftp_mode => (Some("--mode"), "TFTP"),
            _ => (of_ftp.iter().find(|(_, said)| *said).map(|(name, _)| *name), "FTP"),
        };
        match name {
            None => Ok(()),
            Some(name) => {
                let words = format!("{name} is for {protocol}, and {}:// is not: leave it out", url.scheme.name());
                Err(Error::with(Reason::Unsupported, words))
            }
        }
    }

    /// TYPE, STRU and MODE for a server of FTP. `;type=` in a URL counts where no option says otherwise.
    pub(crate) fn ftp(&self, url: &Url) -> Form {
        Form {
            kind: match (self.kind, url.form) {
                (Some(TypeWord::A), _) | (None, Some(UrlForm::Ascii)) => Type::Ascii,
                (Some(TypeWord::E), _) => Type::Ebcdic,
                _ => Type::Image,
            },
            structure: match self.structure {
                Some(StructureWord::R) => Structure::Record,
                Some(StructureWord::P) => Structure::Page,
                _ => Structure::File,
            },
            mode: match self.mode {
                Some(ModeWord::B) => Mode::Block,
                Some(ModeWord::C) => Mode::Compressed,
                Some(ModeWord::Z) => Mode::Deflate,
                _ => Mode::Stream,
            },
            page: self.code_page.unwrap_or_default(),
            ..Form::IMAGE
        }
    }

    /// Whether TFTP moves text.
    pub(crate) fn is_netascii(&self, url: &Url) -> bool {
        match self.mode {
            Some(mode) => mode == ModeWord::Netascii,
            None => url.form == Some(UrlForm::Ascii),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        match client::url::Place::parse(text).unwrap() {
            client::url::Place::Remote(url) => url,
            client::url::Place::Local(path) => panic!("{path:?}"),
        }
    }

    #[test]
    fn what_a_protocol_does_not_have_is_refused_by_name() {
        let said = |options: FormOptions, text: &str| options.check(&url(text)).err().map(|e| e.to_string());
        let block = || FormOptions { mode: Some(ModeWord::B), ..FormOptions::default() };
        assert_eq!(said(block(), "ftp://host/a"), None);
        assert!(said(block(), "tftp://host/a").unwrap().contains("--mode is for FTP"));
        assert!(said(block(), "sftp://host/a").unwrap().contains("--mode is for FTP"));
        let text = FormOptions { mode: Some(ModeWord::Netascii), ..FormOptions::default() };
        assert!(said(text.clone(), "ftp://host/a").unwrap().contains("is for TFTP"));
        assert_eq!(said(text, "tftp://host/a"), None);
        let page = FormOptions { code_page: CodePage::named("500"), ..FormOptions::default() };
        assert!(said(page.clone(), "ftp://host/a").unwrap().contains("--type e"));
        let ebcdic = FormOptions { kind: Some(TypeWord::E), ..page };
        assert_eq!((said(ebcdic.clone(), "ftps://host/a"), ebcdic.ftp(&url("ftp://h/a")).kind), (None, Type::Ebcdic));
        assert_eq!(FormOptions::default().ftp(&url("ftp://h/a;type=a")).kind, Type::Ascii);
    }
}
