-- What a person has, and what a policy failed at, by its phase: what is closed grows for years, and
-- first pages and queues ask only for the rest.
drop index tickets_requester;
drop index tickets_assignee;
drop index tickets_failures;
-- What a person has asked for: the portal's first page.
create index tickets_requester on tickets (org_id, requester_id, phase, opened_at, id, kind)
    where requester_id is not null;
-- What a person works on and has worked on; what nobody has taken is not in it.
create index tickets_assignee on tickets (org_id, assignee_id, phase, opened_at, id, kind)
    where assignee_id is not null;
-- Where a policy failed, which is what an operator asks for, and the desk as long as it is open.
create index tickets_failures on tickets (org_id, phase, opened_at, id) where policy_failures is not null;
-- PostgreSQL also gets the key of its outbox in other words; here there are no walls.
