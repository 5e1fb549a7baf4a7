//! How are times written: in facts and commands (RFC 3659 §2.3), and in `ls` lines?
