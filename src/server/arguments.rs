//! What can be typed after `causal serve`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, value_parser};

use super::ServeError;
use super::config::Config;

/// Serve everything over Arrow Flight SQL: to ADBC, JDBC and what is built on them.
///
/// Tables, views, users and limits come from a file. Without users whoever reaches the address is an analyst, so it is one of
/// this machine; another one needs users and TLS. Ctrl-C or SIGTERM ends the server when its queries are done.
#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// Address to listen on [default: that of the file, else 127.0.0.1:50051]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,

    /// File of tables, views, users and limits, in TOML
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Serve the data of `causal demo`, written to this folder when it is not there
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = "causal-demo")]
    demo: Option<PathBuf>,

    /// Listen on any address without users or TLS
    #[arg(long)]
    pub(super) insecure: bool,

    /// Threads that run queries [default: the number of processors]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,

    /// Read a password from stdin and print what `password_hash` of a user is to be
    #[arg(long, exclusive = true)]
    pub(super) hash_password: bool,
}

impl ServeArguments {
    /// The folder of a demo that is to be served.
    pub(crate) fn demo(&self) -> Option<&PathBuf> {
        self.demo.as_ref()
    }

    pub(super) fn config(&self) -> Result<Config, ServeError> {
        let mut config = match &self.config {
            Some(path) => Config::read(path)?,
            None => Config::default(),
        };
        config.listen = self.listen.or(config.listen);
        if let Some(demo) = &self.demo {
            for name in ["users", "policies", "truth", "expected"] {
                let path = demo.join(format!("{name}.parquet"));
                config.tables.insert(name.to_string(), path.display().to_string());
            }
            config.tables.insert("decisions".into(), format!("{}/", demo.join("decisions").display()));
        }
        Ok(config)
    }
}
