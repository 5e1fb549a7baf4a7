//! What TYPE, STRU and MODE do to the bytes of a body, exact across chunk borders (RFC 959 §3).

pub mod ascii;
