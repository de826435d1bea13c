drop table etl.erasure_key;
drop table etl.erasure_task;
drop table etl.erasure_subject;
drop table etl.erasure;
comment on column etl.load_file.status is 'loading | loaded | duplicate (same bytes as a loaded file, and nothing to change) | rejected | failed | abandoned | undone (taken back by fhirmill undo)';
comment on column analytics.load.status is 'loading, loaded, duplicate (nothing new in it), rejected, failed, abandoned, undone (taken back)';
comment on column etl.load_run.command is 'the command that ran: run, once, retry, remap, undo, redo; update for updates that were stored when answered; kafka for messages of a Kafka feed';
