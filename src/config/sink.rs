//! `[[sink]]` in the settings file: each sink has a name, a kind, a source and the URL of a
//! server.

use std::path::Path;

use toml::Spanned;
use toml::de::DeValue;

use super::feed_settings::ExportAuthorization;
use super::fields::Fields;
use super::file::Parser;
use super::resource_type::resource_type;
use super::sink_settings::{SinkAuthorization, SinkSettings};
use super::values;
use crate::inbox::source_folder;

/// What a sink has.
const KEYS: [&str; 22] = [
    "name",
    "kind",
    "source",
    "url",
    "types",
    "leave_out",
    "user",
    "password_file",
    "password_environment",
    "token_file",
    "token_environment",
    "client_id",
    "private_key_file",
    "private_key_environment",
    "key_id",
    "token_url",
    "scope",
    "batch_size",
    "parallel",
    "timeout",
    "retry_wait",
    "retries",
];

impl Parser<'_> {
    /// The sinks of the list.
    pub(super) fn sinks(&mut self, items: &[Spanned<DeValue<'_>>]) {
        let mut sinks: Vec<SinkSettings> = Vec::new();
        self.entries("sink", items, &mut |fields| {
            let Some(sink) = fields.sink() else { return };
            match sinks.iter().find(|other| other.url == sink.url) {
                Some(other) => fields.complain(
                    "url",
                    &format!(
                        "is also that of sink {:?}: a server gets the resources of one source, by one sink, because ids \
                         of two senders must not meet",
                        other.name
                    ),
                ),
                None => sinks.push(sink),
            }
        });
        self.file.sinks.extend(sinks);
    }
}

impl Fields<'_, '_, '_> {
    fn sink(&mut self) -> Option<SinkSettings> {
        let before = self.complaint_count();
        if !cfg!(feature = "feeds") {
            self.complain("", "needs the feature `feeds`, which this fhirmill was built without");
        }
        match self.text("kind").as_deref() {
            Some("fhir") => {}
            Some(kind) => self.complain(
                "kind",
                &format!("is of kind {kind:?}, but this version has only fhir (a FHIR server); Postgres is always filled"),
            ),
            None if self.has("kind") => {}
            None => self.complain("", "has no kind: this version has fhir (a FHIR server)"),
        }
        self.refuse_others(&KEYS, "of a sink");
        let source = self.required("source", |text| match source_folder(Path::new(""), text) {
            Ok(_) => Ok(text.to_owned()),
            Err(_) => Err("a name that a folder can have".to_owned()),
        });
        let url = self.required("url", |text| {
            let url = values::web_url(text)?;
            if url.contains('?') { Err("a URL without a query".to_owned()) } else { Ok(normalized(&url)) }
        });
        let (types, leave_out) = self.sink_types();
        let authorization = self.sink_authorization();
        let sink = SinkSettings {
            name: self.name().to_owned(),
            authorization,
            batch_size: self.number("batch_size", 1, 10_000).unwrap_or(100) as usize,
            parallel: self.number("parallel", 1, 64).unwrap_or(4) as usize,
            timeout: self.parsed("timeout", values::pause).unwrap_or(std::time::Duration::from_secs(120)),
            retry_wait: self.parsed("retry_wait", values::pause).unwrap_or(std::time::Duration::from_secs(5)),
            retries: self.number("retries", 0, 1000).map_or(12, |number| number as u32),
            source: source?,
            url: url?,
            types: types?,
            leave_out: leave_out?,
        };
        (self.complaint_count() == before).then_some(sink)
    }

    /// The types that it gets, and those that are left out.
    fn sink_types(&mut self) -> (Option<Vec<String>>, Option<Vec<String>>) {
        let is_type = |name: &str| resource_type(name).map(|_| ());
        let (types, leave_out) = (self.texts("types", is_type), self.texts("leave_out", is_type));
        if let Some(types) = &types {
            if types.is_empty() {
                self.complain("types", "has no types: name those to send, in their order");
            }
            let is_repeated = |(number, name): (usize, &String)| types[..number].contains(name);
            if let Some(name) =
                types.iter().enumerate().find_map(|named| is_repeated(named).then_some(named.1))
            {
                self.complain("types", &format!("has {name} twice"));
            }
            let both = leave_out.iter().flatten().find(|name| types.contains(name));
            if let Some(both) = both {
                self.complain("leave_out", &format!("has {both:?}, which types has, too"));
            }
        }
        (types, leave_out)
    }

    fn sink_authorization(&mut self) -> SinkAuthorization {
        let (user, password) = (self.text("user"), self.secret("password"));
        let token = self.authorization();
        match (user, password) {
            (None, None) => SinkAuthorization::Token(token),
            (Some(user), Some(password)) => {
                if token != ExportAuthorization::None {
                    self.complain("user", "cannot be set together with a token or a client_id");
                }
                SinkAuthorization::Basic { user, password }
            }
            (Some(_), None) => {
                self.complain("user", "needs password_file or password_environment");
                SinkAuthorization::Token(token)
            }
            (None, Some(_)) => {
                self.complain("", "has a password, but no user");
                SinkAuthorization::Token(token)
            }
        }
    }
}

