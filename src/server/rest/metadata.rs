//! What the server says of itself: its CapabilityStatement, SMART's configuration, and
//! whether it is well.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use fhirmill_core::fhir::ResourceType;
use serde_json::json;

use crate::config::Settings;
use crate::server::error::{ApiError, FHIR_JSON};
use crate::server::health;
use crate::server::state::Shared;

/// The resource types that are taken, and what can be done with each.
fn resources(settings: &Settings) -> Vec<serde_json::Value> {
    let wanted = settings.resource_types.names();
    let is_wanted =
        |name: &&str| wanted.as_ref().is_none_or(|wanted| wanted.iter().any(|wanted| wanted == name));
    let may_declare_views = settings.view_sources().next().is_some();
    let is_taken = |of: &ResourceType| !of.is_view_definition() || may_declare_views;
    let names = ResourceType::all().filter(is_taken).map(ResourceType::name).filter(|name| *name != "Bundle");
    let resource = |name| {
        json!({
            "type": name,
            "interaction": [{"code": "create"}, {"code": "update"}, {"code": "delete"}],
            "versioning": "versioned",
            "readHistory": false,
            "updateCreate": true,
            "conditionalCreate": true,
            "conditionalUpdate": true,
            "conditionalDelete": "single",
        })
    };
    names.filter(is_wanted).map(resource).collect()
}

/// The operations; those of submissions where the operator allows hosts to fetch from.
fn operations(settings: &Settings) -> Vec<serde_json::Value> {
    let is_on = cfg!(feature = "feeds") && !settings.server.bulk_submit_hosts.is_empty();
    let operation = |name: &&str| json!({"name": name, "definition": format!("http://hl7.org/fhir/uv/bulkdata/OperationDefinition/{name}")});
    ["bulk-submit", "bulk-submit-status"].iter().filter(|_| is_on).map(operation).collect()
}

/// Describes what FHIR there is here: it is written, and read in the tables. Calls that
/// take files are not FHIR's: see `/api/openapi.json`.
#[utoipa::path(
    get, path = "/fhir/metadata", tag = "server",
    responses((status = 200, description = "the CapabilityStatement", content_type = "application/fhir+json")),
)]
pub async fn capability_statement(State(state): State<Shared>) -> Response {
    let statement = json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-11-29",
        "kind": "instance",
        "software": {"name": "fhirmill", "version": env!("CARGO_PKG_VERSION")},
        "implementation": {"description": "fhirmill takes FHIR data and turns them into tables"},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [{
            "mode": "server",
            "documentation": "Resources are written and not read: they become rows of tables. Conditions are \
                 supported for identifiers only. Files are pushed by POST /api/batch and /api/uploads: see \
                 /api/openapi.json",
            "security": {
                "service": [{"coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                    "code": "SMART-on-FHIR",
                }]}],
                "description": "SMART Backend Services, or a client secret: POST /auth/token",
            },
            "resource": resources(&state.settings),
            "interaction": [{"code": "transaction"}, {"code": "batch"}],
            "operation": operations(&state.settings),
        }],
    });
    ([(header::CONTENT_TYPE, FHIR_JSON)], statement.to_string()).into_response()
}

/// Tells SMART clients where tokens are issued.
#[utoipa::path(
    get, path = "/fhir/.well-known/smart-configuration", tag = "server",
    responses((status = 200, description = "the configuration")),
)]
pub async fn smart_configuration(State(state): State<Shared>) -> Response {
    axum::Json(json!({
        "token_endpoint": state.authentication.token_url(),
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported":
            ["private_key_jwt", "client_secret_basic", "client_secret_post"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
        "scopes_supported": ["push", "update", "status", "system/*.rs", "system/*.cruds"],
        "capabilities": ["client-confidential-asymmetric", "client-confidential-symmetric"],
    }))
    .into_response()
}

/// Tells that the process answers.
#[utoipa::path(get, path = "/live", tag = "server", responses((status = 200, description = "it does")))]
pub async fn live() -> &'static str {
    health::LIVE
}

/// Tells whether calls can be answered, and what they bring can be loaded: the database is
/// there, the last scan of the inbox succeeded, and the service is not ending.
#[utoipa::path(
    get, path = "/ready", tag = "server",
    responses((status = 200, description = "they can"), (status = 503, description = "they cannot")),
)]
pub async fn ready(State(state): State<Shared>) -> Result<&'static str, ApiError> {
    match health::complaint(&state.pool, &state.service).await {
        None => Ok("ready\n"),
        Some(complaint) => Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, complaint)),
    }
}
