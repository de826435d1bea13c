-- What claims and EOBs say besides their amounts: prior authorization, benefit
-- period, adjustments of the payment, who referred the patient, the details of lines
-- that the payer added or answered; systems of codes. New columns are null until the
-- resources are mapped again (`fhirmill remap`).

alter table coverage
  add column relationship_system text;
comment on column coverage.relationship_system is 'relationship: coding.system';

alter table coverage_class
  add column type_system text;
comment on column coverage_class.type_system is 'type: coding.system';

alter table coverage_cost_to_beneficiary
  add column type_system text;
comment on column coverage_cost_to_beneficiary.type_system is 'type: coding.system';

alter table claim
  add column sub_type_system text,
  add column priority_system text,
  add column payee_type_system text,
  add column accident_type_system text,
  add column accident_location_type text,
  add column accident_location_address jsonb,
  add column accident_location_reference_id bigint,
  add column accident_location_reference_display text,
  add column accident_location_reference_reference text,
  add column enterer_type text,
  add column enterer_id bigint,
  add column enterer_display text,
  add column enterer_reference text,
  add column funds_reserve_system text,
  add column funds_reserve_code text,
  add column funds_reserve_display text,
  add column original_prescription_type text,
  add column original_prescription_id bigint,
  add column original_prescription_display text,
  add column original_prescription_reference text;
comment on column claim.sub_type_system is 'subType: coding.system';
comment on column claim.priority_system is 'priority: coding.system';
comment on column claim.payee_type_system is 'payee.type: coding.system';
comment on column claim.accident_type_system is 'accident.type: coding.system';
comment on column claim.accident_location_type is 'accident.location[x]: which of Address, Reference';
comment on column claim.accident_location_address is 'accident.location[x]';
comment on column claim.accident_location_reference_id is 'accident.location[x]: key of the target';
comment on column claim.accident_location_reference_display is 'accident.location[x]: display';
comment on column claim.accident_location_reference_reference is 'accident.location[x]: reference, else identifier, as written; null where the key says it all';
comment on column claim.enterer_type is 'enterer: type of the target';
comment on column claim.enterer_id is 'enterer: key of the target';
comment on column claim.enterer_display is 'enterer: display';
comment on column claim.enterer_reference is 'enterer: reference, else identifier, as written; null where the key says it all';
comment on column claim.funds_reserve_system is 'fundsReserve: coding.system';
comment on column claim.funds_reserve_code is 'fundsReserve: coding.code';
comment on column claim.funds_reserve_display is 'fundsReserve: coding.display, else text';
comment on column claim.original_prescription_type is 'originalPrescription: type of the target';
comment on column claim.original_prescription_id is 'originalPrescription: key of the target';
comment on column claim.original_prescription_display is 'originalPrescription: display';
comment on column claim.original_prescription_reference is 'originalPrescription: reference, else identifier, as written; null where the key says it all';

alter table claim_related
  add column relationship_system text;
comment on column claim_related.relationship_system is 'relationship: coding.system';

alter table claim_care_team
  add column role_system text,
  add column qualification_system text;
comment on column claim_care_team.role_system is 'role: coding.system';
comment on column claim_care_team.qualification_system is 'qualification: coding.system';

alter table claim_supporting_info
  add column reason_system text;
comment on column claim_supporting_info.reason_system is 'reason: coding.system';

alter table claim_diagnosis
  add column type_system text,
  add column on_admission_system text,
  add column package_code_system text;
comment on column claim_diagnosis.type_system is 'type[0]: coding.system';
comment on column claim_diagnosis.on_admission_system is 'onAdmission: coding.system';
comment on column claim_diagnosis.package_code_system is 'packageCode: coding.system';

alter table claim_procedure
  add column type_system text;
comment on column claim_procedure.type_system is 'type[0]: coding.system';

alter table claim_item
  add column revenue_system text,
  add column category_system text,
  add column program_code_system text,
  add column location_system text,
  add column body_site_system text,
  add column sub_site_system text,
  add column sub_site_code text,
  add column sub_site_display text;
