//! The sinks in the metrics, from the ledger: those of all processes.

use fhirmill_postgres::ledger::forward::SinkStatus;

use super::families::{Families, Values};

/// How far each sink is, and what it has answered.
pub(super) fn add_sinks(families: &mut Families, sinks: &[SinkStatus]) {
    let per_sink = |value: fn(&SinkStatus) -> f64| -> Values<'_> {
        sinks.iter().map(|sink| (vec![("sink", sink.name.as_str())], value(sink))).collect()
    };
    for (name, help, value) in GAUGES {
        families.gauges(name, help, per_sink(value));
    }
    for (name, help, value) in COUNTERS {
        families.counters(name, help, per_sink(value));
    }
}

/// A name, what it is, and its value.
type Metric = (&'static str, &'static str, fn(&SinkStatus) -> f64);

const GAUGES: [Metric; 8] = [
    ("fhirmill_sink_outstanding_batches", "Loaded batches that the sink has not acknowledged.", |sink| {
        sink.outstanding_batches as f64
    }),
    ("fhirmill_sink_outstanding_resources", "Resources of these batches, at most.", |sink| {
        sink.outstanding_resources as f64
    }),
    ("fhirmill_sink_outstanding_deletes", "Deletions that the sink has yet to carry out.", |sink| {
        sink.outstanding_deletes as f64
    }),
    (
        "fhirmill_sink_lag_seconds",
        "How long the oldest batch waits that the sink has not acknowledged.",
        |sink| sink.lag_seconds,
    ),
    (
        "fhirmill_sink_refused_resources",
        "Resources that the sink refuses, and that are sent again by hand only.",
        |sink| sink.refused as f64,
    ),
    (
        "fhirmill_sink_awaiting_resources",
        "Resources that the sink refused because others that they refer to are not there yet.",
        |sink| sink.awaiting_references as f64,
    ),
    ("fhirmill_sink_failing", "Whether calls of the sink fail, and are made again.", |sink| {
        f64::from(u8::from(sink.failing_since.is_some()))
    }),
    ("fhirmill_sink_running", "Whether a process sends to the sink.", |sink| {
        f64::from(u8::from(sink.is_running))
    }),
];

const COUNTERS: [Metric; 5] = [
    ("fhirmill_sink_accepted_total", "Versions of resources that the sink has accepted.", |sink| {
        sink.accepted_total as f64
    }),
    ("fhirmill_sink_deleted_total", "Resources that the sink has deleted.", |sink| sink.deleted_total as f64),
    ("fhirmill_sink_refused_total", "Versions and deletions that the sink has refused.", |sink| {
        sink.refused_total as f64
    }),
    ("fhirmill_sink_requests_total", "Bundles that the sink has answered.", |sink| {
        sink.requests_total as f64
    }),
    ("fhirmill_sink_retries_total", "Calls of the sink that failed and were made again.", |sink| {
        sink.retries_total as f64
    }),
];
