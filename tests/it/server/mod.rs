//! `causal serve`, asked by a Flight SQL client over a socket.

mod actions;
mod corpus;
mod faults;
mod load;
mod operations;
mod security;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fs, thread};

use arrow_flight::FlightInfo;
use arrow_flight::error::Result;
use arrow_flight::sql::client::FlightSqlServiceClient;
use arrow_flight::sql::{CommandGetDbSchemas, CommandGetTables, CommandGetXdbcTypeInfo, SqlInfo};
use datafusion::arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Int64Type, SchemaRef, UInt32Type};
use datafusion::arrow::util::pretty::pretty_format_batches;
use futures::TryStreamExt;
use tonic::transport::{Channel, Endpoint};

type Client = FlightSqlServiceClient<Channel>;

/// A server that ends with the test.
pub(crate) struct Serving {
    process: Child,
    /// Of the socket, as in `127.0.0.1:50051`.
    pub(crate) address: String,
    /// Of metrics and health, where the configuration has them.
    operations: Option<String>,
    directory: tempfile::TempDir,
}

impl Serving {
    /// Serves what a configuration says.
    pub(crate) fn start(config: &str) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), config)
    }

    /// Serves what a configuration says about files of a directory.
    fn start_in(directory: tempfile::TempDir, config: &str) -> Self {
        Self::start_with(directory, config, &[])
    }

    /// Serves in an environment of its own.
    fn start_with(directory: tempfile::TempDir, config: &str, variables: &[(&str, &Path)]) -> Self {
        fs::write(directory.path().join("causal.toml"), config).unwrap();
        let mut process = program(directory.path(), &["--config", "causal.toml", "--listen", "127.0.0.1:0"])
            .envs(variables.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let (mut operations, mut said) = (None, vec![]);
        let address = loop {
            let line = lines.next().and_then(std::result::Result::ok);
            let line = line.unwrap_or_else(|| panic!("the server said {said:?}"));
            if let Some(address) = line.strip_prefix("listening on ") {
                break address.to_string();
            }
            let metrics =
                line.strip_prefix("metrics at http://").and_then(|rest| rest.strip_suffix("/metrics"));
            operations = metrics.map(ToString::to_string).or(operations);
            said.push(line);
        };
        // Nobody reads on, and the server must not wait for that.
        thread::spawn(move || lines.for_each(drop));
        Self { process, address, operations, directory }
    }

    /// A client with a connection of its own that has not said who it is.
    async fn stranger(&self) -> Client {
        let endpoint = Endpoint::new(format!("http://{}", self.address)).unwrap();
        FlightSqlServiceClient::new(endpoint.connect().await.unwrap())
    }

    /// Memory that the system has given to the server, in bytes.
    fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// Sends a signal by its name.
    fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
    }

    async fn client(&self) -> Client {
        let mut client = self.stranger().await;
        client.handshake("ana", "password").await.unwrap();
        client
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn program(directory: &Path, arguments: &[&str]) -> Command {
    // Another build of it, such as one for release, where a test measures.
    let built = std::env::var_os("CAUSAL_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_causal").into());
    let mut command = Command::new(built);
    command.arg("serve").args(arguments).current_dir(directory).stdin(Stdio::null());
    command
}

/// The schema that was announced, and the batches that came.
async fn fetched(client: &mut Client, info: FlightInfo) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let ticket = info.endpoint[0].ticket.clone().unwrap();
    assert!(info.endpoint[0].location.is_empty(), "clients fetch from where they asked");
    let announced = Arc::new(info.try_decode_schema()?);
    let batches = client.do_get(ticket).await?;
    let batches: Vec<RecordBatch> = batches.try_collect().await?;
    for batch in &batches {
        assert_eq!(batch.schema(), announced, "what comes is what was announced");
    }
    Ok((announced, batches))
}

async fn asked(client: &mut Client, sql: &str) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let info = client.execute(sql.to_string(), None).await?;
    fetched(client, info).await
}

async fn shown(client: &mut Client, sql: &str) -> String {
    let (_, batches) = asked(client, sql).await.unwrap_or_else(|error| panic!("{sql}\n{error}"));
    pretty_format_batches(&batches).unwrap().to_string()
}

