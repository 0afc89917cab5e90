//! What a person reads when a query is wrong.

use std::fs;

use super::{Run, program, query, sql, sql_in};

#[test]
fn a_name_that_is_not_there_is_underlined() {
    let text = "CREATE TABLE logs AS SELECT 1 AS reward;\nSELECT 'ä' AS a,\n\trewrd FROM logs";
    let expected = "\
error: column 'rewrd' not found
 --> -c:3:2
  |
3 | \trewrd FROM logs
  | \t^^^^^
  = help: did you mean logs.reward?
";
    assert_eq!(sql(["-c", text]).fails(1), expected);
}

#[test]
fn every_wrong_name_is_reported() {
    let error = sql(["-c", "SELECT a, b FROM (SELECT 1 AS treated) AS t"]).fails(1);
    assert!(error.contains("error: column 'a' not found\n --> -c:1:8\n"), "{error}");
    assert!(error.contains("error: column 'b' not found\n --> -c:1:11\n"), "{error}");
    assert!(error.contains("= note: the columns here are t.treated"), "{error}");
}

#[test]
fn syntax_errors_have_a_place() {
    let expected = "\
error: syntax error: expected: end of statement, found: cluster
 --> -c:2:11
  |
2 | SELECT y, cluster FROM t
  |           ^^^^^^^
";
    assert_eq!(sql(["-c", "SELECT 1;\nSELECT y, cluster FROM t"]).fails(1), expected);

    let error = sql(["-c", "SELECT 'abc"]).fails(1);
    assert!(error.contains("syntax error: unterminated string literal\n --> -c:1:8\n"), "{error}");
    let error = sql(["-c", "SELECT a\nFROM (  \n\n"]).fails(1);
    assert!(error.contains("found: EOF\n --> -c:2:7\n"), "{error}");
}

#[test]
fn files_are_named_with_the_line() {
    let directory = tempfile::tempdir().unwrap();
    let write = |text: &str| fs::write(directory.path().join("audit.sql"), text).unwrap();
    let fails = || sql_in(directory.path(), ["-f", "audit.sql"]).fails(1);

    write("SELECT 1;\n\n-- second; not a statement\nSELECT x\nFROM nowhere;\n");
    assert!(fails().contains("error: table 'nowhere' not found\n --> audit.sql:5:6\n"), "{}", fails());
    write("SELECT 1;\n\nSELECT 1 / x\nFROM (VALUES (0)) AS t(x)");
    assert!(fails().ends_with("error: Divide by zero error\n --> audit.sql:3\n"), "{}", fails());
    write("SELECT 1;\n\nSELEC 1");
    assert!(fails().contains(" --> audit.sql:3:1\n"), "{}", fails());
}

#[test]
fn missing_files_are_said_to_be_missing() {
    let error = sql(["-c", "SELECT * FROM 'logs/*.parquet'"]).fails(1);
    assert!(error.starts_with("error: table 'logs/*.parquet' not found\n --> -c:1:15\n"), "{error}");
    assert!(
        error.contains("^^^^^^^^^^^^^^^^\n  = help: there is no such file or folder; paths start in /"),
        "{error}"
    );
}

#[test]
fn files_of_unknown_kind_are_said_to_be_unknown() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("log.xml"), "<log/>").unwrap();
    let error = sql_in(directory.path(), ["-c", "SELECT * FROM 'log.xml'"]).fails(1);
    assert!(error.contains("cannot tell the format of log.xml in 'log.xml'; known extensions"), "{error}");
}

