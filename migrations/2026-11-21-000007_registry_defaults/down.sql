alter table etl.resource_version
  alter column revision drop default,
  alter column loaded_at drop default;
