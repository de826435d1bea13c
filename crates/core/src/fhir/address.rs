//! An *address* is a URL that names a resource: a `fullUrl`, a reference, or the
//! url of a request. All of them are read here, so that whatever gives a
//! resource its identity and whatever looks for it agree.
//! Sources: <https://hl7.org/fhir/R4/references.html#literal>,
//! <https://hl7.org/fhir/R4/http.html#general>.

use std::borrow::Cow;

use uuid::Uuid;

use super::resource_type::ResourceType;
use super::trimmed::trimmed;

/// What a URL names, without looking anything up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address<'a> {
    /// `[base/]Type/id[/_history/version]`, perhaps with a query, which is no part
    /// of the name; or `[base/]Type?_id=id`, which means the same.
    Rest {
        /// The server, with a slash at the end; `None` for a relative URL.
        base: Option<&'a str>,
        /// The resource's type.
        resource_type: ResourceType,
        /// The resource's id, percent-decoded.
        id: Cow<'a, str>,
        /// The version's id, if the URL names a version.
        version: Option<&'a str>,
    },
    /// `[base/]Type?query`
    Search {
        /// The server, with a slash at the end; `None` for a relative URL.
        base: Option<&'a str>,
        /// The type that is searched.
        resource_type: ResourceType,
        /// What is behind the question mark, percent-encoded as written.
        query: &'a str,
    },
    /// `urn:uuid:` of a UUID, in any case.
    Uuid(Uuid),
    /// `urn:oid:` of an OID, which this is.
    Oid(&'a str),
    /// `#id`, which this is the id of: a resource contained in the one that says so.
    Fragment(&'a str),
    /// Anything else, without blanks around: it means something only to the
    /// Bundle that it is in.
    Local(&'a str),
}

impl<'a> Address<'a> {
    /// Reads a URL. Blanks around it, a slash or `./` before a relative URL, slashes at
    /// the end and the case of a type's name mean nothing.
    pub fn parse(written: &'a str) -> Self {
        if let Some(address) = plain(written) {
            return address;
        }
        let written = trimmed(written);
        let written = written.strip_prefix("./").unwrap_or(written);
        if let Some(id) = written.strip_prefix('#') {
            return Address::Fragment(id);
        }
        if let Some(text) = strip_scheme(written, "urn:uuid:") {
            return uuid(text).map_or(Address::Local(written), Address::Uuid);
        }
        if let Some(text) = strip_scheme(written, "urn:oid:") {
            return if is_oid(text) { Address::Oid(text) } else { Address::Local(written) };
        }
        let (path, query) = match written.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (written, None),
        };
        rest(path, query).unwrap_or(Address::Local(written))
    }

    /// The id that the URL gives to a resource of that type wherever it is used;
    /// `None` if it names none, or only within its Bundle.
    pub fn global_id(&self, of_type: ResourceType) -> Option<Cow<'a, str>> {
        match self {
            Address::Rest { base: Some(_), resource_type, id, .. } if *resource_type == of_type => {
                Some(id.clone())
            }
            Address::Uuid(uuid) => Some(uuid.to_string().into()),
            Address::Oid(oid) => Some(Cow::Borrowed(oid)),
            _ => None,
        }
    }
}

/// Reads `Type/id`, as nearly all references are written, in one pass; `None` if
/// anything else may be meant.
fn plain(written: &str) -> Option<Address<'_>> {
    // The names of types begin with a capital; URNs, most of the others, do not.
    if !written.starts_with(|first: char| first.is_ascii_uppercase()) {
        return None;
    }
    let slash = written.bytes().position(|byte| byte == b'/')?;
    let (name, id) = (&written[..slash], &written[slash + 1..]);
    // Looks at all bytes at once instead of stopping at the first.
    let is_plain = |is_plain: bool, byte: u8| {
        is_plain & (byte.is_ascii_alphanumeric() | (byte == b'-') | (byte == b'.'))
    };
    if id.is_empty() || !id.bytes().fold(true, is_plain) {
        return None;
    }
    let resource_type = ResourceType::named(name)?;
    Some(Address::Rest { base: None, resource_type, id: Cow::Borrowed(id), version: None })
}

