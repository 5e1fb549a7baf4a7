//! Does every path move the same bytes and counts?
