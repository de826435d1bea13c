{# The day of a time as the sender wrote it: by the sender's clock. #}
{% macro day(text) -%}
to_date(left({{ text }}, 10), 'YYYY-MM-DD')
{%- endmacro %}

{# The time as the sender wrote it, without its offset: by the sender's clock. #}
{% macro clock(text) -%}
({{ day(text) }} + coalesce(substring({{ text }} from '[Tt ]([0-9][0-9]:[0-9][0-9](?::[0-9][0-9])?)'), '00:00')::time)
{%- endmacro %}

{# The name of the sender: the folder of the inbox. #}
{% macro sender(source_id) -%}
(select sender.source from {{ source('analytics', 'source') }} sender where sender.source_id = {{ source_id }})
{%- endmacro %}

{# Text that fits a column of OMOP. #}
{% macro cut(text, length=50) -%}
left({{ text }}, {{ length }})::varchar({{ length }})
{%- endmacro %}

{# The standard concept of a code, by the vocabulary if one is loaded; else 0. #}
{% macro concept(system, code) -%}
{%- set vocabulary = var('omop_vocabulary_schema', '') -%}
{%- if vocabulary -%}
coalesce((select min(r.concept_id_2)
            from {{ vocabulary }}.concept c
            join {{ vocabulary }}.concept_relationship r on r.concept_id_1 = c.concept_id and r.relationship_id = 'Maps to' and r.invalid_reason is null
           where c.concept_code = {{ code }} and c.vocabulary_id = {{ vocabulary_id(system) }}), 0)::integer
{%- else -%}
0
{%- endif -%}
{%- endmacro %}

{# The concept of the code itself, whether standard or not; else 0. #}
{% macro source_concept(system, code) -%}
{%- set vocabulary = var('omop_vocabulary_schema', '') -%}
{%- if vocabulary -%}
coalesce((select min(c.concept_id) from {{ vocabulary }}.concept c
           where c.concept_code = {{ code }} and c.vocabulary_id = {{ vocabulary_id(system) }}), 0)::integer
{%- else -%}
0
{%- endif -%}
{%- endmacro %}

{# OHDSI's name of a terminology that FHIR names by its URI. #}
{% macro vocabulary_id(system) -%}
case {{ system }}
  when 'http://snomed.info/sct' then 'SNOMED'
  when 'http://loinc.org' then 'LOINC'
  when 'http://www.nlm.nih.gov/research/umls/rxnorm' then 'RxNorm'
  when 'http://hl7.org/fhir/sid/ndc' then 'NDC'
  when 'http://hl7.org/fhir/sid/cvx' then 'CVX'
  when 'http://hl7.org/fhir/sid/icd-10-cm' then 'ICD10CM'
  when 'http://hl7.org/fhir/sid/icd-9-cm' then 'ICD9CM'
  when 'http://www.ama-assn.org/go/cpt' then 'CPT4'
  when 'http://unitsofmeasure.org' then 'UCUM'
end
{%- endmacro %}

{# What Tuva calls a terminology. #}
{% macro tuva_code_system(system) -%}
case {{ system }}
  when 'http://snomed.info/sct' then 'snomed-ct'
  when 'http://loinc.org' then 'loinc'
  when 'http://www.nlm.nih.gov/research/umls/rxnorm' then 'rxnorm'
  when 'http://hl7.org/fhir/sid/ndc' then 'ndc'
  when 'http://hl7.org/fhir/sid/cvx' then 'cvx'
  when 'http://hl7.org/fhir/sid/icd-10-cm' then 'icd-10-cm'
  when 'http://hl7.org/fhir/sid/icd-9-cm' then 'icd-9-cm'
  when 'http://hl7.org/fhir/sid/icd-10-pcs' then 'icd-10-pcs'
  when 'http://www.cms.gov/Medicare/Coding/ICD10' then 'icd-10-pcs'
  when 'http://www.ama-assn.org/go/cpt' then 'hcpcs'
  else coalesce({{ system }}, 'unknown')
end
{%- endmacro %}
