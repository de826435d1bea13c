-- The views as they were: without the columns that were added.
drop view analytics.unresolved_reference;
drop view analytics.missing_resource;
drop view analytics.reference;
drop view analytics.patient_timeline;
drop view analytics.code_name;
drop view analytics.clinical_code;
drop view analytics.medication_list;
drop view analytics.lab_trend;
drop view analytics.observation_value;
drop view analytics.member_months;
drop view analytics.readmission_30_day;
drop view analytics.encounter_with_diagnoses;
drop view analytics.patient_summary;
drop view analytics.linked_patient;
drop view analytics.home_address;
drop view analytics.current_name;

create view analytics.current_name as
SELECT DISTINCT ON (patient_name.patient_id) patient_name.patient_id,
    patient_name.use,
    NULLIF(array_to_string(patient_name.prefix, ' '::text), ''::text) AS prefix,
    patient_name.given[1] AS first_name,
    NULLIF(array_to_string(patient_name.given[2:], ' '::text), ''::text) AS middle_name,
    patient_name.family AS last_name,
    NULLIF(array_to_string(patient_name.suffix, ' '::text), ''::text) AS suffix,
    COALESCE(patient_name.text, NULLIF(concat_ws(' '::text, NULLIF(array_to_string(patient_name.prefix, ' '::text), ''::text), NULLIF(array_to_string(patient_name.given, ' '::text), ''::text), patient_name.family, NULLIF(array_to_string(patient_name.suffix, ' '::text), ''::text)), ''::text)) AS full_name
   FROM patient_name
  ORDER BY patient_name.patient_id, ((NOT (patient_name.use IS DISTINCT FROM 'old'::text)) OR COALESCE((patient_name.period_end < now()), false) OR COALESCE((patient_name.period_start > now()), false)), (array_position(ARRAY['usual'::text, 'official'::text, 'temp'::text, 'nickname'::text, 'anonymous'::text, 'maiden'::text, 'old'::text], patient_name.use)), patient_name.period_start DESC NULLS LAST, patient_name.ordinal;
comment on view analytics.current_name is 'What is this person called now? One row a patient who has a name: names in use before names that ended, then usual, official, temp, nickname, the one that began last, document order';
comment on column analytics.current_name.patient_id is 'key of the patient';
comment on column analytics.current_name.use is 'use of the name that was chosen: usual, official, maiden …';
comment on column analytics.current_name.prefix is 'titles, such as Dr.';
comment on column analytics.current_name.first_name is 'first given name';
comment on column analytics.current_name.middle_name is 'the other given names';
comment on column analytics.current_name.last_name is 'family name';
comment on column analytics.current_name.suffix is 'what stands behind the name, such as Jr.';
comment on column analytics.current_name.full_name is 'the whole name as written, else put together from its parts';

create view analytics.home_address as
SELECT DISTINCT ON (patient_address.patient_id) patient_address.patient_id,
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
    patient_address.period_end
   FROM patient_address
  WHERE ((patient_address.use IS DISTINCT FROM 'old'::text) AND COALESCE((patient_address.period_end >= now()), true) AND COALESCE((patient_address.period_start <= now()), true))
  ORDER BY patient_address.patient_id, (array_position(ARRAY['home'::text, 'temp'::text, 'work'::text, 'billing'::text], patient_address.use)), (NOT (patient_address.type IS DISTINCT FROM 'postal'::text)), patient_address.period_start DESC NULLS LAST, patient_address.ordinal;
