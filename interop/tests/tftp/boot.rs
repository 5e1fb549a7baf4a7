//! A machine that boots: QEMU with the iPXE ROM takes an address of dnsmasq, and its script and payload over TFTP.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use interop::files::noise;
use interop::network::Network;
use interop::{Server, need, skip};
use tempfile::TempDir;

/// Where there are no tap devices nothing that could be installed helps: the one skip that CI allows.
fn skip_without_tap() {
    if !interop::clients_are_required() {
        skip("/dev/net/tun is not there");
    }
}

/// Killed when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The ROM of a network card, as Debian packages it.
const ROM: &str = "/usr/lib/ipxe/qemu/pxe-e1000.rom";
/// The payload's size: many blocks, and the last one not full.
const PAYLOAD: usize = 300_001;

#[test]
fn ipxe_gets_its_script_and_its_payload() {
    need!("qemu-system-x86_64");
    need!("dnsmasq");
    if !Path::new(ROM).exists() {
        return skip("the iPXE ROM is not there (package ipxe-qemu)");
    }
    if !Path::new("/dev/net/tun").exists() {
        return skip_without_tap();
    }
    let Some(mut network) = Network::new() else { return };
    network.host("lab");
    network.ip("lab", &["tuntap", "add", "tap0", "mode", "tap"]);
    network.ip("lab", &["address", "add", "10.6.0.1/24", "dev", "tap0"]);
    network.ip("lab", &["link", "set", "tap0", "up"]);
    let server = Server::on(&network, "lab", "");
    let payload = noise(PAYLOAD, 9);
    std::fs::write(server.root().join("payload.bin"), &payload).unwrap();
    // What iPXE prints goes to the serial console; it says how much came.
    let script = "#!ipxe\necho script-is-here\nimgfetch tftp://10.6.0.1/payload.bin && echo payload-is-here || echo payload-failed\nimgstat\necho all-is-done\nexit\n";
    std::fs::write(server.root().join("boot.ipxe"), script).unwrap();
    let here = TempDir::new().unwrap();
    let mut dnsmasq = network.command("lab", "dnsmasq");
    dnsmasq.args(["--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--user=root", "--pid-file=", "--no-ping"]);
    dnsmasq.args([
        "--interface=tap0",
        "--bind-interfaces",
        "--dhcp-range=10.6.0.50,10.6.0.99,1h",
        "--dhcp-boot=boot.ipxe,,10.6.0.1",
    ]);
    dnsmasq.arg(format!("--dhcp-leasefile={}", here.path().join("leases").display()));
    let quiet = || (Stdio::null(), Stdio::null());
    let (out, err) = quiet();
    let _dhcp = Running(dnsmasq.stdin(Stdio::null()).stdout(out).stderr(err).spawn().unwrap());
    let console = here.path().join("console");
    let mut machine = network.command("lab", "qemu-system-x86_64");
    // Without a display, BIOS and ROM print to the serial port.
    machine.args(["-nodefaults", "-nographic", "-monitor", "none", "-m", "256", "-no-reboot", "-machine", "pc,accel=tcg"]);
    machine.args(["-netdev", "tap,id=n,ifname=tap0,script=no,downscript=no", "-device"]);
    machine.arg(format!("e1000,netdev=n,bootindex=0,romfile={ROM}"));
    machine.arg("-serial").arg(format!("file:{}", console.display()));
    let (out, err) = quiet();
    let mut machine = Running(machine.stdin(Stdio::null()).stdout(out).stderr(err).spawn().unwrap());
    let start = Instant::now();
    let said = loop {
        let said = String::from_utf8_lossy(&std::fs::read(&console).unwrap_or_default()).into_owned();
        if said.contains("all-is-done") || machine.0.try_wait().unwrap().is_some() {
            break said;
        }
        assert!(start.elapsed() < Duration::from_secs(200), "it did not boot: {said}\n{}", server.log());
        std::thread::sleep(Duration::from_millis(200));
    };
    assert!(said.contains("script-is-here") && said.contains("payload-is-here"), "{said}\n{}", server.log());
    assert!(said.contains(&format!("{PAYLOAD} bytes")), "{said}");
}
