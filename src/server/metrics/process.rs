//! The *process*, with the names that Prometheus has for any program.

use super::families::Families;

/// Adds what the system says of this process; nothing where it does not.
#[cfg(target_os = "linux")]
pub(super) fn add(families: &mut Families) {
    // A system that hides some of it, as containers may, shows the rest.
    let Ok(process) = procfs::process::Process::myself() else { return };
    let Ok(stat) = process.stat() else { return };
    let ticks = procfs::ticks_per_second() as f64;
    families.counter(
        "process_cpu_seconds_total",
        "Total user and system CPU time spent in seconds.",
        (stat.utime + stat.stime) as f64 / ticks,
    );
    let resident = stat.rss as f64 * procfs::page_size() as f64;
    families.gauge("process_resident_memory_bytes", "Resident memory size in bytes.", resident);
    families.gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", stat.vsize as f64);
    families.gauge("process_threads", "Number of OS threads in the process.", stat.num_threads as f64);
    let started = procfs::boot_time_secs().ok().map(|boot| boot as f64 + stat.starttime as f64 / ticks);
    families.gauge(
        "process_start_time_seconds",
        "Start time of the process since unix epoch in seconds.",
        started,
    );
    let open = process.fd_count().ok().map(|count| count as f64);
    families.gauge("process_open_fds", "Number of open file descriptors.", open);
    let most = process.limits().ok().and_then(|limits| match limits.max_open_files.soft_limit {
        procfs::process::LimitValue::Value(most) => Some(most as f64),
        procfs::process::LimitValue::Unlimited => None,
    });
    families.gauge("process_max_fds", "Maximum number of open file descriptors.", most);
}

#[cfg(not(target_os = "linux"))]
pub(super) fn add(_: &mut Families) {}