/// Reads what is neither a URN nor a fragment.
fn rest<'a>(path: &'a str, query: Option<&'a str>) -> Option<Address<'a>> {
    let bare = path.trim_end_matches('/');
    let (base, relative) = match bare.find("://") {
        Some(end) => {
            let path_start = end + 3 + bare[end + 3..].find('/')?;
            (true, path_start + 1)
        }
        // A path on the server that it is written on.
        None if bare.starts_with('/') => (false, bare.len() - bare.trim_start_matches('/').len()),
        None => (false, 0),
    };
    let is_path = base || bare.starts_with('/');
    let last = bare.rfind('/').map_or(0, |slash| slash + 1).max(relative);
    if let Some(query) = query
        && let Some(resource_type) = ResourceType::named_in_any_case(&bare[last..])
        && (last == relative || is_path)
    {
        let base = base.then(|| &bare[..last]);
        return Some(match searched_id(query) {
            Some(id) => Address::Rest { base, resource_type, id, version: None },
            None => Address::Search { base, resource_type, query },
        });
    }
    let (current, version) = match bare[relative..].rsplit_once("/_history") {
        Some((current, "")) => (current, None),
        Some((current, version)) => (current, Some(version.strip_prefix('/')?)),
        None => (&bare[relative..], None),
    };
    let (before, id) = current.rsplit_once('/')?;
    let (prefix, name) = before.rsplit_once('/').map_or(("", before), |(prefix, name)| (prefix, name));
    if (!prefix.is_empty() && !is_path) || id.is_empty() || id.contains('#') {
        return None;
    }
    let resource_type = ResourceType::named_in_any_case(name)?;
    let start = relative + before.len() - name.len();
    Some(Address::Rest { base: base.then(|| &bare[..start]), resource_type, id: decoded(id), version })
}

/// The id that a query searches for, if it is only one.
fn searched_id(query: &str) -> Option<Cow<'_, str>> {
    let mut ids = query.split('&').filter_map(|parameter| parameter.strip_prefix("_id="));
    let id = decoded(trimmed(ids.next().filter(|_| ids.next().is_none())?));
    (!id.is_empty() && !id.contains([',', '/', '#'])).then_some(id)
}

/// What is behind a URN's scheme, whose letters may have either case.
fn strip_scheme<'a>(written: &'a str, scheme: &str) -> Option<&'a str> {
    let (start, rest) = written.split_at_checked(scheme.len())?;
    start.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// A UUID in its usual form of 36 characters.
pub fn uuid(text: &str) -> Option<Uuid> {
    if text.len() != 36 {
        return None;
    }
    Uuid::try_parse(text).ok()
}

/// Whether this is an OID (<https://hl7.org/fhir/R4/datatypes.html#oid>).
fn is_oid(text: &str) -> bool {
    let is_number = |arc: &str| {
        !arc.is_empty()
            && arc.bytes().all(|byte| byte.is_ascii_digit())
            && (arc == "0" || !arc.starts_with('0'))
    };
    matches!(text.as_bytes(), [b'0'..=b'2', b'.', ..]) && text.split('.').all(is_number)
}

/// Percent-decoded; what is no encoding of UTF-8 stays as it is written.
pub fn decoded(written: &str) -> Cow<'_, str> {
    if !written.contains('%') {
        return Cow::Borrowed(written);
    }
    let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
    let bytes = written.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let pair = digit(bytes.get(at + 1)).zip(digit(bytes.get(at + 2)));
        match pair.filter(|_| *byte == b'%') {
            Some((high, low)) => {
                decoded.push((high * 16 + low) as u8);
                at += 3;
            }
            None => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded)
        .ok()
        .filter(|text| !text.contains('\0'))
        .map_or(Cow::Borrowed(written), Cow::Owned)
}

