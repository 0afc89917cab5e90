//! The Flight SQL service: what clients call.

use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use arrow_flight::flight_service_server::FlightService;
use arrow_flight::sql::server::{FlightSqlService, PeekableFlightDataStream};
use arrow_flight::sql::{
    ActionCancelQueryRequest, ActionCancelQueryResult, ActionClosePreparedStatementRequest,
    ActionCreatePreparedStatementRequest, ActionCreatePreparedStatementResult, Any, CommandGetCatalogs,
    CommandGetCrossReference, CommandGetDbSchemas, CommandGetExportedKeys, CommandGetImportedKeys,
    CommandGetPrimaryKeys, CommandGetSqlInfo, CommandGetTableTypes, CommandGetTables, CommandGetXdbcTypeInfo,
    CommandPreparedStatementQuery, CommandPreparedStatementUpdate, CommandStatementIngest,
    CommandStatementQuery, CommandStatementUpdate, DoPutPreparedStatementResult, ProstMessageExt, SqlInfo,
    TicketStatementQuery,
};
use arrow_flight::{
    Action, ActionType, FlightDescriptor, FlightEndpoint, FlightInfo, HandshakeRequest, HandshakeResponse,
    IpcMessage, SchemaAsIpc, Ticket,
};
use bytes::Bytes;
use datafusion::arrow::array::{Int64Array, RecordBatch};
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::arrow::ipc::writer::IpcWriteOptions;
use datafusion::execution::memory_pool::MemoryConsumer;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use prost::Message;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Request, Response, Status, Streaming};

use super::entrance::COOKIE;
use super::execution::{Work, result_schema};
use super::metadata::{self, keys};
use super::sessions::{Bound, Held, Session};
use super::sql_info::{SQL_INFO, TYPES};
use super::statements::{Planned, Refused, Returns};
use super::status::status;
use super::{Server, actions, ingestion};

type DataStream = Pin<Box<dyn Stream<Item = Result<arrow_flight::FlightData, Status>> + Send>>;

impl Server {
    /// What clients are told of a result: its schema, and the ticket that fetches it from here.
    fn info(
        &self,
        schema: &Schema,
        ticket: &Any,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let endpoint = FlightEndpoint::new().with_ticket(Ticket::new(ticket.encode_to_vec()));
        let info = FlightInfo::new()
            .try_with_schema(schema)
            .map_err(|error| Status::internal(format!("a schema cannot be sent: {error}")))?;
        Ok(Response::new(info.with_endpoint(endpoint).with_descriptor(request.into_inner())))
    }

    /// Announces the result of a held statement. What returns no rows runs now, since clients may never fetch its result, and
    /// drop it while it runs.
    async fn announce(
        &self,
        session: Arc<Session>,
        handle: &[u8],
        ticket: &Any,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let held = session.held(handle)?;
        let work = Work::new(Arc::clone(&session), &held.planned, &held.bound, patience(request.metadata()))?;
        let schema = work.schema();
        if work.returns != Returns::Rows {
            let count = self.execution.count(work).await?;
            session.change(handle, |held| held.count = Some(count))?;
        }
        self.info(&schema, ticket, request)
    }

    /// Runs a statement for a client that fetches its rows.
    async fn fetch<T>(
        &self,
        session: Arc<Session>,
        request: &Request<T>,
        handle: &[u8],
    ) -> Result<Response<DataStream>, Status> {
        let held = session.held(handle)?;
        let work = Work::new(Arc::clone(&session), &held.planned, &held.bound, patience(request.metadata()))?;
        if let Some(count) = held.count {
            let batch = RecordBatch::try_new(work.schema(), vec![Arc::new(Int64Array::from(vec![count]))]);
            return table(batch.map_err(FlightError::from));
        }
        let batches = self.execution.stream(work).await?;
        session.change(handle, |held| held.running = Some(batches.stop()))?;
        let schema = Arc::clone(&batches.schema);
        Ok(Response::new(encoded(schema, batches)))
    }
}

/// How long a client waits, by the `grpc-timeout` header: a number and a unit.
fn patience(metadata: &MetadataMap) -> Option<Duration> {
    let text = metadata.get("grpc-timeout")?.to_str().ok()?;
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u64 = number.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number.saturating_mul(3600))),
        "M" => Some(Duration::from_secs(number.saturating_mul(60))),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

