-- The role that analysts' accounts are made members of: it reads the clinical
-- tables and the views, and nothing else. Roles belong to the whole server, so
-- it may be there already.
do $migration$
begin
  if not exists (select from pg_roles where rolname = 'analyst') then
    create role analyst nologin;
  end if;
exception
  when duplicate_object or unique_violation then null;
  when insufficient_privilege then
    raise notice 'this account may not create roles: ask for a role analyst';
end $migration$;
do $migration$
begin
  if exists (select from pg_roles where rolname = 'analyst') then
    grant usage on schema public, analytics to analyst;
    grant select on all tables in schema public to analyst;
    grant select on all tables in schema analytics to analyst;
    alter default privileges in schema public grant select on tables to analyst;
    alter default privileges in schema analytics grant select on tables to analyst;
  end if;
end $migration$;
