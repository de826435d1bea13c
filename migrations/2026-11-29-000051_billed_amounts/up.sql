-- Amounts of EOBs that were left out: those of a line's details, those of lines
-- that the payer added, the totals where there is nothing else, several
-- deductibles of one line, and categories whose standard coding is the third or
-- a later one. Amounts in different currencies are no longer added. The new
-- billed_amount is there whether or not a line has adjudications.

-- CMS states a reduced coinsurance beside the one that it replaces.
insert into etl.code_map (system, code, measure, rank) values
  ('*', 'rev_cntr_rdcd_coinsrnc_amt', '-', 1)
on conflict do nothing;

drop view analytics.claim_financials;
drop view analytics.eob_line;
drop view analytics.eob_amount;

create view analytics.eob_amount as
select a.explanation_of_benefit_id, a.ordinal, a.level, a.item_ordinal,
       case least(any_first.rank, first.rank, any_next.rank, next.rank, other.rank)
            when any_first.rank then any_first.measure
            when first.rank then first.measure
            when any_next.rank then any_next.measure
            when next.rank then next.measure
            else other.measure
       end as measure,
       least(any_first.rank, first.rank, any_next.rank, next.rank, other.rank) as rank,
       a.amount_value as amount, a.amount_currency as currency,
       a.detail_ordinal, a.sub_detail_ordinal
  from (select explanation_of_benefit_id, ordinal, level, item_ordinal, detail_ordinal, sub_detail_ordinal,
               category_system, category_code, category_alt_system, category_alt_code, amount_value, amount_currency,
               case when category_other_codings is not null then
               (select array[m.system, m.code]
                  from unnest(category_other_codings) with ordinality as c (coding, position)
                  join etl.code_map m
                    on m.system in ('*', coalesce(nullif(split_part(c.coding, '|', 1), ''), 'http://terminology.hl7.org/CodeSystem/adjudication'))
                   and m.code = split_part(split_part(c.coding, '|', -1), '/', -1)
                 order by m.rank, c.position limit 1) end as other_key
          from explanation_of_benefit_adjudication
        union all
        select explanation_of_benefit_id, ordinal, 'total'::text, null::integer, null::integer, null::integer,
               category_system, category_code, category_alt_system, category_alt_code, amount_value, amount_currency,
               case when category_other_codings is not null then
               (select array[m.system, m.code]
                  from unnest(category_other_codings) with ordinality as c (coding, position)
                  join etl.code_map m
                    on m.system in ('*', coalesce(nullif(split_part(c.coding, '|', 1), ''), 'http://terminology.hl7.org/CodeSystem/adjudication'))
                   and m.code = split_part(split_part(c.coding, '|', -1), '/', -1)
                 order by m.rank, c.position limit 1) end as other_key
          from explanation_of_benefit_total) a
  left join etl.code_map any_first on any_first.system = '*' and any_first.code = split_part(a.category_code, '/', -1)
  left join etl.code_map first on first.system = coalesce(a.category_system, 'http://terminology.hl7.org/CodeSystem/adjudication')
                              and first.code = split_part(a.category_code, '/', -1)
  left join etl.code_map any_next on any_next.system = '*' and any_next.code = split_part(a.category_alt_code, '/', -1)
  left join etl.code_map next on next.system = coalesce(a.category_alt_system, 'http://terminology.hl7.org/CodeSystem/adjudication')
                             and next.code = split_part(a.category_alt_code, '/', -1)
  left join etl.code_map other on other.system = a.other_key[1] and other.code = a.other_key[2]
 where a.amount_value is not null;
