//! Documents of every format, and how they are cut into frames.

use pretty_assertions::assert_eq;

use super::support::{GROUP, PATIENT, framing, framing_in_two_passes};

#[test]
fn a_single_resource_in_every_notation() {
    let expected = ["Resource".to_owned(), format!("1 resource: {PATIENT}")];
    for text in [
        PATIENT.to_owned(),
        format!("{PATIENT}\n"),
        format!("{PATIENT}\r\n"),
        format!("\u{feff}{PATIENT}"),
        format!("\n \r\n\t{PATIENT}\n\n\n"),
    ] {
        assert_eq!(framing_in_two_passes(text), expected);
    }
    let pretty = "{\n  \"resourceType\": \"Patient\",\n  \"id\": \"p\"\n}";
    let expected = ["Resource".to_owned(), format!("1 resource: {pretty}")];
    for text in [pretty.to_owned(), format!("{pretty}\n"), format!("\u{feff}\r\n{pretty}\r\n")] {
        assert_eq!(framing_in_two_passes(text), expected);
    }
}

#[test]
fn ndjson_in_every_notation() {
    let expected = ["Ndjson".to_owned(), format!("1 line 1: {PATIENT}"), format!("2 line 2: {GROUP}")];
    for text in [
        format!("{PATIENT}\n{GROUP}"),
        format!("{PATIENT}\n{GROUP}\n"),
        format!("{PATIENT}\r\n{GROUP}\r\n"),
        format!("\u{feff}{PATIENT}\n{GROUP}\n \n\n"),
        format!("{PATIENT} \n \u{feff}{GROUP}"),
    ] {
        assert_eq!(framing(text), expected);
    }
    assert_eq!(
        framing(format!("\n{PATIENT}\n\n{GROUP}{PATIENT}\n")),
        [
            "Ndjson".to_owned(),
            format!("1 line 2: {PATIENT}"),
            format!("2 line 4: {GROUP}"),
            format!("3 line 4: {PATIENT}")
        ]
    );
}

