//! How a call finds its session, and a client who is new gets one.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tonic::metadata::MetadataMap;
use tonic::{Request, Status};

use super::Server;
use super::auth::Credentials;
use super::connections::ConnectionId;
use super::sessions::{Key, Session, random_token};

/// The cookie that stands for a token, for clients that keep cookies rather than tokens.
pub(super) const COOKIE: &str = "causal-session";

impl Server {
    /// Lets a client in that says who it is, and returns the token of its session.
    ///
    /// # Errors
    ///
    /// When it is nobody, there is no room for it, or the server ends.
    pub(super) async fn log_in(&self, metadata: &MetadataMap) -> Result<String, Status> {
        self.refuse_when_ending()?;
        let credentials = Credentials::of(metadata)?;
        // Who shows a token that was given out goes on with it.
        if let Credentials::Bearer(token) = &credentials
            && self.sessions.is_in(&Key::Token(token.clone()))
        {
            return Ok(token.clone());
        }
        let identity = self.users.identify(credentials).await?;
        let token = random_token()?;
        self.sessions.admit(Key::Token(token.clone()), identity)?;
        Ok(token)
    }

    /// The session of a call, which is made when there is none.
    ///
    /// # Errors
    ///
    /// As [`Self::log_in`].
    pub(super) async fn session<T>(&self, request: &Request<T>) -> Result<Arc<Session>, Status> {
        self.refuse_when_ending()?;
        let (credentials, keys) = self.keys(request)?;
        for key in &keys {
            if let Some(session) = self.sessions.find(key, |identity| self.new_session(identity))? {
                return Ok(session);
            }
        }
        let identity = self.users.identify(credentials).await?;
        let [.., key] = keys;
        self.sessions.admit(key.clone(), identity)?;
        let session = self.sessions.find(&key, |identity| self.new_session(identity))?;
        session.ok_or_else(|| Status::unauthenticated("what the client shows of itself has expired"))
    }

    /// Ends the session of a call.
    ///
    /// # Errors
    ///
    /// When the call does not say whose it is.
    pub(super) fn end_session<T>(&self, request: &Request<T>) -> Result<(), Status> {
        let (_, keys) = self.keys(request)?;
        for key in &keys {
            if self.sessions.end(key) {
                break;
            }
        }
        Ok(())
    }

    /// What a call shows, and what its session can be known by: a token that was given out first, which a cookie stands for where
    /// none is shown; else its connection.
    fn keys<T>(&self, request: &Request<T>) -> Result<(Credentials, [Key; 2]), Status> {
        let credentials = Credentials::of(request.metadata())?;
        let connection = request.extensions().get::<ConnectionId>().copied();
        let connection = connection.ok_or_else(|| Status::internal("the call came by no connection"))?;
        let own = Key::Connection(connection, self.users.digest(&credentials));
        let token = match &credentials {
            Credentials::Bearer(token) => Some(token.clone()),
            Credentials::None | Credentials::Basic { .. } => cookie(request.metadata()),
        };
        let first = token.map_or_else(|| own.clone(), Key::Token);
        Ok((credentials, [first, own]))
    }

    fn refuse_when_ending(&self) -> Result<(), Status> {
        match self.is_ending.load(Ordering::Relaxed) {
            true => Err(Status::unavailable("the server ends; try again when it is back")),
            false => Ok(()),
        }
    }
}

fn cookie(metadata: &MetadataMap) -> Option<String> {
    let cookies = metadata.get("cookie")?.to_str().ok()?;
    let pairs = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.into_iter().find(|(name, _)| *name == COOKIE).map(|(_, value)| value.to_string())
}
