select n.system, n.code, n.name, n.record_count, n.name_count
from (
  select
    c.system, c.code, c.display as name,
    sum(count(*)) over (partition by c.system, c.code) as record_count,
    count(c.display) over (partition by c.system, c.code) as name_count,
    row_number() over (
      partition by c.system, c.code order by c.display is null, count(*) desc, c.display
    ) as place
  from clinical_code c
  group by c.system, c.code, c.display
) n
where n.place = 1
