//! The *guard* keeps calls away from hosts that were not allowed, where others say what is
//! to be called: it compares names, and looks at the addresses that are connected to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::Failure;

/// Which hosts may be called.
#[derive(Clone, Debug)]
pub struct Guard {
    allowed: Arc<[AllowedHost]>,
}

/// A host that the operator allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedHost {
    /// Its name or address, in lower case; `*.` before it stands for all names below.
    host: String,
    /// The only port, if one is named.
    port: Option<u16>,
    /// Whether it may have a private address.
    is_private: bool,
}

/// An address that must not be connected to.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

impl AllowedHost {
    /// A host as the settings write it: `files.example.org`, `*.example.org:8443`; with
    /// `private:` before it, its addresses may be private, and TLS is not needed.
    pub fn parse(text: &str) -> Option<Self> {
        let (is_private, rest) = match text.strip_prefix("private:") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let name = rest.strip_prefix("*.").unwrap_or(rest);
        let url = Url::parse(&format!("https://{name}/")).ok()?;
        let is_bare = url.username().is_empty()
            && url.password().is_none()
            && url.path() == "/"
            && url.query().is_none();
        // The default port is not kept by the URL.
        let port = url.port().or_else(|| name.ends_with(":443").then_some(443));
        let host = url.host_str().filter(|host| is_bare && !host.contains('*'))?.to_ascii_lowercase();
        let host = if rest.starts_with("*.") { format!("*.{host}") } else { host };
        Some(AllowedHost { host, port, is_private })
    }

    fn covers_name(&self, name: &str) -> bool {
        match self.host.strip_prefix("*.") {
            Some(domain) => name.strip_suffix(domain).is_some_and(|sub| sub.ends_with('.') && sub.len() > 1),
            None => self.host == name,
        }
    }

    fn covers(&self, url: &Url) -> bool {
        let port = url.port_or_known_default();
        url.host_str().is_some_and(|name| self.covers_name(&name.to_ascii_lowercase()))
            && self.port.map_or(port == Some(443) || self.is_private, |allowed| port == Some(allowed))
    }
}

impl Guard {
    /// Allows these hosts and no others.
    pub fn new(allowed: Vec<AllowedHost>) -> Self {
        Guard { allowed: allowed.into() }
    }

    /// Refuses a URL of another host, without TLS, or with an address that is private.
    pub fn check(&self, url: &Url) -> Result<(), Failure> {
        let refused = |reason: &str| {
            let host = url.host_str().unwrap_or("none");
            Err(Failure::Permanent(format!("the host {host} must not be called: {reason}")))
        };
        if !url.username().is_empty() || url.password().is_some() {
            return refused("the URL has a user name or password");
        }
        let covering: Vec<&AllowedHost> = self.allowed.iter().filter(|allowed| allowed.covers(url)).collect();
        if covering.is_empty() {
            return refused("it is not among the allowed hosts");
        }
        let may_be_private = covering.iter().any(|allowed| allowed.is_private);
        if url.scheme() != "https" && !(url.scheme() == "http" && may_be_private) {
            return refused("the URL does not begin with https://");
        }
        let address =
            url.host_str().map(|host| host.trim_matches(['[', ']'])).and_then(|host| host.parse().ok());
        if address.is_some_and(is_private) && !may_be_private {
            return refused("its address is private");
        }
        Ok(())
    }

    fn allows_private(&self, name: &str) -> bool {
        self.allowed.iter().any(|allowed| allowed.is_private && allowed.covers_name(name))
    }
}

impl Resolve for Guard {
    /// The addresses that the client connects to: what was checked is what is used.
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_ascii_lowercase();
        let may_be_private = self.allows_private(&name);
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let allowed: Vec<SocketAddr> =
                found.into_iter().filter(|address| may_be_private || !is_private(address.ip())).collect();
            if allowed.is_empty() {
                return Err(Refused(format!("the host {name} has no address that may be called")).into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is of this machine, of a local network, or of none.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_private_v4(address),
        IpAddr::V6(address) => is_private_v6(address),
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || first == 0
        || first >= 240
        // Shared by providers, for protocols, for benchmarks.
        || (first == 100 && (64..128).contains(&second))
        || (first == 192 && second == 0 && third == 0)
        || (first == 198 && (18..20).contains(&second))
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    // An IPv4 address may hide in one of IPv6: mapped, compatible, translated, 6to4.
    let segments = address.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_private_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        // Everything that is routed begins with 2000::/3; of that, Teredo and documentation do not count.
        [first, ..] if first & 0xe000 != 0x2000 => true,
        [0x2001, second, ..] => second < 0x200 || second == 0xdb8,
        [0x3fff, second, ..] => second < 0x1000,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(hosts: &[&str]) -> Guard {
        Guard::new(hosts.iter().map(|host| AllowedHost::parse(host).unwrap()).collect())
    }

    #[test]
    fn private_addresses_are_known_in_every_spelling() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
        ] {
            assert!(is_private(private.parse().unwrap()), "{private}");
        }
        for public in
            ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "2001:4860:4860::8888", "::ffff:8.8.8.8"]
        {
            assert!(!is_private(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn only_allowed_hosts_are_called() {
        let guard =
            guard(&["files.example.org", "*.storage.example.net:8443", "private:ehr.local:8080", "10.0.0.5"]);
        for allowed in [
            "https://files.example.org/manifest.json",
            "https://FILES.example.org:443/x",
            "https://a.storage.example.net:8443/x",
            "http://ehr.local:8080/x",
        ] {
            assert!(guard.check(&allowed.parse().unwrap()).is_ok(), "{allowed}");
        }
        for refused in [
            "http://files.example.org/manifest.json",
            "https://files.example.org:8443/x",
            "https://files.example.org.evil.example/x",
            "https://evil.example/files.example.org",
            "https://files.example.org@evil.example/x",
            "https://u:p@files.example.org/x",
            "https://storage.example.net:8443/x",
            "https://a.storage.example.net/x",
            "http://ehr.local:8081/x",
            "file:///etc/passwd",
            "ftp://files.example.org/x",
            // Allowed by name, and private all the same.
            "https://10.0.0.5/x",
            "https://2130706433/x",
            "https://0x7f.1/x",
        ] {
            assert!(guard.check(&refused.parse().unwrap()).is_err(), "{refused}");
        }
    }

    #[test]
    fn what_is_no_host_is_not_allowed() {
        for wrong in
            ["", "https://files.example.org", "a b", "files.example.org/x", "me@files.example.org", "*"]
        {
            assert_eq!(AllowedHost::parse(wrong), None, "{wrong}");
        }
    }
}
