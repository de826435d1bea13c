-- What is contained in another resource is part of it: it is no person, visit,
-- condition or claim of its own, and the same coverage may be contained in
-- every claim of a person.

create or replace view analytics.patient_summary as
select p.id as patient_id, p.fhir_id, s.code as source,
       n.full_name, n.first_name, n.middle_name, n.last_name,
       p.gender, p.birth_date,
       to_date(left(p.deceased_date_time_text, 10), 'YYYY-MM-DD') as death_date,
       coalesce(p.deceased_boolean, p.deceased_date_time is not null) as is_deceased,
       extract(year from age(coalesce(to_date(left(p.deceased_date_time_text, 10), 'YYYY-MM-DD'), current_date), p.birth_date))::integer as age,
       coalesce(p.race_display, p.race_text) as race,
       coalesce(p.ethnicity_display, p.ethnicity_text) as ethnicity,
       coalesce(p.marital_status_display, p.marital_status_code) as marital_status,
       (select coalesce(l.language_display, l.language_code) from patient_communication l
         where l.patient_id = p.id order by l.preferred desc nulls last, l.ordinal limit 1) as language,
       a.street, a.city, a.state, a.postal_code, a.country,
       (select t.value from patient_telecom t
         where t.patient_id = p.id and t.system = 'phone' and t."use" is distinct from 'old' and coalesce(t.period_end >= now(), true)
         order by t.rank nulls last, t.ordinal limit 1) as phone,
       (select t.value from patient_telecom t
         where t.patient_id = p.id and t.system = 'email' and t."use" is distinct from 'old' and coalesce(t.period_end >= now(), true)
         order by t.rank nulls last, t.ordinal limit 1) as email,
       (select i.value from patient_identifier i
         where i.patient_id = p.id and i.type_code = 'MR'
         order by i."use" is not distinct from 'old', i.ordinal limit 1) as medical_record_number,
       coalesce(r.encounter_count, 0) as encounter_count, r.first_encounter, r.last_encounter,
       coalesce(r.active_condition_count, 0) as active_condition_count,
       coalesce(r.claim_count, 0) as claim_count
  from patient p
  join etl.source s on s.id = p.source_id
  left join analytics.current_name n on n.patient_id = p.id
  left join analytics.home_address a on a.patient_id = p.id
  left join (select patient_id, min(began) as first_encounter, max(began) as last_encounter,
                    sum(encounters) as encounter_count, sum(conditions) as active_condition_count, sum(claims) as claim_count
               from (select patient_id, period_start as began, 1 as encounters, 0 as conditions, 0 as claims from encounter
                      where container_id is null
                     union all
                     select patient_id, null, 0, 1, 0 from condition
                      where container_id is null and clinical_status in ('active', 'recurrence', 'relapse')
                        and coalesce(verification_status, '') not in ('refuted', 'entered-in-error')
                     union all
                     select patient_id, null, 0, 0, 1 from claim where container_id is null) record
              group by patient_id) r on r.patient_id = p.id
 where p.container_id is null;
comment on view analytics.patient_summary is 'Who are our patients? One row a person, with name, age, sex, race, home, ways to reach them, and how many encounters, active conditions and claims they have. Contained resources are left out';

create or replace view analytics.readmission_30_day as
with inpatient as (
  select e.id, e.patient_id, e.period_start, e.service_provider_id, e.service_provider_display, e.class_code,
         e.priority_code, e.discharge_disposition_code, e.period_end is not null as has_end,
         to_date(left(e.period_start_text, 10), 'YYYY-MM-DD') as first_day,
         to_date(left(coalesce(e.period_end_text, e.period_start_text), 10), 'YYYY-MM-DD') as last_day
    from encounter e
   where e.patient_id is not null and e.period_start is not null and e.container_id is null
     and e.class_code in ('IMP', 'ACUTE', 'NONAC', 'inpatient')
     and coalesce(e.status, '') not in ('planned', 'cancelled', 'entered-in-error')),
followed as (
  select i.*,
         max(i.last_day) over (partition by i.patient_id order by i.period_start, i.id rows between unbounded preceding and 1 preceding) as stayed_until,
         lag(i.service_provider_id) over (partition by i.patient_id order by i.period_start, i.id) as left_provider_id
    from inpatient i),
numbered as (
  -- A new stay begins with the encounter that no stay before reaches: not on
  -- the same day and, in another hospital, not on the day after.
  select f.*,
         count(*) filter (where f.stayed_until is null
                             or f.first_day > f.stayed_until + (f.service_provider_id is distinct from f.left_provider_id
                                                                and f.service_provider_id is not null and f.left_provider_id is not null)::integer)
           over (partition by f.patient_id order by f.period_start, f.id) as stay_number
    from followed f),
stay as (
  select n.patient_id, n.stay_number, min(n.first_day) as admission_date, max(n.last_day) as discharge_date, count(*) as encounter_count,
         bool_and(n.has_end) as is_finished,
         array_agg(n.id order by n.period_start, n.id) as encounter_ids,
         (array_agg(n.priority_code order by n.period_start, n.id))[1] as priority_code,
         (array_agg(n.service_provider_id order by n.period_start, n.id))[1] as admitting_provider_id,
         (array_agg(n.service_provider_id order by n.last_day desc, n.period_start desc, n.id desc))[1] as discharging_provider_id,
         (array_agg(n.discharge_disposition_code order by n.last_day desc, n.period_start desc, n.id desc))[1] as discharge_disposition_code
    from numbered n
   group by n.patient_id, n.stay_number),
