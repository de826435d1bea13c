//! The *HTTP client* of a store, which also notes whether the store answers, makes listings
//! readable whatever their keys are, and deletes an object only if it is still the one that is meant.

use async_trait::async_trait;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};
use object_store::{ClientOptions, HeaderValue, Result};

use super::{health, listing};

tokio::task_local! {
    /// The ETag that the object must have which the task deletes.
    pub(super) static IF_MATCH: HeaderValue;
}

/// Makes the clients of one store.
#[derive(Debug)]
pub(super) struct Connector {
    /// The bucket or container, as a URL.
    pub bucket: String,
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> Result<HttpClient> {
        let client = ReqwestConnector::default().connect(options)?;
        Ok(HttpClient::new(Guarded { client, bucket: self.bucket.clone() }))
    }
}

#[derive(Debug)]
struct Guarded {
    client: HttpClient,
    bucket: String,
}

#[async_trait]
impl HttpService for Guarded {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if request.method() == "DELETE"
            && let Ok(etag) = IF_MATCH.try_with(HeaderValue::clone)
        {
            request.headers_mut().insert("if-match", etag);
        }
        let is_listing = request.uri().query().is_some_and(listing::is_asked_for);
        let answer = self.client.execute(request).await;
        let failure = match &answer {
            Ok(answer) if answer.status().is_server_error() || answer.status() == 429 => {
                Some(format!("it answers {}", answer.status()))
            }
            Ok(_) => None,
            Err(_) => Some("it cannot be reached".to_owned()),
        };
        health::note(&self.bucket, failure);
        let answer = answer?;
        if !is_listing || !answer.status().is_success() {
            return Ok(answer);
        }
        let (parts, body) = answer.into_parts();
        let body = listing::with_readable_keys(body.bytes().await?);
        Ok(HttpResponse::from_parts(parts, body.into()))
    }
}
