alter table etl.load_file drop column move_error;
