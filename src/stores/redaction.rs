//! Keeps secrets out of what is printed.

use std::env;

/// Environment variables whose values are never shown.
const SECRETS: [&str; 4] =
    ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "GOOGLE_SERVICE_ACCOUNT_KEY"];

/// Parameters of signed URLs.
const PARAMETERS: [&str; 8] = [
    "X-Amz-Signature=",
    "X-Amz-Credential=",
    "X-Amz-Security-Token=",
    "AWSAccessKeyId=",
    "Signature=",
    "X-Goog-Signature=",
    "X-Goog-Credential=",
    "sig=",
];

/// Options of a table whose values are never shown.
const OPTIONS: [&str; 3] = ["access_key_id'", "secret_access_key'", "session_token'"];

/// Returns the text with keys, tokens and signatures replaced by `…`.
pub(crate) fn redact(text: &str) -> String {
    let secrets = SECRETS.iter().filter_map(|name| env::var(name).ok()).filter(|secret| secret.len() >= 4);
    let mut text = secrets.fold(text.to_string(), |text, secret| text.replace(&secret, "…"));
    for parameter in PARAMETERS {
        let is_end = |c: char| c == '&' || c == '"' || c == '\'' || c == ')' || c.is_whitespace();
        hide_after(&mut text, parameter, |rest| (0, rest.find(is_end)));
    }
    for option in OPTIONS {
        hide_after(&mut text, option, |rest| match rest.trim_start().strip_prefix('\'') {
            Some(value) => (rest.len() - value.len(), value.find('\'')),
            None => (0, Some(0)),
        });
    }
    text
}

/// Hides what follows each `name`: `part` returns where that begins and how long it is, if it ends at all.
fn hide_after(text: &mut String, name: &str, part: impl Fn(&str) -> (usize, Option<usize>)) {
    let mut from = 0;
    while let Some(found) = text[from..].find(name) {
        from += found + name.len();
        let (skipped, length) = part(&text[from..]);
        from += skipped;
        let end = length.map_or(text.len(), |length| from + length);
        if end > from {
            text.replace_range(from..end, "…");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn signatures_are_not_shown() {
        let text =
            "GET https://b.s3.amazonaws.com/k?X-Amz-Credential=AKIA%2F1&X-Amz-Signature=abc failed (sig=x)";
        let expected = "GET https://b.s3.amazonaws.com/k?X-Amz-Credential=…&X-Amz-Signature=… failed (sig=…)";
        assert_eq!(redact(text), expected);
    }

    #[test]
    fn keys_of_tables_are_not_shown() {
        let text = "OPTIONS ('aws.access_key_id' 'AKIA', 'aws.secret_access_key'  'k', 'aws.region' 'eu', 'session_token'";
        let expected = "OPTIONS ('aws.access_key_id' '…', 'aws.secret_access_key'  '…', 'aws.region' 'eu', 'session_token'";
        assert_eq!(redact(text), expected);
        assert_eq!(redact("'aws.session_token' 'cut of"), "'aws.session_token' '…");
    }
}
