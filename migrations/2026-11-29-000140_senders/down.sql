drop table etl.audit_event;
drop table etl.used_proof;
drop table etl.access_token;
drop table etl.sender;
