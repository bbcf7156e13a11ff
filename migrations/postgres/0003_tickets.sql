-- Tickets, of every kind: what they share, and a table beside them for what only one kind has.

-- Which states a kind has, and the phase of each. Whoever adds a kind adds rows; no other table
-- names a state.
create table states (
    kind text not null,
    state text not null,
    phase text not null,
    constraint states_key primary key (kind, state),
    -- What tickets refer to.
    constraint states_phase_key unique (kind, state, phase),
    constraint states_phase check (phase in ('open', 'on_hold', 'done', 'rejected', 'closed', 'cancelled'))
);

insert into states (kind, state, phase) values
    ('incident', 'new', 'open'),
    ('incident', 'in_progress', 'open'),
    ('incident', 'on_hold', 'on_hold'),
    ('incident', 'resolved', 'done'),
    ('incident', 'closed', 'closed'),
    ('incident', 'cancelled', 'cancelled'),
    ('request', 'new', 'open'),
    ('request', 'awaiting_approval', 'open'),
    ('request', 'in_fulfilment', 'open'),
    ('request', 'on_hold', 'on_hold'),
    ('request', 'fulfilled', 'done'),
    ('request', 'rejected', 'rejected'),
    ('request', 'closed', 'closed'),
    ('request', 'cancelled', 'cancelled'),
    ('problem', 'new', 'open'),
    ('problem', 'assess', 'open'),
    ('problem', 'root_cause_analysis', 'open'),
    ('problem', 'fix_in_progress', 'open'),
    ('problem', 'resolved', 'done'),
    ('problem', 'closed', 'closed'),
    ('task', 'waiting', 'open'),
    ('task', 'open', 'open'),
    ('task', 'in_progress', 'open'),
    ('task', 'on_hold', 'on_hold'),
    ('task', 'incomplete', 'done'),
    ('task', 'done', 'closed'),
    ('task', 'skipped', 'closed'),
    ('task', 'cancelled', 'cancelled');

