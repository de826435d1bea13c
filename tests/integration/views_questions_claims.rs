//! The views on what members cost and what payers deny, on small inputs, with results
//! worked out by hand.

use serde_json::{Value, json};

use crate::support::{NULL, TestEnvironment};
use crate::views::load_resources;

const STANDARD: &str = "http://terminology.hl7.org/CodeSystem/adjudication";
const CARIN: &str = "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication";

fn amount(system: &str, category: &str, value: f64, currency: &str) -> Value {
    json!({"category": {"coding": [{"system": system, "code": category}]}, "amount": {"value": value, "currency": currency}})
}

pub fn usd(category: &str, value: f64) -> Value {
    amount(if category == "noncovered" { CARIN } else { STANDARD }, category, value, "USD")
}

fn denial(code: &str, text: &str) -> Value {
    json!({"category": {"coding": [{"code": "denialreason"}]}, "reason": {"coding": [{"code": code, "display": text}]}})
}

pub fn eob(id: &str, patient: &str, day: &str, lines: Vec<Vec<Value>>, more: Value) -> Value {
    let items: Vec<Value> = lines
        .into_iter()
        .enumerate()
        .map(|(number, adjudication)| {
            json!({"sequence": number + 1, "servicedDate": day, "adjudication": adjudication,
                "productOrService": {"coding": [{"code": format!("S{}", number + 1)}]}})
        })
        .collect();
    let mut eob = json!({"resourceType": "ExplanationOfBenefit", "id": id, "status": "active", "use": "claim", "outcome": "complete",
        "patient": {"reference": format!("Patient/{patient}")}, "insurer": {"display": "Acme"},
        "billablePeriod": {"start": day}, "item": items});
    for (name, value) in more.as_object().unwrap() {
        eob[name] = value.clone();
    }
    eob
}

#[test]
fn costs_are_divided_by_member_months() {
    let environment = TestEnvironment::new();
    let coverage = |id: &str, patient: &str, payer: &str, start: &str, end: &str| {
        json!({"resourceType": "Coverage", "id": id, "status": "active", "payor": [{"display": payer}],
            "beneficiary": {"reference": format!("Patient/{patient}")}, "period": {"start": start, "end": end}})
    };
    let line = |billed: f64, paid: f64| vec![vec![usd("submitted", billed), usd("benefit", paid)]];
    load_resources(
        &environment,
        &[
            json!({"resourceType": "Patient", "id": "p"}),
            json!({"resourceType": "Patient", "id": "q"}),
            coverage("c1", "p", "Acme", "2021-03-01", "2021-04-15"),
            // Two coverages of one payer in a month: the person counts as one.
            coverage("c2", "p", "Acme", "2021-03-10", "2021-03-31"),
            coverage("c3", "q", "Beta", "2021-03-01", "2021-03-31"),
            eob("k1", "p", "2021-03-05", line(120.0, 100.0), json!({})),
            eob("k2", "p", "2021-04-05", line(60.0, 50.0), json!({})),
            // Covered neither in May nor by this payer.
            eob("k3", "p", "2021-05-05", line(40.0, 30.0), json!({})),
            eob("k4", "q", "2021-03-05", line(80.0, 70.0), json!({})),
            eob("x1", "p", "2021-03-06", line(9.0, 9.0), json!({"status": "cancelled"})),
            eob("x2", "p", "2021-03-06", line(9.0, 9.0), json!({"use": "preauthorization"})),
            // Amounts of two currencies are never added.
            eob("m1", "q", "2021-03-07", line(10.0, 10.0), json!({"insurer": {"display": "Beta"}})),
            eob(
                "m2",
                "q",
                "2021-03-08",
                vec![vec![amount(STANDARD, "benefit", 5.0, "EUR")]],
                json!({"insurer": {"display": "Beta"}}),
            ),
        ],
    );
    assert_eq!(
        environment.query(
            "select payer_name, month, members, member_months, claims, billed_amount, paid_amount, paid_amount_without_coverage, \
             currency, paid_per_member_month, has_several_currencies from analytics.cost_per_member_month order by 1, 2"
        ),
        [
            ["Acme", "2021-03-01", "1", "1.00", "1", "120.0", "100.0", "70.0", "USD", "100.00", "false"],
            ["Acme", "2021-04-01", "1", "0.50", "1", "60.0", "50.0", "0", "USD", "100.00", "false"],
            ["Acme", "2021-05-01", "0", "0.00", "0", "0", "0", "30.0", "USD", NULL, "false"],
            ["Beta", "2021-03-01", "1", "1.00", "2", NULL, NULL, NULL, NULL, NULL, "true"],
        ]
    );
}

