-- Questions that payers and population health ask, answered in schema analytics.
-- As with the views before: one person's rows are found by the index on
-- patient_id, days are those of the sender's clock, and amounts of different
-- currencies are never added. What is contained in another resource is no visit,
-- fill or claim of its own.

-- Medication

create table etl.drug_class (
  system text not null,
  code text not null,
  class text not null,
  primary key (system, code, class)
);
comment on table etl.drug_class is 'Which class is a drug in? One row a code of a drug and class; medication_adherence counts by class, too. Whoever runs the server adds rows; those of RxNorm that come with fhirmill are examples';
comment on column etl.drug_class.system is 'system of the code, such as http://www.nlm.nih.gov/research/umls/rxnorm or http://hl7.org/fhir/sid/ndc';
comment on column etl.drug_class.code is 'code of the drug as dispensed';
comment on column etl.drug_class.class is 'what the class is called, such as statin';
insert into etl.drug_class (system, code, class)
select 'http://www.nlm.nih.gov/research/umls/rxnorm', code, class
  from (values ('314231', 'statin'), ('312961', 'statin'), ('198211', 'statin'), ('200345', 'statin'),
               ('617310', 'statin'), ('617311', 'statin'), ('617318', 'statin'), ('259255', 'statin'),
               ('314076', 'renin-angiotensin antagonist'), ('314077', 'renin-angiotensin antagonist'), ('311353', 'renin-angiotensin antagonist'),
               ('311354', 'renin-angiotensin antagonist'), ('979485', 'renin-angiotensin antagonist'), ('979492', 'renin-angiotensin antagonist'),
               ('860975', 'oral diabetes drug'), ('861007', 'oral diabetes drug'), ('861004', 'oral diabetes drug'), ('310534', 'oral diabetes drug')) as c (code, class);

create view analytics.medication_fill as
with fill as (
  select d.id, d.fhir_id, d.source_id, d.patient_id, d.authorizing_prescription_id,
         case when d.medication_code is null then m.code_system else d.medication_system end as code_system,
         coalesce(d.medication_code, m.code) as code,
         coalesce(d.medication_text, d.medication_display, m.code_text, m.code_display, d.medication_code, m.code) as medication,
         to_date(left(coalesce(d.when_handed_over_text, d.when_prepared_text), 10), 'YYYY-MM-DD') as fill_date,
         case when d.days_supply_value between 0.001 and 3660 then
           case when lower(coalesce(d.days_supply_code, d.days_supply_unit, 'd')) in ('d', 'day', 'days') then ceil(d.days_supply_value)
                when lower(coalesce(d.days_supply_code, d.days_supply_unit)) in ('wk', 'week', 'weeks') then ceil(d.days_supply_value * 7)
                when lower(coalesce(d.days_supply_code, d.days_supply_unit)) in ('mo', 'month', 'months') then ceil(d.days_supply_value * 30)
           end end::integer as days_supply,
         d.quantity_value as quantity, coalesce(d.quantity_unit, d.quantity_code) as quantity_unit
    from medication_dispense d
    left join medication m on m.id = d.medication_id
   where d.container_id is null and coalesce(d.status, 'unknown') in ('completed', 'unknown')),
supplied as (
  select f.*,
         sum(coalesce(f.days_supply, 0)) over by_date as supply_so_far
    from fill f
  window by_date as (partition by f.patient_id, f.code_system, coalesce(f.code, f.medication) order by f.fill_date, f.id)),
shifted as (
  -- A fill begins when the one before is used up: the last day is the whole
  -- supply so far after the latest start that no earlier supply reaches.
  select s.*,
         max(s.fill_date - (s.supply_so_far - coalesce(s.days_supply, 0))::integer) over by_date + s.supply_so_far::integer - 1 as last_day
    from supplied s
  window by_date as (partition by s.patient_id, s.code_system, coalesce(s.code, s.medication) order by s.fill_date, s.id))
select c.code as source, s.patient_id, s.id as medication_dispense_id, s.fhir_id, s.authorizing_prescription_id as medication_request_id,
       s.code_system, s.code, s.medication, s.fill_date, s.days_supply, s.quantity, s.quantity_unit,
       case when s.days_supply is not null then s.last_day - s.days_supply + 1 end as covered_from_date,
       case when s.days_supply is not null then s.last_day end as covered_to_date
  from shifted s
  join etl.source c on c.id = s.source_id;
comment on view analytics.medication_fill is 'Which drugs did people get, and which days does each fill last for? One row a dispense that was handed out. Rule: a fill of the same drug that comes before the last one is used up begins on the day after that one ends; fills without a date or days of supply have no covered days';
comment on column analytics.medication_fill.source is 'who sent it: the folder of the inbox';
comment on column analytics.medication_fill.patient_id is 'key of the patient';
comment on column analytics.medication_fill.medication_dispense_id is 'key of the dispense';
comment on column analytics.medication_fill.fhir_id is 'FHIR id of the dispense';
comment on column analytics.medication_fill.medication_request_id is 'key of the prescription that it was handed out on';
comment on column analytics.medication_fill.code_system is 'system of the drug''s code';
comment on column analytics.medication_fill.code is 'the drug: mostly a code of RxNorm or NDC';
comment on column analytics.medication_fill.medication is 'name of the drug';
comment on column analytics.medication_fill.fill_date is 'day on which it was handed over, else prepared';
comment on column analytics.medication_fill.days_supply is 'for how many days it lasts; null if that is not stated, not in days, weeks or months, or beyond ten years';
comment on column analytics.medication_fill.quantity is 'how much was handed out';
comment on column analytics.medication_fill.quantity_unit is 'unit of that: tablet, mL …';
comment on column analytics.medication_fill.covered_from_date is 'first day that this fill is for, after earlier fills of the same drug are used up';
comment on column analytics.medication_fill.covered_to_date is 'last day that it is for';

create view analytics.medication_adherence as
with grouped as (
  select f.source, f.patient_id, 'drug' as grouped_by, f.code_system, coalesce(f.code, f.medication) as code, f.medication,
         f.fill_date, f.days_supply, f.covered_from_date, f.covered_to_date
    from analytics.medication_fill f
   where f.covered_from_date is not null and coalesce(f.code, f.medication) is not null
  union all
  select f.source, f.patient_id, 'class', null, d.class, d.class, f.fill_date, f.days_supply, f.covered_from_date, f.covered_to_date
    from analytics.medication_fill f
    join etl.drug_class d on d.system = f.code_system and d.code = f.code
   where f.covered_from_date is not null),
supply as (
  select g.patient_id, g.grouped_by, g.code_system, g.code, range_agg(daterange(g.covered_from_date, g.covered_to_date, '[]')) as days
    from grouped g
   group by g.patient_id, g.grouped_by, g.code_system, g.code),
