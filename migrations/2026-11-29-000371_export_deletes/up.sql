-- Manifests announce how many deletes a file has, or in how many Bundles they come.
alter table etl.export_file add column bundle_count bigint;
comment on column etl.export_file.bundle_count is 'of a file with deletes, how many Bundles they come in; seen_count is how many deletes they are';
comment on column etl.load_file.skipped is 'resources not wanted by the settings, entries without a resource, and header lines of exports';
