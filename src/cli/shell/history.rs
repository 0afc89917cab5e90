//! The history of a user: a file in their state folder, which nobody else can read.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use rustyline::Editor;
use rustyline::Helper;
use rustyline::history::FileHistory;

use crate::stores::redact;

/// Entries to keep.
pub(super) const ENTRIES: usize = 10_000;

/// A folder of this program below one of the user's, such as `~/.config`.
pub(super) fn user_folder(variable: &str, below_home: &str) -> Option<PathBuf> {
    let given = env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = given.or_else(|| Some(env::home_dir()?.join(below_home)));
    folder.map(|folder| folder.join("causal"))
}

/// The file that the history is kept in.
pub(super) fn file() -> Option<PathBuf> {
    user_folder("XDG_STATE_HOME", ".local/state").map(|folder| folder.join("history"))
}

/// Reads what was typed before and makes the folder for what will be.
pub(super) fn load<H: Helper>(editor: &mut Editor<H, FileHistory>, file: &Path) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    if file.exists() { editor.load_history(file).map_err(io::Error::other) } else { Ok(()) }
}

/// Remembers an input, on disk too, unless it has a secret in it.
pub(super) fn remember<H: Helper>(
    editor: &mut Editor<H, FileHistory>,
    file: Option<&Path>,
    input: &str,
) -> io::Result<()> {
    let input = input.trim_end();
    if redact(input) != input {
        return Ok(());
    }
    let is_new = editor.add_history_entry(input).map_err(io::Error::other)?;
    match file {
        Some(file) if is_new => editor.append_history(file).map_err(io::Error::other),
        _ => Ok(()),
    }
}
