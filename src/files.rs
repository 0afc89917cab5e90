//! Files and folders as tables: `FROM 'logs/*.parquet'`, `FROM 's3://bucket/logs/'`.
//!
//! A folder is read with all its subfolders. In a pattern `*` stays within one folder and `**` does not; folders named
//! `name=value` are partitions, columns that a pattern need not mention.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::{env, fmt};

use async_trait::async_trait;
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::util::display::array_value_to_string;
use datafusion::catalog::{TableProvider, UrlTableFactory};
use datafusion::common::{Result, ScalarValue, internal_datafusion_err, plan_datafusion_err, plan_err};
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::execution::SessionState;
use datafusion::object_store::{Error as StoreError, ObjectMeta, ObjectStore, ObjectStoreExt};
use datafusion::prelude::SessionContext;
use futures::TryStreamExt;
use glob::{MatchOptions, Pattern};
use url::Url;

/// Bytes of a JSON file to look at for its first character that is not a space.
const SNIFFED_BYTES: u64 = 1024;

/// Shell rules: `*` does not reach into subfolders.
const MATCHING: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

/// Makes tables from the paths that stand in FROM.
#[derive(Default)]
pub(crate) struct FileTables {
    /// Weak, since the session owns its catalogs and they own this.
    state: OnceLock<Box<dyn Fn() -> Option<SessionState> + Send + Sync>>,
}

impl fmt::Debug for FileTables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileTables")
    }
}

impl FileTables {
    /// Reads files with the formats and object stores of `context` from now on.
    pub(crate) fn serve(&self, context: &SessionContext) {
        let state = context.state_weak_ref();
        self.state.get_or_init(|| Box::new(move || state.upgrade().map(|state| state.read().clone())));
    }

    fn state(&self) -> Result<SessionState> {
        let state = self.state.get().and_then(|state| state());
        state.ok_or_else(|| internal_datafusion_err!("files have no session to be read with"))
    }
}

#[async_trait]
impl UrlTableFactory for FileTables {
    async fn try_new(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let state = self.state()?;
        let Some(place) = Place::of(name)? else { return Ok(None) };
        let store = state.runtime_env().object_store(&place.base)?;
        let Some(files) = place.files(store.as_ref()).await? else { return Ok(None) };
        let format = one_format(&state, store.as_ref(), name, &files).await?;
        let (format, extension) = match format {
            Some(format) => format,
            None => return Ok(None),
        };
        let partitions = partitions(name, &files)?;
        let options =
            ListingOptions::new(format).with_file_extension(extension).with_table_partition_cols(partitions);
        let config = ListingTableConfig::new_with_multi_paths(place.folders(&files)?)
            .with_listing_options(options)
            .infer_schema(&state)
            .await?;
        Ok(Some(Arc::new(ListingTable::try_new(config)?)))
    }
}

/// What a name in FROM points at.
struct Place {
    name: String,
    /// The file or folder that the name begins with.
    base: ListingTableUrl,
    /// What files below it must be called, when the name has `*`, `?` or `[`.
    pattern: Option<Pattern>,
}

/// A file below the base of a place.
struct Found {
    meta: ObjectMeta,
    /// Folders between the base and the first partition.
    folders: Vec<String>,
    /// Names and values of the partitions.
    partitions: Vec<(String, String)>,
}

impl Place {
    /// Reads a name; `None` when it cannot be a file.
    fn of(name: &str) -> Result<Option<Self>> {
        let is_there = Path::new(name).exists();
        let (base, pattern) = match name.find(['*', '?', '[']).filter(|_| !is_there) {
            None => (name, None),
            Some(first) => {
                let folder = name[..first].rfind('/').map_or(0, |slash| slash + 1);
                let pattern = Pattern::new(&name[folder..])
                    .map_err(|error| plan_datafusion_err!("'{name}' is no pattern of file names: {error}"))?;
                if name[folder..].rsplit_once('/').is_some_and(|(folders, _)| folders.contains('=')) {
                    return plan_err!(
                        "'{name}' has a pattern in a partition; name the folder above it and filter with WHERE"
                    );
                }
                (if folder == 0 { "./" } else { &name[..folder] }, Some(pattern))
            }
        };
        let base = if is_there {
            // As it is: a file may be called `x[1].parquet`.
            let path = env::current_dir()?.join(base);
            let url =
                if path.is_dir() { Url::from_directory_path(&path) } else { Url::from_file_path(&path) };
            let Ok(url) = url else { return Ok(None) };
            ListingTableUrl::try_new(url, None)?
        } else {
            match ListingTableUrl::parse(base) {
                Ok(base) => base,
                Err(_) => return Ok(None),
            }
        };
        Ok(Some(Self { name: name.into(), base, pattern }))
    }

