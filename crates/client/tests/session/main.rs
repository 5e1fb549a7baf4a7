//! Client sessions over real sockets on loopback: against Carrack's own server, and against servers that lie.

mod copies;
mod liar;
mod lies;
mod many;
mod old_servers;
mod own_server;
mod proxies;
mod road;
mod server;
mod storage;
mod tftp;
