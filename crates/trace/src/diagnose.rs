//! What is probably wrong with this session? A list of small pure rules over its events, each with a name, a
//! condition, and an advice.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use types::address::is_private;
use types::{Event, Reason, What};

/// What a rule found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The rule's name; stable.
    pub rule: &'static str,
    /// The code that `carrack why` explains.
    pub reason: Reason,
    /// What happened and what to do, in one or two sentences.
    pub advice: String,
}

/// A session as the rules see it.
struct Scene<'a> {
    events: &'a [Event],
    peer: SocketAddr,
    local: SocketAddr,
}

struct Rule {
    name: &'static str,
    reason: Reason,
    /// The advice where the condition holds.
    advice: fn(&Scene<'_>) -> Option<String>,
}

/// Every rule, causes before their effects. A rule that explains another's effect stands before it.
const RULES: &[Rule] = &[
    Rule { name: "private-address-announced", reason: Reason::PrivateAnnounced, advice: private_announced },
    Rule { name: "passive-port-closed", reason: Reason::DataNeverCame, advice: passive_port_closed },
    Rule { name: "active-refused", reason: Reason::DataRefused, advice: active_refused },
    Rule { name: "active-unreachable", reason: Reason::DataUnreachable, advice: active_unreachable },
    Rule { name: "address-form", reason: Reason::DataFamily, advice: address_form },
    Rule { name: "login-in-clear", reason: Reason::PlainLogin, advice: login_in_clear },
    Rule { name: "gone-after-227", reason: Reason::DataNeverCame, advice: gone_after_227 },
    Rule { name: "restart-beyond-end", reason: Reason::BeyondEnd, advice: restart_beyond_end },
    Rule { name: "data-from-elsewhere", reason: Reason::DataForeign, advice: data_from_elsewhere },
    Rule { name: "passive-ports-used-up", reason: Reason::NoPassivePort, advice: ports_used_up },
    Rule { name: "no-data-connection-ever", reason: Reason::DataNeverCame, advice: no_data_ever },
    Rule { name: "control-lost-in-transfer", reason: Reason::DataReset, advice: control_lost },
    Rule { name: "cancelled-by-client", reason: Reason::Cancelled, advice: cancelled },
    Rule { name: "data-stalled", reason: Reason::DataStalled, advice: stalled },
    Rule { name: "client-cut-data", reason: Reason::DataReset, advice: client_cut },
    Rule { name: "data-session-not-resumed", reason: Reason::DataNotResumed, advice: not_resumed },
    Rule { name: "no-close-alert", reason: Reason::DataTruncated, advice: no_close_alert },
    Rule { name: "plain-bytes-for-tls", reason: Reason::TlsPlain, advice: plain_bytes },
    Rule { name: "certificate-distrusted", reason: Reason::TlsDistrusted, advice: distrusted },
    Rule { name: "storage-full", reason: Reason::NoSpace, advice: storage_full },
    Rule { name: "quota-used-up", reason: Reason::OverQuota, advice: quota_used_up },
];

/// The names of all rules.
pub fn rules() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|rule| rule.name)
}

/// What is probably wrong with a session between `peer` and `local` that went so.
pub fn diagnose(events: &[Event], peer: SocketAddr, local: SocketAddr) -> Vec<Finding> {
    let scene = Scene { events, peer, local };
    RULES
        .iter()
        .filter_map(|rule| (rule.advice)(&scene).map(|advice| Finding { rule: rule.name, reason: rule.reason, advice }))
        .collect()
}

