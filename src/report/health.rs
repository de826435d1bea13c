//! Whether the service is *healthy*: it runs, it says so, and its scans succeed.

use crate::config::Settings;
use crate::report::STALE;
use fhirmill_postgres::ledger::ServiceEntry;

/// The name of this machine or container.
pub fn host() -> String {
    nix::unistd::gethostname()
        .map_or_else(|_| "unknown".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// How old the last word of a service may be.
const STALE_SECONDS: i64 = STALE.as_secs() as i64;

/// Why the service that scans this inbox on this machine is not healthy; `None` if
/// it is.
pub fn complaint(settings: &Settings, host: &str, services: &[ServiceEntry]) -> Option<String> {
    let inbox = settings.inbox_dir.display().to_string();
    let mut complaint = None;
    for service in services.iter().filter(|service| service.is_alive) {
        if service.host != host || service.inbox != inbox {
            continue;
        }
        match of_service(service) {
            None => return None,
            found => complaint = complaint.or(found),
        }
    }
    Some(complaint.unwrap_or_else(|| {
        let others = services.iter().filter(|service| service.is_alive).count();
        let elsewhere = match others {
            0 => String::new(),
            1 => "; one runs for another inbox or on another machine, see `fhirmill status`".to_owned(),
            others => {
                format!("; {others} run for other inboxes or on other machines, see `fhirmill status`")
            }
        };
        format!("no service (fhirmill run) is running on {host} for the inbox {inbox}{elsewhere}")
    }))
}

fn of_service(service: &ServiceEntry) -> Option<String> {
    let process = service.process_id;
    if service.beat_seconds_ago > STALE_SECONDS {
        return Some(format!(
            "the service (process {process}) last said that it is alive {} seconds ago",
            service.beat_seconds_ago
        ));
    }
    let error = service.last_error.as_ref()?;
    let scans = match service.failed_scans {
        // It goes on all the same.
        0 => return Some(format!("the service (process {process}) waits: {error}")),
        1 => "last scan".to_owned(),
        failed => format!("last {failed} scans"),
    };
    Some(format!("the {scans} of the service (process {process}) failed: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RawSettings;

    fn service(inbox: &str) -> ServiceEntry {
        ServiceEntry {
            id: 1,
            host: "here".to_owned(),
            process_id: 7,
            program_version: String::new(),
            inbox: inbox.to_owned(),
            is_alive: true,
            started_at: None,
            beat_at: None,
            beat_seconds_ago: 3,
            ended_at: None,
            scan_started_at: None,
            last_scan_at: None,
            last_success_at: None,
            last_error: None,
            failed_scans: 0,
            skipped_paths: 0,
        }
    }

    #[test]
    fn only_a_service_of_this_inbox_and_machine_that_scans_is_healthy() {
        let settings = RawSettings::default().check().unwrap();
        let inbox = settings.inbox_dir.display().to_string();
        let complaint = |service: ServiceEntry| complaint(&settings, "here", &[service]).unwrap_or_default();
        assert_eq!(complaint(service(&inbox)), "");
        for (wrong, expected) in [
            (service("/elsewhere"), "; one runs for another inbox"),
            (ServiceEntry { host: "there".to_owned(), ..service(&inbox) }, "on here for the inbox"),
            (ServiceEntry { is_alive: false, ..service(&inbox) }, "no service (fhirmill run) is running"),
            (ServiceEntry { beat_seconds_ago: 61, ..service(&inbox) }, "alive 61 seconds ago"),
            (
                ServiceEntry { last_error: Some("gone".to_owned()), failed_scans: 2, ..service(&inbox) },
                "the last 2 scans of the service (process 7) failed: gone",
            ),
        ] {
            let found = complaint(wrong);
            assert!(found.contains(expected), "{found}");
        }
    }
}
