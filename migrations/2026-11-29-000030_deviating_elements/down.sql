drop table etl.deviating_element;
