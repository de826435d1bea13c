with named as (
  select encounter_id, condition_id, rank from encounter_diagnosis
  union all
  select encounter_id, id, cast(null as int) from condition
), diagnosis as (
  select e.id as encounter_id, d.condition_id, min(d.rank) as rank
  from encounter e
  left join named d on d.encounter_id = e.id
  where e.container_id is null
  group by e.id, d.condition_id
), diagnosed as (
  select
    d.encounter_id,
    count(c.id) as diagnosis_count,
    -- Like Postgres' array_agg with an order; nulls are last in it.
    array_sort(collect_list(case when c.id is not null then struct(
      coalesce(d.rank, 2147483647) as rank,
      coalesce(c.onset_start, timestamp '9999-12-31 00:00:00') as onset,
      c.id as id,
      coalesce(c.code, '') as code,
      coalesce(c.code_text, c.code_display, c.code, '') as name
    ) end)) as found
  from diagnosis d
  left join condition c
    on c.id = d.condition_id
    and coalesce(c.verification_status, '') not in ('refuted', 'entered-in-error')
  group by d.encounter_id
), participant as (
  select
    x.*,
    row_number() over (
      partition by x.encounter_id
      order by x.type_code in ('PPRF', 'ATND') desc nulls last, x.ordinal
    ) as place
  from encounter_participant x
)
select
  d.encounter_id, e.fhir_id, e.patient_id, e.status, e.class_code,
  coalesce(e.type_text, e.type_display, e.type_code) as type,
  LOCAL_DATE(e.period_start_text) as encounter_date, e.period_start, e.period_end,
  cast(round((unix_micros(e.period_end) - unix_micros(e.period_start)) / 60000000) as int) as length_minutes,
  coalesce(o.name, e.service_provider_display) as facility,
  coalesce(
    p.name_text,
    nullif(concat_ws(' ', array_join(p.name_prefix, ' '), array_join(p.name_given, ' '), p.name_family), ''),
    x.individual_display
  ) as practitioner,
  coalesce(e.reason_code_text, e.reason_code_display, e.reason_code) as reason,
  case when d.diagnosis_count > 0 then transform(d.found, f -> f.code) end as diagnosis_codes,
  case when d.diagnosis_count > 0 then transform(d.found, f -> f.name) end as diagnoses,
  d.diagnosis_count, s.code as source,
  LOCAL_DATE(e.period_start_text) as period_start_date,
  LOCAL_DATE(e.period_end_text) as period_end_date,
  x.practitioner_id
from diagnosed d
join encounter e on e.id = d.encounter_id
join etl_source s on s.id = e.source_id
left join organization o on o.id = e.service_provider_id
left join participant x on x.encounter_id = d.encounter_id and x.place = 1
left join practitioner p on p.id = x.practitioner_id
