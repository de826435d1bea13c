//! The version rule over several processes: the order of reading is that of the
//! ledger's files, whoever reads them.

use std::process::{Child, Stdio};

use serde_json::{Value, json};

use crate::support::TestEnvironment;

const INBOXES: [&str; 3] = ["inbox", "second-inbox", "third-inbox"];

fn start(environment: &TestEnvironment, inbox: &str) -> Child {
    let mut command = environment.command(&["once"]);
    command.envs([("BATCH_BYTES", "64KiB"), ("WORKERS", "2"), ("INBOX_DIR", inbox)]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Runs one process for each inbox, all at once.
fn run_all(environment: &TestEnvironment) {
    let children = INBOXES.map(|inbox| start(environment, inbox));
    for child in children {
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{}: {told}", output.status);
    }
}

/// The names of the files in the order in which they were read.
fn order_of_reading(environment: &TestEnvironment) -> Vec<String> {
    environment.query("select path from etl.load_file order by id").concat()
}

fn patients(count: usize, meta: &Value, gender: &str) -> String {
    let line = |number: usize| {
        json!({"resourceType": "Patient", "id": format!("p{number}"), "meta": meta, "gender": gender,
            "name": [{"text": "long ".repeat(200)}]})
        .to_string()
    };
    (0..count).map(line).collect::<Vec<_>>().join("\n") + "\n"
}

fn genders(environment: &TestEnvironment) -> Vec<String> {
    environment.query("select distinct gender from patient").concat()
}

#[test]
fn a_then_b_then_a_again_over_processes() {
    let environment = TestEnvironment::new();
    let (a, b) = (patients(150, &json!({}), "male"), patients(150, &json!({}), "female"));
    for round in 0..6_usize {
        // The same bytes come under three names, in places that change.
        for (place, content) in [&a, &b, &a].into_iter().enumerate() {
            let inbox = INBOXES[(place + round) % 3];
            environment.put(&format!("{inbox}/{round}-{place}.ndjson"), content);
        }
        // Bytes that another process is loading stay in the inbox until it is done.
        for _ in 0..3 {
            run_all(&environment);
        }
        let order = order_of_reading(&environment);
        assert_eq!(order.len(), 3 * (round + 1), "{order:?}");
        let last = order.last().unwrap();
        let wanted = if last.ends_with("-1.ndjson") { "female" } else { "male" };
        assert_eq!(genders(&environment), [wanted], "round {round}, read in the order {order:?}");
    }
    environment.run(&["check"]).expect_code(0);
}

#[test]
fn an_undated_version_between_two_dated_ones_over_processes() {
    let dated = |year: u32| json!({"lastUpdated": format!("{year}-01-01T00:00:00Z")});
    for round in 0..6_usize {
        let environment = TestEnvironment::new();
        let versions =
            [("2020", dated(2020), "male"), ("undated", json!({}), "female"), ("2019", dated(2019), "other")];
        for (place, (name, meta, gender)) in versions.iter().enumerate() {
            let inbox = INBOXES[(place + round) % 3];
            environment.put(&format!("{inbox}/{name}.ndjson"), patients(150, meta, gender));
        }
        run_all(&environment);
        let order = order_of_reading(&environment);
        let place = |name: &str| order.iter().position(|path| path.starts_with(name)).unwrap();
        // The undated one has the time of what it follows, so only 2020 can be later.
        let wanted = if place("undated") > place("2020") { "female" } else { "male" };
        assert_eq!(genders(&environment), [wanted], "read in the order {order:?}");
        environment.run(&["check"]).expect_code(0);
    }
}

#[test]
fn an_undated_version_in_any_order_of_files_and_batches() {
    let dated = |year: u32| json!({"lastUpdated": format!("{year}-01-01T00:00:00Z")});
    let versions = [(dated(2020), "male"), (json!({}), "female"), (dated(2019), "other")];
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    // A source for each order, whose files are read in the order of their names.
    for at_once in [1, 2, 3] {
        let environment = TestEnvironment::new();
        for number in 0..3 {
            for (case, order) in orders.iter().enumerate() {
                let (meta, gender) = &versions[order[number]];
                environment.put(&format!("inbox/case-{case}/{number}.ndjson"), patients(150, meta, gender));
            }
            if (number + 1) % at_once == 0 || number == 2 {
                let mut command = environment.command(&["once"]);
                command.envs([("BATCH_BYTES", "64KiB"), ("WORKERS", "3")]);
                environment.run_command(&mut command).expect_code(0);
            }
        }
        let genders = "select string_agg(distinct p.gender, ',') as genders from patient p \
                       join etl.source s on s.id = p.source_id group by s.code order by s.code";
        let wanted = orders.map(|order| {
            let place = |version: usize| order.iter().position(|of| *of == version).unwrap();
            [if place(1) > place(0) { "female" } else { "male" }]
        });
        assert_eq!(environment.query(genders), wanted, "{at_once} files at once");
    }
}
