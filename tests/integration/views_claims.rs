//! The analysts' views of claims: amounts and decisions.

use serde_json::{Value, json};

use crate::support::{NULL, TestEnvironment, execute};
use crate::views::load_resources;

const STANDARD: &str = "http://terminology.hl7.org/CodeSystem/adjudication";
const CARIN: &str = "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication";
const CMS: &str = "https://bluebutton.cms.gov/resources/codesystem/adjudication";

/// An adjudication of an amount in a category of one or two codings.
fn adjudication(codings: &[(&str, &str)], amount: f64) -> Value {
    let codings: Vec<Value> =
        codings.iter().map(|(system, code)| json!({"system": system, "code": code})).collect();
    json!({"category": {"coding": codings}, "amount": {"value": amount, "currency": "USD"}})
}

/// A CMS variable, with the standard category that CMS assigns to it.
fn cms(variable: &str, category: (&str, &str), amount: f64) -> Value {
    let url = format!("https://bluebutton.cms.gov/resources/variables/{variable}");
    adjudication(&[category, (CMS, &url)], amount)
}

/// A claim of the patient p with more members.
pub fn eob(id: &str, more: Value) -> Value {
    let mut eob = json!({"resourceType": "ExplanationOfBenefit", "id": id, "status": "active", "outcome": "complete",
        "patient": {"reference": "Patient/p"}, "billablePeriod": {"start": "2020-01-31T23:00:00-05:00"}});
    for (name, value) in more.as_object().unwrap() {
        eob[name] = value.clone();
    }
    eob
}

#[test]
fn an_amount_counts_once_per_claim_line() {
    let environment = TestEnvironment::new();
    let line = |sequence: u32, adjudications: Vec<Value>| {
        json!({"sequence": sequence, "servicedDate": "2020-01-31", "productOrService": {"coding": [{"code": format!("S{sequence}")}]},
               "adjudication": adjudications})
    };
    load_resources(
        &environment,
        &[
            json!({"resourceType": "Patient", "id": "p"}),
            // As CMS writes it: the rate beside the total, the purchase price beside the
            // charge, the payment three times; each pair in one standard category.
            eob(
                "a-cms",
                json!({"item": [
                    line(7, vec![
                        cms("rev_cntr_rate_amt", (STANDARD, "submitted"), 10.0),
                        cms("rev_cntr_tot_chrg_amt", (STANDARD, "submitted"), 120.0),
                        cms("rev_cntr_ncvrd_chrg_amt", (CARIN, "noncovered"), 20.0),
                    ]),
                    line(7, vec![
                        cms("line_dme_prchs_price_amt", (STANDARD, "submitted"), 999.0),
                        cms("line_sbmtd_chrg_amt", (STANDARD, "submitted"), 80.0),
                        cms("line_bene_pmt_amt", (CARIN, "paidtoprovider"), 500.0),
                        cms("line_prvdr_pmt_amt", (CARIN, "paidtoprovider"), 50.0),
                        cms("line_nch_pmt_amt", (CARIN, "paidtoprovider"), 51.0),
                    ]),
                ]}),
            ),
            // Standard categories alone; the first of two that mean the same.
            eob(
                "b-standard",
                json!({"item": [
                line(1, vec![
                    adjudication(&[(STANDARD, "submitted")], 100.0),
                    adjudication(&[(STANDARD, "submitted")], 1.0),
                    adjudication(&[(STANDARD, "benefit")], 60.0),
                    adjudication(&[(STANDARD, "copay")], 15.5),
                    adjudication(&[("urn:own", "benefit")], 7.0),
                ]),
                line(2, vec![]),
            ], "total": [
                {"category": {"coding": [{"code": "submitted"}]}, "amount": {"value": 130, "currency": "USD"}},
                {"category": {"coding": [{"code": "benefit"}]}, "amount": {"value": 60, "currency": "USD"}}]}),
            ),
            // The payment stands on the header only, and the charge on both.
            eob(
                "c-header",
                json!({"adjudication": [
                adjudication(&[(CARIN, "paidtoprovider")], 620.0), adjudication(&[(STANDARD, "submitted")], 5000.0)],
                "item": [line(1, vec![adjudication(&[(STANDARD, "submitted")], 700.0)])]}),
            ),
            eob("d-empty", json!({"payment": {"amount": {"value": 3, "currency": "EUR"}}})),
        ],
    );
    assert_eq!(
        environment.query(
            "select fhir_id, line_ordinal, line_number, service_date, product_or_service_code, charge_amount, paid_amount, \
             copayment_amount, noncovered_amount from analytics.eob_line order by 1, 2"
        ),
        [
            ["a-cms", "1", "7", "2020-01-31", "S7", "120.0", NULL, NULL, "20.0"],
            ["a-cms", "2", "7", "2020-01-31", "S7", "80.0", "51.0", NULL, NULL],
            ["b-standard", "1", "1", "2020-01-31", "S1", "100.0", "60.0", "15.5", NULL],
            ["b-standard", "2", "2", "2020-01-31", "S2", NULL, NULL, NULL, NULL],
            ["c-header", "1", "1", "2020-01-31", "S1", "700.0", NULL, NULL, NULL],
        ]
    );
    const FINANCIALS: &str = "select fhir_id, service_date, submitted_amount, benefit_amount, charge_amount, paid_amount, \
        copayment_amount, noncovered_amount, payment_amount, currency, line_count from analytics.claim_financials order by 1";
    assert_eq!(
        environment.query(FINANCIALS),
        [
            ["a-cms", "2020-01-31", NULL, NULL, "200.0", "51.0", NULL, "20.0", NULL, "USD", "2"],
            ["b-standard", "2020-01-31", "130", "60", "100.0", "60.0", "15.5", NULL, NULL, "USD", "2"],
            ["c-header", "2020-01-31", NULL, NULL, "700.0", "620.0", NULL, NULL, NULL, "USD", "1"],
            ["d-empty", "2020-01-31", NULL, NULL, NULL, NULL, NULL, NULL, "3", "EUR", "0"],
        ]
    );
    // What a category means is the operator's to say.
    execute(
        environment.database_url(),
        "insert into etl.code_map values ('urn:own', 'benefit', 'paid_amount', 1)",
    );
    assert_eq!(environment.query(FINANCIALS)[1][5], "7.0");
}