-- Facts that are true only in some phases are nullable columns, which the checks tie to the phase.
-- No foreign keys to the directory: see 0002.
create table tickets (
    id uuid not null,
    org_id uuid not null constraint tickets_org references organizations (id),
    kind text not null,
    number text collate "C" not null,
    state text not null,
    phase text not null,
    -- Whether the desk still has to do something, for the indexes.
    active boolean not null generated always as (phase in ('open', 'on_hold')) stored,
    short_description text not null,
    -- The short description in lower case, for searching.
    short_folded text not null,
    description text not null,
    channel text not null,
    tags jsonb not null,
    -- Custom fields, as JSON: an object of names and values.
    fields text not null,
    -- Whom it is for; a problem or a task is for nobody.
    requester_id uuid,
    opened_by_id uuid,
    category text collate "C",
    service_id uuid,
    ci_id uuid,
    impact bigint,
    urgency bigint,
    -- The winner of the three below, for the queue's order.
    priority bigint not null,
    priority_matrix bigint not null,
    priority_policy bigint,
    priority_manual bigint,
    priority_reason text,
    team_id uuid not null,
    assignee_id uuid,
    reassignment_count bigint not null,
    watchers jsonb not null,
    -- The larger incident that an incident is a child of, or the ticket that a task belongs to.
    parent_id uuid,
    -- The closed ticket that this one takes up again.
    follows_id uuid,
    external_source text collate "C",
    external_id text collate "C",
    opened_at timestamptz not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    state_since timestamptz not null,
    waiting_since timestamptz not null,
    escalation_level bigint not null,
    acknowledged_at timestamptz,
    first_response_at timestamptz,
    eta timestamptz,
    triaged_at timestamptz,
    reopen_count bigint not null,
    last_reopened_at timestamptz,
    -- The hooks at which a policy failed and a fallback decided.
    policy_failures text,
    -- On hold.
    hold_awaiting text,
    hold_vendor text,
    hold_person_id uuid,
    hold_problem_id uuid,
    hold_other text,
    hold_since timestamptz,
    hold_follow_up_at timestamptz,
    -- Done; stays when closed. A kind without outcome codes has none.
    outcome_code text,
    outcome_notes text,
    outcome_at timestamptz,
    outcome_by text,
    outcome_by_id uuid,
    closed_at timestamptz,
    closed_by text,
    closed_by_id uuid,
    cancel_outcome text,
    cancel_ticket_id uuid,
    cancel_reason text,
    cancelled_at timestamptz,
    cancelled_by text,
    cancelled_by_id uuid,
    rejected_reason text,
    rejected_at timestamptz,
    version bigint not null,
    constraint tickets_key primary key (org_id, id),
    constraint tickets_number_key unique (org_id, number),
    constraint tickets_state foreign key (kind, state, phase) references states (kind, state, phase),
    constraint tickets_manual check ((priority_manual is null) = (priority_reason is null)),
    constraint tickets_external check ((external_source is null) = (external_id is null)),
    constraint tickets_hold check (
        (phase = 'on_hold') = (hold_awaiting is not null) and (hold_awaiting is null) = (hold_since is null)
    ),
    constraint tickets_awaiting check (
        coalesce(hold_awaiting, 'caller') in ('caller', 'vendor', 'evidence', 'problem', 'other')
        and (coalesce(hold_awaiting, '') = 'vendor') = (hold_vendor is not null)
        and (coalesce(hold_awaiting, '') = 'evidence') = (hold_person_id is not null)
        and (coalesce(hold_awaiting, '') = 'problem') = (hold_problem_id is not null)
        and (coalesce(hold_awaiting, '') = 'other') = (hold_other is not null)
    ),
    constraint tickets_outcome check (
        (phase in ('done', 'closed')) = (outcome_notes is not null)
        and (outcome_notes is null) = (outcome_at is null)
        and (outcome_notes is null) = (outcome_by is null)
        and (outcome_code is null or outcome_notes is not null)
    ),
    constraint tickets_closed check (
        (phase = 'closed') = (closed_at is not null) and (closed_at is null) = (closed_by is null)
    ),
    constraint tickets_cancelled check (
        (phase = 'cancelled') = (cancelled_at is not null)
        and (cancelled_at is null) = (cancelled_by is null)
        and (cancelled_at is null) = (cancel_reason is null)
        and (cancelled_at is null) = (cancel_outcome is null)
        and coalesce(cancel_outcome, 'withdrawn') in ('withdrawn', 'merged_into', 'converted_to')
        and (coalesce(cancel_outcome, 'withdrawn') = 'withdrawn') = (cancel_ticket_id is null)
    ),
    constraint tickets_rejected check (
        (phase = 'rejected') = (rejected_at is not null) and (rejected_at is null) = (rejected_reason is null)
    )
);

-- Lists walk one of these in their order, and stop when a page is full; which one, `filter.rs`
-- says.

-- What makes an import idempotent. What comes from nowhere else is not in it.
create unique index tickets_external_key on tickets (org_id, external_source, external_id)
    where external_source is not null;
-- The default order of lists, by kind, so that the few of one kind are not looked for among the
-- many of another. A list of several kinds walks several places of it.
create index tickets_opened on tickets (org_id, kind, opened_at, id);
-- Front ends that keep a copy, and auditors, ask for what has changed.
create index tickets_updated on tickets (org_id, kind, updated_at, id);
-- What a person has asked for: the portal's first page.
create index tickets_requester on tickets (org_id, requester_id, opened_at, id) where requester_id is not null;
-- What the desk still has to do: all queues, and every other list of what is open. That is little
-- beside all there ever was, so one index is enough for the teams together. It has what such lists
-- are filtered by, and a ticket is read only where the rest of it is wanted.
create index tickets_open on tickets (
    org_id, priority, opened_at, id, team_id, assignee_id, kind, phase, state, category, service_id, updated_at
) where active;
-- What is past, by each thing that lists are filtered by and that little of it may have: a team
-- that has ended, a service that hardly fails. Opening a ticket writes none of them.
create index tickets_past_team on tickets (org_id, team_id, opened_at, id, kind) where not active;
create index tickets_past_service on tickets (org_id, service_id, opened_at, id, kind)
    where not active and service_id is not null;
