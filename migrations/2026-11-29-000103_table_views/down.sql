select etl.hide_tables();
drop function etl.hide_tables();
drop function etl.show_tables();
drop function etl.describe_view(text, oid, text);
