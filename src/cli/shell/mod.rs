//! `causal` without a command: SQL as it is typed.
//!
//! Results go to standard output; everything else that the shell says, to standard error.

mod commands;
mod completion;
mod editing;
mod functions;
mod highlighting;
mod history;
mod input;

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

use datafusion::arrow::array::RecordBatch;
use rustyline::error::ReadlineError;

use super::arguments::{ShellArguments, SqlArguments};
use super::engine::{Engine, Session};
use super::errors::CliError;
use super::output::{Format, PendingFile, PrintError, Screen, Sink};
use super::scripts::{LocatedStatement, Origin, Script, Scripts};
use super::sql::{self, run_statement};
use commands::{COMMANDS, Command};
use completion::Catalog;
use editing::{LineEditor, Names, quoted};
use input::{Piece, pieces};

const PROMPT: &str = "causal> ";
/// Rows of a result to show until someone asks for another number.
const ROWS: usize = 100;
/// Columns of text that are easy to read.
const PAGE: usize = 100;
/// How deep files may run each other.
const DEPTH: usize = 16;

/// Runs the shell, or SQL from standard input when that is no terminal.
pub(super) fn run(arguments: ShellArguments) -> Result<(), CliError> {
    if !io::stdin().is_terminal() {
        let scripts = Scripts::default();
        return sql::run(SqlArguments { scripts, format: None, output: None, engine: arguments.engine });
    }
    let mut shell = Shell::new(Engine::start(&arguments.engine)?);
    if !arguments.no_init {
        shell.initialise();
    }
    shell.interact()
}

struct Shell {
    engine: Engine,
    names: Rc<Names>,
    format: Format,
    is_expanded: bool,
    screen: Screen,
    shows_time: bool,
    file: Option<OpenFile>,
    /// How many files are running each other.
    depth: usize,
}

/// A file that results go to.
struct OpenFile {
    path: PathBuf,
    sink: Sink,
    pending: PendingFile,
}

/// Whether the shell goes on.
#[derive(Debug, PartialEq)]
enum Flow {
    Continue,
    Quit,
}

impl Shell {
    fn new(engine: Engine) -> Self {
        let names = Names::new(engine.session().clone(), engine.handle().clone());
        Self {
            engine,
            names: Rc::new(names),
            format: Format::Box,
            is_expanded: false,
            screen: Screen { rows: Some(ROWS), columns: None },
            shows_time: false,
            file: None,
            depth: 0,
        }
    }

    /// Runs the user's own first statements.
    fn initialise(&mut self) {
        let file = history::user_folder("XDG_CONFIG_HOME", ".config").map(|folder| folder.join("init.sql"));
        if let Some(file) = file.filter(|file| file.exists())
            && let Err(error) = self.include(&file)
        {
            report(&error);
        }
    }

    fn interact(&mut self) -> Result<(), CliError> {
        let no_terminal =
            |error: ReadlineError| CliError::Failed(format!("cannot read from the terminal: {error}"));
        let mut editor = editing::editor(self.names.clone()).map_err(no_terminal)?;
        let file = open_history(&mut editor);
        note(&format!(
            "causal {}: end SQL with a semicolon; .help lists commands",
            env!("CARGO_PKG_VERSION")
        ));
        let mut interrupted = false;
        loop {
            let input = match editor.readline(PROMPT) {
                Ok(input) => input,
                Err(ReadlineError::Interrupted) if interrupted => break,
                Err(ReadlineError::Interrupted) => {
                    note("Ctrl-C again leaves");
                    interrupted = true;
                    continue;
                }
                Err(ReadlineError::Eof) => break,
                Err(error) => return Err(no_terminal(error)),
            };
            interrupted = false;
            self.screen.columns = editor.dimensions().map(|(columns, _)| usize::from(columns));
            if let Err(error) = history::remember(&mut editor, file.as_deref(), &input) {
                note(&format!("note: the history was not written: {error}"));
            }
            let outcome = self.run_text(&input, || Origin::Shell);
            self.names.refresh(self.engine.handle());
            match outcome {
                Ok(Flow::Continue) => {}
                Ok(Flow::Quit) => break,
                Err(error) => report(&error),
            }
        }
        self.close_file()
    }