#[test]
fn denials_are_told_by_line_and_payer() {
    let environment = TestEnvironment::new();
    let paid = || vec![usd("submitted", 10.0), usd("benefit", 8.0)];
    load_resources(
        &environment,
        &[
            json!({"resourceType": "Patient", "id": "p"}),
            eob(
                "a",
                "p",
                "2021-03-05",
                vec![
                    paid(),
                    vec![
                        usd("submitted", 20.0),
                        usd("benefit", 0.0),
                        denial("50", "Not necessary"),
                        denial("16", "Incomplete"),
                    ],
                    // Nothing of it is covered; why stands at the amount.
                    vec![
                        usd("submitted", 30.0),
                        json!({"category": {"coding": [{"system": CARIN, "code": "noncovered"}]},
                            "amount": {"value": 30, "currency": "USD"}, "reason": {"coding": [{"code": "96"}]}}),
                    ],
                    vec![usd("submitted", 40.0), usd("eligible", 0.0)],
                    // The deductible takes all: not paid, and not denied.
                    vec![
                        usd("submitted", 50.0),
                        usd("eligible", 50.0),
                        usd("deductible", 50.0),
                        usd("benefit", 0.0),
                    ],
                ],
                json!({}),
            ),
            eob("b", "p", "2021-03-06", vec![vec![usd("submitted", 5.0)]], json!({"outcome": "error"})),
            // The payer denied the claim as a whole.
            eob(
                "c",
                "p",
                "2021-03-07",
                vec![vec![usd("submitted", 1.0)], vec![usd("submitted", 2.0)]],
                json!({"adjudication": [denial("27", "Coverage ended")]}),
            ),
            eob("x", "p", "2021-03-08", vec![vec![denial("50", "")]], json!({"status": "entered-in-error"})),
        ],
    );
    assert_eq!(
        environment.query(
            "select e.fhir_id, l.line_number, l.service_date, l.product_or_service_code, l.billed_amount, l.is_denied, l.denied_amount, \
             array_to_string(l.reason_codes, '+') as codes, array_to_string(l.reasons, '+') as reasons \
             from analytics.line_decision l join explanation_of_benefit e on e.id = l.explanation_of_benefit_id order by 1, 2"
        ),
        [
            ["a", "1", "2021-03-05", "S1", "10.0", "false", NULL, NULL, NULL],
            ["a", "2", "2021-03-05", "S2", "20.0", "true", "20.0", "16+50", "Incomplete+Not necessary"],
            ["a", "3", "2021-03-05", "S3", "30.0", "true", "30.0", "96", "96"],
            ["a", "4", "2021-03-05", "S4", "40.0", "true", "40.0", NULL, NULL],
            ["a", "5", "2021-03-05", "S5", "50.0", "false", NULL, NULL, NULL],
            ["b", "1", "2021-03-06", "S1", "5.0", "true", "5.0", NULL, NULL],
            ["c", "1", "2021-03-07", "S1", "1.0", "true", "1.0", "27", "Coverage ended"],
            ["c", "2", "2021-03-07", "S2", "2.0", "true", "2.0", "27", "Coverage ended"],
        ]
    );
    assert_eq!(
        environment.query(
            "select payer_name, month, claims, denied_claims, partly_denied_claims, lines, denied_lines, denied_lines_per_cent, \
             billed_amount, denied_amount, currency from analytics.denial_rate"
        ),
        [["Acme", "2021-03-01", "3", "2", "1", "8", "6", "75.0", "158.0", "98.0", "USD"]]
    );
}
