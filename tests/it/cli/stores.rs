//! Tables in object stores, on a real S3 server.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::{Run, sql_in};
use crate::s3::{Fault, KEY, Request, SECRET, Server};

/// Reads every row.
const TOTALS: &str = "SELECT count(*) AS n, sum(id) AS ids FROM 's3://logs/sales/'";
const EXPECTED: &str = "n,ids\n120000,2800060000\n";

/// Writes a day's file of sales into each of three partitions below `folder`.
fn write_days(folder: &Path) {
    for day in 1..=3 {
        let partition = folder.join(format!("day={day}"));
        fs::create_dir_all(&partition).unwrap();
        let rows = format!(
            "SELECT value AS id, value % 7 AS reward, 0.25 AS p FROM generate_series(1, {})",
            day * 20_000
        );
        let file = partition.join("part-0.parquet").display().to_string();
        sql_in(folder, ["-o", &file, "-c", &rows]).ok();
    }
}

/// A server with partitioned sales in its bucket.
pub(crate) fn sales() -> Server {
    let server = Server::start();
    write_days(&server.bucket().join("sales"));
    server
}

/// Runs a query; the arguments are those of `causal sql`.
fn run(mut command: Command, arguments: &[&str], text: &str) -> Run {
    command.args(["sql", "--format", "csv"]).args(arguments).args(["-c", text]).output().unwrap().into()
}

fn query(server: &Server, text: &str) -> Run {
    let directory = tempfile::tempdir().unwrap();
    run(server.user(directory.path()), &[], text)
}

#[test]
fn a_store_gives_the_rows_of_the_disk() {
    let server = sales();
    let directory = tempfile::tempdir().unwrap();
    for query in [
        "SELECT * FROM '{}/sales/' ORDER BY day, id",
        "SELECT * FROM '{}/sales' ORDER BY day, id LIMIT 10",
        "SELECT * FROM '{}/sales/day=3/part-0.parquet' ORDER BY id LIMIT 10 OFFSET 50000",
        "SELECT day, count(*) AS n, sum(id) AS ids FROM '{}/sales/*.parquet' GROUP BY day ORDER BY day",
        "SELECT day, round(ips_policy_value(reward, p, 0.5), 9) AS value FROM '{}/sales/' GROUP BY day ORDER BY day",
        "SELECT estimator, n, round(estimate, 9) AS estimate, round(lift, 9) AS lift FROM ope_report('{}/sales/',
             reward => reward, propensity => p, target_prob => 0.5) ORDER BY estimator",
        "SELECT sum(id) AS ids FROM '{}/sales/' WHERE day = 2 AND id > 100",
    ] {
        let remote = query.replace("{}", "s3://logs");
        let local = query.replace("{}", &server.bucket().display().to_string());
        let expected = sql_in(directory.path(), ["--format", "csv", "-c", &local]).ok();
        let rows = run(server.user(directory.path()), &[], &remote).ok();
        assert!(rows == expected, "{query}:\n{}", &rows[..rows.len().min(500)]);
    }
}

/// What `causal doctor` says.
fn doctor(mut command: Command, url: &str) -> Run {
    command.args(["doctor", url]).output().unwrap().into()
}

#[test]
fn only_the_partitions_asked_for_are_read() {
    let server = sales();
    let rows = query(&server, "SELECT count(*) AS n FROM 's3://logs/sales/' WHERE day = 2 AND id > 1").ok();
    assert_eq!(rows, "n\n39999\n");
    let reads = |day: u8| {
        let requests = server.requests();
        requests.iter().filter(|request| request.reads(&format!("day={day}"))).count()
    };
    // Once for the schema that all files must share, once for rows.
    assert_eq!((reads(1), reads(2), reads(3)), (1, 2, 1));
}

