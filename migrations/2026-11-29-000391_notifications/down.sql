drop table etl.notification;
drop table etl.notification_channel;