create index tickets_past_category on tickets (org_id, category, opened_at, id, kind)
    where not active and category is not null;
create index tickets_past_priority on tickets (org_id, priority, opened_at, id, kind) where not active;
create index tickets_past_unassigned on tickets (org_id, opened_at, id, kind)
    where not active and assignee_id is null;
-- What is over and not closed: it waits for its requester or for being closed by upkeep, or it
-- ended in a way that little does.
create index tickets_ended on tickets (org_id, kind, phase, opened_at, id, outcome_at)
    where phase in ('done', 'rejected', 'cancelled');
-- What a person works on and has worked on; what nobody has taken is not in it.
create index tickets_assignee on tickets (org_id, assignee_id, opened_at, id, active) where assignee_id is not null;
-- What a CI has, and how much of it is open, which is asked before each decision. A CI may have
-- thousands of tickets.
create index tickets_ci on tickets (org_id, ci_id, active, opened_at, id, kind) where ci_id is not null;
-- Where a policy failed, which is what an operator asks for, and rare.
create index tickets_failures on tickets (org_id, opened_at, id) where policy_failures is not null;
-- Every action on an incident asks for its children, and every ticket is read with its tasks.
create index tickets_parent on tickets (org_id, parent_id) where parent_id is not null;
-- A reply to what is over goes to the ticket that took it up again.
create index tickets_follows on tickets (org_id, follows_id) where follows_id is not null;

-- What only one kind has. A row is there only where something differs from what a new ticket of the
-- kind starts with, so an ordinary incident costs no second insert.

create table incidents (
    org_id uuid not null,
    ticket_id uuid not null,
    sync_with_parent boolean not null,
    affected_users bigint not null,
    problem_id uuid,
    -- Where it stands as a major incident; the columns after it hold what is true only there.
    major_state text not null,
    major_manager_id uuid,
    major_communication_owner_id uuid,
    major_next_update_at timestamptz,
    -- Whether that time passed without an update, and somebody was told so.
    major_update_missed boolean not null,
    major_review_note text,
    constraint incidents_key primary key (org_id, ticket_id),
    constraint incidents_ticket foreign key (org_id, ticket_id) references tickets (org_id, id),
    constraint incidents_major check (
        major_state in ('none', 'proposed', 'accepted', 'review', 'done', 'rejected')
        and (major_state in ('accepted', 'review', 'done')) = (major_manager_id is not null)
        and (major_manager_id is null) = (major_communication_owner_id is null)
        and (major_state = 'accepted') = (major_next_update_at is not null)
        and (major_state = 'accepted' or not major_update_missed)
        and (major_state = 'done') = (major_review_note is not null)
    )
);

-- Who asks where major incidents stand, and each round of upkeep for promises that were not kept.
-- There are few.
create index incidents_major on incidents (org_id, major_state) where major_state <> 'none';
-- The incidents that a problem causes, asked with each of its actions.
create index incidents_problem on incidents (org_id, problem_id) where problem_id is not null;

create table requests (
    org_id uuid not null,
    ticket_id uuid not null,
    item_id uuid,
    answers jsonb not null,
    -- How many of the item it asks for.
    quantity bigint not null constraint requests_quantity check (quantity >= 1),
    -- What was ordered together.
    order_id uuid,
    cost_minor bigint,
    cost_currency text,
    expected_at timestamptz,
    constraint requests_key primary key (org_id, ticket_id),
    constraint requests_ticket foreign key (org_id, ticket_id) references tickets (org_id, id),
    constraint requests_cost check ((cost_minor is null) = (cost_currency is null))
);

-- The requests of an order are asked for by its id.
create index requests_order on requests (org_id, order_id) where order_id is not null;

