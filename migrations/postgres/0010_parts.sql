-- Every move of an incident asks for its parts.
create index tickets_parent on tickets (org_id, parent_id) where parent_id is not null;
