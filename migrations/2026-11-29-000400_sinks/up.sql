-- Sinks outside of this database: FHIR servers that get what a source has sent.
create table etl.sink (
  id smallint generated always as identity primary key,
  name text not null unique,
  kind text not null,
  source_id smallint not null references etl.source (id),
  url text not null unique,
  types text[] not null,
  leave_out text[] not null,
  registered_at timestamptz not null default now(),
  is_caught_up boolean not null default false,
  last_success_at timestamptz,
  failing_since timestamptz,
  retry_at timestamptz,
  last_error text,
  accepted bigint not null default 0,
  deleted bigint not null default 0,
  refused bigint not null default 0,
  requests bigint not null default 0,
  retries bigint not null default 0
);
create index sink_source on etl.sink (source_id);
comment on table etl.sink is 'where resources are sent besides this database, such as FHIR servers: the [[sink]] entries of the settings file';
comment on column etl.sink.id is 'its number; the process that sends to it holds the advisory lock (7303040, id)';
comment on column etl.sink.name is 'its name in the settings file';
comment on column etl.sink.kind is 'what it is: fhir, a FHIR server';
comment on column etl.sink.source_id is 'the source whose resources it gets, etl.source; for good, because ids of two senders must not meet on one server';
comment on column etl.sink.url is 'the base URL of the FHIR server';
comment on column etl.sink.types is 'the resource types that it gets, in the order in which they are sent';
comment on column etl.sink.leave_out is 'the resource types that are left out of other resources, with the references to them';
comment on column etl.sink.registered_at is 'when it was first seen';
comment on column etl.sink.is_caught_up is 'true once the outbox has what was loaded before the sink was added';
comment on column etl.sink.last_success_at is 'when it last accepted something';
comment on column etl.sink.failing_since is 'when calls began to fail; null while they succeed';
comment on column etl.sink.retry_at is 'when it is called again; null while calls succeed';
comment on column etl.sink.last_error is 'why the last call failed; null while calls succeed';
comment on column etl.sink.accepted is 'how many times it accepted a version of a resource';
comment on column etl.sink.deleted is 'how many times it deleted a resource';
comment on column etl.sink.refused is 'how many times it refused a version or a deletion';
comment on column etl.sink.requests is 'how many Bundles it answered';
comment on column etl.sink.retries is 'how many calls failed and were made again';

create table etl.sink_batch (
  id bigint generated always as identity primary key,
  sink_id smallint not null references etl.sink (id) on delete cascade,
  run_id bigint,
  batch bigint,
  file_ids bigint[],
  first_positions bigint[],
  last_positions bigint[],
  resource_ids bigint[],
  resources bigint not null,
  phase smallint not null default 0,
  noted_at timestamptz not null default now(),
  acknowledged_at timestamptz
);
create index sink_batch_outstanding on etl.sink_batch (sink_id, id) where acknowledged_at is null;
comment on table etl.sink_batch is 'the outbox: for each sink the batches of its source, written in the transaction that loads the batch';
comment on column etl.sink_batch.id is 'its number, in the order of noting';
comment on column etl.sink_batch.sink_id is 'the sink, etl.sink';
comment on column etl.sink_batch.run_id is 'the run that loaded the batch, etl.load_run; null of what was loaded before the sink was added, and of what is sent again';
comment on column etl.sink_batch.batch is 'the number of the batch in its run; null where run_id is';
comment on column etl.sink_batch.file_ids is 'the files of the batch, etl.load_file';
comment on column etl.sink_batch.first_positions is 'for each file the number of its first record in the batch';
comment on column etl.sink_batch.last_positions is 'for each file the number of its last record in the batch';
comment on column etl.sink_batch.resource_ids is 'instead of files: the keys of the resources to send, etl.resource_key';
comment on column etl.sink_batch.resources is 'how many resources it has at most';
comment on column etl.sink_batch.phase is 'how many of the types of the sink are done';
comment on column etl.sink_batch.noted_at is 'when it was noted';
comment on column etl.sink_batch.acknowledged_at is 'when the sink had answered for all of it; null before';

