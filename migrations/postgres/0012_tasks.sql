-- The pieces of work that fulfil a request. Whatever happens to one is an event of its request, whose version it moves, so a
-- request and its tasks are always read as they were together.

create table tasks (
    id uuid not null,
    org_id uuid not null,
    ticket_id uuid not null,
    number text collate "C" not null,
    state text not null,
    -- Whether somebody still has to do something; from the state, for the index.
    active boolean not null,
    -- Why it waits, was left, is not needed or was withdrawn.
    reason text,
    short_description text not null,
    description text not null,
    team_id uuid not null,
    assignee_id uuid,
    -- The place among the tasks of the request.
    position bigint not null,
    mandatory boolean not null,
    -- The ids of tasks of the same request that come before it.
    depends_on jsonb not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    state_since timestamptz not null,
    version bigint not null,
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
);

-- A request's own tasks, read with it.
create index tasks_of on tasks (org_id, ticket_id);
-- What a team, and what a person has to do; what is over is much more, and nobody's queue.
create index tasks_queue on tasks (org_id, team_id, created_at, id) where active;
create index tasks_assignee on tasks (org_id, assignee_id, created_at, id) where active and assignee_id is not null;
-- The whole list, page by page.
create index tasks_created on tasks (org_id, created_at, id);

call waypost_wall('tasks');

-- Working hours of the organization until what is asked for is there.
alter table catalog_items add column delivery_hours bigint;
-- The tasks that every request for it begins with.
alter table catalog_items add column tasks jsonb not null default '[]';

-- How many of an item a request asks for; none for an incident, and one where an older release wrote it.
alter table tickets add column quantity bigint constraint tickets_quantity check (quantity >= 1);
-- What was ordered together.
alter table tickets add column order_id uuid;
-- The requests of an order are asked for by its id.
create index tickets_order on tickets (org_id, order_id) where order_id is not null;
