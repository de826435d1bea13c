//! *Signing in* and out. Attempts are counted by name and address, and refused for a while
//! where too many have failed.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use askama::Template;
use axum::extract::{ConnectInfo, FromRequestParts, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use fhirmill_postgres::ledger::page::{LoginFailures, PageSession, PageUser};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::assets::{ICON, STYLE};
use super::error::PageError;
use super::session::{Cookie, IDLE_SECONDS, LONGEST_SECONDS, Posted, Visitor, csrf_token, read_form};
use crate::server::auth::hash;
use crate::server::auth::secrets::random_word;
use crate::server::call::Call;
use crate::server::state::Shared;

/// How many attempts in a row may fail with a name from an address, from an address, and with
/// a name from anywhere. The last is high, because it lets others lock a user out.
const LIMITS: [(&str, i32); 3] = [("name from address", 5), ("address", 30), ("name", 100)];
/// Longer ones are nobody's.
const LONGEST_FIELD: usize = 1024;

#[derive(Template)]
#[template(path = "login.html", config = "src/server/page/askama.toml")]
struct LoginPage<'l> {
    style: &'l str,
    icon: &'l str,
    csrf: &'l str,
    next: &'l str,
    name: &'l str,
    complaint: Option<&'l str>,
}

/// What the address of the form says.
#[derive(Debug, Deserialize)]
pub struct LoginQuery {
    next: Option<String>,
    out: Option<String>,
}

/// Shows the form.
pub async fn show(
    State(state): State<Shared>,
    Query(query): Query<LoginQuery>,
    request: Request,
) -> Result<Response, PageError> {
    let (mut parts, _) = request.into_parts();
    let next = safe_path(query.next.as_deref());
    if query.out.is_none() && Visitor::from_request_parts(&mut parts, &state).await.is_ok() {
        return Ok(Redirect::to(next).into_response());
    }
    let word = Cookie::Login.read(&state.settings, &parts.headers).unwrap_or_else(|| random_word(32));
    let complaint = query.out.is_some().then_some("You have signed out.");
    Ok(form(&state, (&word, next), "", complaint, StatusCode::OK))
}

fn form(
    state: &Shared,
    (word, next): (&str, &str),
    name: &str,
    complaint: Option<&str>,
    status: StatusCode,
) -> Response {
    let csrf = csrf_token(word);
    let page = LoginPage { style: &STYLE.path, icon: &ICON.path, csrf: &csrf, next, name, complaint };
    let cookie = AppendHeaders([(header::SET_COOKIE, Cookie::Login.set(&state.settings, Some(word)))]);
    (status, cookie, super::html(&page)).into_response()
}

/// Only paths of the page: another site must not be led to.
fn safe_path(next: Option<&str>) -> &str {
    let is_safe = |path: &&str| {
        (*path == "/page" || path.starts_with("/page/") || path.starts_with("/page?"))
            && path.len() < LONGEST_FIELD
            && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    };
    next.filter(is_safe).unwrap_or("/page")
}

/// Signs in.
pub async fn sign_in(State(state): State<Shared>, request: Request) -> Result<Response, PageError> {
    let (parts, body) = request.into_parts();
    let call = parts.extensions.get::<Arc<Call>>().cloned().unwrap_or_default();
    let Some(word) = Cookie::Login.read(&state.settings, &parts.headers) else {
        return Err(PageError::Forbidden(
            "Your browser did not send the cookie that belongs to the form. Allow cookies for this site, and reload.",
        ));
    };
    let fields = read_form(&parts, body, &call, &word).await?;
    let name = fields.get("name").unwrap_or_default().trim().to_owned();
    let password = fields.get("password").unwrap_or_default().to_owned();
    let next = safe_path(fields.get("next"));
    let address = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let subjects = subjects(&name, address);
    let user = match check(&state, &name, &password, &subjects).await? {
        Some(user) => user,
        None => {
            let complaint = "The name or the password is wrong.";
            return Ok(form(&state, (&word, next), &name, Some(complaint), StatusCode::UNAUTHORIZED));
        }
    };
    call.set_user(user.id);
    let session = begin(&state, &parts.headers, &user, address, subjects[0]).await?;
    let cookies = AppendHeaders([
        (header::SET_COOKIE, Cookie::Session.set(&state.settings, Some(&session))),
        (header::SET_COOKIE, Cookie::Login.set(&state.settings, None)),
    ]);
    Ok((cookies, Redirect::to(next)).into_response())
}

