//! An S3 server in this process that misbehaves as told.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use http_body_util::StreamBody;
use hyper::body::{Bytes, Frame};
use hyper::service::service_fn;
use hyper::{Method, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpRequest, HttpResponse};
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

pub(crate) const KEY: &str = "AKIDTESTTESTTEST";
pub(crate) const SECRET: &str = "wJalrXUtnFEMIbPxRfiCYEXAMPLEKEY";
const BUCKET: &str = "logs";

/// What happens to a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// It is answered.
    None,
    /// It is refused because there are too many.
    SlowDown,
    /// It is refused although its signature is right.
    Denied,
    /// Half of the body arrives before the connection ends.
    Cut,
    /// The answer begins only after this time.
    Wait(Duration),
}

/// A request as the server sees it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// Path and query, with `/` and `=` as they are.
    pub(crate) target: String,
    /// How many requests with this method and target came before it.
    pub(crate) repeated: usize,
}

impl Request {
    /// Whether it reads the content of a file.
    pub(crate) fn reads(&self, name: &str) -> bool {
        self.method == Method::GET && self.target.contains(name) && !self.target.contains("list-type")
    }
}

type Faults = Box<dyn Fn(&Request) -> Fault + Send>;

/// A server with one bucket, `logs`, which is a folder on disk. Dropping it stops it.
pub(crate) struct Server {
    address: SocketAddr,
    state: Arc<State>,
    /// Runs the server.
    _runtime: Runtime,
}

struct State {
    /// The folder of buckets.
    root: TempDir,
    service: S3Service,
    public: S3Service,
    faults: Mutex<Faults>,
    requests: Mutex<Vec<Request>>,
}

impl Server {
    /// Starts a server that answers everything.
    pub(crate) fn start() -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join(BUCKET)).unwrap();
        let files = || FileSystem::new(root.path()).unwrap();
        let mut signed = S3ServiceBuilder::new(files());
        signed.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let state = Arc::new(State {
            service: signed.build(),
            public: S3ServiceBuilder::new(files()).build(),
            root,
            faults: Mutex::new(Box::new(|_| Fault::None)),
            requests: Mutex::default(),
        });

        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(serve(listener, state.clone()));
        Self { address, state, _runtime: runtime }
    }

    /// Forgets all requests and lets the next ones fail as `faults` says.
    pub(crate) fn misbehave(&self, faults: impl Fn(&Request) -> Fault + Send + 'static) {
        self.state.requests.lock().unwrap().clear();
        *self.state.faults.lock().unwrap() = Box::new(faults);
    }

    /// The folder of the bucket.
    pub(crate) fn bucket(&self) -> PathBuf {
        self.state.root.path().join(BUCKET)
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that was asked for.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state.requests.lock().unwrap().clone()
    }

    /// `causal` in `directory`, which knows the endpoint, and nothing of this machine's credentials.
    pub(crate) fn stranger(&self, directory: &Path) -> Command {
        let mut command = crate::cli::program(directory);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
            command.env_remove(name);
        }
        command
            .env("HOME", directory)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ENDPOINT_URL", self.endpoint());
        command
    }

    /// `causal` in `directory`, which may read the bucket.
    pub(crate) fn user(&self, directory: &Path) -> Command {
        let mut command = self.stranger(directory);
        command.env("AWS_ACCESS_KEY_ID", KEY).env("AWS_SECRET_ACCESS_KEY", SECRET);
        command
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    while let Ok((connection, _)) = listener.accept().await {
        tokio::spawn(serve_connection(connection, state.clone()));
    }
}

async fn serve_connection(connection: TcpStream, state: Arc<State>) {
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let state = state.clone();
        async move { Ok::<_, Infallible>(state.answer(request.map(Body::from)).await) }
    });
    // Connections that the client leaves end with an error.
    let _ =
        auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(connection), service).await;
}

