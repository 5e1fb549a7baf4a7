//! Each key wrong once, each table's contradiction once, and the example file: what is said about them?
#![allow(clippy::disallowed_methods)]

use std::path::Path;

use super::file::{asked, parse};
use super::{DataReuse, PlainLogin, TftpPorts, TlsMode};
use gate::permission::Permissions;
use gate::rules::{AuditPolicy, Password};
use server::tftp::Uploads;
use server::tftp::names::Then;

const EXAMPLE: &str = include_str!("../../../../carrack.example.toml");
/// A certificate of ftp.example.com, its key, and the certificate of an issuer of clients' certificates.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls");
const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$pbt7ZBSl4xb1t9LGOa074Q$CDPGB3TQCcYYq3/B27WzqFTipbeFgCj5jS1AC9eSR0Q";

/// A whole configuration with one line of one table replaced or added.
fn with(table: &str, line: &str) -> String {
    let key = line.split('=').next().unwrap_or("").trim();
    let mut text = String::new();
    for (name, lines) in [
        ("", vec![]),
        ("[[listener]]", vec!["name = \"ftp\"", "protocol = \"ftp\"", "address = \"127.0.0.1:2121\""]),
        ("[[certificate]]", vec!["certificate = \"FOLDER/fullchain.pem\"", "key = \"FOLDER/privkey.pem\""]),
        ("[tls]", vec![]),
        ("[kerberos]", vec![]),
        ("[[mount]]", vec!["name = \"data\"", "kind = \"local\"", "path = \".\""]),
        ("[[user]]", vec!["name = \"anna\"", "password = HASH"]),
        ("[[group]]", vec!["name = \"staff\""]),
        ("[[host]]", vec!["name = \"ftp.example.com\""]),
        ("[limits]", vec![]),
        ("[mail]", vec!["mount = \"data\""]),
        ("[log]", vec![]),
        ("[audit]", vec![]),
        ("[trace]", vec![]),
        ("[process]", vec![]),
    ] {
        // A fault by itself where the build has no Kerberos, or the machine no keytab.
        if name == "[kerberos]" && name != table {
            continue;
        }
        if !name.is_empty() {
            text.push_str(name);
            text.push('\n');
        }
        for l in lines {
            if !(name == table && l.split('=').next().unwrap_or("").trim() == key) {
                text.push_str(&l.replace("HASH", &format!("\"{HASH}\"")).replace("FOLDER", FOLDER));
                text.push('\n');
            }
        }
        if name == table && !line.is_empty() {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// A listener that speaks TFTP, and what its clients are.
fn tftp(more: &str) -> String {
    format!(
        "[[mount]]\nname = \"data\"\nkind = \"memory\"\n[anonymous]\n\
         [[listener]]\nname = \"boot\"\nprotocol = \"tftp\"\naddress = \"127.0.0.1:6969\"\n{more}\n"
    )
}

#[test]
fn mail_needs_a_mount_that_can_be_written() {
    let text = with("[[mount]]", "read_only = true");
    let said = parse("c.toml", &text, Path::new("/")).err().map(|page| page.faults().to_string()).unwrap_or_default();
    assert!(said.contains("[mail] names the mount \"data\", which is read-only"), "{said}");
}

#[test]
fn each_key_of_tftp_is_read() {
    let config = |more: &str| parse("c.toml", &tftp(more), Path::new("/")).unwrap_or_else(|page| panic!("{}", page.faults()));
    let plain = config("").tftp.remove(0);
    assert_eq!((plain.ports, plain.uploads, plain.blksize, plain.windowsize), (TftpPorts::Own, Uploads::Off, None, 64));
    assert!(plain.rules.anonymous && !plain.optional && plain.rewrite.is_empty());
    let all = config(
        "ports = \"50100-50199\"\nuploads = \"versions\"\nblksize_max = 1024\nwindowsize_max = 8\nunanswered_max = 2\n\
         transfers_max = 5\nallow = [\"192.0.2.0/24\"]\ndeny = [\"192.0.2.1\"]\n\
         [[listener.rewrite]]\nname = \"a\"\npattern = \"^x\"\nreplace = \"y\"\nfrom = [\"192.0.2.0/24\"]\nmac = [\"00:1b:63\"]\nlast = true\n\
         [[listener.rewrite]]\nname = \"b\"\npattern = \"bak$\"\nrefuse = true\n",
    );
    let [all] = &all.tftp[..] else { panic!("not one listener") };
    assert_eq!((&all.ports, all.uploads), (&TftpPorts::Range(50_100..=50_199), Uploads::Versions));
    assert_eq!((all.blksize, all.windowsize, all.unanswered, all.transfers), (Some(1024), 8, 2, 5));
    assert_eq!((all.rules.allow.len(), all.rules.deny.len()), (1, 1));
    let [a, b] = &all.rewrite[..] else { panic!("{:?}", all.rewrite) };
    assert_eq!((&*a.name, a.from.len(), a.last, &a.then), ("a", 1, true, &Then::Replace("y".into())));
    assert_eq!((&*b.name, b.from.len(), b.last, &b.then), ("b", 0, false, &Then::Refuse));
    assert_eq!(config("ports = \"single\"").tftp[0].ports, TftpPorts::Single);
    let groups = |more: &str| config(more).tftp.remove(0).groups;
    let plain = groups("multicast = [\"239.255.69.0/28\"]").unwrap();
    assert_eq!((plain.ports, plain.hops, plain.interface), (1758..=1758, 1, None));
    let all = "multicast = [\"239.1.1.1\", \"ff15::69:0/124\"]\nmulticast_ports = \"5000-5009\"\nmulticast_ttl = 3\nmulticast_interface = \"eth1\"";
    let all = groups(all).unwrap();
    assert_eq!((all.networks.len(), all.ports, all.hops, all.interface.as_deref()), (2, 5000..=5009, 3, Some("eth1")));
    assert_eq!(groups(""), None);
    let quirks = config("[[listener.quirk]]\nname = \"no-options\"\nfrom = [\"192.0.2.0/24\"]\nmac = [\"52:54:00\"]")
        .tftp
        .remove(0)
        .quirks;
    assert_eq!((quirks[0].quirk.name, quirks[0].from.len(), quirks[0].mac.len()), ("no-options", 1, 1));
}

#[test]
fn each_key_of_tftp_wrong_once() {
    let rule = |lines: &str| format!("[[listener.rewrite]]\nname = \"r\"\n{lines}");
    let other = "[[listener]]\nname = \"two\"\nprotocol = \"tftp\"\naddress = \"0.0.0.0:6969\"";
    let table = [
        (
            "ports = \"some\"".to_owned(),
            "`ports` of [[listener]] \"boot\" cannot be \"some\"; Expected \"own\", \"single\" or a range",
        ),
        ("ports = \"0\"".to_owned(), "Expected a range such as 50100-50199; \"own\" lets the system choose."),
        ("ports = \"6900-6999\"".to_owned(), "the ports of [[listener]] \"boot\" hold 6969, where \"boot\" listens"),
        ("uploads = \"on\"".to_owned(), "cannot be \"on\"; Expected \"off\", \"new\", \"replace\" or \"versions\""),
        (
            "blksize_max = 7".to_owned(),
            "`blksize_max` of [[listener]] \"boot\" cannot be 7; Write a whole number from 8 to 65464.",
        ),
        ("multicast = [\"10.0.0.0/8\"]".to_owned(), "cannot be \"10.0.0.0/8\"; Expected group addresses such as 239.255.69.0/28"),
        ("multicast = [\"0.0.0.0/0\"]".to_owned(), "Expected group addresses"),
        ("multicast = [\"224.0.0.5\"]".to_owned(), "belongs to the protocols of the network itself"),
        ("multicast_ttl = 3".to_owned(), "`multicast_ttl` of [[listener]] \"boot\" means nothing without `multicast`"),
        ("ports = \"single\"\nmulticast = [\"239.1.1.1\"]".to_owned(), "leaves all transfers on one port"),
        ("multicast = [\"239.1.1.1\"]\nmulticast_ports = \"0\"".to_owned(), "Expected a port such as 1758, or a range"),
        ("multicast = [\"239.1.1.1\"]\nmulticast_ttl = 0".to_owned(), "cannot be 0; Write a whole number from 1 to 255."),
        ("multicast = [\"239.1.1.1\"]\nmulticast_interface = \"a/b\"".to_owned(), "Expected the name of an interface"),
        ("windowsize_max = 0".to_owned(), "cannot be 0; Write a whole number from 1 to 65535."),
        ("unanswered_max = 0".to_owned(), "cannot be 0; Write a whole number from 1 to 100."),
        ("transfers_max = \"5\"".to_owned(), "expects a whole number from 1 to 65535, and this is text"),
        ("allow = [\"x\"]".to_owned(), "`allow` of [[listener]] \"boot\" cannot be \"x\""),
        ("host = \"gone.example\"".to_owned(), "names the host \"gone.example\", which is not there"),
        (
            "host = \"h.example\"\n[[host]]\nname = \"h.example\"".to_owned(),
            "lets in nobody who does not; Set anonymous = true on",
        ),
        ("anonymous = false".to_owned(), "lets nobody in without one; Take out anonymous"),
        (
            "passive_ports = \"5\"".to_owned(),
            "`passive_ports` of [[listener]] \"boot\" means nothing while protocol = \"tftp\"; Take it out.",
        ),
        ("tls = \"off\"".to_owned(), "`tls` of [[listener]] \"boot\" means nothing while protocol = \"tftp\""),
        ("blksize = 5".to_owned(), "has no key `blksize`; Did you mean `blksize_max`?"),
        (other.to_owned(), "[[listener]] \"boot\" and \"two\" cannot both have 0.0.0.0:6969; Give one"),
        (other.replace("two", "boot").replace("6969", "70"), "there are two [[listener]] \"boot\""),
        (rule("pattern = \"(\"\nreplace = \"x\""), "cannot be \"(\"; Expected a regular expression: unclosed group."),
        (rule("replace = \"x\""), "[[listener.rewrite]] \"r\" has no `pattern`"),
        (rule("pattern = \"x\""), "says nothing to do; Write either replace"),
        (rule("pattern = \"x\"\nreplace = \"y\"\nrefuse = true"), "says two things; Write either replace"),
        (rule("pattern = \"x\"\nrefuse = true\nfrom = \"x\""), "`from` of [[listener.rewrite]] \"r\" cannot be \"x\""),
        (rule("pattern = \"x\"\nrefuse = true\nlast = 1"), "expects true or false"),
        (rule("pattern = \"x\"\nrefuse = true\nmac = \"x\""), "`mac` of [[listener.rewrite]] \"r\" cannot be \"x\""),
        ("[[listener.guest]]\nuser = \"gone\"\nfrom = \"192.0.2.1\"".to_owned(), "names the user \"gone\", which is not there"),
        ("[[listener.guest]]\nuser = \"gone\"".to_owned(), "names no network"),
        ("[[listener.guest]]\nfrom = \"192.0.2.1\"".to_owned(), "has no `user`"),
        (
            "[[listener.quirk]]\nname = \"size-probe\"".to_owned(),
            "`name` of [[listener.quirk]] \"size-probe\" cannot be \"size-probe\"; Expected \"blksize-1024\", \"no-blksize\" or",
        ),
        ("[[listener.quirk]]\nfrom = \"192.0.2.1\"".to_owned(), "has no `name`"),
        (rule("pattern = \"x\"\nrefuse = true\nuntil = 1"), "[[listener.rewrite]] \"r\" has no key `until`"),
    ];
    for (more, expected) in table {
        let said = said(&tftp(&more));
        assert!(said.contains(expected), "{more}\nexpected: {expected}\nsaid: {said}");
    }
    let nobody = said(
        &tftp("").replace("[anonymous]\n", "[[user]]\nname = \"anna\"\npassword = \"HASH\"\n".replace("HASH", HASH).as_str()),
    );
    assert!(nobody.contains("speaks TFTP, where nobody logs in, and there is no [anonymous]; Add an [anonymous]"), "{nobody}");
    let ftp = said(&with("[[listener]]", "uploads = \"new\""));
    assert!(ftp.contains("`uploads` of [[listener]] \"ftp\" means nothing while protocol = \"ftp\"; Take it out."), "{ftp}");
    // UDP has its ports apart from TCP, and a host that lets everybody in is fine.
    let both = "[[listener]]\nname = \"ftp\"\nprotocol = \"ftp\"\naddress = \"127.0.0.1:6969\"\nanonymous = true\n";
    assert_eq!(said(&tftp(both)), "");
    let host = "host = \"h.example\"\n[[host]]\nname = \"h.example\"\nanonymous = true";
    assert_eq!(said(&tftp(host)), "");
}

/// The frame has one already.
fn without_user(text: &str) -> String {
    text.replace("[[user]]", "[[group]]")
        .replace("name = \"anna\"", "name = \"others\"")
        .lines()
        .filter(|l| !l.starts_with("password"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn said(text: &str) -> String {
    match parse("c.toml", text, Path::new("/tmp")) {
        Ok(_) => String::new(),
        Err(page) => page.faults().lines().collect::<Vec<_>>().join("\n"),
    }
}

#[test]
fn the_frame_of_the_other_tests_is_fine() {
    assert_eq!(said(&with("", "")), "");
}

/// The table, the wrong line, what must be said (the place's line is checked to be the wrong line's).
const WRONG: &[(&str, &str, &str)] = &[
    ("", "banner = 1", "`banner` of the file expects text or a list of texts, and this is the number 1; Write banner ="),
    ("", "banner = \"a\\u0007\"", "holds a control character"),
    ("", "user = 1", "expects a list of tables, and this is the number 1"),
    ("", "limitts = {}", "the file has no key `limitts`; Did you mean `limits`?"),
    ("[[listener]]", "name = 7", "`name` of [[listener]] expects text, and this is the number 7"),
    ("[[listener]]", "name = \"\"", "`name` of [[listener]] \"\" is empty; Write name = \"ftp\"."),
    ("[[listener]]", "protocol = \"ftps\"", "cannot be \"ftps\"; Expected \"ftp\", \"sftp\" or \"tftp\"; did you mean \"ftp\"?"),
    ("[[listener]]", "address = \"127.0.0.1\"", "The port is missing; write 127.0.0.1:2121."),
    ("[[listener]]", "address = 21", "`address` of [[listener]] \"ftp\" expects text, and this is the number 21"),
    ("[[listener]]", "adress = \"x\"", "has no key `adress`; Did you mean `address`?"),
    ("[[listener]]", "zebra = 1", "has no key `zebra`; Known here: name, protocol, address,"),
    (
        "[[listener]]",
        "passive = \"yes\"",
        "expects true or false, and this is text; Write passive = true or passive = false, without quotes.",
    ),
    ("[[listener]]", "passive_ports = \"9-1\"", "cannot be \"9-1\"; The range runs backwards; write 1-9."),
    ("[[listener]]", "passive_ports = \"50000-70000\"", "`70000` is no port (1 to 65535)"),
    (
        "[[listener]]",
        "passive_ports = \"2000-2200\"",
        "hold port 2121, where \"ftp\" listens; Choose passive ports that are free.",
    ),
    ("[[listener]]", "public_address = \"0.0.0.0\"", "cannot be \"0.0.0.0\"; Clients cannot connect to 0.0.0.0"),
    ("[[listener]]", "public_address = 5", "expects text or a table, and this is the number 5"),
    (
        "[[listener]]",
        "public_address = { \"10.0.0.0/99\" = \"10.0.0.1\" }",
        "has a row for \"10.0.0.0/99\"; Expected a network such as",
    ),
    ("[[listener]]", "public_address = { default = 5 }", "expects text, and this is the number 5"),
    ("[[listener]]", "public_address = { \"10.0.0.0/8\" = \"a.example.com\" }", "gives the name \"a.example.com\" to a network"),
    ("[[listener]]", "single_port = 1", "expects true or false"),
    ("[[listener]]", "historic = \"yes\"", "expects true or false"),
    ("[[listener]]", "ebcdic = \"1140\"", "`ebcdic` of [[listener]] \"ftp\" cannot be \"1140\""),
    ("[[listener]]", "active = 1", "expects true or false, and this is the number 1"),
    ("[[listener]]", "active_source_port = 70000", "cannot be 70000; Write a whole number from 0 to 65535."),
    ("[[listener]]", "active_source_port = \"20\"", "expects a whole number from 0 to 65535, and this is text"),
    (
        "[[listener]]",
        "plain_login = \"alow\"",
        "cannot be \"alow\"; Expected \"loopback\", \"allow\" or \"refuse\"; did you mean \"allow\"?",
    ),
    ("[[listener]]", "anonymous = 1", "expects true or false"),
    ("[[listener]]", "anonymous = true", "anonymous = true, and there is no [anonymous]; Add an [anonymous] table"),
    ("[[listener]]", "allow = [\"10.0.0.0/33\"]", "cannot be \"10.0.0.0/33\"; Expected a network such as 192.0.2.0/24"),
    ("[[listener]]", "deny = [5]", "expects a list of texts, and this is the number 5"),
    ("[[listener]]", "proxy_protocol = true", "expects text or a list of texts, and this is true"),
    ("[[listener]]", "proxy_protocol = []", "names no network; Name the networks of your proxies, or leave the key out."),
    ("[[listener]]", "host = \"a b\"", "cannot be \"a b\"; Expected a host name such as ftp.example.com."),
    (
        "[[listener]]",
        "host = \"ftp.exmple.com\"",
        "names the host \"ftp.exmple.com\", which is not there; Did you mean \"ftp.example.com\"?",
    ),
    (
        "[[listener]]",
        "tls = \"on\"",
        "`tls` of [[listener]] \"ftp\" cannot be \"on\"; Expected \"off\", \"offered\", \"required\" or \"implicit\".",
    ),
    ("[[listener]]", "tls = true", "`tls` of [[listener]] \"ftp\" expects text, and this is true"),
    ("[[listener]]", "tls_data = \"requird\"", "Expected \"any\" or \"required\"; did you mean \"required\"?"),
    ("[[listener]]", "data_reuse = 1", "`data_reuse` of [[listener]] \"ftp\" expects text"),
    ("[[listener]]", "close_notify = \"no\"", "`close_notify` of [[listener]] \"ftp\" cannot be \"no\""),
    ("[[listener]]", "tls_ccc = \"yes\"", "expects true or false, and this is text"),
    ("[[listener]]", "tls_min = \"1.1\"", "cannot be \"1.1\"; Expected \"1.2\" or \"1.3\""),
    ("[[listener]]", "client_certificates = \"may\"", "Expected \"off\", \"optional\" or \"required\"."),
    (
        "[[listener]]",
        "client_certificates = \"required\"",
        "asks clients for certificates, and nothing says who issues them; Add client_ca = \"clients.pem\"",
    ),
    (
        "[[listener]]",
        "client_ca = \"/dev/null\"",
        "`client_ca` of [[listener]] \"ftp\" cannot be used: /dev/null: holds no certificate",
    ),
    ("[[listener]]", "client_ca = \"/does/not/exist\"", "the file /does/not/exist cannot be opened: No such file"),
    ("[[certificate]]", "certificate = \"/does/not/exist\"", "the file /does/not/exist cannot be opened: No such file"),
    ("[[certificate]]", "certificate = \"/dev/null\"", "cannot be used: /dev/null: holds no certificate in PEM form"),
    (
        "[[certificate]]",
        "key = \"/dev/null\"",
        "`key` of [[certificate]] cannot be used: /dev/null: holds no private key in PEM form",
    ),
    ("[[certificate]]", "certificate = \"\"", "`certificate` of [[certificate]] is empty"),
    ("[[certificate]]", "key = \"/\"", "/ is a folder; Name a file in it."),
    ("[[certificate]]", "keys = \"/dev/null\"", "[[certificate]] has no key `keys`; Did you mean `key`?"),
    ("[[certificate]]", "names = []", "names no host; Name hosts"),
    ("[[certificate]]", "names = [\"a b\"]", "cannot be \"a b\"; Expected a host name such as ftp.example.com or *.example.com."),
    ("[tls]", "mode = \"offered\"", "[tls] has no key `mode`; Known here: tls,"),
    ("[tls]", "tls = \"always\"", "`tls` of [tls] cannot be \"always\""),
    ("[[user]]", "certificate = \"yes\"", "Expected \"off\", \"enough\" or \"with-password\"."),
    (
        "[[user]]",
        "certificate = \"enough\"",
        "[[user]] \"anna\" logs in with a certificate, and no [[listener]] asks clients for one; Set client_certificates",
    ),
    ("[[user]]", "certificate_names = \"a\"", "does nothing while the user's certificate lets nobody in; Add certificate ="),
    ("[[user]]", "certificate_names = []", "`certificate_names` of [[user]] \"anna\" names no name"),
    ("[[mount]]", "name = \" data\"", "Expected a name without spaces at its ends."),
    ("[[mount]]", "kind = \"s3\"", "cannot be \"s3\"; Expected \"local\" or \"memory\"."),
    (
        "[[mount]]",
        "path = \"/does/not/exist\"",
        "the folder /does/not/exist cannot be opened: No such file or directory (os error 2); Make the folder",
    ),
    ("[[mount]]", "path = \"/dev/null\"", "/dev/null is not a folder; Name a folder."),
    ("[[mount]]", "path = \"\"", "`path` of [[mount]] \"data\" is empty"),
    ("[[mount]]", "read_only = \"no\"", "expects true or false, and this is text"),
    ("[[mount]]", "durability = \"none\"", "cannot be \"none\"; Expected \"commit\" or \"os\""),
    ("[[mount]]", "keep_parts_hours = -1", "cannot be -1; Write a whole number from 0 to 8760."),
    ("[[mount]]", "size = \"1 MiB\"", "is of kind \"local\", which has no `size`; Take out size."),
    ("[[mount]]", "file_mode = \"rw\"", "Expected permission bits in octal"),
    ("[[mount]]", "dir_mode = \"+755\"", "Expected permission bits in octal"),
    ("[[mount]]", "size = \"huge\"", "cannot be \"huge\"; Expected a number of bytes"),
    ("[[user]]", "name = \"ftp\"", "no user can be called \"ftp\""),
    ("[[user]]", "password = \"hunter2\"", "`password` of [[user]] \"anna\" cannot be ***; Expected an argon2id hash"),
    (
        "[[user]]",
        "password = \"$argon2i$v=19$m=19456,t=2,p=1$pbt7ZBSl4xb1t9LGOa074Q$CDPGB3TQCcYYq3/B27WzqFTipbeFgCj5jS1AC9eSR0Q\"",
        "Expected an argon2id hash",
    ),
    (
        "[[user]]",
        "password = \"$argon2id$v=19$m=4194304,t=2,p=1$pbt7ZBSl4xb1t9LGOa074Q$CDPGB3TQCcYYq3/B27WzqFTipbeFgCj5jS1AC9eSR0Q\"",
        "more than 1 GiB",
    ),
    ("[[user]]", "password_file = \"/does/not/exist\"", "has both `password` and `password_file`; Keep one of them."),
    ("[[user]]", "keys = \"ssh-rsa AAAA\"", "`keys` of [[user]] \"anna\" cannot be"),
    (
        "[[user]]",
        "authorized_keys = \"/does/not/exist\"",
        "`authorized_keys` of [[user]] \"anna\": /does/not/exist cannot be read",
    ),
    ("[[user]]", "auth = [\"key\"]", "cannot hold \"key\"; Write \"password\", \"publickey\" or"),
    ("[[user]]", "disabled = 0", "expects true or false"),
    ("[[user]]", "groups = [\"staf\"]", "names the group \"staf\", which is not there; Did you mean \"staff\"?"),
    ("[[user]]", "groups = 1", "expects text or a list of texts"),
    ("[[user]]", "home = \"in\"", "cannot be \"in\"; Expected a path from the root; write \"/in\"."),
    ("[[user]]", "mounts = { \"/\" = \"dta\" }", "names the mount \"dta\", which is not there; Did you mean \"data\"?"),
    ("[[user]]", "mounts = { \"x\" = \"data\" }", "has a row for \"x\"; Expected a path from the root; write \"/x\"."),
    ("[[user]]", "mounts = { \"/a\" = \"data\", \"/a/\" = \"data\" }", "names /a twice"),
    ("[[user]]", "permissions = \"raed\"", "cannot be \"raed\"; There is no permission \"raed\"; did you mean \"read\"?"),
    ("[[user]]", "permissions = { \"/\" = \"\" }", "Name at least one permission; \"none\" gives none."),
    ("[[user]]", "permissions = { \"/\" = 7 }", "expects text, and this is the number 7"),
    ("[[user]]", "hidden = 1", "expects text or a list of texts"),
    ("[[user]]", "sessions = 0", "cannot be 0; Write a whole number from 1 to 1000000."),
    (
        "[[user]]",
        "transfers = \"4\"",
        "expects a whole number from 1 to 1000000, and this is text; Write transfers = 1, without quotes.",
    ),
    ("[[user]]", "rate_up = \"fast\"", "cannot be \"fast\"; Expected a number of bytes such as"),
    ("[[user]]", "rate_down = true", "expects a number of bytes, and this is true"),
    ("[[user]]", "file_size = 1.5", "expects a number of bytes, and this is the number 1.5"),
    ("[[user]]", "allow_from = []", "names no network, so nobody could log in"),
    ("[[user]]", "allow_from = \"home\"", "cannot be \"home\"; Expected a network"),
    ("[[user]]", "fxp = \"yes\"", "expects true or false"),
    ("[[user]]", "sees_all = 1", "expects true or false"),
    ("[[user]]", "messages = \"all\"", "expects true or false"),
    ("[[user]]", "accounts = [\"\"]", "Expected a name without spaces"),
    ("[[user]]", "account_required = true", "must name an account, and has none; Add accounts"),
    ("[[user]]", "umask = \"999\"", "Expected permission bits in octal"),
    ("[[user]]", "umask = 22", "expects text, and this is the number 22"),
    ("[[user]]", "idle_seconds = 0", "cannot be 0"),
    ("[[user]]", "welcome = 1", "expects text or a list of texts"),
    ("[[user]]", "shell = \"/bin/sh\"", "has no key `shell`; Known here:"),
    ("[[user]]", "principals = [\"anna\"]", "Expected a principal such as anna@EXAMPLE.ORG"),
    ("[[listener]]", "kerberos = \"off\"", "`kerberos` of [[listener]] \"ftp\" expects true or false"),
    ("[kerberos]", "keytab = 7", "`keytab` of [kerberos] expects text, and this is the number 7"),
    ("[kerberos]", "realms = [\"EXAMPLE ORG\"]", "Expected a realm such as EXAMPLE.ORG"),
    ("[kerberos]", "realms = [\"anna@EXAMPLE.ORG\"]", "Expected a realm such as EXAMPLE.ORG"),
    ("[kerberos]", "required = \"yes\"", "`required` of [kerberos] expects true or false, and this is text"),
    ("[kerberos]", "ccc = 1", "`ccc` of [kerberos] expects true or false, and this is the number 1"),
    ("[kerberos]", "realm = \"EXAMPLE.ORG\"", "[kerberos] has no key `realm`; Did you mean `realms`?"),
    ("[[group]]", "password = \"x\"", "[[group]] \"staff\" has no key `password`"),
    ("[[group]]", "name = \"\"", "is empty"),
    ("[[host]]", "name = \"-\"", "Expected a host name"),
    ("[[host]]", "banner = true", "expects text or a list of texts, and this is true"),
    ("[[host]]", "users = [\"ana\"]", "names the user \"ana\", which is not there; Did you mean \"anna\"?"),
    ("[[host]]", "anonymous = true", "there is no [anonymous]"),
    ("[[host]]", "root = \"other\"", "names the mount \"other\", which is not there; There are data"),
    ("[mail]", "mount = \"dta\"", "[mail] names the mount \"dta\", which is not there; Did you mean \"data\"?"),
    ("[mail]", "mount = 7", "expects text, and this is the number 7"),
    ("[mail]", "most = 0", "`most` of [mail] cannot be 0"),
    ("[mail]", "size = \"0\"", "Expected at least one byte"),
    ("[limits]", "sessions = 0", "`sessions` of [limits] cannot be 0"),
    ("[limits]", "sessions_per_address = 99999999999", "cannot be 99999999999"),
    ("[limits]", "transfers = true", "expects a whole number"),
    ("[limits]", "tries = 0", "cannot be 0"),
    ("[limits]", "ban_after = -1", "cannot be -1"),
    ("[limits]", "ban_window_seconds = 0", "cannot be 0"),
    ("[limits]", "ban_seconds = \"1h\"", "expects a whole number"),
    ("[limits]", "delay_milliseconds = 9000", "the first delay (9000 ms) is longer than the longest (8000 ms)"),
    ("[limits]", "delay_most_milliseconds = 100", "the first delay (500 ms) is longer than the longest (100 ms)"),
    ("[limits]", "addresses = 1", "cannot be 1"),
    ("[limits]", "hashing = 0", "cannot be 0"),
    ("[limits]", "rate_up = 0", "cannot be 0"),
    ("[limits]", "rate_down = \"0 MiB\"", "Expected at least one byte"),
    ("[limits]", "entries = 0", "cannot be 0"),
    ("[limits]", "login_seconds = 0", "cannot be 0"),
    ("[limits]", "idle_seconds = 1e3", "expects a whole number"),
    ("[limits]", "data_connect_seconds = 99999", "from 1 to 3600"),
    ("[limits]", "stall_seconds = 0", "cannot be 0"),
    ("[limits]", "drain_seconds = 99999999", "cannot be 99999999"),
    ("[limits]", "idle_most_seconds = 10", "idle_seconds (300) is longer than idle_most_seconds (10)"),
    ("[limits]", "ascii_size = \"all\"", "Expected a number of bytes"),
    ("[limits]", "drain = 3", "Did you mean `drain_seconds`?"),
    ("[log]", "format = \"xml\"", "Expected \"text\" or \"json\""),
    ("[log]", "quiet = 1", "expects true or false"),
    ("[log]", "file = \"/does/not/exist/log\"", "the folder /does/not/exist does not exist; Make the folder first."),
    ("[log]", "file = \"/tmp\"", "/tmp is a folder; Name a file in it."),
    ("[log]", "level = \"debug\"", "[log] has no key `level`"),
    ("[audit]", "file = \"\"", "`file` of [audit] is empty"),
    ("[audit]", "policy = \"none\"", "Expected \"strict\" or \"lossy\""),
    ("[audit]", "policy = \"lossy\"", "`policy` of [audit] does nothing without a file"),
    ("[audit]", "queue = 0", "cannot be 0"),
    ("[audit]", "recent = -5", "cannot be -5"),
    ("[trace]", "ladders = \"on\"", "expects true or false"),
    ("[trace]", "events = 1000000", "from 0 to 100000"),
    ("[process]", "user = \"\"", "Expected a name"),
    ("[process]", "group = \"carrack\"", "[process] has a `group` and no `user`"),
    ("[process]", "landlock = \"on\"", "expects true or false"),
    ("[process]", "seccomp = 1", "expects true or false"),
    ("[process]", "workers = 0", "cannot be 0"),
];

#[test]
fn each_key_wrong_once_says_where_and_what_to_do() {
    let mut failed = String::new();
    for (table, line, expected) in WRONG {
        let text = with(table, line);
        let text = if *line == "user = 1" { without_user(&text) } else { text };
        let said = said(&text);
        let header = text.lines().position(|l| l == *table).unwrap_or(0);
        let number = text.lines().skip(header).position(|l| l == *line).unwrap() + header + 1;
        let hit = said.lines().any(|l| l.starts_with(&format!("c.toml:{number}:")) && l.contains(expected));
        if !hit {
            failed.push_str(&format!("{table} {line}\n  expected at line {number}: {expected}\n  said: {said}\n"));
        }
    }
    assert!(failed.is_empty(), "{failed}");
}

/// Every key the parser knows is wrong once above: a new key without a row fails here.
#[test]
fn no_key_is_missing_from_the_table_of_wrong_ones() {
    let known = [asked(&with("", ""), Path::new("/tmp")), asked(&with("[kerberos]", ""), Path::new("/tmp"))];
    for key in known.into_iter().flatten() {
        let (table, name) = key.rsplit_once('.').unwrap_or(("", &key));
        // Tables of tables are keys of the file; one of them stands for all.
        if table.is_empty() && name != "banner" {
            continue;
        }
        // What users, groups and the anonymous one share is wrong once, with the user.
        let of = if ["group", "anonymous"].contains(&table) { "user" } else { table };
        let of = if table == "tls" { "listener" } else { of };
        let found =
            WRONG.iter().any(|(t, line, _)| t.trim_matches(['[', ']']) == of && line.split('=').next().unwrap().trim() == name);
        assert!(found, "no wrong `{key}` in the table");
    }
}

/// Tickets where they cannot be checked are no reason to start without them.
#[test]
fn kerberos_without_its_library_or_its_keytab_is_refused() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    };
    let good = file("good", &[5, 2, 0, 0]);
    let none = folder.path().join("none").display().to_string();
    for (keytab, expected) in [
        (&good, ""),
        (&none, "cannot be read: No such file"),
        (&folder.path().display().to_string(), "is no file [CRK-957]"),
        (&file("empty", &[]), "is no keytab [CRK-957]"),
        (&file("text", b"[libdefaults]"), "is no keytab [CRK-957]"),
    ] {
        let line = format!("keytab = {keytab:?}");
        let said = said(&with("[kerberos]", &line));
        if cfg!(feature = "gssapi") {
            let hit =
                if expected.is_empty() { said.is_empty() } else { said.contains(expected) && said.contains("kadmin ktadd") };
            assert!(hit, "{line}\nexpected: {expected}\nsaid: {said}");
        } else {
            assert!(said.contains("this build of Carrack has no Kerberos [CRK-956]; Build with"), "{said}");
        }
    }
}

#[test]
fn what_lies_between_tables() {
    let listener = |name: &str, address: &str, more: &str| {
        format!("[[listener]]\nname = \"{name}\"\nprotocol = \"ftp\"\naddress = \"{address}\"\n{more}\n")
    };
    let rest = format!("[[mount]]\nname = \"data\"\nkind = \"memory\"\n[[user]]\nname = \"anna\"\npassword = \"{HASH}\"\n");
    let table = [
        (String::new(), "there is no [[listener]]"),
        (rest.clone(), "there is no [[listener]], so nobody could connect"),
        (listener("a", ":21", ""), "there is no [[mount]]"),
        (listener("a", ":21", ""), "neither a [[user]] nor [anonymous]"),
        (listener("a", ":21", "") + &listener("a", ":22", "") + &rest, "c.toml:7:8: there are two [[listener]] \"a\""),
        (
            listener("a", ":21", "") + &listener("b", "0.0.0.0:21", "passive = false") + &rest,
            "c.toml:9:1: [[listener]] \"a\" and \"b\" cannot both have",
        ),
        (
            listener("a", "1.1.1.1:21", "passive_ports = \"50-60\"")
                + &listener("b", "1.1.1.1:22", "passive_ports = \"60-70\"")
                + &rest,
            "overlap (50-60 and 60-70)",
        ),
        (listener("a", ":21", "passive = false\nactive = false") + &rest, "neither passive nor active"),
        (listener("a", ":21", "passive = false\npublic_address = \"1.1.1.1\"") + &rest, "does nothing while passive = false"),
        (listener("a", ":21", "active = false\nactive_source_port = 20") + &rest, "does nothing while active = false"),
        (listener("a", ":21", "") + &rest + "[anonymous]\n", "[anonymous] is let in nowhere"),
        (
            listener("a", ":21", "") + &rest + "[[mount]]\nname = \"b\"\nkind = \"memory\"\n",
            "[[user]] \"anna\" has no mounts, neither of its own nor through a group",
        ),
        (listener("a", ":21", "") + &rest + "[[mount]]\nname = \"b\"\nkind = \"memory\"\npath = \"x\"\n", "which has no `path`"),
        (listener("a", ":21", "") + &rest + "[[user]]\nname = \"bob\"\n", "has no password, so anybody could be this user"),
        (
            listener("a", ":21", "") + &rest + "[[user]]\nname = \"bob\"\npassword_file = \"/does/not/exist\"\n",
            "/does/not/exist cannot be read",
        ),
        (
            listener("a", ":21", "") + &rest + "[[user]]\nname = \"bob\"\npassword_file = \"/dev/null\"\n",
            "the first line of /dev/null is no hash",
        ),
        ("[[listener]\nname = 1".to_owned(), "c.toml:1:"),
        ("a = \n".to_owned(), "this is not TOML"),
        ("a = 1\na = 2\n".to_owned(), "c.toml:2:1: this is not TOML: duplicate key"),
    ];
    for (text, expected) in table {
        let said = said(&text);
        assert!(said.contains(expected), "{text}\nexpected: {expected}\nsaid: {said}");
    }
}

/// A configuration with one listener, a certificate or none, and what else is said.
fn tls(listener: &str, rest: &str, certificate: bool) -> String {
    let files = format!("[[certificate]]\ncertificate = \"{FOLDER}/fullchain.pem\"\nkey = \"{FOLDER}/privkey.pem\"\n");
    format!(
        "[[listener]]\nname = \"a\"\nprotocol = \"ftp\"\naddress = \":2121\"\n{listener}\n{}\
         [[mount]]\nname = \"data\"\nkind = \"memory\"\n[[user]]\nname = \"anna\"\npassword = \"{HASH}\"\n{rest}\n",
        if certificate { files.as_str() } else { "" }
    )
}

#[test]
fn listeners_speak_tls_as_they_and_the_tables_say() {
    let table = [
        ("", "", false, None),
        ("", "", true, Some((TlsMode::Offered, false, DataReuse::Prefer))),
        ("tls = \"off\"", "", true, None),
        ("tls = \"required\"", "", true, Some((TlsMode::Required, true, DataReuse::Prefer))),
        ("tls = \"implicit\"\ntls_data = \"any\"", "", true, Some((TlsMode::Implicit, false, DataReuse::Prefer))),
        ("", "[tls]\ntls = \"required\"\ndata_reuse = \"require\"", true, Some((TlsMode::Required, true, DataReuse::Require))),
        (
            "tls = \"offered\"\ndata_reuse = \"prefer\"",
            "[tls]\ntls = \"required\"\ndata_reuse = \"require\"",
            true,
            Some((TlsMode::Offered, false, DataReuse::Prefer)),
        ),
    ];
    for (listener, rest, certificate, expected) in table {
        let text = tls(listener, rest, certificate);
        let Ok(config) = parse("c.toml", &text, Path::new(FOLDER)) else { panic!("{text}\n{}", said(&text)) };
        let got = config.listeners[0].tls.as_ref().map(|t| (t.mode, t.data_required, t.reuse));
        assert_eq!(got, expected, "{text}");
    }
}

#[test]
fn what_lies_between_tables_of_tls() {
    let again = format!("[[certificate]]\ncertificate = \"{FOLDER}/fullchain.pem\"\nkey = \"{FOLDER}/privkey.pem\"\n");
    let named = |name: &str| format!("{again}names = [\"{name}\"]\n");
    let table = [
        (tls("tls = \"implicit\"", "", false), "[[listener]] \"a\" speaks TLS, and there is no [[certificate]]; Add a"),
        (tls("tls = \"required\"", "", false), "[[listener]] \"a\" speaks TLS, and there is no [[certificate]]; Add a"),
        (tls("tls_ccc = true", "", false), "`tls_ccc` of [[listener]] \"a\" does nothing without a certificate; Add a"),
        (tls("tls = \"off\"\ntls_data = \"any\"", "", true), "`tls_data` of [[listener]] \"a\" does nothing while tls = \"off\""),
        (
            tls("tls = \"required\"\nplain_login = \"allow\"", "", true),
            "takes passwords in clear, and lets nobody log in without TLS",
        ),
        (
            tls("client_ca = \"clients.pem\"", "", true),
            "does nothing: clients are not asked for certificates; Add client_certificates",
        ),
        (tls("", &(named("x.example") + &named("X.example")), true), "two [[certificate]] tables answer for x.example"),
    ];
    for (text, expected) in table {
        let base = Path::new(FOLDER);
        let said = match parse("c.toml", &text, base) {
            Ok(_) => String::new(),
            Err(page) => page
                .faults()
                .lines()
                .filter(|l| !l.contains("[CRK-956]") && !l.contains("[CRK-957]"))
                .collect::<Vec<_>>()
                .join("\n"),
        };
        assert!(said.contains(expected), "{text}\nexpected: {expected}\nsaid: {said}");
    }
    // What [tls] says is for those whom it concerns.
    let text = tls("", "[tls]\nclient_ca = \"clients.pem\"", true);
    assert!(parse("c.toml", &text, Path::new(FOLDER)).is_ok());
    let text = tls("client_certificates = \"optional\"\nclient_ca = \"clients.pem\"", "certificate = \"enough\"\n", true);
    let text = text
        .replace("certificate = \"enough\"\n", "")
        .replace("name = \"anna\"\n", "name = \"anna\"\ncertificate = \"enough\"\n");
    let config = parse("c.toml", &text, Path::new(FOLDER)).unwrap_or_else(|page| panic!("{}", page.faults()));
    assert_eq!(config.users["anna"].certificate, gate::rules::Certificate::Enough);
    // Who has no password but a certificate that is enough logs in with that alone.
    let password = text.lines().find(|l| l.starts_with("password")).unwrap();
    let config =
        parse("c.toml", &text.replace(password, ""), Path::new(FOLDER)).unwrap_or_else(|page| panic!("{}", page.faults()));
    assert!(matches!(config.users["anna"].password, Password::Never));
    let beside = text.replace(password, "").replace("\"enough\"", "\"with-password\"");
    assert!(parse("c.toml", &beside, Path::new(FOLDER)).is_err(), "a password that counts beside it is needed");
}

#[test]
fn listeners_share_a_range_at_one_address() {
    let two = "[[listener]]\nname = \"a\"\nprotocol = \"ftp\"\naddress = \"127.0.0.1:21\"\n[[listener]]\nname = \"b\"\nprotocol = \"ftp\"\naddress = \"127.0.0.1:22\"\n";
    let rest = "[[mount]]\nname = \"data\"\nkind = \"memory\"\n[anonymous]\n";
    let text = two.replacen("21\"", "21\"\nanonymous = true", 1) + rest;
    assert_eq!(said(&text), "");
}

/// The example with its certificate, which is commented out because the file is not there where the example is.
fn example() -> String {
    let keys = ["#[[certificate]]", "#certificate = ", "#key = ", "#[acme]", "#names = [\"files", "#agree = ", "#state = "];
    let line =
        |l: &str| if keys.iter().any(|k| l.starts_with(k)) && !l.contains("\"off\"") { l[1..].to_owned() } else { l.to_owned() };
    EXAMPLE.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_is_fine_and_means_what_it_says() {
    for (text, tls) in [(EXAMPLE, None), (&*example(), Some(TlsMode::Offered))] {
        let config = match parse("carrack.example.toml", text, Path::new(FOLDER)) {
            Ok(config) => config,
            Err(page) => panic!("{}", page.faults()),
        };
        assert_eq!(config.listeners[0].plain_login, PlainLogin::Loopback);
        assert_eq!(config.listeners[0].tls.as_ref().map(|t| t.mode), tls);
        assert_eq!(config.certificates.len(), usize::from(tls.is_some()));
        assert_eq!(config.audit.policy, AuditPolicy::Strict);
        assert_eq!(config.users["anna"].own.permissions[0].1, Permissions::ALL);
        assert_eq!(config.anonymous.unwrap().own.permissions[0].1, Permissions::READ_ONLY);
        let Password::Argon2(hash) = &config.users["anna"].password else { panic!("no hash") };
        assert_eq!(&**hash, HASH);
    }
}

/// And with its Kerberos, which not every build has, nor every machine a keytab: those two faults are no matter here.
fn example_with_kerberos() -> String {
    example().replace("#[kerberos]", "[kerberos]")
}

/// Whether a fault is but that this build has no Kerberos, or this machine no keytab.
fn is_of_the_machine(fault: &str) -> bool {
    fault.contains("[CRK-956]") || fault.contains("[CRK-957]")
}

/// Uncommenting every key gives a file that is still fine, so each documented default is a value the parser takes.
#[test]
fn every_commented_key_of_the_example_is_understood() {
    let example = example_with_kerberos();
    for (i, line) in example.lines().enumerate() {
        let Some(key) = line.strip_prefix('#').filter(|l| is_key(l)).and_then(|l| l.split(" =").next()) else { continue };
        // One at a time, in place of whatever the table says of the key.
        let mut table: Vec<String> = Vec::new();
        for (j, other) in example.lines().enumerate() {
            if i == j {
                table.push(line.trim_start_matches('#').to_owned());
            } else if !(other.starts_with(&format!("{key} =")) && i.abs_diff(j) < 3) {
                table.push(other.to_owned());
            }
        }
        let text = table.join("\n");
        let said = match parse("example", &text, Path::new(FOLDER)) {
            Ok(_) => String::new(),
            Err(page) => page.faults().lines().filter(|l| !is_of_the_machine(l)).collect::<Vec<_>>().join("\n"),
        };
        // These need another key beside them, and say so.
        let excused = [
            "account_required",
            "password_file",
            "policy",
            "group",
            "groups",
            "client_ca",
            "certificate_names",
            "multicast_ports",
            "multicast_ttl",
            "multicast_interface",
            // Files that are not here.
            "authorized_keys",
            "host_keys",
            "host_certificates",
            "user_authorities_file",
            "revoked_keys_file",
        ]
        .contains(&key);
        assert!(said.is_empty() || excused, "{line}: {said}");
        assert!(!said.contains("has no key"), "{line}: {said}");
    }
}

fn is_key(line: &str) -> bool {
    line.split_once(" = ").is_some_and(|(key, _)| !key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
}

/// What the parser asks for stands in the example, in its table: documentation cannot fall behind.
#[test]
fn every_key_the_parser_knows_stands_in_the_example() {
    let mut documented = std::collections::BTreeSet::new();
    let mut table = String::new();
    let example = example_with_kerberos();
    for line in example.lines() {
        if line.starts_with('[') {
            table = line.trim_matches(['[', ']']).to_owned();
            documented.insert(table.clone());
        }
        let bare = line.trim_start_matches('#');
        if is_key(bare) {
            let key = bare.split(" =").next().unwrap();
            documented.insert(if table.is_empty() { key.to_owned() } else { format!("{table}.{key}") });
        }
    }
    // The example says that these are shared, and shows them with the user.
    let shared = |key: &str| {
        let (table, name) = key.split_once('.').unwrap_or(("", key));
        ["group", "anonymous"].contains(&table) && documented.contains(&format!("user.{name}"))
            || table == "tls" && documented.contains(&format!("listener.{name}"))
    };
    let missing: Vec<String> =
        asked(&example, Path::new("/")).into_iter().filter(|k| !documented.contains(k) && !shared(k)).collect();
    assert!(missing.is_empty(), "not in carrack.example.toml: {missing:?}");
}

proptest::proptest! {
    /// Whatever a file holds, it is read or refused with places that can be shown, and nothing panics.
    #[test]
    fn any_text_is_read_or_refused(text in "[\\[\\]a-z_ =\"'{}0-9.,#\\\\\n\t\u{e4}-]{0,200}") {
        if let Err(page) = parse("any", &text, Path::new("/")) {
            let faults = page.faults();
            proptest::prop_assert!(!faults.to_string().is_empty() && faults.lines().count() == faults.count());
        }
    }

    /// The same for a good file that was damaged in one place.
    #[test]
    fn any_damage_is_read_or_refused(at in 0..EXAMPLE.len(), cut in 0..40usize, put in "[\\[\\]\"=x\n{}]{0,3}") {
        let mut bytes = EXAMPLE.as_bytes().to_vec();
        bytes.splice(at..(at + cut).min(EXAMPLE.len()), put.bytes());
        let text = String::from_utf8_lossy(&bytes);
        if let Err(page) = parse("damaged", &text, Path::new(env!("CARGO_MANIFEST_DIR"))) {
            proptest::prop_assert!(!page.faults().to_string().is_empty());
        }
    }
}

/// An SFTP listener, a user with a key, and what stands behind.
fn sftp(listener: &str, user: &str, more: &str) -> String {
    format!(
        "[[listener]]\nname = \"s\"\nprotocol = \"sftp\"\naddress = \"127.0.0.1:2222\"\n{listener}\n\
         [[mount]]\nname = \"m\"\nkind = \"memory\"\n[[user]]\nname = \"anna\"\n{user}\n{more}"
    )
}

const SSH_KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl a";

#[test]
fn users_with_keys_need_no_password_and_can_be_asked_for_both() {
    let parsed = |user: &str, more: &str| match parse("test", &sftp("", user, more), Path::new(FOLDER)) {
        Ok(config) => config,
        Err(page) => panic!("{}", page.faults()),
    };
    let config = parsed(&format!("keys = ['{SSH_KEY}']"), "");
    let anna = &config.users["anna"];
    assert_eq!((anna.keys.len(), &anna.password), (1, &Password::Never));
    assert_eq!(config.ssh[0].address.to_string(), "127.0.0.1:2222");
    assert!(config.ssh[0].passwords && config.ssh[0].public_keys && config.listeners.is_empty());
    let both = parsed(&format!("keys = ['{SSH_KEY}']\nauth = ['publickey+password']\npassword = '{HASH}'"), "");
    let ways = both.users["anna"].ways;
    assert!(ways.key_and_password && !ways.key && !ways.password);
    let more = format!("[ssh]\nuser_authorities = ['principals=\"x\" {SSH_KEY}']\nrevoked_keys = ['{SSH_KEY}']");
    // principals= belongs to an authority, which it is here; so it is told how to say it.
    let text = sftp("", &format!("keys = ['{SSH_KEY}']"), &more);
    assert!(parse("test", &text, Path::new(FOLDER)).is_err());
    let more = format!("[ssh]\nuser_authorities = ['{SSH_KEY}']\nrevoked_keys = ['{SSH_KEY}']");
    let config = parsed(&format!("keys = ['cert-authority,principals=\"x\" {SSH_KEY}']"), &more);
    assert!(config.ssh_identity.authorities[0].authority && config.ssh_identity.revoked.len() == 1);
    assert!(config.users["anna"].keys[0].authority);
}

#[test]
fn what_does_not_fit_ssh_is_told_with_its_place() {
    let key = format!("keys = ['{SSH_KEY}']");
    for (listener, user, more, told) in [
        ("passive = true", key.as_str(), "", "`passive`"),
        ("tls = 'off'", &key, "", "`tls`"),
        ("uploads = 'new'", &key, "", "`uploads`"),
        ("passwords = false\npublic_keys = false", &key, "", "neither passwords nor keys"),
        ("rekey_bytes = '2 GiB'", &key, "", "rekey_bytes"),
        ("", "keys = ['nonsense']", "", "keys"),
        ("", &format!("{key}\nauth = ['password']"), "", "there is none"),
        ("", &format!("{key}\nauth = []"), "", "empty"),
        ("", &format!("{key}\nauth = ['face']"), "", "face"),
        ("", &format!("{key}\nauth = ['publickey', 'publickey+password']\npassword = '{HASH}'"), "", "alone"),
        ("", "authorized_keys = 'nowhere'", "", "authorized_keys"),
        ("", &key, "[ssh]\nhost_keys = ['nowhere']", "host_keys"),
        ("", &key, "[[listener]]\nname = 'f'\nprotocol = 'ftp'\naddress = '0.0.0.0:2222'", "cannot both have"),
        ("", &key, "[[listener]]\nname = 'f'\nprotocol = 'ftp'\naddress = '0.0.0.0:21'\nhandles_max = 5", "handles_max"),
    ] {
        let Err(page) = parse("test", &sftp(listener, user, more), Path::new(FOLDER)) else { panic!("{listener} {user} {more}") };
        let said = page.faults().to_string();
        assert!(said.contains(told), "{listener} {user} {more}: {said}");
    }
}
