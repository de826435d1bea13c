-- Every view tells the sender, shows a day on the sender's clock beside each time,
-- and treats ties, merged patients and missing dosages as what they are. The views
-- are replaced in place and only gain columns, so that whatever is built on them stays.

create or replace view analytics.current_name as
select c.patient_id, c."use", c.prefix, c.first_name, c.middle_name, c.last_name, c.suffix, c.full_name, s.code as source
  from (
select distinct on (patient_id)
       patient_id, "use",
       nullif(array_to_string(prefix, ' '), '') as prefix,
       given[1] as first_name,
       nullif(array_to_string(given[2:], ' '), '') as middle_name,
       family as last_name,
       nullif(array_to_string(suffix, ' '), '') as suffix,
       coalesce(text, nullif(concat_ws(' ', nullif(array_to_string(prefix, ' '), ''), nullif(array_to_string(given, ' '), ''),
                                       family, nullif(array_to_string(suffix, ' '), '')), '')) as full_name
  from patient_name
 order by patient_id,
          ("use" is not distinct from 'old' or coalesce(period_end < now(), false) or coalesce(period_start > now(), false)),
          array_position(array['usual', 'official', 'temp', 'nickname', 'anonymous', 'maiden', 'old'], "use") nulls last,
          period_start desc nulls last, ordinal) c
  left join patient p on p.id = c.patient_id
  left join etl.source s on s.id = p.source_id;
comment on column analytics.current_name.source is 'who sent it: the folder of the inbox';

create or replace view analytics.home_address as
select c.patient_id, c."use", c.type, c.street, c.city, c.district, c.state, c.postal_code, c.country, c.latitude, c.longitude, c.period_start, c.period_end, s.code as source,
       analytics.local_date(c.period_start_text) as period_start_date, analytics.local_date(c.period_end_text) as period_end_date
  from (
select distinct on (patient_id)
       patient_id, "use", type,
       nullif(array_to_string(line, ', '), '') as street,
       city, district, state, postal_code, country, latitude, longitude, period_start, period_end, period_start_text, period_end_text
  from patient_address
 where "use" is distinct from 'old'
   and coalesce(period_end >= now(), true) and coalesce(period_start <= now(), true)
 order by patient_id,
          array_position(array['home', 'temp', 'work', 'billing'], "use") nulls last,
          type is not distinct from 'postal',
          period_start desc nulls last, ordinal) c
  left join patient p on p.id = c.patient_id
  left join etl.source s on s.id = p.source_id;
comment on column analytics.home_address.source is 'who sent it: the folder of the inbox';
comment on column analytics.home_address.period_start_date is 'day of period_start on the sender''s clock';
comment on column analytics.home_address.period_end_date is 'day of period_end on the sender''s clock';

-- Records of one person: Patient.link. replaced-by and its inverse replaces merge two
-- records, refer and seealso say that two records, both in use, are of one person.
create view analytics.linked_patient as
with recursive link as (
  select l.patient_id, l.other_id, l.type from patient_link l
    join patient p on p.id = l.patient_id and p.container_id is null
   where l.other_id is not null and l.other_id <> l.patient_id and coalesce(l.other_type, 'Patient') = 'Patient'),
replacement as (
  select patient_id as old_id, other_id as new_id from link where type = 'replaced-by'
  union
  select other_id, patient_id from link where type = 'replaces'),
chain as (
  select old_id, new_id, array[old_id, new_id] as path from replacement
  union all
  select c.old_id, r.new_id, c.path || r.new_id from chain c join replacement r on r.old_id = c.new_id
   where r.new_id <> all (c.path)),
final as (
  -- Records that replace each other in a circle: the one with the lowest key stays.
  select distinct on (c.old_id) c.old_id, c.new_id
    from chain c
   where not exists (select from replacement r where r.old_id = c.new_id)
      or c.new_id < c.old_id and exists (select from chain back where back.old_id = c.new_id and back.new_id = c.old_id)
   order by c.old_id, exists (select from replacement r where r.old_id = c.new_id), cardinality(c.path) desc, c.new_id),
edge as (
  select patient_id, other_id from link
  union
  select other_id, patient_id from link),
reached as (
  select patient_id, other_id as member_id from edge
  union
  select r.patient_id, e.other_id from reached r join edge e on e.patient_id = r.member_id),
person as (
  select r.patient_id,
         (array_agg(p.id order by f.old_id is not null, p.id))[1] as person_id,
         count(*) as record_count
    from (select patient_id, member_id from reached union select patient_id, patient_id from reached) r
    join patient p on p.id = r.member_id and p.container_id is null
    left join final f on f.old_id = r.member_id
   group by r.patient_id)
select p.id as patient_id, n.person_id, f.new_id as replaced_by, n.record_count, s.code as source
  from person n
  join patient p on p.id = n.patient_id
  join etl.source s on s.id = p.source_id
  left join final f on f.old_id = n.patient_id;