impl Scene<'_> {
    fn failed(&self, reason: Reason) -> bool {
        self.events.iter().any(|e| matches!(e.what, What::DataFailed(r) if r == reason))
    }

    fn noted(&self, reason: Reason) -> Option<&str> {
        self.events.iter().find_map(|e| match &e.what {
            What::Note(r, text) if *r == reason => Some(&**text),
            _ => None,
        })
    }

    fn replies<'a>(&'a self, code: &'a str) -> impl Iterator<Item = &'a str> {
        self.events.iter().filter_map(move |e| match &e.what {
            What::Reply(text) if text.starts_with(code) => Some(&**text),
            _ => None,
        })
    }

    fn answered(&self, reason: Reason) -> bool {
        self.events.iter().any(|e| matches!(&e.what, What::Answer(text) if text.starts_with(reason.code())))
    }

    fn cut(&self) -> impl Iterator<Item = (u64, Reason)> {
        self.events.iter().filter_map(|e| match e.what {
            What::Cut(_, bytes, reason) => Some((bytes, reason)),
            _ => None,
        })
    }

    /// Whether anything on either connection ended for this.
    fn ended(&self, reason: Reason) -> bool {
        self.failed(reason)
            || self.noted(reason).is_some()
            || self.cut().any(|(_, r)| r == reason)
            || self.events.iter().any(|e| matches!(e.what, What::Closed(Some(r)) if r == reason))
    }

    /// Whether an ask or a running upload failed for want of this.
    fn ran_out(&self, reason: Reason) -> bool {
        self.answered(reason) || self.cut().any(|(_, r)| r == reason)
    }

    /// The address of the last 227 that was private though the client came from outside.
    fn hidden(&self) -> Option<Ipv4Addr> {
        if is_private(self.peer.ip()) {
            return None;
        }
        self.replies("227").filter_map(address_of).filter(|&ip| is_private(ip.into())).last()
    }

    /// The port the last client was sent to, before its data connection failed.
    fn passive_port(&self) -> Option<u16> {
        self.events.iter().rev().find_map(|e| match e.what {
            What::Listening(address) => Some(address.port()),
            _ => None,
        })
    }

    /// The verb of the last command, in capitals.
    fn last_verb(&self) -> Option<String> {
        self.events.iter().rev().find_map(|e| match &e.what {
            What::Command(line) => Some(verb(line)),
            _ => None,
        })
    }
}

fn verb(line: &str) -> String {
    line.split(' ').next().unwrap_or("").to_ascii_uppercase()
}

/// The address in a 227 reply: the first four of six numbers with commas between them (RFC 1123 §4.1.2.6: look for
/// the digits, not for brackets).
fn address_of(reply: &str) -> Option<Ipv4Addr> {
    reply.get(3..)?.split(|c: char| !c.is_ascii_digit() && c != ',').find_map(|run| {
        let numbers: Vec<u8> = run.split(',').map(str::parse).collect::<Result<_, _>>().ok()?;
        match *numbers {
            [a, b, c, d, _, _] => Some(Ipv4Addr::new(a, b, c, d)),
            _ => None,
        }
    })
}

fn private_announced(s: &Scene<'_>) -> Option<String> {
    let address = match (s.hidden(), s.noted(Reason::PrivateAnnounced)) {
        (Some(ip), _) => format!("the address in 227, {ip}, is private"),
        (None, Some(_)) => "the address announced for data connections is private".to_owned(),
        (None, None) => return None,
    };
    Some(format!(
        "{address}, but the client came from outside, at {}: a NAT stands between. Set public_address on the listener to the \
         address the client knows.",
        s.peer.ip()
    ))
}

fn passive_port_closed(s: &Scene<'_>) -> Option<String> {
    if s.hidden().is_some() || !s.failed(Reason::DataNeverCame) {
        return None;
    }
    let port = s.passive_port().map_or_else(|| "the passive port".to_owned(), |port| format!("port {port}"));
    let way = if s.replies("227").next().is_some() { "after 227 the" } else { "the" };
    Some(format!(
        "{way} client never came to {port}: a firewall or NAT on the way lets the control port through and not the \
         passive ones. Open or forward the ports of passive_ports."
    ))
}

fn active_refused(s: &Scene<'_>) -> Option<String> {
    s.failed(Reason::DataRefused).then(|| {
        "the client's own port refused the data connection: it does not listen where it said, or its firewall answers for it. \
         Let the client use passive mode."
            .to_owned()
    })
}

fn active_unreachable(s: &Scene<'_>) -> Option<String> {
    if !s.failed(Reason::DataUnreachable) {
        return None;
    }
    let target = s.events.iter().rev().find_map(|e| match e.what {
        What::Connecting(address) => Some(address.ip()),
        _ => None,
    });
    let why = match target {
        Some(ip) if is_private(ip) && !is_private(s.peer.ip()) => format!("{ip} is private: the client stands behind NAT"),
        _ => "a firewall or NAT before the client drops it".to_owned(),
    };
    Some(format!("the data connection to the client could not be made; {why}. Let the client use passive mode."))
}

fn address_form(s: &Scene<'_>) -> Option<String> {
    // The same codes tell of TLS on data connections (RFC 4217 §10); those replies name their reasons.
    let of_tls = [Reason::DataTls, Reason::DataNotResumed, Reason::DataUnprotected];
    s.replies("522").chain(s.replies("521")).find(|text| !of_tls.iter().any(|r| text.contains(r.code())))?;
    Some(format!(
        "the client asked for a data connection of another address family than its control connection's ({}). The reply names \
         the families that can be had; a client that does not read it wants another mode set by hand.",
        if s.local.ip().to_canonical().is_ipv4() { "IPv4" } else { "IPv6" }
    ))
}

