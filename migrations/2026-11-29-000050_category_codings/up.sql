-- Categories of adjudications and totals may have more than the two codings that
-- have columns. Null until the resources are mapped again (`fhirmill remap`).

alter table claim_response_adjudication
  add column category_other_codings text[];
comment on column claim_response_adjudication.category_other_codings is 'category: the codings besides the two shown, each as system|code';

alter table claim_response_total
  add column category_other_codings text[];
comment on column claim_response_total.category_other_codings is 'category: the codings besides the two shown, each as system|code';

alter table explanation_of_benefit_adjudication
  add column category_other_codings text[];
comment on column explanation_of_benefit_adjudication.category_other_codings is 'category: the codings besides the two shown, each as system|code';

alter table explanation_of_benefit_total
  add column category_other_codings text[];
comment on column explanation_of_benefit_total.category_other_codings is 'category: the codings besides the two shown, each as system|code';
