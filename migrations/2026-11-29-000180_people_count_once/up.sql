-- People count once in every view that counts people: records that Patient.link says are
-- of one person are taken together, and patient_id is the record in use, which person_id
-- says, too. The views are replaced in place and only gain columns.
--
-- Rows of people with one record and rows of people with several are read apart, so that
-- a condition on patient_id reaches the tables' indexes in both.

-- A function, because the planner takes the result of a recursive query for large, and
-- would read whole tables to join with a few records.
create function etl.linked_records() returns table (patient_id bigint, person_id bigint, records bigint[])
language plpgsql stable parallel safe rows 100 as $function$
begin
  return query
  select l.patient_id, l.person_id, array_agg(l.patient_id) over (partition by l.person_id) from analytics.linked_patient l;
end $function$;
comment on function etl.linked_records() is 'the patient records that are of one person with others, the person, and all records of that person, as analytics.linked_patient has them';

create view etl.person_encounter as
select t.patient_id as person_id, array[t.patient_id] as records, t.id, t.patient_id, t.source_id, t.container_id, t.status, t.class_code, t.period_start, t.period_start_text, t.period_end, t.period_end_text, t.priority_code, t.discharge_disposition_code, t.admit_source_code, t.admit_source_display, t.service_provider_id, t.service_provider_display
  from encounter t
 where not exists (select from etl.linked_records() l where l.patient_id = t.patient_id)
union all
select l.person_id, l.records, t.id, t.patient_id, t.source_id, t.container_id, t.status, t.class_code, t.period_start, t.period_start_text, t.period_end, t.period_end_text, t.priority_code, t.discharge_disposition_code, t.admit_source_code, t.admit_source_display, t.service_provider_id, t.service_provider_display
  from etl.linked_records() l
  join encounter t on t.patient_id = l.patient_id;
comment on view etl.person_encounter is 'encounters by person: for the views that count people';
comment on column etl.person_encounter.person_id is 'the patient; of a person with several records the one in use';
comment on column etl.person_encounter.records is 'all patient records of the person';
comment on column etl.person_encounter.id is 'key of the encounter';
comment on column etl.person_encounter.patient_id is 'key of the patient record that the encounter names';
comment on column etl.person_encounter.source_id is 'the sender';
comment on column etl.person_encounter.container_id is 'key of the resource that contains it';
comment on column etl.person_encounter.status is 'planned | arrived | triaged | in-progress | onleave | finished | cancelled | entered-in-error | unknown';
comment on column etl.person_encounter.class_code is 'kind of encounter: AMB, EMER, IMP …';
comment on column etl.person_encounter.period_start is 'when it began';
comment on column etl.person_encounter.period_start_text is 'the same as written';
comment on column etl.person_encounter.period_end is 'when it ended';
comment on column etl.person_encounter.period_end_text is 'the same as written';
comment on column etl.person_encounter.priority_code is 'how urgent it was; EL is planned';
comment on column etl.person_encounter.discharge_disposition_code is 'where the patient went';
comment on column etl.person_encounter.admit_source_code is 'where the patient came from';
comment on column etl.person_encounter.admit_source_display is 'name of that';
comment on column etl.person_encounter.service_provider_id is 'key of the organization';
comment on column etl.person_encounter.service_provider_display is 'what the sender calls it';

create view etl.person_coverage as
select t.patient_id as person_id, array[t.patient_id] as records, t.id, t.patient_id, t.source_id, t.container_id, t.fhir_id, t.status, t.type_code, t.plan_name, t.group_number, t.payor_id, t.payor_display, t.period_start, t.period_start_text, t.period_end, t.period_end_text
  from coverage t
 where not exists (select from etl.linked_records() l where l.patient_id = t.patient_id)
union all
select l.person_id, l.records, t.id, t.patient_id, t.source_id, t.container_id, t.fhir_id, t.status, t.type_code, t.plan_name, t.group_number, t.payor_id, t.payor_display, t.period_start, t.period_start_text, t.period_end, t.period_end_text
  from etl.linked_records() l
  join coverage t on t.patient_id = l.patient_id;
