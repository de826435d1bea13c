-- The rows of contained resources go with the column that tells them from others.
do $migration$
declare
  child record;
begin
  for child in
    select c.table_name, c.column_name
      from information_schema.columns c
     where c.table_schema = 'public' and c.ordinal_position <= 2 and c.column_name like '%\_id'
       and c.table_name not like '\_\_%'
       and (c.column_name = 'resource_id' or exists (
              select from information_schema.columns r
               where r.table_schema = 'public' and r.column_name = 'container_id'
                 and r.table_name || '_id' = c.column_name and c.ordinal_position = 1))
  loop
    execute format('delete from %I where %I in (select id from etl.contained_resource)', child.table_name, child.column_name);
  end loop;
end $migration$;
delete from patient where container_id is not null;
delete from related_person where container_id is not null;
delete from practitioner where container_id is not null;
delete from practitioner_role where container_id is not null;
delete from organization where container_id is not null;
delete from location where container_id is not null;
delete from encounter where container_id is not null;
delete from appointment where container_id is not null;
delete from condition where container_id is not null;
delete from allergy_intolerance where container_id is not null;
delete from observation where container_id is not null;
delete from diagnostic_report where container_id is not null;
delete from specimen where container_id is not null;
delete from imaging_study where container_id is not null;
delete from document_reference where container_id is not null;
delete from procedure where container_id is not null;
delete from service_request where container_id is not null;
delete from immunization where container_id is not null;
delete from medication where container_id is not null;
delete from medication_request where container_id is not null;
delete from medication_dispense where container_id is not null;
delete from medication_administration where container_id is not null;
delete from medication_statement where container_id is not null;
delete from device where container_id is not null;
delete from supply_delivery where container_id is not null;
delete from care_plan where container_id is not null;
delete from care_team where container_id is not null;
delete from goal where container_id is not null;
delete from communication where container_id is not null;
delete from communication_request where container_id is not null;
delete from questionnaire_response where container_id is not null;
delete from consent where container_id is not null;
delete from coverage where container_id is not null;
delete from claim where container_id is not null;
delete from claim_response where container_id is not null;
delete from explanation_of_benefit where container_id is not null;
delete from provenance where container_id is not null;
delete from other_resource where container_id is not null;
alter table patient drop column container_id;
alter table related_person drop column container_id;
alter table practitioner drop column container_id;
alter table practitioner_role drop column container_id;
alter table organization drop column container_id;
alter table location drop column container_id;
alter table encounter drop column container_id;
alter table appointment drop column container_id;
alter table condition drop column container_id;
alter table allergy_intolerance drop column container_id;
alter table observation drop column container_id;
alter table diagnostic_report drop column container_id;
alter table specimen drop column container_id;
alter table imaging_study drop column container_id;
alter table document_reference drop column container_id;
alter table procedure drop column container_id;
alter table service_request drop column container_id;
alter table immunization drop column container_id;
alter table medication drop column container_id;
alter table medication_request drop column container_id;
alter table medication_dispense drop column container_id;
alter table medication_administration drop column container_id;
alter table medication_statement drop column container_id;
alter table device drop column container_id;
alter table supply_delivery drop column container_id;
alter table care_plan drop column container_id;
alter table care_team drop column container_id;
alter table goal drop column container_id;
alter table communication drop column container_id;
alter table communication_request drop column container_id;
alter table questionnaire_response drop column container_id;
alter table consent drop column container_id;
alter table coverage drop column container_id;
alter table claim drop column container_id;
alter table claim_response drop column container_id;
alter table explanation_of_benefit drop column container_id;
alter table provenance drop column container_id;
alter table other_resource drop column container_id;
comment on column etl.resource.revision is 'how many contents were applied; 0 while it is only referred to';
drop table etl.contained_resource;
