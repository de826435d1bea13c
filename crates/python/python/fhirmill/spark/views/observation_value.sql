select
  o.id as observation_id, o.fhir_id, 0 as component_ordinal, o.patient_id, o.encounter_id,
  o.effective_start as effective_time, LOCAL_DATE(o.effective_start_text) as effective_date,
  o.status, o.category_code, o.code_system, o.code, coalesce(o.code_text, o.code_display) as name,
  coalesce(o.value_quantity_value, cast(o.value_integer as decimal(38, 18))) as value_number,
  o.value_quantity_comparator as comparator,
  coalesce(o.value_quantity_unit, o.value_quantity_code) as unit,
  coalesce(
    o.value_codeable_concept_text, o.value_codeable_concept_display, o.value_codeable_concept_code,
    o.value_string, cast(o.value_boolean as string), o.value_time, o.value_start_text,
    o.value_ratio_numerator_value_text || ':' || o.value_ratio_denominator_value_text,
    o.value_range_low_value_text || ' - ' || o.value_range_high_value_text
  ) as value_text,
  o.value_codeable_concept_code as value_code, o.interpretation_code,
  o.reference_range_low_value as normal_low, o.reference_range_high_value as normal_high,
  s.code as source
from observation o
join etl_source s on s.id = o.source_id
where o.value_type is not null
union all
select
  o.id, o.fhir_id, c.ordinal, o.patient_id, o.encounter_id,
  o.effective_start, LOCAL_DATE(o.effective_start_text),
  o.status, o.category_code, c.code_system, c.code, coalesce(c.code_text, c.code_display),
  coalesce(c.value_quantity_value, cast(c.value_integer as decimal(38, 18))),
  c.value_quantity_comparator,
  coalesce(c.value_quantity_unit, c.value_quantity_code),
  coalesce(
    c.value_codeable_concept_text, c.value_codeable_concept_display, c.value_codeable_concept_code,
    c.value_string, cast(c.value_boolean as string), c.value_time, c.value_start_text,
    c.value_ratio_numerator_value_text || ':' || c.value_ratio_denominator_value_text,
    c.value_range_low_value_text || ' - ' || c.value_range_high_value_text
  ),
  c.value_codeable_concept_code, c.interpretation_code,
  c.reference_range_low_value, c.reference_range_high_value,
  s.code
from observation o
join etl_source s on s.id = o.source_id
join observation_component c on c.observation_id = o.id
where c.value_type is not null
