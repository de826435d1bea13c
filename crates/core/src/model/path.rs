//! A *path* says where a value stands in a resource, in the manner of FHIRPath:
//! members, list positions and a few functions, separated by dots.

/// A path without alternatives.
pub type Route = Vec<RouteStep>;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteStep {
    /// `name`: the member of that name.
    Member(String),
    /// `value[x]`: whichever variant of a choice there is; always last.
    Choice(String),
    /// `[n]`: the item at that position of each list, from 0.
    Index(usize),
    /// `extension(url)`: the extensions with that URL.
    Extension(String),
    /// `where(path = 'value')`: the items with that string there.
    Where(Vec<String>, String),
    /// `resolve()`: the contained resource that a reference means.
    Resolve,
    /// `inUse()`: of a list of names, addresses or identifiers, the one in use.
    InUse,
    /// `itself`: the item of the list.
    Itself,
}

/// A route as FHIRPath, for comments and names of elements.
pub(crate) fn route_text(route: &[RouteStep]) -> String {
    let mut text = String::new();
    for step in route {
        if !text.is_empty() && !matches!(step, RouteStep::Index(_)) {
            text.push('.');
        }
        match step {
            RouteStep::Member(name) => text.push_str(name),
            RouteStep::Choice(name) => text.push_str(&format!("{name}[x]")),
            RouteStep::Index(index) => text.push_str(&format!("[{index}]")),
            RouteStep::Extension(url) => text.push_str(&format!("extension('{url}')")),
            RouteStep::Where(path, value) => text.push_str(&format!("where({} = '{value}')", path.join("."))),
            RouteStep::Resolve => text.push_str("resolve()"),
            RouteStep::InUse => text.push_str("inUse()"),
            RouteStep::Itself => text.push_str("$this"),
        }
    }
    text
}

/// The route that `path` writes, or what is wrong with it.
pub(super) fn route(path: &str) -> Result<Route, String> {
    let mut route = Vec::new();
    for part in split_steps(path) {
        if let Some(RouteStep::Choice(name)) = route.last() {
            return Err(format!("nothing can follow {name}[x]"));
        }
        match part.strip_suffix(']').and_then(|part| part.rsplit_once('[')) {
            Some((part, "x")) => route.push(RouteStep::Choice(part.to_owned())),
            Some((part, index)) => {
                let index = index.parse().map_err(|_| "an index must be a number")?;
                route.extend([step(part)?, RouteStep::Index(index)]);
            }
            None => route.push(step(part)?),
        }
    }
    if route.is_empty() {
        return Err("a path is missing".to_owned());
    }
    Ok(route)
}

/// A step without an index.
pub(super) fn step(part: &str) -> Result<RouteStep, String> {
    if part == "itself" {
        return Ok(RouteStep::Itself);
    }
    let Some((function, argument)) = part.strip_suffix(')').and_then(|part| part.split_once('(')) else {
        return Ok(RouteStep::Member(part.to_owned()));
    };
    match function {
        "extension" => Ok(RouteStep::Extension(extension_url(argument))),
        "resolve" => Ok(RouteStep::Resolve),
        "inUse" => Ok(RouteStep::InUse),
        "where" => {
            let (path, value) = argument.split_once(" = ").ok_or("expected: where(path = 'value')")?;
            let path = path.trim().split('.').map(str::to_owned).collect();
            Ok(RouteStep::Where(path, value.trim().trim_matches('\'').to_owned()))
        }
        _ => Err(format!("there is no function '{function}'")),
    }
}

/// Splits at dots outside of parentheses.
fn split_steps(path: &str) -> Vec<&str> {
    let mut steps = Vec::new();
    let mut depth = 0;
    let mut start = 0;
    for (at, character) in path.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            '.' if depth == 0 => {
                steps.push(path[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    steps.push(path[start..].trim());
    steps.retain(|step| !step.is_empty());
    steps
}

/// The URL that an `extension()` names: quoted as it is, else the last segment
/// of an extension of FHIR or US Core.
fn extension_url(argument: &str) -> String {
    if let Some(quoted) = argument.strip_prefix('\'') {
        return quoted.trim_end_matches('\'').to_owned();
    }
    let folder = if argument.starts_with("us-core-") {
        "http://hl7.org/fhir/us/core/StructureDefinition/"
    } else {
        "http://hl7.org/fhir/StructureDefinition/"
    };
    format!("{folder}{argument}")
}
