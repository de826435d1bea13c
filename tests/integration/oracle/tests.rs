//! Examples for the oracle itself, worked out by hand.

use super::*;

fn tables(text: &str) -> Tables {
    let resource = Json::parse(text).unwrap();
    let context = Context::default();
    let key = name(&resource, &context).unwrap();
    expected(&resource, &key, &context)
}

/// The columns of a row that are not null, as one line a column.
fn filled(row: &Row) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, cell) in row {
        match cell {
            Cell::Null => {}
            Cell::Text(text) => lines.push(format!("{name}={text}")),
            Cell::Key((resource_type, id)) => lines.push(format!("{name}={resource_type}/{id}")),
        }
    }
    lines
}

fn lines(tables: &Tables, table: &str) -> Vec<Vec<String>> {
    tables.rows(table).iter().map(filled).collect()
}

#[test]
fn a_patient_has_its_us_core_columns() {
    let found = tables(
        r#"{"resourceType":"Patient","id":"p1","active":true,"birthDate":"1970-03",
            "_birthDate":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-birthTime","valueDateTime":"1970-03-02T01:02:03+01:00"}]},
            "deceasedBoolean":false,
            "maritalStatus":{"text":"single"},
            "managingOrganization":{"reference":"Organization/o","display":"Clinic"},
            "extension":[
              {"url":"http://hl7.org/fhir/us/core/StructureDefinition/us-core-race","extension":[
                {"url":"ombCategory","valueCoding":{"system":"s","code":"2106-3","display":"White"}},
                {"url":"detailed","valueCoding":{"code":"2108-9"}},
                {"url":"text","valueString":"white"}]},
              {"url":"http://example.org/other","valueCode":"x"}],
            "name":[{"use":"official","family":"Poe","given":["Ann","Mary Jane"],"period":{"start":"2001","end":"2002"}}]}"#,
    );

    assert_eq!(
        lines(&found, "patient"),
        [[
            "active=true",
            "birth_date=1970-03-01",
            "birth_date_text=1970-03",
            "birth_time=1970-03-02 00:02:03+00",
            "birth_time_text=1970-03-02T01:02:03+01:00",
            "deceased_boolean=false",
            "deceased_type=boolean",
            r#"extension=[{"url": "http://example.org/other", "path": "", "valueCode": "x"}]"#,
            "fhir_id=p1",
            "id=Patient/p1",
            "managing_organization_display=Clinic",
            "managing_organization_id=Organization/o",
            "marital_status_display=single",
            "race_code=2106-3",
            "race_display=White",
            "race_text=white",
            "source_id=1",
        ]]
    );
    assert_eq!(
        lines(&found, "patient_name"),
        [[
            "family=Poe",
            r#"given={Ann,"Mary Jane"}"#,
            "ordinal=1",
            "patient_id=Patient/p1",
            "period_end=2002-12-31 23:59:59.999999+00",
            "period_end_text=2002",
            "period_start=2001-01-01 00:00:00+00",
            "period_start_text=2001",
            "use=official",
        ]]
    );
    assert_eq!(
        lines(&found, "patient_race")[1],
        ["code=2108-9", "kind=race", "level=detailed", "ordinal=2", "patient_id=Patient/p1"]
    );
}

#[test]
fn an_observation_has_one_variant_of_its_value() {
    let found = tables(
        r#"{"resourceType":"Observation","id":"o1","status":"final",
            "code":{"coding":[{"code":"local"},{"system":"http://loinc.org","code":"1-8","display":"Weight"}],"text":"weight"},
            "subject":{"reference":"Patient/p1"},
            "encounter":{"reference":"urn:uuid:gone"},
            "effectivePeriod":{"start":"2020-01-01","end":"2020-01"},
            "valueQuantity":{"value":70.10,"comparator":"<","unit":"kg","code":"kg"},
            "performer":[{"reference":"Practitioner?identifier=s|1","display":"Dr"}],
            "note":[{"authorString":"Ann","time":"2020","text":"ok"}],
            "component":[{"code":{"text":"c"},"valueRange":{"high":{"value":1e1,"unit":"mm"}}}]}"#,
    );

    assert_eq!(
        lines(&found, "observation"),
        [[
            "code=1-8",
            "code_display=Weight",
            "code_system=http://loinc.org",
            "code_text=weight",
            "effective_end=2020-01-31 23:59:59.999999+00",
            "effective_end_text=2020-01",
            "effective_start=2020-01-01 00:00:00+00",
            "effective_start_text=2020-01-01",
            "effective_type=Period",
            "encounter_reference=urn:uuid:gone",
            "fhir_id=o1",
            "id=Observation/o1",
            "patient_id=Patient/p1",
            "source_id=1",
            "status=final",
            "subject_id=Patient/p1",
            "subject_type=Patient",
            "value_quantity_code=kg",
            "value_quantity_comparator=<",
            "value_quantity_unit=kg",
            "value_quantity_value=70.10",
            "value_type=Quantity",
        ]]
    );
    assert_eq!(
        lines(&found, "observation_component"),
        [[
            "code_text=c",
            "observation_id=Observation/o1",
            "ordinal=1",
            "patient_id=Patient/p1",
            "value_range_high_value=10",
            "value_range_unit=mm",
            "value_type=Range",
        ]]
    );
    assert_eq!(
        lines(&found, "resource_coding"),
        [
            vec![
                "code=local",
                "element=code",
                "is_primary=false",
                "ordinal=1",
                "path=code",
                "patient_id=Patient/p1",
                "resource_id=Observation/o1",
                "resource_type=Observation",
            ],
            vec![
                "code=1-8",
                "display=Weight",
                "element=code",
                "is_primary=true",
                "ordinal=2",
                "path=code",
                "patient_id=Patient/p1",
                "resource_id=Observation/o1",
                "resource_type=Observation",
                "system=http://loinc.org",
            ],
        ]
    );
    assert_eq!(
        lines(&found, "resource_reference"),
        [[
            "display=Dr",
            "element=performer",
            "ordinal=1",
            "patient_id=Patient/p1",
            "reference=Practitioner?identifier=s|1",
            "resource_id=Observation/o1",
            "resource_type=Observation",
            "target_type=Practitioner",
        ]]
    );
    assert_eq!(
        lines(&found, "resource_note"),
        [[
            "author_display=Ann",
            "ordinal=1",
            "patient_id=Patient/p1",
            "resource_id=Observation/o1",
            "resource_type=Observation",
            "text=ok",
            "time=2020-01-01 00:00:00+00",
        ]]
    );
}

