//! Opens a store: finds credentials, region and endpoint.
//!
//! Of S3 settings, options of the statement come first, then the `AWS_…` environment, then the AWS profile, single
//! sign-on, web identity, container and instance metadata as the AWS SDK looks for them. Without any credentials requests
//! are not signed, which is right for public buckets.

use std::collections::HashMap;
use std::env;
use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_http_client::tls;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsCredential, resolve_bucket_region};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::http::HttpBuilder;
use object_store::{
    BackoffConfig, ClientOptions, CredentialProvider, Error, ObjectStore, Result, RetryConfig,
};
use url::Url;

use super::StoreSettings;
use super::failure::failed;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The region that is signed for where none is known and the endpoint is not Amazon's.
const ANY_REGION: &str = "us-east-1";

/// `aws.…` options of a CREATE EXTERNAL TABLE, by their name behind the dot.
pub(crate) type StoreOptions = HashMap<String, String>;

/// A store and how it was reached, for `causal doctor`.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn ObjectStore>,
    /// Where the credentials come from.
    pub(crate) credentials: String,
    pub(crate) region: Option<String>,
    pub(crate) endpoint: Option<String>,
}

/// Opens the store of `url`.
///
/// # Errors
///
/// When settings contradict each other or credentials are there and cannot be had. Reaching the store is not tried.
pub(crate) async fn open(url: &Url, options: &StoreOptions, settings: &StoreSettings) -> Result<Opened> {
    match url.scheme() {
        "s3" | "s3a" => open_s3(url, options, settings).await,
        "gs" | "gcs" => {
            let builder = GoogleCloudStorageBuilder::from_env().with_url(url.as_str());
            let endpoint = builder.get_config_value(&GoogleConfigKey::BaseUrl);
            let anonymous = builder.get_config_value(&GoogleConfigKey::SkipSignature);
            let credentials = match anonymous.as_deref() {
                Some("true") => "none: requests are not signed, as asked",
                _ => "Google application credentials or service account",
            };
            // Who writes http:// means it.
            let allow_http = endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://"));
            let store = builder
                .with_client_options(client(settings).with_allow_http(allow_http))
                .with_retry(retry(settings))
                .build()?;
            Ok(Opened { store: Arc::new(store), credentials: credentials.into(), region: None, endpoint })
        }
        _ => {
            let base = &url[..url::Position::BeforePath];
            let store = HttpBuilder::new()
                .with_url(base)
                .with_client_options(client(settings).with_allow_http(url.scheme() == "http"))
                .with_retry(retry(settings))
                .build()?;
            let credentials = "none: HTTP is asked without".to_string();
            Ok(Opened { store: Arc::new(store), credentials, region: None, endpoint: Some(base.into()) })
        }
    }
}

fn client(settings: &StoreSettings) -> ClientOptions {
    ClientOptions::new().with_timeout(settings.timeout).with_connect_timeout(CONNECT_TIMEOUT)
}

fn retry(settings: &StoreSettings) -> RetryConfig {
    let tries = settings.retries.saturating_add(1);
    RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: settings.retries,
        // Every try may take its whole time.
        retry_timeout: settings.timeout.saturating_mul(u32::try_from(tries).unwrap_or(u32::MAX)),
    }
}