comment on view etl.person_coverage is 'coverages by person: for the views that count people';
comment on column etl.person_coverage.person_id is 'the patient; of a person with several records the one in use';
comment on column etl.person_coverage.records is 'all patient records of the person';
comment on column etl.person_coverage.id is 'key of the coverage';
comment on column etl.person_coverage.patient_id is 'key of the patient record that the coverage names';
comment on column etl.person_coverage.source_id is 'the sender';
comment on column etl.person_coverage.container_id is 'key of the resource that contains it';
comment on column etl.person_coverage.fhir_id is 'id that the resource has at the sender';
comment on column etl.person_coverage.status is 'active | cancelled | draft | entered-in-error';
comment on column etl.person_coverage.type_code is 'kind of coverage';
comment on column etl.person_coverage.plan_name is 'name of the plan';
comment on column etl.person_coverage.group_number is 'number of the group';
comment on column etl.person_coverage.payor_id is 'key of the payer';
comment on column etl.person_coverage.payor_display is 'what the sender calls the payer';
comment on column etl.person_coverage.period_start is 'when it begins';
comment on column etl.person_coverage.period_start_text is 'the same as written';
comment on column etl.person_coverage.period_end is 'when it ends';
comment on column etl.person_coverage.period_end_text is 'the same as written';

create view etl.person_dispense as
select t.patient_id as person_id, array[t.patient_id] as records, t.id, t.patient_id, t.source_id, t.container_id, t.fhir_id, t.status, t.medication_id, t.medication_system, t.medication_code, t.medication_display, t.medication_text, t.authorizing_prescription_id, t.when_prepared_text, t.when_handed_over_text, t.days_supply_value, t.days_supply_unit, t.days_supply_code, t.quantity_value, t.quantity_unit, t.quantity_code
  from medication_dispense t
 where not exists (select from etl.linked_records() l where l.patient_id = t.patient_id)
union all
select l.person_id, l.records, t.id, t.patient_id, t.source_id, t.container_id, t.fhir_id, t.status, t.medication_id, t.medication_system, t.medication_code, t.medication_display, t.medication_text, t.authorizing_prescription_id, t.when_prepared_text, t.when_handed_over_text, t.days_supply_value, t.days_supply_unit, t.days_supply_code, t.quantity_value, t.quantity_unit, t.quantity_code
  from etl.linked_records() l
  join medication_dispense t on t.patient_id = l.patient_id;
comment on view etl.person_dispense is 'dispenses by person: for the views that count people';
comment on column etl.person_dispense.person_id is 'the patient; of a person with several records the one in use';
comment on column etl.person_dispense.records is 'all patient records of the person';
comment on column etl.person_dispense.id is 'key of the dispense';
comment on column etl.person_dispense.patient_id is 'key of the patient record that the dispense names';
comment on column etl.person_dispense.source_id is 'the sender';
comment on column etl.person_dispense.container_id is 'key of the resource that contains it';
comment on column etl.person_dispense.fhir_id is 'id that the resource has at the sender';
comment on column etl.person_dispense.status is 'status of the dispense';
comment on column etl.person_dispense.medication_id is 'key of the drug, if a resource';
comment on column etl.person_dispense.medication_system is 'system of its code';
comment on column etl.person_dispense.medication_code is 'code of the drug';
comment on column etl.person_dispense.medication_display is 'name of the code';
comment on column etl.person_dispense.medication_text is 'name of the drug';
comment on column etl.person_dispense.authorizing_prescription_id is 'key of the prescription';
comment on column etl.person_dispense.when_prepared_text is 'when it was prepared, as written';
comment on column etl.person_dispense.when_handed_over_text is 'when it was handed over, as written';
comment on column etl.person_dispense.days_supply_value is 'for how long it lasts';
comment on column etl.person_dispense.days_supply_unit is 'unit of that';
comment on column etl.person_dispense.days_supply_code is 'code of the unit';
comment on column etl.person_dispense.quantity_value is 'how much';
comment on column etl.person_dispense.quantity_unit is 'unit of that';
comment on column etl.person_dispense.quantity_code is 'code of the unit';

create view etl.person_value as
select t.patient_id as person_id, array[t.patient_id] as records, t.patient_id, t.observation_id, t.fhir_id, t.component_ordinal, t.status, t.category_code, t.code_system, t.code, t.name, t.value_number, t.comparator, t.unit, t.effective_time, t.effective_date, t.source
  from analytics.observation_value t
 where not exists (select from etl.linked_records() l where l.patient_id = t.patient_id)
