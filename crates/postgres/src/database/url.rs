//! The URL of a database, password included.
//!
//! libpq parses the URL when it connects. It is also parsed here, for two
//! reasons: messages name the server, the database and the user, and must never
//! show the password; and libpq quotes part of a password with a raw `/` or `@` as
//! a wrong port or host, so such a URL is rejected before libpq sees it. The `url`
//! crate rejects several hosts and accepts a raw `@` in a password;
//! `tokio_postgres::Config` rejects `sslmode=verify-full` and `sslrootcert`.

use std::fmt;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};

/// A Postgres URL. `Debug` and `Display` show it without the password.
#[derive(Clone)]
pub struct DatabaseUrl {
    url: SecretString,
    /// Hosts and ports as written, for messages.
    pub server: String,
    /// The database's name as written, or libpq's default.
    pub database: String,
    /// The user's name as written, or libpq's default.
    pub user: String,
}

impl DatabaseUrl {
    /// The whole URL, password included.
    pub fn expose(&self) -> &str {
        self.url.expose_secret()
    }

    /// The URL with connection parameters added. Those of the URL come after them
    /// and take precedence.
    pub fn with_parameters(&self, parameters: &str) -> SecretString {
        let url = self.expose();
        SecretString::from(match url.split_once('?') {
            Some((address, own)) => format!("{address}?{parameters}&{own}"),
            None => format!("{url}?{parameters}"),
        })
    }
}

impl DatabaseUrl {
    /// The URL for a command line, which other users of the machine can read, and the
    /// password apart, if the URL has one.
    pub fn without_password(&self) -> (String, Option<SecretString>) {
        let url = self.expose();
        let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
        let (address, query) =
            rest.split_once('?').map_or((rest, None), |(address, query)| (address, Some(query)));
        let mut password = None;
        let address = match address.split_once('@') {
            Some((credentials, server)) => {
                let (user, found) = credentials
                    .split_once(':')
                    .map_or((credentials, None), |(user, found)| (user, Some(found)));
                password = found.map(decoded);
                format!("{user}@{server}")
            }
            None => address.to_owned(),
        };
        let mut parameters = Vec::new();
        for parameter in query.unwrap_or_default().split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.strip_prefix("password=") {
                Some(found) => password = Some(decoded(found)),
                None => parameters.push(parameter),
            }
        }
        let query = if parameters.is_empty() { String::new() } else { format!("?{}", parameters.join("&")) };
        (format!("{scheme}://{address}{query}"), password.map(SecretString::from))
    }
}

/// The text that percent signs encode.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let digits = text.get(index + 1..index + 3).filter(|_| bytes[index] == b'%');
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                plain.push(byte);
                index += 3;
            }
            None => {
                plain.push(bytes[index]);
                index += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server, database, user, .. } = self;
        write!(formatter, "postgres://{user}@{server}/{database}")
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "DatabaseUrl({self})")
    }
}

impl FromStr for DatabaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rest = text
            .strip_prefix("postgres://")
            .or_else(|| text.strip_prefix("postgresql://"))
            .ok_or("a URL that begins with postgres://")?;
        let encode = "a URL whose password has @ : / ? # and % written as %40 %3A %2F %3F %23 and %25";
        let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path_and_query) = rest.split_at(authority_end);
        if path_and_query.contains(['@', '#']) || !percent_signs_are_encodings(rest) {
            return Err(encode.to_owned());
        }
        let (user_and_password, server) = authority.split_once('@').unwrap_or(("", authority));
        let (user, password) = user_and_password.split_once(':').unwrap_or((user_and_password, ""));
        if server.contains('@') || password.contains(':') {
            return Err(encode.to_owned());
        }
        if !ports_are_numbers(server) {
            return Err("a URL whose port is a number".to_owned());
        }
        let path = path_and_query.split('?').next().unwrap_or_default();
        let database = path.trim_start_matches('/');

        let or_default = |name: &str, default: &str| {
            if name.is_empty() { default.to_owned() } else { name.to_owned() }
        };
        Ok(Self {
            url: SecretString::from(text),
            server: or_default(server, "localhost"),
            database: or_default(database, "of the user's name"),
            user: or_default(user, "of this process"),
        })
    }
}

