//! Who calls: secrets, signatures, tokens, and what is refused.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::{Answer, HttpService};
use std::process::Command;

#[test]
fn client_secrets_get_tokens_and_nothing_else_does() {
    let service = HttpService::start();
    let sender = service.sender("st-marys", &[]);
    let answer = service.ask_token(&sender).expect(200);
    let token = answer.json();
    assert_eq!((&token["token_type"], &token["expires_in"]), (&json!("bearer"), &json!(3600)));
    assert_eq!(token["scope"], "push update status");
    assert_eq!(answer.header("cache-control").as_deref(), Some("no-store"));
    let (id, secret) = (sender["client_id"].as_str().unwrap(), sender["client_secret"].as_str().unwrap());
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}&scope=status");
    let narrow = service.call(&["/auth/token", "--data", &form]).expect(200).json();
    assert_eq!(narrow["scope"], "status");
    for (form, status, error) in [
        ("grant_type=client_credentials".to_owned(), 401, "invalid_client"),
        (format!("grant_type=client_credentials&client_id={id}&client_secret=wrong"), 401, "invalid_client"),
        (
            format!("grant_type=client_credentials&client_id=nobody&client_secret={secret}"),
            401,
            "invalid_client",
        ),
        (format!("grant_type=password&client_id={id}&client_secret={secret}"), 400, "unsupported_grant_type"),
        (format!("client_id={id}&client_secret={secret}"), 400, "invalid_request"),
        (format!("{form}&scope=push"), 400, "invalid_request"),
        (form.replace("status", "everything"), 400, "invalid_scope"),
    ] {
        let answer = service.call(&["/auth/token", "--data", &form]).expect(status);
        assert_eq!(answer.json()["error"], error, "{form}");
    }
    for authorization in
        ["Authorization: Bearer x", "Authorization: Basic x", "Authorization: Bearer", "X-None: 1"]
    {
        let answer = service.call(&["/api/uploads/x", "--header", authorization]).expect(401);
        assert_eq!(answer.json()["resourceType"], "OperationOutcome");
        assert!(answer.header("x-request-id").is_some());
    }
}

#[test]
fn rotated_and_disabled_senders_lose_their_secrets_and_tokens() {
    let service = HttpService::start();
    let sender = service.sender("st-marys", &[]);
    let authorization = service.authorization(&sender);
    service.call(&["/api/uploads/x", "--header", &authorization]).expect(404);
    let rotated = service.environment.run(&["senders", "rotate", "st-marys", "--json"]).expect_code(0).json();
    service.call(&["/api/uploads/x", "--header", &authorization]).expect(401);
    service.ask_token(&sender).expect(401);
    let authorization = service.authorization(&rotated);
    service.environment.run(&["senders", "disable", "st-marys"]).expect_code(0);
    service.call(&["/api/uploads/x", "--header", &authorization]).expect(401);
    service.ask_token(&rotated).expect(401);
    let listed = service.environment.run(&["senders", "list", "--json"]).expect_code(0);
    assert!(listed.json()[0]["disabled_at"].is_string());
    for secret in ["client_secret", "personal_key", "secret_access_key"] {
        let secret = rotated[secret].as_str().unwrap();
        assert!(!listed.stdout.contains(secret));
        let kept = "select s::text from etl.sender s";
        assert!(!service.environment.value(kept).contains(secret));
    }
}

