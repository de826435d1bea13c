-- How many visits does each facility have a month, of which kind?
select v.source, v.facility, v.class_code, date_trunc('month', v.encounter_date)::date as month,
       count(*) as visits, count(distinct v.patient_id) as patients
  from (select e.facility, e.class_code, e.encounter_date, e.patient_id, {{ sender('b.source_id') }} as source
          from {{ source('analytics', 'encounter_with_diagnoses') }} e
          join {{ source('fhirmill', 'encounter') }} b on b.id = e.encounter_id) v
 where v.encounter_date is not null
 group by 1, 2, 3, 4
