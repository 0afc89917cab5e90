//! `causal doctor URL`: goes through what reading from a store needs, and names the first thing that fails.

use std::io::{self, Write};

use datafusion::object_store::path::Path;
use datafusion::object_store::{Error as StoreError, ObjectMeta, ObjectStore, ObjectStoreExt};
use datafusion::parquet::errors::ParquetError;
use datafusion::parquet::file::metadata::{FooterTail, ParquetMetaDataReader};
use futures::TryStreamExt;
use tokio::runtime::Builder;
use url::Url;

use super::engine::EngineOptions;
use super::errors::CliError;
use crate::stores::{Failure, StoreOptions, open, redact};

/// Objects to show.
const SHOWN: usize = 5;
/// Objects to look through for a Parquet file.
const LISTED: usize = 1000;

pub(super) fn run(url: &str, options: &EngineOptions) -> Result<(), CliError> {
    let url = Url::parse(url).map_err(|error| {
        CliError::Usage(format!("'{url}' is no URL such as s3://bucket/folder/: {error}"))
    })?;
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::Failed(format!("cannot start: {error}")))?;
    runtime.block_on(examine(&url, options))
}

async fn examine(url: &Url, options: &EngineOptions) -> Result<(), CliError> {
    say("url", url.as_str())?;
    let opened = open(url, &StoreOptions::new(), &options.store_settings()).await;
    let opened = opened.map_err(|error| failure("finding credentials", &error))?;
    say("credentials", &opened.credentials)?;
    say("region", opened.region.as_deref().unwrap_or("none is needed"))?;
    say("endpoint", opened.endpoint.as_deref().unwrap_or("the provider's own"))?;

    let store = opened.store;
    let prefix = Path::from_url_path(url.path())
        .map_err(|error| CliError::Usage(format!("{url} has no path that a store can have: {error}")))?;
    let objects = objects(store.as_ref(), &prefix, url.path().ends_with('/')).await?;
    for object in objects.iter().take(SHOWN) {
        say("object", &format!("{} ({} bytes, {})", object.location, object.size, object.last_modified))?;
    }
    let of_kind = |end: &str| objects.iter().find(|object| object.location.as_ref().ends_with(end));
    let Some(object) = of_kind(".parquet").or(objects.first()) else {
        let advice = "check the folder's name; names are case-sensitive";
        return Err(CliError::Failed(format!("listing: there is nothing at {url}\n  = help: {advice}")));
    };
    if object.location.as_ref().ends_with(".parquet") {
        say("footer", &footer(store.as_ref(), object).await?)?;
    } else {
        let bytes = store.get_range(&object.location, 0..object.size.min(1024)).await;
        let bytes = bytes.map_err(|error| failure(&format!("reading {}", object.location), &error))?;
        say("read", &format!("the first {} bytes of {}", bytes.len(), object.location))?;
    }
    say("result", "everything that a query needs works")
}

/// The first objects at a place, or the object itself.
async fn objects(
    store: &dyn ObjectStore,
    prefix: &Path,
    is_folder: bool,
) -> Result<Vec<ObjectMeta>, CliError> {
    if !is_folder && let Ok(object) = store.head(prefix).await {
        return Ok(vec![object]);
    }
    let mut listing = store.list(Some(prefix));
    let mut objects = vec![];
    while objects.len() < LISTED {
        match listing.try_next().await {
            Ok(Some(object)) if object.size > 0 => objects.push(object),
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(error) => return Err(failure("listing", &error)),
        }
    }
    Ok(objects)
}

/// Reads the footer of a Parquet file: its last eight bytes say how long it is.
async fn footer(store: &dyn ObjectStore, object: &ObjectMeta) -> Result<String, CliError> {
    let step = format!("reading the footer of {}", object.location);
    let damaged = |error: ParquetError| {
        CliError::Failed(format!("{step}: {error}\n  = help: the file is damaged or not Parquet"))
    };
    let read = async |length: u64| {
        let last = object.size.saturating_sub(length)..object.size;
        store.get_range(&object.location, last).await.map_err(|error| failure(&step, &error))
    };
    const TAIL: u64 = 8;
    let tail = FooterTail::try_from(read(TAIL).await?.as_ref()).map_err(damaged)?;
    let length = tail.metadata_length();
    let footer = read(length as u64 + TAIL).await?;
    let metadata =
        ParquetMetaDataReader::decode_metadata(footer.get(..length).unwrap_or_default()).map_err(damaged)?;
    let (rows, columns) =
        (metadata.file_metadata().num_rows(), metadata.file_metadata().schema_descr().num_columns());
    Ok(format!("{}: {rows} rows, {columns} columns", object.location))
}

/// The error of a step, and what to do about it.
fn failure(step: &str, error: &StoreError) -> CliError {
    let Failure { message, help } = Failure::of(error);
    let help = help.unwrap_or("check credentials, region and endpoint above");
    CliError::Failed(format!("{step}: {message}\n  = help: {help}"))
}

fn say(what: &str, text: &str) -> Result<(), CliError> {
    writeln!(io::stdout(), "{what:<12} {}", redact(text))
        .map_err(|error| CliError::Failed(format!("cannot write to standard output: {error}")))
}
