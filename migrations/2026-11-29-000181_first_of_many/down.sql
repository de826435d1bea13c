-- The views as they were.
create or replace view analytics.current_name as
SELECT c.patient_id,
    c.use,
    c.prefix,
    c.first_name,
    c.middle_name,
    c.last_name,
    c.suffix,
    c.full_name,
    s.code AS source
   FROM ((( SELECT DISTINCT ON (patient_name.patient_id) patient_name.patient_id,
            patient_name.use,
            NULLIF(array_to_string(patient_name.prefix, ' '::text), ''::text) AS prefix,
            patient_name.given[1] AS first_name,
            NULLIF(array_to_string(patient_name.given[2:], ' '::text), ''::text) AS middle_name,
            patient_name.family AS last_name,
            NULLIF(array_to_string(patient_name.suffix, ' '::text), ''::text) AS suffix,
            COALESCE(patient_name.text, NULLIF(concat_ws(' '::text, NULLIF(array_to_string(patient_name.prefix, ' '::text), ''::text), NULLIF(array_to_string(patient_name.given, ' '::text), ''::text), patient_name.family, NULLIF(array_to_string(patient_name.suffix, ' '::text), ''::text)), ''::text)) AS full_name
           FROM patient_name
          ORDER BY patient_name.patient_id, ((NOT (patient_name.use IS DISTINCT FROM 'old'::text)) OR COALESCE((patient_name.period_end < now()), false) OR COALESCE((patient_name.period_start > now()), false)), (array_position(ARRAY['usual'::text, 'official'::text, 'temp'::text, 'nickname'::text, 'anonymous'::text, 'maiden'::text, 'old'::text], patient_name.use)), patient_name.period_start DESC NULLS LAST, patient_name.ordinal) c
     LEFT JOIN patient p ON ((p.id = c.patient_id)))
     LEFT JOIN etl.source s ON ((s.id = p.source_id)));

create or replace view analytics.home_address as
SELECT c.patient_id,
    c.use,
    c.type,
    c.street,
    c.city,
    c.district,
    c.state,
    c.postal_code,
    c.country,
    c.latitude,
    c.longitude,
    c.period_start,
    c.period_end,
    s.code AS source,
    analytics.local_date(c.period_start_text) AS period_start_date,
    analytics.local_date(c.period_end_text) AS period_end_date
   FROM ((( SELECT DISTINCT ON (patient_address.patient_id) patient_address.patient_id,
            patient_address.use,
            patient_address.type,
            NULLIF(array_to_string(patient_address.line, ', '::text), ''::text) AS street,
            patient_address.city,
            patient_address.district,
            patient_address.state,
            patient_address.postal_code,
            patient_address.country,
            patient_address.latitude,
            patient_address.longitude,
            patient_address.period_start,
            patient_address.period_end,
            patient_address.period_start_text,
            patient_address.period_end_text
           FROM patient_address
          WHERE ((patient_address.use IS DISTINCT FROM 'old'::text) AND COALESCE((patient_address.period_end >= now()), true) AND COALESCE((patient_address.period_start <= now()), true))
          ORDER BY patient_address.patient_id, (array_position(ARRAY['home'::text, 'temp'::text, 'work'::text, 'billing'::text], patient_address.use)), (NOT (patient_address.type IS DISTINCT FROM 'postal'::text)), patient_address.period_start DESC NULLS LAST, patient_address.ordinal) c
     LEFT JOIN patient p ON ((p.id = c.patient_id)))
     LEFT JOIN etl.source s ON ((s.id = p.source_id)));

