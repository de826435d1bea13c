//! Reads declarations: lines of `PATH  DATATYPE [as NAME] [: comment]`, nested
//! by two blanks. `docs/ARCHITECTURE.md` describes the language with examples.

use super::declaration::{
    ChildTable, DatatypeName, DatatypeWord, Element, List, Naming, Resource, RowRoute, Rows,
};
use super::error::DeclarationError;
use super::generic::GenericTable;
use super::lines::{Line, lines, split_comment, split_list, split_word};
use super::path::{self, Route, RouteStep};

/// All resources that `text` declares, in order. What they mean as tables is
/// not checked here.
///
/// # Errors
///
/// The first line that is not of the language.
pub fn resources(text: &str) -> Result<Vec<Resource>, DeclarationError> {
    let mut resources: Vec<Resource> = Vec::new();
    for line in lines(text) {
        if line.depth == 0 {
            resources.push(resource(&line)?);
            continue;
        }
        let resource = resources.last_mut().ok_or_else(|| line.error("stands in no resource"))?;
        if line.depth == 1 {
            in_resource(resource, &line)?;
        } else {
            in_table(resource, &line)?;
        }
    }
    Ok(resources)
}

/// `resource NAME [as TABLE] [where(path = 'value')] : comment`
fn resource(line: &Line<'_>) -> Result<Resource, DeclarationError> {
    let expected = "expected: resource NAME [as TABLE] [where(path = 'value')] : comment";
    let (head, comment) = split_comment(line.text);
    let head = head.strip_prefix("resource ").ok_or_else(|| line.error(expected))?.trim();
    let (head, condition) = match head.find(" where(") {
        Some(at) => match path::step(head[at..].trim()).map_err(|reason| line.error(reason))? {
            RouteStep::Where(path, value) => (&head[..at], Some((path, value))),
            _ => return Err(line.error(expected)),
        },
        None => (head, None),
    };
    let (name, table) = match head.split_once(" as ") {
        Some((name, table)) => (name.trim(), Some(table.trim().to_owned())),
        None => (head.trim(), None),
    };
    if name.is_empty() || name.contains(' ') {
        return Err(line.error(expected));
    }
    let resource = Resource::new(name, comment);
    Ok(Resource { table: table.unwrap_or(resource.table.clone()), condition, ..resource })
}

/// A line of the resource itself.
fn in_resource(resource: &mut Resource, line: &Line<'_>) -> Result<(), DeclarationError> {
    let (word, rest) = split_word(line.text);
    if let Some(table) = GenericTable::of_lists(word) {
        for path in split_list(rest) {
            resource.lists.push(List { table, path: route(path, line)? });
        }
        return Ok(());
    }
    match word {
        "archived" => resource.archived.extend(split_list(rest).map(str::to_owned)),
        "table" => resource.tables.push(table(rest, line)?),
        _ => resource.elements.push(element(line)?),
    }
    Ok(())
}

/// A line of the last table, as deep as it is indented.
fn in_table(resource: &mut Resource, line: &Line<'_>) -> Result<(), DeclarationError> {
    let (word, rest) = split_word(line.text);
    let mut innermost = resource.tables.last_mut();
    for _ in 2..line.depth {
        innermost = innermost.and_then(|table| table.tables.last_mut());
    }
    let innermost = innermost.ok_or_else(|| line.error("is indented more than the lines around it"))?;
    match word {
        "table" => innermost.tables.push(table(rest, line)?),
        "from" => innermost.from.push(row_route(rest, line)?),
        "place" => innermost.place.extend(split_list(rest).map(str::to_owned)),
        _ => innermost.elements.push(element(line)?),
    }
    Ok(())
}

/// `ELEMENT [keyed by …] [with history] : comment`, after the word `table`.
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
        from: Vec::new(),
        place: Vec::new(),
        elements: Vec::new(),
        tables: Vec::new(),
    })
}

/// `PATH  COLUMN = VALUE, …`, after the word `from`.
fn row_route(rest: &str, line: &Line<'_>) -> Result<RowRoute, DeclarationError> {
    let (path, assignments) = rest.split_once("  ").unwrap_or((rest, ""));
    let mut constants = Vec::new();
    for assignment in split_list(assignments) {
        let (name, value) =
            assignment.split_once(" = ").ok_or_else(|| line.error("expected: column = value"))?;
        constants.push((name.trim().to_owned(), value.trim().to_owned()));
    }
    Ok(RowRoute { path: route(path, line)?, constants })
}

fn element(line: &Line<'_>) -> Result<Element, DeclarationError> {
    let (path, rest) =
        line.text.split_once("  ").ok_or_else(|| line.error("expected: PATH, two blanks, DATATYPE"))?;
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

/// Types that are kept as JSON wherever a choice has them.
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
    path::route(path).map_err(|reason| line.error(reason))
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
    fn an_element_is_its_path_its_datatype_and_perhaps_a_name() {
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
        let datatypes: Vec<(&str, &str)> =
            variants.iter().map(|(name, datatype)| (name.as_str(), datatype.name.as_str())).collect();
        assert_eq!(
            datatypes,
            [("CodeableConcept", "Concept"), ("Address", "json"), ("Reference", "Reference")]
        );
    }

    #[test]
    fn a_resource_may_name_its_table_and_which_resources_it_is_for() {
        let resource = &resources("resource X as y where(a.b = 'c') : d\n").expect("a declaration")[0];
        assert_eq!((resource.name.as_str(), resource.table.as_str()), ("X", "y"));
        assert_eq!(resource.condition, Some((vec!["a".to_owned(), "b".to_owned()], "c".to_owned())));
        assert_eq!(resources("resource XyZ : d\n").expect("a declaration")[0].table, "xy_z");
    }

    #[test]
    fn mistakes_are_reported_with_their_line() {
        for (text, line) in [
            ("x  code\n", 1),
            ("resource X : y\n  status\n", 2),
            ("resource X : y\n\n      status  code\n", 3),
            ("resource X : y\n  a.first()  code\n", 2),
            ("resource X : y\n  a[x].b  code\n", 2),
            ("resource X where(y) : z\n", 1),
            ("resource X and Y : z\n", 1),
            ("resource X : y\n  table z keyed by chance : w\n", 2),
        ] {
            assert_eq!(resources(text).expect_err(text).line, line, "{text}");
        }
    }
}
