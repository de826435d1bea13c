//! Migrations and what others have built on fhirmill's tables and views.

use crate::support::{TestEnvironment, execute};

/// Reverts all migrations down to the one with that name, which stays.
fn migrate_down_to(environment: &TestEnvironment, name: &str) {
    let status = environment.run(&["migrate", "status", "--json"]).json();
    let names: Vec<&str> =
        status.as_array().unwrap().iter().map(|migration| migration["name"].as_str().unwrap()).collect();
    let place = names.iter().position(|migration| migration.contains(name)).unwrap();
    let count = (names.len() - 1 - place).to_string();
    environment.run(&["migrate", "down", &count]).expect_code(0);
}

/// A role of this test's own, dropped with all it owns.
struct Role<'e>(&'e TestEnvironment, String);

impl<'e> Role<'e> {
    fn new(environment: &'e TestEnvironment, name: &str) -> Self {
        let role = format!("fhirmill_test_{}_{name}", std::process::id());
        execute(environment.database_url(), &format!("create role {role} in role analyst"));
        Role(environment, role)
    }
}

impl Drop for Role<'_> {
    fn drop(&mut self) {
        execute(self.0.database_url(), &format!("drop owned by {0} cascade; drop role {0}", self.1));
    }
}

const BUILT: &str = "\
    create schema mart authorization {role};
    set local role {role};
    create view mart.by_payer with (security_barrier = true) as
      select payer_name, status, sum(paid_amount) as paid from analytics.claim_financials group by 1, 2;
    comment on view mart.by_payer is 'what each payer paid';
    comment on column mart.by_payer.paid is 'in dollars';
    grant select on mart.by_payer to public;
    create view mart.active as select * from mart.by_payer where status = 'active';
    create materialized view mart.lines as select explanation_of_benefit_id, line_ordinal, paid_amount from analytics.eob_line;
    create unique index on mart.lines (explanation_of_benefit_id, line_ordinal);
    create view mart.people as select patient_id, full_name from analytics.patient_summary;
    create view mart.encounters as select e.id, e.class_code from public.encounter e;
    create function mart.payers() returns bigint language sql stable begin atomic select count(*) from mart.by_payer; end;
    create function mart.one_claim(key bigint) returns setof analytics.claim_financials language sql stable
      as 'select * from analytics.claim_financials where explanation_of_benefit_id = key';
    reset role;";

const DESCRIBED: &str = "\
    select 'relation ' || c.oid::regclass || ' ' || c.relkind::text || ' ' || pg_get_userbyid(c.relowner) || coalesce(c.reloptions::text, '') \
           || coalesce(c.relacl::text, '') || coalesce(pg_get_viewdef(c.oid), '') as object \
      from pg_class c where c.relnamespace = 'mart'::regnamespace \
    union all select 'index ' || pg_get_indexdef(i.indexrelid) from pg_index i join pg_class c on c.oid = i.indrelid \
      where c.relnamespace = 'mart'::regnamespace \
    union all select 'comment ' || objsubid || description from pg_description d join pg_class c on c.oid = d.objoid \
      where d.classoid = 'pg_class'::regclass and c.relnamespace = 'mart'::regnamespace \
    union all select 'function ' || pg_get_functiondef(p.oid) || pg_get_userbyid(p.proowner) from pg_proc p \
      where p.pronamespace = 'mart'::regnamespace order by 1";

#[test]
fn what_analysts_built_survives_every_migration_since_the_first_tables() {
    // The second state is before a migration that drops views, the first is long before.
    for state in ["000007_registry_defaults", "000050_category_codings"] {
        let environment = TestEnvironment::new();
        migrate_down_to(&environment, state);
        let role = Role::new(&environment, "builder");
        execute(environment.database_url(), &BUILT.replace("{role}", &role.1));
        let built = environment.query(DESCRIBED);
        assert!(built.len() > 10, "{built:?}");

        environment.run(&["migrate", "up"]).expect_code(0);

        pretty_assertions::assert_eq!(environment.query(DESCRIBED), built, "since {state}");
        assert_eq!(environment.value("select mart.payers()"), "0");
        assert_eq!(environment.query("select * from mart.one_claim(1)"), Vec::<Vec<String>>::new());
        assert_eq!(environment.run(&["migrate", "up"]).expect_code(0).stdout, "nothing to do\n");
    }
}

