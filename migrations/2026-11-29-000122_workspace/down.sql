-- Fails while analysts have anything in there, which is theirs to remove.
drop schema workspace_tuva;
drop schema workspace_omop;
drop schema workspace;
