//! The state of a feed in lines, for people.

use fhirmill_postgres::ledger::FeedEntry;

/// Lines about a feed: how its runs went, and how far its export is.
pub(super) fn lines(feed: &FeedEntry) -> Vec<String> {
    let mut lines = Vec::new();
    let running = if feed.is_running { "running" } else { "at rest" };
    let success = feed.last_success_at.map_or("none yet".to_owned(), |at| at.to_rfc3339());
    match feed.paused_at {
        Some(at) => lines.push(format!("paused since {}; last success {success}", at.to_rfc3339())),
        None => lines.push(format!("{running}; last success {success}")),
    }
    if let Some(error) = &feed.last_error {
        lines.push(format!("{} runs failed: {error}", feed.failed_runs));
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
    if let Some(position) = &feed.position {
        lines.push(format!("the next run asks for what changed since {position}"));
    }
    lines
}
