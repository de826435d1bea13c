//! The de-identified copy: what comes through and what does not, to whom, and when it is
//! made again.

use std::fmt::Write as _;
use std::fs;

use fhirmill_core::model::{TableRules, deidentified_rules, deidentified_tables};
use parquet::file::reader::{FileReader, SerializedFileReader};
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};

use crate::support::{NULL, Run, TestEnvironment, execute, query, violations};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Runs a command with the copy in a form.
fn run_with(environment: &TestEnvironment, form: &str, arguments: &[&str]) -> Run {
    let mut command = environment.command(arguments);
    environment.run_command(command.env("DEIDENTIFIED", form).env("DEIDENTIFIED_SECRET", SECRET))
}

/// A session of a researcher.
struct Researcher {
    url: String,
}

impl Researcher {
    fn of(environment: &TestEnvironment, role: &str) -> Self {
        let url = environment.database_url();
        let separator = if url.contains('?') { '&' } else { '?' };
        Researcher { url: format!("{url}{separator}options=-c%20role%3D{role}%20-c%20timezone%3DUTC") }
    }

    fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        query(&self.url, sql)
    }

    fn row(&self, sql: &str) -> Vec<String> {
        let mut rows = self.rows(sql);
        assert_eq!(rows.len(), 1, "{sql}: {rows:?}");
        rows.remove(0)
    }

    /// Everything that the copy has, as text.
    fn everything(&self) -> String {
        let tables = deidentified_tables()
            .iter()
            .map(|shown| format!("select t::text as row from deidentified.\"{}\" t", shown.table.name));
        let rows = self.rows(&tables.collect::<Vec<_>>().join(" union all "));
        rows.into_iter().flatten().collect::<Vec<_>>().join("\n")
    }
}

