//! The tables that the declarations mean: names, columns, keys, comments.

use super::{ChildTable, DECLARED, DatatypeName, Element, Naming, Resource, RouteStep, Rows};
use crate::datatype::{self, Choice, Column, Datatype, SqlType, Variant};
use crate::fhir::{ResourceType, snake_case};

/// What a table is to the loader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableKind {
    /// One row a resource, keyed by `id`.
    Resource,
    /// Rows of a list, keyed by the resource's key first.
    Child,
    /// Superseded rows of a child table.
    History,
    /// Rows of all types, keyed by `resource_type` and `resource_id`.
    Generic,
    /// The types without a table, whole.
    Other,
}

/// One table of the schema `public`.
#[derive(Clone, Debug)]
pub struct Table {
    pub name: String,
    pub kind: TableKind,
    /// The resource type whose rows it holds; empty for generic tables.
    pub resource: String,
    pub comment: String,
    pub columns: Vec<TableColumn>,
    /// The primary key's columns.
    pub key: Vec<String>,
}

/// A column with what the database is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableColumn {
    pub name: String,
    pub sql_type: SqlType,
    pub is_nullable: bool,
    /// The table that it is a key of.
    pub refers_to: Option<String>,
    pub comment: String,
}

impl TableColumn {
    fn required(name: &str, sql_type: SqlType, comment: &str) -> Self {
        TableColumn { is_nullable: false, ..TableColumn::optional(name, sql_type, comment) }
    }

    fn optional(name: &str, sql_type: SqlType, comment: &str) -> Self {
        TableColumn {
            name: name.to_owned(),
            sql_type,
            is_nullable: true,
            refers_to: None,
            comment: comment.to_owned(),
        }
    }

    fn refers(self, table: &str) -> Self {
        TableColumn { refers_to: Some(table.to_owned()), ..self }
    }
}

/// The columns that stand before a resource's own, by name.
pub(crate) const PATIENT_ID: &str = "patient_id";
pub(crate) const ENCOUNTER_ID: &str = "encounter_id";
/// The column of generic tables with the key of the resource that a row belongs to.
pub(crate) const GENERIC_KEY: &str = "resource_id";
/// What the column `source_id` of every resource is a key of.
pub(crate) const SOURCE_TABLE: &str = "etl.source";

/// All tables: every resource with its children, then the generic ones.
pub fn tables() -> Vec<Table> {
    let mut tables = Vec::new();
    for resource in DECLARED.iter() {
        tables.push(resource_table(resource));
        for child in &resource.tables {
            child_tables(resource, child, &[], &snake_case(&resource.name), &mut tables);
        }
    }
    tables.extend(generic_tables());
    let names: Vec<String> = tables.iter().map(|table| table.name.clone()).collect();
    for table in &mut tables {
        for column in &mut table.columns {
            // A type without a table of its own can have no key.
            let is_there = |target: &String| names.contains(target) || target == SOURCE_TABLE;
            column.refers_to = column.refers_to.take().filter(is_there);
        }
    }
    tables
}

/// Which of a resource's elements gives a column that stands in front.
pub(crate) fn front_element<'m>(resource: &'m Resource, column: &str) -> Option<&'m Element> {
    resource.elements.iter().find(|element| {
        let DatatypeName::One(datatype) = &element.datatype else { return false };
        match datatype.name.as_str() {
            "PatientReference" | "SubjectReference" => column == PATIENT_ID,
            "EncounterReference" => column == ENCOUNTER_ID,
            "Key" | "Agreed" => element.name == Naming::As(column.to_owned()),
            _ => false,
        }
    })
}

/// Whether the element has columns of its own besides the one in front.
pub(crate) fn is_only_front(resource: &Resource, element: &Element) -> bool {
    let DatatypeName::One(datatype) = &element.datatype else { return false };
    matches!(datatype.name.as_str(), "Key" | "Agreed")
        && [PATIENT_ID, ENCOUNTER_ID]
            .iter()
            .any(|column| front_element(resource, column).is_some_and(|front| std::ptr::eq(front, element)))
}

