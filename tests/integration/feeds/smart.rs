//! SMART Backend Services: assertions, scopes, tokens that end.

use std::sync::Mutex;

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::bulk_server::{BulkServer, Data, patients};
use super::faulty_server::{FaultyServer, Reply, Request};
use super::{export, resources};
use crate::server::tokens::key_pair;
use crate::support::TestEnvironment;

/// The fields of a form.
fn fields(request: &Request) -> Vec<(String, String)> {
    let text = String::from_utf8(request.body.clone()).unwrap();
    let pairs = text.split('&').map(|pair| pair.split_once('=').unwrap());
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, after @ ..]) => {
                let digits = [*high, *low];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
                rest = after;
            }
            (other, _) => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// A token endpoint that gives `token-1`, `token-2`, … for assertions by that key.
fn token_server(public: Value, algorithm: Algorithm, allowed: &'static str) -> FaultyServer {
    let (count, seen) = (Mutex::new(0), Mutex::new(Vec::<String>::new()));
    FaultyServer::start(Box::new(move |request| {
        let fields = fields(request);
        let field = |name: &str| &fields.iter().find(|(found, _)| found == name).unwrap().1;
        assert_eq!(field("grant_type"), "client_credentials");
        let assertion = field("client_assertion");
        let header = decode_header(assertion).unwrap();
        assert_eq!((header.alg, header.kid.as_deref()), (algorithm, Some("key-1")));
        let key: Jwk = serde_json::from_value(public.clone()).unwrap();
        let mut validation = Validation::new(algorithm);
        validation.set_audience(&[format!("http://{}/token", request.header("host").unwrap())]);
        let claims =
            decode::<Value>(assertion, &DecodingKey::from_jwk(&key).unwrap(), &validation).unwrap().claims;
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!("mill"), &json!("mill")));
        assert!(claims["exp"].as_i64().unwrap() <= chrono::Utc::now().timestamp() + 300);
        let jti = claims["jti"].to_string();
        assert!(!seen.lock().unwrap().contains(&jti));
        seen.lock().unwrap().push(jti);
        if !field("scope").split(' ').all(|scope| scope.ends_with(allowed)) {
            return Reply { status: 400, ..Reply::json(&json!({"error": "invalid_scope"})) };
        }
        *count.lock().unwrap() += 1;
        let token = format!("token-{}", count.lock().unwrap());
        Reply::json(&json!({"access_token": token, "token_type": "bearer", "expires_in": 300}))
    }))
}

#[test]
fn tokens_are_asked_for_with_either_algorithm_and_either_version_of_scopes() {
    let (environment, server) = (TestEnvironment::new(), BulkServer::start(Data::default()));
    for (kind, algorithm, allowed, capabilities) in [
        ("RSA", Algorithm::RS384, ".read", json!(["permission-v1"])),
        ("EC", Algorithm::ES384, ".rs", json!(["permission-v2"])),
        // The server does not say which, or says it wrongly: the other is tried.
        ("EC", Algorithm::ES384, ".read", json!([])),
        ("EC", Algorithm::ES384, ".rs", json!(["permission-v1"])),
    ] {
        let (pem, public) = key_pair(kind, "key-1");
        environment.put("key.pem", pem);
        let tokens = token_server(public, algorithm, allowed);
        let files = vec![("output", "Patient", patients(kind, 0..3))];
        let authorization = Some("Bearer token-1".to_owned());
        server.reset(Data { files, authorization, requires_access_token: Some(true), ..Data::default() });
        let configuration = json!({"token_endpoint": tokens.url("/token"), "capabilities": capabilities});
        let reply = super::faulty_server::Fault::Reply(Reply::json(&configuration));
        server.http.fault("GET /fhir/.well-known/smart-configuration", 1, reply);
        let smart = ["--client-id", "mill", "--private-key-file", "key.pem", "--key-id", "key-1"];
        export(&environment, &server.base(), kind, &[&smart[..], &["--types", "Patient"]].concat())
            .expect_code(0);
        assert_eq!(resources(&environment, kind), [("Patient".to_owned(), 3)]);
        let asked = tokens.requests("POST /token");
        let scope = &fields(asked.last().unwrap()).into_iter().find(|(name, _)| name == "scope").unwrap().1;
        assert_eq!(*scope, format!("system/Patient{allowed}"));
        assert!(asked.len() <= 2, "{}", asked.len());
    }
}

#[test]
fn a_token_that_ends_in_the_middle_is_replaced() {
    let (environment, server) = (TestEnvironment::new(), BulkServer::start(Data::default()));
    let (pem, public) = key_pair("EC", "key-1");
    environment.put("key.pem", pem);
    let tokens = token_server(public, Algorithm::ES384, ".rs");
    let files = vec![("output", "Patient", patients("a", 0..3))];
    let authorization = Some("Bearer token-".to_owned());
    server.reset(Data { files, authorization, requires_access_token: Some(true), ..Data::default() });
    server.http.fault("GET /files", 1, super::faulty_server::Fault::Reply(Reply::status(401)));
    let token_url = tokens.url("/token");
    let smart = [
        "--client-id",
        "mill",
        "--private-key-file",
        "key.pem",
        "--key-id",
        "key-1",
        "--token-url",
        &token_url,
    ];
    let run = export(&environment, &server.base(), "x", &smart);
    run.expect_code(0);
    assert_eq!(tokens.requests("POST /token").len(), 2);
    assert_eq!(resources(&environment, "x"), [("Patient".to_owned(), 3)]);
    // A key that is none, and a file that is missing, are the operator's to mend.
    environment.put("key.pem", "nonsense");
    let run = export(&environment, &server.base(), "y", &smart).expect_code(1);
    assert!(run.stderr.contains("the private key is not a PEM"), "{}", run.stderr);
    let mut missing = smart;
    missing[3] = "nowhere.pem";
    let run = export(&environment, &server.base(), "y", &missing).expect_code(1);
    assert!(run.stderr.contains("nowhere.pem cannot be read"), "{}", run.stderr);
}
