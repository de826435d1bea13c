{{ config(alias='observation_period') }}
-- From the first to the last record of a person: one period each.
select e.person_id as observation_period_id,
       e.person_id,
       min(e.day) as observation_period_start_date,
       max(e.day) as observation_period_end_date,
       32817 as period_type_concept_id
  from (select person_id, visit_start_date as day from {{ ref('omop_visit_occurrence') }}
        union all select person_id, visit_end_date from {{ ref('omop_visit_occurrence') }}
        union all select person_id, condition_start_date from {{ ref('omop_condition_occurrence') }}
        union all select person_id, drug_exposure_start_date from {{ ref('omop_drug_exposure') }}
        union all select person_id, procedure_date from {{ ref('omop_procedure_occurrence') }}
        union all select person_id, value_date from {{ ref('omop_value') }}) e
 group by e.person_id
