//! What the way through `causal serve` adds to small queries: the same ones in this process and over a connection.

use std::hint::black_box;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use arrow_flight::sql::client::FlightSqlServiceClient;
use criterion::Criterion;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::TryStreamExt;
use tokio::runtime::Runtime;
use tonic::transport::{Channel, Endpoint};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A table of a thousand rows.
const TABLE: &str = "CREATE TABLE decisions AS
    SELECT value AS id, value % 4 AS segment, value % 2 AS treated, 0.5 AS propensity, value % 10 AS reward FROM range(1000)";

const QUERIES: [(&str, &str); 3] = [
    ("one", "SELECT 1"),
    ("effects", "SELECT segment, diff_in_means(reward, treated) AS effect FROM decisions GROUP BY segment"),
    ("rows", "SELECT id, reward FROM decisions WHERE segment = 2 ORDER BY id LIMIT 100"),
];

/// A server that ends with the bench.
struct Serving {
    process: Child,
    address: String,
}

impl Serving {
    fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_causal"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        let stderr = process.stderr.take().expect("stderr is a pipe");
        BufReader::new(stderr).read_line(&mut line).expect("the server says where it listens");
        let address = line.trim().trim_start_matches("listening on ");
        Self { process, address: format!("http://{address}") }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn fetched(client: &mut FlightSqlServiceClient<Channel>, sql: &str) -> Vec<RecordBatch> {
    let info = client.execute(sql.to_string(), None).await.expect("the query is planned");
    let ticket = info.endpoint[0].ticket.clone().expect("an endpoint has a ticket");
    let rows = client.do_get(ticket).await.expect("the query runs");
    rows.try_collect().await.expect("the rows come")
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let runtime = Runtime::new().expect("threads can be started");
    let context =
        SessionContext::new_with_state(datafusion_causal::session::builder(SessionConfig::new()).build());
    let embedded = |sql: &'static str| {
        let context = context.clone();
        async move { context.sql(sql).await?.collect().await }
    };
    runtime.block_on(embedded(TABLE)).expect("the table is made");
    let serving = Serving::start();
    let mut client = runtime.block_on(async {
        let endpoint = Endpoint::new(serving.address.clone()).expect("the address is one");
        let mut client = FlightSqlServiceClient::new(endpoint.connect().await.expect("the server answers"));
        client.handshake("bench", "").await.expect("the server lets everybody in");
        fetched(&mut client, TABLE).await;
        client
    });
    for (name, sql) in QUERIES {
        let mut group = criterion.benchmark_group(format!("serving/{name}"));
        group.bench_function("embedded", |bencher| {
            bencher.iter(|| black_box(runtime.block_on(embedded(sql)).expect("the query runs")));
        });
        group.bench_function("served", |bencher| {
            bencher.iter(|| black_box(runtime.block_on(fetched(&mut client, sql))));
        });
        group.finish();
    }
    criterion.final_summary();
}