create table problems (
    org_id uuid not null,
    ticket_id uuid not null,
    symptom text,
    root_cause text,
    workaround text,
    fix_notes text,
    improvements text,
    known_error boolean not null,
    major boolean not null,
    risk_owner_id uuid,
    risk_review_at timestamptz,
    -- Whether the task of that review was opened.
    risk_review_opened boolean not null,
    duplicate_of_id uuid,
    converted_to_id uuid,
    no_article_reason text,
    review_note text,
    constraint problems_key primary key (org_id, ticket_id),
    constraint problems_ticket foreign key (org_id, ticket_id) references tickets (org_id, id)
);

-- Each round of upkeep looks for accepted risks that are to be looked at again.
create index problems_risk_review on problems (org_id, risk_review_at)
    where risk_review_at is not null and not risk_review_opened;

create table tasks (
    org_id uuid not null,
    ticket_id uuid not null,
    -- The place among the tasks of its ticket.
    position bigint not null,
    mandatory boolean not null,
    -- The ids of tasks of the same ticket that come before it.
    depends_on jsonb not null,
    constraint tasks_key primary key (org_id, ticket_id),
    constraint tasks_ticket foreign key (org_id, ticket_id) references tickets (org_id, id)
);

-- The configuration items that a ticket concerns beside its main one.
create table ticket_cis (
    org_id uuid not null,
    ticket_id uuid not null,
    ci_id uuid not null,
    -- How it is concerned: `affected`.
    role text not null,
    constraint ticket_cis_key primary key (org_id, ticket_id, ci_id, role),
    constraint ticket_cis_ticket foreign key (org_id, ticket_id) references tickets (org_id, id)
);

-- What a CI is named in.
create index ticket_cis_ci on ticket_cis (org_id, ci_id);

-- Whom a ticket concerns beside its requester: who opened it for somebody else, who watches it, and
-- whoever a task is assigned to. A requester's own list asks for their name here, because it can't
-- be looked for in a ticket's JSON. Written by the triggers below, so that whoever writes a ticket
-- can't forget it, nor an earlier release that runs beside this one.
create table ticket_people (
    org_id uuid not null,
    person_id uuid not null,
    ticket_id uuid not null,
    constraint ticket_people_key primary key (org_id, person_id, ticket_id),
    constraint ticket_people_ticket foreign key (org_id, ticket_id) references tickets (org_id, id)
);

create function concerned_people(kind text, requester_id uuid, opened_by_id uuid, assignee_id uuid, watchers jsonb)
    returns setof uuid
    language sql immutable parallel safe
begin atomic
    select cast(w.id as uuid) from jsonb_array_elements_text(watchers) as w (id)
    union
    select p.id from (
        select case kind when 'task' then assignee_id else nullif(opened_by_id, requester_id) end
    ) as p (id) where p.id is not null;
end;

create function write_concerned_people() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' then
        delete from ticket_people where org_id = old.org_id and ticket_id = old.id and person_id in (
            select concerned_people(old.kind, old.requester_id, old.opened_by_id, old.assignee_id, old.watchers)
        );
    end if;
    insert into ticket_people (org_id, person_id, ticket_id)
    select new.org_id, person_id, new.id
    from concerned_people(new.kind, new.requester_id, new.opened_by_id, new.assignee_id, new.watchers) as person_id;
    return null;
end
$$;

-- For each row, because most tickets concern nobody else, and most changes nobody others: asking
-- that of a row costs less than collecting rows for a statement.
create trigger tickets_concern_people after insert on tickets for each row
when (
    new.watchers <> '[]'
    or case new.kind when 'task' then new.assignee_id else nullif(new.opened_by_id, new.requester_id) end is not null
)
execute function write_concerned_people();

create trigger tickets_concern_others after update on tickets for each row
when (
    old.watchers <> new.watchers
    or case old.kind when 'task' then old.assignee_id else nullif(old.opened_by_id, old.requester_id) end
        is distinct from
        case new.kind when 'task' then new.assignee_id else nullif(new.opened_by_id, new.requester_id) end
)
execute function write_concerned_people();

