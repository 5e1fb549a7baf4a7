//! The one table of FTP verbs: name, argument, source and meaning. Parsing, HELP and dispatch all read it.

/// How far a verb is served.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Served {
    /// Works.
    Yes,
    /// Works where the listener serves what is historic; else it is answered 502.
    Historic,
}

/// When a verb may be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// Before and after login.
    Any,
    /// Only after login.
    LoggedIn,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The verb.
    pub verb: Verb,
    /// How it is written.
    pub name: &'static str,
    /// Its argument, as HELP shows it.
    pub argument: &'static str,
    /// What it does, in a few words.
    pub meaning: &'static str,
    /// Where it is specified.
    pub source: &'static str,
    /// When it may be used.
    pub stage: Stage,
    /// Whether it works.
    pub served: Served,
}

/// Stands for a row that is not there, which the test below shows cannot be.
static FALLBACK: Row =
    Row { verb: Verb::Noop, name: "NOOP", argument: "", meaning: "", source: "", stage: Stage::Any, served: Served::Yes };

macro_rules! verbs {
    ($($verb:ident $name:literal $argument:literal $stage:ident $served:ident $source:literal $meaning:literal;)*) => {
        /// Every verb of `ftp-commands`, served or not.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Verb { $(#[doc = $meaning] $verb,)* }

        /// The table, in the order HELP shows.
        pub const ROWS: &[Row] = &[
            $(Row { verb: Verb::$verb, name: $name, argument: $argument, meaning: $meaning, source: $source,
                    stage: Stage::$stage, served: Served::$served },)*
        ];

        impl Verb {
            /// The verb with this name, in any case.
            pub fn named(name: &[u8]) -> Option<Self> {
                let mut upper = [0u8; 8];
                let upper = upper.get_mut(..name.len())?;
                upper.copy_from_slice(name);
                upper.make_ascii_uppercase();
                match std::str::from_utf8(upper).ok()? {
                    $($name => Some(Self::$verb),)*
                    _ => None,
                }
            }

            /// Its row.
            pub fn row(self) -> &'static Row {
                // The table is made in the order of the variants; the test below holds it to that.
                match ROWS.get(self as usize) {
                    Some(row) => row,
                    None => &FALLBACK,
                }
            }
        }
    };
}

