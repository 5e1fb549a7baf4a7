//! Does the way lead through other servers and proxies?

use interop::need_sshd;
use interop::sshd::{Home, Sshd};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that compress to nothing else.
fn body() -> Vec<u8> {
    (0..1_500_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
}

fn forwarded(home: &Home, server: &Sshd) -> usize {
    home.log(server).matches("server_request_direct_tcpip").count()
}

#[test]
fn through_one_server_and_through_two() {
    need_sshd!();
    let home = Home::new();
    let [far, near, middle] = ["far", "near", "middle"].map(|name| home.sshd(name, ""));
    home.make_known(&[&far, &near, &middle]);
    home.write("up", body());
    home.configure("Host far\n ProxyJump middle\nHost middle\n ProxyJump near\n");
    home.carrack(&["put", "up", &home.url("far", "big")]).well();
    assert!(home.read("files/big") == body());
    home.carrack(&["get", &home.url("far", "big"), "down"]).well();
    assert!(home.read("down") == body());
    let both = (forwarded(&home, &near), forwarded(&home, &middle));
    assert!(both.0 >= 2 && both.1 >= 2, "{both:?}");
    // What the command line says comes first; a list names all of the way.
    let list = format!("{}@near,middle", Home::user());
    assert_eq!(home.carrack(&["--jump", &list, "cat", &home.url("far", "none")]).status.code(), Some(2));
    home.carrack(&["ls", "--jump", &list, &home.url("far", "")]).well();
    assert!(forwarded(&home, &near) == both.0 + 1 && forwarded(&home, &middle) == both.1 + 1);
    home.carrack(&["ls", "--jump", "none", &home.url("far", "")]).well();
    assert_eq!(forwarded(&home, &middle), both.1 + 1, "it goes straight");
}

#[test]
fn what_goes_wrong_on_the_way_is_told() {
    need_sshd!();
    let home = Home::new();
    let (far, closed) = (home.sshd("far", ""), home.sshd("closed", "AllowTcpForwarding no"));
    home.make_known(&[&far, &closed]);
    let url = home.url("far", "");
    let refused = home.carrack(&["ls", "--jump", "closed", &url]);
    assert!(refused.status.code() == Some(6) && refused.said.contains("CRK-882"), "{refused:?}");
    home.make_known(&[&far]);
    let unknown = home.carrack(&["ls", "--jump", "closed", &url]);
    assert!(unknown.status.code() == Some(60) && unknown.said.contains("through closed"), "{unknown:?}");
    home.configure("Host far\n ProxyJump a\nHost a\n ProxyJump b\nHost b\n ProxyJump a\n");
    let circle = home.carrack(&["ls", &url]);
    assert!(circle.said.contains("in a circle"), "{circle:?}");
    let malformed = home.carrack(&["ls", "--jump", "a,,b", &url]);
    assert!(malformed.status.code() == Some(2) && malformed.said.contains("--jump"), "{malformed:?}");
}

/// A proxy that answers CONNECT, and how often it did.
fn connects() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let port = listener.local_addr().expect("an address").port();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let counted = counted.clone();
            std::thread::spawn(move || {
                let mut asked = Vec::new();
                let mut byte = [0];
                while !asked.ends_with(b"\r\n\r\n") && matches!(client.read(&mut byte), Ok(1)) {
                    asked.push(byte[0]);
                }
                let asked = String::from_utf8_lossy(&asked).into_owned();
                let target = asked.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).expect("CONNECT").to_owned();
                let server = TcpStream::connect(target).expect("the server");
                counted.fetch_add(1, Ordering::SeqCst);
                client.write_all(b"HTTP/1.1 200 well\r\n\r\n").expect("an answer");
                let (mut a, mut b) = (client.try_clone().expect("a handle"), server.try_clone().expect("a handle"));
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut a, &mut b);
                    let _ = b.shutdown(Shutdown::Write);
                });
                let (mut client, mut server) = (client, server);
                let _ = std::io::copy(&mut server, &mut client);
                let _ = client.shutdown(Shutdown::Both);
            });
        }
    });
    (port, count)
}

