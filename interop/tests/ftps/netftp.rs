//! Perl's Net::FTP over TLS.

use crate::site;
use interop::run::{run, script};
use interop::{PASSWORD, USER, need};
use std::process::Command;

const SCRIPT: &str = r#"
use strict; use warnings; use Net::FTP;
my ($host, $port, $user, $password, $ca, $implicit) = @ARGV;
my %tls = $implicit ? (SSL => 1) : ();
my $ftp = Net::FTP->new($host, Port => $port, Timeout => 20, SSL_ca_file => $ca, %tls) or die "connect: $@";
sub ok { my ($is, $what) = @_; die "$what: " . $ftp->code . " " . $ftp->message unless $is; }
unless ($implicit) { ok($ftp->starttls, 'starttls'); }
ok($ftp->login($user, $password), 'login');
ok($ftp->prot('P'), 'prot');
ok($ftp->binary, 'binary');
for my $length (0, 1, 70000, 3000000) {
    open(my $f, '>:raw', 'local') or die; print $f ('x' x $length); close $f;
    ok($ftp->put('local', "f$length"), "put $length");
    unlink 'back';
    ok($ftp->get("f$length", 'back'), "get $length");
    die "length of f$length" unless (-s 'back' || 0) == $length;
}
my @listed = $ftp->ls; die "ls: @listed" unless @listed == 4;
ok($ftp->delete('f0'), 'delete');
$ftp->quit;
print "well\n";
"#;

fn does_it_all(implicit: bool) {
    need!("perl");
    if !run(Command::new("perl").args(["-MNet::FTP", "-MIO::Socket::SSL", "-e", "1"])).status.success() {
        interop::skip("Perl's Net::FTP or IO::Socket::SSL is not installed");
        return;
    }
    let site = site("");
    let (host, port) = site.door(implicit);
    let kind = if implicit { "1" } else { "" };
    let arguments = [host, &port.to_string(), USER, PASSWORD, &site.authority.file(), kind];
    let said = script("perl", SCRIPT, ".pl", &arguments, site.here.path()).well().said;
    assert!(said.ends_with("well\n"), "{said}");
}

#[test]
fn explicit() {
    does_it_all(false);
}

#[test]
fn implicit() {
    does_it_all(true);
}
