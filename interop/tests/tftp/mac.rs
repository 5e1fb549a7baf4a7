//! Rules by hardware address: the kernel's neighbour table tells the server who asks, over IPv4 and IPv6.

use interop::network::Network;
use interop::run::run;
use interop::{Server, need};

const RULES: &str = r#"
[[listener.rewrite]]
name = "own"
pattern = "^pxelinux.cfg/default$"
replace = "hosts/01-{mac}"
mac = ["02:00:00"]
[[listener.rewrite]]
name = "others"
pattern = "^pxelinux.cfg/default$"
replace = "hosts/others"
"#;

#[test]
fn machines_get_what_is_theirs() {
    need!("curl");
    let Some(mut network) = Network::new() else { return };
    network.host("one");
    network.host("two");
    network.host("server");
    network.cable(("one", "10.5.1.1/24"), ("server", "10.5.1.2/24"));
    network.cable(("two", "10.5.2.1/24"), ("server", "10.5.2.2/24"));
    network.ip("one", &["link", "set", "c1a", "address", "02:00:00:00:00:42"]);
    network.ip("two", &["link", "set", "c2a", "address", "06:00:00:00:00:42"]);
    for (host, end, ip) in [("one", "c1a", "fd00:1::1/64"), ("server", "c1b", "fd00:1::2/64")] {
        network.ip(host, &["address", "add", ip, "dev", end, "nodad"]);
    }
    let server = Server::on(&network, "server", RULES);
    std::fs::create_dir(server.root().join("hosts")).unwrap();
    std::fs::write(server.root().join("hosts/01-02-00-00-00-00-42"), "by its address").unwrap();
    std::fs::write(server.root().join("hosts/others"), "for all").unwrap();
    let get = |host: &str, ip: &str| {
        let url = format!("tftp://{ip}/pxelinux.cfg/default");
        run(network.command(host, "curl").args(["--silent", "--show-error", "--max-time", "30", "--globoff", &url])).well().said
    };
    assert_eq!(get("one", "10.5.1.2"), "by its address");
    assert_eq!(get("one", "[fd00:1::2]"), "by its address");
    assert_eq!(get("two", "10.5.2.2"), "for all");
}