create table etl.sink_resource (
  sink_id smallint not null references etl.sink (id) on delete cascade,
  resource_type text collate "C" not null,
  fhir_id text collate "C" not null,
  is_present boolean not null default false,
  sent_hash bytea,
  sending_hash bytea,
  refused_hash bytea,
  sent_at timestamptz,
  delete_requested_at timestamptz,
  delete_refused_at timestamptz,
  primary key (sink_id, resource_type, fhir_id)
);
create index sink_resource_deletes on etl.sink_resource (sink_id) where delete_requested_at is not null;
create index sink_resource_sending on etl.sink_resource (sink_id) where sending_hash is not null;
comment on table etl.sink_resource is 'what each sink has of the resources that were sent to it';
comment on column etl.sink_resource.sink_id is 'the sink, etl.sink';
comment on column etl.sink_resource.resource_type is 'FHIR type';
comment on column etl.sink_resource.fhir_id is 'its FHIR id';
comment on column etl.sink_resource.is_present is 'true if the sink has accepted a version of it';
comment on column etl.sink_resource.sent_hash is 'the content that the sink has, as content_hash in etl.resource_version; null if that is not certain';
comment on column etl.sink_resource.sending_hash is 'the content that is being sent, and whose answer is not known; empty for a deletion; null if nothing is being sent';
comment on column etl.sink_resource.refused_hash is 'the content that the sink has refused; null if it has refused none';
comment on column etl.sink_resource.sent_at is 'when the sink last accepted a version of it';
comment on column etl.sink_resource.delete_requested_at is 'when it was noted that the sink is to delete it; null if it is not to';
comment on column etl.sink_resource.delete_refused_at is 'when the sink refused to delete it; null if it has not';

create table etl.sink_refusal (
  sink_id smallint not null references etl.sink (id) on delete cascade,
  resource_type text collate "C" not null,
  fhir_id text collate "C" not null,
  method text not null,
  file_id bigint,
  position bigint,
  status integer not null,
  code text,
  server_code text,
  expression text,
  awaits text[] not null default '{}',
  attempts integer not null default 1,
  first_refused_at timestamptz not null default now(),
  refused_at timestamptz not null default now(),
  resolved_at timestamptz,
  primary key (sink_id, resource_type, fhir_id)
);
create index sink_refusal_open on etl.sink_refusal (sink_id, refused_at) where resolved_at is null;
comment on table etl.sink_refusal is 'what a sink has refused, one row for each resource; fhirmill forward retry sends it again';
comment on column etl.sink_refusal.sink_id is 'the sink, etl.sink';
comment on column etl.sink_refusal.resource_type is 'FHIR type of the resource';
comment on column etl.sink_refusal.fhir_id is 'its FHIR id';
comment on column etl.sink_refusal.method is 'what was refused: PUT or DELETE';
comment on column etl.sink_refusal.file_id is 'the file that has the refused version, etl.load_file; null of a DELETE';
comment on column etl.sink_refusal.position is 'the number of the record in the file; null of a DELETE';
comment on column etl.sink_refusal.status is 'the HTTP status of the answer; 0 if the resource could not be read or sent';
comment on column etl.sink_refusal.code is 'the issue''s code in the answer, such as invalid; or why it was not sent: archive, incomplete';
comment on column etl.sink_refusal.server_code is 'the server''s own number for the error, such as HAPI-1094; null if it gives none';
comment on column etl.sink_refusal.expression is 'the element that the issue names, as a FHIRPath; null if it names none';
comment on column etl.sink_refusal.awaits is 'the resources that it refers to and that the sink does not have yet, as Type/id: it is sent again when all of them are there';
comment on column etl.sink_refusal.attempts is 'how many times it was refused';
comment on column etl.sink_refusal.first_refused_at is 'when it was first refused';
comment on column etl.sink_refusal.refused_at is 'when it was last refused';
comment on column etl.sink_refusal.resolved_at is 'when the sink accepted a version of it, or its deletion; null while it is refused';

create table etl.sink_request (
  id bigint generated always as identity primary key,
  sink_id smallint not null references etl.sink (id) on delete cascade,
  answered_at timestamptz not null default now(),
  process text not null,
  method text not null,
  resource_type text not null,
  entries integer not null,
  accepted integer not null,
  refused integer not null,
  status integer not null,
  milliseconds integer not null,
  bytes bigint not null
);
create index sink_request_sink on etl.sink_request (sink_id, id);
comment on table etl.sink_request is 'the record of what was sent: one row for each Bundle that a sink answered for good';
comment on column etl.sink_request.id is 'its number';
comment on column etl.sink_request.sink_id is 'the sink, etl.sink';
comment on column etl.sink_request.answered_at is 'when it was answered';
comment on column etl.sink_request.process is 'who sent it: host and process id';
comment on column etl.sink_request.method is 'the method of its entries: PUT or DELETE';
comment on column etl.sink_request.resource_type is 'the type of its entries';
comment on column etl.sink_request.entries is 'how many entries it had';
comment on column etl.sink_request.accepted is 'how many of them the sink accepted';
comment on column etl.sink_request.refused is 'how many of them the sink refused';
comment on column etl.sink_request.status is 'the HTTP status of the answer';
comment on column etl.sink_request.milliseconds is 'how long the answer took';
comment on column etl.sink_request.bytes is 'the size of the Bundle in bytes';