/// One spelling for one server.
fn normalized(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let (host, path) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, ""),
    };
    let host = host.to_ascii_lowercase();
    let port = if scheme == "https" { ":443" } else { ":80" };
    let host = host.strip_suffix(port).unwrap_or(&host);
    format!("{scheme}://{host}{}", path.trim_end_matches('/'))
}

#[cfg(test)]
#[cfg(feature = "feeds")]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::Secret;
    use crate::config::file::test_support::{assert_begin, parse};
    use pretty_assertions::assert_eq;

    #[test]
    fn a_sink_has_what_is_set_and_defaults_for_the_rest() {
        let (file, complaints) = parse(
            "[[sink]]\nname = 'a'\nkind = 'fhir'\nsource = 'north'\nurl = 'https://HAPI.example:443/fhir/'\ntypes = ['Patient']\n\
             [[sink]]\nname = 'b'\nkind = 'fhir'\nsource = 'south'\nurl = 'http://hapi:8080/fhir'\n\
             types = ['Patient', 'ExplanationOfBenefit']\nleave_out = 'Coverage'\nuser = 'mill'\npassword_environment = 'PW'\n\
             batch_size = 50\nparallel = 2\ntimeout = '10s'\nretry_wait = '10ms'\nretries = 0\n",
        );
        assert_eq!(complaints, Vec::<String>::new());
        let first = SinkSettings {
            name: "a".to_owned(),
            source: "north".to_owned(),
            url: "https://hapi.example/fhir".to_owned(),
            types: vec!["Patient".to_owned()],
            leave_out: Vec::new(),
            authorization: SinkAuthorization::Token(ExportAuthorization::None),
            batch_size: 100,
            parallel: 4,
            timeout: Duration::from_secs(120),
            retry_wait: Duration::from_secs(5),
            retries: 12,
        };
        assert_eq!(file.sinks[0], first);
        let second = SinkSettings {
            name: "b".to_owned(),
            source: "south".to_owned(),
            url: "http://hapi:8080/fhir".to_owned(),
            types: vec!["Patient".to_owned(), "ExplanationOfBenefit".to_owned()],
            leave_out: vec!["Coverage".to_owned()],
            authorization: SinkAuthorization::Basic {
                user: "mill".to_owned(),
                password: Secret::Environment("PW".to_owned()),
            },
            batch_size: 50,
            parallel: 2,
            timeout: Duration::from_secs(10),
            retry_wait: Duration::from_millis(10),
            retries: 0,
        };
        assert_eq!(file.sinks[1], second);
    }

    #[test]
    fn everything_wrong_is_told_with_its_line() {
        let (file, complaints) = parse(
            "[[sink]]\nname = 'a'\nkind = 'parquet'\nsource = 'n'\nurl = 'https://e'\ntypes = ['Patient']\n\
             [[sink]]\nname = 'b'\nsource = '../etc'\nurl = 'https://e?x'\ntypes = []\n\
             [[sink]]\nname = 'c'\nkind = 'fhir'\nurl = 'https://f'\nsource = 'n'\ntypes = ['Pateint', 'Claim', 'Claim']\n\
             leave_out = ['Claim']\nuser = 'u'\nbatch_size = 0\ntimout = '1s'\n\
             [[sink]]\nname = 'd'\nkind = 'fhir'\nsource = 'n'\nurl = 'https://G/'\ntypes = ['Patient']\n\
             [[sink]]\nname = 'e'\nkind = 'fhir'\nsource = 'other'\nurl = 'https://g:443'\ntypes = ['Patient']\n",
        );
        let begins = [
            "line 3: sink \"a\" is of kind \"parquet\", but this version has only fhir",
            "line 7: sink \"b\" has no kind",
            "line 9: source is \"../etc\", but must be a name",
            "line 10: url is \"https://e?x\", but must be a URL without a query",
            "line 11: types has no types",
            "line 17: types has \"Pateint\"",
            "line 17: types has Claim twice",
            "line 18: leave_out has \"Claim\"",
            "line 19: user needs password_file",
            "line 20: batch_size must be a whole number",
            "line 21: timout is not a setting of a sink; did you mean timeout?",
            "line 32: url is also that of sink \"d\"",
        ];
        assert_begin(&complaints, &begins);
        assert_eq!(file.sinks.iter().map(|sink| sink.name.as_str()).collect::<Vec<_>>(), ["d"]);
    }
}
