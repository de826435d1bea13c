//! *Taken extensions* are those that columns hold: which parts of them do, so that
//! an extension with any other part is kept as a whole too.

use crate::json::{JsonType, NameId, Value};
use crate::model::{ChildTable, DatatypeName, Element, RouteStep};

/// An extension of which columns hold some parts.
pub(in super::super) struct TakenExtension {
    /// The path of the element that it stands on.
    pub path: String,
    pub url: String,
    parts: Vec<TakenPart>,
}

/// A part of an extension that a column holds.
struct TakenPart {
    /// The URLs of the extensions within the extension.
    urls: Vec<String>,
    /// The members from there.
    names: Vec<String>,
    form: Form,
    /// Every one of several is held, not only the first.
    is_every: bool,
}

/// How much of a value columns hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Whole,
    Coding,
    /// One coding, and the text where there is no display.
    Concept,
    /// One coding and the text.
    CodeableConcept,
}

/// The extensions that the columns of a row with these elements and child tables
/// hold.
pub(super) fn taken_extensions(elements: &[&Element], children: &[ChildTable]) -> Vec<TakenExtension> {
    let mut taken = Vec::new();
    for element in elements {
        for route in &element.path {
            note(&mut taken, route, element, false);
        }
    }
    for child in children {
        for (from, element) in
            child.from.iter().flat_map(|from| child.elements.iter().map(move |element| (from, element)))
        {
            for route in &element.path {
                note(&mut taken, &[&from.path[..], route].concat(), element, true);
            }
        }
    }
    taken
}

fn note(taken: &mut Vec<TakenExtension>, route: &[RouteStep], element: &Element, is_every: bool) {
    let Some(first) = route.iter().position(|step| matches!(step, RouteStep::Extension(_))) else { return };
    let (around, rest) = route.split_at(first);
    let mut path = Vec::new();
    for step in around {
        let RouteStep::Member(name) = step else { return };
        path.push(name.trim_start_matches('_'));
    }
    let (path, mut urls, mut names) = (path.join("."), Vec::new(), Vec::new());
    for step in rest {
        match step {
            RouteStep::Extension(url) => urls.push(url.clone()),
            RouteStep::Member(name) => names.push(name.clone()),
            RouteStep::Index(0) | RouteStep::Itself => {}
            _ => return,
        }
    }
    let url = urls.remove(0);
    let form = match &element.datatype {
        DatatypeName::One(word) => match word.name.as_str() {
            "Coding" => Form::Coding,
            "Concept" => Form::Concept,
            "CodeableConcept" => Form::CodeableConcept,
            _ => Form::Whole,
        },
        DatatypeName::Choice(_) => return,
    };
    let part = TakenPart { urls, names, form, is_every };
    match taken.iter_mut().find(|taken| taken.path == path && taken.url == url) {
        Some(taken) => taken.parts.push(part),
        None => taken.push(TakenExtension { path, url, parts: vec![part] }),
    }
}

impl TakenExtension {
    /// Whether columns hold all of an extension, the first of its URL.
    pub fn is_all_of(&self, extension: Value<'_>) -> bool {
        let parts: Vec<&TakenPart> = self.parts.iter().collect();
        is_held(extension, &parts, 0)
    }
}

/// Whether the parts are all of an extension that lies in `depth` others.
fn is_held(extension: Value<'_>, parts: &[&TakenPart], depth: usize) -> bool {
    extension.members().filter(|member| !member.value().is_null()).all(|member| match member.name() {
        NameId::URL => true,
        NameId::EXTENSION => {
            let mut seen = Vec::new();
            member.value().items().all(|inner| {
                let url = inner.get(NameId::URL).and_then(Value::as_text).unwrap_or_default();
                let is_first = !seen.contains(&url);
                let of_inner: Vec<&TakenPart> = parts
                    .iter()
                    .filter(|part| part.urls.get(depth).is_some_and(|own| *own == url))
                    .filter(|part| is_first || part.is_every)
                    .copied()
                    .collect();
                seen.push(url);
                is_held(inner, &of_inner, depth + 1)
            })
        }
        _ => {
            let own = parts.iter().filter(|part| part.urls.len() == depth);
            let own: Vec<&TakenPart> = own.copied().collect();
            is_member_held(member.text(), member.value(), &own, 0)
        }
    })
}

fn is_member_held(name: &str, value: Value<'_>, parts: &[&TakenPart], at: usize) -> bool {
    let own: Vec<&TakenPart> =
        parts.iter().filter(|part| part.names.get(at).is_some_and(|own| own == name)).copied().collect();
    if own.iter().any(|part| part.names.len() == at + 1 && is_value_held(value, part.form)) {
        return true;
    }
    value.json_type() == JsonType::Object
        && !own.is_empty()
        && value.members().all(|member| is_member_held(member.text(), member.value(), &own, at + 1))
}

fn is_value_held(value: Value<'_>, form: Form) -> bool {
    let is_coding = |coding: Value<'_>| {
        let is_shown = |name| matches!(name, NameId::SYSTEM | NameId::CODE | NameId::DISPLAY);
        coding.members().all(|member| is_shown(member.name()))
    };
    match form {
        Form::Whole => !matches!(value.json_type(), JsonType::Object | JsonType::Array),
        Form::Coding => is_coding(value),
        Form::Concept | Form::CodeableConcept => {
            let mut codings = value.get(NameId::CODING).into_iter().flat_map(Value::items);
            let first = codings.next();
            let display = first.and_then(|coding| coding.get(NameId::DISPLAY)).and_then(Value::as_text);
            let text = value.get(NameId::TEXT).and_then(Value::as_text);
            let is_text_shown =
                form == Form::CodeableConcept || text.is_none() || display.is_none() || display == text;
            codings.next().is_none()
                && first.is_none_or(is_coding)
                && is_text_shown
                && value.members().all(|member| matches!(member.name(), NameId::CODING | NameId::TEXT))
        }
    }
}
