-- Approvals: rounds of votes on a subject (see 0004), who votes for whom, and what was refused.

-- Rounds of approval. The stages and steps are one JSON document, read and written as a whole; the
-- requests to voters are rows, because people ask for theirs.
create table approvals (
    id uuid not null,
    org_id uuid not null constraint approvals_org references organizations (id),
    subject_kind text not null,
    subject_id uuid not null,
    round bigint not null,
    stages jsonb not null,
    outcome text not null,
    content_digest text not null,
    receipt_id uuid,
    created_at timestamptz not null,
    decided_at timestamptz,
    version bigint not null,
    constraint approvals_key primary key (org_id, id),
    constraint approvals_round_key unique (org_id, subject_id, round)
);

-- Upkeep looks for rounds that nobody's vote is asked for among the open ones, which are few beside
-- all there ever were.
create index approvals_pending on approvals (org_id, id) where outcome = 'pending';

create table approval_requests (
    id uuid not null,
    org_id uuid not null,
    approval_id uuid not null,
    stage bigint not null,
    step bigint not null,
    place bigint not null,
    seat_id uuid not null,
    voter_id uuid not null,
    -- Under which delegation the voter stands in for the seat's holder.
    delegation_id uuid,
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
-- What waits for a person's vote.
create index approval_requests_open on approval_requests (org_id, voter_id, requested_at) where state = 'requested';
-- What upkeep reminds of: whatever has waited for long, round by round.
create index approval_requests_waiting on approval_requests (org_id, approval_id, requested_at, due_at)
    where state = 'requested';
-- Whoever passed their vote on still finds the request in their list: a requester's list asks for
-- both ends of a seat.
create index approval_requests_seat on approval_requests (org_id, seat_id) where state = 'requested';

-- Who votes for a person while they are away, planned ahead. Never deleted; it only ends early.
create table delegations (
    id uuid not null,
    org_id uuid not null constraint delegations_org references organizations (id),
    from_id uuid not null,
    to_id uuid not null,
    scope text not null,
    category text collate "C",
    service_id uuid,
    catalog_item_id uuid,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    reason text not null,
    created_at timestamptz not null,
    created_by text not null,
    created_by_id uuid,
    ended_at timestamptz,
    ended_by text,
    ended_by_id uuid,
    version bigint not null,
    constraint delegations_key primary key (org_id, id),
    constraint delegations_people check (from_id <> to_id),
    constraint delegations_span check (starts_at < ends_at),
    constraint delegations_scope check (
        scope in ('everything', 'category', 'service', 'catalog_item')
        and (scope = 'category') = (category is not null)
        and (scope = 'service') = (service_id is not null)
        and (scope = 'catalog_item') = (catalog_item_id is not null)
    ),
    constraint delegations_ended check ((ended_at is null) = (ended_by is null))
);

-- What is in force is looked for whenever a vote is asked for; most delegations are long over.
create index delegations_open on delegations (org_id, ends_at) where ended_at is null;

-- What an auditor asks for: votes that were tried and refused. The round does not change by them.
create table refused_votes (
    org_id uuid not null,
    id uuid not null,
    subject_kind text not null,
    subject_id uuid not null,
    approval_id uuid not null,
    request_id uuid not null,
    at timestamptz not null,
    actor text not null,
    actor_id uuid,
    vote text not null,
    code text not null,
    message text not null,
    comment text,
    constraint refused_votes_key primary key (org_id, id),
    constraint refused_votes_approval foreign key (org_id, approval_id) references approvals (org_id, id),
    constraint refused_votes_vote check (vote in ('approve', 'reject', 'abstain', 'delegate'))
);

-- Of one person on one request only so many are kept, so each one counts those before.
create index refused_votes_of on refused_votes (org_id, request_id, actor_id);

call waypost_wall('approvals');
call waypost_wall('approval_requests');
call waypost_wall('delegations');
call waypost_wall('refused_votes');