comment on view analytics.eob_amount is 'What does each amount of an EOB count as? One row an adjudication or total with an amount, and the measure that etl.code_map gives to its category, whichever of the codings is known there. A coding without a system counts as one of FHIR''s own';
comment on column analytics.eob_amount.explanation_of_benefit_id is 'key of the EOB';
comment on column analytics.eob_amount.ordinal is 'number of the adjudication in explanation_of_benefit_adjudication; at level total, of the total in explanation_of_benefit_total';
comment on column analytics.eob_amount.level is 'where it stands: header, item, detail, sub_detail, add_item (and its details), total. Levels repeat each other''s amounts: do not add them';
comment on column analytics.eob_amount.item_ordinal is 'number of the line, as in explanation_of_benefit_item, or at level add_item in explanation_of_benefit_add_item; null on the header and of totals';
comment on column analytics.eob_amount.measure is 'what it counts as; - not to be counted; null if etl.code_map does not know the category';
comment on column analytics.eob_amount.rank is 'where one amount of a line and measure counts, it is that with the lowest rank';
comment on column analytics.eob_amount.amount is 'the amount';
comment on column analytics.eob_amount.currency is 'its currency';
comment on column analytics.eob_amount.detail_ordinal is 'number of the line''s detail; null for the line itself';
comment on column analytics.eob_amount.sub_detail_ordinal is 'number of the detail''s subDetail; null for the detail itself';

-- A line's amount is its own, else the sum of its details', each of which is its
-- own, else the sum of its subDetails'. What is decided once (charge, allowed,
-- paid, liability) is the amount of least rank: min() of an array looks at its
-- first member first. Of the others a line may have several, such as two
-- deductibles, which are added.
create view analytics.eob_line as
with line as (
  select e.id, e.patient_id, 'item' as level, i.ordinal
    from explanation_of_benefit e
    join explanation_of_benefit_item i on i.explanation_of_benefit_id = e.id
  union all
  select e.id, e.patient_id, 'add_item', i.ordinal
    from explanation_of_benefit e
    join explanation_of_benefit_add_item i on i.explanation_of_benefit_id = e.id),
part as (
  select l.id, l.patient_id, l.level, l.ordinal, a.detail_ordinal, a.sub_detail_ordinal, a.measure,
         case when a.measure in ('coinsurance_amount', 'copayment_amount', 'deductible_amount', 'noncovered_amount', 'discount_amount', 'patient_paid_amount', 'prior_payer_paid_amount')
              then sum(a.amount)
              else (min(array[a.rank, a.ordinal, a.amount]))[3]
         end as amount,
         min(a.currency) filter (where a.measure <> '-') as lowest_currency,
         max(a.currency) filter (where a.measure <> '-') as highest_currency
    from line l
    left join analytics.eob_amount a
      on a.explanation_of_benefit_id = l.id and a.item_ordinal = l.ordinal and (a.level = 'add_item') = (l.level = 'add_item')
     and a.level not in ('header', 'total')
   group by l.id, l.patient_id, l.level, l.ordinal, a.detail_ordinal, a.sub_detail_ordinal, a.measure),
detail as (
  select p.id, p.patient_id, p.level, p.ordinal, p.detail_ordinal, p.measure,
         coalesce(sum(p.amount) filter (where p.sub_detail_ordinal is null), sum(p.amount)) as amount,
         min(p.lowest_currency) as lowest_currency, max(p.highest_currency) as highest_currency
    from part p
   group by p.id, p.patient_id, p.level, p.ordinal, p.detail_ordinal, p.measure),