async fn open_s3(url: &Url, options: &StoreOptions, settings: &StoreSettings) -> Result<Opened> {
    const KNOWN: [&str; 9] = [
        "access_key_id",
        "secret_access_key",
        "session_token",
        "region",
        "endpoint",
        "allow_http",
        "skip_signature",
        "nosign",
        "virtual_hosted_style_request",
    ];
    if let Some(unknown) = options.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        return Err(failed(format!("unknown option 'aws.{unknown}'; there are {}", KNOWN.join(", "))));
    }
    let option = |name: &str| options.get(name).cloned();
    let bucket = url.host_str().ok_or_else(|| failed(format!("{url} has no bucket")))?;
    let mut builder = AmazonS3Builder::from_env()
        .with_bucket_name(bucket)
        .with_client_options(client(settings))
        .with_retry(retry(settings));

    let anonymous = option("skip_signature")
        .or_else(|| option("nosign"))
        .is_some_and(|value| value == "true")
        || builder.get_config_value(&AmazonS3ConfigKey::SkipSignature).is_some_and(|value| value == "true");
    let given = (option("access_key_id"), option("secret_access_key"));
    let in_environment = builder.get_config_value(&AmazonS3ConfigKey::AccessKeyId).is_some();
    // Profiles are looked at for the region and the endpoint too, whoever has the credentials.
    let config = sdk_config().await;
    let credentials = if anonymous {
        builder = builder.with_skip_signature(true);
        "none: requests are not signed, as asked".to_string()
    } else if let (Some(key), Some(secret)) = given {
        builder = builder.with_access_key_id(key).with_secret_access_key(secret);
        if let Some(token) = option("session_token") {
            builder = builder.with_token(token);
        }
        "options of the table".to_string()
    } else if in_environment {
        "environment (AWS_ACCESS_KEY_ID)".to_string()
    } else {
        let (provider, source) = credentials_of(&config).await?;
        builder = match provider {
            Some(provider) => builder.with_credentials(Arc::new(SdkCredentials(provider))),
            None => builder.with_skip_signature(true),
        };
        source
    };

    let endpoint = option("endpoint")
        .or_else(|| env::var("AWS_ENDPOINT_URL_S3").ok())
        .or_else(|| builder.get_config_value(&AmazonS3ConfigKey::Endpoint))
        .or_else(|| config.endpoint_url().map(ToString::to_string));
    if let Some(endpoint) = &endpoint {
        // Who writes http:// means it.
        builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
    }
    if let Some(virtual_hosted) = option("virtual_hosted_style_request") {
        builder = builder.with_virtual_hosted_style_request(virtual_hosted == "true");
    }
    let region = match option("region")
        .or_else(|| builder.get_config_value(&AmazonS3ConfigKey::Region))
        .or_else(|| config.region().map(ToString::to_string))
    {
        Some(region) => region,
        None if endpoint.is_some() => ANY_REGION.to_string(),
        None => resolve_bucket_region(bucket, &client(settings)).await?,
    };
    let store = builder.with_region(&region).build()?;
    Ok(Opened { store: Arc::new(store), credentials, region: Some(region), endpoint })
}

async fn sdk_config() -> SdkConfig {
    let ring = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    let http = aws_smithy_http_client::Builder::new().tls_provider(ring).build_https();
    Box::pin(aws_config::defaults(BehaviorVersion::latest()).http_client(http).load()).await
}

/// The credentials that the AWS SDK finds, and where.
async fn credentials_of(config: &SdkConfig) -> Result<(Option<SharedCredentialsProvider>, String)> {
    let Some(provider) = config.credentials_provider() else {
        return Ok((None, "none found: requests are not signed".into()));
    };
    match provider.provide_credentials().await {
        Ok(credentials) => {
            // The name of the provider is shown by Debug alone, which shows no secret.
            let shown = format!("{credentials:?}");
            let name = shown.split_once("provider_name: \"").and_then(|(_, rest)| rest.split('"').next());
            Ok((Some(provider), format!("AWS SDK ({})", name.unwrap_or("unnamed provider"))))
        }
        Err(CredentialsError::CredentialsNotLoaded(_)) => {
            Ok((None, "none found: requests are not signed".into()))
        }
        Err(error) => {
            let mut text = format!("credentials are configured and cannot be had: {error}");
            let mut source = error.source();
            while let Some(cause) = source {
                text += &format!(": {cause}");
                source = cause.source();
            }
            Err(failed(text))
        }
    }
}

/// Credentials of the SDK, which renews them.
#[derive(Debug)]
struct SdkCredentials(SharedCredentialsProvider);

#[async_trait]
impl CredentialProvider for SdkCredentials {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> Result<Arc<AwsCredential>> {
        let credentials = self.0.provide_credentials().await;
        let credentials =
            credentials.map_err(|error| Error::Generic { store: "S3", source: Box::new(error) })?;
        Ok(Arc::new(AwsCredential {
            key_id: credentials.access_key_id().to_string(),
            secret_key: credentials.secret_access_key().to_string(),
            token: credentials.session_token().map(ToString::to_string),
        }))
    }
}
