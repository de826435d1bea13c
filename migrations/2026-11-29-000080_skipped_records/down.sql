drop table etl.skipped_range;
