//! TLS: the server's own, and that of a sender whose public keys are fetched.

use std::process::{Child, Command, Stdio};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;

use super::HttpService;
use super::tokens::key_pair;
use crate::support::{TestEnvironment, port_of_its_own, wait_until};

/// A certificate for localhost that vouches for itself, and its key.
fn certificate(environment: &TestEnvironment) -> (String, String) {
    let (certificate, key) = (environment.path("tls.crt"), environment.path("tls.key"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    (certificate.to_str().unwrap().to_owned(), key.to_str().unwrap().to_owned())
}

fn curl(arguments: &[&str]) -> (bool, String) {
    let output =
        Command::new("curl").args(["--silent", "--max-time", "20"]).args(arguments).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn https_is_served_with_the_certificate_and_half_of_it_is_a_wrong_setting() {
    let environment = TestEnvironment::new();
    let (certificate, key) = certificate(&environment);
    let port = port_of_its_own();
    let mut command = environment.command(&["run"]);
    command.env("HTTP_ADDRESS", format!("127.0.0.1:{port}"));
    command.env("HTTP_TLS_CERTIFICATE", &certificate).env("HTTP_TLS_KEY", &key);
    let _service = environment.start(&mut command);
    let url = format!("https://localhost:{port}/ready");
    wait_until("the service is ready", || curl(&["--cacert", &certificate, &url]).1 == "ready\n");
    assert!(!curl(&[&url]).0, "a certificate that nobody vouches for");
    assert_eq!(curl(&[&format!("http://localhost:{port}/ready")]).1, "", "plain HTTP");
    let mut command = environment.command(&["run"]);
    command.env("HTTP_ADDRESS", "127.0.0.1:0").env("HTTP_TLS_CERTIFICATE", &certificate);
    let run = environment.run_command(&mut command).expect_code(2);
    assert!(run.stderr.contains("HTTP_TLS_KEY"), "{}", run.stderr);
    let mut command = environment.command(&["run"]);
    command.env("HTTP_ADDRESS", "127.0.0.1:0");
    command.env("HTTP_TLS_CERTIFICATE", &certificate).env("HTTP_TLS_KEY", &certificate);
    environment.run_command(&mut command).expect_code(2);
}

/// Makes a new certificate take the place of the one before, in the same files.
fn renew(environment: &TestEnvironment) -> String {
    let made = certificate(environment);
    std::fs::read_to_string(made.0).unwrap()
}

#[test]
fn a_renewed_certificate_is_used_without_a_restart_and_a_broken_one_is_not() {
    let environment = TestEnvironment::new();
    let (certificate, key) = certificate(&environment);
    let first = environment.put("first.crt", std::fs::read(&certificate).unwrap());
    let (port, metrics_port) = (port_of_its_own(), port_of_its_own());
    let mut command = environment.command(&["run"]);
    command.env("HTTP_ADDRESS", format!("127.0.0.1:{port}"));
    command.env("METRICS_ADDRESS", format!("127.0.0.1:{metrics_port}"));
    command.env("HTTP_TLS_CERTIFICATE", &certificate).env("HTTP_TLS_KEY", &key);
    let service = environment.start(&mut command);
    let reaches = |port: u16, trusted: &std::path::Path| {
        let url = format!("https://localhost:{port}/live");
        curl(&["--cacert", trusted.to_str().unwrap(), &url]).1 == "live\n"
    };
    wait_until("the service is there", || reaches(port, &first) && reaches(metrics_port, &first));
    let second = renew(&environment);
    let second = environment.put("second.crt", second);
    wait_until("the new certificate is used", || reaches(port, &second) && reaches(metrics_port, &second));
    assert!(!reaches(port, &first), "the certificate before is no longer used");

    let end =
        Command::new("openssl").args(["x509", "-noout", "-enddate", "-in", &certificate]).output().unwrap();
    let end = String::from_utf8(end.stdout).unwrap();
    let end = end.trim().trim_start_matches("notAfter=").trim_end_matches(" GMT");
    let end = chrono::NaiveDateTime::parse_from_str(end, "%b %e %H:%M:%S %Y").unwrap().and_utc().timestamp();
    let url = format!("https://localhost:{metrics_port}/metrics");
    let page = curl(&["--cacert", second.to_str().unwrap(), &url]).1;
    let sample = super::metrics::samples(&page)["fhirmill_certificate_expiry_timestamp_seconds"];
    assert_eq!(sample, end as f64);

    environment.put("tls.crt", "-----BEGIN CERTIFICATE-----\n");
    wait_until("the log says that it is broken", || service.stdout().contains("cannot be used"));
    assert!(reaches(port, &second), "the certificate before stays in use");
}

/// `openssl s_server`, which serves the files of a folder.
struct FileServer(Child);

impl Drop for FileServer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn public_keys_are_fetched_and_found_again_when_they_rotate() {
    let keys = TestEnvironment::without_database();
    let (certificate, key) = certificate(&keys);
    let port = port_of_its_own();
    let server = Command::new("openssl")
        .args([
            "s_server",
            "-quiet",
            "-WWW",
            "-accept",
            &port.to_string(),
            "-cert",
            &certificate,
            "-key",
            &key,
        ])
        .current_dir(keys.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _server = FileServer(server);
    let service = HttpService::start_with(&[("SSL_CERT_FILE", &certificate)]);
    let url = format!("https://localhost:{port}/keys.json");
    keys.put("keys.json", "{}");
    wait_until("the keys are served", || curl(&["--cacert", &certificate, &url]).0);
    service.sender("st-marys", &["--jwks-url", &url]);
    let audience = format!("http://localhost:{}/auth/token", service.port);
    let ask = |jti: &str, (pem, jwk): &(Vec<u8>, serde_json::Value)| {
        let mut header = Header::new(Algorithm::ES384);
        header.kid = Some(jwk["kid"].as_str().unwrap().to_owned());
        let exp = chrono::Utc::now().timestamp() + 240;
        let claims = json!({"iss": "st-marys", "sub": "st-marys", "aud": audience, "exp": exp, "jti": jti});
        let assertion = encode(&header, &claims, &EncodingKey::from_ec_pem(pem).unwrap()).unwrap();
        let form = format!(
            "grant_type=client_credentials&client_assertion={assertion}&client_assertion_type=\
             urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        );
        service.call(&["/auth/token", "--data", &form]).status
    };
    let (old, new) = (key_pair("EC", "old"), key_pair("EC", "new"));
    keys.put("keys.json", json!({"keys": [old.1]}).to_string());
    assert_eq!(ask("1", &old), 200);
    assert_eq!(ask("2", &new), 401);
    keys.put("keys.json", json!({"keys": [new.1]}).to_string());
    let jti = std::cell::Cell::new(3);
    wait_until("the new key is found", || {
        jti.set(jti.get() + 1);
        ask(&jti.get().to_string(), &new) == 200
    });
    let arguments =
        ["senders", "add", "other", "--source", "other", "--jwks-url", "http://localhost/keys.json"];
    service.environment.run(&arguments).expect_code(2);
}
