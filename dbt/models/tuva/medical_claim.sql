-- One row a line of an explanation of benefits that stands, pharmacies' left out.
-- Diagnoses are codes of ICD: those of the claim, or of the conditions it refers to.
select e.id::text as claim_id,
       row_number() over (partition by e.id order by l.level desc, l.line_ordinal)::integer as claim_line_number,
       case when e.claim_type in ('institutional', 'professional') then e.claim_type else 'undetermined' end as claim_type,
       e.patient_id::text as person_id,
       coalesce(k.subscriber_id, e.patient_id::text) as member_id,
       coalesce(f.payer_name, 'unknown') as payer,
       coalesce(k.plan_name, f.payer_name, 'unknown') as plan,
       coalesce({{ day('e.billable_period_start_text') }}, l.service_date) as claim_start_date,
       coalesce({{ day('e.billable_period_end_text') }}, {{ day('e.billable_period_start_text') }}, l.service_date) as claim_end_date,
       l.service_date as claim_line_start_date,
       l.service_date as claim_line_end_date,
       case when v.class_code in ('IMP', 'ACUTE', 'NONAC', 'inpatient') then {{ day('v.period_start_text') }} end as admission_date,
       case when v.class_code in ('IMP', 'ACUTE', 'NONAC', 'inpatient') then {{ day('v.period_end_text') }} end as discharge_date,
       v.admit_source_code, null::text as admit_type_code, v.discharge_disposition_code,
       case when e.claim_type = 'professional' then l.place_of_service_code end as place_of_service_code,
       b.code as bill_type_code, case when g.code is not null then 'ms-drg' end as drg_code_type, g.code as drg_code,
       case when e.claim_type = 'institutional' then l.revenue_code end as revenue_center_code,
       l.quantity as service_unit_quantity,
       case when l.product_or_service_system in ('http://www.ama-assn.org/go/cpt', 'https://bluebutton.cms.gov/resources/codesystem/hcpcs', 'http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets')
            then l.product_or_service_code end as hcpcs_code,
       l.modifier_codes[1] as hcpcs_modifier_1, l.modifier_codes[2] as hcpcs_modifier_2, l.modifier_codes[3] as hcpcs_modifier_3,
       l.modifier_codes[4] as hcpcs_modifier_4, l.modifier_codes[5] as hcpcs_modifier_5,
       t.npi as rendering_npi, null::text as rendering_tin, o.npi as billing_npi, null::text as billing_tin, o.npi as facility_npi,
       e.payment_date as paid_date,
       l.paid_amount::double precision as paid_amount, l.allowed_amount::double precision as allowed_amount, l.billed_amount::double precision as charge_amount,
       l.coinsurance_amount::double precision as coinsurance_amount, l.copayment_amount::double precision as copayment_amount,
       l.deductible_amount::double precision as deductible_amount,
       coalesce(l.allowed_amount, coalesce(l.paid_amount, 0) + coalesce(l.coinsurance_amount, 0) + coalesce(l.copayment_amount, 0) + coalesce(l.deductible_amount, 0))::double precision as total_cost_amount,
       case when d.codes is not null then 'icd-10-cm' end as diagnosis_code_type,
       {% for n in range(1, 26) -%}
       d.codes[{{ n }}] as diagnosis_code_{{ n }},
       {% endfor %}{% for n in range(1, 26) -%}
       d.on_admission[{{ n }}] as diagnosis_poa_{{ n }},
       {% endfor %}case when r.codes is not null then 'icd-10-pcs' end as procedure_code_type,
       {% for n in range(1, 26) -%}
       r.codes[{{ n }}] as procedure_code_{{ n }},
       {% endfor %}{% for n in range(1, 26) -%}
       r.days[{{ n }}] as procedure_date_{{ n }},
       {% endfor %}null::integer as in_network_flag, null::text as file_name, null::date as file_date, e.last_updated::timestamp as ingest_datetime,
       {{ sender('e.source_id') }} as data_source
  from {{ source('fhirmill', 'explanation_of_benefit') }} e
  join {{ source('analytics', 'eob_line') }} l on l.explanation_of_benefit_id = e.id
  join {{ source('analytics', 'claim_financials') }} f on f.explanation_of_benefit_id = e.id
  left join lateral (select c.subscriber_id, c.plan_name from {{ source('fhirmill', 'explanation_of_benefit_insurance') }} i
                       join {{ source('fhirmill', 'coverage') }} c on c.id = i.coverage_id
                      where i.explanation_of_benefit_id = e.id order by i.focal desc nulls last, i.ordinal limit 1) k on true
  left join {{ source('fhirmill', 'encounter') }} v on v.id = e.encounter_id
  left join {{ source('fhirmill', 'organization') }} o on o.id = e.provider_id
  left join lateral (select p.npi from {{ source('fhirmill', 'explanation_of_benefit_care_team') }} c
                       join {{ source('fhirmill', 'practitioner') }} p on p.id = c.provider_id
                      where c.explanation_of_benefit_id = e.id order by c.responsible desc nulls last, c.ordinal limit 1) t on true
  left join lateral (select s.code from {{ source('fhirmill', 'explanation_of_benefit_supporting_info') }} s
                      where s.explanation_of_benefit_id = e.id and s.category_code = 'typeofbill' order by s.ordinal limit 1) b on true
  left join lateral (select s.code from {{ source('fhirmill', 'explanation_of_benefit_supporting_info') }} s
                      where s.explanation_of_benefit_id = e.id and s.category_code = 'drg' order by s.ordinal limit 1) g on true
  left join lateral (
    select array_agg(x.code order by x.ordinal) as codes, array_agg(x.on_admission_code order by x.ordinal) as on_admission
      from (select d.ordinal, d.on_admission_code,
                   replace(coalesce(case when d.diagnosis_system like '%icd-10%' then d.diagnosis_code end,
                                    case when c.code_system like '%icd-10%' then c.code end,
                                    (select w.code from {{ source('fhirmill', 'resource_coding') }} w
                                      where w.resource_type = 'Condition' and w.resource_id = d.diagnosis_id and w.path = 'code'
                                        and w.system like '%icd-10%' order by w.ordinal limit 1)), '.', '') as code
              from {{ source('fhirmill', 'explanation_of_benefit_diagnosis') }} d
              left join {{ source('fhirmill', 'condition') }} c on c.id = d.diagnosis_id
             where d.explanation_of_benefit_id = e.id) x
     where x.code is not null) d on true
  left join lateral (
    select array_agg(x.procedure_code order by x.ordinal) as codes, array_agg({{ day('x.date_text') }} order by x.ordinal) as days
      from {{ source('fhirmill', 'explanation_of_benefit_procedure') }} x
     where x.explanation_of_benefit_id = e.id and x.procedure_code is not null
       and x.procedure_system in ('http://hl7.org/fhir/sid/icd-10-pcs', 'http://www.cms.gov/Medicare/Coding/ICD10')) r on true
 where e.status = 'active' and coalesce(e.use, 'claim') = 'claim' and coalesce(e.claim_type, '') <> 'pharmacy'
