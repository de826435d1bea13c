with ranked as (
  select
    a.*,
    row_number() over (
      partition by a.patient_id
      order by
        nullif(array_position(array('home', 'temp', 'work', 'billing'), a.use), 0) asc nulls last,
        a.type <=> 'postal',
        a.period_start desc nulls last,
        a.ordinal
    ) as place
  from patient_address a
  where IN_USE(a.use, a.period_start, a.period_end)
)
select
  c.patient_id, c.use, c.type, nullif(array_join(c.line, ', '), '') as street,
  c.city, c.district, c.state, c.postal_code, c.country, c.latitude, c.longitude,
  c.period_start, c.period_end, s.code as source,
  LOCAL_DATE(c.period_start_text) as period_start_date,
  LOCAL_DATE(c.period_end_text) as period_end_date
from ranked c
left join patient p on p.id = c.patient_id
left join etl_source s on s.id = p.source_id
where c.place = 1