comment on view analytics.linked_patient is 'Which records are of one person, as the senders say? One row a patient record that a Patient.link connects with another, directly or by way of others. patient_summary has person_id and replaced_by for all patients';
comment on column analytics.linked_patient.patient_id is 'key of the patient record';
comment on column analytics.linked_patient.person_id is 'one key for all records of the person: of those in use, that is not replaced, the record with the lowest key';
comment on column analytics.linked_patient.replaced_by is 'key of the record that replaces this one in the end, after several merges the last; null if the record is in use';
comment on column analytics.linked_patient.record_count is 'how many records of the person are in the tables';
comment on column analytics.linked_patient.source is 'who sent the record: the folder of the inbox';

create or replace view analytics.patient_summary as
select p.id as patient_id, p.fhir_id, s.code as source,
       n.full_name, n.first_name, n.middle_name, n.last_name,
       p.gender, p.birth_date,
       analytics.local_date(p.deceased_date_time_text) as death_date,
       coalesce(p.deceased_boolean, p.deceased_date_time is not null) as is_deceased,
       extract(year from age(coalesce(analytics.local_date(p.deceased_date_time_text), current_date), p.birth_date))::integer as age,
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
       coalesce(r.claim_count, 0) as claim_count,
       r.first_encounter_date, r.last_encounter_date,
       l.replaced_by, coalesce(l.person_id, p.id) as person_id, p.loaded_at
  from patient p
  join etl.source s on s.id = p.source_id
  left join analytics.current_name n on n.patient_id = p.id
  left join analytics.home_address a on a.patient_id = p.id
  left join (select patient_id, min(began) as first_encounter, max(began) as last_encounter,
                    analytics.local_date(min(began_text)) as first_encounter_date, analytics.local_date(max(began_text)) as last_encounter_date,
                    sum(encounters) as encounter_count, sum(conditions) as active_condition_count, sum(claims) as claim_count
               from (select patient_id, period_start as began, period_start_text as began_text, 1 as encounters, 0 as conditions, 0 as claims from encounter
                      where container_id is null
                     union all
                     select patient_id, null, null, 0, 1, 0 from condition
                      where container_id is null and clinical_status in ('active', 'recurrence', 'relapse')
                        and coalesce(verification_status, '') not in ('refuted', 'entered-in-error')
                     union all
                     select patient_id, null, null, 0, 0, 1 from claim where container_id is null) record
              group by patient_id) r on r.patient_id = p.id
 left join analytics.linked_patient l on l.patient_id = p.id
 where p.container_id is null;
comment on view analytics.patient_summary is 'Who are our patients? One row a patient record, with name, age, sex, race, home, ways to reach them, and how many encounters, active conditions and claims they have. Contained resources are left out. A record that was merged into another is here and tells replaced_by; count(distinct person_id) counts people once';
comment on column analytics.patient_summary.first_encounter_date is 'day on which the first encounter began, on the sender''s clock';
comment on column analytics.patient_summary.last_encounter_date is 'day on which the last encounter began, on the sender''s clock';
comment on column analytics.patient_summary.replaced_by is 'key of the record that replaces this one (Patient.link: replaced-by, or replaces there); null if the record is in use';
comment on column analytics.patient_summary.person_id is 'one key for all records that Patient.link says are of one person (replaced-by, replaces, refer, seealso), else the key of the patient: count(distinct person_id) counts people once';
comment on column analytics.patient_summary.loaded_at is 'when the patient was written to the tables';

create or replace view analytics.encounter_with_diagnoses as
with diagnosis as (
  -- A condition may name its encounter, be named by it, or both.
  select e.id as encounter_id, e.patient_id, e.period_start, analytics.local_date(e.period_start_text) as encounter_date,
         e.class_code, e.status, d.condition_id, min(d.rank) as rank
    from encounter e
    left join (select encounter_id, condition_id, rank from encounter_diagnosis
               union all
               select encounter_id, id, null from condition) d on d.encounter_id = e.id
   where e.container_id is null
   group by e.id, d.condition_id),
diagnosed as (
  select d.encounter_id, d.patient_id, d.period_start, d.encounter_date, d.class_code, d.status, count(c.id) as diagnosis_count,
         array_agg(coalesce(c.code, '') order by d.rank, c.onset_start, c.id) filter (where c.id is not null) as diagnosis_codes,
         array_agg(coalesce(c.code_text, c.code_display, c.code, '') order by d.rank, c.onset_start, c.id) filter (where c.id is not null) as diagnoses
    from diagnosis d
    left join condition c on c.id = d.condition_id and coalesce(c.verification_status, '') not in ('refuted', 'entered-in-error')
   group by d.encounter_id, d.patient_id, d.period_start, d.encounter_date, d.class_code, d.status)
