-- One row a line of a pharmacy's explanation of benefits that stands.
select e.id::text as claim_id,
       row_number() over (partition by e.id order by l.level desc, l.line_ordinal)::integer as claim_line_number,
       e.patient_id::text as person_id,
       coalesce(k.subscriber_id, e.patient_id::text) as member_id,
       coalesce(f.payer_name, 'unknown') as payer,
       coalesce(k.plan_name, f.payer_name, 'unknown') as plan,
       w.npi as prescribing_provider_npi,
       o.npi as dispensing_provider_npi,
       l.service_date as dispensing_date,
       case when l.product_or_service_system = 'http://hl7.org/fhir/sid/ndc' then replace(l.product_or_service_code, '-', '') end as ndc_code,
       case when l.quantity between 0 and 1000000 then l.quantity::integer end as quantity,
       case when s.days between 0 and 3660 then s.days::integer end as days_supply,
       case when s.refill between 0 and 1000 then s.refill::integer end as refills,
       e.payment_date as paid_date,
       l.paid_amount::double precision as paid_amount, l.allowed_amount::double precision as allowed_amount, l.billed_amount::double precision as charge_amount,
       l.coinsurance_amount::double precision as coinsurance_amount, l.copayment_amount::double precision as copayment_amount,
       l.deductible_amount::double precision as deductible_amount,
       null::integer as in_network_flag, null::text as file_name, null::date as file_date, e.last_updated::timestamp as ingest_datetime,
       {{ sender('e.source_id') }} as data_source
  from {{ source('fhirmill', 'explanation_of_benefit') }} e
  join {{ source('analytics', 'eob_line') }} l on l.explanation_of_benefit_id = e.id
  join {{ source('analytics', 'claim_financials') }} f on f.explanation_of_benefit_id = e.id
  left join lateral (select c.subscriber_id, c.plan_name from {{ source('fhirmill', 'explanation_of_benefit_insurance') }} i
                       join {{ source('fhirmill', 'coverage') }} c on c.id = i.coverage_id
                      where i.explanation_of_benefit_id = e.id order by i.focal desc nulls last, i.ordinal limit 1) k on true
  left join {{ source('fhirmill', 'organization') }} o on o.id = e.provider_id
  left join lateral (select p.npi from {{ source('fhirmill', 'explanation_of_benefit_care_team') }} c
                       join {{ source('fhirmill', 'practitioner') }} p on p.id = c.provider_id
                      where c.explanation_of_benefit_id = e.id and c.role_code = 'prescribing' order by c.ordinal limit 1) w on true
  left join lateral (select max(s.value_quantity_value) filter (where s.category_code = 'dayssupply') as days,
                            max(s.value_quantity_value) filter (where s.category_code = 'refillnum') as refill
                       from {{ source('fhirmill', 'explanation_of_benefit_supporting_info') }} s
                      where s.explanation_of_benefit_id = e.id) s on true
 where e.status = 'active' and coalesce(e.use, 'claim') = 'claim' and e.claim_type = 'pharmacy'
