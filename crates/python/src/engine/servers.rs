//! The FHIR servers of the source, as far as files tell: absolute references to them mean
//! the same as relative ones.

use fhirmill_core::fhir::is_same_base;

/// The most servers that are learned: somebody who has more forwards what others have.
const MAX_SERVERS: usize = 16;

/// See the module.
pub struct Servers {
    base_urls: Vec<String>,
    /// The number of the Bundle around the last frame.
    last_bundle: u64,
}

impl Servers {
    pub fn new(known: &[String]) -> Self {
        Servers { base_urls: known.to_vec(), last_bundle: 0 }
    }

    /// Notes that the source has this server; whether that is new.
    pub fn learn(&mut self, base_url: &str) -> bool {
        let is_known = self.base_urls.iter().any(|known| is_same_base(known, base_url));
        let is_new = !is_known && self.base_urls.len() < MAX_SERVERS;
        if is_new {
            self.base_urls.push(base_url.to_owned());
        }
        is_new
    }

    /// Whether the Bundle is another one than that of the last frame.
    pub fn is_new(&mut self, bundle: u64) -> bool {
        std::mem::replace(&mut self.last_bundle, bundle) != bundle
    }

    pub fn base_urls(&self) -> &[String] {
        &self.base_urls
    }
}