/// A line, detail or added line of a claim, with its adjudications in FHIR's own categories.
fn part(more: Value, amounts: &[(&str, f64)]) -> Value {
    let mut part = json!({"sequence": 1, "productOrService": {"coding": [{"code": "S"}]}});
    if !amounts.is_empty() {
        let adjudications =
            amounts.iter().map(|(category, amount)| adjudication(&[(STANDARD, category)], *amount));
        part["adjudication"] = adjudications.collect();
    }
    for (name, value) in more.as_object().unwrap() {
        part[name] = value.clone();
    }
    part
}

fn total(category: &str, amount: f64) -> Value {
    adjudication(&[(STANDARD, category)], amount)
}

fn net(amount: f64) -> Value {
    json!({"net": {"value": amount, "currency": "USD"}})
}

#[test]
fn what_was_billed_falls_back_to_prices_and_totals() {
    let environment = TestEnvironment::new();
    let none = || part(json!({}), &[]);
    load_resources(
        &environment,
        &[
            json!({"resourceType": "Claim", "id": "k", "patient": {"reference": "Patient/p"}, "total": {"value": 99.0, "currency": "USD"}}),
            // No line has adjudications: 140.52 + 550.56.
            eob("a-net", json!({"item": [part(net(140.52), &[]), part(net(550.56), &[])]})),
            // A line's charge goes before its price: 100 + 50.
            eob("b-mixed", json!({"item": [part(net(90.0), &[("submitted", 100.0)]), part(net(50.0), &[])]})),
            // A line without either: the lines are not all, the total is.
            eob(
                "c-total",
                json!({"item": [none(), part(net(140.5), &[("submitted", 140.5)])], "total": [total("submitted", 269.5)]}),
            ),
            eob(
                "d-claim",
                json!({"claim": {"reference": "Claim/k"}, "item": [none(), part(net(10.0), &[])]}),
            ),
            eob("e-part", json!({"item": [none(), part(net(7.0), &[])]})),
            // 20 (whose parts are 12 and 8), and 3 + 4.
            eob(
                "f-details",
                json!({"item": [part(json!({"detail": [
                    part(json!({"net": {"value": 20.0}, "subDetail": [part(net(12.0), &[]), part(net(8.0), &[])]}), &[]),
                    part(json!({"subDetail": [part(net(3.0), &[]), part(net(4.0), &[])]}), &[]),
                ]}), &[])]}),
            ),
            eob(
                "g-header",
                json!({"item": [none()], "adjudication": [total("submitted", 500.0)], "total": [total("submitted", 501.0)]}),
            ),
            eob("h-nothing", json!({"item": [none()]})),
            // What the payer added was not billed.
            eob(
                "i-added",
                json!({"item": [part(net(7.0), &[])], "addItem": [part(net(5.0), &[("benefit", 5.0)])]}),
            ),
        ],
    );
    assert_eq!(
        environment.query("select fhir_id, billed_amount from analytics.claim_financials order by 1"),
        [
            ["a-net", "691.08"],
            ["b-mixed", "150.0"],
            ["c-total", "269.5"],
            ["d-claim", "99.0"],
            ["e-part", "7.0"],
            ["f-details", "27.0"],
            ["g-header", "500.0"],
            ["h-nothing", NULL],
            ["i-added", "7.0"],
        ]
    );
    assert_eq!(
        environment.query(
            "select fhir_id, level, line_ordinal, billed_amount from analytics.eob_line \
             where left(fhir_id, 1) in ('b', 'c', 'f', 'i') order by 1, 2 desc, 3"
        ),
        [
            ["b-mixed", "item", "1", "100.0"],
            ["b-mixed", "item", "2", "50.0"],
            ["c-total", "item", "1", NULL],
            ["c-total", "item", "2", "140.5"],
            ["f-details", "item", "1", "27.0"],
            ["i-added", "item", "1", "7.0"],
            ["i-added", "add_item", "1", NULL],
        ]
    );
}

