//! Who comes in, and what stays closed.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::json;
use tonic::transport::{Certificate, ClientTlsConfig, Identity};

use super::*;

/// An authority that signs certificates.
fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate for a name and its key, in PEM form.
fn signed(name: &str, authority: &CertifiedIssuer<'_, KeyPair>) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.into()]).unwrap();
    (params.signed_by(&key, authority).unwrap().pem(), key.serialize_pem())
}

async fn secure(serving: &Serving, tls: ClientTlsConfig) -> std::result::Result<Client, String> {
    let endpoint = Endpoint::new(format!("https://{}", serving.address)).unwrap().tls_config(tls).unwrap();
    let channel = endpoint.connect().await.map_err(|error| format!("{error:?}"))?;
    let mut client = FlightSqlServiceClient::new(channel);
    client.set_token("a long secret".into());
    asked(&mut client, "SELECT 1").await.map_err(|error| format!("{error:?}"))?;
    Ok(client)
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_encrypted_and_clients_may_need_certificates() {
    let (ours, theirs) = (authority("ours"), authority("theirs"));
    let directory = tempfile::tempdir().unwrap();
    let (certificate, key) = signed("localhost", &ours);
    for (name, text) in [("server.pem", &certificate), ("server.key", &key), ("ca.pem", &ours.pem())] {
        fs::write(directory.path().join(name), text).unwrap();
    }
    let users = "[[users]]\nname = 'bot'\nrole = 'reader'\ntoken = 'a long secret'\n";
    let tls = "[tls]\ncertificate = 'server.pem'\nkey = 'server.key'\n";
    let base = |authority: &CertifiedIssuer<'_, KeyPair>| {
        ClientTlsConfig::new().domain_name("localhost").ca_certificate(Certificate::from_pem(authority.pem()))
    };
    let serving = Serving::start_in(directory, &format!("{users}{tls}"));
    let mut client = secure(&serving, base(&ours)).await.unwrap();
    // The session is known by its connection, also inside TLS.
    asked(&mut client, "CREATE TABLE mine AS SELECT 7 AS x").await.unwrap();
    assert_eq!(number(&mut client, "SELECT x FROM mine").await, 7);
    assert!(secure(&serving, base(&theirs)).await.is_err(), "a server that others signed");
    let plain = Endpoint::new(format!("http://{}", serving.address)).unwrap().connect().await;
    if let Ok(channel) = plain {
        assert!(FlightSqlServiceClient::new(channel).execute("SELECT 1".into(), None).await.is_err());
    }

    let directory = tempfile::tempdir().unwrap();
    for name in ["server.pem", "server.key", "ca.pem"] {
        fs::copy(serving.directory.path().join(name), directory.path().join(name)).unwrap();
    }
    let serving = Serving::start_in(directory, &format!("{users}{tls}client_ca = 'ca.pem'\n"));
    assert!(secure(&serving, base(&ours)).await.is_err(), "without a certificate");
    let shown = |authority| {
        let (certificate, key) = signed("client", authority);
        base(&ours).identity(Identity::from_pem(certificate, key))
    };
    secure(&serving, shown(&ours)).await.unwrap();
    assert!(secure(&serving, shown(&theirs)).await.is_err(), "with one that others signed");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_an_identity_provider_are_good_until_they_expire() {
    let pair = KeyPair::generate().unwrap();
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("key.pem"), pair.public_key_pem()).unwrap();
    let config = "[jwt]\nissuer = 'us'\naudience = 'causal'\nkeys = 'key.pem'\nrole_claim = 'causal_role'\n";
    let serving = Serving::start_in(directory, config);
    let token = |role: &str, seconds: u64| {
        let expires = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + seconds;
        let claims = json!({"iss": "us", "aud": "causal", "sub": "ana", "causal_role": role, "exp": expires});
        let key = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap();
        encode(&Header::new(Algorithm::ES256), &claims, &key).unwrap()
    };
    let mut client = serving.stranger().await;
    client.set_token(token("reader", 60));
    asked(&mut client, "CREATE TEMP TABLE mine AS SELECT 1 AS x").await.unwrap();
    assert!(refused(&mut client, "INSERT INTO mine VALUES (2)").await.contains("for the role analyst"));
    assert_eq!(number(&mut client, "SELECT x FROM mine").await, 1);
    client.set_token(token("nobody", 60));
    assert!(refused(&mut client, "SELECT 1").await.contains("must be reader, analyst or admin"));
    // A session ends with the token that it began with, however its own token was got.
    let mut brief = serving.stranger().await;
    brief.set_token(token("reader", 2));
    brief.handshake("", "").await.unwrap();
    assert_eq!(number(&mut brief, "SELECT 1").await, 1);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let error = refused(&mut brief, "SELECT 1").await;
    assert!(error.contains("Unauthenticated"), "{error}");
    assert!(refused(&mut serving.stranger().await, "SELECT 1").await.contains("Unauthenticated"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_hashed_by_the_program_and_checked_once_for_a_connection() {
    let mut hashing = program(Path::new("."), &["--hash-password"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    hashing.stdin.take().unwrap().write_all(b"pass word\n").unwrap();
    let output = hashing.wait_with_output().unwrap();
    let hash = String::from_utf8(output.stdout).unwrap();
    let config = format!("[[users]]\nname = 'ana'\nrole = 'reader'\npassword_hash = '{}'\n", hash.trim());
    let serving = Serving::start(&config);
    let mut client = serving.stranger().await;
    // Some clients show the password with each call; hashing it each time would take seconds here.
    client.set_header("authorization", "Basic YW5hOnBhc3Mgd29yZA==");
    asked(&mut client, "SELECT 1").await.unwrap();
    let start = Instant::now();
    for _ in 0..20 {
        asked(&mut client, "SELECT 1").await.unwrap();
    }
    let once = start.elapsed() / 20;
    let start = Instant::now();
    let mut other = serving.stranger().await;
    other.handshake("ana", "pass word").await.unwrap();
    assert!(once < start.elapsed(), "{once:?} a query, {:?} a login", start.elapsed());
    client.set_header("authorization", "Basic YW5hOndyb25n");
    assert!(refused(&mut client, "SELECT 1").await.contains("user or password is wrong"));
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_reach_nothing_outside_the_catalog() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("secret.csv"), "a\n1\n").unwrap();
    let path = directory.path().join("secret.csv").display().to_string();
    let users = "[[users]]\nname = 'r'\nrole = 'reader'\ntoken = 'reader token'\n\
                 [[users]]\nname = 'a'\nrole = 'analyst'\ntoken = 'analyst token'\n";
    let init = format!("init = \"CREATE EXTERNAL TABLE given STORED AS CSV LOCATION '{path}'\"\n");
    let serving = Serving::start_in(directory, &format!("{init}{users}"));
    for token in ["reader token", "analyst token"] {
        let mut client = serving.stranger().await;
        client.set_token(token.into());
        assert_eq!(number(&mut client, "SELECT a FROM given").await, 1);
        for sql in [
            format!("SELECT * FROM '{path}'"),
            "SELECT * FROM 'secret.csv'".into(),
            "SELECT * FROM 's3://bucket/key.parquet'".into(),
            "SELECT * FROM 'http://127.0.0.1:1/x.parquet'".into(),
            format!("CREATE EXTERNAL TABLE mine STORED AS CSV LOCATION '{path}'"),
            "CREATE EXTERNAL TABLE mine STORED AS CSV LOCATION 's3://b/k' OPTIONS ('aws.endpoint' 'http://127.0.0.1:1')"
                .into(),
            format!("COPY (SELECT 1) TO '{path}'"),
            "CREATE SCHEMA other".into(),
            "CREATE DATABASE other".into(),
            "CREATE FUNCTION f(x INT) RETURNS INT RETURN x".into(),
            "DROP TABLE given".into(),
            "DELETE FROM given".into(),
            "UPDATE given SET a = 2".into(),
            "SET datafusion.runtime.memory_limit = '100G'".into(),
            "SET datafusion.runtime.temp_directory = '/'".into(),
            "SET datafusion.catalog.location = '/'".into(),
            "EXPLAIN ANALYZE INSERT INTO given VALUES (1)".into(),
            "EXPLAIN COPY (SELECT 1) TO 'x.csv'".into(),
        ] {
            refused(&mut client, &sql).await;
        }
        assert_eq!(number(&mut client, "SELECT count(*) FROM given").await, 1, "nothing has changed");
    }
}