/// Patients of several ages and places, with what happened to them. Whatever has MARK in it
/// identifies somebody.
fn resources() -> String {
    let patient = |id: &str, birth: &str, zip: &str, country: &str| {
        json!({"resourceType": "Patient", "id": format!("MARK-{id}"), "birthDate": birth, "gender": "female",
               "meta": {"lastUpdated": "2026-02-03T04:05:06Z"},
               "text": {"status": "generated", "div": "<div>MARK</div>"},
               "identifier": [{"system": "http://mark.example/MARK", "value": "MARK"}],
               "name": [{"family": "MARK", "given": ["MARK"], "text": "MARK"}],
               "telecom": [{"system": "phone", "value": "MARK"}],
               "photo": [{"url": "http://MARK"}],
               "maritalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus",
                                             "code": "M", "display": "MARK"}], "text": "MARK"},
               "contact": [{"name": {"family": "MARK"}, "telecom": [{"value": "MARK"}]}],
               "address": [{"line": ["MARK"], "city": "MARK", "district": "MARK", "state": "MA",
                            "postalCode": zip, "country": country}]})
    };
    let mut dead = patient("dead", "1910-04-05", "80202", "USA");
    dead["deceasedDateTime"] = "1990-06-07".into();
    let of = |id: &str| json!({"reference": format!("Patient/MARK-{id}"), "display": "MARK"});
    let loinc =
        |code: &str| json!({"coding": [{"system": "http://loinc.org", "code": code, "display": "MARK"}]});
    let observation = |id: &str, code: &str, when: &str, value: f64, unit: &str| {
        json!({"resourceType": "Observation", "id": id, "status": "final", "code": loinc(code), "subject": of("p1"),
               "effectiveDateTime": when, "note": [{"text": "MARK"}], "performer": [{"display": "MARK"}],
               "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}})
    };
    let local = json!({"coding": [{"system": "https://mark.example/codes", "code": "MARK-7"}]});
    let all = [
        patient("p1", "1980-05-17", "02138-1234", "US"),
        patient("p2", "1930-01-01", "03601", "US"),
        patient("p3", "1975", "10117", "DE"),
        dead,
        json!({"resourceType": "Encounter", "id": "e1", "status": "finished", "subject": of("p1"),
               "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
               "period": {"start": "2024-03-10T14:30:00Z", "end": "2024-03-12"}}),
        observation("o1", "8867-4", "2024-03-11T23:59:59.5Z", 71.5, "/min"),
        observation("o2", "30525-0", "2023-11", 95.0, "a"),
        observation("o3", "8302-2", "2015", 171.5, "MARK"),
        json!({"resourceType": "Condition", "id": "c1", "subject": of("p1"), "code": local, "onsetAge":
               {"value": 93, "unit": "years", "system": "http://unitsofmeasure.org", "code": "a"}}),
        json!({"resourceType": "Condition", "id": "c2", "subject": of("p1"), "code": {"coding": [
               {"system": "http://snomed.info/sct", "code": "44054006", "display": "MARK"}], "text": "MARK"},
               "onsetAge": {"value": 45, "unit": "years", "system": "http://unitsofmeasure.org", "code": "a"}}),
        json!({"resourceType": "Organization", "id": "h1", "name": "MARK", "alias": ["MARK"]}),
        json!({"resourceType": "PractitionerRole", "id": "r1", "organization": {"reference": "Organization/h1"},
               "period": {"start": "2020-06-15", "end": "2021-03-04T05:06:07Z"}}),
        json!({"resourceType": "Coverage", "id": "v1", "status": "active", "beneficiary": of("p1"),
               "subscriberId": "MARK", "period": {"start": "2024-01-01", "end": "2024-12-31"},
               "payor": [{"reference": "Organization/h1", "display": "MARK"}]}),
        json!({"resourceType": "Device", "id": "d1", "patient": of("p1"), "serialNumber": "MARK", "lotNumber": "MARK",
               "udiCarrier": [{"deviceIdentifier": "MARK", "carrierHRF": "MARK"}], "url": "http://MARK"}),
        json!({"resourceType": "Basic", "id": "b1", "subject": of("p1"), "code": {"text": "MARK"}}),
    ];
    all.map(|resource| resource.to_string()).join("\n")
}

/// Adds a row to every table, with marks in every column that can hold text.
fn mark_every_column(environment: &TestEnvironment) {
    execute(
        environment.database_url(),
        "do $$ declare marked record; begin
           for marked in
             select c.relname, string_agg(quote_ident(a.attname), ', ') as columns,
                    string_agg(case format_type(a.atttypid, -1)
                      when 'text' then quote_literal('MARK.' || c.relname || '.' || a.attname)
                      when 'text[]' then quote_literal('{MARK.' || c.relname || '.' || a.attname || '}')
                      when 'jsonb' then quote_literal('{\"MARK\": \"MARK\"}')
                      when 'bytea' then quote_literal('MARK')
                      when 'date' then quote_literal('1961-05-06')
                      when 'timestamp with time zone' then quote_literal('1961-05-06 07:08:09Z')
                      when 'time without time zone' then quote_literal('07:08:09')
                      when 'boolean' then 'true' when 'bigint' then '900000001' when 'integer[]' then quote_literal('{7}')
                      else '7' end, ', ') as entries
               from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
              where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname !~ '^__'
              group by c.relname
           loop
             execute format('insert into public.%I (%s) values (%s)', marked.relname, marked.columns, marked.entries);
           end loop;
         end $$",
    );
}

fn assert_nothing_comes_through(text: &str) {
    for mark in ["MARK", "mark.example", "1961-05-06", "900000001", "2026-02-03"] {
        if let Some(at) = text.find(mark) {
            let from = text[..at].rfind('\n').map_or(0, |line| line + 1);
            panic!("{mark} comes through: {}", text[from..].lines().next().unwrap_or_default());
        }
    }
}

#[test]
fn nothing_that_identifies_people_comes_through() {
    let environment = TestEnvironment::new();
    let load = |form: &str| {
        environment.put("inbox/st-marys/all.ndjson", resources());
        run_with(&environment, form, &["once"]).expect_code(0);
    };
    load("off");
    assert_eq!(
        environment.value("select count(*) from pg_class where relnamespace = 'deidentified'::regnamespace"),
        "0"
    );
    // A start makes the views; the same files again change nothing.
    load("views");
    mark_every_column(&environment);
    let again = run_with(&environment, "views", &["deidentify", "--json"]).expect_code(0).json();
    let schema = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schemas/deidentify.json")).unwrap();
    assert_eq!(violations(&serde_json::from_slice(&schema).unwrap(), &again), [""; 0]);
    let tables = deidentified_tables().len();
    assert_eq!((&again["form"], &again["made"]), (&json!("views"), &json!([])));
    assert_eq!(again["unchanged"], tables);
    let researcher = Researcher::of(&environment, again["role"].as_str().unwrap());

    let of_views = researcher.everything();
    assert_nothing_comes_through(&of_views);
    dates_ages_and_places_follow_the_rules(&researcher);
    nothing_else_can_be_read(&environment, again["role"].as_str().unwrap());
    snapshots_have_it_if_they_name_it(&environment, "views");
    tables_are_made_again_if_they_changed(&environment, &researcher, &of_views);
    snapshots_have_it_if_they_name_it(&environment, "tables");
    keys_join_as_before(&environment, &researcher);
    another_secret_makes_another_copy(&environment, &researcher);

    run_with(&environment, "off", &["once"]).expect_code(0);
    no_snapshot_is_made_without_a_copy(&environment);
    assert_eq!(
        environment.value("select count(*) from pg_class where relnamespace = 'deidentified'::regnamespace"),
        "0"
    );
    assert_eq!(environment.value("select count(*) from etl.deidentified"), "0");
}

fn dates_ages_and_places_follow_the_rules(researcher: &Researcher) {
    let birth = "select birth_date - date '1980-05-17' as days, birth_date_precision, is_over_89 from deidentified.patient \
                 where birth_date between '1979-01-01' and '1980-12-31'";
    let p1 = researcher.row(birth);
    let days: i64 = p1[0].parse().unwrap();
    assert!((-365..=-1).contains(&days), "{days}");
    assert_eq!(p1[1..], ["day", "false"]);
    let days_text = format!("{days} days");
    let encounter = researcher.row(
        "select (period_start - timestamptz '2024-03-10 14:30:00Z')::text, period_start_precision, \
         (period_end - timestamptz '2024-03-12 23:59:59.999999Z')::text as e, period_end_precision from deidentified.encounter \
         where period_start > '2000-01-01'",
    );
    assert_eq!(encounter, [days_text.as_str(), "time", &days_text, "day"]);
    let observations = researcher.rows(
        "select code, effective_start::text, effective_start_precision, value_quantity_value, value_quantity_unit, \
         (effective_start - timestamptz '2024-03-11 23:59:59.5Z')::text as d from deidentified.observation \
         where code is not null order by code",
    );
    let [age, height, pulse] = observations.as_slice() else { panic!("{observations:?}") };
    assert_eq!(
        (pulse[0].as_str(), pulse[2].as_str(), &pulse[5], pulse[3].as_str()),
        ("8867-4", "time", &days_text, "71.5")
    );
    assert_eq!(pulse[4], "/min");
    // Months stay months, years stay years.
    let months = (days as f64 / 30.4375).round() as i64;
    let month = 2023 * 12 + 10 + months;
    let month = format!("{}-{:02}-01 00:00:00+00", month / 12, month % 12 + 1);
    assert_eq!(age[..5], ["30525-0", &month, "month", "90", "a"]);
    let year = if days < -183 { 2014 } else { 2015 };
    assert_eq!(height[..5], ["8302-2", &format!("{year}-01-01 00:00:00+00"), "year", "171.5", NULL]);

    let ages = "select onset_age_value, code, code_system from deidentified.condition where onset_age_value <> 7 order by 1";
    assert_eq!(researcher.rows(ages), [["45", "44054006", "http://snomed.info/sct"], ["90", NULL, NULL]]);
    // Nobody is born in 1930 and not over 89; who died at 80 is not.
    let births = "select coalesce(extract(year from birth_date)::integer between 1909 and 1910, false) as dead, \
                  is_over_89, birth_date_precision from deidentified.patient where birth_date is null or birth_date < '1950-01-01' \
                  order by 1, 2";
    assert_eq!(researcher.rows(births), [["false", "true", NULL], ["true", "false", "day"]]);
    let only_year = "select to_char(birth_date, 'MM-DD') as day, birth_date_precision from deidentified.patient \
                     where birth_date between '1974-01-01' and '1975-12-31'";
    assert_eq!(researcher.rows(only_year), [["01-01", "year"]]);

    let places = "select postal_code, state, country from deidentified.patient_address where ordinal = 1 order by 1, 3";
    assert_eq!(
        researcher.rows(places),
        [["000", "MA", "US"], ["021", "MA", "US"], ["802", "MA", "USA"], [NULL, "MA", "DE"]]
    );
    // Nobody's dates are cut to the year; a year of coverage as many have it is cut, too.
    let role = "select period_start::text, period_end::text, period_start_precision from deidentified.practitioner_role \
                where period_start > '2000-01-01'";
    assert_eq!(researcher.row(role), ["2020-01-01 00:00:00+00", "2021-12-31 23:59:59.999999+00", "year"]);
    let coverage = "select to_char(period_start, 'MM-DD') as s, to_char(period_end, 'MM-DD HH24:MI:SS') as e, \
                    period_start_precision from deidentified.coverage where period_start > '2000-01-01'";
    assert_eq!(researcher.row(coverage), ["01-01", "12-31 23:59:59", "year"]);
    let married = "select marital_status_code, count(*) from deidentified.patient group by 1 order by 1";
    assert_eq!(researcher.rows(married), [["M", "4"], [NULL, "1"]]);
}

/// Keys are HMACs with the secret, computed here by another program; and joins of two tables
/// find as many rows as it does with the keys themselves.
fn keys_join_as_before(environment: &TestEnvironment, researcher: &Researcher) {
    let known = "select etl.deidentified_key(42, inner_pad, outer_pad) as k, etl.deidentified_source(42, inner_pad, outer_pad) as s, \
                 etl.deidentified_days(42, inner_pad, outer_pad) as d, etl.deidentified_key(1, inner_pad, outer_pad) as one \
                 from etl.deidentified";
    let known = environment.query(known).remove(0);
    assert_eq!(known, ["4802651708486473886", "4952531991124432028", "-210", "6574544891908123750"]);
    let mut joins = Vec::new();
    for shown in deidentified_tables() {
        for (column, _) in &shown.columns {
            let Some(target) = &column.refers_to else { continue };
            if deidentified_tables().iter().any(|other| other.table.name == *target) {
                joins.push((shown.table.name.as_str(), column.name.as_str(), target.as_str()));
            }
        }
    }
    // All of them would take seconds to plan.
    let joins: Vec<_> = joins.into_iter().step_by(4).collect();
    assert!(joins.len() > 50, "{}", joins.len());
    let counts = |schema: &str| {
        let counts = joins.iter().map(|(table, column, target)| {
            format!(
                "select '{table}.{column}' as join, (select count(*) from {schema}.\"{table}\" a join {schema}.\"{target}\" b \
                 on b.id = a.\"{column}\") as rows"
            )
        });
        counts.collect::<Vec<_>>().join(" union all ")
    };
    assert_eq!(researcher.rows(&counts("deidentified")), environment.query(&counts("public")));
}

fn nothing_else_can_be_read(environment: &TestEnvironment, role: &str) {
    let readable = format!(
        "select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace \
         where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast', 'deidentified') and n.nspname !~ '^pg_temp' \
           and (c.relkind in ('r', 'v', 'm', 'p', 'f') and has_any_column_privilege('{role}', c.oid, 'select, insert, update') \
                or c.relkind = 'S' and has_sequence_privilege('{role}', c.oid, 'select, usage'))"
    );
    assert_eq!(environment.query(&readable), [[""; 1]; 0]);
    let schemas = format!(
        "select nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema' \
         and (has_schema_privilege('{role}', oid, 'create') or has_schema_privilege('{role}', oid, 'usage')) order by 1"
    );
    assert_eq!(environment.query(&schemas), [["deidentified"], ["public"]]);
    let functions = format!(
        "select p.oid::regprocedure::text as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace \
         where n.nspname not in ('pg_catalog', 'information_schema') and has_schema_privilege('{role}', n.oid, 'usage') \
         and has_function_privilege('{role}', p.oid, 'execute')"
    );
    assert_eq!(environment.query(&functions), [[""; 1]; 0]);
    execute(environment.database_url(), "select lo_from_bytea(4711, 'MARK')");
    let mut session = PgConnection::establish(&Researcher::of(environment, role).url).unwrap();
    for forbidden in [
        "select lo_get(4711)",
        "select * from etl.deidentified",
        "select * from public.patient",
        "select * from analytics.patient_summary",
        "select etl.deidentified_key(1, '', '')",
        "create table deidentified.mine (id integer)",
        "create view deidentified.mine as select 1",
    ] {
        session.batch_execute(forbidden).expect_err(forbidden);
    }
    execute(environment.database_url(), "select lo_unlink(4711)");
}

/// The rows of a Parquet file, and its statistics, which are not compressed.
fn text_of_parquet(bytes: Vec<u8>) -> (i64, String) {
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
    for row in reader.get_row_iter(None).unwrap() {
        writeln!(text, "{}", row.unwrap()).unwrap();
    }
    (reader.metadata().file_metadata().num_rows(), text)
}

/// In the form of a copy, and in each format of files.
fn snapshots_have_it_if_they_name_it(environment: &TestEnvironment, form: &str) {
    let manifest = |target: &str, format: &str, arguments: &[&str]| {
        let arguments = [&["snapshot", "--to", target, "--format", format], arguments].concat();
        run_with(environment, form, &arguments).expect_code(0);
        let latest = fs::read_to_string(environment.path(&format!("{target}/latest"))).unwrap();
        let manifest = environment.path(&format!("{target}/{}/manifest.json", latest.trim()));
        let manifest: Value = serde_json::from_slice(&fs::read(manifest).unwrap()).unwrap();
        manifest["tables"].as_array().unwrap().clone()
    };
    let schemas = |tables: &[Value]| -> Vec<String> {
        tables.iter().map(|table| table["schema"].as_str().unwrap().to_owned()).collect()
    };
    let without = schemas(&manifest("whole", "csv", &["--tables", "patient,etl.source"]));
    assert!(!without.contains(&"deidentified".to_owned()), "{without:?}");
    for format in ["csv", "parquet"] {
        let target = format!("lake-{form}-{format}");
        let tables = manifest(&target, format, &["--schema", "deidentified"]);
        assert_eq!(schemas(&tables), vec!["deidentified"; deidentified_tables().len()]);
        let counts: Vec<String> = deidentified_tables()
            .iter()
            .map(|shown| format!("select count(*) as rows from deidentified.\"{}\"", shown.table.name))
            .collect();
        let rows = environment.value(&format!("select sum(rows) from ({}) as t", counts.join(" union all ")));
        let (mut bytes, mut found) = (0, 0);
        for path in environment.listing() {
            if path.starts_with(&format!("{target}/")) && path.ends_with(format) {
                let content = fs::read(environment.path(&path)).unwrap();
                let text = match format {
                    "csv" => String::from_utf8(content).unwrap(),
                    _ => {
                        let (rows, text) = text_of_parquet(content);
                        found += rows;
                        text
                    }
                };
                assert_nothing_comes_through(&text);
                bytes += text.len();
            }
        }
        assert!(bytes > 10_000, "{bytes}");
        assert!(format == "csv" || found.to_string() == rows, "{found} of {rows} rows");
    }
}

/// Where there is no copy, nobody gets an empty snapshot of it.
fn no_snapshot_is_made_without_a_copy(environment: &TestEnvironment) {
    for arguments in [&["--schema", "deidentified"][..], &["--tables", "deidentified.patient"]] {
        let arguments = [&["snapshot", "--to", "lake-off"], arguments].concat();
        let run = run_with(environment, "off", &arguments).expect_code(2);
        let told = "there is no de-identified copy: DEIDENTIFIED is off";
        assert!(run.stderr.contains(told), "{}", run.stderr);
    }
    let written = environment.listing().into_iter().filter(|path| path.ends_with(".json"));
    assert_eq!(written.filter(|path| path.starts_with("lake-off/")).count(), 0);
}

fn tables_are_made_again_if_they_changed(
    environment: &TestEnvironment,
    researcher: &Researcher,
    of_views: &str,
) {
    let made = |run: Run| {
        let report = run.expect_code(0).json();
        let made = report["made"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned());
        (made.collect::<Vec<_>>(), report["unchanged"].as_u64().unwrap())
    };
    let tables = deidentified_tables().len();
    let (all, _) = made(run_with(environment, "tables", &["deidentify", "--json"]));
    assert_eq!(all.len(), tables);
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&researcher.everything()), sorted(of_views));
    let kinds = "select relkind::text, count(*) from pg_class where relnamespace = 'deidentified'::regnamespace \
                 and relkind in ('r', 'v') group by 1";
    assert_eq!(environment.query(kinds), [["r", &tables.to_string()]]);
    let none: Vec<String> = Vec::new();
    assert_eq!(made(run_with(environment, "tables", &["deidentify", "--json"])), (none, tables as u64));

    environment.put("inbox/st-marys/new.json", r#"{"resourceType":"Organization","id":"h2","name":"MARK"}"#);
    let mut command = environment.command(&["once"]);
    let settings =
        [("DEIDENTIFIED", "tables"), ("DEIDENTIFIED_SECRET", SECRET), ("DEIDENTIFIED_REFRESH", "runs")];
    let run = environment.run_command(command.envs(settings)).expect_code(0);
    assert!(!run.stderr.contains("WARN"), "{}", run.stderr);
    let fresh = "select name from etl.deidentified_table where made_at = (select max(made_at) from etl.deidentified_table)";
    assert_eq!(environment.query(fresh), [["organization"]]);
    assert_eq!(researcher.row("select count(*) from deidentified.organization"), ["3"]);
    // Everything has a comment, and no name that was only used in between.
    let bare = "select c.relname from pg_class c where c.relnamespace = 'deidentified'::regnamespace \
                and (c.relkind = 'r' and obj_description(c.oid, 'pg_class') is null or c.relname like 'next %')";
    assert_eq!(environment.query(bare), [[""; 1]; 0]);
}

