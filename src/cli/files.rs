//! Files and folders as tables: `FROM 'logs/*.parquet'`.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use datafusion::catalog::{TableProvider, UrlTableFactory};
use datafusion::common::{Result, internal_datafusion_err, plan_err};
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::execution::SessionState;
use datafusion::object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use datafusion::prelude::SessionContext;
use futures::TryStreamExt;

/// Bytes of a JSON file to look at for its first character that is not a space.
const SNIFFED_BYTES: u64 = 1024;

/// Makes tables from the paths that stand in FROM.
#[derive(Default)]
pub(super) struct FileTables {
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
    pub(super) fn serve(&self, context: &SessionContext) {
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
        let Ok(url) = ListingTableUrl::parse(name) else {
            return Ok(None);
        };
        let state = self.state()?;
        let Some(options) = options(&state, &url, name).await? else {
            return Ok(None);
        };
        let config = ListingTableConfig::new(url)
            .with_listing_options(options)
            .infer_partitions_from_path(&state)
            .await?
            .infer_schema(&state)
            .await?;
        Ok(Some(Arc::new(ListingTable::try_new(config)?)))
    }
}

/// Reads how the files at `url` are written off the first one whose extension is known; `None` without files.
async fn options(state: &SessionState, url: &ListingTableUrl, name: &str) -> Result<Option<ListingOptions>> {
    let store = state.runtime_env().object_store(url)?;
    let mut files = url.list_all_files(state, store.as_ref(), "").await?;
    let mut other = None;
    // An error of the listing means that there is nothing of this name.
    while let Ok(Some(file)) = files.try_next().await {
        if let Some((format, extension)) = format(state, store.as_ref(), &file).await? {
            return Ok(Some(ListingOptions::new(format).with_file_extension(extension)));
        }
        other = other.or(file.location.filename().map(String::from));
    }
    match other {
        Some(file) if is_path(name) => plan_err!(
            "cannot tell the format of {file} in '{name}'; known extensions are .parquet .csv .json .ndjson .jsonl .arrow"
        ),
        _ => Ok(None),
    }
}

async fn format(
    state: &SessionState,
    store: &dyn ObjectStore,
    file: &ObjectMeta,
) -> Result<Option<(Arc<dyn FileFormat>, String)>> {
    let (extension, compression) =
        ListingTableConfig::infer_file_extension_and_compression_type(file.location.as_ref())?;
    let kind = match extension.to_lowercase().as_str() {
        "ndjson" | "jsonl" => "json".to_string(),
        known => known.to_string(),
    };
    let Some(factory) = state.get_file_format_factory(&kind) else {
        return Ok(None);
    };
    let mut options = HashMap::new();
    let extension = match compression {
        Some(compression) => {
            let both = format!("{extension}.{compression}");
            options.insert("format.compression".to_string(), compression);
            both
        }
        None => {
            if kind == "json" && is_json_array(store, file).await? {
                options.insert("format.newline_delimited".to_string(), "false".to_string());
            }
            extension
        }
    };
    Ok(Some((factory.create(state, &options)?, extension)))
}

/// Whether a JSON file is one array of rows, as `--format json` writes it, rather than one row per line.
async fn is_json_array(store: &dyn ObjectStore, file: &ObjectMeta) -> Result<bool> {
    let head = store.get_range(&file.location, 0..file.size.min(SNIFFED_BYTES)).await?;
    Ok(head.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'['))
}

/// Whether a name that is no table can only have meant a file.
pub(super) fn is_path(name: &str) -> bool {
    name.contains(['/', '\\', '.', '*'])
}
