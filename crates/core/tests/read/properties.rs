//! Properties that hold for every input, tested on random ones.

use fhirmill_core::read::{Document, Frame, Payload, ReadDefect, ReadLimits, ResourceHandler, Stopped};
use proptest::prelude::*;
use serde_json::Value;
use zip::CompressionMethod;

use super::containers::read_with;
use super::support::{Inbox, PATIENT, framing_with, gzip, large_bundle, limits, read_bytes, zip, zip_by};

/// The resources of a document, as an independent parser finds them.
fn expected_resources(value: &Value, found: &mut Vec<Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| expected_resources(item, found)),
        Value::Object(object) if object.get("resourceType") == Some(&Value::from("Bundle")) => {
            for entry in object["entry"].as_array().into_iter().flatten() {
                if let Some(resource) = entry.get("resource").filter(|resource| resource.is_object()) {
                    expected_resources(resource, found);
                }
            }
        }
        other => found.push(other.clone()),
    }
}

#[derive(Default)]
struct Resources(Vec<Value>);

impl ResourceHandler for Resources {
    fn document(&mut self, _: &Document<'_>) -> Result<(), Stopped> {
        Ok(())
    }
    fn frame(&mut self, frame: Frame<'_>) -> Result<(), Stopped> {
        if frame.payload == Payload::Resource {
            self.0.push(serde_json::from_slice(frame.bytes).expect("a frame of valid JSON is valid JSON"));
        }
        Ok(())
    }
    fn defect(&mut self, defect: ReadDefect<'_>) -> Result<(), Stopped> {
        panic!("{defect:?}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        r#"[a-z{}\[\]",:\\ \nü]{0,12}"#.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(r#"[a-z"\\{]{1,8}"#, inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_resource() -> impl Strategy<Value = Value> {
    (prop::collection::btree_map("[a-z]{1,4}", any_json(), 0..5), any::<prop::sample::Index>()).prop_map(
        |(members, place)| {
            let mut members: Vec<_> = members.into_iter().filter(|(name, _)| name != "type").collect();
            let place = place.index(members.len() + 1);
            members.insert(place, ("resourceType".to_owned(), "Basic".into()));
            Value::Object(members.into_iter().collect())
        },
    )
}

fn any_bundle() -> impl Strategy<Value = Value> {
    let bundle = |resources: Vec<Value>, is_late: bool| {
        let entries: Vec<_> = resources
            .into_iter()
            .map(|resource| serde_json::json!({"fullUrl": "urn:oid:1", "resource": resource, "search": {"mode": "match"}}))
            .collect();
        match is_late {
            true => serde_json::json!({"entry": entries, "type": "batch", "resourceType": "Bundle"}),
            false => serde_json::json!({"resourceType": "Bundle", "meta": {"tag": []}, "entry": entries}),
        }
    };
    let flat = (prop::collection::vec(any_resource(), 0..6), any::<bool>())
        .prop_map(move |(resources, is_late)| bundle(resources, is_late));
    let inner = prop_oneof![3 => any_resource(), 1 => flat];
    (prop::collection::vec(inner, 0..6), any::<bool>())
        .prop_map(move |(resources, is_late)| bundle(resources, is_late))
}

fn any_document() -> impl Strategy<Value = (Value, String)> {
    let value = prop_oneof![
        any_resource(),
        any_bundle(),
        prop::collection::vec(prop_oneof![any_resource(), any_bundle()], 0..5).prop_map(Value::from),
    ];
    (value, 0..3).prop_map(|(value, notation)| {
        let text = match (&value, notation) {
            (Value::Array(items), 0) if !items.is_empty() => {
                items.iter().map(|item| format!("{item}\n")).collect()
            }
            (_, 1) => value.to_string(),
            _ => serde_json::to_string_pretty(&value).unwrap(),
        };
        (value, text)
    })
}

proptest! {
    #[test]
    fn frames_are_what_an_independent_parser_finds(
        (value, text) in any_document(),
        step in 1usize..100,
        memory_document_bytes in prop_oneof![Just(0usize), 1..2000usize],
    ) {
        let mut expected = Vec::new();
        expected_resources(&value, &mut expected);
        let limits = ReadLimits { memory_document_bytes, ..limits(step) };
        let mut found = Resources::default();
        read_bytes(text.as_bytes(), &limits, &mut found).unwrap();
        prop_assert_eq!(found.0, expected);
    }

    #[test]
    fn no_bytes_cause_a_panic_or_depend_on_the_size_of_reads(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..300),
            prop::collection::vec(prop::sample::select(&b"{}[]\",:\\ \n1aB\xef\xbb\xbf"[..]), 0..300),
            prop::collection::vec(prop::sample::select(&[
                "{", "}", "[", "]", ",", ":", "\n", "\"", "\"entry\"", "\"resource\"", "\"resourceType\"",
                "\"Bundle\"", "\"id\"", "\"x\"", "1", "\"request\"", "\"method\"", "\"DELETE\"", "\"type\"", "\"history\"",
                "{\"resourceType\":\"Bundle\",\"entry\":[", "{\"resource\":{", "]}",
            ][..]), 0..60).prop_map(|words| words.concat().into_bytes()),
        ],
        step in 1usize..100,
    ) {
        let small = ReadLimits { resource_bytes: 50, json_depth: 10, defect_bytes: 8, memory_document_bytes: 30, ..limits(step) };
        let one = framing_with(&bytes, &small);
        // Positions are unique.
        let mut positions: Vec<_> = one.iter().filter_map(|line| line.split(' ').next()?.parse::<u64>().ok()).collect();
        positions.sort_unstable();
        let count = positions.len();
        positions.dedup();
        prop_assert_eq!(positions.len(), count);
        let held = ReadLimits { read_bytes: 1 << 16, ..ReadLimits::default() };
        prop_assert_eq!(framing_with(&bytes, &held), framing_with(&bytes, &ReadLimits { read_bytes: step, ..held }));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Whatever happens to a file in transit, reading it terminates, and its
    /// frames can be read again.
    #[test]
    fn damage_never_panics(
        which in 0usize..5,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let bundle = large_bundle(20, "transaction");
        let mut bytes = match which {
            0 => bundle.into_bytes(),
            1 => gzip(bundle),
            2 => zip(&[("a.json", bundle.as_bytes()), ("b.ndjson", PATIENT.as_bytes())]),
            3 => zip_by(CompressionMethod::Stored, &[("a.json", bundle.as_bytes())]),
            _ => zip(&[("a.zip", &zip(&[("a.gz", &gzip(bundle))])), ("b", PATIENT.as_bytes())]),
        };
        for (place, value) in damage {
            *place.get_mut(&mut bytes) = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let limits = ReadLimits { memory_document_bytes: 500, read_bytes: 100, ..ReadLimits::default() };
        let (lines, result) = read_with(&Inbox::new().file(bytes), &limits);
        prop_assert!(!lines.is_empty() || result.is_err());
    }
}