union all
select l.person_id, l.records, t.patient_id, t.observation_id, t.fhir_id, t.component_ordinal, t.status, t.category_code, t.code_system, t.code, t.name, t.value_number, t.comparator, t.unit, t.effective_time, t.effective_date, t.source
  from etl.linked_records() l
  cross join lateral (select v.patient_id, v.observation_id, v.fhir_id, v.component_ordinal, v.status, v.category_code, v.code_system, v.code, v.name, v.value_number, v.comparator, v.unit, v.effective_time, v.effective_date, v.source from analytics.observation_value v where v.patient_id = l.patient_id offset 0) t;
comment on view etl.person_value is 'values of observations by person: for the views that count people';
comment on column etl.person_value.person_id is 'the patient; of a person with several records the one in use';
comment on column etl.person_value.records is 'all patient records of the person';
comment on column etl.person_value.patient_id is 'key of the patient record that the observation names';
comment on column etl.person_value.observation_id is 'key of the observation';
comment on column etl.person_value.fhir_id is 'id that the resource has at the sender';
comment on column etl.person_value.component_ordinal is '0, or the number of the component';
comment on column etl.person_value.status is 'status of the observation';
comment on column etl.person_value.category_code is 'kind of observation';
comment on column etl.person_value.code_system is 'system of the code';
comment on column etl.person_value.code is 'what was observed';
comment on column etl.person_value.name is 'what that is called';
comment on column etl.person_value.value_number is 'the number';
comment on column etl.person_value.comparator is '< <= >= >, if the number is a bound';
comment on column etl.person_value.unit is 'its unit';
comment on column etl.person_value.effective_time is 'when it was observed';
comment on column etl.person_value.effective_date is 'day of that on the sender''s clock';
comment on column etl.person_value.source is 'who sent it';

create or replace view analytics.lab_trend as
with valued as (
  select v.person_id, v.category_code, v.code_system, v.code, v.name, v.unit, v.value_number, v.comparator,
         v.effective_time, v.effective_date, v.observation_id, v.source,
         row_number() over (same_time order by v.fhir_id desc, v.component_ordinal, v.observation_id) as place,
         count(*) over same_time as tied_count,
         min(v.value_number) over same_time as lowest, max(v.value_number) over same_time as highest,
         min(coalesce(v.comparator, '')) over same_time <> max(coalesce(v.comparator, '')) over same_time as has_comparators,
         count(*) over (partition by v.person_id, v.code, v.code_system, v.unit) as value_count
    from etl.person_value v
   where v.value_number is not null and v.code is not null and v.effective_time is not null
     and v.person_id is not null and coalesce(v.status, '') not in ('entered-in-error', 'cancelled')
  window same_time as (partition by v.person_id, v.code, v.code_system, v.unit, v.effective_time)),
numbered as (
  select v.*, v.lowest <> v.highest or v.has_comparators as is_tied,
         lead(v.value_number) over latest_first as previous_value,
         lead(v.comparator) over latest_first as previous_comparator,
         lead(v.effective_time) over latest_first as previous_time,
         lead(v.effective_date) over latest_first as previous_date,
         lead(v.tied_count) over latest_first as previous_tied_count,
         lead(v.lowest) over latest_first as previous_lowest,
         lead(v.highest) over latest_first as previous_highest,
         lead(v.lowest <> v.highest or v.has_comparators) over latest_first as is_previous_tied,
         row_number() over latest_first as instant
    from valued v
   where v.place = 1
  window latest_first as (partition by v.person_id, v.code, v.code_system, v.unit order by v.effective_time desc))