fn another_secret_makes_another_copy(environment: &TestEnvironment, researcher: &Researcher) {
    let keys = "select id from deidentified.patient order by 1";
    let before = researcher.rows(keys);
    environment.put("secret", "another secret of more than 32 bytes\n");
    let mut command = environment.command(&["deidentify"]);
    let settings = [
        ("DEIDENTIFIED", "views"),
        ("DEIDENTIFIED_SECRET_FILE", "secret"),
        ("DEIDENTIFIED_CODE_SYSTEMS", "https://mark.example/codes"),
    ];
    environment.run_command(command.envs(settings)).expect_code(0);
    let after = researcher.rows(keys);
    assert_eq!(before.len(), after.len());
    assert!(before.iter().all(|key| !after.contains(key)));
    let local = "select code, code_system from deidentified.condition where onset_age_value = 90";
    assert_eq!(researcher.rows(local), [["MARK-7", "https://mark.example/codes"]]);
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let environment = TestEnvironment::without_database();
    let refused = |settings: &[(&str, &str)], complaint: &str| {
        let mut command = environment.command(&["status"]);
        let run = environment.run_command(command.envs(settings.iter().copied())).expect_code(2);
        assert!(run.stderr.contains(complaint), "{}", run.stderr);
        assert!(!run.stderr.contains("too short"), "{}", run.stderr);
    };
    refused(&[("DEIDENTIFIED", "views")], "DEIDENTIFIED_SECRET_FILE is not set, nor is DEIDENTIFIED_SECRET");
    refused(&[("DEIDENTIFIED", "yes"), ("DEIDENTIFIED_SECRET", SECRET)], "must be off, views or tables");
    refused(&[("DEIDENTIFIED_SECRET", "too short")], "must be 32 bytes or more");
    refused(&[("DEIDENTIFIED_SECRET_FILE", "missing")], "must be a file that can be read");
    refused(&[("DEIDENTIFIED_REFRESH", "often")], "must be command or runs");
    refused(&[("DEIDENTIFIED_CODE_SYSTEMS", "a b")], "must be URIs of code systems");
}

/// The rules as a document, which `WRITE_RULES=1` writes.
#[test]
fn the_document_has_the_rules() {
    let mut text = String::from(
        "# Rules of the de-identified copy\n\nEvery column of the clinical tables and what becomes of it in schema \
         `deidentified`\n([DEIDENTIFIED.md](DEIDENTIFIED.md)); made by `make dictionary` from the declarations, not to be \
         edited. Columns that\nare not named are hidden.\n",
    );
    for TableRules { table, columns } in deidentified_rules() {
        text.push_str(&format!("\n## {}\n\n", table.name));
        let Some(columns) = columns else {
            text.push_str("Hidden as a whole.\n");
            continue;
        };
        text.push_str("| column | becomes |\n|---|---|\n");
        for (column, rule) in columns.iter().filter(|(_, rule)| rule.is_shown()) {
            text.push_str(&format!("| {} | {} |\n", column.name, rule.meaning()));
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/DEIDENTIFIED_RULES.md");
    if std::env::var_os("WRITE_RULES").is_some() {
        fs::write(path, &text).unwrap();
    }
    assert!(
        fs::read_to_string(path).unwrap_or_default() == text,
        "docs/DEIDENTIFIED_RULES.md is out of date: make dictionary"
    );
}
