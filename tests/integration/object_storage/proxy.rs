//! A *proxy* in front of the store, which does what stores do now and then: it throttles, breaks off,
//! lists keys that no path can be, or lets an object be replaced at the wrong moment.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A call on its way to the store.
pub struct Call {
    pub method: String,
    /// With its query.
    pub path: String,
    /// The first byte of the range that is asked for.
    pub from: Option<u64>,
    /// How many bytes are sent.
    pub length: usize,
}

impl Call {
    pub fn is_listing(&self) -> bool {
        self.path.contains("list-type=2")
    }
}

/// What becomes of a call.
pub enum Fate {
    /// It is passed on.
    Passed,
    /// The store has too much to do.
    Throttled,
    /// The store does not allow such calls.
    Refused,
    /// The connection ends without an answer.
    BrokenOff,
    /// It is a listing, and this is listed besides: elements of XML.
    WithContents(String),
}

/// See the module.
pub struct Proxy {
    pub host: String,
    seen: Arc<Mutex<Vec<(String, usize)>>>,
}

impl Proxy {
    /// Passes calls to `host`, as far as `fate` says.
    pub fn start(host: &str, fate: impl FnMut(&Call) -> Fate + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap().to_string();
        let (host, fate) = (host.to_owned(), Arc::new(Mutex::new(fate)));
        let seen: Arc<Mutex<Vec<(String, usize)>>> = Arc::default();
        let noted = Arc::clone(&seen);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (host, fate, noted) = (host.clone(), Arc::clone(&fate), Arc::clone(&noted));
                thread::spawn(move || {
                    // A client that goes away is no failure.
                    let _ = serve(client, &host, &mut |call| {
                        noted.lock().unwrap().push((format!("{} {}", call.method, call.path), call.length));
                        (*fate.lock().unwrap())(call)
                    });
                });
            }
        });
        Proxy { host: own, seen }
    }

    /// The calls so far: method and path.
    pub fn seen(&self) -> Vec<String> {
        self.seen_with_length().into_iter().map(|(call, _)| call).collect()
    }

    /// The same, with how many bytes were sent.
    pub fn seen_with_length(&self) -> Vec<(String, usize)> {
        self.seen.lock().unwrap().clone()
    }
}

/// One call; the connection ends with its answer.
fn serve(client: TcpStream, host: &str, fate: &mut dyn FnMut(&Call) -> Fate) -> std::io::Result<()> {
    let mut input = BufReader::new(client.try_clone()?);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if line == "\r\n" {
            break;
        }
        lines.push(line);
    }
    let header = |name: &str| {
        let found = lines.iter().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")));
        found.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned())
    };
    let mut request = lines[0].split(' ').map(str::to_owned);
    let (method, path) = (request.next().unwrap_or_default(), request.next().unwrap_or_default());
    let from =
        header("range").and_then(|range| range.strip_prefix("bytes=")?.split('-').next()?.parse().ok());
    let length = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    input.read_exact(&mut body)?;
    let fate = fate(&Call { method: method.clone(), path: path.clone(), from, length });
    let answer = match &fate {
        Fate::BrokenOff => return Ok(()),
        Fate::Throttled => error("503 Slow Down", "SlowDown"),
        Fate::Refused => error("403 Forbidden", "AccessDenied"),
        Fate::Passed | Fate::WithContents(_) => {
            let mut store = TcpStream::connect(host)?;
            write!(store, "{method} {path} HTTP/1.0\r\nConnection: close\r\n")?;
            let kept = lines[1..].iter().filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
            store.write_all(kept.cloned().collect::<String>().as_bytes())?;
            store.write_all(b"\r\n")?;
            store.write_all(&body)?;
            let mut answer = Vec::new();
            store.read_to_end(&mut answer)?;
            answer
        }
    };
    let answer = match fate {
        Fate::WithContents(contents) => with_contents(&answer, &contents),
        _ => answer,
    };
    let mut client = client;
    client.write_all(&answer)?;
    client.shutdown(std::net::Shutdown::Write)
}

/// An answer of the store's.
fn error(status: &str, code: &str) -> Vec<u8> {
    let body = format!("<Error><Code>{code}</Code><Message>No.</Message></Error>");
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").into_bytes()
}

fn with_contents(answer: &[u8], contents: &str) -> Vec<u8> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let body = String::from_utf8_lossy(&answer[end..]);
    let body = body.replace("</ListBucketResult>", &format!("{contents}</ListBucketResult>"));
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
        .into_bytes()
}

/// The element of a listed object.
pub fn listed(key: &str) -> String {
    format!(
        "<Contents><Key>{key}</Key><LastModified>2026-03-01T00:00:00.000Z</LastModified>\
         <ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>7</Size>\
         <StorageClass>STANDARD</StorageClass></Contents>"
    )
}