select d.encounter_id, e.fhir_id, d.patient_id, d.status, d.class_code,
       coalesce(e.type_text, e.type_display, e.type_code) as type,
       d.encounter_date,
       d.period_start, e.period_end,
       round(extract(epoch from e.period_end - e.period_start) / 60)::integer as length_minutes,
       coalesce(o.name, e.service_provider_display) as facility,
       coalesce(p.name_text, nullif(concat_ws(' ', array_to_string(p.name_prefix, ' '), array_to_string(p.name_given, ' '), p.name_family), ''),
                x.individual_display) as practitioner,
       coalesce(e.reason_code_text, e.reason_code_display, e.reason_code) as reason,
       d.diagnosis_codes, d.diagnoses, d.diagnosis_count,
       s.code as source, d.encounter_date as period_start_date, analytics.local_date(e.period_end_text) as period_end_date,
       x.practitioner_id, coalesce(p.npi, substring(x.individual_reference from 'us-npi[|]([0-9]+)')) as practitioner_npi,
       coalesce('http://hl7.org/fhir/sid/us-npi|' || p.npi, substring(x.individual_reference from 'identifier=(.+)$')) as practitioner_identifier, e.loaded_at
  from diagnosed d
  join encounter e on e.id = d.encounter_id
  join etl.source s on s.id = e.source_id
  left join organization o on o.id = e.service_provider_id
  left join lateral (select individual_display, individual_reference, practitioner_id from encounter_participant x
                      where x.encounter_id = d.encounter_id
                      order by x.type_code in ('PPRF', 'ATND') desc nulls last, x.ordinal limit 1) x on true
  left join practitioner p on p.id = x.practitioner_id;
comment on column analytics.encounter_with_diagnoses.source is 'who sent it: the folder of the inbox';
comment on column analytics.encounter_with_diagnoses.period_start_date is 'day of period_start on the sender''s clock: the same as encounter_date';
comment on column analytics.encounter_with_diagnoses.period_end_date is 'day of period_end on the sender''s clock';
comment on column analytics.encounter_with_diagnoses.practitioner_id is 'key of the practitioner whose name is shown; null if never delivered or not resolved';
comment on column analytics.encounter_with_diagnoses.practitioner_npi is 'National Provider Identifier, from the practitioner''s record, else from a reference by that number';
comment on column analytics.encounter_with_diagnoses.practitioner_identifier is 'the practitioner''s number as system|value: the NPI, else the identifier by which the reference names them, also where the practitioner was never delivered';
comment on column analytics.encounter_with_diagnoses.loaded_at is 'when the encounter was written to the tables';

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
       case when s.next_admission_date - s.discharge_date <= 30 then s.next_provider_id = s.discharging_provider_id end as is_same_facility,
       y.code as source
  from next_stay s
  left join patient p on p.id = s.patient_id
  join encounter e on e.id = s.encounter_ids[1]
  join etl.source y on y.id = e.source_id
  left join organization o on o.id = s.discharging_provider_id
 where s.is_finished
   and coalesce(s.discharge_disposition_code, '') <> 'exp'
   and coalesce(to_date(left(p.deceased_date_time_text, 10), 'YYYY-MM-DD') > s.discharge_date, true);
comment on column analytics.readmission_30_day.source is 'who sent it: the folder of the inbox';

create or replace view analytics.member_months as
with covered as (
  select c.id, c.fhir_id, c.patient_id, c.source_id, c.container_id, c.status, c.type_code, c.plan_name, c.group_number,
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
       c.container_id, s.code as source
  from counted c
  join etl.source s on s.id = c.source_id
  left join patient p on p.id = c.patient_id
 cross join lateral generate_series(date_trunc('month', c.first_day::timestamp),
                                    least(coalesce(c.last_day, current_date), current_date)::timestamp, interval '1 month') as m (month)
 where (c.last_day is null or c.last_day >= c.first_day) and (c.container_id is null or c.place = 1);
comment on column analytics.member_months.source is 'who sent it: the folder of the inbox';

create or replace view analytics.observation_value as
select o.id as observation_id, o.fhir_id, 0 as component_ordinal, o.patient_id, o.encounter_id,
       o.effective_start as effective_time, analytics.local_date(o.effective_start_text) as effective_date,
       o.status, o.category_code, o.code_system, o.code, coalesce(o.code_text, o.code_display) as name,
       coalesce(o.value_quantity_value, o.value_integer) as value_number,
       o.value_quantity_comparator as comparator,
       coalesce(o.value_quantity_unit, o.value_quantity_code) as unit,
       coalesce(o.value_codeable_concept_text, o.value_codeable_concept_display, o.value_codeable_concept_code, o.value_string,
                o.value_boolean::text, o.value_time::text, o.value_start_text,
                o.value_ratio_numerator_value || ':' || o.value_ratio_denominator_value,
                o.value_range_low_value || ' - ' || o.value_range_high_value) as value_text,
       o.value_codeable_concept_code as value_code,
       o.interpretation_code, o.reference_range_low_value as normal_low, o.reference_range_high_value as normal_high,
       s.code as source, o.loaded_at
  from observation o
  join etl.source s on s.id = o.source_id
 where o.value_type is not null
union all
select o.id, o.fhir_id, c.ordinal, o.patient_id, o.encounter_id,
       o.effective_start, analytics.local_date(o.effective_start_text),
       o.status, o.category_code, c.code_system, c.code, coalesce(c.code_text, c.code_display),
       coalesce(c.value_quantity_value, c.value_integer),
       c.value_quantity_comparator,
       coalesce(c.value_quantity_unit, c.value_quantity_code),
       coalesce(c.value_codeable_concept_text, c.value_codeable_concept_display, c.value_codeable_concept_code, c.value_string,
                c.value_boolean::text, c.value_time::text, c.value_start_text,
                c.value_ratio_numerator_value || ':' || c.value_ratio_denominator_value,
                c.value_range_low_value || ' - ' || c.value_range_high_value),
       c.value_codeable_concept_code,
       c.interpretation_code, c.reference_range_low_value, c.reference_range_high_value,
       s.code, o.loaded_at
  from observation o
  join etl.source s on s.id = o.source_id
  join observation_component c on c.observation_id = o.id
 where c.value_type is not null;
comment on column analytics.observation_value.source is 'who sent it: the folder of the inbox';
comment on column analytics.observation_value.loaded_at is 'when the observation was written to the tables';

-- Values of one instant have no order: they count as one observation with several
-- values, and there is no change from or to an instant whose values differ.
create or replace view analytics.lab_trend as
with valued as (
  select v.patient_id, v.category_code, v.code_system, v.code, v.name, v.unit, v.value_number, v.comparator,
         v.effective_time, v.effective_date, v.observation_id, v.source,
         row_number() over (same_time order by v.fhir_id desc, v.component_ordinal) as place,
         count(*) over same_time as tied_count,
         min(v.value_number) over same_time as lowest, max(v.value_number) over same_time as highest,
         min(coalesce(v.comparator, '')) over same_time <> max(coalesce(v.comparator, '')) over same_time as has_comparators,
         count(*) over (partition by v.patient_id, v.code, v.code_system, v.unit) as value_count
    from analytics.observation_value v
   where v.value_number is not null and v.code is not null and v.effective_time is not null
     and v.patient_id is not null and coalesce(v.status, '') not in ('entered-in-error', 'cancelled')
  window same_time as (partition by v.patient_id, v.code, v.code_system, v.unit, v.effective_time)),
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
  window latest_first as (partition by v.patient_id, v.code, v.code_system, v.unit order by v.effective_time desc))
