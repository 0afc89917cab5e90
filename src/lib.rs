//! Causal decisions as SQL for Apache DataFusion.

#[cfg(feature = "cli")]
pub mod cli;
pub mod session;

pub use session::register;
