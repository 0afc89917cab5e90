//! The campaign as Parquet files, each complete or absent.

use std::{
    fmt::Display,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use datafusion::{
    arrow::array::RecordBatch,
    parquet::{
        arrow::ArrowWriter,
        basic::{Compression, ZstdLevel},
        file::properties::WriterProperties,
    },
};

use super::{
    campaign::{Decision, WEEKS, campaign},
    tables,
    truth::TruthSums,
};
use crate::cli::errors::CliError;

type Result<T> = std::result::Result<T, CliError>;

const USERS: &str = "users.parquet";
const DECISIONS: &str = "decisions";
const POLICIES: &str = "policies.parquet";
const EXPECTED: &str = "expected.parquet";
const TRUTH: &str = "truth.parquet";
pub(super) const TOUR: &str = "tour.sql";

/// Ends the name of a file that is still being written.
const PARTIAL: &str = ".partial";

/// Decisions held in memory at a time.
const CHUNK: usize = 50_000;

/// Writes the campaign into `directory`, in place of one that is there.
///
/// # Errors
///
/// When a file cannot be written; the files of an earlier campaign are then as they were.
pub(super) fn write(directory: &Path, users: usize, seed: u64) -> Result<()> {
    let weeks: Vec<_> = (1..=WEEKS).map(|week| week_file(directory, week)).collect();
    for file in &weeks {
        let folder = file.parent().expect("a week's file lies in the week's folder");
        fs::create_dir_all(folder).map_err(|error| failed("create", folder, error))?;
    }
    let mut users_file = ParquetFile::create(directory.join(USERS), &tables::users(&[])?)?;
    let mut policies_file = ParquetFile::create(directory.join(POLICIES), &tables::policies(&[])?)?;
    let mut expected_file = ParquetFile::create(directory.join(EXPECTED), &tables::expected(&[])?)?;
    let empty = tables::decisions(&[])?;
    let mut week_files =
        weeks.into_iter().map(|path| ParquetFile::create(path, &empty)).collect::<Result<Vec<_>>>()?;

    let mut truth = TruthSums::default();
    let mut decisions = campaign(seed, users);
    loop {
        let chunk: Vec<Decision> = decisions.by_ref().take(CHUNK).collect();
        if chunk.is_empty() {
            break;
        }
        chunk.iter().for_each(|decision| truth.push(decision));
        users_file.write(&tables::users(&chunk)?)?;
        policies_file.write(&tables::policies(&chunk)?)?;
        expected_file.write(&tables::expected(&chunk)?)?;
        for (week, file) in (1..).zip(&mut week_files) {
            let rows: Vec<_> = chunk.iter().filter(|decision| decision.week == week).collect();
            file.write(&tables::decisions(&rows)?)?;
        }
    }
    let truth = tables::truth(&truth.finish())?;
    let mut truth_file = ParquetFile::create(directory.join(TRUTH), &truth)?;
    truth_file.write(&truth)?;

    let mut files = vec![truth_file, users_file, policies_file, expected_file];
    files.append(&mut week_files);
    files.iter_mut().try_for_each(ParquetFile::close)?;
    files.iter().try_for_each(ParquetFile::publish)
}

/// Whether a campaign lies in `directory`: its last file does.
pub(super) fn are_there(directory: &Path) -> bool {
    week_file(directory, WEEKS).exists() && directory.join(EXPECTED).exists()
}

/// Refuses a directory that is neither new, nor empty, nor a demo, which always has its truth.
///
/// # Errors
///
/// Names a file that stands in the way.
pub(super) fn refuse_foreign(directory: &Path) -> Result<()> {
    let ours: Vec<_> = [USERS, POLICIES, EXPECTED, TRUTH, TOUR]
        .map(|name| directory.join(name))
        .into_iter()
        .chain((1..=WEEKS).map(|week| week_file(directory, week)))
        .collect();
    let partials: Vec<_> = ours.iter().map(|path| partial(path)).collect();
    let mut found = Vec::new();
    visit(directory, &mut |path| {
        if ours.contains(&path) {
            found.push(path);
        } else if !partials.contains(&path) {
            return refuse(directory, &path);
        }
        Ok(())
    })?;
    match found.first() {
        Some(path) if !found.contains(&directory.join(TRUTH)) => refuse(directory, path),
        _ => Ok(()),
    }
}

fn refuse(directory: &Path, reason: &Path) -> Result<()> {
    Err(CliError::Usage(format!(
        "demo: directory must be new, empty or an earlier demo, got {} with {}",
        directory.display(),
        reason.strip_prefix(directory).unwrap_or(reason).display()
    )))
}

/// Replaces the file at `path` by `text`, completely or not at all.
pub(super) fn replace_text(path: &Path, text: &str) -> Result<()> {
    let partial = partial(path);
    fs::write(&partial, text)
        .and_then(|()| fs::rename(&partial, path))
        .map_err(|error| failed("write", path, error))
}

pub(super) fn failed(what: &str, path: &Path, error: impl Display) -> CliError {
    CliError::Failed(format!("demo: cannot {what} {}: {error}", path.display()))
}

/// A Parquet file that appears under its name only when it is published.
struct ParquetFile {
    path: PathBuf,
    writer: ArrowWriter<File>,
}

impl ParquetFile {
    fn create(path: PathBuf, like: &RecordBatch) -> Result<Self> {
        let partial = partial(&path);
        let file = File::create(&partial).map_err(|error| failed("create", &partial, error))?;
        let properties =
            WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
        let writer = ArrowWriter::try_new(file, like.schema(), Some(properties))
            .map_err(|error| failed("write", &path, error))?;
        Ok(Self { path, writer })
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.writer.write(batch).map_err(|error| failed("write", &self.path, error))
    }

    fn close(&mut self) -> Result<()> {
        let finished = self.writer.finish();
        finished.map_err(|error| failed("write", &self.path, error))?;
        Ok(())
    }

    fn publish(&self) -> Result<()> {
        fs::rename(partial(&self.path), &self.path).map_err(|error| failed("write", &self.path, error))
    }
}

impl Drop for ParquetFile {
    /// Leaves nothing behind when writing failed; after `publish` there is nothing to remove.
    fn drop(&mut self) {
        let _ = fs::remove_file(partial(&self.path));
    }
}

fn week_file(directory: &Path, week: usize) -> PathBuf {
    directory.join(DECISIONS).join(format!("week={week}")).join("decisions.parquet")
}

fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(PARTIAL);
    name.into()
}

/// Visits what lies below `directory` and is no folder, links unfollowed, until a visit fails.
fn visit(directory: &Path, visitor: &mut impl FnMut(PathBuf) -> Result<()>) -> Result<()> {
    let cannot_read = |error| failed("read", directory, error);
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(cannot_read)?,
    };
    for entry in entries {
        let entry = entry.map_err(cannot_read)?;
        if entry.file_type().map_err(cannot_read)?.is_dir() {
            visit(&entry.path(), visitor)?;
        } else {
            visitor(entry.path())?;
        }
    }
    Ok(())
}
