//! Is a session told and drawn, and also why it failed?

use interop::need_sshd;
use interop::sshd::Home;

#[test]
fn a_session_is_told_and_drawn() {
    need_sshd!();
    let home = Home::new();
    let there = home.sshd("there", "");
    home.make_known(&[&there]);
    home.write("up", vec![7; 3_000_000]);
    let told = home.carrack(&["put", "-v", "up", &home.url("there", "big")]).well().said;
    let parts = [
        "* connected to 127.0.0.1:",
        "SSH-2.0-OpenSSH",
        "ssh-ed25519, aes",
        "id_ed25519",
        "< success",
        "< VERSION 3 ",
        "> OPEN ",
        "< HANDLE",
    ];
    let mut rest = &*told;
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("{part:?} does not come in its turn:\n{told}"));
        rest = &rest[at..];
    }
    assert!(told.contains(" times, 3000000 bytes"), "{told}");
    assert!(told.lines().count() < 60, "writes are told as one: {told}");
    let drawn = home.carrack(&["cat", "--trace", "--trace-svg", "a.svg", &home.url("there", "none")]);
    assert!(drawn.said.contains("session with there") && drawn.said.contains("STATUS 2 "), "{drawn:?}");
    assert!(home.read("a.svg").starts_with(b"<svg"));
    home.write("authorized_keys", "");
    let refused = home.carrack(&["ls", "-v", &home.url("there", "")]).said;
    assert!(refused.contains("failure; it takes publickey") && refused.contains("* closed: "), "{refused}");
}

#[test]
fn the_way_is_told_too() {
    need_sshd!();
    let home = Home::new();
    let (far, near) = (home.sshd("far", ""), home.sshd("near", ""));
    home.make_known(&[&far, &near]);
    let told = home.carrack(&["ls", "-v", "--jump", "near", &home.url("far", "")]).well().said;
    assert!(told.matches("SSH-2.0-OpenSSH").count() == 2 && told.contains("> direct-tcpip to 127.0.0.1 port "), "{told}");
    let drawn = home.carrack(&["ls", "--trace", "--jump", "near", &home.url("far", "")]).well().said;
    assert!(drawn.contains("session with far") && drawn.contains("session with near"), "{drawn}");
}
