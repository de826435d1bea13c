-- The role itself stays: other databases of the server may use it.
do $migration$
begin
  if exists (select from pg_roles where rolname = 'analyst') then
    alter default privileges in schema public revoke select on tables from analyst;
    alter default privileges in schema analytics revoke select on tables from analyst;
    revoke select on all tables in schema public from analyst;
    revoke select on all tables in schema analytics from analyst;
    revoke usage on schema public, analytics from analyst;
  end if;
end $migration$;
