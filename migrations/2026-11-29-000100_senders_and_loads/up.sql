-- Who sent a row, when it was loaded, and from which file: for analysts, who may
-- not read the ledger itself.

-- The days of the sender's clock. Unlike to_date it is immutable and can be
-- inlined, so that a condition on the day reaches the table.
create function analytics.local_date(written text) returns date
language sql immutable parallel safe as $function$
  select make_date(substr(ltrim(written), 1, 4)::integer,
                   coalesce(nullif(substr(ltrim(written), 6, 2), '')::integer, 1),
                   coalesce(nullif(substr(ltrim(written), 9, 2), '')::integer, 1))
$function$;
comment on function analytics.local_date(text) is 'the day of a time as the sender wrote it, such as local_date(period_start_text): the day on the sender''s clock, whatever the session''s time zone; of a month or year alone its first day';

-- A default costs loading nothing that can be measured, and is right for every
-- way in which a row is written: new, replaced, resolved later, remapped. Rows
-- that are there already count as loaded now; their tables are not rewritten.
do $migration$
declare
  root text;
begin
  for root in
    select c.relname from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
       and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'source_id' and not a.attisdropped)
     order by c.relname
  loop
    execute format('alter table public.%I add column loaded_at timestamptz not null default now()', root);
    execute format('comment on column public.%I.loaded_at is %L', root,
                   'when the row was written: the start of the transaction that loaded this version of the resource; of rows older than the column, when the column was added');
  end loop;
end $migration$;

create view analytics.source as
select s.id as source_id, s.code as source, s.name, s.description,
       f.file_count, f.first_loaded_at, f.last_loaded_at
  from etl.source s
  left join lateral (select count(*) as file_count, min(l.finished_at) as first_loaded_at, max(l.finished_at) as last_loaded_at
                       from etl.load_file l where l.source_id = s.id) f on true;
comment on view analytics.source is 'Who sends us data, and when did they last? One row a sender whose IDs do not collide with those of others';
comment on column analytics.source.source_id is 'key of the sender: source_id in the tables';
comment on column analytics.source.source is 'name of the sender''s folder in the inbox; default for files at the top';
comment on column analytics.source.name is 'name of the organization, where the operator has set one';
comment on column analytics.source.description is 'what else the operator says of the sender';
comment on column analytics.source.file_count is 'how many files were taken';
comment on column analytics.source.first_loaded_at is 'when the first of them was loaded';
comment on column analytics.source.last_loaded_at is 'when the last of them was loaded';

create view analytics.load as
select f.id as file_id, s.code as source, f.path, f.status, f.started_at, f.finished_at as loaded_at,
       f.load_run_id as run_id, r.command, r.started_at as run_started_at, r.finished_at as run_finished_at,
       f.size_bytes, f.seen, f.inserted, f.updated, f.unchanged, f.stale, f.deleted, f.rejected, f.skipped
  from etl.load_file f
  join etl.source s on s.id = f.source_id
  join etl.load_run r on r.id = f.load_run_id;
comment on view analytics.load is 'Which files were loaded, when, and what was in them? One row a file; file_id leads here from analytics.resource and from the views of tables';
comment on column analytics.load.file_id is 'key of the file; the greater was read later';
comment on column analytics.load.source is 'who sent it: the folder of the inbox';
comment on column analytics.load.path is 'where it lay in the inbox';
comment on column analytics.load.status is 'loading, loaded, duplicate (nothing new in it), rejected, failed, abandoned';
comment on column analytics.load.started_at is 'when it was taken';
comment on column analytics.load.loaded_at is 'when its last resource was stored; null while it is being loaded';
comment on column analytics.load.run_id is 'key of the run that loaded it';
comment on column analytics.load.command is 'command of that run: run, once, retry or remap';
comment on column analytics.load.run_started_at is 'when the run began';
comment on column analytics.load.run_finished_at is 'when the run ended; null while it runs or if it was killed';
comment on column analytics.load.size_bytes is 'size of the file in bytes';
comment on column analytics.load.seen is 'resources and deletes found in it: the sum of the seven counts that follow';
comment on column analytics.load.inserted is 'resources that were new';
comment on column analytics.load.updated is 'resources that replaced an older version';
comment on column analytics.load.unchanged is 'resources that the tables had already';
comment on column analytics.load.stale is 'versions older than those in the tables';
comment on column analytics.load.deleted is 'deletes carried out';
comment on column analytics.load.rejected is 'resources that could not be read';
comment on column analytics.load.skipped is 'resources that the settings leave out, and entries without a resource';

create view analytics.resource as
select k.id as resource_id, k.resource_type, k.fhir_id, s.code as source, v.file_id, v.loaded_at, v.last_updated, v.version_id,
       v.revision, v.first_file_id, c.container_id
  from etl.resource_key k
  join etl.source s on s.id = k.source_id
  left join etl.contained_resource c on c.id = k.id
  join etl.resource_version v on v.id = coalesce(c.container_id, k.id) and v.content_hash is not null;
comment on view analytics.resource is 'Where does a row come from? One row a resource in the tables, of every type, with its sender and file; join it by the key of any table or view, and analytics.load by file_id';
comment on column analytics.resource.resource_id is 'key of the resource: id in its table';
comment on column analytics.resource.resource_type is 'FHIR type of the resource';
comment on column analytics.resource.fhir_id is 'FHIR id of the resource, unique within type and source';
comment on column analytics.resource.source is 'who sent it: the folder of the inbox';
comment on column analytics.resource.file_id is 'key of the file with the version in the tables: analytics.load';
comment on column analytics.resource.loaded_at is 'when this version was first stored; loaded_at of its row is later after a remap';
comment on column analytics.resource.last_updated is 'meta.lastUpdated: when the sender changed it last, as the sender says';
comment on column analytics.resource.version_id is 'meta.versionId: the sender''s number of the version';
comment on column analytics.resource.revision is 'how many versions with different content were loaded';
comment on column analytics.resource.first_file_id is 'key of the file that brought the resource first';
comment on column analytics.resource.container_id is 'key of the resource that contains this one, for contained resources, which come with it';

create view analytics.code_map as
select system, code, measure, rank from etl.code_map;
comment on view analytics.code_map is 'Which category of adjudication counts as which amount? One row a category that eob_amount, eob_line and claim_financials know; whoever runs the server adds rows to etl.code_map';
comment on column analytics.code_map.system is 'system of the category''s coding; * for any';
comment on column analytics.code_map.code is 'code of the category; of a code that is a URL what stands behind the last slash';
comment on column analytics.code_map.measure is 'name of the amount in eob_line, such as paid_amount; - if it must not be counted';
comment on column analytics.code_map.rank is 'where several apply, the lowest decides';

do $migration$
begin
  if exists (select from pg_roles where rolname = 'analyst') then
    grant select on all tables in schema analytics to analyst;
  end if;
end $migration$;
