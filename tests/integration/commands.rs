//! The commands other than those that load, as users call them.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Stdio;

use flate2::Compression;
use flate2::write::GzEncoder;
use pretty_assertions::assert_eq;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::support::TestEnvironment;

/// With digits, characters and whitespace that a parser might lose.
const PATIENT: &str = r#"{ "resourceType" : "Patient",  "id":"p1",
  "name":[{"family":"Zo\u00eb Ångström"}], "multipleBirthInteger" : 2, "extension":[{"url":"urn:x","valueDecimal":1.500}] }"#;

fn observation(id: &str) -> String {
    format!(
        r#"{{"resourceType":"Observation","id":"{id}","status":"final","subject":{{"reference":"Patient/p1"}},"valueQuantity":{{"value":1.50}}}}"#
    )
}

#[test]
fn show_prints_the_original_bytes_from_every_file_format() {
    let environment = TestEnvironment::new();
    let bundle =
        format!(r#"{{"resourceType":"Bundle","type":"collection","entry":[ {{"resource": {PATIENT} }} ]}}"#);
    environment.put("inbox/bundle.json", bundle);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    writeln!(gzip, "{}\n{}", observation("g1"), observation("g2")).unwrap();
    environment.put("inbox/lines.ndjson.gz", gzip.finish().unwrap());
    let mut archive = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for id in ["z1", "z2"] {
        archive.start_file(format!("folder/{id}.json"), SimpleFileOptions::default()).unwrap();
        archive.write_all(format!("\u{feff}{}", observation(id)).as_bytes()).unwrap();
    }
    environment.put("inbox/north/export.zip", archive.finish().unwrap().into_inner());
    environment.run(&["once"]).expect_code(0);

    let show = |what: &str| environment.run(&["show", what]).expect_code(0).stdout;
    assert_eq!(show("Patient/p1"), format!("{PATIENT}\n"));
    for id in ["g1", "g2", "z1", "z2"] {
        assert_eq!(show(&format!("Observation/{id}")), format!("{}\n", observation(id)));
    }
    assert_eq!(
        environment.run(&["show", "Observation/z2", "--source", "north"]).expect_code(0).stdout,
        show("Observation/z2")
    );
    environment.run(&["show", "Observation/z2", "--source", "default"]).expect_code(1);
    environment.run(&["show", "Patient/nobody"]).expect_code(1);
    environment.run(&["show", "Patient"]).expect_code(2);
}

#[test]
fn bodies_kept_in_the_database_are_the_original_bytes() {
    let environment = TestEnvironment::new();
    environment.put("inbox/patient.json", PATIENT);
    environment.run_command(environment.command(&["once"]).env("KEEP_BODIES", "database")).expect_code(0);
    assert_eq!(environment.value("select body from etl.resource_body"), PATIENT);
    std::fs::remove_dir_all(environment.path("archive")).unwrap();
    assert_eq!(environment.run(&["show", "Patient/p1"]).expect_code(0).stdout, format!("{PATIENT}\n"));
}

/// One hash of the rows of each table, except for the ledger's.
fn tables(environment: &TestEnvironment) -> Vec<Vec<String>> {
    let names = environment.query(
        "select table_name from information_schema.tables where table_schema = 'public' \
         and table_type = 'BASE TABLE' and table_name not like '\\_\\_%' order by 1",
    );
    let mut all = String::new();
    for name in names.into_iter().flatten() {
        let union = if all.is_empty() { "" } else { " union all " };
        write!(
            all,
            "{union}select '{name}' as name, count(*) as count, \
             md5(coalesce(string_agg(row, '' order by row), '')) as hash \
             from (select (to_jsonb(t) - 'loaded_at')::text as row from {name} t) t"
        )
        .unwrap();
    }
    environment.query(&format!("select * from ({all}) a where count > 0 order by 1"))
}

#[test]
fn remap_finds_resources_regardless_of_the_limits_they_were_loaded_with() {
    let environment = TestEnvironment::new();
    let large = format!(r#"{{"resourceType":"Patient","id":"large","language":"{}"}}"#, "x".repeat(2_000));
    let lines =
        [large.as_str(), r#"{"resourceType":"Patient","id":"a"}"#, r#"{"resourceType":"Patient","id":"b"}"#];
    environment.put("inbox/p.ndjson", lines.join("\n"));
    environment.put("inbox/north/array.json", format!("[{}]", lines.join(",")));
    environment.run_command(environment.command(&["once"]).env("MAX_RESOURCE_BYTES", "1KiB")).expect_code(3);
    for limit in ["1KiB", "1MB"] {
        crate::support::execute(environment.database_url(), "delete from patient");
        environment
            .run_command(environment.command(&["remap"]).env("MAX_RESOURCE_BYTES", limit))
            .expect_code(0);
        assert_eq!(
            environment.value("select string_agg(fhir_id, ' ' order by fhir_id) from patient"),
            "a a b b"
        );
    }
}

#[test]
fn remap_restores_emptied_tables() {
    let environment = TestEnvironment::new();
    environment.put(
        "inbox/a.ndjson",
        r#"{"resourceType":"Encounter","id":"e1","status":"finished","class":{"code":"AMB"},"participant":[{"individual":{"reference":"Practitioner?identifier=urn:npi|7"}}]}
{"resourceType":"Practitioner","id":"d1","identifier":[{"system":"urn:npi","value":"7"}],"name":[{"family":"Bell"}]}
"#,
    );
    environment.put("inbox/b.ndjson", format!("{}\n{}\n", PATIENT.replace('\n', " "), observation("o1")));
    environment.run(&["once"]).expect_code(0);
    let before = tables(&environment);
    let linked =
        "select count(*) as n from encounter_participant e join practitioner p on p.id = e.practitioner_id";
    assert_eq!(environment.value(linked), "1");
    let names: Vec<String> = before.iter().map(|row| row[0].clone()).collect();
    crate::support::execute(environment.database_url(), &format!("truncate {}", names.join(", ")));

    let run = environment.run(&["remap"]).expect_code(0);
    assert!(run.stdout.starts_with("4 resources rewritten"), "{}", run.stdout);
    assert_eq!(tables(&environment), before);
    environment.run(&["remap", "--resource-type", "Observation"]).expect_code(0);
    assert_eq!(tables(&environment), before);
    environment.run(&["check"]).expect_code(0);
    environment.run(&["remap", "--resource-type", "Nobody"]).expect_code(2);
}

#[test]
fn retry_loads_what_the_settings_now_allow() {
    let environment = TestEnvironment::new();
    let long =
        format!(r#"{{"resourceType":"Patient","id":"long","name":[{{"text":"{}"}}]}}"#, "x".repeat(3000));
    let bad = r#"{"resourceType":"Patient","id":"bad","birthDate":"2015-02-30"}"#;
    environment.put(
        "inbox/north/two.ndjson",
        format!("{}\n{bad}\n", long.replace("\"id\"", "\"birthDate\":1,\"id\"")),
    );
    environment.run(&["once"]).expect_code(3);
    assert_eq!(
        environment.value("select count(*) as n from etl.rejected_record where retried_at is null"),
        "2"
    );
    // What the sender got wrong is mended in the rejects themselves.
    crate::support::execute(
        environment.database_url(),
        "update etl.rejected_record set raw = convert_to(replace(convert_from(raw, 'UTF8'), '\"birthDate\":1,', ''), 'UTF8')",
    );
    environment.run(&["retry"]).expect_code(3);
    assert_eq!(environment.value("select name.text from patient_name name"), "x".repeat(3000));
    assert_eq!(
        environment.value("select s.code from patient p join etl.source s on s.id = p.source_id"),
        "north"
    );
    assert_eq!(
        environment
            .query("select fhir_id, retried_at is not null as retried from etl.rejected_record order by id"),
        [["long", "true"], ["bad", "true"], ["bad", "false"]]
    );
}

#[test]
fn inspect_counts_and_names_problems_without_a_database() {
    let environment = TestEnvironment::without_database();
    environment.put(
        "inbox/a.ndjson",
        format!("{}\n{}\n{{\"resourceType\":\"Patient\"\n", observation("1"), observation("2")),
    );
    let run = environment.run(&["inspect", "inbox/a.ndjson", "--json"]).expect_code(3);
    let json = run.json();
    assert_eq!(json[0]["resources"]["Observation"], 2, "{json}");
    assert_eq!(json[0]["problems"][0]["location"], "line 3", "{json}");
    let run = environment.run(&["inspect", "inbox/a.ndjson"]).expect_code(3);
    assert!(run.stdout.contains("line 3"), "{}", run.stdout);
    assert_eq!(environment.listing(), ["inbox/a.ndjson"]);
}

#[test]
fn status_files_and_rejects_print_what_the_ledger_contains() {
    let environment = TestEnvironment::new();
    environment.put("inbox/a.ndjson", format!("{}\n{}\nnot json\n", observation("1"), observation("2")));
    environment.run(&["once"]).expect_code(3);
    let status = environment.run(&["status", "--json"]).expect_code(0).json();
    assert_eq!(status["files_loaded"], 1);
    assert_eq!(status["records_rejected"], 1);
    assert_eq!(status["resources"], 2);
    let files = environment.run(&["files", "--json"]).expect_code(0).json();
    assert_eq!(files[0]["path"], "a.ndjson");
    assert_eq!(
        (&files[0]["seen"], &files[0]["inserted"], &files[0]["rejected"]),
        (&3.into(), &2.into(), &1.into())
    );
    let rejects = environment.run(&["rejects", "--json"]).expect_code(0).json();
    assert_eq!(rejects[0]["location"], "line 3");
    assert_eq!(rejects[0]["reason"], "not_json");
    assert!(!rejects.to_string().contains("not json\\n"), "rejects show no values: {rejects}");
}

#[test]
fn a_closed_output_pipe_is_not_an_error() {
    let environment = TestEnvironment::new();
    environment.put("inbox/a.json", PATIENT);
    environment.run(&["once"]).expect_code(0);
    let mut child =
        environment.command(&["files"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
