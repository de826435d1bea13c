//! A *session*: one call, who makes it, and whether it may.

use std::sync::{Arc, OnceLock};

use fhirmill_postgres::database::DatabaseError;
use fhirmill_postgres::ledger::Bearer;
use s3s::access::S3AccessContext;
use s3s::auth::SecretKey;
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use super::error;
use crate::server::auth::{Caller, Scope};
use crate::server::call::Call;
use crate::server::error::ApiError;
use crate::server::state::Shared;
use crate::upload::UploadError;

/// What senders may do.
const OFFERED: [&str; 14] = [
    "ListBuckets",
    "CreateBucket",
    "HeadBucket",
    "GetBucketLocation",
    "ListObjects",
    "ListObjectsV2",
    "HeadObject",
    "PutObject",
    "CreateMultipartUpload",
    "UploadPart",
    "ListParts",
    "ListMultipartUploads",
    "CompleteMultipartUpload",
    "AbortMultipartUpload",
];
/// Longer keys are not looked up.
const LONGEST_ACCESS_KEY: usize = 128;

/// One call.
pub struct Session {
    /// What all calls share.
    pub state: Shared,
    /// What is noted of this one.
    pub call: Arc<Call>,
    /// Whose key it is signed with; the signature may yet be wrong.
    claimed: OnceLock<Bearer>,
    /// Why its body ended early.
    broken: OnceLock<ApiError>,
}

impl Session {
    /// A call that begins.
    pub fn new(state: Shared, call: Arc<Call>) -> Self {
        Session { state, call, claimed: OnceLock::new(), broken: OnceLock::new() }
    }

    /// The secret of an access key.
    pub async fn secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        let unknown = || s3_error!(InvalidAccessKeyId, "there is no sender with this access key");
        let is_plain = access_key.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_plain || access_key.len() > LONGEST_ACCESS_KEY {
            return Err(self.failed(unknown()));
        }
        let access_key = access_key.to_owned();
        let find = move |connection: &mut _| Ok(Bearer::by_access_key(connection, &access_key)?);
        let found = self.state.pool.run(find).await;
        let found = found.map_err(|failure: UploadError| self.failed(error::of(failure)))?;
        let (bearer, sealed) = found.ok_or_else(|| self.failed(unknown()))?;
        let secret = self.state.authentication.key.decrypt(&sealed);
        let Some(secret) = secret.and_then(|secret| String::from_utf8(secret).ok()) else {
            tracing::error!(sender = bearer.name, "the S3 secret of {} cannot be decrypted", bearer.name);
            return Err(self.failed(s3_error!(InternalError)));
        };
        let _ = self.claimed.set(bearer);
        Ok(SecretKey::from(secret))
    }

    /// Refuses what the caller may not do. The signature was checked.
    pub fn check(&self, context: &S3AccessContext<'_>) -> S3Result<()> {
        let operation = context.s3_op().name();
        self.call.set_action(format!("s3:{operation}"));
        self.allowed(context, operation).map_err(|refusal| self.failed(refusal))
    }

    fn allowed(&self, context: &S3AccessContext<'_>, operation: &str) -> S3Result<()> {
        let (Some(_), Some(bearer)) = (context.credentials(), self.claimed.get()) else {
            return Err(s3_error!(AccessDenied, "the call must be signed with a sender's key"));
        };
        self.call.set_sender(bearer.sender_id);
        if !OFFERED.contains(&operation) {
            return Err(s3_error!(
                AccessDenied,
                "files can be sent and listed, and nothing else: {operation} is not offered"
            ));
        }
        if context.s3_path().get_bucket_name().is_some_and(|bucket| bucket != bearer.source) {
            return Err(s3_error!(AccessDenied, "the only bucket of this sender is its source"));
        }
        if !bearer.scopes.iter().any(|scope| scope == Scope::Push.name()) {
            return Err(s3_error!(AccessDenied, "the sender does not have the scope push"));
        }
        Ok(())
    }

    /// Who calls.
    pub fn caller(&self) -> S3Result<Caller> {
        let bearer = self.claimed.get().cloned().ok_or_else(|| s3_error!(AccessDenied))?;
        Ok(Caller { bearer, call: Arc::clone(&self.call) })
    }

    /// Does `work` with a session of the database.
    pub async fn run<T, Failure>(
        &self,
        work: impl FnOnce(&mut diesel::PgConnection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure>
    where
        T: Send + 'static,
        Failure: From<DatabaseError> + Send + 'static,
    {
        self.state.pool.run(work).await
    }

    /// The body ended early.
    pub fn break_off(&self, failure: ApiError) {
        let _ = self.broken.set(failure);
    }

    /// Why the body ended early, if it did so on our side.
    pub fn broken_off(&self) -> Option<&ApiError> {
        self.broken.get()
    }

    /// An error with the id of the call.
    pub fn failed(&self, mut error: S3Error) -> S3Error {
        error.set_request_id(self.call.request_id.clone());
        if error.code() == &S3ErrorCode::InternalError && error.message().is_none() {
            error.set_message("fhirmill could not do this; its log says why");
        }
        error
    }
}
