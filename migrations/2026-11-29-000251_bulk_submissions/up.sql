-- Senders submit manifests of files that fhirmill fetches from them ($bulk-submit).
create table etl.bulk_submission (
  id uuid primary key,
  sender_id integer not null references etl.sender (id),
  submitter_system text not null,
  submitter_value text not null,
  submission_id text not null,
  status text not null default 'in-progress',
  created_at timestamptz not null default now(),
  ended_at timestamptz,
  unique (sender_id, submitter_system, submitter_value, submission_id)
);
comment on table etl.bulk_submission is 'submissions of senders by $bulk-submit';
comment on column etl.bulk_submission.id is 'the id of the submission in the URL of its status';
comment on column etl.bulk_submission.sender_id is 'the sender, etl.sender';
comment on column etl.bulk_submission.submitter_system is 'the system of the submitter, an Identifier; empty if it has none';
comment on column etl.bulk_submission.submitter_value is 'the value of the submitter, an Identifier';
comment on column etl.bulk_submission.submission_id is 'the id that the sender gave it';
comment on column etl.bulk_submission.status is 'in-progress, completed or stopped, as the sender said';
comment on column etl.bulk_submission.created_at is 'when it began';
comment on column etl.bulk_submission.ended_at is 'when it was completed or stopped';

create table etl.bulk_manifest (
  id bigint generated always as identity primary key,
  submission_id uuid not null references etl.bulk_submission (id) on delete cascade,
  manifest_url text not null,
  fhir_base_url text not null,
  headers bytea,
  job_id bigint not null references etl.export_job (id),
  submitted_at timestamptz not null default now()
);
-- URLs with signatures are longer than an entry of an index may be.
create unique index bulk_manifest_url on etl.bulk_manifest (submission_id, md5(manifest_url));
create index bulk_manifest_job_id on etl.bulk_manifest (job_id);
comment on table etl.bulk_manifest is 'the manifests of submissions; each is fetched like that of an export';
comment on column etl.bulk_manifest.id is 'the number of the manifest';
comment on column etl.bulk_manifest.submission_id is 'the submission, etl.bulk_submission';
comment on column etl.bulk_manifest.manifest_url is 'its URL';
comment on column etl.bulk_manifest.fhir_base_url is 'the base URL of the server that its resources come from';
comment on column etl.bulk_manifest.headers is 'the headers for the manifest and its files, as JSON, encrypted with the key in SECRETS_KEY_FILE';
comment on column etl.bulk_manifest.job_id is 'how far it is, etl.export_job';
comment on column etl.bulk_manifest.submitted_at is 'when it was submitted';
