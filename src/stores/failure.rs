//! What a store did not do, in words for the person who asked.

use std::error::Error as StdError;
use std::{io, iter};

use object_store::Error;
use object_store::client::{HttpError, HttpErrorKind};
use object_store::path::Path;

/// The store that our own errors name; their texts are complete.
const OURS: &str = "causal";
/// Characters of a server's answer to repeat, when it is not the XML of S3.
const REPEATED: usize = 200;

/// What went wrong with a store, and what to do about it.
#[derive(Debug, PartialEq)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) help: Option<&'static str>,
}

/// A body that ended before all of it was read.
#[derive(Debug, thiserror::Error)]
#[error("reading {location} stopped half-way")]
struct BrokenBody {
    location: Path,
    source: Error,
}

/// Returns an error of this crate.
pub(super) fn failed(text: String) -> Error {
    Error::Generic { store: OURS, source: text.into() }
}

/// Returns the error of a body, which does not say by itself of what.
pub(super) fn broken_body(location: Path, source: Error) -> Error {
    Error::Generic { store: "body", source: Box::new(BrokenBody { location, source }) }
}

impl Failure {
    /// Finds the error of a store behind another error.
    pub(crate) fn behind(error: &(dyn StdError + 'static)) -> Option<Self> {
        causes(error).find_map(|cause| {
            let boxed = cause.downcast_ref::<Box<Error>>().map(AsRef::as_ref);
            boxed.or(cause.downcast_ref()).map(Self::of)
        })
    }

    /// Puts an error of a store into words.
    pub(crate) fn of(error: &Error) -> Self {
        let text = error.to_string();
        if let Error::Generic { store: OURS, source } = error {
            return Self { message: source.to_string(), help: None };
        }
        let transport = causes(error).find_map(|cause| cause.downcast_ref::<HttpError>());
        let reason = match (transport, refusal(&text)) {
            (Some(transport), _) => {
                let cause = causes(transport).last().map(ToString::to_string);
                cause.unwrap_or_else(|| transport.to_string())
            }
            (None, Some(refusal)) => refusal,
            (None, None) => return Self { message: without_store(&text).into(), help: None },
        };
        let help = transport.and_then(transport_help).or_else(|| refusal_help(&reason));
        let what = request(&text).unwrap_or_else(|| without_store(&text).to_string());
        Self { message: format!("{what}: {reason}"), help }
    }
}

/// The error, its cause, the cause of that, and so on.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    iter::successors(Some(error), |&error| match error.downcast_ref::<io::Error>() {
        // What it wraps would be left out: its source is the source of that.
        Some(error) => error.get_ref().map(|inner| inner as &(dyn StdError + 'static)),
        None => error.source(),
    })
}

fn without_store(text: &str) -> &str {
    match text.strip_prefix("Generic ").and_then(|rest| rest.split_once(" error: ")) {
        Some((store, rest)) if !store.contains(' ') => rest,
        _ => text,
    }
}

/// Reads "Error performing GET URL in TIME, after 3 retries, …  - REASON".
fn request(text: &str) -> Option<String> {
    let (_, rest) = text.rsplit_once("Error performing ")?;
    let (request, rest) = rest.split_once(" in ")?;
    let retries = rest.split_once(", after ").and_then(|(_, rest)| rest.split_once(" retries"));
    let retries: Option<usize> = retries.and_then(|(number, _)| number.parse().ok());
    Some(match retries {
        Some(retries) => format!("{request} failed {} times", retries + 1),
        None => format!("{request} failed"),
    })
}

/// Reads "Server returned non-2xx status code: 403 Forbidden: BODY", where the body is XML in S3.
fn refusal(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("Server returned non-2xx status code: ")?;
    let (status, body) = rest.split_once(':')?;
    let element = |name: &str| {
        let (_, rest) = body.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(content, _)| content)
    };
    let answer = match (element("Code"), element("Message")) {
        (Some(code), Some(message)) if !message.is_empty() => format!("{code}: {message}"),
        (Some(code), _) => code.to_string(),
        (None, _) => body.trim().chars().take(REPEATED).collect(),
    };
    Some(if answer.is_empty() { status.to_string() } else { format!("{status} ({answer})") })
}

fn transport_help(error: &HttpError) -> Option<&'static str> {
    match error.kind() {
        HttpErrorKind::Timeout => Some("raise --store-timeout, or check the network"),
        HttpErrorKind::Connect => {
            Some("nothing answers there: check the endpoint (AWS_ENDPOINT_URL) and the network")
        }
        _ => Some("the network or the store breaks connections: raise --store-retries or --store-timeout"),
    }
}

fn refusal_help(reason: &str) -> Option<&'static str> {
    let has = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    if has(&["SignatureDoesNotMatch", "InvalidAccessKeyId", "InvalidToken", "ExpiredToken", "NotSignedUp"]) {
        Some("the credentials are wrong or out of date")
    } else if has(&["PermanentRedirect", "301 ", "AuthorizationHeaderMalformed"]) {
        Some("the bucket is in another region: set AWS_REGION")
    } else if has(&["401 ", "403 "]) {
        Some(
            "the credentials do not allow it: set AWS_PROFILE or AWS_ACCESS_KEY_ID, or AWS_SKIP_SIGNATURE=true for \
             public data",
        )
    } else if has(&["NoSuchBucket", "404 "]) {
        Some("check the name of the bucket, and the endpoint (AWS_ENDPOINT_URL)")
    } else if has(&["429 ", "503 ", "SlowDown"]) {
        Some("the store asks for fewer requests: wait, or raise --store-retries")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> Failure {
        Failure::of(&Error::Generic { store: "S3", source: text.into() })
    }

    #[test]
    fn refusals_are_told_in_a_line() {
        let failure = generic(
            "Error performing list request: Error performing GET http://h/b?prefix=x%2F in 334.5ms, after 3 retries, \
             max_retries: 3, retry_timeout: 300s  - Server returned non-2xx status code: 503 Service Unavailable: \
             <?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>Please wait.</Message></Error>",
        );
        let expected =
            "GET http://h/b?prefix=x%2F failed 4 times: 503 Service Unavailable (SlowDown: Please wait.)";
        assert_eq!(failure.message, expected);
        assert!(failure.help.unwrap().contains("--store-retries"));

        let failure = generic(
            "Error performing HEAD http://h/b/k in 1ms - Server returned non-2xx status code: 403 Forbidden: ",
        );
        assert_eq!(failure.message, "HEAD http://h/b/k failed: 403 Forbidden");
        assert!(failure.help.unwrap().contains("AWS_PROFILE"));
    }

    #[test]
    fn other_errors_keep_their_text() {
        assert_eq!(generic("Missing region"), Failure { message: "Missing region".into(), help: None });
        let ours = failed("it changed".into());
        assert_eq!(Failure::of(&ours).message, "it changed");
        let wrapped = io::Error::other(ours);
        assert_eq!(Failure::behind(&wrapped).unwrap().message, "it changed");
    }
}
