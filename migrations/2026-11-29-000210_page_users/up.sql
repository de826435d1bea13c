-- Who may sign in to the operator's page, and who has.
create table etl.page_user (
  id integer generated always as identity primary key,
  name text not null unique,
  role text not null check (role in ('operator', 'viewer')),
  password_hash text not null,
  created_at timestamptz not null default now(),
  password_changed_at timestamptz not null default now(),
  last_login_at timestamptz,
  disabled_at timestamptz
);
comment on table etl.page_user is 'the people who may sign in to the operator''s page; see fhirmill users';
comment on column etl.page_user.id is 'the number of the user';
comment on column etl.page_user.name is 'the name to sign in with';
comment on column etl.page_user.role is 'what the user may do: an operator may also read raw records, retry and dismiss; a viewer sees no values of patients and changes nothing';
comment on column etl.page_user.password_hash is 'Argon2 hash of the password';
comment on column etl.page_user.created_at is 'when the user was added';
comment on column etl.page_user.password_changed_at is 'when the password was last set';
comment on column etl.page_user.last_login_at is 'when the user last signed in';
comment on column etl.page_user.disabled_at is 'when the user was disabled; null while the user may sign in';

create table etl.page_session (
  token_hash bytea primary key,
  user_id integer not null references etl.page_user (id) on delete cascade,
  client_address text not null,
  created_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index page_session_user_id on etl.page_session (user_id);
comment on table etl.page_session is 'the sessions of users who are signed in to the operator''s page';
comment on column etl.page_session.token_hash is 'SHA-256 of the word in the cookie; the word itself is not kept';
comment on column etl.page_session.user_id is 'the user, etl.page_user';
comment on column etl.page_session.client_address is 'the address that the user signed in from';
comment on column etl.page_session.created_at is 'when the user signed in';
comment on column etl.page_session.last_seen_at is 'when the session was last used, within half a minute; it ends when it is idle for too long';
comment on column etl.page_session.expires_at is 'when it ends, however much it is used';

create table etl.login_failure (
  subject bytea primary key,
  failures integer not null,
  last_at timestamptz not null default now(),
  locked_until timestamptz
);
create index login_failure_last_at on etl.login_failure (last_at);
comment on table etl.login_failure is 'failed attempts to sign in to the operator''s page, by which further ones are refused for a while; at most 10,000 rows, and none for long';
comment on column etl.login_failure.subject is 'SHA-256 of what is counted: a name, an address, or a name from an address';
comment on column etl.login_failure.failures is 'how many attempts have failed in a row';
comment on column etl.login_failure.last_at is 'when the last one failed';
comment on column etl.login_failure.locked_until is 'until when further attempts are refused; null if they are not';

alter table etl.audit_event add column user_id integer references etl.page_user (id);
comment on column etl.audit_event.user_id is 'the user of the operator''s page, etl.page_user; null for calls of senders and of nobody';
