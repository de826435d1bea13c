drop schema deidentified cascade;
drop function etl.hide_deidentified();
drop table etl.deidentified_table;
drop table etl.deidentified;
do $migration$
declare
  made text;
begin
  for made in
    select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     where n.nspname = 'etl' and (p.proname like 'deidentified\_%' or p.proname = 'is_published_code_system')
  loop
    execute 'drop function ' || made;
  end loop;
end $migration$;
