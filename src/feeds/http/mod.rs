//! *HTTP* as feeds call it: by threads that may block, with redirects that give no secrets
//! to strangers, and with an end when the program ends.
//!
//! - [`guard`]: hosts that may not be called
//! - [`failure`]: why a call failed, and whether another may succeed
//! - [`retry_after`]: when a server wants to be called again

mod failure;
mod guard;
mod retry_after;

use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, LOCATION};
use reqwest::{Method, StatusCode, Url};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

pub use failure::Failure;
pub use guard::{AllowedHost, Guard};
pub use retry_after::retry_after;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a server may be silent, before its answer and within it.
const SILENCE: Duration = Duration::from_secs(300);
/// The most redirects of one call.
const MOST_REDIRECTS: usize = 10;
/// The most bytes of an answer that is an error.
const MOST_ERROR_BYTES: usize = 64 << 10;

/// A client, shared by the threads of a feed.
#[derive(Clone, Debug)]
pub struct HttpClient {
    client: reqwest::Client,
    guard: Option<Guard>,
    runtime: Handle,
    cancel: CancellationToken,
}

/// A call that is to be made.
#[derive(Clone, Debug)]
pub struct Call {
    method: Method,
    url: Url,
    headers: Vec<(String, String)>,
    authorization: Option<String>,
    body: Option<(&'static str, Vec<u8>)>,
    timeout: Option<Duration>,
}

/// An answer whose body has not been read.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Where it came from, after redirects.
    pub url: Url,
    response: reqwest::Response,
}

impl Call {
    /// A call of that URL.
    pub fn new(method: Method, url: Url) -> Self {
        Call { method, url, headers: Vec::new(), authorization: None, body: None, timeout: None }
    }

    /// What is called.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// A GET.
    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }

    /// The same, accepting that type of content.
    pub fn accept(self, kind: &str) -> Self {
        self.header(ACCEPT.as_str(), kind)
    }

    /// The same with a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with an Authorization, which no other server gets.
    pub fn authorization(mut self, authorization: Option<String>) -> Self {
        self.authorization = authorization;
        self
    }

    /// The same, whose whole answer must be there within that time.
    pub fn within(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The same with a body of that type.
    pub fn body(mut self, kind: &'static str, body: Vec<u8>) -> Self {
        self.body = Some((kind, body));
        self
    }
}

