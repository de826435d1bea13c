drop table etl.view_origin;
