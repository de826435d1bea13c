//! Filling the tables of views: by a service in the background or by the command, across
//! deaths at any step, while resources come, change, move and go.

use std::process::Command;

use fhirmill_postgres::failpoint::ViewStep;
use nix::sys::signal::Signal;
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::steps::load;
use crate::support::{TestEnvironment, wait_until};

/// A view of Observations; `more` are columns besides.
fn view(more: &[Value]) -> String {
    let mut columns = vec![
        json!({"name": "id", "path": "getResourceKey()"}),
        json!({"name": "weight", "path": "value.ofType(Quantity).value", "type": "decimal"}),
    ];
    columns.extend_from_slice(more);
    json!({"resourceType": "ViewDefinition", "name": "weights", "status": "active", "resource": "Observation",
        "select": [{"column": columns}]})
    .to_string()
}

/// An Observation so large that a batch of 64 KiB has three.
fn observation(id: &str, weight: &str, day: u32) -> String {
    let padding = "x".repeat(20_000);
    format!(
        r#"{{"resourceType":"Observation","id":"{id}","meta":{{"lastUpdated":"2020-01-{day:02}T00:00:00Z"}},"text":{{"status":"generated","div":"<div>{padding}</div>"}},"status":"final","code":{{"text":"weight"}},"valueQuantity":{{"value":{weight}}}}}"#
    )
}

/// A file with the Observations a to i, which are three batches.
fn first_file() -> String {
    ('a'..='i').map(|id| observation(&id.to_string(), "1", 1) + "\n").collect()
}

fn command(environment: &TestEnvironment, arguments: &[&str]) -> Command {
    let mut command = environment.command(arguments);
    command.env("BATCH_BYTES", "64KiB").env("WORKERS", "2");
    command
}

/// A command that dies at a step, after having passed it so often.
fn die(environment: &TestEnvironment, arguments: &[&str], step: ViewStep, passings: u32) {
    let failpoints = match passings {
        0 => format!("{}=return", step.name()),
        _ => format!("{}={passings}*off->return", step.name()),
    };
    let died = environment.run_command(command(environment, arguments).env("FAILPOINTS", failpoints));
    assert_eq!(died.code, -1, "{}", died.stderr);
}

fn views(environment: &TestEnvironment) -> Value {
    environment.run(&["views", "list", "--json"]).expect_code(0).json()
}

/// The rows of the view: ids and weights.
fn rows(environment: &TestEnvironment) -> Vec<String> {
    let sql = "select k.fhir_id || ' ' || w.weight from views.weights w join etl.resource_key k on k.id = w.id \
               order by 1";
    environment.query(sql).into_iter().flatten().collect()
}

fn begin() -> (TestEnvironment, String) {
    let environment = TestEnvironment::new();
    load(&environment, &[("1.ndjson", first_file().as_bytes())]);
    let path = environment.put("weights.json", view(&[])).to_str().unwrap().to_owned();
    (environment, path)
}

const WRITTEN: &str = "select string_agg(ctid::text || xmin::text, ' ' order by ctid) from views.weights \
                       where ctid < '(0,4)'::tid";

