-- The roles whose members read this database, and the database that they were chosen for: a copy or a
-- restored dump of this database notices that it is another one, and gets readers of its own.
create table etl.reading_role (
  kind text primary key,
  role text not null,
  place text not null,
  noted_at timestamptz not null default now()
);
comment on table etl.reading_role is 'the roles whose members may read this database or its de-identified copy, and the database that they were chosen for';
comment on column etl.reading_role.kind is 'analyst for those who read the tables, researcher for those who read the de-identified copy';
comment on column etl.reading_role.role is 'the role: the same name, or with the name of the database behind it';
comment on column etl.reading_role.place is 'the database that it was chosen for: the identifier of the cluster, and the number of the database in it';
comment on column etl.reading_role.noted_at is 'when it was chosen';
