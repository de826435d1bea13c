//! Sends updates to a running service as fast as it answers, over connections that stay
//! open, and prints how fast that was, as JSON:
//!
//!     update_load ADDRESS TOKEN puts|bundles CLIENTS SECONDS

use std::io::{BufRead, BufReader, Error, Read, Result, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

/// How many resources a Bundle has.
const BUNDLE: usize = 100;

/// One connection.
struct Client {
    stream: BufReader<TcpStream>,
    head: String,
}

impl Client {
    fn connect(address: &str, token: &str) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let head = format!(
            "Host: {address}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/fhir+json\r\n"
        );
        Ok(Client { stream: BufReader::new(stream), head })
    }

    /// Calls; returns the status and the body of the answer.
    fn call(&mut self, request: &str, body: &str) -> Result<(u16, Vec<u8>)> {
        let message =
            format!("{request} HTTP/1.1\r\n{}Content-Length: {}\r\n\r\n{body}", self.head, body.len());
        self.stream.get_mut().write_all(message.as_bytes())?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| Error::other(format!("no status in {line:?}")))?;
        let mut length = 0;
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            if line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().map_err(Error::other)?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok((status, body))
    }
}

/// An Observation as a laboratory sends it.
fn observation(id: &str, patient: usize, value: usize) -> String {
    format!(
        "{{\"resourceType\":\"Observation\",\"id\":\"{id}\",\"status\":\"final\",\"category\":[{{\"coding\":[{{\
         \"system\":\"http://terminology.hl7.org/CodeSystem/observation-category\",\"code\":\"laboratory\",\
         \"display\":\"Laboratory\"}}]}}],\"code\":{{\"coding\":[{{\"system\":\"http://loinc.org\",\"code\":\"2339-0\",\
         \"display\":\"Glucose [Mass/volume] in Blood\"}}],\"text\":\"Glucose\"}},\"subject\":{{\"reference\":\
         \"Patient/p{patient}\"}},\"encounter\":{{\"reference\":\"Encounter/e{patient}\"}},\"effectiveDateTime\":\
         \"2026-03-01T08:15:00+01:00\",\"issued\":\"2026-03-01T09:00:00.000+01:00\",\"valueQuantity\":{{\"value\":{value},\
         \"unit\":\"mg/dL\",\"system\":\"http://unitsofmeasure.org\",\"code\":\"mg/dL\"}},\"interpretation\":[{{\"coding\":[{{\
         \"system\":\"http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation\",\"code\":\"N\"}}]}}],\
         \"referenceRange\":[{{\"low\":{{\"value\":70,\"unit\":\"mg/dL\"}},\"high\":{{\"value\":110,\"unit\":\"mg/dL\"}}}}]}}"
    )
}

/// A transaction of new resources.
fn bundle(client: usize, number: usize) -> String {
    let entry = |resource: usize| {
        let id = format!("b{client}-{number}-{resource}");
        let resource = observation(&id, number, resource);
        format!("{{\"request\":{{\"method\":\"PUT\",\"url\":\"Observation/{id}\"}},\"resource\":{resource}}}")
    };
    let entries: Vec<String> = (0..BUNDLE).map(entry).collect();
    format!("{{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{}]}}", entries.join(","))
}

/// Calls one after the other until the time is over; returns how long each took.
fn work(client: &mut Client, (is_bundle, number): (bool, usize), until: Instant) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    for call in 0.. {
        let (request, body) = if is_bundle {
            ("POST /fhir".to_owned(), bundle(number, call))
        } else {
            let id = format!("c{number}-{call}");
            (format!("PUT /fhir/Observation/{id}"), observation(&id, call % 100, call))
        };
        let begun = Instant::now();
        if begun >= until {
            break;
        }
        let (status, body) = client.call(&request, &body)?;
        if !matches!(status, 200 | 201) {
            return Err(Error::other(format!("{status}: {}", String::from_utf8_lossy(&body))));
        }
        times.push(begun.elapsed());
    }
    Ok(times)
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, token, kind, clients, seconds] = &arguments[..] else {
        return Err(Error::other("update_load ADDRESS TOKEN puts|bundles CLIENTS SECONDS"));
    };
    let (is_bundle, clients): (bool, usize) = (kind == "bundles", clients.parse().map_err(Error::other)?);
    let begun = Instant::now();
    let until = begun + Duration::from_secs_f64(seconds.parse().map_err(Error::other)?);
    let mut times = thread::scope(|scope| {
        let client = |number| {
            scope.spawn(move || work(&mut Client::connect(address, token)?, (is_bundle, number), until))
        };
        let clients: Vec<_> = (0..clients).map(client).collect();
        let mut times = Vec::new();
        for client in clients {
            times.extend(client.join().map_err(|_| Error::other("a client panicked"))??);
        }
        Result::Ok(times)
    })?;
    let seconds = begun.elapsed().as_secs_f64();
    times.sort();
    let percentile = |percent: usize| {
        times
            .get((times.len().saturating_sub(1)) * percent / 100)
            .map_or(0.0, |time| time.as_secs_f64() * 1e3)
    };
    let resources = times.len() * if is_bundle { BUNDLE } else { 1 };
    println!(
        "{{\"calls\": {}, \"resources\": {resources}, \"seconds\": {seconds:.3}, \"per_second\": {:.0}, \
         \"p50_ms\": {:.1}, \"p99_ms\": {:.1}}}",
        times.len(),
        resources as f64 / seconds,
        percentile(50),
        percentile(99)
    );
    Ok(())
}