impl State {
    async fn answer(&self, request: HttpRequest) -> HttpResponse {
        let seen = self.record(&request);
        let fault = (self.faults.lock().unwrap())(&seen);
        if let Some(credentials) = self.credentials(&request) {
            return credentials;
        }
        match fault {
            Fault::None => self.ask(request).await,
            Fault::SlowDown => {
                refusal(StatusCode::SERVICE_UNAVAILABLE, "SlowDown", "Please reduce your request rate.")
            }
            Fault::Denied => refusal(StatusCode::FORBIDDEN, "AccessDenied", "Access Denied"),
            Fault::Cut => cut(self.ask(request).await).await,
            Fault::Wait(time) => {
                tokio::time::sleep(time).await;
                self.ask(request).await
            }
        }
    }

    fn record(&self, request: &HttpRequest) -> Request {
        let mut requests = self.requests.lock().unwrap();
        let (method, target) = (request.method().clone(), request.uri().to_string());
        let target = target.replace("%2F", "/").replace("%3D", "=");
        let same = |earlier: &&Request| earlier.method == method && earlier.target == target;
        let repeated = requests.iter().filter(same).count();
        let seen = Request { method, target, repeated };
        requests.push(seen.clone());
        seen
    }

    /// Hands out the key, as the services for web identities and for single sign-on do.
    fn credentials(&self, request: &HttpRequest) -> Option<HttpResponse> {
        const EXPIRATION: &str = "2099-01-01T00:00:00Z";
        let (kind, text) = match (request.method(), request.uri().path()) {
            (&Method::POST, "/") => (
                "text/xml",
                format!(
                    "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
                     <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>{KEY}</AccessKeyId>\
                     <SecretAccessKey>{SECRET}</SecretAccessKey><SessionToken>t</SessionToken>\
                     <Expiration>{EXPIRATION}</Expiration></Credentials></AssumeRoleWithWebIdentityResult>\
                     </AssumeRoleWithWebIdentityResponse>"
                ),
            ),
            (&Method::GET, "/federation/credentials") => (
                "application/json",
                format!(
                    "{{\"roleCredentials\":{{\"accessKeyId\":\"{KEY}\",\"secretAccessKey\":\"{SECRET}\",\
                     \"sessionToken\":\"t\",\"expiration\":4070908800000}}}}"
                ),
            ),
            _ => return None,
        };
        Some(Response::builder().header("content-type", kind).body(Body::from(text)).unwrap())
    }

    /// Only the folder `public` may be read without a signature.
    async fn ask(&self, request: HttpRequest) -> HttpResponse {
        // Folders are only part of names in S3; this implementation of it knows better and fails.
        let path = self.root.path().join(request.uri().path().trim_start_matches('/'));
        if request.method() == Method::HEAD && path.is_dir() {
            return refusal(StatusCode::NOT_FOUND, "NoSuchKey", "");
        }
        let is_signed = request.headers().contains_key("authorization");
        let is_public = request.uri().to_string().contains("public");
        let service = if is_public && !is_signed { &self.public } else { &self.service };
        service.call(request).await.unwrap()
    }
}

fn refusal(status: StatusCode, code: &str, message: &str) -> HttpResponse {
    let text = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    Response::builder()
        .status(status)
        .header("content-type", "application/xml")
        .body(Body::from(text))
        .unwrap()
}

/// Promises the whole body and sends half of it.
async fn cut(response: HttpResponse) -> HttpResponse {
    let (head, body) = response.into_parts();
    let body: Vec<Bytes> = body.try_collect().await.unwrap();
    let body = body.concat();
    let half = Bytes::copy_from_slice(&body[..body.len() / 2]);
    let sent = stream::once(async { Ok(Frame::data(half)) });
    let reset = stream::once(async {
        // Until then the first half is on its way.
        tokio::time::sleep(Duration::from_millis(50)).await;
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
    });
    Response::from_parts(head, Body::http_body_unsync(StreamBody::new(sent.chain(reset))))
}
