drop table etl.sink_request;
drop table etl.sink_refusal;
drop table etl.sink_resource;
drop table etl.sink_batch;
drop table etl.sink;
