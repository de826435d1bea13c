drop view analytics.code_map;
drop view analytics.resource;
drop view analytics.load;
drop view analytics.source;
do $migration$
declare
  root text;
begin
  for root in
    select c.relname from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
       and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'loaded_at' and not a.attisdropped)
  loop
    execute format('alter table public.%I drop column loaded_at', root);
  end loop;
end $migration$;
drop function analytics.local_date(text);