in_year as (
  select g.source, g.patient_id, g.grouped_by, g.code_system, g.code, extract(year from g.fill_date)::integer as year,
         min(g.medication) as medication, min(g.fill_date) as first_fill_date, count(*) as fill_count, sum(g.days_supply) as supplied_days
    from grouped g
   group by g.source, g.patient_id, g.grouped_by, g.code_system, g.code, extract(year from g.fill_date)),
period as (
  select y.*, s.days,
         least(make_date(y.year, 12, 31), greatest(current_date, y.first_fill_date),
               case when p.deceased_date_time is not null then greatest(to_date(left(p.deceased_date_time_text, 10), 'YYYY-MM-DD'), y.first_fill_date) end) as period_end_date,
         coalesce(i.days, '{}'::datemultirange) as inpatient
    from in_year y
    join supply s on s.patient_id = y.patient_id and s.grouped_by = y.grouped_by and s.code = y.code and s.code_system is not distinct from y.code_system
    left join patient p on p.id = y.patient_id
    left join lateral (select range_agg(daterange(to_date(left(e.period_start_text, 10), 'YYYY-MM-DD'), to_date(left(e.period_end_text, 10), 'YYYY-MM-DD'))) as days
                         from encounter e
                        where e.patient_id = y.patient_id and e.container_id is null and e.class_code in ('IMP', 'ACUTE', 'NONAC', 'inpatient')
                          and coalesce(e.status, '') not in ('planned', 'cancelled', 'entered-in-error')
                          and to_date(left(e.period_end_text, 10), 'YYYY-MM-DD') > to_date(left(e.period_start_text, 10), 'YYYY-MM-DD')) i on true),
counted as (
  select p.*,
         (select coalesce(sum(upper(d) - lower(d)), 0)
            from unnest(datemultirange(daterange(p.first_fill_date, p.period_end_date, '[]')) - p.inpatient) d) as period_days,
         (select coalesce(sum(upper(d) - lower(d)), 0)
            from unnest(datemultirange(daterange(p.first_fill_date, p.period_end_date, '[]')) * p.inpatient) d) as inpatient_days,
         (select coalesce(sum(upper(d) - lower(d)), 0)
            from unnest((datemultirange(daterange(p.first_fill_date, p.period_end_date, '[]')) - p.inpatient) * p.days) d) as covered_days
    from period p)
select c.source, c.patient_id, c.grouped_by, c.code_system, c.code, c.medication, c.year, c.first_fill_date, c.period_end_date,
       c.fill_count, c.supplied_days, c.period_days, c.inpatient_days, c.covered_days,
       round(c.covered_days::numeric / nullif(c.period_days, 0), 4) as proportion_covered,
       c.covered_days >= 0.8 * nullif(c.period_days, 0) as is_adherent
  from counted c;
comment on view analytics.medication_adherence is 'Do people take their drugs? One row a person, calendar year and drug, or class of drugs: the proportion of days covered (PDC). Rule: the period runs from the first fill in the year to the end of the year, to death or to today. A day counts as covered if a fill is for it, as medication_fill has it; days from fills of the year before count once the period has begun; within a class a day counts once, whichever drug is for it. Nights in hospital count neither as covered nor as days of the period, because the hospital gives the drugs. Filter grouped_by, and fill_count > 1 as most quality measures do';
comment on column analytics.medication_adherence.source is 'who sent it: the folder of the inbox';
comment on column analytics.medication_adherence.patient_id is 'key of the patient';
comment on column analytics.medication_adherence.grouped_by is 'drug | class';
comment on column analytics.medication_adherence.code_system is 'system of the drug''s code; null for a class';
comment on column analytics.medication_adherence.code is 'code of the drug, else its name; or the class, as etl.drug_class has it';
comment on column analytics.medication_adherence.medication is 'name of the drug, or the class';
comment on column analytics.medication_adherence.year is 'the calendar year';
comment on column analytics.medication_adherence.first_fill_date is 'first fill in the year: the period begins';
comment on column analytics.medication_adherence.period_end_date is 'last day of the period: of the year, of life, or today';
comment on column analytics.medication_adherence.fill_count is 'fills in the year';
comment on column analytics.medication_adherence.supplied_days is 'days of supply of those fills together';
comment on column analytics.medication_adherence.period_days is 'days of the period, without those in hospital';
comment on column analytics.medication_adherence.inpatient_days is 'days of the period that the person was in hospital at midnight';
comment on column analytics.medication_adherence.covered_days is 'days of the period with a drug to take, without those in hospital';
comment on column analytics.medication_adherence.proportion_covered is 'PDC: covered_days by period_days, from 0 to 1; null if the person was in hospital all the time';
comment on column analytics.medication_adherence.is_adherent is 'true if that is at least 0.8, the usual threshold';

-- Emergency department and admissions

create view analytics.emergency_visit as
with emergency as (
  select e.id, e.source_id, e.patient_id, e.service_provider_id, e.service_provider_display, e.class_code, e.period_start,
         to_date(left(e.period_start_text, 10), 'YYYY-MM-DD') as visit_date,
         to_date(left(coalesce(e.period_end_text, e.period_start_text), 10), 'YYYY-MM-DD') as last_day
    from encounter e
   where e.container_id is null and e.period_start is not null and coalesce(e.status, '') not in ('planned', 'cancelled', 'entered-in-error')
     and (e.class_code in ('EMER', 'emergency')
          or exists (select from encounter_class_history h where h.encounter_id = e.id and h.class_code in ('EMER', 'emergency')))),
by_day as (
  select e.source_id, e.patient_id, coalesce(e.patient_id, -e.id) as person, e.visit_date, count(*) as encounter_count,
         (array_agg(e.id order by e.period_start, e.id))[1] as encounter_id,
         max(e.last_day) as last_day,
         (array_agg(e.id order by e.period_start, e.id) filter (where e.class_code not in ('EMER', 'emergency')))[1] as became_inpatient_id
    from emergency e
   group by e.source_id, e.patient_id, coalesce(e.patient_id, -e.id), e.visit_date)
select c.code as source, d.patient_id, d.encounter_id, d.visit_date, d.encounter_count,
       coalesce(o.name, e.service_provider_display) as facility,
       coalesce(d.became_inpatient_id, a.id) is not null as is_admitted,
       coalesce(d.became_inpatient_id, a.id) as inpatient_encounter_id
  from by_day d
  join etl.source c on c.id = d.source_id
  join encounter e on e.id = d.encounter_id
  left join organization o on o.id = e.service_provider_id
  left join lateral (select i.id from encounter i
                      where i.patient_id = d.patient_id and i.container_id is null and i.class_code in ('IMP', 'ACUTE', 'NONAC', 'inpatient')
                        and coalesce(i.status, '') not in ('planned', 'cancelled', 'entered-in-error')
                        and i.period_start >= e.period_start
                        and to_date(left(i.period_start_text, 10), 'YYYY-MM-DD') between d.visit_date and d.last_day + 1
                      order by i.period_start, i.id limit 1) a on true;