fn encoded(
    schema: SchemaRef,
    batches: impl Stream<Item = Result<RecordBatch, Status>> + Send + 'static,
) -> DataStream {
    let batches = batches.map_err(|status| FlightError::Tonic(Box::new(status)));
    let encoder = FlightDataEncoderBuilder::new().with_schema(schema).build(batches);
    Box::pin(encoder.map_err(Status::from))
}

/// Metadata as the answer to a ticket.
fn table(batch: Result<RecordBatch, FlightError>) -> Result<Response<DataStream>, Status> {
    let batch = batch.map_err(Status::from)?;
    Ok(Response::new(encoded(batch.schema(), stream::iter([Ok(batch)]))))
}

/// A table without rows.
fn empty(schema: SchemaRef) -> Result<Response<DataStream>, Status> {
    table(Ok(RecordBatch::new_empty(schema)))
}

fn ipc(schema: &Schema) -> Result<Bytes, Status> {
    let options = IpcWriteOptions::default();
    let message = IpcMessage::try_from(SchemaAsIpc::new(schema, &options));
    let IpcMessage(bytes) =
        message.map_err(|error| Status::internal(format!("a schema cannot be sent: {error}")))?;
    Ok(bytes)
}

/// What a client sends: rows, of which there may be none, not even a schema.
struct Received {
    schema: Option<SchemaRef>,
    bound: Bound,
}

impl Server {
    async fn received(&self, request: Request<PeekableFlightDataStream>) -> Result<Received, Status> {
        let most = self.config.limits.query_memory;
        let data = request.into_inner().map_err(|status| FlightError::Tonic(Box::new(status)));
        let data = data.try_filter(|message| ready(!message.data_header.is_empty()));
        let mut batches = FlightRecordBatchStream::new_from_flight_data(data);
        let held = MemoryConsumer::new("values that clients send").register(&self.runtime.memory_pool);
        let mut rows = vec![];
        while let Some(batch) = batches.try_next().await.map_err(Status::from)? {
            held.try_grow(batch.get_array_memory_size()).map_err(|error| status(&error, ""))?;
            if held.size() > most {
                return Err(Status::resource_exhausted(format!(
                    "values take more than the {most} bytes that limit query_memory allows; send fewer rows at a time"
                )));
            }
            if batch.num_columns() > 0 {
                rows.push(batch);
            }
        }
        let schema = batches.schema().cloned();
        Ok(Received { schema, bound: Bound { rows, _held: Some(Arc::new(held)) } })
    }
}

#[tonic::async_trait]
impl FlightSqlService for Server {
    type FlightService = Self;

    async fn do_handshake(
        &self,
        request: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Pin<Box<dyn Stream<Item = Result<HandshakeResponse, Status>> + Send>>>, Status> {
        let token = self.log_in(request.metadata()).await?;
        let payload =
            HandshakeResponse { protocol_version: 0, payload: Bytes::from(token.clone().into_bytes()) };
        let mut response: Response<Pin<Box<dyn Stream<Item = _> + Send>>> =
            Response::new(Box::pin(stream::iter([Ok(payload)])));
        let header = |text: String| {
            MetadataValue::try_from(text).map_err(|_| Status::internal("a token cannot be sent"))
        };
        response.metadata_mut().insert("authorization", header(format!("Bearer {token}"))?);
        response.metadata_mut().insert("set-cookie", header(format!("{COOKIE}={token}"))?);
        Ok(response)
    }

    async fn get_flight_info_statement(
        &self,
        query: CommandStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let session = self.session(&request).await?;
        let planned = self.execution.plan(&session, query.query).await?;
        let handle = session.hold(Held::new(planned), self.config.limits.statements)?;
        let ticket = TicketStatementQuery { statement_handle: handle.clone() }.as_any();
        self.announce(session, &handle, &ticket, request).await
    }

    async fn get_flight_info_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let session = self.session(&request).await?;
        let ticket = query.as_any();
        self.announce(session, &query.prepared_statement_handle, &ticket, request).await
    }