    /// Runs statements and commands until one fails or leaves.
    fn run_text(&mut self, text: &str, origin: impl Fn() -> Origin) -> Result<Flow, CliError> {
        for piece in pieces(text) {
            let flow = match piece {
                Piece::Sql(text) => self.run_sql(Script { origin: origin(), text })?,
                Piece::Command(line) => self.run_command(&line)?,
            };
            if flow == Flow::Quit {
                return Ok(flow);
            }
        }
        Ok(Flow::Continue)
    }

    fn run_sql(&mut self, script: Script) -> Result<Flow, CliError> {
        let statements = script.statements().map_err(|error| CliError::in_script(&error, &script, None))?;
        for LocatedStatement { statement, span } in statements {
            let start = Instant::now();
            let outcome = self.with_sink(|session, mut sink| async move {
                let outcome = run_statement(&session, statement, &mut sink).await;
                Ok((sink, outcome))
            });
            outcome?.map_err(|error| match error {
                PrintError::Query(error) => CliError::in_script(&error, &script, Some(span)),
                PrintError::Output(error) => error,
            })?;
            if self.shows_time {
                note(&format!("Time: {:.3} s", start.elapsed().as_secs_f64()));
            }
        }
        Ok(Flow::Continue)
    }

    /// Runs work that prints, and keeps the place that it prints to unless a part of a result was written there.
    fn with_sink<T, F>(
        &mut self,
        work: impl FnOnce(Session, Sink) -> F,
    ) -> Result<Result<T, PrintError>, CliError>
    where
        T: Send + 'static,
        F: Future<Output = Result<(Sink, Result<T, PrintError>), CliError>> + Send + 'static,
    {
        let Some(OpenFile { path, sink, pending }) = self.file.take() else {
            let sink = Sink::stdout(self.shown_format())?.on_screen(self.screen);
            return self.engine.run(|session| work(session, sink)).map(|(_, outcome)| outcome);
        };
        let outcome = self.engine.run(|session| work(session, sink));
        match outcome {
            Ok((sink, outcome)) if !sink.is_torn() => {
                self.file = Some(OpenFile { path, sink, pending });
                Ok(outcome)
            }
            other => {
                note(&format!("note: {} was given up; results are shown here again", path.display()));
                other.map(|(_, outcome)| outcome)
            }
        }
    }

    fn shown_format(&self) -> Format {
        match self.format {
            Format::Box if self.is_expanded => Format::Expanded,
            format => format,
        }
    }

    fn run_command(&mut self, line: &str) -> Result<Flow, CliError> {
        match Command::parse(line).map_err(CliError::Failed)? {
            Command::Describe(None) => return self.list_tables(),
            Command::Describe(Some(name)) => return self.describe(&name),
            Command::Functions(pattern) => self.list_functions(pattern.as_deref())?,
            Command::Format(format) => {
                if let Some(format) = format {
                    format.check_stdout(&io::stdout())?;
                    (self.format, self.is_expanded) = (format, false);
                }
                note(&format!("results are written as {}", self.shown_format()));
            }
            Command::Expanded => {
                self.is_expanded = !self.is_expanded;
                note(if self.is_expanded { "one column per line" } else { "one row per line" });
            }
            Command::Rows(rows) => {
                self.screen.rows = rows.unwrap_or(self.screen.rows);
                match self.screen.rows {
                    Some(rows) => note(&format!("{rows} rows of a result are shown")),
                    None => note("all rows are shown"),
                }
            }
            Command::Output(None) => self.close_file()?,
            Command::Output(Some(path)) => self.open_file(path)?,
            Command::Timing(shows_time) => {
                self.shows_time = shows_time.unwrap_or(!self.shows_time);
                note(if self.shows_time { "times are shown" } else { "times are not shown" });
            }
            Command::Include(path) => return self.include(&path),
            Command::Help => print(&help())?,
            Command::Quit => return Ok(Flow::Quit),
        }
        Ok(Flow::Continue)
    }

    fn list_tables(&mut self) -> Result<Flow, CliError> {
        if self.names.tables().is_empty() {
            note("there are no tables; files are tables as they are: FROM 'logs/*.parquet'");
            return Ok(Flow::Continue);
        }
        let text = "SELECT table_schema AS schema, table_name AS name, lower(table_type) AS kind \
                    FROM information_schema.tables WHERE table_schema <> 'information_schema' ORDER BY 1, 2";
        self.run_sql(Script { origin: Origin::Shell, text: text.into() })
    }

