-- Tickets and what belongs to them.

-- Incidents and requests. Facts that are true only in some states are nullable columns, which the checks tie to the
-- state. No foreign keys to the directory: see 0002.
create table tickets (
    id blob not null,
    org_id blob not null constraint tickets_org references organizations (id),
    kind text not null,
    number text not null,
    state text not null,
    -- Whether the desk still has to do something; from the state, for the indexes.
    active integer not null constraint tickets_active_bool check (active in (0, 1)),
    short_description text not null,
    -- The short description in lower case, for searching.
    short_folded text not null,
    description text not null,
    channel text not null,
    tags text not null constraint tickets_tags_json check (json_valid(tags)),
    requester_id blob not null,
    opened_by_id blob,
    category text,
    service_id blob,
    ci_id blob,
    impact integer,
    urgency integer,
    -- The winner of the three below, for the queue's order.
    priority integer not null,
    priority_matrix integer not null,
    priority_policy integer,
    priority_manual integer,
    priority_reason text,
    team_id blob not null,
    assignee_id blob,
    reassignment_count integer not null,
    watchers text not null constraint tickets_watchers_json check (json_valid(watchers)),
    parent_id blob,
    -- The closed ticket that this one takes up again.
    follows_id blob,
    external_source text,
    external_id text,
    opened_at text not null,
    created_at text not null,
    updated_at text not null,
    state_since text not null,
    waiting_since text not null,
    escalation_level integer not null,
    acknowledged_at text,
    first_response_at text,
    eta text,
    triaged_at text,
    reopen_count integer not null,
    last_reopened_at text,
    -- The hooks at which a policy failed and a fallback decided.
    degraded text,
    -- On hold.
    hold_awaiting text,
    hold_vendor text,
    hold_person_id blob,
    hold_since text,
    hold_follow_up_at text,
    -- Resolved (an incident) or fulfilled (a request); stays when closed.
    outcome_code text,
    outcome_notes text,
    outcome_at text,
    outcome_by text,
    outcome_by_id blob,
    closed_at text,
    closed_by text,
    closed_by_id blob,
    cancel_outcome text,
    cancel_ticket_id blob,
    cancel_reason text,
    cancelled_at text,
    cancelled_by text,
    cancelled_by_id blob,
    rejected_reason text,
    rejected_at text,
    -- Requests only.
    item_id blob,
    answers text constraint tickets_answers_json check (json_valid(answers)),
    cost_minor integer,
    cost_currency text,
    expected_at text,
    version integer not null,
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
) strict;

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
    org_id blob not null,
    ticket_id blob not null,
    seq integer not null,
    id blob not null,
    at text not null,
    actor text not null,
    actor_id blob,
    cause_id blob,
    action text not null,
    changes text not null constraint events_changes_json check (json_valid(changes)),
    policy_digest blob,
    reason text,
    constraint events_key primary key (org_id, ticket_id, seq),
    constraint events_ticket foreign key (org_id, ticket_id) references tickets (org_id, id)
) strict, without rowid;

create table comments (
    id blob not null,
    org_id blob not null,
    ticket_id blob not null,
    visibility text not null constraint comments_visibility check (visibility in ('public', 'internal')),
    author text not null,
    author_id blob,
    text text not null,
    created_at text not null,
    constraint comments_key primary key (org_id, ticket_id, created_at, id),
    constraint comments_ticket foreign key (org_id, ticket_id) references tickets (org_id, id)
) strict;

create table suggestions (
    id blob not null,
    org_id blob not null,
    ticket_id blob not null,
    receipt_id blob not null,
    field text not null,
    seen text,
    value text not null,
    confidence integer not null,
    reasons text not null constraint suggestions_reasons_json check (json_valid(reasons)),
    state text not null,
    decided_by_id blob,
    decided_at text,
    created_at text not null,
    constraint suggestions_key primary key (org_id, ticket_id, id),
    constraint suggestions_ticket foreign key (org_id, ticket_id) references tickets (org_id, id),
    constraint suggestions_state check (
        state in ('open', 'accepted', 'dismissed')
        and (state = 'open') = (decided_at is null)
        and (decided_at is null) = (decided_by_id is null)
    )
) strict;

-- Rounds of approval. The stages and steps are one JSON document, read and written as a whole; the requests to voters
-- are rows, because people ask for theirs.
create table approvals (
    id blob not null,
    org_id blob not null,
    ticket_id blob not null,
    round integer not null,
    stages text not null constraint approvals_stages_json check (json_valid(stages)),
    outcome text not null,
    content_digest text not null,
    receipt_id blob,
    created_at text not null,
    decided_at text,
    version integer not null,
    constraint approvals_key primary key (org_id, id),
    constraint approvals_round_key unique (org_id, ticket_id, round),
    constraint approvals_ticket foreign key (org_id, ticket_id) references tickets (org_id, id)
) strict;

create table approval_requests (
    id blob not null,
    org_id blob not null,
    approval_id blob not null,
    stage integer not null,
    step integer not null,
    place integer not null,
    seat_id blob not null,
    voter_id blob not null,
    mandatory integer not null constraint approval_requests_mandatory_bool check (mandatory in (0, 1)),
    state text not null,
    due_at text,
    requested_at text,
    decided_at text,
    comment text,
    reminder_count integer not null,
    escalated_at text,
    constraint approval_requests_key primary key (org_id, id),
    constraint approval_requests_approval foreign key (org_id, approval_id) references approvals (org_id, id)
) strict;

create index approval_requests_of on approval_requests (org_id, approval_id, stage, step, place);
-- What waits for a person's vote, and what has waited too long.
create index approval_requests_open on approval_requests (org_id, voter_id, requested_at) where state = 'requested';