select n.patient_id, p.fhir_id as patient_fhir_id, n.category_code, n.code_system, n.code, n.name, n.unit,
       n.value_number as latest_value, n.comparator as latest_comparator, n.effective_time as latest_time, n.effective_date as latest_date,
       n.observation_id as latest_observation_id,
       n.previous_value, n.previous_comparator, n.previous_time, n.previous_date,
       case when n.comparator is null and n.previous_comparator is null and not n.is_tied and not n.is_previous_tied
            then n.value_number - n.previous_value end as change,
       n.effective_date - n.previous_date as days_between,
       n.value_count, n.source,
       n.is_tied or coalesce(n.is_previous_tied, false) as is_tied,
       n.tied_count as latest_count, n.lowest as latest_lowest, n.highest as latest_highest,
       n.previous_tied_count as previous_count, n.previous_lowest, n.previous_highest
  from numbered n
  left join patient p on p.id = n.patient_id
 where n.instant = 1;
comment on view analytics.lab_trend is 'How does a value develop? One row a patient, code and unit: the number of the latest instant, that of the instant before it, and the change. All numeric observations; filter category_code for laboratory. Values of one instant are never compared with each other: where they differ, is_tied is true, latest_lowest to previous_highest tell them, change is null, and the value shown is that with the greater FHIR id. Values entered in error, cancelled or without a time are left out';
comment on column analytics.lab_trend.previous_value is 'the number of the instant before; null if there is none';
comment on column analytics.lab_trend.change is 'latest less previous value; null where either has a comparator, or its instant has other values, too';
comment on column analytics.lab_trend.source is 'who sent it: the folder of the inbox';
comment on column analytics.lab_trend.is_tied is 'true if the latest or the previous instant has several values that differ';
comment on column analytics.lab_trend.latest_count is 'how many values the latest instant has';
comment on column analytics.lab_trend.latest_lowest is 'lowest value of the latest instant';
comment on column analytics.lab_trend.latest_highest is 'highest value of the latest instant';
comment on column analytics.lab_trend.previous_count is 'how many values the previous instant has; null if there is none';
comment on column analytics.lab_trend.previous_lowest is 'lowest value of the previous instant';
comment on column analytics.lab_trend.previous_highest is 'highest value of the previous instant';