comment on column claim_item.revenue_system is 'revenue: coding.system';
comment on column claim_item.category_system is 'category: coding.system';
comment on column claim_item.program_code_system is 'programCode[0]: coding.system';
comment on column claim_item.location_system is 'location[x]: coding.system';
comment on column claim_item.body_site_system is 'bodySite: coding.system';
comment on column claim_item.sub_site_system is 'subSite[0]: coding.system';
comment on column claim_item.sub_site_code is 'subSite[0]: coding.code';
comment on column claim_item.sub_site_display is 'subSite[0]: coding.display, else text';

alter table claim_item_detail
  add column revenue_system text,
  add column category_system text,
  add column program_code_system text;
comment on column claim_item_detail.revenue_system is 'revenue: coding.system';
comment on column claim_item_detail.category_system is 'category: coding.system';
comment on column claim_item_detail.program_code_system is 'programCode[0]: coding.system';

alter table claim_response
  add column sub_type_system text,
  add column payee_type_system text,
  add column payment_type_system text,
  add column payment_adjustment_reason_system text,
  add column funds_reserve_system text,
  add column form_code_system text,
  add column form_content_type text,
  add column form_url text,
  add column form_title text,
  add column form_text text;
comment on column claim_response.sub_type_system is 'subType: coding.system';
comment on column claim_response.payee_type_system is 'payeeType: coding.system';
comment on column claim_response.payment_type_system is 'payment.type: coding.system';
comment on column claim_response.payment_adjustment_reason_system is 'payment.adjustmentReason: coding.system';
comment on column claim_response.funds_reserve_system is 'fundsReserve: coding.system';
comment on column claim_response.form_code_system is 'formCode: coding.system';
comment on column claim_response.form_content_type is 'form: contentType';
comment on column claim_response.form_url is 'form: url';
comment on column claim_response.form_title is 'form: title';
comment on column claim_response.form_text is 'form: data, decoded where contentType is text/*';

create table claim_response_item_detail (
  claim_response_id bigint not null,
  item_ordinal integer not null,
  detail_ordinal integer not null,
  sub_detail_ordinal integer not null,
  patient_id bigint,
  detail_sequence integer,
  sub_detail_sequence integer,
  note_number integer[],
  extension jsonb,
  primary key (claim_response_id, item_ordinal, detail_ordinal, sub_detail_ordinal)
);
comment on table claim_response_item_detail is 'the parts of the claim''s lines that the payer answers, and the parts of those';
comment on column claim_response_item_detail.claim_response_id is 'key of the resource that the row belongs to';
comment on column claim_response_item_detail.item_ordinal is 'position of the item, from 1';
comment on column claim_response_item_detail.detail_ordinal is 'position of the detail, from 1';
comment on column claim_response_item_detail.sub_detail_ordinal is 'position of the subDetail; 0 or null where the row is not of one';
comment on column claim_response_item_detail.patient_id is 'key of the resource''s patient';
comment on column claim_response_item_detail.detail_sequence is 'detailSequence';
comment on column claim_response_item_detail.sub_detail_sequence is 'subDetailSequence';
comment on column claim_response_item_detail.note_number is 'noteNumber';
comment on column claim_response_item_detail.extension is 'extensions of this element that no column takes: an array, each with its path';

alter table claim_response_add_item
  add column location_system text,
  add column program_code_system text,
  add column program_code text,
  add column program_code_display text,
  add column provider_type text,
  add column provider_id bigint,
  add column provider_display text,
  add column provider_reference text,
  add column factor numeric,
  add column body_site_system text,
  add column body_site_code text,
  add column body_site_display text,
  add column sub_site_system text,
  add column sub_site_code text,
  add column sub_site_display text,
  add column note_number integer[],
  add column modifier_codes text[];
