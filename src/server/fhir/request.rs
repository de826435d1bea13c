//! What a call *asks for*: one resource to be written or deleted. It is checked before
//! anything is stored.

use std::borrow::Cow;

use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use fhirmill_core::fhir::{Address, IdentifierToken, ResourceType};
use fhirmill_core::read::ReadError;
use serde_json::json;
use serde_json::value::RawValue;

use super::json::{Members, push_on_one_line};
use crate::pipeline::updates::{CheckedLine, CheckedRecord, Problem};
use crate::server::error::{ApiError, Issue};
use crate::server::state::ServerState;
use crate::update::{Conditional, Precondition, Update, Versions};

/// The system of the identifier that a stored Bundle has of the call that brought it.
const REQUEST_SYSTEM: &str = "https://fhirmill.dev/request-id";
const LONGEST_ID: usize = 64;

/// Who sends an update, and by which call.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The source.
    pub source: String,
    /// The id of the call.
    pub request_id: String,
}

/// What is to be done with the resource that a URL names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Put,
    Post,
    Delete,
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Method::Put => "PUT",
            Method::Post => "POST",
            Method::Delete => "DELETE",
        }
    }
}

/// One request: that of a call, or of an entry of a Bundle.
#[derive(Debug)]
pub struct Request<'r> {
    pub method: Method,
    /// Relative to the base of the server: `Type/id`, `Type?identifier=…` or `Type`.
    pub url: String,
    pub if_match: Option<Versions>,
    pub if_none_match: Option<Versions>,
    pub if_none_exist: Option<String>,
    pub full_url: Option<String>,
    pub resource: Option<&'r RawValue>,
}

/// What a request turned out to be about.
#[derive(Debug)]
pub struct Meaning {
    pub conditional: Option<Conditional>,
    pub precondition: Option<Precondition>,
}

/// An error in a request, with the element that has it: of an entry's request, or of its
/// resource.
pub type RequestError = (StatusCode, Cow<'static, str>, String);

fn invalid(element: &'static str, sentence: &str) -> RequestError {
    (StatusCode::BAD_REQUEST, Cow::Borrowed(element), sentence.to_owned())
}

impl Request<'_> {
    /// Checks that its URL and its resource agree. `entry` is its number in a Bundle.
    pub fn meaning(&self, entry: u32) -> Result<Meaning, RequestError> {
        let (resource_type, id, query) = target(&self.url)?;
        let mut own_id = None;
        if self.method == Method::Delete {
            if self.resource.is_some() {
                return Err(invalid("resource", "a deletion has no resource"));
            }
        } else {
            let resource = self.resource.ok_or_else(|| invalid("resource", "there is no resource"))?;
            own_id = own_identity(resource, resource_type, id.as_deref())?;
        }
        if self.method == Method::Post && (id.is_some() || query.is_some()) {
            return Err(invalid("request.url", "what is created is posted to its type"));
        }
        if self.method != Method::Post && id.is_none() && query.is_none() {
            return Err(invalid("request.url", "the URL must name a resource: Type/id"));
        }
        let query = query.as_deref().or_else(|| {
            let criteria = self.if_none_exist.as_deref().filter(|_| self.method == Method::Post)?;
            Some(criteria.rsplit('?').next().unwrap_or_default())
        });
        let conditional = match query {
            None => None,
            Some(query) => Some(Conditional {
                entry,
                wanted: identifier(resource_type, query)?,
                is_delete: self.method == Method::Delete,
                own_id: own_id.filter(|_| self.method == Method::Put),
            }),
        };
        let (if_match, if_none_match) = (self.if_match.clone(), self.if_none_match.clone());
        let has_precondition = if_match.is_some() || if_none_match.is_some();
        let precondition = has_precondition.then_some(Precondition { entry, if_match, if_none_match });
        Ok(Meaning { conditional, precondition })
    }

    /// It as an entry of a Bundle.
    pub fn push_entry(&self, line: &mut Vec<u8>) {
        let mut request = json!({"method": self.method.name(), "url": self.url});
        if let Some(criteria) = &self.if_none_exist {
            request["ifNoneExist"] = json!(criteria);
        }
        line.extend_from_slice(b"{");
        if let Some(full_url) = &self.full_url {
            line.extend(format!("\"fullUrl\":{},", json!(full_url)).into_bytes());
        }
        line.extend(format!("\"request\":{request}").into_bytes());
        if let Some(resource) = self.resource {
            line.extend_from_slice(b",\"resource\":");
            push_on_one_line(line, resource.get());
        }
        line.extend_from_slice(b"}");
    }
}