create or replace view analytics.medication_list as
select m.id as medication_request_id, m.fhir_id, m.patient_id, m.encounter_id, m.status, m.intent,
       coalesce(m.medication_text, m.medication_display, k.code_text, k.code_display, m.medication_code, k.code) as medication,
       case when m.medication_code is null then k.code_system else m.medication_system end as code_system,
       coalesce(m.medication_code, k.code) as code,
       m.authored_on, analytics.local_date(m.authored_on_text) as authored_date,
       d.text as dosage, coalesce(d.dose_quantity_value, d.dose_range_low_value) as dose,
       coalesce(d.dose_quantity_unit, d.dose_quantity_code, d.dose_range_unit) as dose_unit,
       d.timing_frequency as times, d.timing_period as per, d.timing_period_unit as per_unit,
       case when d.ordinal is not null then coalesce(d.as_needed_boolean, d.as_needed_codeable_concept_code is not null or d.as_needed_codeable_concept_display is not null) end as is_as_needed,
       coalesce(d.dosage_count, 0) as dosage_count,
       coalesce(m.requester_display, p.name_text, nullif(concat_ws(' ', array_to_string(p.name_prefix, ' '), array_to_string(p.name_given, ' '), p.name_family), '')) as prescriber,
       coalesce(m.reason_code_text, m.reason_code_display) as reason,
       s.code as source, analytics.local_date(m.authored_on_text) as authored_on_date,
       p.id as prescriber_id, coalesce(p.npi, substring(m.requester_reference from 'us-npi[|]([0-9]+)')) as prescriber_npi,
       coalesce('http://hl7.org/fhir/sid/us-npi|' || p.npi, substring(m.requester_reference from 'identifier=(.+)$')) as prescriber_identifier, m.loaded_at
  from medication_request m
  join etl.source s on s.id = m.source_id
  left join medication k on k.id = m.medication_id
  left join practitioner p on p.id = m.requester_id
  left join lateral (select d.*, count(*) over () as dosage_count from medication_request_dosage d
                      where d.medication_request_id = m.id order by d.ordinal limit 1) d on true;
comment on column analytics.medication_list.is_as_needed is 'true if to be taken when needed; false if a dosage does not say so; null where there is no dosage';
comment on column analytics.medication_list.source is 'who sent it: the folder of the inbox';
comment on column analytics.medication_list.authored_on_date is 'day of authored_on on the sender''s clock: the same as authored_date';
comment on column analytics.medication_list.prescriber_id is 'key of the practitioner who prescribed; null if never delivered, not resolved or not a practitioner';
comment on column analytics.medication_list.prescriber_npi is 'National Provider Identifier, from the practitioner''s record, else from a reference by that number';
comment on column analytics.medication_list.prescriber_identifier is 'the practitioner''s number as system|value: the NPI, else the identifier by which the reference names them, also where the practitioner was never delivered';
comment on column analytics.medication_list.loaded_at is 'when the prescription was written to the tables';

