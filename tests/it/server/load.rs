//! Many clients at a time. `CAUSAL_LOAD_SECONDS=120 CAUSAL_PROGRAM=target/release/causal cargo test load_of -- --nocapture` does it
//! for longer, on a program built for release, and prints what it took.

use super::*;

/// How long the dashboards are looked at.
fn seconds() -> u64 {
    std::env::var("CAUSAL_LOAD_SECONDS")
        .ok()
        .map_or(5, |text| text.parse().expect("seconds are a whole number"))
}

/// A log of decisions with segments, propensities and values that are known.
const DECISIONS: &str = r#"
    init = """
        CREATE TABLE decisions AS
        SELECT value AS id, value % 4 AS segment, value % 2 AS treated, 0.5 AS propensity, value % 10 AS reward,
               CASE WHEN value % 2 = 0 THEN 'offer' ELSE 'no_offer' END AS action
        FROM range(50000)
    """
    [operations]
    listen = "127.0.0.1:0"
"#;

/// What a dashboard asks.
const QUERIES: [&str; 6] = [
    "SELECT 1",
    "SELECT count(*) FROM decisions",
    "SELECT segment, diff_in_means(reward, treated) AS effect FROM decisions GROUP BY segment ORDER BY segment",
    "SELECT * FROM expand((SELECT diff_in_means_ci(reward, treated) FROM decisions))",
    "SELECT ips_policy_value(reward, propensity, treated) AS value FROM decisions",
    "SELECT id, reward FROM decisions WHERE segment = 2 ORDER BY id LIMIT 1000",
];

/// The middle and the slowest hundredth of times, in milliseconds.
fn quantiles(times: &mut [Duration]) -> (f64, f64) {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    (at(0.5), at(0.99))
}

#[tokio::test(flavor = "multi_thread")]
async fn load_of_dashboards_on_64_connections() {
    let serving = Serving::start(DECISIONS);
    let mut client = serving.client().await;
    let mut expected = vec![];
    for sql in QUERIES {
        expected.push(shown(&mut client, sql).await);
    }
    let before = serving.resident();
    let end = Instant::now() + Duration::from_secs(seconds());
    let work = (0..64).map(|i: usize| {
        let mut client = client.clone();
        let (serving, expected) = (&serving, &expected);
        async move {
            // Half of them share a session, the others have their own.
            if i.is_multiple_of(2) {
                client = serving.client().await;
            }
            let mut times = vec![];
            for round in i.. {
                if Instant::now() >= end {
                    break;
                }
                let start = Instant::now();
                let text = shown(&mut client, QUERIES[round % QUERIES.len()]).await;
                times.push(start.elapsed());
                assert_eq!(text, expected[round % QUERIES.len()]);
            }
            times
        }
    });
    let mut times: Vec<_> = futures::future::join_all(work).await.concat();
    let (middle, slowest) = quantiles(&mut times);
    let after = serving.resident();
    let (before, after) = (before >> 20, after >> 20);
    eprintln!(
        "load: {} queries in {} s by 64 connections, p50 {middle:.1} ms, p99 {slowest:.1} ms, {before} MiB before, {after} MiB after",
        times.len(),
        seconds()
    );
    assert!(times.len() > 64, "{}", times.len());
    assert!(after < before + 1024, "{before} MiB before, {after} MiB after");
    let metrics = operations::page(&serving, "/metrics").1;
    assert!(metrics.contains("causal_queries_running 0"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn load_of_a_thousand_idle_sessions() {
    let serving = Serving::start(DECISIONS);
    let mut client = serving.client().await;
    number(&mut client, "SELECT 1").await;
    let before = serving.resident();
    let mut idle = vec![];
    for _ in 0..1000 {
        let mut client = serving.stranger().await;
        assert_eq!(number(&mut client, "SELECT 1").await, 1);
        idle.push(client);
    }
    let each = (serving.resident().saturating_sub(before)) / 1000;
    eprintln!("load: {} KiB for each idle session", each >> 10);
    assert!(each < 2 << 20, "{each} bytes for each idle session");
    let start = Instant::now();
    assert_eq!(number(&mut client, "SELECT count(*) FROM decisions").await, 50_000);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    for client in &mut idle {
        assert_eq!(number(client, "SELECT 2").await, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn load_of_clients_that_come_and_go() {
    let serving = Serving::start(&format!("{DECISIONS}[limits]\nsessions = 100\n"));
    let mut client = serving.client().await;
    asked(&mut client, "CREATE TABLE mine AS SELECT 1 AS x").await.unwrap();
    let start = Instant::now();
    for _ in 0..400 {
        let mut visitor = serving.client().await;
        visitor.get_sql_info(vec![SqlInfo::FlightSqlServerName]).await.unwrap();
    }
    let rate = 400.0 / start.elapsed().as_secs_f64();
    eprintln!("load: {rate:.0} clients a second come, ask what the server is and go");
    // More than there may be sessions: those that made nothing gave way, this one did not.
    assert_eq!(number(&mut client, "SELECT x FROM mine").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn load_of_passwords_delays_no_query() {
    let hash = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    let users = format!("[[users]]\nname = 'ana'\nrole = 'reader'\npassword_hash = '{hash}'\n");
    let serving = Serving::start(&format!("{DECISIONS}{users}"));
    let mut client = serving.client().await;
    let mut quiet = vec![];
    for _ in 0..50 {
        let start = Instant::now();
        number(&mut client, "SELECT 1").await;
        quiet.push(start.elapsed());
    }
    let end = Instant::now() + Duration::from_secs(seconds().min(10));
    let logins = (0..16).map(|i| {
        let serving = &serving;
        async move {
            let mut count = 0;
            while Instant::now() < end {
                // Wrong ones take as long.
                let (password, is_right) = if i % 2 == 0 { ("password", true) } else { ("guess", false) };
                let mut client = serving.stranger().await;
                assert_eq!(client.handshake("ana", password).await.is_ok(), is_right);
                count += 1;
            }
            count
        }
    });
    let queries = async {
        let mut times = vec![];
        while Instant::now() < end {
            let start = Instant::now();
            number(&mut client, "SELECT 1").await;
            times.push(start.elapsed());
        }
        times
    };
    let (logins, mut times) = tokio::join!(futures::future::join_all(logins), queries);
    let (before, _) = quantiles(&mut quiet);
    let (middle, slowest) = quantiles(&mut times);
    let rate = logins.iter().sum::<u64>() / seconds().min(10);
    eprintln!(
        "load: {rate} passwords a second are checked; SELECT 1 takes {before:.1} ms without them, p50 {middle:.1} ms, p99 {slowest:.1} ms beside"
    );
    assert!(slowest < 1000.0, "{slowest} ms");
}