    async fn get_flight_info_catalogs(
        &self,
        query: CommandGetCatalogs,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.session(&request).await?;
        self.info(&query.into_builder().schema(), &query.as_any(), request)
    }

    async fn get_flight_info_schemas(
        &self,
        query: CommandGetDbSchemas,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.session(&request).await?;
        self.info(&query.clone().into_builder().schema(), &query.as_any(), request)
    }

    async fn get_flight_info_tables(
        &self,
        query: CommandGetTables,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.session(&request).await?;
        self.info(&query.clone().into_builder().schema(), &query.as_any(), request)
    }

    async fn get_flight_info_table_types(
        &self,
        query: CommandGetTableTypes,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.session(&request).await?;
        self.info(&query.into_builder().schema(), &query.as_any(), request)
    }

    async fn get_flight_info_sql_info(
        &self,
        query: CommandGetSqlInfo,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.session(&request).await?;
        self.info(&SQL_INFO.schema(), &query.as_any(), request)
    }

    async fn get_flight_info_primary_keys(
        &self,
        query: CommandGetPrimaryKeys,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.session(&request).await?;
        self.info(&keys::primary(), &query.as_any(), request)
    }

    async fn get_flight_info_exported_keys(
        &self,
        query: CommandGetExportedKeys,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.session(&request).await?;
        self.info(&keys::foreign(), &query.as_any(), request)
    }

    async fn get_flight_info_imported_keys(
        &self,
        query: CommandGetImportedKeys,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.session(&request).await?;
        self.info(&keys::foreign(), &query.as_any(), request)
    }

    async fn get_flight_info_cross_reference(
        &self,
        query: CommandGetCrossReference,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.session(&request).await?;
        self.info(&keys::foreign(), &query.as_any(), request)
    }

    async fn get_flight_info_xdbc_type_info(
        &self,
        query: CommandGetXdbcTypeInfo,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.session(&request).await?;
        self.info(&TYPES.schema(), &query.as_any(), request)
    }

    async fn do_get_statement(
        &self,
        ticket: TicketStatementQuery,
        request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        let session = self.session(&request).await?;
        let handle = ticket.statement_handle;
        let response = self.fetch(Arc::clone(&session), &request, &handle).await?;
        // Once all of it is fetched nobody comes back for it.
        let forget = stream::once(async move { drop(session.close(&handle)) }).filter_map(|()| ready(None));
        Ok(response.map(|rows| Box::pin(rows.chain(forget)) as DataStream))
    }

