//! What servers *say*: the codes of OperationOutcomes and OAuth errors. Their texts may
//! have values of patients and are not repeated, except for answers to the request of an
//! export, which are about the request.

use serde_json::Value;

/// The most characters of what is repeated.
const MOST: usize = 300;
/// The most issues that are repeated.
const MOST_ISSUES: usize = 3;
/// Codes of issues that may be gone later, see <https://hl7.org/fhir/R4/valueset-issue-type.html>.
const TRANSIENT: [&str; 6] = ["transient", "lock-error", "no-store", "timeout", "incomplete", "throttled"];

/// The codes of the issues of an OperationOutcome, or of an OAuth error.
pub fn said(body: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    if let Some(error) = value["error"].as_str() {
        return Some(printable(error));
    }
    let codes: Vec<&str> =
        issues(&value)?.iter().take(MOST_ISSUES).filter_map(|issue| issue["code"].as_str()).collect();
    (!codes.is_empty()).then(|| printable(&codes.join(", ")))
}

/// The codes and texts of the issues of an OperationOutcome.
pub fn said_in_full(body: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let text = |issue: &Value| {
        let text = issue["diagnostics"].as_str().or(issue["details"]["text"].as_str()).unwrap_or_default();
        format!("{} {text}", issue["code"].as_str().unwrap_or_default()).trim().to_owned()
    };
    let texts: Vec<String> = issues(&value)?.iter().take(MOST_ISSUES).map(text).collect();
    (!texts.is_empty()).then(|| printable(&texts.join("; ")))
}

/// Whether the body is an OperationOutcome that says that what was asked for has failed.
pub fn is_verdict(body: &[u8]) -> bool {
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return false };
    let is_transient = |issue: &Value| issue["code"].as_str().is_some_and(|code| TRANSIENT.contains(&code));
    issues(&value).is_some_and(|issues| !issues.is_empty() && !issues.iter().any(is_transient))
}

/// Text of a server that may be shown.
pub fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(MOST).collect()
}

fn issues(value: &Value) -> Option<&Vec<Value>> {
    (value["resourceType"] == "OperationOutcome").then(|| value["issue"].as_array()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    const FAILED: &[u8] = br#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"exception","diagnostics":"Mr\nMiller"}]}"#;

    #[test]
    fn codes_are_repeated_and_texts_only_where_they_are_asked_for() {
        assert_eq!(said(FAILED).as_deref(), Some("exception"));
        assert_eq!(said_in_full(FAILED).as_deref(), Some("exception Mr Miller"));
        assert_eq!(said(br#"{"error":"invalid_scope"}"#).as_deref(), Some("invalid_scope"));
        for nothing in [&b"<html>"[..], b"{}", br#"{"resourceType":"OperationOutcome"}"#, b"[1]"] {
            assert_eq!((said(nothing), said_in_full(nothing)), (None, None));
        }
    }

    #[test]
    fn transient_issues_are_no_verdict() {
        assert!(is_verdict(FAILED));
        assert!(!is_verdict(br#"{"resourceType":"OperationOutcome","issue":[{"code":"transient"}]}"#));
        assert!(!is_verdict(b"Bad Gateway"));
    }
}
