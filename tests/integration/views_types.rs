//! The tables of views as analysts see them: types, comments, keys and indexes.

use pretty_assertions::assert_eq;
use serde_json::json;

use crate::steps::load;
use crate::support::TestEnvironment;

const RESOURCES: &str = r#"{"resourceType":"Patient","id":"p","birthDate":"1970-01","active":true}
{"resourceType":"Observation","id":"o","meta":{"lastUpdated":"2020-01-02T03:04:05Z"},"status":"final","code":{"text":"it's a \"weight\""},"subject":{"reference":"Patient/p"},"effectiveDateTime":"2020-05","issued":"2020-05-06T07:08:09+02:00","valueQuantity":{"value":1.50},"component":[{"code":{"text":"a"},"valueInteger":7},{"code":{"text":"b"},"valueTime":"12:30:00"}]}
"#;

/// Each column: its name, path, tag `ansi/type`, and the type and value that the table has.
const COLUMNS: [(&str, &str, &str, &str, &str); 20] = [
    ("key", "getResourceKey()", "", "bigint", "same"),
    ("patient_id", "subject.getReferenceKey(Patient)", "", "bigint", "same"),
    ("is_final", "status = 'final'", "", "boolean", "t"),
    ("counted", "component.value.ofType(integer).first()", "", "integer", "7"),
    ("big", "component.value.ofType(integer).first()", "BIGINT", "bigint", "7"),
    ("amount", "value.ofType(Quantity).value", "", "numeric", "1.50"),
    ("amount_text", "value.ofType(Quantity).value", "CHARACTER VARYING(20)", "text", "1.50"),
    ("status", "status", "", "text", "final"),
    ("effective", "effective.ofType(dateTime)", "", "text", "2020-05"),
    ("effective_date", "effective.ofType(dateTime)", "DATE", "date", "2020-05-01"),
    (
        "effective_at",
        "effective.ofType(dateTime)",
        "TIMESTAMP WITH TIME ZONE",
        "timestamp with time zone",
        "2020-05-01 00:00:00+00",
    ),
    ("issued", "issued", "", "timestamp with time zone", "2020-05-06 05:08:09+00"),
    ("issued_text", "issued", "VARCHAR", "text", "2020-05-06T07:08:09+02:00"),
    ("clock", "component.value.ofType(time).first()", "TIME", "time without time zone", "12:30:00"),
    ("quantity", "value.ofType(Quantity)", "", "jsonb", "{\"value\": 1.50}"),
    ("names", "component.code.text", "collection", "text[]", "{a,b}"),
    ("numbers", "component.value.ofType(integer)", "collection", "jsonb", "[7]"),
    ("code", "code", "JSON", "jsonb", "{\"text\": \"it's a \\\"weight\\\"\"}"),
    ("code_text", "code.text", "", "text", "it's a \"weight\""),
    ("absent", "bodySite.text", "", "text", "NULL"),
];

#[test]
fn columns_have_types_comments_keys_and_indexes() {
    let environment = TestEnvironment::new();
    load(&environment, &[("1.ndjson", RESOURCES.as_bytes())]);
    let columns = COLUMNS.iter().map(|(name, path, tag, ..)| {
        let mut column = json!({"name": name, "path": path, "description": format!("the column's {name}")});
        match *tag {
            "" => {}
            "collection" => column["collection"] = json!(true),
            tag => column["tag"] = json!([{"name": "ansi/type", "value": tag}]),
        }
        if *name == "patient_id" {
            column.as_object_mut().unwrap().remove("description");
        }
        if ["status", "effective_date"].contains(name) {
            let index = json!({"name": "fhirmill/index", "value": "true"});
            let mut tags = column["tag"].as_array().cloned().unwrap_or_default();
            tags.push(index);
            column["tag"] = json!(tags);
        }
        column
    });
    let view = json!({"resourceType": "ViewDefinition", "name": "Everything", "status": "active",
        "description": "it's all there", "resource": "Observation",
        "select": [{"column": columns.collect::<Vec<_>>()}]});
    let path = environment.put("view.json", view.to_string());
    environment.run(&["views", "apply", path.to_str().unwrap()]).expect_code(0);

    for (name, _, _, sql_type, value) in COLUMNS {
        let found = environment.query(&format!(
            "select format_type(a.atttypid, a.atttypmod), coalesce(v.{name}::text, 'NULL'), \
                    coalesce(col_description(a.attrelid, a.attnum), '') \
               from pg_attribute a, views.everything v \
              where a.attrelid = 'views.everything'::regclass and a.attname = '{name}'"
        ));
        let wanted = if value == "same" { found[0][1].as_str() } else { value };
        let value = wanted.replace("true", "t");
        let comment = match name {
            "patient_id" => "key of the Patient".to_owned(),
            _ => format!("the column's {name}"),
        };
        let found: Vec<&str> = found[0].iter().map(String::as_str).collect();
        let found_value =
            if name == "is_final" { found[1].replace("true", "t") } else { found[1].to_owned() };
        assert_eq!((found[0], found_value, found[2]), (sql_type, value, comment.as_str()), "{name}");
    }
    let keys = "select (v.key = o.id)::text, (v._resource_id = o.id)::text, (v.patient_id = p.id)::text, \
                       (v.patient_id = o.patient_id)::text \
                  from views.everything v join observation o on o.id = v.key join patient p on p.id = v.patient_id";
    assert_eq!(environment.query(keys), [["true"; 4]]);
    let comment = "select obj_description('views.everything'::regclass)";
    assert_eq!(environment.value(comment), "it's all there");
    let indexes = "select a.attname, m.amname from pg_index i join pg_class c on c.oid = i.indexrelid \
                   join pg_am m on m.oid = c.relam join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0] \
                   where i.indrelid = 'views.everything'::regclass order by 1";
    let expected = [
        ["_resource_id", "btree"],
        ["effective_date", "btree"],
        ["key", "btree"],
        ["patient_id", "btree"],
        ["status", "hash"],
    ];
    assert_eq!(environment.query(indexes), expected);
    // Analysts read it, like all tables.
    let readers = "select bool_or(has_table_privilege(rolname, 'views.everything', 'select'))::text from pg_roles \
                   where rolname like 'analyst%'";
    assert_eq!(environment.value(readers), "true");
}
