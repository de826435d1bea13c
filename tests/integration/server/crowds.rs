//! Many clients at once: memory stays within bounds, and others are served.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Barrier;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use pretty_assertions::assert_eq;

use super::s3::S3Service;
use super::{HttpService, PATIENCE, patients, sigv4};
use crate::support::wait_until;

/// The most memory that the service may take.
const MOST_KIBIBYTES: u64 = 150 * 1024;

/// The most memory that a process has had, in KiB.
fn peak_memory(process: nix::unistd::Pid) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Sends a head and half a body, waits for the others, and sends the rest; returns the
/// status.
fn send_in_halves(port: u16, head: &str, body: &[u8], all_have_sent_half: &Barrier) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let (first, second) = body.split_at(body.len() / 2);
    let length = body.len();
    stream.write_all(format!("{head}\r\nContent-Length: {length}\r\n\r\n").as_bytes()).unwrap();
    stream.write_all(first).unwrap();
    all_have_sent_half.wait();
    stream.write_all(second).unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).unwrap();
    String::from_utf8_lossy(&status).into_owned()
}

#[test]
fn fifty_uploads_at_once_take_little_memory() {
    const EACH: usize = 25;
    let mut service = S3Service::start();
    let token = service.http.authorization(&service.sender);
    let upload = service.http.begin(&token, "rest.ndjson", EACH);
    let (key, secret) = service.user.split_once(':').unwrap();
    let barrier = Barrier::new(2 * EACH);
    // Together they are more than the memory that is allowed.
    let body = patients("a", 4 << 20);
    let before = peak_memory(service.http.process().pid());
    let (barrier, body) = (&barrier, &body);
    let statuses: Vec<String> = std::thread::scope(|scope| {
        let mut calls = Vec::new();
        for number in 1..=EACH {
            let host = format!("127.0.0.1:{}", service.port);
            let path = format!("/st-marys/{number}.bin");
            let query = sigv4::presigned(&host, &path, key, secret, 3600);
            let s3 = (service.port, format!("PUT {path}?{query} HTTP/1.1\r\nHost: {host}"));
            let rest =
                (service.http.port, format!("PUT {upload}/parts/{number} HTTP/1.1\r\nHost: x\r\n{token}"));
            for (port, head) in [s3, rest] {
                calls.push(scope.spawn(move || send_in_halves(port, &head, body, barrier)));
            }
        }
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert_eq!(statuses, ["HTTP/1.1 200", "HTTP/1.1 204"].repeat(EACH));
    let peak = peak_memory(service.http.process().pid());
    println!("50 uploads at once: {before} KiB before, {peak} KiB at most");
    assert!(peak < MOST_KIBIBYTES, "{before} KiB before, {peak} KiB at most");
}

/// Lets this process, and those that it starts, have as many connections as the system
/// allows.
fn allow_many_files() {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    assert!(most > 12_000, "the system allows {most} open files only");
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
}

fn crowd(port: u16) -> Vec<TcpStream> {
    let half_a_head = b"PUT /api/uploads/x/parts/1 HTTP/1.1\r\nHost: x\r\n";
    let connect = |_| {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        // Those that are refused may be closed by now.
        let _ = stream.write_all(half_a_head);
        stream
    };
    (0..10_000).map(connect).collect()
}

#[test]
#[ignore = "needs 20,000 open files: make crowds"]
fn ten_thousand_connections_do_no_harm() {
    allow_many_files();
    for bound in ["512", "15000"] {
        let mut service = HttpService::start_with(&[("HTTP_CONNECTIONS", bound)]);
        let authorization = service.authorized("st-marys");
        let upload = service.begin(&authorization, "a.ndjson", 1);
        let before = peak_memory(service.process().pid());
        let crowd = crowd(service.port);
        let open = || std::fs::read_dir(format!("/proc/{}/fd", service.process.as_ref().unwrap().pid()));
        // Those beyond the bound are closed as soon as they are accepted.
        let (begin, mut most_open) = (std::time::Instant::now(), 0);
        while begin.elapsed() < std::time::Duration::from_secs(8) {
            most_open = most_open.max(open().unwrap().count());
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        // One that says something takes the place of one that does not.
        service.put(&authorization, &upload, 1, &patients("a", 100_000)).expect(204);
        let job = service.complete(&authorization, &upload).expect(202).header("content-location").unwrap();
        assert_eq!(service.finished(&authorization, &job)["rejected"], 0);
        drop(crowd);
        wait_until("their connections are closed", || open().unwrap().count() < 100);
        let peak = peak_memory(service.process().pid());
        println!(
            "10,000 connections of at most {bound}: {most_open} files open, memory {before} KiB before, \
             {peak} KiB at most"
        );
        assert!(peak < 3 * MOST_KIBIBYTES, "{peak} KiB");
    }
}
