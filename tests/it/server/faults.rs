//! What goes wrong outside the server: clients that die, send nonsense or too much.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::{Any, ProstMessageExt, TicketStatementQuery};
use arrow_flight::{Action, FlightDescriptor, Ticket};
use prost::Message;

use super::*;
use crate::cli::stores;
use crate::s3::{Fault, KEY, SECRET};

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_is_refused_and_the_server_goes_on() {
    let serving = Serving::start(LOG);
    let mut client = serving.client().await;
    let info = client.execute("SELECT 1".into(), None).await.unwrap();
    let ticket = info.endpoint[0].ticket.clone().unwrap().ticket;
    let endpoint = Endpoint::new(format!("http://{}", serving.address)).unwrap();
    let mut raw = FlightServiceClient::new(endpoint.connect().await.unwrap());
    let mut dice = Dice(7);
    for round in 0..600 {
        let mut bytes = ticket.to_vec();
        for _ in 0..1 + dice.roll(4) {
            let at = dice.roll(bytes.len());
            match dice.roll(4) {
                0 => bytes[at] = dice.roll(256) as u8,
                1 => bytes.truncate(at.max(1)),
                2 => bytes.insert(at, dice.roll(256) as u8),
                _ => bytes[at] ^= 1 << dice.roll(8),
            }
        }
        // Only the very ticket has rows, and it is another session's.
        match round % 3 {
            0 => assert!(raw.do_get(Ticket::new(bytes)).await.is_err()),
            1 => assert!(raw.get_flight_info(FlightDescriptor::new_cmd(bytes)).await.is_err()),
            _ => {
                let names =
                    ["CreatePreparedStatement", "CancelFlightInfo", "SetSessionOptions", "CancelQuery"];
                let answer = raw.do_action(Action::new(names[dice.roll(4)], bytes)).await;
                if let Ok(answer) = answer {
                    let _ = answer.into_inner().message().await;
                }
            }
        }
    }
    for handle in ["", "x", &"a".repeat(100_000)] {
        let ticket = TicketStatementQuery { statement_handle: handle.to_string().into() };
        let error = raw.do_get(Ticket::new(ticket.as_any().encode_to_vec())).await.unwrap_err();
        assert_eq!(error.code(), tonic::Code::NotFound);
    }
    let unknown = Any { type_url: "type.googleapis.com/nothing".into(), value: vec![1].into() };
    assert!(raw.do_get(Ticket::new(unknown.encode_to_vec())).await.is_err());
    assert_eq!(number(&mut client, "SELECT 1").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_no_clients_are_closed_or_wait_alone() {
    let serving = Serving::start(LOG);
    let mut open = vec![];
    for bytes in [&b""[..], b"GET / HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &[0xff; 100_000]]
    {
        let mut stream = TcpStream::connect(&serving.address).unwrap();
        let _ = stream.write_all(bytes);
        open.push(stream);
    }
    let mut client = serving.client().await;
    assert_eq!(number(&mut client, "SELECT 1").await, 1);
    // What is no HTTP/2 was closed.
    open[1].set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let closed = open[1].read_to_end(&mut vec![]);
    let is_open =
        closed.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
    assert!(!is_open, "a client of HTTP/1 is kept waiting");

    let mut client = serving.stranger().await;
    client.set_header("x-large", "a".repeat(200_000));
    assert!(asked(&mut client, "SELECT 1").await.is_err(), "headers beyond 64 KiB");
    let mut client = serving.stranger().await;
    client.set_header("x-large", "a".repeat(40_000));
    assert_eq!(number(&mut client, "SELECT 1").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_dies_leaves_nothing_behind() {
    let serving = Serving::start("[limits]\nqueries = 2\nqueue = 0\n[operations]\nlisten = '127.0.0.1:0'\n");
    // A session with a table, in the middle of a result.
    for _ in 0..5 {
        let mut client = serving.stranger().await;
        asked(&mut client, "CREATE TABLE mine AS SELECT value FROM range(1000000)").await.unwrap();
        let info =
            client.execute("SELECT value, 'x' || value AS x FROM range(5000000)".into(), None).await.unwrap();
        let mut rows = client.do_get(info.endpoint[0].ticket.clone().unwrap()).await.unwrap();
        rows.try_next().await.unwrap().unwrap();
    }
    let start = Instant::now();
    loop {
        let metrics = operations::page(&serving, "/metrics").1;
        let is_empty = ["causal_queries_running 0", "causal_memory_reserved_bytes 0", "causal_sessions 0"]
            .iter()
            .all(|line| metrics.lines().any(|known| known == *line));
        if is_empty {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(5), "{metrics}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_fails_the_query_alone_and_no_file_stays() {
    let temporary = tempfile::tempdir().unwrap();
    let config = "[limits]\nquery_memory = 60000000\nspill = 3000000\n[operations]\nlisten = '127.0.0.1:0'\n";
    let serving = Serving::start_with(tempfile::tempdir().unwrap(), config, &[("TMPDIR", temporary.path())]);
    let mut client = serving.client().await;
    let sort = "SELECT value, 'text ' || value AS x FROM range(6000000) ORDER BY x DESC";
    let error = refused(&mut client, sort).await;
    assert!(error.contains("ResourceExhausted") && error.contains("limit spill"), "{error}");
    assert_eq!(number(&mut client, "SELECT count(*) FROM range(10)").await, 10);
    let left = |path: &Path| -> usize {
        let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        entries.map(|path| if path.is_dir() { fs::read_dir(path).unwrap().count() } else { 1 }).sum()
    };
    let start = Instant::now();
    while left(temporary.path()) > 0
        || !operations::page(&serving, "/metrics").1.contains("causal_spilled_bytes 0")
    {
        assert!(start.elapsed() < Duration::from_secs(5), "{} temporary files", left(temporary.path()));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_fails_the_query_alone() {
    let store = tokio::task::spawn_blocking(stores::sales).await.unwrap();
    let config = format!(
        "[stores]\nretries = 2\ntimeout_seconds = 5\n[operations]\nlisten = '127.0.0.1:0'\n[tables]\nsmall = '{}'\n",
        store.bucket().join("sales/day=1/").display()
    );
    let init = format!(
        "init = \"CREATE EXTERNAL TABLE sales STORED AS PARQUET PARTITIONED BY (day) LOCATION 's3://logs/sales/' OPTIONS \
         ('aws.access_key_id' '{KEY}', 'aws.secret_access_key' '{SECRET}', 'aws.endpoint' '{}', 'aws.region' 'x', 'aws.allow_http' 'true')\"\n",
        store.endpoint()
    );
    let serving = Serving::start(&format!("{init}{config}"));
    let mut client = serving.client().await;
    let sum = "SELECT sum(id) FROM sales";
    assert_eq!(number(&mut client, sum).await, 2_800_060_000);
    store.misbehave(|request| if request.reads("day=2") { Fault::Cut } else { Fault::None });
    let error = refused(&mut client, sum).await;
    assert!(error.contains("Unavailable") && error.contains("stopped half-way"), "{error}");
    assert!(!error.contains(SECRET), "{error}");
    assert_eq!(number(&mut client, "SELECT count(*) FROM small").await, 20_000);
    store.misbehave(|_| Fault::None);
    assert_eq!(number(&mut client, sum).await, 2_800_060_000);
    // Whoever looks for it finds no key.
    for sql in ["SHOW CREATE TABLE sales", "SELECT * FROM information_schema.tables", "SHOW ALL"] {
        let text = shown(&mut client, sql).await;
        assert!(!text.contains(SECRET) && !text.contains(KEY), "{sql}\n{text}");
    }
    let metrics = operations::page(&serving, "/metrics").1;
    assert!(metrics.contains("causal_memory_reserved_bytes 0"), "{metrics}");
    // It has a runtime, which cannot end inside another.
    tokio::task::spawn_blocking(|| drop(store)).await.unwrap();
}
