-- What analysts ask most, answered in schema analytics. A view has no data of
-- its own: it shows what the tables hold at this moment.
--
-- Views run with the rights of their owner, so that the role analyst reads
-- what they tell of the ledger without any right on it.
--
-- So that a question about one person takes milliseconds, `where patient_id =`
-- must reach the tables: a view that adds up begins with the table that has
-- the index on patient_id, joins first and groups afterwards, and never joins
-- what was grouped without knowing the patient. What is looked up for each row
-- is looked up by primary key only, since other indexes may not be built yet.
-- Days (…_date) are those of the sender's clock, cut from the text as written;
-- of a partial date it is the first possible day.

-- People

create view analytics.current_name as
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
          period_start desc nulls last, ordinal;
comment on view analytics.current_name is 'What is this person called now? One row a patient who has a name: names in use before names that ended, then usual, official, temp, nickname, the one that began last, document order';
comment on column analytics.current_name.patient_id is 'key of the patient';
comment on column analytics.current_name."use" is 'use of the name that was chosen: usual, official, maiden …';
comment on column analytics.current_name.prefix is 'titles, such as Dr.';
comment on column analytics.current_name.first_name is 'first given name';
comment on column analytics.current_name.middle_name is 'the other given names';
comment on column analytics.current_name.last_name is 'family name';
comment on column analytics.current_name.suffix is 'what stands behind the name, such as Jr.';
comment on column analytics.current_name.full_name is 'the whole name as written, else put together from its parts';

create view analytics.home_address as
select distinct on (patient_id)
       patient_id, "use", type,
       nullif(array_to_string(line, ', '), '') as street,
       city, district, state, postal_code, country, latitude, longitude, period_start, period_end
  from patient_address
 where "use" is distinct from 'old'
   and coalesce(period_end >= now(), true) and coalesce(period_start <= now(), true)
 order by patient_id,
          array_position(array['home', 'temp', 'work', 'billing'], "use") nulls last,
          type is not distinct from 'postal',
          period_start desc nulls last, ordinal;
comment on view analytics.home_address is 'Where does this person live now? One row a patient who has an address that is not old and has not ended: home, then temp, work, billing; physical before postal; the one that began last, document order';
comment on column analytics.home_address.patient_id is 'key of the patient';
comment on column analytics.home_address."use" is 'use of the address that was chosen: home, temp, work, billing';
comment on column analytics.home_address.type is 'postal | physical | both';
comment on column analytics.home_address.street is 'street lines, in order';
comment on column analytics.home_address.city is 'city';
comment on column analytics.home_address.district is 'county';
comment on column analytics.home_address.state is 'state';
comment on column analytics.home_address.postal_code is 'postal code';
comment on column analytics.home_address.country is 'country';
comment on column analytics.home_address.latitude is 'latitude, where the sender gave it';
comment on column analytics.home_address.longitude is 'longitude, where the sender gave it';
comment on column analytics.home_address.period_start is 'since when; null if not stated';
comment on column analytics.home_address.period_end is 'until when; null if not stated';

create view analytics.patient_summary as
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
                     union all
                     select patient_id, null, 0, 1, 0 from condition
                      where clinical_status in ('active', 'recurrence', 'relapse')
                        and coalesce(verification_status, '') not in ('refuted', 'entered-in-error')
                     union all
                     select patient_id, null, 0, 0, 1 from claim) record
              group by patient_id) r on r.patient_id = p.id;
comment on view analytics.patient_summary is 'Who are our patients? One row a person, with name, age, sex, race, home, ways to reach them, and how many encounters, active conditions and claims they have';
comment on column analytics.patient_summary.patient_id is 'key of the patient';
comment on column analytics.patient_summary.fhir_id is 'FHIR id of the patient, unique within its source';
comment on column analytics.patient_summary.source is 'who sent the patient: the folder of the inbox';
comment on column analytics.patient_summary.full_name is 'the name in use, see current_name';
comment on column analytics.patient_summary.first_name is 'first given name';
comment on column analytics.patient_summary.middle_name is 'the other given names';
comment on column analytics.patient_summary.last_name is 'family name';
comment on column analytics.patient_summary.gender is 'male | female | other | unknown';
comment on column analytics.patient_summary.birth_date is 'date of birth; of a partial one the first possible day, see patient.birth_date_text';
comment on column analytics.patient_summary.death_date is 'day of death, where it is stated';
comment on column analytics.patient_summary.is_deceased is 'true if the patient died, with or without a date';
comment on column analytics.patient_summary.age is 'age in whole years today, or at death';
comment on column analytics.patient_summary.race is 'first OMB race category; all of them are in patient_race';
comment on column analytics.patient_summary.ethnicity is 'OMB ethnicity category';
comment on column analytics.patient_summary.marital_status is 'marital status';
comment on column analytics.patient_summary.language is 'preferred language, else the first';
comment on column analytics.patient_summary.street is 'street lines of the home, see home_address';
comment on column analytics.patient_summary.city is 'city of the home';
comment on column analytics.patient_summary.state is 'state of the home';
comment on column analytics.patient_summary.postal_code is 'postal code of the home';
comment on column analytics.patient_summary.country is 'country of the home';
comment on column analytics.patient_summary.phone is 'first phone number by rank that is not old';
comment on column analytics.patient_summary.email is 'first e-mail address by rank that is not old';
comment on column analytics.patient_summary.medical_record_number is 'first identifier of type MR';
comment on column analytics.patient_summary.encounter_count is 'number of encounters';
comment on column analytics.patient_summary.first_encounter is 'when the first encounter began';
comment on column analytics.patient_summary.last_encounter is 'when the last encounter began';
comment on column analytics.patient_summary.active_condition_count is 'number of conditions with clinical status active, recurrence or relapse that were not refuted or entered in error';
comment on column analytics.patient_summary.claim_count is 'number of claims';

-- Encounters

create view analytics.encounter_with_diagnoses as
with diagnosis as (
  -- A condition may name its encounter, be named by it, or both.
  select e.id as encounter_id, e.patient_id, d.condition_id, min(d.rank) as rank
    from encounter e
    left join (select encounter_id, condition_id, rank from encounter_diagnosis
               union all
               select encounter_id, id, null from condition) d on d.encounter_id = e.id
   group by e.id, d.condition_id),
diagnosed as (
  select d.encounter_id, d.patient_id, count(c.id) as diagnosis_count,
         array_agg(coalesce(c.code, '') order by d.rank, c.onset_start, c.id) filter (where c.id is not null) as diagnosis_codes,
         array_agg(coalesce(c.code_text, c.code_display, c.code, '') order by d.rank, c.onset_start, c.id) filter (where c.id is not null) as diagnoses
    from diagnosis d
    left join condition c on c.id = d.condition_id and coalesce(c.verification_status, '') not in ('refuted', 'entered-in-error')
   group by d.encounter_id, d.patient_id)
select d.encounter_id, e.fhir_id, d.patient_id, e.status, e.class_code,
       coalesce(e.type_text, e.type_display, e.type_code) as type,
       to_date(left(e.period_start_text, 10), 'YYYY-MM-DD') as encounter_date,
       e.period_start, e.period_end,
       round(extract(epoch from e.period_end - e.period_start) / 60)::integer as length_minutes,
       coalesce(o.name, e.service_provider_display) as facility,
       coalesce(p.name_text, nullif(concat_ws(' ', array_to_string(p.name_prefix, ' '), array_to_string(p.name_given, ' '), p.name_family), ''),
                x.individual_display) as practitioner,
       coalesce(e.reason_code_text, e.reason_code_display, e.reason_code) as reason,
       d.diagnosis_codes, d.diagnoses, d.diagnosis_count
  from diagnosed d
  join encounter e on e.id = d.encounter_id
  left join organization o on o.id = e.service_provider_id
  left join lateral (select individual_display, practitioner_id from encounter_participant x
                      where x.encounter_id = d.encounter_id
                      order by x.type_code in ('PPRF', 'ATND') desc nulls last, x.ordinal limit 1) x on true
  left join practitioner p on p.id = x.practitioner_id;
