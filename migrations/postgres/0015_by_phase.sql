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

-- As it was, in words that the walls let an index be asked by: of `coalesce` PostgreSQL does not
-- know whether it tells what it is given, so each look for a ticket's messages read all of the
-- table.
drop index outbox_dedupe_key;
create unique index outbox_dedupe_key on outbox (
    org_id,
    (case when ticket_id is null then '00000000-0000-0000-0000-000000000000'::uuid else ticket_id end),
    person_id,
    dedupe_key
);
