//! *Bundles* as requests. A transaction is one update. The entries of a batch are updates
//! of their own. Any other Bundle holds resources that are to be written; those that cannot
//! be do not keep the others back.

use axum::http::StatusCode;
use serde_json::value::RawValue;

use super::json::{Members, push_on_one_line};
use super::request::{
    self, Meaning, Method, Origin, Request, RequestError, check, parse_versions, push_head, whole,
};
use crate::pipeline::updates::CheckedRecord;
use crate::server::error::ApiError;
use crate::server::state::ServerState;
use crate::update::Update;

/// What a Bundle asks for.
#[derive(Debug)]
pub enum Requested {
    /// To be stored whole: the number of its entries, and the update unless there are none.
    Transaction(usize, Option<Box<Update>>),
    /// Entries of their own: each is an update, or cannot be one.
    Batch(Vec<Result<Update, ApiError>>),
    /// Resources: the number of its entries, and the update.
    Resources(usize, Box<Update>),
}

/// Reads and checks a Bundle.
pub fn requested(state: &ServerState, origin: &Origin, body: &str) -> Result<Requested, ApiError> {
    let members: Members<'_> = serde_json::from_str(body)
        .map_err(|_| ApiError::bad_request("the body is not a JSON object with different names"))?;
    if members.text("resourceType").as_deref() != Some("Bundle") {
        return Err(ApiError::bad_request("the body is not a Bundle").at("Bundle.resourceType"));
    }
    let entries: Vec<&RawValue> = match members.get("entry") {
        None => Vec::new(),
        Some(entries) => serde_json::from_str(entries.get())
            .map_err(|_| ApiError::bad_request("entry is not an array").at("Bundle.entry"))?,
    };
    match members.text("type").as_deref() {
        None => Err(ApiError::bad_request("the Bundle has no type").at("Bundle.type")),
        Some("transaction") => transaction(state, origin, &members, &entries),
        Some("batch") => Ok(Requested::Batch(batch(state, origin, &entries))),
        Some(_) => resources(state, origin, &members, entries.len()),
    }
}

/// The error of an entry, with the path of the element in the Bundle.
fn of_entry(number: usize, (status, element, sentence): RequestError) -> ApiError {
    let path = match element.strip_prefix("resource.").and_then(|path| path.split_once('.')) {
        Some((_, below)) => format!("Bundle.entry[{number}].resource.{below}"),
        None => format!("Bundle.entry[{number}].{element}"),
    };
    // A type that does not exist is no missing page here.
    let status = if status == StatusCode::NOT_FOUND { StatusCode::UNPROCESSABLE_ENTITY } else { status };
    ApiError::new(status, sentence).at(&path)
}

/// The path in the Bundle of an element of an entry's resource.
pub(super) fn place(entry: u32, path: &str) -> String {
    let number = entry.saturating_sub(1);
    match path.split_once('.') {
        Some((_, below)) => format!("Bundle.entry[{number}].resource.{below}"),
        None => format!("Bundle.entry[{number}].resource"),
    }
}

/// Reads the request of an entry.
fn read_request<'e>(number: usize, entry: &'e RawValue) -> Result<Request<'e>, ApiError> {
    let error = |element: &str, sentence: &str| {
        ApiError::bad_request(sentence).at(&format!("Bundle.entry[{number}]{element}"))
    };
    let members: Members<'e> = serde_json::from_str(entry.get())
        .map_err(|_| error("", "the entry is not a JSON object with different names"))?;
    let Some(request) = members.object("request") else {
        return Err(error(".request", "the entry has no request"));
    };
    let method = match request.text("method").as_deref() {
        Some("PUT") => Method::Put,
        Some("POST") => Method::Post,
        Some("DELETE") => Method::Delete,
        _ => {
            let mut error = error(".request.method", "the method must be PUT, POST or DELETE");
            error.code = "not-supported";
            return Err(error);
        }
    };
    let versions = |name: &str| match request.text(name) {
        None => Ok(None),
        Some(written) => parse_versions(&written).map(Some).ok_or_else(|| {
            error(&format!(".request.{name}"), "this is not * or a list of ETags such as W/\"3\"")
        }),
    };
    Ok(Request {
        method,
        url: request.text("url").unwrap_or_default(),
        if_match: versions("ifMatch")?,
        if_none_match: versions("ifNoneMatch")?,
        if_none_exist: request.text("ifNoneExist"),
        full_url: members.text("fullUrl"),
        resource: members.get("resource"),
    })
}

