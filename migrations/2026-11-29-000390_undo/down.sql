comment on column etl.load_run.command is 'the command that ran: run, once, retry, remap; update for updates that were stored when answered; kafka for messages of a Kafka feed';
comment on column analytics.load.status is 'loading, loaded, duplicate (nothing new in it), rejected, failed, abandoned';
comment on column etl.load_file.status is 'loading | loaded | duplicate (same bytes as a loaded file, and nothing to change) | rejected | failed | abandoned';
drop table etl.undone_key;
drop table etl.undo;
alter table etl.load_file drop column loaded_at;
alter table etl.load_batch drop column loaded_at;
