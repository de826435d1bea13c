drop table etl.service;