comment on view analytics.emergency_visit is 'Who came to the emergency department, and who was admitted from there? One row a person and day. Rule: encounters whose class is or was EMER; several of one person on one day are one visit. It ends in an admission if the encounter itself became inpatient, or if a stay began on the days of the visit or on the day after';
comment on column analytics.emergency_visit.source is 'who sent it: the folder of the inbox';
comment on column analytics.emergency_visit.patient_id is 'key of the patient; null if it is not known, and then each encounter is a visit';
comment on column analytics.emergency_visit.encounter_id is 'key of the first encounter of the visit';
comment on column analytics.emergency_visit.visit_date is 'day on which it began';
comment on column analytics.emergency_visit.encounter_count is 'how many encounters of that day make up the visit';
comment on column analytics.emergency_visit.facility is 'name of the organization that provided it';
comment on column analytics.emergency_visit.is_admitted is 'true if the person was admitted from there';
comment on column analytics.emergency_visit.inpatient_encounter_id is 'key of the inpatient encounter that followed';

create view analytics.inpatient_admission as
with inpatient as (
  select e.id, e.source_id, e.patient_id, e.period_start, e.service_provider_id, e.service_provider_display, e.status,
         e.admit_source_code, e.admit_source_display, e.discharge_disposition_code, e.priority_code,
         to_date(left(e.period_start_text, 10), 'YYYY-MM-DD') as first_day,
         to_date(left(e.period_end_text, 10), 'YYYY-MM-DD') as last_day
    from encounter e
   where e.container_id is null and e.period_start is not null and e.class_code in ('IMP', 'ACUTE', 'NONAC', 'inpatient')
     and coalesce(e.status, '') not in ('planned', 'cancelled', 'entered-in-error')),
followed as (
  select i.*,
         max(coalesce(i.last_day, i.first_day)) over before as stayed_until,
         lag(i.service_provider_id) over (partition by i.patient_id, coalesce(i.patient_id, -i.id) order by i.period_start, i.id) as left_provider_id
    from inpatient i
  window before as (partition by i.patient_id, coalesce(i.patient_id, -i.id) order by i.period_start, i.id rows between unbounded preceding and 1 preceding))
select c.code as source, f.patient_id, f.id as encounter_id, f.first_day as admission_date, f.last_day as discharge_date,
       coalesce(o.name, f.service_provider_display) as facility,
       coalesce(f.admit_source_display, f.admit_source_code) as admit_source,
       f.priority_code = 'EL' as is_planned,
       coalesce(f.admit_source_code in ('emd', '7'), false) or h.encounter_id is not null or v.id is not null as is_through_emergency,
       case when f.admit_source_code in ('emd', '7') then 'admit source'
            when h.encounter_id is not null then 'class history'
            when v.id is not null then 'emergency visit'
       end as evidence,
       coalesce(v.id, h.encounter_id) as emergency_encounter_id,
       f.discharge_disposition_code
  from followed f
  join etl.source c on c.id = f.source_id
  left join organization o on o.id = f.service_provider_id
  left join lateral (select h.encounter_id from encounter_class_history h
                      where h.encounter_id = f.id and h.class_code in ('EMER', 'emergency') limit 1) h on true
  left join lateral (select v.id from encounter v
                      where v.patient_id = f.patient_id and v.container_id is null and v.class_code in ('EMER', 'emergency')
                        and coalesce(v.status, '') not in ('planned', 'cancelled', 'entered-in-error')
                        and v.period_start <= f.period_start
                        and to_date(left(coalesce(v.period_end_text, v.period_start_text), 10), 'YYYY-MM-DD') >= f.first_day - 1
                      order by v.period_start desc, v.id desc limit 1) v on true
 where f.stayed_until is null
    or f.first_day > f.stayed_until + (f.service_provider_id is distinct from f.left_provider_id
                                       and f.service_provider_id is not null and f.left_provider_id is not null)::integer;
comment on view analytics.inpatient_admission is 'Which inpatient stays came through the emergency department? One row an admission; transfers are no admissions of their own, by the rule of readmission_30_day. Rule: the stay names the emergency department as the place that the patient was admitted from (emd, or 7 of UB-04), or its encounter was one of class EMER before, or an emergency visit of the person ended on the day of the admission or on the day before';
comment on column analytics.inpatient_admission.source is 'who sent it: the folder of the inbox';
comment on column analytics.inpatient_admission.patient_id is 'key of the patient';
comment on column analytics.inpatient_admission.encounter_id is 'key of the first encounter of the stay';
comment on column analytics.inpatient_admission.admission_date is 'day on which it began';
comment on column analytics.inpatient_admission.discharge_date is 'day on which that encounter ended; null if it has not';
comment on column analytics.inpatient_admission.facility is 'organization that admitted the patient';
comment on column analytics.inpatient_admission.admit_source is 'where the patient came from, as the sender says';
comment on column analytics.inpatient_admission.is_planned is 'true if the stay was elective (priority EL); null if no priority is stated';
comment on column analytics.inpatient_admission.is_through_emergency is 'true if it came through the emergency department';
comment on column analytics.inpatient_admission.evidence is 'how that is known: admit source | class history | emergency visit; the first that holds';
comment on column analytics.inpatient_admission.emergency_encounter_id is 'key of the emergency visit, where there is one; of the stay itself if it began as one';
comment on column analytics.inpatient_admission.discharge_disposition_code is 'where the patient went: home, snf, exp (died) …';

-- Members: rates by month

create view analytics.emergency_visits_per_1000 as
with member as (
  select c.source_id, m.patient_id, m.month, least(sum(m.covered_days)::numeric / m.month_days, 1) as share
    from analytics.member_months m
    join coverage c on c.id = m.coverage_id
   where m.patient_id is not null
   group by c.source_id, m.patient_id, m.month, m.month_days),
part as (
  select s.code as source, m.month, 1 as members, m.share, 0 as visits, 0 as admitted, 0 as others
    from member m
    join etl.source s on s.id = m.source_id
  union all
  select v.source, date_trunc('month', v.visit_date)::date, 0, 0,
         (m.patient_id is not null)::integer, (m.patient_id is not null and v.is_admitted)::integer, (m.patient_id is null)::integer
    from analytics.emergency_visit v
    left join member m on m.patient_id = v.patient_id and m.month = date_trunc('month', v.visit_date)::date)
select p.source, p.month, sum(p.members) as members, round(sum(p.share), 2) as member_months,
       sum(p.visits) as visits, sum(p.admitted) as admitted_visits, sum(p.others) as visits_without_coverage,
       round(12000 * sum(p.visits) / nullif(sum(p.share), 0), 1) as visits_per_1000,
       round(12000 * (sum(p.visits) - sum(p.admitted)) / nullif(sum(p.share), 0), 1) as outpatient_visits_per_1000
  from part p
 group by p.source, p.month;
