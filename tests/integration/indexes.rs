//! The secondary indexes: built at the end of a run, and then left alone.

use crate::support::Mill;

const PATIENT: &str = r#"{"resourceType":"Patient","id":"p","name":[{"family":"Quill"}]}"#;

/// Every index of the clinical tables with the number of its file, which
/// changes when it is built anew.
fn built(mill: &Mill) -> Vec<Vec<String>> {
    mill.query(
        "select c.relname, c.relfilenode, i.indisvalid from pg_class c join pg_index i on i.indexrelid = c.oid \
         where c.relnamespace = 'public'::regnamespace and not i.indisprimary order by 1",
    )
}

#[test]
fn the_first_load_builds_all_and_the_next_none() {
    let mill = Mill::new();
    let before = built(&mill).len();
    mill.put("inbox/a.json", PATIENT);
    let summary = mill.run(&["once", "--json"]).expect_code(0).json();
    let after = built(&mill);
    assert!(summary["indexes_built"].as_u64().unwrap() > 100, "{summary}");
    assert_eq!(after.len() - before, summary["indexes_built"].as_u64().unwrap() as usize);
    assert_eq!(after.iter().filter(|index| index[2] != "true").count(), 0);
    let status = mill.run(&["indexes", "status", "--json"]).expect_code(0).json();
    assert_eq!(
        (&status["built"], status["missing"].as_array().unwrap().len()),
        (&summary["indexes_built"], 0)
    );

    mill.put("inbox/b.json", PATIENT.replace("Quill", "Loom"));
    let summary = mill.run(&["once", "--json"]).expect_code(0).json();
    assert_eq!(summary["indexes_built"], 0);
    assert_eq!(built(&mill), after);
}

#[test]
fn every_reference_and_code_has_an_index_that_begins_with_it() {
    let mill = Mill::new();
    // By the names that the tables' columns go by, and not by the declarations.
    let without = || {
        mill.query(
        "select c.table_name, c.column_name from information_schema.columns c \
         where c.table_schema = 'public' and c.table_name not like '%\\_history' and c.is_nullable = 'YES' \
           and (c.column_name in ('encounter_id', 'practitioner_id', 'organization_id', 'medication_id', 'location_id', \
                                  'managing_organization_id', 'service_provider_id', 'based_on_id', 'claim_id') \
                or c.column_name = 'code' and c.data_type = 'text') \
           and c.table_name in (select table_name from information_schema.columns where column_name = 'fhir_id') \
           and c.column_name not like 'patient%' \
           and c.data_type in ('bigint', 'text') \
           and not exists ( \
             select from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0] \
              where i.indrelid = c.table_name::regclass and a.attname = c.column_name) \
         order by 1, 2",
        )
    };
    assert!(!without().is_empty());
    mill.run(&["indexes", "build"]).expect_code(0);
    assert_eq!(without(), Vec::<Vec<String>>::new());
}

#[test]
fn dropped_indexes_come_back_with_the_next_load() {
    let mill = Mill::new();
    mill.run(&["indexes", "build"]).expect_code(0);
    let all = built(&mill).len();
    let run = mill.run(&["indexes", "drop"]).expect_code(0);
    let dropped: usize = run.stdout.split(' ').next().unwrap().parse().unwrap();
    assert_eq!(built(&mill).len(), all - dropped);
    assert!(dropped > 100, "{}", run.stdout);
    mill.put("inbox/a.json", PATIENT);
    mill.run(&["once"]).expect_code(0);
    assert_eq!(built(&mill).len(), all);
}

#[test]
fn two_processes_build_each_index_once() {
    let mill = Mill::new();
    let start = || mill.command(&["indexes", "build"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let (first, second) = (start(), start());
    for process in [first, second] {
        process.wait_with_output().unwrap();
    }
    mill.run(&["indexes", "build"]).expect_code(0);
    assert_eq!(built(&mill).iter().filter(|index| index[2] != "true").count(), 0);
    let status = mill.run(&["indexes", "status", "--json"]).expect_code(0).json();
    assert_eq!(status["missing"].as_array().unwrap().len(), 0);
}