amounts as (
  select d.id, d.patient_id, d.level, d.ordinal,
         coalesce(sum(d.amount) filter (where d.measure = 'charge_amount' and d.detail_ordinal is null),
                  sum(d.amount) filter (where d.measure = 'charge_amount')) as charge_amount,
         coalesce(sum(d.amount) filter (where d.measure = 'allowed_amount' and d.detail_ordinal is null),
                  sum(d.amount) filter (where d.measure = 'allowed_amount')) as allowed_amount,
         coalesce(sum(d.amount) filter (where d.measure = 'paid_amount' and d.detail_ordinal is null),
                  sum(d.amount) filter (where d.measure = 'paid_amount')) as paid_amount,
         coalesce(sum(d.amount) filter (where d.measure = 'coinsurance_amount' and d.detail_ordinal is null),
                  sum(d.amount) filter (where d.measure = 'coinsurance_amount')) as coinsurance_amount,
         coalesce(sum(d.amount) filter (where d.measure = 'copayment_amount' and d.detail_ordinal is null),
                  sum(d.amount) filter (where d.measure = 'copayment_amount')) as copayment_amount,
         coalesce(sum(d.amount) filter (where d.measure = 'deductible_amount' and d.detail_ordinal is null),
                  sum(d.amount) filter (where d.measure = 'deductible_amount')) as deductible_amount,
         coalesce(sum(d.amount) filter (where d.measure = 'noncovered_amount' and d.detail_ordinal is null),
                  sum(d.amount) filter (where d.measure = 'noncovered_amount')) as noncovered_amount,
         coalesce(sum(d.amount) filter (where d.measure = 'discount_amount' and d.detail_ordinal is null),
                  sum(d.amount) filter (where d.measure = 'discount_amount')) as discount_amount,
         coalesce(sum(d.amount) filter (where d.measure = 'patient_paid_amount' and d.detail_ordinal is null),
                  sum(d.amount) filter (where d.measure = 'patient_paid_amount')) as patient_paid_amount,
         coalesce(sum(d.amount) filter (where d.measure = 'member_liability_amount' and d.detail_ordinal is null),
                  sum(d.amount) filter (where d.measure = 'member_liability_amount')) as member_liability_amount,
         coalesce(sum(d.amount) filter (where d.measure = 'prior_payer_paid_amount' and d.detail_ordinal is null),
                  sum(d.amount) filter (where d.measure = 'prior_payer_paid_amount')) as prior_payer_paid_amount,
         min(d.lowest_currency) as lowest_currency, max(d.highest_currency) as highest_currency
    from detail d
   group by d.id, d.patient_id, d.level, d.ordinal),
priced as (
  select a.*, i.sequence,
         coalesce(i.serviced_start_text, d.serviced_start_text) as serviced,
         coalesce(i.product_or_service_system, d.product_or_service_system) as product_or_service_system,
         coalesce(i.product_or_service_code, d.product_or_service_code) as product_or_service_code,
         coalesce(i.product_or_service_text, i.product_or_service_display, d.product_or_service_text, d.product_or_service_display) as service,
         i.modifier_codes, i.revenue_code, coalesce(i.location_code, d.location_code) as place_of_service_code,
         coalesce(i.quantity_value, d.quantity_value) as quantity,
         coalesce(i.net_value, d.net_value) as net_amount,
         coalesce(i.net_value, n.amount) as price,
         coalesce(least(a.lowest_currency, i.net_currency, d.net_currency, n.lowest_currency)
                  <> greatest(a.highest_currency, i.net_currency, d.net_currency, n.highest_currency), false) as has_several_currencies,
         coalesce(a.lowest_currency, i.net_currency, d.net_currency, n.lowest_currency) as one_currency
    from amounts a
    left join explanation_of_benefit_item i on a.level = 'item' and i.explanation_of_benefit_id = a.id and i.ordinal = a.ordinal
    left join explanation_of_benefit_add_item d on a.level = 'add_item' and d.explanation_of_benefit_id = a.id and d.ordinal = a.ordinal
    left join lateral (select sum(t.amount) as amount, min(t.lowest_currency) as lowest_currency, max(t.highest_currency) as highest_currency
                         from (select coalesce(sum(p.net_value) filter (where p.sub_detail_ordinal = 0), sum(p.net_value)) as amount,
                                      min(p.net_currency) as lowest_currency, max(p.net_currency) as highest_currency
                                 from explanation_of_benefit_item_detail p
                                where p.explanation_of_benefit_id = a.id and p.item_ordinal = a.ordinal
                                group by p.detail_ordinal) t) n on a.level = 'item' and i.net_value is null)
