//! The files of `tests/slt` through the server: what embedded sessions print, clients get.

use arrow_flight::error::FlightError;
use sqllogictest::{DB, DBOutput};
use tokio::runtime::{Builder, Runtime};

use super::*;
use crate::slt::{Letter, rows, run_files};

#[test]
fn through_the_server() {
    let serving = Serving::start("[[users]]\nname = 'slt'\nrole = 'admin'\ntoken = 'slt'\n");
    run_files(|| Ok(Remote::new(&serving)));
}

/// A session of a server.
struct Remote {
    client: FlightSqlServiceClient<Channel>,
    runtime: Runtime,
}

impl Remote {
    fn new(serving: &Serving) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("threads can be started");
        let mut client = runtime.block_on(serving.stranger());
        client.set_token("slt".into());
        Self { client, runtime }
    }

    async fn ask(client: &mut FlightSqlServiceClient<Channel>, sql: &str) -> Result<DBOutput<Letter>> {
        let mut prepared = client.prepare(sql.to_string(), None).await?;
        if prepared.dataset_schema()?.fields().is_empty() {
            return Ok(DBOutput::StatementComplete(prepared.execute_update().await? as u64));
        }
        let info = prepared.execute().await?;
        let (schema, batches) = fetched(client, info).await?;
        prepared.close().await?;
        Ok(rows(&schema, &batches)?)
    }
}

impl DB for Remote {
    type Error = Said;
    type ColumnType = Letter;

    fn run(&mut self, sql: &str) -> std::result::Result<DBOutput<Letter>, Said> {
        self.runtime.block_on(Self::ask(&mut self.client, sql)).map_err(|error| match error {
            FlightError::Tonic(status) => Said(plain(status.message())),
            error => Said(error.to_string()),
        })
    }

    /// What `skipif` of files calls it, which prepares statements by messages instead of words.
    fn engine_name(&self) -> &str {
        "flight-sql"
    }
}

/// The words of an error without the picture of where in the statement it is: what is wrong, and what to do.
fn plain(message: &str) -> String {
    let (wrong, rest) = message.split_once("\n -->").unwrap_or((message, ""));
    let help = rest.lines().filter_map(|line| line.trim().strip_prefix("= help: "));
    [wrong].into_iter().chain(help).collect::<Vec<_>>().join("; ")
}

/// What a server said was wrong.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Said(String);
