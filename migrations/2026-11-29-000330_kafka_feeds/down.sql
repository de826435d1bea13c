drop table etl.feed_file;
drop table etl.feed_offset;
comment on column etl.feed.kind is 'what it fetches from: export (a FHIR server with Bulk Data $export)';
comment on column etl.load_run.command is 'the command that ran: run, once, retry, remap; update for updates that were stored when answered';
