-- A condition on a claim, its dates, encounter or patient, or a join with some
-- claims, reaches the tables: each view begins with the rows that it shows, and
-- adds up the amounts of each by primary key. That a line's measure is looked up
-- in a lateral subquery with offset 0 keeps the planner from repeating the look-up
-- in each of the aggregates. Names are looked up in the select list: with more than
-- eight tables in its joins (join_collapse_limit) the planner would add up all claims
-- before it joins them with what a query asks for. The views are replaced in place and only gain columns.

create or replace view analytics.eob_amount as
select c.explanation_of_benefit_id, c.ordinal, c.level, c.item_ordinal, m.measure, m.rank,
       c.amount_value as amount, c.amount_currency as currency, c.detail_ordinal, c.sub_detail_ordinal,
       s.code as source, e.patient_id
  from (select explanation_of_benefit_id, ordinal, level, item_ordinal, detail_ordinal, sub_detail_ordinal,
               category_system, category_code, category_alt_system, category_alt_code, category_other_codings, amount_value, amount_currency
          from explanation_of_benefit_adjudication
        union all
        select explanation_of_benefit_id, ordinal, 'total'::text, null::integer, null::integer, null::integer,
               category_system, category_code, category_alt_system, category_alt_code, category_other_codings, amount_value, amount_currency
          from explanation_of_benefit_total) c
  left join explanation_of_benefit e on e.id = c.explanation_of_benefit_id
  left join etl.source s on s.id = e.source_id
 cross join lateral (
        select case least(f.any_first -> 0, f.first -> 0, f.any_next -> 0, f.next -> 0, f.other -> 0)
                    when f.any_first -> 0 then f.any_first ->> 1
                    when f.first -> 0 then f.first ->> 1
                    when f.any_next -> 0 then f.any_next ->> 1
                    when f.next -> 0 then f.next ->> 1
                    else f.other ->> 1
               end as measure,
               least(f.any_first -> 0, f.first -> 0, f.any_next -> 0, f.next -> 0, f.other -> 0)::integer as rank
          from (select k.map -> ('*|' || split_part(c.category_code, '/', -1)) as any_first,
                       k.map -> (coalesce(c.category_system, 'http://terminology.hl7.org/CodeSystem/adjudication') || '|' || split_part(c.category_code, '/', -1)) as first,
                       k.map -> ('*|' || split_part(c.category_alt_code, '/', -1)) as any_next,
                       k.map -> (coalesce(c.category_alt_system, 'http://terminology.hl7.org/CodeSystem/adjudication') || '|' || split_part(c.category_alt_code, '/', -1)) as next,
                       case when c.category_other_codings is not null then
                       (select k.map -> o.key
                          from unnest(c.category_other_codings) with ordinality as t (coding, position)
                         cross join lateral (values
                                 ('*|' || split_part(split_part(t.coding, '|', -1), '/', -1)),
                                 (coalesce(nullif(split_part(t.coding, '|', 1), ''), 'http://terminology.hl7.org/CodeSystem/adjudication')
                                    || '|' || split_part(split_part(t.coding, '|', -1), '/', -1))) o (key)
                         where k.map ? o.key
                         order by k.map -> o.key -> 0, t.position limit 1) end as other
                  from (select (select jsonb_object_agg(m.system || '|' || m.code, jsonb_build_array(m.rank, m.measure))
                                  from etl.code_map m) as map offset 0) k
                offset 0) f
        offset 0) m
 where c.amount_value is not null;
comment on column analytics.eob_amount.source is 'who sent it: the folder of the inbox';
comment on column analytics.eob_amount.patient_id is 'key of the patient';