next_stay as (
  select s.*,
         lead(s.admission_date) over following as next_admission_date,
         lead(s.encounter_ids[1]) over following as next_encounter_id,
         lead(s.admitting_provider_id) over following as next_provider_id,
         lead(s.priority_code) over following as next_priority_code
    from stay s
  window following as (partition by s.patient_id order by s.stay_number))
select s.patient_id, p.fhir_id as patient_fhir_id, s.encounter_ids[1] as encounter_id,
       s.admission_date, s.discharge_date, s.discharge_date - s.admission_date as length_days,
       s.encounter_count, o.name as facility, s.discharge_disposition_code,
       coalesce(s.next_admission_date - s.discharge_date <= 30, false) as is_readmitted,
       case when s.next_admission_date - s.discharge_date <= 30 then s.next_encounter_id end as readmission_encounter_id,
       case when s.next_admission_date - s.discharge_date <= 30 then s.next_admission_date end as readmission_date,
       case when s.next_admission_date - s.discharge_date <= 30 then s.next_admission_date - s.discharge_date end as days_until_readmission,
       case when s.next_admission_date - s.discharge_date <= 30 then s.next_priority_code = 'EL' end as is_planned,
       case when s.next_admission_date - s.discharge_date <= 30 then s.next_provider_id = s.discharging_provider_id end as is_same_facility
  from next_stay s
  left join patient p on p.id = s.patient_id
  left join organization o on o.id = s.discharging_provider_id
 where s.is_finished
   and coalesce(s.discharge_disposition_code, '') <> 'exp'
   and coalesce(to_date(left(p.deceased_date_time_text, 10), 'YYYY-MM-DD') > s.discharge_date, true);
comment on view analytics.readmission_30_day is 'Which inpatient stays were followed by another within 30 days? One row a finished stay that the patient left alive, with or without readmission, so that the average of is_readmitted is the rate. Rule: encounters of class IMP, ACUTE or NONAC that overlap, that follow on the same day, or on the day after in another hospital (a transfer), are one stay; the days are those of the hospital''s clock. Contained encounters are left out';

create or replace view analytics.member_months as
with covered as (
  select c.id, c.fhir_id, c.patient_id, c.container_id, c.status, c.type_code, c.plan_name, c.group_number,
         coalesce(o.name, c.payor_display) as payer_name,
         to_date(left(c.period_start_text, 10), 'YYYY-MM-DD') as first_day,
         case length(c.period_end_text)
              when 4 then (to_date(c.period_end_text, 'YYYY') + interval '1 year')::date - 1
              when 7 then (to_date(c.period_end_text, 'YYYY-MM') + interval '1 month')::date - 1
              else to_date(left(c.period_end_text, 10), 'YYYY-MM-DD')
         end as last_day
    from coverage c
    left join organization o on o.id = c.payor_id
   where c.period_start is not null
     and (c.status is null or c.status = 'active' or c.status = 'cancelled' and c.period_end is not null)),
counted as (
  -- Of contained coverages that say the same, one counts, and none beside one
  -- that is not contained.
  select c.*,
         row_number() over (partition by c.patient_id, c.payer_name, c.plan_name, c.group_number, c.type_code, c.first_day, c.last_day
                            order by c.container_id is not null, c.id) as place
    from covered c)
select c.patient_id, p.fhir_id as patient_fhir_id, c.id as coverage_id, c.fhir_id, c.payer_name, c.plan_name, c.group_number, c.type_code,
       m.month::date as month,
       least(c.last_day, (m.month + interval '1 month')::date - 1) - greatest(c.first_day, m.month::date) + 1 as covered_days,
       (m.month + interval '1 month')::date - m.month::date as month_days,
       c.container_id
  from counted c
  left join patient p on p.id = c.patient_id
 cross join lateral generate_series(date_trunc('month', c.first_day::timestamp),
                                    least(coalesce(c.last_day, current_date), current_date)::timestamp, interval '1 month') as m (month)
 where (c.last_day is null or c.last_day >= c.first_day) and (c.container_id is null or c.place = 1);
comment on view analytics.member_months is 'How many people did each payer cover in each month? One row a coverage and calendar month of which it covers a day, up to the current month; count distinct patient_id a month, or add up covered_days / month_days. Coverages without a start, drafts, those entered in error, and cancelled ones without an end are left out; of contained coverages that say the same one counts, and none beside one that is not contained';
comment on column analytics.member_months.container_id is 'key of the resource that contains the coverage; null for most. The patient may be contained in it, too: one person is then another patient in every container';

create or replace view analytics.missing_resource as
select m.resource_type, m.fhir_id, m.id as resource_id, s.code as source,
       case when m.deleted_at is not null then 'deleted'
            when j.fhir_id is not null then 'rejected'
            else 'never delivered'
       end as state,
       r.referred_to_by, r.use_count
  from (select target_id, array_agg(distinct resource_type || '.' || element) as referred_to_by, count(*) as use_count
          from (select r.target_id, r.resource_type, r.element
                  from etl.resource placeholder
                  join analytics.reference r on r.target_id = placeholder.id
                 where placeholder.content_hash is null
                   and not exists (select from etl.contained_resource c where c.id = placeholder.id)) r
         group by target_id) r
  join etl.resource m on m.id = r.target_id
  join etl.source s on s.id = m.source_id
  left join (select distinct f.source_id, j.resource_type, j.fhir_id
               from etl.rejected_record j join etl.load_file f on f.id = j.file_id
              where j.retried_at is null) j
    on j.source_id = m.source_id and j.resource_type = m.resource_type and j.fhir_id = m.fhir_id;
