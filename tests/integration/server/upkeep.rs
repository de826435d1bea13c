//! What the service does by itself: it takes what was pushed at once, and removes what was
//! kept for long enough.

use super::{HttpService, patients};
use crate::support::{TestEnvironment, port_of_its_own, wait_until};

/// Neither the watch nor the schedule finds the file, and any other would have to wait.
#[test]
fn what_was_pushed_is_loaded_at_once() {
    let service =
        HttpService::start_with(&[("WATCH", "off"), ("SCHEDULE", "0 0 1 1 *"), ("SETTLE_SECONDS", "3600")]);
    let authorization = service.authorized("st-marys");
    let upload = service.begin(&authorization, "a.ndjson", 2);
    service.put(&authorization, &upload, 1, &patients("a", 100)).expect(204);
    service.put(&authorization, &upload, 2, &patients("b", 50)).expect(204);
    let job = service.complete(&authorization, &upload).expect(202).header("content-location").unwrap();
    assert_eq!(service.finished(&authorization, &job)["status"], "loaded");
}

const OLD_ROWS: &str = "\
insert into etl.audit_event (occurred_at, request_id, action, client_address, bytes, status)
select now() - make_interval(days => case when n <= 12000 then 20 else 5 end), n::text, 'GET /x', '', 0, 200
  from generate_series(1, 12010) n;
insert into etl.source (code) values ('st-marys');
insert into etl.sender (name, source_id, scopes, client_secret_hash, personal_key, access_key_id,
                        secret_access_key, max_open_uploads, max_open_bytes)
select 'st-marys', id, '{}', '', '', 'x', '', 1, 1 from etl.source where code = 'st-marys';
insert into etl.upload (id, sender_id, face, filename, status, expires_at, finished_at, loaded_at)
select gen_random_uuid(), (select id from etl.sender), 'rest', name, status, now() + interval '1 day',
       now() - make_interval(days => days), case when is_loaded then now() end
  from (values ('old', 'completed', 20, true), ('waits', 'completed', 20, false), ('new', 'completed', 5, true),
               ('expired', 'expired', 20, false), ('open', 'open', null, false)) u (name, status, days, is_loaded);
insert into etl.access_token (token_hash, sender_id, scopes, expires_at)
select decode(n::text, 'escape'), (select id from etl.sender), '{}', now() + make_interval(hours => n) from generate_series(-3, 2) n;
insert into etl.used_proof (sender_id, proof_hash, expires_at)
select (select id from etl.sender), decode(n::text, 'escape'), now() + make_interval(hours => n) from generate_series(-3, 2) n;";

#[test]
fn rows_that_were_kept_for_long_enough_are_removed_and_no_others() {
    let environment = TestEnvironment::new();
    environment.run(&["migrate", "up"]).expect_code(0);
    crate::support::execute(environment.database_url(), OLD_ROWS);
    let port = port_of_its_own();
    let mut command = environment.command(&["run"]);
    command.env("HTTP_ADDRESS", format!("127.0.0.1:{port}"));
    command.env("AUDIT_RETENTION", "10d").env("UPLOAD_RETENTION", "10d");
    let service = environment.start(&mut command);
    let count = |table: &str| environment.value(&format!("select count(*) from etl.{table}"));
    wait_until("old rows are gone", || count("used_proof") == "2" && count("access_token") == "2");
    assert_eq!(count("audit_event"), "10");
    let names = environment.query("select filename as name from etl.upload order by 1");
    assert_eq!(names, [["new"], ["open"], ["waits"]]);
    drop(service);

    let mut command = environment.command(&["run"]);
    command.env("HTTP_ADDRESS", format!("127.0.0.1:{port}"));
    command.env("AUDIT_RETENTION", "off").env("UPLOAD_RETENTION", "1d");
    let _service = environment.start(&mut command);
    wait_until("uploads are gone", || count("upload") == "2");
    assert_eq!(count("audit_event"), "10");
}