fn login_in_clear(s: &Scene<'_>) -> Option<String> {
    let said = |e: &Event| matches!(&e.what, What::Reply(t) if t.contains(Reason::PlainLogin.code()));
    (s.events.iter().any(said) || s.noted(Reason::PlainLogin).is_some()).then(|| {
        format!(
            "the client from {} wanted to log in without TLS, which this listener takes from loopback only. Use TLS, or set \
             plain_login = \"allow\" on the listener.",
            s.peer.ip()
        )
    })
}

/// The client left as soon as it had read where to connect to.
fn gone_after_227(s: &Scene<'_>) -> Option<String> {
    let mut last = s.events.iter().rev().map(|e| &e.what).filter(|w| !matches!(w, What::Note(..) | What::Listening(_)));
    let closed = matches!(last.next(), Some(What::Closed(_)));
    let after = matches!(last.next(), Some(What::Reply(text)) if text.starts_with("227"));
    (closed && after && s.hidden().is_none()).then(|| {
        "the client hung up right after 227: a router that rewrites FTP may have spoiled the address in it, or the client does \
         not take it. Let the client use EPSV, or switch the router's FTP helper off."
            .to_owned()
    })
}

fn restart_beyond_end(s: &Scene<'_>) -> Option<String> {
    s.answered(Reason::BeyondEnd).then(|| {
        "REST named a byte beyond the end of the file: the other copy is longer than this one, so they are not the same file. \
         Transfer it anew instead of resuming."
            .to_owned()
    })
}

fn data_from_elsewhere(s: &Scene<'_>) -> Option<String> {
    let text = s.noted(Reason::DataForeign)?;
    let who = text.split(' ').find_map(|w| w.parse::<SocketAddr>().ok().map(|a| a.ip()).or_else(|| w.parse().ok()));
    let who = who.map_or_else(|| "another address".to_owned(), |ip| ip.to_string());
    Some(format!(
        "a data connection from {who} was refused, since the control connection came from {}: a NAT with several addresses, a \
         transfer between two servers (fxp = true allows it), or somebody trying to steal data.",
        s.peer.ip()
    ))
}

fn ports_used_up(s: &Scene<'_>) -> Option<String> {
    s.failed(Reason::NoPassivePort).then(|| {
        "no passive port was free for this address: its earlier data connections never came and still hold them. Give a larger \
         passive_ports range, or see why they do not come."
            .to_owned()
    })
}

/// Several 425 and not one data connection: the client goes on trying what cannot work.
fn no_data_ever(s: &Scene<'_>) -> Option<String> {
    let tries = s.replies("425").count();
    let any = s.events.iter().any(|e| matches!(e.what, What::Connected(_)));
    (tries >= 2 && !any).then(|| {
        format!(
            "{tries} data connections were tried and none stood: this is no chance but the way between. Try passive instead of \
             active mode or the other way round; if neither works, a firewall knows only the control port."
        )
    })
}

/// The replies that end a transfer (RFC 959 §5.4).
const ENDS: [&str; 7] = ["226", "250", "425", "426", "451", "551", "552"];

/// The control connection was lost while a body moved.
fn control_lost(s: &Scene<'_>) -> Option<String> {
    let (mut started, mut silent_since) = (None, Duration::ZERO);
    for event in s.events {
        match event.what {
            What::Started(_) => started = Some(event.at),
            What::Command(_) => silent_since = event.at,
            What::Reply(ref text) => {
                silent_since = event.at;
                if ENDS.iter().any(|code| text.starts_with(code)) {
                    started = None;
                }
            }
            What::Moved(..) | What::DataFailed(_) => started = None,
            // These two also come of losing the control connection; if not, a reply follows.
            What::Cut(_, _, reason) if !matches!(reason, Reason::Cancelled | Reason::DataReset) => started = None,
            What::Closed(None | Some(Reason::DataReset | Reason::Io)) if started.is_some() => {
                let silent = event.at.saturating_sub(silent_since).as_secs();
                return Some(if silent >= 60 {
                    format!(
                        "the control connection was lost in mid-transfer, {silent} s after its last line: NATs and firewalls \
                         forget connections that are silent. Let the client send NOOP or use TCP keep-alive; resume with REST."
                    )
                } else {
                    "the control connection was lost in mid-transfer: the client or the network went away. The rest can be had \
                     with REST."
                        .to_owned()
                });
            }
            _ => {}
        }
    }
    None
}

