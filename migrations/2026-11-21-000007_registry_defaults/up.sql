-- New resources are copied into the registry: what all of them have alike
-- is given by the table.
alter table etl.resource_version
  alter column revision set default 1,
  alter column loaded_at set default now();