    async fn do_get_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        let session = self.session(&request).await?;
        self.fetch(session, &request, &query.prepared_statement_handle).await
    }

    async fn do_get_catalogs(
        &self,
        query: CommandGetCatalogs,
        request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        table(metadata::catalogs(&self.session(&request).await?.context, query))
    }

    async fn do_get_schemas(
        &self,
        query: CommandGetDbSchemas,
        request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        table(metadata::schemas(&self.session(&request).await?.context, query))
    }

    async fn do_get_tables(
        &self,
        query: CommandGetTables,
        request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        let session = self.session(&request).await?;
        let tables = metadata::tables(&session.context, query).await;
        table(tables.map_err(|error| status(&error, ""))?)
    }

    async fn do_get_table_types(
        &self,
        query: CommandGetTableTypes,
        request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        self.session(&request).await?;
        table(metadata::table_types(query))
    }

    async fn do_get_sql_info(
        &self,
        query: CommandGetSqlInfo,
        request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        self.session(&request).await?;
        table(query.into_builder(&SQL_INFO).build())
    }

    async fn do_get_primary_keys(
        &self,
        _query: CommandGetPrimaryKeys,
        request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        self.session(&request).await?;
        empty(keys::primary())
    }

    async fn do_get_exported_keys(
        &self,
        _query: CommandGetExportedKeys,
        request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        self.session(&request).await?;
        empty(keys::foreign())
    }

    async fn do_get_imported_keys(
        &self,
        _query: CommandGetImportedKeys,
        request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        self.session(&request).await?;
        empty(keys::foreign())
    }

    async fn do_get_cross_reference(
        &self,
        _query: CommandGetCrossReference,
        request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        self.session(&request).await?;
        empty(keys::foreign())
    }

    async fn do_get_xdbc_type_info(
        &self,
        query: CommandGetXdbcTypeInfo,
        request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        self.session(&request).await?;
        table(query.into_builder(&TYPES).build())
    }

    async fn do_put_statement_update(
        &self,
        update: CommandStatementUpdate,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        let session = self.session(&request).await?;
        let planned = self.execution.plan(&session, update.query).await?;
        let work = Work::new(session, &planned, &Bound::default(), patience(request.metadata()))?;
        self.execution.count(work).await
    }

    async fn do_put_statement_ingest(
        &self,
        command: CommandStatementIngest,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        let session = self.session(&request).await?;
        let patience = patience(request.metadata());
        let Received { schema, bound } = self.received(request).await?;
        let schema = schema.ok_or_else(|| Status::invalid_argument("rows for a table must have a schema"))?;
        let count = bound.rows.iter().map(RecordBatch::num_rows).sum::<usize>();
        let plan = ingestion::plan(&session, &command, schema, bound.rows).await;
        let planned = plan.map_err(Refused::from).and_then(|plan| Planned::of(plan, &session));
        let planned = planned.map_err(|refused| refused.status(""))?;
        let work = Work::new(session, &planned, &Bound::default(), patience)?;
        self.execution.count(work).await?;
        Ok(count as i64)
    }

    async fn do_put_prepared_statement_query(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<DoPutPreparedStatementResult, Status> {
        let session = self.session(&request).await?;
        let Received { bound, .. } = self.received(request).await?;
        session.change(&query.prepared_statement_handle, |held| held.bound = bound)?;
        Ok(DoPutPreparedStatementResult { prepared_statement_handle: Some(query.prepared_statement_handle) })
    }

    async fn do_put_prepared_statement_update(
        &self,
        query: CommandPreparedStatementUpdate,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        let session = self.session(&request).await?;
        let patience = patience(request.metadata());
        let handle = query.prepared_statement_handle;
        let Received { bound, .. } = self.received(request).await?;
        if !bound.rows.is_empty() {
            session.change(&handle, |held| held.bound = bound)?;
        }
        let held = session.held(&handle)?;
        self.execution.count(Work::new(session, &held.planned, &held.bound, patience)?).await
    }

    async fn do_action_create_prepared_statement(
        &self,
        query: ActionCreatePreparedStatementRequest,
        request: Request<Action>,
    ) -> Result<ActionCreatePreparedStatementResult, Status> {
        let session = self.session(&request).await?;
        let planned = self.execution.plan(&session, query.query).await?;
        // JDBC takes a statement without result columns for an update.
        let unbound = planned.unbound().map_err(|error| status(&error, &planned.sql))?;
        let dataset = match planned.returns() {
            Returns::Rows => result_schema(Returns::Rows, Some(&unbound)),
            Returns::Count | Returns::Nothing => Arc::new(Schema::empty()),
        };
        let parameters = planned.parameters.schema();
        Ok(ActionCreatePreparedStatementResult {
            prepared_statement_handle: session.hold(Held::new(planned), self.config.limits.statements)?,
            dataset_schema: ipc(&dataset)?,
            parameter_schema: ipc(&parameters)?,
        })
    }

    async fn do_action_close_prepared_statement(
        &self,
        query: ActionClosePreparedStatementRequest,
        request: Request<Action>,
    ) -> Result<(), Status> {
        drop(self.session(&request).await?.close(&query.prepared_statement_handle));
        Ok(())
    }

    async fn do_action_cancel_query(
        &self,
        query: ActionCancelQueryRequest,
        request: Request<Action>,
    ) -> Result<ActionCancelQueryResult, Status> {
        actions::cancel_query(&self.session(&request).await?, &query)
    }

    async fn do_action_fallback(
        &self,
        request: Request<Action>,
    ) -> Result<Response<<Self as FlightService>::DoActionStream>, Status> {
        let body = actions::perform(self, request).await?;
        Ok(Response::new(Box::pin(stream::iter([Ok(arrow_flight::Result { body })]))))
    }

    async fn list_custom_actions(&self) -> Option<Vec<Result<ActionType, Status>>> {
        Some(actions::actions().into_iter().map(Ok).collect())
    }

    async fn register_sql_info(&self, _id: i32, _result: &SqlInfo) {}
}
