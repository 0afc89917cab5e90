//! What there is: catalogs, schemas and tables, as tables that clients expect.

use std::sync::Arc;

use arrow_flight::error::Result as FlightResult;
use arrow_flight::sql::{CommandGetCatalogs, CommandGetDbSchemas, CommandGetTableTypes, CommandGetTables};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::Result;
use datafusion::logical_expr::TableType;
use datafusion::prelude::SessionContext;
use futures::StreamExt;
use futures::stream;

use super::edge::schema_at_edge;

/// Tables whose schemas are looked up at a time.
const LOOKUPS: usize = 32;
/// Where a column's type stands under the name that SQL gives it.
const TYPE_NAME: &str = "ARROW:FLIGHT:SQL:TYPE_NAME";
/// The types of tables, in the words of JDBC.
const TABLE_TYPES: [&str; 3] = ["TABLE", "VIEW", "LOCAL TEMPORARY"];

pub(super) fn catalogs(context: &SessionContext, command: CommandGetCatalogs) -> FlightResult<RecordBatch> {
    let mut builder = command.into_builder();
    context.catalog_names().into_iter().for_each(|name| builder.append(name));
    builder.build()
}

pub(super) fn schemas(context: &SessionContext, command: CommandGetDbSchemas) -> FlightResult<RecordBatch> {
    let mut builder = command.into_builder();
    for (catalog, schema) in schema_names(context) {
        builder.append(catalog, schema);
    }
    builder.build()
}

pub(super) fn table_types(command: CommandGetTableTypes) -> FlightResult<RecordBatch> {
    let mut builder = command.into_builder();
    TABLE_TYPES.iter().for_each(|name| builder.append(name));
    builder.build()
}

/// # Errors
///
/// When a table that is listed cannot be read.
pub(super) async fn tables(
    context: &SessionContext,
    command: CommandGetTables,
) -> Result<FlightResult<RecordBatch>> {
    let with_schemas = command.include_schema;
    let mut builder = command.into_builder();
    for (catalog, schema) in schema_names(context) {
        let provider = context.catalog(&catalog).and_then(|catalog| catalog.schema(&schema));
        let Some(provider) = provider else { continue };
        let names = stream::iter(provider.table_names());
        let looked_up = names.map(|name| {
            let provider = Arc::clone(&provider);
            async move {
                if !with_schemas {
                    let kind = provider.table_type(&name).await?;
                    return Ok::<_, datafusion::error::DataFusionError>((
                        name,
                        kind,
                        Arc::new(Schema::empty()),
                    ));
                }
                let table = provider.table(&name).await?;
                let kind = provider.table_type(&name).await?;
                let schema = table.map_or_else(|| Arc::new(Schema::empty()), |table| table.schema());
                Ok((name, kind, described(&schema)))
            }
        });
        let mut looked_up = looked_up.buffered(LOOKUPS);
        while let Some(found) = looked_up.next().await {
            let (name, kind, columns) = found?;
            let kind = match kind {
                Some(TableType::View) => TABLE_TYPES[1],
                Some(TableType::Temporary) => TABLE_TYPES[2],
                _ => TABLE_TYPES[0],
            };
            if let Err(error) = builder.append(&catalog, &schema, name, kind, &columns) {
                return Ok(Err(error));
            }
        }
    }
    Ok(builder.build())
}

fn schema_names(context: &SessionContext) -> Vec<(String, String)> {
    let mut names = vec![];
    for catalog in context.catalog_names() {
        let schemas = context.catalog(&catalog).map_or_else(Vec::new, |catalog| catalog.schema_names());
        names.extend(schemas.into_iter().map(|schema| (catalog.clone(), schema)));
    }
    names.sort();
    names
}

/// A table's schema as results have it, with the names of types.
fn described(schema: &Schema) -> SchemaRef {
    let schema = schema_at_edge(schema);
    let field = |field: &Arc<Field>| {
        let name = [(TYPE_NAME.to_string(), sql_name(field.data_type()).to_string())];
        field.as_ref().clone().with_metadata(name.into_iter().collect())
    };
    Arc::new(Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>()))
}

/// What SQL calls a type.
fn sql_name(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Boolean => "BOOLEAN",
        DataType::Int8 | DataType::UInt8 => "TINYINT",
        DataType::Int16 | DataType::UInt16 => "SMALLINT",
        DataType::Int32 | DataType::UInt32 => "INTEGER",
        DataType::Int64 | DataType::UInt64 => "BIGINT",
        DataType::Float16 | DataType::Float32 => "FLOAT",
        DataType::Float64 => "DOUBLE",
        DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => "DECIMAL",
        DataType::Date32 | DataType::Date64 => "DATE",
        DataType::Time32(_) | DataType::Time64(_) => "TIME",
        DataType::Timestamp(_, None) => "TIMESTAMP",
        DataType::Timestamp(_, Some(_)) => "TIMESTAMP WITH TIME ZONE",
        DataType::Interval(_) | DataType::Duration(_) => "INTERVAL",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            "BINARY"
        }
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => "ARRAY",
        DataType::Struct(_) | DataType::Union(..) => "STRUCT",
        DataType::Map(..) => "MAP",
        _ => "VARCHAR",
    }
}

/// Keys, of which the engine has none: empty tables that clients read.
pub(super) mod keys {
    use super::*;

    fn columns(fields: &[(&str, DataType, bool)]) -> SchemaRef {
        let field = |(name, data_type, nullable): &(&str, DataType, bool)| {
            Field::new(*name, data_type.clone(), *nullable)
        };
        Arc::new(Schema::new(fields.iter().map(field).collect::<Vec<_>>()))
    }

    /// The columns of primary keys.
    pub(in crate::server) fn primary() -> SchemaRef {
        columns(&[
            ("catalog_name", DataType::Utf8, true),
            ("db_schema_name", DataType::Utf8, true),
            ("table_name", DataType::Utf8, false),
            ("column_name", DataType::Utf8, false),
            ("key_name", DataType::Utf8, true),
            ("key_sequence", DataType::Int32, false),
        ])
    }

    /// The columns of foreign keys, exported and imported.
    pub(in crate::server) fn foreign() -> SchemaRef {
        columns(&[
            ("pk_catalog_name", DataType::Utf8, true),
            ("pk_db_schema_name", DataType::Utf8, true),
            ("pk_table_name", DataType::Utf8, false),
            ("pk_column_name", DataType::Utf8, false),
            ("fk_catalog_name", DataType::Utf8, true),
            ("fk_db_schema_name", DataType::Utf8, true),
            ("fk_table_name", DataType::Utf8, false),
            ("fk_column_name", DataType::Utf8, false),
            ("key_sequence", DataType::Int32, false),
            ("fk_key_name", DataType::Utf8, true),
            ("pk_key_name", DataType::Utf8, true),
            ("update_rule", DataType::UInt8, false),
            ("delete_rule", DataType::UInt8, false),
        ])
    }
}
