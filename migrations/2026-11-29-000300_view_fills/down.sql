drop table etl.view_backlog;
alter table etl.view_definition
  drop column total_resources,
  drop column until_file_id,
  drop column filled_file_id,
  drop column filled_position,
  drop column problem;
comment on column etl.view_definition.resources is 'how many resources were read from the archive to fill it';
