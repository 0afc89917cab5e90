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

/// Returns the text with keys, tokens and signatures replaced by `…`.
pub(crate) fn redact(text: &str) -> String {
    let secrets = SECRETS.iter().filter_map(|name| env::var(name).ok()).filter(|secret| secret.len() >= 4);
    let mut text = secrets.fold(text.to_string(), |text, secret| text.replace(&secret, "…"));
    for parameter in PARAMETERS {
        let mut from = 0;
        while let Some(found) = text[from..].find(parameter) {
            let start = from + found + parameter.len();
            let is_end = |c: char| c == '&' || c == '"' || c == '\'' || c == ')' || c.is_whitespace();
            let end = text[start..].find(is_end).map_or(text.len(), |length| start + length);
            text.replace_range(start..end, "…");
            from = start;
        }
    }
    text
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
}
