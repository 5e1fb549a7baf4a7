//! How are folders told to clients: LIST, NLST, MLST and MLSD (RFC 959 §4.1.3, RFC 3659 §7)?
