do $migration$
declare
  foreign_key record;
begin
  for foreign_key in
    select conrelid::regclass as table_name, conname
      from pg_constraint
     where contype = 'f' and connamespace = 'public'::regnamespace
  loop
    execute format('alter table %s drop constraint %I', foreign_key.table_name, foreign_key.conname);
  end loop;
end $migration$;
