-- References to contained resources have a key now: one without leads nowhere.
create or replace view analytics.unresolved_reference as
select resource_type || '.' || element as element, target_type, reference, min(display) as display, count(*) as use_count,
       min(resource_id) as example_id
  from analytics.reference
 where target_id is null and reference is not null
 group by 1, 2, 3;
comment on view analytics.unresolved_reference is 'Which references lead nowhere? One row an element and reference whose target is not known: by a number that nobody, or more than one, bears, or by an address of somewhere else, or by the id of a contained resource that is not there';