fn cancelled(s: &Scene<'_>) -> Option<String> {
    let aborted = s.events.iter().any(|e| matches!(&e.what, What::Command(line) if verb(line) == "ABOR"));
    let (bytes, _) = s.cut().find(|&(_, r)| r == Reason::Cancelled).filter(|_| aborted)?;
    Some(format!("the client itself cancelled the transfer with ABOR, after {bytes} bytes; nothing is wrong here."))
}

fn stalled(s: &Scene<'_>) -> Option<String> {
    let (bytes, _) = s.cut().find(|&(_, r)| r == Reason::DataStalled)?;
    let mtu = if bytes == 0 { " Where not one byte passes, look for a path MTU that is lost on the way." } else { "" };
    Some(format!(
        "the data connection stood still after {bytes} bytes until the time was up: the client stopped, or the network lost \
         it.{mtu}"
    ))
}

fn client_cut(s: &Scene<'_>) -> Option<String> {
    let (bytes, _) = s.cut().find(|&(_, r)| r == Reason::DataReset).filter(|_| control_lost(s).is_none())?;
    let what = if s.last_verb().is_some_and(|v| v == "ABOR") { "cancelled by closing it" } else { "cut by the client" };
    Some(format!(
        "the data connection was {what} after {bytes} bytes. Clients that want only a part of a file do so; otherwise see the \
         client's own log, and resume with REST."
    ))
}

fn storage_full(s: &Scene<'_>) -> Option<String> {
    s.ran_out(Reason::NoSpace)
        .then(|| "the storage is full: free some space. The upload that was cut is not there under its name.".to_owned())
}

fn quota_used_up(s: &Scene<'_>) -> Option<String> {
    s.ran_out(Reason::OverQuota).then(|| "the user's quota is used up: remove files, or raise the quota.".to_owned())
}

fn not_resumed(s: &Scene<'_>) -> Option<String> {
    s.ended(Reason::DataNotResumed).then(|| {
        "the client made a new TLS session for its data connection instead of resuming the control connection's, which is how \
         this listener knows that both are the same client. Switch session reuse on in the client; for one that cannot, set \
         data_reuse = \"prefer\" on the listener."
            .to_owned()
    })
}

fn no_close_alert(s: &Scene<'_>) -> Option<String> {
    s.ended(Reason::DataTruncated).then(|| {
        "the client ended its upload without TLS's close alert, so nobody can tell the whole file from one that was cut on the \
         way. A newer version of the client, or another TLS library in it, may send the alert."
            .to_owned()
    })
}

fn plain_bytes(s: &Scene<'_>) -> Option<String> {
    s.ended(Reason::TlsPlain).then(|| {
        format!(
            "the client from {} sent bytes that are no TLS where a handshake was due: it speaks plain FTP or explicit TLS to a \
             listener of implicit TLS, or something on the way rewrote what it sent.",
            s.peer.ip()
        )
    })
}

