//! Where results go: standard output, or a file that appears only when it is complete.

use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use super::{Format, Screen, Sink};
use crate::cli::errors::CliError;
use crate::cli::progress::Progress;

const BUFFER_BYTES: usize = 64 << 10;

/// A writer that remembers its own first failure, which formats would hide in errors of theirs.
pub(super) struct Destination {
    out: BufWriter<Box<dyn Write + Send>>,
    /// `None` for standard output.
    path: Option<PathBuf>,
    failure: Option<CliError>,
    progress: Option<Progress>,
    /// Whether what is written appears where the progress is shown.
    is_terminal: bool,
}

/// A file under another name until all of it is written. Dropping it removes it.
pub(in crate::cli) struct PendingFile(Option<Pending>);

struct Pending {
    file: File,
    written: TempPath,
    path: PathBuf,
}

impl Sink {
    /// Prints to standard output.
    pub(in crate::cli) fn stdout(format: Format) -> Result<Self, CliError> {
        format.check_stdout(&io::stdout())?;
        Ok(Self::new(format, None, Box::new(io::stdout())))
    }

    /// Writes to a file beside `path`, for [`PendingFile::commit`] to put in its place.
    pub(in crate::cli) fn file(path: &Path, format: Format) -> Result<(Self, PendingFile), CliError> {
        let refuse = |error| CliError::Usage(cannot_write(path, &error));
        // A link stays a link, to the new file; but those in /dev are this process's own open files.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        if is_device(&target) || path.starts_with("/dev") {
            let file = File::options().write(true).open(path).map_err(refuse)?;
            return Ok((Self::new(format, Some(path), Box::new(file)), PendingFile(None)));
        }
        let (file, written) = temporary_beside(&target).map_err(refuse)?;
        let out = file.try_clone().map_err(refuse)?;
        let pending = Pending { file, written, path: target };
        Ok((Self::new(format, Some(path), Box::new(out)), PendingFile(Some(pending))))
    }

    fn new(format: Format, path: Option<&Path>, out: Box<dyn Write + Send>) -> Self {
        let destination = Destination {
            out: BufWriter::with_capacity(BUFFER_BYTES, out),
            path: path.map(Path::to_path_buf),
            failure: None,
            progress: None,
            is_terminal: path.is_none() && io::stdout().is_terminal(),
        };
        Self { format, destination, results: 0, is_torn: false, screen: Screen::default() }
    }
}

impl Destination {
    pub(super) fn is_file(&self) -> bool {
        self.path.is_some()
    }

    pub(super) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    pub(super) fn progress(&self) -> Option<&Progress> {
        self.progress.as_ref()
    }

    pub(super) fn set_progress(&mut self, progress: Option<Progress>) {
        self.progress = progress;
    }

    /// Returns the failure of the place itself, if it failed.
    pub(super) fn take_failure(&mut self) -> Option<CliError> {
        self.failure.take()
    }

    fn remember<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        if let (Err(error), None) = (&result, &self.failure) {
            self.failure = Some(match (&self.path, error.kind()) {
                (None, ErrorKind::BrokenPipe) => CliError::ClosedPipe,
                (None, _) => CliError::Failed(format!("cannot write to standard output: {error}")),
                (Some(path), _) => CliError::Failed(cannot_write(path, error)),
            });
        }
        result
    }
}

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_terminal {
            self.progress = None;
        }
        let result = self.out.write(bytes);
        self.remember(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.out.flush();
        self.remember(result)
    }
}

impl PendingFile {
    /// Gives the file its name, replacing a file that had it.
    pub(in crate::cli) fn commit(self) -> Result<(), CliError> {
        let Some(Pending { file, written, path }) = self.0 else {
            return Ok(());
        };
        let synced = file.sync_all();
        synced
            .and_then(|()| written.persist(&path).map_err(|error| error.error))
            .map_err(|error| CliError::Failed(cannot_write(&path, &error)))
    }
}

fn temporary_beside(path: &Path) -> io::Result<(File, TempPath)> {
    if path.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(ErrorKind::InvalidInput.into());
    };
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    // The error of making the file would show a name that nobody gave.
    fs::metadata(directory)?;
    let prefix = format!(".{}.", name.display());
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".partial");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Those of the file that is replaced, or what any new file gets; the process's umask takes from it.
        let mode = fs::metadata(path).map_or(0o666, |file| file.permissions().mode());
        builder.permissions(fs::Permissions::from_mode(mode));
    }
    Ok(builder.tempfile_in(directory)?.into_parts())
}

/// Whether the path is there and is neither a file nor a folder, like `/dev/null`: it cannot be replaced.
fn is_device(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

fn cannot_write(path: &Path, error: &io::Error) -> String {
    format!("cannot write {}: {error}", path.display())
}