comment on column claim_response_add_item.location_system is 'location[x]: coding.system';
comment on column claim_response_add_item.program_code_system is 'programCode[0]: coding.system';
comment on column claim_response_add_item.program_code is 'programCode[0]: coding.code';
comment on column claim_response_add_item.program_code_display is 'programCode[0]: coding.display, else text';
comment on column claim_response_add_item.provider_type is 'provider[0]: type of the target';
comment on column claim_response_add_item.provider_id is 'provider[0]: key of the target';
comment on column claim_response_add_item.provider_display is 'provider[0]: display';
comment on column claim_response_add_item.provider_reference is 'provider[0]: reference, else identifier, as written; null where the key says it all';
comment on column claim_response_add_item.factor is 'factor';
comment on column claim_response_add_item.body_site_system is 'bodySite: coding.system';
comment on column claim_response_add_item.body_site_code is 'bodySite: coding.code';
comment on column claim_response_add_item.body_site_display is 'bodySite: coding.display, else text';
comment on column claim_response_add_item.sub_site_system is 'subSite[0]: coding.system';
comment on column claim_response_add_item.sub_site_code is 'subSite[0]: coding.code';
comment on column claim_response_add_item.sub_site_display is 'subSite[0]: coding.display, else text';
comment on column claim_response_add_item.note_number is 'noteNumber';
comment on column claim_response_add_item.modifier_codes is 'modifier.coding[0].code (HCPCS and CPT modifiers, in order)';

create table claim_response_add_item_detail (
  claim_response_id bigint not null,
  item_ordinal integer not null,
  detail_ordinal integer not null,
  sub_detail_ordinal integer not null,
  patient_id bigint,
  product_or_service_system text,
  product_or_service_code text,
  product_or_service_display text,
  product_or_service_text text,
  quantity_value numeric,
  quantity_unit text,
  quantity_code text,
  unit_price_value numeric,
  unit_price_currency text,
  factor numeric,
  net_value numeric,
  net_currency text,
  note_number integer[],
  modifier_codes text[],
  extension jsonb,
  primary key (claim_response_id, item_ordinal, detail_ordinal, sub_detail_ordinal)
);
comment on table claim_response_add_item_detail is 'the parts that an added line is made of, and the parts of those';
comment on column claim_response_add_item_detail.claim_response_id is 'key of the resource that the row belongs to';
comment on column claim_response_add_item_detail.item_ordinal is 'position of the item, from 1';
comment on column claim_response_add_item_detail.detail_ordinal is 'position of the detail, from 1';
comment on column claim_response_add_item_detail.sub_detail_ordinal is 'position of the subDetail; 0 or null where the row is not of one';
comment on column claim_response_add_item_detail.patient_id is 'key of the resource''s patient';
comment on column claim_response_add_item_detail.product_or_service_system is 'productOrService: coding.system';
comment on column claim_response_add_item_detail.product_or_service_code is 'productOrService: coding.code';
comment on column claim_response_add_item_detail.product_or_service_display is 'productOrService: coding.display';
comment on column claim_response_add_item_detail.product_or_service_text is 'productOrService: text';
comment on column claim_response_add_item_detail.quantity_value is 'quantity: value';
comment on column claim_response_add_item_detail.quantity_unit is 'quantity: unit';
comment on column claim_response_add_item_detail.quantity_code is 'quantity: code';
comment on column claim_response_add_item_detail.unit_price_value is 'unitPrice: value';
comment on column claim_response_add_item_detail.unit_price_currency is 'unitPrice: currency';
comment on column claim_response_add_item_detail.factor is 'factor';
comment on column claim_response_add_item_detail.net_value is 'net: value';
comment on column claim_response_add_item_detail.net_currency is 'net: currency';
comment on column claim_response_add_item_detail.note_number is 'noteNumber';
comment on column claim_response_add_item_detail.modifier_codes is 'modifier.coding[0].code (HCPCS and CPT modifiers, in order)';
comment on column claim_response_add_item_detail.extension is 'extensions of this element that no column takes: an array, each with its path';

alter table claim_response_adjudication
  add column reason_system text;
comment on column claim_response_adjudication.reason_system is 'reason: coding.system';

alter table claim_response_process_note
  add column language_system text;
comment on column claim_response_process_note.language_system is 'language: coding.system';

