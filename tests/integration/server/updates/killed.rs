//! The service is killed while updates are stored: what was answered is in the tables,
//! once.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use pretty_assertions::assert_eq;

use super::{patient, send};
use crate::server::HttpService;
use crate::support::state::{State, assert_same};
use crate::support::{port_of_its_own, wait_until};

/// Sends updates until it is told to stop; returns the numbers of those that were answered.
fn updates(port: u16, authorization: &str, client: usize, is_over: &AtomicBool) -> Vec<usize> {
    let mut answered = Vec::new();
    for number in 0.. {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        let id = format!("c{client}-{number}");
        let counter = patient(&format!("counter{client}"), &format!(",\"birthDate\":\"{}\"", 1000 + number));
        let calls = [
            (format!("/fhir/Patient/{id}"), patient(&id, "")),
            (format!("/fhir/Patient/counter{client}"), counter),
        ];
        let statuses = calls.map(|(path, body)| send(port, authorization, ("PUT", &path), &body, &[]).status);
        if statuses.iter().all(|status| matches!(status, 200 | 201)) {
            answered.push(number);
        }
    }
    answered
}

#[test]
fn updates_that_were_answered_survive_kills_and_none_is_stored_twice() {
    let mut service = HttpService::start();
    let sender = service.sender("st-marys", &[]);
    let authorization = service.authorization(&sender);
    let port = service.port;
    for round in 0..5_usize {
        let is_over = AtomicBool::new(false);
        let answered: Vec<Vec<usize>> = thread::scope(|scope| {
            let (authorization, is_over) = (&authorization, &is_over);
            let clients: Vec<_> = (0..4)
                .map(|client| scope.spawn(move || updates(port, authorization, round * 4 + client, is_over)))
                .collect();
            let stored = "select count(*) from patient";
            let before: usize = service.environment.value(stored).parse().unwrap();
            // Somewhere in the middle, at another point in each round.
            wait_until("some are stored", || {
                service.environment.value(stored).parse::<usize>().unwrap() > before + 5 + 3 * round
            });
            service.restart();
            is_over.store(true, Ordering::Relaxed);
            clients.into_iter().map(|client| client.join().unwrap()).collect()
        });
        for (client, numbers) in answered.iter().enumerate() {
            let client = round * 4 + client;
            for number in numbers {
                let there = format!("select count(*) from patient where fhir_id = 'c{client}-{number}'");
                wait_until("an update that was answered is there", || {
                    service.environment.value(&there) == "1"
                });
            }
            // Of one resource the last one counts.
            let last = numbers.iter().max().map_or(0, |last| 1000 + last);
            let counter = format!(
                "select coalesce(max(extract(year from birth_date))::int, 0) >= {last} from patient \
                 where fhir_id = 'counter{client}'"
            );
            assert_eq!(service.environment.value(&counter), "true");
        }
    }
    service.restart();
    // Every file is accounted for, and every record is in the tables once.
    let open = "select count(*) from etl.load_file where status <> 'loaded'";
    wait_until("all files are complete", || service.environment.value(open) == "0");
    let sums = "select concat_ws(' ', sum(seen) = sum(inserted + updated + unchanged + stale), sum(inserted) = \
                (select count(*) from patient)) from etl.load_file";
    assert_eq!(service.environment.value(sums), "t t");
    let spool = service.environment.path("inbox/.fhirmill-updates/st-marys");
    wait_until("the spool is empty", || fs::read_dir(&spool).unwrap().next().is_none());
    // What a remap writes is what the updates wrote.
    let before = State::of(&service.environment).tables();
    service.environment.run(&["remap"]).expect_code(0);
    assert_same(&State::of(&service.environment).tables(), &before, "after a remap");
}

#[test]
fn what_a_process_left_is_continued() {
    let mut service = HttpService::start();
    let authorization = service.authorized("st-marys");
    let put = |port, id: &str| {
        send(port, &authorization, ("PUT", &format!("/fhir/Patient/{id}")), &patient(id, ""), &[])
    };
    put(service.port, "a").expect(201);
    put(service.port, "b").expect(201);
    drop(service.end());
    // A group that was flushed and not committed, and one that was not even flushed.
    let spool = service.environment.path("inbox/.fhirmill-updates/st-marys");
    let segment = fs::read_dir(&spool).unwrap().next().unwrap().unwrap().path();
    let line = fs::read_to_string(&segment).unwrap().lines().last().unwrap().to_owned();
    let more =
        format!("{}\n{}", line.replace("\"b\"", "\"c\"").replace("/b\"", "/c\""), &line[..line.len() / 2]);
    OpenOptions::new().append(true).open(&segment).unwrap().write_all(more.as_bytes()).unwrap();
    service.restart();
    let ids = "select string_agg(fhir_id, ',' order by fhir_id) from patient";
    wait_until("what was flushed is loaded", || service.environment.value(ids) == "a,b,c");
    let files = "select string_agg(concat_ws(' ', status, seen, inserted), ';') from etl.load_file";
    wait_until("the file is complete", || service.environment.value(files) == "loaded 3 3");
    put(service.port, "c").expect(200);
}

#[test]
fn an_update_that_is_cut_off_can_be_sent_again() {
    // Before the update is in its file, and after it is committed.
    for (step, there) in [("accounted", "0"), ("committed", "1")] {
        let mut service = HttpService::start_with(&[("FAILPOINTS", &format!("{step}=1*off->return"))]);
        let authorization = service.authorized("st-marys");
        let put = |port, id: &str| {
            send(port, &authorization, ("PUT", &format!("/fhir/Patient/{id}")), &patient(id, ""), &[])
        };
        put(service.port, "a").expect(201);
        assert_eq!(put(service.port, "b").status, 0, "{step}");
        service.settings.clear();
        service.restart();
        let count = "select count(*) from patient where fhir_id = 'b'";
        assert_eq!(service.environment.value(count), there, "{step}");
        put(service.port, "b").expect(if there == "1" { 200 } else { 201 });
        assert_eq!(service.environment.value("select count(*) from patient"), "2", "{step}");
    }
}

#[test]
fn updates_of_one_resource_count_in_their_order_whichever_process_takes_them() {
    let service = HttpService::start();
    let authorization = service.authorized("st-marys");
    let port = port_of_its_own();
    let mut command = service.environment.command(&["run"]);
    let other = service.environment.start(command.env("HTTP_ADDRESS", format!("127.0.0.1:{port}")));
    wait_until("the other process is ready", || HttpService::curl(port, &["/ready"], b"").status == 200);
    let put = |port, day: usize| {
        let body = patient("p1", &format!(",\"birthDate\":\"2000-01-{day:02}\""));
        send(port, &authorization, ("PUT", "/fhir/Patient/p1"), &body, &[])
    };
    for day in 1..=6 {
        put(if day % 2 == 0 { port } else { service.port }, day).expect(if day == 1 { 201 } else { 200 });
        let born = format!("select birth_date = '2000-01-{day:02}' from patient");
        assert_eq!(service.environment.value(&born), "true", "{day}");
    }
    // At once: each counts, and each is told that it was stored.
    thread::scope(|scope| {
        for client in 0..6 {
            let put = &put;
            scope.spawn(move || {
                for number in 0..3 {
                    put(if client < 3 { service.port } else { port }, 10 + client * 3 + number).expect(200);
                }
            });
        }
    });
    let revision = "select max(v.revision) from etl.resource_version v join patient p on p.id = v.id";
    assert_eq!(service.environment.value(revision), "24");
    drop(other);
}
