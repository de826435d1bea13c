//! Feeds on the operator's page, and in the metrics: what is shown, and what operators do.

use pretty_assertions::assert_eq;

use super::bulk_server::{BulkServer, Data, observations, patients};
use crate::server::HttpService;
use crate::server::metrics::{page, samples};
use crate::server::page::{Visitor, add_user};
use crate::support::prometheus::promtool;
use crate::support::{TestEnvironment, port_of_its_own, wait_until};

/// A feed that works, and one that is refused.
fn start(server: &BulkServer, metrics_port: u16) -> HttpService {
    let environment = TestEnvironment::new();
    let feed = |name: &str, more: &str| {
        format!(
            "[[feed]]\nname = \"{name}\"\nkind = \"export\"\nsource = \"{name}\"\nurl = \"{}\"\n\
             retry_wait = \"1h\"\nretries = 0\n{more}\n",
            server.base()
        )
    };
    let south = "schedule = \"0 0 29 2 *\"\ntoken_file = \"missing\"";
    environment.put("fhirmill.toml", feed("north", "") + &feed("south", south));
    let address = format!("127.0.0.1:{metrics_port}");
    let service = HttpService::start_in(environment, &[("METRICS_ADDRESS", &address)]);
    add_user(&service, "anna", "operator");
    add_user(&service, "bert", "viewer");
    let known = "select count(*) from etl.feed where name = 'north' or next_run_at is not null";
    wait_until("the feeds are known", || service.environment.value(known) == "2");
    service
}

#[test]
fn operators_see_feeds_and_run_pause_and_resume_them() {
    let files =
        vec![("output", "Patient", patients("a", 0..5)), ("output", "Observation", observations("a", 0..30))];
    let count = Box::new(|lines| Some(if lines == 30 { 31 } else { lines }));
    let server = BulkServer::start(Data { files, count, ..Data::default() });
    let metrics_port = port_of_its_own();
    let service = start(&server, metrics_port);
    let (mut anna, mut bert) = (Visitor::signed_in(&service, "anna"), Visitor::signed_in(&service, "bert"));
    let listed = anna.get("/page/feeds").expect(200).text();
    for text in ["/page/feeds/north", "bulk export", "on request", "not run yet", "<code>0 0 29 2 *</code>"] {
        assert!(listed.contains(text), "{text} is not in {listed}");
    }
    // A viewer looks, and does nothing; nor does a form of another site.
    assert!(!bert.get("/page/feeds/north").expect(200).text().contains("/run\""));
    for action in ["run", "pause", "resume"] {
        let path = format!("/page/feeds/north/{action}");
        bert.post("/page", &path, &[]).expect(403);
        anna.call(&[&path, "--data", "csrf=0000"]).expect(403);
    }
    anna.post("/page", "/page/feeds/east/run", &[]).expect(404);
    anna.get("/page/feeds/east").expect(404);
    assert_eq!(server.data().exports, 0);

    // Run now: the counts of its files, and the one that differs.
    let answer = anna.post("/page/feeds/north", "/page/feeds/north/run", &[]).expect(303);
    assert_eq!(answer.header("location").as_deref(), Some("/page/feeds/north?done=requested-1"));
    let has_ended = |name: &str| {
        let ended = format!(
            "select count(*) from etl.feed where name = '{name}' and (last_success_at >= requested_at or last_failure_at >= requested_at)"
        );
        wait_until(&format!("the run of {name} has ended"), || service.environment.value(&ended) == "1");
        wait_until(&format!("{name} is at rest"), || !anna_sees_running(&service, name));
    };
    has_ended("north");
    let shown = anna.get("/page/feeds/north").expect(200).text();
    for text in ["2 files", "35 records", "1 fewer than announced", "class=\"differs\"", "Run now", "Pause"] {
        assert!(shown.contains(text), "{text} is not in {shown}");
    }
    assert_eq!(shown.matches("class=\"differs\"").count(), 1);
    let narrowed = anna.get("/page/feeds/north?run=1&only=differences").expect(200).text();
    assert!(narrowed.contains(">Observation<") && !narrowed.contains(">Patient<"), "{narrowed}");
    anna.get("/page/feeds/north?run=99").expect(404);
    assert!(anna.get("/page/feeds").expect(200).text().contains("counts differ"));

    // A failure: its reason, and what to do.
    anna.post("/page/feeds/south", "/page/feeds/south/run", &[]).expect(303);
    has_ended("south");
    let failed = anna.get("/page/feeds/south").expect(200).text();
    assert!(failed.contains("missing") && failed.contains("Mend the setting or the secret"), "{failed}");
    assert!(anna.get("/page").expect(200).text().contains("The feed south fails"));
    // It rests an hour or eight; a paused one does not run, and one that is resumed does.
    anna.post("/page/feeds/south", "/page/feeds/south/pause", &[]).expect(303);
    let paused = anna.get("/page/feeds/south").expect(200).text();
    assert!(paused.contains("Resume") && !paused.contains("Run now"), "{paused}");
    let refused = anna.post("/page/feeds/south", "/page/feeds/south/run", &[]).expect(303);
    assert_eq!(refused.header("location").as_deref(), Some("/page/feeds/south?done=requested-0"));
    anna.post("/page/feeds/south", "/page/feeds/south/resume", &[]).expect(303);
    let done = "select a.action, a.target, u.name from etl.audit_event a join etl.page_user u on u.id = a.user_id \
                 where a.action like 'POST /page/feeds%' and a.status = 303 order by a.id";
    wait_until("all actions are on record", || service.environment.query(done).len() == 5);
    let done = service.environment.query(done);
    assert_eq!(done[0], ["POST /page/feeds/{name}/run", "feed north", "anna"]);
    assert_eq!(done[4], ["POST /page/feeds/{name}/resume", "feed south", "anna"]);
    compare_metrics(metrics_port, &service, &mut anna);
}