select p.id as explanation_of_benefit_id, p.ordinal as line_ordinal, p.sequence as line_number, e.fhir_id, p.patient_id,
       to_date(left(p.serviced, 10), 'YYYY-MM-DD') as service_date,
       p.product_or_service_system, p.product_or_service_code, p.service,
       p.modifier_codes, p.revenue_code, p.place_of_service_code, p.quantity, p.net_amount,
       case when not p.has_several_currencies then p.charge_amount end as charge_amount,
       case when not p.has_several_currencies then p.allowed_amount end as allowed_amount,
       case when not p.has_several_currencies then p.paid_amount end as paid_amount,
       case when not p.has_several_currencies then p.coinsurance_amount end as coinsurance_amount,
       case when not p.has_several_currencies then p.copayment_amount end as copayment_amount,
       case when not p.has_several_currencies then p.deductible_amount end as deductible_amount,
       case when not p.has_several_currencies then p.noncovered_amount end as noncovered_amount,
       case when not p.has_several_currencies then p.discount_amount end as discount_amount,
       case when not p.has_several_currencies then p.patient_paid_amount end as patient_paid_amount,
       case when not p.has_several_currencies then p.member_liability_amount end as member_liability_amount,
       case when not p.has_several_currencies then p.prior_payer_paid_amount end as prior_payer_paid_amount,
       case when not p.has_several_currencies then coalesce(p.charge_amount, p.price) end as billed_amount,
       p.level,
       case when not p.has_several_currencies then p.one_currency end as currency,
       p.has_several_currencies
  from priced p
  join explanation_of_benefit e on e.id = p.id;
comment on view analytics.eob_line is 'What was billed, allowed and paid for each service? One row a line of an EOB, and a line that the payer added, its amounts side by side; etl.code_map says which adjudication is which amount. A line''s amount is its own adjudication, else the sum of its details''. Of charge, allowed, paid and liability one adjudication counts; of the others, such as deductibles, a line may have several, which are added once each';
comment on column analytics.eob_line.explanation_of_benefit_id is 'key of the EOB';
comment on column analytics.eob_line.line_ordinal is 'number of the line in document order, within its level';
comment on column analytics.eob_line.line_number is 'sequence: the number that the sender gave the line; may repeat or skip; null for lines that the payer added';
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
comment on column analytics.eob_line.charge_amount is 'what the provider billed, as adjudicated (category submitted); see billed_amount';
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
comment on column analytics.eob_line.billed_amount is 'what was billed for the line: charge_amount; without one the net price of the line, and without that the sum of its details'' net prices. Null if none is stated; prices of lines that the payer added are not billed';
comment on column analytics.eob_line.level is 'item: a line of the claim; add_item: a line that the payer added';
comment on column analytics.eob_line.currency is 'the currency of the line''s amounts; null if none or several are stated';
comment on column analytics.eob_line.has_several_currencies is 'true if the line has amounts in different currencies; the measures and billed_amount are then null, and each amount is in eob_amount';

