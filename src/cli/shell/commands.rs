//! Commands of the shell: what can be typed, and what it means.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::cli::output::Format;

/// A command as it was meant.
#[derive(Debug, PartialEq)]
pub(super) enum Command {
    /// Tables, or the columns of one.
    Describe(Option<String>),
    /// Functions, or those of a name.
    Functions(Option<String>),
    /// Another format, or which one it is.
    Format(Option<Format>),
    /// One column per line, or not any more.
    Expanded,
    /// How many rows of a result to show; `Some(None)` for all.
    Rows(Option<Option<usize>>),
    /// Results to a file, or to the screen again.
    Output(Option<PathBuf>),
    /// Whether to show how long statements take; the other way round when it is not said.
    Timing(Option<bool>),
    /// The statements and commands in a file.
    Include(PathBuf),
    Help,
    Quit,
}

/// A command and what it is for.
pub(super) struct Usage {
    pub(super) name: &'static str,
    pub(super) argument: &'static str,
    pub(super) summary: &'static str,
    /// Other names, as in other shells.
    aliases: &'static [&'static str],
    parse: fn(&str) -> Result<Command, String>,
}

pub(super) const COMMANDS: [Usage; 10] = [
    Usage {
        name: "d",
        argument: "[NAME]",
        summary: "tables, or the columns of a table or of a file",
        aliases: &["tables", "schema", "describe", "dt"],
        parse: |argument| Ok(Command::Describe(given(argument))),
    },
    Usage {
        name: "df",
        argument: "[PATTERN]",
        summary: "functions; with a name: signature, what must hold, example and source",
        aliases: &["functions"],
        parse: |argument| Ok(Command::Functions(given(argument))),
    },
    Usage {
        name: "format",
        argument: "[FORMAT]",
        summary: "how results are written: box, expanded, csv, json, ndjson, markdown, parquet, arrow",
        aliases: &["mode"],
        parse: |argument| match given(argument) {
            None => Ok(Command::Format(None)),
            Some(name) => match Format::from_str(&name, true) {
                Ok(format) => Ok(Command::Format(Some(format))),
                Err(_) => Err(format!("there is no format '{name}'; there are {}", formats().join(", "))),
            },
        },
    },
    Usage {
        name: "x",
        argument: "",
        summary: "one column per line, and back",
        aliases: &[],
        parse: |argument| without_argument(argument, Command::Expanded),
    },
    Usage {
        name: "rows",
        argument: "[N|all]",
        summary: "how many rows of a result are shown",
        aliases: &["maxrows"],
        parse: |argument| match argument {
            "" => Ok(Command::Rows(None)),
            "all" => Ok(Command::Rows(Some(None))),
            number => match number.parse() {
                Ok(rows) => Ok(Command::Rows(Some(Some(rows)))),
                Err(_) => Err(format!("expected a number of rows or all, got '{number}'")),
            },
        },
    },
    Usage {
        name: "o",
        argument: "[FILE]",
        summary: "results to a file, until \\o closes it",
        aliases: &["output", "out"],
        parse: |argument| Ok(Command::Output(given(argument).map(PathBuf::from))),
    },
    Usage {
        name: "timing",
        argument: "[on|off]",
        summary: "how long each statement takes",
        aliases: &["timer"],
        parse: |argument| match argument {
            "" => Ok(Command::Timing(None)),
            "on" => Ok(Command::Timing(Some(true))),
            "off" => Ok(Command::Timing(Some(false))),
            other => Err(format!("expected on or off, got '{other}'")),
        },
    },
    Usage {
        name: "i",
        argument: "FILE",
        summary: "runs the statements and commands in a file",
        aliases: &["read", "include"],
        parse: |argument| match given(argument) {
            Some(file) => Ok(Command::Include(file.into())),
            None => Err("expected the name of a file".into()),
        },
    },
    Usage {
        name: "help",
        argument: "",
        summary: "this list",
        aliases: &["?", "h"],
        parse: |argument| without_argument(argument, Command::Help),
    },
    Usage {
        name: "q",
        argument: "",
        summary: "leaves, as Ctrl-D does",
        aliases: &["quit", "exit"],
        parse: |argument| without_argument(argument, Command::Quit),
    },
];

impl Usage {
    fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }
}

impl Command {
    /// Reads a line such as `\format csv`; a point may stand for the backslash.
    pub(super) fn parse(line: &str) -> Result<Self, String> {
        let text = line.trim().trim_start_matches(['\\', '.']);
        let (name, argument) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let name = name.trim_end_matches(';');
        let argument = argument.trim().trim_end_matches(';').trim_end();
        let Some(usage) = COMMANDS.iter().find(|usage| usage.is_called(name)) else {
            let likely = COMMANDS.iter().find(|usage| name.starts_with(&usage.name[..1]));
            let likely = likely.map_or_else(String::new, |usage| format!(" did you mean \\{}?", usage.name));
            return Err(format!("there is no command '{line}';{likely} .help lists all"));
        };
        (usage.parse)(argument).map_err(|error| format!("\\{} {}: {error}", usage.name, usage.argument))
    }
}

/// The names of formats.
pub(super) fn formats() -> Vec<String> {
    let values = Format::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    values.map(|value| value.get_name().to_string()).collect()
}

/// The argument without the quotes around it.
fn given(argument: &str) -> Option<String> {
    let bare = |quote| argument.strip_prefix(quote).and_then(|rest: &str| rest.strip_suffix(quote));
    let argument = bare('\'').or(bare('"')).unwrap_or(argument);
    (!argument.is_empty()).then(|| argument.to_string())
}

fn without_argument(argument: &str, command: Command) -> Result<Command, String> {
    match argument {
        "" => Ok(command),
        other => Err(format!("expected no argument, got '{other}'")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_as_in_other_shells() {
        for (line, expected) in [
            ("\\d", Command::Describe(None)),
            (".tables", Command::Describe(None)),
            ("\\d 'logs/a b.parquet';", Command::Describe(Some("logs/a b.parquet".into()))),
            ("\\df dr_*", Command::Functions(Some("dr_*".into()))),
            ("\\format CSV", Command::Format(Some(Format::Csv))),
            (".mode", Command::Format(None)),
            ("\\rows all", Command::Rows(Some(None))),
            ("\\rows 7", Command::Rows(Some(Some(7)))),
            ("\\o out.csv", Command::Output(Some("out.csv".into()))),
            ("\\o", Command::Output(None)),
            ("\\timing off", Command::Timing(Some(false))),
            (".quit", Command::Quit),
            ("\\?", Command::Help),
        ] {
            assert_eq!(Command::parse(line), Ok(expected), "{line}");
        }
    }

    #[test]
    fn wrong_commands_say_what_there_is() {
        for (line, expected) in [
            ("\\fromat csv", "there is no command '\\fromat csv'; did you mean \\format? .help lists all"),
            ("\\", "there is no command '\\'; .help lists all"),
            ("\\é", "there is no command '\\é'; .help lists all"),
            ("\\format xml", "\\format [FORMAT]: there is no format 'xml'; there are box, expanded, csv"),
            ("\\timing maybe", "\\timing [on|off]: expected on or off, got 'maybe'"),
            ("\\rows -1", "\\rows [N|all]: expected a number of rows or all, got '-1'"),
            ("\\i", "\\i FILE: expected the name of a file"),
            ("\\x on", "\\x : expected no argument, got 'on'"),
        ] {
            let error = Command::parse(line).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
