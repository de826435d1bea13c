drop view analytics.claim_financials;
drop view analytics.eob_line;
drop view analytics.eob_amount;
delete from etl.code_map where system = '*' and code = 'rev_cntr_rdcd_coinsrnc_amt' and measure = '-' and rank = 1;

create view analytics.eob_amount as
select a.explanation_of_benefit_id, a.ordinal, a.level, a.item_ordinal,
       case least(any_first.rank, first.rank, any_next.rank, next.rank)
            when any_first.rank then any_first.measure
            when first.rank then first.measure
            when any_next.rank then any_next.measure
            else next.measure
       end as measure,
       least(any_first.rank, first.rank, any_next.rank, next.rank) as rank,
       a.amount_value as amount, a.amount_currency as currency
  from explanation_of_benefit_adjudication a
  left join etl.code_map any_first on any_first.system = '*' and any_first.code = split_part(a.category_code, '/', -1)
  left join etl.code_map first on first.system = a.category_system and first.code = split_part(a.category_code, '/', -1)
  left join etl.code_map any_next on any_next.system = '*' and any_next.code = split_part(a.category_alt_code, '/', -1)
  left join etl.code_map next on next.system = a.category_alt_system and next.code = split_part(a.category_alt_code, '/', -1)
 where a.amount_value is not null;
comment on view analytics.eob_amount is 'What does each amount of an EOB count as? One row an adjudication with an amount, and the measure that etl.code_map gives to its categories';
comment on column analytics.eob_amount.explanation_of_benefit_id is 'key of the EOB';
comment on column analytics.eob_amount.ordinal is 'number of the adjudication in explanation_of_benefit_adjudication';
comment on column analytics.eob_amount.level is 'where it stands: header, item, detail, sub_detail, add_item';
comment on column analytics.eob_amount.item_ordinal is 'number of the line, as in explanation_of_benefit_item; null on the header';
comment on column analytics.eob_amount.measure is 'what it counts as; - not to be counted; null if etl.code_map does not know the category';
comment on column analytics.eob_amount.rank is 'of the amounts of one line and measure that with the lowest rank counts';
comment on column analytics.eob_amount.amount is 'the amount';
comment on column analytics.eob_amount.currency is 'its currency';

create view analytics.eob_line as
select i.explanation_of_benefit_id, i.ordinal as line_ordinal, i.sequence as line_number, e.fhir_id, e.patient_id,
       to_date(left(i.serviced_start_text, 10), 'YYYY-MM-DD') as service_date,
       i.product_or_service_system, i.product_or_service_code,
       coalesce(i.product_or_service_text, i.product_or_service_display) as service,
       i.modifier_codes, i.revenue_code, i.location_code as place_of_service_code,
       i.quantity_value as quantity, i.net_value as net_amount,
       (min(array[a.rank, a.ordinal, a.amount]) filter (where a.measure = 'charge_amount'))[3] as charge_amount,
       (min(array[a.rank, a.ordinal, a.amount]) filter (where a.measure = 'allowed_amount'))[3] as allowed_amount,
       (min(array[a.rank, a.ordinal, a.amount]) filter (where a.measure = 'paid_amount'))[3] as paid_amount,
       (min(array[a.rank, a.ordinal, a.amount]) filter (where a.measure = 'coinsurance_amount'))[3] as coinsurance_amount,
       (min(array[a.rank, a.ordinal, a.amount]) filter (where a.measure = 'copayment_amount'))[3] as copayment_amount,
       (min(array[a.rank, a.ordinal, a.amount]) filter (where a.measure = 'deductible_amount'))[3] as deductible_amount,
       (min(array[a.rank, a.ordinal, a.amount]) filter (where a.measure = 'noncovered_amount'))[3] as noncovered_amount,
       (min(array[a.rank, a.ordinal, a.amount]) filter (where a.measure = 'discount_amount'))[3] as discount_amount,
       (min(array[a.rank, a.ordinal, a.amount]) filter (where a.measure = 'patient_paid_amount'))[3] as patient_paid_amount,
       (min(array[a.rank, a.ordinal, a.amount]) filter (where a.measure = 'member_liability_amount'))[3] as member_liability_amount,
       (min(array[a.rank, a.ordinal, a.amount]) filter (where a.measure = 'prior_payer_paid_amount'))[3] as prior_payer_paid_amount
  from explanation_of_benefit e
  join explanation_of_benefit_item i on i.explanation_of_benefit_id = e.id
  left join analytics.eob_amount a
    on a.explanation_of_benefit_id = i.explanation_of_benefit_id and a.item_ordinal = i.ordinal and a.level = 'item'
 group by e.id, i.explanation_of_benefit_id, i.ordinal;
