//! Who moves a body, and how? (being written)