fn resource_table(resource: &Resource) -> Table {
    let mut columns = Vec::new();
    if resource.is_other() {
        columns.push(TableColumn::required("resource_type", SqlType::Text, "resourceType"));
    }
    columns.push(TableColumn::required("id", SqlType::BigInt, "key given by the registry, etl.resource"));
    columns.push(TableColumn::required("fhir_id", SqlType::Text, "id: the logical id as the source gave it"));
    let source = "the sender, etl.source: the health system that the resource came from";
    columns.push(TableColumn::required("source_id", SqlType::SmallInt, source).refers(SOURCE_TABLE));
    for (name, table) in [(PATIENT_ID, "patient"), (ENCOUNTER_ID, "encounter")] {
        if let Some(element) = front_element(resource, name) {
            let holds = format!("{}: key of the {table}", path_text(element));
            columns.push(TableColumn::optional(name, SqlType::BigInt, &holds).refers(table));
        }
    }
    for element in &resource.elements {
        if !is_only_front(resource, element) {
            columns.extend(element_columns(element, false));
        }
    }
    if !resource.is_other() {
        columns.push(TableColumn::optional(
            "extension",
            SqlType::Jsonb,
            "extension, modifierExtension and extensions of primitives that no column takes: an array, each with its path",
        ));
    }
    columns.push(TableColumn::optional("last_updated", SqlType::Timestamptz, "meta.lastUpdated"));
    if resource.is_other() {
        columns.push(TableColumn::optional("body", SqlType::Jsonb, "the whole resource"));
    }
    let (name, kind, key) = if resource.is_other() {
        ("other_resource".to_owned(), TableKind::Other, vec!["resource_type".to_owned(), "id".to_owned()])
    } else {
        (snake_case(&resource.name), TableKind::Resource, vec!["id".to_owned()])
    };
    Table { name, kind, resource: resource.name.clone(), comment: resource.comment.clone(), columns, key }
}

/// The name of a resource's key in its child tables.
pub(crate) fn parent_column(resource: &str) -> String {
    format!("{}_id", snake_case(resource))
}

fn child_tables(
    resource: &Resource,
    child: &ChildTable,
    enclosing: &[String],
    parent: &str,
    tables: &mut Vec<Table>,
) {
    let name = format!("{parent}_{}", snake_case(&child.element));
    let parent_key = parent_column(&resource.name);
    let mut key = vec![parent_key.clone()];
    let mut columns = vec![
        TableColumn::required(&parent_key, SqlType::BigInt, "key of the resource that the row belongs to")
            .refers(&snake_case(&resource.name)),
    ];
    for ordinal in enclosing {
        let comment = format!("position of the enclosing {}, from 1", ordinal.trim_end_matches("_ordinal"));
        columns.push(TableColumn::required(ordinal, SqlType::Integer, &comment));
        key.push(ordinal.clone());
    }
    if child.rows != Rows::KeyedByPlace {
        columns.push(TableColumn::required(
            "ordinal",
            SqlType::Integer,
            "position, from 1, in document order",
        ));
        key.push("ordinal".to_owned());
    }
    for (constant, _) in child.sources.first().map_or(&[][..], |source| &source.constants) {
        let mut values: Vec<&str> = Vec::new();
        for (name, value) in child.sources.iter().flat_map(|source| &source.constants) {
            if name == constant && !values.contains(&value.as_str()) {
                values.push(value);
            }
        }
        columns.push(TableColumn::optional(constant, SqlType::Text, &values.join(" | ")));
    }
    for place in &child.place {
        let comment = place_comment(place);
        if child.rows == Rows::KeyedByPlace {
            columns.push(TableColumn::required(place, SqlType::Integer, &comment));
            key.push(place.clone());
        } else {
            columns.push(TableColumn::optional(place, SqlType::Integer, &comment));
        }
    }
    if resource.name != "Patient" && front_element(resource, PATIENT_ID).is_some() {
        let column = TableColumn::optional(PATIENT_ID, SqlType::BigInt, "key of the resource's patient");
        columns.push(column.refers("patient"));
    }
    for element in &child.elements {
        columns.extend(element_columns(element, true));
    }
    if has_extension(child) {
        columns.push(TableColumn::optional(
            "extension",
            SqlType::Jsonb,
            "extensions of this element that no column takes: an array, each with its path",
        ));
    }
    let table = Table {
        name: name.clone(),
        kind: TableKind::Child,
        resource: resource.name.clone(),
        comment: child.comment.clone(),
        columns,
        key,
    };
    if child.has_history {
        let history = history_table(&table);
        tables.push(table);
        tables.push(history);
    } else {
        tables.push(table);
    }
    let mut within = enclosing.to_vec();
    within.push(format!("{}_ordinal", snake_case(&child.element)));
    for nested in &child.tables {
        child_tables(resource, nested, &within, &name, tables);
    }
}

fn place_comment(place: &str) -> String {
    match place {
        "item_sequence" => "sequence of the item".to_owned(),
        "parent_ordinal" => "ordinal of the row of the enclosing item".to_owned(),
        "level" => "1 at the top".to_owned(),
        "answer_ordinal" => "position of the answer in its item; null without one".to_owned(),
        "sub_detail_ordinal" => "position of the subDetail; 0 or null where the row is not of one".to_owned(),
        _ => format!("position of the {}, from 1", place.trim_end_matches("_ordinal")),
    }
}

