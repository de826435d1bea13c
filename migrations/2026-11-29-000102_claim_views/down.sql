-- The views as they were: without the columns that were added.
drop view analytics.claim_financials;
drop view analytics.eob_line;
drop view analytics.eob_amount;

create view analytics.eob_amount as
SELECT a.explanation_of_benefit_id,
    a.ordinal,
    a.level,
    a.item_ordinal,
        CASE LEAST(any_first.rank, first.rank, any_next.rank, next.rank, other.rank)
            WHEN any_first.rank THEN any_first.measure
            WHEN first.rank THEN first.measure
            WHEN any_next.rank THEN any_next.measure
            WHEN next.rank THEN next.measure
            ELSE other.measure
        END AS measure,
    LEAST(any_first.rank, first.rank, any_next.rank, next.rank, other.rank) AS rank,
    a.amount_value AS amount,
    a.amount_currency AS currency,
    a.detail_ordinal,
    a.sub_detail_ordinal
   FROM (((((( SELECT explanation_of_benefit_adjudication.explanation_of_benefit_id,
            explanation_of_benefit_adjudication.ordinal,
            explanation_of_benefit_adjudication.level,
            explanation_of_benefit_adjudication.item_ordinal,
            explanation_of_benefit_adjudication.detail_ordinal,
            explanation_of_benefit_adjudication.sub_detail_ordinal,
            explanation_of_benefit_adjudication.category_system,
            explanation_of_benefit_adjudication.category_code,
            explanation_of_benefit_adjudication.category_alt_system,
            explanation_of_benefit_adjudication.category_alt_code,
            explanation_of_benefit_adjudication.amount_value,
            explanation_of_benefit_adjudication.amount_currency,
                CASE
                    WHEN (explanation_of_benefit_adjudication.category_other_codings IS NOT NULL) THEN ( SELECT ARRAY[m.system, m.code] AS "array"
                       FROM (unnest(explanation_of_benefit_adjudication.category_other_codings) WITH ORDINALITY c(coding, "position")
                         JOIN etl.code_map m ON ((((m.system = '*'::text) OR (m.system = COALESCE(NULLIF(split_part(c.coding, '|'::text, 1), ''::text), 'http://terminology.hl7.org/CodeSystem/adjudication'::text))) AND (m.code = split_part(split_part(c.coding, '|'::text, '-1'::integer), '/'::text, '-1'::integer)))))
                      ORDER BY m.rank, c."position"
                     LIMIT 1)
                    ELSE NULL::text[]
                END AS other_key
           FROM explanation_of_benefit_adjudication
        UNION ALL
         SELECT explanation_of_benefit_total.explanation_of_benefit_id,
            explanation_of_benefit_total.ordinal,
            'total'::text AS text,
            NULL::integer AS int4,
            NULL::integer AS int4,
            NULL::integer AS int4,
            explanation_of_benefit_total.category_system,
            explanation_of_benefit_total.category_code,
            explanation_of_benefit_total.category_alt_system,
            explanation_of_benefit_total.category_alt_code,
            explanation_of_benefit_total.amount_value,
            explanation_of_benefit_total.amount_currency,
                CASE
                    WHEN (explanation_of_benefit_total.category_other_codings IS NOT NULL) THEN ( SELECT ARRAY[m.system, m.code] AS "array"
                       FROM (unnest(explanation_of_benefit_total.category_other_codings) WITH ORDINALITY c(coding, "position")
                         JOIN etl.code_map m ON ((((m.system = '*'::text) OR (m.system = COALESCE(NULLIF(split_part(c.coding, '|'::text, 1), ''::text), 'http://terminology.hl7.org/CodeSystem/adjudication'::text))) AND (m.code = split_part(split_part(c.coding, '|'::text, '-1'::integer), '/'::text, '-1'::integer)))))
                      ORDER BY m.rank, c."position"
                     LIMIT 1)
                    ELSE NULL::text[]
                END AS other_key
           FROM explanation_of_benefit_total) a
     LEFT JOIN etl.code_map any_first ON (((any_first.system = '*'::text) AND (any_first.code = split_part(a.category_code, '/'::text, '-1'::integer)))))
     LEFT JOIN etl.code_map first ON (((first.system = COALESCE(a.category_system, 'http://terminology.hl7.org/CodeSystem/adjudication'::text)) AND (first.code = split_part(a.category_code, '/'::text, '-1'::integer)))))
     LEFT JOIN etl.code_map any_next ON (((any_next.system = '*'::text) AND (any_next.code = split_part(a.category_alt_code, '/'::text, '-1'::integer)))))
     LEFT JOIN etl.code_map next ON (((next.system = COALESCE(a.category_alt_system, 'http://terminology.hl7.org/CodeSystem/adjudication'::text)) AND (next.code = split_part(a.category_alt_code, '/'::text, '-1'::integer)))))
     LEFT JOIN etl.code_map other ON (((other.system = a.other_key[1]) AND (other.code = a.other_key[2]))))
  WHERE (a.amount_value IS NOT NULL);
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

