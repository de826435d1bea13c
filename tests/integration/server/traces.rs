//! Traces, received by a collector that decodes them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

use super::HttpService;
use crate::support::wait_until;

/// Takes what is sent by OTLP over HTTP.
struct Collector {
    port: u16,
    received: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let received: Arc<Mutex<Vec<_>>> = Arc::default();
        let all = Arc::clone(&received);
        // It ends with the process of the tests.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let all = Arc::clone(&all);
                std::thread::spawn(move || serve(stream.unwrap(), &all));
            }
        });
        Collector { port, received }
    }

    /// All spans so far.
    fn spans(&self) -> Vec<Span> {
        let received = self.received.lock().unwrap();
        let scopes = received.iter().flat_map(|sent| &sent.resource_spans).flat_map(|of| &of.scope_spans);
        scopes.flat_map(|scope| scope.spans.clone()).collect()
    }

    fn named(&self, name: &str) -> Vec<Span> {
        self.spans().into_iter().filter(|span| span.name == name).collect()
    }
}

fn serve(stream: TcpStream, all: &Mutex<Vec<ExportTraceServiceRequest>>) {
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    loop {
        let (mut first, mut length) = (String::new(), 0);
        if reader.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let line = line.trim().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        assert!(first.starts_with("POST /v1/traces "), "{first}");
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        all.lock().unwrap().push(ExportTraceServiceRequest::decode(&body[..]).unwrap());
        let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n";
        let _ = writer.write_all(answer.as_bytes());
    }
}

/// An attribute as text.
fn attribute(span: &Span, key: &str) -> Option<String> {
    let value = span.attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()?;
    Some(match value.value.as_ref()? {
        any_value::Value::StringValue(text) => text.clone(),
        any_value::Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    })
}

#[test]
fn a_collector_gets_the_spans_of_calls_runs_files_and_batches_without_values_of_patients() {
    let collector = Collector::start();
    let endpoint = format!("http://127.0.0.1:{}", collector.port);
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_BSP_SCHEDULE_DELAY", "200"),
        ("LOG_LEVEL", "trace"),
    ];
    let service = HttpService::start_with(&settings);
    let authorization = service.authorized("st-marys");
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let sent = service
        .call_with(
            &[
                "/api/batch?filename=secret-name.ndjson",
                "--header",
                &authorization,
                "--header",
                &format!("traceparent: 00-{trace}-b7ad6b7169203331-01"),
                "--header",
                "Content-Type: application/fhir+ndjson",
                "--data-binary",
                "@-",
            ],
            b"{\"resourceType\":\"Patient\",\"id\":\"secret-1\",\"name\":[{\"family\":\"Secret\"}]}\n",
        )
        .expect(202);
    service.finished(&authorization, &sent.header("content-location").unwrap());
    wait_until("all spans are there", || {
        ["run", "file", "batch", "map", "load", "record", "move"]
            .iter()
            .all(|name| !collector.named(name).is_empty())
            && !collector.named("POST /api/batch").is_empty()
    });

    let call = &collector.named("POST /api/batch")[0];
    let hexadecimal = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(
        (hexadecimal(&call.trace_id), hexadecimal(&call.parent_span_id)),
        (trace.to_owned(), "b7ad6b7169203331".to_owned())
    );
    assert_eq!(attribute(call, "http.response.status_code").as_deref(), Some("202"));
    let run = &collector.named("run")[0];
    assert_eq!(attribute(run, "run.command").as_deref(), Some("run"));
    let file = &collector.named("file")[0];
    for (key, value) in [("file.source", "st-marys"), ("file.status", "loaded"), ("file.seen", "1")] {
        assert_eq!(attribute(file, key).as_deref(), Some(value), "{file:?}");
    }
    let batch = &collector.named("batch")[0];
    for child in [file, batch, &collector.named("record")[0]] {
        assert_eq!((&child.parent_span_id, &child.trace_id), (&run.span_id, &run.trace_id), "{child:?}");
    }
    for stage in ["map", "load"] {
        assert_eq!(collector.named(stage)[0].parent_span_id, batch.span_id);
    }
    let everything = format!("{:?}", collector.received.lock().unwrap());
    assert!(everything.contains("fhirmill"), "the name of the service");
    assert!(!everything.to_lowercase().contains("secret"), "{everything}");
}