    /// The files, `None` when there is nothing of this name.
    async fn files(&self, store: &dyn ObjectStore) -> Result<Option<Vec<Found>>> {
        let prefix = self.base.prefix();
        let is_remote = self.base.scheme() != "file";
        if self.pattern.is_none() && !self.base.is_collection() {
            match store.head(prefix).await {
                Ok(meta) => return Ok(Some(vec![Found { meta, folders: vec![], partitions: vec![] }])),
                // In a store there are folders only in the names of their files.
                Err(StoreError::NotFound { .. }) if is_remote => {}
                Err(StoreError::NotFound { .. }) => return Ok(None),
                // Any text may be asked for as a file here.
                Err(_) if !is_remote => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
        let listed: Vec<ObjectMeta> = match store.list(Some(prefix)).try_collect().await {
            Ok(listed) => listed,
            Err(StoreError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut files: Vec<Found> = listed.into_iter().filter_map(|meta| self.found(meta)).collect();
        files.sort_by(|one, other| one.meta.location.cmp(&other.meta.location));
        match (files.is_empty(), is_remote, self.base.is_collection() && self.pattern.is_none()) {
            (false, ..) => Ok(Some(files)),
            (true, false, true) => plan_err!("there are no files in the folder '{}'", self.name),
            (true, true, _) => plan_err!("there are no files at '{}'", self.name),
            (true, false, false) => Ok(None),
        }
    }

    /// Takes a listed file apart; `None` when it is hidden or not of the pattern.
    fn found(&self, meta: ObjectMeta) -> Option<Found> {
        let mut segments: Vec<&str> = self.base.strip_prefix(&meta.location)?.collect();
        let file = segments.pop()?;
        let is_hidden = |name: &str| name.starts_with(['_', '.']);
        if is_hidden(file) || segments.iter().any(|segment| is_hidden(segment) && !segment.contains('=')) {
            return None;
        }
        let plain = segments.iter().filter(|segment| !segment.contains('=')).chain([&file]);
        let path = plain.copied().collect::<Vec<_>>().join("/");
        if let Some(pattern) = &self.pattern
            && !pattern.matches_with(&path, MATCHING)
        {
            return None;
        }
        let folders = segments.iter().take_while(|segment| !segment.contains('='));
        let folders = folders.map(ToString::to_string).collect();
        let partitions = segments.iter().filter_map(|segment| segment.split_once('='));
        let partitions = partitions.map(|(name, value)| (name.to_string(), value.to_string())).collect();
        Some(Found { meta, folders, partitions })
    }

    /// The folders that hold the files, each to be listed without its subfolders but with its partitions.
    fn folders(&self, files: &[Found]) -> Result<Vec<ListingTableUrl>> {
        if let [Found { meta, .. }] = files
            && meta.location == *self.base.prefix()
        {
            return Ok(vec![self.base.clone()]);
        }
        let file_name = self.pattern.as_ref().and_then(|pattern| pattern.as_str().rsplit('/').next());
        // `*` would match the names of subfolders as well, and lets every file pass anyway.
        let file_name = file_name.filter(|name| !matches!(*name, "*" | "**")).map(Pattern::new);
        let file_name =
            file_name.transpose().map_err(|error| plan_datafusion_err!("'{}': {error}", self.name))?;
        let folders: BTreeSet<&[String]> = files.iter().map(|file| file.folders.as_slice()).collect();
        let url = |folders: &[String]| {
            let mut url = self.base.get_url().clone();
            if let Ok(mut path) = url.path_segments_mut() {
                path.pop_if_empty().extend(folders).push("");
            }
            ListingTableUrl::try_new(url, file_name.clone())
        };
        folders.into_iter().map(url).collect()
    }
}

/// How all the files are written, and the extension of their names; `None` when that cannot be told of a name that may
/// be no file at all.
async fn one_format(
    state: &SessionState,
    store: &dyn ObjectStore,
    name: &str,
    files: &[Found],
) -> Result<Option<(Arc<dyn FileFormat>, String)>> {
    let mut by_extension: BTreeMap<String, &Found> = BTreeMap::new();
    for file in files {
        // A folder in a store may have an object of its own.
        if let Some(extension) = extension(state, &file.meta)? {
            by_extension.entry(extension).or_insert(file);
        }
    }
    let kinds: BTreeSet<_> = by_extension.keys().map(|extension| kind(extension)).collect();
    let mut found = by_extension.iter();
    match (found.next(), found.next()) {
        (Some((extension, file)), None) => {
            let is_binary = matches!(kinds.first().map(String::as_str), Some("parquet" | "arrow"));
            let empty = files.iter().find(|file| file.meta.size == 0 && (is_binary || files.len() == 1));
            if let Some(empty) = empty {
                return plan_err!("{} has no bytes: it is no {extension} file", empty.meta.location);
            }
            Ok(Some((format(state, store, file, extension).await?, format!(".{extension}"))))
        }
        (Some((one, first)), Some((other, second))) => plan_err!(
            "'{name}' has files of several formats: {} ({one}) and {} ({other}); name those of one format, as in '*.{one}'",
            first.meta.location,
            second.meta.location
        ),
        (None, _) if is_path(name) => plan_err!(
            "cannot tell the format of {} in '{name}'; known extensions are .parquet .csv .json .ndjson .jsonl .arrow",
            files.first().and_then(|file| file.meta.location.filename()).unwrap_or(name)
        ),
        (None, _) => Ok(None),
    }
}

/// `csv.gz` of a file name, when files of that kind can be read.
fn extension(state: &SessionState, file: &ObjectMeta) -> Result<Option<String>> {
    let (extension, compression) =
        ListingTableConfig::infer_file_extension_and_compression_type(file.location.as_ref())?;
    let known = state.get_file_format_factory(&kind(&extension)).is_some();
    Ok(known.then(|| match compression {
        Some(compression) => format!("{extension}.{compression}"),
        None => extension,
    }))
}

/// The name of the format behind an extension.
fn kind(extension: &str) -> String {
    match extension.split('.').next().unwrap_or_default().to_lowercase().as_str() {
        "ndjson" | "jsonl" => "json".to_string(),
        known => known.to_string(),
    }
}

async fn format(
    state: &SessionState,
    store: &dyn ObjectStore,
    file: &Found,
    extension: &str,
) -> Result<Arc<dyn FileFormat>> {
    let kind = kind(extension);
    let Some(factory) = state.get_file_format_factory(&kind) else {
        return plan_err!("files of the format {kind} cannot be read");
    };
    let mut options = HashMap::new();
    if let Some((_, compression)) = extension.split_once('.') {
        options.insert("format.compression".to_string(), compression.to_string());
    } else if kind == "json" && is_json_array(store, &file.meta).await? {
        options.insert("format.newline_delimited".to_string(), "false".to_string());
    }
    factory.create(state, &options)
}

/// Whether a JSON file is one array of rows, as `--format json` writes it, rather than one row per line.
async fn is_json_array(store: &dyn ObjectStore, file: &ObjectMeta) -> Result<bool> {
    if file.size == 0 {
        return Ok(false);
    }
    let head = store.get_range(&file.location, 0..file.size.min(SNIFFED_BYTES)).await?;
    Ok(head.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'['))
}

/// Names and types of the partitions: whole numbers or dates when all values are, else text.
fn partitions(name: &str, files: &[Found]) -> Result<Vec<(String, DataType)>> {
    let names = |file: &Found| file.partitions.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let first = files.first().map(names).unwrap_or_default();
    if let Some(other) = files.iter().find(|file| names(file) != first) {
        return plan_err!(
            "'{name}' has files of different partitions: {} has {:?} and {} has {:?}",
            files[0].meta.location,
            first,
            other.meta.location,
            names(other)
        );
    }
    let values = |position: usize| files.iter().map(move |file| file.partitions[position].1.as_str());
    Ok(first
        .iter()
        .enumerate()
        .map(|(position, name)| (name.clone(), partition_type(values(position))))
        .collect())
}

fn partition_type<'a>(values: impl Iterator<Item = &'a str> + Clone) -> DataType {
    // A value must read back as it is written: 007 and 2026-1-1 are text.
    let all = |data_type: &DataType| {
        values.clone().all(|value| {
            let parsed = ScalarValue::try_from_string(value.to_string(), data_type)
                .and_then(|scalar| scalar.to_array());
            parsed.is_ok_and(|array| array_value_to_string(&array, 0).is_ok_and(|text| text == value))
        })
    };
    [DataType::Int64, DataType::Date32]
        .into_iter()
        .find(all)
        .unwrap_or_else(|| DataType::Dictionary(Box::new(DataType::UInt16), Box::new(DataType::Utf8)))
}

/// Whether a name that is no table can only have meant a file.
pub(crate) fn is_path(name: &str) -> bool {
    name.contains(['/', '\\', '.', '*'])
}
