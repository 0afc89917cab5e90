//! `causal sql`: runs statements one after the other and prints their results.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::logical_expr::{LogicalPlan, Statement};
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser;
use futures::TryStreamExt;

use super::arguments::SqlArguments;
use super::engine::{Engine, Session};
use super::errors::CliError;
use super::output::{Format, PrintError, Sink};
use super::scripts::{LocatedStatement, Script};

pub(super) fn run(arguments: SqlArguments) -> Result<(), CliError> {
    let format = Format::choose(arguments.format, arguments.output.as_deref())?;
    let scripts = arguments.scripts.read()?;
    let scripts = scripts.into_iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    let mut engine = Engine::start(&arguments.engine)?;
    match arguments.output {
        None => {
            let sink = Sink::stdout(format)?;
            engine.run(|session| run_scripts(session, scripts, sink))?;
            Ok(())
        }
        Some(path) => {
            let (sink, file) = Sink::file(&path, format)?;
            let sink = engine.run(|session| run_scripts(session, scripts, sink))?;
            if sink.is_unused() {
                return Err(CliError::Failed(format!(
                    "no statement returned rows, so {} was not written",
                    path.display()
                )));
            }
            file.commit()
        }
    }
}

/// Runs `sql`, a single statement, and prints its result as a box.
pub(crate) async fn print_box(context: &SessionContext, sql: &str) -> Result<(), CliError> {
    let frame = context.sql(sql).await?;
    let mut sink = Sink::stdout(Format::Box)?;
    match sink.print(frame.execute_stream().await?).await {
        Ok(()) => Ok(()),
        Err(PrintError::Query(error)) => Err(error.into()),
        Err(PrintError::Output(error)) => Err(error),
    }
}

fn parse(script: Script) -> Result<(Script, Vec<LocatedStatement>), CliError> {
    match script.statements() {
        Ok(statements) => Ok((script, statements)),
        Err(error) => Err(CliError::in_script(&error, &script, None)),
    }
}

async fn run_scripts(
    session: Session,
    scripts: Vec<(Script, Vec<LocatedStatement>)>,
    mut sink: Sink,
) -> Result<Sink, CliError> {
    for (script, statements) in scripts {
        for LocatedStatement { statement, span } in statements {
            run_statement(&session, statement, &mut sink).await.map_err(|error| match error {
                PrintError::Query(error) => CliError::in_script(&error, &script, Some(span)),
                PrintError::Output(error) => error,
            })?;
        }
    }
    Ok(sink)
}

/// Plans and runs a statement and prints what it returns.
pub(super) async fn run_statement(
    session: &Session,
    statement: parser::Statement,
    sink: &mut Sink,
) -> Result<(), PrintError> {
    sink.start_progress();
    let outcome = run_in_view(session, statement, sink).await;
    sink.end_progress();
    outcome
}

async fn run_in_view(
    session: &Session,
    statement: parser::Statement,
    sink: &mut Sink,
) -> Result<(), PrintError> {
    let plan = session.plan(statement).await?;
    let returns = Returns::of(&plan);
    let frame = session.context.execute_logical_plan(plan).await?;
    let prints = match returns {
        Returns::Nothing => false,
        Returns::Count => sink.shows_counts(),
        Returns::Rows => true,
    };
    if prints {
        sink.accept(frame.schema().as_arrow())?;
    }
    let task = Arc::new(frame.task_ctx());
    let plan = frame.create_physical_plan().await?;
    sink.watch(&plan);
    let stream = execute_stream(plan, task)?;
    match prints {
        true => sink.print(stream).await,
        false => Ok(stream.try_for_each(|_| async { Ok(()) }).await?),
    }
}

/// What comes back when a statement runs.
enum Returns {
    Nothing,
    Count,
    Rows,
}

impl Returns {
    fn of(plan: &LogicalPlan) -> Self {
        match plan {
            LogicalPlan::Statement(Statement::Execute(_)) => Self::Rows,
            LogicalPlan::Ddl(_) | LogicalPlan::Statement(_) => Self::Nothing,
            LogicalPlan::Dml(_) | LogicalPlan::Copy(_) => Self::Count,
            _ => Self::Rows,
        }
    }
}