select n.person_id as patient_id, p.fhir_id as patient_fhir_id, n.category_code, n.code_system, n.code, n.name, n.unit,
       n.value_number as latest_value, n.comparator as latest_comparator, n.effective_time as latest_time, n.effective_date as latest_date,
       n.observation_id as latest_observation_id,
       n.previous_value, n.previous_comparator, n.previous_time, n.previous_date,
       case when n.comparator is null and n.previous_comparator is null and not n.is_tied and not n.is_previous_tied
            then n.value_number - n.previous_value end as change,
       n.effective_date - n.previous_date as days_between,
       n.value_count, n.source,
       n.is_tied or coalesce(n.is_previous_tied, false) as is_tied,
       n.tied_count as latest_count, n.lowest as latest_lowest, n.highest as latest_highest,
       n.previous_tied_count as previous_count, n.previous_lowest, n.previous_highest,
       n.person_id
  from numbered n
  left join patient p on p.id = n.person_id
 where n.instant = 1;
comment on view analytics.lab_trend is 'How does a value develop? One row a person, code and unit: the number of the latest instant, that of the instant before it, and the change. All numeric observations; filter category_code for laboratory. Values of one instant are never compared with each other: where they differ, is_tied is true, latest_lowest to previous_highest tell them, change is null, and the value shown is that with the greater FHIR id. Values entered in error, cancelled or without a time are left out';
comment on column analytics.lab_trend.patient_id is 'key of the patient; of a person with several records, as linked_patient has them, the record in use';
comment on column analytics.lab_trend.person_id is 'key of the person: that of the patient record in use, the same as patient_id';

create or replace view analytics.readmission_30_day as
with inpatient as (
  select e.id, e.person_id, e.records, e.period_start, e.service_provider_id, e.service_provider_display, e.class_code,
         e.priority_code, e.discharge_disposition_code, e.period_end is not null as has_end,
         to_date(left(e.period_start_text, 10), 'YYYY-MM-DD') as first_day,
         to_date(left(coalesce(e.period_end_text, e.period_start_text), 10), 'YYYY-MM-DD') as last_day
    from etl.person_encounter e
   where e.person_id is not null and e.period_start is not null and e.container_id is null
     and e.class_code in ('IMP', 'ACUTE', 'NONAC', 'inpatient')
     and coalesce(e.status, '') not in ('planned', 'cancelled', 'entered-in-error')),
followed as (
  select i.*,
         max(i.last_day) over (partition by i.person_id order by i.period_start, i.id rows between unbounded preceding and 1 preceding) as stayed_until,
         lag(i.service_provider_id) over (partition by i.person_id order by i.period_start, i.id) as left_provider_id
    from inpatient i),
numbered as (
  -- A new stay begins with the encounter that no stay before reaches: not on
  -- the same day and, in another hospital, not on the day after.
  select f.*,
         count(*) filter (where f.stayed_until is null
                             or f.first_day > f.stayed_until + (f.service_provider_id is distinct from f.left_provider_id
                                                                and f.service_provider_id is not null and f.left_provider_id is not null)::integer)
           over (partition by f.person_id order by f.period_start, f.id) as stay_number
    from followed f),
stay as (
  select n.person_id, n.records, n.stay_number, min(n.first_day) as admission_date, max(n.last_day) as discharge_date, count(*) as encounter_count,
         bool_and(n.has_end) as is_finished,
         array_agg(n.id order by n.period_start, n.id) as encounter_ids,
         (array_agg(n.priority_code order by n.period_start, n.id))[1] as priority_code,
         (array_agg(n.service_provider_id order by n.period_start, n.id))[1] as admitting_provider_id,
         (array_agg(n.service_provider_id order by n.last_day desc, n.period_start desc, n.id desc))[1] as discharging_provider_id,
         (array_agg(n.discharge_disposition_code order by n.last_day desc, n.period_start desc, n.id desc))[1] as discharge_disposition_code
    from numbered n
   group by n.person_id, n.records, n.stay_number),
next_stay as (
  select s.*,
         lead(s.admission_date) over following as next_admission_date,
         lead(s.encounter_ids[1]) over following as next_encounter_id,
         lead(s.admitting_provider_id) over following as next_provider_id,
         lead(s.priority_code) over following as next_priority_code
    from stay s
  window following as (partition by s.person_id order by s.stay_number))