-- Of charge, allowed, paid and liability the adjudication of least rank counts: min()
-- of an array looks at its first member first. The others are added. Details count
-- where the line itself has no such amount.
create or replace view analytics.eob_line as
select e.id as explanation_of_benefit_id, i.ordinal as line_ordinal, i.sequence as line_number, e.fhir_id, e.patient_id,
       analytics.local_date(i.serviced) as service_date,
       i.product_or_service_system, i.product_or_service_code, i.service,
       i.modifier_codes, i.revenue_code, i.place_of_service_code, i.quantity, i.net_amount,
       case when not c.has_several_currencies then coalesce(a.charge_amount, d.charge_amount) end as charge_amount,
       case when not c.has_several_currencies then coalesce(a.allowed_amount, d.allowed_amount) end as allowed_amount,
       case when not c.has_several_currencies then coalesce(a.paid_amount, d.paid_amount) end as paid_amount,
       case when not c.has_several_currencies then coalesce(a.coinsurance_amount, d.coinsurance_amount) end as coinsurance_amount,
       case when not c.has_several_currencies then coalesce(a.copayment_amount, d.copayment_amount) end as copayment_amount,
       case when not c.has_several_currencies then coalesce(a.deductible_amount, d.deductible_amount) end as deductible_amount,
       case when not c.has_several_currencies then coalesce(a.noncovered_amount, d.noncovered_amount) end as noncovered_amount,
       case when not c.has_several_currencies then coalesce(a.discount_amount, d.discount_amount) end as discount_amount,
       case when not c.has_several_currencies then coalesce(a.patient_paid_amount, d.patient_paid_amount) end as patient_paid_amount,
       case when not c.has_several_currencies then coalesce(a.member_liability_amount, d.member_liability_amount) end as member_liability_amount,
       case when not c.has_several_currencies then coalesce(a.prior_payer_paid_amount, d.prior_payer_paid_amount) end as prior_payer_paid_amount,
       case when not c.has_several_currencies then coalesce(a.charge_amount, d.charge_amount, case when i.level = 'item' then i.net_amount end, n.amount) end as billed_amount,
       i.level,
       case when not c.has_several_currencies then coalesce(a.lowest_currency, i.net_currency, n.lowest_currency) end as currency,
       c.has_several_currencies,
       (select s.code from etl.source s where s.id = e.source_id) as source, e.encounter_id, e.claim_id, e.status, e.loaded_at
  from (select 'item'::text as level, i.explanation_of_benefit_id, i.ordinal, i.sequence, i.serviced_start_text as serviced,
               i.product_or_service_system, i.product_or_service_code,
               coalesce(i.product_or_service_text, i.product_or_service_display) as service,
               i.modifier_codes, i.revenue_code, i.location_code as place_of_service_code,
               i.quantity_value as quantity, i.net_value as net_amount, i.net_currency
          from explanation_of_benefit_item i
        union all
        select 'add_item', d.explanation_of_benefit_id, d.ordinal, null, d.serviced_start_text,
               d.product_or_service_system, d.product_or_service_code,
               coalesce(d.product_or_service_text, d.product_or_service_display),
               null, null, d.location_code, d.quantity_value, d.net_value, d.net_currency
          from explanation_of_benefit_add_item d) i
  join explanation_of_benefit e on e.id = i.explanation_of_benefit_id and e.container_id is null
  left join lateral (
          select (min(array[a.rank, a.ordinal, a.amount]) filter (where a.measure = 'charge_amount' and a.detail_ordinal is null))[3] as charge_amount,
                 (min(array[a.rank, a.ordinal, a.amount]) filter (where a.measure = 'allowed_amount' and a.detail_ordinal is null))[3] as allowed_amount,
                 (min(array[a.rank, a.ordinal, a.amount]) filter (where a.measure = 'paid_amount' and a.detail_ordinal is null))[3] as paid_amount,
                 sum(a.amount) filter (where a.measure = 'coinsurance_amount' and a.detail_ordinal is null) as coinsurance_amount,
                 sum(a.amount) filter (where a.measure = 'copayment_amount' and a.detail_ordinal is null) as copayment_amount,
                 sum(a.amount) filter (where a.measure = 'deductible_amount' and a.detail_ordinal is null) as deductible_amount,
                 sum(a.amount) filter (where a.measure = 'noncovered_amount' and a.detail_ordinal is null) as noncovered_amount,
                 sum(a.amount) filter (where a.measure = 'discount_amount' and a.detail_ordinal is null) as discount_amount,
                 sum(a.amount) filter (where a.measure = 'patient_paid_amount' and a.detail_ordinal is null) as patient_paid_amount,
                 (min(array[a.rank, a.ordinal, a.amount]) filter (where a.measure = 'member_liability_amount' and a.detail_ordinal is null))[3] as member_liability_amount,
                 sum(a.amount) filter (where a.measure = 'prior_payer_paid_amount' and a.detail_ordinal is null) as prior_payer_paid_amount,
                 min(a.currency) filter (where a.measure <> '-') as lowest_currency,
                 max(a.currency) filter (where a.measure <> '-') as highest_currency,
                 count(a.detail_ordinal) > 0 as has_details
            from analytics.eob_amount a
           where a.explanation_of_benefit_id = i.explanation_of_benefit_id and a.item_ordinal = i.ordinal
             and (a.level = 'add_item') = (i.level = 'add_item') and a.level not in ('header', 'total')) a on true
  left join lateral (
          select sum(d.amount) filter (where d.measure = 'charge_amount') as charge_amount,
                 sum(d.amount) filter (where d.measure = 'allowed_amount') as allowed_amount,
                 sum(d.amount) filter (where d.measure = 'paid_amount') as paid_amount,
                 sum(d.amount) filter (where d.measure = 'coinsurance_amount') as coinsurance_amount,
                 sum(d.amount) filter (where d.measure = 'copayment_amount') as copayment_amount,
                 sum(d.amount) filter (where d.measure = 'deductible_amount') as deductible_amount,
                 sum(d.amount) filter (where d.measure = 'noncovered_amount') as noncovered_amount,
                 sum(d.amount) filter (where d.measure = 'discount_amount') as discount_amount,
                 sum(d.amount) filter (where d.measure = 'patient_paid_amount') as patient_paid_amount,
                 sum(d.amount) filter (where d.measure = 'member_liability_amount') as member_liability_amount,
                 sum(d.amount) filter (where d.measure = 'prior_payer_paid_amount') as prior_payer_paid_amount
            from (select s.measure, coalesce(sum(s.amount) filter (where s.sub_detail_ordinal is null), sum(s.amount)) as amount
                    from (select a.detail_ordinal, a.sub_detail_ordinal, a.measure,
                                 case when a.measure in ('coinsurance_amount', 'copayment_amount', 'deductible_amount', 'noncovered_amount', 'discount_amount', 'patient_paid_amount', 'prior_payer_paid_amount')
                                      then sum(a.amount)
                                      else (min(array[a.rank, a.ordinal, a.amount]))[3]
                                 end as amount
                            from analytics.eob_amount a
                           where a.explanation_of_benefit_id = i.explanation_of_benefit_id and a.item_ordinal = i.ordinal
                             and (a.level = 'add_item') = (i.level = 'add_item') and a.level not in ('header', 'total')
                             and a.detail_ordinal is not null
                           group by a.detail_ordinal, a.sub_detail_ordinal, a.measure) s
                   group by s.detail_ordinal, s.measure) d
           where a.has_details) d on true
  left join lateral (
          select sum(t.amount) as amount, min(t.lowest_currency) as lowest_currency, max(t.highest_currency) as highest_currency
            from (select coalesce(sum(p.net_value) filter (where p.sub_detail_ordinal = 0), sum(p.net_value)) as amount,
                         min(p.net_currency) as lowest_currency, max(p.net_currency) as highest_currency
                    from explanation_of_benefit_item_detail p
                   where p.explanation_of_benefit_id = i.explanation_of_benefit_id and p.item_ordinal = i.ordinal
                     and i.level = 'item' and i.net_amount is null
                   group by p.detail_ordinal) t) n on true
 cross join lateral (
          select coalesce(least(a.lowest_currency, i.net_currency, n.lowest_currency)
                          <> greatest(a.highest_currency, i.net_currency, n.highest_currency), false) as has_several_currencies) c;
