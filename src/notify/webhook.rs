//! Notifying by a *webhook*: a POST that is signed as Standard Webhooks says
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::config::Webhook;

/// How long a call may take, its answer included.
const LONGEST: Duration = Duration::from_secs(15);
/// What a secret in the form of Standard Webhooks begins with.
const PREFIX: &str = "whsec_";

/// Calls the webhook with this notification, its number and its JSON. The receiver has it if
/// the status is 2xx; it is not redirected.
pub(super) fn call(
    webhook: &Webhook,
    (id, json): (i64, &str),
    (runtime, cancel): (&Handle, &CancellationToken),
) -> Result<(), String> {
    let secret = std::fs::read_to_string(&webhook.secret_file)
        .map_err(|error| format!("NOTIFY_SECRET_FILE cannot be read: {error}"))?;
    let timestamp = chrono::Utc::now().timestamp();
    let signature = signature(&key(secret.trim())?, &format!("{id}.{timestamp}.{json}"));
    let client = {
        let _context = runtime.enter();
        reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("fhirmill/", env!("CARGO_PKG_VERSION")))
            .timeout(LONGEST)
            .build()
    };
    let request = client
        .map_err(|error| error.without_url().to_string())?
        .post(&webhook.url)
        .header("content-type", "application/json")
        .header("webhook-id", id.to_string())
        .header("webhook-timestamp", timestamp.to_string())
        .header("webhook-signature", format!("v1,{signature}"))
        .body(json.to_owned());
    let answer = runtime.block_on(async {
        tokio::select! {
            biased;
            () = cancel.cancelled() => None,
            answer = request.send() => Some(answer),
        }
    });
    match answer {
        None => Err("the service ends".to_owned()),
        Some(Ok(answer)) if answer.status().is_success() => Ok(()),
        Some(Ok(answer)) => Err(format!("the webhook answered with {}", answer.status())),
        Some(Err(error)) if error.is_timeout() => {
            Err(format!("the webhook did not answer within {} seconds", LONGEST.as_secs()))
        }
        // The URL may have a secret.
        Some(Err(error)) => {
            Err(format!("the webhook cannot be called: {}", crate::report::in_one_line(&error.without_url())))
        }
    }
}

/// The key of a secret: what follows the prefix in Base64, or else its bytes.
fn key(secret: &str) -> Result<Vec<u8>, String> {
    let key = match secret.strip_prefix(PREFIX) {
        Some(encoded) => {
            STANDARD.decode(encoded).map_err(|_| "NOTIFY_SECRET_FILE is not whsec_ and Base64".to_owned())?
        }
        None => secret.as_bytes().to_vec(),
    };
    if key.len() < 16 {
        return Err("NOTIFY_SECRET_FILE has less than 16 bytes".to_owned());
    }
    Ok(key)
}

fn signature(key: &[u8], signed: &str) -> String {
    STANDARD.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), signed.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the reference libraries of Standard Webhooks.
    #[test]
    fn the_signature_is_that_of_the_standard() {
        let key = key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}";
        assert_eq!(signature(&key, signed), "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn secrets_are_long_enough_and_readable() {
        assert_eq!(key("0123456789abcdef").unwrap(), b"0123456789abcdef");
        assert!(key("short").is_err());
        assert!(key("whsec_&").is_err());
    }
}
