-- Records that RESOURCE_TYPES leaves out are counted by type and by the part of
-- the file that has them, so that they can be loaded from the archive later.
create table etl.skipped_range (
  file_id bigint not null references etl.load_file (id) on delete cascade,
  first_position bigint not null,
  resource_type text collate "C" not null,
  last_position bigint not null,
  records bigint not null,
  primary key (file_id, first_position, resource_type)
);
comment on table etl.skipped_range is 'records that were skipped because RESOURCE_TYPES leaves their type out, by part of a file; fhirmill remap --resource-type loads them from the archive';
comment on column etl.skipped_range.file_id is 'the file, etl.load_file';
comment on column etl.skipped_range.first_position is 'number of the part''s first record in the file';
comment on column etl.skipped_range.resource_type is 'FHIR type of the records';
comment on column etl.skipped_range.last_position is 'number of the part''s last record in the file';
comment on column etl.skipped_range.records is 'how many records of this type the part has';
