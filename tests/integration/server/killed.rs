//! The service is killed in the middle of uploads: what was answered is kept, what was not
//! can be sent again, and nothing is loaded twice or by half.

use pretty_assertions::assert_eq;

use super::{HttpService, patients};

#[test]
fn parts_that_were_answered_survive_a_kill() {
    let mut service = HttpService::start();
    let authorization = service.authorized("st-marys");
    let whole = patients("a", 400_000);
    let parts: Vec<&[u8]> = whole.chunks(100_001).collect();
    let upload = service.begin(&authorization, "a.ndjson", parts.len());
    for (index, bytes) in parts.iter().enumerate() {
        service.put(&authorization, &upload, index + 1, bytes).expect(204);
        service.restart();
    }
    let job = service.complete(&authorization, &upload).expect(202).header("content-location").unwrap();
    service.restart();
    let account = service.finished(&authorization, &job);
    assert_eq!(account["rejected"], 0, "{account}");
    assert_eq!(account["seen"], whole.iter().filter(|byte| **byte == b'\n').count(), "{account}");
    assert_eq!(service.environment.value("select count(*) from etl.load_file"), "1");
}

#[test]
fn uploads_that_are_killed_at_any_time_arrive_once_and_whole() {
    let mut service = HttpService::start();
    let authorization = service.authorized("st-marys");
    let mut uploads = Vec::new();
    for round in 0..6_u64 {
        let whole = patients(&format!("r{round}x"), 400_000);
        let parts: Vec<&[u8]> = whole.chunks(100_000).collect();
        let upload = service.begin(&authorization, &format!("{round}.ndjson"), parts.len());
        let pid = service.process().pid();
        let killer = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(20 + 37 * round));
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
        });
        for (index, bytes) in parts.iter().enumerate() {
            while service.put(&authorization, &upload, index + 1, bytes).status != 204 {
                service.restart();
            }
        }
        let mut done = service.complete(&authorization, &upload);
        killer.join().unwrap();
        // By now it is dead, whatever it answered before.
        service.restart();
        while done.status != 202 {
            done = service.complete(&authorization, &upload);
        }
        uploads.push((done.header("content-location").unwrap(), whole));
    }
    service.restart();
    for (job, whole) in &uploads {
        let account = service.finished(&authorization, job);
        assert_eq!((&account["status"], &account["rejected"]), (&"loaded".into(), &0.into()), "{account}");
        assert_eq!(account["seen"], whole.iter().filter(|byte| **byte == b'\n').count(), "{account}");
    }
    assert_eq!(service.environment.value("select count(*) from etl.load_file"), "6");
    assert_eq!(service.spool(), Vec::<String>::new());
}
