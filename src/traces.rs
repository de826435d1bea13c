//! *Traces* for OpenTelemetry: spans of runs, files, batches, their stages and calls, sent
//! to a collector by OTLP over HTTP.
//!
//! Spans with the target [`TRACES`] are sent, and are in no log. They say what was done, how
//! much and how long, never a value of a patient nor the name of a file. Without a collector
//! in the settings nobody wants them, and they cost nothing. If the collector is away, spans
//! are lost and the work goes on.

use std::time::Duration;

use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::TracerProvider;
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Span;
use tracing::level_filters::LevelFilter;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::{Layer, Registry};

use crate::report::TRACES;

const PROGRAM: &str = "fhirmill";
/// How long one transmission may take, and the last one at the end of the program.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends spans. Dropping it sends the last ones.
#[must_use = "spans are lost when this is dropped early"]
#[derive(Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Starts to send to the collector at that URL; returns the layer that collects spans as
    /// well. Nobody is asked whether there is a collector.
    pub fn start(endpoint: &str) -> Result<(Self, Box<dyn Layer<Registry> + Send + Sync>), String> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{endpoint}/v1/traces"))
            .with_timeout(PATIENCE)
            .build()
            .map_err(|error| error.to_string())?;
        let mut resource =
            Resource::builder().with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
        if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
            resource = resource.with_service_name(PROGRAM);
        }
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource.build())
            .build();
        let layer = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer(PROGRAM))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_level(false)
            .with_tracked_inactivity(false)
            .with_filter(Targets::new().with_target(TRACES, LevelFilter::INFO));
        Ok((Traces { provider }, layer.boxed()))
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        // A collector that is away is no reason to complain.
        let _ = self.provider.shutdown_with_timeout(PATIENCE);
    }
}

/// Makes a span part of the trace that its caller named by W3C's `traceparent` and
/// `tracestate`. What is not understood is no trace.
pub fn follow(span: &Span, traceparent: Option<&str>, tracestate: Option<&str>) {
    if span.is_disabled() || traceparent.is_none() {
        return;
    }
    let named = TraceContextPropagator::new()
        .extract_with_context(&Context::new(), &Named { traceparent, tracestate });
    // It fails for spans that have begun, which this one has not.
    let _ = span.set_parent(named);
}

/// The headers that name a trace.
struct Named<'n> {
    traceparent: Option<&'n str>,
    tracestate: Option<&'n str>,
}

impl Extractor for Named<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            "traceparent" => self.traceparent,
            "tracestate" => self.tracestate,
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate"]
    }
}
