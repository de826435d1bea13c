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