alter table explanation_of_benefit
  add column sub_type_system text,
  add column payee_type_system text,
  add column accident_type_system text,
  add column accident_location_type text,
  add column accident_location_address jsonb,
  add column accident_location_reference_id bigint,
  add column accident_location_reference_display text,
  add column accident_location_reference_reference text,
  add column payment_type_system text,
  add column payment_adjustment_value numeric,
  add column payment_adjustment_currency text,
  add column payment_adjustment_reason_system text,
  add column payment_adjustment_reason_code text,
  add column payment_adjustment_reason_display text,
  add column payment_identifier_system text,
  add column payment_identifier_value text,
  add column pre_auth_ref text[],
  add column pre_auth_ref_period_start timestamptz,
  add column pre_auth_ref_period_start_text text,
  add column pre_auth_ref_period_end timestamptz,
  add column pre_auth_ref_period_end_text text,
  add column benefit_period_start timestamptz,
  add column benefit_period_start_text text,
  add column benefit_period_end timestamptz,
  add column benefit_period_end_text text,
  add column priority_system text,
  add column priority_code text,
  add column priority_display text,
  add column precedence integer,
  add column funds_reserve_system text,
  add column funds_reserve_code text,
  add column funds_reserve_display text,
  add column funds_reserve_requested_system text,
  add column funds_reserve_requested_code text,
  add column funds_reserve_requested_display text,
  add column enterer_type text,
  add column enterer_id bigint,
  add column enterer_display text,
  add column enterer_reference text,
  add column original_prescription_type text,
  add column original_prescription_id bigint,
  add column original_prescription_display text,
  add column original_prescription_reference text,
  add column form_code_system text,
  add column form_code text,
  add column form_code_display text,
  add column form_content_type text,
  add column form_url text,
  add column form_title text,
  add column form_text text,
  add column referring_provider_type text,
  add column referring_provider_id bigint,
  add column referring_provider_display text,
  add column referring_provider_reference text;
comment on column explanation_of_benefit.sub_type_system is 'subType: coding.system';
comment on column explanation_of_benefit.payee_type_system is 'payee.type: coding.system';
comment on column explanation_of_benefit.accident_type_system is 'accident.type: coding.system';
comment on column explanation_of_benefit.accident_location_type is 'accident.location[x]: which of Address, Reference';
comment on column explanation_of_benefit.accident_location_address is 'accident.location[x]';
comment on column explanation_of_benefit.accident_location_reference_id is 'accident.location[x]: key of the target';
comment on column explanation_of_benefit.accident_location_reference_display is 'accident.location[x]: display';
comment on column explanation_of_benefit.accident_location_reference_reference is 'accident.location[x]: reference, else identifier, as written; null where the key says it all';
comment on column explanation_of_benefit.payment_type_system is 'payment.type: coding.system';
comment on column explanation_of_benefit.payment_adjustment_value is 'payment.adjustment: value';
comment on column explanation_of_benefit.payment_adjustment_currency is 'payment.adjustment: currency';
comment on column explanation_of_benefit.payment_adjustment_reason_system is 'payment.adjustmentReason: coding.system';
comment on column explanation_of_benefit.payment_adjustment_reason_code is 'payment.adjustmentReason: coding.code';
comment on column explanation_of_benefit.payment_adjustment_reason_display is 'payment.adjustmentReason: coding.display, else text';
comment on column explanation_of_benefit.payment_identifier_system is 'payment.identifier: system';
comment on column explanation_of_benefit.payment_identifier_value is 'payment.identifier: value';
comment on column explanation_of_benefit.pre_auth_ref is 'preAuthRef';
comment on column explanation_of_benefit.pre_auth_ref_period_start is 'preAuthRefPeriod[0]: start';
comment on column explanation_of_benefit.pre_auth_ref_period_start_text is 'preAuthRefPeriod[0]: start as written';
comment on column explanation_of_benefit.pre_auth_ref_period_end is 'preAuthRefPeriod[0]: end';
comment on column explanation_of_benefit.pre_auth_ref_period_end_text is 'preAuthRefPeriod[0]: end as written';
comment on column explanation_of_benefit.benefit_period_start is 'benefitPeriod: start';
comment on column explanation_of_benefit.benefit_period_start_text is 'benefitPeriod: start as written';
comment on column explanation_of_benefit.benefit_period_end is 'benefitPeriod: end';
comment on column explanation_of_benefit.benefit_period_end_text is 'benefitPeriod: end as written';
comment on column explanation_of_benefit.priority_system is 'priority: coding.system';
comment on column explanation_of_benefit.priority_code is 'priority: coding.code';
comment on column explanation_of_benefit.priority_display is 'priority: coding.display, else text';
comment on column explanation_of_benefit.precedence is 'precedence';
comment on column explanation_of_benefit.funds_reserve_system is 'fundsReserve: coding.system';
comment on column explanation_of_benefit.funds_reserve_code is 'fundsReserve: coding.code';
comment on column explanation_of_benefit.funds_reserve_display is 'fundsReserve: coding.display, else text';
comment on column explanation_of_benefit.funds_reserve_requested_system is 'fundsReserveRequested: coding.system';
comment on column explanation_of_benefit.funds_reserve_requested_code is 'fundsReserveRequested: coding.code';
comment on column explanation_of_benefit.funds_reserve_requested_display is 'fundsReserveRequested: coding.display, else text';
comment on column explanation_of_benefit.enterer_type is 'enterer: type of the target';
comment on column explanation_of_benefit.enterer_id is 'enterer: key of the target';
comment on column explanation_of_benefit.enterer_display is 'enterer: display';
comment on column explanation_of_benefit.enterer_reference is 'enterer: reference, else identifier, as written; null where the key says it all';
comment on column explanation_of_benefit.original_prescription_type is 'originalPrescription: type of the target';
comment on column explanation_of_benefit.original_prescription_id is 'originalPrescription: key of the target';
comment on column explanation_of_benefit.original_prescription_display is 'originalPrescription: display';
comment on column explanation_of_benefit.original_prescription_reference is 'originalPrescription: reference, else identifier, as written; null where the key says it all';
comment on column explanation_of_benefit.form_code_system is 'formCode: coding.system';
comment on column explanation_of_benefit.form_code is 'formCode: coding.code';
comment on column explanation_of_benefit.form_code_display is 'formCode: coding.display, else text';
comment on column explanation_of_benefit.form_content_type is 'form: contentType';
comment on column explanation_of_benefit.form_url is 'form: url';
comment on column explanation_of_benefit.form_title is 'form: title';
comment on column explanation_of_benefit.form_text is 'form: data, decoded where contentType is text/*';
comment on column explanation_of_benefit.referring_provider_type is 'careTeam.where(role.coding.code = ''referring'').provider: type of the target (the member of the care team in that role)';
comment on column explanation_of_benefit.referring_provider_id is 'careTeam.where(role.coding.code = ''referring'').provider: key of the target (the member of the care team in that role)';
comment on column explanation_of_benefit.referring_provider_display is 'careTeam.where(role.coding.code = ''referring'').provider: display (the member of the care team in that role)';
comment on column explanation_of_benefit.referring_provider_reference is 'careTeam.where(role.coding.code = ''referring'').provider: reference, else identifier, as written; null where the key says it all (the member of the care team in that role)';

