//! S3: the listing of what was delivered.

use pretty_assertions::assert_eq;

use super::Answer;
use super::s3::{A, B, S3Service, element};

/// The texts of all elements of that name within elements of another.
fn all(answer: &Answer, within: &str, name: &str) -> Vec<String> {
    let text = answer.text();
    let within = format!("<{within}>");
    let parts = text.split(&within).skip(1);
    parts
        .map(|part| {
            let text = part.split(&format!("<{name}>")).nth(1).unwrap();
            text.split("</").next().unwrap().to_owned()
        })
        .collect()
}

#[test]
fn delivered_files_are_listed_wherever_they_are_now() {
    let service = S3Service::start();
    for (name, bytes) in [("b.ndjson", A), ("d/x%20%C3%BC.ndjson", B), ("a.ndjson", A), ("a.ndjson", B)] {
        service.put(&format!("/st-marys/{name}"), bytes, &[]).expect(200);
    }
    service.begin("unfinished.ndjson");
    let token = service.http.authorization(&service.sender);
    let path = service.http.begin(&token, "rest.ndjson", 1);
    service.http.put(&token, &path, 1, A).expect(204);
    service.http.complete(&token, &path).expect(202);
    for _ in 0..2 {
        let answer = service.call(&["/st-marys?list-type=2"], b"").expect(200);
        assert_eq!(all(&answer, "Contents", "Key"), ["a.ndjson", "b.ndjson", "d/x ü.ndjson", "rest.ndjson"]);
        assert_eq!(all(&answer, "Contents", "Size"), ["36"; 4]);
        let etags = all(&answer, "Contents", "ETag");
        assert!(etags[0].contains("6cecd6baa1f9caa124b7ca7d212c334c"), "{etags:?}");
        // Once they are in the archive as well.
        service.wait_until_loaded(5);
    }
    let answer = service.call(&["/st-marys?delimiter=%2F&encoding-type=url"], b"").expect(200);
    assert_eq!(all(&answer, "Contents", "Key"), ["a.ndjson", "b.ndjson", "rest.ndjson"]);
    assert_eq!(all(&answer, "CommonPrefixes", "Prefix"), ["d/"]);
    let answer = service.call(&["/st-marys?encoding-type=url&prefix=d%2F"], b"").expect(200);
    assert_eq!(all(&answer, "Contents", "Key"), ["d/x%20%C3%BC.ndjson"]);
    // A sender of another source does not see them.
    let other = service.http.sender("other", &[]);
    let answer = service.call_as(&super::s3::user(&other), &["/other?list-type=2"], b"").expect(200);
    assert_eq!(element(&answer, "KeyCount"), "0");
}

#[test]
fn long_listings_come_in_pages() {
    let service = S3Service::start();
    crate::support::execute(
        service.http.environment.database_url(),
        "insert into etl.upload (id, sender_id, face, filename, size_bytes, status, expires_at, \
         finished_at) select gen_random_uuid(), (select id from etl.sender), 's3', \
         case when n <= 1500 then 'a/' || n when n <= 3000 then 'b/' || n % 3 || '/' || n else 'c' || n end, \
         1, 'completed', now(), now() from generate_series(1, 4500) n",
    );
    let collect = |query: &str| {
        let (mut names, mut token, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            // In the order in which they are signed.
            let query = format!("{token}{query}&list-type=2");
            let mut query: Vec<&str> = query.split('&').collect();
            query.sort_unstable();
            let path = format!("/st-marys?{}", query.join("&"));
            let answer = service.call(&[&path], b"").expect(200);
            names.extend(all(&answer, "Contents", "Key"));
            names.extend(all(&answer, "CommonPrefixes", "Prefix"));
            pages += 1;
            if element(&answer, "IsTruncated") == "false" {
                break;
            }
            token = format!("continuation-token={}&", element(&answer, "NextContinuationToken"));
        }
        (names, pages)
    };
    let (names, pages) = collect("encoding-type=url");
    assert_eq!((names.len(), pages), (4500, 5));
    let mut sorted = names.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(names, sorted);
    let (names, pages) = collect("delimiter=%2F&encoding-type=url");
    assert_eq!((names.len(), pages), (1502, 2));
    assert!(names.contains(&"a/".to_owned()) && names.contains(&"b/".to_owned()));
    assert_eq!(collect("delimiter=%2F&encoding-type=url&max-keys=1&prefix=b%2F").0, ["b/0/", "b/1/", "b/2/"]);
    let first = service.call(&["/st-marys?delimiter=%2F&max-keys=1"], b"").expect(200);
    assert_eq!(element(&first, "NextMarker"), "a/");
    let next = service.call(&["/st-marys?delimiter=%2F&marker=a%2F&max-keys=1"], b"").expect(200);
    assert_eq!(all(&next, "CommonPrefixes", "Prefix"), ["b/"]);
}
