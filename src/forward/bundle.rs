//! *Bundles*: transactions of idempotent requests, and what a server answers to them.

use fhirmill_postgres::ledger::forward::Method;
use serde_json::Value;

/// One request of a Bundle.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The type of the resource.
    pub resource_type: String,
    /// Its id.
    pub fhir_id: String,
    /// The hash of its content; empty of a deletion.
    pub content_hash: Vec<u8>,
    /// The file and the position of its record; none of a deletion.
    pub place: Option<(i64, i64)>,
    /// Its JSON; empty of a deletion.
    pub body: Vec<u8>,
}

/// Requests of one method for resources of one type.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// What is asked for.
    pub method: Method,
    /// The requests.
    pub entries: Vec<Entry>,
}

/// Why an entry or a Bundle was refused, without values of the resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reason {
    /// The HTTP status.
    pub status: u16,
    /// The issue's code.
    pub code: Option<String>,
    /// The server's own number for the error.
    pub server_code: Option<String>,
    /// The element that is named.
    pub expression: Option<String>,
}

/// The transaction with these requests.
pub fn transaction(method: Method, entries: &[Entry]) -> Vec<u8> {
    let size: usize = entries.iter().map(|entry| entry.body.len() + 150).sum();
    let mut json = Vec::with_capacity(size + 60);
    json.extend_from_slice(br#"{"resourceType":"Bundle","type":"transaction","entry":["#);
    for (number, entry) in entries.iter().enumerate() {
        if number > 0 {
            json.push(b',');
        }
        json.push(b'{');
        if method == Method::Put {
            json.extend_from_slice(br#""resource":"#);
            json.extend_from_slice(&entry.body);
            json.push(b',');
        }
        let url = format!("{}/{}", entry.resource_type, escaped(&entry.fhir_id));
        json.extend_from_slice(
            format!(r#""request":{{"method":"{}","url":"{url}"}}}}"#, method.name()).as_bytes(),
        );
    }
    json.extend_from_slice(b"]}");
    json
}

/// An id as a part of a URL. Ids of FHIR need no escapes.
fn escaped(id: &str) -> String {
    let mut url = String::with_capacity(id.len());
    for byte in id.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => url.push(char::from(byte)),
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url
}

/// For each of so many requests why it was refused, or none if it was carried out; `None` if
/// the body is not an answer to that many requests.
pub fn answers(body: &[u8], requests: usize) -> Option<Vec<Option<Reason>>> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let entries = (value["resourceType"] == "Bundle").then(|| value["entry"].as_array()).flatten()?;
    if entries.len() != requests {
        return None;
    }
    let answer = |entry: &Value| {
        let response = &entry["response"];
        let status: u16 = response["status"].as_str()?.get(..3)?.parse().ok()?;
        Some((status >= 400).then(|| reason_of(status, &response["outcome"])))
    };
    entries.iter().map(answer).collect()
}

/// The reason that the body of an answer with that status gives, and whether it is an
/// OperationOutcome.
pub fn reason(status: u16, body: &[u8]) -> (Reason, bool) {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    (reason_of(status, &value), value["resourceType"] == "OperationOutcome")
}

fn reason_of(status: u16, outcome: &Value) -> Reason {
    let issues = outcome["issue"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_error = |issue: &&Value| matches!(issue["severity"].as_str(), Some("error" | "fatal"));
    let issue = issues.iter().find(is_error).or(issues.first()).unwrap_or(&Value::Null);
    let code = issue["code"].as_str().filter(|code| is_code(code)).map(str::to_owned);
    let expression = issue["expression"][0].as_str().filter(|path| is_path(path)).map(str::to_owned);
    let server_code = issue["diagnostics"].as_str().and_then(server_code);
    Reason { status, code, server_code, expression }
}

/// Codes of FHIR are lower-case words.
fn is_code(text: &str) -> bool {
    text.len() <= 40 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

/// Names of elements and indexes, and nothing that could be a value.
fn is_path(text: &str) -> bool {
    let is_step = |step: &str| {
        let (name, index) = match step.split_once('[') {
            Some((name, rest)) => (name, rest.strip_suffix(']')),
            None => (step, Some("0")),
        };
        let is_name = (1..=60).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_name
            && index.is_some_and(|index| {
                (1..=6).contains(&index.len()) && index.bytes().all(|byte| byte.is_ascii_digit())
            })
    };
    let starts_with_type = text.split('.').next().is_some_and(|first| {
        let name = first.split('[').next().unwrap_or_default();
        fhirmill_core::fhir::ResourceType::named(name).is_some() || name == "Bundle"
    });
    text.len() <= 200 && starts_with_type && text.split('.').all(is_step)
}

/// The number of an error in a text, as HAPI writes it: `HAPI-1094`.
fn server_code(text: &str) -> Option<String> {
    let start = text.find("HAPI-")?;
    let digits = text[start + 5..].bytes().take_while(u8::is_ascii_digit).count();
    ((1..=6).contains(&digits)).then(|| text[start..start + 5 + digits].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    fn entry(id: &str, body: &str) -> Entry {
        Entry {
            resource_type: "Patient".to_owned(),
            fhir_id: id.to_owned(),
            content_hash: Vec::new(),
            place: None,
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn bodies_are_sent_as_they_are() {
        let json = transaction(Method::Put, &[entry("1", "{ \"a\": 1.0 }"), entry("a b/c", "{}")]);
        assert_eq!(
            String::from_utf8(json).unwrap(),
            "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[\
             {\"resource\":{ \"a\": 1.0 },\"request\":{\"method\":\"PUT\",\"url\":\"Patient/1\"}},\
             {\"resource\":{},\"request\":{\"method\":\"PUT\",\"url\":\"Patient/a%20b%2Fc\"}}]}"
        );
        let json = transaction(Method::Delete, &[entry("1", "")]);
        assert_eq!(
            String::from_utf8(json).unwrap(),
            "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[\
             {\"request\":{\"method\":\"DELETE\",\"url\":\"Patient/1\"}}]}"
        );
    }

    #[test]
    fn an_answer_has_one_entry_for_each_request() {
        let body = br#"{"resourceType":"Bundle","type":"transaction-response","entry":[
            {"response":{"status":"201 Created"}},{"response":{"status":"200"}},
            {"response":{"status":"422 X","outcome":{"issue":[{"severity":"error","code":"required"}]}}}]}"#;
        let refused = Reason { status: 422, code: Some("required".to_owned()), ..Reason::default() };
        assert_eq!(answers(body, 3), Some(vec![None, None, Some(refused)]));
        assert_eq!(answers(body, 2), None);
        for nonsense in [&b"<html>"[..], b"{}", br#"{"resourceType":"Bundle","entry":[{}]}"#] {
            assert_eq!(answers(nonsense, 1), None);
        }
    }

    #[test]
    fn reasons_have_no_values() {
        let of = |issue: &str| {
            reason(400, format!(r#"{{"resourceType":"OperationOutcome","issue":[{issue}]}}"#).as_bytes()).0
        };
        let full = of(
            r#"{"severity":"error","code":"processing","diagnostics":"HAPI-1094: Resource Patient/miller not found","expression":["Patient.name[0].family"]}"#,
        );
        let wanted = Reason {
            status: 400,
            code: Some("processing".to_owned()),
            server_code: Some("HAPI-1094".to_owned()),
            expression: Some("Patient.name[0].family".to_owned()),
        };
        assert_eq!(full, wanted);
        for path in ["Patient.name.where(family='Miller')", "Miller", "Patient.x[Miller]", "Patient..x", ""] {
            let issue = format!(r#"{{"code":"Mr Miller","diagnostics":"Miller","expression":["{path}"]}}"#);
            assert_eq!(of(&issue), Reason { status: 400, ..Reason::default() }, "{path}");
        }
    }
}