alter table explanation_of_benefit_related
  add column relationship_system text;
comment on column explanation_of_benefit_related.relationship_system is 'relationship: coding.system';

alter table explanation_of_benefit_care_team
  add column role_system text,
  add column qualification_system text;
comment on column explanation_of_benefit_care_team.role_system is 'role: coding.system';
comment on column explanation_of_benefit_care_team.qualification_system is 'qualification: coding.system';

alter table explanation_of_benefit_diagnosis
  add column type_system text,
  add column on_admission_system text,
  add column package_code_system text;
comment on column explanation_of_benefit_diagnosis.type_system is 'type[0]: coding.system';
comment on column explanation_of_benefit_diagnosis.on_admission_system is 'onAdmission: coding.system';
comment on column explanation_of_benefit_diagnosis.package_code_system is 'packageCode: coding.system';

alter table explanation_of_benefit_procedure
  add column type_system text;
comment on column explanation_of_benefit_procedure.type_system is 'type[0]: coding.system';

alter table explanation_of_benefit_item
  add column revenue_system text,
  add column category_system text,
  add column program_code_system text,
  add column location_system text,
  add column body_site_system text,
  add column sub_site_system text,
  add column sub_site_code text,
  add column sub_site_display text;
comment on column explanation_of_benefit_item.revenue_system is 'revenue: coding.system';
comment on column explanation_of_benefit_item.category_system is 'category: coding.system';
comment on column explanation_of_benefit_item.program_code_system is 'programCode[0]: coding.system';
comment on column explanation_of_benefit_item.location_system is 'location[x]: coding.system';
comment on column explanation_of_benefit_item.body_site_system is 'bodySite: coding.system';
comment on column explanation_of_benefit_item.sub_site_system is 'subSite[0]: coding.system';
comment on column explanation_of_benefit_item.sub_site_code is 'subSite[0]: coding.code';
comment on column explanation_of_benefit_item.sub_site_display is 'subSite[0]: coding.display, else text';