#[test]
fn a_filling_that_dies_goes_on_where_it_was_whatever_came_meanwhile() {
    let (environment, path) = begin();
    die(&environment, &["views", "apply", &path], ViewStep::Filled, 0);
    let listed = views(&environment);
    assert_eq!((&listed[0]["state"], &listed[0]["resources"]), (&json!("filling"), &json!(3)));
    assert_eq!(listed[0]["total_resources"], 9);
    let first_batch = environment.value(WRITTEN);

    // Of the resources that are filled and of those that are not, one is replaced, one is
    // deleted, and one comes again as it is, at a later time.
    let delete = |id: &str| {
        format!(
            r#"{{"resourceType":"Bundle","type":"transaction","entry":[{{"request":{{"method":"DELETE","url":"Observation/{id}"}}}}]}}"#
        )
    };
    let again: String = [("a", "2"), ("b", "1"), ("g", "2"), ("h", "1")]
        .map(|(id, weight)| observation(id, weight, 2) + "\n")
        .concat();
    // This load does not end the filling: it dies before.
    environment.put("inbox/2.ndjson", format!("{again}{}", observation("j", "5", 1)));
    environment.put("inbox/3.json", delete("c"));
    environment.put("inbox/4.json", delete("i"));
    die(&environment, &["once"], ViewStep::Filled, 0);
    assert_eq!(views(&environment)[0]["state"], "filling");
    // What was filled already was not written again.
    let second_look = environment.value(WRITTEN);
    assert!(first_batch.split(' ').any(|row| second_look.contains(row)), "{first_batch} {second_look}");

    environment.run_command(&mut command(&environment, &["views", "apply", &path])).expect_code(0);
    let expected = ["a 2", "b 1", "d 1", "e 1", "f 1", "g 2", "h 1", "j 5"];
    assert_eq!(rows(&environment), expected);
    assert_eq!(views(&environment)[0]["state"], "ready");
    assert_eq!(environment.value("select count(*) from etl.view_backlog"), "0");
    environment.run(&["check"]).expect_code(0);
}

#[test]
fn a_death_at_any_step_of_a_change_leaves_the_old_table_until_the_new_one_is_complete() {
    let (environment, path) = begin();
    environment.run(&["views", "apply", &path]).expect_code(0);
    let columns = "select string_agg(column_name, ' ' order by ordinal_position) from information_schema.columns \
                   where table_schema = 'views' and table_name = 'weights'";
    let indexes = "select count(*) from pg_indexes where schemaname = 'views'";
    let mut names = "_resource_id id weight".to_owned();
    let mut more = Vec::new();
    for (number, step) in ViewStep::ALL.iter().enumerate() {
        more.push(json!({"name": format!("status_{number}"), "path": "status"}));
        environment.put("weights.json", view(&more));
        die(&environment, &["views", "apply", &path], *step, 0);
        if *step != ViewStep::Swapped {
            assert_eq!(environment.value(columns), names, "{step:?}");
            assert_eq!(rows(&environment).len(), 9, "{step:?}");
            assert_eq!(views(&environment).as_array().unwrap().len(), 2);
        }
        // Whoever comes next goes on.
        environment.run_command(&mut command(&environment, &["once"])).expect_code(0);
        names = format!("{names} status_{number}");
        assert_eq!(environment.value(columns), names, "{step:?}");
        assert_eq!(rows(&environment).len(), 9, "{step:?}");
        assert_eq!(environment.value(indexes), "2", "{step:?}");
        let listed = views(&environment);
        assert_eq!((listed.as_array().unwrap().len(), &listed[0]["state"]), (1, &json!("ready")));
    }
}

