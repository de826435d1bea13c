alter table etl.export_file drop column bundle_count;
comment on column etl.load_file.skipped is 'resources not wanted by the settings, and entries without a resource';
