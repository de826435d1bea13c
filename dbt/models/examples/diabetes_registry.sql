-- Who has diabetes, how is their latest hemoglobin A1c, and do they take their drugs?
{{ config(materialized='table') }}
with cohort as (
  -- People with several records count once.
  select distinct p.person_id as patient_id
    from {{ source('analytics', 'clinical_code') }} c
    join {{ source('analytics', 'patient_summary') }} p on p.patient_id = c.patient_id
   where c.resource_type = 'Condition' and c.code in ('E11.9', '44054006'))
select p.patient_id, p.source, p.full_name, p.age, a.practitioner,
       t.latest_date, t.latest_value as hemoglobin_a1c, t.latest_value > 9 as is_poorly_controlled,
       m.year as adherence_year, m.proportion_covered
  from cohort c
  join {{ source('analytics', 'patient_summary') }} p on p.patient_id = c.patient_id
  left join {{ source('analytics', 'patient_attribution') }} a on a.patient_id = c.patient_id
  left join {{ source('analytics', 'lab_trend') }} t on t.patient_id = c.patient_id and t.code = '4548-4' and t.unit = '%'
  left join lateral (select m.year, m.proportion_covered from {{ source('analytics', 'medication_adherence') }} m
                      where m.patient_id = c.patient_id and m.grouped_by = 'class' and m.code = 'oral diabetes drug'
                      order by m.year desc limit 1) m on true
