//! The *test* of an export's settings: what can be found out without asking for an export.

use reqwest::Url;
use serde_json::Value;

use super::authorization::Authorizer;
use super::request::ExportRequest;
use crate::config::{ExportAuthorization, ExportSettings};
use crate::feeds::http::{Call, Failure, HttpClient};

/// The most bytes of a CapabilityStatement.
const MOST_BYTES: usize = 64 << 20;

/// Tries the settings, and tells each finding. Nothing is exported.
pub fn test(http: &HttpClient, export: &ExportSettings, tell: &mut dyn FnMut(&str)) -> Result<(), Failure> {
    let request = ExportRequest::new(export)?;
    let authorizer = Authorizer::new(&export.authorization, request.base.clone(), &export.types);
    let authorization = authorizer.header(http, &request.base)?;
    match &export.authorization {
        ExportAuthorization::None => tell("no authorization is set"),
        ExportAuthorization::Token(_) => tell("the token can be read"),
        ExportAuthorization::Smart(_) => tell("the server gives an access token"),
    }
    let url = metadata(&request.base);
    let call = Call::get(url).accept("application/fhir+json").authorization(authorization);
    let mut answer = http.send(&call)?;
    if !answer.status.is_success() {
        let what = "the question for the CapabilityStatement (/metadata)";
        return Err(Failure::of_answer(what, answer.status, &answer.headers, None));
    }
    let body = http.body(&mut answer, MOST_BYTES)?;
    let statement: Value = serde_json::from_slice(&body)
        .map_err(|_| Failure::Permanent("the server's CapabilityStatement is not JSON".to_owned()))?;
    let version = statement["fhirVersion"].as_str().unwrap_or("unknown");
    tell(&format!("the server answers, with FHIR {}", super::outcome::printable(version)));
    if has_export(&statement) {
        tell("its CapabilityStatement has the operation export");
    } else {
        tell(
            "its CapabilityStatement does not have the operation export, which not every server that has it says",
        );
    }
    tell(&format!("an export would be asked for at {}", request.location()));
    Ok(())
}

fn metadata(base: &Url) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/metadata", base.path().trim_end_matches('/')));
    url
}

fn has_export(statement: &Value) -> bool {
    let names = |value: &Value| {
        let operations = value["operation"].as_array().cloned().unwrap_or_default();
        operations.iter().any(|operation| {
            let name = operation["name"].as_str().unwrap_or_default();
            let definition = operation["definition"].as_str().unwrap_or_default();
            name.trim_start_matches('$').ends_with("export") || definition.ends_with("export")
        })
    };
    let rest = statement["rest"].as_array().cloned().unwrap_or_default();
    rest.iter()
        .any(|rest| names(rest) || rest["resource"].as_array().is_some_and(|types| types.iter().any(names)))
}
