//! A real FHIR server, `sekmet-fhir` of PyPI, behind the faults: `make feed-servers`.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use pretty_assertions::assert_eq;
use serde_json::json;

use super::faulty_server::{Fault, FaultyServer, Reply, forward_to};
use super::{export, resources};
use crate::server::tokens::key_pair;
use crate::support::{TestEnvironment, port_of_its_own, wait_until};

/// The server, which ends with the test.
struct Sekmet(Child);

impl Drop for Sekmet {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn program() -> PathBuf {
    let path = std::env::var_os("SEKMET").map(PathBuf::from);
    path.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/feed-servers/bin/sekmet"))
}

/// Starts it behind a proxy with faults, whose URL it takes for its own.
fn start(environment: &TestEnvironment, public_key: &serde_json::Value) -> (Sekmet, FaultyServer) {
    let (listener, port) = (TcpListener::bind("127.0.0.1:0").unwrap(), port_of_its_own());
    let proxy = FaultyServer::start_at(listener, forward_to(port));
    let settings = json!({
        "base_url": proxy.url("/fhir"),
        "host": "127.0.0.1",
        "port": port,
        "data_dir": environment.path("sekmet"),
        "validation": {"inbound": "off"},
        "simulator": {"enabled": false, "delay_seconds": 0.2},
        "server_auth": {"types": ["smart"], "smart_clients": [
            {"client_id": "mill", "jwks": {"keys": [public_key]}, "scopes": "system/*.cruds"}]},
    });
    let file = environment.put("sekmet.yaml", settings.to_string());
    let child = Command::new(program())
        .args(["serve", "--config"])
        .arg(file)
        .current_dir(environment.path(""))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("sekmet-fhir is installed: make feed-servers");
    let server = Sekmet(child);
    let is_up = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
    wait_until("sekmet is up", is_up);
    (server, proxy)
}

#[test]
#[ignore = "needs sekmet-fhir: make feed-servers"]
fn sekmet_behind_faults() {
    let environment = TestEnvironment::new();
    let (pem, public) = key_pair("RSA", "key-1");
    let key = environment.put("key.pem", pem);
    let (_server, proxy) = start(&environment, &public);
    let base = proxy.url("/fhir");
    // By its own API, with a token that fhirmill would get, too.
    let script = format!(
        "import sys,time,uuid,jwt,httpx\n\
         key=open({key:?}).read(); base={base:?}\n\
         url=httpx.get(base+'/.well-known/smart-configuration').json()['token_endpoint']\n\
         now=int(time.time()); claims=dict(iss='mill',sub='mill',aud=url,exp=now+240,jti=str(uuid.uuid4()))\n\
         a=jwt.encode(claims,key,'RS384',headers=dict(kid='key-1'))\n\
         t=httpx.post(url,data=dict(grant_type='client_credentials',scope='system/*.cruds',client_assertion=a,\
         client_assertion_type='urn:ietf:params:oauth:client-assertion-type:jwt-bearer')).json()['access_token']\n\
         h=dict(Authorization='Bearer '+t)\n\
         for n in range(50):\n  \
           r=httpx.put(base+f'/Patient/p{{n}}',json=dict(resourceType='Patient',id=f'p{{n}}'),headers=h); r.raise_for_status()\n"
    );
    let python = program().with_file_name("python");
    let filled = Command::new(python).args(["-c", &script]).output().unwrap();
    assert!(filled.status.success(), "{}", String::from_utf8_lossy(&filled.stderr));
    // This server wants the right to delete for the request to delete the export.
    let key_file = key.to_str().unwrap();
    let scope = "system/*.cruds";
    let smart =
        ["--client-id", "mill", "--private-key-file", key_file, "--key-id", "key-1", "--scope", scope];
    proxy.forget();
    export(&environment, &base, "plain", &smart).expect_code(0);
    assert!(resources(&environment, "plain").contains(&("Patient".to_owned(), 50)));
    for (path, fault) in [
        ("GET /fhir/$export", Fault::Reply(Reply::status(503))),
        ("GET /fhir/bulk-status", Fault::Reply(Reply::status(502))),
        ("GET /fhir/bulk-status", Fault::Close),
        ("GET /fhir/bulk-files", Fault::Cut(100)),
        ("GET /fhir/bulk-files", Fault::Reply(Reply::status(429).header("Retry-After", "1"))),
        ("GET /fhir/bulk-files", Fault::Close),
    ] {
        proxy.fault(path, 1, fault);
    }
    export(&environment, &base, "faulty", &smart).expect_code(0);
    proxy.expect_no_faults_left();
    assert!(resources(&environment, "faulty").contains(&("Patient".to_owned(), 50)));
    assert_eq!(proxy.requests("DELETE /fhir/bulk-status").len(), 2);
    assert_eq!(environment.value("select count(*) from etl.export_job where deleted_at is not null"), "2");
}