#[test]
fn views_are_replaced_in_place() {
    let environment = TestEnvironment::new();
    migrate_down_to(&environment, "000083_services");
    // On every column of every view and table: nothing may be dropped on the way.
    execute(
        environment.database_url(),
        "create schema mart; \
         do $$ declare object regclass; begin \
           for object in select c.oid from pg_class c where c.relnamespace in ('analytics'::regnamespace, 'public'::regnamespace) \
                           and c.relkind in ('r', 'v') and c.relname !~ '^__' loop \
             execute format('create view mart.%I as select * from %s', replace(object::text, '.', '_'), object); \
           end loop; end $$",
    );
    let oids = "select oid, relname from pg_class where relnamespace = 'mart'::regnamespace order by 1";
    let before = environment.query(oids);
    assert!(before.len() > 130, "{}", before.len());
    environment.run(&["migrate", "up"]).expect_code(0);
    // The same objects, not others of the same name.
    assert_eq!(environment.query(oids), before);
}

#[test]
fn what_stands_in_the_way_is_named_and_nothing_is_changed() {
    let environment = TestEnvironment::new();
    migrate_down_to(&environment, "000050_category_codings");
    // A table with the row type of a view that a migration drops cannot be set aside.
    execute(
        environment.database_url(),
        "create schema mart; create table mart.kept (claim analytics.claim_financials); \
         create view mart.paid as select paid_amount from analytics.claim_financials",
    );
    let status = || environment.run(&["migrate", "status"]).expect_code(0).stdout;
    let before = status();
    let run = environment.run(&["migrate", "up"]);
    assert!(run.stderr.contains("table mart.kept of "), "{}", run.stderr);
    assert!(run.stderr.contains("view mart.paid of "), "{}", run.stderr);
    assert!(run.stderr.contains("hint: if one of these is in the way"), "{}", run.stderr);
    run.expect_code(1);
    assert_eq!(status(), before);
    assert_eq!(environment.value("select count(*) from mart.paid"), "0");

    execute(environment.database_url(), "drop table mart.kept");
    environment.run(&["migrate", "up"]).expect_code(0);
    assert_eq!(environment.value("select count(*) from mart.paid"), "0");
}

#[test]
fn reverting_names_what_is_built_on_the_views() {
    let environment = TestEnvironment::new();
    execute(
        environment.database_url(),
        "create schema mart; create view mart.senders as select source from analytics.source",
    );
    let run = environment.run(&["migrate", "down", "--all"]);
    assert!(run.stderr.contains("view mart.senders of "), "{}", run.stderr);
    run.expect_code(1);
    assert_eq!(environment.value("select count(*) from mart.senders"), "1");
}

#[test]
fn the_views_of_tables_follow_new_columns() {
    let environment = TestEnvironment::new();
    let missing = "select t.relname, a.attname from pg_class t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped \
         join pg_class v on v.relname = t.relname and v.relnamespace = 'analytics'::regnamespace \
         where t.relnamespace = 'public'::regnamespace and t.relkind = 'r' \
           and not exists (select from pg_attribute s where s.attrelid = v.oid and s.attname = a.attname)";
    assert_eq!(environment.query(missing), Vec::<Vec<String>>::new());

    execute(
        environment.database_url(),
        "alter table encounter add column discharged timestamptz, add column discharged_text text; \
         comment on column encounter.discharged is 'when the patient left'; select etl.show_tables()",
    );
    assert_eq!(environment.query(missing), Vec::<Vec<String>>::new());
    assert_eq!(environment.value("select pg_typeof(max(discharged_date)) from analytics.encounter"), "date");
    assert_eq!(
        environment.value(
            "select col_description(attrelid, attnum) from pg_attribute where attrelid = 'analytics.encounter'::regclass and attname = 'discharged'"
        ),
        "when the patient left"
    );
}
