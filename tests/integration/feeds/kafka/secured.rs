//! Connections that are secured, against a real broker: `make kafka-servers` runs this.

use std::path::Path;
use std::process::Command;

use pretty_assertions::assert_eq;
use rdkafka::producer::{BaseProducer, Producer};

use super::broker::{Broker, PATIENCE, send};
use super::patient;
use crate::feeds::resources;
use crate::support::{TestEnvironment, port_of_its_own};

const PASSWORD: &str = "s3cret-of-the-feed";

/// A key and a certificate for it that it has signed itself, as `NAME.key` and `NAME.pem`.
fn make_certificate(folder: &Path, name: &str) {
    let made = Command::new("openssl")
        .current_dir(folder)
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj"])
        .arg(format!("/CN={name}"))
        .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout"])
        .args([&format!("{name}.key"), "-out", &format!("{name}.pem")])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let read = |end: &str| std::fs::read_to_string(folder.join(format!("{name}.{end}"))).unwrap();
    std::fs::write(folder.join(format!("{name}.both")), read("key") + &read("pem")).unwrap();
}

/// The settings of a broker with TLS, which knows a user, and the certificate of a client.
fn settings(folder: &Path) -> String {
    let at = |name: &str| folder.join(name).display().to_string();
    let scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;";
    let plain = format!(
        "org.apache.kafka.common.security.plain.PlainLoginModule required user_fhirmill=\"{PASSWORD}\";"
    );
    let of_listener = |name: &str| {
        format!(
            "listener.name.{name}.plain.sasl.jaas.config={plain}\n\
             listener.name.{name}.scram-sha-256.sasl.jaas.config={scram}\n\
             listener.name.{name}.scram-sha-512.sasl.jaas.config={scram}\n"
        )
    };
    format!(
        "ssl.keystore.type=PEM\nssl.keystore.location={}\nssl.truststore.type=PEM\nssl.truststore.location={}\n\
         listener.name.ssl.ssl.client.auth=required\n\
         sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512\n{}{}",
        at("broker.both"),
        at("client.pem"),
        of_listener("sasl_plaintext"),
        of_listener("sasl_ssl"),
    )
}

#[test]
#[ignore = "make kafka-servers fetches Apache Kafka"]
fn tls_and_passwords_are_used_and_what_is_wrong_is_told_without_them() {
    let environment = TestEnvironment::new();
    let folder = environment.path("keys");
    std::fs::create_dir_all(&folder).unwrap();
    ["broker", "client", "stranger"].iter().for_each(|name| make_certificate(&folder, name));
    std::fs::write(folder.join("password"), PASSWORD).unwrap();
    std::fs::write(folder.join("wrong"), "an0ther").unwrap();
    let listeners =
        ["SSL", "SASL_PLAINTEXT", "SASL_SSL"].map(|name| (name, format!("localhost:{}", port_of_its_own())));
    let user = |mechanism: &str| format!("{mechanism}=[name=fhirmill,password={PASSWORD}]");
    let (short, long) = (user("SCRAM-SHA-256"), user("SCRAM-SHA-512"));
    let broker = Broker::start_with(
        &environment.path("kafka"),
        &listeners,
        &settings(&folder),
        &["--add-scram", &short, "--add-scram", &long],
    );
    broker.topic("t", 1, &[]);
    let producer: BaseProducer = broker.client().create().unwrap();
    let [tls, open, closed] = listeners.map(|(_, address)| address);
    let file = |setting: &str, name: &str| format!("{setting} = \"{}\"\n", folder.join(name).display());
    let trusting = file("ca_file", "broker.pem");
    let with_certificate = |name: &str| {
        let files = file("certificate_file", &format!("{name}.pem"))
            + &file("private_key_file", &format!("{name}.key"));
        format!("security_protocol = \"ssl\"\n{trusting}{files}")
    };
    let with_password = |protocol: &str, mechanism: &str, password: &str| {
        let password = file("password_file", password);
        let trusting = if protocol == "sasl_ssl" { trusting.as_str() } else { "" };
        format!(
            "security_protocol = \"{protocol}\"\nsasl_mechanism = \"{mechanism}\"\nuser = \"fhirmill\"\n{password}{trusting}"
        )
    };
    let put = |address: &str, more: &str| {
        let feed = broker.feed("[\"t\"]", more);
        let plain = broker.address();
        environment.put("fhirmill.toml", feed.replace(&plain, address));
    };
    let good = [
        (&tls, with_certificate("client")),
        (&open, with_password("sasl_plaintext", "PLAIN", "password")),
        (&open, with_password("sasl_plaintext", "SCRAM-SHA-256", "password")),
        (&closed, with_password("sasl_ssl", "PLAIN", "password")),
        (&closed, with_password("sasl_ssl", "SCRAM-SHA-256", "password")),
        (&closed, with_password("sasl_ssl", "SCRAM-SHA-512", "password")),
    ];
    for (number, (address, more)) in good.iter().enumerate() {
        let id = number.to_string();
        send(&producer, "t", 0, &id, Some(patient(&id, "x").as_bytes()));
        producer.flush(PATIENCE).unwrap();
        put(address, more);
        environment.run(&["feeds", "test", "events"]).expect_code(0);
        let run = environment.run(&["feeds", "run", "events", "--json"]).expect_code(0).json();
        assert_eq!(run["messages"], 1, "{more}");
    }
    assert_eq!(resources(&environment, "north"), [("Patient".to_owned(), good.len() as i64)]);
    let bad = [
        // An authority that did not sign the broker's certificate; a certificate that the
        // broker does not know, and none; a wrong password; no TLS where there is some.
        (
            &closed,
            with_password("sasl_ssl", "PLAIN", "password").replace("broker.pem", "stranger.pem"),
            "certificate",
        ),
        (&tls, with_certificate("stranger"), ""),
        (&tls, format!("security_protocol = \"ssl\"\n{trusting}"), ""),
        (&closed, with_password("sasl_ssl", "PLAIN", "wrong"), "uthentication"),
        (&closed, with_password("sasl_ssl", "SCRAM-SHA-512", "wrong"), "uthentication"),
        (&open, with_password("sasl_plaintext", "SCRAM-SHA-256", "wrong"), "uthentication"),
        (&closed, with_password("sasl_plaintext", "PLAIN", "password"), ""),
    ];
    for (address, more, why) in bad {
        put(address, &more);
        let tested = environment.run(&["feeds", "test", "events"]).expect_code(5);
        let told = format!("{}{}", tested.stdout, tested.stderr);
        println!("{told}");
        assert!(told.contains("failed: ") && told.contains(why), "{more}: {told}");
        assert!(!told.contains(PASSWORD) && !told.contains("an0ther"), "{told}");
    }
}
