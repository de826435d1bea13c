//! Plans of declarations that are given at run time.

use std::collections::BTreeMap;

use super::*;
use crate::datatype::Timezone;
use crate::map::{Input, MapSettings, Mapper, RowBatch};
use crate::model::{ModelError, ModelProblem};
use pretty_assertions::assert_eq;

/// Two root tables of one type, the second for some of its resources only.
const TWO_ROOTS: &str = "\
resource Observation as reading : all observations
  status         code
  subject        SubjectReference

  table category : their categories
    itself       Concept as -

  identifiers identifier

resource Observation as vital_sign where(category.coding.code = 'vital-signs') : the vital signs
  subject        SubjectReference
  value[x]       Quantity | string
";

/// The values of each row of each table that has any; `None`: null. Keys are
/// eight zero bytes.
fn mapped(plan: &Arc<Plan>, resources: &[&str]) -> BTreeMap<String, Vec<Vec<Option<String>>>> {
    let mut mapper = Mapper::new(Arc::clone(plan), MapSettings { timezone: Timezone::UTC });
    let mut batch = RowBatch::new(plan.tables.len());
    for resource in resources {
        let input = Input {
            bytes: resource.as_bytes(),
            full_url: None,
            full_urls: None,
            id: None,
            base_urls: &[],
            effective_at: None,
            earlier: None,
            wanted: None,
        };
        mapper.map(&input, &mut batch).expect(resource);
    }
    assert_eq!(batch.resources().len(), resources.len());
    let mut tables = BTreeMap::new();
    for (place, table) in plan.tables.iter().enumerate() {
        let bytes: Vec<u8> = batch.runs(place, &|_| true).flatten().copied().collect();
        if !bytes.is_empty() {
            tables.insert(table.name.clone(), rows(&bytes, table.columns.len()));
        }
    }
    tables
}

fn rows(mut bytes: &[u8], column_count: usize) -> Vec<Vec<Option<String>>> {
    let mut rows = Vec::new();
    while let Some((count, rest)) = bytes.split_first_chunk::<2>() {
        assert_eq!(usize::from(u16::from_be_bytes(*count)), column_count);
        bytes = rest;
        let mut row = Vec::new();
        for _ in 0..column_count {
            let (length, rest) = bytes.split_first_chunk::<4>().expect("a length");
            let length = usize::try_from(i32::from_be_bytes(*length)).ok();
            let (value, rest) = rest.split_at(length.unwrap_or(0));
            row.push(length.map(|_| String::from_utf8_lossy(value).into_owned()));
            bytes = rest;
        }
        rows.push(row);
    }
    rows
}

const PULSE: &str = r#"{"resourceType": "Observation", "id": "pulse", "status": "final",
    "identifier": [{"value": "7"}], "subject": {"reference": "Patient/p"},
    "category": [{"coding": [{"code": "other"}]}, {"coding": [{"code": "vital-signs"}]}],
    "valueString": "quick"}"#;
const COLOUR: &str = r#"{"resourceType": "Observation", "id": "colour", "status": "amended",
    "valueString": "blue", "valueOfPaint": 1}"#;