/// A table whose rows are extensions has no column for extensions.
pub(crate) fn has_extension(child: &ChildTable) -> bool {
    !child.sources.iter().any(|source| matches!(source.path.first(), Some(RouteStep::Extension(_))))
}

fn history_table(of: &Table) -> Table {
    let mut columns: Vec<TableColumn> =
        of.columns.iter().filter(|column| column.name != "ordinal").cloned().collect();
    columns.push(TableColumn::required(
        "content_hash",
        SqlType::Bytea,
        "SHA-256 of the row's values, so that one value is kept once",
    ));
    columns.push(TableColumn::optional(
        "valid_from",
        SqlType::Timestamptz,
        "when the version that first had it took effect",
    ));
    columns.push(TableColumn::required(
        "valid_to",
        SqlType::Timestamptz,
        "when the version that no longer has it took effect",
    ));
    Table {
        name: format!("{}_history", of.name),
        kind: TableKind::History,
        resource: of.resource.clone(),
        comment: format!(
            "rows of {} that a later version no longer has, with the time they were valid",
            of.name
        ),
        columns,
        key: vec![parent_column(&of.resource), "content_hash".to_owned(), "valid_to".to_owned()],
    }
}

pub(crate) fn element_columns(element: &Element, is_in_child: bool) -> Vec<TableColumn> {
    let path = path_text(element);
    let mut columns = Vec::new();
    for Column { name, sql_type, holds, refers_to } in
        element_datatype(element, is_in_child).columns(&element_prefix(element))
    {
        let holds = match holds.chars().next() {
            None => path.clone(),
            Some(' ') => format!("{path}{holds}"),
            Some(_) => format!("{path}: {holds}"),
        };
        let comment =
            if element.comment.is_empty() { holds } else { format!("{holds} ({})", element.comment) };
        let refers_to = refers_to.map(|target| snake_case(target.name()));
        columns.push(TableColumn { name, sql_type, is_nullable: true, refers_to, comment });
    }
    columns
}

/// The datatype that an element is declared with.
pub(crate) fn element_datatype(element: &Element, is_in_child: bool) -> Box<dyn Datatype> {
    let datatype = match &element.datatype {
        // A resource's own encounter has its key in front; that of an item has not.
        DatatypeName::One(word) if is_in_child && word.name == "EncounterReference" => {
            datatype::named("EncounterOfItem", None)
        }
        DatatypeName::One(word) => datatype::named(&word.name, word.argument.as_deref()),
        DatatypeName::Choice(variants) => choice_datatype(variants),
    };
    // Built in and covered by a test, so only a developer can see it.
    datatype.unwrap_or_else(|| panic!("{}: there is no datatype {:?}", path_text(element), element.datatype))
}

fn choice_datatype(variants: &[(String, super::DatatypeWord)]) -> Option<Box<dyn Datatype>> {
    let mut built = Vec::new();
    for (type_name, word) in variants {
        built.push(Variant {
            type_name: type_name.clone(),
            refers_to_any: word.name == "Reference" && word.argument.is_none(),
            refers_to: word.argument.as_deref().and_then(ResourceType::named),
            is_short_concept: word.name == "Concept",
            datatype: datatype::named(&word.name, word.argument.as_deref())?,
        });
    }
    Some(Box::new(Choice::new(built)))
}

/// Elements that only group others give no part of a column's name.
const UNNAMED_GROUPS: [&str; 8] =
    ["hospitalization", "context", "collection", "doseAndRate", "attachment", "position", "batch", "answer"];

fn element_prefix(element: &Element) -> String {
    match &element.name {
        Naming::As(name) => return name.clone(),
        Naming::Bare => return String::new(),
        Naming::Derived => {}
    }
    let mut names: Vec<&str> = Vec::new();
    for step in &element.path[0] {
        if let RouteStep::Member(name) | RouteStep::Choice(name) = step {
            names.push(name);
        }
    }
    let names = match names.as_slice() {
        [group, rest @ ..] if !rest.is_empty() && UNNAMED_GROUPS.contains(group) => rest.to_vec(),
        ["timing", "repeat", rest @ ..] => [&["timing"], rest].concat(),
        ["dispenseRequest", rest @ ..] => [&["dispense"], rest].concat(),
        ["udiCarrier", rest @ ..] => [&["udi"], rest].concat(),
        _ => names,
    };
    let snake: Vec<String> = names.iter().map(|name| snake_case(name)).collect();
    snake.join("_")
}

