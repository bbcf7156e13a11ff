-- What a person has by its phase: what is closed grows for years, and first pages and queues ask
-- only for the rest. Both name the kind, which lists are filtered by.
drop index tickets_requester;
drop index tickets_assignee;
-- What a person has asked for: the portal's first page.
create index tickets_requester on tickets (org_id, requester_id, phase, opened_at, id, kind)
    where requester_id is not null;
-- What a person works on and has worked on; what nobody has taken is not in it.
create index tickets_assignee on tickets (org_id, assignee_id, phase, opened_at, id, kind)
    where assignee_id is not null;
