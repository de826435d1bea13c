-- What somebody is to be told, and by which way.
create table etl.notification_channel (
  channel text primary key,
  begun_at timestamptz not null default now()
);
comment on table etl.notification_channel is 'ways by which notifications go: webhook, command';
comment on column etl.notification_channel.channel is 'webhook or command';
comment on column etl.notification_channel.begun_at is 'when it was first used: what happened before is not told';

create table etl.notification (
  id bigint generated always as identity primary key,
  channel text not null references etl.notification_channel (channel) on delete cascade,
  event text not null,
  subject text not null,
  occurred_at timestamptz not null,
  data jsonb not null,
  noted_at timestamptz not null default now(),
  retry_at timestamptz not null default now(),
  attempts integer not null default 0,
  error text,
  sent_at timestamptz,
  given_up_at timestamptz,
  unique (channel, event, subject)
);
create index notification_waiting on etl.notification (channel, id) where sent_at is null and given_up_at is null;
comment on table etl.notification is 'what somebody is told: failed and rejected files, rejected records, silent sources; one row for each way, kept for 30 days';
comment on column etl.notification.id is 'the number of the notification, which the receiver gets, too';
comment on column etl.notification.channel is 'the way by which it goes, etl.notification_channel';
comment on column etl.notification.event is 'file.failed, file.rejected, records.rejected or source.silent';
comment on column etl.notification.subject is 'the file, or the source and since when it is silent';
comment on column etl.notification.occurred_at is 'when it happened';
comment on column etl.notification.data is 'what is told: numbers, counts and the source, but no value of a patient and no name of a file';
comment on column etl.notification.noted_at is 'when it was noted';
comment on column etl.notification.retry_at is 'when it is sent next, unless it has arrived';
comment on column etl.notification.attempts is 'how often it was sent';
comment on column etl.notification.error is 'why it did not arrive the last time';
comment on column etl.notification.sent_at is 'when it arrived';
comment on column etl.notification.given_up_at is 'when it was given up, after 24 hours';