#[test]
fn a_service_fills_in_the_background_goes_on_after_a_death_and_stops_for_a_drop() {
    let (environment, path) = begin();
    let alive = || {
        wait_until("the service is alive", || {
            environment.run(&["status", "--json"]).expect_code(0).json()["services"][0]["is_alive"] == true
        });
    };
    let mut mortal = command(&environment, &["run"]);
    let mut service = environment.start(mortal.env("FAILPOINTS", "view-filled=1*off->return"));
    alive();
    let told = environment.run(&["views", "apply", &path]).expect_code(0);
    assert_eq!(
        told.stdout,
        "weights: version 1 is filled by the service; fhirmill views list says how far it is\n"
    );
    assert_eq!(service.wait(), -1);
    let status = environment.run(&["status", "--json"]).expect_code(0).json();
    assert_eq!(
        (&status["views"][0]["name"], &status["views"][0]["resources"]),
        (&json!("weights"), &json!(6))
    );

    // The next one goes on, and new files are loaded into the table, too.
    let service = environment.start(&mut command(&environment, &["run"]));
    environment.put("inbox/2.ndjson", observation("j", "5", 1));
    wait_until("the view is filled", || views(&environment)[0]["state"] == "ready");
    wait_until("the file is loaded", || environment.inbox_is_empty());
    assert_eq!(rows(&environment).len(), 10);
    let sessions = "select count(*) from pg_stat_activity where datname = current_database() \
                    and application_name = 'fhirmill' and pid <> pg_backend_pid()";
    wait_until("only the heartbeat has a session", || environment.value(sessions) == "1");

    // A command that is to wait may find that the service was faster.
    environment.put("weights.json", view(&[json!({"name": "code", "path": "code.text"})]));
    let mut slow = command(&environment, &["views", "apply", "--wait", &path]);
    let slow = environment.run_command(slow.env("FAILPOINTS", "view-registered=sleep(2000)"));
    assert_eq!(
        (slow.code, &*slow.stdout),
        (0, "weights: version 2 is ready, filled from 10 archived resources\n")
    );

    // While a batch of a new version is written, nobody else fills it, and it is dropped.
    environment.put("weights.json", view(&[json!({"name": "status", "path": "status"})]));
    alive();
    let held = environment.hold("etl.resource_version");
    environment.run(&["views", "apply", &path]).expect_code(0);
    environment.wait_until_held_off();
    let mut dropping =
        environment.start_as("drop-", &mut command(&environment, &["views", "drop", "weights"]));
    drop(held);
    assert_eq!(dropping.wait(), 0);
    assert_eq!(environment.value("select count(*) from pg_tables where schemaname = 'views'"), "0");
    assert_eq!(views(&environment), json!([]));
    environment.put("inbox/3.ndjson", observation("k", "5", 1));
    wait_until("the file is loaded", || environment.inbox_is_empty());
    let log = service.stdout();
    assert_eq!(service.end(Signal::SIGTERM).code(), Some(0));
    assert!(!log.contains("ERROR"), "{log}");
    assert_eq!(environment.value("select count(*) from observation"), "11");
}

#[test]
fn a_check_finds_rows_that_are_not_what_the_view_gives() {
    let (environment, path) = begin();
    environment.run(&["views", "apply", &path]).expect_code(0);
    let broken = || {
        let found = environment.run(&["check", "--json"]).expect_code(5).json();
        let found = found.as_array().unwrap().iter();
        found.map(|rule| format!("{} {}", rule["broken"], rule["rule"].as_str().unwrap())).collect::<Vec<_>>()
    };
    let key = |id: &str| format!("(select id from etl.resource_key where fhir_id = '{id}')");
    let spoil = |sql: &str| crate::support::execute(environment.database_url(), sql);
    // Another value with the same number, one row too few, and one too many.
    spoil(&format!("update views.weights set weight = 1.0 where id = {}", key("a")));
    spoil(&format!("delete from views.weights where id = {}", key("b")));
    spoil(&format!("insert into views.weights select * from views.weights where id = {}", key("c")));
    let definition = "the rows of views.weights are what its definition gives";
    assert_eq!(broken(), [format!("3 {definition}")]);
    spoil("insert into views.weights (_resource_id) values (-1)");
    let living = "every row of views.weights belongs to a living resource of its type";
    assert_eq!(broken(), [format!("1 {living}"), format!("3 {definition}")]);
    // The check has changed nothing.
    assert_eq!(environment.value("select count(*) from views.weights"), "10");
}

#[test]
fn files_that_are_missing_are_filled_once_they_are_there() {
    let (environment, path) = begin();
    load(&environment, &[("2.ndjson", observation("j", "5", 1).as_bytes())]);
    let archived = environment.listing().into_iter().find(|path| path.contains("1.ndjson")).unwrap();
    let away = environment.path("away");
    std::fs::rename(environment.path(&archived), &away).unwrap();
    let told = environment.run(&["views", "apply", &path]).expect_code(3);
    assert!(told.stdout.contains("9 archived resources are missing"), "{}", told.stdout);
    assert_eq!(rows(&environment), ["j 5"]);
    let listed = views(&environment);
    assert!(listed[0]["problem"].as_str().unwrap().contains("1.ndjson"), "{listed}");
    std::fs::rename(away, environment.path(&archived)).unwrap();
    environment.run(&["views", "apply", &path]).expect_code(0);
    assert_eq!(rows(&environment).len(), 10);
    let listed = views(&environment);
    assert_eq!((&listed[0]["state"], &listed[0]["problem"]), (&json!("ready"), &json!(null)));
}