fn sign(user: &str, time: &str, key: &str) -> String {
    let line =
        format!("printf '%s\\n%s' '{user}' '{time}' | openssl dgst -sha256 -hmac '{key}' -r | cut -d' ' -f1");
    let output = Command::new("bash").args(["-c", &line]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_signature_with_the_personal_key_is_accepted_once_and_in_time() {
    let service = HttpService::start();
    let sender = service.sender("st-marys", &[]);
    let key = sender["personal_key"].as_str().unwrap();
    let send = |user: &str, time: &str, signature: &str| -> Answer {
        let body = json!({"userID": user, "timeStamp": time, "signature": signature}).to_string();
        service.call(&["/api/authenticate", "--data", &body])
    };
    let at = |seconds: i64| (chrono::Utc::now() + chrono::TimeDelta::seconds(seconds)).to_rfc3339();
    let now = at(0);
    let signature = sign("st-marys", &now, key);
    let token = send("st-marys", &now, &signature).expect(200).json();
    let authorization = format!("Authorization: Bearer {}", token["access_token"].as_str().unwrap());
    service.call(&["/api/uploads/x", "--header", &authorization]).expect(404);
    send("st-marys", &now, &signature).expect(401);
    for seconds in [-400, 400] {
        let time = at(seconds);
        send("st-marys", &time, &sign("st-marys", &time, key)).expect(401);
    }
    for seconds in [-200, 200] {
        let time = at(seconds);
        send("st-marys", &time, &sign("st-marys", &time, key)).expect(200);
    }
    let time = at(1);
    send("st-marys", &time, &sign("st-marys", &time, "another key")).expect(401);
    send("nobody", &time, &sign("nobody", &time, key)).expect(401);
    send("st-marys", &time, key).expect(401);
    send("st-marys", "yesterday", &sign("st-marys", "yesterday", key)).expect(400);
    service.call(&["/api/authenticate", "--data", "{}"]).expect(400);
}

/// A new key pair by openssl: its private key as PEM, and its public key as a JWK.
pub fn key_pair(kind: &str, kid: &str) -> (Vec<u8>, Value) {
    let options = match kind {
        "EC" => vec!["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
        _ => vec!["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    };
    let pem = Command::new("openssl").arg("genpkey").args(options).output().unwrap().stdout;
    let (key, algorithm) = match kind {
        "EC" => (EncodingKey::from_ec_pem(&pem).unwrap(), Algorithm::ES384),
        _ => (EncodingKey::from_rsa_pem(&pem).unwrap(), Algorithm::RS384),
    };
    let jwk = jsonwebtoken::jwk::Jwk::from_encoding_key(&key, algorithm).unwrap();
    let mut jwk = serde_json::to_value(jwk).unwrap();
    jwk["kid"] = json!(kid);
    (pem, jwk)
}

#[test]
fn signed_assertions_are_accepted_once_if_everything_is_right() {
    let service = HttpService::start();
    let (rsa, rsa_public) = key_pair("RSA", "r1");
    let (ec, ec_public) = key_pair("EC", "e1");
    let (stranger, _) = key_pair("EC", "e1");
    let set = json!({"keys": [rsa_public, ec_public]}).to_string();
    let file = service.environment.put("keys.json", &set);
    service.sender("st-marys", &["--jwks-file", file.to_str().unwrap()]);
    let audience = format!("http://127.0.0.1:{}/auth/token", service.port);
    let now = chrono::Utc::now().timestamp();
    let claims = |jti: &str| json!({"iss": "st-marys", "sub": "st-marys", "aud": audience, "exp": now + 240, "jti": jti});
    let ask = |assertion: &str| -> Answer {
        let form = format!(
            "grant_type=client_credentials&scope=system/*.rs&client_assertion={assertion}&client_assertion_type=\
             urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        );
        service.call(&["/auth/token", "--data", &form])
    };
    let signed = |algorithm: Algorithm, pem: &[u8], kid: &str, claims: &Value| {
        let mut header = Header::new(algorithm);
        header.kid = Some(kid.to_owned());
        let key = match algorithm {
            Algorithm::ES384 => EncodingKey::from_ec_pem(pem),
            Algorithm::HS384 => EncodingKey::from_secret(pem),
            _ => EncodingKey::from_rsa_pem(pem),
        };
        encode(&header, claims, &key.unwrap()).unwrap()
    };
    let first = signed(Algorithm::RS384, &rsa, "r1", &claims("1"));
    assert_eq!(ask(&first).expect(200).json()["scope"], "status");
    assert_eq!(ask(&first).expect(401).json()["error"], "invalid_client");
    ask(&signed(Algorithm::ES384, &ec, "e1", &claims("2"))).expect(200);
    ask(&signed(Algorithm::ES384, &ec, "e1", &claims("1"))).expect(401);
    let with = |name: &str, value: Value| {
        let mut claims = claims(name);
        claims[name] = value;
        signed(Algorithm::ES384, &ec, "e1", &claims)
    };
    for (name, value) in [
        ("aud", json!("https://elsewhere/auth/token")),
        ("exp", json!(now - 100)),
        ("exp", json!(now + 3600)),
        ("iss", json!("county")),
        ("sub", json!("county")),
        ("jti", json!("")),
        ("jti", Value::Null),
        ("nbf", json!(now + 200)),
    ] {
        let answer = ask(&with(name, value.clone()));
        assert_eq!(answer.status, 401, "{name} {value}: {}", answer.text());
    }
    ask(&signed(Algorithm::ES384, &stranger, "e1", &claims("3"))).expect(401);
    ask(&signed(Algorithm::ES384, &ec, "r1", &claims("4"))).expect(401);
    ask(&signed(Algorithm::RS256, &rsa, "r1", &claims("5"))).expect(401);
    ask(&signed(Algorithm::HS384, set.as_bytes(), "r1", &claims("6"))).expect(401);
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let body = URL_SAFE_NO_PAD.encode(claims("7").to_string());
    ask(&format!("{header}.{body}.")).expect(401);
    ask("x.y.z").expect(401);
    // Its private keys are the sender's alone.
    let private = service.environment.put("private.json", r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#);
    let arguments =
        ["senders", "add", "other", "--source", "other", "--jwks-file", private.to_str().unwrap()];
    service.environment.run(&arguments).expect_code(2);
}