comment on view analytics.emergency_visits_per_1000 is 'How many emergency visits are there per 1,000 members? One row a source and month, as a rate per year: visits by member months, times 12,000. Rule: visits as in emergency_visit, of people who were covered in that month; a person counts once a month, whatever the number of their payers, and a part of a month in proportion. For a longer time, add visits and member_months first';
comment on column analytics.emergency_visits_per_1000.source is 'who sent it: the folder of the inbox';
comment on column analytics.emergency_visits_per_1000.month is 'first day of the month';
comment on column analytics.emergency_visits_per_1000.members is 'people who were covered on a day of the month at least';
comment on column analytics.emergency_visits_per_1000.member_months is 'their covered days, in months';
comment on column analytics.emergency_visits_per_1000.visits is 'their emergency visits';
comment on column analytics.emergency_visits_per_1000.admitted_visits is 'those that ended in an admission';
comment on column analytics.emergency_visits_per_1000.visits_without_coverage is 'visits of others, which the rates leave out';
comment on column analytics.emergency_visits_per_1000.visits_per_1000 is 'visits per 1,000 members and year; null without members';
comment on column analytics.emergency_visits_per_1000.outpatient_visits_per_1000 is 'the same without those that ended in an admission, as quality measures count';

create view analytics.cost_per_member_month as
with member as (
  select c.source_id, m.patient_id, coalesce(m.payer_name, '') as payer_name, m.month, least(sum(m.covered_days)::numeric / m.month_days, 1) as share
    from analytics.member_months m
    join coverage c on c.id = m.coverage_id
   group by c.source_id, m.patient_id, coalesce(m.payer_name, ''), m.month, m.month_days),
cost as (
  select e.source_id, f.patient_id, coalesce(f.payer_name, '') as payer_name, date_trunc('month', f.service_date)::date as month,
         f.billed_amount, f.allowed_amount, f.paid_amount, f.currency, f.has_several_currencies
    from analytics.claim_financials f
    join explanation_of_benefit e on e.id = f.explanation_of_benefit_id
   where e.container_id is null and f.status = 'active' and coalesce(e."use", 'claim') = 'claim' and f.service_date is not null),
part as (
  select m.source_id, m.payer_name, m.month, 1 as members, m.share, 0 as claims,
         null::numeric as billed, null::numeric as allowed, null::numeric as paid, null::numeric as paid_outside, null::text as currency, false as is_mixed
    from member m
  union all
  select k.source_id, k.payer_name, k.month, 0, 0, (m.patient_id is not null)::integer,
         case when m.patient_id is not null then k.billed_amount end, case when m.patient_id is not null then k.allowed_amount end,
         case when m.patient_id is not null then k.paid_amount end, case when m.patient_id is null then k.paid_amount end,
         k.currency, k.has_several_currencies
    from cost k
    left join member m on m.patient_id = k.patient_id and m.month = k.month and m.payer_name = k.payer_name),
summed as (
  select p.source_id, p.payer_name, p.month, sum(p.members) as members, sum(p.share) as member_months, sum(p.claims) as claims,
         sum(p.billed) as billed, sum(p.allowed) as allowed, sum(p.paid) as paid, sum(p.paid_outside) as paid_outside,
         min(p.currency) as currency,
         bool_or(p.is_mixed) or coalesce(min(p.currency) <> max(p.currency), false) as is_mixed
    from part p
   group by p.source_id, p.payer_name, p.month)
select s.code as source, nullif(t.payer_name, '') as payer_name, t.month, t.members, round(t.member_months, 2) as member_months, t.claims,
       case when not t.is_mixed then coalesce(t.billed, 0) end as billed_amount,
       case when not t.is_mixed then t.allowed end as allowed_amount,
       case when not t.is_mixed then coalesce(t.paid, 0) end as paid_amount,
       case when not t.is_mixed then coalesce(t.paid_outside, 0) end as paid_amount_without_coverage,
       case when not t.is_mixed then t.currency end as currency,
       case when not t.is_mixed then round(coalesce(t.paid, 0) / nullif(t.member_months, 0), 2) end as paid_per_member_month,
       case when not t.is_mixed then round(t.allowed / nullif(t.member_months, 0), 2) end as allowed_per_member_month,
       t.is_mixed as has_several_currencies
  from summed t
  join etl.source s on s.id = t.source_id;
comment on view analytics.cost_per_member_month is 'What does a member cost a month (PMPM)? One row a source, payer and month. Rule: what the payer paid for services of the month, by explanations of benefits that stand and that are claims, for people who were covered by that payer in that month, divided by their member months; part of a month counts in proportion. For a longer time, add paid_amount and member_months first';
comment on column analytics.cost_per_member_month.source is 'who sent it: the folder of the inbox';
comment on column analytics.cost_per_member_month.payer_name is 'who pays; coverage and claim must call the payer the same';
comment on column analytics.cost_per_member_month.month is 'first day of the month of service';
comment on column analytics.cost_per_member_month.members is 'people whom the payer covered on a day of the month at least';
comment on column analytics.cost_per_member_month.member_months is 'their covered days, in months; a person counts as one at most';
comment on column analytics.cost_per_member_month.claims is 'number of their claims';
comment on column analytics.cost_per_member_month.billed_amount is 'what was charged for them';
comment on column analytics.cost_per_member_month.allowed_amount is 'what the payer recognized of that, where it says so';
comment on column analytics.cost_per_member_month.paid_amount is 'what the payer paid';
comment on column analytics.cost_per_member_month.paid_amount_without_coverage is 'what the payer paid for people who have no coverage by it in that month; the rates leave it out';
comment on column analytics.cost_per_member_month.currency is 'currency of the amounts';
comment on column analytics.cost_per_member_month.paid_per_member_month is 'PMPM: paid_amount by member_months; null without members';
comment on column analytics.cost_per_member_month.allowed_per_member_month is 'allowed_amount by member_months';
comment on column analytics.cost_per_member_month.has_several_currencies is 'true if the claims are in different currencies: all amounts are null then';

-- Denials