#[test]
fn strings_may_contain_anything() {
    for tricky in [r#"}"#, r#"\""#, r#"\\"#, r#"\\\"}{"#, r#"]},{\u0022"#, "é{", r#"a\nb"#] {
        let one = format!(r#"{{"resourceType":"Basic","id":"{tricky}","{tricky}":["{tricky}"]}}"#);
        let two = format!(r#"{{"{tricky}":"{tricky}","resourceType":"Basic"}}"#);
        assert_eq!(
            framing(format!("{one}\n{two}\n")),
            ["Ndjson".to_owned(), format!("1 line 1: {one}"), format!("2 line 2: {two}")]
        );
        assert_eq!(
            framing_in_two_passes(format!(
                r#"{{"resourceType":"Bundle","{tricky}":"{tricky}","entry":[{{"{tricky}":1,"resource":{one}}},{{"resource":{two}}}]}}"#
            )),
            ["Bundle".to_owned(), format!("1 entry 1: {one}"), format!("2 entry 2: {two}")]
        );
    }
}

#[test]
fn an_array_of_resources_and_bundles() {
    let bundle = format!(r#"{{"resourceType":"Bundle","entry":[{{"resource":{GROUP}}}]}}"#);
    let expected = [
        "Array".to_owned(),
        format!("1 item 1: {PATIENT}"),
        format!("2 item 2, entry 1: {GROUP}"),
        "! item 3: expected a JSON object, found a number (LENGTH)".to_owned(),
        format!("3 item 4: {GROUP}"),
    ];
    for text in [
        format!("[{PATIENT},{bundle},17,{GROUP}]"),
        format!("[\n  {PATIENT},\n  {bundle},\n  17,\n  {GROUP}\n]\n"),
        format!("\u{feff}[{PATIENT}\n,{bundle}\n,17\n,{GROUP}]"),
    ] {
        let place = format!("{}+2", text.find("17").unwrap());
        let expected = expected.clone().map(|line| line.replace("LENGTH", &place));
        assert_eq!(framing_in_two_passes(text), expected);
    }
    assert_eq!(framing("[]"), ["Array"]);
}

#[test]
fn concatenated_values() {
    let pretty = "{\n\"resourceType\":\"Patient\"\n}";
    assert_eq!(
        framing(format!("{pretty}\n{pretty}{GROUP}\n")),
        [
            "Sequence".to_owned(),
            format!("1 item 1: {pretty}"),
            format!("2 item 2: {pretty}"),
            format!("3 item 3: {GROUP}")
        ]
    );
    assert_eq!(
        framing(format!("{pretty}\n}}\n")),
        [
            "Sequence".to_owned(),
            format!("1 item 1: {pretty}"),
            "! item 2: invalid JSON: unexpected data after the end of the value (29+?, the end)".to_owned(),
        ]
    );
}

#[test]
fn a_resource_with_a_late_type_is_read_again() {
    let late = format!(r#"{{"data":"{}","resourceType":"Binary"}}"#, "x".repeat(300));
    let expected = ["Array".to_owned(), format!("1 item 1: {late}"), format!("2 item 2: {GROUP}")];
    assert_eq!(framing_in_two_passes(format!("[{late},{GROUP}]")), expected);
}

#[test]
fn companions_are_recognized_and_have_no_frames() {
    let log = r#"{"exportId":"1","eventId":"kickoff","eventDetail":{}}"#;
    assert_eq!(framing(format!("{log}\n{log}\n")), ["Companion(ExportLog)"]);
    let manifest = "{\n\"transactionTime\":\"2024-01-01T00:00:00Z\",\n\"output\":[{\"type\":\"Patient\"}]}";
    assert_eq!(
        framing_in_two_passes(manifest),
        [r#"Companion(ExportManifest { transaction_time: Some("2024-01-01T00:00:00Z"), request: None })"#]
    );
    for manifest in [
        // An export without files, a publication, the status of a submission, errors only.
        r#"{"transactionTime":"2024-01-01T00:00:00Z","request":"https://a.example/$export","requiresAccessToken":true,"error":[]}"#,
        r#"{"transactionTime":"2024-01-01","requiresAccessToken":false,"output":[{"type":"Slot","url":"https://a.example/1"}]}"#,
        r#"{"requiresAccessToken":false,"output":[],"error":[]}"#,
        r#"{"submissionId":"1","submissionStatus":"complete","output":[]}"#,
        r#"{"request":"https://a.example/$export","deleted":[{"type":"Bundle","url":"https://a.example/2"}]}"#,
    ] {
        let found = framing(manifest);
        assert!(
            found.len() == 1 && found[0].starts_with("Companion(ExportManifest"),
            "{manifest}: {found:?}"
        );
    }
    // Something else that is not a resource is no manifest.
    for other in [r#"{"error":"x","request":"y"}"#, r#"{"output":[1]}"#, r#"{"status":"complete"}"#] {
        assert!(framing(other)[1].starts_with("1 resource: "), "{other}: {:?}", framing(other));
    }
    // A resource among the lines of a log is not lost.
    assert_eq!(framing(format!("{log}\n{PATIENT}\n"))[1], format!("1 line 2: {PATIENT}"));
}

#[test]
fn other_formats_are_described() {
    assert_eq!(framing(""), ["Empty"]);
    assert_eq!(framing(" \r\n\n"), ["Empty"]);
    assert_eq!(framing("\u{feff}"), ["Empty"]);
    let html = framing("<html>\n<body>{}</body>\n");
    assert_eq!(html.len(), 2);
    assert!(html[1].starts_with("! resource: not JSON: starts with markup"), "{html:?}");
    let csv = framing("id,name\n1,x\n");
    assert!(csv[1].starts_with("! resource: not JSON: starts with plain text"), "{csv:?}");
    let number = framing("17");
    assert!(number[1].starts_with("! resource: not JSON"), "{number:?}");
}
