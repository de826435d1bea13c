//! Resources of another shape than R4 defines are read where that has one
//! meaning, and what deviates is counted.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod mapped;

use fhirmill_core::map::DeviantElement;
use mapped::{Mapped, map};
use pretty_assertions::assert_eq;

/// Every deviation as type, path and kind.
fn deviations(mapped: &Mapped) -> Vec<String> {
    let text = |deviant: &DeviantElement<'_>| {
        format!("{}.{} {}", deviant.resource_type.name(), deviant.element, deviant.deviation.name())
    };
    mapped.batch.deviations().iter().map(text).collect()
}

#[test]
fn an_item_stands_for_its_list_at_any_depth() {
    let mapped = map(r#"{"resourceType":"Condition","id":"c",
        "category":{"coding":{"code":"problem","display":"Problem"}},
        "code":{"coding":{"system":"s","code":"38341003"}},
        "stage":{"summary":{"coding":{"code":"II"}}},"identifier":{"value":"7"},"meta":{"profile":"p"}}"#);
    assert_eq!(mapped.errors, []);
    assert_eq!(mapped.texts("condition", "code"), ["38341003"]);
    assert_eq!(mapped.texts("condition", "category_code"), ["problem"]);
    assert_eq!(mapped.texts("condition_stage", "summary_code"), ["II"]);
    assert_eq!(mapped.texts("resource_concept", "code"), ["problem"]);
    assert_eq!(mapped.texts("resource_identifier", "value"), ["7"]);
    assert_eq!(mapped.batch.resources()[0].profiles, ["p"]);
    let coerced = [
        "category",
        "category.coding",
        "code.coding",
        "identifier",
        "meta.profile",
        "stage",
        "stage.summary.coding",
    ];
    assert_eq!(deviations(&mapped), coerced.map(|path| format!("Condition.{path} coerced")));
}

#[test]
fn a_coding_and_a_concept_stand_for_each_other() {
    let mapped = map(r#"[{"resourceType":"Encounter","id":"e",
        "class":{"coding":[{"system":"s","code":"IMP"}],"text":"inpatient"},
        "type":[{"system":"t","code":"1","display":"Visit"}],"serviceType":{"code":"x","text":"X"}},
        {"resourceType":"Encounter","id":"f","class":[{"coding":[{"code":"AMB","display":"a"},{"code":"EMER"}]}]}]"#);
    assert_eq!(mapped.errors, []);
    assert_eq!(mapped.texts("encounter", "class_code"), ["IMP", "AMB"]);
    assert_eq!(mapped.texts("encounter", "class_system"), ["s", ""]);
    assert_eq!(mapped.texts("encounter", "class_display"), ["inpatient", "a"]);
    assert_eq!(mapped.texts("encounter", "type_code"), ["1", ""]);
    assert_eq!(mapped.texts("encounter", "service_type_code"), ["x", ""]);
    assert_eq!(mapped.texts("encounter", "service_type_display"), ["X", ""]);
    assert_eq!(
        deviations(&mapped),
        [
            "Encounter.class coerced",
            "Encounter.class several",
            "Encounter.serviceType coerced",
            "Encounter.type coerced"
        ]
    );
}

#[test]
fn of_several_where_one_is_allowed_the_first_is_read_and_the_rest_is_counted() {
    let mapped = map(r#"[{"resourceType":"Observation","id":"o",
        "subject":[{"reference":"Patient/a"},{"reference":"Patient/b"}],"status":["final"]},
        {"resourceType":"Patient","id":"p","name":[{"family":["Quill","Bell"],"given":"Ada"}],"gender":[null,"male"]}]"#);
    assert_eq!(mapped.errors, []);
    assert_eq!(mapped.identities("observation", "patient_id"), ["Patient/a"]);
    assert_eq!(mapped.texts("observation", "status"), ["final"]);
    assert_eq!(mapped.texts("patient_name", "family"), ["Quill"]);
    assert_eq!(mapped.texts("patient", "gender"), ["male"]);
    assert_eq!(
        deviations(&mapped),
        [
            "Observation.status coerced",
            "Observation.subject several",
            "Patient.gender coerced",
            "Patient.name.family several",
            "Patient.name.given coerced",
        ]
    );
}