fn transaction(
    state: &ServerState,
    origin: &Origin,
    members: &Members<'_>,
    entries: &[&RawValue],
) -> Result<Requested, ApiError> {
    if entries.is_empty() {
        return Ok(Requested::Transaction(0, None));
    }
    let mut meanings: Vec<Meaning> = Vec::with_capacity(entries.len());
    for (number, entry) in entries.iter().enumerate() {
        let request = read_request(number, entry)?;
        let meaning = request.meaning(number as u32 + 1).map_err(|error| of_entry(number, error))?;
        meanings.push(meaning);
    }
    let line = as_received(members, origin);
    let checked = check(state, &line)?;
    let update = whole(origin, line, checked, &meanings, &place)?;
    refuse_repeated(&update.records)?;
    Ok(Requested::Transaction(entries.len(), Some(Box::new(update))))
}

/// No two entries of a transaction may be about one resource: which one counts would be
/// left open.
fn refuse_repeated(records: &[CheckedRecord]) -> Result<(), ApiError> {
    let mut seen = std::collections::HashSet::new();
    let named = records.iter().filter(|record| !record.fhir_id.is_empty());
    for record in named {
        if !seen.insert((record.resource_type, &record.fhir_id)) {
            let sentence = "two entries of the transaction are about the same resource";
            let path = format!("Bundle.entry[{}]", record.entry.saturating_sub(1));
            return Err(ApiError::bad_request(sentence).at(&path));
        }
    }
    Ok(())
}

/// The Bundle on one line, with the identifier of its call if it has none of its own.
fn as_received(members: &Members<'_>, origin: &Origin) -> Vec<u8> {
    let mut line = Vec::new();
    let (own, mut separator) = (members.get("identifier").is_some(), "{");
    if !own {
        let mut head = Vec::new();
        push_head(&mut head, "x", origin);
        // As far as the identifier.
        let end = head.windows(8).position(|window| window == b",\"type\":").unwrap_or(head.len());
        line.extend_from_slice(&head[..end]);
        separator = ",";
    }
    for (name, value) in members.0.iter().filter(|(name, _)| own || name != "resourceType") {
        line.extend_from_slice(separator.as_bytes());
        line.extend(serde_json::json!(name).to_string().into_bytes());
        line.push(b':');
        push_on_one_line(&mut line, value.get());
        separator = ",";
    }
    line.extend_from_slice(b"}\n");
    line
}

fn batch(state: &ServerState, origin: &Origin, entries: &[&RawValue]) -> Vec<Result<Update, ApiError>> {
    let update = |(number, entry): (usize, &&RawValue)| {
        let request = read_request(number, entry)?;
        request.meaning(1).map_err(|error| of_entry(number, error))?;
        request::update(state, origin, &request).map_err(|mut error| {
            error.expression = error.expression.map(|path| place(number as u32 + 1, &path));
            error
        })
    };
    entries.iter().enumerate().map(update).collect()
}

fn resources(
    state: &ServerState,
    origin: &Origin,
    members: &Members<'_>,
    count: usize,
) -> Result<Requested, ApiError> {
    let line = as_received(members, origin);
    let checked = check(state, &line)?;
    if let Some(broken) = checked.problems.iter().find(|problem| problem.reason == "not_json") {
        return Err(ApiError::bad_request(broken.message.clone()));
    }
    let records = checked.records;
    if records.is_empty() && count > 0 {
        let first = checked.problems.first();
        let sentence = first.map_or("the Bundle holds nothing that can be loaded", |first| &first.message);
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, sentence));
    }
    let update = Update {
        source: origin.source.clone(),
        line,
        records,
        problems: checked.problems,
        is_atomic: false,
        preconditions: Vec::new(),
        conditionals: Vec::new(),
    };
    Ok(Requested::Resources(count, Box::new(update)))
}
