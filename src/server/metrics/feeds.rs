//! The metrics of *feeds*, from the ledger: they are those of all processes since the feed
//! was first seen.

use chrono::{DateTime, Utc};
use fhirmill_postgres::ledger::FeedEntry;

use super::families::{Families, Values};

/// The most feeds that have series of their own; later ones, by name, have none.
pub(super) const MOST_FEEDS: i64 = 200;
/// The most partitions that have series of their own; of others, only the feed's lag is told.
const MOST_PARTITIONS: usize = 1000;
/// The states of a feed, of which one is 1.
const STATES: [&str; 4] = ["waiting", "running", "paused", "failed"];

/// One figure of a feed, if it has it.
type Figure<'v> = dyn Fn(&FeedEntry) -> Option<f64> + 'v;
/// A figure of all feeds.
type PerFeed<'f> = dyn Fn(&Figure<'_>) -> Values<'f> + 'f;

/// The state of each feed, and what it has fetched.
pub(super) fn add(families: &mut Families, feeds: &[FeedEntry]) {
    let per_feed = |value: &Figure<'_>| -> Values<'_> {
        feeds.iter().filter_map(|feed| Some((labels(feed), value(feed)?))).collect()
    };
    let truth = |truth: bool| Some(f64::from(u8::from(truth)));
    let states = feeds.iter().flat_map(|feed| {
        let of_state = |state: &'static str| {
            let mut labels = labels(feed);
            labels.push(("state", state));
            (labels, f64::from(u8::from(feed.state() == state)))
        };
        STATES.map(of_state)
    });
    families.gauges(
        "fhirmill_feed_info",
        "What the feed fetches from, and for which source; always 1.",
        feeds.iter().map(|feed| (described(feed), 1.0)).collect(),
    );
    families.gauges("fhirmill_feed_state", "Whether the feed is in the state.", states.collect());
    families.gauges(
        "fhirmill_feed_running",
        "Whether a process runs the feed now.",
        per_feed(&|feed| truth(feed.is_running)),
    );
    families.gauges(
        "fhirmill_feed_failed_runs",
        "How many runs of the feed have failed since the last successful one.",
        per_feed(&|feed| Some(f64::from(feed.failed_runs))),
    );
    families.gauges(
        "fhirmill_feed_count_differences",
        "Files of the feed's last export with another number of resources than the server announced.",
        per_feed(&|feed| Some(feed.export_count_differences as f64)),
    );
    add_times(families, &per_feed);
    add_partitions(families, feeds);
    add_amounts(families, &per_feed);
}

/// The lag of each partition. Which partition is behind says whether all of a topic is slow or
/// one of its consumers.
fn add_partitions(families: &mut Families, feeds: &[FeedEntry]) {
    let lag = |feed: &'_ FeedEntry, partition: &serde_json::Value| {
        let number = partition["partition"].as_i64()?.to_string();
        let topic = partition["topic"].as_str()?.to_owned();
        Some((feed.name.clone(), topic, number, partition["lag"].as_i64()? as f64))
    };
    let of_feed = |feed: &FeedEntry| -> Vec<_> {
        feed.partitions.as_array().into_iter().flatten().filter_map(|of| lag(feed, of)).collect()
    };
    let lags: Vec<_> = feeds.iter().flat_map(of_feed).take(MOST_PARTITIONS).collect();
    let values = lags.iter().map(|(feed, topic, partition, lag)| {
        (vec![("feed", feed.as_str()), ("topic", topic.as_str()), ("partition", partition.as_str())], *lag)
    });
    families.gauges(
        "fhirmill_feed_partition_lag_records",
        "How many records of a Kafka partition are not loaded, as far as its end is known.",
        values.collect(),
    );
}

