with ranked as (
  select
    n.*,
    nullif(array_join(n.prefix, ' '), '') as prefixes,
    nullif(array_join(n.given, ' '), '') as given_names,
    nullif(array_join(n.suffix, ' '), '') as suffixes,
    row_number() over (
      partition by n.patient_id
      order by
        not IN_USE(n.use, n.period_start, n.period_end),
        nullif(array_position(array('usual', 'official', 'temp', 'nickname', 'anonymous', 'maiden', 'old'), n.use), 0)
          asc nulls last,
        n.period_start desc nulls last,
        n.ordinal
    ) as place
  from patient_name n
)
select
  c.patient_id, c.use, c.prefixes as prefix, try_element_at(c.given, 1) as first_name,
  nullif(array_join(slice(c.given, 2, greatest(size(c.given), 1)), ' '), '') as middle_name,
  c.family as last_name, c.suffixes as suffix,
  coalesce(c.text, nullif(concat_ws(' ', c.prefixes, c.given_names, c.family, c.suffixes), '')) as full_name,
  s.code as source
from ranked c
left join patient p on p.id = c.patient_id
left join etl_source s on s.id = p.source_id
where c.place = 1
