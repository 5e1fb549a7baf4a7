//! Do the FTP programs people have work with the server? One file per program; each moves odd names, empty and large files,
//! resumes, renames, deletes and lists, passive and active, over IPv4 and IPv6, and compares checksums.
#![allow(clippy::disallowed_methods, reason = "tests touch files")]

mod basicftp;
mod curl;
mod ftplib;
mod lftp;
mod ncftp;
mod netftp;
mod tnftp;
mod wget;

/// One test per way of making data connections, all of one function.
macro_rules! every_way {
    ($check:ident: $($name:ident = $way:ident),+ $(,)?) => {
        $(
            #[test]
            fn $name() {
                $check(interop::Way::$way);
            }
        )+
    };
}
pub(crate) use every_way;
