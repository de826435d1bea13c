//! The *door*: the calls that there are, each in its module.

use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use fhirmill_postgres::ledger::Sender;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, Bucket, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CreateBucketInput, CreateBucketOutput, CreateMultipartUploadInput,
    CreateMultipartUploadOutput, GetBucketLocationInput, GetBucketLocationOutput, HeadBucketInput,
    HeadBucketOutput, HeadObjectInput, HeadObjectOutput, ListBucketsInput, ListBucketsOutput,
    ListMultipartUploadsInput, ListMultipartUploadsOutput, ListObjectsInput, ListObjectsOutput,
    ListObjectsV2Input, ListObjectsV2Output, ListPartsInput, ListPartsOutput, PutObjectInput,
    PutObjectOutput, UploadPartInput, UploadPartOutput,
};
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};

use super::session::Session;
use super::{completion, error, listing, multipart, store};

/// What s3s asks for one call.
#[derive(Clone)]
pub struct Door(pub Arc<Session>);

impl Door {
    fn answer<T>(&self, result: S3Result<T>) -> S3Result<S3Response<T>> {
        result.map(S3Response::new).map_err(|error| self.0.failed(error))
    }
}

#[async_trait]
impl S3Auth for Door {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        self.0.secret_key(access_key).await
    }
}

#[async_trait]
impl S3Access for Door {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        self.0.check(context)
    }
}

/// The one bucket: the sender's source.
async fn buckets(session: &Session) -> S3Result<ListBucketsOutput> {
    let bearer = session.caller()?.bearer;
    let name = bearer.name;
    let find = move |connection: &mut _| Ok(Sender::by_name(connection, &name)?);
    let sender = session.run(find).await.map_err(error::of)?;
    let bucket = Bucket {
        name: Some(bearer.source),
        creation_date: sender.map(|sender| SystemTime::from(sender.created_at).into()),
        ..Bucket::default()
    };
    Ok(ListBucketsOutput { buckets: Some(vec![bucket]), ..ListBucketsOutput::default() })
}

#[async_trait]
impl S3 for Door {
    async fn list_buckets(&self, _: S3Request<ListBucketsInput>) -> S3Result<S3Response<ListBucketsOutput>> {
        self.answer(buckets(&self.0).await)
    }

    async fn head_bucket(&self, _: S3Request<HeadBucketInput>) -> S3Result<S3Response<HeadBucketOutput>> {
        self.answer(Ok(HeadBucketOutput::default()))
    }

    async fn create_bucket(
        &self,
        _: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        self.answer(Err(s3_error!(BucketAlreadyOwnedByYou, "the bucket of this sender exists")))
    }

    async fn get_bucket_location(
        &self,
        _: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        self.answer(Ok(GetBucketLocationOutput::default()))
    }

    async fn list_objects(
        &self,
        request: S3Request<ListObjectsInput>,
    ) -> S3Result<S3Response<ListObjectsOutput>> {
        self.answer(listing::list(&self.0, request.input).await)
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        self.answer(listing::list_v2(&self.0, request.input).await)
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        self.answer(listing::head(&self.0, &request.input).await)
    }

    async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        self.answer(Box::pin(store::put_object(&self.0, request)).await)
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        self.answer(multipart::create(&self.0, request.input).await)
    }

    async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        self.answer(Box::pin(store::upload_part(&self.0, request)).await)
    }

    async fn list_parts(&self, request: S3Request<ListPartsInput>) -> S3Result<S3Response<ListPartsOutput>> {
        self.answer(multipart::list_parts(&self.0, request.input).await)
    }

    async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        self.answer(multipart::list(&self.0, request.input).await)
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        self.answer(completion::complete(&self.0, request.input).await)
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let aborted = multipart::abort(&self.0, &request.input).await;
        self.answer(aborted.map(|()| AbortMultipartUploadOutput::default()))
    }
}
