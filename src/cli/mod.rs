//! The `causal` program.
