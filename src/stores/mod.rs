//! Object stores behind the URLs in SQL: `s3://`, `gs://`, `https://` and the local disk.
//!
//! A store is opened when it is first read, since finding credentials takes a while. What a statement has listed it
//! reads as listed: a file that changes meanwhile is an error ([`pinned`]).

mod external_tables;
mod failure;
mod lazy;
mod opening;
mod pinned;
mod redaction;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use datafusion::common::{Result, plan_err};
use datafusion::execution::object_store::ObjectStoreRegistry;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use url::Url;

use lazy::LazyStore;
use pinned::Pinned;

pub(crate) use external_tables::configured;
pub(crate) use failure::Failure;
pub(crate) use opening::{StoreOptions, open};
pub(crate) use redaction::redact;

/// Schemes that URLs may have.
const SCHEMES: [&str; 6] = ["s3", "s3a", "gs", "gcs", "http", "https"];

/// How stores are asked.
#[derive(Clone, Debug)]
pub(crate) struct StoreSettings {
    /// How long one request may take. A body that is cut off then is read on where it stopped.
    pub(crate) timeout: Duration,
    /// How often a request is tried again.
    pub(crate) retries: usize,
}

/// The stores of a session, by scheme and bucket.
#[derive(Debug)]
pub(crate) struct Stores {
    settings: StoreSettings,
    stores: Mutex<HashMap<String, Arc<Pinned>>>,
}

impl Stores {
    pub(crate) fn new(settings: StoreSettings) -> Self {
        let local = Arc::new(LocalFileSystem::new().with_automatic_cleanup(false));
        let local = Arc::new(Pinned::new(local, true));
        Self { settings, stores: Mutex::new(HashMap::from([("file://".to_string(), local)])) }
    }

    /// The same stores, opened once for both; what one lists the other does not know of.
    #[cfg(feature = "server")]
    pub(crate) fn unseen(&self) -> Self {
        let stores = self.lock().iter().map(|(key, store)| (key.clone(), Arc::new(store.unseen()))).collect();
        Self { settings: self.settings.clone(), stores: Mutex::new(stores) }
    }

    /// Forgets what was listed: the next statement sees files as they are then.
    pub(crate) fn begin_statement(&self) {
        for store in self.lock().values() {
            store.forget();
        }
    }

    /// Opens the store of `url` with these options from now on.
    pub(crate) fn configure(&self, url: &Url, options: StoreOptions) {
        let store = LazyStore::new(url.clone(), options, self.settings.clone());
        self.lock().insert(key(url), Arc::new(Pinned::new(Arc::new(store), false)));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Pinned>>> {
        // The map is whole whatever its holder was doing.
        self.stores.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ObjectStoreRegistry for Stores {
    fn register_store(&self, url: &Url, store: Arc<dyn ObjectStore>) -> Option<Arc<dyn ObjectStore>> {
        let before = self.lock().insert(key(url), Arc::new(Pinned::new(store, false)));
        before.map(|store| store as Arc<dyn ObjectStore>)
    }

    fn get_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        let known = self.lock().get(&key(url)).cloned();
        if let Some(store) = known {
            return Ok(store);
        }
        if !SCHEMES.contains(&url.scheme()) {
            return plan_err!(
                "files with {}:// cannot be read; there are s3://, gs://, https:// and paths on this machine",
                url.scheme()
            );
        }
        self.configure(url, StoreOptions::default());
        self.get_store(url)
    }
}

/// `s3://bucket` of `s3://bucket/folder/file`.
fn key(url: &Url) -> String {
    format!("{}://{}", url.scheme(), &url[url::Position::BeforeHost..url::Position::AfterPort])
}
