//! How are data addresses written: PORT, 227, EPRT, EPSV, 229, LPRT, 228 (RFC 959, 2428, 1639)?