select s.person_id as patient_id, p.fhir_id as patient_fhir_id, s.encounter_ids[1] as encounter_id,
       s.admission_date, s.discharge_date, s.discharge_date - s.admission_date as length_days,
       s.encounter_count, o.name as facility, s.discharge_disposition_code,
       coalesce(s.next_admission_date - s.discharge_date <= 30, false) as is_readmitted,
       case when s.next_admission_date - s.discharge_date <= 30 then s.next_encounter_id end as readmission_encounter_id,
       case when s.next_admission_date - s.discharge_date <= 30 then s.next_admission_date end as readmission_date,
       case when s.next_admission_date - s.discharge_date <= 30 then s.next_admission_date - s.discharge_date end as days_until_readmission,
       case when s.next_admission_date - s.discharge_date <= 30 then s.next_priority_code = 'EL' end as is_planned,
       case when s.next_admission_date - s.discharge_date <= 30 then s.next_provider_id = s.discharging_provider_id end as is_same_facility,
       y.code as source, s.person_id
  from next_stay s
  left join patient p on p.id = s.person_id
  join encounter e on e.id = s.encounter_ids[1]
  join etl.source y on y.id = e.source_id
  left join organization o on o.id = s.discharging_provider_id
 where s.is_finished
   and coalesce(s.discharge_disposition_code, '') <> 'exp'
   and not exists (select from patient d
                    where d.id = any (s.records) and to_date(left(d.deceased_date_time_text, 10), 'YYYY-MM-DD') <= s.discharge_date);
comment on column analytics.readmission_30_day.patient_id is 'key of the patient; of a person with several records, as linked_patient has them, the record in use';
comment on column analytics.readmission_30_day.person_id is 'key of the person: that of the patient record in use, the same as patient_id';

create or replace view analytics.member_months as
with covered as (
  select c.id, c.fhir_id, c.person_id, c.patient_id, c.source_id, c.container_id, c.status, c.type_code, c.plan_name, c.group_number,
         coalesce(o.name, c.payor_display) as payer_name,
         to_date(left(c.period_start_text, 10), 'YYYY-MM-DD') as first_day,
         case length(c.period_end_text)
              when 4 then (to_date(c.period_end_text, 'YYYY') + interval '1 year')::date - 1
              when 7 then (to_date(c.period_end_text, 'YYYY-MM') + interval '1 month')::date - 1
              else to_date(left(c.period_end_text, 10), 'YYYY-MM-DD')
         end as last_day
    from etl.person_coverage c
    left join organization o on o.id = c.payor_id
   where c.period_start is not null
     and (c.status is null or c.status = 'active' or c.status = 'cancelled' and c.period_end is not null)),
counted as (
  -- Of contained coverages that say the same, one counts, and none beside one that is
  -- not contained. Of what several records of a person say, that of one record counts.
  select c.*, row_number() over alike as place, first_value(c.patient_id) over alike as counted_record
    from covered c
  window alike as (partition by c.person_id, c.payer_name, c.plan_name, c.group_number, c.type_code, c.first_day, c.last_day
                   order by c.container_id is not null, c.patient_id <> c.person_id, c.id))
select c.person_id as patient_id, p.fhir_id as patient_fhir_id, c.id as coverage_id, c.fhir_id, c.payer_name, c.plan_name, c.group_number, c.type_code,
       m.month::date as month,
       least(c.last_day, (m.month + interval '1 month')::date - 1) - greatest(c.first_day, m.month::date) + 1 as covered_days,
       (m.month + interval '1 month')::date - m.month::date as month_days,
       c.container_id, s.code as source, c.person_id
  from counted c
  join etl.source s on s.id = c.source_id
  left join patient p on p.id = c.person_id
 cross join lateral generate_series(date_trunc('month', c.first_day::timestamp),
                                    least(coalesce(c.last_day, current_date), current_date)::timestamp, interval '1 month') as m (month)
 where (c.last_day is null or c.last_day >= c.first_day) and (c.place = 1 or c.container_id is null and c.patient_id is not distinct from c.counted_record);
comment on column analytics.member_months.patient_id is 'key of the patient; of a person with several records, as linked_patient has them, the record in use';
comment on column analytics.member_months.person_id is 'key of the person: that of the patient record in use, the same as patient_id';

create or replace view analytics.medication_fill as
with fill as (
  select d.id, d.fhir_id, d.source_id, d.person_id, d.authorizing_prescription_id,
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
    from etl.person_dispense d
    left join medication m on m.id = d.medication_id
   where d.container_id is null and coalesce(d.status, 'unknown') in ('completed', 'unknown')),
