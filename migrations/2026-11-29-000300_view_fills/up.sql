-- How far the filling of a view has come: whoever goes on with it begins there.
alter table etl.view_definition
  add column total_resources bigint not null default 0,
  add column until_file_id bigint not null default 0,
  add column filled_file_id bigint not null default 0,
  add column filled_position bigint not null default 0,
  add column problem text;
comment on column etl.view_definition.resources is 'how many resources were read from the archive so far to fill it';
comment on column etl.view_definition.total_resources is 'how many resources the archive had for it when its filling last began or went on';
comment on column etl.view_definition.until_file_id is 'the last file in the ledger when this version was applied; resources of later files are written into its table as they are loaded';
comment on column etl.view_definition.filled_file_id is 'the archived file (etl.load_file) that its filling has come to; 0 before the first';
comment on column etl.view_definition.filled_position is 'the position in that file up to which resources are filled';
comment on column etl.view_definition.problem is 'why the table cannot be completed; null if nothing is wrong';

create table etl.view_backlog (
  name text not null,
  version integer not null,
  resource_id bigint not null,
  primary key (name, version, resource_id)
);
comment on table etl.view_backlog is 'resources that are still to be filled into a view although its filling has passed their place: their version has moved to another file, or the archived file could not be read';
comment on column etl.view_backlog.name is 'the name of the view';
comment on column etl.view_backlog.version is 'the version of the view';
comment on column etl.view_backlog.resource_id is 'the key of the resource (etl.resource)';