#[test]
fn places_that_are_not_there_are_named() {
    let server = sales();
    for (place, expected) in [
        (
            "s3://sales/2026/",
            "?list-type=2&prefix=2026%2F failed: 404 Not Found (NoSuchBucket)\n  = help: check the name of the bucket",
        ),
        ("s3://sales/a.parquet", "404 Not Found (NoSuchBucket)\n  = help: check the name of the bucket"),
        ("s3://logs/sales/a.parquet", "error: there are no files at 's3://logs/sales/a.parquet'\n"),
        ("s3://logs/2026/", "error: there are no files at 's3://logs/2026/'\n"),
        ("s3://logs/sales/*.csv", "error: there are no files at 's3://logs/sales/*.csv'\n"),
    ] {
        let error = query(&server, &format!("SELECT * FROM '{place}'")).fails(1);
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn refusals_say_what_to_do_and_no_secret() {
    let server = sales();
    let directory = tempfile::tempdir().unwrap();
    let user = || server.user(directory.path());
    let fails = |command| {
        let error = run(command, &[], TOTALS).fails(1);
        assert!(!error.contains(SECRET) && !error.contains(KEY), "{error}");
        assert!(error.contains("`causal doctor URL` shows"), "{error}");
        error
    };

    let mut wrong = user();
    wrong.env("AWS_SECRET_ACCESS_KEY", "guessed-by-someone");
    let error = fails(wrong);
    assert!(
        error.contains("403 Forbidden (SignatureDoesNotMatch)\n  = help: the credentials are wrong"),
        "{error}"
    );
    assert!(!error.contains("guessed"), "{error}");

    let error = fails(server.stranger(directory.path()));
    assert!(
        error.contains("(AccessDenied: Signature is required)\n  = help: the credentials do not allow"),
        "{error}"
    );

    server.misbehave(|request| if request.reads("day=2") { Fault::Denied } else { Fault::None });
    let error = fails(user());
    assert!(error.contains("/sales/day%3D2/part-0.parquet failed: 403 Forbidden (AccessDenied"), "{error}");
}

#[test]
fn throttling_is_waited_out() {
    let server = sales();
    server.misbehave(|request| if request.repeated < 3 { Fault::SlowDown } else { Fault::None });
    assert_eq!(query(&server, TOTALS).ok(), EXPECTED);

    server.misbehave(|_| Fault::SlowDown);
    let directory = tempfile::tempdir().unwrap();
    let error = run(server.user(directory.path()), &["--store-retries", "3"], TOTALS).fails(1);
    let expected = "failed 4 times: 503 Service Unavailable (SlowDown: Please reduce your request rate.)\n  = help: \
                    the store asks for fewer requests: wait, or raise --store-retries\n";
    assert!(error.contains(expected), "{error}");
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn a_body_that_is_cut_is_read_on() {
    let server = sales();
    let days = |request: &Request| request.reads("day=");
    server.misbehave(
        move |request| if days(request) && request.repeated < 2 { Fault::Cut } else { Fault::None },
    );
    assert_eq!(query(&server, TOTALS).ok(), EXPECTED);
    assert!(server.requests().iter().filter(|request| days(request)).count() > 6);

    server.misbehave(move |request| if days(request) { Fault::Cut } else { Fault::None });
    let directory = tempfile::tempdir().unwrap();
    let error = run(server.user(directory.path()), &["--store-retries", "2"], TOTALS).fails(1);
    assert!(error.contains("error: reading sales/day="), "{error}");
    assert!(error.contains("/part-0.parquet stopped half-way: "), "{error}");
    assert!(error.contains("raise --store-retries"), "{error}");
}

#[test]
fn a_slow_first_byte_is_waited_for() {
    let server = sales();
    server.misbehave(|_| Fault::Wait(Duration::from_millis(200)));
    assert_eq!(query(&server, TOTALS).ok(), EXPECTED);
    // Too slow once, and then for ever.
    let directory = tempfile::tempdir().unwrap();
    let impatient =
        || run(server.user(directory.path()), &["--store-timeout", "1", "--store-retries", "1"], TOTALS);
    let long = Fault::Wait(Duration::from_secs(30));
    server.misbehave(
        move |request| if request.reads("day=2") && request.repeated == 0 { long } else { Fault::None },
    );
    assert_eq!(impatient().ok(), EXPECTED);
    server.misbehave(move |_| long);
    let start = Instant::now();
    let error = impatient().fails(1);
    assert!(
        error.contains("failed 2 times: operation timed out\n  = help: raise --store-timeout"),
        "{error}"
    );
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
}

#[test]
fn a_file_that_changes_during_a_query_is_an_error() {
    let server = sales();
    let file = server.bucket().join("sales/day=2/part-0.parquet");
    let other = fs::read(server.bucket().join("sales/day=1/part-0.parquet")).unwrap();
    // It is another one as soon as its footer was read.
    server.misbehave(move |request| {
        if request.reads("day=2") && request.repeated == 1 {
            fs::write(&file, &other).unwrap();
        }
        Fault::None
    });
    let error = query(&server, TOTALS).fails(1);
    let expected = "error: sales/day=2/part-0.parquet changed while the query read it; run the query again\n";
    assert_eq!(error, expected);
    assert_eq!(query(&server, TOTALS).ok(), "n,ids\n100000,2200050000\n");
}

#[test]
fn public_files_need_no_credentials() {
    let server = Server::start();
    write_days(&server.bucket().join("public"));
    let directory = tempfile::tempdir().unwrap();
    let text = TOTALS.replace("sales", "public");
    assert_eq!(run(server.stranger(directory.path()), &[], &text).ok(), EXPECTED);

    // Credentials for something else are in the way unless they are left out.
    let mut command = server.user(directory.path());
    command.env("AWS_SECRET_ACCESS_KEY", "for-another-account");
    assert!(run(command, &[], &text).fails(1).contains("SignatureDoesNotMatch"));
    let mut command = server.user(directory.path());
    command.env("AWS_SECRET_ACCESS_KEY", "for-another-account").env("AWS_SKIP_SIGNATURE", "true");
    assert_eq!(run(command, &[], &text).ok(), EXPECTED);

    // The names and listings of Google's store are like those of S3.
    let mut command = server.stranger(directory.path());
    command.env("GOOGLE_BASE_URL", server.endpoint()).env("GOOGLE_SKIP_SIGNATURE", "true");
    assert_eq!(run(command, &[], &text.replace("s3://", "gs://")).ok(), EXPECTED);

    let text = format!("SELECT count(*) AS n FROM '{}/logs/public/day=3/part-0.parquet'", server.endpoint());
    assert_eq!(run(server.stranger(directory.path()), &[], &text).ok(), "n\n60000\n");
}

#[test]
fn profiles_and_processes_give_credentials() {
    let server = sales();
    let directory = tempfile::tempdir().unwrap();
    let aws = directory.path().join(".aws");
    fs::create_dir(&aws).unwrap();
    let endpoint = server.endpoint();
    let process = format!(r#"{{"Version":1,"AccessKeyId":"{KEY}","SecretAccessKey":"{SECRET}"}}"#);
    fs::write(directory.path().join("keys.json"), process).unwrap();
    let keys = directory.path().join("keys.json").display().to_string();
    let config = format!(
        "[profile analyst]\nregion = eu-west-1\nendpoint_url = {endpoint}\n\
         [profile robot]\nregion = eu-west-2\nendpoint_url = {endpoint}\ncredential_process = cat {keys}\n\
         [profile lost]\nregion = eu-west-3\nendpoint_url = {endpoint}\ncredential_process = false\n"
    );
    fs::write(aws.join("config"), config).unwrap();
    let credentials = format!("[analyst]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n");
    fs::write(aws.join("credentials"), credentials).unwrap();
    let as_profile = |name: &str| {
        let mut command = server.stranger(directory.path());
        command.env_remove("AWS_ENDPOINT_URL").env("AWS_PROFILE", name);
        command
    };
    for (profile, region) in [("analyst", "eu-west-1"), ("robot", "eu-west-2")] {
        assert_eq!(run(as_profile(profile), &[], TOTALS).ok(), EXPECTED, "{profile}");
        let report = doctor(as_profile(profile), "s3://logs/sales/").ok();
        assert!(report.contains(&format!("region       {region}\nendpoint     {endpoint}\n")), "{report}");
        assert!(report.contains("credentials  AWS SDK ("), "{report}");
    }
    let error = run(as_profile("lost"), &[], TOTALS).fails(1);
    assert!(error.contains("credentials are configured and cannot be had"), "{error}");
    let error = doctor(as_profile("lost"), "s3://logs/sales/").fails(1);
    assert!(error.contains("error: finding credentials: credentials are configured"), "{error}");
}

#[test]
fn identities_of_other_services_give_credentials() {
    let server = sales();
    let directory = tempfile::tempdir().unwrap();
    let token = directory.path().join("token");
    fs::write(&token, "who-i-am").unwrap();
    let as_robot = || {
        let mut command = server.stranger(directory.path());
        command
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/analyst")
            .env("AWS_WEB_IDENTITY_TOKEN_FILE", &token);
        command
    };
    assert_eq!(run(as_robot(), &[], TOTALS).ok(), EXPECTED);
    assert!(doctor(as_robot(), "s3://logs/sales/").ok().contains("credentials  AWS SDK (WebIdentityToken)"));

    let cache = directory.path().join(".aws/sso/cache");
    fs::create_dir_all(&cache).unwrap();
    let config = "[profile analyst]\nregion = eu-west-1\nsso_start_url = https://analysts.awsapps.com/start\n\
                  sso_region = eu-west-1\nsso_account_id = 123456789012\nsso_role_name = analyst\n";
    fs::write(directory.path().join(".aws/config"), config).unwrap();
    let login = r#"{"accessToken":"signed-in","expiresAt":"2099-01-01T00:00:00Z","region":"eu-west-1",
                    "startUrl":"https://analysts.awsapps.com/start"}"#;
    // The name is the SHA-1 of the start URL.
    fs::write(cache.join("85c8de90fe33a1109e0a20ab39d0b073f40f59f1.json"), login).unwrap();
    let as_analyst = || {
        let mut command = server.stranger(directory.path());
        command.env("AWS_PROFILE", "analyst");
        command
    };
    assert_eq!(run(as_analyst(), &[], TOTALS).ok(), EXPECTED);
    assert!(doctor(as_analyst(), "s3://logs/sales/").ok().contains("credentials  AWS SDK (SSO)"));
    fs::remove_dir_all(&cache).unwrap();
    let error = run(as_analyst(), &[], TOTALS).fails(1);
    assert!(error.contains("credentials are configured and cannot be had: "), "{error}");
}

#[test]
fn a_table_may_have_a_store_of_its_own() {
    let server = sales();
    let directory = tempfile::tempdir().unwrap();
    let run = |location: &str, options: &str| {
        let text = format!(
            "CREATE EXTERNAL TABLE sales STORED AS PARQUET PARTITIONED BY (day) LOCATION '{location}' OPTIONS ({options});
             {};
             SHOW CREATE TABLE sales;
             SELECT * FROM information_schema.df_settings",
            TOTALS.replace("'s3://logs/sales/'", "sales")
        );
        let mut command = server.stranger(directory.path());
        command.env_remove("AWS_ENDPOINT_URL");
        run(command, &[], &text)
    };
    let options = format!(
        "'aws.access_key_id' '{KEY}', 'aws.secret_access_key' '{SECRET}', 'aws.endpoint' '{}', 'aws.region' 'eu-west-1'",
        server.endpoint()
    );
    let printed = run("s3://logs/sales/", &options).ok();
    assert!(printed.starts_with(EXPECTED), "{printed}");
    assert!(!printed.contains(SECRET), "{printed}");

    let error = run("s3://logs/sales/", "'aws.acces_key_id' 'x'").fails(1);
    assert!(error.contains("unknown option 'aws.acces_key_id'; there are access_key_id, secret"), "{error}");
    let error = run("sales", "'aws.region' 'x'").fails(1);
    assert!(error.contains("options 'aws.…' are for s3:// locations"), "{error}");
}

#[test]
fn doctor_tells_how_a_store_is_reached() {
    let server = sales();
    let directory = tempfile::tempdir().unwrap();
    let ask = |url: &str| doctor(server.user(directory.path()), url);
    let expected = format!(
        "credentials  environment (AWS_ACCESS_KEY_ID)\nregion       us-east-1\nendpoint     {}\n",
        server.endpoint()
    );
    for url in ["s3://logs/sales/", "s3://logs/sales", "s3://logs/sales/day=1/part-0.parquet"] {
        let report = ask(url).ok();
        assert!(report.contains(&expected), "{report}");
        assert!(report.contains("\nobject       sales/day=1/part-0.parquet ("), "{report}");
        assert!(
            report.contains("\nfooter       sales/day=1/part-0.parquet: 20000 rows, 3 columns\n"),
            "{report}"
        );
        assert!(report.ends_with("\nresult       everything that a query needs works\n"), "{report}");
    }
    for (url, expected) in [
        ("s3://nowhere/sales/", "error: listing: GET "),
        ("s3://nowhere/sales/", "404 Not Found (NoSuchBucket)\n  = help: check the name of the bucket"),
        (
            "s3://logs/nowhere/",
            "error: listing: there is nothing at s3://logs/nowhere/\n  = help: check the folder's name",
        ),
    ] {
        let error = ask(url).fails(1);
        assert!(error.contains(expected), "{error}");
    }
    let error = doctor(server.stranger(directory.path()), "s3://logs/sales/").fails(1);
    assert!(error.contains("403 Forbidden (AccessDenied: Signature is required)"), "{error}");

    fs::write(server.bucket().join("sales/day=1/part-0.parquet"), "not Parquet at all").unwrap();
    let error = ask("s3://logs/sales/").fails(1);
    assert!(error.contains("error: reading the footer of sales/day=1/part-0.parquet: "), "{error}");
    assert!(error.contains("= help: the file is damaged or not Parquet"), "{error}");
}

#[test]
fn results_are_written_to_a_store() {
    let server = sales();
    let text = "COPY (SELECT * FROM 's3://logs/sales/' WHERE day = 1) TO 's3://logs/copies/one.parquet'";
    query(&server, text).ok();
    assert_eq!(query(&server, "SELECT count(*) AS n FROM 's3://logs/copies/one.parquet'").ok(), "n\n20000\n");
}