supplied as (
  select f.*,
         sum(coalesce(f.days_supply, 0)) over by_date as supply_so_far
    from fill f
  window by_date as (partition by f.person_id, f.code_system, coalesce(f.code, f.medication) order by f.fill_date, f.id)),
shifted as (
  -- A fill begins when the one before is used up: the last day is the whole
  -- supply so far after the latest start that no earlier supply reaches.
  select s.*,
         max(s.fill_date - (s.supply_so_far - coalesce(s.days_supply, 0))::integer) over by_date + s.supply_so_far::integer - 1 as last_day
    from supplied s
  window by_date as (partition by s.person_id, s.code_system, coalesce(s.code, s.medication) order by s.fill_date, s.id))
select c.code as source, s.person_id as patient_id, s.id as medication_dispense_id, s.fhir_id, s.authorizing_prescription_id as medication_request_id,
       s.code_system, s.code, s.medication, s.fill_date, s.days_supply, s.quantity, s.quantity_unit,
       case when s.days_supply is not null then s.last_day - s.days_supply + 1 end as covered_from_date,
       case when s.days_supply is not null then s.last_day end as covered_to_date,
       s.person_id
  from shifted s
  join etl.source c on c.id = s.source_id;
comment on column analytics.medication_fill.patient_id is 'key of the patient; of a person with several records, as linked_patient has them, the record in use';
comment on column analytics.medication_fill.person_id is 'key of the person: that of the patient record in use, the same as patient_id';

