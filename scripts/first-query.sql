\pset footer off
\echo 'Most frequent conditions:'
select coalesce(code_display, code_text, code) as condition,
       count(distinct patient_id) as patients,
       count(*) as records,
       min(onset_start)::date as first_onset
from condition
group by 1
order by patients desc, records desc, condition
limit 10;
\echo 'Charged and paid amounts by payer:'
select payer_name, count(*) as claims, sum(charge_amount) as charged, sum(paid_amount) as paid
from analytics.claim_financials
group by 1
order by charged desc, payer_name;
\echo 'Cost per member per month, by payer and year:'
select payer_name, extract(year from month) as year, round(sum(member_months), 1) as member_months,
       round(sum(paid_amount) / nullif(sum(member_months), 0), 2) as per_member_per_month
from analytics.cost_per_member_month
where source = 'generated' and month between '2021-01-01' and '2022-12-01'
group by 1, 2
order by 1, 2;
\echo 'Do people take their drugs (proportion of days covered)?'
select medication, count(*) as person_years, round(avg(proportion_covered), 2) as average,
       round(100.0 * count(*) filter (where is_adherent) / count(*), 1) as adherent_per_cent
from analytics.medication_adherence
where grouped_by = 'class' and fill_count > 1
group by 1
order by 1;
\echo 'Why payers deny services:'
select r.reason, count(*) as lines, sum(l.denied_amount) as amount
from analytics.line_decision l
cross join unnest(l.reason_codes, l.reasons) as r (code, reason)
where l.is_denied
group by 1
order by 2 desc, 1;
