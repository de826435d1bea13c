//! The style sheet and the script, under names that contain the hash of their content: a
//! browser keeps them for good, and asks for others once they have changed.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

/// A file that the page consists of.
#[derive(Debug)]
pub struct Asset {
    /// The path under which it is served.
    pub path: String,
    media_type: &'static str,
    content: &'static str,
}

impl Asset {
    fn new(extension: &str, media_type: &'static str, content: &'static str) -> Self {
        let hash: String =
            Sha256::digest(content).iter().take(10).map(|byte| format!("{byte:02x}")).collect();
        Asset { path: format!("/page/assets/{hash}.{extension}"), media_type, content }
    }
}

/// The style sheet.
pub static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("css", "text/css; charset=utf-8", include_str!("page.css")));
/// The script.
pub static SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("js", "text/javascript; charset=utf-8", include_str!("page.js")));
/// The icon.
pub static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("svg", "image/svg+xml", include_str!("icon.svg")));

/// Gives an asset.
pub async fn show(Path(name): Path<String>) -> Response {
    let path = format!("/page/assets/{name}");
    let Some(asset) = [&STYLE, &SCRIPT, &ICON].into_iter().find(|asset| asset.path == path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, asset.media_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, asset.content).into_response()
}
