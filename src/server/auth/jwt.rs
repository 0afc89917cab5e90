//! JSON Web Tokens that an identity provider signs.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::{Map, Value};
use tonic::Status;

use super::{Identity, Role, ServeError};

/// Which tokens are good.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct JwtConfig {
    /// Who must have issued a token, by its claim `iss`.
    issuer: String,
    /// Whom a token must be for, by its claim `aud`.
    audience: String,
    /// Public keys: a set of JSON Web Keys (`.json`), or one key in PEM form.
    keys: PathBuf,
    /// The claim that has the role.
    #[serde(default = "role_claim")]
    role_claim: String,
    /// The claim that has the user's name.
    #[serde(default = "user_claim")]
    user_claim: String,
}

fn role_claim() -> String {
    "role".into()
}

fn user_claim() -> String {
    "sub".into()
}

/// Reads tokens.
pub(super) struct Tokens {
    config: JwtConfig,
    keys: Vec<Key>,
}

struct Key {
    name: Option<String>,
    key: DecodingKey,
    validation: Validation,
}

impl Tokens {
    /// # Errors
    ///
    /// When the file has no public keys.
    pub(super) fn new(config: JwtConfig) -> Result<Self, ServeError> {
        let path = config.keys.display();
        let bad = |what: String| ServeError::Usage(format!("keys of jwt in {path}: {what}"));
        let bytes = fs::read(&config.keys).map_err(|error| bad(format!("cannot be read: {error}")))?;
        let keys: Vec<_> = match config.keys.extension().is_some_and(|extension| extension == "json") {
            true => {
                let set: JwkSet = serde_json::from_slice(&bytes)
                    .map_err(|error| bad(format!("must be a set of JSON Web Keys: {error}")))?;
                let keys = set.keys.iter().map(|key| {
                    let decoding = DecodingKey::from_jwk(key);
                    decoding.map(|decoding| (key.common.key_id.clone(), decoding))
                });
                keys.collect::<Result<_, _>>()
                    .map_err(|error| bad(format!("a key cannot be used: {error}")))?
            }
            false => {
                let key = DecodingKey::from_rsa_pem(&bytes)
                    .or_else(|_| DecodingKey::from_ec_pem(&bytes))
                    .or_else(|_| DecodingKey::from_ed_pem(&bytes));
                vec![(
                    None,
                    key.map_err(|_| bad("must be a public key in PEM form (RSA, EC or Ed25519)".into()))?,
                )]
            }
        };
        if keys.is_empty() {
            return Err(bad("there are none".into()));
        }
        let keys = keys.into_iter().map(|(name, key)| {
            // What a token says of its algorithm counts only within the family of the key.
            let mut validation = Validation::new_for_family(key.family());
            validation.set_issuer(&[&config.issuer]);
            validation.set_audience(&[&config.audience]);
            validation.set_required_spec_claims(&["exp", "iss", "aud"]);
            validation.validate_nbf = true;
            Key { name, key, validation }
        });
        Ok(Self { keys: keys.collect(), config })
    }

    /// Who a token speaks for.
    ///
    /// # Errors
    ///
    /// [`Status::unauthenticated`] when it is none, is no longer good, or names no user or role.
    pub(super) fn identify(&self, token: &str) -> Result<Identity, Status> {
        let refused = |what: &str| Status::unauthenticated(format!("the token {what}"));
        let header = decode_header(token).map_err(|_| refused("is not known or has expired"))?;
        // A token that names its key is tried by that one alone.
        let fits = |key: &&Key| match (&header.kid, &key.name) {
            (Some(wanted), Some(name)) => wanted == name,
            _ => true,
        };
        let mut why = "is signed by none of the keys";
        for key in self.keys.iter().filter(fits) {
            match decode::<Map<String, Value>>(token, &key.key, &key.validation) {
                Ok(token) => return self.identity(&token.claims),
                Err(error) => why = reason(error.kind()).unwrap_or(why),
            }
        }
        Err(refused(why))
    }

    fn identity(&self, claims: &Map<String, Value>) -> Result<Identity, Status> {
        let JwtConfig { role_claim, user_claim, .. } = &self.config;
        let missing = |claim: &str, what: &str| {
            Status::unauthenticated(format!("claim {claim} of the token must be {what}"))
        };
        let user = claims.get(user_claim).and_then(Value::as_str);
        let user = user.ok_or_else(|| missing(user_claim, "the name of a user"))?;
        let role = claims.get(role_claim).and_then(|role| Role::deserialize(role).ok());
        let role = role.ok_or_else(|| missing(role_claim, "reader, analyst or admin"))?;
        let expires = claims.get("exp").and_then(Value::as_f64).unwrap_or(0.0);
        let expires = Duration::try_from_secs_f64(expires).unwrap_or(Duration::ZERO);
        Ok(Identity { expires: UNIX_EPOCH.checked_add(expires), ..Identity::new(user, role) })
    }
}

