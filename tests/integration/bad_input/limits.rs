//! Resources with very many parts.

use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;

use super::{long_text, resource};
use crate::steps::{account, load_twice, load_with_code};
use crate::support::TestEnvironment;

#[test]
fn the_number_of_unknown_elements_counted_is_bounded() {
    let environment = TestEnvironment::new();
    let names: String = (0..200_000).map(|number| format!(r#","k{number}":{number}"#)).collect();
    let long = long_text(10_000);
    let wide = format!(r#"{{"resourceType":"Patient","id":"wide"{names}}}"#);
    let named = format!(r#"{{"resourceType":"Organization","id":"named","{long}":1}}"#);
    let summary =
        load_twice(&environment, &[("wide.json", wide.as_bytes()), ("named.json", named.as_bytes())]);
    assert_eq!(account(&summary), [("inserted", 2)]);
    let found = environment.query(
        "select resource_type, count(*) as names, max(length(element)) as longest, \
                count(*) filter (where element = '…') as others \
         from etl.unmapped_element group by 1 order by 1",
    );
    assert_eq!(found, [["Organization", "1", "201", "0"], ["Patient", "100", "3", "1"]]);
}

#[test]
fn the_time_for_a_resource_grows_linearly_with_its_parts() {
    let environment = TestEnvironment::new();
    let many = |item: &str| vec![item; 15_000].join(",");
    let extension = r#""extension":[{"url":"u","valueString":"y"}]"#;
    let members = [
        ("Patient", format!(r#""name":[{}]"#, many(&format!(r#"{{"family":"x",{extension}}}"#)))),
        ("Patient", format!(r#""telecom":[{}]"#, many(&format!(r#"{{"value":"x",{extension}}}"#)))),
        ("Patient", format!(r#""photo":[{}]"#, many(&format!("{{{extension}}}")))),
        (
            "Encounter",
            format!(
                r#""type":[{}]"#,
                many(&format!(r#"{{{extension},"coding":[{{"code":"a"}},{{"code":"b"}}]}}"#))
            ),
        ),
        (
            "Encounter",
            format!(
                r##""contained":[{}],"reasonReference":[{}]"##,
                many(r#"{"resourceType":"Condition","id":"1"}"#),
                many(r##"{"reference":"#none"}"##)
            ),
        ),
    ];
    for (number, (resource_type, members)) in members.iter().enumerate() {
        environment.put(&format!("inbox/s{number}/x.json"), resource(resource_type, members));
    }
    let start = Instant::now();
    let summary = load_with_code(&environment, &[], 0);
    assert_eq!(account(&summary), [("inserted", 5)]);
    assert!(start.elapsed() < Duration::from_secs(40), "{:?}", start.elapsed());
    let rows = "select (select count(*) from patient_name) as names, \
                       (select count(*) from resource_coding) as codings, \
                       (select extension #>> '{14999,path}' from patient where extension is not null) as path";
    assert_eq!(environment.query(rows), [["15000", "30000", "photo[14999]"]]);
}