verbs! {
    User "USER" "<name>" Any Yes "RFC 959 4.1.1" "say who logs in";
    Pass "PASS" "<password>" Any Yes "RFC 959 4.1.1" "prove it";
    Acct "ACCT" "<account>" Any Yes "RFC 959 4.1.1" "name the account to charge";
    Rein "REIN" "" Any Yes "RFC 959 4.1.1" "start over, as after the greeting";
    Quit "QUIT" "" Any Yes "RFC 959 4.1.1" "say good-bye";
    Cwd "CWD" "<folder>" LoggedIn Yes "RFC 959 4.1.1" "change the working directory";
    Xcwd "XCWD" "<folder>" LoggedIn Yes "RFC 775" "as CWD";
    Cdup "CDUP" "" LoggedIn Yes "RFC 959 4.1.1" "go to the parent directory";
    Xcup "XCUP" "" LoggedIn Yes "RFC 775" "as CDUP";
    Pwd "PWD" "" LoggedIn Yes "RFC 959 4.1.3" "print the working directory";
    Xpwd "XPWD" "" LoggedIn Yes "RFC 775" "as PWD";
    Smnt "SMNT" "<mount>" LoggedIn Yes "RFC 959 4.1.1" "make another mount the root";
    Port "PORT" "<h1,h2,h3,h4,p1,p2>" LoggedIn Yes "RFC 959 4.1.2" "connect data to this address";
    Pasv "PASV" "" LoggedIn Yes "RFC 959 4.1.2" "listen for the data connection";
    Eprt "EPRT" "<|family|address|port|>" LoggedIn Yes "RFC 2428 2" "connect data to this address, IPv4 or IPv6";
    Epsv "EPSV" "[1 | 2 | ALL]" LoggedIn Yes "RFC 2428 3" "listen for the data connection, port only";
    Lprt "LPRT" "<af,hal,h...,pal,p...>" LoggedIn Yes "RFC 1639 3" "connect data to this long address";
    Lpsv "LPSV" "" LoggedIn Yes "RFC 1639 3" "listen, long address";
    Spsv "SPSV" "" LoggedIn Yes "draft-rosenau-ftp-single-port" "take the data connection on the control port";
    Spdt "SPDT" "<key>" Any Yes "draft-rosenau-ftp-single-port" "make this connection the data connection of a key";
    Type "TYPE" "A [N | T | C] | E [N | T | C] | I | L 8" LoggedIn Yes "RFC 959 4.1.2" "set the representation type";
    Stru "STRU" "F | R | P" LoggedIn Yes "RFC 959 4.1.2" "set the file structure";
    Mode "MODE" "S | B | C | Z" LoggedIn Yes "RFC 959 4.1.2" "set the transfer mode";
    Allo "ALLO" "<bytes> [R <bytes>]" LoggedIn Yes "RFC 959 4.1.3" "ask for room before an upload";
    Rest "REST" "<byte | marker>" LoggedIn Yes "RFC 3659 5" "start the next transfer at a byte";
    Retr "RETR" "<file>" LoggedIn Yes "RFC 959 4.1.3" "send a file to the client";
    Stor "STOR" "<file>" LoggedIn Yes "RFC 959 4.1.3" "take a file from the client";
    Stou "STOU" "[<file>]" LoggedIn Yes "RFC 959 4.1.3" "take a file under a name that is free";
    Appe "APPE" "<file>" LoggedIn Yes "RFC 959 4.1.3" "take bytes for the end of a file";
    Rnfr "RNFR" "<name>" LoggedIn Yes "RFC 959 4.1.3" "say what will be renamed";
    Rnto "RNTO" "<name>" LoggedIn Yes "RFC 959 4.1.3" "say its new name";
    Dele "DELE" "<file>" LoggedIn Yes "RFC 959 4.1.3" "remove a file";
    Rmd "RMD" "<folder>" LoggedIn Yes "RFC 959 4.1.3" "remove an empty folder";
    Xrmd "XRMD" "<folder>" LoggedIn Yes "RFC 775" "as RMD";
    Rmda "RMDA" "<folder>" LoggedIn Yes "draft-peterson-streamlined-ftp-command-extensions" "remove a folder and all in it";
    Mkd "MKD" "<folder>" LoggedIn Yes "RFC 959 4.1.3" "make a folder";
    Xmkd "XMKD" "<folder>" LoggedIn Yes "RFC 775" "as MKD";
    List "LIST" "[-options] [<path>]" LoggedIn Yes "RFC 959 4.1.3" "list a folder for people";
    Nlst "NLST" "[-options] [<path>]" LoggedIn Yes "RFC 959 4.1.3" "list names";
    Mlst "MLST" "[<path>]" LoggedIn Yes "RFC 3659 7" "tell the facts of one name";
    Mlsd "MLSD" "[<folder>]" LoggedIn Yes "RFC 3659 7" "list a folder for programs";
    Mdtm "MDTM" "<file>" LoggedIn Yes "RFC 3659 3" "tell when a file was changed";
    Size "SIZE" "<file>" LoggedIn Yes "RFC 3659 4" "tell how many bytes a transfer would take";
    Mfmt "MFMT" "<time> <file>" LoggedIn Yes "draft-somers-ftp-mfxx" "set the time of change";
    Mfct "MFCT" "<time> <file>" LoggedIn Yes "draft-somers-ftp-mfxx" "set the time of creation";
    Mff "MFF" "<fact=value;...> <file>" LoggedIn Yes "draft-somers-ftp-mfxx" "set facts";
    Dsiz "DSIZ" "[<folder>]" LoggedIn Yes "draft-peterson-streamlined-ftp-command-extensions" "tell how many bytes lie below a folder";
    Avbl "AVBL" "[<folder>]" LoggedIn Yes "draft-peterson-streamlined-ftp-command-extensions" "tell how many bytes may be written";
    Thmb "THMB" "<JPEG | PNG> <width> <height> <file>" LoggedIn Yes "draft-peterson-streamlined-ftp-command-extensions" "send a small picture of an image";
    Stat "STAT" "[<path>]" Any Yes "RFC 959 4.1.3" "tell the state of session, transfer or path";
    Abor "ABOR" "" Any Yes "RFC 959 4.1.3" "break the transfer off";
    Site "SITE" "<command>" Any Yes "RFC 959 4.1.3" "commands of this server: SITE HELP";
    Syst "SYST" "" Any Yes "RFC 959 4.1.3" "tell the system's type";
    Help "HELP" "[<command>]" Any Yes "RFC 959 4.1.3" "explain";
    Noop "NOOP" "" Any Yes "RFC 959 4.1.3" "do nothing";
    Feat "FEAT" "" Any Yes "RFC 2389 3" "list the extensions that work now";
    Opts "OPTS" "<command> [<options>]" Any Yes "RFC 2389 4" "set a command's options";
    Clnt "CLNT" "<client>" Any Yes "field practice" "say what client this is";
    Csid "CSID" "<facts>" Any Yes "draft-peterson-streamlined-ftp-command-extensions" "say what client this is, learn what server";
    Hash "HASH" "<file>" LoggedIn Yes "draft-bryan-ftpext-hash" "tell a file's digest";
    Xcrc "XCRC" "<file> [<first> <end>]" LoggedIn Yes "field practice" "tell a file's CRC-32";
    Xmd5 "XMD5" "<file> [<first> <end>]" LoggedIn Yes "field practice" "tell a file's MD5";
    Xsha "XSHA" "<file> [<first> <end>]" LoggedIn Yes "field practice" "tell a file's SHA-1";
    Xsha1 "XSHA1" "<file> [<first> <end>]" LoggedIn Yes "field practice" "tell a file's SHA-1";
    Xsha256 "XSHA256" "<file> [<first> <end>]" LoggedIn Yes "field practice" "tell a file's SHA-256";
    Xsha512 "XSHA512" "<file> [<first> <end>]" LoggedIn Yes "field practice" "tell a file's SHA-512";
    Rang "RANG" "<first> <last>" LoggedIn Yes "draft-bryan-ftp-range" "choose a range of bytes";
    Comb "COMB" "<target> <part>..." LoggedIn Yes "field practice" "join parts into one file";
    Lang "LANG" "[<language>]" Any Yes "RFC 2640 4" "choose the language of replies";
    Host "HOST" "<name>" Any Yes "RFC 7151 3" "choose the virtual host";
    Auth "AUTH" "TLS | GSSAPI" Any Yes "RFC 2228 3, RFC 4217 4" "protect the control connection";
    Pbsz "PBSZ" "<bytes>" Any Yes "RFC 2228 3" "set the protection buffer size";
    Prot "PROT" "C | S | E | P" Any Yes "RFC 2228 3" "set the data connection's protection";
    Ccc "CCC" "" Any Yes "RFC 2228 3" "clear the control connection";
    Adat "ADAT" "<base64>" Any Yes "RFC 2228 3" "go on with a security exchange";
    Mic "MIC" "<base64>" Any Yes "RFC 2228 3" "integrity-protected command";
    Conf "CONF" "<base64>" Any Yes "RFC 2228 3" "confidential command";
    Enc "ENC" "<base64>" Any Yes "RFC 2228 3" "private command";
    Xrsq "XRSQ" "[R | T | ?]" LoggedIn Historic "RFC 743" "choose a scheme of recipients";
    Xrcp "XRCP" "<user>" LoggedIn Historic "RFC 743" "name a recipient";
    Xsem "XSEM" "[<user>]" LoggedIn Historic "RFC 737" "send or mail";
    Xsen "XSEN" "[<user>]" LoggedIn Historic "RFC 737" "send to a terminal";
    Xmas "XMAS" "[<user>]" LoggedIn Historic "RFC 737" "mail and send";
    Mail "MAIL" "[<user>]" LoggedIn Historic "RFC 765" "mail";
    Msnd "MSND" "[<user>]" LoggedIn Historic "RFC 765" "send to a terminal";
    Msom "MSOM" "[<user>]" LoggedIn Historic "RFC 765" "send or mail";
    Msam "MSAM" "[<user>]" LoggedIn Historic "RFC 765" "mail and send";
    Mrsq "MRSQ" "[R | T | ?]" LoggedIn Historic "RFC 765" "choose a scheme of recipients";
    Mrcp "MRCP" "<user>" LoggedIn Historic "RFC 765" "name a recipient";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_the_order_of_the_variants() {
        for (i, row) in ROWS.iter().enumerate() {
            assert_eq!(row.verb as usize, i);
            assert_eq!(row.verb.row().name, row.name);
            assert_eq!(Verb::named(row.name.to_lowercase().as_bytes()), Some(row.verb));
        }
        assert_eq!(Verb::named(b"NOSUCHVERB"), None);
        assert_eq!(Verb::named(b""), None);
    }
}
