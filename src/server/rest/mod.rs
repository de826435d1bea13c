//! The *calls* of REST. Each file has those of one kind.

mod batch;
mod digest;
pub mod jobs;
mod metadata;
pub mod uploads;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth;
use super::call;
use super::error::ApiError;
use super::fhir;
use super::state::Shared;

/// The description of the calls, completed by the router.
#[derive(OpenApi)]
#[openapi(info(
    title = "fhirmill",
    description = "Push FHIR data, and read what became of it. Errors are OperationOutcomes."
))]
struct Description;

/// All calls.
pub fn router(state: Shared) -> Router {
    let (router, description) = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(auth::token::issue_token))
        .routes(routes!(auth::personal::authenticate))
        .routes(routes!(uploads::begin))
        .routes(routes!(uploads::show, uploads::abort))
        .routes(routes!(uploads::put_part))
        .routes(routes!(uploads::complete))
        .routes(routes!(batch::post))
        .routes(routes!(jobs::show))
        .routes(routes!(jobs::outcomes))
        .routes(routes!(fhir::bundle_calls::post_bundle))
        .routes(routes!(fhir::bundle_calls::post_update))
        .routes(routes!(fhir::calls::put, fhir::calls::delete))
        .routes(routes!(
            fhir::calls::put_by_identifier,
            fhir::calls::delete_by_identifier,
            fhir::calls::create
        ))
        .merge(bulk())
        .routes(routes!(metadata::capability_statement))
        .routes(routes!(metadata::smart_configuration))
        .routes(routes!(metadata::live))
        .routes(routes!(metadata::ready))
        .split_for_parts();
    // With answers of its own for what does not exist.
    let page = super::page::router(&state);
    let description = description.to_json().unwrap_or_default();
    let show = move || async move { ([(header::CONTENT_TYPE, "application/json")], description) };
    router
        .route("/api/openapi.json", axum::routing::get(show))
        .fallback(|| async { ApiError::new(StatusCode::NOT_FOUND, "there is no such call") })
        .method_not_allowed_fallback(|| async {
            ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "this call does not exist with this method")
        })
        .merge(page)
        .layer(CatchPanicLayer::custom(after_panic))
        .layer(middleware::from_fn_with_state(state.clone(), call::note))
        .with_state(state)
}

/// The calls of `$bulk-submit`.
#[cfg(feature = "feeds")]
fn bulk() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(fhir::bulk_submit::submit))
        .routes(routes!(fhir::bulk_status::kick_off))
        .routes(routes!(fhir::bulk_status::show, fhir::bulk_status::delete))
        .routes(routes!(fhir::bulk_status::outcomes))
}

/// Submitted manifests are fetched by the client of feeds.
#[cfg(not(feature = "feeds"))]
fn bulk() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
}

/// The panic itself is in the log.
fn after_panic(_: Box<dyn std::any::Any + Send>) -> Response {
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "fhirmill has a defect; its log says where")
        .into_response()
}