async fn number(client: &mut Client, sql: &str) -> i64 {
    let (_, batches) = asked(client, sql).await.unwrap_or_else(|error| panic!("{sql}\n{error}"));
    batches[0].column(0).as_primitive::<Int64Type>().value(0)
}

async fn refused(client: &mut Client, sql: &str) -> String {
    match asked(client, sql).await {
        Ok((_, batches)) => panic!("{sql}\n{}", pretty_format_batches(&batches).unwrap()),
        Err(error) => format!("{error:?}"),
    }
}

const LOG: &str = r#"
    init = "CREATE TABLE log AS SELECT value AS id, value % 2 AS t, 'u' || value AS name, value * 0.5 AS y FROM range(1000);"
    [views]
    half = "SELECT * FROM log WHERE t = 1"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn results_are_what_was_announced_in_types_that_clients_read() {
    let serving = Serving::start(LOG);
    let mut client = serving.client().await;
    let sql = "SELECT name, y, row_number() OVER (ORDER BY id) AS place, arrow_cast(name, 'Dictionary(Int32, Utf8)') AS word,
                 {'a': name} AS pair, [name] AS names FROM log";
    let (schema, batches) = asked(&mut client, sql).await.unwrap();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 1000);
    let types: Vec<&DataType> = schema.fields().iter().map(|field| field.data_type()).collect();
    assert_eq!(types[..4], [&DataType::Utf8, &DataType::Float64, &DataType::Int64, &DataType::Utf8]);
    assert!(schema.fields().iter().all(|field| field.is_nullable()));
    assert_eq!(number(&mut client, "SELECT count(*) FROM half").await, 500);
    let effect = "SELECT e['n'] AS n FROM (SELECT diff_in_means_ci(y, t) AS e FROM log)";
    assert_eq!(number(&mut client, effect).await, 1000);
    assert!(
        asked(&mut client, "SELECT * FROM log LIMIT 0").await.unwrap().1.iter().all(|b| b.num_rows() == 0)
    );
    assert!(
        shown(&mut client, "SELECT * FROM expand((SELECT diff_in_means_ci(y, t) FROM log))")
            .await
            .contains("std_error")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_without_filters_is_everything() {
    let serving = Serving::start(LOG);
    let mut client = serving.client().await;
    let tables = CommandGetTables { include_schema: true, ..CommandGetTables::default() };
    let info = client.get_tables(tables.clone()).await.unwrap();
    let (_, batches) = fetched(&mut client, info).await.unwrap();
    let text = pretty_format_batches(&[batches[0].project(&[0, 1, 2, 3]).unwrap()]).unwrap().to_string();
    assert!(text.contains("| causal       | public         | half       | VIEW       |"), "{text}");
    assert!(text.contains("| causal       | public         | log        | TABLE      |"), "{text}");
    assert_eq!(batches[0].num_columns(), 5);

    let pattern = CommandGetTables {
        table_name_filter_pattern: Some("l_g".into()),
        include_schema: false,
        ..CommandGetTables::default()
    };
    let info = client.get_tables(pattern).await.unwrap();
    let (_, batches) = fetched(&mut client, info).await.unwrap();
    assert_eq!((batches[0].num_columns(), batches[0].num_rows()), (4, 1));

    let info = client.get_db_schemas(CommandGetDbSchemas::default()).await.unwrap();
    let (_, batches) = fetched(&mut client, info).await.unwrap();
    assert_eq!(batches[0].num_rows(), 1);
    let info = client.get_catalogs().await.unwrap();
    fetched(&mut client, info).await.unwrap();
    let info = client.get_table_types().await.unwrap();
    fetched(&mut client, info).await.unwrap();
    let info = client.get_sql_info(vec![]).await.unwrap();
    let (_, batches) = fetched(&mut client, info).await.unwrap();
    assert!(batches[0].num_rows() > 70, "{}", batches[0].num_rows());
    let wanted = vec![SqlInfo::FlightSqlServerName, SqlInfo::SqlIdentifierQuoteChar];
    let info = client.get_sql_info(wanted).await.unwrap();
    let (_, batches) = fetched(&mut client, info).await.unwrap();
    assert_eq!(batches[0].num_rows(), 2);
    let info = client.get_xdbc_type_info(CommandGetXdbcTypeInfo { data_type: None }).await.unwrap();
    let (_, batches) = fetched(&mut client, info).await.unwrap();
    assert!(batches[0].num_rows() > 10);
}

/// A schema as the specification of Flight SQL has it, which drivers compare by the letter: `name type`, `?` for nullable.
fn written(schema: &SchemaRef) -> String {
    let field = |field: &Arc<Field>| {
        let mark = if field.is_nullable() { "?" } else { "" };
        format!("{} {}{mark}", field.name(), field.data_type())
    };
    schema.fields().iter().map(field).collect::<Vec<_>>().join(", ")
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_has_the_columns_of_the_specification() {
    let serving = Serving::start(LOG);
    let mut client = serving.client().await;
    let info = client.get_catalogs().await.unwrap();
    assert_eq!(written(&fetched(&mut client, info).await.unwrap().0), "catalog_name Utf8");
    let info = client.get_db_schemas(CommandGetDbSchemas::default()).await.unwrap();
    let (schema, _) = fetched(&mut client, info).await.unwrap();
    assert_eq!(written(&schema), "catalog_name Utf8?, db_schema_name Utf8");
    let tables = "catalog_name Utf8?, db_schema_name Utf8?, table_name Utf8, table_type Utf8";
    for include_schema in [false, true] {
        let all = CommandGetTables { include_schema, ..CommandGetTables::default() };
        let info = client.get_tables(all).await.unwrap();
        let (schema, _) = fetched(&mut client, info).await.unwrap();
        let last = if include_schema { ", table_schema Binary" } else { "" };
        assert_eq!(written(&schema), format!("{tables}{last}"));
    }
    let info = client.get_table_types().await.unwrap();
    assert_eq!(written(&fetched(&mut client, info).await.unwrap().0), "table_type Utf8");
    // An underscore that is escaped is one; an empty filter and an unknown catalog have nothing.
    for (pattern, count) in [("l_g", 1), ("l\\_g", 0), ("%", 2), ("nothing", 0)] {
        let some = CommandGetTables {
            table_name_filter_pattern: Some(pattern.into()),
            ..CommandGetTables::default()
        };
        let info = client.get_tables(some).await.unwrap();
        let (_, batches) = fetched(&mut client, info).await.unwrap();
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), count, "{pattern}");
    }
    // Drivers fail without these.
    let info = client.get_sql_info(vec![]).await.unwrap();
    let (_, batches) = fetched(&mut client, info).await.unwrap();
    let ids = batches[0].column(0).as_primitive::<UInt32Type>().values();
    for id in [0, 1, 2, 3, 8, 10, 11, 504, 526] {
        assert!(ids.contains(&id), "{id}");
    }
    assert!((500..=575).all(|id| ids.contains(&id)), "{ids:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_of_a_thousand_tables_is_quick() {
    let directory = tempfile::tempdir().unwrap();
    let copy = format!(
        "COPY (SELECT value AS id, 'x' AS name FROM range(10)) TO '{}/t.parquet'",
        directory.path().display()
    );
    let mut writing = Command::new(env!("CARGO_BIN_EXE_causal"));
    assert!(writing.args(["sql", "-c", &copy]).output().unwrap().status.success());
    let mut config = "[tables]\n".to_string();
    for i in 0..1000 {
        config.push_str(&format!("t{i} = '{}/t.parquet'\n", directory.path().display()));
    }
    let serving = Serving::start(&config);
    let mut client = serving.client().await;
    let tables = CommandGetTables { include_schema: true, ..CommandGetTables::default() };
    let mut times = vec![];
    for _ in 0..5 {
        let start = Instant::now();
        let info = client.get_tables(tables.clone()).await.unwrap();
        let (_, batches) = fetched(&mut client, info).await.unwrap();
        times.push(start.elapsed());
        assert_eq!(batches[0].num_rows(), 1000);
    }
    times.sort();
    eprintln!("metadata of 1,000 tables: {:?} at best, {:?} at the median", times[0], times[2]);
    assert!(times[0] < Duration::from_millis(300), "{times:?}");
}

fn row(values: Vec<ArrayRef>) -> RecordBatch {
    RecordBatch::try_from_iter((0..).zip(values).map(|(i, value): (i32, _)| (i.to_string(), value))).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_are_bound_by_number_in_any_form() {
    let serving = Serving::start(LOG);
    let mut client = serving.client().await;
    let ints = |values: Vec<i64>| -> ArrayRef { Arc::new(Int64Array::from(values)) };
    let texts = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value])) };
    for sql in [
        "SELECT count(*) FROM log WHERE id < ? AND name <> ?",
        "SELECT count(*) FROM log WHERE id < $1 AND name <> $2",
    ] {
        let mut prepared = client.prepare(sql.into(), None).await.unwrap();
        let types: Vec<_> =
            prepared.parameter_schema().unwrap().fields().iter().map(|f| f.data_type().clone()).collect();
        assert_eq!(types.len(), 2);
        assert_eq!(prepared.dataset_schema().unwrap().fields().len(), 1);
        for (below, expected) in [(10, 9), (100, 99)] {
            prepared.set_parameters(row(vec![ints(vec![below]), texts("u3")])).unwrap();
            let info = prepared.execute().await.unwrap();
            let (_, batches) = fetched(&mut client, info).await.unwrap();
            assert_eq!(batches[0].column(0).as_primitive::<Int64Type>().value(0), expected, "{sql}");
        }
        prepared.close().await.unwrap();
    }

    // Eleven, so that $10 would come before $2 in the order of texts; a statement that does not say their types.
    let list: Vec<String> = (1..=11).map(|i| format!("${i}")).collect();
    let mut prepared = client.prepare(format!("SELECT {}", list.join(", ")), None).await.unwrap();
    prepared.set_parameters(row((1..=11).map(|i| ints(vec![i])).collect())).unwrap();
    let info = prepared.execute().await.unwrap();
    let (_, batches) = fetched(&mut client, info).await.unwrap();
    let values: Vec<i64> =
        batches[0].columns().iter().map(|c| c.as_primitive::<Int64Type>().value(0)).collect();
    assert_eq!(values, (1..=11).collect::<Vec<_>>());

    let mut unbound = client.prepare("SELECT ? + 1".into(), None).await.unwrap();
    let error = unbound.execute().await.unwrap_err().to_string();
    assert!(error.contains("1 parameters must be bound"), "{error}");

    // Several rows: the statement runs for each.
    client.execute_update("CREATE TABLE mine (a BIGINT, b VARCHAR)".into(), None).await.unwrap();
    let mut insert = client.prepare("INSERT INTO mine VALUES (?, 'x')".into(), None).await.unwrap();
    assert!(insert.dataset_schema().unwrap().fields().is_empty(), "JDBC takes it for an update");
    insert.set_parameters(row(vec![ints(vec![1, 2, 3])])).unwrap();
    assert_eq!(insert.execute_update().await.unwrap(), 3);
    assert_eq!(number(&mut client, "SELECT sum(a) FROM mine").await, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_session_makes_is_its_own_and_lasts() {
    let serving = Serving::start(LOG);
    let (mut one, mut other) = (serving.client().await, serving.client().await);
    // By the way that queries take, and by that of updates.
    asked(&mut one, "CREATE TEMP TABLE mine AS SELECT 7 AS x").await.unwrap();
    assert_eq!(one.execute_update("INSERT INTO mine VALUES (1), (2)".into(), None).await.unwrap(), 2);
    assert_eq!(number(&mut one, "SELECT sum(x) FROM mine").await, 10);
    assert!(refused(&mut other, "SELECT * FROM mine").await.contains("table 'mine' not found"));
    asked(&mut one, "SET datafusion.execution.batch_size = 100").await.unwrap();
    assert!(shown(&mut one, "SHOW datafusion.execution.batch_size").await.contains("| 100"));
    assert!(!shown(&mut other, "SHOW datafusion.execution.batch_size").await.contains("| 100 "));
    assert!(
        refused(&mut one, "SET datafusion.sql_parser.dialect = 'postgres'").await.contains("is not allowed")
    );
    let error = refused(&mut one, "DROP TABLE log").await;
    assert!(error.contains("table 'log' is the server's"), "{error}");
    let error = refused(&mut one, "INSERT INTO log SELECT * FROM log").await;
    assert!(error.contains("table 'log' is the server's"), "{error}");
    assert!(refused(&mut one, "RESET datafusion.sql_parser.dialect").await.contains("is not allowed"));
    // What fails leaves the table as it was.
    let replaced = "CREATE OR REPLACE TABLE mine AS SELECT ips_policy_value(1, 0, 1) AS x";
    assert!(refused(&mut one, replaced).await.contains("propensity must be"));
    assert_eq!(number(&mut one, "SELECT sum(x) FROM mine").await, 10);
    asked(&mut one, "DROP TABLE mine").await.unwrap();
    assert!(refused(&mut one, "SELECT * FROM mine").await.contains("not found"));

    // A ticket is good for the session that got it.
    let info = one.execute("SELECT 1".into(), None).await.unwrap();
    let error = fetched(&mut other, info).await.unwrap_err().to_string();
    assert!(error.contains("belongs to another session"), "{error}");

    // Without a token the connection tells sessions apart, whatever cookie a client makes up.
    let (mut third, mut fourth) = (serving.stranger().await, serving.stranger().await);
    for client in [&mut third, &mut fourth] {
        client.set_header("cookie", "causal-session=made up");
    }
    asked(&mut third, "CREATE TABLE ours AS SELECT 1 AS x").await.unwrap();
    assert_eq!(number(&mut third, "SELECT x FROM ours").await, 1);
    assert!(refused(&mut fourth, "SELECT * FROM ours").await.contains("not found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_have_codes_and_words_without_the_machine() {
    let serving = Serving::start(LOG);
    let mut client = serving.client().await;
    for (sql, code, text) in [
        ("SELECT 1 FRM log", "InvalidArgument", "syntax error"),
        ("SELECT nam FROM log", "InvalidArgument", "did you mean log.name?"),
        ("SELECT * FROM nowhere", "NotFound", "table 'nowhere' not found"),
        ("SELECT * FROM '/etc/passwd.csv'", "NotFound", "not found"),
        ("SELECT * FROM 's3://bucket/x.parquet'", "NotFound", "not found"),
        ("SELECT ips_policy_value(1, 0, 1)", "InvalidArgument", "propensity must be in (0, 1], got 0"),
        ("COPY log TO 'x.csv'", "PermissionDenied", "COPY is for the role admin"),
        ("EXPLAIN ANALYZE COPY log TO 'x.csv'", "PermissionDenied", "COPY is for the role admin"),
        (
            "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/'",
            "PermissionDenied",
            "is for the role admin",
        ),
        ("SELECT 1; SELECT 2", "InvalidArgument", "one statement at a time must be sent, got 2"),
        ("PREPARE p AS SELECT 1", "PermissionDenied", "is not supported"),
        ("SELECT arrow_cast(18446744073709551615, 'UInt64')", "InvalidArgument", "cast it in the query"),
    ] {
        let error = refused(&mut client, sql).await;
        assert!(error.contains(code) && error.contains(text), "{sql}\n{error}");
        assert!(!error.contains("paths start in"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_have_passwords_tokens_and_roles() {
    // argon2id of "password", by the argon2 command of its reference implementation.
    let serving = Serving::start(
        r#"
        [[users]]
        name = "ana"
        role = "reader"
        password_hash = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
        [[users]]
        name = "bot"
        role = "admin"
        token = "a long secret"
        "#,
    );
    let mut stranger = serving.stranger().await;
    assert!(refused(&mut stranger, "SELECT 1").await.contains("Unauthenticated"));
    let error = stranger.handshake("ana", "wrong").await.unwrap_err().to_string();
    assert!(error.contains("user or password is wrong"), "{error}");
    let mut ana = serving.client().await;
    asked(&mut ana, "CREATE TEMP TABLE mine AS SELECT 1 AS x").await.unwrap();
    assert!(refused(&mut ana, "INSERT INTO mine VALUES (2)").await.contains("for the role analyst"));
    let error = serving.stranger().await.handshake("bot", "").await.unwrap_err().to_string();
    assert!(error.contains("user or password is wrong"), "{error}");
    let mut bot = serving.stranger().await;
    bot.set_token("a long secret".into());
    asked(&mut bot, "COPY (SELECT 1 AS x) TO 'x.csv'").await.unwrap();
    bot.set_token("another".into());
    assert!(refused(&mut bot, "SELECT 1").await.contains("the token is not known"));
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_named_and_leave_the_server_healthy() {
    let serving = Serving::start(
        "[limits]\nrows = 10\nquery_memory = 2000000\nseconds = 2\nqueries = 1\nqueue = 1\nsessions = 3\n",
    );
    let mut client = serving.client().await;
    asked(&mut client, "CREATE TABLE mine (x BIGINT)").await.unwrap();
    for (sql, text) in [
        ("SELECT * FROM range(11)", "limit rows"),
        ("SELECT count(*) FROM (SELECT DISTINCT value FROM range(1000000))", "limit query_memory"),
        ("CREATE TABLE much AS SELECT * FROM range(1000000000000)", "limit query_memory"),
        ("INSERT INTO mine SELECT * FROM range(1000000000000)", "limit query_memory"),
        (
            "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.value * b.value = -1",
            "took longer than 2 s",
        ),
    ] {
        let error = refused(&mut client, sql).await;
        assert!(error.contains(text), "{sql}\n{error}");
        assert_eq!(number(&mut client, "SELECT count(*) FROM range(10)").await, 10);
    }
    let slow = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.value * b.value = -1";
    let (mut other, mut third) = (serving.client().await, serving.client().await);
    for client in [&mut other, &mut third] {
        asked(client, "SET datafusion.execution.batch_size = 100").await.unwrap();
    }
    let running = tokio::spawn(async move { asked(&mut other, slow).await.map(|_| ()) });
    let mut turned_away = false;
    while !running.is_finished() {
        let (one, two) = tokio::join!(asked(&mut client, "SELECT 1"), asked(&mut third, "SELECT 1"));
        let errors = [one.err(), two.err()].into_iter().flatten().map(|error| error.to_string());
        turned_away |= errors.into_iter().any(|error| error.contains("limits queries and queue"));
    }
    let error = running.await.unwrap().unwrap_err().to_string();
    assert!(turned_away || error.contains("limits queries and queue"), "{error}");
    assert_eq!(number(&mut third, "SELECT 1").await, 1);
    let error = serving.stranger().await.handshake("x", "y").await.unwrap_err().to_string();
    assert!(error.contains("limit sessions"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_all_together_and_of_a_result_are_named_too() {
    let serving = Serving::start("[limits]\nmemory = 20000000\nbytes = 1000000\nstatements = 2\n");
    let mut client = serving.client().await;
    let table = "CREATE TABLE much AS SELECT * FROM range(1000000000000)";
    assert!(refused(&mut client, table).await.contains("limit memory"));
    assert!(refused(&mut client, "SELECT * FROM range(1000000)").await.contains("limit bytes"));
    let mut first = client.prepare("SELECT 1".into(), None).await.unwrap();
    for sql in ["SELECT 2", "SELECT 3"] {
        client.prepare(sql.into(), None).await.unwrap();
    }
    let error = first.execute().await.unwrap_err().to_string();
    assert!(error.contains("no such statement"), "{error}");
    assert_eq!(number(&mut client, "SELECT 4").await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_ends_with_whoever_waits_for_it() {
    let serving = Serving::start("[limits]\nqueries = 1\nqueue = 0\n");
    let mut client = serving.client().await;
    let slow = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.value * b.value = -1";
    let waited = tokio::time::timeout(Duration::from_secs(1), asked(&mut client, slow)).await;
    assert!(waited.is_err(), "it took no time");
    // Its turn is free again, and so is its processor.
    let start = Instant::now();
    while asked(&mut client, "SELECT 1").await.is_err() {
        assert!(start.elapsed() < Duration::from_secs(10), "the query went on");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[test]
fn doors_are_closed_unless_told_otherwise() {
    let directory = tempfile::tempdir().unwrap();
    let said = |arguments: &[&str]| {
        let output = program(directory.path(), arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, text) = said(&["--listen", "0.0.0.0:0"]);
    assert!(code == Some(2) && text.contains("configure users and tls, or give --insecure"), "{text}");
    fs::write(directory.path().join("c.toml"), "[tables]\nx = 'nowhere.parquet'\n").unwrap();
    let (code, text) = said(&["--config", "c.toml"]);
    assert!(code == Some(2) && text.contains("table x must be a path"), "{text}");
    fs::write(directory.path().join("c.toml"), "[[users]]\nname = 'a'\nrole = 'reader'\n").unwrap();
    let (code, text) = said(&["--config", "c.toml"]);
    assert!(code == Some(2) && text.contains("must have password_hash or token"), "{text}");
    fs::write(directory.path().join("c.toml"), "tabels = 1\n").unwrap();
    let (code, text) = said(&["--config", "c.toml"]);
    assert!(code == Some(2) && text.contains("tabels"), "{text}");
}