/// The element's path as FHIRPath.
fn path_text(element: &Element) -> String {
    let routes: Vec<String> = element.path.iter().map(|route| route_text(route)).collect();
    routes.join(" | ")
}

/// A route as FHIRPath.
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
            RouteStep::Itself => text.push_str("$this"),
        }
    }
    text
}

/// The tables that rows of all resource types share. Their columns are fixed,
/// because what fills them is the same for every type.
pub fn generic_tables() -> Vec<Table> {
    use SqlType::{BigInt, Boolean, Integer, Text, Timestamptz};
    let table = |name: &str, comment: &str, key: &[&str], columns: &[(&str, SqlType, &str)]| {
        let mut all = vec![
            TableColumn::required("resource_type", Text, "type of the resource that the row belongs to"),
            TableColumn::required("resource_id", BigInt, "key of that resource"),
        ];
        for (name, sql_type, comment) in columns {
            let column = if key.contains(name) {
                TableColumn::required(name, *sql_type, comment)
            } else {
                TableColumn::optional(name, *sql_type, comment)
            };
            all.push(if *name == PATIENT_ID { column.refers("patient") } else { column });
        }
        let mut full_key = vec!["resource_type".to_owned(), "resource_id".to_owned()];
        full_key.extend(key.iter().map(|name| (*name).to_owned()));
        Table {
            name: name.to_owned(),
            kind: TableKind::Generic,
            resource: String::new(),
            comment: comment.to_owned(),
            columns: all,
            key: full_key,
        }
    };
    let element = ("element", Text, "FHIR's name of the element");
    let ordinal = ("ordinal", Integer, "position, from 1, in document order");
    let patient = (PATIENT_ID, BigInt, "key of the resource's patient");
    vec![
        table(
            "resource_identifier",
            "the numbers of every resource but patients: whose is this number",
            &["ordinal"],
            &[
                ordinal,
                patient,
                ("use", Text, "use"),
                ("type_system", Text, "type: coding.system"),
                ("type_code", Text, "type: coding.code"),
                ("type_display", Text, "type: coding.display"),
                ("type_text", Text, "type: text"),
                ("system", Text, "system"),
                ("value", Text, "value"),
                ("period_start", Timestamptz, "period.start"),
                ("period_end", Timestamptz, "period.end"),
                ("assigner_display", Text, "assigner.display"),
            ],
        ),
        table(
            "resource_telecom",
            "phone numbers, e-mail addresses and the like of every resource but patients",
            &["ordinal"],
            &[
                ordinal,
                ("system", Text, "system"),
                ("value", Text, "value"),
                ("use", Text, "use"),
                ("rank", Integer, "rank"),
                ("period_start", Timestamptz, "period.start"),
                ("period_end", Timestamptz, "period.end"),
                ("extension", SqlType::Jsonb, "extensions of this element: an array, each with its path"),
            ],
        ),
        table(
            "resource_concept",
            "every item of every top-level list of CodeableConcept: all categories, reasons, types",
            &["element", "ordinal"],
            &[
                element,
                ordinal,
                patient,
                ("system", Text, "coding.system"),
                ("code", Text, "coding.code"),
                ("display", Text, "coding.display"),
                ("text", Text, "text"),
            ],
        ),
        table(
            "resource_reference",
            "every item of every top-level list of Reference that has no table of its own",
            &["element", "ordinal"],
            &[
                element,
                ordinal,
                patient,
                ("target_type", Text, "type of the target"),
                ("target_id", BigInt, "key of the target; null while unresolved"),
                ("display", Text, "display"),
                ("reference", Text, "as written, where target_id does not say it all"),
            ],
        ),
        table(
            "resource_note",
            "the notes (Annotation) of every resource",
            &["ordinal"],
            &[
                ordinal,
                patient,
                ("author_type", Text, "authorReference: type of the target"),
                ("author_id", BigInt, "authorReference: key of the target"),
                ("author_display", Text, "authorReference.display or authorString"),
                ("time", Timestamptz, "time"),
                ("text", Text, "text"),
            ],
        ),
        table(
            "resource_coding",
            "every coding of every concept that has two or more of them",
            &["path", "ordinal"],
            &[
                (
                    "path",
                    Text,
                    "FHIRPath of the concept with indexes from 0, such as item[3].productOrService",
                ),
                ordinal,
                ("element", Text, "the path without indexes"),
                patient,
                ("is_primary", Boolean, "true for the coding that the columns of the element's table show"),
                ("system", Text, "system"),
                ("version", Text, "version"),
                ("code", Text, "code"),
                ("display", Text, "display"),
                ("user_selected", Boolean, "userSelected"),
            ],
        ),
    ]
}
