//! The queries of `sql/queries` on a campaign: each says what it asks and how to read it, and has an answer.

use std::fs;

use super::contract_tests::with_campaign;
use super::tour::learn;

#[test]
fn every_query_has_an_answer() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/sql/queries");
    let mut queries: Vec<(String, String)> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(path).unwrap())
        })
        // The tables that the others read.
        .filter(|(name, _)| name != "demo_tables.sql" && name != "demo_models.sql")
        .collect();
    queries.sort();
    assert!(queries.len() > 20, "{}", queries.len());
    with_campaign(5_000, 3, |context| async move {
        learn(&context).await.unwrap();
        for (name, text) in queries {
            let comment: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("-- ")).collect();
            let question = comment.iter().take_while(|line| !line.starts_with("Input: "));
            let question = question.copied().collect::<Vec<_>>().join(" ");
            assert!(question.ends_with('?'), "{name} opens with its question, got {question}");
            assert!(comment.iter().any(|line| line.starts_with("Input: ")), "{name} says what it reads");
            assert!(comment.iter().any(|line| line.starts_with("Reading: ")), "{name} says how to read it");
            let answer = context.sql(&text).await.unwrap_or_else(|error| panic!("{name}: {error}"));
            let answer = answer.collect().await.unwrap_or_else(|error| panic!("{name}: {error}"));
            let rows: usize = answer.iter().map(|batch| batch.num_rows()).sum();
            assert!(rows > 0, "{name} has an answer");
        }
        Ok(())
    });
}
