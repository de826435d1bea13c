//! How long each view of the operator's page takes with 100,000 files, a million rejects and
//! millions of resources: `make page-speed`.

use std::time::{Duration, Instant};

use super::HttpService;
use super::page::{Visitor, add_user};
use crate::support::execute;

/// How long a view may take.
const MOST: Duration = Duration::from_millis(200);
const ROUNDS: usize = 5;

const FILL: &str = include_str!("page_speed.sql");

#[test]
#[ignore = "fills a database with millions of rows: make page-speed"]
fn every_view_answers_in_a_moment_with_a_large_ledger() {
    let service = HttpService::start();
    add_user(&service, "anna", "operator");
    execute(service.environment.database_url(), FILL);
    execute(service.environment.database_url(), "vacuum analyze");
    let tables = "update pg_class set reltuples = 10000000 where relnamespace = 'public'::regnamespace and relkind = 'r'";
    execute(service.environment.database_url(), tables);
    let file = service.environment.value("select max(file_id) from etl.rejected_record");
    let reject = service.environment.value("select max(id) from etl.rejected_record");
    let mut views: Vec<String> = [
        "/page",
        "/page/runs",
        "/page/runs?before=1000",
        "/page/runs/1000",
        "/page/files",
        "/page/files?before=50000",
        "/page/files?source=source-07",
        "/page/files?source=source-07&status=rejected",
        "/page/files?status=failed",
        "/page/files?status=duplicate",
        "/page/files?from=2026-01-01&to=2999-01-01",
        "/page/rejects",
        "/page/rejects/list",
        "/page/rejects/list?state=all&before=500000",
        "/page/rejects/list?reason=not_json",
        "/page/uploads",
        "/page/feeds",
        "/page/views",
        "/page/sinks",
        "/page/senders",
        "/page/references",
        "/page/elements",
        "/page/data",
        "/page/data/public/patient",
        "/page/system",
    ]
    .map(str::to_owned)
    .into();
    views.extend([
        format!("/page/files/{file}"),
        format!("/page/rejects/{reject}"),
        format!("/page/rejects/{reject}/raw"),
    ]);
    let mut visitor = Visitor::signed_in(&service, "anna");
    let mut slowest = (Duration::ZERO, String::new());
    for view in &views {
        visitor.get(view).expect(200);
        let mut times: Vec<Duration> = (0..ROUNDS)
            .map(|_| {
                let since = Instant::now();
                visitor.get(view).expect(200);
                since.elapsed()
            })
            .collect();
        times.sort();
        let median = times[ROUNDS / 2];
        println!("{:>5} ms  {view}", median.as_millis());
        if median > slowest.0 {
            slowest = (median, view.clone());
        }
    }
    println!("slowest: {} ms, {}", slowest.0.as_millis(), slowest.1);
    assert!(slowest.0 <= MOST, "{slowest:?}");
}
