//! How do names cross the control and data lines without forging any (RFC 3659 §2.2, RFC 959 Appendix II)?