create view analytics.eob_line as
WITH line AS (
         SELECT e_1.id,
            e_1.patient_id,
            'item'::text AS level,
            i.ordinal
           FROM (explanation_of_benefit e_1
             JOIN explanation_of_benefit_item i ON ((i.explanation_of_benefit_id = e_1.id)))
        UNION ALL
         SELECT e_1.id,
            e_1.patient_id,
            'add_item'::text,
            i.ordinal
           FROM (explanation_of_benefit e_1
             JOIN explanation_of_benefit_add_item i ON ((i.explanation_of_benefit_id = e_1.id)))
        ), part AS (
         SELECT l.id,
            l.patient_id,
            l.level,
            l.ordinal,
            a.detail_ordinal,
            a.sub_detail_ordinal,
            a.measure,
                CASE
                    WHEN (a.measure = ANY (ARRAY['coinsurance_amount'::text, 'copayment_amount'::text, 'deductible_amount'::text, 'noncovered_amount'::text, 'discount_amount'::text, 'patient_paid_amount'::text, 'prior_payer_paid_amount'::text])) THEN sum(a.amount)
                    ELSE (min(ARRAY[(a.rank)::numeric, (a.ordinal)::numeric, a.amount]))[3]
                END AS amount,
            min(a.currency) FILTER (WHERE (a.measure <> '-'::text)) AS lowest_currency,
            max(a.currency) FILTER (WHERE (a.measure <> '-'::text)) AS highest_currency
           FROM (line l
             LEFT JOIN analytics.eob_amount a ON (((a.explanation_of_benefit_id = l.id) AND (a.item_ordinal = l.ordinal) AND ((a.level = 'add_item'::text) = (l.level = 'add_item'::text)) AND (a.level <> ALL (ARRAY['header'::text, 'total'::text])))))
          GROUP BY l.id, l.patient_id, l.level, l.ordinal, a.detail_ordinal, a.sub_detail_ordinal, a.measure
        ), detail AS (
         SELECT p_1.id,
            p_1.patient_id,
            p_1.level,
            p_1.ordinal,
            p_1.detail_ordinal,
            p_1.measure,
            COALESCE(sum(p_1.amount) FILTER (WHERE (p_1.sub_detail_ordinal IS NULL)), sum(p_1.amount)) AS amount,
            min(p_1.lowest_currency) AS lowest_currency,
            max(p_1.highest_currency) AS highest_currency
           FROM part p_1
          GROUP BY p_1.id, p_1.patient_id, p_1.level, p_1.ordinal, p_1.detail_ordinal, p_1.measure
        ), amounts AS (
         SELECT d.id,
            d.patient_id,
            d.level,
            d.ordinal,
            COALESCE(sum(d.amount) FILTER (WHERE ((d.measure = 'charge_amount'::text) AND (d.detail_ordinal IS NULL))), sum(d.amount) FILTER (WHERE (d.measure = 'charge_amount'::text))) AS charge_amount,
            COALESCE(sum(d.amount) FILTER (WHERE ((d.measure = 'allowed_amount'::text) AND (d.detail_ordinal IS NULL))), sum(d.amount) FILTER (WHERE (d.measure = 'allowed_amount'::text))) AS allowed_amount,
            COALESCE(sum(d.amount) FILTER (WHERE ((d.measure = 'paid_amount'::text) AND (d.detail_ordinal IS NULL))), sum(d.amount) FILTER (WHERE (d.measure = 'paid_amount'::text))) AS paid_amount,
            COALESCE(sum(d.amount) FILTER (WHERE ((d.measure = 'coinsurance_amount'::text) AND (d.detail_ordinal IS NULL))), sum(d.amount) FILTER (WHERE (d.measure = 'coinsurance_amount'::text))) AS coinsurance_amount,
            COALESCE(sum(d.amount) FILTER (WHERE ((d.measure = 'copayment_amount'::text) AND (d.detail_ordinal IS NULL))), sum(d.amount) FILTER (WHERE (d.measure = 'copayment_amount'::text))) AS copayment_amount,
            COALESCE(sum(d.amount) FILTER (WHERE ((d.measure = 'deductible_amount'::text) AND (d.detail_ordinal IS NULL))), sum(d.amount) FILTER (WHERE (d.measure = 'deductible_amount'::text))) AS deductible_amount,
            COALESCE(sum(d.amount) FILTER (WHERE ((d.measure = 'noncovered_amount'::text) AND (d.detail_ordinal IS NULL))), sum(d.amount) FILTER (WHERE (d.measure = 'noncovered_amount'::text))) AS noncovered_amount,
            COALESCE(sum(d.amount) FILTER (WHERE ((d.measure = 'discount_amount'::text) AND (d.detail_ordinal IS NULL))), sum(d.amount) FILTER (WHERE (d.measure = 'discount_amount'::text))) AS discount_amount,
            COALESCE(sum(d.amount) FILTER (WHERE ((d.measure = 'patient_paid_amount'::text) AND (d.detail_ordinal IS NULL))), sum(d.amount) FILTER (WHERE (d.measure = 'patient_paid_amount'::text))) AS patient_paid_amount,
            COALESCE(sum(d.amount) FILTER (WHERE ((d.measure = 'member_liability_amount'::text) AND (d.detail_ordinal IS NULL))), sum(d.amount) FILTER (WHERE (d.measure = 'member_liability_amount'::text))) AS member_liability_amount,
            COALESCE(sum(d.amount) FILTER (WHERE ((d.measure = 'prior_payer_paid_amount'::text) AND (d.detail_ordinal IS NULL))), sum(d.amount) FILTER (WHERE (d.measure = 'prior_payer_paid_amount'::text))) AS prior_payer_paid_amount,
            min(d.lowest_currency) AS lowest_currency,
            max(d.highest_currency) AS highest_currency
           FROM detail d
          GROUP BY d.id, d.patient_id, d.level, d.ordinal
        ), priced AS (
         SELECT a.id,
            a.patient_id,
            a.level,
            a.ordinal,
            a.charge_amount,
            a.allowed_amount,
            a.paid_amount,
            a.coinsurance_amount,
            a.copayment_amount,
            a.deductible_amount,
            a.noncovered_amount,
            a.discount_amount,
            a.patient_paid_amount,
            a.member_liability_amount,
            a.prior_payer_paid_amount,
            a.lowest_currency,
            a.highest_currency,
            i.sequence,
            COALESCE(i.serviced_start_text, d.serviced_start_text) AS serviced,
            COALESCE(i.product_or_service_system, d.product_or_service_system) AS product_or_service_system,
            COALESCE(i.product_or_service_code, d.product_or_service_code) AS product_or_service_code,
            COALESCE(i.product_or_service_text, i.product_or_service_display, d.product_or_service_text, d.product_or_service_display) AS service,
            i.modifier_codes,
            i.revenue_code,
            COALESCE(i.location_code, d.location_code) AS place_of_service_code,
            COALESCE(i.quantity_value, d.quantity_value) AS quantity,
            COALESCE(i.net_value, d.net_value) AS net_amount,
            COALESCE(i.net_value, n.amount) AS price,
            COALESCE((LEAST(a.lowest_currency, i.net_currency, d.net_currency, n.lowest_currency) <> GREATEST(a.highest_currency, i.net_currency, d.net_currency, n.highest_currency)), false) AS has_several_currencies,
            COALESCE(a.lowest_currency, i.net_currency, d.net_currency, n.lowest_currency) AS one_currency
           FROM (((amounts a
             LEFT JOIN explanation_of_benefit_item i ON (((a.level = 'item'::text) AND (i.explanation_of_benefit_id = a.id) AND (i.ordinal = a.ordinal))))
             LEFT JOIN explanation_of_benefit_add_item d ON (((a.level = 'add_item'::text) AND (d.explanation_of_benefit_id = a.id) AND (d.ordinal = a.ordinal))))
             LEFT JOIN LATERAL ( SELECT sum(t.amount) AS amount,
                    min(t.lowest_currency) AS lowest_currency,
                    max(t.highest_currency) AS highest_currency
                   FROM ( SELECT COALESCE(sum(p_1.net_value) FILTER (WHERE (p_1.sub_detail_ordinal = 0)), sum(p_1.net_value)) AS amount,
                            min(p_1.net_currency) AS lowest_currency,
                            max(p_1.net_currency) AS highest_currency
                           FROM explanation_of_benefit_item_detail p_1
                          WHERE ((p_1.explanation_of_benefit_id = a.id) AND (p_1.item_ordinal = a.ordinal))
                          GROUP BY p_1.detail_ordinal) t) n ON (((a.level = 'item'::text) AND (i.net_value IS NULL))))
        )
 SELECT p.id AS explanation_of_benefit_id,
    p.ordinal AS line_ordinal,
    p.sequence AS line_number,
    e.fhir_id,
    p.patient_id,
    to_date("left"(p.serviced, 10), 'YYYY-MM-DD'::text) AS service_date,
    p.product_or_service_system,
    p.product_or_service_code,
    p.service,
    p.modifier_codes,
    p.revenue_code,
    p.place_of_service_code,
    p.quantity,
    p.net_amount,
        CASE
            WHEN (NOT p.has_several_currencies) THEN p.charge_amount
            ELSE NULL::numeric
        END AS charge_amount,
        CASE
            WHEN (NOT p.has_several_currencies) THEN p.allowed_amount
            ELSE NULL::numeric
        END AS allowed_amount,
        CASE
            WHEN (NOT p.has_several_currencies) THEN p.paid_amount
            ELSE NULL::numeric
        END AS paid_amount,
        CASE
            WHEN (NOT p.has_several_currencies) THEN p.coinsurance_amount
            ELSE NULL::numeric
        END AS coinsurance_amount,
        CASE
            WHEN (NOT p.has_several_currencies) THEN p.copayment_amount
            ELSE NULL::numeric
        END AS copayment_amount,
        CASE
            WHEN (NOT p.has_several_currencies) THEN p.deductible_amount
            ELSE NULL::numeric
        END AS deductible_amount,
        CASE
            WHEN (NOT p.has_several_currencies) THEN p.noncovered_amount
            ELSE NULL::numeric
        END AS noncovered_amount,
        CASE
            WHEN (NOT p.has_several_currencies) THEN p.discount_amount
            ELSE NULL::numeric
        END AS discount_amount,
        CASE
            WHEN (NOT p.has_several_currencies) THEN p.patient_paid_amount
            ELSE NULL::numeric
        END AS patient_paid_amount,
        CASE
            WHEN (NOT p.has_several_currencies) THEN p.member_liability_amount
            ELSE NULL::numeric
        END AS member_liability_amount,
        CASE
            WHEN (NOT p.has_several_currencies) THEN p.prior_payer_paid_amount
            ELSE NULL::numeric
        END AS prior_payer_paid_amount,
        CASE
            WHEN (NOT p.has_several_currencies) THEN COALESCE(p.charge_amount, p.price)
            ELSE NULL::numeric
        END AS billed_amount,
    p.level,
        CASE
            WHEN (NOT p.has_several_currencies) THEN p.one_currency
            ELSE NULL::text
        END AS currency,
    p.has_several_currencies
   FROM (priced p
     JOIN explanation_of_benefit e ON ((e.id = p.id)));
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