-- Part by part: the EOB itself, its lines, its header, its totals.
create view analytics.claim_financials as
with part as (
  select e.id, e.patient_id, 'claim'::text as level,
         null::numeric as charge_amount,
         null::numeric as allowed_amount,
         null::numeric as paid_amount,
         null::numeric as coinsurance_amount,
         null::numeric as copayment_amount,
         null::numeric as deductible_amount,
         null::numeric as noncovered_amount,
         null::numeric as patient_paid_amount,
         null::numeric as member_liability_amount,
         null::numeric as billed_amount, null::text as lowest_currency, null::text as highest_currency, false as has_several_currencies
    from explanation_of_benefit e
  union all
  select l.explanation_of_benefit_id, l.patient_id, l.level,
         l.charge_amount,
         l.allowed_amount,
         l.paid_amount,
         l.coinsurance_amount,
         l.copayment_amount,
         l.deductible_amount,
         l.noncovered_amount,
         l.patient_paid_amount,
         l.member_liability_amount,
         l.billed_amount, l.currency, l.currency, l.has_several_currencies
    from analytics.eob_line l
  union all
  select e.id, e.patient_id, a.level,
         (min(array[a.rank, a.ordinal, a.amount]) filter (where a.measure = 'charge_amount'))[3],
         (min(array[a.rank, a.ordinal, a.amount]) filter (where a.measure = 'allowed_amount'))[3],
         (min(array[a.rank, a.ordinal, a.amount]) filter (where a.measure = 'paid_amount'))[3],
         sum(a.amount) filter (where a.measure = 'coinsurance_amount'),
         sum(a.amount) filter (where a.measure = 'copayment_amount'),
         sum(a.amount) filter (where a.measure = 'deductible_amount'),
         sum(a.amount) filter (where a.measure = 'noncovered_amount'),
         sum(a.amount) filter (where a.measure = 'patient_paid_amount'),
         (min(array[a.rank, a.ordinal, a.amount]) filter (where a.measure = 'member_liability_amount'))[3],
         null, min(a.currency) filter (where a.measure <> '-'), max(a.currency) filter (where a.measure <> '-'), false
    from explanation_of_benefit e
    join analytics.eob_amount a on a.explanation_of_benefit_id = e.id and a.level in ('header', 'total')
   group by e.id, e.patient_id, a.level),
summed as (
  select p.id, p.patient_id,
         coalesce(sum(p.charge_amount) filter (where p.level in ('item', 'add_item')),
                  sum(p.charge_amount) filter (where p.level = 'header'), sum(p.charge_amount) filter (where p.level = 'total')) as charge_amount,
         coalesce(sum(p.allowed_amount) filter (where p.level in ('item', 'add_item')),
                  sum(p.allowed_amount) filter (where p.level = 'header'), sum(p.allowed_amount) filter (where p.level = 'total')) as allowed_amount,
         coalesce(sum(p.paid_amount) filter (where p.level in ('item', 'add_item')),
                  sum(p.paid_amount) filter (where p.level = 'header'), sum(p.paid_amount) filter (where p.level = 'total')) as paid_amount,
         coalesce(sum(p.coinsurance_amount) filter (where p.level in ('item', 'add_item')),
                  sum(p.coinsurance_amount) filter (where p.level = 'header'), sum(p.coinsurance_amount) filter (where p.level = 'total')) as coinsurance_amount,
         coalesce(sum(p.copayment_amount) filter (where p.level in ('item', 'add_item')),
                  sum(p.copayment_amount) filter (where p.level = 'header'), sum(p.copayment_amount) filter (where p.level = 'total')) as copayment_amount,
         coalesce(sum(p.deductible_amount) filter (where p.level in ('item', 'add_item')),
                  sum(p.deductible_amount) filter (where p.level = 'header'), sum(p.deductible_amount) filter (where p.level = 'total')) as deductible_amount,
         coalesce(sum(p.noncovered_amount) filter (where p.level in ('item', 'add_item')),
                  sum(p.noncovered_amount) filter (where p.level = 'header'), sum(p.noncovered_amount) filter (where p.level = 'total')) as noncovered_amount,
         coalesce(sum(p.patient_paid_amount) filter (where p.level in ('item', 'add_item')),
                  sum(p.patient_paid_amount) filter (where p.level = 'header'), sum(p.patient_paid_amount) filter (where p.level = 'total')) as patient_paid_amount,
         coalesce(sum(p.member_liability_amount) filter (where p.level in ('item', 'add_item')),
                  sum(p.member_liability_amount) filter (where p.level = 'header'), sum(p.member_liability_amount) filter (where p.level = 'total')) as member_liability_amount,
         count(*) filter (where p.level = 'item') as line_count,
         count(p.billed_amount) filter (where p.level = 'item') as billed_line_count,
         sum(p.billed_amount) filter (where p.level = 'item') as billed_by_line,
         coalesce(sum(p.charge_amount) filter (where p.level = 'header'), sum(p.charge_amount) filter (where p.level = 'total')) as billed_in_all,
         min(p.lowest_currency) as lowest_currency,
         bool_or(p.has_several_currencies) or coalesce(min(p.lowest_currency) <> max(p.highest_currency), false) as has_several_currencies
    from part p
   group by p.id, p.patient_id)
