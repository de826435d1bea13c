//! Calls that were answered, by route and status, and how long they took.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use fhirmill_postgres::lock::lock;
use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts};

/// From a call that asks for nothing to a file that takes minutes to come.
const BUCKETS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 600.0];
/// The most routes that are counted each on its own.
const MOST_ROUTES: usize = 100;
/// What calls without a route have for one.
const NO_ROUTE: &str = "(none)";

/// See the module.
#[derive(Debug)]
pub struct HttpMetrics {
    requests: IntCounterVec,
    seconds: HistogramVec,
    bytes: IntCounterVec,
    routes: Mutex<BTreeSet<String>>,
}

impl HttpMetrics {
    /// None so far.
    pub fn new() -> prometheus::Result<Self> {
        let requests = Opts::new("fhirmill_http_requests_total", "Calls that were answered.");
        let seconds = HistogramOpts::new(
            "fhirmill_http_request_duration_seconds",
            "How long calls took, from their head to the head of the answer.",
        );
        let bytes = Opts::new("fhirmill_http_request_bytes_total", "Bytes of bodies that were received.");
        Ok(HttpMetrics {
            requests: IntCounterVec::new(requests, &["method", "route", "status"])?,
            seconds: HistogramVec::new(seconds.buckets(BUCKETS.to_vec()), &["method", "route"])?,
            bytes: IntCounterVec::new(bytes, &["method", "route"])?,
            routes: Mutex::default(),
        })
    }

    /// Adds a call. `route` is that of the router, or the name of an operation; never a path
    /// as a caller sends it.
    pub fn add(&self, (method, route): (&str, &str), status: u16, bytes: u64, took: Duration) {
        let route = if self.has_own_series(route) { route } else { NO_ROUTE };
        self.requests.with_label_values(&[method, route, &status.to_string()]).inc();
        self.seconds.with_label_values(&[method, route]).observe(took.as_secs_f64());
        if bytes > 0 {
            self.bytes.with_label_values(&[method, route]).inc_by(bytes);
        }
    }

    fn has_own_series(&self, route: &str) -> bool {
        let mut routes = lock(&self.routes);
        if routes.contains(route) {
            return true;
        }
        routes.len() < MOST_ROUTES && routes.insert(route.to_owned())
    }

    /// The families of all calls so far.
    pub(super) fn collect(&self) -> Vec<MetricFamily> {
        [self.requests.collect(), self.seconds.collect(), self.bytes.collect()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_routes_is_bounded() {
        let metrics = HttpMetrics::new().expect("correct names");
        for number in 0..2 * MOST_ROUTES {
            metrics.add(("GET", &format!("/{number}")), 200, 7, Duration::from_millis(3));
        }
        let families = metrics.collect();
        assert_eq!(families[0].get_metric().len(), MOST_ROUTES + 1);
        let total: f64 = families[0].get_metric().iter().map(|metric| metric.get_counter().get_value()).sum();
        assert_eq!(total, 2.0 * MOST_ROUTES as f64);
        assert_eq!(families[2].get_metric().len(), MOST_ROUTES + 1);
    }
}
