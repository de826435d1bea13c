//! *Metrics* for Prometheus, on an address of their own.
//!
//! - [`families`]: metrics that are made for each scrape
//! - [`feeds`]: what fetches files from elsewhere
//! - [`figures`]: what has to be looked up, and how often that is done
//! - [`http`]: calls that were answered
//! - [`page`]: all of it, as text
//! - [`process`]: the process itself
//! - [`sinks`]: where resources are sent
//!
//! Counters are those of this process and begin at 0 with it. What must not be forgotten
//! comes from the ledger. Labels have few values: sources, routes and reasons are bounded in
//! number, and nothing of a patient's is among them.

mod disk;
mod families;
mod feeds;
mod figures;
mod http;
mod page;
mod process;
mod sinks;
mod snapshots;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::Mutex;

use super::certificate::Certificate;
use super::health;
use super::pool::Pool;
use super::{Service, SharedDatabase};
use crate::config::Settings;
use crate::upload::Uploads;
use figures::Figures;
pub use http::HttpMetrics;

/// What there is to tell.
#[derive(Debug)]
pub struct Metrics {
    service: Service,
    http: Arc<HttpMetrics>,
    /// None if nothing can be pushed.
    uploads: Option<Uploads>,
    /// None without TLS.
    certificate: Option<Arc<Certificate>>,
    /// How often sources deliver, in seconds, as the settings say.
    intervals: BTreeMap<String, f64>,
    /// Those who scrape wait for each other.
    figures: Mutex<Figures>,
    pool: Pool,
}

impl Metrics {
    /// The metrics of a service.
    pub fn new(
        settings: &Settings,
        database: &SharedDatabase,
        service: &Service,
        (http, uploads, certificate): (Arc<HttpMetrics>, Option<Uploads>, Option<Arc<Certificate>>),
    ) -> Self {
        let of_source = |source: &crate::config::SourceSettings| {
            Some((source.name.clone(), source.interval?.as_secs_f64()))
        };
        let pool = Pool::new(Arc::clone(database));
        Metrics {
            service: service.clone(),
            http,
            uploads,
            certificate,
            intervals: settings.sources.iter().filter_map(of_source).collect(),
            figures: Mutex::new(Figures::new(settings, pool.clone())),
            pool,
        }
    }
}

/// `/metrics`, and the probes as they are at HTTP_ADDRESS.
pub fn router(metrics: Metrics) -> Router {
    Router::new()
        .route("/metrics", get(scrape))
        .route("/live", get(health::LIVE))
        .route("/ready", get(ready))
        .fallback(|| async { (StatusCode::NOT_FOUND, "there is /metrics, /live and /ready\n") })
        .with_state(Arc::new(metrics))
}

async fn scrape(State(metrics): State<Arc<Metrics>>) -> Response {
    let mut figures = metrics.figures.lock().await;
    figures.refresh().await;
    match page::page(&metrics, &figures) {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(failure) => {
            tracing::error!("the metrics cannot be written: {failure}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn ready(State(metrics): State<Arc<Metrics>>) -> Response {
    match health::complaint(&metrics.pool, &metrics.service).await {
        None => "ready\n".into_response(),
        Some(complaint) => (StatusCode::SERVICE_UNAVAILABLE, format!("{complaint}\n")).into_response(),
    }
}