comment on view analytics.encounter_with_diagnoses is 'What was each visit, where, with whom, for how long, and which conditions were diagnosed or dealt with? One row an encounter; conditions that were refuted or entered in error are left out';
comment on column analytics.encounter_with_diagnoses.encounter_id is 'key of the encounter';
comment on column analytics.encounter_with_diagnoses.fhir_id is 'FHIR id of the encounter';
comment on column analytics.encounter_with_diagnoses.patient_id is 'key of the patient';
comment on column analytics.encounter_with_diagnoses.status is 'planned | arrived | in-progress | finished | cancelled …';
comment on column analytics.encounter_with_diagnoses.class_code is 'AMB ambulatory, IMP inpatient, EMER emergency, HH home, VR virtual …';
comment on column analytics.encounter_with_diagnoses.type is 'first type, in words';
comment on column analytics.encounter_with_diagnoses.encounter_date is 'day on which it began by the hospital''s clock';
comment on column analytics.encounter_with_diagnoses.period_start is 'when it began';
comment on column analytics.encounter_with_diagnoses.period_end is 'when it ended; null if it has not, or is not stated';
comment on column analytics.encounter_with_diagnoses.length_minutes is 'minutes from start to end';
comment on column analytics.encounter_with_diagnoses.facility is 'name of the organization that provided it';
comment on column analytics.encounter_with_diagnoses.practitioner is 'primary performer or attender, else the first participant';
comment on column analytics.encounter_with_diagnoses.reason is 'first reason';
comment on column analytics.encounter_with_diagnoses.diagnosis_codes is 'codes of the conditions, by rank, then onset; empty text where one has no code';
comment on column analytics.encounter_with_diagnoses.diagnoses is 'names of the same conditions, in the same order';
comment on column analytics.encounter_with_diagnoses.diagnosis_count is 'how many';