fn percent_signs_are_encodings(text: &str) -> bool {
    let bytes = text.as_bytes();
    for (index, byte) in bytes.iter().enumerate() {
        if *byte == b'%' {
            let digits = bytes.get(index + 1..index + 3).unwrap_or_default();
            if digits.len() != 2 || !digits.iter().all(u8::is_ascii_hexdigit) {
                return false;
            }
        }
    }
    true
}

/// Servers are `host`, `host:port` or `[address]:port`, several with commas.
fn ports_are_numbers(servers: &str) -> bool {
    for server in servers.split(',') {
        let after_address = server.rsplit(']').next().unwrap_or(server);
        if let Some((_, port)) = after_address.rsplit_once(':')
            && port.parse::<u16>().is_err()
        {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_named_and_the_password_is_not() {
        let url =
            DatabaseUrl::from_str("postgres://fhir:swordfish@db.example:5433/mill?sslmode=require").unwrap();
        assert_eq!(
            (url.user.as_str(), url.server.as_str(), url.database.as_str()),
            ("fhir", "db.example:5433", "mill")
        );
        assert_eq!(format!("{url}"), "postgres://fhir@db.example:5433/mill");
        assert!(!format!("{url:?}").contains("swordfish"));
    }

    #[test]
    fn a_command_line_has_no_password() {
        for (text, shown, password) in [
            ("postgres://u:p%40ss@h:1/d?sslmode=require", "postgres://u@h:1/d?sslmode=require", Some("p@ss")),
            ("postgres://u@h/d?password=s%C3%A9&x=1", "postgres://u@h/d?x=1", Some("s\u{e9}")),
            ("postgres://h/d?password=s", "postgres://h/d", Some("s")),
            ("postgres://u@%2Frun/d", "postgres://u@%2Frun/d", None),
            ("postgresql://", "postgresql://", None),
        ] {
            let (url, found) = DatabaseUrl::from_str(text).unwrap().without_password();
            assert_eq!((url.as_str(), found.as_ref().map(ExposeSecret::expose_secret)), (shown, password));
        }
    }

    #[test]
    fn what_the_url_says_itself_comes_after_our_parameters() {
        let url = DatabaseUrl::from_str("postgres://a@h/d?connect_timeout=3").unwrap();
        assert_eq!(
            url.with_parameters("connect_timeout=10").expose_secret(),
            "postgres://a@h/d?connect_timeout=10&connect_timeout=3"
        );
        let url = DatabaseUrl::from_str("postgres://a@h/d").unwrap();
        assert_eq!(url.with_parameters("x=1").expose_secret(), "postgres://a@h/d?x=1");
    }

    #[test]
    fn addresses_of_every_form_are_taken() {
        for right in [
            "postgres://",
            "postgresql://localhost",
            "postgres://[::1]:5432/mill",
            "postgres://u@%2Fvar%2Frun%2Fpostgresql/mill",
            "postgres://u:p%40ss@one:5432,two:5432/mill",
        ] {
            assert!(DatabaseUrl::from_str(right).is_ok(), "{right}");
        }
    }

    #[test]
    fn a_pastuna_that_libpq_would_quote_is_refused_without_quoting_it() {
        for wrong in [
            "postgres://u:tuna/fish@h/d",
            "postgres://u:tuna@fish@h/d",
            "postgres://u:tuna?fish@h/d",
            "postgres://u:tuna#fish@h/d",
            "postgres://u:tuna:fish@h/d",
            "postgres://u:tuna%fish@h/d",
            "postgres://h:tuna/d",
            "http://u:tunafish@h/d",
        ] {
            let complaint = DatabaseUrl::from_str(wrong).unwrap_err();
            assert!(!complaint.contains("tuna"), "{complaint}");
        }
    }
}
