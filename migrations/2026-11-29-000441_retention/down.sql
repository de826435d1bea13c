alter table etl.source drop column pruned_file_id;
alter table etl.rejected_record drop column raw_removed_at;