#[test]
fn amounts_count_wherever_a_claim_has_them() {
    let environment = TestEnvironment::new();
    load_resources(
        &environment,
        &[
            // 30 + (10 + 15) submitted, 20 + (5 + 5) paid.
            eob(
                "a-details",
                json!({"item": [part(json!({"detail": [
                    part(json!({}), &[("submitted", 30.0), ("benefit", 20.0)]),
                    part(json!({"subDetail": [
                        part(json!({}), &[("submitted", 10.0), ("benefit", 5.0)]),
                        part(json!({}), &[("submitted", 15.0), ("benefit", 5.0)]),
                    ]}), &[]),
                ]}), &[])]}),
            ),
            // The line's own amount goes before those of its details; a deductible is on them alone.
            eob(
                "b-both",
                json!({"item": [part(json!({"detail": [
                    part(json!({}), &[("submitted", 60.0), ("deductible", 5.0)]),
                    part(json!({}), &[("submitted", 41.0), ("deductible", 7.0)]),
                ]}), &[("submitted", 100.0)])]}),
            ),
            eob(
                "c-added",
                json!({"item": [part(json!({}), &[("benefit", 60.0)])],
                       "addItem": [part(json!({"detail": [part(json!({}), &[("copay", 3.0)])]}), &[("benefit", 20.0)])]}),
            ),
            // The standard category is the third coding, or the fourth.
            eob(
                "d-third",
                json!({"item": [{"sequence": 1, "productOrService": {"text": "x"}, "adjudication": [
                    adjudication(&[("urn:own", "1"), ("urn:other", "2"), (STANDARD, "submitted")], 100.0),
                    adjudication(&[("urn:own", "1"), ("urn:other", "2"), ("urn:third", "3"), (STANDARD, "benefit")], 70.0),
                ]}], "total": [adjudication(&[("urn:own", "1"), ("urn:other", "2"), (STANDARD, "benefit")], 71.0)]}),
            ),
            eob(
                "e-totals",
                json!({"total": [total("submitted", 200.0), total("benefit", 150.0), total("deductible", 25.0), total("copay", 10.0)]}),
            ),
            // Two deductibles of one line, one of the next, and one coded by CMS beside FHIR's own.
            eob(
                "f-deductibles",
                json!({"item": [
                    part(json!({}), &[("deductible", 40.0), ("deductible", 15.0)]),
                    {"sequence": 2, "productOrService": {"text": "x"}, "adjudication": [
                        cms("line_bene_ptb_ddctbl_amt", (STANDARD, "deductible"), 2.0),
                        cms("rev_cntr_blood_ddctbl_amt", (STANDARD, "deductible"), 1.0)]},
                ]}),
            ),
            eob("g-header", json!({"adjudication": [total("deductible", 5.0), total("deductible", 6.0)]})),
        ],
    );
    assert_eq!(
        environment.query(
            "select fhir_id, charge_amount, paid_amount, deductible_amount, copayment_amount, benefit_amount \
             from analytics.claim_financials order by 1"
        ),
        [
            ["a-details", "55.0", "30.0", NULL, NULL, NULL],
            ["b-both", "100.0", NULL, "12.0", NULL, NULL],
            ["c-added", NULL, "80.0", NULL, "3.0", NULL],
            ["d-third", "100.0", "70.0", NULL, NULL, "71.0"],
            ["e-totals", "200.0", "150.0", "25.0", "10.0", "150.0"],
            ["f-deductibles", NULL, NULL, "58.0", NULL, NULL],
            ["g-header", NULL, NULL, "11.0", NULL, NULL],
        ]
    );
    assert_eq!(
        environment.query(
            "select level, line_ordinal, paid_amount, copayment_amount from analytics.eob_line where fhir_id = 'c-added' order by 1"
        ),
        [["add_item", "1", "20.0", "3.0"], ["item", "1", "60.0", NULL]]
    );
    assert_eq!(
        environment.query(
            "select category_code, category_alt_code, category_other_codings[1] as third, category_other_codings[2] as fourth \
             from explanation_of_benefit_adjudication a join explanation_of_benefit e on e.id = a.explanation_of_benefit_id \
             where e.fhir_id = 'd-third' order by ordinal"
        ),
        // The standard coding is shown, and the others follow in the document's order.
        [["submitted", "1", "urn:other|2", NULL], ["benefit", "1", "urn:other|2", "urn:third|3"]]
    );
}

