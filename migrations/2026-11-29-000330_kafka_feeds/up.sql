-- Feeds of Kafka. The offset of each partition moves in the transaction that loads its
-- messages, so that a message is loaded exactly once, whatever dies.
create table etl.feed_offset (
  feed_id integer not null references etl.feed (id) on delete cascade,
  topic text not null,
  partition integer not null,
  next_offset bigint not null,
  end_offset bigint,
  end_seen_at timestamptz,
  messages bigint not null default 0,
  rejected bigint not null default 0,
  lost_offsets bigint not null default 0,
  lost_at timestamptz,
  run_id bigint,
  batch_number bigint,
  message_at timestamptz,
  moved_at timestamptz not null default now(),
  primary key (feed_id, topic, partition)
);
comment on table etl.feed_offset is 'how far each partition of a Kafka feed is loaded; an offset moves in the transaction that loads its messages';
comment on column etl.feed_offset.feed_id is 'the feed, etl.feed';
comment on column etl.feed_offset.topic is 'the topic';
comment on column etl.feed_offset.partition is 'the partition of the topic';
comment on column etl.feed_offset.next_offset is 'the offset after the last message that is loaded or rejected: where the feed continues';
comment on column etl.feed_offset.end_offset is 'the offset after the last message of the partition when it was last looked at; null if it never was';
comment on column etl.feed_offset.end_seen_at is 'when that was';
comment on column etl.feed_offset.messages is 'how many messages were read, rejected and repeated ones included';
comment on column etl.feed_offset.rejected is 'how many records of these messages were rejected, etl.rejected_record';
comment on column etl.feed_offset.lost_offsets is 'how many offsets the topic had deleted before they were read: messages that were not loaded, at most';
comment on column etl.feed_offset.lost_at is 'when that was last found out';
comment on column etl.feed_offset.run_id is 'the run that moved next_offset last, etl.load_run; null if it was set and nothing was loaded';
comment on column etl.feed_offset.batch_number is 'the number of its batch, etl.load_batch';
comment on column etl.feed_offset.message_at is 'the time that Kafka has of the last message';
comment on column etl.feed_offset.moved_at is 'when next_offset moved last';

create table etl.feed_file (
  file_id bigint primary key references etl.load_file (id) on delete cascade,
  feed_id integer not null references etl.feed (id) on delete cascade,
  size_bytes bigint not null default 0
);
create index feed_file_feed_id on etl.feed_file (feed_id);
comment on table etl.feed_file is 'the files that feeds of Kafka write: the messages of a source, one on each line, as they were loaded';
comment on column etl.feed_file.file_id is 'the file, etl.load_file';
comment on column etl.feed_file.feed_id is 'the feed, etl.feed';
comment on column etl.feed_file.size_bytes is 'how many of its bytes are loaded: what a process that died wrote behind them comes from Kafka again';

comment on column etl.feed.kind is 'what it fetches from: export (a FHIR server with Bulk Data $export), kafka (topics of Kafka)';
comment on column etl.load_run.command is 'the command that ran: run, once, retry, remap; update for updates that were stored when answered; kafka for messages of a Kafka feed';