create or replace view analytics.clinical_code as
select c.resource_type, c.resource_id, c.fhir_id, c.patient_id, c.element, c.event_time, c.system, c.code, c.display, c.is_primary,
       s.code as source, analytics.local_date(c.written) as event_date
  from (
select 'Encounter' as resource_type, id as resource_id, fhir_id, patient_id, 'type' as element, period_start as event_time, type_system as system, type_code as code, coalesce(type_display, type_text) as display, true as is_primary, source_id, period_start_text as written
  from encounter where type_code is not null
union all
select 'Condition', id, fhir_id, patient_id, 'code', onset_start, code_system, code, coalesce(code_display, code_text), true, source_id, onset_start_text
  from condition where code is not null
union all
select 'AllergyIntolerance', id, fhir_id, patient_id, 'code', recorded_date, code_system, code, coalesce(code_display, code_text), true, source_id, recorded_date_text
  from allergy_intolerance where code is not null
union all
select 'Observation', id, fhir_id, patient_id, 'code', effective_start, code_system, code, coalesce(code_display, code_text), true, source_id, effective_start_text
  from observation where code is not null
union all
select 'DiagnosticReport', id, fhir_id, patient_id, 'code', effective_start, code_system, code, coalesce(code_display, code_text), true, source_id, effective_start_text
  from diagnostic_report where code is not null
union all
select 'Procedure', id, fhir_id, patient_id, 'code', performed_start, code_system, code, coalesce(code_display, code_text), true, source_id, performed_start_text
  from procedure where code is not null
union all
select 'ServiceRequest', id, fhir_id, patient_id, 'code', authored_on, code_system, code, coalesce(code_display, code_text), true, source_id, authored_on_text
  from service_request where code is not null
union all
select 'Immunization', id, fhir_id, patient_id, 'vaccineCode', occurrence_date_time, vaccine_code_system, vaccine_code, coalesce(vaccine_code_display, vaccine_code_text), true, source_id, occurrence_date_time_text
  from immunization where vaccine_code is not null
union all
select 'MedicationRequest', id, fhir_id, patient_id, 'medication', authored_on, medication_system, medication_code, coalesce(medication_display, medication_text), true, source_id, authored_on_text
  from medication_request where medication_code is not null
union all
select 'MedicationDispense', id, fhir_id, patient_id, 'medication', when_handed_over, medication_system, medication_code, coalesce(medication_display, medication_text), true, source_id, when_handed_over_text
  from medication_dispense where medication_code is not null
union all
select 'MedicationAdministration', id, fhir_id, patient_id, 'medication', effective_start, medication_system, medication_code, coalesce(medication_display, medication_text), true, source_id, effective_start_text
  from medication_administration where medication_code is not null
union all
select 'MedicationStatement', id, fhir_id, patient_id, 'medication', effective_start, medication_system, medication_code, coalesce(medication_display, medication_text), true, source_id, effective_start_text
  from medication_statement where medication_code is not null
union all
select 'Device', id, fhir_id, patient_id, 'type', null, type_system, type_code, coalesce(type_display, type_text), true, source_id, null
  from device where type_code is not null
union all
-- Parts of observations
select 'Observation', o.id, o.fhir_id, o.patient_id, 'component.code', o.effective_start, c.code_system, c.code, coalesce(c.code_display, c.code_text), true, o.source_id, o.effective_start_text
  from observation o join observation_component c on c.observation_id = o.id where c.code is not null
union all
-- Drugs that stand in a Medication resource
select 'MedicationRequest', m.id, m.fhir_id, m.patient_id, 'medication', m.authored_on, k.code_system, k.code, coalesce(k.code_display, k.code_text), true, m.source_id, m.authored_on_text
  from medication_request m join medication k on k.id = m.medication_id where k.code is not null
union all
select 'MedicationDispense', m.id, m.fhir_id, m.patient_id, 'medication', m.when_handed_over, k.code_system, k.code, coalesce(k.code_display, k.code_text), true, m.source_id, m.when_handed_over_text
  from medication_dispense m join medication k on k.id = m.medication_id where k.code is not null
union all
select 'MedicationAdministration', m.id, m.fhir_id, m.patient_id, 'medication', m.effective_start, k.code_system, k.code, coalesce(k.code_display, k.code_text), true, m.source_id, m.effective_start_text
  from medication_administration m join medication k on k.id = m.medication_id where k.code is not null
union all
select 'MedicationStatement', m.id, m.fhir_id, m.patient_id, 'medication', m.effective_start, k.code_system, k.code, coalesce(k.code_display, k.code_text), true, m.source_id, m.effective_start_text
  from medication_statement m join medication k on k.id = m.medication_id where k.code is not null
union all
-- The other types of a visit
select 'Encounter', e.id, e.fhir_id, e.patient_id, 'type', e.period_start, k.system, k.code, coalesce(k.display, k.text), true, e.source_id, e.period_start_text
  from encounter e join resource_concept k on k.resource_type = 'Encounter' and k.resource_id = e.id
 where k.element = 'type' and k.ordinal > 1 and k.code is not null
union all
-- The other codings of concepts that have several
select 'Encounter', r.id, r.fhir_id, r.patient_id, 'type', r.period_start, k.system, k.code, k.display, false, r.source_id, r.period_start_text
  from encounter r join resource_coding k on k.resource_type = 'Encounter' and k.resource_id = r.id
 where k.element = 'type' and not k.is_primary and k.code is not null
union all
select 'Condition', r.id, r.fhir_id, r.patient_id, 'code', r.onset_start, k.system, k.code, k.display, false, r.source_id, r.onset_start_text
  from condition r join resource_coding k on k.resource_type = 'Condition' and k.resource_id = r.id
 where k.element = 'code' and not k.is_primary and k.code is not null
union all
select 'AllergyIntolerance', r.id, r.fhir_id, r.patient_id, 'code', r.recorded_date, k.system, k.code, k.display, false, r.source_id, r.recorded_date_text
  from allergy_intolerance r join resource_coding k on k.resource_type = 'AllergyIntolerance' and k.resource_id = r.id
 where k.element = 'code' and not k.is_primary and k.code is not null
union all
select 'Observation', r.id, r.fhir_id, r.patient_id, 'code', r.effective_start, k.system, k.code, k.display, false, r.source_id, r.effective_start_text
  from observation r join resource_coding k on k.resource_type = 'Observation' and k.resource_id = r.id
 where k.element = 'code' and not k.is_primary and k.code is not null
union all
select 'DiagnosticReport', r.id, r.fhir_id, r.patient_id, 'code', r.effective_start, k.system, k.code, k.display, false, r.source_id, r.effective_start_text
  from diagnostic_report r join resource_coding k on k.resource_type = 'DiagnosticReport' and k.resource_id = r.id
 where k.element = 'code' and not k.is_primary and k.code is not null
union all
select 'Procedure', r.id, r.fhir_id, r.patient_id, 'code', r.performed_start, k.system, k.code, k.display, false, r.source_id, r.performed_start_text
  from procedure r join resource_coding k on k.resource_type = 'Procedure' and k.resource_id = r.id
 where k.element = 'code' and not k.is_primary and k.code is not null
union all
select 'ServiceRequest', r.id, r.fhir_id, r.patient_id, 'code', r.authored_on, k.system, k.code, k.display, false, r.source_id, r.authored_on_text
  from service_request r join resource_coding k on k.resource_type = 'ServiceRequest' and k.resource_id = r.id
 where k.element = 'code' and not k.is_primary and k.code is not null
union all
select 'Immunization', r.id, r.fhir_id, r.patient_id, 'vaccineCode', r.occurrence_date_time, k.system, k.code, k.display, false, r.source_id, r.occurrence_date_time_text
  from immunization r join resource_coding k on k.resource_type = 'Immunization' and k.resource_id = r.id
 where k.element = 'vaccineCode' and not k.is_primary and k.code is not null
union all
select 'MedicationRequest', r.id, r.fhir_id, r.patient_id, 'medication', r.authored_on, k.system, k.code, k.display, false, r.source_id, r.authored_on_text
  from medication_request r join resource_coding k on k.resource_type = 'MedicationRequest' and k.resource_id = r.id
 where k.element = 'medicationCodeableConcept' and not k.is_primary and k.code is not null
union all
select 'MedicationDispense', r.id, r.fhir_id, r.patient_id, 'medication', r.when_handed_over, k.system, k.code, k.display, false, r.source_id, r.when_handed_over_text
  from medication_dispense r join resource_coding k on k.resource_type = 'MedicationDispense' and k.resource_id = r.id
 where k.element = 'medicationCodeableConcept' and not k.is_primary and k.code is not null
union all
select 'MedicationAdministration', r.id, r.fhir_id, r.patient_id, 'medication', r.effective_start, k.system, k.code, k.display, false, r.source_id, r.effective_start_text
  from medication_administration r join resource_coding k on k.resource_type = 'MedicationAdministration' and k.resource_id = r.id
 where k.element = 'medicationCodeableConcept' and not k.is_primary and k.code is not null
union all
select 'MedicationStatement', r.id, r.fhir_id, r.patient_id, 'medication', r.effective_start, k.system, k.code, k.display, false, r.source_id, r.effective_start_text
  from medication_statement r join resource_coding k on k.resource_type = 'MedicationStatement' and k.resource_id = r.id
 where k.element = 'medicationCodeableConcept' and not k.is_primary and k.code is not null
union all
select 'Observation', r.id, r.fhir_id, r.patient_id, 'component.code', r.effective_start, k.system, k.code, k.display, false, r.source_id, r.effective_start_text
  from observation r join resource_coding k on k.resource_type = 'Observation' and k.resource_id = r.id
 where k.element = 'component.code' and not k.is_primary and k.code is not null) c
  left join etl.source s on s.id = c.source_id;