alter table explanation_of_benefit_item_detail
  add column revenue_system text,
  add column category_system text,
  add column program_code_system text;
comment on column explanation_of_benefit_item_detail.revenue_system is 'revenue: coding.system';
comment on column explanation_of_benefit_item_detail.category_system is 'category: coding.system';
comment on column explanation_of_benefit_item_detail.program_code_system is 'programCode[0]: coding.system';

alter table explanation_of_benefit_add_item
  add column location_system text,
  add column program_code_system text,
  add column program_code text,
  add column program_code_display text,
  add column provider_type text,
  add column provider_id bigint,
  add column provider_display text,
  add column provider_reference text,
  add column factor numeric,
  add column body_site_system text,
  add column body_site_code text,
  add column body_site_display text,
  add column sub_site_system text,
  add column sub_site_code text,
  add column sub_site_display text,
  add column note_number integer[],
  add column modifier_codes text[];
comment on column explanation_of_benefit_add_item.location_system is 'location[x]: coding.system';
comment on column explanation_of_benefit_add_item.program_code_system is 'programCode[0]: coding.system';
comment on column explanation_of_benefit_add_item.program_code is 'programCode[0]: coding.code';
comment on column explanation_of_benefit_add_item.program_code_display is 'programCode[0]: coding.display, else text';
comment on column explanation_of_benefit_add_item.provider_type is 'provider[0]: type of the target';
comment on column explanation_of_benefit_add_item.provider_id is 'provider[0]: key of the target';
comment on column explanation_of_benefit_add_item.provider_display is 'provider[0]: display';
comment on column explanation_of_benefit_add_item.provider_reference is 'provider[0]: reference, else identifier, as written; null where the key says it all';
comment on column explanation_of_benefit_add_item.factor is 'factor';
comment on column explanation_of_benefit_add_item.body_site_system is 'bodySite: coding.system';
comment on column explanation_of_benefit_add_item.body_site_code is 'bodySite: coding.code';
comment on column explanation_of_benefit_add_item.body_site_display is 'bodySite: coding.display, else text';
comment on column explanation_of_benefit_add_item.sub_site_system is 'subSite[0]: coding.system';
comment on column explanation_of_benefit_add_item.sub_site_code is 'subSite[0]: coding.code';
comment on column explanation_of_benefit_add_item.sub_site_display is 'subSite[0]: coding.display, else text';
comment on column explanation_of_benefit_add_item.note_number is 'noteNumber';
comment on column explanation_of_benefit_add_item.modifier_codes is 'modifier.coding[0].code (HCPCS and CPT modifiers, in order)';

