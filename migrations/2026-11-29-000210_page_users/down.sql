alter table etl.audit_event drop column user_id;
drop table etl.login_failure;
drop table etl.page_session;
drop table etl.page_user;