create view analytics.line_decision as
select s.code as source, l.patient_id, l.explanation_of_benefit_id, l.level, l.line_ordinal, l.line_number, l.service_date,
       coalesce(i.name, e.insurer_display, e.payer_name) as payer_name, l.product_or_service_code, l.service,
       l.billed_amount, l.allowed_amount, l.paid_amount,
       d.is_denied, case when d.is_denied then l.billed_amount end as denied_amount,
       case when d.is_denied then coalesce(r.denial_codes, r.reason_codes) end as reason_codes,
       case when d.is_denied then coalesce(r.denial_reasons, r.reasons) end as reasons,
       l.currency
  from analytics.eob_line l
  join explanation_of_benefit e on e.id = l.explanation_of_benefit_id
  join etl.source s on s.id = e.source_id
  left join organization i on i.id = e.insurer_id
  left join lateral (
    select bool_or(a.is_denial) as has_denial,
           array_agg(distinct a.reason_code) filter (where a.is_denial and a.reason_code is not null) as denial_codes,
           array_agg(distinct coalesce(a.reason_display, a.reason_code)) filter (where a.is_denial and coalesce(a.reason_display, a.reason_code) is not null) as denial_reasons,
           array_agg(distinct a.reason_code) filter (where a.reason_code is not null) as reason_codes,
           array_agg(distinct coalesce(a.reason_display, a.reason_code)) filter (where coalesce(a.reason_display, a.reason_code) is not null) as reasons
      from (select a.reason_code, a.reason_display,
                   coalesce(a.category_code in ('denialreason', 'denied'), false) or coalesce(a.category_alt_code in ('denialreason', 'denied'), false)
                   or exists (select from unnest(a.category_other_codings) o (coding) where split_part(o.coding, '|', -1) in ('denialreason', 'denied')) as is_denial
              from explanation_of_benefit_adjudication a
             where a.explanation_of_benefit_id = l.explanation_of_benefit_id
               and (a.level = 'header' or a.item_ordinal = l.line_ordinal and (a.level = 'add_item') = (l.level = 'add_item'))) a) r on true
  cross join lateral (
    select coalesce(r.has_denial, false) or coalesce(e.outcome = 'error', false)
           or coalesce(l.billed_amount > 0 and coalesce(l.paid_amount, 0) = 0 and (l.allowed_amount = 0 or l.noncovered_amount >= l.billed_amount), false) as is_denied) d
 where e.container_id is null and e.status = 'active' and coalesce(e."use", 'claim') = 'claim';
comment on view analytics.line_decision is 'Which services did payers deny, and why? One row a line of an explanation of benefits that stands and that is of a claim. Rule: a line is denied if one of its adjudications, or of the whole claim''s, has the category denialreason (CARIN) or denied; or if nothing was paid and either nothing was allowed or all of it was not covered; or if the payer could not process the claim (outcome error)';
comment on column analytics.line_decision.source is 'who sent it: the folder of the inbox';
comment on column analytics.line_decision.patient_id is 'key of the patient';
comment on column analytics.line_decision.explanation_of_benefit_id is 'key of the explanation of benefits';
comment on column analytics.line_decision.level is 'item (a line of the claim) | add_item (a line that the payer added)';
comment on column analytics.line_decision.line_ordinal is 'position of the line, from 1';
comment on column analytics.line_decision.line_number is 'number of the line, as the sender counts it';
comment on column analytics.line_decision.service_date is 'first day of the service';
comment on column analytics.line_decision.payer_name is 'who decided';
comment on column analytics.line_decision.product_or_service_code is 'what was billed';
comment on column analytics.line_decision.service is 'name of what was billed';
comment on column analytics.line_decision.billed_amount is 'what was charged';
comment on column analytics.line_decision.allowed_amount is 'what the payer recognized of that';
comment on column analytics.line_decision.paid_amount is 'what the payer paid';
comment on column analytics.line_decision.is_denied is 'true if the payer refused to pay';
comment on column analytics.line_decision.denied_amount is 'what was charged for a denied line; null for others';
comment on column analytics.line_decision.reason_codes is 'why: codes of reasons at the denial, else at any amount of the line; often claim adjustment reason codes (CARC)';
comment on column analytics.line_decision.reasons is 'the same in words, where the sender gives them';
comment on column analytics.line_decision.currency is 'currency of the amounts; null if the line has several';

create view analytics.denial_rate as
with claim as (
  select l.source, l.payer_name, date_trunc('month', min(l.service_date))::date as month, l.explanation_of_benefit_id,
         count(*) as lines, count(*) filter (where l.is_denied) as denied_lines,
         sum(l.billed_amount) as billed, sum(l.denied_amount) as denied,
         min(l.currency) as currency, coalesce(min(l.currency) <> max(l.currency), false) or bool_or(l.currency is null and l.billed_amount is not null) as is_mixed
    from analytics.line_decision l
   group by l.source, l.payer_name, l.explanation_of_benefit_id)
select c.source, c.payer_name, c.month, count(*) as claims,
       count(*) filter (where c.denied_lines = c.lines) as denied_claims,
       count(*) filter (where c.denied_lines > 0 and c.denied_lines < c.lines) as partly_denied_claims,
       sum(c.lines) as lines, sum(c.denied_lines) as denied_lines,
       round(100.0 * sum(c.denied_lines) / sum(c.lines), 1) as denied_lines_per_cent,
       case when not bool_or(c.is_mixed) and min(c.currency) is not distinct from max(c.currency) then sum(c.billed) end as billed_amount,
       case when not bool_or(c.is_mixed) and min(c.currency) is not distinct from max(c.currency) then coalesce(sum(c.denied), 0) end as denied_amount,
       case when not bool_or(c.is_mixed) and min(c.currency) is not distinct from max(c.currency) then min(c.currency) end as currency
  from claim c
 group by c.source, c.payer_name, c.month;
comment on view analytics.denial_rate is 'How often does each payer deny, and how much money is that? One row a source, payer and month of service. Rule: lines as in line_decision; a claim is denied if all of its lines are';
comment on column analytics.denial_rate.source is 'who sent it: the folder of the inbox';
comment on column analytics.denial_rate.payer_name is 'who decided';
comment on column analytics.denial_rate.month is 'first day of the month of the claim''s first service; null if no line has a date';
comment on column analytics.denial_rate.claims is 'number of claims';
comment on column analytics.denial_rate.denied_claims is 'those of which every line was denied';
comment on column analytics.denial_rate.partly_denied_claims is 'those of which some lines were denied and some not';
comment on column analytics.denial_rate.lines is 'number of their lines';
comment on column analytics.denial_rate.denied_lines is 'lines that were denied';
comment on column analytics.denial_rate.denied_lines_per_cent is 'denied lines of a hundred';
comment on column analytics.denial_rate.billed_amount is 'what was charged for all lines; null if in several currencies';
comment on column analytics.denial_rate.denied_amount is 'what was charged for the denied ones';
comment on column analytics.denial_rate.currency is 'currency of the amounts';

-- Attribution

create view analytics.patient_attribution as
with visit as (
  select e.patient_id, e.id, e.period_start, to_date(left(e.period_start_text, 10), 'YYYY-MM-DD') as visit_date, x.practitioner_id,
         max(e.period_start) over (partition by e.patient_id) as last_visit
    from encounter e
    join lateral (select x.practitioner_id from encounter_participant x
                   where x.encounter_id = e.id and x.practitioner_id is not null
                   order by x.type_code in ('PPRF', 'ATND') desc nulls last, x.ordinal limit 1) x on true
   where e.patient_id is not null and e.period_start is not null and e.container_id is null
     and coalesce(e.class_code, 'AMB') not in ('IMP', 'ACUTE', 'NONAC', 'inpatient', 'EMER', 'emergency', 'OBSENC', 'PRENC', 'SS')
     and coalesce(e.status, '') not in ('planned', 'cancelled', 'entered-in-error')),
