//! *Assertions*: signed proofs of identity, as SMART Backend Services defines them (RFC
//! 7523): RS384 or ES384, addressed to the token endpoint, valid for five minutes at most,
//! and used once.

use chrono::{DateTime, Utc};
use fhirmill_postgres::ledger::{Sender, use_proof};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::server::error::OAuthError;
use crate::server::state::ServerState;

/// How far ahead the end of an assertion may be, and how much clocks may differ.
const LONGEST_SECONDS: i64 = 300;
const LEEWAY_SECONDS: u64 = 30;
const LONGEST_ASSERTION: usize = 16 * 1024;
const LONGEST_ID: usize = 256;
/// The shortest RSA modulus, in Base64: 2048 bits.
const SHORTEST_MODULUS: usize = 341;

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    exp: i64,
    jti: String,
}

/// The sender that signed the assertion.
pub async fn check(
    state: &ServerState,
    assertion: &str,
    client_id: Option<&str>,
) -> Result<Sender, OAuthError> {
    let malformed = || OAuthError::invalid_client("the assertion is not a signed JSON Web Token");
    if assertion.len() > LONGEST_ASSERTION {
        return Err(malformed());
    }
    let header = decode_header(assertion).map_err(|_| malformed())?;
    if !matches!(header.alg, Algorithm::RS384 | Algorithm::ES384) {
        return Err(OAuthError::invalid_client("the assertion must be signed with RS384 or ES384"));
    }
    let named: Claims = jsonwebtoken::dangerous::insecure_decode(assertion)
        .map_err(|_| OAuthError::invalid_client("the assertion must have iss, sub, aud, exp and jti"))?
        .claims;
    if named.iss != named.sub || client_id.is_some_and(|id| id != named.iss) {
        return Err(OAuthError::invalid_client("iss and sub must both be the client_id"));
    }
    let name = named.iss.chars().take(LONGEST_ID).collect::<String>();
    let sender = state
        .pool
        .run(move |connection| Sender::by_name(connection, &name).map_err(OAuthError::from))
        .await?;
    let refused = || OAuthError::invalid_client("no key of the client has made this signature");
    let sender = sender.ok_or_else(refused)?;
    let keys = state.authentication.key_sets.candidates(&sender, header.kid.as_deref()).await;
    let verified = keys.iter().find_map(|key| verify(state, assertion, header.alg, key));
    let claims = verified.ok_or_else(refused)??;
    use_once(state, &sender, &claims).await?;
    Ok(sender)
}

/// None if the key did not make the signature.
fn verify(
    state: &ServerState,
    assertion: &str,
    algorithm: Algorithm,
    key: &Jwk,
) -> Option<Result<Claims, OAuthError>> {
    use jsonwebtoken::errors::ErrorKind;
    let is_suitable = match (&key.algorithm, algorithm) {
        (AlgorithmParameters::RSA(rsa), Algorithm::RS384) => rsa.n.len() >= SHORTEST_MODULUS,
        (AlgorithmParameters::EllipticCurve(curve), Algorithm::ES384) => curve.curve == EllipticCurve::P384,
        _ => false,
    };
    if !is_suitable {
        return None;
    }
    let decoding = DecodingKey::from_jwk(key).ok()?;
    let mut validation = Validation::new(algorithm);
    validation.set_audience(&state.authentication.audiences);
    validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
    validation.validate_nbf = true;
    validation.leeway = LEEWAY_SECONDS;
    match decode::<Claims>(assertion, &decoding, &validation) {
        Ok(token) => Some(Ok(token.claims)),
        Err(failure) => match failure.kind() {
            ErrorKind::InvalidSignature => None,
            ErrorKind::ExpiredSignature => Some(Err(OAuthError::invalid_client("the assertion has expired"))),
            ErrorKind::ImmatureSignature => {
                Some(Err(OAuthError::invalid_client("the assertion is not valid yet")))
            }
            ErrorKind::InvalidAudience => {
                let expected = state.authentication.audiences.join(" or ");
                Some(Err(OAuthError::invalid_client(format!("aud must be {expected}"))))
            }
            _ => Some(Err(OAuthError::invalid_client("the assertion cannot be verified"))),
        },
    }
}

async fn use_once(state: &ServerState, sender: &Sender, claims: &Claims) -> Result<(), OAuthError> {
    let latest = Utc::now().timestamp() + LONGEST_SECONDS;
    if claims.exp > latest + LEEWAY_SECONDS.cast_signed() {
        return Err(OAuthError::invalid_client("exp must be at most five minutes ahead"));
    }
    if claims.jti.is_empty() || claims.jti.len() > LONGEST_ID {
        return Err(OAuthError::invalid_client("jti must be an id of at most 256 bytes"));
    }
    let hash: [u8; 32] = Sha256::digest(format!("jti {}", claims.jti)).into();
    let end = claims.exp + 2 * LEEWAY_SECONDS.cast_signed();
    let valid_until = DateTime::from_timestamp(end, 0).unwrap_or_else(Utc::now);
    let sender_id = sender.id;
    let is_new = state
        .pool
        .run(move |connection| use_proof(connection, sender_id, &hash, valid_until).map_err(OAuthError::from))
        .await?;
    if is_new {
        Ok(())
    } else {
        Err(OAuthError::invalid_client("the assertion was used before: its jti is not new"))
    }
}
