//! *Key sets*: the public keys of senders, from the ledger or from a URL that the
//! operator set.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use fhirmill_postgres::ledger::Sender;
use fhirmill_postgres::lock::lock;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use tracing::warn;

use crate::report::in_one_line;

/// How long a fetched key set is used.
const FRESH: Duration = Duration::from_secs(300);
/// How long the URL is left alone after it was fetched, even if a key is unknown: keys that
/// rotate are found, and assertions with invented keys do not fetch it each time.
const PAUSE: Duration = Duration::from_secs(5);
/// The most bytes of a key set.
const MOST_BYTES: usize = 128 * 1024;
/// How long fetching may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Key sets that were fetched.
#[derive(Debug)]
pub struct KeySets {
    client: reqwest::Client,
    fetched: Mutex<HashMap<String, (Instant, Option<JwkSet>)>>,
}

impl KeySets {
    /// None fetched yet.
    pub fn new() -> reqwest::Result<Self> {
        let client = reqwest::Client::builder()
            .https_only(true)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TIMEOUT)
            .build()?;
        Ok(KeySets { client, fetched: Mutex::default() })
    }

    /// The keys of a sender that may have signed with `kid`: those of that id, or all if the
    /// signature names none.
    pub async fn candidates(&self, sender: &Sender, kid: Option<&str>) -> Vec<Jwk> {
        if let Some(text) = &sender.jwks
            && let Ok(set) = serde_json::from_str::<JwkSet>(text)
        {
            let found = matching(&set, kid);
            if !found.is_empty() {
                return found;
            }
        }
        let Some(url) = &sender.jwks_url else { return Vec::new() };
        let known = lock(&self.fetched).get(url).cloned();
        if let Some((since, set)) = known {
            let found = set.map(|set| matching(&set, kid)).unwrap_or_default();
            let is_fresh = since.elapsed() < if found.is_empty() { PAUSE } else { FRESH };
            if is_fresh {
                return found;
            }
        }
        let set = self.fetch(url).await.inspect_err(|failure| {
            warn!(sender = %sender.name, "the public keys of sender {} could not be fetched: {failure}", sender.name);
        });
        let set = set.ok();
        let found = set.as_ref().map(|set| matching(set, kid)).unwrap_or_default();
        lock(&self.fetched).insert(url.clone(), (Instant::now(), set));
        found
    }

    async fn fetch(&self, url: &str) -> Result<JwkSet, String> {
        let answer = self.client.get(url).send().await;
        let mut answer = answer.map_err(|failure| in_one_line(&failure.without_url()))?;
        if !answer.status().is_success() {
            return Err(format!("the answer has status {}", answer.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(bytes) = answer.chunk().await.map_err(|failure| in_one_line(&failure.without_url()))? {
            if body.len() + bytes.len() > MOST_BYTES {
                return Err(format!("the answer has more than {MOST_BYTES} bytes"));
            }
            body.extend_from_slice(&bytes);
        }
        serde_json::from_slice(&body).map_err(|_| "the answer is not a JSON Web Key Set".to_owned())
    }
}

fn matching(set: &JwkSet, kid: Option<&str>) -> Vec<Jwk> {
    let is_wanted = |key: &&Jwk| kid.is_none() || key.common.key_id.as_deref() == kid;
    set.keys.iter().filter(is_wanted).cloned().collect()
}