seen as (
  select v.patient_id, v.practitioner_id, count(*) as visit_count, max(v.visit_date) as last_visit_date,
         row_number() over (partition by v.patient_id order by count(*) desc, max(v.period_start) desc, v.practitioner_id) as place
    from visit v
   where v.period_start > v.last_visit - interval '24 months'
   group by v.patient_id, v.practitioner_id),
named as (
  select p.id as patient_id, p.source_id,
         (select coalesce(r.practitioner_id, case when g.target_type = 'Practitioner' then g.target_id end)
            from resource_reference g
            left join practitioner_role r on g.target_type = 'PractitionerRole' and r.id = g.target_id
           where g.resource_type = 'Patient' and g.resource_id = p.id and g.element = 'generalPractitioner'
             and coalesce(r.practitioner_id, case when g.target_type = 'Practitioner' then g.target_id end) is not null
           order by g.ordinal limit 1) as general_practitioner_id
    from patient p
   where p.container_id is null)
select c.code as source, n.patient_id,
       coalesce(n.general_practitioner_id, s.practitioner_id) as practitioner_id,
       coalesce(d.name_text, nullif(concat_ws(' ', array_to_string(d.name_prefix, ' '), array_to_string(d.name_given, ' '), d.name_family), '')) as practitioner,
       d.npi,
       case when n.general_practitioner_id is not null then 'general practitioner' when s.practitioner_id is not null then 'most visits' end as method,
       n.general_practitioner_id, s.practitioner_id as most_seen_practitioner_id, s.visit_count as most_seen_visit_count, s.last_visit_date as most_seen_last_visit_date
  from named n
  join etl.source c on c.id = n.source_id
  left join seen s on s.patient_id = n.patient_id and s.place = 1
  left join practitioner d on d.id = coalesce(n.general_practitioner_id, s.practitioner_id);
comment on view analytics.patient_attribution is 'Which practitioner answers for each person? One row a person. Rule: the first general practitioner whom the Patient names; else the practitioner of most visits (plurality), counted over the 24 months up to the person''s latest visit, without stays and emergency visits. Of a visit the primary performer or attender counts, else the first practitioner; of equal numbers the one seen last, then the lower key';
comment on column analytics.patient_attribution.source is 'who sent the patient: the folder of the inbox';
comment on column analytics.patient_attribution.patient_id is 'key of the patient';
comment on column analytics.patient_attribution.practitioner_id is 'key of the practitioner; null if nobody can be found';
comment on column analytics.patient_attribution.practitioner is 'name of the practitioner; null if their resource was never delivered';
comment on column analytics.patient_attribution.npi is 'national provider identifier of the practitioner';
comment on column analytics.patient_attribution.method is 'general practitioner | most visits; null without a practitioner';
comment on column analytics.patient_attribution.general_practitioner_id is 'key of the general practitioner whom the Patient names; of a role, who holds it';
comment on column analytics.patient_attribution.most_seen_practitioner_id is 'key of the practitioner of most visits';
comment on column analytics.patient_attribution.most_seen_visit_count is 'how many visits those are';
comment on column analytics.patient_attribution.most_seen_last_visit_date is 'when the last of them was';

-- Missing data