create or replace view analytics.patient_summary as
SELECT p.id AS patient_id,
    p.fhir_id,
    s.code AS source,
    n.full_name,
    n.first_name,
    n.middle_name,
    n.last_name,
    p.gender,
    p.birth_date,
    analytics.local_date(p.deceased_date_time_text) AS death_date,
    COALESCE(p.deceased_boolean, (p.deceased_date_time IS NOT NULL)) AS is_deceased,
    (EXTRACT(year FROM age((COALESCE(analytics.local_date(p.deceased_date_time_text), CURRENT_DATE))::timestamp with time zone, (p.birth_date)::timestamp with time zone)))::integer AS age,
    COALESCE(p.race_display, p.race_text) AS race,
    COALESCE(p.ethnicity_display, p.ethnicity_text) AS ethnicity,
    COALESCE(p.marital_status_display, p.marital_status_code) AS marital_status,
    ( SELECT COALESCE(l_1.language_display, l_1.language_code) AS "coalesce"
           FROM patient_communication l_1
          WHERE (l_1.patient_id = p.id)
          ORDER BY l_1.preferred DESC NULLS LAST, l_1.ordinal
         LIMIT 1) AS language,
    a.street,
    a.city,
    a.state,
    a.postal_code,
    a.country,
    ( SELECT t.value
           FROM patient_telecom t
          WHERE ((t.patient_id = p.id) AND (t.system = 'phone'::text) AND (t.use IS DISTINCT FROM 'old'::text) AND COALESCE((t.period_end >= now()), true))
          ORDER BY t.rank, t.ordinal
         LIMIT 1) AS phone,
    ( SELECT t.value
           FROM patient_telecom t
          WHERE ((t.patient_id = p.id) AND (t.system = 'email'::text) AND (t.use IS DISTINCT FROM 'old'::text) AND COALESCE((t.period_end >= now()), true))
          ORDER BY t.rank, t.ordinal
         LIMIT 1) AS email,
    ( SELECT i.value
           FROM patient_identifier i
          WHERE ((i.patient_id = p.id) AND (i.type_code = 'MR'::text))
          ORDER BY (NOT (i.use IS DISTINCT FROM 'old'::text)), i.ordinal
         LIMIT 1) AS medical_record_number,
    COALESCE(r.encounter_count, (0)::bigint) AS encounter_count,
    r.first_encounter,
    r.last_encounter,
    COALESCE(r.active_condition_count, (0)::bigint) AS active_condition_count,
    COALESCE(r.claim_count, (0)::bigint) AS claim_count,
    r.first_encounter_date,
    r.last_encounter_date,
    l.replaced_by,
    COALESCE(l.person_id, p.id) AS person_id,
    p.loaded_at
   FROM (((((patient p
     JOIN etl.source s ON ((s.id = p.source_id)))
     LEFT JOIN analytics.current_name n ON ((n.patient_id = p.id)))
     LEFT JOIN analytics.home_address a ON ((a.patient_id = p.id)))
     LEFT JOIN ( SELECT record.patient_id,
            min(record.began) AS first_encounter,
            max(record.began) AS last_encounter,
            analytics.local_date(min(record.began_text)) AS first_encounter_date,
            analytics.local_date(max(record.began_text)) AS last_encounter_date,
            sum(record.encounters) AS encounter_count,
            sum(record.conditions) AS active_condition_count,
            sum(record.claims) AS claim_count
           FROM ( SELECT encounter.patient_id,
                    encounter.period_start AS began,
                    encounter.period_start_text AS began_text,
                    1 AS encounters,
                    0 AS conditions,
                    0 AS claims
                   FROM encounter
                  WHERE (encounter.container_id IS NULL)
                UNION ALL
                 SELECT condition.patient_id,
                    NULL::timestamp with time zone,
                    NULL::text,
                    0,
                    1,
                    0
                   FROM condition
                  WHERE ((condition.container_id IS NULL) AND (condition.clinical_status = ANY (ARRAY['active'::text, 'recurrence'::text, 'relapse'::text])) AND (COALESCE(condition.verification_status, ''::text) <> ALL (ARRAY['refuted'::text, 'entered-in-error'::text])))
                UNION ALL
                 SELECT claim.patient_id,
                    NULL::timestamp with time zone,
                    NULL::text,
                    0,
                    0,
                    1
                   FROM claim
                  WHERE (claim.container_id IS NULL)) record
          GROUP BY record.patient_id) r ON ((r.patient_id = p.id)))
     LEFT JOIN analytics.linked_patient l ON ((l.patient_id = p.id)))
  WHERE (p.container_id IS NULL);

comment on column analytics.patient_summary.phone is 'first phone number by rank that is not old';
comment on column analytics.patient_summary.email is 'first e-mail address by rank that is not old';
comment on column analytics.patient_summary.medical_record_number is 'first identifier of type MR';
comment on column public.practitioner.npi is 'identifier.where(system = ''http://hl7.org/fhir/sid/us-npi'').value: national provider identifier';
comment on column public.organization.npi is 'identifier.where(system = ''http://hl7.org/fhir/sid/us-npi'').value: national provider identifier';
drop function analytics.is_in_use(text, timestamptz, timestamptz);
