-- That people were erased, by whom and how much, without saying who.
create table etl.erasure (
  id bigint generated always as identity primary key,
  state text not null default 'requested',
  requested_by text not null,
  requested_at timestamptz not null default now(),
  erased_at timestamptz,
  finished_at timestamptz,
  run_id bigint,
  people integer not null default 0,
  resources bigint not null default 0,
  rows bigint not null default 0,
  removed_references bigint not null default 0,
  records bigint not null default 0,
  rejects bigint not null default 0,
  files_rewritten integer not null default 0,
  files_removed integer not null default 0,
  missing_files bigint[] not null default '{}',
  snapshots bigint[] not null default '{}',
  constraint erasure_state check (state in ('requested', 'erased', 'finished'))
);
comment on table etl.erasure is 'erasures of people by fhirmill erase: by whom, when and how much, not whom';
comment on column etl.erasure.id is 'the number of the erasure';
comment on column etl.erasure.state is 'requested (nothing is changed yet), erased (from the tables; files in the archive may be left to remove), finished';
comment on column etl.erasure.requested_by is 'who erased: the user of the operating system, or of the page';
comment on column etl.erasure.requested_at is 'when it was requested';
comment on column etl.erasure.erased_at is 'when the tables no longer had the person; null until then';
comment on column etl.erasure.finished_at is 'when nothing was left to do; null until then';
comment on column etl.erasure.run_id is 'the run that erased, etl.load_run';
comment on column etl.erasure.people is 'how many records of patients are the person: one, and those that it is linked with';
comment on column etl.erasure.resources is 'the resources that were erased';
comment on column etl.erasure.rows is 'the rows that were removed from clinical tables, history tables and applied views';
comment on column etl.erasure.removed_references is 'the references to erased resources that were removed from resources that stay';
comment on column etl.erasure.records is 'the records that were erased from archived files, every version and delivery counted';
comment on column etl.erasure.rejects is 'the rejected records whose text and id were removed';
comment on column etl.erasure.files_rewritten is 'the archived files that were written again without the person';
comment on column etl.erasure.files_removed is 'the archived files that were removed, because they had no other records';
comment on column etl.erasure.missing_files is 'the files that the archive did not have, so that they could not be searched, etl.load_file';
comment on column etl.erasure.snapshots is 'the snapshots that may hold the person, etl.snapshot';

create table etl.erasure_subject (
  erasure_id bigint primary key references etl.erasure (id) on delete cascade,
  source_id smallint not null references etl.source (id),
  fhir_id text not null,
  shared text,
  with_links boolean not null
);
comment on table etl.erasure_subject is 'whom an erasure that is not finished erases, so that another process can finish it; removed when it is finished';
comment on column etl.erasure_subject.erasure_id is 'the erasure, etl.erasure';
comment on column etl.erasure_subject.source_id is 'the sender, etl.source';
comment on column etl.erasure_subject.fhir_id is 'the FHIR id of the patient';
comment on column etl.erasure_subject.shared is 'what becomes of resources that mention other patients, too: erase or keep; null: there are none';
comment on column etl.erasure_subject.with_links is 'whether patients that it is linked with are erased with it';

create table etl.erasure_task (
  id bigint generated always as identity primary key,
  erasure_id bigint not null references etl.erasure (id) on delete cascade,
  kind text not null,
  text text not null,
  constraint erasure_task_kind check (kind in ('archive', 'rejects', 'report', 'log', 'table'))
);
create index erasure_task_erasure on etl.erasure_task (erasure_id);
comment on table etl.erasure_task is 'what an erasure has left to do after the tables; removed when it is done';
comment on column etl.erasure_task.id is 'the number of the task';
comment on column etl.erasure_task.erasure_id is 'the erasure, etl.erasure';
comment on column etl.erasure_task.kind is 'archive, rejects: remove the file there; report: write the report on the rejected records of the file again; log: remove the text from logs; table: vacuum the table';
comment on column etl.erasure_task.text is 'the location, the number of the file, the text, or the name of the table';

create table etl.erasure_key (
  erasure_id bigint not null references etl.erasure (id) on delete cascade,
  key bigint not null,
  primary key (erasure_id, key)
);
comment on table etl.erasure_key is 'keys of erased resources that the registry still has, because a process that was running may remember them; removed with them';
comment on column etl.erasure_key.erasure_id is 'the erasure, etl.erasure';
comment on column etl.erasure_key.key is 'the key, etl.resource_key';

comment on column etl.load_file.status is 'loading | loaded | duplicate (same bytes as a loaded file, and nothing to change) | rejected | failed | abandoned | undone (taken back by fhirmill undo) | erased (it had only records of people who were erased, and is gone)';
comment on column analytics.load.status is 'loading, loaded, duplicate (nothing new in it), rejected, failed, abandoned, undone (taken back), erased (it had only records of people who were erased)';
comment on column etl.load_run.command is 'the command that ran: run, once, retry, remap, undo, redo, erase; update for updates that were stored when answered; kafka for messages of a Kafka feed';
