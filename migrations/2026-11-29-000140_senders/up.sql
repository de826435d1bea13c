-- Senders push data over the network. Each has credentials of its own and reaches
-- one source.
create table etl.sender (
  id integer generated always as identity primary key,
  name text not null unique,
  source_id smallint not null references etl.source (id),
  scopes text[] not null,
  client_secret_hash text not null,
  personal_key bytea not null,
  access_key_id text not null unique,
  secret_access_key bytea not null,
  jwks_url text,
  jwks text,
  max_open_uploads integer not null,
  max_open_bytes bigint not null,
  created_at timestamptz not null default now(),
  rotated_at timestamptz,
  disabled_at timestamptz
);
comment on table etl.sender is 'the systems that may push data to fhirmill, with their credentials; see fhirmill senders';
comment on column etl.sender.id is 'the number of the sender';
comment on column etl.sender.name is 'its name, which is also its OAuth client_id and its userID';
comment on column etl.sender.source_id is 'the source whose data it pushes, etl.source; it reaches no other';
comment on column etl.sender.scopes is 'what it may do: push, update, status';
comment on column etl.sender.client_secret_hash is 'Argon2 hash of its OAuth client secret';
comment on column etl.sender.personal_key is 'its key for POST /api/authenticate, encrypted with the key in SECRETS_KEY_FILE';
comment on column etl.sender.access_key_id is 'the name of its S3 key';
comment on column etl.sender.secret_access_key is 'its S3 secret, encrypted with the key in SECRETS_KEY_FILE';
comment on column etl.sender.jwks_url is 'the https URL of its public keys, for SMART Backend Services';
comment on column etl.sender.jwks is 'its public keys as a JSON Web Key Set, for SMART Backend Services';
comment on column etl.sender.max_open_uploads is 'the most uploads that it may have open at once';
comment on column etl.sender.max_open_bytes is 'the most bytes that its open uploads may hold together';
comment on column etl.sender.created_at is 'when it was added';
comment on column etl.sender.rotated_at is 'when its secrets were last replaced';
comment on column etl.sender.disabled_at is 'when it was disabled; null while it may call';

create table etl.access_token (
  token_hash bytea primary key,
  sender_id integer not null references etl.sender (id) on delete cascade,
  scopes text[] not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index access_token_expires_at on etl.access_token (expires_at);
comment on table etl.access_token is 'the access tokens that were issued to senders and have not expired';
comment on column etl.access_token.token_hash is 'SHA-256 of the token; the token itself is not kept';
comment on column etl.access_token.sender_id is 'the sender, etl.sender';
comment on column etl.access_token.scopes is 'what the bearer may do, never more than the sender';
comment on column etl.access_token.created_at is 'when it was issued';
comment on column etl.access_token.expires_at is 'when it ends';

create table etl.used_proof (
  sender_id integer not null references etl.sender (id) on delete cascade,
  proof_hash bytea not null,
  expires_at timestamptz not null,
  primary key (sender_id, proof_hash)
);
create index used_proof_expires_at on etl.used_proof (expires_at);
comment on table etl.used_proof is 'proofs of identity that were accepted and must not be accepted again';
comment on column etl.used_proof.sender_id is 'the sender, etl.sender';
comment on column etl.used_proof.proof_hash is 'SHA-256 of what makes the proof unique: the jti of an assertion, or a signature';
comment on column etl.used_proof.expires_at is 'when the proof is no longer valid anyway, and the row can go';

create table etl.audit_event (
  id bigint generated always as identity primary key,
  occurred_at timestamptz not null default now(),
  request_id text not null,
  sender_id integer references etl.sender (id),
  action text not null,
  target text,
  client_address text not null,
  bytes bigint not null,
  status smallint not null
);
create index audit_event_occurred_at on etl.audit_event (occurred_at);
comment on table etl.audit_event is 'every call that was answered over the network: who, what, when, from where, how much, and with what outcome';
comment on column etl.audit_event.id is 'the number of the event';
comment on column etl.audit_event.occurred_at is 'when it was answered';
comment on column etl.audit_event.request_id is 'the X-Request-Id of the answer';
comment on column etl.audit_event.sender_id is 'the sender, etl.sender; null if nobody was authenticated';
comment on column etl.audit_event.action is 'the call: the method and the route, such as PUT /api/uploads/{id}/parts/{number}';
comment on column etl.audit_event.target is 'what it was about: the id of an upload or job, or the type of a resource; never a value of a patient';
comment on column etl.audit_event.client_address is 'the address that the call came from';
comment on column etl.audit_event.bytes is 'the bytes of the body that were received';
comment on column etl.audit_event.status is 'the HTTP status of the answer';
