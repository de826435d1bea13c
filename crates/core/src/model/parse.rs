//! Reads declarations: lines of `PATH  KIND [as NAME] [: comment]`, nested by
//! two blanks. `docs/ARCHITECTURE.md` has the language with examples.

use thiserror::Error;

use super::{
    ChildTable, DatatypeName, DatatypeWord, Element, GenericTable, List, Naming, Resource, Route, RouteStep,
    RowSource, Rows,
};

/// What is wrong with a declaration, and in which line.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("line {line}: {reason}")]
pub struct DeclarationError {
    pub line: usize,
    pub reason: String,
}

struct Line<'t> {
    number: usize,
    depth: usize,
    text: &'t str,
}

impl Line<'_> {
    fn error(&self, reason: impl Into<String>) -> DeclarationError {
        DeclarationError { line: self.number, reason: reason.into() }
    }
}

/// All resources that `text` declares.
pub(super) fn resources(text: &str) -> Result<Vec<Resource>, DeclarationError> {
    let mut resources: Vec<Resource> = Vec::new();
    for line in lines(text) {
        let (word, rest) = split_word(line.text);
        if line.depth == 0 {
            if word != "resource" {
                return Err(line.error("expected: resource NAME : comment"));
            }
            let (name, comment) = split_comment(rest);
            resources.push(Resource {
                name: name.to_owned(),
                comment: comment.to_owned(),
                elements: Vec::new(),
                tables: Vec::new(),
                lists: Vec::new(),
                archived: Vec::new(),
            });
            continue;
        }
        let resource = resources.last_mut().ok_or_else(|| line.error("stands in no resource"))?;
        if line.depth == 1 {
            let list = match word {
                "identifiers" => Some(GenericTable::Identifier),
                "telecoms" => Some(GenericTable::Telecom),
                "concepts" => Some(GenericTable::Concept),
                "references" => Some(GenericTable::Reference),
                "notes" => Some(GenericTable::Note),
                _ => None,
            };
            if let Some(table) = list {
                for path in split_list(rest) {
                    resource.lists.push(List { table, path: route(path, &line)? });
                }
                continue;
            }
            match word {
                "archived" => resource.archived.extend(split_list(rest).map(str::to_owned)),
                "table" => resource.tables.push(table(rest, &line)?),
                _ => resource.elements.push(element(&line)?),
            }
            continue;
        }
        let mut table = resource.tables.last_mut();
        for _ in 2..line.depth {
            table = table.and_then(|table| table.tables.last_mut());
        }
        let table = table.ok_or_else(|| line.error("is indented more than the lines around it"))?;
        match word {
            "table" => table.tables.push(self::table(rest, &line)?),
            "from" => table.sources.push(source(rest, &line)?),
            "place" => table.place.extend(split_list(rest).map(str::to_owned)),
            _ => table.elements.push(element(&line)?),
        }
    }
    Ok(resources)
}

fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    text.lines().enumerate().filter_map(|(index, full)| {
        let without_comment = match full.find("  #") {
            Some(at) => &full[..at],
            None => full,
        };
        let text = without_comment.trim();
        let depth = (full.len() - full.trim_start().len()) / 2;
        (!text.is_empty() && !text.starts_with('#')).then_some(Line { number: index + 1, depth, text })
    })
}

fn split_word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    (word, rest.trim())
}

fn split_comment(text: &str) -> (&str, &str) {
    let (text, comment) = text.split_once(" : ").unwrap_or((text, ""));
    (text.trim(), comment.trim())
}

fn split_list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

fn table(rest: &str, line: &Line<'_>) -> Result<ChildTable, DeclarationError> {
    let (head, comment) = split_comment(rest);
    let (element, manner) = split_word(head);
    let (manner, has_history) = match manner.strip_suffix("with history") {
        Some(manner) => (manner.trim(), true),
        None => (manner, false),
    };
    let rows = match manner {
        "" => Rows::Nested,
        "keyed by ordinal" => Rows::KeyedByOrdinal,
        "keyed by place" => Rows::KeyedByPlace,
        "keyed by ordinal recursive" => Rows::Recursive,
        _ => return Err(line.error(format!("a table is not '{manner}'"))),
    };
    Ok(ChildTable {
        element: element.to_owned(),
        comment: comment.to_owned(),
        rows,
        has_history,
        sources: Vec::new(),
        place: Vec::new(),
        elements: Vec::new(),
        tables: Vec::new(),
    })
}

fn source(rest: &str, line: &Line<'_>) -> Result<RowSource, DeclarationError> {
    let (path, assignments) = rest.split_once("  ").unwrap_or((rest, ""));
    let mut constants = Vec::new();
    for assignment in split_list(assignments) {
        let (name, value) =
            assignment.split_once(" = ").ok_or_else(|| line.error("expected: column = value"))?;
        constants.push((name.trim().to_owned(), value.trim().to_owned()));
    }
    Ok(RowSource { path: route(path, line)?, constants })
}

fn element(line: &Line<'_>) -> Result<Element, DeclarationError> {
    let (path, rest) =
        line.text.split_once("  ").ok_or_else(|| line.error("expected: PATH, two blanks, KIND"))?;
    let (datatype, comment) = split_comment(rest);
    let (datatype, name) = match datatype.rsplit_once(" as ") {
        Some((datatype, "-")) => (datatype.trim(), Naming::Bare),
        Some((datatype, name)) => (datatype.trim(), Naming::As(name.trim().to_owned())),
        None => (datatype, Naming::Derived),
    };
    let path = path.split(" | ").map(|path| route(path, line)).collect::<Result<Vec<_>, _>>()?;
    let is_choice = path.iter().any(|route| matches!(route.last(), Some(RouteStep::Choice(_))));
    let datatype = if is_choice { choice(datatype) } else { DatatypeName::One(datatype_word(datatype)) };
    Ok(Element { path, datatype, name, comment: comment.to_owned() })
}

