//! The `causal` program.

fn main() {}
