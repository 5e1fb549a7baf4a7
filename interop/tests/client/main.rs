//! Our client on other people's servers: the same course over each of them, plain and under TLS, passive and active, IPv4 and
//! IPv6; what was moved is compared by checksum.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test reads files and the clock, and shows a session that failed"
)]

mod course;
mod distrusted;
mod full;
mod fxp;
mod keyring;
mod large;
mod one_way;
mod program;

use distrusted::Fault;
use interop::Way;
use interop::outside::{Kind, Tls};

/// Each of these a test of its own.
macro_rules! courses {
    ($($server:ident { $($test:ident: $course:expr;)* })*) => {
        $(mod $server {
            use super::*;
            $(#[test]
            fn $test() {
                $course
            })*
        })*
    };
}

courses! {
    vsftpd {
        passive: course::plain(Kind::Vsftpd, Way::Passive4);
        active: course::plain(Kind::Vsftpd, Way::Active4);
        passive_ipv6: course::plain(Kind::Vsftpd, Way::Passive6);
        active_ipv6: course::plain(Kind::Vsftpd, Way::Active6);
        tls_1_3: course::secure(Kind::Vsftpd, Way::Passive4, Tls::V13, false);
        tls_1_3_with_reuse: course::secure(Kind::Vsftpd, Way::Passive4, Tls::V13, true);
        tls_1_2_with_reuse: course::secure(Kind::Vsftpd, Way::Active4, Tls::V12, true);
        program: program::plain(Kind::Vsftpd);
        program_under_tls: program::secure(Kind::Vsftpd);
        large: large::plain(Kind::Vsftpd);
        large_under_tls: large::secure(Kind::Vsftpd, true);
        without_passive_mode: one_way::found(false);
        without_active_mode: one_way::found(true);
    }
    proftpd {
        passive: course::plain(Kind::Proftpd, Way::Passive4);
        active: course::plain(Kind::Proftpd, Way::Active4);
        passive_ipv6: course::plain(Kind::Proftpd, Way::Passive6);
        active_ipv6: course::plain(Kind::Proftpd, Way::Active6);
        tls_1_3: course::secure(Kind::Proftpd, Way::Passive4, Tls::V13, false);
        tls_1_3_with_reuse: course::secure(Kind::Proftpd, Way::Passive4, Tls::V13, true);
        tls_1_2_with_reuse: course::secure(Kind::Proftpd, Way::Active4, Tls::V12, true);
        program: program::plain(Kind::Proftpd);
        program_under_tls: program::secure(Kind::Proftpd);
        large: large::plain(Kind::Proftpd);
        large_under_tls: large::secure(Kind::Proftpd, true);
    }
    pureftpd {
        passive: course::plain(Kind::Pureftpd, Way::Passive4);
        active: course::plain(Kind::Pureftpd, Way::Active4);
        passive_ipv6: course::plain(Kind::Pureftpd, Way::Passive6);
        active_ipv6: course::plain(Kind::Pureftpd, Way::Active6);
        tls_1_3: course::secure(Kind::Pureftpd, Way::Passive4, Tls::V13, false);
        tls_1_2: course::secure(Kind::Pureftpd, Way::Active4, Tls::V12, false);
        program: program::plain(Kind::Pureftpd);
        program_under_tls: program::secure(Kind::Pureftpd);
        large: large::plain(Kind::Pureftpd);
        large_under_tls: large::secure(Kind::Pureftpd, false);
    }
    pyftpdlib {
        passive: course::plain(Kind::Pyftpdlib, Way::Passive4);
        active: course::plain(Kind::Pyftpdlib, Way::Active4);
        passive_ipv6: course::plain(Kind::Pyftpdlib, Way::Passive6);
        active_ipv6: course::plain(Kind::Pyftpdlib, Way::Active6);
        tls_1_3: course::secure(Kind::Pyftpdlib, Way::Passive4, Tls::V13, false);
        tls_1_2: course::secure(Kind::Pyftpdlib, Way::Active4, Tls::V12, false);
        program: program::plain(Kind::Pyftpdlib);
        program_under_tls: program::secure(Kind::Pyftpdlib);
        large: large::plain(Kind::Pyftpdlib);
        large_under_tls: large::secure(Kind::Pyftpdlib, false);
    }
    inetutils {
        passive: course::plain(Kind::Inetutils, Way::Passive4);
        active: course::plain(Kind::Inetutils, Way::Active4);
        passive_ipv6: course::plain(Kind::Inetutils, Way::Passive6);
        active_ipv6: course::plain(Kind::Inetutils, Way::Active6);
        program: program::plain(Kind::Inetutils);
        large: large::plain(Kind::Inetutils);
    }
    between_servers {
        vsftpd_to_proftpd: fxp::between(Kind::Vsftpd, Kind::Proftpd);
        proftpd_to_pureftpd: fxp::between(Kind::Proftpd, Kind::Pureftpd);
        pureftpd_to_vsftpd: fxp::between(Kind::Pureftpd, Kind::Vsftpd);
        vsftpd_under_tls: fxp::refused_under_tls(Kind::Vsftpd);
        own_allowed: fxp::own(true);
        own_refused: fxp::own(false);
        vsftpd_allowed: fxp::elsewhere(Kind::Vsftpd, true);
        vsftpd_refused: fxp::elsewhere(Kind::Vsftpd, false);
        proftpd_allowed: fxp::elsewhere(Kind::Proftpd, true);
        proftpd_refused: fxp::elsewhere(Kind::Proftpd, false);
        proftpd_under_tls: fxp::only_until_data(Kind::Proftpd);
    }
    carrack {
        passive: course::own(Way::Passive4);
        active: course::own(Way::Active4);
        passive_ipv6: course::own(Way::Passive6);
        active_ipv6: course::own(Way::Active6);
    }
    full_disk {
        here: full::here();
        there: full::there();
    }
    certificate {
        expired: distrusted::by_every_command(Fault::Expired);
        not_yet_valid: distrusted::by_every_command(Fault::NotYet);
        of_another_name: distrusted::by_every_command(Fault::OtherName);
        of_another_issuer: distrusted::by_every_command(Fault::OtherIssuer);
        signed_by_itself: distrusted::by_every_command(Fault::SignedByItself);
        of_another_fingerprint: distrusted::by_every_command(Fault::OtherFingerprint);
    }
}