/// Types whose JSON is kept as it is wherever a choice has them.
const KEPT_AS_JSON: [&str; 3] = ["Address", "SampledData", "Timing"];

fn choice(variants: &str) -> DatatypeName {
    let variants = variants.split('|').map(|variant| {
        let (variant, datatype) = match variant.trim().split_once(':') {
            Some((variant, datatype)) => (datatype_word(variant), datatype_word(datatype)),
            None => (datatype_word(variant.trim()), datatype_word(variant.trim())),
        };
        let datatype =
            if KEPT_AS_JSON.contains(&datatype.name.as_str()) { datatype_word("json") } else { datatype };
        (variant.name, datatype)
    });
    DatatypeName::Choice(variants.collect())
}

fn datatype_word(text: &str) -> DatatypeWord {
    match text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        Some((name, argument)) => DatatypeWord { name: name.to_owned(), argument: Some(argument.to_owned()) },
        None => DatatypeWord { name: text.to_owned(), argument: None },
    }
}

fn route(path: &str, line: &Line<'_>) -> Result<Route, DeclarationError> {
    let mut route = Vec::new();
    for part in split_steps(path) {
        let (part, index) = match part.strip_suffix(']').and_then(|part| part.rsplit_once('[')) {
            Some((part, "x")) => {
                route.push(RouteStep::Choice(part.to_owned()));
                continue;
            }
            Some((part, index)) => {
                let index = index.parse().map_err(|_| line.error("an index must be a number"))?;
                (part, Some(index))
            }
            None => (part, None),
        };
        route.push(step(part, line)?);
        route.extend(index.map(RouteStep::Index));
    }
    if route.is_empty() {
        return Err(line.error("a path is missing"));
    }
    Ok(route)
}

fn step(part: &str, line: &Line<'_>) -> Result<RouteStep, DeclarationError> {
    if part == "itself" {
        return Ok(RouteStep::Itself);
    }
    let Some((function, argument)) = part.strip_suffix(')').and_then(|part| part.split_once('(')) else {
        return Ok(RouteStep::Member(part.to_owned()));
    };
    match function {
        "extension" => Ok(RouteStep::Extension(extension_url(argument))),
        "resolve" => Ok(RouteStep::Resolve),
        "where" => {
            let (path, value) =
                argument.split_once(" = ").ok_or_else(|| line.error("expected: where(path = 'value')"))?;
            let path = path.trim().split('.').map(str::to_owned).collect();
            Ok(RouteStep::Where(path, value.trim().trim_matches('\'').to_owned()))
        }
        _ => Err(line.error(format!("there is no function '{function}'"))),
    }
}

/// Splits at dots that stand outside of parentheses.
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

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    fn one_element(line: &str) -> Element {
        let text = format!("resource X : some\n  {line}\n");
        resources(&text).expect(line).remove(0).elements.remove(0)
    }

    fn member(name: &str) -> RouteStep {
        RouteStep::Member(name.to_owned())
    }

    #[test]
    fn an_element_is_its_path_its_kind_and_perhaps_a_name() {
        let element = one_element("partOf.a[0]   Reference(Location) as place : where");
        assert_eq!(element.path, [[member("partOf"), member("a"), RouteStep::Index(0)]]);
        assert_eq!(element.datatype, DatatypeName::One(datatype_word("Reference(Location)")));
        assert_eq!(element.name, Naming::As("place".to_owned()));
        assert_eq!(element.comment, "where");
    }

    #[test]
    fn paths_have_functions_and_alternatives() {
        let element = one_element(
            "extension(us-core-race).extension('text').b | c.where(d.e = 'f.g')[0].resolve().h  string as x",
        );
        let race = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race";
        assert_eq!(
            element.path,
            [
                vec![
                    RouteStep::Extension(race.to_owned()),
                    RouteStep::Extension("text".to_owned()),
                    member("b")
                ],
                vec![
                    member("c"),
                    RouteStep::Where(vec!["d".to_owned(), "e".to_owned()], "f.g".to_owned()),
                    RouteStep::Index(0),
                    RouteStep::Resolve,
                    member("h"),
                ],
            ]
        );
    }

    #[test]
    fn a_choice_lists_its_variants() {
        let element = one_element("value[x]  CodeableConcept:Concept | Address | Reference(Location)");
        assert_eq!(element.path, [[RouteStep::Choice("value".to_owned())]]);
        let DatatypeName::Choice(variants) = element.datatype else { panic!("no choice") };
        let kinds: Vec<(&str, &str)> =
            variants.iter().map(|(name, datatype)| (name.as_str(), datatype.name.as_str())).collect();
        assert_eq!(kinds, [("CodeableConcept", "Concept"), ("Address", "json"), ("Reference", "Reference")]);
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for (text, line) in [
            ("x  code\n", 1),
            ("resource X : y\n  status\n", 2),
            ("resource X : y\n\n      status  code\n", 3),
            ("resource X : y\n  a.first()  code\n", 2),
            ("resource X : y\n  table z keyed by chance : w\n", 2),
        ] {
            assert_eq!(resources(text).expect_err(text).line, line, "{text}");
        }
    }
}
