//! The line editor: colours, completion, and when an input is complete.

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use datafusion::common::TableReference;
use rustyline::completion::Completer;
use rustyline::config::{CompletionType, Config};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Editor, Helper};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::completion::{Catalog, complete};
use super::functions::{Function, functions};
use super::highlighting::highlighted;
use super::history::ENTRIES;
use super::input::is_complete;
use crate::cli::engine::Session;

/// How long the columns of a table may take to find, while someone waits for a word.
const PATIENCE: Duration = Duration::from_secs(1);

pub(super) type LineEditor = Editor<Assistant, FileHistory>;

/// Returns an editor that knows the session.
pub(super) fn editor(names: Rc<Names>) -> rustyline::Result<LineEditor> {
    let config = Config::builder()
        .max_history_size(ENTRIES)?
        .history_ignore_space(true)
        .completion_type(CompletionType::List)
        .build();
    let mut editor = Editor::with_config(config)?;
    editor.set_helper(Some(Assistant(names)));
    Ok(editor)
}

/// What helps while a line is typed.
pub(super) struct Assistant(Rc<Names>);

impl Helper for Assistant {}

impl Validator for Assistant {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(match is_complete(context.input()) {
            true => ValidationResult::Valid(None),
            false => ValidationResult::Incomplete,
        })
    }
}

impl Completer for Assistant {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        cursor: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(complete(line, cursor, self.0.as_ref()))
    }
}

impl Highlighter for Assistant {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        Cow::Owned(highlighted(line))
    }

    fn highlight_char(&self, _: &str, _: usize, kind: CmdKind) -> bool {
        kind != CmdKind::MoveCursor
    }
}

impl Hinter for Assistant {
    type Hint = String;
}

/// The names in a session.
pub(super) struct Names {
    session: Session,
    handle: RefCell<Handle>,
    functions: OnceCell<Vec<Function>>,
    /// Columns by table, since the last statement.
    columns: RefCell<HashMap<String, Vec<String>>>,
}

impl Names {
    pub(super) fn new(session: Session, handle: Handle) -> Self {
        Self {
            session,
            handle: RefCell::new(handle),
            functions: OnceCell::new(),
            columns: RefCell::default(),
        }
    }

    /// Forgets what a statement may have changed, and uses these threads from now on.
    pub(super) fn refresh(&self, handle: &Handle) {
        self.columns.borrow_mut().clear();
        self.handle.replace(handle.clone());
    }

    fn look_up(&self, table: &str) -> Vec<String> {
        let provider = self.session.context.table_provider(TableReference::bare(table));
        let found = self.handle.borrow().block_on(async { timeout(PATIENCE, provider).await });
        match found {
            Ok(Ok(table)) => table.schema().fields().iter().map(|field| quoted(field.name())).collect(),
            // Nobody has asked for the table yet, so nobody needs to hear why it is not there.
            _ => Vec::new(),
        }
    }
}

impl Catalog for Names {
    fn tables(&self) -> Vec<String> {
        let context = &self.session.context;
        let catalogs = context.catalog_names().into_iter().filter_map(|name| context.catalog(&name));
        let schemas = catalogs.flat_map(|catalog| {
            let names = catalog.schema_names().into_iter().filter(|name| name != "information_schema");
            names.filter_map(|name| catalog.schema(&name)).collect::<Vec<_>>()
        });
        let mut tables: Vec<_> =
            schemas.flat_map(|schema| schema.table_names()).map(|name| quoted(&name)).collect();
        tables.sort();
        tables
    }

    fn columns(&self, table: &str) -> Vec<String> {
        let known = self.columns.borrow().get(table).cloned();
        known.unwrap_or_else(|| {
            let columns = self.look_up(table);
            self.columns.borrow_mut().insert(table.to_string(), columns.clone());
            columns
        })
    }

    fn functions(&self) -> &[Function] {
        // Listing functions that are there cannot fail.
        let list = || self.handle.borrow().block_on(functions(&self.session.context)).unwrap_or_default();
        self.functions.get_or_init(list)
    }
}

/// A name as it must be written in SQL.
pub(super) fn quoted(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit();
    if name.chars().all(is_plain) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        return name.to_string();
    }
    format!("\"{}\"", name.replace('"', "\"\""))
}
