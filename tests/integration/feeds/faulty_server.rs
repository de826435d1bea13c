//! An HTTP server with *faults*: each is answered instead of what the server behind it would
//! say, so often as a test wants. Behind it is a function, or another server.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// A request that came.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// With the query.
    pub path: String,
    /// By lower-case names.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// After so many bytes of the body the connection is cut.
    pub cut_after: Option<usize>,
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Reply { status, headers: Vec::new(), body: Vec::new(), cut_after: None }
    }

    pub fn json(value: &serde_json::Value) -> Self {
        Self::status(200).header("Content-Type", "application/json").body(value.to_string())
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }
}

/// What goes wrong.
#[derive(Clone, Debug)]
pub enum Fault {
    /// This is answered.
    Reply(Reply),
    /// What the server says is cut after so many bytes of its body.
    Cut(usize),
    /// The connection is closed without an answer.
    Close,
}

struct Rule {
    /// How the method and the path begin.
    matches: String,
    times: usize,
    fault: Fault,
}

/// What is behind the faults.
pub type Backend = Box<dyn Fn(&Request) -> Reply + Send + Sync>;

pub struct FaultyServer {
    pub port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    backend: Backend,
    rules: Mutex<Vec<Rule>>,
    requests: Mutex<Vec<Request>>,
    connections: AtomicUsize,
}

impl FaultyServer {
    pub fn start(backend: Backend) -> Self {
        Self::start_at(TcpListener::bind("127.0.0.1:0").unwrap(), backend)
    }

    pub fn start_at(listener: TcpListener, backend: Backend) -> Self {
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            backend,
            rules: Mutex::default(),
            requests: Mutex::default(),
            connections: AtomicUsize::new(0),
        });
        let serving = Arc::clone(&shared);
        // It ends with the process: tests are few.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&serving);
                shared.connections.fetch_add(1, Ordering::SeqCst);
                thread::spawn(move || {
                    shared.serve(stream);
                    shared.connections.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        FaultyServer { port, shared }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The next `times` requests that begin like this get the fault.
    pub fn fault(&self, matches: &str, times: usize, fault: Fault) {
        let rule = Rule { matches: matches.to_owned(), times, fault };
        self.shared.rules.lock().unwrap().push(rule);
    }

    /// The requests so far that begin like this.
    pub fn requests(&self, matches: &str) -> Vec<Request> {
        let requests = self.shared.requests.lock().unwrap();
        requests.iter().filter(|request| request.line().starts_with(matches)).cloned().collect()
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Forgets requests and faults.
    pub fn forget(&self) {
        self.shared.requests.lock().unwrap().clear();
        self.shared.rules.lock().unwrap().clear();
    }

    /// Faults that nobody has met: a test of nothing.
    #[track_caller]
    pub fn expect_no_faults_left(&self) {
        let rules = self.shared.rules.lock().unwrap();
        let left: Vec<&str> =
            rules.iter().filter(|rule| rule.times > 0).map(|rule| rule.matches.as_str()).collect();
        assert!(left.is_empty(), "nobody has asked for {left:?}");
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        while let Some(request) = read_request(&mut reader) {
            self.requests.lock().unwrap().push(request.clone());
            let fault = {
                let mut rules = self.rules.lock().unwrap();
                let line = request.line();
                let rule = rules.iter_mut().find(|rule| rule.times > 0 && line.starts_with(&rule.matches));
                rule.map(|rule| {
                    rule.times -= 1;
                    rule.fault.clone()
                })
            };
            let reply = match fault {
                Some(Fault::Close) => break,
                Some(Fault::Reply(reply)) => reply,
                Some(Fault::Cut(after)) => Reply { cut_after: Some(after), ..(self.backend)(&request) },
                None => (self.backend)(&request),
            };
            if !write_reply(&mut stream, &reply)? {
                break;
            }
        }
        stream.shutdown(Shutdown::Both).ok()
    }
}

fn read_request(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { method, path, headers, body })
}

/// False if the connection is to be closed.
fn write_reply(stream: &mut TcpStream, reply: &Reply) -> Option<bool> {
    let mut head = format!("HTTP/1.1 {} X\r\nContent-Length: {}\r\n", reply.status, reply.body.len());
    reply.headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(b"\r\n").ok()?;
    let end = reply.cut_after.unwrap_or(reply.body.len()).min(reply.body.len());
    stream.write_all(&reply.body[..end]).ok()?;
    Some(reply.cut_after.is_none())
}

/// A backend that asks another server, which closes the connection after each answer.
pub fn forward_to(port: u16) -> Backend {
    Box::new(move |request| {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let mut head = format!("{} HTTP/1.1\r\n", request.line());
        for (name, value) in request.headers.iter().filter(|(name, _)| *name != "connection") {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        stream.write_all(format!("{head}connection: close\r\n\r\n").as_bytes()).unwrap();
        stream.write_all(&request.body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        parse_reply(&answer)
    })
}

fn parse_reply(answer: &[u8]) -> Reply {
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let mut reply = Reply::status(status).body(&answer[end + 4..]);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if !["content-length", "connection", "transfer-encoding"]
            .contains(&name.to_ascii_lowercase().as_str())
        {
            reply = reply.header(name, value.trim());
        }
    }
    reply
}