/// The beginning of a stored Bundle: what it is, and which call brought it.
pub fn push_head(line: &mut Vec<u8>, bundle_type: &str, origin: &Origin) {
    let identifier = json!({"system": REQUEST_SYSTEM, "value": origin.request_id});
    let head = format!(
        "{{\"resourceType\":\"Bundle\",\"identifier\":{identifier},\"type\":{},\"entry\":[",
        json!(bundle_type)
    );
    line.extend(head.into_bytes());
}

/// One request as an update of its own.
pub fn update(state: &ServerState, origin: &Origin, request: &Request<'_>) -> Result<Update, ApiError> {
    let meaning = request.meaning(1).map_err(of_call)?;
    let mut line = Vec::with_capacity(request.resource.map_or(0, |resource| resource.get().len()) + 256);
    push_head(&mut line, "transaction", origin);
    request.push_entry(&mut line);
    line.extend_from_slice(b"]}\n");
    let checked = check(state, &line)?;
    whole(origin, line, checked, &[meaning], &|_, path| path.to_owned())
}

/// An update that is stored whole, of requests with these meanings.
pub fn whole(
    origin: &Origin,
    line: Vec<u8>,
    mut checked: CheckedLine,
    meanings: &[Meaning],
    place: &dyn Fn(u32, &str) -> String,
) -> Result<Update, ApiError> {
    let conditionals: Vec<Conditional> =
        meanings.iter().filter_map(|meaning| meaning.conditional.clone()).collect();
    for deletion in conditionals.iter().filter(|conditional| conditional.is_delete) {
        checked.problems.retain(|problem| problem.entry != deletion.entry);
        let (entry, resource_type) = (deletion.entry, deletion.wanted.0);
        checked.records.push(CheckedRecord { entry, resource_type, fhir_id: String::new() });
    }
    refuse(&checked.problems, place)?;
    Ok(Update {
        source: origin.source.clone(),
        line,
        records: checked.records,
        problems: Vec::new(),
        is_atomic: true,
        preconditions: meanings.iter().filter_map(|meaning| meaning.precondition.clone()).collect(),
        conditionals,
    })
}

/// Maps a line; what is wrong with it is in the result.
pub fn check(state: &ServerState, line: &[u8]) -> Result<CheckedLine, ApiError> {
    state.updates.checkers.check(&state.settings, line).map_err(|error| match error {
        ReadError::Stopped(_) => ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "the service is ending"),
        error => ApiError::bad_request(error.to_string()),
    })
}

