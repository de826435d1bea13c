\pset footer off
\echo 'The most frequent conditions:'
select coalesce(code_display, code_text, code) as condition,
       count(distinct patient_id) as patients,
       count(*) as records,
       min(onset_start)::date as first_onset
from condition
group by 1
order by patients desc, records desc, condition
limit 10;
