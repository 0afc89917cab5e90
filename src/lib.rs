//! Causal decisions as SQL for Apache DataFusion.
//!
//! Estimators of effects and policy values are SQL functions: `dr_policy_value(…)` is a number,
//! `dr_policy_value_ci(…)` the whole inference. [`register`] adds them to a session that exists;
//! [`session::builder`] makes a session with everything.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> datafusion::error::Result<()> {
//! use datafusion::prelude::SessionContext;
//!
//! let context = SessionContext::new();
//! datafusion_causal::register(&context)?;
//! let lift = context
//!     .sql("SELECT diff_in_means(outcome, treated) AS effect FROM (VALUES (3, 1), (5, 1), (1, 0)) AS t(outcome, treated)")
//!     .await?;
//! assert_eq!(lift.collect().await?[0].num_rows(), 1);
//! # Ok(())
//! # }
//! ```

mod allocation;
#[cfg(feature = "cli")]
mod cli;
#[cfg(feature = "cli")]
mod diagnostics;
mod estimators;
#[cfg(feature = "cli")]
mod files;
mod functions;
mod keys;
mod learners;
mod math;
mod plan;
#[cfg(feature = "cli")]
pub mod program;
#[cfg(feature = "server")]
mod server;
pub mod session;
#[cfg(feature = "cli")]
mod stores;

/// The solver's kernels, for `benches/kernels.rs` only: no part of the interface.
#[doc(hidden)]
pub use allocation::kernels::AllocationKernels;
pub use session::{reference, register, register_functions};