comment on view analytics.home_address is 'Where does this person live now? One row a patient who has an address that is not old and has not ended: home, then temp, work, billing; physical before postal; the one that began last, document order';
comment on column analytics.home_address.patient_id is 'key of the patient';
comment on column analytics.home_address.use is 'use of the address that was chosen: home, temp, work, billing';
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
SELECT p.id AS patient_id,
    p.fhir_id,
    s.code AS source,
    n.full_name,
    n.first_name,
    n.middle_name,
    n.last_name,
    p.gender,
    p.birth_date,
    to_date("left"(p.deceased_date_time_text, 10), 'YYYY-MM-DD'::text) AS death_date,
    COALESCE(p.deceased_boolean, (p.deceased_date_time IS NOT NULL)) AS is_deceased,
    (EXTRACT(year FROM age((COALESCE(to_date("left"(p.deceased_date_time_text, 10), 'YYYY-MM-DD'::text), CURRENT_DATE))::timestamp with time zone, (p.birth_date)::timestamp with time zone)))::integer AS age,
    COALESCE(p.race_display, p.race_text) AS race,
    COALESCE(p.ethnicity_display, p.ethnicity_text) AS ethnicity,
    COALESCE(p.marital_status_display, p.marital_status_code) AS marital_status,
    ( SELECT COALESCE(l.language_display, l.language_code) AS "coalesce"
           FROM patient_communication l
          WHERE (l.patient_id = p.id)
          ORDER BY l.preferred DESC NULLS LAST, l.ordinal
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
    COALESCE(r.claim_count, (0)::bigint) AS claim_count
   FROM ((((patient p
     JOIN etl.source s ON ((s.id = p.source_id)))
     LEFT JOIN analytics.current_name n ON ((n.patient_id = p.id)))
     LEFT JOIN analytics.home_address a ON ((a.patient_id = p.id)))
     LEFT JOIN ( SELECT record.patient_id,
            min(record.began) AS first_encounter,
            max(record.began) AS last_encounter,
            sum(record.encounters) AS encounter_count,
            sum(record.conditions) AS active_condition_count,
            sum(record.claims) AS claim_count
           FROM ( SELECT encounter.patient_id,
                    encounter.period_start AS began,
                    1 AS encounters,
                    0 AS conditions,
                    0 AS claims
                   FROM encounter
                  WHERE (encounter.container_id IS NULL)
                UNION ALL
                 SELECT condition.patient_id,
                    NULL::timestamp with time zone,
                    0,
                    1,
                    0
                   FROM condition
                  WHERE ((condition.container_id IS NULL) AND (condition.clinical_status = ANY (ARRAY['active'::text, 'recurrence'::text, 'relapse'::text])) AND (COALESCE(condition.verification_status, ''::text) <> ALL (ARRAY['refuted'::text, 'entered-in-error'::text])))
                UNION ALL
                 SELECT claim.patient_id,
                    NULL::timestamp with time zone,
                    0,
                    0,
                    1
                   FROM claim
                  WHERE (claim.container_id IS NULL)) record
          GROUP BY record.patient_id) r ON ((r.patient_id = p.id)))
  WHERE (p.container_id IS NULL);
comment on view analytics.patient_summary is 'Who are our patients? One row a person, with name, age, sex, race, home, ways to reach them, and how many encounters, active conditions and claims they have. Contained resources are left out';
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

create view analytics.encounter_with_diagnoses as
WITH diagnosis AS (
         SELECT e_1.id AS encounter_id,
            e_1.patient_id,
            d_1.condition_id,
            min(d_1.rank) AS rank
           FROM (encounter e_1
             LEFT JOIN ( SELECT encounter_diagnosis.encounter_id,
                    encounter_diagnosis.condition_id,
                    encounter_diagnosis.rank
                   FROM encounter_diagnosis
                UNION ALL
                 SELECT condition.encounter_id,
                    condition.id,
                    NULL::integer
                   FROM condition) d_1 ON ((d_1.encounter_id = e_1.id)))
          GROUP BY e_1.id, d_1.condition_id
        ), diagnosed AS (
         SELECT d_1.encounter_id,
            d_1.patient_id,
            count(c.id) AS diagnosis_count,
            array_agg(COALESCE(c.code, ''::text) ORDER BY d_1.rank, c.onset_start, c.id) FILTER (WHERE (c.id IS NOT NULL)) AS diagnosis_codes,
            array_agg(COALESCE(c.code_text, c.code_display, c.code, ''::text) ORDER BY d_1.rank, c.onset_start, c.id) FILTER (WHERE (c.id IS NOT NULL)) AS diagnoses
           FROM (diagnosis d_1
             LEFT JOIN condition c ON (((c.id = d_1.condition_id) AND (COALESCE(c.verification_status, ''::text) <> ALL (ARRAY['refuted'::text, 'entered-in-error'::text])))))
          GROUP BY d_1.encounter_id, d_1.patient_id
        )
 SELECT d.encounter_id,
    e.fhir_id,
    d.patient_id,
    e.status,
    e.class_code,
    COALESCE(e.type_text, e.type_display, e.type_code) AS type,
    to_date("left"(e.period_start_text, 10), 'YYYY-MM-DD'::text) AS encounter_date,
    e.period_start,
    e.period_end,
    (round((EXTRACT(epoch FROM (e.period_end - e.period_start)) / (60)::numeric)))::integer AS length_minutes,
    COALESCE(o.name, e.service_provider_display) AS facility,
    COALESCE(p.name_text, NULLIF(concat_ws(' '::text, array_to_string(p.name_prefix, ' '::text), array_to_string(p.name_given, ' '::text), p.name_family), ''::text), x.individual_display) AS practitioner,
    COALESCE(e.reason_code_text, e.reason_code_display, e.reason_code) AS reason,
    d.diagnosis_codes,
    d.diagnoses,
    d.diagnosis_count
   FROM ((((diagnosed d
     JOIN encounter e ON ((e.id = d.encounter_id)))
     LEFT JOIN organization o ON ((o.id = e.service_provider_id)))
     LEFT JOIN LATERAL ( SELECT x_1.individual_display,
            x_1.practitioner_id
           FROM encounter_participant x_1
          WHERE (x_1.encounter_id = d.encounter_id)
          ORDER BY (x_1.type_code = ANY (ARRAY['PPRF'::text, 'ATND'::text])) DESC NULLS LAST, x_1.ordinal
         LIMIT 1) x ON (true))
     LEFT JOIN practitioner p ON ((p.id = x.practitioner_id)));
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
WITH inpatient AS (
         SELECT e.id,
            e.patient_id,
            e.period_start,
            e.service_provider_id,
            e.service_provider_display,
            e.class_code,
            e.priority_code,
            e.discharge_disposition_code,
            (e.period_end IS NOT NULL) AS has_end,
            to_date("left"(e.period_start_text, 10), 'YYYY-MM-DD'::text) AS first_day,
            to_date("left"(COALESCE(e.period_end_text, e.period_start_text), 10), 'YYYY-MM-DD'::text) AS last_day
           FROM encounter e
          WHERE ((e.patient_id IS NOT NULL) AND (e.period_start IS NOT NULL) AND (e.container_id IS NULL) AND (e.class_code = ANY (ARRAY['IMP'::text, 'ACUTE'::text, 'NONAC'::text, 'inpatient'::text])) AND (COALESCE(e.status, ''::text) <> ALL (ARRAY['planned'::text, 'cancelled'::text, 'entered-in-error'::text])))
        ), followed AS (
         SELECT i.id,
            i.patient_id,
            i.period_start,
            i.service_provider_id,
            i.service_provider_display,
            i.class_code,
            i.priority_code,
            i.discharge_disposition_code,
            i.has_end,
            i.first_day,
            i.last_day,
            max(i.last_day) OVER (PARTITION BY i.patient_id ORDER BY i.period_start, i.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS stayed_until,
            lag(i.service_provider_id) OVER (PARTITION BY i.patient_id ORDER BY i.period_start, i.id) AS left_provider_id
           FROM inpatient i
        ), numbered AS (
         SELECT f.id,
            f.patient_id,
            f.period_start,
            f.service_provider_id,
            f.service_provider_display,
            f.class_code,
            f.priority_code,
            f.discharge_disposition_code,
            f.has_end,
            f.first_day,
            f.last_day,
            f.stayed_until,
            f.left_provider_id,
            count(*) FILTER (WHERE ((f.stayed_until IS NULL) OR (f.first_day > (f.stayed_until + (((f.service_provider_id IS DISTINCT FROM f.left_provider_id) AND (f.service_provider_id IS NOT NULL) AND (f.left_provider_id IS NOT NULL)))::integer)))) OVER (PARTITION BY f.patient_id ORDER BY f.period_start, f.id) AS stay_number
           FROM followed f
        ), stay AS (
         SELECT n.patient_id,
            n.stay_number,
            min(n.first_day) AS admission_date,
            max(n.last_day) AS discharge_date,
            count(*) AS encounter_count,
            bool_and(n.has_end) AS is_finished,
            array_agg(n.id ORDER BY n.period_start, n.id) AS encounter_ids,
            (array_agg(n.priority_code ORDER BY n.period_start, n.id))[1] AS priority_code,
            (array_agg(n.service_provider_id ORDER BY n.period_start, n.id))[1] AS admitting_provider_id,
            (array_agg(n.service_provider_id ORDER BY n.last_day DESC, n.period_start DESC, n.id DESC))[1] AS discharging_provider_id,
            (array_agg(n.discharge_disposition_code ORDER BY n.last_day DESC, n.period_start DESC, n.id DESC))[1] AS discharge_disposition_code
           FROM numbered n
          GROUP BY n.patient_id, n.stay_number
        ), next_stay AS (
         SELECT s_1.patient_id,
            s_1.stay_number,
            s_1.admission_date,
            s_1.discharge_date,
            s_1.encounter_count,
            s_1.is_finished,
            s_1.encounter_ids,
            s_1.priority_code,
            s_1.admitting_provider_id,
            s_1.discharging_provider_id,
            s_1.discharge_disposition_code,
            lead(s_1.admission_date) OVER following AS next_admission_date,
            lead(s_1.encounter_ids[1]) OVER following AS next_encounter_id,
            lead(s_1.admitting_provider_id) OVER following AS next_provider_id,
            lead(s_1.priority_code) OVER following AS next_priority_code
           FROM stay s_1
          WINDOW following AS (PARTITION BY s_1.patient_id ORDER BY s_1.stay_number)
        )
 SELECT s.patient_id,
    p.fhir_id AS patient_fhir_id,
    s.encounter_ids[1] AS encounter_id,
    s.admission_date,
    s.discharge_date,
    (s.discharge_date - s.admission_date) AS length_days,
    s.encounter_count,
    o.name AS facility,
    s.discharge_disposition_code,
    COALESCE(((s.next_admission_date - s.discharge_date) <= 30), false) AS is_readmitted,
        CASE
            WHEN ((s.next_admission_date - s.discharge_date) <= 30) THEN s.next_encounter_id
            ELSE NULL::bigint
        END AS readmission_encounter_id,
        CASE
            WHEN ((s.next_admission_date - s.discharge_date) <= 30) THEN s.next_admission_date
            ELSE NULL::date
        END AS readmission_date,
        CASE
            WHEN ((s.next_admission_date - s.discharge_date) <= 30) THEN (s.next_admission_date - s.discharge_date)
            ELSE NULL::integer
        END AS days_until_readmission,
        CASE
            WHEN ((s.next_admission_date - s.discharge_date) <= 30) THEN (s.next_priority_code = 'EL'::text)
            ELSE NULL::boolean
        END AS is_planned,
        CASE
            WHEN ((s.next_admission_date - s.discharge_date) <= 30) THEN (s.next_provider_id = s.discharging_provider_id)
            ELSE NULL::boolean
        END AS is_same_facility
   FROM ((next_stay s
     LEFT JOIN patient p ON ((p.id = s.patient_id)))
     LEFT JOIN organization o ON ((o.id = s.discharging_provider_id)))
  WHERE (s.is_finished AND (COALESCE(s.discharge_disposition_code, ''::text) <> 'exp'::text) AND COALESCE((to_date("left"(p.deceased_date_time_text, 10), 'YYYY-MM-DD'::text) > s.discharge_date), true));
comment on view analytics.readmission_30_day is 'Which inpatient stays were followed by another within 30 days? One row a finished stay that the patient left alive, with or without readmission, so that the average of is_readmitted is the rate. Rule: encounters of class IMP, ACUTE or NONAC that overlap, that follow on the same day, or on the day after in another hospital (a transfer), are one stay; the days are those of the hospital''s clock. Contained encounters are left out';
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

create view analytics.member_months as
WITH covered AS (
         SELECT c_1.id,
            c_1.fhir_id,
            c_1.patient_id,
            c_1.container_id,
            c_1.status,
            c_1.type_code,
            c_1.plan_name,
            c_1.group_number,
            COALESCE(o.name, c_1.payor_display) AS payer_name,
            to_date("left"(c_1.period_start_text, 10), 'YYYY-MM-DD'::text) AS first_day,
                CASE length(c_1.period_end_text)
                    WHEN 4 THEN (((to_date(c_1.period_end_text, 'YYYY'::text) + '1 year'::interval))::date - 1)
                    WHEN 7 THEN (((to_date(c_1.period_end_text, 'YYYY-MM'::text) + '1 mon'::interval))::date - 1)
                    ELSE to_date("left"(c_1.period_end_text, 10), 'YYYY-MM-DD'::text)
                END AS last_day
           FROM (coverage c_1
             LEFT JOIN organization o ON ((o.id = c_1.payor_id)))
          WHERE ((c_1.period_start IS NOT NULL) AND ((c_1.status IS NULL) OR (c_1.status = 'active'::text) OR ((c_1.status = 'cancelled'::text) AND (c_1.period_end IS NOT NULL))))
        ), counted AS (
         SELECT c_1.id,
            c_1.fhir_id,
            c_1.patient_id,
            c_1.container_id,
            c_1.status,
            c_1.type_code,
            c_1.plan_name,
            c_1.group_number,
            c_1.payer_name,
            c_1.first_day,
            c_1.last_day,
            row_number() OVER (PARTITION BY c_1.patient_id, c_1.payer_name, c_1.plan_name, c_1.group_number, c_1.type_code, c_1.first_day, c_1.last_day ORDER BY (c_1.container_id IS NOT NULL), c_1.id) AS place
           FROM covered c_1
        )
 SELECT c.patient_id,
    p.fhir_id AS patient_fhir_id,
    c.id AS coverage_id,
    c.fhir_id,
    c.payer_name,
    c.plan_name,
    c.group_number,
    c.type_code,
    (m.month)::date AS month,
    ((LEAST(c.last_day, (((m.month + '1 mon'::interval))::date - 1)) - GREATEST(c.first_day, (m.month)::date)) + 1) AS covered_days,
    (((m.month + '1 mon'::interval))::date - (m.month)::date) AS month_days,
    c.container_id
   FROM ((counted c
     LEFT JOIN patient p ON ((p.id = c.patient_id)))
     CROSS JOIN LATERAL generate_series(date_trunc('month'::text, (c.first_day)::timestamp without time zone), (LEAST(COALESCE(c.last_day, CURRENT_DATE), CURRENT_DATE))::timestamp without time zone, '1 mon'::interval) m(month))
  WHERE (((c.last_day IS NULL) OR (c.last_day >= c.first_day)) AND ((c.container_id IS NULL) OR (c.place = 1)));
comment on view analytics.member_months is 'How many people did each payer cover in each month? One row a coverage and calendar month of which it covers a day, up to the current month; count distinct patient_id a month, or add up covered_days / month_days. Coverages without a start, drafts, those entered in error, and cancelled ones without an end are left out; of contained coverages that say the same one counts, and none beside one that is not contained';
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
comment on column analytics.member_months.container_id is 'key of the resource that contains the coverage; null for most. The patient may be contained in it, too: one person is then another patient in every container';

create view analytics.observation_value as
SELECT o.id AS observation_id,
    o.fhir_id,
    0 AS component_ordinal,
    o.patient_id,
    o.encounter_id,
    o.effective_start AS effective_time,
    to_date("left"(o.effective_start_text, 10), 'YYYY-MM-DD'::text) AS effective_date,
    o.status,
    o.category_code,
    o.code_system,
    o.code,
    COALESCE(o.code_text, o.code_display) AS name,
    COALESCE(o.value_quantity_value, (o.value_integer)::numeric) AS value_number,
    o.value_quantity_comparator AS comparator,
    COALESCE(o.value_quantity_unit, o.value_quantity_code) AS unit,
    COALESCE(o.value_codeable_concept_text, o.value_codeable_concept_display, o.value_codeable_concept_code, o.value_string, (o.value_boolean)::text, (o.value_time)::text, o.value_start_text, ((o.value_ratio_numerator_value || ':'::text) || o.value_ratio_denominator_value), ((o.value_range_low_value || ' - '::text) || o.value_range_high_value)) AS value_text,
    o.value_codeable_concept_code AS value_code,
    o.interpretation_code,
    o.reference_range_low_value AS normal_low,
    o.reference_range_high_value AS normal_high
   FROM observation o
  WHERE (o.value_type IS NOT NULL)
UNION ALL
 SELECT o.id AS observation_id,
    o.fhir_id,
    c.ordinal AS component_ordinal,
    o.patient_id,
    o.encounter_id,
    o.effective_start AS effective_time,
    to_date("left"(o.effective_start_text, 10), 'YYYY-MM-DD'::text) AS effective_date,
    o.status,
    o.category_code,
    c.code_system,
    c.code,
    COALESCE(c.code_text, c.code_display) AS name,
    COALESCE(c.value_quantity_value, (c.value_integer)::numeric) AS value_number,
    c.value_quantity_comparator AS comparator,
    COALESCE(c.value_quantity_unit, c.value_quantity_code) AS unit,
    COALESCE(c.value_codeable_concept_text, c.value_codeable_concept_display, c.value_codeable_concept_code, c.value_string, (c.value_boolean)::text, (c.value_time)::text, c.value_start_text, ((c.value_ratio_numerator_value || ':'::text) || c.value_ratio_denominator_value), ((c.value_range_low_value || ' - '::text) || c.value_range_high_value)) AS value_text,
    c.value_codeable_concept_code AS value_code,
    c.interpretation_code,
    c.reference_range_low_value AS normal_low,
    c.reference_range_high_value AS normal_high
   FROM (observation o
     JOIN observation_component c ON ((c.observation_id = o.id)))
  WHERE (c.value_type IS NOT NULL);
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
WITH numbered AS (
         SELECT v.patient_id,
            v.category_code,
            v.code_system,
            v.code,
            v.name,
            v.unit,
            v.value_number,
            v.comparator,
            v.effective_time,
            v.effective_date,
            v.observation_id,
            lead(v.value_number) OVER latest_first AS previous_value,
            lead(v.comparator) OVER latest_first AS previous_comparator,
            lead(v.effective_time) OVER latest_first AS previous_time,
            lead(v.effective_date) OVER latest_first AS previous_date,
            row_number() OVER latest_first AS place,
            count(*) OVER (PARTITION BY v.patient_id, v.code, v.code_system, v.unit) AS value_count
           FROM analytics.observation_value v
          WHERE ((v.value_number IS NOT NULL) AND (v.code IS NOT NULL) AND (v.effective_time IS NOT NULL) AND (v.patient_id IS NOT NULL) AND (COALESCE(v.status, ''::text) <> ALL (ARRAY['entered-in-error'::text, 'cancelled'::text])))
          WINDOW latest_first AS (PARTITION BY v.patient_id, v.code, v.code_system, v.unit ORDER BY v.effective_time DESC, v.fhir_id DESC, v.component_ordinal)
        )
 SELECT n.patient_id,
    p.fhir_id AS patient_fhir_id,
    n.category_code,
    n.code_system,
    n.code,
    n.name,
    n.unit,
    n.value_number AS latest_value,
    n.comparator AS latest_comparator,
    n.effective_time AS latest_time,
    n.effective_date AS latest_date,
    n.observation_id AS latest_observation_id,
    n.previous_value,
    n.previous_comparator,
    n.previous_time,
    n.previous_date,
        CASE
            WHEN ((n.comparator IS NULL) AND (n.previous_comparator IS NULL)) THEN (n.value_number - n.previous_value)
            ELSE NULL::numeric
        END AS change,
    (n.effective_date - n.previous_date) AS days_between,
    n.value_count
   FROM (numbered n
     LEFT JOIN patient p ON ((p.id = n.patient_id)))
  WHERE (n.place = 1);
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

create view analytics.medication_list as
SELECT m.id AS medication_request_id,
    m.fhir_id,
    m.patient_id,
    m.encounter_id,
    m.status,
    m.intent,
    COALESCE(m.medication_text, m.medication_display, k.code_text, k.code_display, m.medication_code, k.code) AS medication,
        CASE
            WHEN (m.medication_code IS NULL) THEN k.code_system
            ELSE m.medication_system
        END AS code_system,
    COALESCE(m.medication_code, k.code) AS code,
    m.authored_on,
    to_date("left"(m.authored_on_text, 10), 'YYYY-MM-DD'::text) AS authored_date,
    d.text AS dosage,
    COALESCE(d.dose_quantity_value, d.dose_range_low_value) AS dose,
    COALESCE(d.dose_quantity_unit, d.dose_quantity_code, d.dose_range_unit) AS dose_unit,
    d.timing_frequency AS times,
    d.timing_period AS per,
    d.timing_period_unit AS per_unit,
    COALESCE(d.as_needed_boolean, ((d.as_needed_codeable_concept_code IS NOT NULL) OR (d.as_needed_codeable_concept_display IS NOT NULL))) AS is_as_needed,
    COALESCE(d.dosage_count, (0)::bigint) AS dosage_count,
    COALESCE(m.requester_display, p.name_text, NULLIF(concat_ws(' '::text, array_to_string(p.name_prefix, ' '::text), array_to_string(p.name_given, ' '::text), p.name_family), ''::text)) AS prescriber,
    COALESCE(m.reason_code_text, m.reason_code_display) AS reason
   FROM (((medication_request m
     LEFT JOIN medication k ON ((k.id = m.medication_id)))
     LEFT JOIN practitioner p ON ((p.id = m.requester_id)))
     LEFT JOIN LATERAL ( SELECT d_1.medication_request_id,
            d_1.ordinal,
            d_1.patient_id,
            d_1.sequence,
            d_1.text,
            d_1.patient_instruction,
            d_1.timing_code,
            d_1.timing_code_display,
            d_1.timing_bounds_start,
            d_1.timing_bounds_start_text,
            d_1.timing_bounds_end,
            d_1.timing_bounds_end_text,
            d_1.timing_count,
            d_1.timing_frequency,
            d_1.timing_frequency_max,
            d_1.timing_period,
            d_1.timing_period_max,
            d_1.timing_period_unit,
            d_1.timing_when,
            d_1.as_needed_type,
            d_1.as_needed_boolean,
            d_1.as_needed_codeable_concept_code,
            d_1.as_needed_codeable_concept_display,
            d_1.site_code,
            d_1.site_display,
            d_1.route_code,
            d_1.route_display,
            d_1.method_code,
            d_1.method_display,
            d_1.type_code,
            d_1.type_display,
            d_1.dose_type,
            d_1.dose_range_low_value,
            d_1.dose_range_high_value,
            d_1.dose_range_unit,
            d_1.dose_quantity_value,
            d_1.dose_quantity_unit,
            d_1.dose_quantity_code,
            d_1.rate_type,
            d_1.rate_ratio_numerator_value,
            d_1.rate_ratio_numerator_unit,
            d_1.rate_ratio_denominator_value,
            d_1.rate_ratio_denominator_unit,
            d_1.rate_quantity_value,
            d_1.rate_quantity_unit,
            d_1.rate_quantity_code,
            d_1.max_dose_per_period_numerator_value,
            d_1.max_dose_per_period_numerator_unit,
            d_1.max_dose_per_period_denominator_value,
            d_1.max_dose_per_period_denominator_unit,
            d_1.additional_instruction_code,
            d_1.additional_instruction_display,
            d_1.extension,
            count(*) OVER () AS dosage_count
           FROM medication_request_dosage d_1
          WHERE (d_1.medication_request_id = m.id)
          ORDER BY d_1.ordinal
         LIMIT 1) d ON (true));
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
SELECT 'Encounter'::text AS resource_type,
    encounter.id AS resource_id,
    encounter.fhir_id,
    encounter.patient_id,
    'type'::text AS element,
    encounter.period_start AS event_time,
    encounter.type_system AS system,
    encounter.type_code AS code,
    COALESCE(encounter.type_display, encounter.type_text) AS display,
    true AS is_primary
   FROM encounter
  WHERE (encounter.type_code IS NOT NULL)
UNION ALL
 SELECT 'Condition'::text AS resource_type,
    condition.id AS resource_id,
    condition.fhir_id,
    condition.patient_id,
    'code'::text AS element,
    condition.onset_start AS event_time,
    condition.code_system AS system,
    condition.code,
    COALESCE(condition.code_display, condition.code_text) AS display,
    true AS is_primary
   FROM condition
  WHERE (condition.code IS NOT NULL)
UNION ALL
 SELECT 'AllergyIntolerance'::text AS resource_type,
    allergy_intolerance.id AS resource_id,
    allergy_intolerance.fhir_id,
    allergy_intolerance.patient_id,
    'code'::text AS element,
    allergy_intolerance.recorded_date AS event_time,
    allergy_intolerance.code_system AS system,
    allergy_intolerance.code,
    COALESCE(allergy_intolerance.code_display, allergy_intolerance.code_text) AS display,
    true AS is_primary
   FROM allergy_intolerance
  WHERE (allergy_intolerance.code IS NOT NULL)
UNION ALL
 SELECT 'Observation'::text AS resource_type,
    observation.id AS resource_id,
    observation.fhir_id,
    observation.patient_id,
    'code'::text AS element,
    observation.effective_start AS event_time,
    observation.code_system AS system,
    observation.code,
    COALESCE(observation.code_display, observation.code_text) AS display,
    true AS is_primary
   FROM observation
  WHERE (observation.code IS NOT NULL)
UNION ALL
 SELECT 'DiagnosticReport'::text AS resource_type,
    diagnostic_report.id AS resource_id,
    diagnostic_report.fhir_id,
    diagnostic_report.patient_id,
    'code'::text AS element,
    diagnostic_report.effective_start AS event_time,
    diagnostic_report.code_system AS system,
    diagnostic_report.code,
    COALESCE(diagnostic_report.code_display, diagnostic_report.code_text) AS display,
    true AS is_primary
   FROM diagnostic_report
  WHERE (diagnostic_report.code IS NOT NULL)
UNION ALL
 SELECT 'Procedure'::text AS resource_type,
    procedure.id AS resource_id,
    procedure.fhir_id,
    procedure.patient_id,
    'code'::text AS element,
    procedure.performed_start AS event_time,
    procedure.code_system AS system,
    procedure.code,
    COALESCE(procedure.code_display, procedure.code_text) AS display,
    true AS is_primary
   FROM procedure
  WHERE (procedure.code IS NOT NULL)
UNION ALL
 SELECT 'ServiceRequest'::text AS resource_type,
    service_request.id AS resource_id,
    service_request.fhir_id,
    service_request.patient_id,
    'code'::text AS element,
    service_request.authored_on AS event_time,
    service_request.code_system AS system,
    service_request.code,
    COALESCE(service_request.code_display, service_request.code_text) AS display,
    true AS is_primary
   FROM service_request
  WHERE (service_request.code IS NOT NULL)
UNION ALL
 SELECT 'Immunization'::text AS resource_type,
    immunization.id AS resource_id,
    immunization.fhir_id,
    immunization.patient_id,
    'vaccineCode'::text AS element,
    immunization.occurrence_date_time AS event_time,
    immunization.vaccine_code_system AS system,
    immunization.vaccine_code AS code,
    COALESCE(immunization.vaccine_code_display, immunization.vaccine_code_text) AS display,
    true AS is_primary
   FROM immunization
  WHERE (immunization.vaccine_code IS NOT NULL)
UNION ALL
 SELECT 'MedicationRequest'::text AS resource_type,
    medication_request.id AS resource_id,
    medication_request.fhir_id,
    medication_request.patient_id,
    'medication'::text AS element,
    medication_request.authored_on AS event_time,
    medication_request.medication_system AS system,
    medication_request.medication_code AS code,
    COALESCE(medication_request.medication_display, medication_request.medication_text) AS display,
    true AS is_primary
   FROM medication_request
  WHERE (medication_request.medication_code IS NOT NULL)
UNION ALL
 SELECT 'MedicationDispense'::text AS resource_type,
    medication_dispense.id AS resource_id,
    medication_dispense.fhir_id,
    medication_dispense.patient_id,
    'medication'::text AS element,
    medication_dispense.when_handed_over AS event_time,
    medication_dispense.medication_system AS system,
    medication_dispense.medication_code AS code,
    COALESCE(medication_dispense.medication_display, medication_dispense.medication_text) AS display,
    true AS is_primary
   FROM medication_dispense
  WHERE (medication_dispense.medication_code IS NOT NULL)
UNION ALL
 SELECT 'MedicationAdministration'::text AS resource_type,
    medication_administration.id AS resource_id,
    medication_administration.fhir_id,
    medication_administration.patient_id,
    'medication'::text AS element,
    medication_administration.effective_start AS event_time,
    medication_administration.medication_system AS system,
    medication_administration.medication_code AS code,
    COALESCE(medication_administration.medication_display, medication_administration.medication_text) AS display,
    true AS is_primary
   FROM medication_administration
  WHERE (medication_administration.medication_code IS NOT NULL)
UNION ALL
 SELECT 'MedicationStatement'::text AS resource_type,
    medication_statement.id AS resource_id,
    medication_statement.fhir_id,
    medication_statement.patient_id,
    'medication'::text AS element,
    medication_statement.effective_start AS event_time,
    medication_statement.medication_system AS system,
    medication_statement.medication_code AS code,
    COALESCE(medication_statement.medication_display, medication_statement.medication_text) AS display,
    true AS is_primary
   FROM medication_statement
  WHERE (medication_statement.medication_code IS NOT NULL)
UNION ALL
 SELECT 'Device'::text AS resource_type,
    device.id AS resource_id,
    device.fhir_id,
    device.patient_id,
    'type'::text AS element,
    NULL::timestamp with time zone AS event_time,
    device.type_system AS system,
    device.type_code AS code,
    COALESCE(device.type_display, device.type_text) AS display,
    true AS is_primary
   FROM device
  WHERE (device.type_code IS NOT NULL)
UNION ALL
 SELECT 'Observation'::text AS resource_type,
    o.id AS resource_id,
    o.fhir_id,
    o.patient_id,
    'component.code'::text AS element,
    o.effective_start AS event_time,
    c.code_system AS system,
    c.code,
    COALESCE(c.code_display, c.code_text) AS display,
    true AS is_primary
   FROM (observation o
     JOIN observation_component c ON ((c.observation_id = o.id)))
  WHERE (c.code IS NOT NULL)
UNION ALL
 SELECT 'MedicationRequest'::text AS resource_type,
    m.id AS resource_id,
    m.fhir_id,
    m.patient_id,
    'medication'::text AS element,
    m.authored_on AS event_time,
    k.code_system AS system,
    k.code,
    COALESCE(k.code_display, k.code_text) AS display,
    true AS is_primary
   FROM (medication_request m
     JOIN medication k ON ((k.id = m.medication_id)))
  WHERE (k.code IS NOT NULL)
UNION ALL
 SELECT 'MedicationDispense'::text AS resource_type,
    m.id AS resource_id,
    m.fhir_id,
    m.patient_id,
    'medication'::text AS element,
    m.when_handed_over AS event_time,
    k.code_system AS system,
    k.code,
    COALESCE(k.code_display, k.code_text) AS display,
    true AS is_primary
   FROM (medication_dispense m
     JOIN medication k ON ((k.id = m.medication_id)))
  WHERE (k.code IS NOT NULL)
UNION ALL
 SELECT 'MedicationAdministration'::text AS resource_type,
    m.id AS resource_id,
    m.fhir_id,
    m.patient_id,
    'medication'::text AS element,
    m.effective_start AS event_time,
    k.code_system AS system,
    k.code,
    COALESCE(k.code_display, k.code_text) AS display,
    true AS is_primary
   FROM (medication_administration m
     JOIN medication k ON ((k.id = m.medication_id)))
  WHERE (k.code IS NOT NULL)
UNION ALL
 SELECT 'MedicationStatement'::text AS resource_type,
    m.id AS resource_id,
    m.fhir_id,
    m.patient_id,
    'medication'::text AS element,
    m.effective_start AS event_time,
    k.code_system AS system,
    k.code,
    COALESCE(k.code_display, k.code_text) AS display,
    true AS is_primary
   FROM (medication_statement m
     JOIN medication k ON ((k.id = m.medication_id)))
  WHERE (k.code IS NOT NULL)
UNION ALL
 SELECT 'Encounter'::text AS resource_type,
    e.id AS resource_id,
    e.fhir_id,
    e.patient_id,
    'type'::text AS element,
    e.period_start AS event_time,
    k.system,
    k.code,
    COALESCE(k.display, k.text) AS display,
    true AS is_primary
   FROM (encounter e
     JOIN resource_concept k ON (((k.resource_type = 'Encounter'::text) AND (k.resource_id = e.id))))
  WHERE ((k.element = 'type'::text) AND (k.ordinal > 1) AND (k.code IS NOT NULL))
UNION ALL
 SELECT 'Encounter'::text AS resource_type,
    r.id AS resource_id,
    r.fhir_id,
    r.patient_id,
    'type'::text AS element,
    r.period_start AS event_time,
    k.system,
    k.code,
    k.display,
    false AS is_primary
   FROM (encounter r
     JOIN resource_coding k ON (((k.resource_type = 'Encounter'::text) AND (k.resource_id = r.id))))
  WHERE ((k.element = 'type'::text) AND (NOT k.is_primary) AND (k.code IS NOT NULL))
UNION ALL
 SELECT 'Condition'::text AS resource_type,
    r.id AS resource_id,
    r.fhir_id,
    r.patient_id,
    'code'::text AS element,
    r.onset_start AS event_time,
    k.system,
    k.code,
    k.display,
    false AS is_primary
   FROM (condition r
     JOIN resource_coding k ON (((k.resource_type = 'Condition'::text) AND (k.resource_id = r.id))))
  WHERE ((k.element = 'code'::text) AND (NOT k.is_primary) AND (k.code IS NOT NULL))
UNION ALL
 SELECT 'AllergyIntolerance'::text AS resource_type,
    r.id AS resource_id,
    r.fhir_id,
    r.patient_id,
    'code'::text AS element,
    r.recorded_date AS event_time,
    k.system,
    k.code,
    k.display,
    false AS is_primary
   FROM (allergy_intolerance r
     JOIN resource_coding k ON (((k.resource_type = 'AllergyIntolerance'::text) AND (k.resource_id = r.id))))
  WHERE ((k.element = 'code'::text) AND (NOT k.is_primary) AND (k.code IS NOT NULL))
UNION ALL
 SELECT 'Observation'::text AS resource_type,
    r.id AS resource_id,
    r.fhir_id,
    r.patient_id,
    'code'::text AS element,
    r.effective_start AS event_time,
    k.system,
    k.code,
    k.display,
    false AS is_primary
   FROM (observation r
     JOIN resource_coding k ON (((k.resource_type = 'Observation'::text) AND (k.resource_id = r.id))))
  WHERE ((k.element = 'code'::text) AND (NOT k.is_primary) AND (k.code IS NOT NULL))
UNION ALL
 SELECT 'DiagnosticReport'::text AS resource_type,
    r.id AS resource_id,
    r.fhir_id,
    r.patient_id,
    'code'::text AS element,
    r.effective_start AS event_time,
    k.system,
    k.code,
    k.display,
    false AS is_primary
   FROM (diagnostic_report r
     JOIN resource_coding k ON (((k.resource_type = 'DiagnosticReport'::text) AND (k.resource_id = r.id))))
  WHERE ((k.element = 'code'::text) AND (NOT k.is_primary) AND (k.code IS NOT NULL))
UNION ALL
 SELECT 'Procedure'::text AS resource_type,
    r.id AS resource_id,
    r.fhir_id,
    r.patient_id,
    'code'::text AS element,
    r.performed_start AS event_time,
    k.system,
    k.code,
    k.display,
    false AS is_primary
   FROM (procedure r
     JOIN resource_coding k ON (((k.resource_type = 'Procedure'::text) AND (k.resource_id = r.id))))
  WHERE ((k.element = 'code'::text) AND (NOT k.is_primary) AND (k.code IS NOT NULL))
UNION ALL
 SELECT 'ServiceRequest'::text AS resource_type,
    r.id AS resource_id,
    r.fhir_id,
    r.patient_id,
    'code'::text AS element,
    r.authored_on AS event_time,
    k.system,
    k.code,
    k.display,
    false AS is_primary
   FROM (service_request r
     JOIN resource_coding k ON (((k.resource_type = 'ServiceRequest'::text) AND (k.resource_id = r.id))))
  WHERE ((k.element = 'code'::text) AND (NOT k.is_primary) AND (k.code IS NOT NULL))
UNION ALL
 SELECT 'Immunization'::text AS resource_type,
    r.id AS resource_id,
    r.fhir_id,
    r.patient_id,
    'vaccineCode'::text AS element,
    r.occurrence_date_time AS event_time,
    k.system,
    k.code,
    k.display,
    false AS is_primary
   FROM (immunization r
     JOIN resource_coding k ON (((k.resource_type = 'Immunization'::text) AND (k.resource_id = r.id))))
  WHERE ((k.element = 'vaccineCode'::text) AND (NOT k.is_primary) AND (k.code IS NOT NULL))
UNION ALL
 SELECT 'MedicationRequest'::text AS resource_type,
    r.id AS resource_id,
    r.fhir_id,
    r.patient_id,
    'medication'::text AS element,
    r.authored_on AS event_time,
    k.system,
    k.code,
    k.display,
    false AS is_primary
   FROM (medication_request r
     JOIN resource_coding k ON (((k.resource_type = 'MedicationRequest'::text) AND (k.resource_id = r.id))))
  WHERE ((k.element = 'medicationCodeableConcept'::text) AND (NOT k.is_primary) AND (k.code IS NOT NULL))
UNION ALL
 SELECT 'MedicationDispense'::text AS resource_type,
    r.id AS resource_id,
    r.fhir_id,
    r.patient_id,
    'medication'::text AS element,
    r.when_handed_over AS event_time,
    k.system,
    k.code,
    k.display,
    false AS is_primary
   FROM (medication_dispense r
     JOIN resource_coding k ON (((k.resource_type = 'MedicationDispense'::text) AND (k.resource_id = r.id))))
  WHERE ((k.element = 'medicationCodeableConcept'::text) AND (NOT k.is_primary) AND (k.code IS NOT NULL))
UNION ALL
 SELECT 'MedicationAdministration'::text AS resource_type,
    r.id AS resource_id,
    r.fhir_id,
    r.patient_id,
    'medication'::text AS element,
    r.effective_start AS event_time,
    k.system,
    k.code,
    k.display,
    false AS is_primary
   FROM (medication_administration r
     JOIN resource_coding k ON (((k.resource_type = 'MedicationAdministration'::text) AND (k.resource_id = r.id))))
  WHERE ((k.element = 'medicationCodeableConcept'::text) AND (NOT k.is_primary) AND (k.code IS NOT NULL))
UNION ALL
 SELECT 'MedicationStatement'::text AS resource_type,
    r.id AS resource_id,
    r.fhir_id,
    r.patient_id,
    'medication'::text AS element,
    r.effective_start AS event_time,
    k.system,
    k.code,
    k.display,
    false AS is_primary
   FROM (medication_statement r
     JOIN resource_coding k ON (((k.resource_type = 'MedicationStatement'::text) AND (k.resource_id = r.id))))
  WHERE ((k.element = 'medicationCodeableConcept'::text) AND (NOT k.is_primary) AND (k.code IS NOT NULL))
UNION ALL
 SELECT 'Observation'::text AS resource_type,
    r.id AS resource_id,
    r.fhir_id,
    r.patient_id,
    'component.code'::text AS element,
    r.effective_start AS event_time,
    k.system,
    k.code,
    k.display,
    false AS is_primary
   FROM (observation r
     JOIN resource_coding k ON (((k.resource_type = 'Observation'::text) AND (k.resource_id = r.id))))
  WHERE ((k.element = 'component.code'::text) AND (NOT k.is_primary) AND (k.code IS NOT NULL));
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
SELECT encounter.patient_id,
    encounter.period_start AS event_time,
    to_date("left"(encounter.period_start_text, 10), 'YYYY-MM-DD'::text) AS event_date,
    'Encounter'::text AS event_type,
    encounter.id AS event_id,
    encounter.fhir_id,
    encounter.id AS encounter_id,
    COALESCE(encounter.type_text, encounter.type_display, encounter.class_display, encounter.class_code) AS description,
    encounter.status,
    NULL::numeric AS value,
    NULL::text AS unit
   FROM encounter
  WHERE ((encounter.container_id IS NULL) OR (encounter.period_start IS NOT NULL))
UNION ALL
 SELECT condition.patient_id,
    condition.onset_start AS event_time,
    to_date("left"(condition.onset_start_text, 10), 'YYYY-MM-DD'::text) AS event_date,
    'Condition'::text AS event_type,
    condition.id AS event_id,
    condition.fhir_id,
    condition.encounter_id,
    COALESCE(condition.code_text, condition.code_display, condition.code) AS description,
    condition.clinical_status AS status,
    NULL::numeric AS value,
    NULL::text AS unit
   FROM condition
  WHERE ((condition.container_id IS NULL) OR (condition.onset_start IS NOT NULL))
UNION ALL
 SELECT allergy_intolerance.patient_id,
    allergy_intolerance.recorded_date AS event_time,
    to_date("left"(allergy_intolerance.recorded_date_text, 10), 'YYYY-MM-DD'::text) AS event_date,
    'AllergyIntolerance'::text AS event_type,
    allergy_intolerance.id AS event_id,
    allergy_intolerance.fhir_id,
    allergy_intolerance.encounter_id,
    COALESCE(allergy_intolerance.code_text, allergy_intolerance.code_display, allergy_intolerance.code) AS description,
    allergy_intolerance.clinical_status AS status,
    NULL::numeric AS value,
    NULL::text AS unit
   FROM allergy_intolerance
  WHERE ((allergy_intolerance.container_id IS NULL) OR (allergy_intolerance.recorded_date IS NOT NULL))
UNION ALL
 SELECT observation.patient_id,
    observation.effective_start AS event_time,
    to_date("left"(observation.effective_start_text, 10), 'YYYY-MM-DD'::text) AS event_date,
    'Observation'::text AS event_type,
    observation.id AS event_id,
    observation.fhir_id,
    observation.encounter_id,
    COALESCE(observation.code_text, observation.code_display, observation.code) AS description,
    observation.status,
    observation.value_quantity_value AS value,
    COALESCE(observation.value_quantity_unit, observation.value_quantity_code) AS unit
   FROM observation
  WHERE ((observation.container_id IS NULL) OR (observation.effective_start IS NOT NULL))
UNION ALL
 SELECT diagnostic_report.patient_id,
    diagnostic_report.effective_start AS event_time,
    to_date("left"(diagnostic_report.effective_start_text, 10), 'YYYY-MM-DD'::text) AS event_date,
    'DiagnosticReport'::text AS event_type,
    diagnostic_report.id AS event_id,
    diagnostic_report.fhir_id,
    diagnostic_report.encounter_id,
    COALESCE(diagnostic_report.code_text, diagnostic_report.code_display, diagnostic_report.code) AS description,
    diagnostic_report.status,
    NULL::numeric AS value,
    NULL::text AS unit
   FROM diagnostic_report
  WHERE ((diagnostic_report.container_id IS NULL) OR (diagnostic_report.effective_start IS NOT NULL))
UNION ALL
 SELECT imaging_study.patient_id,
    imaging_study.started AS event_time,
    to_date("left"(imaging_study.started_text, 10), 'YYYY-MM-DD'::text) AS event_date,
    'ImagingStudy'::text AS event_type,
    imaging_study.id AS event_id,
    imaging_study.fhir_id,
    imaging_study.encounter_id,
    COALESCE(imaging_study.description, imaging_study.procedure_code_text, imaging_study.procedure_code_display, imaging_study.modality_display) AS description,
    imaging_study.status,
    NULL::numeric AS value,
    NULL::text AS unit
   FROM imaging_study
  WHERE ((imaging_study.container_id IS NULL) OR (imaging_study.started IS NOT NULL))
UNION ALL
 SELECT procedure.patient_id,
    procedure.performed_start AS event_time,
    to_date("left"(procedure.performed_start_text, 10), 'YYYY-MM-DD'::text) AS event_date,
    'Procedure'::text AS event_type,
    procedure.id AS event_id,
    procedure.fhir_id,
    procedure.encounter_id,
    COALESCE(procedure.code_text, procedure.code_display, procedure.code) AS description,
    procedure.status,
    NULL::numeric AS value,
    NULL::text AS unit
   FROM procedure
  WHERE ((procedure.container_id IS NULL) OR (procedure.performed_start IS NOT NULL))
UNION ALL
 SELECT service_request.patient_id,
    service_request.authored_on AS event_time,
    to_date("left"(service_request.authored_on_text, 10), 'YYYY-MM-DD'::text) AS event_date,
    'ServiceRequest'::text AS event_type,
    service_request.id AS event_id,
    service_request.fhir_id,
    service_request.encounter_id,
    COALESCE(service_request.code_text, service_request.code_display, service_request.code) AS description,
    service_request.status,
    NULL::numeric AS value,
    NULL::text AS unit
   FROM service_request
  WHERE ((service_request.container_id IS NULL) OR (service_request.authored_on IS NOT NULL))
UNION ALL
 SELECT medication_request.patient_id,
    medication_request.authored_on AS event_time,
    to_date("left"(medication_request.authored_on_text, 10), 'YYYY-MM-DD'::text) AS event_date,
    'MedicationRequest'::text AS event_type,
    medication_request.id AS event_id,
    medication_request.fhir_id,
    medication_request.encounter_id,
    COALESCE(medication_request.medication_text, medication_request.medication_display, medication_request.medication_code) AS description,
    medication_request.status,
    NULL::numeric AS value,
    NULL::text AS unit
   FROM medication_request
  WHERE ((medication_request.container_id IS NULL) OR (medication_request.authored_on IS NOT NULL))
UNION ALL
 SELECT medication_dispense.patient_id,
    medication_dispense.when_handed_over AS event_time,
    to_date("left"(medication_dispense.when_handed_over_text, 10), 'YYYY-MM-DD'::text) AS event_date,
    'MedicationDispense'::text AS event_type,
    medication_dispense.id AS event_id,
    medication_dispense.fhir_id,
    medication_dispense.encounter_id,
    COALESCE(medication_dispense.medication_text, medication_dispense.medication_display, medication_dispense.medication_code) AS description,
    medication_dispense.status,
    medication_dispense.quantity_value AS value,
    COALESCE(medication_dispense.quantity_unit, medication_dispense.quantity_code) AS unit
   FROM medication_dispense
  WHERE ((medication_dispense.container_id IS NULL) OR (medication_dispense.when_handed_over IS NOT NULL))
UNION ALL
 SELECT medication_administration.patient_id,
    medication_administration.effective_start AS event_time,
    to_date("left"(medication_administration.effective_start_text, 10), 'YYYY-MM-DD'::text) AS event_date,
    'MedicationAdministration'::text AS event_type,
    medication_administration.id AS event_id,
    medication_administration.fhir_id,
    medication_administration.encounter_id,
    COALESCE(medication_administration.medication_text, medication_administration.medication_display, medication_administration.medication_code) AS description,
    medication_administration.status,
    medication_administration.dosage_dose_value AS value,
    COALESCE(medication_administration.dosage_dose_unit, medication_administration.dosage_dose_code) AS unit
   FROM medication_administration
  WHERE ((medication_administration.container_id IS NULL) OR (medication_administration.effective_start IS NOT NULL))
UNION ALL
 SELECT immunization.patient_id,
    immunization.occurrence_date_time AS event_time,
    to_date("left"(immunization.occurrence_date_time_text, 10), 'YYYY-MM-DD'::text) AS event_date,
    'Immunization'::text AS event_type,
    immunization.id AS event_id,
    immunization.fhir_id,
    immunization.encounter_id,
    COALESCE(immunization.vaccine_code_text, immunization.vaccine_code_display, immunization.vaccine_code) AS description,
    immunization.status,
    NULL::numeric AS value,
    NULL::text AS unit
   FROM immunization
  WHERE ((immunization.container_id IS NULL) OR (immunization.occurrence_date_time IS NOT NULL))
UNION ALL
 SELECT care_plan.patient_id,
    care_plan.period_start AS event_time,
    to_date("left"(care_plan.period_start_text, 10), 'YYYY-MM-DD'::text) AS event_date,
    'CarePlan'::text AS event_type,
    care_plan.id AS event_id,
    care_plan.fhir_id,
    care_plan.encounter_id,
    COALESCE(care_plan.title, care_plan.category_display, care_plan.category_code) AS description,
    care_plan.status,
    NULL::numeric AS value,
    NULL::text AS unit
   FROM care_plan
  WHERE ((care_plan.container_id IS NULL) OR (care_plan.period_start IS NOT NULL))
UNION ALL
 SELECT document_reference.patient_id,
    document_reference.date AS event_time,
    to_date("left"(document_reference.date_text, 10), 'YYYY-MM-DD'::text) AS event_date,
    'DocumentReference'::text AS event_type,
    document_reference.id AS event_id,
    document_reference.fhir_id,
    document_reference.encounter_id,
    COALESCE(document_reference.type_text, document_reference.type_display, document_reference.type_code) AS description,
    document_reference.status,
    NULL::numeric AS value,
    NULL::text AS unit
   FROM document_reference
  WHERE ((document_reference.container_id IS NULL) OR (document_reference.date IS NOT NULL))
UNION ALL
 SELECT communication.patient_id,
    communication.sent AS event_time,
    to_date("left"(communication.sent_text, 10), 'YYYY-MM-DD'::text) AS event_date,
    'Communication'::text AS event_type,
    communication.id AS event_id,
    communication.fhir_id,
    communication.encounter_id,
    COALESCE(communication.topic_text, communication.topic_display, communication.category_display) AS description,
    communication.status,
    NULL::numeric AS value,
    NULL::text AS unit
   FROM communication
  WHERE ((communication.container_id IS NULL) OR (communication.sent IS NOT NULL))
UNION ALL
 SELECT appointment.patient_id,
    appointment.start_time AS event_time,
    to_date("left"(appointment.start_time_text, 10), 'YYYY-MM-DD'::text) AS event_date,
    'Appointment'::text AS event_type,
    appointment.id AS event_id,
    appointment.fhir_id,
    NULL::bigint AS encounter_id,
    COALESCE(appointment.description, appointment.appointment_type_display, appointment.service_type_display) AS description,
    appointment.status,
    NULL::numeric AS value,
    NULL::text AS unit
   FROM appointment
  WHERE ((appointment.container_id IS NULL) OR (appointment.start_time IS NOT NULL))
UNION ALL
 SELECT claim.patient_id,
    claim.billable_period_start AS event_time,
    to_date("left"(claim.billable_period_start_text, 10), 'YYYY-MM-DD'::text) AS event_date,
    'Claim'::text AS event_type,
    claim.id AS event_id,
    claim.fhir_id,
    claim.encounter_id,
    COALESCE(claim.type_text, claim.type_display, claim.type_code) AS description,
    claim.status,
    claim.total_value AS value,
    claim.total_currency AS unit
   FROM claim
  WHERE ((claim.container_id IS NULL) OR (claim.billable_period_start IS NOT NULL))
UNION ALL
 SELECT explanation_of_benefit.patient_id,
    explanation_of_benefit.billable_period_start AS event_time,
    to_date("left"(explanation_of_benefit.billable_period_start_text, 10), 'YYYY-MM-DD'::text) AS event_date,
    'ExplanationOfBenefit'::text AS event_type,
    explanation_of_benefit.id AS event_id,
    explanation_of_benefit.fhir_id,
    explanation_of_benefit.encounter_id,
    COALESCE(explanation_of_benefit.claim_type, explanation_of_benefit.type_text, explanation_of_benefit.type_display, explanation_of_benefit.type_code) AS description,
    explanation_of_benefit.status,
    explanation_of_benefit.payment_amount_value AS value,
    explanation_of_benefit.payment_amount_currency AS unit
   FROM explanation_of_benefit
  WHERE ((explanation_of_benefit.container_id IS NULL) OR (explanation_of_benefit.billable_period_start IS NOT NULL));
comment on view analytics.patient_timeline is 'What happened to this person, in order? One row an event: visits, conditions, results, procedures, drugs, vaccines, notes, messages, bills; sort by event_time. Of contained resources only those that have a time';
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

create view analytics.reference as
SELECT r.resource_type,
    r.resource_id,
    r.element,
    r.target_type,
    r.target_id,
    r.display,
    r.reference
   FROM ( SELECT 'Patient'::text AS resource_type,
            patient.id AS resource_id,
            'managingOrganization'::text AS element,
            'Organization'::text AS target_type,
            patient.managing_organization_id AS target_id,
            patient.managing_organization_display AS display,
            patient.managing_organization_reference AS reference
           FROM patient
        UNION ALL
         SELECT 'Patient'::text,
            patient_identifier.patient_id,
            'identifier.assigner'::text,
            'Organization'::text,
            patient_identifier.assigner_id,
            patient_identifier.assigner_display,
            patient_identifier.assigner_reference
           FROM patient_identifier
        UNION ALL
         SELECT 'Patient'::text,
            patient_contact.patient_id,
            'contact.organization'::text,
            'Organization'::text,
            patient_contact.organization_id,
            patient_contact.organization_display,
            patient_contact.organization_reference
           FROM patient_contact
        UNION ALL
         SELECT 'Patient'::text,
            patient_link.patient_id,
            'link.other'::text,
            patient_link.other_type,
            patient_link.other_id,
            patient_link.other_display,
            patient_link.other_reference
           FROM patient_link
        UNION ALL
         SELECT 'RelatedPerson'::text,
            related_person.id,
            'patient'::text,
            'Patient'::text,
            related_person.patient_id,
            related_person.patient_display,
            related_person.patient_reference
           FROM related_person
        UNION ALL
         SELECT 'Practitioner'::text,
            practitioner_qualification.practitioner_id,
            'qualification.issuer'::text,
            'Organization'::text,
            practitioner_qualification.issuer_id,
            practitioner_qualification.issuer_display,
            practitioner_qualification.issuer_reference
           FROM practitioner_qualification
        UNION ALL
         SELECT 'PractitionerRole'::text,
            practitioner_role.id,
            'practitioner'::text,
            'Practitioner'::text,
            practitioner_role.practitioner_id,
            practitioner_role.practitioner_display,
            practitioner_role.practitioner_reference
           FROM practitioner_role
        UNION ALL
         SELECT 'PractitionerRole'::text,
            practitioner_role.id,
            'organization'::text,
            'Organization'::text,
            practitioner_role.organization_id,
            practitioner_role.organization_display,
            practitioner_role.organization_reference
           FROM practitioner_role
        UNION ALL
         SELECT 'Organization'::text,
            organization.id,
            'partOf'::text,
            'Organization'::text,
            organization.part_of_id,
            organization.part_of_display,
            organization.part_of_reference
           FROM organization
        UNION ALL
         SELECT 'Location'::text,
            location.id,
            'managingOrganization'::text,
            'Organization'::text,
            location.managing_organization_id,
            location.managing_organization_display,
            location.managing_organization_reference
           FROM location
        UNION ALL
         SELECT 'Location'::text,
            location.id,
            'partOf'::text,
            'Location'::text,
            location.part_of_id,
            location.part_of_display,
            location.part_of_reference
           FROM location
        UNION ALL
         SELECT 'Encounter'::text,
            encounter.id,
            'subject'::text,
            encounter.subject_type,
            encounter.subject_id,
            encounter.subject_display,
            encounter.subject_reference
           FROM encounter
        UNION ALL
         SELECT 'Encounter'::text,
            encounter.id,
            'serviceProvider'::text,
            'Organization'::text,
            encounter.service_provider_id,
            encounter.service_provider_display,
            encounter.service_provider_reference
           FROM encounter
        UNION ALL
         SELECT 'Encounter'::text,
            encounter.id,
            'partOf'::text,
            'Encounter'::text,
            encounter.part_of_id,
            encounter.part_of_display,
            encounter.part_of_reference
           FROM encounter
        UNION ALL
         SELECT 'Encounter'::text,
            encounter.id,
            'hospitalization.origin'::text,
            encounter.origin_type,
            encounter.origin_id,
            encounter.origin_display,
            encounter.origin_reference
           FROM encounter
        UNION ALL
         SELECT 'Encounter'::text,
            encounter.id,
            'hospitalization.destination'::text,
            encounter.destination_type,
            encounter.destination_id,
            encounter.destination_display,
            encounter.destination_reference
           FROM encounter
        UNION ALL
         SELECT 'Encounter'::text,
            encounter_participant.encounter_id,
            'participant.individual'::text,
            encounter_participant.individual_type,
            encounter_participant.individual_id,
            encounter_participant.individual_display,
            encounter_participant.individual_reference
           FROM encounter_participant
        UNION ALL
         SELECT 'Encounter'::text,
            encounter_diagnosis.encounter_id,
            'diagnosis.condition'::text,
            encounter_diagnosis.condition_type,
            encounter_diagnosis.condition_id,
            encounter_diagnosis.condition_display,
            encounter_diagnosis.condition_reference
           FROM encounter_diagnosis
        UNION ALL
         SELECT 'Encounter'::text,
            encounter_location.encounter_id,
            'location.location'::text,
            'Location'::text,
            encounter_location.location_id,
            encounter_location.location_display,
            encounter_location.location_reference
           FROM encounter_location
        UNION ALL
         SELECT 'Appointment'::text,
            appointment_participant.appointment_id,
            'participant.actor'::text,
            appointment_participant.actor_type,
            appointment_participant.actor_id,
            appointment_participant.actor_display,
            appointment_participant.actor_reference
           FROM appointment_participant
        UNION ALL
         SELECT 'Condition'::text,
            condition.id,
            'encounter'::text,
            'Encounter'::text,
            condition.encounter_id,
            condition.encounter_display,
            condition.encounter_reference
           FROM condition
        UNION ALL
         SELECT 'Condition'::text,
            condition.id,
            'subject'::text,
            condition.subject_type,
            condition.subject_id,
            condition.subject_display,
            condition.subject_reference
           FROM condition
        UNION ALL
         SELECT 'Condition'::text,
            condition.id,
            'recorder'::text,
            condition.recorder_type,
            condition.recorder_id,
            condition.recorder_display,
            condition.recorder_reference
           FROM condition
        UNION ALL
         SELECT 'Condition'::text,
            condition.id,
            'asserter'::text,
            condition.asserter_type,
            condition.asserter_id,
            condition.asserter_display,
            condition.asserter_reference
           FROM condition
        UNION ALL
         SELECT 'Condition'::text,
            condition_evidence.condition_id,
            'evidence.detail'::text,
            condition_evidence.detail_type,
            condition_evidence.detail_id,
            condition_evidence.detail_display,
            condition_evidence.detail_reference
           FROM condition_evidence
        UNION ALL
         SELECT 'AllergyIntolerance'::text,
            allergy_intolerance.id,
            'patient'::text,
            'Patient'::text,
            allergy_intolerance.patient_id,
            allergy_intolerance.patient_display,
            allergy_intolerance.patient_reference
           FROM allergy_intolerance
        UNION ALL
         SELECT 'AllergyIntolerance'::text,
            allergy_intolerance.id,
            'encounter'::text,
            'Encounter'::text,
            allergy_intolerance.encounter_id,
            allergy_intolerance.encounter_display,
            allergy_intolerance.encounter_reference
           FROM allergy_intolerance
        UNION ALL
         SELECT 'AllergyIntolerance'::text,
            allergy_intolerance.id,
            'recorder'::text,
            allergy_intolerance.recorder_type,
            allergy_intolerance.recorder_id,
            allergy_intolerance.recorder_display,
            allergy_intolerance.recorder_reference
           FROM allergy_intolerance
        UNION ALL
         SELECT 'AllergyIntolerance'::text,
            allergy_intolerance.id,
            'asserter'::text,
            allergy_intolerance.asserter_type,
            allergy_intolerance.asserter_id,
            allergy_intolerance.asserter_display,
            allergy_intolerance.asserter_reference
           FROM allergy_intolerance
        UNION ALL
         SELECT 'Observation'::text,
            observation.id,
            'encounter'::text,
            'Encounter'::text,
            observation.encounter_id,
            observation.encounter_display,
            observation.encounter_reference
           FROM observation
        UNION ALL
         SELECT 'Observation'::text,
            observation.id,
            'subject'::text,
            observation.subject_type,
            observation.subject_id,
            observation.subject_display,
            observation.subject_reference
           FROM observation
        UNION ALL
         SELECT 'Observation'::text,
            observation.id,
            'specimen'::text,
            'Specimen'::text,
            observation.specimen_id,
            observation.specimen_display,
            observation.specimen_reference
           FROM observation
        UNION ALL
         SELECT 'Observation'::text,
            observation.id,
            'device'::text,
            observation.device_type,
            observation.device_id,
            observation.device_display,
            observation.device_reference
           FROM observation
        UNION ALL
         SELECT 'DiagnosticReport'::text,
            diagnostic_report.id,
            'encounter'::text,
            'Encounter'::text,
            diagnostic_report.encounter_id,
            diagnostic_report.encounter_display,
            diagnostic_report.encounter_reference
           FROM diagnostic_report
        UNION ALL
         SELECT 'DiagnosticReport'::text,
            diagnostic_report.id,
            'subject'::text,
            diagnostic_report.subject_type,
            diagnostic_report.subject_id,
            diagnostic_report.subject_display,
            diagnostic_report.subject_reference
           FROM diagnostic_report
        UNION ALL
         SELECT 'DiagnosticReport'::text,
            diagnostic_report_result.diagnostic_report_id,
            'result'::text,
            'Observation'::text,
            diagnostic_report_result.observation_id,
            diagnostic_report_result.display,
            diagnostic_report_result.reference
           FROM diagnostic_report_result
        UNION ALL
         SELECT 'Specimen'::text,
            specimen.id,
            'subject'::text,
            specimen.subject_type,
            specimen.subject_id,
            specimen.subject_display,
            specimen.subject_reference
           FROM specimen
        UNION ALL
         SELECT 'Specimen'::text,
            specimen.id,
            'collection.collector'::text,
            specimen.collector_type,
            specimen.collector_id,
            specimen.collector_display,
            specimen.collector_reference
           FROM specimen
        UNION ALL
         SELECT 'Specimen'::text,
            specimen_container.specimen_id,
            'container.additive'::text,
            'Substance'::text,
            specimen_container.additive_id,
            specimen_container.additive_display,
            specimen_container.additive_reference
           FROM specimen_container
        UNION ALL
         SELECT 'ImagingStudy'::text,
            imaging_study.id,
            'encounter'::text,
            'Encounter'::text,
            imaging_study.encounter_id,
            imaging_study.encounter_display,
            imaging_study.encounter_reference
           FROM imaging_study
        UNION ALL
         SELECT 'ImagingStudy'::text,
            imaging_study.id,
            'subject'::text,
            imaging_study.subject_type,
            imaging_study.subject_id,
            imaging_study.subject_display,
            imaging_study.subject_reference
           FROM imaging_study
        UNION ALL
         SELECT 'ImagingStudy'::text,
            imaging_study.id,
            'referrer'::text,
            imaging_study.referrer_type,
            imaging_study.referrer_id,
            imaging_study.referrer_display,
            imaging_study.referrer_reference
           FROM imaging_study
        UNION ALL
         SELECT 'ImagingStudy'::text,
            imaging_study.id,
            'procedureReference'::text,
            'Procedure'::text,
            imaging_study.procedure_reference_id,
            imaging_study.procedure_reference_display,
            imaging_study.procedure_reference_reference
           FROM imaging_study
        UNION ALL
         SELECT 'ImagingStudy'::text,
            imaging_study.id,
            'location'::text,
            'Location'::text,
            imaging_study.location_id,
            imaging_study.location_display,
            imaging_study.location_reference
           FROM imaging_study
        UNION ALL
         SELECT 'DocumentReference'::text,
            document_reference.id,
            'subject'::text,
            document_reference.subject_type,
            document_reference.subject_id,
            document_reference.subject_display,
            document_reference.subject_reference
           FROM document_reference
        UNION ALL
         SELECT 'DocumentReference'::text,
            document_reference.id,
            'authenticator'::text,
            document_reference.authenticator_type,
            document_reference.authenticator_id,
            document_reference.authenticator_display,
            document_reference.authenticator_reference
           FROM document_reference
        UNION ALL
         SELECT 'DocumentReference'::text,
            document_reference.id,
            'custodian'::text,
            'Organization'::text,
            document_reference.custodian_id,
            document_reference.custodian_display,
            document_reference.custodian_reference
           FROM document_reference
        UNION ALL
         SELECT 'DocumentReference'::text,
            document_reference_relates_to.document_reference_id,
            'relatesTo.target'::text,
            'DocumentReference'::text,
            document_reference_relates_to.target_id,
            document_reference_relates_to.target_display,
            document_reference_relates_to.target_reference
           FROM document_reference_relates_to
        UNION ALL
         SELECT 'Procedure'::text,
            procedure.id,
            'encounter'::text,
            'Encounter'::text,
            procedure.encounter_id,
            procedure.encounter_display,
            procedure.encounter_reference
           FROM procedure
        UNION ALL
         SELECT 'Procedure'::text,
            procedure.id,
            'subject'::text,
            procedure.subject_type,
            procedure.subject_id,
            procedure.subject_display,
            procedure.subject_reference
           FROM procedure
        UNION ALL
         SELECT 'Procedure'::text,
            procedure.id,
            'recorder'::text,
            procedure.recorder_type,
            procedure.recorder_id,
            procedure.recorder_display,
            procedure.recorder_reference
           FROM procedure
        UNION ALL
         SELECT 'Procedure'::text,
            procedure.id,
            'asserter'::text,
            procedure.asserter_type,
            procedure.asserter_id,
            procedure.asserter_display,
            procedure.asserter_reference
           FROM procedure
        UNION ALL
         SELECT 'Procedure'::text,
            procedure.id,
            'location'::text,
            'Location'::text,
            procedure.location_id,
            procedure.location_display,
            procedure.location_reference
           FROM procedure
        UNION ALL
         SELECT 'Procedure'::text,
            procedure_performer.procedure_id,
            'performer.actor'::text,
            procedure_performer.actor_type,
            procedure_performer.actor_id,
            procedure_performer.actor_display,
            procedure_performer.actor_reference
           FROM procedure_performer
        UNION ALL
         SELECT 'Procedure'::text,
            procedure_performer.procedure_id,
            'performer.onBehalfOf'::text,
            'Organization'::text,
            procedure_performer.on_behalf_of_id,
            procedure_performer.on_behalf_of_display,
            procedure_performer.on_behalf_of_reference
           FROM procedure_performer
        UNION ALL
         SELECT 'ServiceRequest'::text,
            service_request.id,
            'encounter'::text,
            'Encounter'::text,
            service_request.encounter_id,
            service_request.encounter_display,
            service_request.encounter_reference
           FROM service_request
        UNION ALL
         SELECT 'ServiceRequest'::text,
            service_request.id,
            'subject'::text,
            service_request.subject_type,
            service_request.subject_id,
            service_request.subject_display,
            service_request.subject_reference
           FROM service_request
        UNION ALL
         SELECT 'ServiceRequest'::text,
            service_request.id,
            'requester'::text,
            service_request.requester_type,
            service_request.requester_id,
            service_request.requester_display,
            service_request.requester_reference
           FROM service_request
        UNION ALL
         SELECT 'Immunization'::text,
            immunization.id,
            'patient'::text,
            'Patient'::text,
            immunization.patient_id,
            immunization.patient_display,
            immunization.patient_reference
           FROM immunization
        UNION ALL
         SELECT 'Immunization'::text,
            immunization.id,
            'encounter'::text,
            'Encounter'::text,
            immunization.encounter_id,
            immunization.encounter_display,
            immunization.encounter_reference
           FROM immunization
        UNION ALL
         SELECT 'Immunization'::text,
            immunization.id,
            'location'::text,
            'Location'::text,
            immunization.location_id,
            immunization.location_display,
            immunization.location_reference
           FROM immunization
        UNION ALL
         SELECT 'Immunization'::text,
            immunization.id,
            'manufacturer'::text,
            'Organization'::text,
            immunization.manufacturer_id,
            immunization.manufacturer_display,
            immunization.manufacturer_reference
           FROM immunization
        UNION ALL
         SELECT 'Immunization'::text,
            immunization_performer.immunization_id,
            'performer.actor'::text,
            immunization_performer.actor_type,
            immunization_performer.actor_id,
            immunization_performer.actor_display,
            immunization_performer.actor_reference
           FROM immunization_performer
        UNION ALL
         SELECT 'Immunization'::text,
            immunization_reaction.immunization_id,
            'reaction.detail'::text,
            'Observation'::text,
            immunization_reaction.detail_id,
            immunization_reaction.detail_display,
            immunization_reaction.detail_reference
           FROM immunization_reaction
        UNION ALL
         SELECT 'Immunization'::text,
            immunization_protocol_applied.immunization_id,
            'protocolApplied.authority'::text,
            'Organization'::text,
            immunization_protocol_applied.authority_id,
            immunization_protocol_applied.authority_display,
            immunization_protocol_applied.authority_reference
           FROM immunization_protocol_applied
        UNION ALL
         SELECT 'Device'::text,
            device.id,
            'patient'::text,
            'Patient'::text,
            device.patient_id,
            device.patient_display,
            device.patient_reference
           FROM device
        UNION ALL
         SELECT 'Device'::text,
            device.id,
            'definition'::text,
            'DeviceDefinition'::text,
            device.definition_id,
            device.definition_display,
            device.definition_reference
           FROM device
        UNION ALL
         SELECT 'Device'::text,
            device.id,
            'owner'::text,
            'Organization'::text,
            device.owner_id,
            device.owner_display,
            device.owner_reference
           FROM device
        UNION ALL
         SELECT 'Device'::text,
            device.id,
            'location'::text,
            'Location'::text,
            device.location_id,
            device.location_display,
            device.location_reference
           FROM device
        UNION ALL
         SELECT 'SupplyDelivery'::text,
            supply_delivery.id,
            'patient'::text,
            'Patient'::text,
            supply_delivery.patient_id,
            supply_delivery.patient_display,
            supply_delivery.patient_reference
           FROM supply_delivery
        UNION ALL
         SELECT 'SupplyDelivery'::text,
            supply_delivery.id,
            'suppliedItem.item'::text,
            supply_delivery.supplied_item_item_type,
            supply_delivery.supplied_item_item_id,
            NULL::text,
            supply_delivery.supplied_item_item_reference
           FROM supply_delivery
        UNION ALL
         SELECT 'SupplyDelivery'::text,
            supply_delivery.id,
            'supplier'::text,
            supply_delivery.supplier_type,
            supply_delivery.supplier_id,
            supply_delivery.supplier_display,
            supply_delivery.supplier_reference
           FROM supply_delivery
        UNION ALL
         SELECT 'SupplyDelivery'::text,
            supply_delivery.id,
            'destination'::text,
            'Location'::text,
            supply_delivery.destination_id,
            supply_delivery.destination_display,
            supply_delivery.destination_reference
           FROM supply_delivery
        UNION ALL
         SELECT 'CarePlan'::text,
            care_plan.id,
            'encounter'::text,
            'Encounter'::text,
            care_plan.encounter_id,
            care_plan.encounter_display,
            care_plan.encounter_reference
           FROM care_plan
        UNION ALL
         SELECT 'CarePlan'::text,
            care_plan.id,
            'subject'::text,
            care_plan.subject_type,
            care_plan.subject_id,
            care_plan.subject_display,
            care_plan.subject_reference
           FROM care_plan
        UNION ALL
         SELECT 'CarePlan'::text,
            care_plan.id,
            'author'::text,
            care_plan.author_type,
            care_plan.author_id,
            care_plan.author_display,
            care_plan.author_reference
           FROM care_plan
        UNION ALL
         SELECT 'CarePlan'::text,
            care_plan_activity.care_plan_id,
            'activity.reference'::text,
            care_plan_activity.reference_type,
            care_plan_activity.reference_id,
            care_plan_activity.reference_display,
            care_plan_activity.reference_reference
           FROM care_plan_activity
        UNION ALL
         SELECT 'CarePlan'::text,
            care_plan_activity.care_plan_id,
            'activity.detail.location'::text,
            'Location'::text,
            care_plan_activity.detail_location_id,
            care_plan_activity.detail_location_display,
            care_plan_activity.detail_location_reference
           FROM care_plan_activity
        UNION ALL
         SELECT 'CarePlan'::text,
            care_plan_activity.care_plan_id,
            'activity.detail.product'::text,
            care_plan_activity.detail_product_type,
            care_plan_activity.detail_product_id,
            care_plan_activity.detail_product_display,
            care_plan_activity.detail_product_reference
           FROM care_plan_activity
        UNION ALL
         SELECT 'CareTeam'::text,
            care_team.id,
            'encounter'::text,
            'Encounter'::text,
            care_team.encounter_id,
            care_team.encounter_display,
            care_team.encounter_reference
           FROM care_team
        UNION ALL
         SELECT 'CareTeam'::text,
            care_team.id,
            'subject'::text,
            care_team.subject_type,
            care_team.subject_id,
            care_team.subject_display,
            care_team.subject_reference
           FROM care_team
        UNION ALL
         SELECT 'CareTeam'::text,
            care_team_participant.care_team_id,
            'participant.member'::text,
            care_team_participant.member_type,
            care_team_participant.member_id,
            care_team_participant.member_display,
            care_team_participant.member_reference
           FROM care_team_participant
        UNION ALL
         SELECT 'CareTeam'::text,
            care_team_participant.care_team_id,
            'participant.onBehalfOf'::text,
            'Organization'::text,
            care_team_participant.on_behalf_of_id,
            care_team_participant.on_behalf_of_display,
            care_team_participant.on_behalf_of_reference
           FROM care_team_participant
        UNION ALL
         SELECT 'Goal'::text,
            goal.id,
            'subject'::text,
            goal.subject_type,
            goal.subject_id,
            goal.subject_display,
            goal.subject_reference
           FROM goal
        UNION ALL
         SELECT 'Goal'::text,
            goal.id,
            'expressedBy'::text,
            goal.expressed_by_type,
            goal.expressed_by_id,
            goal.expressed_by_display,
            goal.expressed_by_reference
           FROM goal
        UNION ALL
         SELECT 'Medication'::text,
            medication.id,
            'manufacturer'::text,
            'Organization'::text,
            medication.manufacturer_id,
            medication.manufacturer_display,
            medication.manufacturer_reference
           FROM medication
        UNION ALL
         SELECT 'Medication'::text,
            medication_ingredient.medication_id,
            'ingredient.item'::text,
            medication_ingredient.item_type,
            medication_ingredient.item_id,
            NULL::text,
            medication_ingredient.item_reference
           FROM medication_ingredient
        UNION ALL
         SELECT 'MedicationRequest'::text,
            medication_request.id,
            'encounter'::text,
            'Encounter'::text,
            medication_request.encounter_id,
            medication_request.encounter_display,
            medication_request.encounter_reference
           FROM medication_request
        UNION ALL
         SELECT 'MedicationRequest'::text,
            medication_request.id,
            'medication'::text,
            'Medication'::text,
            medication_request.medication_id,
            NULL::text,
            medication_request.medication_reference
           FROM medication_request
        UNION ALL
         SELECT 'MedicationRequest'::text,
            medication_request.id,
            'subject'::text,
            medication_request.subject_type,
            medication_request.subject_id,
            medication_request.subject_display,
            medication_request.subject_reference
           FROM medication_request
        UNION ALL
         SELECT 'MedicationRequest'::text,
            medication_request.id,
            'requester'::text,
            medication_request.requester_type,
            medication_request.requester_id,
            medication_request.requester_display,
            medication_request.requester_reference
           FROM medication_request
        UNION ALL
         SELECT 'MedicationRequest'::text,
            medication_request.id,
            'performer'::text,
            medication_request.performer_type,
            medication_request.performer_id,
            medication_request.performer_display,
            medication_request.performer_reference
           FROM medication_request
        UNION ALL
         SELECT 'MedicationRequest'::text,
            medication_request.id,
            'recorder'::text,
            medication_request.recorder_type,
            medication_request.recorder_id,
            medication_request.recorder_display,
            medication_request.recorder_reference
           FROM medication_request
        UNION ALL
         SELECT 'MedicationRequest'::text,
            medication_request.id,
            'dispenseRequest.performer'::text,
            'Organization'::text,
            medication_request.dispense_performer_id,
            medication_request.dispense_performer_display,
            medication_request.dispense_performer_reference
           FROM medication_request
        UNION ALL
         SELECT 'MedicationRequest'::text,
            medication_request.id,
            'priorPrescription'::text,
            'MedicationRequest'::text,
            medication_request.prior_prescription_id,
            medication_request.prior_prescription_display,
            medication_request.prior_prescription_reference
           FROM medication_request
        UNION ALL
         SELECT 'MedicationDispense'::text,
            medication_dispense.id,
            'context'::text,
            'Encounter'::text,
            medication_dispense.encounter_id,
            medication_dispense.context_display,
            medication_dispense.context_reference
           FROM medication_dispense
        UNION ALL
         SELECT 'MedicationDispense'::text,
            medication_dispense.id,
            'statusReason'::text,
            'DetectedIssue'::text,
            medication_dispense.status_reason_id,
            medication_dispense.status_reason_display,
            medication_dispense.status_reason_reference
           FROM medication_dispense
        UNION ALL
         SELECT 'MedicationDispense'::text,
            medication_dispense.id,
            'medication'::text,
            'Medication'::text,
            medication_dispense.medication_id,
            NULL::text,
            medication_dispense.medication_reference
           FROM medication_dispense
        UNION ALL
         SELECT 'MedicationDispense'::text,
            medication_dispense.id,
            'subject'::text,
            medication_dispense.subject_type,
            medication_dispense.subject_id,
            medication_dispense.subject_display,
            medication_dispense.subject_reference
           FROM medication_dispense
        UNION ALL
         SELECT 'MedicationDispense'::text,
            medication_dispense.id,
            'location'::text,
            'Location'::text,
            medication_dispense.location_id,
            medication_dispense.location_display,
            medication_dispense.location_reference
           FROM medication_dispense
        UNION ALL
         SELECT 'MedicationDispense'::text,
            medication_dispense.id,
            'destination'::text,
            'Location'::text,
            medication_dispense.destination_id,
            medication_dispense.destination_display,
            medication_dispense.destination_reference
           FROM medication_dispense
        UNION ALL
         SELECT 'MedicationDispense'::text,
            medication_dispense_performer.medication_dispense_id,
            'performer.actor'::text,
            medication_dispense_performer.actor_type,
            medication_dispense_performer.actor_id,
            medication_dispense_performer.actor_display,
            medication_dispense_performer.actor_reference
           FROM medication_dispense_performer
        UNION ALL
         SELECT 'MedicationAdministration'::text,
            medication_administration.id,
            'context'::text,
            'Encounter'::text,
            medication_administration.encounter_id,
            medication_administration.context_display,
            medication_administration.context_reference
           FROM medication_administration
        UNION ALL
         SELECT 'MedicationAdministration'::text,
            medication_administration.id,
            'medication'::text,
            'Medication'::text,
            medication_administration.medication_id,
            NULL::text,
            medication_administration.medication_reference
           FROM medication_administration
        UNION ALL
         SELECT 'MedicationAdministration'::text,
            medication_administration.id,
            'subject'::text,
            medication_administration.subject_type,
            medication_administration.subject_id,
            medication_administration.subject_display,
            medication_administration.subject_reference
           FROM medication_administration
        UNION ALL
         SELECT 'MedicationAdministration'::text,
            medication_administration.id,
            'request'::text,
            'MedicationRequest'::text,
            medication_administration.request_id,
            medication_administration.request_display,
            medication_administration.request_reference
           FROM medication_administration
        UNION ALL
         SELECT 'MedicationAdministration'::text,
            medication_administration_performer.medication_administration_id,
            'performer.actor'::text,
            medication_administration_performer.actor_type,
            medication_administration_performer.actor_id,
            medication_administration_performer.actor_display,
            medication_administration_performer.actor_reference
           FROM medication_administration_performer
        UNION ALL
         SELECT 'MedicationStatement'::text,
            medication_statement.id,
            'context'::text,
            'Encounter'::text,
            medication_statement.encounter_id,
            medication_statement.context_display,
            medication_statement.context_reference
           FROM medication_statement
        UNION ALL
         SELECT 'MedicationStatement'::text,
            medication_statement.id,
            'medication'::text,
            'Medication'::text,
            medication_statement.medication_id,
            NULL::text,
            medication_statement.medication_reference
           FROM medication_statement
        UNION ALL
         SELECT 'MedicationStatement'::text,
            medication_statement.id,
            'subject'::text,
            medication_statement.subject_type,
            medication_statement.subject_id,
            medication_statement.subject_display,
            medication_statement.subject_reference
           FROM medication_statement
        UNION ALL
         SELECT 'MedicationStatement'::text,
            medication_statement.id,
            'informationSource'::text,
            medication_statement.information_source_type,
            medication_statement.information_source_id,
            medication_statement.information_source_display,
            medication_statement.information_source_reference
           FROM medication_statement
        UNION ALL
         SELECT 'Communication'::text,
            communication.id,
            'encounter'::text,
            'Encounter'::text,
            communication.encounter_id,
            communication.encounter_display,
            communication.encounter_reference
           FROM communication
        UNION ALL
         SELECT 'Communication'::text,
            communication.id,
            'subject'::text,
            communication.subject_type,
            communication.subject_id,
            communication.subject_display,
            communication.subject_reference
           FROM communication
        UNION ALL
         SELECT 'Communication'::text,
            communication.id,
            'sender'::text,
            communication.sender_type,
            communication.sender_id,
            communication.sender_display,
            communication.sender_reference
           FROM communication
        UNION ALL
         SELECT 'Communication'::text,
            communication_payload.communication_id,
            'payload.content'::text,
            communication_payload.content_reference_type,
            communication_payload.content_reference_id,
            communication_payload.content_reference_display,
            communication_payload.content_reference_reference
           FROM communication_payload
        UNION ALL
         SELECT 'CommunicationRequest'::text,
            communication_request.id,
            'encounter'::text,
            'Encounter'::text,
            communication_request.encounter_id,
            communication_request.encounter_display,
            communication_request.encounter_reference
           FROM communication_request
        UNION ALL
         SELECT 'CommunicationRequest'::text,
            communication_request.id,
            'subject'::text,
            communication_request.subject_type,
            communication_request.subject_id,
            communication_request.subject_display,
            communication_request.subject_reference
           FROM communication_request
        UNION ALL
         SELECT 'CommunicationRequest'::text,
            communication_request.id,
            'requester'::text,
            communication_request.requester_type,
            communication_request.requester_id,
            communication_request.requester_display,
            communication_request.requester_reference
           FROM communication_request
        UNION ALL
         SELECT 'CommunicationRequest'::text,
            communication_request.id,
            'sender'::text,
            communication_request.sender_type,
            communication_request.sender_id,
            communication_request.sender_display,
            communication_request.sender_reference
           FROM communication_request
        UNION ALL
         SELECT 'CommunicationRequest'::text,
            communication_request_payload.communication_request_id,
            'payload.content'::text,
            communication_request_payload.content_reference_type,
            communication_request_payload.content_reference_id,
            communication_request_payload.content_reference_display,
            communication_request_payload.content_reference_reference
           FROM communication_request_payload
        UNION ALL
         SELECT 'QuestionnaireResponse'::text,
            questionnaire_response.id,
            'encounter'::text,
            'Encounter'::text,
            questionnaire_response.encounter_id,
            questionnaire_response.encounter_display,
            questionnaire_response.encounter_reference
           FROM questionnaire_response
        UNION ALL
         SELECT 'QuestionnaireResponse'::text,
            questionnaire_response.id,
            'subject'::text,
            questionnaire_response.subject_type,
            questionnaire_response.subject_id,
            questionnaire_response.subject_display,
            questionnaire_response.subject_reference
           FROM questionnaire_response
        UNION ALL
         SELECT 'QuestionnaireResponse'::text,
            questionnaire_response.id,
            'author'::text,
            questionnaire_response.author_type,
            questionnaire_response.author_id,
            questionnaire_response.author_display,
            questionnaire_response.author_reference
           FROM questionnaire_response
        UNION ALL
         SELECT 'QuestionnaireResponse'::text,
            questionnaire_response.id,
            'source'::text,
            questionnaire_response.information_source_type,
            questionnaire_response.information_source_id,
            questionnaire_response.information_source_display,
            questionnaire_response.information_source_reference
           FROM questionnaire_response
        UNION ALL
         SELECT 'QuestionnaireResponse'::text,
            questionnaire_response_item.questionnaire_response_id,
            'item.answer.value'::text,
            questionnaire_response_item.value_reference_type,
            questionnaire_response_item.value_reference_id,
            questionnaire_response_item.value_reference_display,
            questionnaire_response_item.value_reference_reference
           FROM questionnaire_response_item
        UNION ALL
         SELECT 'Consent'::text,
            consent.id,
            'patient'::text,
            'Patient'::text,
            consent.patient_id,
            consent.patient_display,
            consent.patient_reference
           FROM consent
        UNION ALL
         SELECT 'Consent'::text,
            consent.id,
            'source'::text,
            consent.source_reference_type,
            consent.source_reference_id,
            consent.source_reference_display,
            consent.source_reference_reference
           FROM consent
        UNION ALL
         SELECT 'Coverage'::text,
            coverage.id,
            'beneficiary'::text,
            'Patient'::text,
            coverage.patient_id,
            coverage.beneficiary_display,
            coverage.beneficiary_reference
           FROM coverage
        UNION ALL
         SELECT 'Coverage'::text,
            coverage.id,
            'policyHolder'::text,
            coverage.policy_holder_type,
            coverage.policy_holder_id,
            coverage.policy_holder_display,
            coverage.policy_holder_reference
           FROM coverage
        UNION ALL
         SELECT 'Coverage'::text,
            coverage.id,
            'subscriber'::text,
            coverage.subscriber_party_type,
            coverage.subscriber_party_id,
            coverage.subscriber_party_display,
            coverage.subscriber_party_reference
           FROM coverage
        UNION ALL
         SELECT 'Claim'::text,
            claim.id,
            'patient'::text,
            'Patient'::text,
            claim.patient_id,
            claim.patient_display,
            claim.patient_reference
           FROM claim
        UNION ALL
         SELECT 'Claim'::text,
            claim.id,
            'insurer'::text,
            'Organization'::text,
            claim.insurer_id,
            claim.insurer_display,
            claim.insurer_reference
           FROM claim
        UNION ALL
         SELECT 'Claim'::text,
            claim.id,
            'provider'::text,
            claim.provider_type,
            claim.provider_id,
            claim.provider_display,
            claim.provider_reference
           FROM claim
        UNION ALL
         SELECT 'Claim'::text,
            claim.id,
            'prescription'::text,
            claim.prescription_type,
            claim.prescription_id,
            claim.prescription_display,
            claim.prescription_reference
           FROM claim
        UNION ALL
         SELECT 'Claim'::text,
            claim.id,
            'payee.party'::text,
            claim.payee_party_type,
            claim.payee_party_id,
            claim.payee_party_display,
            claim.payee_party_reference
           FROM claim
        UNION ALL
         SELECT 'Claim'::text,
            claim.id,
            'referral'::text,
            'ServiceRequest'::text,
            claim.referral_id,
            claim.referral_display,
            claim.referral_reference
           FROM claim
        UNION ALL
         SELECT 'Claim'::text,
            claim.id,
            'facility'::text,
            'Location'::text,
            claim.facility_id,
            claim.facility_display,
            claim.facility_reference
           FROM claim
        UNION ALL
         SELECT 'Claim'::text,
            claim_related.claim_id,
            'related.claim'::text,
            'Claim'::text,
            claim_related.related_claim_id,
            claim_related.related_claim_display,
            claim_related.related_claim_reference
           FROM claim_related
        UNION ALL
         SELECT 'Claim'::text,
            claim_care_team.claim_id,
            'careTeam.provider'::text,
            claim_care_team.provider_type,
            claim_care_team.provider_id,
            claim_care_team.provider_display,
            claim_care_team.provider_reference
           FROM claim_care_team
        UNION ALL
         SELECT 'Claim'::text,
            claim_supporting_info.claim_id,
            'supportingInfo.value'::text,
            claim_supporting_info.value_reference_type,
            claim_supporting_info.value_reference_id,
            claim_supporting_info.value_reference_display,
            claim_supporting_info.value_reference_reference
           FROM claim_supporting_info
        UNION ALL
         SELECT 'Claim'::text,
            claim_diagnosis.claim_id,
            'diagnosis.diagnosis'::text,
            'Condition'::text,
            claim_diagnosis.diagnosis_id,
            NULL::text,
            claim_diagnosis.diagnosis_reference
           FROM claim_diagnosis
        UNION ALL
         SELECT 'Claim'::text,
            claim_procedure.claim_id,
            'procedure.procedure'::text,
            'Procedure'::text,
            claim_procedure.procedure_id,
            NULL::text,
            claim_procedure.procedure_reference
           FROM claim_procedure
        UNION ALL
         SELECT 'Claim'::text,
            claim_insurance.claim_id,
            'insurance.coverage'::text,
            'Coverage'::text,
            claim_insurance.coverage_id,
            claim_insurance.coverage_display,
            claim_insurance.coverage_reference
           FROM claim_insurance
        UNION ALL
         SELECT 'Claim'::text,
            claim_insurance.claim_id,
            'insurance.claimResponse'::text,
            'ClaimResponse'::text,
            claim_insurance.claim_response_id,
            claim_insurance.claim_response_display,
            claim_insurance.claim_response_reference
           FROM claim_insurance
        UNION ALL
         SELECT 'Claim'::text,
            claim_item.claim_id,
            'item.location'::text,
            'Location'::text,
            claim_item.location_id,
            claim_item.location_display,
            claim_item.location_reference
           FROM claim_item
        UNION ALL
         SELECT 'Claim'::text,
            claim_item.claim_id,
            'item.encounter'::text,
            'Encounter'::text,
            claim_item.encounter_id,
            claim_item.encounter_display,
            claim_item.encounter_reference
           FROM claim_item
        UNION ALL
         SELECT 'ClaimResponse'::text,
            claim_response.id,
            'patient'::text,
            'Patient'::text,
            claim_response.patient_id,
            claim_response.patient_display,
            claim_response.patient_reference
           FROM claim_response
        UNION ALL
         SELECT 'ClaimResponse'::text,
            claim_response.id,
            'insurer'::text,
            'Organization'::text,
            claim_response.insurer_id,
            claim_response.insurer_display,
            claim_response.insurer_reference
           FROM claim_response
        UNION ALL
         SELECT 'ClaimResponse'::text,
            claim_response.id,
            'requestor'::text,
            claim_response.requestor_type,
            claim_response.requestor_id,
            claim_response.requestor_display,
            claim_response.requestor_reference
           FROM claim_response
        UNION ALL
         SELECT 'ClaimResponse'::text,
            claim_response.id,
            'request'::text,
            'Claim'::text,
            claim_response.request_id,
            claim_response.request_display,
            claim_response.request_reference
           FROM claim_response
        UNION ALL
         SELECT 'ClaimResponse'::text,
            claim_response_add_item.claim_response_id,
            'addItem.location'::text,
            'Location'::text,
            claim_response_add_item.location_id,
            claim_response_add_item.location_display,
            claim_response_add_item.location_reference
           FROM claim_response_add_item
        UNION ALL
         SELECT 'ClaimResponse'::text,
            claim_response_insurance.claim_response_id,
            'insurance.coverage'::text,
            'Coverage'::text,
            claim_response_insurance.coverage_id,
            claim_response_insurance.coverage_display,
            claim_response_insurance.coverage_reference
           FROM claim_response_insurance
        UNION ALL
         SELECT 'ClaimResponse'::text,
            claim_response_insurance.claim_response_id,
            'insurance.claimResponse'::text,
            'ClaimResponse'::text,
            claim_response_insurance.other_claim_response_id,
            claim_response_insurance.other_claim_response_display,
            claim_response_insurance.other_claim_response_reference
           FROM claim_response_insurance
        UNION ALL
         SELECT 'ExplanationOfBenefit'::text,
            explanation_of_benefit.id,
            'patient'::text,
            'Patient'::text,
            explanation_of_benefit.patient_id,
            explanation_of_benefit.patient_display,
            explanation_of_benefit.patient_reference
           FROM explanation_of_benefit
        UNION ALL
         SELECT 'ExplanationOfBenefit'::text,
            explanation_of_benefit.id,
            'insurer'::text,
            'Organization'::text,
            explanation_of_benefit.insurer_id,
            explanation_of_benefit.insurer_display,
            explanation_of_benefit.insurer_reference
           FROM explanation_of_benefit
        UNION ALL
         SELECT 'ExplanationOfBenefit'::text,
            explanation_of_benefit.id,
            'provider'::text,
            explanation_of_benefit.provider_type,
            explanation_of_benefit.provider_id,
            explanation_of_benefit.provider_display,
            explanation_of_benefit.provider_reference
           FROM explanation_of_benefit
        UNION ALL
         SELECT 'ExplanationOfBenefit'::text,
            explanation_of_benefit.id,
            'prescription'::text,
            explanation_of_benefit.prescription_type,
            explanation_of_benefit.prescription_id,
            explanation_of_benefit.prescription_display,
            explanation_of_benefit.prescription_reference
           FROM explanation_of_benefit
        UNION ALL
         SELECT 'ExplanationOfBenefit'::text,
            explanation_of_benefit.id,
            'payee.party'::text,
            explanation_of_benefit.payee_party_type,
            explanation_of_benefit.payee_party_id,
            explanation_of_benefit.payee_party_display,
            explanation_of_benefit.payee_party_reference
           FROM explanation_of_benefit
        UNION ALL
         SELECT 'ExplanationOfBenefit'::text,
            explanation_of_benefit.id,
            'referral'::text,
            'ServiceRequest'::text,
            explanation_of_benefit.referral_id,
            explanation_of_benefit.referral_display,
            explanation_of_benefit.referral_reference
           FROM explanation_of_benefit
        UNION ALL
         SELECT 'ExplanationOfBenefit'::text,
            explanation_of_benefit.id,
            'facility'::text,
            'Location'::text,
            explanation_of_benefit.facility_id,
            explanation_of_benefit.facility_display,
            explanation_of_benefit.facility_reference
           FROM explanation_of_benefit
        UNION ALL
         SELECT 'ExplanationOfBenefit'::text,
            explanation_of_benefit.id,
            'claim'::text,
            'Claim'::text,
            explanation_of_benefit.claim_id,
            explanation_of_benefit.claim_display,
            explanation_of_benefit.claim_reference
           FROM explanation_of_benefit
        UNION ALL
         SELECT 'ExplanationOfBenefit'::text,
            explanation_of_benefit.id,
            'claimResponse'::text,
            'ClaimResponse'::text,
            explanation_of_benefit.claim_response_id,
            explanation_of_benefit.claim_response_display,
            explanation_of_benefit.claim_response_reference
           FROM explanation_of_benefit
        UNION ALL
         SELECT 'ExplanationOfBenefit'::text,
            explanation_of_benefit_related.explanation_of_benefit_id,
            'related.claim'::text,
            'Claim'::text,
            explanation_of_benefit_related.related_claim_id,
            explanation_of_benefit_related.related_claim_display,
            explanation_of_benefit_related.related_claim_reference
           FROM explanation_of_benefit_related
        UNION ALL
         SELECT 'ExplanationOfBenefit'::text,
            explanation_of_benefit_care_team.explanation_of_benefit_id,
            'careTeam.provider'::text,
            explanation_of_benefit_care_team.provider_type,
            explanation_of_benefit_care_team.provider_id,
            explanation_of_benefit_care_team.provider_display,
            explanation_of_benefit_care_team.provider_reference
           FROM explanation_of_benefit_care_team
        UNION ALL
         SELECT 'ExplanationOfBenefit'::text,
            explanation_of_benefit_supporting_info.explanation_of_benefit_id,
            'supportingInfo.value'::text,
            explanation_of_benefit_supporting_info.value_reference_type,
            explanation_of_benefit_supporting_info.value_reference_id,
            explanation_of_benefit_supporting_info.value_reference_display,
            explanation_of_benefit_supporting_info.value_reference_reference
           FROM explanation_of_benefit_supporting_info
        UNION ALL
         SELECT 'ExplanationOfBenefit'::text,
            explanation_of_benefit_diagnosis.explanation_of_benefit_id,
            'diagnosis.diagnosis'::text,
            'Condition'::text,
            explanation_of_benefit_diagnosis.diagnosis_id,
            NULL::text,
            explanation_of_benefit_diagnosis.diagnosis_reference
           FROM explanation_of_benefit_diagnosis
        UNION ALL
         SELECT 'ExplanationOfBenefit'::text,
            explanation_of_benefit_procedure.explanation_of_benefit_id,
            'procedure.procedure'::text,
            'Procedure'::text,
            explanation_of_benefit_procedure.procedure_id,
            NULL::text,
            explanation_of_benefit_procedure.procedure_reference
           FROM explanation_of_benefit_procedure
        UNION ALL
         SELECT 'ExplanationOfBenefit'::text,
            explanation_of_benefit_insurance.explanation_of_benefit_id,
            'insurance.coverage'::text,
            'Coverage'::text,
            explanation_of_benefit_insurance.coverage_id,
            explanation_of_benefit_insurance.coverage_display,
            explanation_of_benefit_insurance.coverage_reference
           FROM explanation_of_benefit_insurance
        UNION ALL
         SELECT 'ExplanationOfBenefit'::text,
            explanation_of_benefit_item.explanation_of_benefit_id,
            'item.location'::text,
            'Location'::text,
            explanation_of_benefit_item.location_id,
            explanation_of_benefit_item.location_display,
            explanation_of_benefit_item.location_reference
           FROM explanation_of_benefit_item
        UNION ALL
         SELECT 'ExplanationOfBenefit'::text,
            explanation_of_benefit_item.explanation_of_benefit_id,
            'item.encounter'::text,
            'Encounter'::text,
            explanation_of_benefit_item.encounter_id,
            explanation_of_benefit_item.encounter_display,
            explanation_of_benefit_item.encounter_reference
           FROM explanation_of_benefit_item
        UNION ALL
         SELECT 'ExplanationOfBenefit'::text,
            explanation_of_benefit_add_item.explanation_of_benefit_id,
            'addItem.location'::text,
            'Location'::text,
            explanation_of_benefit_add_item.location_id,
            explanation_of_benefit_add_item.location_display,
            explanation_of_benefit_add_item.location_reference
           FROM explanation_of_benefit_add_item
        UNION ALL
         SELECT 'Provenance'::text,
            provenance.id,
            'location'::text,
            'Location'::text,
            provenance.location_id,
            provenance.location_display,
            provenance.location_reference
           FROM provenance
        UNION ALL
         SELECT 'Provenance'::text,
            provenance_target.provenance_id,
            'target'::text,
            provenance_target.target_type,
            provenance_target.target_id,
            provenance_target.display,
            provenance_target.reference
           FROM provenance_target
        UNION ALL
         SELECT 'Provenance'::text,
            provenance_agent.provenance_id,
            'agent.who'::text,
            provenance_agent.who_type,
            provenance_agent.who_id,
            provenance_agent.who_display,
            provenance_agent.who_reference
           FROM provenance_agent
        UNION ALL
         SELECT 'Provenance'::text,
            provenance_agent.provenance_id,
            'agent.onBehalfOf'::text,
            provenance_agent.on_behalf_of_type,
            provenance_agent.on_behalf_of_id,
            provenance_agent.on_behalf_of_display,
            provenance_agent.on_behalf_of_reference
           FROM provenance_agent
        UNION ALL
         SELECT 'Provenance'::text,
            provenance_entity.provenance_id,
            'entity.what'::text,
            provenance_entity.what_type,
            provenance_entity.what_id,
            provenance_entity.what_display,
            provenance_entity.what_reference
           FROM provenance_entity
        UNION ALL
         SELECT resource_reference.resource_type,
            resource_reference.resource_id,
            resource_reference.element,
            resource_reference.target_type,
            resource_reference.target_id,
            resource_reference.display,
            resource_reference.reference
           FROM resource_reference
        UNION ALL
         SELECT resource_note.resource_type,
            resource_note.resource_id,
            'note.author'::text,
            resource_note.author_type,
            resource_note.author_id,
            resource_note.author_display,
            NULL::text
           FROM resource_note
        UNION ALL
         SELECT other_resource.resource_type,
            other_resource.id,
            'patient'::text,
            'Patient'::text,
            other_resource.patient_id,
            NULL::text,
            NULL::text
           FROM other_resource
        UNION ALL
         SELECT other_resource.resource_type,
            other_resource.id,
            'encounter'::text,
            'Encounter'::text,
            other_resource.encounter_id,
            NULL::text,
            NULL::text
           FROM other_resource
        UNION ALL
         SELECT 'MedicationRequest'::text,
            medication_request.id,
            'reported'::text,
            medication_request.reported_reference_type,
            medication_request.reported_reference_id,
            medication_request.reported_reference_display,
            medication_request.reported_reference_reference
           FROM medication_request
        UNION ALL
         SELECT 'MedicationDispense'::text,
            medication_dispense.id,
            'substitution.responsibleParty'::text,
            medication_dispense.substitution_responsible_party_type,
            medication_dispense.substitution_responsible_party_id,
            medication_dispense.substitution_responsible_party_display,
            medication_dispense.substitution_responsible_party_reference
           FROM medication_dispense
        UNION ALL
         SELECT 'Claim'::text,
            claim.id,
            'accident.location'::text,
            'Location'::text,
            claim.accident_location_reference_id,
            claim.accident_location_reference_display,
            claim.accident_location_reference_reference
           FROM claim
        UNION ALL
         SELECT 'Claim'::text,
            claim.id,
            'enterer'::text,
            claim.enterer_type,
            claim.enterer_id,
            claim.enterer_display,
            claim.enterer_reference
           FROM claim
        UNION ALL
         SELECT 'Claim'::text,
            claim.id,
            'originalPrescription'::text,
            claim.original_prescription_type,
            claim.original_prescription_id,
            claim.original_prescription_display,
            claim.original_prescription_reference
           FROM claim
        UNION ALL
         SELECT 'ClaimResponse'::text,
            claim_response_add_item.claim_response_id,
            'addItem.provider'::text,
            claim_response_add_item.provider_type,
            claim_response_add_item.provider_id,
            claim_response_add_item.provider_display,
            claim_response_add_item.provider_reference
           FROM claim_response_add_item
        UNION ALL
         SELECT 'ExplanationOfBenefit'::text,
            explanation_of_benefit.id,
            'accident.location'::text,
            'Location'::text,
            explanation_of_benefit.accident_location_reference_id,
            explanation_of_benefit.accident_location_reference_display,
            explanation_of_benefit.accident_location_reference_reference
           FROM explanation_of_benefit
        UNION ALL
         SELECT 'ExplanationOfBenefit'::text,
            explanation_of_benefit.id,
            'enterer'::text,
            explanation_of_benefit.enterer_type,
            explanation_of_benefit.enterer_id,
            explanation_of_benefit.enterer_display,
            explanation_of_benefit.enterer_reference
           FROM explanation_of_benefit
        UNION ALL
         SELECT 'ExplanationOfBenefit'::text,
            explanation_of_benefit.id,
            'originalPrescription'::text,
            explanation_of_benefit.original_prescription_type,
            explanation_of_benefit.original_prescription_id,
            explanation_of_benefit.original_prescription_display,
            explanation_of_benefit.original_prescription_reference
           FROM explanation_of_benefit
        UNION ALL
         SELECT 'ExplanationOfBenefit'::text,
            explanation_of_benefit_add_item.explanation_of_benefit_id,
            'addItem.provider'::text,
            explanation_of_benefit_add_item.provider_type,
            explanation_of_benefit_add_item.provider_id,
            explanation_of_benefit_add_item.provider_display,
            explanation_of_benefit_add_item.provider_reference
           FROM explanation_of_benefit_add_item
        UNION ALL
         SELECT 'Condition'::text,
            condition_stage.condition_id,
            'stage.assessment'::text,
            condition_stage.assessment_type,
            condition_stage.assessment_id,
            condition_stage.assessment_display,
            condition_stage.assessment_reference
           FROM condition_stage
        UNION ALL
         SELECT 'DiagnosticReport'::text,
            diagnostic_report_media.diagnostic_report_id,
            'media.link'::text,
            'Media'::text,
            diagnostic_report_media.link_id,
            diagnostic_report_media.link_display,
            diagnostic_report_media.link_reference
           FROM diagnostic_report_media
        UNION ALL
         SELECT 'Specimen'::text,
            specimen_processing.specimen_id,
            'processing.additive'::text,
            'Substance'::text,
            specimen_processing.additive_id,
            specimen_processing.additive_display,
            specimen_processing.additive_reference
           FROM specimen_processing
        UNION ALL
         SELECT 'Procedure'::text,
            procedure_focal_device.procedure_id,
            'focalDevice.manipulated'::text,
            'Device'::text,
            procedure_focal_device.manipulated_id,
            procedure_focal_device.manipulated_display,
            procedure_focal_device.manipulated_reference
           FROM procedure_focal_device
        UNION ALL
         SELECT 'Device'::text,
            device.id,
            'parent'::text,
            'Device'::text,
            device.parent_id,
            device.parent_display,
            device.parent_reference
           FROM device
        UNION ALL
         SELECT 'CarePlan'::text,
            care_plan_activity_performer.care_plan_id,
            'activity.detail.performer'::text,
            care_plan_activity_performer.target_type,
            care_plan_activity_performer.target_id,
            care_plan_activity_performer.display,
            care_plan_activity_performer.reference
           FROM care_plan_activity_performer
        UNION ALL
         SELECT 'CarePlan'::text,
            care_plan_activity_reason.care_plan_id,
            'activity.detail.reasonReference'::text,
            care_plan_activity_reason.target_type,
            care_plan_activity_reason.target_id,
            care_plan_activity_reason.display,
            care_plan_activity_reason.reference
           FROM care_plan_activity_reason
        UNION ALL
         SELECT 'CarePlan'::text,
            care_plan_activity_goal.care_plan_id,
            'activity.detail.goal'::text,
            'Goal'::text,
            care_plan_activity_goal.goal_id,
            care_plan_activity_goal.display,
            care_plan_activity_goal.reference
           FROM care_plan_activity_goal
        UNION ALL
         SELECT 'CarePlan'::text,
            care_plan_activity_outcome.care_plan_id,
            'activity.outcomeReference'::text,
            care_plan_activity_outcome.target_type,
            care_plan_activity_outcome.target_id,
            care_plan_activity_outcome.display,
            care_plan_activity_outcome.reference
           FROM care_plan_activity_outcome
        UNION ALL
         SELECT 'Consent'::text,
            consent_verification.consent_id,
            'verification.verifiedWith'::text,
            consent_verification.verified_with_type,
            consent_verification.verified_with_id,
            consent_verification.verified_with_display,
            consent_verification.verified_with_reference
           FROM consent_verification
        UNION ALL
         SELECT 'Claim'::text,
            claim_procedure.claim_id,
            'procedure.udi'::text,
            'Device'::text,
            claim_procedure.udi_id,
            claim_procedure.udi_display,
            claim_procedure.udi_reference
           FROM claim_procedure
        UNION ALL
         SELECT 'Claim'::text,
            claim_item.claim_id,
            'item.udi'::text,
            'Device'::text,
            claim_item.udi_id,
            claim_item.udi_display,
            claim_item.udi_reference
           FROM claim_item
        UNION ALL
         SELECT 'Claim'::text,
            claim_item_detail.claim_id,
            'item.detail.udi'::text,
            'Device'::text,
            claim_item_detail.udi_id,
            claim_item_detail.udi_display,
            claim_item_detail.udi_reference
           FROM claim_item_detail
        UNION ALL
         SELECT 'ExplanationOfBenefit'::text,
            explanation_of_benefit_procedure.explanation_of_benefit_id,
            'procedure.udi'::text,
            'Device'::text,
            explanation_of_benefit_procedure.udi_id,
            explanation_of_benefit_procedure.udi_display,
            explanation_of_benefit_procedure.udi_reference
           FROM explanation_of_benefit_procedure
        UNION ALL
         SELECT 'ExplanationOfBenefit'::text,
            explanation_of_benefit_item.explanation_of_benefit_id,
            'item.udi'::text,
            'Device'::text,
            explanation_of_benefit_item.udi_id,
            explanation_of_benefit_item.udi_display,
            explanation_of_benefit_item.udi_reference
           FROM explanation_of_benefit_item
        UNION ALL
         SELECT 'ExplanationOfBenefit'::text,
            explanation_of_benefit_item_detail.explanation_of_benefit_id,
            'item.detail.udi'::text,
            'Device'::text,
            explanation_of_benefit_item_detail.udi_id,
            explanation_of_benefit_item_detail.udi_display,
            explanation_of_benefit_item_detail.udi_reference
           FROM explanation_of_benefit_item_detail
        UNION ALL
         SELECT 'ImagingStudy'::text,
            imaging_study_series_performer.imaging_study_id,
            'series.performer.actor'::text,
            imaging_study_series_performer.actor_type,
            imaging_study_series_performer.actor_id,
            imaging_study_series_performer.actor_display,
            imaging_study_series_performer.actor_reference
           FROM imaging_study_series_performer) r
  WHERE ((r.target_id IS NOT NULL) OR (r.reference IS NOT NULL));
comment on view analytics.reference is 'What refers to what? One row a reference of any kind of record to another, over all tables; of those without a table, and of notes, the key alone is known';
comment on column analytics.reference.resource_type is 'type of the record that refers';
comment on column analytics.reference.resource_id is 'its key';
comment on column analytics.reference.element is 'the element that refers';
comment on column analytics.reference.target_type is 'type of what is referred to';
comment on column analytics.reference.target_id is 'its key; null if the reference is not resolved';
comment on column analytics.reference.display is 'what the reference calls it';
comment on column analytics.reference.reference is 'the reference as written, where the key does not say it all';

create view analytics.missing_resource as
SELECT m.resource_type,
    m.fhir_id,
    m.id AS resource_id,
    s.code AS source,
        CASE
            WHEN (m.deleted_at IS NOT NULL) THEN 'deleted'::text
            WHEN (j.fhir_id IS NOT NULL) THEN 'rejected'::text
            ELSE 'never delivered'::text
        END AS state,
    r.referred_to_by,
    r.use_count
   FROM (((( SELECT r_1.target_id,
            array_agg(DISTINCT ((r_1.resource_type || '.'::text) || r_1.element)) AS referred_to_by,
            count(*) AS use_count
           FROM ( SELECT r_2.target_id,
                    r_2.resource_type,
                    r_2.element
                   FROM (etl.resource placeholder
                     JOIN analytics.reference r_2 ON ((r_2.target_id = placeholder.id)))
                  WHERE ((placeholder.content_hash IS NULL) AND (NOT (EXISTS ( SELECT
                           FROM etl.contained_resource c
                          WHERE (c.id = placeholder.id)))))) r_1
          GROUP BY r_1.target_id) r
     JOIN etl.resource m ON ((m.id = r.target_id)))
     JOIN etl.source s ON ((s.id = m.source_id)))
     LEFT JOIN ( SELECT DISTINCT f.source_id,
            j_1.resource_type,
            j_1.fhir_id
           FROM (etl.rejected_record j_1
             JOIN etl.load_file f ON ((f.id = j_1.file_id)))
          WHERE (j_1.retried_at IS NULL)) j ON (((j.source_id = m.source_id) AND (j.resource_type = m.resource_type) AND (j.fhir_id = m.fhir_id))));
comment on view analytics.missing_resource is 'What is referred to, and is not here? One row a resource that some record names and that was never delivered, was rejected, or was deleted since';
comment on column analytics.missing_resource.resource_type is 'FHIR type of what is missing';
comment on column analytics.missing_resource.fhir_id is 'its FHIR id';
comment on column analytics.missing_resource.resource_id is 'the key that it has already, and that the columns of key hold';
comment on column analytics.missing_resource.source is 'who refers to it: the folder of the inbox';
comment on column analytics.missing_resource.state is 'never delivered | rejected | deleted';
comment on column analytics.missing_resource.referred_to_by is 'the elements that refer to it, in alphabetical order';
comment on column analytics.missing_resource.use_count is 'how many references there are to it';

create view analytics.unresolved_reference as
SELECT ((reference.resource_type || '.'::text) || reference.element) AS element,
    reference.target_type,
    reference.reference,
    min(reference.display) AS display,
    count(*) AS use_count,
    min(reference.resource_id) AS example_id
   FROM analytics.reference
  WHERE ((reference.target_id IS NULL) AND (reference.reference IS NOT NULL))
  GROUP BY ((reference.resource_type || '.'::text) || reference.element), reference.target_type, reference.reference;
comment on view analytics.unresolved_reference is 'Which references lead nowhere? One row an element and reference whose target is not known: by a number that nobody, or more than one, bears, or by an address of somewhere else, or by the id of a contained resource that is not there';
comment on column analytics.unresolved_reference.element is 'the element that refers, with its resource type';
comment on column analytics.unresolved_reference.target_type is 'type of what is meant, where it is known';
comment on column analytics.unresolved_reference.reference is 'the reference as written';
comment on column analytics.unresolved_reference.display is 'what it is called, in one of the records';
comment on column analytics.unresolved_reference.use_count is 'how many references there are';
comment on column analytics.unresolved_reference.example_id is 'key of one of the records that refer';

do $migration$
begin
  if exists (select from pg_roles where rolname = 'analyst') then
    grant select on all tables in schema analytics to analyst;
  end if;
end $migration$;
