//! Actions beyond those of Flight SQL: cancel, session options, the end of a session.

use std::sync::Arc;

use arrow_flight::sql::{ActionCancelQueryRequest, ActionCancelQueryResult, Any, Command};
use arrow_flight::{
    Action, ActionType, CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus, FlightInfo,
};
use bytes::Bytes;
use prost::Message;
use tonic::{Request, Status};

use super::Server;
use super::options::{self, CloseSessionResult, CloseStatus, SetSessionOptionsRequest};
use super::sessions::Session;

const CANCEL: &str = "CancelFlightInfo";
const SET_OPTIONS: &str = "SetSessionOptions";
const GET_OPTIONS: &str = "GetSessionOptions";
const CLOSE_SESSION: &str = "CloseSession";

/// The actions with what they do.
pub(super) fn actions() -> Vec<ActionType> {
    let action = |(name, description): (&str, &str)| ActionType {
        r#type: name.to_string(),
        description: description.to_string(),
    };
    [
        (CANCEL, "Ends a query. Takes a CancelFlightInfoRequest, returns a CancelFlightInfoResult."),
        (SET_OPTIONS, "Sets catalog, schema and settings. Takes a SetSessionOptionsRequest, returns a SetSessionOptionsResult."),
        (GET_OPTIONS, "Tells catalog, schema and settings. Takes a GetSessionOptionsRequest, returns a GetSessionOptionsResult."),
        (CLOSE_SESSION, "Ends the session. Takes a CloseSessionRequest, returns a CloseSessionResult."),
    ]
    .map(action)
    .into()
}

/// Does an action and returns its result.
///
/// # Errors
///
/// When there is no such action, or it cannot be read.
pub(super) async fn perform(server: &Server, request: Request<Action>) -> Result<Bytes, Status> {
    let session = server.session(&request).await?;
    let result = match request.get_ref().r#type.as_str() {
        CANCEL => {
            let cancel: CancelFlightInfoRequest = read(&request.get_ref().body)?;
            let info = cancel.info.ok_or_else(|| unreadable("a FlightInfo is missing"))?;
            CancelFlightInfoResult { status: cancelled(&session, &info)?.into() }.encode_to_vec()
        }
        SET_OPTIONS => {
            let set: SetSessionOptionsRequest = read(&request.get_ref().body)?;
            options::set(&session, set).encode_to_vec()
        }
        GET_OPTIONS => options::get(&session).encode_to_vec(),
        CLOSE_SESSION => {
            server.end_session(&request)?;
            CloseSessionResult { status: CloseStatus::Closed.into() }.encode_to_vec()
        }
        other => {
            return Err(Status::unimplemented(format!("action must be one of ListActions, got {other}")));
        }
    };
    Ok(result.into())
}

/// Cancels a query as clients did it before [`CANCEL`] was there.
///
/// # Errors
///
/// As [`perform`].
pub(super) fn cancel_query(
    session: &Arc<Session>,
    request: &ActionCancelQueryRequest,
) -> Result<ActionCancelQueryResult, Status> {
    let info: FlightInfo = read(&request.info)?;
    Ok(ActionCancelQueryResult { result: cancelled(session, &info)?.into() })
}

/// Ends the statement whose result was announced so.
fn cancelled(session: &Session, info: &FlightInfo) -> Result<CancelStatus, Status> {
    let ticket = info.endpoint.first().and_then(|endpoint| endpoint.ticket.as_ref());
    let ticket = ticket.ok_or_else(|| unreadable("the FlightInfo has no ticket"))?;
    let ticket: Any = read(&ticket.ticket)?;
    let (handle, is_prepared) = match Command::try_from(ticket) {
        Ok(Command::TicketStatementQuery(ticket)) => (ticket.statement_handle, false),
        Ok(Command::CommandPreparedStatementQuery(query)) => (query.prepared_statement_handle, true),
        _ => return Ok(CancelStatus::NotCancellable),
    };
    let mut running = None;
    session.change(&handle, |held| running = held.running.take())?;
    match running {
        Some(running) => running.stop(),
        // It has not begun, and will not.
        None if !is_prepared => drop(session.close(&handle)),
        None => {}
    }
    Ok(CancelStatus::Cancelled)
}

fn read<M: Message + Default>(bytes: &[u8]) -> Result<M, Status> {
    M::decode(bytes).map_err(|error| unreadable(&error.to_string()))
}

fn unreadable(what: &str) -> Status {
    Status::invalid_argument(format!("the message cannot be read: {what}"))
}