fn anna_sees_running(service: &HttpService, name: &str) -> bool {
    let listed = service.environment.run(&["feeds", "list", "--json"]).expect_code(0).json();
    let feed = listed.as_array().unwrap().iter().find(|feed| feed["name"] == name).unwrap().clone();
    feed["is_running"] == true
}

/// A feed that runs continuously, and is behind.
const STREAM: &str = "\
insert into etl.feed (name, kind, source) values ('stream', 'kafka', 'stream');
insert into etl.feed_offset (feed_id, topic, partition, next_offset, end_offset, end_seen_at, messages, lost_offsets,
                             message_at)
select id, 'adt', 0, 90, 102, now(), 87, 3, now() - interval '5 minutes' from etl.feed where name = 'stream'";

/// The metrics, which are asked for once all has happened.
fn compare_metrics(port: u16, service: &HttpService, anna: &mut Visitor<'_>) {
    let bytes = service.environment.value("select bytes from etl.feed where name = 'north'");
    crate::support::execute(service.environment.database_url(), STREAM);
    let stream = anna.get("/page/feeds/stream").expect(200).text();
    for text in
        ["topics of Kafka", "all the time", "<th scope=\"row\" class=\"path\">adt</th>", ">90<", "12 records"]
    {
        assert!(stream.contains(text), "{text} is not in {stream}");
    }
    let text = page(port);
    let found = samples(&text);
    for (sample, value) in [
        ("fhirmill_feed_info{feed=\"north\",kind=\"export\",source=\"north\"}", 1.0),
        ("fhirmill_feed_state{feed=\"north\",state=\"waiting\"}", 1.0),
        ("fhirmill_feed_state{feed=\"north\",state=\"failed\"}", 0.0),
        ("fhirmill_feed_state{feed=\"south\",state=\"failed\"}", 1.0),
        ("fhirmill_feed_running{feed=\"north\"}", 0.0),
        ("fhirmill_feed_failed_runs{feed=\"south\"}", 1.0),
        ("fhirmill_feed_count_differences{feed=\"north\"}", 1.0),
        ("fhirmill_feed_files_total{feed=\"north\"}", 2.0),
        ("fhirmill_feed_records_total{feed=\"north\"}", 35.0),
        ("fhirmill_feed_bytes_total{feed=\"north\"}", bytes.parse().unwrap()),
        ("fhirmill_feed_retries_total{feed=\"south\"}", 0.0),
        ("fhirmill_feed_lag_records{feed=\"stream\"}", 12.0),
        ("fhirmill_feed_partition_lag_records{feed=\"stream\",partition=\"0\",topic=\"adt\"}", 12.0),
        ("fhirmill_feed_lost_messages_total{feed=\"stream\"}", 3.0),
    ] {
        assert_eq!(found.get(sample), Some(&value), "{sample} in {text}");
    }
    let has =
        |name: &str, feed: &str| found.contains_key(&format!("fhirmill_feed_{name}{{feed=\"{feed}\"}}"));
    assert!(has("last_success_timestamp_seconds", "north") && has("last_success_age_seconds", "north"));
    assert!(!has("last_success_timestamp_seconds", "south") && has("last_success_age_seconds", "south"));
    assert!(has("last_failure_timestamp_seconds", "south") && has("next_run_timestamp_seconds", "south"));
    let checked = promtool(&["check", "metrics"], &text);
    assert!(
        checked.status.success() && checked.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&checked.stderr)
    );
    // The alerts use those that there are.
    let alerts = include_str!("../../../docs/alerts.yml");
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
    for name in
        alerts.split(|character| !is_part(character)).filter(|word| word.starts_with("fhirmill_feed_"))
    {
        assert!(text.contains(&format!("# TYPE {name} ")), "{name} in {text}");
    }
}