/// Why a token that is signed as it should be is not good; `None` when it is not signed so.
fn reason(kind: &ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::ExpiredSignature => Some("has expired"),
        ErrorKind::ImmatureSignature => Some("is not valid yet"),
        ErrorKind::InvalidIssuer => Some("is from another issuer"),
        ErrorKind::InvalidAudience => Some("is for another audience"),
        ErrorKind::MissingRequiredClaim(_) => Some("must have the claims exp, iss and aud"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
    use serde_json::json;

    use super::*;

    fn tokens(key: &str, extension: &str) -> Tokens {
        let file = tempfile::Builder::new().suffix(extension).tempfile().unwrap();
        fs::write(file.path(), key).unwrap();
        let config = JwtConfig {
            issuer: "us".into(),
            audience: "causal".into(),
            keys: file.path().into(),
            role_claim: role_claim(),
            user_claim: user_claim(),
        };
        Tokens::new(config).unwrap()
    }

    fn seconds(from_now: i64) -> i64 {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64 + from_now
    }

    fn claims() -> Value {
        json!({"iss": "us", "aud": "causal", "sub": "ana", "role": "analyst", "exp": seconds(60)})
    }

    #[test]
    fn a_signed_token_speaks_for_its_user_until_it_expires() {
        let pair = rcgen::KeyPair::generate().unwrap();
        let sign = |claims: &Value, key: &rcgen::KeyPair| {
            let key = EncodingKey::from_ec_pem(key.serialize_pem().as_bytes()).unwrap();
            encode(&Header::new(Algorithm::ES256), claims, &key).unwrap()
        };
        let tokens = tokens(&pair.public_key_pem(), ".pem");
        let ana = tokens.identify(&sign(&claims(), &pair)).unwrap();
        assert_eq!((ana.user.as_str(), ana.role, ana.has_expired()), ("ana", Role::Analyst, false));
        let with = |name: &str, value: Value| {
            let mut claims = claims();
            claims[name] = value;
            tokens.identify(&sign(&claims, &pair)).unwrap_err().message().to_string()
        };
        assert_eq!(with("exp", json!(seconds(-1000))), "the token has expired");
        assert_eq!(with("nbf", json!(seconds(1000))), "the token is not valid yet");
        assert_eq!(with("iss", json!("them")), "the token is from another issuer");
        assert_eq!(with("aud", json!("others")), "the token is for another audience");
        assert_eq!(with("role", json!("root")), "claim role of the token must be reader, analyst or admin");
        assert_eq!(with("sub", json!(7)), "claim sub of the token must be the name of a user");
        let other = rcgen::KeyPair::generate().unwrap();
        let forged = tokens.identify(&sign(&claims(), &other)).unwrap_err();
        assert_eq!(forged.message(), "the token is signed by none of the keys");
        // A secret made of the public key, which anybody has, signs nothing.
        let secret = EncodingKey::from_secret(pair.public_key_pem().as_bytes());
        let confused = encode(&Header::new(Algorithm::HS256), &claims(), &secret).unwrap();
        assert!(tokens.identify(&confused).is_err());
        assert!(tokens.identify("not.a.token").is_err());
    }

    #[test]
    fn a_token_that_names_its_key_is_read_by_that_one() {
        let set = json!({"keys": [
            {"kty": "oct", "kid": "old", "alg": "HS256", "k": "b2xk"},
            {"kty": "oct", "kid": "new", "alg": "HS256", "k": "bmV3"},
        ]});
        let tokens = tokens(&set.to_string(), ".json");
        let sign = |kid: Option<&str>, secret: &str| {
            let header = Header { kid: kid.map(Into::into), ..Header::new(Algorithm::HS256) };
            encode(&header, &claims(), &EncodingKey::from_secret(secret.as_bytes())).unwrap()
        };
        assert!(tokens.identify(&sign(Some("new"), "new")).is_ok());
        assert!(tokens.identify(&sign(None, "old")).is_ok());
        assert!(tokens.identify(&sign(Some("old"), "new")).is_err());
    }
}
