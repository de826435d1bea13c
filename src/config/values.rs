//! *Values*: from the text of a variable to a typed value.
//!
//! Each parser takes the trimmed text and returns the value, or an
//! [`Expectation`]. Parsers never quote the text, so no secret can leak through
//! them.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use super::keep_settings::ArchiveCompression;
use super::resource_type::resource_type;
use super::schedule::Schedule;
use super::settings::{
    EobCoverage, KeepBodies, LogFormat, LogLevel, LogStandardOutput, ResourceTypes, Watch,
};
use fhirmill_core::datatype::Timezone;
use fhirmill_postgres::database::DatabaseUrl;

/// What a value must be, as the end of a sentence that begins "must be".
pub type Expectation = String;

/// The URL of a Postgres server.
pub fn database_url(text: &str) -> Result<DatabaseUrl, Expectation> {
    DatabaseUrl::from_str(text)
}

/// A cron expression.
pub fn schedule(text: &str) -> Result<Schedule, Expectation> {
    Schedule::from_str(text)
}

/// An IANA name or a fixed offset.
pub fn timezone(text: &str) -> Result<Timezone, Expectation> {
    Timezone::from_str(text).map_err(|invalid| invalid.to_string())
}

/// `native`, `poll` or `off`.
pub fn watch(text: &str) -> Result<Watch, Expectation> {
    match text {
        "native" => Ok(Watch::Native),
        "poll" => Ok(Watch::Poll),
        "off" => Ok(Watch::Off),
        _ => Err("native, poll or off".to_owned()),
    }
}

/// Whether something is done.
pub fn on_or_off(text: &str) -> Result<bool, Expectation> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("on or off".to_owned()),
    }
}

/// Whether something holds.
pub fn true_or_false(text: &str) -> Result<bool, Expectation> {
    match text {
        "true" | "on" => Ok(true),
        "false" | "off" => Ok(false),
        _ => Err("true or false".to_owned()),
    }
}

/// `archive` or `database`.
pub fn keep_bodies(text: &str) -> Result<KeepBodies, Expectation> {
    match text {
        "archive" => Ok(KeepBodies::Archive),
        "database" => Ok(KeepBodies::Database),
        _ => Err("archive or database".to_owned()),
    }
}

/// `none` or `zstd`.
pub fn archive_compression(text: &str) -> Result<ArchiveCompression, Expectation> {
    match text {
        "none" => Ok(ArchiveCompression::None),
        "zstd" => Ok(ArchiveCompression::Zstd),
        _ => Err("none or zstd".to_owned()),
    }
}

/// `keep` or `drop`.
pub fn eob_coverage(text: &str) -> Result<EobCoverage, Expectation> {
    match text {
        "keep" => Ok(EobCoverage::Keep),
        "drop" => Ok(EobCoverage::Drop),
        _ => Err("keep or drop".to_owned()),
    }
}

/// `text` or `json`.
pub fn log_format(text: &str) -> Result<LogFormat, Expectation> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("text or json".to_owned()),
    }
}

/// `auto`, `on` or `off`.
pub fn log_standard_output(text: &str) -> Result<LogStandardOutput, Expectation> {
    match text {
        "auto" => Ok(LogStandardOutput::Auto),
        "on" => Ok(LogStandardOutput::On),
        "off" => Ok(LogStandardOutput::Off),
        _ => Err("auto, on or off".to_owned()),
    }
}

/// A log level, or a list such as `info,fhirmill_postgres::load=debug`.
pub fn log_level(text: &str) -> Result<LogLevel, Expectation> {
    let complaint = "error, warn, info, debug, trace, or a list of target=level";
    // The filter would accept any single word as the name of a target.
    let is_bare_word = !text.contains(['=', ',']);
    if is_bare_word && tracing::Level::from_str(text).is_err() {
        return Err(complaint.to_owned());
    }
    // It would take nothing for a level.
    let directives: Vec<&str> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    directives.join(",").parse().map(LogLevel).map_err(|_| complaint.to_owned())
}

/// `all`, or names of FHIR R4's resource types separated by commas.
pub fn resource_types(text: &str) -> Result<ResourceTypes, Expectation> {
    if text.eq_ignore_ascii_case("all") {
        return Ok(ResourceTypes::All);
    }
    let (mut types, mut unknown) = (BTreeSet::new(), Vec::new());
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        match resource_type(name) {
            Ok(known) => {
                types.insert(known.name().to_owned());
            }
            Err(complaint) => unknown.push(complaint),
        }
    }
    if !unknown.is_empty() {
        return Err(format!("all, or FHIR resource types separated by commas: {}", unknown.join(", ")));
    }
    if types.is_empty() {
        return Err("all, or at least one FHIR resource type".to_owned());
    }
    Ok(ResourceTypes::Only(types))
}