create view analytics.readmission_30_day as
with inpatient as (
  select e.id, e.patient_id, e.period_start, e.service_provider_id, e.service_provider_display, e.class_code,
         e.priority_code, e.discharge_disposition_code, e.period_end is not null as has_end,
         to_date(left(e.period_start_text, 10), 'YYYY-MM-DD') as first_day,
         to_date(left(coalesce(e.period_end_text, e.period_start_text), 10), 'YYYY-MM-DD') as last_day
    from encounter e
   where e.patient_id is not null and e.period_start is not null
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
comment on view analytics.readmission_30_day is 'Which inpatient stays were followed by another within 30 days? One row a finished stay that the patient left alive, with or without readmission, so that the average of is_readmitted is the rate. Rule: encounters of class IMP, ACUTE or NONAC that overlap, that follow on the same day, or on the day after in another hospital (a transfer), are one stay; the days are those of the hospital''s clock';
comment on column analytics.readmission_30_day.patient_id is 'key of the patient';
comment on column analytics.readmission_30_day.patient_fhir_id is 'FHIR id of the patient; null if the patient was never delivered';
comment on column analytics.readmission_30_day.encounter_id is 'key of the first encounter of the stay';
comment on column analytics.readmission_30_day.admission_date is 'first day of the stay';
comment on column analytics.readmission_30_day.discharge_date is 'last day of the stay';
comment on column analytics.readmission_30_day.length_days is 'days from admission to discharge: nights';
comment on column analytics.readmission_30_day.encounter_count is 'how many encounters make up the stay: more than one after transfers';
comment on column analytics.readmission_30_day.facility is 'organization from which the patient was discharged';
comment on column analytics.readmission_30_day.discharge_disposition_code is 'where the patient went: home, snf …';
comment on column analytics.readmission_30_day.is_readmitted is 'true if the next stay began at most 30 days after discharge';
comment on column analytics.readmission_30_day.readmission_encounter_id is 'key of the first encounter of that next stay; null if not readmitted';
comment on column analytics.readmission_30_day.readmission_date is 'first day of that next stay';
comment on column analytics.readmission_30_day.days_until_readmission is 'days from discharge to that day';
comment on column analytics.readmission_30_day.is_planned is 'true if the next stay was elective (priority EL), false if it had another priority; null if none is stated';
comment on column analytics.readmission_30_day.is_same_facility is 'true if the next stay began where this one ended; null if either is unknown';

-- Findings

create view analytics.observation_value as
select o.id as observation_id, o.fhir_id, 0 as component_ordinal, o.patient_id, o.encounter_id,
       o.effective_start as effective_time, to_date(left(o.effective_start_text, 10), 'YYYY-MM-DD') as effective_date,
       o.status, o.category_code, o.code_system, o.code, coalesce(o.code_text, o.code_display) as name,
       coalesce(o.value_quantity_value, o.value_integer) as value_number,
       o.value_quantity_comparator as comparator,
       coalesce(o.value_quantity_unit, o.value_quantity_code) as unit,
       coalesce(o.value_codeable_concept_text, o.value_codeable_concept_display, o.value_codeable_concept_code, o.value_string,
                o.value_boolean::text, o.value_time::text, o.value_start_text,
                o.value_ratio_numerator_value || ':' || o.value_ratio_denominator_value,
                o.value_range_low_value || ' - ' || o.value_range_high_value) as value_text,
       o.value_codeable_concept_code as value_code,
       o.interpretation_code, o.reference_range_low_value as normal_low, o.reference_range_high_value as normal_high
  from observation o
 where o.value_type is not null
union all
select o.id, o.fhir_id, c.ordinal, o.patient_id, o.encounter_id,
       o.effective_start, to_date(left(o.effective_start_text, 10), 'YYYY-MM-DD'),
       o.status, o.category_code, c.code_system, c.code, coalesce(c.code_text, c.code_display),
       coalesce(c.value_quantity_value, c.value_integer),
       c.value_quantity_comparator,
       coalesce(c.value_quantity_unit, c.value_quantity_code),
       coalesce(c.value_codeable_concept_text, c.value_codeable_concept_display, c.value_codeable_concept_code, c.value_string,
                c.value_boolean::text, c.value_time::text, c.value_start_text,
                c.value_ratio_numerator_value || ':' || c.value_ratio_denominator_value,
                c.value_range_low_value || ' - ' || c.value_range_high_value),
       c.value_codeable_concept_code,
       c.interpretation_code, c.reference_range_low_value, c.reference_range_high_value
  from observation o
  join observation_component c on c.observation_id = o.id
 where c.value_type is not null;
comment on view analytics.observation_value is 'Which lab results, vital signs and answers do we have? One row a value; the parts of an observation, such as the two of a blood pressure, are rows of their own';
comment on column analytics.observation_value.observation_id is 'key of the observation';
comment on column analytics.observation_value.fhir_id is 'FHIR id of the observation';
comment on column analytics.observation_value.component_ordinal is '0 for the observation''s own value, else the number of the component';
comment on column analytics.observation_value.patient_id is 'key of the patient';
comment on column analytics.observation_value.encounter_id is 'key of the encounter';
comment on column analytics.observation_value.effective_time is 'when it was so; the index on patient_id and this time makes ranges fast';
comment on column analytics.observation_value.effective_date is 'the day of that by the sender''s clock';
comment on column analytics.observation_value.status is 'final, amended, preliminary, entered-in-error …';
comment on column analytics.observation_value.category_code is 'first category: laboratory, vital-signs, survey …';
comment on column analytics.observation_value.code_system is 'system of the code, mostly http://loinc.org';
comment on column analytics.observation_value.code is 'what was observed';
comment on column analytics.observation_value.name is 'name of what was observed';
comment on column analytics.observation_value.value_number is 'the value, where it is a quantity or an integer';
comment on column analytics.observation_value.comparator is '<, <=, >=, > where the true value lies beyond the number';
comment on column analytics.observation_value.unit is 'unit of the number';
comment on column analytics.observation_value.value_text is 'the value, where it is a concept, text, truth, time, ratio or range';
comment on column analytics.observation_value.value_code is 'code of the value, where it is a concept';
comment on column analytics.observation_value.interpretation_code is 'H high, L low, N normal …';
comment on column analytics.observation_value.normal_low is 'lower end of the first reference range';
comment on column analytics.observation_value.normal_high is 'upper end of the first reference range';

create view analytics.lab_trend as
with numbered as (
  select v.patient_id, v.category_code, v.code_system, v.code, v.name, v.unit,
         v.value_number, v.comparator, v.effective_time, v.effective_date, v.observation_id,
         lead(v.value_number) over latest_first as previous_value,
         lead(v.comparator) over latest_first as previous_comparator,
         lead(v.effective_time) over latest_first as previous_time,
         lead(v.effective_date) over latest_first as previous_date,
         row_number() over latest_first as place,
         count(*) over (partition by v.patient_id, v.code, v.code_system, v.unit) as value_count
    from analytics.observation_value v
   where v.value_number is not null and v.code is not null and v.effective_time is not null
     and v.patient_id is not null and coalesce(v.status, '') not in ('entered-in-error', 'cancelled')
  window latest_first as (partition by v.patient_id, v.code, v.code_system, v.unit
                          order by v.effective_time desc, v.fhir_id desc, v.component_ordinal))
select n.patient_id, p.fhir_id as patient_fhir_id, n.category_code, n.code_system, n.code, n.name, n.unit,
       n.value_number as latest_value, n.comparator as latest_comparator, n.effective_time as latest_time, n.effective_date as latest_date,
       n.observation_id as latest_observation_id,
       n.previous_value, n.previous_comparator, n.previous_time, n.previous_date,
       case when n.comparator is null and n.previous_comparator is null then n.value_number - n.previous_value end as change,
       n.effective_date - n.previous_date as days_between,
       n.value_count
  from numbered n
  left join patient p on p.id = n.patient_id
 where n.place = 1;
comment on view analytics.lab_trend is 'How does a value develop? One row a patient, code and unit: the latest number, the one before it, and the change. All numeric observations; filter category_code for laboratory. Of values of one time that with the greater FHIR id counts as later; values entered in error, cancelled or without a time are left out';
comment on column analytics.lab_trend.patient_id is 'key of the patient';
comment on column analytics.lab_trend.patient_fhir_id is 'FHIR id of the patient; null if the patient was never delivered';
comment on column analytics.lab_trend.category_code is 'category of the latest observation: laboratory, vital-signs …';
comment on column analytics.lab_trend.code_system is 'system of the code';
comment on column analytics.lab_trend.code is 'what was observed';
comment on column analytics.lab_trend.name is 'name of what was observed, as the latest observation has it';
comment on column analytics.lab_trend.unit is 'unit: values of different units are never compared';
comment on column analytics.lab_trend.latest_value is 'the latest number';
comment on column analytics.lab_trend.latest_comparator is '<, <=, >=, > where the true value lies beyond the number';
comment on column analytics.lab_trend.latest_time is 'when it was observed';
comment on column analytics.lab_trend.latest_date is 'the day of that by the sender''s clock';
comment on column analytics.lab_trend.latest_observation_id is 'key of the observation that has it';
comment on column analytics.lab_trend.previous_value is 'the number before; null if there is one only';
comment on column analytics.lab_trend.previous_comparator is 'comparator of the number before';
comment on column analytics.lab_trend.previous_time is 'when that was observed';
comment on column analytics.lab_trend.previous_date is 'the day of that by the sender''s clock';
comment on column analytics.lab_trend.change is 'latest less previous value; null where either has a comparator';
comment on column analytics.lab_trend.days_between is 'days from the previous to the latest';
comment on column analytics.lab_trend.value_count is 'how many values there are';

-- Medication, codes, and everything in order

create view analytics.medication_list as
select m.id as medication_request_id, m.fhir_id, m.patient_id, m.encounter_id, m.status, m.intent,
       coalesce(m.medication_text, m.medication_display, k.code_text, k.code_display, m.medication_code, k.code) as medication,
       case when m.medication_code is null then k.code_system else m.medication_system end as code_system,
       coalesce(m.medication_code, k.code) as code,
       m.authored_on, to_date(left(m.authored_on_text, 10), 'YYYY-MM-DD') as authored_date,
       d.text as dosage, coalesce(d.dose_quantity_value, d.dose_range_low_value) as dose,
       coalesce(d.dose_quantity_unit, d.dose_quantity_code, d.dose_range_unit) as dose_unit,
       d.timing_frequency as times, d.timing_period as per, d.timing_period_unit as per_unit,
       coalesce(d.as_needed_boolean, d.as_needed_codeable_concept_code is not null or d.as_needed_codeable_concept_display is not null) as is_as_needed,
       coalesce(d.dosage_count, 0) as dosage_count,
       coalesce(m.requester_display, p.name_text, nullif(concat_ws(' ', array_to_string(p.name_prefix, ' '), array_to_string(p.name_given, ' '), p.name_family), '')) as prescriber,
       coalesce(m.reason_code_text, m.reason_code_display) as reason
  from medication_request m
  left join medication k on k.id = m.medication_id
  left join practitioner p on p.id = m.requester_id
  left join lateral (select d.*, count(*) over () as dosage_count from medication_request_dosage d
                      where d.medication_request_id = m.id order by d.ordinal limit 1) d on true;
comment on view analytics.medication_list is 'What was prescribed to whom, how much and how often, and by whom? One row a prescription, whether it names the drug itself or a Medication resource';
comment on column analytics.medication_list.medication_request_id is 'key of the prescription';
comment on column analytics.medication_list.fhir_id is 'FHIR id of the prescription';
comment on column analytics.medication_list.patient_id is 'key of the patient';
comment on column analytics.medication_list.encounter_id is 'key of the encounter';
comment on column analytics.medication_list.status is 'active | completed | stopped …';
comment on column analytics.medication_list.intent is 'order, plan, proposal …';
comment on column analytics.medication_list.medication is 'name of the drug';
comment on column analytics.medication_list.code_system is 'system of the drug''s code, mostly RxNorm';
comment on column analytics.medication_list.code is 'code of the drug';
comment on column analytics.medication_list.authored_on is 'when it was prescribed';
comment on column analytics.medication_list.authored_date is 'the day of that by the sender''s clock';
comment on column analytics.medication_list.dosage is 'first dosage, as text';
comment on column analytics.medication_list.dose is 'dose at a time; of a range its lower end';
comment on column analytics.medication_list.dose_unit is 'unit of the dose';
comment on column analytics.medication_list.times is 'how many times in a period';
comment on column analytics.medication_list.per is 'length of the period';
comment on column analytics.medication_list.per_unit is 'unit of the period: h hour, d day, wk week …';
comment on column analytics.medication_list.is_as_needed is 'true if to be taken when needed; null if nothing is said of dosage';
comment on column analytics.medication_list.dosage_count is 'how many dosages there are; those after the first are in medication_request_dosage';
comment on column analytics.medication_list.prescriber is 'who prescribed';
comment on column analytics.medication_list.reason is 'first reason, where it is a code or text';

create view analytics.clinical_code as
select 'Encounter' as resource_type, id as resource_id, fhir_id, patient_id, 'type' as element, period_start as event_time, type_system as system, type_code as code, coalesce(type_display, type_text) as display, true as is_primary
  from encounter where type_code is not null
union all
select 'Condition', id, fhir_id, patient_id, 'code', onset_start, code_system, code, coalesce(code_display, code_text), true
  from condition where code is not null
union all
select 'AllergyIntolerance', id, fhir_id, patient_id, 'code', recorded_date, code_system, code, coalesce(code_display, code_text), true
  from allergy_intolerance where code is not null
union all
select 'Observation', id, fhir_id, patient_id, 'code', effective_start, code_system, code, coalesce(code_display, code_text), true
  from observation where code is not null
union all
select 'DiagnosticReport', id, fhir_id, patient_id, 'code', effective_start, code_system, code, coalesce(code_display, code_text), true
  from diagnostic_report where code is not null
union all
select 'Procedure', id, fhir_id, patient_id, 'code', performed_start, code_system, code, coalesce(code_display, code_text), true
  from procedure where code is not null
union all
select 'ServiceRequest', id, fhir_id, patient_id, 'code', authored_on, code_system, code, coalesce(code_display, code_text), true
  from service_request where code is not null
union all
select 'Immunization', id, fhir_id, patient_id, 'vaccineCode', occurrence_date_time, vaccine_code_system, vaccine_code, coalesce(vaccine_code_display, vaccine_code_text), true
  from immunization where vaccine_code is not null
union all
select 'MedicationRequest', id, fhir_id, patient_id, 'medication', authored_on, medication_system, medication_code, coalesce(medication_display, medication_text), true
  from medication_request where medication_code is not null
union all
select 'MedicationDispense', id, fhir_id, patient_id, 'medication', when_handed_over, medication_system, medication_code, coalesce(medication_display, medication_text), true
  from medication_dispense where medication_code is not null
union all
select 'MedicationAdministration', id, fhir_id, patient_id, 'medication', effective_start, medication_system, medication_code, coalesce(medication_display, medication_text), true
  from medication_administration where medication_code is not null
union all
select 'MedicationStatement', id, fhir_id, patient_id, 'medication', effective_start, medication_system, medication_code, coalesce(medication_display, medication_text), true
  from medication_statement where medication_code is not null
union all
select 'Device', id, fhir_id, patient_id, 'type', null, type_system, type_code, coalesce(type_display, type_text), true
  from device where type_code is not null
union all
-- Parts of observations
select 'Observation', o.id, o.fhir_id, o.patient_id, 'component.code', o.effective_start, c.code_system, c.code, coalesce(c.code_display, c.code_text), true
  from observation o join observation_component c on c.observation_id = o.id where c.code is not null
union all
-- Drugs that stand in a Medication resource
select 'MedicationRequest', m.id, m.fhir_id, m.patient_id, 'medication', m.authored_on, k.code_system, k.code, coalesce(k.code_display, k.code_text), true
  from medication_request m join medication k on k.id = m.medication_id where k.code is not null
union all
select 'MedicationDispense', m.id, m.fhir_id, m.patient_id, 'medication', m.when_handed_over, k.code_system, k.code, coalesce(k.code_display, k.code_text), true
  from medication_dispense m join medication k on k.id = m.medication_id where k.code is not null
union all
select 'MedicationAdministration', m.id, m.fhir_id, m.patient_id, 'medication', m.effective_start, k.code_system, k.code, coalesce(k.code_display, k.code_text), true
  from medication_administration m join medication k on k.id = m.medication_id where k.code is not null
union all
select 'MedicationStatement', m.id, m.fhir_id, m.patient_id, 'medication', m.effective_start, k.code_system, k.code, coalesce(k.code_display, k.code_text), true
  from medication_statement m join medication k on k.id = m.medication_id where k.code is not null
union all
-- The other types of a visit
select 'Encounter', e.id, e.fhir_id, e.patient_id, 'type', e.period_start, k.system, k.code, coalesce(k.display, k.text), true
  from encounter e join resource_concept k on k.resource_type = 'Encounter' and k.resource_id = e.id
 where k.element = 'type' and k.ordinal > 1 and k.code is not null
union all
-- The other codings of concepts that have several
select 'Encounter', r.id, r.fhir_id, r.patient_id, 'type', r.period_start, k.system, k.code, k.display, false
  from encounter r join resource_coding k on k.resource_type = 'Encounter' and k.resource_id = r.id
 where k.element = 'type' and not k.is_primary and k.code is not null
union all
select 'Condition', r.id, r.fhir_id, r.patient_id, 'code', r.onset_start, k.system, k.code, k.display, false
  from condition r join resource_coding k on k.resource_type = 'Condition' and k.resource_id = r.id
 where k.element = 'code' and not k.is_primary and k.code is not null
union all
select 'AllergyIntolerance', r.id, r.fhir_id, r.patient_id, 'code', r.recorded_date, k.system, k.code, k.display, false
  from allergy_intolerance r join resource_coding k on k.resource_type = 'AllergyIntolerance' and k.resource_id = r.id
 where k.element = 'code' and not k.is_primary and k.code is not null
union all
select 'Observation', r.id, r.fhir_id, r.patient_id, 'code', r.effective_start, k.system, k.code, k.display, false
  from observation r join resource_coding k on k.resource_type = 'Observation' and k.resource_id = r.id
 where k.element = 'code' and not k.is_primary and k.code is not null
union all
select 'DiagnosticReport', r.id, r.fhir_id, r.patient_id, 'code', r.effective_start, k.system, k.code, k.display, false
  from diagnostic_report r join resource_coding k on k.resource_type = 'DiagnosticReport' and k.resource_id = r.id
 where k.element = 'code' and not k.is_primary and k.code is not null
union all
select 'Procedure', r.id, r.fhir_id, r.patient_id, 'code', r.performed_start, k.system, k.code, k.display, false
  from procedure r join resource_coding k on k.resource_type = 'Procedure' and k.resource_id = r.id
 where k.element = 'code' and not k.is_primary and k.code is not null
union all
select 'ServiceRequest', r.id, r.fhir_id, r.patient_id, 'code', r.authored_on, k.system, k.code, k.display, false
  from service_request r join resource_coding k on k.resource_type = 'ServiceRequest' and k.resource_id = r.id
 where k.element = 'code' and not k.is_primary and k.code is not null
union all
select 'Immunization', r.id, r.fhir_id, r.patient_id, 'vaccineCode', r.occurrence_date_time, k.system, k.code, k.display, false
  from immunization r join resource_coding k on k.resource_type = 'Immunization' and k.resource_id = r.id
 where k.element = 'vaccineCode' and not k.is_primary and k.code is not null
union all
select 'MedicationRequest', r.id, r.fhir_id, r.patient_id, 'medication', r.authored_on, k.system, k.code, k.display, false
  from medication_request r join resource_coding k on k.resource_type = 'MedicationRequest' and k.resource_id = r.id
 where k.element = 'medicationCodeableConcept' and not k.is_primary and k.code is not null
union all
select 'MedicationDispense', r.id, r.fhir_id, r.patient_id, 'medication', r.when_handed_over, k.system, k.code, k.display, false
  from medication_dispense r join resource_coding k on k.resource_type = 'MedicationDispense' and k.resource_id = r.id
 where k.element = 'medicationCodeableConcept' and not k.is_primary and k.code is not null
union all
select 'MedicationAdministration', r.id, r.fhir_id, r.patient_id, 'medication', r.effective_start, k.system, k.code, k.display, false
  from medication_administration r join resource_coding k on k.resource_type = 'MedicationAdministration' and k.resource_id = r.id
 where k.element = 'medicationCodeableConcept' and not k.is_primary and k.code is not null
union all
select 'MedicationStatement', r.id, r.fhir_id, r.patient_id, 'medication', r.effective_start, k.system, k.code, k.display, false
  from medication_statement r join resource_coding k on k.resource_type = 'MedicationStatement' and k.resource_id = r.id
 where k.element = 'medicationCodeableConcept' and not k.is_primary and k.code is not null
union all
select 'Observation', r.id, r.fhir_id, r.patient_id, 'component.code', r.effective_start, k.system, k.code, k.display, false
  from observation r join resource_coding k on k.resource_type = 'Observation' and k.resource_id = r.id
 where k.element = 'component.code' and not k.is_primary and k.code is not null;
comment on view analytics.clinical_code is 'Which records have this code, whichever of their codings it is? One row a coding of a visit''s type, a condition, allergy, observation or its part, report, procedure, order, vaccine, drug or device';
comment on column analytics.clinical_code.resource_type is 'type of the record';
comment on column analytics.clinical_code.resource_id is 'key of the record';
comment on column analytics.clinical_code.fhir_id is 'FHIR id of the record';
comment on column analytics.clinical_code.patient_id is 'key of the patient';
comment on column analytics.clinical_code.element is 'element that has the code: code, vaccineCode, medication, type, component.code';
comment on column analytics.clinical_code.event_time is 'when: onset, performance, authoring … as in patient_timeline';
comment on column analytics.clinical_code.system is 'system of the code';
comment on column analytics.clinical_code.code is 'the code';
comment on column analytics.clinical_code.display is 'display of the coding, else text of the concept';
comment on column analytics.clinical_code.is_primary is 'true for the coding that the record''s own table shows; count records with it, or distinct resource_id';

create view analytics.patient_timeline as
select patient_id, period_start as event_time, to_date(left(period_start_text, 10), 'YYYY-MM-DD') as event_date, 'Encounter' as event_type, id as event_id, fhir_id, id as encounter_id,
       coalesce(type_text, type_display, class_display, class_code) as description, status as status, null::numeric as value, null::text as unit
  from encounter
union all
select patient_id, onset_start, to_date(left(onset_start_text, 10), 'YYYY-MM-DD'), 'Condition', id, fhir_id, encounter_id,
       coalesce(code_text, code_display, code), clinical_status, null, null
  from condition
union all
select patient_id, recorded_date, to_date(left(recorded_date_text, 10), 'YYYY-MM-DD'), 'AllergyIntolerance', id, fhir_id, encounter_id,
       coalesce(code_text, code_display, code), clinical_status, null, null
  from allergy_intolerance
union all
select patient_id, effective_start, to_date(left(effective_start_text, 10), 'YYYY-MM-DD'), 'Observation', id, fhir_id, encounter_id,
       coalesce(code_text, code_display, code), status, value_quantity_value, coalesce(value_quantity_unit, value_quantity_code)
  from observation
union all
select patient_id, effective_start, to_date(left(effective_start_text, 10), 'YYYY-MM-DD'), 'DiagnosticReport', id, fhir_id, encounter_id,
       coalesce(code_text, code_display, code), status, null, null
  from diagnostic_report
union all
select patient_id, started, to_date(left(started_text, 10), 'YYYY-MM-DD'), 'ImagingStudy', id, fhir_id, encounter_id,
       coalesce(description, procedure_code_text, procedure_code_display, modality_display), status, null, null
  from imaging_study
union all
select patient_id, performed_start, to_date(left(performed_start_text, 10), 'YYYY-MM-DD'), 'Procedure', id, fhir_id, encounter_id,
       coalesce(code_text, code_display, code), status, null, null
  from procedure
union all
select patient_id, authored_on, to_date(left(authored_on_text, 10), 'YYYY-MM-DD'), 'ServiceRequest', id, fhir_id, encounter_id,
       coalesce(code_text, code_display, code), status, null, null
  from service_request
union all
select patient_id, authored_on, to_date(left(authored_on_text, 10), 'YYYY-MM-DD'), 'MedicationRequest', id, fhir_id, encounter_id,
       coalesce(medication_text, medication_display, medication_code), status, null, null
  from medication_request
union all
select patient_id, when_handed_over, to_date(left(when_handed_over_text, 10), 'YYYY-MM-DD'), 'MedicationDispense', id, fhir_id, encounter_id,
       coalesce(medication_text, medication_display, medication_code), status, quantity_value, coalesce(quantity_unit, quantity_code)
  from medication_dispense
union all
select patient_id, effective_start, to_date(left(effective_start_text, 10), 'YYYY-MM-DD'), 'MedicationAdministration', id, fhir_id, encounter_id,
       coalesce(medication_text, medication_display, medication_code), status, dosage_dose_value, coalesce(dosage_dose_unit, dosage_dose_code)
  from medication_administration
union all
select patient_id, occurrence_date_time, to_date(left(occurrence_date_time_text, 10), 'YYYY-MM-DD'), 'Immunization', id, fhir_id, encounter_id,
       coalesce(vaccine_code_text, vaccine_code_display, vaccine_code), status, null, null
  from immunization
union all
select patient_id, period_start, to_date(left(period_start_text, 10), 'YYYY-MM-DD'), 'CarePlan', id, fhir_id, encounter_id,
       coalesce(title, category_display, category_code), status, null, null
  from care_plan
union all
select patient_id, date, to_date(left(date_text, 10), 'YYYY-MM-DD'), 'DocumentReference', id, fhir_id, encounter_id,
       coalesce(type_text, type_display, type_code), status, null, null
  from document_reference
union all
select patient_id, sent, to_date(left(sent_text, 10), 'YYYY-MM-DD'), 'Communication', id, fhir_id, encounter_id,
       coalesce(topic_text, topic_display, category_display), status, null, null
  from communication
union all
select patient_id, start_time, to_date(left(start_time_text, 10), 'YYYY-MM-DD'), 'Appointment', id, fhir_id, null,
       coalesce(description, appointment_type_display, service_type_display), status, null, null
  from appointment
union all
select patient_id, billable_period_start, to_date(left(billable_period_start_text, 10), 'YYYY-MM-DD'), 'Claim', id, fhir_id, encounter_id,
       coalesce(type_text, type_display, type_code), status, total_value, total_currency
  from claim
union all
select patient_id, billable_period_start, to_date(left(billable_period_start_text, 10), 'YYYY-MM-DD'), 'ExplanationOfBenefit', id, fhir_id, encounter_id,
       coalesce(claim_type, type_text, type_display, type_code), status, payment_amount_value, payment_amount_currency
  from explanation_of_benefit;
comment on view analytics.patient_timeline is 'What happened to this person, in order? One row an event: visits, conditions, results, procedures, drugs, vaccines, notes, messages, bills; sort by event_time';
comment on column analytics.patient_timeline.patient_id is 'key of the patient';
comment on column analytics.patient_timeline.event_time is 'when: the start of a period; onset of a condition; order of a drug; null if not stated';
comment on column analytics.patient_timeline.event_date is 'the day of that by the sender''s clock';
comment on column analytics.patient_timeline.event_type is 'FHIR type of the record; its table is the same name in snake_case';
comment on column analytics.patient_timeline.event_id is 'key of the record: id in its table';
comment on column analytics.patient_timeline.fhir_id is 'FHIR id of the record';
comment on column analytics.patient_timeline.encounter_id is 'key of the encounter; the record''s own for encounters';
comment on column analytics.patient_timeline.description is 'what it was, in words';
comment on column analytics.patient_timeline.status is 'status; of conditions and allergies the clinical one';
comment on column analytics.patient_timeline.value is 'number of the observation, amount of the drug, total of the claim, payment of the EOB';
comment on column analytics.patient_timeline.unit is 'unit or currency of the value';

-- Claims

-- Senders write the amounts of a claim's lines as adjudications, each in a
-- category of its own choice. This table says which category is which amount.
create table etl.code_map (
  system text not null,
  code text not null,
  measure text not null,
  rank integer not null,
  primary key (system, code)
);
comment on table etl.code_map is 'which category of adjudication counts as which amount in analytics.eob_line and analytics.claim_financials; rows may be added and changed';
comment on column etl.code_map.system is 'system of the category''s coding; * for any';
comment on column etl.code_map.code is 'its code; of a code that is a URL what stands behind the last slash';
comment on column etl.code_map.measure is 'charge_amount | allowed_amount | paid_amount | coinsurance_amount | copayment_amount | deductible_amount | noncovered_amount | discount_amount | patient_paid_amount | member_liability_amount | prior_payer_paid_amount; - if it must not be counted';
comment on column etl.code_map.rank is 'which decides where several apply: of the codings of one adjudication, and of the adjudications of one line, that with the lowest; specific codes are below 50, standard categories from 50 on';

-- The variables of CMS, which Synthea uses too; then those among them that
-- share a standard category with another and must not be added to it: the
-- rate of an hour beside the total, the purchase price beside the payment.
insert into etl.code_map (system, code, measure, rank) values
  ('*', 'line_sbmtd_chrg_amt', 'charge_amount', 10),
  ('*', 'CLM_LINE_SBMT_CHRG_AMT', 'charge_amount', 10),
  ('*', 'rev_cntr_tot_chrg_amt', 'charge_amount', 10),
  ('*', 'line_alowd_chrg_amt', 'allowed_amount', 10),
  ('*', 'CLM_LINE_ALOWD_CHRG_AMT', 'allowed_amount', 10),
  ('*', 'line_nch_pmt_amt', 'paid_amount', 9),
  ('*', 'line_prvdr_pmt_amt', 'paid_amount', 10),
  ('*', 'CLM_LINE_CVRD_PD_AMT', 'paid_amount', 10),
  ('*', 'cvrd_d_plan_pd_amt', 'paid_amount', 10),
  ('*', 'rev_cntr_prvdr_pmt_amt', 'paid_amount', 11),
  ('*', 'line_coinsrnc_amt', 'coinsurance_amount', 10),
  ('*', 'CLM_LINE_MDCR_COINSRNC_AMT', 'coinsurance_amount', 10),
  ('*', 'line_bene_ptb_ddctbl_amt', 'deductible_amount', 10),
  ('*', 'CLM_LINE_MDCR_DDCTBL_AMT', 'deductible_amount', 10),
  ('*', 'rev_cntr_ncvrd_chrg_amt', 'noncovered_amount', 10),
  ('*', 'ptnt_pay_amt', 'patient_paid_amount', 10),
  ('*', 'rev_cntr_rate_amt', '-', 1),
  ('*', 'rev_cntr_pmt_amt_amt', '-', 1),
  ('*', 'line_dme_prchs_price_amt', '-', 1),
  ('*', 'line_prmry_alowd_chrg_amt', '-', 1),
  ('*', 'line_bene_pmt_amt', '-', 1),
  ('*', 'rev_cntr_bene_pmt_amt', '-', 1),
  ('*', 'gdc_blw_oopt_amt', '-', 1),
  ('*', 'gdc_abv_oopt_amt', '-', 1),
  ('http://terminology.hl7.org/CodeSystem/adjudication', 'submitted', 'charge_amount', 50),
  ('http://terminology.hl7.org/CodeSystem/adjudication', 'eligible', 'allowed_amount', 50),
  ('http://terminology.hl7.org/CodeSystem/adjudication', 'benefit', 'paid_amount', 50),
  ('http://terminology.hl7.org/CodeSystem/adjudication', 'deductible', 'deductible_amount', 50),
  ('http://terminology.hl7.org/CodeSystem/adjudication', 'copay', 'copayment_amount', 50),
  ('http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication', 'coinsurance', 'coinsurance_amount', 50),
  ('http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication', 'paidtoprovider', 'paid_amount', 60),
  ('http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication', 'paidbypatient', 'patient_paid_amount', 50),
  ('http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication', 'memberliability', 'member_liability_amount', 50),
  ('http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication', 'noncovered', 'noncovered_amount', 50),
  ('http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication', 'discount', 'discount_amount', 50),
  ('http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication', 'priorpayerpaid', 'prior_payer_paid_amount', 50);

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

-- Of the amounts of one line and measure one counts: min() of an array looks at
-- its first member first, so [rank, ordinal, amount] of least rank, then
-- ordinal, is found without sorting.
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

create view analytics.member_months as
with covered as (
  select c.id, c.fhir_id, c.patient_id, c.status, c.type_code, c.plan_name, c.group_number,
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
     and (c.status is null or c.status = 'active' or c.status = 'cancelled' and c.period_end is not null))
select c.patient_id, p.fhir_id as patient_fhir_id, c.id as coverage_id, c.fhir_id, c.payer_name, c.plan_name, c.group_number, c.type_code,
       m.month::date as month,
       least(c.last_day, (m.month + interval '1 month')::date - 1) - greatest(c.first_day, m.month::date) + 1 as covered_days,
       (m.month + interval '1 month')::date - m.month::date as month_days
  from covered c
  left join patient p on p.id = c.patient_id
 cross join lateral generate_series(date_trunc('month', c.first_day::timestamp),
                                    least(coalesce(c.last_day, current_date), current_date)::timestamp, interval '1 month') as m (month)
 where c.last_day is null or c.last_day >= c.first_day;
comment on view analytics.member_months is 'How many people did each payer cover in each month? One row a coverage and calendar month of which it covers a day, up to the current month; count distinct patient_id a month, or add up covered_days / month_days. Coverages without a start, drafts, those entered in error, and cancelled ones without an end are left out';
comment on column analytics.member_months.patient_id is 'key of the patient';
comment on column analytics.member_months.patient_fhir_id is 'FHIR id of the patient; null if the patient was never delivered';
comment on column analytics.member_months.coverage_id is 'key of the coverage; a person may have several in a month';
comment on column analytics.member_months.fhir_id is 'FHIR id of the coverage';
comment on column analytics.member_months.payer_name is 'first payer: name of the organization, else as the coverage displays it';
comment on column analytics.member_months.plan_name is 'plan';
comment on column analytics.member_months.group_number is 'number of the group';
comment on column analytics.member_months.type_code is 'type of the coverage';
comment on column analytics.member_months.month is 'first day of the month';
comment on column analytics.member_months.covered_days is 'days of the month that are covered; of the current month those to its end, or the coverage''s';
comment on column analytics.member_months.month_days is 'days of the month';

-- References

-- Every column of the model that refers to a resource. Left out are the keys
-- that are drawn from others (the encounter of a claim's lines, a participant
-- that is a practitioner) and those of lists that resource_reference has.
create view analytics.reference as
select * from (
            select 'Patient' as resource_type, id as resource_id, 'managingOrganization' as element, 'Organization' as target_type, managing_organization_id as target_id, managing_organization_display as display, managing_organization_reference as reference from patient
  union all select 'Patient', patient_id, 'identifier.assigner', 'Organization', assigner_id, assigner_display, assigner_reference from patient_identifier
  union all select 'Patient', patient_id, 'contact.organization', 'Organization', organization_id, organization_display, organization_reference from patient_contact
  union all select 'Patient', patient_id, 'link.other', other_type, other_id, other_display, other_reference from patient_link
  union all select 'RelatedPerson', id, 'patient', 'Patient', patient_id, null, patient_reference from related_person
  union all select 'Practitioner', practitioner_id, 'qualification.issuer', 'Organization', issuer_id, issuer_display, issuer_reference from practitioner_qualification
  union all select 'PractitionerRole', id, 'practitioner', 'Practitioner', practitioner_id, practitioner_display, practitioner_reference from practitioner_role
  union all select 'PractitionerRole', id, 'organization', 'Organization', organization_id, organization_display, organization_reference from practitioner_role
  union all select 'Organization', id, 'partOf', 'Organization', part_of_id, part_of_display, part_of_reference from organization
  union all select 'Location', id, 'managingOrganization', 'Organization', managing_organization_id, managing_organization_display, managing_organization_reference from location
  union all select 'Location', id, 'partOf', 'Location', part_of_id, part_of_display, part_of_reference from location
  union all select 'Encounter', id, 'subject', subject_type, subject_id, null, subject_reference from encounter
  union all select 'Encounter', id, 'serviceProvider', 'Organization', service_provider_id, service_provider_display, service_provider_reference from encounter
  union all select 'Encounter', id, 'partOf', 'Encounter', part_of_id, part_of_display, part_of_reference from encounter
  union all select 'Encounter', id, 'hospitalization.origin', origin_type, origin_id, origin_display, origin_reference from encounter
  union all select 'Encounter', id, 'hospitalization.destination', destination_type, destination_id, destination_display, destination_reference from encounter
  union all select 'Encounter', encounter_id, 'participant.individual', individual_type, individual_id, individual_display, individual_reference from encounter_participant
  union all select 'Encounter', encounter_id, 'diagnosis.condition', condition_type, condition_id, condition_display, condition_reference from encounter_diagnosis
  union all select 'Encounter', encounter_id, 'location.location', 'Location', location_id, location_display, location_reference from encounter_location
  union all select 'Appointment', appointment_id, 'participant.actor', actor_type, actor_id, actor_display, actor_reference from appointment_participant
  union all select 'Condition', id, 'encounter', 'Encounter', encounter_id, null, encounter_reference from condition
  union all select 'Condition', id, 'subject', subject_type, subject_id, null, subject_reference from condition
  union all select 'Condition', id, 'recorder', recorder_type, recorder_id, recorder_display, recorder_reference from condition
  union all select 'Condition', id, 'asserter', asserter_type, asserter_id, asserter_display, asserter_reference from condition
  union all select 'Condition', condition_id, 'evidence.detail', detail_type, detail_id, detail_display, detail_reference from condition_evidence
  union all select 'AllergyIntolerance', id, 'patient', 'Patient', patient_id, null, patient_reference from allergy_intolerance
  union all select 'AllergyIntolerance', id, 'encounter', 'Encounter', encounter_id, null, encounter_reference from allergy_intolerance
  union all select 'AllergyIntolerance', id, 'recorder', recorder_type, recorder_id, recorder_display, recorder_reference from allergy_intolerance
  union all select 'AllergyIntolerance', id, 'asserter', asserter_type, asserter_id, asserter_display, asserter_reference from allergy_intolerance
  union all select 'Observation', id, 'encounter', 'Encounter', encounter_id, null, encounter_reference from observation
  union all select 'Observation', id, 'subject', subject_type, subject_id, null, subject_reference from observation
  union all select 'Observation', id, 'specimen', 'Specimen', specimen_id, null, null from observation
  union all select 'Observation', id, 'device', device_type, device_id, null, null from observation
  union all select 'DiagnosticReport', id, 'encounter', 'Encounter', encounter_id, null, encounter_reference from diagnostic_report
  union all select 'DiagnosticReport', id, 'subject', subject_type, subject_id, null, subject_reference from diagnostic_report
  union all select 'DiagnosticReport', diagnostic_report_id, 'result', 'Observation', observation_id, display, reference from diagnostic_report_result
  union all select 'Specimen', id, 'subject', subject_type, subject_id, null, subject_reference from specimen
  union all select 'Specimen', id, 'collection.collector', collector_type, collector_id, collector_display, collector_reference from specimen
  union all select 'Specimen', specimen_id, 'container.additive', 'Substance', additive_id, additive_display, additive_reference from specimen_container
  union all select 'ImagingStudy', id, 'encounter', 'Encounter', encounter_id, null, encounter_reference from imaging_study
  union all select 'ImagingStudy', id, 'subject', subject_type, subject_id, null, subject_reference from imaging_study
  union all select 'ImagingStudy', id, 'referrer', referrer_type, referrer_id, referrer_display, referrer_reference from imaging_study
  union all select 'ImagingStudy', id, 'procedureReference', 'Procedure', procedure_reference_id, procedure_reference_display, procedure_reference_reference from imaging_study
  union all select 'ImagingStudy', id, 'location', 'Location', location_id, location_display, location_reference from imaging_study
  union all select 'DocumentReference', id, 'subject', subject_type, subject_id, null, subject_reference from document_reference
  union all select 'DocumentReference', id, 'authenticator', authenticator_type, authenticator_id, authenticator_display, authenticator_reference from document_reference
  union all select 'DocumentReference', id, 'custodian', 'Organization', custodian_id, custodian_display, custodian_reference from document_reference
  union all select 'DocumentReference', document_reference_id, 'relatesTo.target', 'DocumentReference', target_id, target_display, target_reference from document_reference_relates_to
  union all select 'Procedure', id, 'encounter', 'Encounter', encounter_id, null, encounter_reference from procedure
  union all select 'Procedure', id, 'subject', subject_type, subject_id, null, subject_reference from procedure
  union all select 'Procedure', id, 'recorder', recorder_type, recorder_id, recorder_display, recorder_reference from procedure
  union all select 'Procedure', id, 'asserter', asserter_type, asserter_id, asserter_display, asserter_reference from procedure
  union all select 'Procedure', id, 'location', 'Location', location_id, location_display, location_reference from procedure
  union all select 'Procedure', procedure_id, 'performer.actor', actor_type, actor_id, actor_display, actor_reference from procedure_performer
  union all select 'Procedure', procedure_id, 'performer.onBehalfOf', 'Organization', on_behalf_of_id, on_behalf_of_display, on_behalf_of_reference from procedure_performer
  union all select 'ServiceRequest', id, 'encounter', 'Encounter', encounter_id, null, encounter_reference from service_request
  union all select 'ServiceRequest', id, 'subject', subject_type, subject_id, null, subject_reference from service_request
  union all select 'ServiceRequest', id, 'requester', requester_type, requester_id, requester_display, requester_reference from service_request
  union all select 'Immunization', id, 'patient', 'Patient', patient_id, null, patient_reference from immunization
  union all select 'Immunization', id, 'encounter', 'Encounter', encounter_id, null, encounter_reference from immunization
  union all select 'Immunization', id, 'location', 'Location', location_id, location_display, location_reference from immunization
  union all select 'Immunization', id, 'manufacturer', 'Organization', manufacturer_id, manufacturer_display, manufacturer_reference from immunization
  union all select 'Immunization', immunization_id, 'performer.actor', actor_type, actor_id, actor_display, actor_reference from immunization_performer
  union all select 'Immunization', immunization_id, 'reaction.detail', 'Observation', detail_id, detail_display, detail_reference from immunization_reaction
  union all select 'Immunization', immunization_id, 'protocolApplied.authority', 'Organization', authority_id, authority_display, authority_reference from immunization_protocol_applied
  union all select 'Device', id, 'patient', 'Patient', patient_id, null, patient_reference from device
  union all select 'Device', id, 'definition', 'DeviceDefinition', definition_id, definition_display, definition_reference from device
  union all select 'Device', id, 'owner', 'Organization', owner_id, owner_display, owner_reference from device
  union all select 'Device', id, 'location', 'Location', location_id, location_display, location_reference from device
  union all select 'SupplyDelivery', id, 'patient', 'Patient', patient_id, null, patient_reference from supply_delivery
  union all select 'SupplyDelivery', id, 'suppliedItem.item', supplied_item_item_type, supplied_item_item_id, null, supplied_item_item_reference from supply_delivery
  union all select 'SupplyDelivery', id, 'supplier', supplier_type, supplier_id, supplier_display, supplier_reference from supply_delivery
  union all select 'SupplyDelivery', id, 'destination', 'Location', destination_id, destination_display, destination_reference from supply_delivery
  union all select 'CarePlan', id, 'encounter', 'Encounter', encounter_id, null, encounter_reference from care_plan
  union all select 'CarePlan', id, 'subject', subject_type, subject_id, null, subject_reference from care_plan
  union all select 'CarePlan', id, 'author', author_type, author_id, author_display, author_reference from care_plan
  union all select 'CarePlan', care_plan_id, 'activity.reference', reference_type, reference_id, reference_display, reference_reference from care_plan_activity
  union all select 'CarePlan', care_plan_id, 'activity.detail.location', 'Location', detail_location_id, detail_location_display, detail_location_reference from care_plan_activity
  union all select 'CarePlan', care_plan_id, 'activity.detail.product', detail_product_type, detail_product_id, detail_product_display, detail_product_reference from care_plan_activity
  union all select 'CareTeam', id, 'encounter', 'Encounter', encounter_id, null, encounter_reference from care_team
  union all select 'CareTeam', id, 'subject', subject_type, subject_id, null, subject_reference from care_team
  union all select 'CareTeam', care_team_id, 'participant.member', member_type, member_id, member_display, member_reference from care_team_participant
  union all select 'CareTeam', care_team_id, 'participant.onBehalfOf', 'Organization', on_behalf_of_id, on_behalf_of_display, on_behalf_of_reference from care_team_participant
  union all select 'Goal', id, 'subject', subject_type, subject_id, null, subject_reference from goal
  union all select 'Goal', id, 'expressedBy', expressed_by_type, expressed_by_id, expressed_by_display, expressed_by_reference from goal
  union all select 'Medication', id, 'manufacturer', 'Organization', manufacturer_id, manufacturer_display, manufacturer_reference from medication
  union all select 'Medication', medication_id, 'ingredient.item', item_type, item_id, null, item_reference from medication_ingredient
  union all select 'MedicationRequest', id, 'encounter', 'Encounter', encounter_id, null, encounter_reference from medication_request
  union all select 'MedicationRequest', id, 'medication', 'Medication', medication_id, null, medication_reference from medication_request
  union all select 'MedicationRequest', id, 'subject', subject_type, subject_id, null, subject_reference from medication_request
  union all select 'MedicationRequest', id, 'requester', requester_type, requester_id, requester_display, requester_reference from medication_request
  union all select 'MedicationRequest', id, 'performer', performer_type, performer_id, performer_display, performer_reference from medication_request
  union all select 'MedicationRequest', id, 'recorder', recorder_type, recorder_id, null, null from medication_request
  union all select 'MedicationRequest', id, 'dispenseRequest.performer', 'Organization', dispense_performer_id, null, null from medication_request
  union all select 'MedicationRequest', id, 'priorPrescription', 'MedicationRequest', prior_prescription_id, null, null from medication_request
  union all select 'MedicationDispense', id, 'context', 'Encounter', encounter_id, null, context_reference from medication_dispense
  union all select 'MedicationDispense', id, 'statusReason', 'DetectedIssue', status_reason_id, status_reason_display, status_reason_reference from medication_dispense
  union all select 'MedicationDispense', id, 'medication', 'Medication', medication_id, null, medication_reference from medication_dispense
  union all select 'MedicationDispense', id, 'subject', subject_type, subject_id, null, subject_reference from medication_dispense
  union all select 'MedicationDispense', id, 'location', 'Location', location_id, location_display, location_reference from medication_dispense
  union all select 'MedicationDispense', id, 'destination', 'Location', destination_id, destination_display, destination_reference from medication_dispense
  union all select 'MedicationDispense', medication_dispense_id, 'performer.actor', actor_type, actor_id, actor_display, actor_reference from medication_dispense_performer
  union all select 'MedicationAdministration', id, 'context', 'Encounter', encounter_id, null, context_reference from medication_administration
  union all select 'MedicationAdministration', id, 'medication', 'Medication', medication_id, null, medication_reference from medication_administration
  union all select 'MedicationAdministration', id, 'subject', subject_type, subject_id, null, subject_reference from medication_administration
  union all select 'MedicationAdministration', id, 'request', 'MedicationRequest', request_id, request_display, request_reference from medication_administration
  union all select 'MedicationAdministration', medication_administration_id, 'performer.actor', actor_type, actor_id, actor_display, actor_reference from medication_administration_performer
  union all select 'MedicationStatement', id, 'context', 'Encounter', encounter_id, null, context_reference from medication_statement
  union all select 'MedicationStatement', id, 'medication', 'Medication', medication_id, null, medication_reference from medication_statement
  union all select 'MedicationStatement', id, 'subject', subject_type, subject_id, null, subject_reference from medication_statement
  union all select 'MedicationStatement', id, 'informationSource', information_source_type, information_source_id, information_source_display, information_source_reference from medication_statement
  union all select 'Communication', id, 'encounter', 'Encounter', encounter_id, null, encounter_reference from communication
  union all select 'Communication', id, 'subject', subject_type, subject_id, null, subject_reference from communication
  union all select 'Communication', id, 'sender', sender_type, sender_id, sender_display, sender_reference from communication
  union all select 'Communication', communication_id, 'payload.content', content_reference_type, content_reference_id, content_reference_display, content_reference_reference from communication_payload
  union all select 'CommunicationRequest', id, 'encounter', 'Encounter', encounter_id, null, encounter_reference from communication_request
  union all select 'CommunicationRequest', id, 'subject', subject_type, subject_id, null, subject_reference from communication_request
  union all select 'CommunicationRequest', id, 'requester', requester_type, requester_id, requester_display, requester_reference from communication_request
  union all select 'CommunicationRequest', id, 'sender', sender_type, sender_id, sender_display, sender_reference from communication_request
  union all select 'CommunicationRequest', communication_request_id, 'payload.content', content_reference_type, content_reference_id, content_reference_display, content_reference_reference from communication_request_payload
  union all select 'QuestionnaireResponse', id, 'encounter', 'Encounter', encounter_id, null, encounter_reference from questionnaire_response
  union all select 'QuestionnaireResponse', id, 'subject', subject_type, subject_id, null, subject_reference from questionnaire_response
  union all select 'QuestionnaireResponse', id, 'author', author_type, author_id, author_display, author_reference from questionnaire_response
  union all select 'QuestionnaireResponse', id, 'source', information_source_type, information_source_id, information_source_display, information_source_reference from questionnaire_response
  union all select 'QuestionnaireResponse', questionnaire_response_id, 'item.answer.value', value_reference_type, value_reference_id, value_reference_display, value_reference_reference from questionnaire_response_item
  union all select 'Consent', id, 'patient', 'Patient', patient_id, null, patient_reference from consent
  union all select 'Consent', id, 'source', source_reference_type, source_reference_id, source_reference_display, source_reference_reference from consent
  union all select 'Coverage', id, 'beneficiary', 'Patient', patient_id, null, beneficiary_reference from coverage
  union all select 'Coverage', id, 'policyHolder', policy_holder_type, policy_holder_id, policy_holder_display, policy_holder_reference from coverage
  union all select 'Coverage', id, 'subscriber', subscriber_party_type, subscriber_party_id, subscriber_party_display, subscriber_party_reference from coverage
  union all select 'Claim', id, 'patient', 'Patient', patient_id, null, patient_reference from claim
  union all select 'Claim', id, 'insurer', 'Organization', insurer_id, insurer_display, insurer_reference from claim
  union all select 'Claim', id, 'provider', provider_type, provider_id, provider_display, provider_reference from claim
  union all select 'Claim', id, 'prescription', prescription_type, prescription_id, prescription_display, prescription_reference from claim
  union all select 'Claim', id, 'payee.party', payee_party_type, payee_party_id, payee_party_display, payee_party_reference from claim
  union all select 'Claim', id, 'referral', 'ServiceRequest', referral_id, referral_display, referral_reference from claim
  union all select 'Claim', id, 'facility', 'Location', facility_id, facility_display, facility_reference from claim
  union all select 'Claim', claim_id, 'related.claim', 'Claim', related_claim_id, related_claim_display, related_claim_reference from claim_related
  union all select 'Claim', claim_id, 'careTeam.provider', provider_type, provider_id, provider_display, provider_reference from claim_care_team
  union all select 'Claim', claim_id, 'supportingInfo.value', value_reference_type, value_reference_id, value_reference_display, value_reference_reference from claim_supporting_info
  union all select 'Claim', claim_id, 'diagnosis.diagnosis', 'Condition', diagnosis_id, null, diagnosis_reference from claim_diagnosis
  union all select 'Claim', claim_id, 'procedure.procedure', 'Procedure', procedure_id, null, procedure_reference from claim_procedure
  union all select 'Claim', claim_id, 'insurance.coverage', 'Coverage', coverage_id, coverage_display, coverage_reference from claim_insurance
  union all select 'Claim', claim_id, 'insurance.claimResponse', 'ClaimResponse', claim_response_id, claim_response_display, claim_response_reference from claim_insurance
  union all select 'Claim', claim_id, 'item.location', 'Location', location_id, location_display, location_reference from claim_item
  union all select 'Claim', claim_id, 'item.encounter', 'Encounter', encounter_id, null, encounter_reference from claim_item
  union all select 'ClaimResponse', id, 'patient', 'Patient', patient_id, null, patient_reference from claim_response
  union all select 'ClaimResponse', id, 'insurer', 'Organization', insurer_id, insurer_display, insurer_reference from claim_response
  union all select 'ClaimResponse', id, 'requestor', requestor_type, requestor_id, requestor_display, requestor_reference from claim_response
  union all select 'ClaimResponse', id, 'request', 'Claim', request_id, request_display, request_reference from claim_response
  union all select 'ClaimResponse', claim_response_id, 'addItem.location', 'Location', location_id, location_display, location_reference from claim_response_add_item
  union all select 'ClaimResponse', claim_response_id, 'insurance.coverage', 'Coverage', coverage_id, coverage_display, coverage_reference from claim_response_insurance
  union all select 'ClaimResponse', claim_response_id, 'insurance.claimResponse', 'ClaimResponse', other_claim_response_id, other_claim_response_display, other_claim_response_reference from claim_response_insurance
  union all select 'ExplanationOfBenefit', id, 'patient', 'Patient', patient_id, null, patient_reference from explanation_of_benefit
  union all select 'ExplanationOfBenefit', id, 'insurer', 'Organization', insurer_id, insurer_display, insurer_reference from explanation_of_benefit
  union all select 'ExplanationOfBenefit', id, 'provider', provider_type, provider_id, provider_display, provider_reference from explanation_of_benefit
  union all select 'ExplanationOfBenefit', id, 'prescription', prescription_type, prescription_id, prescription_display, prescription_reference from explanation_of_benefit
  union all select 'ExplanationOfBenefit', id, 'payee.party', payee_party_type, payee_party_id, payee_party_display, payee_party_reference from explanation_of_benefit
  union all select 'ExplanationOfBenefit', id, 'referral', 'ServiceRequest', referral_id, null, null from explanation_of_benefit
  union all select 'ExplanationOfBenefit', id, 'facility', 'Location', facility_id, facility_display, facility_reference from explanation_of_benefit
  union all select 'ExplanationOfBenefit', id, 'claim', 'Claim', claim_id, claim_display, claim_reference from explanation_of_benefit
  union all select 'ExplanationOfBenefit', id, 'claimResponse', 'ClaimResponse', claim_response_id, null, null from explanation_of_benefit
  union all select 'ExplanationOfBenefit', explanation_of_benefit_id, 'related.claim', 'Claim', related_claim_id, related_claim_display, related_claim_reference from explanation_of_benefit_related
  union all select 'ExplanationOfBenefit', explanation_of_benefit_id, 'careTeam.provider', provider_type, provider_id, provider_display, provider_reference from explanation_of_benefit_care_team
  union all select 'ExplanationOfBenefit', explanation_of_benefit_id, 'supportingInfo.value', value_reference_type, value_reference_id, value_reference_display, value_reference_reference from explanation_of_benefit_supporting_info
  union all select 'ExplanationOfBenefit', explanation_of_benefit_id, 'diagnosis.diagnosis', 'Condition', diagnosis_id, null, diagnosis_reference from explanation_of_benefit_diagnosis
  union all select 'ExplanationOfBenefit', explanation_of_benefit_id, 'procedure.procedure', 'Procedure', procedure_id, null, procedure_reference from explanation_of_benefit_procedure
  union all select 'ExplanationOfBenefit', explanation_of_benefit_id, 'insurance.coverage', 'Coverage', coverage_id, coverage_display, coverage_reference from explanation_of_benefit_insurance
  union all select 'ExplanationOfBenefit', explanation_of_benefit_id, 'item.location', 'Location', location_id, location_display, location_reference from explanation_of_benefit_item
  union all select 'ExplanationOfBenefit', explanation_of_benefit_id, 'item.encounter', 'Encounter', encounter_id, null, encounter_reference from explanation_of_benefit_item
  union all select 'ExplanationOfBenefit', explanation_of_benefit_id, 'addItem.location', 'Location', location_id, location_display, location_reference from explanation_of_benefit_add_item
  union all select 'Provenance', id, 'location', 'Location', location_id, location_display, location_reference from provenance
  union all select 'Provenance', provenance_id, 'target', target_type, target_id, display, reference from provenance_target
  union all select 'Provenance', provenance_id, 'agent.who', who_type, who_id, who_display, who_reference from provenance_agent
  union all select 'Provenance', provenance_id, 'agent.onBehalfOf', on_behalf_of_type, on_behalf_of_id, on_behalf_of_display, on_behalf_of_reference from provenance_agent
  union all select 'Provenance', provenance_id, 'entity.what', what_type, what_id, what_display, what_reference from provenance_entity
  union all select resource_type, resource_id, element, target_type, target_id, display, reference from resource_reference
  union all select resource_type, resource_id, 'note.author', author_type, author_id, author_display, null from resource_note
  union all select resource_type, id, 'patient', 'Patient', patient_id, null, null from other_resource
  union all select resource_type, id, 'encounter', 'Encounter', encounter_id, null, null from other_resource
) r
 where target_id is not null or reference is not null;
comment on view analytics.reference is 'What refers to what? One row a reference of any kind of record to another, over all tables; of those without a table, and of notes, the key alone is known';
comment on column analytics.reference.resource_type is 'type of the record that refers';
comment on column analytics.reference.resource_id is 'its key';
comment on column analytics.reference.element is 'the element that refers';
comment on column analytics.reference.target_type is 'type of what is referred to';
comment on column analytics.reference.target_id is 'its key; null if the reference is not resolved';
comment on column analytics.reference.display is 'what the reference calls it';
comment on column analytics.reference.reference is 'the reference as written, where the key does not say it all';

create view analytics.missing_resource as
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
                 where placeholder.content_hash is null) r
         group by target_id) r
  join etl.resource m on m.id = r.target_id
  join etl.source s on s.id = m.source_id
  left join (select distinct f.source_id, j.resource_type, j.fhir_id
               from etl.rejected_record j join etl.load_file f on f.id = j.file_id
              where j.retried_at is null) j
    on j.source_id = m.source_id and j.resource_type = m.resource_type and j.fhir_id = m.fhir_id;
