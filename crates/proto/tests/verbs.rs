//! The verbs: none is missing, and the page that lists them for people says what the table says.
//! `UPDATE=1 cargo test -p carrack-proto --test verbs` writes the page anew.
#![allow(clippy::disallowed_methods, reason = "a test reads its own files")]

use carrack_proto::ftp::verb::{ROWS, Served, Stage, Verb};

/// Every verb that this server means to serve, in the order of its plan.
const PLANNED: &str = "USER PASS ACCT REIN QUIT CWD XCWD CDUP XCUP PWD XPWD SMNT PORT PASV EPRT EPSV LPRT LPSV SPSV SPDT TYPE \
    STRU MODE ALLO REST RETR STOR APPE STOU RNFR RNTO DELE RMD XRMD MKD XMKD RMDA LIST NLST MLST MLSD MDTM SIZE MFMT MFCT MFF \
    DSIZ AVBL THMB STAT ABOR SITE SYST HELP NOOP FEAT OPTS CLNT CSID HASH XCRC XMD5 XSHA XSHA1 XSHA256 XSHA512 RANG COMB LANG \
    HOST AUTH PBSZ PROT CCC ADAT MIC CONF ENC XRSQ XRCP XSEM XSEN XMAS MAIL MSND MSOM MSAM MRSQ MRCP";

#[test]
fn no_verb_is_missing_from_the_table() {
    let missing: Vec<_> = PLANNED.split_whitespace().filter(|name| Verb::named(name.as_bytes()).is_none()).collect();
    assert!(missing.is_empty(), "the table lacks {missing:?}");
    let unplanned: Vec<_> = ROWS.iter().filter(|row| PLANNED.split_whitespace().all(|name| name != row.name)).collect();
    assert!(unplanned.is_empty(), "not in the plan: {unplanned:?}");
}

#[test]
fn the_page_says_what_the_table_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/ftp-commands.md");
    let page = page();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    assert!(std::fs::read_to_string(path).unwrap_or_default() == page, "run with UPDATE=1 and read what has changed");
}

fn page() -> String {
    let mut page = String::from(
        "# FTP commands\n\nMade from the table in `crates/proto/src/ftp/verb.rs`, which HELP and the sessions go by, too. \
         *Login* says whether one must be logged in; those *with `historic`* answer 502 unless the listener has \
         `historic = true`. FEAT lists what works on a connection.\n\n\
         | command | argument | what it does | login | served | source |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    let cell = |text: &str| text.replace('|', "\\|").replace('<', "\\<");
    for row in ROWS {
        let login = if row.stage == Stage::LoggedIn { "yes" } else { "" };
        let served = if row.served == Served::Yes { "yes" } else { "with `historic`" };
        let (argument, meaning) = (cell(row.argument), cell(row.meaning));
        page += &format!("| {} | {argument} | {meaning} | {login} | {served} | {} |\n", row.name, row.source);
    }
    page + MODES
}

const MODES: &str = "
## TYPE, STRU and MODE

Every combination is served, both ways.

| | |
| --- | --- |
| TYPE A | Lines end with CRLF on the way and with LF in the file. |
| TYPE E | EBCDIC, by the code page that `ebcdic` of the listener names (1047, 037 or 500). A file's bytes are taken as ISO 8859-1, byte for byte, so all that was sent comes back. LF in the file is NL on the way. |
| N, T, C | What moves the paper stays in the file as it came, and is sent so again. |
| TYPE I, L 8 | Bytes as they are. Other byte sizes: 504. |
| STRU R | A record is a line of the file. An LF inside a record is refused (CRK-343): nothing could tell it from the record's end. |
| STRU P | Pages of up to 255 bytes, numbered modulo 256, in order. Descriptor pages are read over. |
| MODE B, C | The data connection stays open from file to file (125). Downloads carry a restart marker each MiB; markers of uploads are answered with 110. REST takes the server's own markers: the byte of the file. |
| MODE B BODIES | So FEAT says, and OPTS MODE B BODIES asks for it: in MODE B each STOR, APPE and STOU is followed by one body, and one that is refused has its body read and thrown away (64 MiB of it at most). A STOR shows nothing of a file that is not whole, and keeps nothing of it. A client can send many files without waiting for leave. Our own: no standard has it. |
| MODE Z | Deflate with zlib's header and digest; a body that does not come to its end is not confirmed. OPTS MODE Z LEVEL 0 to 9. REST counts bytes of the file. |
";
