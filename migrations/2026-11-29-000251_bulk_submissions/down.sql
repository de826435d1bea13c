drop table etl.bulk_manifest;
drop table etl.bulk_submission;