#[test]
fn amounts_of_different_currencies_are_never_added() {
    let environment = TestEnvironment::new();
    let submitted = |amount: f64, currency: &str| {
        json!({"sequence": 1, "productOrService": {"text": "x"}, "adjudication": [
            {"category": {"coding": [{"system": STANDARD, "code": "submitted"}]}, "amount": {"value": amount, "currency": currency}}]})
    };
    let paid = json!({"category": {"coding": [{"system": STANDARD, "code": "deductible"}]}, "amount": {"value": 3.0, "currency": "EUR"}});
    let mut both = submitted(100.0, "USD");
    both["adjudication"].as_array_mut().unwrap().push(paid);
    load_resources(
        &environment,
        &[
            eob("a-one", json!({"item": [submitted(100.0, "USD"), submitted(50.0, "USD")]})),
            eob("b-lines", json!({"item": [submitted(100.0, "USD"), submitted(50.0, "EUR")]})),
            eob("c-line", json!({"item": [both]})),
            eob(
                "d-totals",
                json!({"total": [
                    {"category": {"coding": [{"system": STANDARD, "code": "submitted"}]}, "amount": {"value": 1.0, "currency": "USD"}},
                    {"category": {"coding": [{"system": STANDARD, "code": "submitted"}]}, "amount": {"value": 2.0, "currency": "EUR"}}]}),
            ),
            eob(
                "e-payment",
                json!({"item": [submitted(100.0, "USD")], "payment": {"amount": {"value": 90.0, "currency": "EUR"}}}),
            ),
        ],
    );
    assert_eq!(
        environment.query(
            "select fhir_id, charge_amount, billed_amount, submitted_amount, payment_amount, currency, payment_currency, \
             has_several_currencies from analytics.claim_financials order by 1"
        ),
        [
            ["a-one", "150.0", "150.0", NULL, NULL, "USD", NULL, "false"],
            ["b-lines", NULL, NULL, NULL, NULL, NULL, NULL, "true"],
            ["c-line", NULL, NULL, NULL, NULL, NULL, NULL, "true"],
            ["d-totals", NULL, NULL, NULL, NULL, NULL, NULL, "true"],
            ["e-payment", "100.0", "100.0", NULL, "90.0", "USD", "EUR", "false"],
        ]
    );
    assert_eq!(
        environment.query(
            "select fhir_id, line_ordinal, charge_amount, currency from analytics.eob_line where fhir_id < 'd' order by 1, 2"
        ),
        [
            ["a-one", "1", "100.0", "USD"],
            ["a-one", "2", "50.0", "USD"],
            ["b-lines", "1", "100.0", "USD"],
            ["b-lines", "2", "50.0", "EUR"],
            ["c-line", "1", NULL, NULL],
        ]
    );
}

#[test]
fn adjudications_stand_in_the_documents_order() {
    let environment = TestEnvironment::new();
    let of = |code: &str| json!([{"category": {"coding": [{"code": code}]}}]);
    let eobs = [
        eob(
            "inside-out",
            json!({"item": [
                {"sequence": 1, "detail": [{"subDetail": [{"adjudication": of("1")}], "adjudication": of("2")}], "adjudication": of("3")},
                {"sequence": 2, "adjudication": of("4")}],
                "addItem": [{"detail": [{"adjudication": of("5")}], "adjudication": of("6")}], "adjudication": of("7")}),
        ),
        eob(
            "outside-in",
            json!({"adjudication": of("1"), "addItem": [{"adjudication": of("2"), "detail": [{"adjudication": of("3")}]}], "item": [
                {"sequence": 1, "adjudication": of("4"), "detail": [{"adjudication": of("5")}]},
                {"sequence": 2, "adjudication": of("6"), "detail": [{"adjudication": of("7")}]}]}),
        ),
    ];
    load_resources(&environment, &eobs);
    assert_eq!(
        environment.query(
            "select e.fhir_id, string_agg(category_code, '' order by ordinal) as codes, \
             string_agg(ordinal::text, '' order by ordinal) as ordinals, string_agg(level, ' ' order by ordinal) as levels \
             from explanation_of_benefit_adjudication a join explanation_of_benefit e on e.id = a.explanation_of_benefit_id \
             group by 1 order by 1"
        ),
        [
            ["inside-out", "1234567", "1234567", "sub_detail detail item item add_item add_item header"],
            ["outside-in", "1234567", "1234567", "header add_item add_item item detail item detail"],
        ]
    );
}
