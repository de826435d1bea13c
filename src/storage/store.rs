//! A *store*: a bucket or container with a prefix. Keys are relative to the prefix.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use fhirmill_postgres::lock::lock;
use futures_util::TryStreamExt;
use object_store::list::PaginatedListOptions;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, HeaderValue, ObjectMeta, ObjectStoreExt, PutPayload};
use tokio::sync::mpsc::channel;

use super::copy_parts::PartCopier;
use super::error::{away_error, io_error, is_absent, is_replaced};
use super::health;
use super::http::IF_MATCH;
use super::listing::{self, Page};
use super::open::{Backend, Client, client};
use super::reader::{Access, ObjectReader};
use super::runtime::{handle, receive, wait, wait_unless};
use super::writer::ObjectWriter;
use crate::config::{StorageSettings, StorageUrl, StoreKind};

/// How many keys a page of a listing has at most: what S3 gives.
const PAGE_KEYS: usize = 1000;
/// How many pieces of an object, as they come from the network, wait for whoever takes them.
const PIECES: usize = 8;

/// One version of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its key, below the prefix of its store.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
    /// What the store calls this version of it.
    pub etag: Option<String>,
    /// When it was put there, by the clock of the store.
    pub modified: SystemTime,
}

impl Default for Object {
    fn default() -> Self {
        Object { key: String::new(), size: 0, etag: None, modified: SystemTime::UNIX_EPOCH }
    }
}

impl Object {
    pub(super) fn of(key: &str, meta: ObjectMeta) -> Self {
        let ObjectMeta { size, e_tag, last_modified, .. } = meta;
        Object { key: key.to_owned(), size, etag: e_tag.map(quoted), modified: last_modified.into() }
    }

    /// Whether the other one has the same bytes, as far as the store can tell.
    pub fn is_same_version(&self, other: &Object) -> bool {
        self.size == other.size
            && match (&self.etag, &other.etag) {
                (Some(one), Some(other)) => one == other,
                _ => self.modified == other.modified,
            }
    }
}

/// An ETag in its one form: in listings, Azure leaves out the quotation marks.
fn quoted(etag: String) -> String {
    if etag.ends_with('"') { etag } else { format!("\"{etag}\"") }
}

/// See the module.
#[derive(Clone)]
pub struct Store {
    url: StorageUrl,
    pub(super) backend: Arc<dyn Backend>,
    /// What copies objects in parts, where one call does not.
    pub(super) copier: Option<Arc<PartCopier>>,
    read_ahead_bytes: u64,
    /// Whether calls are given up soon while the store is away.
    is_impatient: bool,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Store({})", self.url)
    }
}

/// Clients by bucket, and by whether an endpoint without TLS is allowed.
type Clients = HashMap<(StorageUrl, bool), Client>;

/// The clients of this process, which keep their connections and credentials.
static OPENED: Mutex<Option<Clients>> = Mutex::new(None);

impl Store {
    /// Opens a store. Whether it answers shows at the first call.
    pub fn open(url: &StorageUrl, settings: &StorageSettings) -> io::Result<Self> {
        let bucket = StorageUrl { prefix: String::new(), ..url.clone() };
        let mut opened = lock(&OPENED);
        let clients = opened.get_or_insert_default();
        let key = (bucket, settings.allow_http);
        let Client { backend, copier } = match clients.get(&key) {
            Some(client) => client.clone(),
            None => clients.entry(key).or_insert(client(url, settings)?).clone(),
        };
        let (url, read_ahead_bytes) = (url.clone(), settings.read_ahead_bytes);
        Ok(Store { url, backend, copier, read_ahead_bytes, is_impatient: false })
    }

    /// The same, whose calls are given up soon while the store is away: something else waits.
    pub fn impatient(mut self) -> Self {
        self.is_impatient = true;
        self
    }

    /// Why a call that was made then is given up: the store is away.
    pub(super) fn gives_up(&self, since: Instant) -> io::Result<()> {
        if self.is_impatient && health::is_away(&self.bucket(), since) {
            return Err(away_error(&self.url.to_string()));
        }
        Ok(())
    }

    /// The bucket or container, as a URL.
    fn bucket(&self) -> String {
        StorageUrl { prefix: String::new(), ..self.url.clone() }.to_string()
    }

