//! The *request* of an export: the URL and the parameters, for GET and for POST.

use reqwest::{Method, Url};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::config::{ExportLevel, ExportMethod, ExportSettings};
use crate::feeds::http::{Call, Failure};

const OPERATION: &str = "$export";

/// What is asked of a FHIR server.
#[derive(Clone, Debug)]
pub struct ExportRequest {
    /// The base of the server.
    pub base: Url,
    /// The URL of the operation, with the parameters that the operator put there.
    url: Url,
    /// Parameters with one text value each.
    parameters: Vec<(&'static str, String)>,
    /// `patient`, which only POST can send.
    patients: Vec<String>,
    method: ExportMethod,
}

impl ExportRequest {
    /// The request that the settings stand for, without `_since`.
    pub fn new(settings: &ExportSettings) -> Result<Self, Failure> {
        let given = super::authorization::parse(&settings.url)?;
        let (base, url) = urls(&given, &settings.level);
        let mut parameters = Vec::new();
        let mut joined = |name, values: &[String]| {
            if !values.is_empty() {
                parameters.push((name, values.join(",")));
            }
        };
        joined("_type", &settings.types);
        joined("_elements", &settings.elements);
        joined("includeAssociatedData", &settings.include_associated_data);
        parameters.extend(settings.organize_output_by.iter().map(|name| ("organizeOutputBy", name.clone())));
        // Each filter is a parameter of its own: a comma may be part of one.
        parameters.extend(settings.type_filters.iter().map(|filter| ("_typeFilter", filter.clone())));
        let patient = |id: &String| if id.contains('/') { id.clone() } else { format!("Patient/{id}") };
        let patients = settings.patients.iter().map(patient).collect();
        Ok(ExportRequest { base, url, parameters, patients, method: settings.method })
    }

    /// SHA-256 of what is asked for, in hexadecimal.
    pub fn hash(&self) -> String {
        let mut hasher = Sha256::new();
        let mut add = |text: &str| {
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text);
        };
        add(self.url.as_str());
        self.parameters.iter().for_each(|(name, value)| {
            add(name);
            add(value);
        });
        self.patients.iter().for_each(|patient| add(patient));
        hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The URL that is called, for people and the ledger.
    pub fn location(&self) -> String {
        crate::feeds::http::location(&self.url)
    }

    /// The method of the first attempt.
    pub fn method(&self) -> Method {
        match self.method {
            ExportMethod::Post => Method::POST,
            ExportMethod::Auto if !self.patients.is_empty() => Method::POST,
            ExportMethod::Auto | ExportMethod::Get => Method::GET,
        }
    }

    /// Whether it may be asked for by POST where GET is not allowed, as since STU 4.
    pub fn may_be_posted(&self) -> bool {
        self.method == ExportMethod::Auto
    }

    /// The call that asks for the export.
    pub fn call(&self, method: &Method, since: Option<&str>) -> Call {
        let since = since.map(|since| ("_since", since.to_owned()));
        let mut url = self.url.clone();
        let call = if *method == Method::POST {
            // Parameters that the operator put into the URL go into the body, too.
            let given: Vec<(String, String)> =
                url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
            url.set_query(None);
            let given = given.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let own = self.parameters.iter().chain(&since).map(|(name, value)| (*name, value.as_str()));
            let mut items: Vec<Value> =
                given.chain(own).map(|(name, value)| parameter(name, value)).collect();
            items.extend(
                self.patients
                    .iter()
                    .map(|patient| json!({"name": "patient", "valueReference": {"reference": patient}})),
            );
            let body = json!({"resourceType": "Parameters", "parameter": items}).to_string();
            Call::new(Method::POST, url).body("application/fhir+json", body.into_bytes())
        } else {
            if !self.parameters.is_empty() || since.is_some() {
                url.query_pairs_mut().extend_pairs(self.parameters.iter().chain(&since));
            }
            Call::get(url)
        };
        // HAPI would give the same answer to the same request for hours.
        call.accept("application/fhir+json")
            .header("Prefer", "respond-async")
            .header("Cache-Control", "no-cache")
    }
}

/// A parameter of a POST, with the type that it has.
fn parameter(name: &str, value: &str) -> Value {
    match name {
        "_since" | "_until" => json!({"name": name, "valueInstant": value}),
        _ => json!({"name": name, "valueString": value}),
    }
}

/// The base of a server, and the URL of its operation, from either of them.
fn urls(given: &Url, level: &ExportLevel) -> (Url, Url) {
    let path = given.path().trim_end_matches('/').to_owned();
    if let Some(before) = path.strip_suffix(&format!("/{OPERATION}")) {
        let segments: Vec<&str> = before.split('/').collect();
        let base = match segments.as_slice() {
            [base @ .., "Patient"] | [base @ .., "Group", _] => base.join("/"),
            base => base.join("/"),
        };
        let mut base_url = given.clone();
        base_url.set_query(None);
        base_url.set_fragment(None);
        base_url.set_path(&base);
        return (base_url, given.clone());
    }
    let mut base = given.clone();
    base.set_fragment(None);
    base.set_path(&path);
    let mut url = base.clone();
    base.set_query(None);
    if let Ok(mut segments) = url.path_segments_mut() {
        match level {
            ExportLevel::System => {}
            ExportLevel::Patient => {
                segments.push("Patient");
            }
            ExportLevel::Group(id) => {
                segments.extend(["Group", id]);
            }
        }
        segments.push(OPERATION);
    }
    (base, url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    fn urls_of(given: &str, level: &ExportLevel) -> (String, String) {
        let (base, url) = urls(&given.parse().unwrap(), level);
        (base.to_string(), url.to_string())
    }

    #[test]
    fn the_operation_is_appended_unless_it_is_given() {
        let group = ExportLevel::Group("a b".to_owned());
        for (given, level, base, url) in [
            ("https://e.org/r4", &ExportLevel::System, "https://e.org/r4", "https://e.org/r4/$export"),
            (
                "https://e.org/r4/",
                &ExportLevel::Patient,
                "https://e.org/r4",
                "https://e.org/r4/Patient/$export",
            ),
            ("https://e.org", &group, "https://e.org/", "https://e.org/Group/a%20b/$export"),
            (
                "https://e.org/r4/Group/7/$export?_type=Patient",
                &ExportLevel::System,
                "https://e.org/r4",
                "https://e.org/r4/Group/7/$export?_type=Patient",
            ),
            (
                "https://e.org/Patient/$export",
                &ExportLevel::System,
                "https://e.org/",
                "https://e.org/Patient/$export",
            ),
        ] {
            assert_eq!(urls_of(given, level), (base.to_owned(), url.to_owned()), "{given}");
        }
    }

    #[test]
    fn other_parameters_are_another_request() {
        let mut settings = ExportSettings::of("https://e.org/r4".to_owned());
        let first = ExportRequest::new(&settings).unwrap().hash();
        assert_eq!(first, ExportRequest::new(&settings).unwrap().hash());
        settings.since = Some("2026-01-01T00:00:00Z".to_owned());
        assert_eq!(first, ExportRequest::new(&settings).unwrap().hash());
        settings.types = vec!["Patient".to_owned()];
        assert_ne!(first, ExportRequest::new(&settings).unwrap().hash());
    }
}
