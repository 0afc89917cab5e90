//! What the documents show is what runs: the README's SQL on a demo, the examples as programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const README: &str = include_str!("../../README.md");

fn causal(arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_causal")).args(arguments).output().unwrap();
    assert!(output.status.success(), "causal {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// The blocks of a language in the README.
fn blocks(language: &str) -> Vec<&'static str> {
    let start = format!("```{language}\n");
    README.split(start.as_str()).skip(1).map(|rest| rest.split("\n```").next().unwrap()).collect()
}

#[test]
fn the_sql_of_the_readme_runs_on_a_demo() {
    let directory = tempfile::tempdir().unwrap();
    let demo = directory.path().join("causal-demo");
    let demo = demo.to_str().unwrap();
    causal(&["demo", demo, "--users", "3000"]);

    let queries = blocks("sql");
    assert_eq!(queries.len(), 8);
    for query in queries {
        let query = query.replace("'causal-demo/", &format!("'{demo}/"));
        let output = causal(&["sql", "-c", &query, "--format", "ndjson"]);
        let rows = String::from_utf8(output.stdout).unwrap();
        assert!(!rows.is_empty(), "{query}");
        for row in rows.lines().filter(|line| !line.is_empty()) {
            assert!(!has_null(&serde_json::from_str(row).unwrap()), "{query}\n{row}");
        }
    }
    // The tour it leaves runs as the README says.
    causal(&["sql", "-f", &format!("{demo}/tour.sql")]);
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.iter().any(has_null),
        Value::Object(fields) => fields.values().any(has_null),
        _ => false,
    }
}

#[test]
fn the_commands_of_the_readme_are_these() {
    assert_eq!(blocks("sh"), ["cargo run --release -- demo", "cargo test"]);
}

/// The folder of the examples that `cargo test` built beside this test.
fn examples() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(2).unwrap().join("examples")
}

#[test]
fn the_examples_run() {
    let sources = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")).unwrap();
    let mut count = 0;
    for source in sources {
        let name = source.unwrap().path().file_stem().unwrap().to_owned();
        let program = examples().join(&name).with_extension(std::env::consts::EXE_EXTENSION);
        let output = Command::new(&program).output().unwrap_or_else(|error| panic!("{program:?}: {error}"));
        let shown = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && shown.lines().count() >= 5, "{name:?}: {shown}");
        count += 1;
    }
    assert_eq!(count, 2);
}