fn add_times(families: &mut Families, per_feed: &PerFeed<'_>) {
    families.gauges(
        "fhirmill_feed_last_success_timestamp_seconds",
        "When the feed's last successful run ended.",
        per_feed(&|feed| feed.last_success_at.map(instant)),
    );
    families.gauges(
        "fhirmill_feed_last_failure_timestamp_seconds",
        "When a run of the feed last failed.",
        per_feed(&|feed| feed.last_failure_at.map(instant)),
    );
    families.gauges(
        "fhirmill_feed_last_success_age_seconds",
        "How long ago the feed's last successful run ended, or since when it is known if it had none.",
        per_feed(&|feed| Some(feed.seconds_since_success)),
    );
    families.gauges(
        "fhirmill_feed_next_run_timestamp_seconds",
        "When the feed runs next.",
        per_feed(&|feed| feed.next_run_at.map(instant)),
    );
    families.gauges(
        "fhirmill_feed_lag_records",
        "How many records a feed that runs continuously is behind its origin.",
        per_feed(&|feed| feed.lag_records.map(|records| records as f64)),
    );
    families.gauges(
        "fhirmill_feed_lag_seconds",
        "How old the oldest record is that a feed that runs continuously has not loaded.",
        per_feed(&|feed| feed.lag_seconds),
    );
}

fn add_amounts(families: &mut Families, per_feed: &PerFeed<'_>) {
    families.counters(
        "fhirmill_feed_files_total",
        "Files that the feed has fetched.",
        per_feed(&|feed| Some(feed.files as f64)),
    );
    families.counters(
        "fhirmill_feed_bytes_total",
        "Bytes that the feed has fetched.",
        per_feed(&|feed| Some(feed.bytes as f64)),
    );
    families.counters(
        "fhirmill_feed_records_total",
        "Records that were read in what the feed has fetched.",
        per_feed(&|feed| Some(feed.records as f64)),
    );
    families.counters(
        "fhirmill_feed_lost_messages_total",
        "Messages that topics of the feed had deleted before they were loaded, at most.",
        per_feed(&|feed| Some(feed.lost_offsets as f64)),
    );
    families.counters(
        "fhirmill_feed_retries_total",
        "Calls and connections of the feed that failed and were tried again.",
        per_feed(&|feed| Some(feed.retries as f64)),
    );
}

fn labels(feed: &FeedEntry) -> Vec<(&'static str, &str)> {
    vec![("feed", feed.name.as_str())]
}

fn described(feed: &FeedEntry) -> Vec<(&'static str, &str)> {
    vec![("feed", &feed.name), ("kind", &feed.kind), ("source", &feed.source)]
}

fn instant(at: DateTime<Utc>) -> f64 {
    at.timestamp_micros() as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_have_their_lag_and_their_series_are_bounded() {
        let mut feed = FeedEntry::new("events", "kafka", "north", None);
        let partition = |number: usize| {
            let lag = (number != 1).then_some(10 * number);
            serde_json::json!({"topic": "adt", "partition": number, "lag": lag})
        };
        feed.partitions = (0..3).map(partition).collect();
        let found = |feed: &FeedEntry| {
            let mut families = Families::default();
            add(&mut families, std::slice::from_ref(feed));
            let family = families
                .finish()
                .into_iter()
                .find(|family| family.name() == "fhirmill_feed_partition_lag_records")
                .unwrap();
            let of_metric = |metric: &prometheus::proto::Metric| {
                let labels: Vec<_> = metric
                    .get_label()
                    .iter()
                    .map(|label| format!("{}={}", label.name(), label.value()))
                    .collect();
                (labels.join(","), metric.get_gauge().get_value())
            };
            family.get_metric().iter().map(of_metric).collect::<Vec<_>>()
        };
        // The end of partition 1 is not known yet.
        let wanted =
            [("feed=events,partition=0,topic=adt", 0.0), ("feed=events,partition=2,topic=adt", 20.0)];
        assert_eq!(found(&feed), wanted.map(|(labels, lag)| (labels.to_owned(), lag)));
        feed.partitions = (2..5000).map(partition).collect();
        assert_eq!(found(&feed).len(), MOST_PARTITIONS);
    }
}