/// A number of seconds, which may have a fraction: `0.5`.
pub fn seconds(text: &str) -> Result<Duration, Expectation> {
    const MOST: f64 = 3600.0;
    match text.parse::<f64>() {
        Ok(number) if (0.0..=MOST).contains(&number) => Ok(Duration::from_secs_f64(number)),
        _ => Err(format!("a number of seconds from 0 to {MOST}")),
    }
}

/// A number of hours, which may have a fraction: `0.5`; or `off`.
pub fn hours_or_off(text: &str) -> Result<Option<Duration>, Expectation> {
    const MOST: f64 = 87_600.0;
    match text.parse::<f64>() {
        _ if text == "off" => Ok(None),
        Ok(number) if (0.0..=MOST).contains(&number) => Ok(Some(Duration::from_secs_f64(number * 3600.0))),
        _ => Err(format!("off, or a number of hours from 0 to {MOST}")),
    }
}

/// A duration in whole seconds, or with a unit: `90`, `90s`, `15m`, `12h`, `3d`.
pub fn duration(text: &str) -> Result<Duration, Expectation> {
    duration_up_to(366, text)
}

/// A duration of at most a hundred years.
pub fn long_duration(text: &str) -> Result<Duration, Expectation> {
    duration_up_to(36_500, text)
}

/// How long rows are kept, at most a hundred years; none for good.
pub fn retention(text: &str) -> Result<Option<Duration>, Expectation> {
    match text {
        "off" => Ok(None),
        text => duration_up_to(36_500, text).map(Some).map_err(|expected| format!("{expected}, or off")),
    }
}

fn duration_up_to(days: u64, text: &str) -> Result<Duration, Expectation> {
    let most = days * 24 * 60 * 60;
    let digits_end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let unit = match text[digits_end..].trim() {
        "" | "s" => Some(1),
        "m" => Some(60),
        "h" => Some(60 * 60),
        "d" => Some(24 * 60 * 60),
        _ => None,
    };
    let seconds =
        unit.zip(text[..digits_end].parse::<u64>().ok()).and_then(|(unit, count)| count.checked_mul(unit));
    match seconds {
        Some(seconds) if (1..=most).contains(&seconds) => Ok(Duration::from_secs(seconds)),
        _ => Err(format!(
            "a duration from 1s to {days}d: a number of seconds, or one with the unit s, m, h or d"
        )),
    }
}

/// An IP address and a port.
pub fn socket_address(text: &str) -> Result<SocketAddr, Expectation> {
    text.parse().map_err(|_| "an IP address and a port".to_owned())
}

/// An absolute `http` or `https` URL without query; gives it without a slash at its end.
pub fn public_url(text: &str) -> Result<String, Expectation> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_url = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    if !is_url || text.contains(['?', '#']) || text.contains(char::is_whitespace) {
        return Err("a URL that begins with https:// or http://".to_owned());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// An absolute `http` or `https` URL of a server.
pub fn web_url(text: &str) -> Result<String, Expectation> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_url = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', ':']));
    if !is_url || text.contains(|letter: char| letter.is_whitespace() || letter.is_control() || letter == '#')
    {
        return Err("a URL that begins with https:// or http://".to_owned());
    }
    if rest.is_some_and(|rest| rest.split('/').next().is_some_and(|host| host.contains('@'))) {
        return Err("a URL without user name and password".to_owned());
    }
    Ok(text.to_owned())
}

/// An instant as FHIR writes it, or a day, which stands for its beginning in UTC.
pub fn instant(text: &str) -> Result<String, Expectation> {
    if chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok() {
        return Ok(format!("{text}T00:00:00Z"));
    }
    match chrono::DateTime::parse_from_rfc3339(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("a time such as 2026-03-01T08:00:00Z, or a day such as 2026-03-01".to_owned()),
    }
}

/// A duration as [`duration`] has it, or a number of milliseconds: `250ms`.
pub fn pause(text: &str) -> Result<Duration, Expectation> {
    const MOST: u64 = 24 * 60 * 60 * 1000;
    match text.strip_suffix("ms") {
        Some(number) => match number.trim().parse::<u64>() {
            Ok(number) if (1..=MOST).contains(&number) => Ok(Duration::from_millis(number)),
            _ => Err("a duration such as 250ms, 90s, 15m".to_owned()),
        },
        None => duration(text),
    }
}

/// Hosts, separated by commas: `files.example.org`, `*.example.org:8443`,
/// `private:ehr.local:8080`.
pub fn hosts(text: &str) -> Result<Vec<String>, Expectation> {
    let is_host = |host: &&str| {
        let name = host.strip_prefix("private:").unwrap_or(host);
        let name = name.strip_prefix("*.").unwrap_or(name);
        !name.is_empty()
            && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-._:[]".contains(letter))
            && name.starts_with(|letter: char| letter.is_ascii_alphanumeric() || letter == '[')
    };
    let hosts: Vec<&str> = text.split(',').map(str::trim).filter(|host| !host.is_empty()).collect();
    if hosts.is_empty() || !hosts.iter().all(is_host) {
        return Err("names of hosts, separated by commas: files.example.org, *.example.org:8443, \
                    private:ehr.local:8080"
            .to_owned());
    }
    Ok(hosts.into_iter().map(str::to_owned).collect())
}