create or replace view analytics.medication_adherence as
with grouped as not materialized (
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
               greatest(p.death_date, case when p.death_date is not null then y.first_fill_date end)) as period_end_date,
         coalesce(i.days, '{}'::datemultirange) as inpatient
    from in_year y
    join supply s on s.patient_id = y.patient_id and s.grouped_by = y.grouped_by and s.code = y.code and s.code_system is not distinct from y.code_system
    left join (select distinct l.person_id, l.records from etl.linked_records() l) l on l.person_id = y.patient_id
    left join lateral (select min(to_date(left(p.deceased_date_time_text, 10), 'YYYY-MM-DD')) as death_date
                         from patient p where p.id = any (coalesce(l.records, array[y.patient_id]))) p on true
    left join lateral (select range_agg(daterange(to_date(left(e.period_start_text, 10), 'YYYY-MM-DD'), to_date(left(e.period_end_text, 10), 'YYYY-MM-DD'))) as days
                         from encounter e
                        where e.patient_id = any (coalesce(l.records, array[y.patient_id])) and e.container_id is null and e.class_code in ('IMP', 'ACUTE', 'NONAC', 'inpatient')
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
       c.covered_days >= 0.8 * nullif(c.period_days, 0) as is_adherent, c.patient_id as person_id
  from counted c;
comment on column analytics.medication_adherence.patient_id is 'key of the patient; of a person with several records, as linked_patient has them, the record in use';
comment on column analytics.medication_adherence.person_id is 'key of the person: that of the patient record in use, the same as patient_id';

create or replace view analytics.emergency_visit as
with emergency as (
  select e.id, e.source_id, e.person_id, e.records, e.service_provider_id, e.service_provider_display, e.class_code, e.period_start,
         to_date(left(e.period_start_text, 10), 'YYYY-MM-DD') as visit_date,
         to_date(left(coalesce(e.period_end_text, e.period_start_text), 10), 'YYYY-MM-DD') as last_day
    from etl.person_encounter e
   where e.container_id is null and e.period_start is not null and coalesce(e.status, '') not in ('planned', 'cancelled', 'entered-in-error')
     and (e.class_code in ('EMER', 'emergency')
          or exists (select from encounter_class_history h where h.encounter_id = e.id and h.class_code in ('EMER', 'emergency')))),
by_day as (
  select e.source_id, e.person_id, e.records, coalesce(e.person_id, -e.id) as visitor, e.visit_date, count(*) as encounter_count,
         (array_agg(e.id order by e.period_start, e.id))[1] as encounter_id,
         max(e.last_day) as last_day,
         (array_agg(e.id order by e.period_start, e.id) filter (where e.class_code not in ('EMER', 'emergency')))[1] as became_inpatient_id
    from emergency e
   group by e.source_id, e.person_id, e.records, coalesce(e.person_id, -e.id), e.visit_date)
select c.code as source, d.person_id as patient_id, d.encounter_id, d.visit_date, d.encounter_count,
       coalesce(o.name, e.service_provider_display) as facility,
       coalesce(d.became_inpatient_id, a.id) is not null as is_admitted,
       coalesce(d.became_inpatient_id, a.id) as inpatient_encounter_id,
       d.person_id
  from by_day d
  join etl.source c on c.id = d.source_id
  join encounter e on e.id = d.encounter_id
  left join organization o on o.id = e.service_provider_id
  left join lateral (select i.id from encounter i
                      where i.patient_id = any (d.records) and i.container_id is null and i.class_code in ('IMP', 'ACUTE', 'NONAC', 'inpatient')
                        and coalesce(i.status, '') not in ('planned', 'cancelled', 'entered-in-error')
                        and i.period_start >= e.period_start
                        and to_date(left(i.period_start_text, 10), 'YYYY-MM-DD') between d.visit_date and d.last_day + 1
                      order by i.period_start, i.id limit 1) a on true;
comment on column analytics.emergency_visit.patient_id is 'key of the patient; of a person with several records, as linked_patient has them, the record in use; null if it is not known, and then each encounter is a visit';
comment on column analytics.emergency_visit.person_id is 'key of the person: that of the patient record in use, the same as patient_id';

create or replace view analytics.inpatient_admission as
with inpatient as (
  select e.id, e.source_id, e.person_id, e.records, e.period_start, e.service_provider_id, e.service_provider_display, e.status,
         e.admit_source_code, e.admit_source_display, e.discharge_disposition_code, e.priority_code,
         to_date(left(e.period_start_text, 10), 'YYYY-MM-DD') as first_day,
         to_date(left(e.period_end_text, 10), 'YYYY-MM-DD') as last_day
    from etl.person_encounter e
   where e.container_id is null and e.period_start is not null and e.class_code in ('IMP', 'ACUTE', 'NONAC', 'inpatient')
     and coalesce(e.status, '') not in ('planned', 'cancelled', 'entered-in-error')),
followed as (
  select i.*,
         max(coalesce(i.last_day, i.first_day)) over before as stayed_until,
         lag(i.service_provider_id) over (partition by i.person_id, coalesce(i.person_id, -i.id) order by i.period_start, i.id) as left_provider_id
    from inpatient i
  window before as (partition by i.person_id, coalesce(i.person_id, -i.id) order by i.period_start, i.id rows between unbounded preceding and 1 preceding))
select c.code as source, f.person_id as patient_id, f.id as encounter_id, f.first_day as admission_date, f.last_day as discharge_date,
       coalesce(o.name, f.service_provider_display) as facility,
       coalesce(f.admit_source_display, f.admit_source_code) as admit_source,
       f.priority_code = 'EL' as is_planned,
       coalesce(f.admit_source_code in ('emd', '7'), false) or h.encounter_id is not null or v.id is not null as is_through_emergency,
       case when f.admit_source_code in ('emd', '7') then 'admit source'
            when h.encounter_id is not null then 'class history'
            when v.id is not null then 'emergency visit'
       end as evidence,
       coalesce(v.id, h.encounter_id) as emergency_encounter_id,
       f.discharge_disposition_code, f.person_id
  from followed f
  join etl.source c on c.id = f.source_id
  left join organization o on o.id = f.service_provider_id
  left join lateral (select h.encounter_id from encounter_class_history h
                      where h.encounter_id = f.id and h.class_code in ('EMER', 'emergency')
                      order by h.ordinal limit 1) h on true
  left join lateral (select v.id from encounter v
                      where v.patient_id = any (f.records) and v.container_id is null and v.class_code in ('EMER', 'emergency')
                        and coalesce(v.status, '') not in ('planned', 'cancelled', 'entered-in-error')
                        and v.period_start <= f.period_start
                        and to_date(left(coalesce(v.period_end_text, v.period_start_text), 10), 'YYYY-MM-DD') >= f.first_day - 1
                      order by v.period_start desc, v.id desc limit 1) v on true
 where f.stayed_until is null
    or f.first_day > f.stayed_until + (f.service_provider_id is distinct from f.left_provider_id
                                       and f.service_provider_id is not null and f.left_provider_id is not null)::integer;
comment on column analytics.inpatient_admission.patient_id is 'key of the patient; of a person with several records, as linked_patient has them, the record in use';
comment on column analytics.inpatient_admission.person_id is 'key of the person: that of the patient record in use, the same as patient_id';

create or replace view analytics.cost_per_member_month as
with member as (
  select c.source_id, m.patient_id, coalesce(m.payer_name, '') as payer_name, m.month, least(sum(m.covered_days)::numeric / m.month_days, 1) as share
    from analytics.member_months m
    join coverage c on c.id = m.coverage_id
   group by c.source_id, m.patient_id, coalesce(m.payer_name, ''), m.month, m.month_days),
cost as (
  select e.source_id, coalesce(l.person_id, f.patient_id) as patient_id, coalesce(f.payer_name, '') as payer_name, date_trunc('month', f.service_date)::date as month,
         f.billed_amount, f.allowed_amount, f.paid_amount, f.currency, f.has_several_currencies
    from analytics.claim_financials f
    join explanation_of_benefit e on e.id = f.explanation_of_benefit_id
    left join etl.linked_records() l on l.patient_id = f.patient_id
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

create or replace view analytics.patient_attribution as
with visit as (
  select e.person_id as patient_id, e.id, e.period_start, to_date(left(e.period_start_text, 10), 'YYYY-MM-DD') as visit_date, x.practitioner_id,
         max(e.period_start) over (partition by e.person_id) as last_visit
    from etl.person_encounter e
    join lateral (select x.practitioner_id from encounter_participant x
                   where x.encounter_id = e.id and x.practitioner_id is not null
                   order by x.type_code in ('PPRF', 'ATND') desc nulls last, x.ordinal limit 1) x on true
   where e.person_id is not null and e.period_start is not null and e.container_id is null
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
           where g.resource_type = 'Patient' and g.resource_id = any (coalesce(l.records, array[p.id])) and g.element = 'generalPractitioner'
             and coalesce(r.practitioner_id, case when g.target_type = 'Practitioner' then g.target_id end) is not null
           order by g.resource_id <> p.id, g.resource_id, g.ordinal limit 1) as general_practitioner_id
    from patient p
    left join etl.linked_records() l on l.patient_id = p.id
   where p.container_id is null and (l.person_id is null or l.person_id = p.id))
select c.code as source, n.patient_id,
       coalesce(n.general_practitioner_id, s.practitioner_id) as practitioner_id,
       coalesce(d.name_text, nullif(concat_ws(' ', array_to_string(d.name_prefix, ' '), array_to_string(d.name_given, ' '), d.name_family), '')) as practitioner,
       d.npi,
       case when n.general_practitioner_id is not null then 'general practitioner' when s.practitioner_id is not null then 'most visits' end as method,
       n.general_practitioner_id, s.practitioner_id as most_seen_practitioner_id, s.visit_count as most_seen_visit_count, s.last_visit_date as most_seen_last_visit_date,
       n.patient_id as person_id
  from named n
  join etl.source c on c.id = n.source_id
  left join seen s on s.patient_id = n.patient_id and s.place = 1
  left join practitioner d on d.id = coalesce(n.general_practitioner_id, s.practitioner_id);
comment on view analytics.patient_attribution is 'Which practitioner answers for each person? One row a person. Rule: the first general practitioner whom the patient record in use names, else another record of the person; else the practitioner of most visits (plurality), counted over the 24 months up to the person''s latest visit, without stays and emergency visits. Of a visit the primary performer or attender counts, else the first practitioner; of equal numbers the one seen last, then the lower key';
comment on column analytics.patient_attribution.patient_id is 'key of the patient; of a person with several records, as linked_patient has them, the record in use';
comment on column analytics.patient_attribution.person_id is 'key of the person: that of the patient record in use, the same as patient_id';

do $migration$
begin
  if exists (select from pg_roles where rolname = 'analyst') then
    grant select on all tables in schema analytics to analyst;
  end if;
end $migration$;
