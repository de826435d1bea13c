-- The columns that were filled go with the migration that added them.
select 1;
