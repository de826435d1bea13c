//! The state of a feed in lines, for people.

use fhirmill_postgres::ledger::FeedEntry;

/// So many partitions are listed.
const MOST_PARTITIONS: usize = 20;

/// A line about a partition of a Kafka feed.
fn partition(of: &serde_json::Value) -> String {
    let lag = of["lag"].as_i64().map_or_else(String::new, |lag| format!(", lag {lag}"));
    format!(
        "topic {}, partition {}: loaded up to {}{lag}",
        of["topic"].as_str().unwrap_or_default(),
        of["partition"],
        of["next_offset"]
    )
}

/// Lines about a feed: how its runs went, and how far its export is.
pub(super) fn lines(feed: &FeedEntry) -> Vec<String> {
    let mut lines = Vec::new();
    let running = if feed.is_running { "running" } else { "at rest" };
    let success = feed.last_success_at.map_or("none yet".to_owned(), |at| at.to_rfc3339());
    match feed.paused_at {
        Some(at) => lines.push(format!("paused since {}; last success {success}", at.to_rfc3339())),
        None => lines.push(format!("{running}; last success {success}")),
    }
    match (feed.requested_at, feed.next_run_at) {
        (Some(_), _) => lines.push("a run was asked for, and begins in a moment".to_owned()),
        (None, Some(at)) if feed.paused_at.is_none() => lines.push(format!("next run {}", at.to_rfc3339())),
        _ => {}
    }
    if let Some(error) = &feed.last_error {
        lines.push(format!("{} runs failed: {error}", feed.failed_runs));
    } else if let (Some(at), Some(failure)) = (feed.last_failure_at, &feed.last_failure) {
        lines.push(format!("last failure {}: {failure}", at.to_rfc3339()));
    }
    if let Some(advice) = feed.last_advice.as_ref().filter(|_| feed.last_error.is_some()) {
        lines.push(advice.clone());
    }
    if feed.files > 0 || feed.retries > 0 {
        lines.push(format!(
            "{} files, {:.1} MB and {} records fetched so far, {} retries",
            feed.files,
            feed.bytes as f64 / 1e6,
            feed.records,
            feed.retries
        ));
    }
    if let Some(lag) = lag(feed) {
        lines.push(lag);
    }
    if let (Some(id), Some(status)) = (feed.export_id, &feed.export_status) {
        let FeedEntry {
            export_files: files, export_files_fetched: fetched, export_files_loaded: loaded, ..
        } = feed;
        let progress = feed.export_progress.as_deref().filter(|_| status == "exporting");
        let progress = progress.map_or_else(String::new, |progress| format!(" ({progress})"));
        lines.push(format!(
            "export {id} {status}{progress}: {fetched} of {files} files fetched, {loaded} loaded"
        ));
        if let Some(at) = feed.export_retry_at {
            lines.push(format!("the server is called again at {}", at.to_rfc3339()));
        }
        if let Some(error) = feed.export_error.as_ref().filter(|_| feed.last_error.is_none()) {
            lines.push(error.clone());
        }
        if feed.export_count_differences > 0 {
            let count = feed.export_count_differences;
            lines.push(format!("{count} files have another number of resources than the server announced"));
        }
        if feed.export_outcomes > 0 {
            lines.push(format!(
                "the server reports {} problems: see the folder of the rejects",
                feed.export_outcomes
            ));
        }
    }
    if feed.lost_offsets > 0 {
        let lost = feed.lost_offsets;
        lines.push(format!("up to {lost} messages were deleted by their topics before they were loaded"));
    }
    let partitions = feed.partitions.as_array().map(Vec::as_slice).unwrap_or_default();
    lines.extend(partitions.iter().take(MOST_PARTITIONS).map(partition));
    if partitions.len() > MOST_PARTITIONS {
        lines.push(format!("and {} more partitions (--json has all)", partitions.len() - MOST_PARTITIONS));
    }
    if let Some(position) = &feed.position {
        lines.push(format!("the next run asks for what changed since {position}"));
    }
    lines
}

/// How far a feed that runs continuously is behind.
fn lag(feed: &FeedEntry) -> Option<String> {
    let records = feed.lag_records.map(|records| format!("{records} records"));
    let seconds = feed.lag_seconds.map(|seconds| format!("{seconds:.0} seconds"));
    let known: Vec<String> = records.into_iter().chain(seconds).collect();
    (!known.is_empty()).then(|| format!("behind by {}", known.join(", ")))
}
