//! *Sources*: the senders of files, and the FHIR servers behind them.

/// The base URLs of all sources, in the columns `source_id` and `base_url`, with a
/// slash at the end.
pub(super) const BASE_URLS: &str = "\
(select source_id, base_url from etl.source_base_url
 union select id, rtrim(base_url, '/') || '/' from etl.source where base_url is not null)";
