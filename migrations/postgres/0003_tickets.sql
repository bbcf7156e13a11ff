-- Tickets and what belongs to them.

-- Incidents and requests. Facts that are true only in some states are nullable columns, which the checks tie to the
-- state. No foreign keys to the directory: see 0002.
create table tickets (
    id uuid not null,
    org_id uuid not null constraint tickets_org references organizations (id),
    kind text not null,
    number text collate "C" not null,
    state text not null,
    -- Whether the desk still has to do something; from the state, for the indexes.
    active boolean not null,
    short_description text not null,
    -- The short description in lower case, for searching.
    short_folded text not null,
    description text not null,
    channel text not null,
    tags jsonb not null,
    requester_id uuid not null,
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
    degraded text,
    -- On hold.
    hold_awaiting text,
    hold_vendor text,
    hold_person_id uuid,
    hold_since timestamptz,
    hold_follow_up_at timestamptz,
    -- Resolved (an incident) or fulfilled (a request); stays when closed.
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
    -- Requests only.
    item_id uuid,
    answers jsonb,
    cost_minor bigint,
    cost_currency text,
    expected_at timestamptz,
    version bigint not null,
    constraint tickets_key primary key (org_id, id),
    constraint tickets_number_key unique (org_id, number),
    -- What makes an import idempotent.
    constraint tickets_external_key unique (org_id, external_source, external_id),
    constraint tickets_state check (
        kind = 'incident'
            and state in ('new', 'in_progress', 'on_hold', 'resolved', 'closed', 'cancelled')
        or kind = 'request'
            and state in (
                'new', 'awaiting_approval', 'in_fulfilment', 'on_hold', 'fulfilled', 'rejected', 'closed', 'cancelled'
            )
    ),
    constraint tickets_active check (
        active = (state in ('new', 'awaiting_approval', 'in_progress', 'in_fulfilment', 'on_hold'))
    ),
    constraint tickets_manual check ((priority_manual is null) = (priority_reason is null)),
    constraint tickets_external check ((external_source is null) = (external_id is null)),
    constraint tickets_hold check (
        (state = 'on_hold') = (hold_awaiting is not null) and (hold_awaiting is null) = (hold_since is null)
    ),
    constraint tickets_awaiting check (
        coalesce(hold_awaiting, 'caller') in ('caller', 'vendor', 'evidence')
        and (coalesce(hold_awaiting, '') = 'vendor') = (hold_vendor is not null)
        and (coalesce(hold_awaiting, '') = 'evidence') = (hold_person_id is not null)
    ),
    constraint tickets_outcome check (
        (state in ('resolved', 'fulfilled', 'closed')) = (outcome_code is not null)
        and (outcome_code is null) = (outcome_notes is null)
        and (outcome_code is null) = (outcome_at is null)
        and (outcome_code is null) = (outcome_by is null)
    ),
    constraint tickets_closed check (
        (state = 'closed') = (closed_at is not null) and (closed_at is null) = (closed_by is null)
    ),
    constraint tickets_cancelled check (
        (state = 'cancelled') = (cancelled_at is not null)
        and (cancelled_at is null) = (cancelled_by is null)
        and (cancelled_at is null) = (cancel_reason is null)
        and (cancelled_at is null) = (cancel_outcome is null)
        and coalesce(cancel_outcome, 'withdrawn') in ('withdrawn', 'merged_into', 'converted_to')
        and (coalesce(cancel_outcome, 'withdrawn') = 'withdrawn') = (cancel_ticket_id is null)
    ),
    constraint tickets_rejected check (
        (state = 'rejected') = (rejected_at is not null) and (rejected_at is null) = (rejected_reason is null)
    ),
    constraint tickets_request check ((kind = 'request') = (answers is not null)),
    constraint tickets_cost check ((cost_minor is null) = (cost_currency is null))
);

