create table etl.deviating_element (
  resource_type text not null,
  element text not null,
  deviation text not null,
  resources bigint not null,
  last_file_id bigint,
  primary key (resource_type, element, deviation)
);
comment on table etl.deviating_element is 'elements that are written in another way than FHIR R4 defines, and what became of them; the resources are loaded';
comment on column etl.deviating_element.resource_type is 'FHIR type';
comment on column etl.deviating_element.element is 'path of the element, without indexes';
comment on column etl.deviating_element.deviation is 'coerced: another JSON type, a list for an item or the reverse, a Coding for a CodeableConcept or the reverse, blanks, another spelling of a time: read; several: more than one where one is allowed: the first was read; variants: more than one variant of a choice: columns that they share show one of them; modifier: a modifier extension, which may change what the element means; unreadable: a JSON type without a meaning here: not read';
comment on column etl.deviating_element.resources is 'how many resources had it';
comment on column etl.deviating_element.last_file_id is 'the last file it came in';