#[test]
fn adjudications_are_numbered_across_header_items_and_details() {
    let found = tables(
        r##"{"resourceType":"ExplanationOfBenefit","id":"e1","patient":{"reference":"Patient/p1"},
            "contained":[{"resourceType":"Coverage","id":"c","payor":[{"display":"Plan"}]}],
            "type":{"coding":[{"system":"x","code":"40"},{"system":"http://terminology.hl7.org/CodeSystem/claim-type","code":"pharmacy"}]},
            "insurance":[{"focal":true,"coverage":{"reference":"#c","display":"Plan"}}],
            "adjudication":[{"category":{"coding":[{"system":"a","code":"1"},{"system":"b","code":"2"}]},"amount":{"value":1.10,"currency":"USD"}}],
            "item":[{"sequence":7,"encounter":[{"reference":"Encounter/n"}],"modifier":[{"coding":[{"code":"LT"}]}],
                     "adjudication":[{"value":3}],
                     "detail":[{"sequence":1,"adjudication":[{"value":4}],"subDetail":[{"sequence":2}]}]},
                    {"sequence":8}]}"##,
    );

    let eob = lines(&found, "explanation_of_benefit").remove(0);
    assert!(eob.contains(&"claim_type=pharmacy".to_owned()), "{eob:?}");
    assert!(eob.contains(&"payer_name=Plan".to_owned()), "{eob:?}");
    assert!(eob.contains(&"encounter_id=Encounter/n".to_owned()), "{eob:?}");
    assert!(eob.contains(&"type_code=pharmacy".to_owned()), "{eob:?}");
    let adjudications = lines(&found, "explanation_of_benefit_adjudication");
    assert_eq!(
        adjudications[0],
        [
            "amount_currency=USD",
            "amount_value=1.10",
            "category_alt_code=2",
            "category_alt_system=b",
            "category_code=1",
            "category_system=a",
            "explanation_of_benefit_id=ExplanationOfBenefit/e1",
            "level=header",
            "ordinal=1",
            "patient_id=Patient/p1",
        ]
    );
    assert_eq!(
        adjudications[2],
        [
            "detail_ordinal=1",
            "explanation_of_benefit_id=ExplanationOfBenefit/e1",
            "item_ordinal=1",
            "item_sequence=7",
            "level=detail",
            "ordinal=3",
            "patient_id=Patient/p1",
            "value=4",
        ]
    );
    let details = lines(&found, "explanation_of_benefit_item_detail");
    assert_eq!(details.len(), 2);
    assert!(details[0].contains(&"sub_detail_ordinal=0".to_owned()));
    assert!(details[1].contains(&"sub_detail_ordinal=1".to_owned()));
    assert!(details[1].contains(&"sequence=2".to_owned()));
    let items = lines(&found, "explanation_of_benefit_item");
    assert!(items[0].contains(&"modifier_codes={LT}".to_owned()));
    let insurance = lines(&found, "explanation_of_benefit_insurance").remove(0);
    assert!(insurance.contains(&"coverage_id=Coverage/ExplanationOfBenefit/e1#c".to_owned()));
}

