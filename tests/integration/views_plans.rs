//! How much the analysts' views read for a question about a few rows.

use std::fmt::Write as _;

use serde_json::Value;

use crate::support::{TestEnvironment, execute};

/// Two years of EOBs, ten a month, each with two lines of four amounts.
fn claims() -> TestEnvironment {
    // The first load, which builds the indexes, also updates the planner's statistics.
    let environment = TestEnvironment::without_indexes();
    let mut lines = String::new();
    for claim in 0..240 {
        let (year, month, day) = (2022 + claim / 120, claim / 10 % 12 + 1, claim % 10 + 1);
        let date = format!("{year}-{month:02}-{day:02}");
        let amounts = ["submitted", "eligible", "benefit", "copay"].map(|category| {
            format!(
                r#"{{"category":{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/adjudication","code":"{category}"}}]}},"amount":{{"value":10,"currency":"USD"}}}}"#
            )
        });
        let item = |number: u32| {
            format!(
                r#"{{"sequence":{number},"servicedDate":"{date}","encounter":[{{"reference":"Encounter/{claim}"}}],"productOrService":{{"text":"visit"}},"adjudication":[{}]}}"#,
                amounts.join(",")
            )
        };
        let _ = writeln!(
            lines,
            r#"{{"resourceType":"ExplanationOfBenefit","id":"{claim}","status":"active","patient":{{"reference":"Patient/{}"}},"billablePeriod":{{"start":"{date}"}},"item":[{},{}]}}"#,
            claim % 40,
            item(1),
            item(2)
        );
        let _ = writeln!(
            lines,
            r#"{{"resourceType":"Encounter","id":"{claim}","status":"finished","class":{{"code":"AMB"}},"subject":{{"reference":"Patient/{}"}},"period":{{"start":"{date}"}}}}"#,
            claim % 40
        );
        let _ = writeln!(
            lines,
            r#"{{"resourceType":"Condition","id":"{claim}","subject":{{"reference":"Patient/{}"}},"encounter":{{"reference":"Encounter/{claim}"}},"code":{{"text":"x"}}}}"#,
            claim % 40
        );
    }
    environment.put("inbox/claims.ndjson", lines);
    environment.run(&["once"]).expect_code(0);
    environment
}

fn explained(environment: &TestEnvironment, sql: &str) -> Value {
    execute(
        environment.database_url(),
        "create or replace function explained(query text) returns json language plpgsql as $$ declare plan json; begin \
         execute 'explain (analyze, timing off, format json) ' || query into plan; return plan; end $$",
    );
    let plan = environment.value(&format!("select explained('{}') as plan", sql.replace('\'', "''")));
    serde_json::from_str(&plan).unwrap()
}

/// How many rows of a table the query reads, kept and filtered out, and its plan.
pub fn rows_read(environment: &TestEnvironment, table: &str, sql: &str) -> (f64, Value) {
    fn count(node: &Value, table: &str) -> f64 {
        let number = |name: &str| node[name].as_f64().unwrap_or(0.0);
        let own = match node["Relation Name"].as_str() {
            Some(relation) if relation == table => {
                (number("Actual Rows") + number("Rows Removed by Filter")) * number("Actual Loops")
            }
            _ => 0.0,
        };
        own + node["Plans"].as_array().into_iter().flatten().map(|child| count(child, table)).sum::<f64>()
    }
    let plan = explained(environment, sql);
    (count(&plan[0]["Plan"], table), plan)
}

#[test]
fn a_question_about_some_claims_does_not_add_all_of_them_up() {
    let environment = claims();
    let adjudications = "explanation_of_benefit_adjudication";
    let one_encounter = environment.value("select id from encounter where fhir_id = '33'");
    let one_claim = environment.value("select id from explanation_of_benefit where fhir_id = '33'");
    let march = "between '2022-03-01' and '2022-03-31'";
    let view = |view: &str, condition: &str| {
        format!(
            "select sum(paid_amount)::text || '/' || count(*) as result from analytics.{view} v where {condition}"
        )
    };
    // Without the indexes, too, which may not be built yet.
    for _ in 0..2 {
        for (sql, claims, answer) in [
            (view("claim_financials", &format!("service_date {march}")), 10, "200/10"),
            (view("eob_line", &format!("service_date {march}")), 10, "200/20"),
            (view("claim_financials", &format!("encounter_id = {one_encounter}")), 1, "20/1"),
            (view("eob_line", &format!("encounter_id = {one_encounter}")), 1, "20/2"),
            (view("claim_financials", &format!("explanation_of_benefit_id = {one_claim}")), 1, "20/1"),
            // A join with a few encounters, as for a cohort.
            (
                "select sum(c.paid_amount)::text || '/' || count(*) as result from encounter e \
                 join analytics.claim_financials c on c.encounter_id = e.id where e.fhir_id in ('1', '2', '3')"
                    .to_owned(),
                3,
                "60/3",
            ),
            (
                "select sum(c.paid_amount)::text || '/' || count(*) as result from analytics.claim_financials c \
                 where c.encounter_id in (select id from encounter where fhir_id in ('1', '2', '3'))"
                    .to_owned(),
                3,
                "60/3",
            ),
        ] {
            let (read, _) = rows_read(&environment, adjudications, &sql);
            assert_eq!(environment.value(&sql), answer, "{sql}");
            // 8 amounts a claim, which may be read for each line, and for the header.
            assert!(read <= f64::from(claims * 8 * 4), "{read} of 1920 rows are read by {sql}");
        }
        environment.run(&["indexes", "drop"]).expect_code(0);
    }
}

#[test]
fn a_question_about_some_encounters_does_not_group_all_of_them() {
    let environment = claims();
    let sql = "select count(*) || '/' || sum(diagnosis_count) as result from analytics.encounter_with_diagnoses \
               where encounter_date between '2022-03-01' and '2022-03-31'";
    let plan = explained(&environment, sql);
    assert_eq!(environment.value(sql), "10/10");
    fn most_grouped(node: &Value) -> f64 {
        let children = || node["Plans"].as_array().into_iter().flatten();
        let below = children().map(most_grouped).fold(0.0, f64::max);
        match node["Node Type"].as_str() {
            Some("Aggregate") => {
                let rows = |child: &Value| {
                    child["Actual Rows"].as_f64().unwrap_or(0.0)
                        * child["Actual Loops"].as_f64().unwrap_or(0.0)
                };
                children().map(rows).fold(below, f64::max)
            }
            _ => below,
        }
    }
    let grouped = most_grouped(&plan[0]["Plan"]);
    assert!(grouped <= 40.0, "{grouped} rows are grouped for ten encounters");
}
