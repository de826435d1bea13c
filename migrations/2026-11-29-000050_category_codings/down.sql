alter table claim_response_adjudication
  drop column category_other_codings;
alter table claim_response_total
  drop column category_other_codings;
alter table explanation_of_benefit_adjudication
  drop column category_other_codings;
alter table explanation_of_benefit_total
  drop column category_other_codings;