comment on view analytics.eob_line is 'What was billed, allowed and paid for each service? One row a line of an EOB, its amounts side by side; etl.code_map says which adjudication is which amount, and at most one counts for a line and amount';
comment on column analytics.eob_line.explanation_of_benefit_id is 'key of the EOB';
comment on column analytics.eob_line.line_ordinal is 'number of the line in document order';
comment on column analytics.eob_line.line_number is 'sequence: the number that the sender gave the line; may repeat or skip';
comment on column analytics.eob_line.fhir_id is 'FHIR id of the EOB';
comment on column analytics.eob_line.patient_id is 'key of the patient';
comment on column analytics.eob_line.service_date is 'first day of the service by the sender''s clock';
comment on column analytics.eob_line.product_or_service_system is 'system of the service''s code';
comment on column analytics.eob_line.product_or_service_code is 'code of the service or product';
comment on column analytics.eob_line.service is 'name of the service or product';
comment on column analytics.eob_line.modifier_codes is 'modifiers of the code, in order';
comment on column analytics.eob_line.revenue_code is 'revenue centre';
comment on column analytics.eob_line.place_of_service_code is 'kind of place';
comment on column analytics.eob_line.quantity is 'units';
comment on column analytics.eob_line.net_amount is 'price of the line as the sender states it';
comment on column analytics.eob_line.charge_amount is 'what the provider billed';
comment on column analytics.eob_line.allowed_amount is 'what the payer allows for it';
comment on column analytics.eob_line.paid_amount is 'what the payer paid';
comment on column analytics.eob_line.coinsurance_amount is 'the patient''s share in per cent, as an amount';
comment on column analytics.eob_line.copayment_amount is 'the patient''s fixed share';
comment on column analytics.eob_line.deductible_amount is 'what the patient pays before the payer does';
comment on column analytics.eob_line.noncovered_amount is 'what the plan does not cover';
comment on column analytics.eob_line.discount_amount is 'discount';
comment on column analytics.eob_line.patient_paid_amount is 'what the patient has paid';
comment on column analytics.eob_line.member_liability_amount is 'what the patient owes';
comment on column analytics.eob_line.prior_payer_paid_amount is 'what another payer paid before';

create view analytics.claim_financials as
with picked as (
  -- One amount a line and measure; line 0 is the header.
  select e.id as explanation_of_benefit_id, e.patient_id, coalesce(a.item_ordinal, 0) as line, a.measure,
         (min(array[a.rank, a.ordinal, a.amount]))[3] as amount
    from explanation_of_benefit e
    left join analytics.eob_amount a on a.explanation_of_benefit_id = e.id and a.level in ('item', 'header')
   group by e.id, coalesce(a.item_ordinal, 0), a.measure),
summed as (
  select p.explanation_of_benefit_id, p.patient_id,
         coalesce(sum(p.amount) filter (where p.measure = 'charge_amount' and p.line > 0), sum(p.amount) filter (where p.measure = 'charge_amount')) as charge_amount,
         coalesce(sum(p.amount) filter (where p.measure = 'allowed_amount' and p.line > 0), sum(p.amount) filter (where p.measure = 'allowed_amount')) as allowed_amount,
         coalesce(sum(p.amount) filter (where p.measure = 'paid_amount' and p.line > 0), sum(p.amount) filter (where p.measure = 'paid_amount')) as paid_amount,
         coalesce(sum(p.amount) filter (where p.measure = 'coinsurance_amount' and p.line > 0), sum(p.amount) filter (where p.measure = 'coinsurance_amount')) as coinsurance_amount,
         coalesce(sum(p.amount) filter (where p.measure = 'copayment_amount' and p.line > 0), sum(p.amount) filter (where p.measure = 'copayment_amount')) as copayment_amount,
         coalesce(sum(p.amount) filter (where p.measure = 'deductible_amount' and p.line > 0), sum(p.amount) filter (where p.measure = 'deductible_amount')) as deductible_amount,
         coalesce(sum(p.amount) filter (where p.measure = 'noncovered_amount' and p.line > 0), sum(p.amount) filter (where p.measure = 'noncovered_amount')) as noncovered_amount,
         coalesce(sum(p.amount) filter (where p.measure = 'patient_paid_amount' and p.line > 0), sum(p.amount) filter (where p.measure = 'patient_paid_amount')) as patient_paid_amount,
         coalesce(sum(p.amount) filter (where p.measure = 'member_liability_amount' and p.line > 0), sum(p.amount) filter (where p.measure = 'member_liability_amount')) as member_liability_amount
    from picked p
   group by p.explanation_of_benefit_id, p.patient_id)
