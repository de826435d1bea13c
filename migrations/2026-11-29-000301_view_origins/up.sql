-- Where definitions of views come from besides the command: files of VIEWS_DIR, and
-- ViewDefinition resources of sources that may declare views.
create table etl.view_origin (
  origin text not null check (origin in ('folder', 'resource')),
  key text not null,
  fingerprint text not null,
  name text,
  problem text,
  seen_at timestamptz not null default now(),
  primary key (origin, key)
);
comment on table etl.view_origin is 'definitions of views that came in a file of VIEWS_DIR or as a resource, and what became of them';
comment on column etl.view_origin.origin is 'folder for a file of VIEWS_DIR, resource for a ViewDefinition that a source has sent';
comment on column etl.view_origin.key is 'the name of the file, or the key of the resource (etl.resource)';
comment on column etl.view_origin.fingerprint is 'the content that was looked at last: the hash of the file, or the revision of the resource';
comment on column etl.view_origin.name is 'the view that it was applied as; null if it was not';
comment on column etl.view_origin.problem is 'why it is not applied; null if it is';
comment on column etl.view_origin.seen_at is 'when that content was first looked at';