create table explanation_of_benefit_add_item_detail (
  explanation_of_benefit_id bigint not null,
  item_ordinal integer not null,
  detail_ordinal integer not null,
  sub_detail_ordinal integer not null,
  patient_id bigint,
  product_or_service_system text,
  product_or_service_code text,
  product_or_service_display text,
  product_or_service_text text,
  quantity_value numeric,
  quantity_unit text,
  quantity_code text,
  unit_price_value numeric,
  unit_price_currency text,
  factor numeric,
  net_value numeric,
  net_currency text,
  note_number integer[],
  modifier_codes text[],
  extension jsonb,
  primary key (explanation_of_benefit_id, item_ordinal, detail_ordinal, sub_detail_ordinal)
);
comment on table explanation_of_benefit_add_item_detail is 'the parts that an added line is made of, and the parts of those';
comment on column explanation_of_benefit_add_item_detail.explanation_of_benefit_id is 'key of the resource that the row belongs to';
comment on column explanation_of_benefit_add_item_detail.item_ordinal is 'position of the item, from 1';
comment on column explanation_of_benefit_add_item_detail.detail_ordinal is 'position of the detail, from 1';
comment on column explanation_of_benefit_add_item_detail.sub_detail_ordinal is 'position of the subDetail; 0 or null where the row is not of one';
comment on column explanation_of_benefit_add_item_detail.patient_id is 'key of the resource''s patient';
comment on column explanation_of_benefit_add_item_detail.product_or_service_system is 'productOrService: coding.system';
comment on column explanation_of_benefit_add_item_detail.product_or_service_code is 'productOrService: coding.code';
comment on column explanation_of_benefit_add_item_detail.product_or_service_display is 'productOrService: coding.display';
comment on column explanation_of_benefit_add_item_detail.product_or_service_text is 'productOrService: text';
comment on column explanation_of_benefit_add_item_detail.quantity_value is 'quantity: value';
comment on column explanation_of_benefit_add_item_detail.quantity_unit is 'quantity: unit';
comment on column explanation_of_benefit_add_item_detail.quantity_code is 'quantity: code';
comment on column explanation_of_benefit_add_item_detail.unit_price_value is 'unitPrice: value';
comment on column explanation_of_benefit_add_item_detail.unit_price_currency is 'unitPrice: currency';
comment on column explanation_of_benefit_add_item_detail.factor is 'factor';
comment on column explanation_of_benefit_add_item_detail.net_value is 'net: value';
comment on column explanation_of_benefit_add_item_detail.net_currency is 'net: currency';
comment on column explanation_of_benefit_add_item_detail.note_number is 'noteNumber';
comment on column explanation_of_benefit_add_item_detail.modifier_codes is 'modifier.coding[0].code (HCPCS and CPT modifiers, in order)';
comment on column explanation_of_benefit_add_item_detail.extension is 'extensions of this element that no column takes: an array, each with its path';

alter table explanation_of_benefit_adjudication
  add column reason_system text;
comment on column explanation_of_benefit_adjudication.reason_system is 'reason: coding.system';

alter table explanation_of_benefit_process_note
  add column language_system text;
comment on column explanation_of_benefit_process_note.language_system is 'language: coding.system';

alter table explanation_of_benefit_benefit_balance
  add column category_system text,
  add column network_system text,
  add column unit_system text,
  add column term_system text;
comment on column explanation_of_benefit_benefit_balance.category_system is 'category: coding.system';
comment on column explanation_of_benefit_benefit_balance.network_system is 'network: coding.system';
comment on column explanation_of_benefit_benefit_balance.unit_system is 'unit: coding.system';
comment on column explanation_of_benefit_benefit_balance.term_system is 'term: coding.system';

alter table explanation_of_benefit_benefit_balance_financial
  add column type_system text;
comment on column explanation_of_benefit_benefit_balance_financial.type_system is 'type: coding.system';

-- Keys for the diagrams and links that clients draw; not enforced, and unknown
-- to servers before PostgreSQL 18.
do $migration$
begin
if current_setting('server_version_num')::int < 180000 then
  return;
end if;
execute $keys$
alter table claim add constraint claim_accident_location_reference_id_fkey foreign key (accident_location_reference_id) references location (id) not enforced;
alter table explanation_of_benefit add constraint explanation_of_benefit_accident_location_reference_id_fkey foreign key (accident_location_reference_id) references location (id) not enforced;
alter table claim_response_item_detail add constraint claim_response_item_detail_claim_response_id_fkey foreign key (claim_response_id) references claim_response (id) not enforced;
alter table claim_response_item_detail add constraint claim_response_item_detail_patient_id_fkey foreign key (patient_id) references patient (id) not enforced;
alter table claim_response_add_item_detail add constraint claim_response_add_item_detail_claim_response_id_fkey foreign key (claim_response_id) references claim_response (id) not enforced;
alter table claim_response_add_item_detail add constraint claim_response_add_item_detail_patient_id_fkey foreign key (patient_id) references patient (id) not enforced;
alter table explanation_of_benefit_add_item_detail add constraint eobaid_explanation_of_benefit_id_fkey foreign key (explanation_of_benefit_id) references explanation_of_benefit (id) not enforced;
alter table explanation_of_benefit_add_item_detail add constraint explanation_of_benefit_add_item_detail_patient_id_fkey foreign key (patient_id) references patient (id) not enforced;
$keys$;
end $migration$;
