-- What is known of senders: their names, and the FHIR servers to which their
-- absolute references belong.
alter table etl.source add column name text, add column description text;
comment on column etl.source.name is 'the sender''s name, as set by fhirmill sources set';
comment on column etl.source.description is 'what else there is to say of it, as set by fhirmill sources set';
comment on column etl.source.base_url is 'base URL of a FHIR server of the sender; etl.source_base_url has the others';

create table etl.source_base_url (
  source_id smallint not null references etl.source (id) on delete cascade,
  base_url text not null,
  origin text not null,
  noted_at timestamptz not null default now(),
  primary key (source_id, base_url)
);
comment on table etl.source_base_url is 'the FHIR servers of a sender: absolute references to them mean the same as relative ones';
comment on column etl.source_base_url.source_id is 'the sender, etl.source';
comment on column etl.source_base_url.base_url is 'the URL before Type/id, with a slash at the end';
comment on column etl.source_base_url.origin is 'how it became known: set (fhirmill sources set) or learned (from full URLs, self links and manifests)';
comment on column etl.source_base_url.noted_at is 'when it became known';

comment on table etl.unresolved_reference is 'references without a key: by identifiers that no resource has yet, to servers that are not known, and to entries that their Bundle does not have; looked at again after each run';
comment on column etl.unresolved_reference.resource_type is 'the type of the target; empty if not stated';
comment on column etl.unresolved_reference.system is 'the identifier''s system, * for any; urn:uuid where the value is the id itself; reference where it is the reference as written';
comment on column etl.unresolved_reference.value is 'the identifier''s value, the id, or the reference as written';