/// The base of the server that a request went to, with a slash at the end: what
/// stands before the type, resource, or operation in its URL. `None` if that is no
/// absolute URL of the REST API.
pub fn requested_base(url: &str) -> Option<String> {
    let path = trimmed(url).split(['?', '#']).next()?;
    let (path, is_operation) = match path.find("/$").or_else(|| path.find("/%24")) {
        Some(end) => (&path[..end], true),
        None => (path, false),
    };
    let path = path.trim_end_matches('/').trim_end_matches("/_search").trim_end_matches("/_history");
    let host = path.find("://")? + 3;
    let is_type = |segment: &str| ResourceType::named(segment).is_some();
    let segments: Vec<&str> = path[host..].split('/').collect();
    let end = match *segments.as_slice() {
        [.., name, _id] if segments.len() > 2 && is_type(name) => segments.len() - 2,
        [.., name] if segments.len() > 1 && is_type(name) => segments.len() - 1,
        _ if is_operation => segments.len(),
        _ => return None,
    };
    (!segments[0].is_empty()).then(|| format!("{}{}/", &path[..host], segments[..end].join("/")))
}

/// Whether two bases name one server: the scheme, the case of letters and a
/// slash at the end make no difference.
pub fn is_same_base(one: &str, other: &str) -> bool {
    let bare = |base: &'_ str| {
        let base = base.trim_end_matches('/');
        base.find("://").map_or(0, |end| end + 3)..base.len()
    };
    one[bare(one)].eq_ignore_ascii_case(&other[bare(other)])
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;
    use proptest::prelude::*;

    use super::*;

    const UUID: &str = "6f1df156-8793-56a0-6df1-570bca4dcc07";

    fn rest<'a>(base: Option<&'a str>, name: &str, id: &'a str, version: Option<&'a str>) -> Address<'a> {
        let resource_type = ResourceType::named(name).expect("a type");
        Address::Rest { base, resource_type, id: Cow::Borrowed(id), version }
    }

    #[test]
    fn rest_urls_name_type_and_id() {
        let server = Some("https://a.example/r4/");
        for (written, expected) in [
            ("Patient/1", rest(None, "Patient", "1", None)),
            (" Patient/1 ", rest(None, "Patient", "1", None)),
            ("/Patient/1", rest(None, "Patient", "1", None)),
            ("Patient/1/", rest(None, "Patient", "1", None)),
            ("./Patient/1", rest(None, "Patient", "1", None)),
            ("patient/1", rest(None, "Patient", "1", None)),
            ("PATIENT/%31", rest(None, "Patient", "1", None)),
            ("https://a.example/r4/medicationrequest/1", rest(server, "MedicationRequest", "1", None)),
            ("/fhir/r4/Patient/1", rest(None, "Patient", "1", None)),
            ("Patient/a_b.c-d/_history/3", rest(None, "Patient", "a_b.c-d", Some("3"))),
            ("Patient/1/_history", rest(None, "Patient", "1", None)),
            ("Patient/a%2Db", rest(None, "Patient", "a-b", None)),
            ("Patient/a b", rest(None, "Patient", "a b", None)),
            ("https://a.example/r4/Patient/17", rest(server, "Patient", "17", None)),
            ("https://a.example/r4/Patient/17/_history/3", rest(server, "Patient", "17", Some("3"))),
            ("https://a.example/r4/Patient/17/_history/3/", rest(server, "Patient", "17", Some("3"))),
            ("http://localhost/Patient/17", rest(Some("http://localhost/"), "Patient", "17", None)),
        ] {
            assert_eq!(Address::parse(written), expected, "{written}");
        }
    }

    #[test]
    fn urns_are_global_only_if_they_are_what_they_say() {
        let uuid = Uuid::try_parse(UUID).expect("a UUID");
        for written in [format!("urn:uuid:{UUID}"), format!("URN:UUID:{}", UUID.to_uppercase())] {
            assert_eq!(Address::parse(&written), Address::Uuid(uuid), "{written}");
        }
        assert_eq!(Address::parse("urn:oid:1.2.840.0"), Address::Oid("1.2.840.0"));
        for local in [
            "urn:uuid:patient-1",
            "urn:uuid:",
            "urn:uuid:6f1df156879356a06df1570bca4dcc07",
            "urn:oid:patient",
            "urn:oid:3.1",
            "urn:oid:1",
            "urn:oid:1.02",
            "urn:example:p",
            "resource:0",
            UUID,
            "p",
            "",
            "Patient",
            "Patient/",
            "Nobody/1",
            "Patient/1/x",
            "x/Patient/1",
            "Patient/1#y",
            "https://a.example/",
            "https://a.example",
            "https://Patient/17",
            "https://a.example/export/patient-1",
        ] {
            assert_eq!(Address::parse(local), Address::Local(local), "{local}");
        }
        assert_eq!(Address::parse("#p"), Address::Fragment("p"));
    }

    #[test]
    fn searches_have_a_type_and_a_query() {
        let search = |base, query| Address::Search {
            base,
            resource_type: ResourceType::named("Patient").expect("a type"),
            query,
        };
        assert_eq!(Address::parse("Patient?identifier=a|b"), search(None, "identifier=a|b"));
        assert_eq!(
            Address::parse("/Patient?identifier=http://x/y|b"),
            search(None, "identifier=http://x/y|b")
        );
        assert_eq!(
            Address::parse("https://a.example/r4/Patient?identifier=b"),
            search(Some("https://a.example/r4/"), "identifier=b")
        );
        assert_eq!(Address::parse("Patient/1?_cascade=delete"), rest(None, "Patient", "1", None));
        assert_eq!(Address::parse("Patient?_id=1"), rest(None, "Patient", "1", None));
        assert_eq!(Address::parse("/Patient?active=true&_id=a%2Db"), rest(None, "Patient", "a-b", None));
        for several in ["_id=", "_id=1,2", "_id=1&_id=2"] {
            assert_eq!(Address::parse(&format!("Patient?{several}")), search(None, several));
        }
        assert_eq!(Address::parse("x/Patient?identifier=b"), Address::Local("x/Patient?identifier=b"));
    }

    #[test]
    fn requests_tell_the_server() {
        let base = Some("https://a.example/r4/".to_owned());
        for url in [
            "https://a.example/r4/$export?_type=Patient",
            "https://a.example/r4/Patient/$export",
            "https://a.example/r4/Group/g1/$export",
            "https://a.example/r4/%24export?_type=Patient",
            "https://a.example/r4/Patient?name=x",
            "https://a.example/r4/Patient/_search?name=x",
            "https://a.example/r4/Patient/1/$everything",
            "https://a.example/r4/Patient/1/_history",
            "https://a.example/r4/Patient/1",
        ] {
            assert_eq!(requested_base(url), base, "{url}");
        }
        assert_eq!(requested_base("https://a.example/$export"), Some("https://a.example/".to_owned()));
        for url in ["Patient/$export", "https://a.example/r4?_getpages=1", "", "https:///$export"] {
            assert_eq!(requested_base(url), None, "{url}");
        }
    }

    #[test]
    fn bases_are_compared_without_scheme_and_case() {
        assert!(is_same_base("https://A.example/r4/", "http://a.example/r4"));
        assert!(!is_same_base("https://a.example/r4/", "https://a.example/"));
    }

    proptest! {
        #[test]
        fn nothing_panics(written in ".{0,60}") {
            let _ = Address::parse(&written);
            let _ = decoded(&written);
        }

        #[test]
        fn what_is_composed_is_read(
            base in prop::option::of("https?://[a-z.]{1,9}/([a-z0-9]{1,5}/){0,3}"),
            id in "[A-Za-z0-9.-]{1,64}",
            version in prop::option::of("[A-Za-z0-9.-]{1,8}"),
        ) {
            let behind = version.as_ref().map(|version| format!("/_history/{version}")).unwrap_or_default();
            let written = format!("{}Patient/{id}{behind}", base.as_deref().unwrap_or_default());
            prop_assert_eq!(Address::parse(&written), rest(base.as_deref(), "Patient", &id, version.as_deref()));
        }
    }
}