impl HttpClient {
    /// A client that ends its calls when `cancel` is cancelled. With a guard, it calls only
    /// what that allows, and no proxy.
    pub fn new(guard: Option<Guard>, runtime: &Handle, cancel: &CancellationToken) -> Result<Self, Failure> {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("fhirmill/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(SILENCE);
        if let Some(guard) = &guard {
            builder = builder.no_proxy().dns_resolver(guard.clone());
        }
        let _context = runtime.enter();
        let client = builder.build().map_err(|failure| Failure::transport(&failure))?;
        Ok(HttpClient { client, guard, runtime: runtime.clone(), cancel: cancel.clone() })
    }

    /// Makes the call and follows redirects. Whatever status the answer has is an answer.
    pub fn send(&self, call: &Call) -> Result<Answer, Failure> {
        let mut call = call.clone();
        for _ in 0..=MOST_REDIRECTS {
            if let Some(guard) = &self.guard {
                guard.check(&call.url)?;
            }
            let response = self.once(&call)?;
            let (status, headers) = (response.status(), response.headers().clone());
            let target = headers.get(LOCATION).filter(|_| is_redirect(status));
            let Some(target) = target else {
                return Ok(Answer { status, headers, url: call.url, response });
            };
            let target = target.to_str().ok().and_then(|target| call.url.join(target).ok());
            let target =
                target.ok_or_else(|| Failure::Permanent("the server redirects to no URL".to_owned()))?;
            if self.guard.is_some() && target.origin() != call.url.origin() {
                return Err(Failure::Permanent("the host redirects to another".to_owned()));
            }
            call = redirected(call, target, status)?;
        }
        Err(Failure::Permanent(format!("the server redirects more than {MOST_REDIRECTS} times")))
    }

    fn once(&self, call: &Call) -> Result<reqwest::Response, Failure> {
        let mut request = self.client.request(call.method.clone(), call.url.clone());
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        if let Some(authorization) = &call.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if let Some((kind, body)) = &call.body {
            request = request.header("Content-Type", *kind).body(body.clone());
        }
        if let Some(timeout) = call.timeout {
            request = request.timeout(timeout);
        }
        // It is made within the runtime, too.
        self.wait_for(async { request.send().await })?.map_err(|failure| Failure::transport(&failure))
    }

    /// Waits for something of the runtime, unless the program ends before.
    fn wait_for<Output>(&self, future: impl Future<Output = Output>) -> Result<Output, Failure> {
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => Err(Failure::Cancelled),
                output = future => Ok(output),
            }
        })
    }

    /// Waits so long; fails if the program ends before.
    pub fn sleep(&self, duration: Duration) -> Result<(), Failure> {
        // The timer is created within the runtime.
        self.wait_for(async { tokio::time::sleep(duration).await })
    }

    /// The next bytes of an answer; none at its end.
    pub fn chunk(&self, answer: &mut Answer) -> Result<Option<impl AsRef<[u8]> + use<>>, Failure> {
        self.wait_for(answer.response.chunk())?.map_err(|failure| Failure::transport(&failure))
    }

    /// The whole body of an answer, of at most so many bytes.
    pub fn body(&self, answer: &mut Answer, most: usize) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        while let Some(bytes) = self.chunk(answer)? {
            let bytes = bytes.as_ref();
            if body.len() + bytes.len() > most {
                return Err(Failure::Permanent(format!("the answer has more than {most} bytes")));
            }
            body.extend_from_slice(bytes);
        }
        Ok(body)
    }

    /// What the body of an answer that is an error says; nothing if it cannot be read.
    pub fn error_body(&self, answer: &mut Answer) -> Vec<u8> {
        self.body(answer, MOST_ERROR_BYTES).unwrap_or_default()
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// The call at its new place. Another server gets no Authorization, and nobody is called
/// without TLS because of a redirect.
fn redirected(call: Call, target: Url, status: StatusCode) -> Result<Call, Failure> {
    if call.url.scheme() == "https" && target.scheme() != "https" {
        return Err(Failure::Permanent("the server redirects from https to http".to_owned()));
    }
    let becomes_get = call.method != Method::GET && matches!(status.as_u16(), 301..=303);
    Ok(Call {
        authorization: call.authorization.filter(|_| call.url.origin() == target.origin()),
        method: if becomes_get { Method::GET } else { call.method },
        body: call.body.filter(|_| !becomes_get),
        headers: call.headers,
        timeout: call.timeout,
        url: target,
    })
}

/// A URL without what may be secret: user, password, parameters.
pub fn location(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(url: &str) -> Call {
        Call::new(Method::POST, url.parse().unwrap())
            .authorization(Some("Bearer secret".to_owned()))
            .body("text/plain", b"x".to_vec())
    }

    #[test]
    fn only_the_same_server_gets_the_authorization_after_a_redirect() {
        let to = |from: &str, target: &str, status: u16| {
            redirected(call(from), target.parse().unwrap(), StatusCode::from_u16(status).unwrap())
        };
        let same = to("https://a.example/x", "https://a.example/y", 307).unwrap();
        assert_eq!((same.authorization.as_deref(), same.method), (Some("Bearer secret"), Method::POST));
        for other in ["https://b.example/y", "https://a.example:444/y"] {
            assert_eq!(to("https://a.example/x", other, 307).unwrap().authorization, None, "{other}");
        }
        let seen = to("https://a.example/x", "https://a.example/y", 303).unwrap();
        assert_eq!((seen.method, seen.body), (Method::GET, None));
        assert!(to("https://a.example/x", "http://a.example/y", 307).is_err());
    }

    #[test]
    fn a_location_has_no_secrets() {
        let url = "https://me:pw@a.example/b/Patient.ndjson?sig=secret#x".parse().unwrap();
        assert_eq!(location(&url), "https://a.example/b/Patient.ndjson");
    }
}