#[test]
fn one_message_and_no_noise() {
    for (text, expected) in [
        ("SELECT 1 / 0", "error: Divide by zero error\n"),
        ("SELECT 1 + 'a'", "error: Cannot coerce arithmetic expression Int64 + Utf8 to valid types\n"),
        ("SELECT power(1)", "error: function 'power' expects 2 arguments but received 1\n"),
        ("SELECT sum('a')", "error: no function matches sum(Utf8)\n"),
        ("SELECT * FROM generate_series(1, 2, 0)", "error: Step cannot be zero\n"),
        ("BEGIN", "error: not supported: Unsupported SQL statement: BEGIN\n"),
    ] {
        let error = query("csv", text).fails(1);
        assert!(error.starts_with(expected), "{error}");
        for noise in ["DataFusion", "Error during planning", "Execution error", "caused by", "backtrace"] {
            assert!(!error.contains(noise), "{error}");
        }
    }
}

#[test]
fn a_wrong_function_has_a_suggestion() {
    let error = sql(["-c", "SELECT abss(1)"]).fails(1);
    assert!(error.contains("^^^^\n  = help: did you mean 'abs'?"), "{error}");
}

#[test]
fn types_are_shown_with_their_code() {
    let error = sql(["-c", "SELECT l > x FROM (SELECT [1] AS l, 1 AS x) AS t"]).fails(1);
    assert!(error.contains("`x` has type Int64"), "{error}");
}

const LOG: &str = "CREATE TABLE log AS SELECT 'none' AS arm, 1 AS spend;";

#[test]
fn what_a_macro_refuses_is_underlined_where_it_was_given() {
    let text = "SELECT * FROM arm_effects(log,\n  outcome => arm, arm => arm, control => 'none')";
    let expected = "\
error: diff_in_means_state: outcome must be a number, got Utf8
 --> -c:2:14
  |
2 |   outcome => arm, arm => arm, control => 'none')
  |              ^^^
";
    assert_eq!(sql(["-c", LOG, "-c", text]).fails(1), expected);
}

#[test]
fn a_macro_of_a_directory_runs_and_points_at_its_caller() {
    let directory = tempfile::tempdir().unwrap();
    let text = "\
-- Effects of arms against none.
-- @column outcome the outcome
-- @column arm the arm
-- @example SELECT 1;
SELECT arm, estimate FROM arm_effects(input, outcome => outcome, arm => arm, control => 'none')";
    fs::write(directory.path().join("against_none.sql"), text).unwrap();
    let run = |call: &str| {
        let rows =
            "SELECT * FROM (VALUES ('none', 1), ('none', 2), ('mail', 4), ('mail', 6)) AS t(arm, spend)";
        let query = format!("SELECT * FROM against_none(({rows}),\n{call})");
        sql_in(directory.path(), ["--macros", ".", "--format", "csv", "-c", &query])
    };
    assert_eq!(run("outcome => spend, arm => arm").ok(), "arm,estimate\nmail,3.5\n");
    let error = run("outcome => arm, arm => arm").fails(1);
    assert!(error.contains("outcome must be a number, got Utf8\n --> -c:2:12\n"), "{error}");
}

#[test]
fn secrets_are_not_repeated() {
    let directory = tempfile::tempdir().unwrap();
    let text = "SELECT * FROM 'k9Qx/log.parquet?X-Amz-Signature=c0ffee'";
    let mut command = program(directory.path());
    command.env("AWS_SECRET_ACCESS_KEY", "k9Qx").args(["sql", "-c", text]);
    let error = Run::from(command.output().unwrap()).fails(1);
    assert!(error.contains("table '…/log.parquet?X-Amz-Signature=…' not found"), "{error}");
    assert!(!error.contains("k9Qx") && !error.contains("c0ffee"), "{error}");

    let text = "CREATE EXTERNAL TABLE t STORED AS NOTHING LOCATION 's3://b/' OPTIONS ('aws.secret_access_key' 'k9Qx')";
    let error = sql(["-c", text]).fails(1);
    assert!(!error.contains("k9Qx"), "{error}");
    let error = sql(["-c", &text.replace("STORED", "STOERD")]).fails(1);
    assert!(error.contains("'aws.secret_access_key' '…')"), "{error}");
}
