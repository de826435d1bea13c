drop table etl.snapshot;