comment on view analytics.missing_resource is 'What is referred to, and is not here? One row a resource that some record names and that was never delivered, was rejected, or was deleted since';
comment on column analytics.missing_resource.resource_type is 'FHIR type of what is missing';
comment on column analytics.missing_resource.fhir_id is 'its FHIR id';
comment on column analytics.missing_resource.resource_id is 'the key that it has already, and that the columns of key hold';
comment on column analytics.missing_resource.source is 'who refers to it: the folder of the inbox';
comment on column analytics.missing_resource.state is 'never delivered | rejected | deleted';
comment on column analytics.missing_resource.referred_to_by is 'the elements that refer to it, in alphabetical order';
comment on column analytics.missing_resource.use_count is 'how many references there are to it';

create view analytics.unresolved_reference as
select resource_type || '.' || element as element, target_type, reference, min(display) as display, count(*) as use_count,
       min(resource_id) as example_id
  from analytics.reference
 where target_id is null and reference is not null and left(reference, 1) <> '#'
 group by 1, 2, 3;
comment on view analytics.unresolved_reference is 'Which references lead nowhere? One row an element and reference whose target is not known: by a number that nobody, or more than one, bears, or by an address of somewhere else. References to what is contained in the record itself are left out';
comment on column analytics.unresolved_reference.element is 'the element that refers, with its resource type';
comment on column analytics.unresolved_reference.target_type is 'type of what is meant, where it is known';
comment on column analytics.unresolved_reference.reference is 'the reference as written';
comment on column analytics.unresolved_reference.display is 'what it is called, in one of the records';
comment on column analytics.unresolved_reference.use_count is 'how many references there are';
comment on column analytics.unresolved_reference.example_id is 'key of one of the records that refer';
-- The role may have come after the schema's default privileges, or another
-- account may run this migration than ran the earlier ones.
do $migration$
begin
  if exists (select from pg_roles where rolname = 'analyst') then
    grant select on all tables in schema analytics to analyst;
  end if;
end $migration$;
