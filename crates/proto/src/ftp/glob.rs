//! Which names does a wildcard pattern mean?