#[test]
fn neighbouring_json_types_with_one_meaning_are_read() {
    let mapped = map(r#"[{"resourceType":"Observation","id":17,"meta":{"versionId":145},
        "code":{"coding":[{"code":8480,"userSelected":"true"}]},
        "valueQuantity":{"value":"120.0","unit":5},"component":[{"valueInteger":"3"},{"valueBoolean":"False"}]},
        {"resourceType":"Patient","id":"p","active":"true","telecom":[{"rank":"1"}],"identifier":[{"value":77}]}]"#);
    assert_eq!(mapped.errors, []);
    assert_eq!(mapped.texts("observation", "fhir_id"), ["17"]);
    assert_eq!(mapped.batch.resources()[0].version_id.as_deref(), Some("145"));
    assert_eq!(mapped.texts("observation", "code"), ["8480"]);
    assert_eq!(mapped.texts("observation", "value_quantity_unit"), ["5"]);
    // numeric: groups of four digits, weight, sign, decimal places; then 120.
    let number = [0, 1, 0, 0, 0, 0, 0, 1, 0, 120].to_vec();
    assert_eq!(mapped.rows("observation")[0]["value_quantity_value"], Some(number));
    assert_eq!(mapped.rows("observation_component")[0]["value_integer"], Some(3_i32.to_be_bytes().to_vec()));
    assert_eq!(mapped.rows("observation_component")[1]["value_boolean"], Some(vec![0]));
    assert_eq!(mapped.rows("patient")[0]["active"], Some(vec![1]));
    assert_eq!(mapped.rows("patient_telecom")[0]["rank"], Some(1_i32.to_be_bytes().to_vec()));
    assert_eq!(mapped.texts("patient_identifier", "value"), ["77"]);
    assert_eq!(
        deviations(&mapped),
        [
            "Observation.code.coding.code coerced",
            "Observation.code.coding.userSelected coerced",
            "Observation.component.valueBoolean coerced",
            "Observation.component.valueInteger coerced",
            "Observation.id coerced",
            "Observation.meta.versionId coerced",
            "Observation.valueQuantity.unit coerced",
            "Observation.valueQuantity.value coerced",
            "Patient.active coerced",
            "Patient.identifier.value coerced",
            "Patient.telecom.rank coerced",
        ]
    );
}