create view analytics.missing_data as
with counted as (
  select 'allergy_intolerance' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(patient_id) as patient_id, count(code) as code, count(clinical_status) as clinical_status, count(criticality) as criticality, count(recorded_date) as recorded_date from allergy_intolerance group by source_id) t
   cross join lateral (values ('patient_id', t.patient_id), ('code', t.code), ('clinical_status', t.clinical_status), ('criticality', t.criticality), ('recorded_date', t.recorded_date)) v (column_name, filled_count)
  union all
  select 'appointment' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(patient_id) as patient_id, count(status) as status, count(start_time) as start_time, count(end_time) as end_time, count(service_type_code) as service_type_code from appointment group by source_id) t
   cross join lateral (values ('patient_id', t.patient_id), ('status', t.status), ('start_time', t.start_time), ('end_time', t.end_time), ('service_type_code', t.service_type_code)) v (column_name, filled_count)
  union all
  select 'care_plan' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(patient_id) as patient_id, count(status) as status, count(category_code) as category_code, count(period_start) as period_start from care_plan group by source_id) t
   cross join lateral (values ('patient_id', t.patient_id), ('status', t.status), ('category_code', t.category_code), ('period_start', t.period_start)) v (column_name, filled_count)
  union all
  select 'care_team' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(patient_id) as patient_id, count(status) as status, count(name) as name, count(period_start) as period_start from care_team group by source_id) t
   cross join lateral (values ('patient_id', t.patient_id), ('status', t.status), ('name', t.name), ('period_start', t.period_start)) v (column_name, filled_count)
  union all
  select 'claim' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(patient_id) as patient_id, count(status) as status, count(type_code) as type_code, count(billable_period_start) as billable_period_start, count(provider_id) as provider_id, count(total_value) as total_value from claim group by source_id) t
   cross join lateral (values ('patient_id', t.patient_id), ('status', t.status), ('type_code', t.type_code), ('billable_period_start', t.billable_period_start), ('provider_id', t.provider_id), ('total_value', t.total_value)) v (column_name, filled_count)
  union all
  select 'claim_response' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(patient_id) as patient_id, count(status) as status, count(outcome) as outcome, count(request_id) as request_id, count(payment_amount_value) as payment_amount_value from claim_response group by source_id) t
   cross join lateral (values ('patient_id', t.patient_id), ('status', t.status), ('outcome', t.outcome), ('request_id', t.request_id), ('payment_amount_value', t.payment_amount_value)) v (column_name, filled_count)
  union all
  select 'communication' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(patient_id) as patient_id, count(status) as status, count(sent) as sent from communication group by source_id) t
   cross join lateral (values ('patient_id', t.patient_id), ('status', t.status), ('sent', t.sent)) v (column_name, filled_count)
  union all
  select 'communication_request' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(patient_id) as patient_id, count(status) as status, count(authored_on) as authored_on from communication_request group by source_id) t
   cross join lateral (values ('patient_id', t.patient_id), ('status', t.status), ('authored_on', t.authored_on)) v (column_name, filled_count)
  union all
  select 'condition' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(patient_id) as patient_id, count(encounter_id) as encounter_id, count(code) as code, count(clinical_status) as clinical_status, count(verification_status) as verification_status, count(onset_start) as onset_start, count(recorded_date) as recorded_date from condition group by source_id) t
   cross join lateral (values ('patient_id', t.patient_id), ('encounter_id', t.encounter_id), ('code', t.code), ('clinical_status', t.clinical_status), ('verification_status', t.verification_status), ('onset_start', t.onset_start), ('recorded_date', t.recorded_date)) v (column_name, filled_count)
  union all
  select 'consent' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(patient_id) as patient_id, count(status) as status, count(scope_code) as scope_code, count(date_time) as date_time from consent group by source_id) t
   cross join lateral (values ('patient_id', t.patient_id), ('status', t.status), ('scope_code', t.scope_code), ('date_time', t.date_time)) v (column_name, filled_count)
  union all
  select 'coverage' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(patient_id) as patient_id, count(status) as status, count(type_code) as type_code, count(subscriber_id) as subscriber_id, count(period_start) as period_start, count(period_end) as period_end, count(payor_display) as payor_display, count(plan_name) as plan_name from coverage group by source_id) t
   cross join lateral (values ('patient_id', t.patient_id), ('status', t.status), ('type_code', t.type_code), ('subscriber_id', t.subscriber_id), ('period_start', t.period_start), ('period_end', t.period_end), ('payor_display', t.payor_display), ('plan_name', t.plan_name)) v (column_name, filled_count)
  union all
  select 'device' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(patient_id) as patient_id, count(status) as status, count(type_code) as type_code, count(udi_device_identifier) as udi_device_identifier from device group by source_id) t
   cross join lateral (values ('patient_id', t.patient_id), ('status', t.status), ('type_code', t.type_code), ('udi_device_identifier', t.udi_device_identifier)) v (column_name, filled_count)
  union all
  select 'diagnostic_report' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(patient_id) as patient_id, count(encounter_id) as encounter_id, count(status) as status, count(code) as code, count(effective_start) as effective_start, count(issued) as issued, count(conclusion) as conclusion from diagnostic_report group by source_id) t
   cross join lateral (values ('patient_id', t.patient_id), ('encounter_id', t.encounter_id), ('status', t.status), ('code', t.code), ('effective_start', t.effective_start), ('issued', t.issued), ('conclusion', t.conclusion)) v (column_name, filled_count)
  union all
  select 'document_reference' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(patient_id) as patient_id, count(encounter_id) as encounter_id, count(status) as status, count(type_code) as type_code, count(date) as date from document_reference group by source_id) t
   cross join lateral (values ('patient_id', t.patient_id), ('encounter_id', t.encounter_id), ('status', t.status), ('type_code', t.type_code), ('date', t.date)) v (column_name, filled_count)
  union all
  select 'encounter' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(patient_id) as patient_id, count(status) as status, count(class_code) as class_code, count(type_code) as type_code, count(period_start) as period_start, count(period_end) as period_end, count(reason_code) as reason_code, count(service_provider_id) as service_provider_id, count(discharge_disposition_code) as discharge_disposition_code from encounter group by source_id) t
   cross join lateral (values ('patient_id', t.patient_id), ('status', t.status), ('class_code', t.class_code), ('type_code', t.type_code), ('period_start', t.period_start), ('period_end', t.period_end), ('reason_code', t.reason_code), ('service_provider_id', t.service_provider_id), ('discharge_disposition_code', t.discharge_disposition_code)) v (column_name, filled_count)
  union all
  select 'explanation_of_benefit' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(patient_id) as patient_id, count(status) as status, count(claim_type) as claim_type, count(billable_period_start) as billable_period_start, count(provider_id) as provider_id, count(payer_name) as payer_name, count(payment_amount_value) as payment_amount_value from explanation_of_benefit group by source_id) t
   cross join lateral (values ('patient_id', t.patient_id), ('status', t.status), ('claim_type', t.claim_type), ('billable_period_start', t.billable_period_start), ('provider_id', t.provider_id), ('payer_name', t.payer_name), ('payment_amount_value', t.payment_amount_value)) v (column_name, filled_count)
  union all
  select 'goal' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(patient_id) as patient_id, count(lifecycle_status) as lifecycle_status, count(description_code) as description_code, count(start_date) as start_date from goal group by source_id) t
   cross join lateral (values ('patient_id', t.patient_id), ('lifecycle_status', t.lifecycle_status), ('description_code', t.description_code), ('start_date', t.start_date)) v (column_name, filled_count)
  union all
  select 'imaging_study' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(patient_id) as patient_id, count(encounter_id) as encounter_id, count(status) as status, count(modality_code) as modality_code, count(started) as started from imaging_study group by source_id) t
   cross join lateral (values ('patient_id', t.patient_id), ('encounter_id', t.encounter_id), ('status', t.status), ('modality_code', t.modality_code), ('started', t.started)) v (column_name, filled_count)
  union all
  select 'immunization' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(patient_id) as patient_id, count(status) as status, count(vaccine_code) as vaccine_code, count(occurrence_date_time) as occurrence_date_time, count(lot_number) as lot_number from immunization group by source_id) t
   cross join lateral (values ('patient_id', t.patient_id), ('status', t.status), ('vaccine_code', t.vaccine_code), ('occurrence_date_time', t.occurrence_date_time), ('lot_number', t.lot_number)) v (column_name, filled_count)
  union all
  select 'location' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(name) as name, count(type_code) as type_code, count(address_city) as address_city, count(managing_organization_id) as managing_organization_id from location group by source_id) t
   cross join lateral (values ('name', t.name), ('type_code', t.type_code), ('address_city', t.address_city), ('managing_organization_id', t.managing_organization_id)) v (column_name, filled_count)
  union all
  select 'medication' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(code) as code, count(status) as status from medication group by source_id) t
   cross join lateral (values ('code', t.code), ('status', t.status)) v (column_name, filled_count)
  union all
  select 'medication_administration' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(patient_id) as patient_id, count(encounter_id) as encounter_id, count(status) as status, count(medication_code) as medication_code, count(effective_start) as effective_start, count(dosage_dose_value) as dosage_dose_value from medication_administration group by source_id) t
   cross join lateral (values ('patient_id', t.patient_id), ('encounter_id', t.encounter_id), ('status', t.status), ('medication_code', t.medication_code), ('effective_start', t.effective_start), ('dosage_dose_value', t.dosage_dose_value)) v (column_name, filled_count)
  union all
  select 'medication_dispense' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(patient_id) as patient_id, count(status) as status, count(medication_code) as medication_code, count(when_handed_over) as when_handed_over, count(days_supply_value) as days_supply_value, count(quantity_value) as quantity_value from medication_dispense group by source_id) t
   cross join lateral (values ('patient_id', t.patient_id), ('status', t.status), ('medication_code', t.medication_code), ('when_handed_over', t.when_handed_over), ('days_supply_value', t.days_supply_value), ('quantity_value', t.quantity_value)) v (column_name, filled_count)
  union all
  select 'medication_request' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(patient_id) as patient_id, count(encounter_id) as encounter_id, count(status) as status, count(medication_code) as medication_code, count(authored_on) as authored_on, count(requester_id) as requester_id, count(reason_code) as reason_code, count(dispense_expected_supply_duration_value) as dispense_expected_supply_duration_value from medication_request group by source_id) t
   cross join lateral (values ('patient_id', t.patient_id), ('encounter_id', t.encounter_id), ('status', t.status), ('medication_code', t.medication_code), ('authored_on', t.authored_on), ('requester_id', t.requester_id), ('reason_code', t.reason_code), ('dispense_expected_supply_duration_value', t.dispense_expected_supply_duration_value)) v (column_name, filled_count)
  union all
  select 'medication_statement' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(patient_id) as patient_id, count(status) as status, count(medication_code) as medication_code, count(effective_start) as effective_start from medication_statement group by source_id) t
   cross join lateral (values ('patient_id', t.patient_id), ('status', t.status), ('medication_code', t.medication_code), ('effective_start', t.effective_start)) v (column_name, filled_count)
  union all
  select 'observation' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(patient_id) as patient_id, count(encounter_id) as encounter_id, count(status) as status, count(category_code) as category_code, count(code) as code, count(effective_start) as effective_start, count(value_type) as value_type, count(value_quantity_unit) as value_quantity_unit, count(interpretation_code) as interpretation_code from observation group by source_id) t
   cross join lateral (values ('patient_id', t.patient_id), ('encounter_id', t.encounter_id), ('status', t.status), ('category_code', t.category_code), ('code', t.code), ('effective_start', t.effective_start), ('value_type', t.value_type), ('value_quantity_unit', t.value_quantity_unit), ('interpretation_code', t.interpretation_code)) v (column_name, filled_count)
  union all
  select 'organization' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(npi) as npi, count(name) as name, count(type_code) as type_code, count(address_city) as address_city from organization group by source_id) t
   cross join lateral (values ('npi', t.npi), ('name', t.name), ('type_code', t.type_code), ('address_city', t.address_city)) v (column_name, filled_count)
  union all
  select 'other_resource' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(patient_id) as patient_id, count(status) as status, count(code) as code from other_resource group by source_id) t
   cross join lateral (values ('patient_id', t.patient_id), ('status', t.status), ('code', t.code)) v (column_name, filled_count)
  union all
  select 'patient' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(gender) as gender, count(birth_date) as birth_date, count(race_code) as race_code, count(ethnicity_code) as ethnicity_code, count(marital_status_code) as marital_status_code from patient group by source_id) t
   cross join lateral (values ('gender', t.gender), ('birth_date', t.birth_date), ('race_code', t.race_code), ('ethnicity_code', t.ethnicity_code), ('marital_status_code', t.marital_status_code)) v (column_name, filled_count)
  union all
  select 'practitioner' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(npi) as npi, count(name_family) as name_family, count(gender) as gender from practitioner group by source_id) t
   cross join lateral (values ('npi', t.npi), ('name_family', t.name_family), ('gender', t.gender)) v (column_name, filled_count)
  union all
  select 'practitioner_role' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(practitioner_id) as practitioner_id, count(organization_id) as organization_id, count(code) as code, count(specialty_code) as specialty_code, count(period_start) as period_start from practitioner_role group by source_id) t
   cross join lateral (values ('practitioner_id', t.practitioner_id), ('organization_id', t.organization_id), ('code', t.code), ('specialty_code', t.specialty_code), ('period_start', t.period_start)) v (column_name, filled_count)
  union all
  select 'procedure' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(patient_id) as patient_id, count(encounter_id) as encounter_id, count(status) as status, count(code) as code, count(performed_start) as performed_start, count(reason_code) as reason_code from procedure group by source_id) t
   cross join lateral (values ('patient_id', t.patient_id), ('encounter_id', t.encounter_id), ('status', t.status), ('code', t.code), ('performed_start', t.performed_start), ('reason_code', t.reason_code)) v (column_name, filled_count)
  union all
  select 'provenance' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(recorded) as recorded, count(activity_code) as activity_code from provenance group by source_id) t
   cross join lateral (values ('recorded', t.recorded), ('activity_code', t.activity_code)) v (column_name, filled_count)
  union all
  select 'questionnaire_response' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(patient_id) as patient_id, count(questionnaire) as questionnaire, count(status) as status, count(authored) as authored from questionnaire_response group by source_id) t
   cross join lateral (values ('patient_id', t.patient_id), ('questionnaire', t.questionnaire), ('status', t.status), ('authored', t.authored)) v (column_name, filled_count)
  union all
  select 'related_person' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(patient_id) as patient_id, count(name_family) as name_family, count(relationship_code) as relationship_code from related_person group by source_id) t
   cross join lateral (values ('patient_id', t.patient_id), ('name_family', t.name_family), ('relationship_code', t.relationship_code)) v (column_name, filled_count)
  union all
  select 'service_request' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(patient_id) as patient_id, count(encounter_id) as encounter_id, count(status) as status, count(code) as code, count(authored_on) as authored_on, count(requester_id) as requester_id from service_request group by source_id) t
   cross join lateral (values ('patient_id', t.patient_id), ('encounter_id', t.encounter_id), ('status', t.status), ('code', t.code), ('authored_on', t.authored_on), ('requester_id', t.requester_id)) v (column_name, filled_count)
  union all
  select 'specimen' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(patient_id) as patient_id, count(type_code) as type_code, count(collected_start) as collected_start from specimen group by source_id) t
   cross join lateral (values ('patient_id', t.patient_id), ('type_code', t.type_code), ('collected_start', t.collected_start)) v (column_name, filled_count)
  union all
  select 'supply_delivery' as table_name, t.source_id, v.column_name, t.row_count, v.filled_count
    from (select source_id, count(*) as row_count, count(patient_id) as patient_id, count(status) as status, count(supplied_item_item_code) as supplied_item_item_code, count(occurrence_start) as occurrence_start from supply_delivery group by source_id) t
   cross join lateral (values ('patient_id', t.patient_id), ('status', t.status), ('supplied_item_item_code', t.supplied_item_item_code), ('occurrence_start', t.occurrence_start)) v (column_name, filled_count))
select s.code as source, c.table_name, c.column_name, c.row_count, c.filled_count, c.row_count - c.filled_count as missing_count,
       round(100.0 * (c.row_count - c.filled_count) / c.row_count, 1) as missing_per_cent
  from counted c
  join etl.source s on s.id = c.source_id;
comment on view analytics.missing_data is 'What does each sender leave out? One row a source, table of a resource type and column that questions usually need, where the source sent any row of that table. A code counts as missing where only words were sent, a key where it is not known what is referred to';
comment on column analytics.missing_data.source is 'who sent it: the folder of the inbox';
comment on column analytics.missing_data.table_name is 'table of schema public';
comment on column analytics.missing_data.column_name is 'column of that table';
comment on column analytics.missing_data.row_count is 'rows that the source has in the table';
comment on column analytics.missing_data.filled_count is 'rows in which the column has a value';
comment on column analytics.missing_data.missing_count is 'rows in which it has none';
comment on column analytics.missing_data.missing_per_cent is 'rows of a hundred in which it has none';

-- The role may have come after the schema's default privileges.
do $migration$
begin
  if exists (select from pg_roles where rolname = 'analyst') then
    grant select on all tables in schema analytics to analyst;
  end if;
end $migration$;
