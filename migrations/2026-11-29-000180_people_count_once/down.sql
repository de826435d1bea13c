-- The views as they were.
drop view analytics.patient_attribution;
drop view analytics.cost_per_member_month;
drop view analytics.emergency_visits_per_1000;
drop view analytics.inpatient_admission;
drop view analytics.emergency_visit;
drop view analytics.medication_adherence;
drop view analytics.medication_fill;
drop view analytics.member_months;
drop view analytics.readmission_30_day;
drop view analytics.lab_trend;
drop view etl.person_value;
drop view etl.person_dispense;
drop view etl.person_coverage;
drop view etl.person_encounter;
drop function etl.linked_records();

create view analytics.lab_trend as
WITH valued AS (
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
            v.source,
            row_number() OVER (same_time ORDER BY v.fhir_id DESC, v.component_ordinal) AS place,
            count(*) OVER same_time AS tied_count,
            min(v.value_number) OVER same_time AS lowest,
            max(v.value_number) OVER same_time AS highest,
            (min(COALESCE(v.comparator, ''::text)) OVER same_time <> max(COALESCE(v.comparator, ''::text)) OVER same_time) AS has_comparators,
            count(*) OVER (PARTITION BY v.patient_id, v.code, v.code_system, v.unit) AS value_count
           FROM analytics.observation_value v
          WHERE ((v.value_number IS NOT NULL) AND (v.code IS NOT NULL) AND (v.effective_time IS NOT NULL) AND (v.patient_id IS NOT NULL) AND (COALESCE(v.status, ''::text) <> ALL (ARRAY['entered-in-error'::text, 'cancelled'::text])))
          WINDOW same_time AS (PARTITION BY v.patient_id, v.code, v.code_system, v.unit, v.effective_time)
        ), numbered AS (
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
            v.source,
            v.place,
            v.tied_count,
            v.lowest,
            v.highest,
            v.has_comparators,
            v.value_count,
            ((v.lowest <> v.highest) OR v.has_comparators) AS is_tied,
            lead(v.value_number) OVER latest_first AS previous_value,
            lead(v.comparator) OVER latest_first AS previous_comparator,
            lead(v.effective_time) OVER latest_first AS previous_time,
            lead(v.effective_date) OVER latest_first AS previous_date,
            lead(v.tied_count) OVER latest_first AS previous_tied_count,
            lead(v.lowest) OVER latest_first AS previous_lowest,
            lead(v.highest) OVER latest_first AS previous_highest,
            lead(((v.lowest <> v.highest) OR v.has_comparators)) OVER latest_first AS is_previous_tied,
            row_number() OVER latest_first AS instant
           FROM valued v
          WHERE (v.place = 1)
          WINDOW latest_first AS (PARTITION BY v.patient_id, v.code, v.code_system, v.unit ORDER BY v.effective_time DESC)
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
            WHEN ((n.comparator IS NULL) AND (n.previous_comparator IS NULL) AND (NOT n.is_tied) AND (NOT n.is_previous_tied)) THEN (n.value_number - n.previous_value)
            ELSE NULL::numeric
        END AS change,
    (n.effective_date - n.previous_date) AS days_between,
    n.value_count,
    n.source,
    (n.is_tied OR COALESCE(n.is_previous_tied, false)) AS is_tied,
    n.tied_count AS latest_count,
    n.lowest AS latest_lowest,
    n.highest AS latest_highest,
    n.previous_tied_count AS previous_count,
    n.previous_lowest,
    n.previous_highest
   FROM (numbered n
     LEFT JOIN patient p ON ((p.id = n.patient_id)))
  WHERE (n.instant = 1);
comment on view analytics.lab_trend is 'How does a value develop? One row a patient, code and unit: the number of the latest instant, that of the instant before it, and the change. All numeric observations; filter category_code for laboratory. Values of one instant are never compared with each other: where they differ, is_tied is true, latest_lowest to previous_highest tell them, change is null, and the value shown is that with the greater FHIR id. Values entered in error, cancelled or without a time are left out';
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
comment on column analytics.lab_trend.previous_value is 'the number of the instant before; null if there is none';
comment on column analytics.lab_trend.previous_comparator is 'comparator of the number before';
comment on column analytics.lab_trend.previous_time is 'when that was observed';
comment on column analytics.lab_trend.previous_date is 'the day of that by the sender''s clock';
comment on column analytics.lab_trend.change is 'latest less previous value; null where either has a comparator, or its instant has other values, too';
comment on column analytics.lab_trend.days_between is 'days from the previous to the latest';
comment on column analytics.lab_trend.value_count is 'how many values there are';
comment on column analytics.lab_trend.source is 'who sent it: the folder of the inbox';
comment on column analytics.lab_trend.is_tied is 'true if the latest or the previous instant has several values that differ';
comment on column analytics.lab_trend.latest_count is 'how many values the latest instant has';
comment on column analytics.lab_trend.latest_lowest is 'lowest value of the latest instant';
comment on column analytics.lab_trend.latest_highest is 'highest value of the latest instant';
comment on column analytics.lab_trend.previous_count is 'how many values the previous instant has; null if there is none';
comment on column analytics.lab_trend.previous_lowest is 'lowest value of the previous instant';
comment on column analytics.lab_trend.previous_highest is 'highest value of the previous instant';

create view analytics.readmission_30_day as
WITH inpatient AS (
         SELECT e_1.id,
            e_1.patient_id,
            e_1.period_start,
            e_1.service_provider_id,
            e_1.service_provider_display,
            e_1.class_code,
            e_1.priority_code,
            e_1.discharge_disposition_code,
            (e_1.period_end IS NOT NULL) AS has_end,
            to_date("left"(e_1.period_start_text, 10), 'YYYY-MM-DD'::text) AS first_day,
            to_date("left"(COALESCE(e_1.period_end_text, e_1.period_start_text), 10), 'YYYY-MM-DD'::text) AS last_day
           FROM encounter e_1
          WHERE ((e_1.patient_id IS NOT NULL) AND (e_1.period_start IS NOT NULL) AND (e_1.container_id IS NULL) AND (e_1.class_code = ANY (ARRAY['IMP'::text, 'ACUTE'::text, 'NONAC'::text, 'inpatient'::text])) AND (COALESCE(e_1.status, ''::text) <> ALL (ARRAY['planned'::text, 'cancelled'::text, 'entered-in-error'::text])))
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
        END AS is_same_facility,
    y.code AS source
   FROM ((((next_stay s
     LEFT JOIN patient p ON ((p.id = s.patient_id)))
     JOIN encounter e ON ((e.id = s.encounter_ids[1])))
     JOIN etl.source y ON ((y.id = e.source_id)))
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
comment on column analytics.readmission_30_day.source is 'who sent it: the folder of the inbox';

create view analytics.member_months as
WITH covered AS (
         SELECT c_1.id,
            c_1.fhir_id,
            c_1.patient_id,
            c_1.source_id,
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
            c_1.source_id,
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
    c.container_id,
    s.code AS source
   FROM (((counted c
     JOIN etl.source s ON ((s.id = c.source_id)))
     LEFT JOIN patient p ON ((p.id = c.patient_id)))
     CROSS JOIN LATERAL generate_series(date_trunc('month'::text, (c.first_day)::timestamp without time zone), (LEAST(COALESCE(c.last_day, CURRENT_DATE), CURRENT_DATE))::timestamp without time zone, '1 mon'::interval) m(month))
  WHERE (((c.last_day IS NULL) OR (c.last_day >= c.first_day)) AND ((c.container_id IS NULL) OR (c.place = 1)));
comment on view analytics.member_months is 'How many people did each payer cover in each month? One row a coverage and calendar month of which it covers a day, up to the current month; count distinct patient_id a month, or add up covered_days / month_days. Coverages without a start, drafts, those entered in error, and cancelled ones without an end are left out; of contained coverages that say the same one counts, and none beside one that is not contained';
comment on column analytics.member_months.patient_id is 'key of the patient';
comment on column analytics.member_months.patient_fhir_id is 'FHIR id of the patient; null if the patient was never delivered';
comment on column analytics.member_months.coverage_id is 'key of the coverage; a person may have several in a month';
comment on column analytics.member_months.fhir_id is 'FHIR id of the coverage';
comment on column analytics.member_months.payer_name is 'first payer: name of the organization, else as the coverage displays it';
comment on column analytics.member_months.plan_name is 'what the payer calls the plan';
comment on column analytics.member_months.group_number is 'number of the group';
comment on column analytics.member_months.type_code is 'type of the coverage';
comment on column analytics.member_months.month is 'first day of the month';
comment on column analytics.member_months.covered_days is 'days of the month that are covered; of the current month those to its end, or the coverage''s';
comment on column analytics.member_months.month_days is 'days of the month';
comment on column analytics.member_months.container_id is 'key of the resource that contains the coverage; null for most. The patient may be contained in it, too: one person is then another patient in every container';
comment on column analytics.member_months.source is 'who sent it: the folder of the inbox';

create view analytics.medication_fill as
WITH fill AS (
         SELECT d.id,
            d.fhir_id,
            d.source_id,
            d.patient_id,
            d.authorizing_prescription_id,
                CASE
                    WHEN (d.medication_code IS NULL) THEN m.code_system
                    ELSE d.medication_system
                END AS code_system,
            COALESCE(d.medication_code, m.code) AS code,
            COALESCE(d.medication_text, d.medication_display, m.code_text, m.code_display, d.medication_code, m.code) AS medication,
            to_date("left"(COALESCE(d.when_handed_over_text, d.when_prepared_text), 10), 'YYYY-MM-DD'::text) AS fill_date,
            (
                CASE
                    WHEN ((d.days_supply_value >= 0.001) AND (d.days_supply_value <= (3660)::numeric)) THEN
                    CASE
                        WHEN (lower(COALESCE(d.days_supply_code, d.days_supply_unit, 'd'::text)) = ANY (ARRAY['d'::text, 'day'::text, 'days'::text])) THEN ceil(d.days_supply_value)
                        WHEN (lower(COALESCE(d.days_supply_code, d.days_supply_unit)) = ANY (ARRAY['wk'::text, 'week'::text, 'weeks'::text])) THEN ceil((d.days_supply_value * (7)::numeric))
                        WHEN (lower(COALESCE(d.days_supply_code, d.days_supply_unit)) = ANY (ARRAY['mo'::text, 'month'::text, 'months'::text])) THEN ceil((d.days_supply_value * (30)::numeric))
                        ELSE NULL::numeric
                    END
                    ELSE NULL::numeric
                END)::integer AS days_supply,
            d.quantity_value AS quantity,
            COALESCE(d.quantity_unit, d.quantity_code) AS quantity_unit
           FROM (medication_dispense d
             LEFT JOIN medication m ON ((m.id = d.medication_id)))
          WHERE ((d.container_id IS NULL) AND (COALESCE(d.status, 'unknown'::text) = ANY (ARRAY['completed'::text, 'unknown'::text])))
        ), supplied AS (
         SELECT f.id,
            f.fhir_id,
            f.source_id,
            f.patient_id,
            f.authorizing_prescription_id,
            f.code_system,
            f.code,
            f.medication,
            f.fill_date,
            f.days_supply,
            f.quantity,
            f.quantity_unit,
            sum(COALESCE(f.days_supply, 0)) OVER by_date AS supply_so_far
           FROM fill f
          WINDOW by_date AS (PARTITION BY f.patient_id, f.code_system, COALESCE(f.code, f.medication) ORDER BY f.fill_date, f.id)
        ), shifted AS (
         SELECT s_1.id,
            s_1.fhir_id,
            s_1.source_id,
            s_1.patient_id,
            s_1.authorizing_prescription_id,
            s_1.code_system,
            s_1.code,
            s_1.medication,
            s_1.fill_date,
            s_1.days_supply,
            s_1.quantity,
            s_1.quantity_unit,
            s_1.supply_so_far,
            ((max((s_1.fill_date - ((s_1.supply_so_far - COALESCE(s_1.days_supply, 0)))::integer)) OVER by_date + (s_1.supply_so_far)::integer) - 1) AS last_day
           FROM supplied s_1
          WINDOW by_date AS (PARTITION BY s_1.patient_id, s_1.code_system, COALESCE(s_1.code, s_1.medication) ORDER BY s_1.fill_date, s_1.id)
        )
 SELECT c.code AS source,
    s.patient_id,
    s.id AS medication_dispense_id,
    s.fhir_id,
    s.authorizing_prescription_id AS medication_request_id,
    s.code_system,
    s.code,
    s.medication,
    s.fill_date,
    s.days_supply,
    s.quantity,
    s.quantity_unit,
        CASE
            WHEN (s.days_supply IS NOT NULL) THEN ((s.last_day - s.days_supply) + 1)
            ELSE NULL::date
        END AS covered_from_date,
        CASE
            WHEN (s.days_supply IS NOT NULL) THEN s.last_day
            ELSE NULL::date
        END AS covered_to_date
   FROM (shifted s
     JOIN etl.source c ON ((c.id = s.source_id)));
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
WITH grouped AS (
         SELECT f.source,
            f.patient_id,
            'drug'::text AS grouped_by,
            f.code_system,
            COALESCE(f.code, f.medication) AS code,
            f.medication,
            f.fill_date,
            f.days_supply,
            f.covered_from_date,
            f.covered_to_date
           FROM analytics.medication_fill f
          WHERE ((f.covered_from_date IS NOT NULL) AND (COALESCE(f.code, f.medication) IS NOT NULL))
        UNION ALL
         SELECT f.source,
            f.patient_id,
            'class'::text,
            NULL::text,
            d.class,
            d.class,
            f.fill_date,
            f.days_supply,
            f.covered_from_date,
            f.covered_to_date
           FROM (analytics.medication_fill f
             JOIN etl.drug_class d ON (((d.system = f.code_system) AND (d.code = f.code))))
          WHERE (f.covered_from_date IS NOT NULL)
        ), supply AS (
         SELECT g.patient_id,
            g.grouped_by,
            g.code_system,
            g.code,
            range_agg(daterange(g.covered_from_date, g.covered_to_date, '[]'::text)) AS days
           FROM grouped g
          GROUP BY g.patient_id, g.grouped_by, g.code_system, g.code
        ), in_year AS (
         SELECT g.source,
            g.patient_id,
            g.grouped_by,
            g.code_system,
            g.code,
            (EXTRACT(year FROM g.fill_date))::integer AS year,
            min(g.medication) AS medication,
            min(g.fill_date) AS first_fill_date,
            count(*) AS fill_count,
            sum(g.days_supply) AS supplied_days
           FROM grouped g
          GROUP BY g.source, g.patient_id, g.grouped_by, g.code_system, g.code, (EXTRACT(year FROM g.fill_date))
        ), period AS (
         SELECT y.source,
            y.patient_id,
            y.grouped_by,
            y.code_system,
            y.code,
            y.year,
            y.medication,
            y.first_fill_date,
            y.fill_count,
            y.supplied_days,
            s.days,
            LEAST(make_date(y.year, 12, 31), GREATEST(CURRENT_DATE, y.first_fill_date),
                CASE
                    WHEN (p.deceased_date_time IS NOT NULL) THEN GREATEST(to_date("left"(p.deceased_date_time_text, 10), 'YYYY-MM-DD'::text), y.first_fill_date)
                    ELSE NULL::date
                END) AS period_end_date,
            COALESCE(i.days, '{}'::datemultirange) AS inpatient
           FROM (((in_year y
             JOIN supply s ON (((s.patient_id = y.patient_id) AND (s.grouped_by = y.grouped_by) AND (s.code = y.code) AND (NOT (s.code_system IS DISTINCT FROM y.code_system)))))
             LEFT JOIN patient p ON ((p.id = y.patient_id)))
             LEFT JOIN LATERAL ( SELECT range_agg(daterange(to_date("left"(e.period_start_text, 10), 'YYYY-MM-DD'::text), to_date("left"(e.period_end_text, 10), 'YYYY-MM-DD'::text))) AS days
                   FROM encounter e
                  WHERE ((e.patient_id = y.patient_id) AND (e.container_id IS NULL) AND (e.class_code = ANY (ARRAY['IMP'::text, 'ACUTE'::text, 'NONAC'::text, 'inpatient'::text])) AND (COALESCE(e.status, ''::text) <> ALL (ARRAY['planned'::text, 'cancelled'::text, 'entered-in-error'::text])) AND (to_date("left"(e.period_end_text, 10), 'YYYY-MM-DD'::text) > to_date("left"(e.period_start_text, 10), 'YYYY-MM-DD'::text)))) i ON (true))
        ), counted AS (
         SELECT p.source,
            p.patient_id,
            p.grouped_by,
            p.code_system,
            p.code,
            p.year,
            p.medication,
            p.first_fill_date,
            p.fill_count,
            p.supplied_days,
            p.days,
            p.period_end_date,
            p.inpatient,
            ( SELECT COALESCE(sum((upper(d.d) - lower(d.d))), (0)::bigint) AS "coalesce"
                   FROM unnest((datemultirange(daterange(p.first_fill_date, p.period_end_date, '[]'::text)) - p.inpatient)) d(d)) AS period_days,
            ( SELECT COALESCE(sum((upper(d.d) - lower(d.d))), (0)::bigint) AS "coalesce"
                   FROM unnest((datemultirange(daterange(p.first_fill_date, p.period_end_date, '[]'::text)) * p.inpatient)) d(d)) AS inpatient_days,
            ( SELECT COALESCE(sum((upper(d.d) - lower(d.d))), (0)::bigint) AS "coalesce"
                   FROM unnest(((datemultirange(daterange(p.first_fill_date, p.period_end_date, '[]'::text)) - p.inpatient) * p.days)) d(d)) AS covered_days
           FROM period p
        )
 SELECT c.source,
    c.patient_id,
    c.grouped_by,
    c.code_system,
    c.code,
    c.medication,
    c.year,
    c.first_fill_date,
    c.period_end_date,
    c.fill_count,
    c.supplied_days,
    c.period_days,
    c.inpatient_days,
    c.covered_days,
    round(((c.covered_days)::numeric / (NULLIF(c.period_days, 0))::numeric), 4) AS proportion_covered,
    ((c.covered_days)::numeric >= (0.8 * (NULLIF(c.period_days, 0))::numeric)) AS is_adherent
   FROM counted c;
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

create view analytics.emergency_visit as
WITH emergency AS (
         SELECT e_1.id,
            e_1.source_id,
            e_1.patient_id,
            e_1.service_provider_id,
            e_1.service_provider_display,
            e_1.class_code,
            e_1.period_start,
            to_date("left"(e_1.period_start_text, 10), 'YYYY-MM-DD'::text) AS visit_date,
            to_date("left"(COALESCE(e_1.period_end_text, e_1.period_start_text), 10), 'YYYY-MM-DD'::text) AS last_day
           FROM encounter e_1
          WHERE ((e_1.container_id IS NULL) AND (e_1.period_start IS NOT NULL) AND (COALESCE(e_1.status, ''::text) <> ALL (ARRAY['planned'::text, 'cancelled'::text, 'entered-in-error'::text])) AND ((e_1.class_code = ANY (ARRAY['EMER'::text, 'emergency'::text])) OR (EXISTS ( SELECT
                   FROM encounter_class_history h
                  WHERE ((h.encounter_id = e_1.id) AND (h.class_code = ANY (ARRAY['EMER'::text, 'emergency'::text])))))))
        ), by_day AS (
         SELECT e_1.source_id,
            e_1.patient_id,
            COALESCE(e_1.patient_id, (- e_1.id)) AS person,
            e_1.visit_date,
            count(*) AS encounter_count,
            (array_agg(e_1.id ORDER BY e_1.period_start, e_1.id))[1] AS encounter_id,
            max(e_1.last_day) AS last_day,
            (array_agg(e_1.id ORDER BY e_1.period_start, e_1.id) FILTER (WHERE (e_1.class_code <> ALL (ARRAY['EMER'::text, 'emergency'::text]))))[1] AS became_inpatient_id
           FROM emergency e_1
          GROUP BY e_1.source_id, e_1.patient_id, COALESCE(e_1.patient_id, (- e_1.id)), e_1.visit_date
        )
 SELECT c.code AS source,
    d.patient_id,
    d.encounter_id,
    d.visit_date,
    d.encounter_count,
    COALESCE(o.name, e.service_provider_display) AS facility,
    (COALESCE(d.became_inpatient_id, a.id) IS NOT NULL) AS is_admitted,
    COALESCE(d.became_inpatient_id, a.id) AS inpatient_encounter_id
   FROM ((((by_day d
     JOIN etl.source c ON ((c.id = d.source_id)))
     JOIN encounter e ON ((e.id = d.encounter_id)))
     LEFT JOIN organization o ON ((o.id = e.service_provider_id)))
     LEFT JOIN LATERAL ( SELECT i.id
           FROM encounter i
          WHERE ((i.patient_id = d.patient_id) AND (i.container_id IS NULL) AND (i.class_code = ANY (ARRAY['IMP'::text, 'ACUTE'::text, 'NONAC'::text, 'inpatient'::text])) AND (COALESCE(i.status, ''::text) <> ALL (ARRAY['planned'::text, 'cancelled'::text, 'entered-in-error'::text])) AND (i.period_start >= e.period_start) AND ((to_date("left"(i.period_start_text, 10), 'YYYY-MM-DD'::text) >= d.visit_date) AND (to_date("left"(i.period_start_text, 10), 'YYYY-MM-DD'::text) <= (d.last_day + 1))))
          ORDER BY i.period_start, i.id
         LIMIT 1) a ON (true));
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
WITH inpatient AS (
         SELECT e.id,
            e.source_id,
            e.patient_id,
            e.period_start,
            e.service_provider_id,
            e.service_provider_display,
            e.status,
            e.admit_source_code,
            e.admit_source_display,
            e.discharge_disposition_code,
            e.priority_code,
            to_date("left"(e.period_start_text, 10), 'YYYY-MM-DD'::text) AS first_day,
            to_date("left"(e.period_end_text, 10), 'YYYY-MM-DD'::text) AS last_day
           FROM encounter e
          WHERE ((e.container_id IS NULL) AND (e.period_start IS NOT NULL) AND (e.class_code = ANY (ARRAY['IMP'::text, 'ACUTE'::text, 'NONAC'::text, 'inpatient'::text])) AND (COALESCE(e.status, ''::text) <> ALL (ARRAY['planned'::text, 'cancelled'::text, 'entered-in-error'::text])))
        ), followed AS (
         SELECT i.id,
            i.source_id,
            i.patient_id,
            i.period_start,
            i.service_provider_id,
            i.service_provider_display,
            i.status,
            i.admit_source_code,
            i.admit_source_display,
            i.discharge_disposition_code,
            i.priority_code,
            i.first_day,
            i.last_day,
            max(COALESCE(i.last_day, i.first_day)) OVER before AS stayed_until,
            lag(i.service_provider_id) OVER (PARTITION BY i.patient_id, COALESCE(i.patient_id, (- i.id)) ORDER BY i.period_start, i.id) AS left_provider_id
           FROM inpatient i
          WINDOW before AS (PARTITION BY i.patient_id, COALESCE(i.patient_id, (- i.id)) ORDER BY i.period_start, i.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
        )
 SELECT c.code AS source,
    f.patient_id,
    f.id AS encounter_id,
    f.first_day AS admission_date,
    f.last_day AS discharge_date,
    COALESCE(o.name, f.service_provider_display) AS facility,
    COALESCE(f.admit_source_display, f.admit_source_code) AS admit_source,
    (f.priority_code = 'EL'::text) AS is_planned,
    (COALESCE((f.admit_source_code = ANY (ARRAY['emd'::text, '7'::text])), false) OR (h.encounter_id IS NOT NULL) OR (v.id IS NOT NULL)) AS is_through_emergency,
        CASE
            WHEN (f.admit_source_code = ANY (ARRAY['emd'::text, '7'::text])) THEN 'admit source'::text
            WHEN (h.encounter_id IS NOT NULL) THEN 'class history'::text
            WHEN (v.id IS NOT NULL) THEN 'emergency visit'::text
            ELSE NULL::text
        END AS evidence,
    COALESCE(v.id, h.encounter_id) AS emergency_encounter_id,
    f.discharge_disposition_code
   FROM ((((followed f
     JOIN etl.source c ON ((c.id = f.source_id)))
     LEFT JOIN organization o ON ((o.id = f.service_provider_id)))
     LEFT JOIN LATERAL ( SELECT h_1.encounter_id
           FROM encounter_class_history h_1
          WHERE ((h_1.encounter_id = f.id) AND (h_1.class_code = ANY (ARRAY['EMER'::text, 'emergency'::text])))
         LIMIT 1) h ON (true))
     LEFT JOIN LATERAL ( SELECT v_1.id
           FROM encounter v_1
          WHERE ((v_1.patient_id = f.patient_id) AND (v_1.container_id IS NULL) AND (v_1.class_code = ANY (ARRAY['EMER'::text, 'emergency'::text])) AND (COALESCE(v_1.status, ''::text) <> ALL (ARRAY['planned'::text, 'cancelled'::text, 'entered-in-error'::text])) AND (v_1.period_start <= f.period_start) AND (to_date("left"(COALESCE(v_1.period_end_text, v_1.period_start_text), 10), 'YYYY-MM-DD'::text) >= (f.first_day - 1)))
          ORDER BY v_1.period_start DESC, v_1.id DESC
         LIMIT 1) v ON (true))
  WHERE ((f.stayed_until IS NULL) OR (f.first_day > (f.stayed_until + (((f.service_provider_id IS DISTINCT FROM f.left_provider_id) AND (f.service_provider_id IS NOT NULL) AND (f.left_provider_id IS NOT NULL)))::integer)));
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

create view analytics.emergency_visits_per_1000 as
WITH member AS (
         SELECT c.source_id,
            m.patient_id,
            m.month,
            LEAST(((sum(m.covered_days))::numeric / (m.month_days)::numeric), (1)::numeric) AS share
           FROM (analytics.member_months m
             JOIN coverage c ON ((c.id = m.coverage_id)))
          WHERE (m.patient_id IS NOT NULL)
          GROUP BY c.source_id, m.patient_id, m.month, m.month_days
        ), part AS (
         SELECT s.code AS source,
            m.month,
            1 AS members,
            m.share,
            0 AS visits,
            0 AS admitted,
            0 AS others
           FROM (member m
             JOIN etl.source s ON ((s.id = m.source_id)))
        UNION ALL
         SELECT v.source,
            (date_trunc('month'::text, (v.visit_date)::timestamp with time zone))::date AS date_trunc,
            0,
            0,
            ((m.patient_id IS NOT NULL))::integer AS int4,
            (((m.patient_id IS NOT NULL) AND v.is_admitted))::integer AS int4,
            ((m.patient_id IS NULL))::integer AS int4
           FROM (analytics.emergency_visit v
             LEFT JOIN member m ON (((m.patient_id = v.patient_id) AND (m.month = (date_trunc('month'::text, (v.visit_date)::timestamp with time zone))::date))))
        )
 SELECT p.source,
    p.month,
    sum(p.members) AS members,
    round(sum(p.share), 2) AS member_months,
    sum(p.visits) AS visits,
    sum(p.admitted) AS admitted_visits,
    sum(p.others) AS visits_without_coverage,
    round((((12000 * sum(p.visits)))::numeric / NULLIF(sum(p.share), (0)::numeric)), 1) AS visits_per_1000,
    round((((12000 * (sum(p.visits) - sum(p.admitted))))::numeric / NULLIF(sum(p.share), (0)::numeric)), 1) AS outpatient_visits_per_1000
   FROM part p
  GROUP BY p.source, p.month;
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
WITH member AS (
         SELECT c.source_id,
            m.patient_id,
            COALESCE(m.payer_name, ''::text) AS payer_name,
            m.month,
            LEAST(((sum(m.covered_days))::numeric / (m.month_days)::numeric), (1)::numeric) AS share
           FROM (analytics.member_months m
             JOIN coverage c ON ((c.id = m.coverage_id)))
          GROUP BY c.source_id, m.patient_id, COALESCE(m.payer_name, ''::text), m.month, m.month_days
        ), cost AS (
         SELECT e.source_id,
            f.patient_id,
            COALESCE(f.payer_name, ''::text) AS payer_name,
            (date_trunc('month'::text, (f.service_date)::timestamp with time zone))::date AS month,
            f.billed_amount,
            f.allowed_amount,
            f.paid_amount,
            f.currency,
            f.has_several_currencies
           FROM (analytics.claim_financials f
             JOIN explanation_of_benefit e ON ((e.id = f.explanation_of_benefit_id)))
          WHERE ((e.container_id IS NULL) AND (f.status = 'active'::text) AND (COALESCE(e.use, 'claim'::text) = 'claim'::text) AND (f.service_date IS NOT NULL))
        ), part AS (
         SELECT m.source_id,
            m.payer_name,
            m.month,
            1 AS members,
            m.share,
            0 AS claims,
            NULL::numeric AS billed,
            NULL::numeric AS allowed,
            NULL::numeric AS paid,
            NULL::numeric AS paid_outside,
            NULL::text AS currency,
            false AS is_mixed
           FROM member m
        UNION ALL
         SELECT k.source_id,
            k.payer_name,
            k.month,
            0,
            0,
            ((m.patient_id IS NOT NULL))::integer AS int4,
                CASE
                    WHEN (m.patient_id IS NOT NULL) THEN k.billed_amount
                    ELSE NULL::numeric
                END AS "case",
                CASE
                    WHEN (m.patient_id IS NOT NULL) THEN k.allowed_amount
                    ELSE NULL::numeric
                END AS "case",
                CASE
                    WHEN (m.patient_id IS NOT NULL) THEN k.paid_amount
                    ELSE NULL::numeric
                END AS "case",
                CASE
                    WHEN (m.patient_id IS NULL) THEN k.paid_amount
                    ELSE NULL::numeric
                END AS "case",
            k.currency,
            k.has_several_currencies
           FROM (cost k
             LEFT JOIN member m ON (((m.patient_id = k.patient_id) AND (m.month = k.month) AND (m.payer_name = k.payer_name))))
        ), summed AS (
         SELECT p.source_id,
            p.payer_name,
            p.month,
            sum(p.members) AS members,
            sum(p.share) AS member_months,
            sum(p.claims) AS claims,
            sum(p.billed) AS billed,
            sum(p.allowed) AS allowed,
            sum(p.paid) AS paid,
            sum(p.paid_outside) AS paid_outside,
            min(p.currency) AS currency,
            (bool_or(p.is_mixed) OR COALESCE((min(p.currency) <> max(p.currency)), false)) AS is_mixed
           FROM part p
          GROUP BY p.source_id, p.payer_name, p.month
        )
 SELECT s.code AS source,
    NULLIF(t.payer_name, ''::text) AS payer_name,
    t.month,
    t.members,
    round(t.member_months, 2) AS member_months,
    t.claims,
        CASE
            WHEN (NOT t.is_mixed) THEN COALESCE(t.billed, (0)::numeric)
            ELSE NULL::numeric
        END AS billed_amount,
        CASE
            WHEN (NOT t.is_mixed) THEN t.allowed
            ELSE NULL::numeric
        END AS allowed_amount,
        CASE
            WHEN (NOT t.is_mixed) THEN COALESCE(t.paid, (0)::numeric)
            ELSE NULL::numeric
        END AS paid_amount,
        CASE
            WHEN (NOT t.is_mixed) THEN COALESCE(t.paid_outside, (0)::numeric)
            ELSE NULL::numeric
        END AS paid_amount_without_coverage,
        CASE
            WHEN (NOT t.is_mixed) THEN t.currency
            ELSE NULL::text
        END AS currency,
        CASE
            WHEN (NOT t.is_mixed) THEN round((COALESCE(t.paid, (0)::numeric) / NULLIF(t.member_months, (0)::numeric)), 2)
            ELSE NULL::numeric
        END AS paid_per_member_month,
        CASE
            WHEN (NOT t.is_mixed) THEN round((t.allowed / NULLIF(t.member_months, (0)::numeric)), 2)
            ELSE NULL::numeric
        END AS allowed_per_member_month,
    t.is_mixed AS has_several_currencies
   FROM (summed t
     JOIN etl.source s ON ((s.id = t.source_id)));
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

create view analytics.patient_attribution as
WITH visit AS (
         SELECT e.patient_id,
            e.id,
            e.period_start,
            to_date("left"(e.period_start_text, 10), 'YYYY-MM-DD'::text) AS visit_date,
            x.practitioner_id,
            max(e.period_start) OVER (PARTITION BY e.patient_id) AS last_visit
           FROM (encounter e
             JOIN LATERAL ( SELECT x_1.practitioner_id
                   FROM encounter_participant x_1
                  WHERE ((x_1.encounter_id = e.id) AND (x_1.practitioner_id IS NOT NULL))
                  ORDER BY (x_1.type_code = ANY (ARRAY['PPRF'::text, 'ATND'::text])) DESC NULLS LAST, x_1.ordinal
                 LIMIT 1) x ON (true))
          WHERE ((e.patient_id IS NOT NULL) AND (e.period_start IS NOT NULL) AND (e.container_id IS NULL) AND (COALESCE(e.class_code, 'AMB'::text) <> ALL (ARRAY['IMP'::text, 'ACUTE'::text, 'NONAC'::text, 'inpatient'::text, 'EMER'::text, 'emergency'::text, 'OBSENC'::text, 'PRENC'::text, 'SS'::text])) AND (COALESCE(e.status, ''::text) <> ALL (ARRAY['planned'::text, 'cancelled'::text, 'entered-in-error'::text])))
        ), seen AS (
         SELECT v.patient_id,
            v.practitioner_id,
            count(*) AS visit_count,
            max(v.visit_date) AS last_visit_date,
            row_number() OVER (PARTITION BY v.patient_id ORDER BY (count(*)) DESC, (max(v.period_start)) DESC, v.practitioner_id) AS place
           FROM visit v
          WHERE (v.period_start > (v.last_visit - '2 years'::interval))
          GROUP BY v.patient_id, v.practitioner_id
        ), named AS (
         SELECT p.id AS patient_id,
            p.source_id,
            ( SELECT COALESCE(r.practitioner_id,
                        CASE
                            WHEN (g.target_type = 'Practitioner'::text) THEN g.target_id
                            ELSE NULL::bigint
                        END) AS "coalesce"
                   FROM (resource_reference g
                     LEFT JOIN practitioner_role r ON (((g.target_type = 'PractitionerRole'::text) AND (r.id = g.target_id))))
                  WHERE ((g.resource_type = 'Patient'::text) AND (g.resource_id = p.id) AND (g.element = 'generalPractitioner'::text) AND (COALESCE(r.practitioner_id,
                        CASE
                            WHEN (g.target_type = 'Practitioner'::text) THEN g.target_id
                            ELSE NULL::bigint
                        END) IS NOT NULL))
                  ORDER BY g.ordinal
                 LIMIT 1) AS general_practitioner_id
           FROM patient p
          WHERE (p.container_id IS NULL)
        )
 SELECT c.code AS source,
    n.patient_id,
    COALESCE(n.general_practitioner_id, s.practitioner_id) AS practitioner_id,
    COALESCE(d.name_text, NULLIF(concat_ws(' '::text, array_to_string(d.name_prefix, ' '::text), array_to_string(d.name_given, ' '::text), d.name_family), ''::text)) AS practitioner,
    d.npi,
        CASE
            WHEN (n.general_practitioner_id IS NOT NULL) THEN 'general practitioner'::text
            WHEN (s.practitioner_id IS NOT NULL) THEN 'most visits'::text
            ELSE NULL::text
        END AS method,
    n.general_practitioner_id,
    s.practitioner_id AS most_seen_practitioner_id,
    s.visit_count AS most_seen_visit_count,
    s.last_visit_date AS most_seen_last_visit_date
   FROM (((named n
     JOIN etl.source c ON ((c.id = n.source_id)))
     LEFT JOIN seen s ON (((s.patient_id = n.patient_id) AND (s.place = 1))))
     LEFT JOIN practitioner d ON ((d.id = COALESCE(n.general_practitioner_id, s.practitioner_id))));
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

do $migration$
begin
  if exists (select from pg_roles where rolname = 'analyst') then
    grant select on all tables in schema analytics to analyst;
  end if;
end $migration$;