#[test]
fn through_a_proxy_and_from_there_through_a_server() {
    need_sshd!();
    let home = Home::new();
    let (far, near) = (home.sshd("far", ""), home.sshd("near", ""));
    home.make_known(&[&far, &near]);
    home.write("files/a", body());
    let (port, count) = connects();
    let proxy = format!("http://127.0.0.1:{port}");
    home.carrack(&["get", "--proxy", &proxy, &home.url("far", "a"), "straight"]).well();
    assert!(home.read("straight") == body() && count.load(Ordering::SeqCst) >= 1);
    let (before, jumped) = (count.load(Ordering::SeqCst), forwarded(&home, &near));
    home.carrack(&["get", "--proxy", &proxy, "--jump", "near", &home.url("far", "a"), "through"]).well();
    assert!(home.read("through") == body());
    assert!(count.load(Ordering::SeqCst) > before && forwarded(&home, &near) > jumped);
    let refused = home.carrack(&["ls", "--proxy", "http://127.0.0.1:1", &home.url("far", "")]);
    assert!(refused.status.code() == Some(6) && refused.said.contains("the proxy"), "{refused:?}");
}

/// A ProxyCommand that goes through another server with OpenSSH's own client.
fn through(home: &Home, by: &str) -> String {
    let files = (home.shown(".ssh/config"), home.shown(".ssh/id_ed25519"), home.shown(".ssh/known_hosts"));
    let known = format!("-o UserKnownHostsFile='{}' -o StrictHostKeyChecking=yes", files.2);
    format!("ssh -F '{}' -i '{}' {known} -o BatchMode=yes -W \"[%h]:%p\" {by}", files.0, files.1)
}

#[test]
fn a_program_of_the_users_own_leads_there() {
    need_sshd!();
    let home = Home::new();
    let (far, near) = (home.sshd("far", ""), home.sshd("near", ""));
    home.make_known(&[&far, &near]);
    home.write("up", body());
    home.configure(&format!("Host far\n ProxyCommand {}", through(&home, "near")));
    let put = home.carrack(&["put", "-v", "up", &home.url("far", "big")]).well();
    assert!(home.read("files/big") == body() && put.said.contains("ProxyCommand"), "{put:?}");
    home.carrack(&["get", &home.url("far", "big"), "down"]).well();
    assert!(home.read("down") == body() && forwarded(&home, &near) >= 2);
    // It leads to the first host on the way, too.
    home.configure("Host farther\n HostName 127.0.0.1\n ProxyJump far\n HostKeyAlias x\n StrictHostKeyChecking accept-new\n");
    let before = forwarded(&home, &near);
    home.carrack(&["ls", &format!("sftp://farther:{}/", near.port)]).well();
    assert!(forwarded(&home, &near) > before && forwarded(&home, &far) > 0);
}

#[test]
fn a_program_that_leads_nowhere_is_told_of() {
    need_sshd!();
    let home = Home::new();
    let far = home.sshd("far", "");
    home.make_known(&[&far]);
    let refused = |line: &str, host: &str, words: &str| {
        home.write(".ssh/config", format!("Host *\n {line}\n"));
        let ran = home.carrack(&["ls", "--retries", "0", "--connect-timeout", "5", &format!("sftp://{host}/")]);
        let code = ran.status.code();
        assert!(!ran.status.success() && ran.said.contains(words) && !home.at("evil").exists(), "{line}: {code:?} {ran:?}");
        ran.status.code()
    };
    assert_eq!(refused("ProxyCommand sh -c 'exit 7'", "far", "CRK-861"), Some(6));
    assert_eq!(refused("ProxyCommand /no/such/program %h %p", "far", "CRK-861"), Some(6));
    assert_eq!(refused("ProxyCommand nc %h %z", "far", "%z is not known"), Some(6));
    // One that says nothing is not waited for without end.
    assert_eq!(refused("ProxyCommand sleep 100", "far", "CRK-702"), Some(8));
    // What a link has in it is no command.
    let marker = home.shown("evil");
    refused("ProxyCommand true %h", &format!("a;touch%20{}", marker.replace('/', "%2F")), "");
    refused("ProxyCommand true %r", &format!("$(touch%20{})@far", marker.replace('/', "%2F")), "CRK-861");
    refused("ProxyCommand true %n", "-oProxyCommand=x", "CRK-861");
    refused("ProxyUseFdpass yes\n ProxyCommand true", "far", "ProxyUseFdpass");
}
