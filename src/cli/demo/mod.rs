//! `causal demo`: a campaign whose true effects are known, and a tour of it in SQL.

mod behaviour;
mod campaign;
#[cfg(test)]
mod contract_tests;
mod files;
mod policies;
mod population;
#[cfg(test)]
mod query_tests;
mod random;
mod tables;
#[cfg(test)]
mod tests;
mod tour;
mod truth;

use std::{
    io::{self, Write},
    path::Path,
};

use super::{
    engine::{Engine, EngineOptions},
    errors::CliError,
};
use tour::Tour;

/// The campaign unless another one is asked for.
pub(super) const USERS: usize = 200_000;
pub(super) const SEED: u64 = 7;

/// Writes a campaign of `users` users into `directory`, and its tour as SQL; then takes the tour.
///
/// The same `users` and `seed` give the same files.
pub(super) fn run(directory: &Path, users: usize, seed: u64) -> Result<(), CliError> {
    if users == 0 {
        return Err(CliError::Usage("--users must be at least 1, got 0".into()));
    }
    files::refuse_foreign(directory)?;
    let tour = Tour::of(directory)?;
    let mut engine = Engine::start(&EngineOptions::default())?;
    tell(&format!("writing {users} users to {}", directory.display()));
    files::write(directory, users, seed)?;
    let path = directory.join(files::TOUR);
    let path_shown = path.display();
    if tour.leave_at(&path)? {
        tell(&format!("the tour is in {path_shown}: edit it, run it with causal sql -f {path_shown}"));
    } else {
        tell(&format!("keeping {path_shown}, which was edited; remove it to get a new one"));
    }
    engine.run(move |session| async move { tour.take(&session.context).await })
}

/// Writes the campaign of `causal demo` into `directory` unless one is there.
pub(super) fn write_once(directory: &Path) -> Result<(), CliError> {
    files::refuse_foreign(directory)?;
    if files::are_there(directory) {
        return Ok(());
    }
    tell(&format!("writing {USERS} users to {}", directory.display()));
    files::write(directory, USERS, SEED)
}

/// Tells a person how it goes. Without stderr there is nobody to tell.
fn tell(progress: &str) {
    let _ = writeln!(io::stderr(), "{progress}");
}