-- Which tickets have a tag, because few may, and it can't be looked for in a ticket's JSON.
create table ticket_tags (
    org_id uuid not null,
    tag text collate "C" not null,
    ticket_id uuid not null,
    constraint ticket_tags_key primary key (org_id, tag, ticket_id),
    constraint ticket_tags_ticket foreign key (org_id, ticket_id) references tickets (org_id, id)
);

create function write_tags() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' then
        delete from ticket_tags
        where org_id = old.org_id and ticket_id = old.id and tag in (select jsonb_array_elements_text(old.tags));
    end if;
    insert into ticket_tags (org_id, tag, ticket_id)
    select new.org_id, tag, new.id from jsonb_array_elements_text(new.tags) as t (tag);
    return null;
end
$$;

create trigger tickets_are_tagged after insert on tickets for each row
when (new.tags <> '[]') execute function write_tags();

create trigger tickets_are_retagged after update on tickets for each row
when (old.tags <> new.tags) execute function write_tags();

-- How many open tickets each team has: policies that route by it ask with each ticket, and would
-- count through all of them. Kept by the triggers below, in the transaction that changes the
-- ticket. A team has several rows, whose sum is the number; one of them may be below zero, because
-- a ticket is opened and ended in different transactions. Half of each page stays free for what
-- updates leave behind, which otherwise would go through the index.
create table team_open (
    org_id uuid not null constraint team_open_org references organizations (id),
    team_id uuid not null,
    shard bigint not null,
    open bigint not null,
    constraint team_open_key primary key (org_id, team_id, shard)
) with (fillfactor = 50);

-- A shard of the organization's counters that no other transaction counts in until this one has
-- ended: the first one that is free, so there are about as many as transactions at once.
--
-- With one row for each team, tickets of a team would wait for each other until their commit; and
-- with rows by some hash, two transactions of several tickets each could wait for each other in a
-- circle, whatever the order within one statement. Here nobody waits.
create function free_shard(org_id uuid) returns bigint
    language plpgsql volatile as $$
declare
    shard bigint := 0;
begin
    while not pg_try_advisory_xact_lock(hashtextextended(org_id::text, shard)) loop
        shard := shard + 1;
    end loop;
    return shard;
end
$$;

-- Once for all rows of a statement: imports write 64 tickets with each, most of them for few teams.
create function count_tickets() returns trigger language plpgsql as $$
begin
    insert into team_open (org_id, team_id, shard, open)
    select org_id, team_id, free_shard(org_id), count(*) from added where active group by org_id, team_id
    on conflict (org_id, team_id, shard) do update set open = team_open.open + excluded.open;
    return null;
end
$$;

create trigger tickets_are_counted after insert on tickets referencing new table as added
for each statement execute function count_tickets();

-- An update is of one ticket, and most change neither: asking that of a row costs less than
-- collecting rows for a statement.
create function recount_tickets() returns trigger language plpgsql as $$
begin
    insert into team_open (org_id, team_id, shard, open)
    select org_id, team_id, free_shard(org_id), sum(change)
    from (
        values (old.org_id, old.team_id, -1, old.active), (new.org_id, new.team_id, 1, new.active)
    ) as c (org_id, team_id, change, counts)
    where counts group by org_id, team_id
    on conflict (org_id, team_id, shard) do update set open = team_open.open + excluded.open;
    return null;
end
$$;

create trigger tickets_are_recounted after update on tickets for each row
when (old.active <> new.active or new.active and old.team_id <> new.team_id)
execute function recount_tickets();

call waypost_wall('tickets');
call waypost_wall('incidents');
call waypost_wall('requests');
call waypost_wall('problems');
call waypost_wall('tasks');
call waypost_wall('ticket_cis');
call waypost_wall('ticket_people');
call waypost_wall('ticket_tags');
call waypost_wall('team_open');

-- Everybody reads which states there are; only a migration changes them.
alter table states enable row level security;
alter table states force row level security;
create policy known on states for select using (true);
create policy changed on states using ((select waypost_system()));
