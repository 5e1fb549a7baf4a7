//! Where does a command line end, and what of it is Telnet (RFC 959 §4, RFC 854, RFC 1123 §4.1.2.12)?
