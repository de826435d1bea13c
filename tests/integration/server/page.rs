//! The operator's page, called by curl: sessions, roles, forms, and what each view shows.

use std::io::Write as _;
use std::process::Stdio;

use pretty_assertions::assert_eq;

use super::{Answer, HttpService};
use crate::support::wait_until;

/// Every view of the navigation.
const VIEWS: [&str; 13] = [
    "/page",
    "/page/runs",
    "/page/files",
    "/page/rejects",
    "/page/uploads",
    "/page/feeds",
    "/page/sinks",
    "/page/senders",
    "/page/references",
    "/page/elements",
    "/page/data",
    "/page/views",
    "/page/system",
];

/// Somebody with a browser that keeps cookies.
pub struct Visitor<'s> {
    service: &'s HttpService,
    /// Name and value of each cookie.
    cookies: Vec<(String, String)>,
}

impl<'s> Visitor<'s> {
    pub fn new(service: &'s HttpService) -> Self {
        Visitor { service, cookies: Vec::new() }
    }

    /// Somebody who has signed in.
    pub fn signed_in(service: &'s HttpService, name: &str) -> Self {
        let mut visitor = Visitor::new(service);
        let answer = visitor.sign_in(name, &password_of(name)).expect(303);
        assert_eq!(answer.header("location").as_deref(), Some("/page"));
        visitor
    }

    pub fn get(&mut self, path: &str) -> Answer {
        self.call(&[path])
    }

