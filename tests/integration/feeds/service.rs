//! Feeds within `fhirmill run`: by their schedule, after a kill, paused.

use pretty_assertions::assert_eq;

use super::bulk_server::{BulkServer, Data, patients};
use super::faulty_server::{Fault, Reply};
use super::resources;
use crate::support::{TestEnvironment, execute, wait_until};

fn settings(server: &BulkServer, schedule: &str) -> String {
    format!(
        "[[feed]]\nname = \"every-second\"\nkind = \"export\"\nsource = \"north\"\nschedule = \"{schedule}\"\n\
         url = \"{}\"\nretry_wait = \"12ms\"\n",
        server.base()
    )
}

#[test]
fn a_scheduled_feed_runs_waits_as_told_and_survives_a_kill() {
    let files = vec![("output", "Patient", patients("a", 0..5))];
    let (environment, server) =
        (TestEnvironment::new(), BulkServer::start(Data { files, ..Data::default() }));
    environment.put("fhirmill.toml", settings(&server, "* * * * * *"));
    let wait = Reply::status(202).header("Retry-After", "7200").header("X-Progress", "patience");
    server.http.fault("GET /status", 1, Fault::Reply(wait));
    let service = environment.start(&mut environment.command(&["run"]));
    let is_waiting = "select count(*) = 1 from etl.export_job where status = 'exporting' \
                      and retry_at between now() + interval '1 hour' and now() + interval '2 hours'";
    wait_until("the feed waits for two hours", || environment.value(is_waiting) == "true");
    let listed = environment.run(&["feeds", "list"]).expect_code(0).stdout;
    assert!(listed.contains("running") && listed.contains("exporting (patience)"), "{listed}");
    let refused = environment.run(&["feeds", "run", "every-second"]).expect_code(2);
    assert!(refused.stderr.contains("feed every-second is running"), "{}", refused.stderr);
    // Killed. Its successor waits, too, and asks for no other export.
    drop(service);
    let service = environment.start(&mut environment.command(&["run"]));
    let running = "select count(*) from etl.service where ended_at is null";
    wait_until("the successor is there", || environment.value(running) == "2");
    let is_locked = || environment.run(&["feeds", "list"]).stdout.contains("running");
    wait_until("the successor has the feed", is_locked);
    assert_eq!((server.data().exports, server.http.requests("GET /status").len()), (1, 1));
    drop(service);
    execute(environment.database_url(), "update etl.export_job set retry_at = now()");
    let mut service = environment.start(&mut environment.command(&["run"]));
    wait_until("the export is loaded", || resources(&environment, "north") == [("Patient".to_owned(), 5)]);
    wait_until("the feed goes on by itself", || server.data().exports >= 3);
    let since = server.kick_offs().pop().unwrap().path;
    assert!(since.ends_with("?_since=2026-01-01T00%3A00%3A00.5Z"), "{since}");
    environment.run(&["feeds", "pause", "every-second"]).expect_code(0);
    wait_until("the feed rests", || !environment.run(&["feeds", "list"]).stdout.contains("running"));
    assert!(service.is_running());
    assert!(service.end(nix::sys::signal::Signal::SIGTERM).success());
    assert_eq!(environment.value("select count(*) from etl.export_job where status = 'failed'"), "0");
}