comment on column analytics.clinical_code.source is 'who sent it: the folder of the inbox';
comment on column analytics.clinical_code.event_date is 'day of event_time on the sender''s clock';

create or replace view analytics.patient_timeline as
select t.patient_id, t.event_time, t.event_date, t.event_type, t.event_id, t.fhir_id, t.encounter_id, t.description, t.status, t.value, t.unit, s.code as source, t.loaded_at
  from (
select patient_id, period_start as event_time, analytics.local_date(period_start_text) as event_date, 'Encounter' as event_type, id as event_id, fhir_id, id as encounter_id,
       coalesce(type_text, type_display, class_display, class_code) as description, status as status, null::numeric as value, null::text as unit, source_id, loaded_at
  from encounter where container_id is null or period_start is not null
union all
select patient_id, onset_start, analytics.local_date(onset_start_text), 'Condition', id, fhir_id, encounter_id,
       coalesce(code_text, code_display, code), clinical_status, null, null, source_id, loaded_at
  from condition where container_id is null or onset_start is not null
union all
select patient_id, recorded_date, analytics.local_date(recorded_date_text), 'AllergyIntolerance', id, fhir_id, encounter_id,
       coalesce(code_text, code_display, code), clinical_status, null, null, source_id, loaded_at
  from allergy_intolerance where container_id is null or recorded_date is not null
union all
select patient_id, effective_start, analytics.local_date(effective_start_text), 'Observation', id, fhir_id, encounter_id,
       coalesce(code_text, code_display, code), status, value_quantity_value, coalesce(value_quantity_unit, value_quantity_code), source_id, loaded_at
  from observation where container_id is null or effective_start is not null
union all
select patient_id, effective_start, analytics.local_date(effective_start_text), 'DiagnosticReport', id, fhir_id, encounter_id,
       coalesce(code_text, code_display, code), status, null, null, source_id, loaded_at
  from diagnostic_report where container_id is null or effective_start is not null
union all
select patient_id, started, analytics.local_date(started_text), 'ImagingStudy', id, fhir_id, encounter_id,
       coalesce(description, procedure_code_text, procedure_code_display, modality_display), status, null, null, source_id, loaded_at
  from imaging_study where container_id is null or started is not null
union all
select patient_id, performed_start, analytics.local_date(performed_start_text), 'Procedure', id, fhir_id, encounter_id,
       coalesce(code_text, code_display, code), status, null, null, source_id, loaded_at
  from procedure where container_id is null or performed_start is not null
union all
select patient_id, authored_on, analytics.local_date(authored_on_text), 'ServiceRequest', id, fhir_id, encounter_id,
       coalesce(code_text, code_display, code), status, null, null, source_id, loaded_at
  from service_request where container_id is null or authored_on is not null
union all
select patient_id, authored_on, analytics.local_date(authored_on_text), 'MedicationRequest', id, fhir_id, encounter_id,
       coalesce(medication_text, medication_display, medication_code), status, null, null, source_id, loaded_at
  from medication_request where container_id is null or authored_on is not null
union all
select patient_id, when_handed_over, analytics.local_date(when_handed_over_text), 'MedicationDispense', id, fhir_id, encounter_id,
       coalesce(medication_text, medication_display, medication_code), status, quantity_value, coalesce(quantity_unit, quantity_code), source_id, loaded_at
  from medication_dispense where container_id is null or when_handed_over is not null
union all
select patient_id, effective_start, analytics.local_date(effective_start_text), 'MedicationAdministration', id, fhir_id, encounter_id,
       coalesce(medication_text, medication_display, medication_code), status, dosage_dose_value, coalesce(dosage_dose_unit, dosage_dose_code), source_id, loaded_at
  from medication_administration where container_id is null or effective_start is not null
union all
select patient_id, occurrence_date_time, analytics.local_date(occurrence_date_time_text), 'Immunization', id, fhir_id, encounter_id,
       coalesce(vaccine_code_text, vaccine_code_display, vaccine_code), status, null, null, source_id, loaded_at
  from immunization where container_id is null or occurrence_date_time is not null
union all
select patient_id, period_start, analytics.local_date(period_start_text), 'CarePlan', id, fhir_id, encounter_id,
       coalesce(title, category_display, category_code), status, null, null, source_id, loaded_at
  from care_plan where container_id is null or period_start is not null
union all
select patient_id, date, analytics.local_date(date_text), 'DocumentReference', id, fhir_id, encounter_id,
       coalesce(type_text, type_display, type_code), status, null, null, source_id, loaded_at
  from document_reference where container_id is null or date is not null
union all
select patient_id, sent, analytics.local_date(sent_text), 'Communication', id, fhir_id, encounter_id,
       coalesce(topic_text, topic_display, category_display), status, null, null, source_id, loaded_at
  from communication where container_id is null or sent is not null
union all
select patient_id, start_time, analytics.local_date(start_time_text), 'Appointment', id, fhir_id, null,
       coalesce(description, appointment_type_display, service_type_display), status, null, null, source_id, loaded_at
  from appointment where container_id is null or start_time is not null
union all
select patient_id, billable_period_start, analytics.local_date(billable_period_start_text), 'Claim', id, fhir_id, encounter_id,
       coalesce(type_text, type_display, type_code), status, total_value, total_currency, source_id, loaded_at
  from claim where container_id is null or billable_period_start is not null
union all
select patient_id, billable_period_start, analytics.local_date(billable_period_start_text), 'ExplanationOfBenefit', id, fhir_id, encounter_id,
       coalesce(claim_type, type_text, type_display, type_code), status, payment_amount_value, payment_amount_currency, source_id, loaded_at
  from explanation_of_benefit where container_id is null or billable_period_start is not null) t
  left join etl.source s on s.id = t.source_id;