    pub fn call(&mut self, arguments: &[&str]) -> Answer {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let answer = self.service.call(&[arguments, &["--cookie", &cookies]].concat());
        for line in answer.headers.lines().filter(|line| line.to_ascii_lowercase().starts_with("set-cookie:"))
        {
            let (name, value) = line[11..].split(';').next().unwrap().trim().split_once('=').unwrap();
            self.cookies.retain(|(kept, _)| kept != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        answer
    }

    /// Sends the form of a view with its token.
    pub fn post(&mut self, view: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = token(&self.get(view).expect(200).text());
        let mut arguments = vec![path.to_owned()];
        for (name, value) in fields.iter().chain(&[("csrf", token.as_str())]) {
            arguments.extend(["--data-urlencode".to_owned(), format!("{name}={value}")]);
        }
        self.call(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }

    pub fn sign_in(&mut self, name: &str, password: &str) -> Answer {
        self.post("/page/login", "/page/login", &[("name", name), ("password", password)])
    }
}

/// The token of the forms in a view.
fn token(html: &str) -> String {
    let (_, rest) = html.split_once("name=\"csrf\" value=\"").expect("a form");
    rest.split('"').next().unwrap().to_owned()
}

pub fn password_of(name: &str) -> String {
    format!("the password of {name}")
}

/// Adds a user, whose password comes from standard input.
pub fn add_user(service: &HttpService, name: &str, role: &str) {
    let mut command = service.environment.command(&["users", "add", name, "--role", role]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{}\n", password_of(name)).as_bytes()).unwrap();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0));
}

/// A service with an operator, a viewer, a file that was loaded and one with a reject.
pub fn service() -> HttpService {
    let service = HttpService::start();
    add_user(&service, "anna", "operator");
    add_user(&service, "bert", "viewer");
    service.environment.put(
        "inbox/st-marys/patients.ndjson",
        "{\"resourceType\":\"Patient\",\"id\":\"p1\"}\n{\"resourceType\":\"Patient\",\"id\":\"secret-id\",\"birthDate\":\"2015-02-30\",\"gender\":\"<b>unheard-of\"}\n",
    );
    service.environment.put("inbox/north/broken.ndjson", "{\"id\":\"x1\"}\n{\"id\":\"x2\"}\n");
    wait_until("both files are taken", || {
        service.environment.value("select count(*) from etl.load_file where finished_at is not null") == "2"
            && service.environment.value("select count(*) from etl.load_run where finished_at is null") == "0"
    });
    service
}

#[test]
fn views_need_a_session_and_change_needs_an_operator_with_a_token() {
    let service = service();
    // Nobody is led to the form, and back to the view afterwards.
    let mut nobody = Visitor::new(&service);
    assert_eq!(nobody.get("/").expect(303).header("location").as_deref(), Some("/page"));
    for view in VIEWS {
        let location = nobody.get(view).expect(303).header("location").unwrap();
        assert!(location.starts_with("/page/login"), "{location}");
    }
    let location = nobody.get("/page/files?status=failed").expect(303).header("location").unwrap();
    assert_eq!(location, "/page/login?next=%2Fpage%2Ffiles%3Fstatus%3Dfailed");
    nobody.call(&["/page/rejects/1/retry", "--data", "csrf=x"]).expect(303);
    nobody.get("/page/events").expect(303);
    nobody.get("/page/nothing").expect(404);
    nobody.call(&["/page", "--request", "DELETE"]).expect(405);

    // The cookie is out of reach of scripts and of other sites; views are kept by nobody.
    let mut anna = Visitor::new(&service);
    let form = anna.get("/page/login?next=/page/files").expect(200);
    let policy = form.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(form.header("cache-control").as_deref(), Some("no-store"));
    assert_eq!(form.header("x-frame-options").as_deref(), Some("DENY"));
    let answer = anna.sign_in("anna", &password_of("anna")).expect(303);
    let cookie = answer.headers.lines().find(|line| line.contains("fhirmill_session=")).unwrap().to_owned();
    assert!(cookie.contains("HttpOnly; SameSite=Strict") && cookie.contains("Path=/"), "{cookie}");
    let (_, word) = anna.cookies.iter().find(|(name, _)| name == "fhirmill_session").unwrap().clone();
    assert_eq!(word.len(), 43, "256 bits in Base64");
    let stored = "select encode(token_hash, 'hex') = encode(sha256(convert_to('WORD', 'UTF8')), 'hex') as is_hash from etl.page_session";
    assert_eq!(service.environment.value(&stored.replace("WORD", &word)), "true");
    for view in VIEWS {
        anna.get(view).expect(200);
    }

    // A form without its token, or of another site, does nothing.
    anna.call(&["/page/rejects/1/dismiss", "--data", "note=x"]).expect(403);
    anna.call(&["/page/rejects/1/dismiss", "--data", "csrf=0000"]).expect(403);
    let html = anna.get("/page/rejects/1").expect(200).text();
    let data = format!("csrf={}", token(&html));
    anna.call(&["/page/rejects/1/dismiss", "--data", &data, "--header", "Sec-Fetch-Site: cross-site"])
        .expect(403);
    anna.call(&["/page/logout", "--data", "csrf="]).expect(403);
    anna.get("/page").expect(200);

    // A viewer looks, but sees no bytes and ids, and changes nothing.
    let mut bert = Visitor::signed_in(&service, "bert");
    let id = service.environment.value("select id from etl.rejected_record where fhir_id = 'secret-id'");
    let file =
        service.environment.value("select file_id from etl.rejected_record where fhir_id = 'secret-id'");
    let (reject, of_file) = (format!("/page/rejects/{id}"), format!("/page/files/{file}"));
    for view in [&reject, &of_file, "/page/rejects", "/page/rejects/list"] {
        let html = bert.get(view).expect(200).text();
        assert!(!html.contains("secret-id") && !html.contains("unheard-of"), "{html}");
        assert!(!html.contains("/retry") && !html.contains("/dismiss"), "{html}");
    }
    bert.get(&format!("{reject}/raw")).expect(403);
    for action in [
        format!("{reject}/retry"),
        format!("{reject}/dismiss"),
        format!("{of_file}/retry"),
        format!("{of_file}/dismiss"),
        format!("{of_file}/undo"),
        format!("{of_file}/redo"),
        "/page/rejects/retry".to_owned(),
        "/page/rejects/dismiss".to_owned(),
    ] {
        bert.post("/page", &action, &[("reason", "invalid_value")]).expect(403);
    }
    let untouched =
        "select count(*) from etl.rejected_record where retried_at is null and dismissed_at is null";
    assert_eq!(service.environment.value(untouched), "3");

    // An operator sees them, and that is on record.
    let html = anna.get(&reject).expect(200).text();
    assert!(html.contains("secret-id") && html.contains("<code>Patient.birthDate</code>"), "{html}");
    let raw = anna.get(&format!("{reject}/raw")).expect(200).text();
    assert!(raw.contains("2015-02-30") && raw.contains("&#60;b&#62;unheard-of"), "{raw}");
    let looked = "select u.name || ' ' || a.action || ' ' || a.target from etl.audit_event a join etl.page_user u on u.id = a.user_id where a.action like '%/raw' and a.status = 200";
    assert_eq!(service.environment.value(looked), format!("anna GET /page/rejects/{{id}}/raw reject {id}"));

    // What a file brought is taken back and brought back, and that is on record, too.
    let status = format!(
        "select f.status, count(p.id) from etl.load_file f, (select max(id) as id from patient) p where f.id = {file} group by 1"
    );
    for (action, after) in [("undo", "undone"), ("redo", "loaded"), ("redo", "loaded")] {
        let location =
            anna.post(&of_file, &format!("{of_file}/{action}"), &[]).expect(303).header("location");
        let html = anna.get(&location.unwrap()).expect(200).text();
        assert!(html.contains(if action == "undo" { "/redo" } else { "/undo" }), "{html}");
        let patients = if after == "undone" { "0" } else { "1" };
        assert_eq!(service.environment.query(&status), [[after, patients]], "{action}");
    }
    let undone = "select string_agg(action || ' ' || target, ', ') from etl.audit_event where action like '%/undo' and status = 303";
    assert_eq!(service.environment.value(undone), format!("POST /page/files/{{id}}/undo file {file}"));

    // Signing out ends the session, not only the cookie.
    let kept = anna.cookies.clone();
    anna.post("/page", "/page/logout", &[]).expect(303);
    anna.cookies = kept;
    anna.get("/page").expect(303);

    // So does idleness, the end of its time, and being disabled.
    for change in ["last_seen_at = now() - interval '31 minutes'", "expires_at = now()"] {
        bert.get("/page").expect(200);
        crate::support::execute(
            service.environment.database_url(),
            &format!("update etl.page_session set {change}"),
        );
        bert.get("/page").expect(303);
        bert = Visitor::signed_in(&service, "bert");
    }
    service.environment.run(&["users", "disable", "bert"]).expect_code(0);
    bert.get("/page").expect(303);
    assert_eq!(Visitor::new(&service).sign_in("bert", &password_of("bert")).status, 401);
}

#[test]
fn wrong_passwords_lock_the_name_at_that_address_and_say_nothing_of_names() {
    let service = HttpService::start();
    add_user(&service, "anna", "operator");
    add_user(&service, "bert", "viewer");
    let mut visitor = Visitor::new(&service);
    // The cookie of the form is needed, too.
    service.call(&["/page/login", "--data", "name=anna&password=x&csrf=x"]).expect(403);
    let known = visitor.sign_in("anna", "wrong").expect(401).text();
    let unknown = visitor.sign_in("nobody", "wrong").expect(401).text();
    let without_token = |html: &str| html.replace(&token(html), "").replace("nobody", "anna");
    assert_eq!(without_token(&known), without_token(&unknown));
    for name in ["anna", "nobody"] {
        for _ in 0..4 {
            visitor.sign_in(name, "wrong").expect(401);
        }
        let locked = visitor.sign_in(name, &password_of("anna")).expect(429);
        assert!(locked.header("retry-after").is_some() && locked.text().contains("15 minutes"));
    }
    // Others are not, and another password opens the door again.
    Visitor::signed_in(&service, "bert");
    service.environment.put("new", "another password of anna\n");
    service.environment.run(&["users", "passwd", "anna", "--password-file", "new"]).expect_code(0);
    visitor.sign_in("anna", "another password of anna").expect(303);
    assert_eq!(service.environment.value("select count(*) from etl.login_failure"), "0");
    let logins =
        "select count(*) from etl.audit_event where action = 'POST /page/login' and user_id is not null";
    assert_eq!(service.environment.value(logins), "2");
    // Names that nobody has do not fill the table.
    crate::support::execute(
        service.environment.database_url(),
        "insert into etl.login_failure (subject, failures) select sha256(n::text::bytea), 1 from generate_series(1, 10500) n",
    );
    visitor = Visitor::new(&service);
    visitor.sign_in("nobody", "wrong").expect(401);
    assert_eq!(
        service.environment.value("select count(*) <= 10003 as bounded from etl.login_failure"),
        "true"
    );
}

#[test]
fn users_are_managed_without_passwords_among_the_arguments() {
    let environment = crate::support::TestEnvironment::new();
    let add = |name: &str, role: &str, password: &str| {
        environment.put("password", password);
        environment.run(&["users", "add", name, "--role", role, "--password-file", "password"])
    };
    assert!(environment.run(&["users", "list"]).expect_code(0).stdout.contains("no users yet"));
    add("anna", "operator", "a password of anna\r\nmore").expect_code(0);
    for (name, role, password) in [
        ("anna", "viewer", "a password of anna"),
        ("bert", "king", "a password of bert"),
        ("bert", "viewer", "short"),
        ("bert", "viewer", ""),
        ("bert", "viewer", "aaaaaaaaaaaaaaaa"),
        ("bert/../x", "viewer", "a password of bert"),
        ("averylongname", "viewer", "AVeryLongName"),
    ] {
        let run = add(name, role, password).expect_code(2);
        assert!(password.is_empty() || !run.stderr.contains(password), "{}", run.stderr);
    }
    environment.run(&["users", "add", "bert", "--role", "viewer", "--password", "x"]).expect_code(2);
    environment.run(&["users", "passwd", "bert", "--password-file", "missing"]).expect_code(1);
    environment.run(&["users", "disable", "bert"]).expect_code(2);
    let users = environment.run(&["users", "list", "--json"]).expect_code(0).json();
    assert_eq!(
        (&users[0]["name"], &users[0]["role"], users.as_array().unwrap().len()),
        (&"anna".into(), &"operator".into(), 1)
    );
    let kept = environment.value("select password_hash from etl.page_user");
    assert!(kept.starts_with("$argon2id$"), "{kept}");
}

#[test]
fn views_show_what_is_in_the_ledger() {
    let service = service();
    let sender = service.authorized("west");
    let upload = service.begin(&sender, "large file.ndjson", 4);
    service.put(&sender, &upload, 2, b"0123456789").expect(204);
    let mut anna = Visitor::signed_in(&service, "anna");
    let mut view = |path: &str| anna.get(path).expect(200).text();
    let file = service.environment.value("select id from etl.load_file where path = 'north/broken.ndjson'");

    let overview = view("/page");
    for text in
        ["north/broken.ndjson", "st-marys", "west", "Nothing is running.", "<svg class=\"chart\"", "alive"]
    {
        assert!(overview.contains(text), "{text} is not in {overview}");
    }
    assert!(view("/page/files?status=rejected&source=north").contains("north/broken.ndjson"));
    assert!(!view("/page/files?status=loaded").contains("north/broken.ndjson"));
    assert!(view("/page/files?from=2999-01-01").contains("No file matches."));
    assert!(view("/page/files?from=yesterday").contains("A date is written like"));
    let shown = view(&format!("/page/files/{file}"));
    assert!(shown.contains("2 seen = 2 rejected") && shown.contains("into the inbox"), "{shown}");
    let loaded = service.environment.value("select id from etl.load_file where path like 'st-marys/%'");
    assert!(view(&format!("/page/files/{loaded}")).contains("2 seen = 1 inserted + 1 rejected"));
    assert!(
        view("/page/rejects").contains("no_resource_type") && view("/page/rejects").contains("invalid_value")
    );
    assert!(view("/page/rejects/list?reason=no_resource_type").contains("north/broken.ndjson"));
    let uploads = view("/page/uploads");
    assert!(
        uploads.contains("large file.ndjson") && uploads.contains("1, 3, 4") && uploads.contains("10 B"),
        "{uploads}"
    );
    let senders = view("/page/senders");
    assert!(
        senders.contains("push, update, status") && senders.contains("PUT /api/uploads/{id}/parts/{number}"),
        "{senders}"
    );
    let hash = service.environment.value("select client_secret_hash from etl.sender");
    assert!(!senders.contains(&hash));
    assert!(view("/page/data").contains("/page/data/public/patient"));
    assert!(view("/page/data/public/patient").contains("birth_date"));
    // A table that a user declares, with its columns and its definition.
    assert!(view("/page/views").contains("No view is applied."));
    let definition = concat!(env!("CARGO_MANIFEST_DIR"), "/views/patient_demographics.json");
    service.environment.run(&["views", "apply", "--wait", definition]).expect_code(0);
    assert!(view("/page/views").contains("/page/views/patient_demographics"));
    let applied = view("/page/views/patient_demographics");
    for text in
        ["ready", "views.patient_demographics", "<code>birth_date</code>", "ViewDefinition", "<dd>1; "]
    {
        assert!(applied.contains(text), "{text} is not in {applied}");
    }
    assert!(view("/page/data").contains("/page/data/views/patient_demographics"));
    assert!(view("/page/data/views/patient_demographics").contains("birth_date"));
    let system = view("/page/system");
    assert!(system.contains("DATABASE_URL") && system.contains("set, not shown"), "{system}");
    for missing in ["/page/files/999", "/page/runs/999", "/page/rejects/999", "/page/data/etl/sender"] {
        anna.get(missing).expect(404);
    }
    for malformed in ["/page/files/x", "/page/files?before=x"] {
        assert_eq!(anna.get(malformed).status, 400, "{malformed}");
    }

    // Style sheet and script are kept for good, under names of their content.
    let (_, rest) = overview.split_once("href=\"/page/assets/").unwrap();
    for part in overview.split("\"/page/assets/").skip(1) {
        let name = part.split('"').next().unwrap();
        let asset = service.call(&[&format!("/page/assets/{name}")]).expect(200);
        assert_eq!(asset.header("cache-control").as_deref(), Some("public, max-age=31536000, immutable"));
    }
    assert!(rest.len() > 1);
    service.call(&["/page/assets/other.css"]).expect(404);

    // What is mended is put back, and what does not matter is dismissed.
    let id =
        service.environment.value(&format!("select min(id) from etl.rejected_record where file_id = {file}"));
    let reject = format!("/page/rejects/{id}");
    let answer = anna.post(&reject, &format!("{reject}/retry"), &[]).expect(303);
    let location = answer.header("location").unwrap();
    assert_eq!(location, format!("{reject}?done=retried-1"));
    assert!(anna.get(&location).expect(200).text().contains("1 reject was put into the inbox again."));
    wait_until("it was rejected again", || {
        service
            .environment
            .value("select count(*) from etl.rejected_record where reason = 'no_resource_type'")
            == "3"
    });
    let dismiss = [("reason", "no_resource_type"), ("note", "not ours")];
    let answer = anna.post("/page", "/page/rejects/dismiss", &dismiss).expect(303);
    assert_eq!(
        answer.header("location").as_deref(),
        Some("/page/rejects?reason=no_resource_type&done=dismissed-3")
    );
    anna.post("/page", "/page/rejects/dismiss", &[("reason", "")]).expect(400);
    let open = "select reason from etl.rejected_record where dismissed_at is null";
    assert_eq!(service.environment.query(open), [["invalid_value"]]);
    let actions = "select count(*) from etl.audit_event where user_id is not null and status = 303 and target is not null and action like 'POST /page/rejects%'";
    assert_eq!(service.environment.value(actions), "2");
}