    fn describe(&mut self, name: &str) -> Result<Flow, CliError> {
        let is_qualified = name.split('.').all(|part| quoted(part) == part) && !Path::new(name).exists();
        let name = if is_qualified { name.to_string() } else { quoted(name) };
        self.run_sql(Script { origin: Origin::Shell, text: format!("DESCRIBE {name}") })
    }

    fn list_functions(&mut self, pattern: Option<&str>) -> Result<(), CliError> {
        let names = self.names.clone();
        let known = names.functions();
        let width = self.screen.columns.map_or(PAGE, |columns| columns.min(PAGE));
        if let Some(function) = known.iter().find(|function| Some(function.name.as_str()) == pattern) {
            return print(&function.page(width));
        }
        let listed = functions::listed(known, pattern);
        match (listed.as_slice(), pattern) {
            ([], Some(pattern)) => Err(CliError::Failed(format!(
                "no function is called like '{pattern}'; \\df lists those of causal"
            ))),
            ([function], Some(_)) => print(&function.page(width)),
            (listed, _) => self.print_table(functions::table(listed)?),
        }
    }

    fn print_table(&mut self, batch: RecordBatch) -> Result<(), CliError> {
        let outcome = self.with_sink(|session, mut sink| async move {
            let frame = session.context.read_batch(batch)?;
            let outcome = sink.print(frame.execute_stream().await?).await;
            Ok((sink, outcome))
        });
        outcome?.map_err(|error| match error {
            PrintError::Query(error) => error.into(),
            PrintError::Output(error) => error,
        })
    }

    fn open_file(&mut self, path: PathBuf) -> Result<(), CliError> {
        self.close_file()?;
        // An extension says what the file is to be; without one it is what is shown.
        let format = Format::choose(None, Some(&path)).unwrap_or(self.shown_format());
        let (sink, pending) = Sink::file(&path, format)?;
        note(&format!("results go to {} as {format}; \\o closes it", path.display()));
        self.file = Some(OpenFile { path, sink, pending });
        Ok(())
    }

    /// Gives an open file its name.
    fn close_file(&mut self) -> Result<(), CliError> {
        let Some(OpenFile { path, sink, pending }) = self.file.take() else {
            return Ok(());
        };
        if sink.is_unused() {
            note(&format!("there were no results, so {} was not written", path.display()));
            return Ok(());
        }
        drop(sink);
        pending.commit()?;
        note(&format!("wrote {}", path.display()));
        Ok(())
    }

    fn include(&mut self, path: &Path) -> Result<Flow, CliError> {
        if self.depth == DEPTH {
            return Err(CliError::Failed(format!("{} is run by files that run each other", path.display())));
        }
        let text = fs::read_to_string(path)
            .map_err(|error| CliError::Failed(format!("cannot read {}: {error}", path.display())))?;
        self.depth += 1;
        let outcome = self.run_text(&text, || Origin::File(path.to_path_buf()));
        self.depth -= 1;
        outcome
    }
}

/// Opens the history; `None`, with a word about it, when there is no place for it.
fn open_history(editor: &mut LineEditor) -> Option<PathBuf> {
    let file = history::file()?;
    match history::load(editor, &file) {
        Ok(()) => Some(file),
        Err(error) => {
            note(&format!("note: what is typed is not remembered: {}: {error}", file.display()));
            None
        }
    }
}

fn help() -> String {
    let lines = COMMANDS.iter().map(|usage| {
        let form = format!("\\{} {}", usage.name, usage.argument);
        format!("  {form:<18} {}\n", usage.summary)
    });
    format!(
        "SQL runs when it ends with a semicolon, over as many lines as it takes. Files are tables: FROM 'logs/*.parquet'.\n\
         Tab completes names, options and paths; Ctrl-C stops a query, twice leaves.\n\n{}\n\
         A point may stand for the backslash.\n",
        lines.collect::<String>()
    )
}

fn print(text: &str) -> Result<(), CliError> {
    io::stdout()
        .write_all(text.as_bytes())
        .map_err(|error| CliError::Failed(format!("cannot write to standard output: {error}")))
}

/// Says something beside the results.
fn note(text: &str) {
    // Without stderr there is nobody to tell.
    let _ = writeln!(io::stderr(), "{text}");
}

fn report(error: &CliError) {
    let _ = error.report(&mut io::stderr().lock());
}
