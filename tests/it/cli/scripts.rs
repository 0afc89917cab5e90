//! Where SQL comes from, in which order it runs, and what each kind of statement prints.

use std::fs;
use std::fs::File;

use super::{piped, program, query, sql, sql_in};

#[test]
fn commands_and_files_run_in_the_order_given() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a.sql"), "SELECT 2 AS x").unwrap();
    fs::write(directory.path().join("b.sql"), "\u{feff}SELECT 4 AS x;").unwrap();
    let arguments =
        ["--format", "csv", "-c", "SELECT 1 AS x", "-f", "a.sql", "-c", "SELECT 3 AS x;", "-f", "b.sql"];
    assert_eq!(sql_in(directory.path(), arguments).ok(), "x\n1\nx\n2\nx\n3\nx\n4\n");
}

#[test]
fn sql_comes_from_standard_input_otherwise() {
    assert_eq!(piped("SELECT 1 AS x;;\nSELECT 2 AS x", &["--format", "csv"]).ok(), "x\n1\nx\n2\n");
    assert_eq!(piped("SELECT 1 AS x", &["--format", "csv", "-f", "-"]).ok(), "x\n1\n");
    assert_eq!(piped(" -- nothing\n;", &[]).ok(), "");
}

/// The controlling side of a pseudo-terminal is a terminal too.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_is_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let terminal = File::options().read(true).write(true).open("/dev/ptmx").unwrap();
    let run = program(directory.path()).arg("sql").stdin(terminal).output().unwrap();
    let error = super::Run::from(run).fails(2);
    assert!(error.contains("use -c SQL or -f FILE"), "{error}");
}

#[test]
fn wrong_arguments_are_wrong_usage() {
    for (arguments, message) in [
        (["--threads", "0"], "0 is not in 1..=1024"),
        (["--threads", "many"], "invalid digit"),
        (["--memory-limit", "2 parsecs"], "unknown unit 'parsecs'"),
        (["--memory-limit", "0"], "at least one byte"),
        (["--format", "xml"], "possible values: box, expanded, csv, json"),
        (["-f", "missing.sql"], "cannot read missing.sql"),
        (["--spill-dir", "/dev/null/x"], "--spill-dir /dev/null/x"),
        (["-o", "result.xml"], "cannot tell the format of result.xml"),
        (["-o", "no/such/folder.csv"], "cannot write no/such/folder.csv"),
    ] {
        let run = sql(arguments.into_iter().chain(["-c", "SELECT 1"]));
        assert_eq!(run.stdout, "");
        let error = run.fails(2);
        assert!(error.contains(message), "{arguments:?}: {error}");
    }
}

#[test]
fn the_first_error_ends_the_run() {
    let run = query("csv", "SELECT 1 AS x; SELECT 1 / 0 AS y; SELECT 2 AS z");
    assert_eq!(run.stdout, "x\n1\n");
    run.fails(1);
}

#[test]
fn nothing_runs_when_some_text_does_not_parse() {
    let run = sql(["-c", "SELECT 1", "-c", "SELEC 2"]);
    assert_eq!(run.stdout, "");
    run.fails(1);
}

#[test]
fn statements_without_rows_print_nothing() {
    let text = "CREATE TABLE t (x INT); CREATE VIEW v AS SELECT x + 1 AS y FROM t; \
                SET datafusion.execution.batch_size = 100; RESET datafusion.execution.batch_size; \
                PREPARE p AS SELECT y FROM v; DROP TABLE IF EXISTS u";
    let run = sql(["-c", text]);
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (Some(0), "", ""));
}

#[test]
fn counts_are_for_people() {
    let text = "CREATE TABLE t (x INT); INSERT INTO t VALUES (1), (2); COPY t TO 't.parquet'";
    assert_eq!(query("csv", text).ok(), "");
    assert_eq!(query("json", text).ok(), "");
    let boxes = query("box", text).ok();
    assert_eq!(boxes.matches("│ count │").count(), 2, "{boxes}");
}

#[test]
fn a_prepared_statement_prints_its_rows() {
    let text = "PREPARE p(INT) AS SELECT $1 + 1 AS x; EXECUTE p(41)";
    assert_eq!(query("csv", text).ok(), "x\n42\n");
}