/// The status of an answer for what the check found.
fn status_of(problem: &Problem) -> StatusCode {
    match problem.reason.as_str() {
        "not_json" | "not_an_object" | "no_resource_type" => StatusCode::BAD_REQUEST,
        "conditional_delete" => StatusCode::PRECONDITION_FAILED,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// A problem as an error.
pub fn refused_for(problem: &Problem, place: &dyn Fn(&str) -> String) -> ApiError {
    let mut error = ApiError::new(status_of(problem), problem.message.clone());
    error.code = if problem.reason == "not_wanted" { "not-supported" } else { "invalid" };
    error.expression = problem.path.as_deref().map(place);
    error
}

/// Refuses what has problems.
fn refuse(problems: &[Problem], place: &dyn Fn(u32, &str) -> String) -> Result<(), ApiError> {
    let Some(first) = problems.first() else { return Ok(()) };
    let mut error = refused_for(first, &|path| place(first.entry, path));
    for problem in problems.iter().skip(1).take(Issue::MOST) {
        error.further.push(Issue {
            diagnostics: problem.message.clone(),
            expression: problem.path.as_deref().map(|path| place(problem.entry, path)),
        });
    }
    Err(error)
}

/// An error of a call's own request.
fn of_call((status, element, sentence): RequestError) -> ApiError {
    let mut error = ApiError::new(status, sentence);
    if status == StatusCode::NOT_FOUND {
        error.code = "not-supported";
    }
    if let Some(path) = element.strip_prefix("resource.") {
        error.expression = Some(path.to_owned());
    }
    error
}

/// The type that a URL names, and its id or its query.
fn target(url: &str) -> Result<(ResourceType, Option<String>, Option<String>), RequestError> {
    let (path, query) = match url.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (url, None),
    };
    let path = path.trim_start_matches('/');
    let (name, id) = match path.split_once('/') {
        Some((name, id)) => (name, Some(id)),
        None => (path, None),
    };
    let resource_type = ResourceType::named(name).ok_or_else(|| {
        (
            StatusCode::NOT_FOUND,
            Cow::Borrowed("request.url"),
            "FHIR R4 has no resource type of this name".to_owned(),
        )
    })?;
    if matches!(name, "Bundle") {
        let sentence = "Bundles are posted to the base URL".to_owned();
        return Err((StatusCode::NOT_FOUND, Cow::Borrowed("request.url"), sentence));
    }
    if id.is_some_and(|id| !is_id(id)) || (id.is_some() && query.is_some()) {
        return Err(invalid(
            "request.url",
            "an id has up to 64 letters, digits, hyphens and dots, and nothing follows it",
        ));
    }
    Ok((resource_type, id.map(str::to_owned), query))
}

fn is_id(id: &str) -> bool {
    let is_of_id = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(is_of_id)
}

/// Checks that a resource is of the type, and has the id, if one is given; returns its own
/// id.
fn own_identity(
    resource: &RawValue,
    resource_type: ResourceType,
    id: Option<&str>,
) -> Result<Option<String>, RequestError> {
    let members: Members<'_> = serde_json::from_str(resource.get())
        .map_err(|_| invalid("resource", "the resource is not a JSON object with different names"))?;
    let path = |element: &str| Cow::Owned(format!("resource.{}.{element}", resource_type.name()));
    match members.text("resourceType") {
        None => return Err(invalid("resource", "the resource has no resourceType")),
        Some(name) if name != resource_type.name() => {
            let sentence = "the resource is not of the type that the URL names".to_owned();
            return Err((StatusCode::BAD_REQUEST, path("resourceType"), sentence));
        }
        Some(_) => {}
    }
    let own_id = members.text("id");
    match (id, &own_id) {
        (Some(_), None) => Err((StatusCode::BAD_REQUEST, path("id"), "the resource has no id".to_owned())),
        (Some(id), Some(own)) if id != own => {
            let sentence = "the id of the resource is not that of the URL".to_owned();
            Err((StatusCode::BAD_REQUEST, path("id"), sentence))
        }
        _ => Ok(own_id),
    }
}

/// The identifier that criteria search for, and nothing else.
fn identifier(
    resource_type: ResourceType,
    query: &str,
) -> Result<(ResourceType, Option<String>, String), RequestError> {
    let is_only = query.split('&').filter(|parameter| !parameter.is_empty()).count() == 1;
    let url = format!("{}?{query}", resource_type.name());
    let is_search = matches!(Address::parse(&url), Address::Search { .. });
    let token = IdentifierToken::of_query(query).filter(|_| is_only && is_search).ok_or_else(|| {
        invalid("request.url", "the only criterion that is supported is identifier=system|value")
    })?;
    Ok((resource_type, token.system.map(Cow::into_owned), token.value.into_owned()))
}

/// The versions that a header names: `*`, or ETags such as `W/"3"`.
pub fn versions(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Versions>, ApiError> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let written = value.to_str().unwrap_or_default();
    let sentence = || ApiError::bad_request(format!("{name} is not * or a list of ETags such as W/\"3\""));
    parse_versions(written).map(Some).ok_or_else(sentence)
}

/// The versions that are written so; `None` if that is neither `*` nor ETags.
pub fn parse_versions(written: &str) -> Option<Versions> {
    if written.trim() == "*" {
        return Some(Versions::Any);
    }
    let mut revisions = Vec::new();
    for tag in written.split(',') {
        let tag = tag.trim();
        let opaque = tag.strip_prefix("W/").unwrap_or(tag).strip_prefix('"')?.strip_suffix('"')?;
        // An ETag that is none of ours is that of no version.
        revisions.push(opaque.parse().unwrap_or(0));
    }
    Some(Versions::These(revisions))
}

/// The header that makes a creation depend on criteria.
pub const IF_NONE_EXIST: HeaderName = HeaderName::from_static("if-none-exist");

/// Refuses bodies that are not FHIR in JSON.
pub fn require_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if matches!(kind.as_str(), "application/fhir+json" | "application/json" | "") {
        return Ok(());
    }
    Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Content-Type must be application/fhir+json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etags_name_revisions() {
        assert_eq!(parse_versions("*"), Some(Versions::Any));
        assert_eq!(parse_versions("W/\"3\""), Some(Versions::These(vec![3])));
        assert_eq!(parse_versions("\"3\", W/\"x\""), Some(Versions::These(vec![3, 0])));
        for broken in ["", "3", "W/3", "\"3", "W/\"3\","] {
            assert_eq!(parse_versions(broken), None, "{broken}");
        }
    }

    #[test]
    fn urls_name_resources() {
        let patient = ResourceType::named("Patient").expect("a type");
        assert_eq!(target("Patient/a-1.b"), Ok((patient, Some("a-1.b".to_owned()), None)));
        assert_eq!(target("/Patient?identifier=a|b"), Ok((patient, None, Some("identifier=a|b".to_owned()))));
        assert_eq!(target("Patient"), Ok((patient, None, None)));
        for (url, status) in [
            ("Patien/1", 404),
            ("Bundle/1", 404),
            ("Patient/", 400),
            ("Patient/a b", 400),
            ("Patient/a/_history/1", 400),
            ("Patient/1?identifier=a", 400),
        ] {
            assert_eq!(target(url).map_err(|error| error.0.as_u16()), Err(status), "{url}");
        }
    }
}