-- The default order of lists.
create index tickets_opened on tickets (org_id, opened_at, id);
-- Who asks for what has changed: front ends that keep a copy.
create index tickets_updated on tickets (org_id, updated_at, id);
-- What a person has asked for: the portal's first page.
create index tickets_requester on tickets (org_id, requester_id, opened_at, id);
-- Queues and loads of teams; open tickets are few, so it stays small.
create index tickets_queue on tickets (org_id, team_id, priority, opened_at, id) where active;
-- What else is open on a CI, asked before each decision.
create index tickets_ci on tickets (org_id, ci_id) where active and ci_id is not null;

-- What happened. Appended, never changed.
create table events (
    org_id uuid not null,
    ticket_id uuid not null,
    seq bigint not null,
    id uuid not null,
    at timestamptz not null,
    actor text not null,
    actor_id uuid,
    cause_id uuid,
    action text not null,
    changes jsonb not null,
    policy_digest bytea,
    reason text,
    constraint events_key primary key (org_id, ticket_id, seq),
    constraint events_ticket foreign key (org_id, ticket_id) references tickets (org_id, id)
);

create table comments (
    id uuid not null,
    org_id uuid not null,
    ticket_id uuid not null,
    visibility text not null constraint comments_visibility check (visibility in ('public', 'internal')),
    author text not null,
    author_id uuid,
    text text not null,
    created_at timestamptz not null,
    constraint comments_key primary key (org_id, ticket_id, created_at, id),
    constraint comments_ticket foreign key (org_id, ticket_id) references tickets (org_id, id)
);

create table suggestions (
    id uuid not null,
    org_id uuid not null,
    ticket_id uuid not null,
    receipt_id uuid not null,
    field text not null,
    seen text,
    value text not null,
    confidence bigint not null,
    reasons jsonb not null,
    state text not null,
    decided_by_id uuid,
    decided_at timestamptz,
    created_at timestamptz not null,
    constraint suggestions_key primary key (org_id, ticket_id, id),
    constraint suggestions_ticket foreign key (org_id, ticket_id) references tickets (org_id, id),
    constraint suggestions_state check (
        state in ('open', 'accepted', 'dismissed')
        and (state = 'open') = (decided_at is null)
        and (decided_at is null) = (decided_by_id is null)
    )
);

-- Rounds of approval. The stages and steps are one JSON document, read and written as a whole; the requests to voters
-- are rows, because people ask for theirs.
create table approvals (
    id uuid not null,
    org_id uuid not null,
    ticket_id uuid not null,
    round bigint not null,
    stages jsonb not null,
    outcome text not null,
    content_digest text not null,
    receipt_id uuid,
    created_at timestamptz not null,
    decided_at timestamptz,
    version bigint not null,
    constraint approvals_key primary key (org_id, id),
    constraint approvals_round_key unique (org_id, ticket_id, round),
    constraint approvals_ticket foreign key (org_id, ticket_id) references tickets (org_id, id)
);

create table approval_requests (
    id uuid not null,
    org_id uuid not null,
    approval_id uuid not null,
    stage bigint not null,
    step bigint not null,
    place bigint not null,
    seat_id uuid not null,
    voter_id uuid not null,
    mandatory boolean not null,
    state text not null,
    due_at timestamptz,
    requested_at timestamptz,
    decided_at timestamptz,
    comment text,
    reminder_count bigint not null,
    escalated_at timestamptz,
    constraint approval_requests_key primary key (org_id, id),
    constraint approval_requests_approval foreign key (org_id, approval_id) references approvals (org_id, id)
);

create index approval_requests_of on approval_requests (org_id, approval_id, stage, step, place);
-- What waits for a person's vote, and what has waited too long.
create index approval_requests_open on approval_requests (org_id, voter_id, requested_at) where state = 'requested';

call waypost_wall('tickets');
call waypost_wall('events');
call waypost_wall('comments');
call waypost_wall('suggestions');
call waypost_wall('approvals');
call waypost_wall('approval_requests');