/// Begins a session; the one that the browser had, if any, ends. Returns the word.
async fn begin(
    state: &Shared,
    headers: &HeaderMap,
    user: &PageUser,
    address: Option<IpAddr>,
    subject: [u8; 32],
) -> Result<String, PageError> {
    let session = random_word(32);
    let (token_hash, user_id) = (hash(&session), user.id);
    let earlier = Cookie::Session.read(&state.settings, headers).map(|word| hash(&word));
    let address = address.map(|address| address.to_string()).unwrap_or_default();
    let begin = move |connection: &mut _| {
        if let Some(earlier) = earlier {
            PageSession::end(connection, &earlier)?;
        }
        LoginFailures::forget(connection, &[subject])?;
        PageSession::begin(connection, user_id, (&token_hash, &address), (IDLE_SECONDS, LONGEST_SECONDS))?;
        Ok::<_, PageError>(())
    };
    state.pool.run(begin).await?;
    Ok(session)
}

/// The user of that name, if the password is right. It takes as long for a name that nobody
/// has.
async fn check(
    state: &Shared,
    name: &str,
    password: &str,
    subjects: &[[u8; 32]; 3],
) -> Result<Option<PageUser>, PageError> {
    let (wanted, locked) = (name.to_owned(), *subjects);
    let find = move |connection: &mut _| {
        let is_locked = LoginFailures::is_locked(connection, &locked)?;
        Ok::<_, PageError>((is_locked, PageUser::by_name(connection, &wanted)?))
    };
    let (is_locked, user) = state.pool.run(find).await?;
    if is_locked {
        return Err(PageError::Locked);
    }
    let password_hash = user.as_ref().map(|user| user.password_hash.as_str());
    let is_fit = name.len() <= LONGEST_FIELD && password.len() <= LONGEST_FIELD;
    if is_fit && state.page.passwords.is_right(password, password_hash).await {
        return Ok(user);
    }
    let failed: Vec<([u8; 32], i32)> =
        subjects.iter().zip(LIMITS).map(|(subject, (_, limit))| (*subject, limit)).collect();
    let note = move |connection: &mut _| LoginFailures::note(connection, &failed).map_err(PageError::from);
    state.pool.run(note).await?;
    Ok(None)
}

/// What failures are counted by.
fn subjects(name: &str, address: Option<IpAddr>) -> [[u8; 32]; 3] {
    let address = match address {
        // A network of IPv6 has one subscriber.
        Some(IpAddr::V6(address)) if address.to_ipv4_mapped().is_none() => {
            format!("{:x?}", &address.segments()[..4])
        }
        Some(address) => address.to_canonical().to_string(),
        None => String::new(),
    };
    LIMITS.map(|(kind, _)| {
        let (name, address) = match kind {
            "address" => ("", address.as_str()),
            "name" => (name, ""),
            _ => (name, address.as_str()),
        };
        Sha256::digest(format!("{kind}\0{name}\0{address}")).into()
    })
}

/// Signs out.
pub async fn sign_out(State(state): State<Shared>, posted: Posted) -> Result<Response, PageError> {
    let token_hash = hash(&posted.visitor.word);
    let end = move |connection: &mut _| PageSession::end(connection, &token_hash).map_err(PageError::from);
    state.pool.run(end).await?;
    let cookie = AppendHeaders([(header::SET_COOKIE, Cookie::Session.set(&state.settings, None))]);
    Ok((cookie, Redirect::to("/page/login?out=1")).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_to_the_page_only() {
        for safe in ["/page", "/page/files?status=failed", "/page?done=x"] {
            assert_eq!(safe_path(Some(safe)), safe);
        }
        for foreign in
            ["//evil.example", "https://evil.example", "/pages", "/page/\\evil", "/page/ x", "/page/\n", ""]
        {
            assert_eq!(safe_path(Some(foreign)), "/page", "{foreign}");
        }
    }

    #[test]
    fn failures_are_counted_by_name_and_address() {
        let v4: IpAddr = "192.0.2.1".parse().unwrap();
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
        let (one, other) = (subjects("anna", Some(v4)), subjects("bert", Some(v4)));
        assert_eq!(one, subjects("anna", Some(mapped)));
        assert_ne!(one[0], other[0]);
        assert_eq!(one[1], other[1]);
        assert_ne!(one[2], other[2]);
        let [v6, same_network, another]: [IpAddr; 3] =
            ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"].map(|text| text.parse().unwrap());
        assert_eq!(subjects("anna", Some(v6))[1], subjects("anna", Some(same_network))[1]);
        assert_ne!(subjects("anna", Some(v6))[1], subjects("anna", Some(another))[1]);
    }
}
