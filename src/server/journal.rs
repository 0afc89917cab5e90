//! What queries took: counted for Prometheus, and each in a line of the query log. Neither has SQL text or values of rows.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use datafusion::arrow::temporal_conversions::timestamp_ms_to_datetime;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use serde::Serialize;
use tonic::Code;
use twox_hash::XxHash3_64;

use super::ServeError;

/// Queries of all clients.
pub(super) struct Journal {
    registry: Registry,
    queries: Family<[(&'static str, String); 1], Counter>,
    seconds: Histogram,
    rows: Counter,
    bytes: Counter,
    unwritten: Counter,
    levels: [Gauge; LEVELS.len()],
    log: Option<Mutex<File>>,
}

/// What is high or low at a moment, in the order of [`Levels`].
const LEVELS: [(&str, &str); 6] = [
    ("queries_running", "Queries that run"),
    ("queries_waiting", "Queries that wait for their turn"),
    ("sessions", "Sessions of clients"),
    ("memory_reserved_bytes", "Memory that queries and tables of sessions hold"),
    ("memory_limit_bytes", "Memory that they may hold"),
    ("spilled_bytes", "Temporary files of queries"),
];

/// Values for [`LEVELS`].
pub(super) type Levels = [u64; LEVELS.len()];

/// One query, written down when it is dropped.
pub(super) struct Entry {
    journal: Arc<Journal>,
    user: String,
    query: u64,
    start: Instant,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    /// How it ended; one that nobody waited for to its end was cancelled.
    pub(super) code: Code,
    is_forgotten: bool,
}

/// A line of the query log.
#[derive(Serialize)]
struct Line<'a> {
    time: String,
    /// Hash of the text; the same text has the same.
    query: String,
    user: &'a str,
    rows: u64,
    bytes: u64,
    ms: f64,
    status: String,
}

impl Journal {
    /// # Errors
    ///
    /// When the log cannot be written.
    pub(super) fn new(log: Option<&Path>) -> Result<Self, ServeError> {
        let open = |path: &Path| {
            let file = OpenOptions::new().create(true).append(true).open(path);
            file.map(Mutex::new).map_err(|error| {
                ServeError::Usage(format!("query_log {} cannot be written: {error}", path.display()))
            })
        };
        let mut registry = Registry::with_prefix("causal");
        let queries = Family::default();
        registry.register("queries", "Queries by how they ended", queries.clone());
        let seconds = Histogram::new(exponential_buckets(0.001, 2.0, 20));
        registry.register_with_unit("query", "Time of a query", Unit::Seconds, seconds.clone());
        let mut counter = |name, help| {
            let counter = Counter::default();
            registry.register(name, help, counter.clone());
            counter
        };
        let rows = counter("rows_sent", "Rows that were sent");
        let bytes = counter("bytes_sent", "Bytes in memory of what was sent");
        let unwritten = counter("query_log_failures", "Lines that the query log could not take");
        let levels = LEVELS.map(|(name, help)| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        });
        let log = log.map(open).transpose()?;
        Ok(Self { registry, queries, seconds, rows, bytes, unwritten, levels, log })
    }

    /// Begins a query of a user.
    pub(super) fn open(self: &Arc<Self>, user: &str, sql: &str) -> Entry {
        Entry {
            journal: Arc::clone(self),
            user: user.to_string(),
            query: XxHash3_64::oneshot(sql.as_bytes()),
            start: Instant::now(),
            rows: 0,
            bytes: 0,
            code: Code::Cancelled,
            is_forgotten: false,
        }
    }

    /// Everything in the text format of Prometheus.
    pub(super) fn metrics(&self, levels: Levels) -> String {
        for (gauge, level) in self.levels.iter().zip(levels) {
            gauge.set(i64::try_from(level).unwrap_or(i64::MAX));
        }
        let mut text = String::new();
        // A string takes everything.
        let _ = encode(&mut text, &self.registry);
        text
    }

    fn close(&self, entry: &Entry) {
        let seconds = entry.start.elapsed().as_secs_f64();
        self.queries.get_or_create(&[("status", format!("{:?}", entry.code))]).inc();
        self.seconds.observe(seconds);
        self.rows.inc_by(entry.rows);
        self.bytes.inc_by(entry.bytes);
        let Some(log) = &self.log else { return };
        let line = Line {
            time: now(),
            query: format!("{:016x}", entry.query),
            user: &entry.user,
            rows: entry.rows,
            bytes: entry.bytes,
            ms: (seconds * 1e6).round() / 1e3,
            status: format!("{:?}", entry.code),
        };
        let written = serde_json::to_string(&line).map_err(std::io::Error::from).and_then(|line| {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            log.write_all(format!("{line}\n").as_bytes())
        });
        if written.is_err() {
            self.unwritten.inc();
        }
    }
}

impl Entry {
    /// Writes nothing down: there was no query, or another entry has it.
    pub(super) fn forget(mut self) {
        self.is_forgotten = true;
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if !self.is_forgotten {
            self.journal.close(self);
        }
    }
}

/// The time in ISO 8601, by UTC.
fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let time = i64::try_from(since.as_millis()).ok().and_then(timestamp_ms_to_datetime);
    time.map_or_else(String::new, |time| format!("{time:?}Z"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn queries_are_counted_and_written_down_without_their_text() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("queries.jsonl");
        let journal = Arc::new(Journal::new(Some(&path)).unwrap());
        let mut done = journal.open("ana", "SELECT secret");
        (done.rows, done.bytes, done.code) = (3, 24, Code::Ok);
        drop(done);
        drop(journal.open("bob", "SELECT secret"));
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((lines[0]["rows"].as_u64(), lines[0]["status"].as_str()), (Some(3), Some("Ok")));
        assert_eq!(
            (lines[1]["user"].as_str(), lines[1]["status"].as_str()),
            (Some("bob"), Some("Cancelled"))
        );
        assert_eq!(lines[0]["query"], lines[1]["query"]);
        assert!(lines[0]["time"].as_str().unwrap().starts_with("20") && !text.contains("secret"), "{text}");
        let metrics = journal.metrics([1, 2, 3, 4, 5, 6]);
        for line in [
            "causal_queries_total{status=\"Ok\"} 1",
            "causal_queries_total{status=\"Cancelled\"} 1",
            "causal_query_seconds_count 2",
            "causal_rows_sent_total 3",
            "causal_queries_running 1",
            "causal_spilled_bytes 6",
        ] {
            assert!(metrics.lines().any(|known| known == line), "{line}\n{metrics}");
        }
    }
}
