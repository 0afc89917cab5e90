//! Health, readiness and metrics over HTTP, for those who run the server.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;

use super::Server;

/// How long the engine may take to answer before it is taken for stuck.
const PATIENCE: Duration = Duration::from_secs(5);
/// The format of metrics.
const METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(super) fn router(server: Arc<Server>) -> Router {
    Router::new()
        .route("/healthz", get(health))
        .route("/readyz", get(readiness))
        .route("/metrics", get(metrics))
        .with_state(server)
}

/// Whether the engine does anything at all; one that does not is to be started again.
async fn health(State(server): State<Arc<Server>>) -> (StatusCode, &'static str) {
    match server.execution.is_alive(PATIENCE).await {
        true => (StatusCode::OK, "healthy\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "the engine does not answer\n"),
    }
}

/// Whether clients are to come here.
async fn readiness(State(server): State<Arc<Server>>) -> (StatusCode, &'static str) {
    match server.is_ending.load(Ordering::Relaxed) {
        false => (StatusCode::OK, "ready\n"),
        true => (StatusCode::SERVICE_UNAVAILABLE, "the server ends\n"),
    }
}

async fn metrics(State(server): State<Arc<Server>>) -> impl IntoResponse {
    ([(CONTENT_TYPE, METRICS)], server.journal.metrics(server.levels()))
}
