//! The PROXY header: whatever comes first on a connection is read or refused, and no byte behind it is eaten by a good one.
#![no_main]

use carrack_io::proxy::read_proxy_header;
use libfuzzer_sys::fuzz_target;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

fuzz_target!(|data: &[u8]| {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    }
    RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
            let to = listener.local_addr().expect("an address");
            let (client, server) = tokio::join!(TcpStream::connect(to), listener.accept());
            let (mut client, (mut server, _)) = (client.expect("connect"), server.expect("accept"));
            client.write_all(data).await.expect("write");
            client.shutdown().await.expect("shutdown");
            let _ = read_proxy_header(&mut server, Instant::now() + Duration::from_secs(5)).await;
            // A reset instead of TIME_WAIT: thousands of these run.
            let _ = client.set_zero_linger();
        });
    });
});
