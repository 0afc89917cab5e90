//! Large results, limits, and runs that are stopped.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use super::{program, sql_in};

/// Would run for hours.
const ENDLESS: &str = "SELECT count(*) AS n FROM generate_series(1, 10000000) AS a(x) \
                       JOIN generate_series(1, 10000000) AS b(y) ON x * y % 7 = -1";

#[cfg(target_os = "linux")]
fn resident_kib(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn large_results_stream() {
    const ROWS: usize = 3_000_000;
    let directory = tempfile::tempdir().unwrap();
    for format in ["csv", "ndjson", "json", "markdown", "box"] {
        let text = format!("SELECT value, repeat('x', 20) AS s FROM generate_series(1, {ROWS})");
        let mut child = program(directory.path())
            .args(["sql", "--format", format, "-c", &text])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = 0;
        let mut resident = Vec::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            line.unwrap();
            lines += 1;
            if lines == ROWS / 10 || lines == ROWS - 100_000 {
                resident.push(resident_kib(child.id()));
            }
        }
        assert!(child.wait().unwrap().success());
        let beside_rows = match format {
            "csv" => 1,
            "markdown" => 3,
            "box" => 4,
            _ => 0,
        };
        assert_eq!(lines, ROWS + beside_rows, "{format}");
        let growth = resident[1].saturating_sub(resident[0]);
        assert!(growth < 50_000, "{format}: {growth} KiB more after {ROWS} rows");
    }
}

#[test]
fn a_reader_may_leave() {
    let directory = tempfile::tempdir().unwrap();
    for format in ["box", "csv", "json", "ndjson", "markdown", "parquet", "arrow"] {
        let text = "SELECT value, random() AS r FROM generate_series(1, 100000000)";
        let mut child = program(directory.path())
            .args(["sql", "--format", format, "-c", text])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{format}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{format}");
    }
}

#[test]
fn groups_spill_under_a_memory_limit() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let text = "SELECT count(*) AS groups, sum(n) AS n FROM (
                  SELECT value % 1000000 AS g, count(*) AS n, sum(value) AS s FROM generate_series(1, 2000000) GROUP BY 1)";
    let arguments =
        ["--format", "csv", "--threads", "2", "--memory-limit", "30MiB", "--spill-dir", "spill/here"];
    let run = sql_in(directory, arguments.into_iter().chain(["-c", text]));
    assert_eq!(run.ok(), "groups,n\n1000000,2000000\n");
    assert_eq!(fs::read_dir(directory.join("spill/here")).unwrap().count(), 0);

    let explained = format!("EXPLAIN ANALYZE {text}");
    let plan = sql_in(directory, arguments.into_iter().chain(["-c", &explained])).ok();
    let spilled = plan.split("spill_count=").skip(1).any(|rest| !rest.starts_with('0'));
    assert!(spilled, "{plan}");
}

#[test]
fn out_of_memory_names_the_option() {
    let directory = tempfile::tempdir().unwrap();
    let text = "SELECT array_length(array_agg(value)) FROM generate_series(1, 10000000)";
    let error = sql_in(directory.path(), ["--memory-limit", "10MB", "-c", text]).fails(1);
    assert!(error.contains("out of resources"), "{error}");
    assert!(error.contains("help: raise --memory-limit"), "{error}");
}

#[test]
fn threads_are_partitions() {
    let directory = tempfile::tempdir().unwrap();
    let text = "SHOW datafusion.execution.target_partitions";
    let run = sql_in(directory.path(), ["--format", "csv", "--threads", "3", "-c", text]);
    assert_eq!(run.ok(), "name,value\ndatafusion.execution.target_partitions,3\n");
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_the_query_and_removes_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    for threads in ["1", "2"] {
        let mut child = program(directory)
            .args(["sql", "--threads", threads, "-o", "out.csv", "-c", ENDLESS])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        wait_for_a_file(directory);
        // Long enough to be within the query.
        thread::sleep(Duration::from_millis(500));
        let start = Instant::now();
        let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        let code = child.wait().unwrap().code();
        assert_eq!(code, Some(130), "{threads} threads");
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        assert_eq!(fs::read_dir(directory).unwrap().count(), 0);
    }
}

#[cfg(unix)]
fn wait_for_a_file(directory: &Path) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while fs::read_dir(directory).unwrap().count() == 0 {
        assert!(Instant::now() < deadline, "the run did not start");
        thread::sleep(Duration::from_millis(10));
    }
}
