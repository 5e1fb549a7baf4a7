//! Perl's Net::FTP: it half-closes uploads and believes in ABOR.

use interop::run::{run, script};
use interop::{PASSWORD, Server, USER, Way, need};
use std::process::Command;
use tempfile::TempDir;

const SCRIPT: &str = r#"
use strict; use warnings; use Net::FTP; use Digest::MD5;
my ($host, $port, $user, $password, $active) = @ARGV;
my $ftp = Net::FTP->new($host, Port => $port, Timeout => 20, Passive => !$active) or die "connect: $@";
sub ok { my ($is, $what) = @_; die "$what: " . $ftp->code . " " . $ftp->message unless $is; }
sub sum { my $name = shift; open(my $f, '<:raw', $name) or die "$name: $!"; return Digest::MD5->new->addfile($f)->hexdigest; }
ok($ftp->login($user, $password), 'login');
ok($ftp->binary, 'binary');
my @names = ('plain.txt', 'with space.txt', 'quo"te.txt', "apo'strophe", "\xc3\xbcml\xc3\xa4ut", '-dash', 'percent%20', 'semi;colon', 'br[ack]et', 'empty');
for my $name (@names) {
    open(my $f, '>:raw', "local") or die; print $f ($name eq 'empty' ? '' : ($name x 1000)); close $f;
    ok($ftp->put("local", $name), "put $name");
    unlink "back";
    ok($ftp->get($name, "back"), "get $name");
    die "$name differs" unless sum("local") eq sum("back");
    die "size of $name" unless $ftp->size($name) == -s "local";
}
my %listed = map { $_ => 1 } $ftp->ls;
for my $name (@names) { die "$name is not listed" unless $listed{$name}; }
die "dir" unless grep { /plain\.txt$/ } $ftp->dir;
ok($ftp->mkdir('one/two/three', 1), 'mkdir');
ok($ftp->cwd('one/two'), 'cwd');
die "pwd " . $ftp->pwd unless $ftp->pwd eq '/one/two';
ok($ftp->cdup, 'cdup'); ok($ftp->cwd('/'), 'cwd');
ok($ftp->rename('plain.txt', 'one/moved'), 'rename');
ok(defined $ftp->mdtm('one/moved'), 'mdtm');
ok($ftp->append("local", 'one/moved'), 'append');
# A download that goes on where another stopped.
open(my $f, '>:raw', "large") or die; print $f (pack('N*', 0 .. 500000)); close $f;
ok($ftp->put('large', 'large'), 'put large');
open($f, '>:raw', "part") or die; open(my $l, '<:raw', 'large') or die; read($l, my $head, 700001); print $f $head; close $f;
ok($ftp->get('large', 'part', 700001), 'restart');
die 'resumed file differs' unless sum('part') eq sum('large');
# ABOR in the middle.
my $data = $ftp->retr('large') or die 'retr';
$data->read(my $piece, 1000, 20);
$data->abort;
ok($ftp->pwd eq '/', 'after abort');
ok($ftp->delete('large'), 'delete');
ok($ftp->rmdir('one', 1), 'rmdir');
my $unique = $ftp->put_unique('local', 'unique'); ok($unique, 'stou');
ok($ftp->delete($ftp->unique_name || $unique), 'delete unique');
$ftp->quit;
print "well\n";
"#;

fn does_it_all(way: Way) {
    need!("perl");
    if !run(Command::new("perl").args(["-MNet::FTP", "-e", "1"])).status.success() {
        interop::skip("Perl's Net::FTP is not installed");
        return;
    }
    let (server, here) = (Server::start(), TempDir::new().unwrap());
    let (host, port) = server.host_and_port(way);
    let active = if way.is_active() { "1" } else { "0" };
    let said = script("perl", SCRIPT, ".pl", &[host, &port, USER, PASSWORD, active], here.path()).well().said;
    assert!(said.ends_with("well\n"), "{said}");
}

super::every_way!(does_it_all:
    does_it_all_passive_4 = Passive4, does_it_all_passive_6 = Passive6, does_it_all_active_4 = Active4, does_it_all_active_6 = Active6);
