//! The FHIR servers of the source, as far as files tell.

/// See the module.
pub struct Servers {
    known: fhirmill_core::fhir::Servers,
    /// The number of the Bundle around the last frame.
    last_bundle: u64,
}

impl Servers {
    pub fn new(base_urls: &[String]) -> Self {
        let mut known = fhirmill_core::fhir::Servers::default();
        base_urls.iter().for_each(|base_url| known.add(base_url));
        Servers { known, last_bundle: 0 }
    }

    /// Notes that the source has this server; whether that is new.
    pub fn learn(&mut self, base_url: &str) -> bool {
        self.known.learn(base_url)
    }

    /// Whether the Bundle is another one than that of the last frame.
    pub fn is_new(&mut self, bundle: u64) -> bool {
        std::mem::replace(&mut self.last_bundle, bundle) != bundle
    }

    pub fn base_urls(&self) -> &[String] {
        self.known.base_urls()
    }
}
