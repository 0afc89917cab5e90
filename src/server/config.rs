//! What a server serves, to whom, and within which limits: `causal.toml`.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::ServeError;
use super::auth::{JwtConfig, Role};
use crate::stores::StoreSettings;

/// The file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Config {
    /// The address to listen on.
    pub(super) listen: Option<SocketAddr>,
    /// Tables by name: a path, pattern or URL of files.
    pub(super) tables: BTreeMap<String, String>,
    /// Views by name: a query.
    pub(super) views: BTreeMap<String, String>,
    /// SQL that runs first, as an admin.
    pub(super) init: Option<String>,
    /// Folder of relation functions written in SQL.
    pub(super) macros: Option<PathBuf>,
    pub(super) limits: Limits,
    pub(super) users: Vec<User>,
    /// Tokens of an identity provider.
    pub(super) jwt: Option<JwtConfig>,
    pub(super) tls: Option<Tls>,
    pub(super) operations: Operations,
    pub(super) stores: StoreLimits,
}

/// How object stores are asked.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct StoreLimits {
    /// Seconds that one request may take.
    timeout_seconds: u64,
    /// How often a request is tried again.
    retries: usize,
}

impl Default for StoreLimits {
    fn default() -> Self {
        Self { timeout_seconds: 60, retries: 10 }
    }
}

impl StoreLimits {
    pub(super) fn settings(&self) -> StoreSettings {
        StoreSettings { timeout: Duration::from_secs(self.timeout_seconds), retries: self.retries }
    }
}

/// What those who run the server look at.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Operations {
    /// The address of `/healthz`, `/readyz` and `/metrics`, over HTTP.
    pub(super) listen: Option<SocketAddr>,
    /// File that has a line of JSON for each query.
    pub(super) query_log: Option<PathBuf>,
    /// Seconds that queries may go on once the server is told to end.
    pub(super) drain_seconds: u64,
}

impl Default for Operations {
    fn default() -> Self {
        Self { listen: None, query_log: None, drain_seconds: 30 }
    }
}

/// Limits; the name of each is in the error of who goes beyond it.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Limits {
    /// Bytes of memory for all queries and session tables.
    pub(super) memory: usize,
    /// Bytes of memory for one query.
    pub(super) query_memory: usize,
    /// Bytes of temporary files for all queries.
    pub(super) spill: u64,
    /// Queries that run at a time, and that wait for their turn.
    pub(super) queries: usize,
    pub(super) queue: usize,
    /// Seconds that a query may take.
    pub(super) seconds: u64,
    /// Rows and bytes of a result.
    pub(super) rows: u64,
    pub(super) bytes: u64,
    /// Sessions at a time, and seconds after which one that does nothing ends.
    pub(super) sessions: usize,
    pub(super) idle_seconds: u64,
    /// Prepared statements, and results that wait to be fetched, of a session.
    pub(super) statements: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 4 << 30,
            query_memory: 2 << 30,
            spill: 50 << 30,
            queries: 16,
            queue: 256,
            seconds: 600,
            rows: u64::MAX,
            bytes: u64::MAX,
            sessions: 10_000,
            idle_seconds: 3600,
            statements: 200,
        }
    }
}

impl Limits {
    pub(super) fn idle(&self) -> Duration {
        Duration::from_secs(self.idle_seconds)
    }

    pub(super) fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// Who may come in, by password, by token or by both.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) role: Role,
    /// A hash by argon2, in PHC form: `$argon2id$…`.
    pub(super) password_hash: Option<String>,
    pub(super) token: Option<String>,
}

/// Files in PEM form.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
    /// Who signs the certificates that clients must show; without it they need none.
    pub(super) client_ca: Option<PathBuf>,
}

impl Config {
    /// Whether clients have to say who they are.
    pub(super) fn has_users(&self) -> bool {
        !self.users.is_empty() || self.jwt.is_some()
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// When it cannot be read or says what is not known.
    pub(super) fn read(path: &Path) -> Result<Self, ServeError> {
        let text = fs::read_to_string(path)
            .map_err(|error| ServeError::Usage(format!("cannot read {}: {error}", path.display())))?;
        toml::from_str(&text).map_err(|error| {
            ServeError::Usage(format!("{}: {}", path.display(), error.to_string().trim_end()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read() {
        let text = r#"
            listen = "127.0.0.1:9"
            [tables]
            decisions = "causal-demo/decisions/"
            [limits]
            query_memory = 1000000
            [[users]]
            name = "ana"
            role = "analyst"
            token = "secret"
        "#;
        let config: Config = toml::from_str(text).unwrap();
        assert_eq!(config.listen.unwrap().port(), 9);
        assert_eq!(config.tables["decisions"], "causal-demo/decisions/");
        assert_eq!((config.limits.query_memory, config.limits.seconds), (1_000_000, 600));
        assert_eq!(config.users[0].role, Role::Analyst);
        let error = toml::from_str::<Config>("[limits]\nqueris = 3").unwrap_err().to_string();
        assert!(error.contains("queris") && error.contains("queries"), "{error}");
    }
}
