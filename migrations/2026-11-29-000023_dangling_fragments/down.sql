create or replace view analytics.unresolved_reference as
select resource_type || '.' || element as element, target_type, reference, min(display) as display, count(*) as use_count,
       min(resource_id) as example_id
  from analytics.reference
 where target_id is null and reference is not null and left(reference, 1) <> '#'
 group by 1, 2, 3;
comment on view analytics.unresolved_reference is 'Which references lead nowhere? One row an element and reference whose target is not known: by a number that nobody, or more than one, bears, or by an address of somewhere else. References to what is contained in the record itself are left out';
