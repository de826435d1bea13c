-- Every table with times has a view of the same name in schema analytics, which
-- shows beside each time x the day on the sender's clock as x_date, and of
-- whose, which file's and which moment's the row is. As columns of the tables
-- they would slow every load down; a view costs nothing until it is read.
--
-- The views follow from the catalog: fhirmill calls this function after every
-- migration, so that a new column of a table appears in its view. It only adds
-- columns, at the end, in place: whatever is built on the views stays.
create function etl.show_tables() returns void language plpgsql as $function$
declare
  shown record;
  root text;
  parent text;
  own text;
  columns text[];
  expressions text[];
  kept text[];
  ordered text[];
  sql text;
begin
  for shown in
    select c.oid, c.relname as name, obj_description(c.oid, 'pg_class') as comment
      from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname !~ '^__'
       and exists (select from pg_attribute t join pg_attribute w on w.attrelid = t.attrelid and w.attname = t.attname || '_text'
                    where t.attrelid = c.oid and t.atttypid in ('timestamptz'::regtype, 'date'::regtype)
                      and not t.attisdropped and not w.attisdropped)
     order by c.relname collate "C"
  loop
    -- The table of the resource, and the column with its key.
    select r.relname, case when r.oid = shown.oid then 'id' else r.relname || '_id' end into root, parent
      from pg_class r
      join pg_attribute s on s.attrelid = r.oid and s.attname = 'source_id' and not s.attisdropped
     where r.relnamespace = 'public'::regnamespace and r.relkind = 'r'
       and (r.oid = shown.oid or exists (select from pg_index i join pg_attribute k on k.attrelid = i.indrelid and k.attnum = i.indkey[0]
                                          where i.indrelid = shown.oid and i.indisprimary and k.attname = r.relname || '_id'))
     order by r.oid = shown.oid desc limit 1;
    continue when root is null;
    -- A resource's own table is not joined with itself.
    own := case when root = shown.name then 'r' else 't' end;
    select array_agg(a.attname::text order by a.attnum), array_agg(format('%s.%I', own, a.attname) order by a.attnum)
      into columns, expressions
      from pg_attribute a where a.attrelid = shown.oid and a.attnum > 0 and not a.attisdropped and a.attname <> 'loaded_at';
    columns := columns || array['source', 'file_id', 'loaded_at'];
    expressions := expressions || array['s.code', 'v.file_id', 'r.loaded_at'];
    select columns || array_agg(t.attname || '_date' order by t.attnum),
           expressions || array_agg(format('analytics.local_date(%s.%I)', own, w.attname) order by t.attnum)
      into columns, expressions
      from pg_attribute t join pg_attribute w on w.attrelid = t.attrelid and w.attname = t.attname || '_text'
     where t.attrelid = shown.oid and t.atttypid = 'timestamptz'::regtype and not t.attisdropped and not w.attisdropped
       and t.attname || '_date' <> all (columns)
    having count(*) > 0;
    if columns is null then
      -- Dates alone, which are days as they are.
      continue;
    end if;
    select array_agg(a.attname::text order by a.attnum) into kept
      from pg_attribute a
     where a.attrelid = to_regclass(format('analytics.%I', shown.name)) and a.attnum > 0;
    ordered := coalesce(kept, '{}') || array(select c from unnest(columns) with ordinality as u (c, position)
                                              where c <> all (coalesce(kept, '{}')) order by position);
    select string_agg(format('%s as %I', expressions[array_position(columns, o.c)], o.c), ', ' order by o.position) into sql
      from unnest(ordered) with ordinality as o (c, position);
    execute format('create or replace view analytics.%1$I as select %2$s from public.%1$I %3$s '
                   'join etl.source s on s.id = r.source_id '
                   'left join etl.resource_version v on v.id = coalesce(r.container_id, r.id)',
                   shown.name, sql,
                   case own when 'r' then 'r' else format('t join public.%I r on r.id = t.%I', root, parent) end);
    perform etl.describe_view(shown.name, shown.oid, shown.comment);
  end loop;
end $function$;
comment on function etl.show_tables() is 'creates or extends the views of tables in schema analytics, after every migration';

create function etl.describe_view(view_name text, table_oid oid, table_comment text) returns void language plpgsql as $function$
declare
  shown record;
begin
  execute format('comment on view analytics.%I is %L', view_name,
                 'The table ' || view_name || ' with its sender, its file, and the days on the sender''s clock: ' || table_comment);
  for shown in
    select a.attname as name,
           coalesce(col_description(table_oid, t.attnum),
                    case a.attname
                         when 'source' then 'who sent the resource: the folder of the inbox'
                         when 'file_id' then 'key of the file that the resource came in: analytics.load'
                         when 'loaded_at' then 'when the resource was written to the tables'
                         else 'day of ' || regexp_replace(a.attname, '_date$', '') || ' on the sender''s clock, from the text as written; of a month or year alone its first day'
                    end) as comment
      from pg_attribute a
      left join pg_attribute t on t.attrelid = table_oid and t.attname = a.attname and not t.attisdropped
     where a.attrelid = to_regclass(format('analytics.%I', view_name)) and a.attnum > 0
  loop
    execute format('comment on column analytics.%I.%I is %L', view_name, shown.name, shown.comment);
  end loop;
end $function$;
comment on function etl.describe_view(text, oid, text) is 'comments the view of a table as the table is commented; for etl.show_tables';

-- For migrations that drop or change columns of a table: they show nothing of
-- it until fhirmill calls show_tables again.
create function etl.hide_tables() returns void language plpgsql as $function$
declare
  shown text;
begin
  for shown in
    select v.relname from pg_class v join pg_class t on t.relname = v.relname
     where v.relnamespace = 'analytics'::regnamespace and v.relkind = 'v'
       and t.relnamespace = 'public'::regnamespace and t.relkind = 'r'
  loop
    execute format('drop view analytics.%I', shown);
  end loop;
end $function$;
comment on function etl.hide_tables() is 'drops the views of tables, before a migration is reverted';

select etl.show_tables();

do $migration$
begin
  if exists (select from pg_roles where rolname = 'analyst') then
    grant select on all tables in schema analytics to analyst;
  end if;
end $migration$;
