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
    -- What makes an import idempotent.
    constraint tickets_external_key unique (org_id, external_source, external_id),
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

-- The default order of lists.
create index tickets_opened on tickets (org_id, opened_at, id);
-- Who asks for what has changed: front ends that keep a copy.
create index tickets_updated on tickets (org_id, updated_at, id);
-- What a person has asked for: the portal's first page.
create index tickets_requester on tickets (org_id, requester_id, opened_at, id) where requester_id is not null;
-- Queues and loads of teams; open tickets are few, so it stays small.
create index tickets_queue on tickets (org_id, team_id, priority, opened_at, id) where active;
-- What a person works on; as small.
create index tickets_assignee on tickets (org_id, assignee_id, opened_at, id) where active and assignee_id is not null;
-- What else is open on a CI, asked before each decision.
create index tickets_ci on tickets (org_id, ci_id) where active and ci_id is not null;
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

call waypost_wall('tickets');
call waypost_wall('incidents');
call waypost_wall('requests');
call waypost_wall('problems');
call waypost_wall('tasks');
call waypost_wall('ticket_cis');

-- Everybody reads which states there are; only a migration changes them.
alter table states enable row level security;
alter table states force row level security;
create policy known on states for select using (true);
create policy changed on states using ((select waypost_system()));
