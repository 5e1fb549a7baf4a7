//! What TYPE A does to line ends (RFC 959 §3.1.1.1).
