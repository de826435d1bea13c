//! Elements that once had no column, with values worked out by hand.

use serde_json::{Value, json};

use crate::support::{NULL, TestEnvironment};
use crate::views::load_resources;

/// Loads one resource twice and gives the columns of the rows that it has in a table.
#[track_caller]
fn row(resource: Value, table: &str, columns: &str) -> Vec<Vec<String>> {
    let environment = TestEnvironment::new();
    load_resources(&environment, &[resource]);
    environment.query(&format!("select {columns} from {table}"))
}

fn concept(system: &str, code: &str) -> Value {
    json!({"coding": [{"system": system, "code": code, "display": code.to_uppercase()}]})
}

#[test]
fn a_dosage_has_all_its_parts() {
    let environment = TestEnvironment::new();
    load_resources(
        &environment,
        &[json!({"resourceType": "MedicationRequest", "id": "m", "status": "active", "intent": "order",
            "subject": {"reference": "Patient/p"}, "medicationCodeableConcept": {"text": "Heparin"},
            "groupIdentifier": {"system": "urn:group", "value": "g-7"},
            "substitution": {"allowedBoolean": false, "reason": concept("urn:reasons", "ct")},
            "dosageInstruction": [{
                "timing": {"event": ["2024-01-02", "2024-01-05T08:00:00Z"], "repeat": {
                    "boundsDuration": {"value": 10, "comparator": "<", "unit": "days", "code": "d"},
                    "count": 3, "countMax": 5, "duration": 1.5, "durationMax": 2.5, "durationUnit": "h",
                    "dayOfWeek": ["mon", "thu"], "timeOfDay": ["08:00:00", "20:30:00"], "when": ["AC"], "offset": 30}},
                "additionalInstruction": [concept("urn:add", "meal"), concept("urn:add", "water")],
                "doseAndRate": [
                    {"type": concept("urn:kinds", "ordered"), "doseRange": {"low": {"value": 1, "unit": "mg"}, "high": {"value": 2, "unit": "mg"}},
                     "rateRange": {"low": {"value": 5, "unit": "ml/h"}, "high": {"value": 7.0, "unit": "ml/h"}}},
                    {"type": concept("urn:kinds", "calculated"), "doseQuantity": {"value": 1.5, "unit": "mg", "code": "mg"},
                     "rateRatio": {"numerator": {"value": 1, "comparator": ">", "unit": "ml"}, "denominator": {"value": 2, "unit": "h"}}}],
                "maxDosePerPeriod": {"numerator": {"value": 4, "comparator": "<=", "unit": "mg"}, "denominator": {"value": 1, "unit": "d"}},
                "maxDosePerAdministration": {"value": 2, "unit": "mg", "code": "mg"},
                "maxDosePerLifetime": {"value": 100, "unit": "mg", "code": "mg"}}]})],
    );
    assert_eq!(
        environment.query(
            "select timing_event, timing_bounds_duration_value, timing_bounds_duration_comparator, timing_bounds_duration_code, \
             timing_count_max, timing_duration, timing_duration_max, timing_duration_unit, timing_day_of_week, \
             timing_time_of_day, timing_offset from medication_request_dosage"
        ),
        [[r#"["2024-01-02","2024-01-05T08:00:00Z"]"#, "10", "<", "d", "5", "1.5", "2.5", "h", r#"["mon","thu"]"#, r#"["08:00:00","20:30:00"]"#, "30"]]
    );
    assert_eq!(
        environment.query(
            "select rate_type, rate_range_low_value, rate_range_high_value, rate_range_unit, \
             max_dose_per_period_numerator_comparator, max_dose_per_administration_value, max_dose_per_lifetime_value, \
             type_system, type_code from medication_request_dosage"
        ),
        [["Range", "5", "7.0", "ml/h", "<=", "2", "100", "urn:kinds", "ordered"]]
    );
    assert_eq!(
        environment.query(
            "select ordinal, type_code, dose_type, dose_range_high_value, dose_quantity_value, rate_type, \
             rate_ratio_numerator_comparator, rate_range_low_value from medication_request_dosage_dose_and_rate order by ordinal"
        ),
        [
            ["1", "ordered", "Range", "2", NULL, "Range", NULL, "5"],
            ["2", "calculated", "Quantity", NULL, "1.5", "Ratio", ">", NULL],
        ]
    );
    assert_eq!(
        environment
            .query("select code from medication_request_dosage_additional_instruction order by ordinal"),
        [["meal"], ["water"]]
    );
    assert_eq!(
        environment.query(
            "select group_identifier_system, group_identifier_value, substitution_reason_system, substitution_reason_code \
             from medication_request"
        ),
        [["urn:group", "g-7", "urn:reasons", "ct"]]
    );
}

#[test]
fn the_bounds_of_a_dosage_may_be_a_range() {
    let statement = json!({"resourceType": "MedicationStatement", "id": "m", "status": "active",
        "subject": {"reference": "Patient/p"}, "medicationCodeableConcept": {"text": "x"},
        "dosage": [{"timing": {"repeat": {"boundsRange": {"low": {"value": 7, "unit": "d"}, "high": {"value": 10, "unit": "d"}}}}}]});
    assert_eq!(
        row(
            statement,
            "medication_statement_dosage",
            "timing_bounds_range_low_value, timing_bounds_range_high_value, timing_bounds_range_unit"
        ),
        [["7", "10", "d"]]
    );
}

#[test]
fn every_variant_of_a_choice_has_its_type() {
    let range = |low: u32, high: u32| json!({"low": {"value": low, "unit": "a"}, "high": {"value": high, "unit": "a"}});
    assert_eq!(
        row(
            json!({"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p"},
                "onsetRange": range(30, 40), "abatementRange": range(50, 60)}),
            "condition",
            "onset_type, onset_range_low_value, onset_range_high_value, onset_range_unit, abatement_type, abatement_range_high_value"
        ),
        [["Range", "30", "40", "a", "Range", "60"]]
    );
    assert_eq!(
        row(
            json!({"resourceType": "Procedure", "id": "c", "status": "completed", "subject": {"reference": "Patient/p"},
                "performedAge": {"value": 12, "comparator": ">", "unit": "years", "code": "a"}}),
            "procedure",
            "performed_type, performed_age_value, performed_age_comparator, performed_age_unit, performed_age_code, performed_start"
        ),
        [["Age", "12", ">", "years", "a", NULL]]
    );
    assert_eq!(
        row(
            json!({"resourceType": "Procedure", "id": "c", "status": "completed", "subject": {"reference": "Patient/p"},
                "performedRange": range(1, 2)}),
            "procedure",
            "performed_type, performed_range_low_value"
        ),
        [["Range", "1"]]
    );
    assert_eq!(
        row(
            json!({"resourceType": "Observation", "id": "c", "status": "final", "code": {"text": "x"},
                "effectiveTiming": {"event": ["2020-01-01"]}, "valueRatio": {
                    "numerator": {"value": 1, "comparator": "<"}, "denominator": {"value": 128, "comparator": ">="}}}),
            "observation",
            "effective_type, effective_timing->'event'->>0 as event, effective_start, value_ratio_numerator_comparator, value_ratio_denominator_comparator"
        ),
        [["Timing", "2020-01-01", NULL, "<", ">="]]
    );
    assert_eq!(
        row(
            json!({"resourceType": "AllergyIntolerance", "id": "c", "patient": {"reference": "Patient/p"}, "onsetRange": range(3, 4),
                "reaction": [{"manifestation": [{"text": "hives"}], "note": [{"text": "first"}, {"text": "second"}]}]}),
            "allergy_intolerance a join allergy_intolerance_reaction r on r.allergy_intolerance_id = a.id",
            "onset_type, onset_range_high_value, r.note_text"
        ),
        [["Range", "4", r#"["first","second"]"#]]
    );
}

#[test]
fn the_name_and_address_in_use_are_shown() {
    let columns = "name_use, name_family, address_use, address_city";
    let practitioner = |names: Value, addresses: Value| json!({"resourceType": "Practitioner", "id": "d", "name": names, "address": addresses});
    // An old one first.
    assert_eq!(
        row(
            practitioner(
                json!([{"use": "old", "family": "Before"}, {"use": "maiden", "family": "Born"}, {"use": "official", "family": "Now"}]),
                json!([{"use": "old", "city": "Gone"}, {"use": "billing", "city": "Office"}, {"use": "work", "city": "Here"}])
            ),
            "practitioner",
            columns
        ),
        [["official", "Now", "work", "Here"]]
    );
    // One that ended first; of two that ended, the later.
    assert_eq!(
        row(
            practitioner(
                json!([{"use": "usual", "family": "Before", "period": {"end": "2019"}}, {"family": "Now"}]),
                json!([{"city": "First", "period": {"end": "2001-05"}}, {"city": "Then", "period": {"end": "2001-06-01"}}])
            ),
            "practitioner",
            columns
        ),
        [[NULL, "Now", NULL, "Then"]]
    );
    // Equal ones: the first.
    assert_eq!(
        row(
            practitioner(
                json!([{"family": "A"}, {"use": "official", "family": "B"}]),
                json!({"city": "Only"})
            ),
            "practitioner",
            columns
        ),
        [[NULL, "A", NULL, "Only"]]
    );
    let environment = TestEnvironment::new();
    load_resources(
        &environment,
        &[
            json!({"resourceType": "Organization", "id": "o", "name": "Clinic",
            "address": [{"use": "old", "city": "Gone"}, {"use": "work", "type": "physical", "city": "Here"}],
            "contact": [{"purpose": concept("urn:purpose", "billing"), "name": {"family": "Clerk"},
                "telecom": [{"system": "phone", "value": "1"}, {"system": "email", "value": "a@b"}]}]}),
            json!({"resourceType": "Patient", "id": "p", "contact": [{"name": {"use": "usual", "family": "Kin"},
            "telecom": [{"system": "phone", "value": "555", "use": "mobile", "rank": 1}]}]}),
        ],
    );
    assert_eq!(
        environment.query("select address_use, address_type, address_city from organization"),
        [["work", "physical", "Here"]]
    );
    assert_eq!(
        environment.query(
            "select purpose_code, name_family, t.ordinal, t.system, t.value from organization_contact c \
             join organization_contact_telecom t on t.organization_id = c.organization_id and t.contact_ordinal = c.ordinal order by 3"
        ),
        [["billing", "Clerk", "1", "phone", "1"], ["billing", "Clerk", "2", "email", "a@b"]]
    );
    assert_eq!(
        environment.query(
            "select name_use, name_family, t.value, t.use, t.rank from patient_contact c \
             join patient_contact_telecom t on t.patient_id = c.patient_id and t.contact_ordinal = c.ordinal"
        ),
        [["usual", "Kin", "555", "mobile", "1"]]
    );
}

#[test]
fn an_eob_tells_its_authorization_and_who_referred() {
    let eob = json!({"resourceType": "ExplanationOfBenefit", "id": "e", "status": "active", "outcome": "complete",
        "patient": {"reference": "Patient/p"}, "preAuthRef": ["A1", "A2"], "preAuthRefPeriod": [{"start": "2020-01-01", "end": "2020-02-01"}],
        "benefitPeriod": {"start": "2020", "end": "2020"},
        "payment": {"adjustment": {"value": -12.50, "currency": "USD"}, "adjustmentReason": concept("urn:why", "a001"),
            "identifier": {"system": "urn:checks", "value": "77"}},
        "careTeam": [{"sequence": 1, "provider": {"reference": "Practitioner/d1"}, "role": concept("urn:role", "primary")},
            {"sequence": 2, "provider": {"identifier": {"system": "urn:npi", "value": "9"}, "display": "Dr. Refer"}, "role": concept("urn:role", "referring")}],
        "item": [{"sequence": 1, "productOrService": {"text": "x"}, "udi": [{"display": "Pump"}]}]});
    assert_eq!(
        row(
            eob,
            "explanation_of_benefit e join explanation_of_benefit_item i on i.explanation_of_benefit_id = e.id",
            "pre_auth_ref, pre_auth_ref_period_start_text, benefit_period_end_text, payment_adjustment_value, \
             payment_adjustment_reason_system, payment_adjustment_reason_code, payment_identifier_value, \
             referring_provider_display, udi_display"
        ),
        [[r#"["A1","A2"]"#, "2020-01-01", "2020", "-12.5", "urn:why", "a001", "77", "Dr. Refer", "Pump"]]
    );
}

#[test]
fn an_activity_has_its_performers() {
    let plan = json!({"resourceType": "CarePlan", "id": "c", "status": "active", "intent": "plan", "subject": {"reference": "Patient/p"},
        "activity": [{"reference": {"reference": "ServiceRequest/s"}}, {"progress": [{"text": "well"}], "detail": {"status": "in-progress",
            "performer": [{"reference": "Practitioner/d"}, {"display": "The patient"}], "goal": [{"reference": "Goal/g"}]}}]});
    assert_eq!(
        row(
            plan,
            "care_plan_activity_performer p left join care_plan_activity a on a.care_plan_id = p.care_plan_id \
             and a.ordinal = p.activity_ordinal order by p.ordinal",
            "p.activity_ordinal, p.ordinal, p.target_type, p.target_id is not null as has_key, p.display, a.progress_text"
        ),
        [
            ["2", "1", "Practitioner", "true", NULL, r#"["well"]"#],
            ["2", "2", NULL, "false", "The patient", r#"["well"]"#],
        ]
    );
}

#[test]
fn further_items_of_a_list_that_has_columns_for_one_are_counted() {
    let environment = TestEnvironment::new();
    let two = || json!([concept("urn:own", "a"), concept("urn:own", "b")]);
    let one = || json!([concept("urn:own", "a")]);
    let encounters = || json!([{"reference": "Encounter/n"}, {"reference": "Encounter/o"}]);
    // Lists that a table holds in full: modifiers, the types and reasons of an
    // encounter, the reference ranges of an observation.
    let encounter = |id: &str, kinds: Value| {
        json!({"resourceType": "Encounter", "id": id, "status": "finished", "class": {"code": "AMB"}, "type": two(),
            "reasonCode": two(), "participant": [{"type": kinds}], "hospitalization": {"dietPreference": two()}})
    };
    load_resources(
        &environment,
        &[
            json!({"resourceType": "ExplanationOfBenefit", "id": "e", "status": "active",
                "item": [{"sequence": 1, "modifier": two(), "programCode": two(), "encounter": encounters(),
                    "detail": [{"sequence": 1, "programCode": two(), "subDetail": [{"sequence": 1, "programCode": two()}]}]}],
                "addItem": [{"provider": [{"display": "A"}, {"display": "B"}], "subSite": one()}]}),
            encounter("n", two()),
            encounter("o", one()),
            // Of another shape as well: the status is a list.
            json!({"resourceType": "Encounter", "id": "p", "status": ["finished"], "participant": {"type": two()}}),
            json!({"resourceType": "Observation", "id": "r", "status": "final", "referenceRange": [{"text": "x"}, {"text": "y"}],
                "component": [{"code": {"text": "c"}, "interpretation": two()}]}),
            json!({"resourceType": "Basic", "id": "b", "contained": [
                {"resourceType": "Procedure", "id": "c", "status": "completed", "focalDevice": [{"action": {"text": "x"}}],
                    "performer": [{"actor": {"display": "A"}}, {"actor": {"display": "B"}}]}]}),
        ],
    );
    assert_eq!(
        environment.query(
            "select resource_type, element, resources from etl.deviating_element where deviation = 'further' order by 1, 2"
        ),
        [
            ["Encounter", "hospitalization.dietPreference", "2"],
            ["Encounter", "participant.type", "2"],
            ["ExplanationOfBenefit", "addItem.provider", "1"],
            ["ExplanationOfBenefit", "item.detail.programCode", "1"],
            ["ExplanationOfBenefit", "item.detail.subDetail.programCode", "1"],
            ["ExplanationOfBenefit", "item.encounter", "1"],
            ["ExplanationOfBenefit", "item.programCode", "1"],
            ["Observation", "component.interpretation", "1"],
        ]
    );
    assert_eq!(
        environment.query("select program_code, modifier_codes from explanation_of_benefit_item"),
        [["a", r#"["a","b"]"#]]
    );
}

#[test]
fn what_stands_beside_primitive_values_is_kept_at_any_depth() {
    let extension = |value: &str| json!({"extension": [{"url": "urn:own", "valueString": value}]});
    let environment = TestEnvironment::new();
    load_resources(
        &environment,
        &[
            json!({"resourceType": "Patient", "id": "a", "contact": [{"name": {"family": "Kin", "given": ["Ann", null],
                "_given": [null, extension("second")], "_family": extension("of family")}}]}),
            // A single one in place of the list, with its value.
            json!({"resourceType": "Patient", "id": "b", "name": [{"given": "Bo", "_given": extension("only")}]}),
            json!({"resourceType": "MedicationRequest", "id": "m", "status": "active", "intent": "order",
                "dosageInstruction": [{"timing": {"repeat": {"_count": extension("as needed")}}}]}),
        ],
    );
    assert_eq!(
        environment.query("select extension from patient_contact"),
        [[
            r#"[{"url": "urn:own", "path": "name.given[1]", "valueString": "second"}, {"url": "urn:own", "path": "name.family", "valueString": "of family"}]"#
        ]]
    );
    assert_eq!(
        environment.query("select array_to_string(given, ' ') as given, extension from patient_name"),
        [["Bo", r#"[{"url": "urn:own", "path": "given[0]", "valueString": "only"}]"#]]
    );
    assert_eq!(
        environment.query("select extension from medication_request_dosage"),
        [[r#"[{"url": "urn:own", "path": "timing.repeat.count", "valueString": "as needed"}]"#]]
    );
    assert_eq!(environment.query("select element from etl.unmapped_element"), Vec::<Vec<String>>::new());
}

#[test]
fn media_types_ignore_case() {
    // "Hello" in base64.
    let form = |id: &str, kind: &str| {
        json!({"resourceType": "DiagnosticReport", "id": id, "status": "final", "code": {"text": "x"},
            "presentedForm": [{"contentType": kind, "data": "SGVsbG8="}]})
    };
    let environment = TestEnvironment::new();
    load_resources(
        &environment,
        &[
            form("a", "text/plain"),
            form("b", "TEXT/Plain; charset=UTF-8"),
            form("c", " Text/HTML"),
            form("d", "application/pdf"),
        ],
    );
    assert_eq!(
        environment.query(
            "select fhir_id, f.data_text from diagnostic_report r join diagnostic_report_presented_form f on f.diagnostic_report_id = r.id order by 1"
        ),
        [["a", "Hello"], ["b", "Hello"], ["c", "Hello"], ["d", NULL]]
    );
}