#[test]
fn what_has_no_meaning_is_rejected_or_counted() {
    for (members, path) in [
        (r#""valueQuantity":{"value":"a few"}"#, "valueQuantity.value"),
        (r#""valueQuantity":{"value":"007"}"#, "valueQuantity.value"),
        (r#""valueBoolean":"yes""#, "valueBoolean"),
        (r#""valueBoolean":1"#, "valueBoolean"),
        (r#""valueString":{}"#, "valueString"),
        (r#""code":"x""#, "code"),
        (r#""status":true"#, "status"),
        (r#""issued":2020"#, "issued"),
        (r#""subject":{"reference":5}"#, "subject.reference"),
    ] {
        let mapped = map(&format!(r#"{{"resourceType":"Observation","id":"o",{members}}}"#));
        let errors: Vec<String> = mapped.errors.iter().map(ToString::to_string).collect();
        assert!(errors.len() == 1 && errors[0].starts_with(&format!("{path}: ")), "{members}: {errors:?}");
        assert_eq!(deviations(&mapped), Vec::<String>::new(), "{members}");
    }
    let mapped = map(r#"{"resourceType":"Patient","id":"p","photo":["x"],
        "maritalStatus":{"coding":["M"]},"extension":7}"#);
    assert_eq!(mapped.errors, []);
    assert_eq!(
        deviations(&mapped),
        [
            "Patient.extension unreadable",
            "Patient.maritalStatus.coding unreadable",
            "Patient.photo unreadable"
        ]
    );
}

#[test]
fn two_variants_of_a_choice_never_contradict_each_other() {
    let mapped = map(r#"[{"resourceType":"Procedure","id":"p","performedDateTime":"2020-01-02",
        "performedPeriod":{"start":"2020-01-01","end":"2020-01-03"}},
        {"resourceType":"Observation","id":"o","valueString":"high","valueQuantity":{"value":7}},
        {"resourceType":"MedicationRequest","id":"m","medicationCodeableConcept":{"text":"aspirin"},
         "medicationReference":{"reference":"Medication/1","display":"ASA"}}]"#);
    assert_eq!(mapped.errors, []);
    assert_eq!(mapped.texts("procedure", "performed_type"), ["dateTime"]);
    assert_eq!(mapped.texts("procedure", "performed_start_text"), ["2020-01-02"]);
    assert_eq!(mapped.texts("procedure", "performed_end_text"), [""]);
    assert_eq!(mapped.texts("observation", "value_type"), ["Quantity"]);
    assert_eq!(mapped.texts("observation", "value_string"), ["high"]);
    assert!(mapped.rows("observation")[0]["value_quantity_value"].is_some());
    assert_eq!(mapped.texts("medication_request", "medication_type"), ["CodeableConcept"]);
    assert_eq!(mapped.texts("medication_request", "medication_text"), ["aspirin"]);
    assert_eq!(mapped.identities("medication_request", "medication_id"), ["Medication/1"]);
    assert_eq!(
        deviations(&mapped),
        [
            "MedicationRequest.medication[x] variants",
            "Observation.value[x] variants",
            "Procedure.performed[x] variants"
        ]
    );
}

#[test]
fn unknown_elements_are_counted_at_every_depth() {
    let mapped = map(r##"[{"resourceType":"Encounter","id":"e","odd":1,
        "participant":[{"actor":{"reference":"Practitioner/1"}},{"actor":{}}],
        "contained":[{"resourceType":"Patient","id":"c","animal":{},"name":[{"nick":"x"}]}]},
        {"resourceType":"MedicationRequest","id":"m","dosageInstruction":[{"doseQuantity":{"value":1}}]},
        {"resourceType":"Basic","id":"b","code":{"texts":"x"},"_created":{"extension":[{"url":"u"}]},"zip":1}]"##);
    assert_eq!(mapped.errors, []);
    let unmapped: Vec<String> = mapped
        .batch
        .unmapped()
        .iter()
        .map(|unmapped| {
            format!("{}.{} {}", unmapped.resource_type.name(), unmapped.element, unmapped.resources)
        })
        .collect();
    assert_eq!(
        unmapped,
        [
            "Basic.code.texts 1",
            "Basic.zip 1",
            "Encounter.odd 1",
            "Encounter.participant.actor 1",
            "MedicationRequest.dosageInstruction.doseQuantity 1",
            "Patient.animal 1",
            "Patient.name.nick 1",
        ]
    );
    assert_eq!(deviations(&mapped), Vec::<String>::new());
}

#[test]
fn empty_strings_are_missing_and_tokens_have_no_blanks_around_them() {
    let mapped = map(r#"[{"resourceType":" Patient","id":" p ","gender":"","birthDate":"",
        "name":[{"family":"","given":["","Ann"]}],"identifier":[{"system":" urn:mrn","value":"7\n","use":"\t"}]},
        {"resourceType":"Observation","id":"o","status":"final ","issued":" 2020-01-02T03:04:05Z",
        "code":{"coding":[{"system":"","code":" 1 ","display":" as is "}],"text":""},
        "subject":{"reference":" Patient/p "},"effectiveDateTime":"","effectivePeriod":{"start":"2020"}}]"#);
    assert_eq!(mapped.errors, []);
    assert_eq!(mapped.texts("patient", "fhir_id"), ["p"]);
    assert_eq!(mapped.rows("patient")[0]["gender"], None);
    assert_eq!(mapped.rows("patient_name")[0]["family"], None);
    assert_eq!(mapped.texts("patient_identifier", "value"), ["7"]);
    assert_eq!(mapped.texts("patient_identifier", "system"), ["urn:mrn"]);
    assert_eq!(mapped.rows("patient_identifier")[0]["use"], None);
    assert_eq!(mapped.texts("observation", "status"), ["final"]);
    assert_eq!(mapped.texts("observation", "code"), ["1"]);
    assert_eq!(mapped.rows("observation")[0]["code_system"], None);
    assert_eq!(mapped.rows("observation")[0]["code_text"], None);
    assert_eq!(mapped.texts("observation", "code_display"), [" as is "]);
    assert_eq!(mapped.identities("observation", "patient_id"), ["Patient/p"]);
    assert_eq!(mapped.texts("observation", "issued_text"), ["2020-01-02T03:04:05Z"]);
    assert_eq!(mapped.texts("observation", "effective_type"), ["Period"]);
}

#[test]
fn names_may_be_escaped() {
    let mapped = map(
        r#"{"resourceType":"Observation","i\u0064":"o","value\u0051uantity":{"v\u0061lue":1,"unit":"mg"}}"#,
    );
    assert_eq!(mapped.errors, []);
    assert_eq!(mapped.texts("observation", "fhir_id"), ["o"]);
    assert_eq!(mapped.texts("observation", "value_quantity_unit"), ["mg"]);
    assert_eq!(mapped.batch.unmapped().len(), 0);
}

#[test]
fn other_spellings_of_times_are_read_and_a_day_that_does_not_exist_is_told_as_such() {
    let mapped = map(
        r#"[{"resourceType":"Encounter","id":"e","period":{"start":"2020-01-02T03:04Z","end":"2020-01-02 03:04:05+0000"}},
        {"resourceType":"Observation","id":"o","valueTime":"13:05","note":[{"text":"n","time":"2020-01-02T03:04"}]},
        {"resourceType":"Patient","id":"p","birthDate":"2015-02-30"},
        {"resourceType":"Observation","id":"q","effectiveDateTime":"2015-02-30T12:00:00Z"}]"#,
    );
    let errors: Vec<String> = mapped.errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        errors,
        ["birthDate: a day that does not exist", "effectiveDateTime: a day that does not exist"]
    );
    // Microseconds from 2000-01-01 to 2020-01-02T03:04:00Z, and as written.
    let start = 7306 * 86_400_000_000_i64 + (3 * 3600 + 4 * 60) * 1_000_000;
    assert_eq!(mapped.rows("encounter")[0]["period_start"], Some(start.to_be_bytes().to_vec()));
    assert_eq!(mapped.rows("encounter")[0]["period_end"], Some((start + 5_000_000).to_be_bytes().to_vec()));
    assert_eq!(mapped.texts("encounter", "period_start_text"), ["2020-01-02T03:04Z"]);
    assert_eq!(mapped.rows("observation")[0]["value_time"], Some(47_100_000_000_i64.to_be_bytes().to_vec()));
    assert_eq!(
        deviations(&mapped),
        [
            "Encounter.period.end coerced",
            "Encounter.period.start coerced",
            "Observation.note.time coerced",
            "Observation.valueTime coerced"
        ]
    );
}

#[test]
fn media_types_ignore_case() {
    let mapped = map(r#"{"resourceType":"DocumentReference","id":"d","content":[
        {"attachment":{"contentType":"TEXT/Plain","data":"aGVsbG8="}},{"attachment":{"contentType":"image/png","data":"aGVsbG8="}}]}"#);
    assert_eq!(mapped.errors, []);
    assert_eq!(mapped.texts("document_reference_content", "data_text"), ["hello", ""]);
}

#[test]
fn resources_in_parameters_are_loaded_and_the_parameters_as_before() {
    let mapped = map(r#"{"resourceType":"Parameters","id":"x","parameter":[
        {"name":"a","resource":{"resourceType":"Patient","id":"a"}},{"name":"n","valueString":"x"},
        {"name":"parts","part":[{"name":"b","resource":{"resourceType":"Patient","id":"b"}}]},
        {"name":"bundle","resource":{"resourceType":"Bundle","type":"collection","entry":[
            {"fullUrl":"urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a","resource":{"resourceType":"Patient","id":"c"}},
            {"resource":{"resourceType":"Observation","id":"o",
                "subject":{"reference":"urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"}}},
            {"resource":{"resourceType":"Parameters","id":"y","parameter":{"name":"d","resource":{"resourceType":"Patient","id":"d"}}}}]}}]}"#);
    assert_eq!(mapped.errors, []);
    assert_eq!(mapped.texts("patient", "fhir_id"), ["a", "b", "c", "d"]);
    assert_eq!(mapped.texts("other_resource", "fhir_id"), ["x", "y"]);
    assert_eq!(mapped.identities("observation", "patient_id"), ["Patient/c"]);
}

#[test]
fn an_entry_may_be_a_resource_itself_be_wrapped_twice_or_stand_for_the_list() {
    let mapped = map(r#"[{"resourceType":"Bundle","type":"collection","entry":[
        {"resourceType":"Patient","id":"bare"},
        {"resource":{"resource":{"resourceType":"Patient","id":"twice"}}},
        {"resource":{"fullUrl":"x","resource":{"resource":{"id":"thrice","resourceType":"Patient"}}}},
        {"resourceType":"Bundle","type":"collection","entry":[{"resourceType":"Patient","id":"inner"}]},
        {"fullUrl":"urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a","resource":{"resourceType":"Patient","id":17}}]},
        {"resourceType":"Bundle","type":"collection","entry":{"resource":{"resourceType":"Patient","id":"alone"}}}]"#);
    assert_eq!(mapped.errors, []);
    assert_eq!(mapped.texts("patient", "fhir_id"), ["bare", "twice", "thrice", "inner", "17", "alone"]);
}

#[test]
fn the_location_of_a_response_names_a_resource_without_an_id() {
    let mapped = map(r#"{"resourceType":"Bundle","type":"history","entry":[
        {"resource":{"resourceType":"Patient"},"response":{"status":"201","location":"Patient/7/_history/1"}}]}"#);
    assert_eq!(mapped.errors, []);
    assert_eq!(mapped.texts("patient", "fhir_id"), ["7"]);
}

/// The text of `jsonb`, which its binary form has after a version.
fn extension(mapped: &Mapped, table: &str) -> String {
    mapped.texts(table, "extension")[0].trim_start_matches('\u{1}').to_owned()
}

#[test]
fn what_columns_do_not_hold_of_an_extension_is_kept() {
    let us_core = "http://hl7.org/fhir/us/core/StructureDefinition/us-core";
    let birth_place = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace";
    let birth_sex = |code: &str| format!(r#"{{"url":"{us_core}-birthsex","valueCode":"{code}"}}"#);
    let identity = |text: &str| {
        format!(
            r#"{{"url":"{us_core}-genderIdentity","valueCodeableConcept":{{"coding":[{{"code":"x","display":"X"}}]{text}}}}}"#
        )
    };
    let place = |line: &str| format!(r#"{{"url":"{birth_place}","valueAddress":{{"city":"A"{line}}}}}"#);
    let race = |category: &str| {
        format!(
            r#"{{"url":"{us_core}-race","extension":[{category}{{"url":"ombCategory","valueCoding":{{"system":"s","code":"1","display":"One"}}}},{{"url":"text","valueString":"One"}}]}}"#
        )
    };
    let second = r#"{"url":"ombCategory","valueCoding":{"code":"2"}},"#;
    let kept = |extensions: &[String]| {
        let mapped =
            map(&format!(r#"{{"resourceType":"Patient","id":"p","extension":[{}]}}"#, extensions.join(",")));
        assert_eq!(mapped.errors, []);
        extension(&mapped, "patient").replace(r#"{"path":"","#, "{")
    };
    assert_eq!(kept(&[birth_sex("F"), identity(""), place(""), race(""),]), "");
    assert_eq!(kept(&[race(second)]), "");
    assert_eq!(kept(&[birth_sex("F"), birth_sex("M")]), format!("[{}]", birth_sex("M")));
    assert_eq!(kept(&[identity(""), identity("")]), format!("[{}]", identity("")));
    let more = identity(r#","text":"another""#);
    assert_eq!(kept(std::slice::from_ref(&more)), format!("[{more}]"));
    let street = place(r#","line":["1 Mill Road"]"#);
    assert_eq!(kept(std::slice::from_ref(&street)), format!("[{street}]"));
    let unknown = race(r#"{"url":"other","valueString":"x"},"#);
    assert_eq!(kept(std::slice::from_ref(&unknown)), format!("[{unknown}]"));
}

#[test]
fn a_modifier_extension_is_told_apart_and_counted() {
    let mapped = map(r#"{"resourceType":"Patient","id":"p","extension":[{"url":"e"}],
        "modifierExtension":[{"url":"m","valueBoolean":true}],"contact":[{"modifierExtension":[{"url":"n"}]}]}"#);
    assert_eq!(
        extension(&mapped, "patient"),
        r#"[{"path":"","url":"e"},{"path":"","modifier":true,"url":"m","valueBoolean":true}]"#
    );
    assert_eq!(extension(&mapped, "patient_contact"), r#"[{"path":"","modifier":true,"url":"n"}]"#);
    assert_eq!(
        deviations(&mapped),
        ["Patient.contact.modifierExtension modifier", "Patient.modifierExtension modifier"]
    );
}