fn distrusted(s: &Scene<'_>) -> Option<String> {
    s.ended(Reason::TlsDistrusted).then(|| {
        "the client broke the handshake off because it does not trust the server's certificate: its issuer is unknown there, it \
         has expired, or it names another host. Let the client trust its fingerprint or issuer, or give the server a \
         certificate that names the host the client asks for."
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{address, command, download, events, info, reply};
    use types::Direction::{In, Out};
    use types::Reason as R;

    fn note(reason: R, text: &str) -> What {
        What::Note(reason, text.into())
    }

    fn answer(reason: R) -> What {
        What::Answer(reason.to_string().into())
    }

    /// The rules that find something in events between a client outside and a public server.
    fn found(whats: Vec<What>) -> Vec<&'static str> {
        diagnose(&events(whats), info().peer, info().local).into_iter().map(|f| f.rule).collect()
    }

    #[test]
    fn each_rule_finds_its_case_and_no_other_rule_does() {
        let pasv = || reply("227 Entering Passive Mode (192,0,2,10,195,87)");
        let hidden = || reply("227 Entering Passive Mode (10,0,0,5,195,87)");
        let listening = || What::Listening(address("192.0.2.10:50007"));
        let refused = || reply("425 No data connection (CRK-302)");
        let cases: Vec<(&str, Vec<What>)> = vec![
            ("private-address-announced", vec![command("PASV"), hidden(), What::DataFailed(R::DataNeverCame)]),
            ("private-address-announced", vec![note(R::PrivateAnnounced, "10.0.0.5")]),
            ("passive-port-closed", vec![command("PASV"), listening(), pasv(), What::DataFailed(R::DataNeverCame)]),
            ("active-refused", vec![command("PORT 203,0,113,7,4,1"), What::DataFailed(R::DataRefused)]),
            ("active-unreachable", vec![What::Connecting(address("10.1.1.1:999")), What::DataFailed(R::DataUnreachable)]),
            ("address-form", vec![command("EPRT |2|::1|999|"), reply("522 Use (1)")]),
            ("login-in-clear", vec![command("USER ada"), reply("530 Not in clear (CRK-103)")]),
            ("gone-after-227", vec![command("PASV"), listening(), pasv(), What::Closed(None)]),
            ("restart-beyond-end", vec![command("REST 99"), command("RETR a"), answer(R::BeyondEnd)]),
            ("data-from-elsewhere", vec![note(R::DataForeign, "198.51.100.9:4000 came to port 50007")]),
            ("passive-ports-used-up", vec![command("EPSV"), What::DataFailed(R::NoPassivePort)]),
            ("no-data-connection-ever", vec![refused(), command("LIST"), refused()]),
            ("control-lost-in-transfer", vec![What::Started(Out), What::Closed(None)]),
            (
                "control-lost-in-transfer",
                vec![What::Started(In), What::Cut(In, 5, R::Cancelled), What::Closed(Some(R::DataReset))],
            ),
            (
                "cancelled-by-client",
                vec![
                    What::Started(Out),
                    command("ABOR"),
                    What::Cut(Out, 9, R::Cancelled),
                    reply("426 Cancelled"),
                    reply("226 Done"),
                    What::Closed(None),
                ],
            ),
            ("data-stalled", vec![What::Started(Out), What::Cut(Out, 0, R::DataStalled), reply("426 Stalled")]),
            ("client-cut-data", vec![What::Started(Out), What::Cut(Out, 9, R::DataReset), reply("426 Cut")]),
            (
                "data-session-not-resumed",
                vec![reply("150 Here"), What::DataFailed(R::DataNotResumed), reply("522 No (CRK-315).")],
            ),
            ("no-close-alert", vec![What::Started(In), What::Cut(In, 9, R::DataTruncated), reply("426 Cut (CRK-316).")]),
            ("plain-bytes-for-tls", vec![What::Closed(Some(R::TlsPlain))]),
            ("certificate-distrusted", vec![command("AUTH TLS"), reply("234 Begin"), What::Closed(Some(R::TlsDistrusted))]),
            ("storage-full", vec![What::Started(In), What::Cut(In, 9, R::NoSpace), reply("452 Full")]),
            ("quota-used-up", vec![command("STOR a"), answer(R::OverQuota)]),
        ];
        for rule in rules() {
            assert!(cases.iter().any(|(name, _)| *name == rule), "{rule} has no case");
        }
        for (rule, whats) in cases {
            assert_eq!(found(whats.clone()), [rule], "{whats:?}");
        }
    }

    #[test]
    fn a_session_that_went_well_gets_no_advice() {
        assert_eq!(diagnose(&download(), info().peer, info().local), []);
    }

    #[test]
    fn a_private_address_is_right_for_a_private_client() {
        let whats = events([command("PASV"), reply("227 =10,0,0,5,195,87"), What::Closed(None)]);
        let inside = diagnose(&whats, address("10.0.0.9:4000"), address("10.0.0.5:21"));
        assert_eq!(inside.iter().map(|f| f.rule).collect::<Vec<_>>(), ["gone-after-227"]);
        assert_eq!(found(whats.into_iter().map(|e| e.what).collect()), ["private-address-announced"]);
    }

    #[test]
    fn a_long_silence_before_the_loss_points_at_nat() {
        let mut whats = events([reply("150 Here"), What::Started(Out), What::Closed(None)]);
        whats[2].at = Duration::from_secs(400);
        let advice = &diagnose(&whats, info().peer, info().local)[0].advice;
        assert!(advice.contains("399 s") || advice.contains("400 s"), "{advice}");
        assert!(advice.contains("keep-alive"), "{advice}");
    }

    #[test]
    fn the_address_in_227_is_found_without_brackets() {
        assert_eq!(address_of("227 Entering Passive Mode (10,0,0,5,195,87)."), Some(Ipv4Addr::new(10, 0, 0, 5)));
        assert_eq!(address_of("227 =10,0,0,5,195,87"), Some(Ipv4Addr::new(10, 0, 0, 5)));
        assert_eq!(address_of("227 (10,0,0,500,1,1)"), None);
        assert_eq!(address_of("227"), None);
    }
}
