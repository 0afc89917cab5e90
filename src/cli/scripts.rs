//! SQL texts from the command line, and the statements in them.

use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::{fmt, fs};

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};
use datafusion::common::Span;
use datafusion::error::DataFusionError;
use datafusion::sql::parser::{DFParser, DFParserBuilder, Statement};
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::Token;

use super::errors::CliError;
use crate::diagnostics::Source;

const COMMAND: &str = "command";
const FILE: &str = "file";

/// The `-c` and `-f` arguments, in the order in which they were given.
#[derive(Debug, Default)]
pub(super) struct Scripts(Vec<Argument>);

#[derive(Debug)]
enum Argument {
    Command(String),
    File(PathBuf),
}

impl Args for Scripts {
    fn augment_args(command: Command) -> Command {
        command
            .arg(
                Arg::new(COMMAND)
                    .short('c')
                    .long(COMMAND)
                    .value_name("SQL")
                    .help("SQL to run; may be repeated")
                    .allow_hyphen_values(true)
                    .action(ArgAction::Append),
            )
            .arg(
                Arg::new(FILE)
                    .short('f')
                    .long(FILE)
                    .value_name("FILE")
                    .help("File of SQL to run, - for standard input; may be repeated")
                    .value_parser(value_parser!(PathBuf))
                    .action(ArgAction::Append),
            )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Scripts {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let commands = indexed(matches, COMMAND, |sql: &String| Argument::Command(sql.clone()));
        let files = indexed(matches, FILE, |path: &PathBuf| Argument::File(path.clone()));
        let mut arguments: Vec<_> = commands.chain(files).collect();
        arguments.sort_by_key(|(index, _)| *index);
        Ok(Self(arguments.into_iter().map(|(_, argument)| argument).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn indexed<'a, T: Clone + Send + Sync + 'static>(
    matches: &'a ArgMatches,
    id: &'a str,
    argument: impl Fn(&T) -> Argument + 'a,
) -> impl Iterator<Item = (usize, Argument)> + 'a {
    let indices = matches.indices_of(id).into_iter().flatten();
    let values = matches.get_many::<T>(id).into_iter().flatten();
    indices.zip(values.map(argument))
}

impl Scripts {
    /// Reads every text: the arguments, or standard input when there are none.
    pub(super) fn read(self) -> Result<Vec<Script>, CliError> {
        if self.0.is_empty() {
            if io::stdin().is_terminal() {
                return Err(CliError::Usage(
                    "no SQL given: use -c SQL or -f FILE, or pipe SQL to standard input".into(),
                ));
            }
            return Ok(vec![Script::from_stdin()?]);
        }
        self.0
            .into_iter()
            .map(|argument| match argument {
                Argument::Command(text) => Ok(Script { origin: Origin::Command, text }),
                Argument::File(path) if path == Path::new("-") => Script::from_stdin(),
                Argument::File(path) => Script::from_file(path),
            })
            .collect()
    }
}

/// One SQL text and where it came from.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) origin: Origin,
    pub(super) text: String,
}

/// Where a SQL text came from.
#[derive(Debug, PartialEq)]
pub(super) enum Origin {
    Command,
    File(PathBuf),
    Stdin,
    /// Typed into the shell.
    Shell,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command => f.write_str("-c"),
            Self::File(path) => path.display().fmt(f),
            Self::Stdin => f.write_str("<stdin>"),
            Self::Shell => f.write_str("input"),
        }
    }
}

/// A parsed statement and the part of its script that it was parsed from.
#[derive(Clone, Debug)]
pub(super) struct LocatedStatement {
    pub(super) statement: Statement,
    pub(super) span: Span,
}

impl Script {
    /// The text as errors are shown in it.
    pub(super) fn source(&self) -> Source<'_> {
        Source {
            text: &self.text,
            origin: &self.origin,
            is_in_sight: matches!(self.origin, Origin::Command | Origin::Shell),
            is_local: true,
        }
    }

    fn from_file(path: PathBuf) -> Result<Self, CliError> {
        let text = fs::read_to_string(&path)
            .map_err(|error| CliError::Usage(format!("cannot read {}: {error}", path.display())))?;
        let text = text.strip_prefix('\u{feff}').map(String::from).unwrap_or(text);
        Ok(Self { origin: Origin::File(path), text })
    }

    fn from_stdin() -> Result<Self, CliError> {
        let mut text = String::new();
        io::stdin()
            .read_to_string(&mut text)
            .map_err(|error| CliError::Usage(format!("cannot read standard input: {error}")))?;
        Ok(Self { origin: Origin::Stdin, text })
    }

    /// Parses the whole text at once, so that every span counts from its first line.
    pub(super) fn statements(&self) -> Result<Vec<LocatedStatement>, DataFusionError> {
        let mut parser = DFParserBuilder::new(self.text.as_str()).build()?;
        let mut statements = Vec::new();
        loop {
            while parser.parser.consume_token(&Token::SemiColon) {}
            let first = parser.parser.peek_token();
            if first.token == Token::EOF {
                return Ok(statements);
            }
            let statement = parser.parse_statement()?;
            let end = parser.parser.get_current_token().span.end;
            statements
                .push(LocatedStatement { statement, span: Span::new(first.span.start.into(), end.into()) });
            expect_end_of_statement(&parser)?;
        }
    }
}

fn expect_end_of_statement(parser: &DFParser<'_>) -> Result<(), DataFusionError> {
    let next = parser.parser.peek_token();
    if matches!(next.token, Token::SemiColon | Token::EOF) {
        return Ok(());
    }
    let message = format!("Expected: end of statement, found: {next}{}", next.span.start);
    Err(ParserError::ParserError(message).into())
}
