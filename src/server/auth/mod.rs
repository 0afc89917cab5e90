//! Who a client is: passwords, tokens, roles.

mod jwt;

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use sha2::Sha256;
use sha2::digest::Digest as _;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tonic::Status;
use tonic::metadata::MetadataMap;

use super::ServeError;
use super::config::User;
use jwt::Tokens;

pub(super) use jwt::JwtConfig;

/// Passwords that are checked at a time: each check takes tens of milliseconds and megabytes, on purpose.
const CHECKS: usize = 2;

/// Clients in Go leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What somebody may do; a later one may do all that an earlier one may.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[serde(rename_all = "lowercase")]
pub(super) enum Role {
    /// Asks, and keeps temporary tables.
    Reader,
    /// Changes tables of the session too.
    Analyst,
    /// Reads and writes files, makes external tables.
    Admin,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reader => "reader",
            Self::Analyst => "analyst",
            Self::Admin => "admin",
        })
    }
}

/// Who a session belongs to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Identity {
    pub(super) user: String,
    pub(super) role: Role,
    /// When what the client showed is no longer good.
    expires: Option<SystemTime>,
}

impl Identity {
    pub(super) fn new(user: &str, role: Role) -> Self {
        Self { user: user.to_string(), role, expires: None }
    }

    pub(super) fn has_expired(&self) -> bool {
        self.expires.is_some_and(|expires| expires <= SystemTime::now())
    }
}

/// Stands for credentials without telling them.
pub(super) type Digest = [u8; 32];

/// What a client shows of itself.
#[derive(Clone, PartialEq)]
pub(super) enum Credentials {
    Basic { user: String, password: String },
    Bearer(String),
    None,
}

impl Credentials {
    /// Reads the `authorization` header.
    pub(super) fn of(metadata: &MetadataMap) -> Result<Self, Status> {
        let Some(header) = metadata.get("authorization") else { return Ok(Self::None) };
        let unreadable = || Status::unauthenticated("authorization must be Basic or Bearer");
        let text = header.to_str().map_err(|_| unreadable())?;
        let (scheme, value) = text.split_once(' ').ok_or_else(unreadable)?;
        match scheme.to_ascii_lowercase().as_str() {
            "bearer" => Ok(Self::Bearer(value.trim().to_string())),
            "basic" => {
                let decoded = BASE64.decode(value.trim()).map_err(|_| unreadable())?;
                let decoded = String::from_utf8(decoded).map_err(|_| unreadable())?;
                let (user, password) = decoded.split_once(':').ok_or_else(unreadable)?;
                Ok(Self::Basic { user: user.to_string(), password: password.to_string() })
            }
            _ => Err(unreadable()),
        }
    }
}

/// Knows the users.
pub(super) struct Authenticator {
    users: Vec<User>,
    tokens: Option<Tokens>,
    checks: Arc<Semaphore>,
    /// What a password of nobody is checked against, so that a wrong name takes as long as a wrong password.
    nobody: String,
    /// Makes digests of credentials worth nothing elsewhere.
    salt: [u8; 32],
}

impl Authenticator {
    /// # Errors
    ///
    /// When a user has neither password nor token, a hash is none of argon2, or keys of tokens cannot be read.
    pub(super) fn new(users: Vec<User>, jwt: Option<JwtConfig>) -> Result<Self, ServeError> {
        for user in &users {
            let name = &user.name;
            if user.password_hash.is_none() && user.token.is_none() {
                return Err(ServeError::Usage(format!(
                    "user {name} must have password_hash or token, got neither"
                )));
            }
            if let Some(hash) = &user.password_hash {
                PasswordHash::new(hash).map_err(|error| {
                    ServeError::Usage(format!(
                        "password_hash of user {name} must be by argon2, as in $argon2id$…, got one that is not: {error}"
                    ))
                })?;
            }
        }
        let nobody =
            "$argon2id$v=19$m=19456,t=2,p=1$c29tZSBzYWx0IGhlcmU$kkL3yLC7sSPzpzNvv5YvqdMZxZzGzSJFTQWTTlaeHXs";
        let (checks, tokens) = (Arc::new(Semaphore::new(CHECKS)), jwt.map(Tokens::new).transpose()?);
        Ok(Self { users, tokens, checks, nobody: nobody.to_string(), salt: random()? })
    }

    /// Whether nobody has to say who they are.
    fn is_open(&self) -> bool {
        self.users.is_empty() && self.tokens.is_none()
    }

    /// What stands for credentials where they are remembered.
    pub(super) fn digest(&self, credentials: &Credentials) -> Digest {
        let mut hash = Sha256::new_with_prefix(self.salt);
        let parts = match credentials {
            Credentials::Basic { user, password } => ["basic", user, password],
            Credentials::Bearer(token) => ["bearer", token, ""],
            Credentials::None => ["none", "", ""],
        };
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }

    /// Who shows these credentials.
    ///
    /// # Errors
    ///
    /// [`Status::unauthenticated`] when nobody does.
    pub(super) async fn identify(&self, credentials: Credentials) -> Result<Identity, Status> {
        match credentials {
            Credentials::Basic { user, .. } if self.is_open() => {
                Ok(Identity::new(if user.is_empty() { "anonymous" } else { &user }, Role::Analyst))
            }
            _ if self.is_open() => Ok(Identity::new("anonymous", Role::Analyst)),
            Credentials::Basic { user, password } => self.by_password(&user, password).await,
            Credentials::Bearer(token) => self.by_token(&token),
            Credentials::None => {
                Err(Status::unauthenticated("this server needs a user and a password, or a token"))
            }
        }
    }

    fn by_token(&self, token: &str) -> Result<Identity, Status> {
        let is_of = |user: &&User| user.token.as_deref().is_some_and(|known| same(known, token));
        match (self.users.iter().find(is_of), &self.tokens) {
            (Some(user), _) => Ok(Identity::new(&user.name, user.role)),
            (None, Some(tokens)) => tokens.identify(token),
            (None, None) => Err(Status::unauthenticated("the token is not known or has expired")),
        }
    }

    async fn by_password(&self, name: &str, password: String) -> Result<Identity, Status> {
        let user = self.users.iter().find(|user| user.name == name && user.password_hash.is_some());
        let hash = user.and_then(|user| user.password_hash.clone()).unwrap_or_else(|| self.nobody.clone());
        let failed = || Status::internal("passwords cannot be checked");
        let _turn = self.checks.acquire().await.map_err(|_| failed())?;
        let check = move || {
            PasswordHash::new(&hash)
                .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
        };
        let is_right = spawn_blocking(check).await.map_err(|_| failed())?;
        match user {
            Some(user) if is_right => Ok(Identity::new(&user.name, user.role)),
            _ => Err(Status::unauthenticated("user or password is wrong")),
        }
    }
}

/// Whether two secrets are the same, in a time that does not tell how much of them is.
fn same(one: &str, other: &str) -> bool {
    one.len() == other.len() && one.bytes().zip(other.bytes()).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

/// What `password_hash` of a user may be: the hash of a password with a salt of its own.
///
/// # Errors
///
/// When the system has no randomness.
pub(super) fn password_hash(password: &str) -> Result<String, ServeError> {
    let salt: [u8; 16] = random()?;
    let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
    let hash = hash.map_err(|error| ServeError::Failed(format!("the password cannot be hashed: {error}")))?;
    Ok(hash.to_string())
}

fn random<const N: usize>() -> Result<[u8; N], ServeError> {
    let mut bytes = [0; N];
    match getrandom::fill(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(error) => Err(ServeError::Failed(format!("the system has no randomness: {error}"))),
    }
}
