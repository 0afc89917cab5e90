//! The tables that a configuration says, and the session that they were made in.

use std::sync::Arc;

use datafusion::catalog::{
    CatalogProvider, MemoryCatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider, SchemaProvider,
    UrlTableFactory,
};
use datafusion::common::Result;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::parser::DFParserBuilder;

use super::ServeError;
use super::auth::Identity;
use super::catalog::{CATALOG, SCHEMA, SessionSchema};
use super::config::Config;
use super::sessions::Session;
use crate::files::FileTables;
use crate::session;
use crate::stores::{Stores, configured};

/// What the server's tables were made in, and every session is made after.
pub(super) struct Host {
    context: SessionContext,
    stores: Arc<Stores>,
    tables: Arc<dyn SchemaProvider>,
}

impl Host {
    /// Makes the tables and views of a configuration.
    ///
    /// # Errors
    ///
    /// When one of them cannot be made.
    pub(super) async fn new(
        config: Arc<Config>,
        runtime: Arc<RuntimeEnv>,
        threads: usize,
    ) -> std::result::Result<Self, ServeError> {
        let stores = Arc::new(Stores::new(config.stores.settings()));
        let runtime = Arc::new(RuntimeEnv {
            object_store_registry: Arc::clone(&stores) as _,
            ..runtime.as_ref().clone()
        });
        let context =
            SessionContext::new_with_state(builder(&config, threads)?.with_runtime_env(runtime).build());
        let tables: Arc<dyn SchemaProvider> = Arc::new(MemorySchemaProvider::new());
        let catalog = MemoryCatalogProvider::new();
        catalog.register_schema(SCHEMA, Arc::clone(&tables))?;
        context.register_catalog(CATALOG, Arc::new(catalog));
        let files = FileTables::default();
        files.serve(&context);
        for (name, path) in &config.tables {
            let table = files.try_new(path).await?.ok_or_else(|| {
                ServeError::Usage(format!("table {name} must be a path, pattern or URL of files, got {path}"))
            })?;
            tables.register_table(name.clone(), table)?;
        }
        if let Some(init) = &config.init {
            // The parser does not go from thread to thread.
            let statements = { DFParserBuilder::new(init.as_str()).build()?.parse_statements()? };
            for statement in statements {
                let plan = configured(context.state().statement_to_plan(statement).await?, &stores)?;
                context.execute_logical_plan(plan).await?.collect().await?;
            }
        }
        for (name, query) in &config.views {
            let name = name.replace('"', "\"\"");
            context.sql(&format!("CREATE VIEW \"{name}\" AS {query}")).await?.collect().await?;
        }
        Ok(Self { context, stores, tables })
    }

    /// A session that sees the server's tables and has its own above them.
    ///
    /// # Errors
    ///
    /// Those of the engine.
    pub(super) fn session(&self, identity: Identity, runtime: &RuntimeEnv) -> Result<Session> {
        let stores = Arc::new(self.stores.unseen());
        let runtime =
            Arc::new(RuntimeEnv { object_store_registry: Arc::clone(&stores) as _, ..runtime.clone() });
        let schema = SessionSchema::new(Arc::clone(&self.tables), Arc::clone(&runtime.memory_pool));
        let schema = Arc::new(schema);
        let state = SessionStateBuilder::new_from_existing(self.context.state())
            .with_catalog_list(Arc::new(MemoryCatalogProviderList::new()))
            .with_runtime_env(runtime)
            .build();
        let context = SessionContext::new_with_state(state);
        context.register_catalog(CATALOG, SessionSchema::catalog(&schema)?);
        Ok(Session::new(identity, context, stores, schema))
    }
}

/// A session's engine, as the configuration has it.
fn builder(config: &Config, threads: usize) -> Result<SessionStateBuilder> {
    let mut session = SessionConfig::new()
        .with_target_partitions(threads)
        .with_default_catalog_and_schema(CATALOG, SCHEMA)
        .with_create_default_catalog_and_schema(false);
    session.options_mut().sql_parser.collect_spans = true;
    match &config.macros {
        Some(directory) => session::builder_with_macros(session, directory),
        None => Ok(session::builder(session)),
    }
}
