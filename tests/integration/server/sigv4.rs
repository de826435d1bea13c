//! AWS Signature Version 4 for what curl does not sign, by the specification.

use sha2::{Digest, Sha256};

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let padded = |pad: u8| block.map(|byte| byte ^ pad);
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().into()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The query of a presigned PUT that is valid for so many seconds; one that has expired
/// where they are negative.
pub fn presigned(host: &str, path: &str, key: &str, secret: &str, seconds: i64) -> String {
    let mut now = chrono::Utc::now();
    if seconds < 0 {
        now += chrono::Duration::seconds(2 * seconds);
    }
    let (date, time) = (now.format("%Y%m%d").to_string(), now.format("%Y%m%dT%H%M%SZ").to_string());
    let scope = format!("{date}/us-east-1/s3/aws4_request");
    let query = format!(
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={key}%2F{}&X-Amz-Date={time}&X-Amz-Expires={}\
         &X-Amz-SignedHeaders=host",
        scope.replace('/', "%2F"),
        seconds.abs()
    );
    let request = format!("PUT\n{path}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD");
    let request = hexadecimal(&Sha256::digest(request));
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{request}");
    let mut signing = hmac(format!("AWS4{secret}").as_bytes(), date.as_bytes());
    for part in ["us-east-1", "s3", "aws4_request"] {
        signing = hmac(&signing, part.as_bytes());
    }
    format!("{query}&X-Amz-Signature={}", hexadecimal(&hmac(&signing, text.as_bytes())))
}