comment on column analytics.eob_line.source is 'who sent it: the folder of the inbox';
comment on column analytics.eob_line.encounter_id is 'key of the encounter that all lines of the EOB agree on';
comment on column analytics.eob_line.claim_id is 'key of the claim that the EOB answers';
comment on column analytics.eob_line.status is 'status of the EOB, active | cancelled | draft | entered-in-error: count active ones';
comment on column analytics.eob_line.loaded_at is 'when the EOB was written to the tables';

create or replace view analytics.claim_financials as
select e.id as explanation_of_benefit_id, e.fhir_id, e.patient_id, e.claim_id, e.encounter_id, e.claim_type,
       coalesce((select o.name from organization o where o.id = e.insurer_id), e.insurer_display,
                (select coalesce(c.payor_display_name, c.payor_display) from (
                   select o.name as payor_display_name, c.payor_display, i.focal, i.ordinal from explanation_of_benefit_insurance i
                   join coverage c on c.id = i.coverage_id
                   left join organization o on o.id = c.payor_id
                  where i.explanation_of_benefit_id = e.id) c
                  order by c.focal desc nulls last, c.ordinal limit 1),
                e.payer_name,
                (select i.coverage_display from explanation_of_benefit_insurance i
                  where i.explanation_of_benefit_id = e.id
                  order by i.focal desc nulls last, i.ordinal limit 1)) as payer_name,
       analytics.local_date(e.billable_period_start_text) as service_date,
       e.status, e.outcome, k.total_value as claim_total, t.submitted_amount, t.benefit_amount,
       case when not c.has_several_currencies then coalesce(l.charge_amount, h.charge_amount) end as charge_amount,
       case when not c.has_several_currencies then coalesce(l.allowed_amount, h.allowed_amount) end as allowed_amount,
       case when not c.has_several_currencies then coalesce(l.paid_amount, h.paid_amount) end as paid_amount,
       case when not c.has_several_currencies then coalesce(l.coinsurance_amount, h.coinsurance_amount) end as coinsurance_amount,
       case when not c.has_several_currencies then coalesce(l.copayment_amount, h.copayment_amount) end as copayment_amount,
       case when not c.has_several_currencies then coalesce(l.deductible_amount, h.deductible_amount) end as deductible_amount,
       case when not c.has_several_currencies then coalesce(l.noncovered_amount, h.noncovered_amount) end as noncovered_amount,
       case when not c.has_several_currencies then coalesce(l.patient_paid_amount, h.patient_paid_amount) end as patient_paid_amount,
       case when not c.has_several_currencies then coalesce(l.member_liability_amount, h.member_liability_amount) end as member_liability_amount,
       e.payment_amount_value as payment_amount, e.payment_date,
       case when not c.has_several_currencies then coalesce(c.lowest_currency, e.payment_amount_currency, k.total_currency) end as currency,
       l.line_count,
       case when c.has_several_currencies then null
            when l.line_count > 0 and l.billed_line_count = l.line_count then l.billed_by_line
            when h.charge_amount is not null then h.charge_amount
            when k.total_value is not null and coalesce(k.total_currency = c.lowest_currency, true) then k.total_value
            else l.billed_by_line
       end as billed_amount,
       c.has_several_currencies, e.payment_amount_currency as payment_currency, k.total_currency as claim_total_currency,
       (select s.code from etl.source s where s.id = e.source_id) as source, analytics.local_date(e.billable_period_end_text) as service_end_date,
       e.provider_id, coalesce((select p.npi from practitioner p where p.id = e.provider_id),
                               (select o.npi from organization o where o.id = e.provider_id), substring(e.provider_reference from 'us-npi[|]([0-9]{10})$')) as provider_npi, e.loaded_at
  from explanation_of_benefit e
  left join claim k on k.id = e.claim_id
  left join lateral (
          select sum(l.charge_amount) as charge_amount,
                 sum(l.allowed_amount) as allowed_amount,
                 sum(l.paid_amount) as paid_amount,
                 sum(l.coinsurance_amount) as coinsurance_amount,
                 sum(l.copayment_amount) as copayment_amount,
                 sum(l.deductible_amount) as deductible_amount,
                 sum(l.noncovered_amount) as noncovered_amount,
                 sum(l.patient_paid_amount) as patient_paid_amount,
                 sum(l.member_liability_amount) as member_liability_amount,
                 count(*) filter (where l.level = 'item') as line_count,
                 count(l.billed_amount) filter (where l.level = 'item') as billed_line_count,
                 sum(l.billed_amount) filter (where l.level = 'item') as billed_by_line,
                 min(l.currency) as lowest_currency, max(l.currency) as highest_currency,
                 bool_or(l.has_several_currencies) as has_several_currencies
            from analytics.eob_line l
           where l.explanation_of_benefit_id = e.id) l on true
  left join lateral (
          select coalesce((min(array[a.rank, a.ordinal, a.amount]) filter (where a.measure = 'charge_amount' and a.level = 'header'))[3],
                          (min(array[a.rank, a.ordinal, a.amount]) filter (where a.measure = 'charge_amount' and a.level = 'total'))[3]) as charge_amount,
                 coalesce((min(array[a.rank, a.ordinal, a.amount]) filter (where a.measure = 'allowed_amount' and a.level = 'header'))[3],
                          (min(array[a.rank, a.ordinal, a.amount]) filter (where a.measure = 'allowed_amount' and a.level = 'total'))[3]) as allowed_amount,
                 coalesce((min(array[a.rank, a.ordinal, a.amount]) filter (where a.measure = 'paid_amount' and a.level = 'header'))[3],
                          (min(array[a.rank, a.ordinal, a.amount]) filter (where a.measure = 'paid_amount' and a.level = 'total'))[3]) as paid_amount,
                 coalesce(sum(a.amount) filter (where a.measure = 'coinsurance_amount' and a.level = 'header'),
                          sum(a.amount) filter (where a.measure = 'coinsurance_amount' and a.level = 'total')) as coinsurance_amount,
                 coalesce(sum(a.amount) filter (where a.measure = 'copayment_amount' and a.level = 'header'),
                          sum(a.amount) filter (where a.measure = 'copayment_amount' and a.level = 'total')) as copayment_amount,
                 coalesce(sum(a.amount) filter (where a.measure = 'deductible_amount' and a.level = 'header'),
                          sum(a.amount) filter (where a.measure = 'deductible_amount' and a.level = 'total')) as deductible_amount,
                 coalesce(sum(a.amount) filter (where a.measure = 'noncovered_amount' and a.level = 'header'),
                          sum(a.amount) filter (where a.measure = 'noncovered_amount' and a.level = 'total')) as noncovered_amount,
                 coalesce(sum(a.amount) filter (where a.measure = 'patient_paid_amount' and a.level = 'header'),
                          sum(a.amount) filter (where a.measure = 'patient_paid_amount' and a.level = 'total')) as patient_paid_amount,
                 coalesce((min(array[a.rank, a.ordinal, a.amount]) filter (where a.measure = 'member_liability_amount' and a.level = 'header'))[3],
                          (min(array[a.rank, a.ordinal, a.amount]) filter (where a.measure = 'member_liability_amount' and a.level = 'total'))[3]) as member_liability_amount,
                 min(a.currency) filter (where a.measure <> '-') as lowest_currency,
                 max(a.currency) filter (where a.measure <> '-') as highest_currency
            from analytics.eob_amount a
           where a.explanation_of_benefit_id = e.id and a.level in ('header', 'total')) h on true
 cross join lateral (
          select least(l.lowest_currency, h.lowest_currency) as lowest_currency,
                 coalesce(l.has_several_currencies, false)
                   or coalesce(least(l.lowest_currency, h.lowest_currency) <> greatest(l.highest_currency, h.highest_currency), false) as has_several_currencies) c
  left join lateral (select case when min(u.amount_currency) filter (where u.is_submitted) is not distinct from max(u.amount_currency) filter (where u.is_submitted)
                                 then max(u.amount_value) filter (where u.is_submitted) end as submitted_amount,
                            case when min(u.amount_currency) filter (where u.is_benefit) is not distinct from max(u.amount_currency) filter (where u.is_benefit)
                                 then max(u.amount_value) filter (where u.is_benefit) end as benefit_amount
                       from (select t.amount_value, t.amount_currency,
                                    coalesce('submitted' in (t.category_code, t.category_alt_code), false)
                                      or exists (select from unnest(t.category_other_codings) c where split_part(c, '|', -1) = 'submitted') as is_submitted,
                                    coalesce('benefit' in (t.category_code, t.category_alt_code), false)
                                      or exists (select from unnest(t.category_other_codings) c where split_part(c, '|', -1) = 'benefit') as is_benefit
                               from explanation_of_benefit_total t where t.explanation_of_benefit_id = e.id) u) t on true
 where e.container_id is null;
comment on column analytics.claim_financials.source is 'who sent it: the folder of the inbox';
comment on column analytics.claim_financials.service_end_date is 'last day of the billed period on the sender''s clock';
comment on column analytics.claim_financials.provider_id is 'key of the practitioner or organization that provided the services; null if never delivered or not resolved';
comment on column analytics.claim_financials.provider_npi is 'National Provider Identifier of the provider, from its record, else from a reference by that number';
comment on column analytics.claim_financials.loaded_at is 'when the EOB was written to the tables';

do $migration$
begin
  if exists (select from pg_roles where rolname = 'analyst') then
    grant select on all tables in schema analytics to analyst;
  end if;
end $migration$;
