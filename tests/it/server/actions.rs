//! Actions of clients: session options, cancel, the end of a session; rows that clients send.

use arrow_flight::sql::{
    ActionCancelQueryRequest, Any, CommandStatementIngest, ProstMessageExt, TableDefinitionOptions,
};
use arrow_flight::{Action, CancelFlightInfoRequest, CancelStatus};
use bytes::Bytes;
use datafusion::arrow::array::Float64Array;
use prost::Message;

use super::*;

/// A field of a message of protocol buffers that has a length: a text or a message.
fn field(number: u8, value: &[u8]) -> Vec<u8> {
    assert!(value.len() < 128, "longer ones have more bytes of length");
    [&[number << 3 | 2, value.len() as u8], value].concat()
}

/// A `SetSessionOptionsRequest` with one text.
fn option(name: &str, value: &str) -> Vec<u8> {
    let value = field(1, value.as_bytes());
    field(1, &[field(1, name.as_bytes()), field(2, &value)].concat())
}

async fn act(client: &mut Client, name: &str, body: Vec<u8>) -> Result<Bytes> {
    let mut results = client.do_action(tonic::Request::new(Action::new(name, body))).await?;
    Ok(results.try_next().await?.unwrap().body)
}

#[tokio::test(flavor = "multi_thread")]
async fn session_options_are_set_read_and_refused() {
    let serving = Serving::start(LOG);
    let mut client = serving.client().await;
    let set = act(&mut client, "SetSessionOptions", option("schema", "information_schema")).await.unwrap();
    assert!(set.is_empty(), "no errors");
    assert!(number(&mut client, "SELECT count(*) FROM tables").await > 0, "in the schema that was set");
    for (name, value, error) in
        [("schema", "nowhere", 2_u8), ("catalog", "nowhere", 2), ("datafusion.sql_parser.dialect", "x", 1)]
    {
        let set = act(&mut client, "SetSessionOptions", option(name, value)).await.unwrap();
        let expected = field(1, &[field(1, name.as_bytes()), field(2, &[8, error])].concat());
        assert_eq!(set.as_ref(), expected, "{name}");
    }
    let known = act(&mut client, "GetSessionOptions", vec![]).await.unwrap();
    let entry = field(1, &[field(1, b"schema"), field(2, &field(1, b"information_schema"))].concat());
    assert!(known.windows(entry.len()).any(|bytes| bytes == entry), "{known:?}");
    let error = act(&mut client, "Nothing", vec![]).await.unwrap_err().to_string();
    assert!(error.contains("one of ListActions"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_session_is_gone() {
    let serving = Serving::start(LOG);
    let mut client = serving.client().await;
    asked(&mut client, "CREATE TABLE mine AS SELECT 1 AS x").await.unwrap();
    let closed = act(&mut client, "CloseSession", vec![]).await.unwrap();
    assert_eq!(closed.as_ref(), [8, 1], "closed");
    assert!(refused(&mut client, "SELECT * FROM mine").await.contains("not found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_cancelled_from_another_connection_of_its_session() {
    let serving = Serving::start(LOG);
    let mut client = serving.client().await;
    let token = client.token().unwrap().clone();
    let mut other = serving.stranger().await;
    other.set_token(token);
    let slow = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.value * b.value = -1";
    for by_old_action in [false, true] {
        let info = client.execute(slow.into(), None).await.unwrap();
        let mut fetching = client.clone();
        let fetched_info = info.clone();
        let running = tokio::spawn(async move { fetched(&mut fetching, fetched_info).await.map(|_| ()) });
        tokio::time::sleep(Duration::from_millis(500)).await;
        let start = Instant::now();
        if by_old_action {
            let request = ActionCancelQueryRequest { info: info.encode_to_vec().into() };
            let result = act(&mut other, "CancelQuery", request.as_any().encode_to_vec()).await.unwrap();
            let result = Any::decode(result).unwrap();
            assert_eq!(result.value.as_ref(), [8, 1], "cancelled");
        } else {
            let request = CancelFlightInfoRequest::new(info.clone());
            let result = act(&mut other, "CancelFlightInfo", request.encode_to_vec()).await.unwrap();
            let status = arrow_flight::CancelFlightInfoResult::decode(result).unwrap().status();
            assert_eq!(status, CancelStatus::Cancelled);
        }
        let error = running.await.unwrap().unwrap_err().to_string();
        assert!(error.contains("the query was cancelled"), "{error}");
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    }
    // One that has not begun never does.
    let info = client.execute(slow.into(), None).await.unwrap();
    let request = CancelFlightInfoRequest::new(info.clone());
    act(&mut client, "CancelFlightInfo", request.encode_to_vec()).await.unwrap();
    assert!(fetched(&mut client, info).await.unwrap_err().to_string().contains("no such statement"));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_sent_to_tables_of_the_session() {
    let serving = Serving::start(LOG);
    let mut client = serving.client().await;
    let rows = |x: Vec<i64>, y: Vec<f64>| {
        let columns: [(&str, ArrayRef); 2] =
            [("y", Arc::new(Float64Array::from(y))), ("x", Arc::new(Int64Array::from(x)))];
        RecordBatch::try_from_iter(columns).unwrap()
    };
    async fn send(
        client: &mut FlightSqlServiceClient<Channel>,
        table: &str,
        (not_exist, exists): (i32, i32),
        rows: Vec<RecordBatch>,
    ) -> std::result::Result<i64, String> {
        let options = TableDefinitionOptions { if_not_exist: not_exist, if_exists: exists };
        let command = CommandStatementIngest {
            table_definition_options: Some(options),
            table: table.into(),
            ..CommandStatementIngest::default()
        };
        let rows = futures::stream::iter(rows.into_iter().map(Ok));
        client.execute_ingest(command, rows).await.map_err(|error| error.to_string())
    }
    const CREATE: (i32, i32) = (1, 1);
    const APPEND: (i32, i32) = (2, 2);
    const REPLACE: (i32, i32) = (1, 3);
    let both = vec![rows(vec![1, 2], vec![0.5, 1.5]), rows(vec![3], vec![2.5])];
    assert_eq!(send(&mut client, "Sent", CREATE, both.clone()).await.unwrap(), 3);
    assert_eq!(number(&mut client, "SELECT sum(x) FROM \"Sent\" WHERE y > 1").await, 5);
    let error = send(&mut client, "Sent", CREATE, both.clone()).await.unwrap_err();
    assert!(error.contains("table 'Sent' is there already"), "{error}");
    assert_eq!(send(&mut client, "Sent", APPEND, both.clone()).await.unwrap(), 3);
    assert_eq!(number(&mut client, "SELECT sum(x) FROM \"Sent\"").await, 12);
    assert_eq!(send(&mut client, "Sent", REPLACE, both[1..].to_vec()).await.unwrap(), 1);
    assert_eq!(number(&mut client, "SELECT sum(x) FROM \"Sent\"").await, 3);
    let error = send(&mut client, "nowhere", APPEND, both.clone()).await.unwrap_err();
    assert!(error.contains("table 'nowhere' not found"), "{error}");
    let error = send(&mut client, "log", APPEND, both.clone()).await.unwrap_err();
    assert!(error.contains("has no column x"), "{error}");
    let id = RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]).unwrap();
    let error = send(&mut client, "log", APPEND, vec![id]).await.unwrap_err();
    assert!(error.contains("table 'log' is the server's"), "{error}");
    // Columns are found by name; those that are not sent are NULL.
    let x = RecordBatch::try_from_iter([("x", Arc::new(Int64Array::from(vec![9])) as ArrayRef)]).unwrap();
    assert_eq!(send(&mut client, "Sent", APPEND, vec![x]).await.unwrap(), 1);
    assert_eq!(number(&mut client, "SELECT x FROM \"Sent\" WHERE y IS NULL").await, 9);
}
