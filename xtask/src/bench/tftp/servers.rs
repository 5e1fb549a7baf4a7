//! How is each TFTP server started? At port 69 of the run's own network namespace, on loopback.

use super::super::servers::{debian, own, tail};
use super::super::{processes, table};
use crate::Result;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What can be measured.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, clap::ValueEnum)]
pub(crate) enum Kind {
    /// carrack, a port for each transfer, as the peers do it.
    Carrack,
    /// carrack, all transfers on one port.
    CarrackOne,
    /// tftpd-hpa: a process for each transfer.
    TftpdHpa,
    /// atftpd: a thread for each transfer.
    Atftpd,
    /// dnsmasq: one loop for all.
    Dnsmasq,
}

impl Kind {
    pub(super) const ALL: [Self; 5] = [Self::Carrack, Self::CarrackOne, Self::TftpdHpa, Self::Atftpd, Self::Dnsmasq];
}

impl table::Column for Kind {
    const OWN: Self = Self::Carrack;
    const BARE: Option<Self> = None;

    fn name(self) -> &'static str {
        match self {
            Self::Carrack => "carrack",
            Self::CarrackOne => "carrack, one port",
            Self::TftpdHpa => "tftpd-hpa",
            Self::Atftpd => "atftpd",
            Self::Dnsmasq => "dnsmasq",
        }
    }

    fn is_peer(self) -> bool {
        matches!(self, Self::TftpdHpa | Self::Atftpd | Self::Dnsmasq)
    }
}

/// A server ready to be started.
pub(super) struct Server {
    pub(super) kind: Kind,
    pub(super) version: String,
    program: PathBuf,
    libraries: String,
}

/// A server that runs; dropped, it and all it started are killed.
pub(super) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        processes::end(&mut self.0);
    }
}

/// Where requests go to. dnsmasq knows no other port.
pub(super) const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 69);

/// Builds or downloads what is needed.
pub(super) fn obtain(kind: Kind) -> Result<Server> {
    let (program, libraries, version) = match kind {
        Kind::Carrack | Kind::CarrackOne => own()?,
        Kind::TftpdHpa => debian("tftpd-hpa", "usr/sbin/in.tftpd")?,
        Kind::Atftpd => debian("atftpd", "usr/sbin/atftpd")?,
        Kind::Dnsmasq => debian("dnsmasq-base", "usr/sbin/dnsmasq")?,
    };
    Ok(Server { kind, version, program, libraries })
}

impl Server {
    /// Starts it over `folder`, with its settings and log in `scratch`, and waits until its port is taken.
    pub(super) fn start(&self, folder: &Path, scratch: &Path) -> Result<Running> {
        let log = scratch.join(format!("{:?}.log", self.kind));
        let mut command = self.command(folder, scratch)?;
        command.stdin(Stdio::null()).stdout(File::create(&log)?).stderr(File::options().append(true).open(&log)?);
        if !self.libraries.is_empty() {
            command.env("LD_LIBRARY_PATH", &self.libraries);
        }
        let mut running = Running(command.spawn().map_err(|why| format!("{}: {why}", self.program.display()))?);
        let start = Instant::now();
        while !fs::read_to_string("/proc/net/udp")?.contains(":0045 ") {
            if let Some(end) = running.0.try_wait()? {
                return Err(format!("ended at once ({end}): {}", tail(&log)).into());
            }
            if start.elapsed() > Duration::from_secs(15) {
                return Err(format!("does not listen after 15 s: {}", tail(&log)).into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(running)
    }

    fn command(&self, folder: &Path, scratch: &Path) -> Result<Command> {
        let mut command = Command::new(&self.program);
        match self.kind {
            Kind::Carrack | Kind::CarrackOne => {
                let settings = scratch.join(format!("{:?}.toml", self.kind));
                let ports = if self.kind == Kind::Carrack { "own" } else { "single" };
                fs::write(
                    &settings,
                    format!(
                        "[[listener]]\nname = \"tftp\"\nprotocol = \"tftp\"\naddress = \"{ADDRESS}\"\nports = \"{ports}\"\n\
                         [[mount]]\nname = \"data\"\nkind = \"local\"\npath = \"{}\"\n[anonymous]\n",
                        folder.display()
                    ),
                )?;
                command.args(["serve", "--quiet", "--config"]).arg(settings);
            }
            Kind::TftpdHpa => {
                command.args(["--foreground", "--listen", "--user", "root", "--secure", "--address", "127.0.0.1:69"]).arg(folder);
            }
            Kind::Atftpd => {
                command.args(["--daemon", "--no-fork", "--user", "root.root", "--bind-address", "127.0.0.1", "--port", "69"]);
                // Its usual limit is a hundred transfers.
                command.args(["--maxthread", "2000", "--verbose=0", "--logfile"]).arg(scratch.join("atftpd.own.log")).arg(folder);
            }
            Kind::Dnsmasq => {
                command.args(["--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=root", "--port=0"]);
                // Its usual limit is fifty transfers.
                command.args(["--listen-address=127.0.0.1", "--bind-interfaces", "--enable-tftp", "--tftp-max=2000"]);
                // And what it sends is no larger than this.
                command.arg("--edns-packet-max=65500");
                command.arg(format!("--tftp-root={}", folder.display()));
            }
        }
        Ok(command)
    }
}
