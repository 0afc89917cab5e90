//! The functions as a whole: every name documented, tested and in the reference.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use datafusion::arrow::array::AsArray;
use datafusion::execution::FunctionRegistry;
use datafusion::prelude::{SessionConfig, SessionContext};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

fn context() -> SessionContext {
    SessionContext::new_with_state(datafusion_causal::session::builder(SessionConfig::new()).build())
}

/// The names this crate adds to the engine's.
fn names() -> BTreeSet<String> {
    let engine = SessionContext::new().state();
    let ours = context().state();
    let added = |ours: Vec<&String>, engine: Vec<&String>| -> Vec<String> {
        ours.into_iter().filter(|name| !engine.contains(name)).cloned().collect()
    };
    let mut names =
        added(ours.aggregate_functions().keys().collect(), engine.aggregate_functions().keys().collect());
    names.extend(added(ours.scalar_functions().keys().collect(), engine.scalar_functions().keys().collect()));
    // The voice of macros, not a function of the catalogue.
    names.retain(|name| name != "raise_error");
    names.into_iter().collect()
}

/// `dr_policy_value` of `dr_policy_value_merge_ci`: what a reference entry and an slt file are named after.
fn stem(name: &str) -> &str {
    let suffixes = ["_merge_ci", "_merge", "_state", "_ci"];
    suffixes.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name)
}

#[test]
fn both_doors_register_the_same() {
    let context = SessionContext::new();
    datafusion_causal::register(&context).unwrap();
    let mut state = SessionContext::new().state();
    datafusion_causal::register_functions(&mut state).unwrap();
    for name in names() {
        assert!(context.udafs().contains(&name) || context.udfs().contains(&name), "{name} by register");
        assert!(
            state.udafs().contains(&name) || state.udfs().contains(&name),
            "{name} by register_functions"
        );
    }
}

#[tokio::test]
async fn every_function_is_listed_with_its_documentation() {
    let context = context();
    for name in names() {
        let routines = format!(
            "SELECT description, syntax_example FROM information_schema.routines WHERE routine_name = '{name}'"
        );
        let batches = context.sql(&routines).await.unwrap().collect().await.unwrap();
        let rows: usize = batches.iter().map(|batch| batch.num_rows()).sum();
        assert!(rows >= 1, "{name} is not in information_schema.routines");
        let text = |column: usize| batches[0].column(column).as_string::<i32>().value(0).to_string();
        assert!(text(0).len() > 40 && text(0).contains("Returns"), "{name}: {}", text(0));
        assert!(text(1).starts_with(&format!("{name}(")), "{name}: {}", text(1));

        let shown = context.sql(&format!("SHOW FUNCTIONS LIKE '{name}'")).await.unwrap();
        assert!(shown.count().await.unwrap() >= 1, "{name} is not in SHOW FUNCTIONS");
    }
}

#[test]
fn every_function_has_a_contract() {
    let contracts = root().join("tests/slt");
    let missing: Vec<_> = names()
        .iter()
        .map(|name| stem(name).to_string())
        .filter(|stem| {
            let file = |name: &str| contracts.join(format!("{name}.slt")).exists();
            !file(stem) && !file(&format!("{stem}_ci"))
        })
        .collect();
    assert!(missing.is_empty(), "no file in tests/slt for {missing:?}");
}

#[test]
fn the_reference_is_current() {
    let path = root().join("docs/functions.md");
    let reference = datafusion_causal::reference();
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        fs::write(&path, &reference).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == reference, "docs/functions.md is out of date: run UPDATE_REFERENCE=1 cargo test");
    for name in names() {
        assert!(reference.contains(&format!("## {}\n", stem(&name))), "{name} has no entry");
    }
}

#[tokio::test]
async fn every_example_of_the_reference_runs() {
    let context = context();
    let reference = datafusion_causal::reference();
    let examples: Vec<_> =
        reference.split("```sql\n").skip(1).filter_map(|rest| rest.split("\n```").next()).collect();
    assert!(examples.len() >= 20, "{} examples", examples.len());
    for example in examples {
        let rows = context.sql(example).await.unwrap_or_else(|error| panic!("{example}\n{error}"));
        let batches = rows.collect().await.unwrap_or_else(|error| panic!("{example}\n{error}"));
        let cells = batches.iter().flat_map(|batch| batch.columns().to_vec());
        for cell in cells {
            assert!(!cell.is_empty() && cell.null_count() == 0, "{example}\nhas an empty result");
        }
    }
}