#[test]
fn answers_are_rows_under_their_items() {
    let found = tables(
        r#"{"resourceType":"QuestionnaireResponse","id":"q","status":"completed",
            "item":[{"linkId":"1","item":[
                      {"linkId":"1.1","answer":[{"valueInteger":5,"extension":[{"url":"u"}]},
                                                {"valueString":"x","item":[{"linkId":"1.1.1"}]}]},
                      {"linkId":"1.2"}]}]}"#,
    );

    let rows = lines(&found, "questionnaire_response_item");
    let common = "questionnaire_response_id=QuestionnaireResponse/q";
    assert_eq!(
        rows,
        [
            vec!["level=1", "link_id=1", "ordinal=1", common],
            vec![
                "answer_ordinal=1",
                r#"extension=[{"url": "u", "path": "answer[0]"}]"#,
                "level=2",
                "link_id=1.1",
                "ordinal=2",
                "parent_ordinal=1",
                common,
                "value_integer=5",
                "value_type=integer",
            ],
            vec![
                "answer_ordinal=2",
                "level=2",
                "link_id=1.1",
                "ordinal=3",
                "parent_ordinal=1",
                common,
                "value_string=x",
                "value_type=string",
            ],
            vec!["level=3", "link_id=1.1.1", "ordinal=4", "parent_ordinal=3", common],
            vec!["level=2", "link_id=1.2", "ordinal=5", "parent_ordinal=1", common],
        ]
    );
}

#[test]
fn concept_and_reference_share_columns() {
    let found = tables(
        r#"{"resourceType":"MedicationRequest","id":"m","medicationReference":{"reference":"Medication/x","display":"Aspirin"},
            "subject":{"reference":"Group/g"},
            "priorPrescription":{"reference":"MedicationRequest/before"}}"#,
    );

    assert_eq!(
        lines(&found, "medication_request"),
        [[
            "fhir_id=m",
            "id=MedicationRequest/m",
            "medication_display=Aspirin",
            "medication_id=Medication/x",
            "medication_type=Reference",
            "prior_prescription_id=MedicationRequest/before",
            "source_id=1",
            "subject_id=Group/g",
            "subject_type=Group",
        ]]
    );
}

#[test]
fn nested_lists_are_keyed_by_both_ordinals() {
    let found = tables(
        r#"{"resourceType":"AllergyIntolerance","id":"a","patient":{"reference":"Patient/p"},
            "reaction":[{"description":"x"},{"manifestation":[{"text":"hives","extension":[{"url":"u"}]},{"text":"cough"}]}]}"#,
    );

    let reaction = &lines(&found, "allergy_intolerance_reaction")[1];
    assert!(!reaction.iter().any(|line| line.starts_with("extension")), "{reaction:?}");
    assert_eq!(
        lines(&found, "allergy_intolerance_reaction_manifestation")[0],
        [
            "allergy_intolerance_id=AllergyIntolerance/a",
            r#"extension=[{"url": "u", "path": ""}]"#,
            "ordinal=1",
            "patient_id=Patient/p",
            "reaction_ordinal=2",
            "text=hives",
        ]
    );
}

#[test]
fn lists_of_references_become_rows() {
    let found = tables(
        r#"{"resourceType":"Provenance","id":"v","target":[{"reference":"Patient/p"},{"reference":"Claim/c"}]}"#,
    );

    assert_eq!(
        lines(&found, "provenance_target"),
        [
            [
                "ordinal=1",
                "patient_id=Patient/p",
                "provenance_id=Provenance/v",
                "target_id=Patient/p",
                "target_type=Patient"
            ],
            [
                "ordinal=2",
                "patient_id=Patient/p",
                "provenance_id=Provenance/v",
                "target_id=Claim/c",
                "target_type=Claim"
            ],
        ]
    );
    assert!(found.rows("resource_reference").is_empty());
}

#[test]
fn notes_in_base64_are_decoded() {
    let found = tables(
        r#"{"resourceType":"DocumentReference","id":"d",
            "content":[{"attachment":{"contentType":"text/plain; charset=utf-8","data":"SGVsbG8="}},
                       {"attachment":{"contentType":"application/pdf","data":"SGVsbG8="}}],
            "context":{"encounter":[{"reference":"Encounter/e"}],"event":[{"text":"visit"}]}}"#,
    );

    let content = lines(&found, "document_reference_content");
    assert!(content[0].contains(&"data_text=Hello".to_owned()));
    assert!(!content[1].iter().any(|line| line.starts_with("data_text")));
    let encounter = &lines(&found, "resource_reference")[0];
    assert!(encounter.contains(&"element=context.encounter".to_owned()));
    let event = &lines(&found, "resource_concept")[0];
    assert!(event.contains(&"element=context.event".to_owned()));
}

#[test]
fn a_type_without_a_table_is_kept_complete() {
    let found = tables(
        r#"{"resourceType":"Flag","id":"f","status":"active","code":{"coding":[{"code":"c"}],"text":"t"},
            "subject":{"reference":"Patient/p"},"period":{"start":"2020"}}"#,
    );

    assert_eq!(
        lines(&found, "other_resource"),
        [[
            concat!(
                r#"body={"id": "f", "code": {"text": "t", "coding": [{"code": "c"}]}, "#,
                r#""period": {"start": "2020"}, "status": "active", "#,
                r#""subject": {"reference": "Patient/p"}, "resourceType": "Flag"}"#
            ),
            "code=c",
            "code_text=t",
            "date=2020-01-01 00:00:00+00",
            "date_text=2020",
            "fhir_id=f",
            "id=Flag/f",
            "patient_id=Patient/p",
            "resource_type=Flag",
            "source_id=1",
            "status=active",
        ]]
    );
}