select s.id as explanation_of_benefit_id, e.fhir_id, s.patient_id, e.claim_id, e.encounter_id, e.claim_type,
       coalesce(insurer.name, e.insurer_display,
                (select coalesce(o.name, c.payor_display) from explanation_of_benefit_insurance i
                   join coverage c on c.id = i.coverage_id
                   left join organization o on o.id = c.payor_id
                  where i.explanation_of_benefit_id = e.id
                  order by i.focal desc nulls last, i.ordinal limit 1),
                e.payer_name,
                (select i.coverage_display from explanation_of_benefit_insurance i
                  where i.explanation_of_benefit_id = e.id
                  order by i.focal desc nulls last, i.ordinal limit 1)) as payer_name,
       to_date(left(e.billable_period_start_text, 10), 'YYYY-MM-DD') as service_date,
       e.status, e.outcome, k.total_value as claim_total, t.submitted_amount, t.benefit_amount,
       case when not s.has_several_currencies then s.charge_amount end as charge_amount,
       case when not s.has_several_currencies then s.allowed_amount end as allowed_amount,
       case when not s.has_several_currencies then s.paid_amount end as paid_amount,
       case when not s.has_several_currencies then s.coinsurance_amount end as coinsurance_amount,
       case when not s.has_several_currencies then s.copayment_amount end as copayment_amount,
       case when not s.has_several_currencies then s.deductible_amount end as deductible_amount,
       case when not s.has_several_currencies then s.noncovered_amount end as noncovered_amount,
       case when not s.has_several_currencies then s.patient_paid_amount end as patient_paid_amount,
       case when not s.has_several_currencies then s.member_liability_amount end as member_liability_amount,
       e.payment_amount_value as payment_amount, e.payment_date,
       case when not s.has_several_currencies then coalesce(s.lowest_currency, e.payment_amount_currency, k.total_currency) end as currency,
       s.line_count,
       case when s.has_several_currencies then null
            when s.line_count > 0 and s.billed_line_count = s.line_count then s.billed_by_line
            when s.billed_in_all is not null then s.billed_in_all
            when k.total_value is not null and coalesce(k.total_currency = s.lowest_currency, true) then k.total_value
            else s.billed_by_line
       end as billed_amount,
       s.has_several_currencies, e.payment_amount_currency as payment_currency, k.total_currency as claim_total_currency
  from summed s
  join explanation_of_benefit e on e.id = s.id
  left join organization insurer on insurer.id = e.insurer_id
  left join claim k on k.id = e.claim_id
  left join lateral (select case when min(u.amount_currency) filter (where u.is_submitted) is not distinct from max(u.amount_currency) filter (where u.is_submitted)
                                 then max(u.amount_value) filter (where u.is_submitted) end as submitted_amount,
                            case when min(u.amount_currency) filter (where u.is_benefit) is not distinct from max(u.amount_currency) filter (where u.is_benefit)
                                 then max(u.amount_value) filter (where u.is_benefit) end as benefit_amount
                       from (select t.amount_value, t.amount_currency,
                                    coalesce('submitted' in (t.category_code, t.category_alt_code), false)
                                      or exists (select from unnest(t.category_other_codings) c where split_part(c, '|', -1) = 'submitted') as is_submitted,
                                    coalesce('benefit' in (t.category_code, t.category_alt_code), false)
                                      or exists (select from unnest(t.category_other_codings) c where split_part(c, '|', -1) = 'benefit') as is_benefit
                               from explanation_of_benefit_total t where t.explanation_of_benefit_id = e.id) u) t on true;
