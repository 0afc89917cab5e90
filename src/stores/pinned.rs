//! A store that notices files which change between being listed and being read.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use super::failure::{broken_body, failed};

/// What the error of a changed file says.
const CHANGED: &str = "changed while the query read it; run the query again";

/// A store with the version of every file that the statement at hand has seen.
#[derive(Debug)]
pub(super) struct Pinned {
    inner: Arc<dyn ObjectStore>,
    /// Whether looking at a file costs nothing, as on the local disk.
    local: bool,
    versions: Arc<Mutex<Versions>>,
}

type Versions = HashMap<Path, Version>;

/// What tells one version of a file from another.
#[derive(Clone, Debug)]
struct Version {
    tag: Option<String>,
    size: u64,
    /// Seconds since 1970, which is as exact as all stores are.
    modified: i64,
}

impl Version {
    fn of(meta: &ObjectMeta) -> Self {
        Self { tag: meta.e_tag.clone(), size: meta.size, modified: meta.last_modified.timestamp() }
    }

    /// Whether both are one version. A tag says it best; some stores have none, or not in a listing.
    fn is(&self, other: &Self) -> bool {
        match (&self.tag, &other.tag) {
            (Some(mine), Some(theirs)) => mine == theirs,
            _ => self.size == other.size && self.modified == other.modified,
        }
    }
}

impl Pinned {
    pub(super) fn new(inner: Arc<dyn ObjectStore>, local: bool) -> Self {
        Self { inner, local, versions: Arc::default() }
    }

    /// The same store, nothing of which has been seen.
    #[cfg(feature = "server")]
    pub(super) fn unseen(&self) -> Self {
        Self::new(Arc::clone(&self.inner), self.local)
    }

    /// Forgets all versions.
    pub(super) fn forget(&self) {
        lock(&self.versions).clear();
    }

    fn forget_one(&self, location: &Path) {
        lock(&self.versions).remove(location);
    }
}

fn lock(versions: &Mutex<Versions>) -> MutexGuard<'_, Versions> {
    versions.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Remembers the version of a file, or compares it with the one that was seen before.
fn pin(versions: &Mutex<Versions>, meta: &ObjectMeta) -> Result<()> {
    let version = Version::of(meta);
    match lock(versions).entry(meta.location.clone()) {
        Entry::Occupied(seen) if !seen.get().is(&version) => {
            Err(failed(format!("{} {CHANGED}", meta.location)))
        }
        Entry::Occupied(mut seen) => {
            // Listings may be without tags.
            let tag = &mut seen.get_mut().tag;
            *tag = tag.take().or(version.tag);
            Ok(())
        }
        Entry::Vacant(new) => {
            new.insert(version);
            Ok(())
        }
    }
}

impl fmt::Display for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for Pinned {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let mut result = self.inner.get_opts(location, options).await?;
        pin(&self.versions, &result.meta)?;
        result.payload = match result.payload {
            GetResultPayload::Stream(body) => {
                let location = location.clone();
                let named = body.map_err(move |error| broken_body(location.clone(), error));
                GetResultPayload::Stream(named.boxed())
            }
            local => local,
        };
        Ok(result)
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        if !self.local {
            // Each range is a read of its own, and so checked.
            let read = |range| self.get_range(location, range);
            return object_store::coalesce_ranges(ranges, read, object_store::OBJECT_STORE_COALESCE_DEFAULT)
                .await;
        }
        let bytes = self.inner.get_ranges(location, ranges).await?;
        self.head(location).await?;
        Ok(bytes)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let versions = self.versions.clone();
        let pinned =
            move |meta: Result<ObjectMeta>| meta.and_then(|meta| pin(&versions, &meta).map(|()| meta));
        self.inner.list(prefix).map(pinned).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let listed = self.inner.list_with_delimiter(prefix).await?;
        listed.objects.iter().try_for_each(|meta| pin(&self.versions, meta))?;
        Ok(listed)
    }

    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.forget_one(location);
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.forget_one(location);
        self.inner.put_multipart_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.forget_one(to);
        self.inner.copy_opts(from, to, options).await
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use object_store::local::LocalFileSystem;

    use super::*;

    #[tokio::test]
    async fn a_local_file_that_changes_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("log.csv"), "a\n1\n").unwrap();
        let store = LocalFileSystem::new_with_prefix(directory.path()).unwrap();
        let store = Pinned::new(Arc::new(store), true);
        let location = Path::from("log.csv");
        store.head(&location).await.unwrap();
        assert_eq!(store.get_ranges(&location, &[0..1, 2..3]).await.unwrap()[1], "1");

        fs::write(directory.path().join("log.csv"), "a\n1\n2\n").unwrap();
        for error in [
            store.get_opts(&location, GetOptions::default()).await.unwrap_err(),
            store.get_ranges(&location, &[0..1, 2..3]).await.unwrap_err(),
        ] {
            assert!(error.to_string().ends_with(&format!("log.csv {CHANGED}")), "{error}");
        }
        store.forget();
        store.head(&location).await.unwrap();
    }
}
