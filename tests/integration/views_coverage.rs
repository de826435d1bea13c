//! The analysts' views of coverage: who pays, and for which months.

use serde_json::{Value, json};

use crate::support::{NULL, TestEnvironment};
use crate::views::load_resources;
use crate::views_claims::eob;

#[test]
fn the_payer_is_named_from_whatever_is_loaded() {
    let environment = TestEnvironment::new();
    load_resources(
        &environment,
        &[
            json!({"resourceType": "Organization", "id": "i", "name": "Loaded Insurer"}),
            json!({"resourceType": "Coverage", "id": "own", "payor": [{"reference": "Organization/i"}]}),
            json!({"resourceType": "Coverage", "id": "other", "payor": [{"display": "Shown Payer"}]}),
            eob("a", json!({"insurer": {"display": "Shown Insurer", "reference": "Organization/i"}})),
            eob("b", json!({"insurer": {"reference": "Organization/i"}})),
            eob(
                "c",
                json!({"insurance": [{"focal": false, "coverage": {"reference": "Coverage/own"}},
                                          {"focal": true, "coverage": {"reference": "Coverage/other"}}]}),
            ),
            eob("d", json!({"insurance": [{"coverage": {"reference": "Coverage/own"}}]})),
            eob("e", json!({"insurance": [{"coverage": {"display": "Shown Coverage"}}]})),
            eob(
                "f",
                json!({"contained": [{"resourceType": "Coverage", "id": "c", "payor": [{"display": "Contained"}]}],
                            "insurance": [{"coverage": {"reference": "#c"}}]}),
            ),
            eob("g", json!({})),
            eob(
                "h",
                json!({"insurer": {"identifier": {"system": "urn:payer", "value": "77"}},
                       "insurance": [{"coverage": {"reference": "Coverage/own"}}]}),
            ),
        ],
    );
    assert_eq!(
        environment.query("select fhir_id, payer_name from analytics.claim_financials order by 1"),
        [
            ["a", "Loaded Insurer"],
            ["b", "Loaded Insurer"],
            ["c", "Shown Payer"],
            ["d", "Loaded Insurer"],
            ["e", "Shown Coverage"],
            ["f", "Contained"],
            ["g", NULL],
            ["h", "Loaded Insurer"],
        ]
    );
}

#[test]
fn months_of_coverage_are_counted() {
    let environment = TestEnvironment::new();
    let coverage = |id: &str, status: &str, period: Value| {
        json!({"resourceType": "Coverage", "id": id, "status": status, "beneficiary": {"reference": "Patient/p"},
               "payor": [{"display": "Payer"}], "period": period})
    };
    load_resources(
        &environment,
        &[
            json!({"resourceType": "Patient", "id": "p"}),
            coverage("a-parts", "active", json!({"start": "2020-01-30", "end": "2020-03-01"})),
            coverage("b-partial", "cancelled", json!({"start": "2019-12", "end": "2020-02"})),
            coverage("c-year", "active", json!({"start": "2021-12-31T23:00:00-05:00", "end": "2021"})),
            coverage("d-open", "active", json!({"start": "2024-02-15"})),
            coverage("e-cancelled", "cancelled", json!({"start": "2024-02-15"})),
            coverage("f-draft", "draft", json!({"start": "2020-01-01", "end": "2020-01-31"})),
            coverage("g-backward", "active", json!({"start": "2020-03-01", "end": "2020-01-31"})),
            coverage("h-unknown", "active", json!({"end": "2020-01-31"})),
            coverage("i-future", "active", json!({"start": "2999-01-01"})),
        ],
    );
    assert_eq!(
        environment.query(
            "select fhir_id, patient_fhir_id, payer_name, month, covered_days, month_days from analytics.member_months \
             where fhir_id <> 'd-open' order by 1, 4"
        ),
        [
            ["a-parts", "p", "Payer", "2020-01-01", "2", "31"],
            ["a-parts", "p", "Payer", "2020-02-01", "29", "29"],
            ["a-parts", "p", "Payer", "2020-03-01", "1", "31"],
            ["b-partial", "p", "Payer", "2019-12-01", "31", "31"],
            ["b-partial", "p", "Payer", "2020-01-01", "31", "31"],
            ["b-partial", "p", "Payer", "2020-02-01", "29", "29"],
            ["c-year", "p", "Payer", "2021-12-01", "1", "31"],
        ]
    );
    assert_eq!(
        environment.query(
            "select min(month) as first, min(covered_days) as fewest, max(month) = date_trunc('month', current_date)::date as is_current, \
             count(*) = 12 * (extract(year from current_date) - 2024) + extract(month from current_date) - 1 as is_whole \
             from analytics.member_months where fhir_id = 'd-open'"
        ),
        [["2024-02-01", "15", "true", "true"]]
    );
}