create view analytics.claim_financials as
WITH part AS (
         SELECT e_1.id,
            e_1.patient_id,
            'claim'::text AS level,
            NULL::numeric AS charge_amount,
            NULL::numeric AS allowed_amount,
            NULL::numeric AS paid_amount,
            NULL::numeric AS coinsurance_amount,
            NULL::numeric AS copayment_amount,
            NULL::numeric AS deductible_amount,
            NULL::numeric AS noncovered_amount,
            NULL::numeric AS patient_paid_amount,
            NULL::numeric AS member_liability_amount,
            NULL::numeric AS billed_amount,
            NULL::text AS lowest_currency,
            NULL::text AS highest_currency,
            false AS has_several_currencies
           FROM explanation_of_benefit e_1
        UNION ALL
         SELECT l.explanation_of_benefit_id,
            l.patient_id,
            l.level,
            l.charge_amount,
            l.allowed_amount,
            l.paid_amount,
            l.coinsurance_amount,
            l.copayment_amount,
            l.deductible_amount,
            l.noncovered_amount,
            l.patient_paid_amount,
            l.member_liability_amount,
            l.billed_amount,
            l.currency,
            l.currency,
            l.has_several_currencies
           FROM analytics.eob_line l
        UNION ALL
         SELECT e_1.id,
            e_1.patient_id,
            a.level,
            (min(ARRAY[(a.rank)::numeric, (a.ordinal)::numeric, a.amount]) FILTER (WHERE (a.measure = 'charge_amount'::text)))[3] AS min,
            (min(ARRAY[(a.rank)::numeric, (a.ordinal)::numeric, a.amount]) FILTER (WHERE (a.measure = 'allowed_amount'::text)))[3] AS min,
            (min(ARRAY[(a.rank)::numeric, (a.ordinal)::numeric, a.amount]) FILTER (WHERE (a.measure = 'paid_amount'::text)))[3] AS min,
            sum(a.amount) FILTER (WHERE (a.measure = 'coinsurance_amount'::text)) AS sum,
            sum(a.amount) FILTER (WHERE (a.measure = 'copayment_amount'::text)) AS sum,
            sum(a.amount) FILTER (WHERE (a.measure = 'deductible_amount'::text)) AS sum,
            sum(a.amount) FILTER (WHERE (a.measure = 'noncovered_amount'::text)) AS sum,
            sum(a.amount) FILTER (WHERE (a.measure = 'patient_paid_amount'::text)) AS sum,
            (min(ARRAY[(a.rank)::numeric, (a.ordinal)::numeric, a.amount]) FILTER (WHERE (a.measure = 'member_liability_amount'::text)))[3] AS min,
            NULL::numeric,
            min(a.currency) FILTER (WHERE (a.measure <> '-'::text)) AS min,
            max(a.currency) FILTER (WHERE (a.measure <> '-'::text)) AS max,
            false
           FROM (explanation_of_benefit e_1
             JOIN analytics.eob_amount a ON (((a.explanation_of_benefit_id = e_1.id) AND (a.level = ANY (ARRAY['header'::text, 'total'::text])))))
          GROUP BY e_1.id, e_1.patient_id, a.level
        ), summed AS (
         SELECT p.id,
            p.patient_id,
            COALESCE(sum(p.charge_amount) FILTER (WHERE (p.level = ANY (ARRAY['item'::text, 'add_item'::text]))), sum(p.charge_amount) FILTER (WHERE (p.level = 'header'::text)), sum(p.charge_amount) FILTER (WHERE (p.level = 'total'::text))) AS charge_amount,
            COALESCE(sum(p.allowed_amount) FILTER (WHERE (p.level = ANY (ARRAY['item'::text, 'add_item'::text]))), sum(p.allowed_amount) FILTER (WHERE (p.level = 'header'::text)), sum(p.allowed_amount) FILTER (WHERE (p.level = 'total'::text))) AS allowed_amount,
            COALESCE(sum(p.paid_amount) FILTER (WHERE (p.level = ANY (ARRAY['item'::text, 'add_item'::text]))), sum(p.paid_amount) FILTER (WHERE (p.level = 'header'::text)), sum(p.paid_amount) FILTER (WHERE (p.level = 'total'::text))) AS paid_amount,
            COALESCE(sum(p.coinsurance_amount) FILTER (WHERE (p.level = ANY (ARRAY['item'::text, 'add_item'::text]))), sum(p.coinsurance_amount) FILTER (WHERE (p.level = 'header'::text)), sum(p.coinsurance_amount) FILTER (WHERE (p.level = 'total'::text))) AS coinsurance_amount,
            COALESCE(sum(p.copayment_amount) FILTER (WHERE (p.level = ANY (ARRAY['item'::text, 'add_item'::text]))), sum(p.copayment_amount) FILTER (WHERE (p.level = 'header'::text)), sum(p.copayment_amount) FILTER (WHERE (p.level = 'total'::text))) AS copayment_amount,
            COALESCE(sum(p.deductible_amount) FILTER (WHERE (p.level = ANY (ARRAY['item'::text, 'add_item'::text]))), sum(p.deductible_amount) FILTER (WHERE (p.level = 'header'::text)), sum(p.deductible_amount) FILTER (WHERE (p.level = 'total'::text))) AS deductible_amount,
            COALESCE(sum(p.noncovered_amount) FILTER (WHERE (p.level = ANY (ARRAY['item'::text, 'add_item'::text]))), sum(p.noncovered_amount) FILTER (WHERE (p.level = 'header'::text)), sum(p.noncovered_amount) FILTER (WHERE (p.level = 'total'::text))) AS noncovered_amount,
            COALESCE(sum(p.patient_paid_amount) FILTER (WHERE (p.level = ANY (ARRAY['item'::text, 'add_item'::text]))), sum(p.patient_paid_amount) FILTER (WHERE (p.level = 'header'::text)), sum(p.patient_paid_amount) FILTER (WHERE (p.level = 'total'::text))) AS patient_paid_amount,
            COALESCE(sum(p.member_liability_amount) FILTER (WHERE (p.level = ANY (ARRAY['item'::text, 'add_item'::text]))), sum(p.member_liability_amount) FILTER (WHERE (p.level = 'header'::text)), sum(p.member_liability_amount) FILTER (WHERE (p.level = 'total'::text))) AS member_liability_amount,
            count(*) FILTER (WHERE (p.level = 'item'::text)) AS line_count,
            count(p.billed_amount) FILTER (WHERE (p.level = 'item'::text)) AS billed_line_count,
            sum(p.billed_amount) FILTER (WHERE (p.level = 'item'::text)) AS billed_by_line,
            COALESCE(sum(p.charge_amount) FILTER (WHERE (p.level = 'header'::text)), sum(p.charge_amount) FILTER (WHERE (p.level = 'total'::text))) AS billed_in_all,
            min(p.lowest_currency) AS lowest_currency,
            (bool_or(p.has_several_currencies) OR COALESCE((min(p.lowest_currency) <> max(p.highest_currency)), false)) AS has_several_currencies
           FROM part p
          GROUP BY p.id, p.patient_id
        )
 SELECT s.id AS explanation_of_benefit_id,
    e.fhir_id,
    s.patient_id,
    e.claim_id,
    e.encounter_id,
    e.claim_type,
    COALESCE(insurer.name, e.insurer_display, ( SELECT COALESCE(o.name, c.payor_display) AS "coalesce"
           FROM ((explanation_of_benefit_insurance i
             JOIN coverage c ON ((c.id = i.coverage_id)))
             LEFT JOIN organization o ON ((o.id = c.payor_id)))
          WHERE (i.explanation_of_benefit_id = e.id)
          ORDER BY i.focal DESC NULLS LAST, i.ordinal
         LIMIT 1), e.payer_name, ( SELECT i.coverage_display
           FROM explanation_of_benefit_insurance i
          WHERE (i.explanation_of_benefit_id = e.id)
          ORDER BY i.focal DESC NULLS LAST, i.ordinal
         LIMIT 1)) AS payer_name,
    to_date("left"(e.billable_period_start_text, 10), 'YYYY-MM-DD'::text) AS service_date,
    e.status,
    e.outcome,
    k.total_value AS claim_total,
    t.submitted_amount,
    t.benefit_amount,
        CASE
            WHEN (NOT s.has_several_currencies) THEN s.charge_amount
            ELSE NULL::numeric
        END AS charge_amount,
        CASE
            WHEN (NOT s.has_several_currencies) THEN s.allowed_amount
            ELSE NULL::numeric
        END AS allowed_amount,
        CASE
            WHEN (NOT s.has_several_currencies) THEN s.paid_amount
            ELSE NULL::numeric
        END AS paid_amount,
        CASE
            WHEN (NOT s.has_several_currencies) THEN s.coinsurance_amount
            ELSE NULL::numeric
        END AS coinsurance_amount,
        CASE
            WHEN (NOT s.has_several_currencies) THEN s.copayment_amount
            ELSE NULL::numeric
        END AS copayment_amount,
        CASE
            WHEN (NOT s.has_several_currencies) THEN s.deductible_amount
            ELSE NULL::numeric
        END AS deductible_amount,
        CASE
            WHEN (NOT s.has_several_currencies) THEN s.noncovered_amount
            ELSE NULL::numeric
        END AS noncovered_amount,
        CASE
            WHEN (NOT s.has_several_currencies) THEN s.patient_paid_amount
            ELSE NULL::numeric
        END AS patient_paid_amount,
        CASE
            WHEN (NOT s.has_several_currencies) THEN s.member_liability_amount
            ELSE NULL::numeric
        END AS member_liability_amount,
    e.payment_amount_value AS payment_amount,
    e.payment_date,
        CASE
            WHEN (NOT s.has_several_currencies) THEN COALESCE(s.lowest_currency, e.payment_amount_currency, k.total_currency)
            ELSE NULL::text
        END AS currency,
    s.line_count,
        CASE
            WHEN s.has_several_currencies THEN NULL::numeric
            WHEN ((s.line_count > 0) AND (s.billed_line_count = s.line_count)) THEN s.billed_by_line
            WHEN (s.billed_in_all IS NOT NULL) THEN s.billed_in_all
            WHEN ((k.total_value IS NOT NULL) AND COALESCE((k.total_currency = s.lowest_currency), true)) THEN k.total_value
            ELSE s.billed_by_line
        END AS billed_amount,
    s.has_several_currencies,
    e.payment_amount_currency AS payment_currency,
    k.total_currency AS claim_total_currency
   FROM ((((summed s
     JOIN explanation_of_benefit e ON ((e.id = s.id)))
     LEFT JOIN organization insurer ON ((insurer.id = e.insurer_id)))
     LEFT JOIN claim k ON ((k.id = e.claim_id)))
     LEFT JOIN LATERAL ( SELECT
                CASE
                    WHEN (NOT (min(u.amount_currency) FILTER (WHERE u.is_submitted) IS DISTINCT FROM max(u.amount_currency) FILTER (WHERE u.is_submitted))) THEN max(u.amount_value) FILTER (WHERE u.is_submitted)
                    ELSE NULL::numeric
                END AS submitted_amount,
                CASE
                    WHEN (NOT (min(u.amount_currency) FILTER (WHERE u.is_benefit) IS DISTINCT FROM max(u.amount_currency) FILTER (WHERE u.is_benefit))) THEN max(u.amount_value) FILTER (WHERE u.is_benefit)
                    ELSE NULL::numeric
                END AS benefit_amount
           FROM ( SELECT t_1.amount_value,
                    t_1.amount_currency,
                    (COALESCE((('submitted'::text = t_1.category_code) OR ('submitted'::text = t_1.category_alt_code)), false) OR (EXISTS ( SELECT
                           FROM unnest(t_1.category_other_codings) c(c)
                          WHERE (split_part(c.c, '|'::text, '-1'::integer) = 'submitted'::text)))) AS is_submitted,
                    (COALESCE((('benefit'::text = t_1.category_code) OR ('benefit'::text = t_1.category_alt_code)), false) OR (EXISTS ( SELECT
                           FROM unnest(t_1.category_other_codings) c(c)
                          WHERE (split_part(c.c, '|'::text, '-1'::integer) = 'benefit'::text)))) AS is_benefit
                   FROM explanation_of_benefit_total t_1
                  WHERE (t_1.explanation_of_benefit_id = e.id)) u) t ON (true));
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

do $migration$
begin
  if exists (select from pg_roles where rolname = 'analyst') then
    grant select on all tables in schema analytics to analyst;
  end if;
end $migration$;