select s.explanation_of_benefit_id, e.fhir_id, s.patient_id, e.claim_id, e.encounter_id, e.claim_type,
       coalesce(e.insurer_display, insurer.name, e.payer_name,
                (select coalesce(c.payor_display, o.name) from explanation_of_benefit_insurance i
                   join coverage c on c.id = i.coverage_id
                   left join organization o on o.id = c.payor_id
                  where i.explanation_of_benefit_id = e.id
                  order by i.focal desc nulls last, i.ordinal limit 1),
                (select i.coverage_display from explanation_of_benefit_insurance i
                  where i.explanation_of_benefit_id = e.id
                  order by i.focal desc nulls last, i.ordinal limit 1)) as payer_name,
       to_date(left(e.billable_period_start_text, 10), 'YYYY-MM-DD') as service_date,
       e.status, e.outcome, k.total_value as claim_total, t.submitted_amount, t.benefit_amount,
       s.charge_amount, s.allowed_amount, s.paid_amount, s.coinsurance_amount, s.copayment_amount,
       s.deductible_amount, s.noncovered_amount, s.patient_paid_amount, s.member_liability_amount,
       e.payment_amount_value as payment_amount, e.payment_date,
       coalesce(e.payment_amount_currency, t.currency, k.total_currency) as currency,
       l.line_count
  from summed s
  join explanation_of_benefit e on e.id = s.explanation_of_benefit_id
  left join organization insurer on insurer.id = e.insurer_id
  left join claim k on k.id = e.claim_id
  left join lateral (select max(t.amount_value) filter (where 'submitted' in (t.category_code, t.category_alt_code)) as submitted_amount,
                            max(t.amount_value) filter (where 'benefit' in (t.category_code, t.category_alt_code)) as benefit_amount,
                            min(t.amount_currency) as currency
                       from explanation_of_benefit_total t where t.explanation_of_benefit_id = e.id) t on true
  left join lateral (select count(*) as line_count from explanation_of_benefit_item i where i.explanation_of_benefit_id = e.id) l on true;
comment on view analytics.claim_financials is 'What did each claim cost, who paid, and what was left to the patient? One row an EOB: the sums of its lines (see eob_line), or the header''s amount where no line has one';
comment on column analytics.claim_financials.explanation_of_benefit_id is 'key of the EOB';
comment on column analytics.claim_financials.fhir_id is 'FHIR id of the EOB';
comment on column analytics.claim_financials.patient_id is 'key of the patient';
comment on column analytics.claim_financials.claim_id is 'key of the claim that the EOB answers';
comment on column analytics.claim_financials.encounter_id is 'key of the encounter that all lines agree on';
comment on column analytics.claim_financials.claim_type is 'institutional, professional, pharmacy, oral, vision';
comment on column analytics.claim_financials.payer_name is 'insurer''s display or name, else the payer of the contained or focal coverage';
comment on column analytics.claim_financials.service_date is 'first day of the billed period by the sender''s clock';
comment on column analytics.claim_financials.status is 'active | cancelled | draft | entered-in-error: count active ones';
comment on column analytics.claim_financials.outcome is 'queued | complete | error | partial';
comment on column analytics.claim_financials.claim_total is 'total of the claim as the provider sent it';
comment on column analytics.claim_financials.submitted_amount is 'total submitted, as the EOB states it';
comment on column analytics.claim_financials.benefit_amount is 'total benefit, as the EOB states it';
comment on column analytics.claim_financials.charge_amount is 'what the provider billed, added up over lines';
comment on column analytics.claim_financials.allowed_amount is 'what the payer allows, added up over lines';
comment on column analytics.claim_financials.paid_amount is 'what the payer paid, added up over lines';
comment on column analytics.claim_financials.coinsurance_amount is 'the patient''s share in per cent, added up over lines';
comment on column analytics.claim_financials.copayment_amount is 'the patient''s fixed share, added up over lines';
comment on column analytics.claim_financials.deductible_amount is 'what the patient pays before the payer does, added up over lines';
comment on column analytics.claim_financials.noncovered_amount is 'what the plan does not cover, added up over lines';
comment on column analytics.claim_financials.patient_paid_amount is 'what the patient has paid, added up over lines';
comment on column analytics.claim_financials.member_liability_amount is 'what the patient owes, added up over lines';
comment on column analytics.claim_financials.payment_amount is 'payment of the EOB as a whole';
comment on column analytics.claim_financials.payment_date is 'day of the payment';
comment on column analytics.claim_financials.currency is 'currency of the payment, else of the totals; amounts of different currencies must not be added';
comment on column analytics.claim_financials.line_count is 'number of lines';

-- The role may have come after the schema's default privileges, or another
-- account may run this migration than ran the earlier ones.
do $migration$
begin
  if exists (select from pg_roles where rolname = 'analyst') then
    grant select on all tables in schema analytics to analyst;
  end if;
end $migration$;