/// A whole number from `least` to `most`.
pub fn whole_number(least: u64, most: u64) -> impl Fn(&str) -> Result<u64, Expectation> {
    move |text| match text.parse::<u64>() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(format!("a whole number from {least} to {most}")),
    }
}

/// A number of bytes from `least` to `most`: `1048576`, `1 MiB`, `16MB`.
pub fn size(least: u64, most: u64) -> impl Fn(&str) -> Result<u64, Expectation> {
    move |text| match bytes(text) {
        Some(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(format!(
            "a size from {} to {}, in bytes or with a unit: kB, MB, GB, TB (powers of 1000) or KiB, \
             MiB, GiB, TiB (powers of 1024)",
            readable_size(least),
            readable_size(most)
        )),
    }
}

fn bytes(text: &str) -> Option<u64> {
    let digits_end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits_end].parse().ok()?;
    let unit: u64 = match text[digits_end..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return None,
    };
    number.checked_mul(unit)
}

fn readable_size(bytes: u64) -> String {
    for (unit, name) in [(1u64 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
        if bytes >= unit && bytes.is_multiple_of(unit) {
            return format!("{}{name}", bytes / unit);
        }
    }
    bytes.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_bytes_or_have_a_unit_of_either_kind() {
        assert_eq!(bytes("65536"), Some(65_536));
        assert_eq!(bytes("16MiB"), Some(16_777_216));
        assert_eq!(bytes("16 MB"), Some(16_000_000));
        assert_eq!(bytes("1tib"), Some(1_099_511_627_776));
        assert_eq!(bytes("16M"), None);
        assert_eq!(bytes("-1"), None);
        assert_eq!(bytes(""), None);
        assert_eq!(bytes("99999999TiB"), None);
    }

    #[test]
    fn sizes_out_of_bounds_are_answered_with_the_bounds() {
        let parse = size(1 << 20, 1 << 30);
        assert_eq!(parse("1MiB"), Ok(1_048_576));
        assert_eq!(parse("1GiB"), Ok(1_073_741_824));
        let complaint = parse("2GiB").unwrap_err();
        assert!(complaint.starts_with("a size from 1MiB to 1GiB,"), "{complaint}");
    }

    #[test]
    fn resource_types_are_a_set_of_names() {
        assert_eq!(resource_types("all"), Ok(ResourceTypes::All));
        let ResourceTypes::Only(types) = resource_types("Patient, Claim,Patient").unwrap() else {
            panic!("a list was given");
        };
        assert_eq!(types.into_iter().collect::<Vec<_>>(), ["Claim", "Patient"]);
        assert_eq!(resource_types("All"), Ok(ResourceTypes::All));
        let complaint = resource_types("patient,Claim,Encuonter").unwrap_err();
        let parts = ["all, or", " patient; did you mean Patient?", " Encuonter; did you mean Encounter?"];
        assert!(parts.iter().all(|part| complaint.contains(part)), "{complaint}");
        assert!(resource_types("all,Patient").is_err());
        assert!(resource_types(",").is_err());
        assert!(resource_types("Patient;Claim").is_err());
    }

    #[test]
    fn seconds_may_have_a_fraction_but_no_sign_and_no_infinity() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        assert_eq!(seconds("0"), Ok(Duration::ZERO));
        for wrong in ["-1", "inf", "NaN", "3601", "two", ""] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_are_seconds_or_have_a_unit() {
        assert_eq!(duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("15m"), Ok(Duration::from_secs(900)));
        assert_eq!(duration("2 d"), Ok(Duration::from_secs(172_800)));
        assert_eq!(retention("400d"), Ok(Some(Duration::from_secs(400 * 86_400))));
        assert_eq!(retention("off"), Ok(None));
        assert!(retention("36501d").is_err() && retention("never").is_err());
        for wrong in ["0", "-1", "1w", "h", "", "400d", "99999999999999999999d"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn log_levels_are_words_or_lists_of_targets() {
        assert!(log_level("info").is_ok());
        let list = log_level("fhirmill_postgres::load=debug, warn,").expect("a list").0;
        assert!(list.would_enable("fhirmill_postgres::load::history", &tracing::Level::DEBUG));
        assert!(!list.would_enable("fhirmill_postgres::ledger", &tracing::Level::INFO));
        assert!(list.would_enable("fhirmill_postgres::ledger", &tracing::Level::WARN));
        assert!(log_level("loud").is_err());
        assert!(log_level("fhirmill=loud").is_err());
    }
}
