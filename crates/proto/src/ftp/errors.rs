//! Which reply code does an error in the tree get (RFC 959 §4.2 and §5.4)? The one table.
