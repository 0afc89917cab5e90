//! A store that is opened when it is first used.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use tokio::sync::OnceCell;
use url::Url;

use super::StoreSettings;
use super::opening::{StoreOptions, open};

/// A store and what is needed to open it.
#[derive(Debug)]
pub(super) struct LazyStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    url: Url,
    options: StoreOptions,
    settings: StoreSettings,
    store: OnceCell<Arc<dyn ObjectStore>>,
}

impl LazyStore {
    pub(super) fn new(url: Url, options: StoreOptions, settings: StoreSettings) -> Self {
        Self(Arc::new(Inner { url, options, settings, store: OnceCell::new() }))
    }
}

impl Inner {
    async fn store(&self) -> Result<&Arc<dyn ObjectStore>> {
        let opened = || async { Ok(open(&self.url, &self.options, &self.settings).await?.store) };
        self.store.get_or_try_init(opened).await
    }
}

impl fmt::Display for LazyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&super::key(&self.0.url))
    }
}

#[async_trait]
impl ObjectStore for LazyStore {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.0.store().await?.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.0.store().await?.get_ranges(location, ranges).await
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (inner, prefix) = (self.0.clone(), prefix.cloned());
        let list = async move { inner.store().await.map(|store| store.list(prefix.as_ref())) };
        futures::stream::once(list).try_flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.store().await?.list_with_delimiter(prefix).await
    }

    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.0.store().await?.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.0.store().await?.put_multipart_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let inner = self.0.clone();
        let delete = async move { inner.store().await.map(|store| store.delete_stream(locations)) };
        futures::stream::once(delete).try_flatten().boxed()
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.store().await?.copy_opts(from, to, options).await
    }
}
