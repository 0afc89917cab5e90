//! The formats, and what each of them can hold.

use std::collections::HashSet;
use std::path::Path;
use std::{fmt, io};

use clap::ValueEnum;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::{Result, plan_err};

use super::boxes::BoxWriter;
use super::csv::CsvWriter;
use super::destination::Destination;
use super::expanded::ExpandedWriter;
use super::markdown::MarkdownWriter;
use super::{ResultWriter, columnar, json};
use crate::cli::errors::CliError;

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Format {
    /// A table of box characters, to read
    Box,
    /// One column per line, to read wide rows
    Expanded,
    /// Comma-separated values: NULL is empty, an empty string is ""
    Csv,
    /// One array of row objects
    Json,
    /// One row object per line
    Ndjson,
    /// A Markdown table
    Markdown,
    /// Apache Parquet
    Parquet,
    /// Apache Arrow IPC file
    Arrow,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value().expect("no format is hidden");
        f.write_str(value.get_name())
    }
}

impl Format {
    /// Returns the format asked for, else that of the file's extension, else a box.
    pub(in crate::cli) fn choose(format: Option<Self>, path: Option<&Path>) -> Result<Self, CliError> {
        match (format, path) {
            (Some(format), _) => Ok(format),
            (None, Some(path)) => Self::of_extension(path).ok_or_else(|| {
                CliError::Usage(format!(
                    "cannot tell the format of {} by its extension; name it with --format",
                    path.display()
                ))
            }),
            (None, None) => Ok(Self::Box),
        }
    }

    fn of_extension(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "json" => Some(Self::Json),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            "md" => Some(Self::Markdown),
            "parquet" => Some(Self::Parquet),
            "arrow" => Some(Self::Arrow),
            _ => None,
        }
    }

    /// Whether people read it rather than programs.
    pub(super) fn is_for_people(self) -> bool {
        matches!(self, Self::Box | Self::Expanded)
    }

    pub(super) fn is_binary(self) -> bool {
        matches!(self, Self::Parquet | Self::Arrow)
    }

    pub(super) fn is_one_result_per_file(self) -> bool {
        matches!(self, Self::Csv | Self::Json | Self::Parquet | Self::Arrow)
    }

    /// Checks that the format can hold rows of this schema.
    pub(super) fn check(self, schema: &Schema) -> Result<()> {
        match self {
            Self::Csv => schema.fields().iter().try_for_each(|field| check_flat(field)),
            Self::Json | Self::Ndjson | Self::Parquet => check_names(self, schema),
            Self::Box | Self::Expanded | Self::Markdown | Self::Arrow => Ok(()),
        }
    }

    /// Starts a result; headers are written at once.
    ///
    /// Boxes fit a screen of so many columns.
    pub(super) fn writer<'a>(
        self,
        schema: &SchemaRef,
        screen: Option<usize>,
        out: &'a mut Destination,
    ) -> Result<Box<dyn ResultWriter + 'a>> {
        Ok(match self {
            Self::Box => Box::new(BoxWriter::new(schema, screen, out)),
            Self::Expanded => Box::new(ExpandedWriter::new(schema, out)),
            Self::Csv => Box::new(CsvWriter::start(schema, out)?),
            Self::Json => Box::new(json::array(schema, out)),
            Self::Ndjson => Box::new(json::lines(schema, out)),
            Self::Markdown => Box::new(MarkdownWriter::start(schema, out)?),
            Self::Parquet => Box::new(columnar::parquet(schema, out)?),
            Self::Arrow => Box::new(columnar::arrow(schema, out)?),
        })
    }

    /// Checks that the format can go to standard output.
    pub(in crate::cli) fn check_stdout(self, stdout: &impl io::IsTerminal) -> Result<(), CliError> {
        if self.is_binary() && stdout.is_terminal() {
            return Err(CliError::Usage(format!(
                "{self} is not for terminals: add -o FILE, or send standard output to a file or a program"
            )));
        }
        Ok(())
    }
}

fn check_flat(field: &Field) -> Result<()> {
    let name = field.name();
    match field.data_type() {
        DataType::Struct(fields) => {
            let part = fields.first().map_or("field", |field| field.name());
            plan_err!(
                "csv cannot hold the struct column '{name}'; select its fields, \
                 e.g. {name}['{part}'] AS {part}, or use --format json"
            )
        }
        other if other.is_nested() => plan_err!(
            "csv cannot hold the nested column '{name}'; select its elements, \
             e.g. {name}[1] AS first, or use --format json"
        ),
        _ => Ok(()),
    }
}

fn check_names(format: Format, schema: &Schema) -> Result<()> {
    let mut names = HashSet::new();
    match schema.fields().iter().find(|field| !names.insert(field.name())) {
        Some(field) => plan_err!(
            "two columns are named '{}', which {format} cannot hold; rename one with AS",
            field.name()
        ),
        None => Ok(()),
    }
}
