-- The pieces of work that fulfil a request. Whatever happens to one is an event of its request, whose version it moves, so a
-- request and its tasks are always read as they were together.

create table tasks (
    id blob not null,
    org_id blob not null,
    ticket_id blob not null,
    number text not null,
    state text not null,
    -- Whether somebody still has to do something; from the state, for the index.
    active integer not null constraint tasks_active_bool check (active in (0, 1)),
    -- Why it waits, was left, is not needed or was withdrawn.
    reason text,
    short_description text not null,
    description text not null,
    team_id blob not null,
    assignee_id blob,
    -- The place among the tasks of the request.
    position integer not null,
    mandatory integer not null constraint tasks_mandatory_bool check (mandatory in (0, 1)),
    -- The ids of tasks of the same request that come before it.
    depends_on text not null constraint tasks_depends_on_json check (json_valid(depends_on)),
    created_at text not null,
    updated_at text not null,
    state_since text not null,
    version integer not null,
    constraint tasks_key primary key (org_id, id),
    constraint tasks_number_key unique (org_id, number),
    constraint tasks_ticket foreign key (org_id, ticket_id) references tickets (org_id, id),
    constraint tasks_state check (
        state in ('waiting', 'open', 'in_progress', 'on_hold', 'done', 'incomplete', 'skipped', 'cancelled')
    ),
    constraint tasks_active check (active = (state in ('waiting', 'open', 'in_progress', 'on_hold'))),
    constraint tasks_reason check (
        (state in ('on_hold', 'incomplete', 'skipped', 'cancelled')) = (reason is not null)
    )
) strict;

-- A request's own tasks, read with it.
create index tasks_of on tasks (org_id, ticket_id);
-- What a team, and what a person has to do; what is over is much more, and nobody's queue.
create index tasks_queue on tasks (org_id, team_id, created_at, id) where active;
create index tasks_assignee on tasks (org_id, assignee_id, created_at, id) where active and assignee_id is not null;
-- The whole list, page by page.
create index tasks_created on tasks (org_id, created_at, id);

-- Working hours of the organization until what is asked for is there.
alter table catalog_items add column delivery_hours integer;
-- The tasks that every request for it begins with.
alter table catalog_items add column tasks text not null default '[]' constraint catalog_items_tasks_json check (json_valid(tasks));

-- How many of an item a request asks for; none for an incident, and one where an older release wrote it.
alter table tickets add column quantity integer constraint tickets_quantity check (quantity >= 1);
-- What was ordered together.
alter table tickets add column order_id blob;
-- The requests of an order are asked for by its id.
create index tickets_order on tickets (org_id, order_id) where order_id is not null;
