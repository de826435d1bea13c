-- One rule for every choice of one from several: what is in use comes before what is old,
-- has ended or has not begun; then what the view's comment prefers; then the order of the
-- document. What is in use is said in one place. The views are replaced in place, with the
-- columns that they have.

create function analytics.is_in_use(item_use text, period_start timestamptz, period_end timestamptz) returns boolean
language sql stable parallel safe as $function$
  select item_use is distinct from 'old' and coalesce(period_start <= now(), true) and coalesce(period_end >= now(), true)
$function$;
comment on function analytics.is_in_use(text, timestamptz, timestamptz) is 'whether a name, address, phone number or identifier is in use: not marked old, begun, and not ended, such as is_in_use("use", period_start, period_end)';

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
          not analytics.is_in_use("use", period_start, period_end),
          array_position(array['usual', 'official', 'temp', 'nickname', 'anonymous', 'maiden', 'old'], "use") nulls last,
          period_start desc nulls last, ordinal) c
  left join patient p on p.id = c.patient_id
  left join etl.source s on s.id = p.source_id;

create or replace view analytics.home_address as
select c.patient_id, c."use", c.type, c.street, c.city, c.district, c.state, c.postal_code, c.country, c.latitude, c.longitude, c.period_start, c.period_end, s.code as source,
       analytics.local_date(c.period_start_text) as period_start_date, analytics.local_date(c.period_end_text) as period_end_date
  from (
select distinct on (patient_id)
       patient_id, "use", type,
       nullif(array_to_string(line, ', '), '') as street,
       city, district, state, postal_code, country, latitude, longitude, period_start, period_end, period_start_text, period_end_text
  from patient_address
 where analytics.is_in_use("use", period_start, period_end)
 order by patient_id,
          array_position(array['home', 'temp', 'work', 'billing'], "use") nulls last,
          type is not distinct from 'postal',
          period_start desc nulls last, ordinal) c
  left join patient p on p.id = c.patient_id
  left join etl.source s on s.id = p.source_id;

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
         where t.patient_id = p.id and t.system = 'phone' and analytics.is_in_use(t."use", t.period_start, t.period_end)
         order by t.rank nulls last, t.ordinal limit 1) as phone,
       (select t.value from patient_telecom t
         where t.patient_id = p.id and t.system = 'email' and analytics.is_in_use(t."use", t.period_start, t.period_end)
         order by t.rank nulls last, t.ordinal limit 1) as email,
       (select i.value from patient_identifier i
         where i.patient_id = p.id and i.type_code = 'MR'
         order by not analytics.is_in_use(i."use", i.period_start, i.period_end), i.ordinal limit 1) as medical_record_number,
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
comment on column analytics.patient_summary.phone is 'phone number in use: by rank, then the first in the document';
comment on column analytics.patient_summary.email is 'e-mail address in use: by rank, then the first in the document';
comment on column analytics.patient_summary.medical_record_number is 'identifier of type MR: one in use before one that is not, then the first in the document';
comment on column public.practitioner.npi is 'identifier.where(system = ''http://hl7.org/fhir/sid/us-npi'').inUse().value: national provider identifier, the one in use';
comment on column public.organization.npi is 'identifier.where(system = ''http://hl7.org/fhir/sid/us-npi'').inUse().value: national provider identifier, the one in use';
