//! Storage-and-pump sewer model.

fn main() {}