comment on column analytics.patient_timeline.source is 'who sent it: the folder of the inbox';
comment on column analytics.patient_timeline.loaded_at is 'when the record was written to the tables';

-- Senders, and versions of a terminology, call one code by different names, so that
-- grouping by code and name splits it.
create view analytics.code_name as
select n.system, n.code, n.name, n.record_count, n.name_count
  from (select c.system, c.code, c.display as name,
               (sum(count(*)) over (partition by c.system, c.code))::bigint as record_count,
               (count(c.display) over (partition by c.system, c.code)) as name_count,
               row_number() over (partition by c.system, c.code order by c.display is null, count(*) desc, c.display collate "C") as place
          from analytics.clinical_code c
         group by c.system, c.code, c.display) n
 where n.place = 1;
comment on view analytics.code_name is 'What is this code called? One row a code in clinical_code, with one name for it: the display that most records have. Join it by system and code, and group by code instead of by each sender''s display';
comment on column analytics.code_name.system is 'system of the code; join with is not distinct from, since it may be null';
comment on column analytics.code_name.code is 'the code';
comment on column analytics.code_name.name is 'the display that most records have for it; of equally many the first in alphabetical order; null if none has one';
comment on column analytics.code_name.record_count is 'how often the code occurs';
comment on column analytics.code_name.name_count is 'how many different displays it has';

-- Its definition is long and grows with every new reference, so it is wrapped.
do $migration$
begin
  execute 'create or replace view analytics.reference as select r.resource_type, r.resource_id, r.element, r.target_type, r.target_id, r.display, r.reference, s.code as source from ('
    || rtrim(pg_get_viewdef('analytics.reference'::regclass), ';')
    || ') r left join etl.resource_key k on k.id = r.resource_id left join etl.source s on s.id = k.source_id';
end $migration$;
comment on column analytics.reference.source is 'who sent the record that refers: the folder of the inbox';

create or replace view analytics.unresolved_reference as
select r.resource_type || '.' || r.element as element, r.target_type, r.reference, min(r.display) as display, count(*) as use_count,
       min(r.resource_id) as example_id, r.source
  from analytics.reference r
 where r.target_id is null and r.reference is not null
 group by 1, 2, 3, r.source;
comment on column analytics.unresolved_reference.source is 'who sent the records that refer: the folder of the inbox';

do $migration$
begin
  if exists (select from pg_roles where rolname = 'analyst') then
    grant select on all tables in schema analytics to analyst;
  end if;
end $migration$;
