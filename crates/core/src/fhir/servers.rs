//! The FHIR *servers* of a source, as far as they are known: absolute references to them mean
//! the same as relative ones.

use super::address::is_same_base;

/// The most servers that are learned of a source: somebody who has more forwards what others
/// have.
const MAX_SERVERS: usize = 16;

/// The base URLs of a source's servers.
#[derive(Clone, Debug, Default)]
pub struct Servers {
    base_urls: Vec<String>,
}

impl Servers {
    /// Notes a server that somebody has said the source has.
    pub fn add(&mut self, base_url: &str) {
        if !self.base_urls.iter().any(|known| known == base_url) {
            self.base_urls.push(base_url.to_owned());
        }
    }

    /// Notes a server that a file tells of; whether it is new.
    pub fn learn(&mut self, base_url: &str) -> bool {
        let is_known = self.base_urls.iter().any(|known| is_same_base(known, base_url));
        let is_new = !is_known && self.base_urls.len() < MAX_SERVERS;
        if is_new {
            self.base_urls.push(base_url.to_owned());
        }
        is_new
    }

    /// Their base URLs.
    pub fn base_urls(&self) -> &[String] {
        &self.base_urls
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_learned_once_and_not_without_end() {
        let mut servers = Servers::default();
        servers.add("https://a.example/fhir");
        assert!(!servers.learn("https://a.example/fhir/"));
        assert!(servers.learn("https://b.example/fhir"));
        for number in 0..100 {
            servers.learn(&format!("https://{number}.example"));
        }
        assert_eq!(servers.base_urls().len(), MAX_SERVERS);
    }
}
