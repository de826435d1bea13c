//! The *pulse* of a service: how its scans go, and when the ledger last heard of it. The
//! heartbeat writes it; probes and metrics read it.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use fhirmill_postgres::ledger::ScanRecord;
use fhirmill_postgres::lock::lock;

/// How long ago the ledger may have heard of a service. It speaks every ten seconds.
pub const STALE: Duration = Duration::from_secs(60);

struct Inner {
    since: Instant,
    scans: Mutex<ScanRecord>,
    told: Mutex<Option<(Instant, SystemTime)>>,
}

/// See the module. Clones are the same.
#[derive(Clone)]
pub struct Pulse {
    inner: Arc<Inner>,
}

impl std::fmt::Debug for Pulse {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Pulse")
    }
}

impl Pulse {
    /// Of a service that begins.
    pub fn begin() -> Self {
        let (scans, told) = (Mutex::default(), Mutex::default());
        Pulse { inner: Arc::new(Inner { since: Instant::now(), scans, told }) }
    }

    /// How the scans went.
    pub fn scans(&self) -> ScanRecord {
        lock(&self.inner.scans).clone()
    }

    /// Notes how a scan goes.
    pub fn change_scans(&self, change: impl FnOnce(&mut ScanRecord)) {
        change(&mut lock(&self.inner.scans));
    }

    /// Notes that the ledger has heard of the service.
    pub fn told(&self) {
        *lock(&self.inner.told) = Some((Instant::now(), SystemTime::now()));
    }

    /// When the ledger last heard of it.
    pub fn told_at(&self) -> Option<SystemTime> {
        lock(&self.inner.told).map(|(_, at)| at)
    }

    /// Why the service is not well; none if it is.
    pub fn complaint(&self) -> Option<String> {
        let heard = lock(&self.inner.told).map_or(self.inner.since, |(at, _)| at);
        if heard.elapsed() > STALE {
            return Some(format!(
                "the ledger last heard of the service {} seconds ago",
                heard.elapsed().as_secs()
            ));
        }
        let failed = self.scans().failed;
        match failed {
            0 => None,
            1 => Some("the last scan of the inbox failed; the log says why".to_owned()),
            failed => Some(format!("the last {failed} scans of the inbox failed; the log says why")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_whose_scan_failed_is_not_well_until_one_succeeds() {
        let pulse = Pulse::begin();
        assert_eq!(pulse.complaint(), None);
        assert_eq!(pulse.told_at(), None);
        pulse.change_scans(|scans| scans.failed += 1);
        assert!(pulse.complaint().is_some_and(|complaint| complaint.starts_with("the last scan")));
        pulse.change_scans(|scans| scans.failed += 1);
        assert!(pulse.complaint().is_some_and(|complaint| complaint.starts_with("the last 2 scans")));
        pulse.change_scans(|scans| *scans = ScanRecord::default());
        pulse.told();
        assert_eq!(pulse.complaint(), None);
        assert!(pulse.told_at().is_some());
    }
}
