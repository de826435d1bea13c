with dosage as (
  select
    d.*,
    row_number() over (partition by d.medication_request_id order by d.ordinal) as place,
    count(*) over (partition by d.medication_request_id) as dosage_count
  from medication_request_dosage d
)
select
  m.id as medication_request_id, m.fhir_id, m.patient_id, m.encounter_id, m.status, m.intent,
  coalesce(
    m.medication_text, m.medication_display, k.code_text, k.code_display, m.medication_code, k.code
  ) as medication,
  case when m.medication_code is null then k.code_system else m.medication_system end as code_system,
  coalesce(m.medication_code, k.code) as code,
  m.authored_on, LOCAL_DATE(m.authored_on_text) as authored_date,
  d.text as dosage,
  coalesce(d.dose_quantity_value, d.dose_range_low_value) as dose,
  coalesce(d.dose_quantity_unit, d.dose_quantity_code, d.dose_range_unit) as dose_unit,
  d.timing_frequency as times, d.timing_period as per, d.timing_period_unit as per_unit,
  case when d.ordinal is not null then coalesce(
    d.as_needed_boolean,
    d.as_needed_codeable_concept_code is not null or d.as_needed_codeable_concept_display is not null
  ) end as is_as_needed,
  coalesce(d.dosage_count, 0) as dosage_count,
  coalesce(
    m.requester_display,
    p.name_text,
    nullif(concat_ws(' ', array_join(p.name_prefix, ' '), array_join(p.name_given, ' '), p.name_family), '')
  ) as prescriber,
  coalesce(m.reason_code_text, m.reason_code_display) as reason,
  s.code as source,
  LOCAL_DATE(m.authored_on_text) as authored_on_date,
  p.id as prescriber_id
from medication_request m
join etl_source s on s.id = m.source_id
left join medication k on k.id = m.medication_id
left join practitioner p on p.id = m.requester_id
left join dosage d on d.medication_request_id = m.id and d.place = 1