    /// Waits for what a call gives.
    fn wait<Output: Send + 'static>(
        &self,
        call: impl Future<Output = Output> + Send + 'static,
    ) -> io::Result<Output> {
        if !self.is_impatient {
            return wait(call);
        }
        let since = Instant::now();
        self.gives_up(since)?;
        wait_unless(call, &|| self.gives_up(since))
    }

    /// The bucket or container and the prefix.
    pub fn url(&self) -> &StorageUrl {
        &self.url
    }

    /// The URL of an object, for people.
    pub fn address(&self, key: &str) -> String {
        format!("{}/{key}", self.url)
    }

    /// Whether objects can be copied from that store by this one.
    pub(super) fn is_beside(&self, other: &Store) -> bool {
        Arc::ptr_eq(&self.backend, &other.backend)
    }

    pub(super) fn kind(&self) -> StoreKind {
        self.url.kind
    }

    pub(super) fn read_ahead_bytes(&self) -> u64 {
        self.read_ahead_bytes
    }

    /// Where the client has the object of that key.
    pub(super) fn path(&self, key: &str) -> io::Result<Path> {
        let refused = |_| io::Error::new(io::ErrorKind::InvalidInput, format!("{key:?} cannot be a key"));
        if key.starts_with('/') || key.ends_with('/') {
            return Err(refused(()));
        }
        Path::parse(format!("{}{key}", self.url.prefix)).map_err(|_| refused(()))
    }

    /// The first page of what is below the prefix, or the one that a page said is next; it has at
    /// most `most` objects.
    pub fn list(&self, next: Option<String>, most: usize) -> io::Result<Page> {
        let backend = Arc::clone(&self.backend);
        let prefix = self.url.prefix.clone();
        let options = PaginatedListOptions {
            max_keys: Some(most.clamp(1, PAGE_KEYS)),
            page_token: next,
            ..PaginatedListOptions::default()
        };
        let call = async move {
            let prefix = (!prefix.is_empty()).then_some(prefix.as_str());
            backend.list_paginated(prefix, options).await
        };
        if self.gives_up(Instant::now()).is_err() {
            // Somebody must ask it whether it is there again, and nobody waits for it.
            health::ask(&self.bucket(), call)?;
            return Err(away_error(&self.url.to_string()));
        }
        let listed = self.wait(call)?;
        let listed = listed.map_err(|error| io_error(&self.url.to_string(), &error))?;
        let found = listed.result.objects.into_iter().filter_map(|meta| {
            let listed = meta.location.to_string();
            listing::found(&listed, &self.url.prefix, |key| Object::of(key, meta))
        });
        Ok(Page { found: found.collect(), next: listed.page_token })
    }

    /// The object at that key, as it is now.
    pub fn find(&self, key: &str) -> io::Result<Option<Object>> {
        let (backend, path) = (Arc::clone(&self.backend), self.path(key)?);
        let found = self.wait(async move { backend.head(&path).await })?;
        match found.map_err(|error| io_error(&self.address(key), &error)) {
            Ok(meta) => Ok(Some(Object::of(key, meta))),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Opens that version of an object for reading at any offset.
    pub fn reader(&self, object: &Object, access: Access) -> io::Result<ObjectReader> {
        ObjectReader::new(self, object, access)
    }

    /// The bytes of that version from `begin` to `end`.
    pub fn read(&self, object: &Object, begin: u64, end: u64) -> io::Result<Bytes> {
        let address = self.address(&object.key);
        self.wait(self.fetch(object, begin, end)?)?.map_err(|error| io_error(&address, &error))
    }

    /// Fetches those bytes, as long as the object is that version.
    pub(super) fn fetch(
        &self,
        object: &Object,
        begin: u64,
        end: u64,
    ) -> io::Result<impl Future<Output = object_store::Result<Bytes>> + Send + 'static> {
        let (backend, path) = (Arc::clone(&self.backend), self.path(&object.key)?);
        let range = (begin < end).then_some(GetRange::Bounded(begin..end));
        let options = GetOptions { range, if_match: object.etag.clone(), ..GetOptions::default() };
        Ok(async move {
            let mut stream =
                object_store::ObjectStore::get_opts(&*backend, &path, options).await?.into_stream();
            let mut bytes =
                Vec::with_capacity(usize::try_from(end.saturating_sub(begin)).unwrap_or_default());
            while let Some(piece) = stream.try_next().await? {
                bytes.extend_from_slice(&piece);
            }
            Ok(bytes.into())
        })
    }

    /// Passes the bytes of that version on, from an offset to the end, as they come: little of it is
    /// in memory at once.
    pub fn stream(
        &self,
        object: &Object,
        from: u64,
        each: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        if from >= object.size {
            return Ok(());
        }
        let address = self.address(&object.key);
        let (backend, path) = (Arc::clone(&self.backend), self.path(&object.key)?);
        let range = (from > 0).then_some(GetRange::Bounded(from..object.size));
        let options = GetOptions { range, if_match: object.etag.clone(), ..GetOptions::default() };
        let (sender, mut pieces) = channel(PIECES);
        handle()?.spawn(async move {
            let passed = async {
                let got = object_store::ObjectStore::get_opts(&*backend, &path, options).await?;
                let mut stream = got.into_stream();
                while let Some(piece) = stream.try_next().await? {
                    if sender.send(Ok(piece)).await.is_err() {
                        // Nobody takes them any more.
                        break;
                    }
                }
                Ok(())
            };
            if let Err(error) = passed.await {
                let _ = sender.send(Err(error)).await;
            }
        });
        let mut passed = from;
        let since = Instant::now();
        self.gives_up(since)?;
        while let Some(piece) = receive(&mut pieces, &|| self.gives_up(since))? {
            let piece = piece.map_err(|error: object_store::Error| io_error(&address, &error))?;
            passed += piece.len() as u64;
            each(&piece)?;
        }
        if passed == object.size { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// Puts a whole object there, in place of what is there.
    pub fn put(&self, key: &str, bytes: Vec<u8>) -> io::Result<()> {
        let (backend, path) = (Arc::clone(&self.backend), self.path(key)?);
        let put = self.wait(async move { backend.put(&path, PutPayload::from(bytes)).await })?;
        put.map(drop).map_err(|error| io_error(&self.address(key), &error))
    }

    /// Begins an object, which appears when it is finished. A size that is known makes parts large
    /// enough for it.
    pub fn writer(&self, key: &str, size: Option<u64>) -> io::Result<ObjectWriter> {
        ObjectWriter::new(self, key, size)
    }

    /// Removes that version of an object. One that has taken its place stays, as far as the store can
    /// prevent it; then the answer is `false`.
    pub fn remove(&self, object: &Object) -> io::Result<bool> {
        match self.find(&object.key)? {
            None => return Ok(true),
            Some(found) if !found.is_same_version(object) => return Ok(false),
            Some(_) => {}
        }
        let (backend, path) = (Arc::clone(&self.backend), self.path(&object.key)?);
        let condition = object.etag.as_deref().filter(|_| self.kind() == StoreKind::S3);
        let condition = condition.and_then(|etag| HeaderValue::from_str(etag).ok());
        let removed = self.wait(async move {
            match condition {
                Some(etag) => IF_MATCH.scope(etag, backend.delete(&path)).await,
                None => backend.delete(&path).await,
            }
        })?;
        match removed.map_err(|error| io_error(&self.address(&object.key), &error)) {
            Ok(()) => Ok(true),
            Err(error) if is_absent(&error) => Ok(true),
            Err(error) if is_replaced(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_the_same_version_in_a_listing_and_by_itself() {
        let of = |etag: &str| {
            let e_tag = Some(etag.to_owned());
            let meta = ObjectMeta {
                location: Path::from("a"),
                last_modified: chrono::DateTime::UNIX_EPOCH,
                size: 1,
                e_tag,
                version: None,
            };
            Object::of("a", meta)
        };
        assert!(of("0x8DE2F1").is_same_version(&of("\"0x8DE2F1\"")));
        assert!(!of("0x8DE2F1").is_same_version(&of("\"0x8DE2F2\"")));
        assert_eq!(of("W/\"1\"").etag.as_deref(), Some("W/\"1\""));
    }
}