comment on view analytics.claim_financials is 'What did each claim cost, who paid, and what was left to the patient? One row an EOB: the sums of its lines (see eob_line), those that the payer added included; or the header''s amount where no line has one; or the total where neither has. Amounts in different currencies are never added';
comment on column analytics.claim_financials.explanation_of_benefit_id is 'key of the EOB';
comment on column analytics.claim_financials.fhir_id is 'FHIR id of the EOB';
comment on column analytics.claim_financials.patient_id is 'key of the patient';
comment on column analytics.claim_financials.claim_id is 'key of the claim that the EOB answers';
comment on column analytics.claim_financials.encounter_id is 'key of the encounter that all lines agree on';
comment on column analytics.claim_financials.claim_type is 'institutional, professional, pharmacy, oral, vision';
comment on column analytics.claim_financials.payer_name is 'name of the insurer''s organization, else the insurer''s display, else the payer of the focal coverage, else what the EOB itself tells';
comment on column analytics.claim_financials.service_date is 'first day of the billed period by the sender''s clock';
comment on column analytics.claim_financials.status is 'active | cancelled | draft | entered-in-error: count active ones';
comment on column analytics.claim_financials.outcome is 'queued | complete | error | partial';
comment on column analytics.claim_financials.claim_total is 'total of the claim as the provider sent it';
comment on column analytics.claim_financials.submitted_amount is 'total submitted, as the EOB states it';
comment on column analytics.claim_financials.benefit_amount is 'total benefit, as the EOB states it';
comment on column analytics.claim_financials.charge_amount is 'what the provider billed, as adjudicated (category submitted), added up over lines; else as the header or a total states it; see billed_amount';
comment on column analytics.claim_financials.allowed_amount is 'what the payer allows, added up over lines; else as the header or a total states it';
comment on column analytics.claim_financials.paid_amount is 'what the payer paid, added up over lines; else as the header or a total states it';
comment on column analytics.claim_financials.coinsurance_amount is 'the patient''s share in per cent, added up over lines; else as the header or a total states it';
comment on column analytics.claim_financials.copayment_amount is 'the patient''s fixed share, added up over lines; else as the header or a total states it';
comment on column analytics.claim_financials.deductible_amount is 'what the patient pays before the payer does, added up over lines; else as the header or a total states it';
comment on column analytics.claim_financials.noncovered_amount is 'what the plan does not cover, added up over lines; else as the header or a total states it';
comment on column analytics.claim_financials.patient_paid_amount is 'what the patient has paid, added up over lines; else as the header or a total states it';
comment on column analytics.claim_financials.member_liability_amount is 'what the patient owes, added up over lines; else as the header or a total states it';
comment on column analytics.claim_financials.payment_amount is 'payment of the EOB as a whole';
comment on column analytics.claim_financials.payment_date is 'day of the payment';
comment on column analytics.claim_financials.currency is 'currency of the amounts that are added up, else of the payment or the claim''s total; null if they have several. Group by it before adding amounts of different claims';
comment on column analytics.claim_financials.line_count is 'number of lines, without those that the payer added';
comment on column analytics.claim_financials.billed_amount is 'what was billed: the sum of the lines'' charges, where a line without one counts with its net price (see eob_line.billed_amount). If some line has neither: the charge on the header, else the total submitted, else the total of the claim, else the sum of the lines that have a charge or price';
comment on column analytics.claim_financials.has_several_currencies is 'true if the amounts of the EOB are in different currencies; those that are added up are then null, and each is in eob_amount';
comment on column analytics.claim_financials.payment_currency is 'currency of payment_amount';
comment on column analytics.claim_financials.claim_total_currency is 'currency of claim_total';

-- The role may have come after the schema's default privileges, or another
-- account may run this migration than ran the earlier ones.
do $migration$
begin
  if exists (select from pg_roles where rolname = 'analyst') then
    grant select on all tables in schema analytics to analyst;
  end if;
end $migration$;
