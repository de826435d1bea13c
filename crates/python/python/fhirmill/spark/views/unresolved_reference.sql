select
  r.resource_type || '.' || r.element as element, r.target_type, r.reference,
  min(r.display) as display, count(*) as use_count, r.source
from reference r
where r.target_id is null and r.reference is not null
group by r.resource_type || '.' || r.element, r.target_type, r.reference, r.source