#[test]
fn a_resource_is_mapped_into_every_root_table_of_its_type() {
    let plan = Arc::new(Plan::from_declarations(TWO_ROOTS).expect("a plan"));
    let tables = mapped(&plan, &[PULSE, COLOUR, r#"{"resourceType": "Patient", "id": "p"}"#]);
    let counts: Vec<(&str, usize)> = tables.iter().map(|(name, rows)| (name.as_str(), rows.len())).collect();
    let expected = [("reading", 2), ("reading_category", 2), ("resource_identifier", 1), ("vital_sign", 1)];
    assert_eq!(counts, expected);
    let text = |text: &str| Some(text.to_owned());
    let column = |table: &str, name: &str| -> Vec<Option<String>> {
        let declared = plan.tables.iter().find(|declared| declared.name == table).expect(table);
        let place = declared.columns.iter().position(|column| column.name == name).expect(name);
        tables[table].iter().map(|row| row[place].clone()).collect()
    };
    assert_eq!(column("reading", "fhir_id"), [text("pulse"), text("colour")]);
    assert_eq!(column("reading", "status"), [text("final"), text("amended")]);
    assert_eq!(column("reading_category", "code"), [text("other"), text("vital-signs")]);
    assert_eq!(column("vital_sign", "fhir_id"), [text("pulse")]);
    assert_eq!(column("vital_sign", "value_string"), [text("quick")]);
    let patient = text("\0\0\0\0\0\0\0\0");
    for table in ["reading_category", "resource_identifier", "vital_sign"] {
        assert!(column(table, "patient_id").iter().all(|key| *key == patient), "{table}");
    }
}

#[test]
fn a_member_is_unmapped_if_no_root_table_knows_it() {
    let plan = Arc::new(Plan::from_declarations(TWO_ROOTS).expect("a plan"));
    let mut mapper = Mapper::new(Arc::clone(&plan), MapSettings { timezone: Timezone::UTC });
    let mut batch = RowBatch::new(plan.tables.len());
    let input = Input {
        bytes: COLOUR.as_bytes(),
        full_url: None,
        full_urls: None,
        id: None,
        base_urls: &[],
        effective_at: None,
        earlier: None,
        wanted: None,
    };
    mapper.map(&input, &mut batch).expect("it is mapped");
    let unmapped: Vec<String> = batch.unmapped().iter().map(|unmapped| unmapped.element.to_owned()).collect();
    assert_eq!(unmapped, ["valueOfPaint"]);
}

#[test]
fn a_replaced_resource_is_cleared_from_all_root_tables() {
    let plan = Plan::from_declarations(TWO_ROOTS).expect("a plan");
    let observation = ResourceType::named("Observation").expect("a type");
    let cleared: Vec<(&str, &str)> = plan
        .tables_to_clear(observation)
        .iter()
        .filter(|clear| !clear.has_type_column)
        .map(|clear| (clear.table.as_str(), clear.key_column.as_str()))
        .collect();
    assert_eq!(cleared, [("reading", "id"), ("reading_category", "observation_id"), ("vital_sign", "id")]);
    let patient = ResourceType::named("Patient").expect("a type");
    assert_eq!(plan.tables_to_clear(patient), []);
}

#[test]
fn declarations_without_a_meaning_are_refused() {
    let problem = |text: &str| match Plan::from_declarations(text) {
        Err(PlanError::Model(ModelError { table, problem })) => (table, problem),
        Err(other) => panic!("{text}: {other}"),
        Ok(_) => panic!("{text} has a plan"),
    };
    let twice = "resource Patient : a\nresource Patient : b\n";
    assert_eq!(problem(twice), ("patient".to_owned(), ModelProblem::DeclaredTwice));
    for (text, expected) in [
        ("resource Nobody : a\n", ModelProblem::UnknownResourceType("Nobody".to_owned())),
        ("resource Patient as resource_note : a\n", ModelProblem::DeclaredTwice),
        ("resource Patient as p;drop : a\n", ModelProblem::InvalidName("p;drop".to_owned())),
        (
            "resource Patient : a\n  name  Code\n",
            ModelProblem::UnknownDatatype { element: "name".to_owned(), datatype: "Code".to_owned() },
        ),
        (
            "resource Patient : a\n  name  code\n  title  code as name\n",
            ModelProblem::ColumnDeclaredTwice("name".to_owned()),
        ),
        (
            "resource Patient : a\n  value[x] | code  code\n",
            ModelProblem::MisplacedChoice("value[x] | code".to_owned()),
        ),
        (
            "resource Patient : a\n  identifiers identifier\nresource Patient as b : a\n  identifiers number\n",
            ModelProblem::ListDeclaredTwice("resource_identifier"),
        ),
    ] {
        assert_eq!(problem(text).1, expected, "{text}");
    }
    for unfillable in [
        "resource Other : a\n  table name : b\n    text  code\n",
        "resource Patient : a\n  table name : b\n    place x\n    text  code\n",
        "resource Patient : a\n  table name keyed by ordinal : b\n    table x : c\n      text  code\n",
        "resource Patient : a\n  table name keyed by ordinal : b\n    from a  x = 1\n    from b\n    text  code\n",
        "resource Patient : a\n  table name keyed by ordinal recursive : b\n    text  code\n",
    ] {
        assert!(matches!(problem(unfillable).1, ModelProblem::Unfillable(_)), "{unfillable}");
    }
    let written = Plan::from_declarations("resource Patient : a\n  name code\n").err().expect("an error");
    assert_eq!(written.to_string(), "line 2: expected: PATH, two blanks, DATATYPE");
}
