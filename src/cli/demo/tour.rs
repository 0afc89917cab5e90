//! The tour: questions about the campaign, each asked in SQL.

use std::{
    fs,
    io::{self, ErrorKind, Write},
    path::Path,
};

use datafusion::prelude::SessionContext;
use twox_hash::XxHash3_64;

use super::files::{failed, replace_text};
use super::tell;
use crate::cli::{errors::CliError, sql::print_box};

/// The views that the queries read.
const TABLES: &str = include_str!("../../../sql/queries/demo_tables.sql");

/// The first queries, in the order of the tour: identify and validate what was logged.
const OF_THE_LOG: [&str; 13] = [
    include_str!("../../../sql/queries/demo_log_contract.sql"),
    include_str!("../../../sql/queries/demo_offers.sql"),
    include_str!("../../../sql/queries/demo_randomisation.sql"),
    include_str!("../../../sql/queries/demo_balance.sql"),
    include_str!("../../../sql/queries/demo_propensities.sql"),
    include_str!("../../../sql/queries/demo_loyalty_effect.sql"),
    include_str!("../../../sql/queries/demo_offer_effects.sql"),
    include_str!("../../../sql/queries/demo_lifecycle_effects.sql"),
    include_str!("../../../sql/queries/demo_ranking.sql"),
    include_str!("../../../sql/queries/demo_policy_support.sql"),
    include_str!("../../../sql/queries/demo_policy_values.sql"),
    include_str!("../../../sql/queries/demo_policy_lifts.sql"),
    include_str!("../../../sql/queries/demo_ope_report.sql"),
];

/// What is learned from the log.
const MODELS: &str = include_str!("../../../sql/queries/demo_models.sql");

/// The queries about what was learned: decide by it, and validate what was decided.
const OF_THE_MODELS: [&str; 6] = [
    include_str!("../../../sql/queries/demo_effects.sql"),
    include_str!("../../../sql/queries/demo_uplift_report.sql"),
    include_str!("../../../sql/queries/demo_pruning.sql"),
    include_str!("../../../sql/queries/demo_plan.sql"),
    include_str!("../../../sql/queries/demo_plan_summary.sql"),
    include_str!("../../../sql/queries/demo_plan_value.sql"),
];

/// The directory that the files of `sql/queries` read.
const TEMPLATE_DIRECTORY: &str = "'causal-demo/";

/// The SQL of a tour of the demo in one directory.
pub(super) struct Tour {
    tables: String,
}

impl Tour {
    /// Makes the tour of the demo in `directory`, named as the queries shall name it.
    pub(super) fn of(directory: &Path) -> Result<Self, CliError> {
        let Some(directory) = directory.to_str() else {
            let shown = directory.display();
            return Err(CliError::Usage(format!("demo: directory must be UTF-8, got {shown}")));
        };
        let quoted = format!("'{}/", directory.trim_end_matches('/').replace('\'', "''"));
        Ok(Self { tables: TABLES.replace(TEMPLATE_DIRECTORY, &quoted) })
    }

    /// Writes the SQL to `path`, unless an edited tour is there. Returns whether it was written.
    pub(super) fn leave_at(&self, path: &Path) -> Result<bool, CliError> {
        if path.exists() {
            let old = fs::read_to_string(path).map_err(|error| failed("read", path, error))?;
            let unedited = old.split_once('\n').is_some_and(|(first, text)| first == seal(text));
            if !unedited {
                return Ok(false);
            }
        }
        let text = self.text();
        replace_text(path, &format!("{}\n{text}", seal(&text)))?;
        Ok(true)
    }

    /// Asks the questions one by one and prints each with its answer.
    pub(super) async fn take(&self, context: &SessionContext) -> Result<(), CliError> {
        self.create_views(context).await?;
        ask(context, 1, &OF_THE_LOG).await?;
        tell("training a model of each offer's effects and of each action's outcomes");
        learn(context).await?;
        ask(context, OF_THE_LOG.len() + 1, &OF_THE_MODELS).await
    }

    /// Creates the views that the questions are about.
    pub(super) async fn create_views(&self, context: &SessionContext) -> Result<(), CliError> {
        create(context, &self.tables).await
    }

    fn text(&self) -> String {
        let mut text = self.tables.clone();
        let mut number = 0;
        let mut add = |stops: &[&str], text: &mut String| {
            for stop in stops {
                number += 1;
                text.push_str(&format!("\n-- {number}. {}", stop.trim_start_matches("-- ")));
            }
        };
        add(&OF_THE_LOG, &mut text);
        text.push_str(&format!("\n{MODELS}"));
        add(&OF_THE_MODELS, &mut text);
        text
    }
}

/// Creates the tables that are learned from the views.
pub(super) async fn learn(context: &SessionContext) -> Result<(), CliError> {
    create(context, MODELS).await
}

async fn create(context: &SessionContext, statements: &str) -> Result<(), CliError> {
    for statement in statements.trim_end().split_inclusive(";\n") {
        context.sql(statement).await?.collect().await?;
    }
    Ok(())
}

async fn ask(context: &SessionContext, first: usize, stops: &[&str]) -> Result<(), CliError> {
    for (number, stop) in (first..).zip(stops) {
        let (question, reading) = heading(stop);
        print(&format!("{number}. {question}\n"))?;
        print_box(context, stop).await?;
        print(&format!("{reading}\n\n"))?;
    }
    Ok(())
}

fn print(text: &str) -> Result<(), CliError> {
    io::stdout().write_all(text.as_bytes()).map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => CliError::ClosedPipe,
        _ => CliError::Failed(format!("cannot write to standard output: {error}")),
    })
}

/// Returns the question and how to read the answer, from the comment that opens a query.
fn heading(query: &str) -> (String, String) {
    let comment: Vec<_> = query.lines().map_while(|line| line.strip_prefix("-- ")).collect();
    let starts =
        |word: &str| (comment.iter().position(|line| line.starts_with(word))).unwrap_or(comment.len());
    let question = comment[..starts("Input:")].join("\n");
    let reading = comment[starts("Reading:")..].join("\n");
    (question, reading)
}

/// The first line of a tour as written, by which an edited one is told from it.
fn seal(text: &str) -> String {
    let digest = XxHash3_64::oneshot(text.as_bytes());
    format!(
        "-- Written by causal demo ({digest:016x}). Edit it and run it with causal sql -f: an edited tour is kept."
    )
}
