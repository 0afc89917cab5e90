//! What those who run the server see: health, metrics, the query log, its end.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::*;

const OPERATIONS: &str =
    "[operations]\nlisten = '127.0.0.1:0'\nquery_log = 'queries.jsonl'\ndrain_seconds = 5\n";

/// The status and body of a page over HTTP.
pub(super) fn page(serving: &Serving, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(serving.operations.as_ref().unwrap()).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_are_counted_and_logged() {
    let serving = Serving::start(OPERATIONS);
    let mut client = serving.client().await;
    assert_eq!(number(&mut client, "SELECT count(*) FROM range(10) WHERE 'private' <> ''").await, 10);
    assert!(refused(&mut client, "SELECT nowhere").await.contains("InvalidArgument"));
    assert!(refused(&mut client, "SELECT ips_policy_value(1, 0, 1)").await.contains("InvalidArgument"));
    // A query is written down when its stream ends, which its client may see a little earlier.
    let lines = [
        "causal_queries_total{status=\"Ok\"} 1",
        "causal_queries_total{status=\"InvalidArgument\"} 2",
        "causal_queries_running 0",
        "causal_sessions 1",
    ];
    let start = Instant::now();
    loop {
        let (status, metrics) = page(&serving, "/metrics");
        assert_eq!(status, 200);
        if lines.iter().all(|line| metrics.lines().any(|known| known == *line)) {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(5), "{metrics}");
    }
    assert_eq!(page(&serving, "/healthz"), (200, "healthy\n".into()));
    assert_eq!(page(&serving, "/readyz"), (200, "ready\n".into()));
    assert_eq!(page(&serving, "/other").0, 404);
    let log = fs::read_to_string(serving.directory.path().join("queries.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let statuses: Vec<_> = lines.iter().map(|line| line["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["Ok", "InvalidArgument", "InvalidArgument"]);
    assert!(lines[0]["rows"] == 1 && lines[0]["user"] == "ana" && lines[0]["ms"].as_f64().unwrap() > 0.0);
    assert!(!log.contains("private") && !log.contains("SELECT"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_ends_finishes_what_runs_and_takes_nothing_new() {
    let mut serving = Serving::start(OPERATIONS);
    let mut client = serving.client().await;
    let mut late = serving.client().await;
    // Longer than it takes to see the signal, shorter than queries may go on.
    let short = "SELECT count(*) FROM range(3000) a, range(10000) b WHERE a.value * b.value = -1";
    let info = client.execute(short.into(), None).await.unwrap();
    let running = tokio::spawn(async move { fetched(&mut client, info).await.map(|(_, rows)| rows) });
    tokio::time::sleep(Duration::from_millis(200)).await;
    serving.signal("TERM");
    let rows = running.await.unwrap().unwrap();
    assert_eq!(rows[0].column(0).as_primitive::<Int64Type>().value(0), 0);
    assert!(asked(&mut late, "SELECT 1").await.is_err(), "nothing new");
    assert!(serving.process.wait().unwrap().success());

    // One that takes longer than it has is ended.
    let mut serving = Serving::start(OPERATIONS);
    let mut client = serving.client().await;
    let slow = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.value * b.value = -1";
    let running = tokio::spawn(async move { asked(&mut client, slow).await.map(|_| ()) });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(page(&serving, "/readyz").0, 200);
    let start = Instant::now();
    serving.signal("TERM");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(page(&serving, "/readyz"), (503, "the server ends\n".into()));
    assert!(running.await.unwrap().is_err());
    assert!(serving.process.wait().unwrap().success());
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
}
