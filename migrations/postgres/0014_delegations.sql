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

call waypost_wall('delegations');

-- What is in force is looked for whenever a vote is asked for; most delegations are long over.
create index delegations_open on delegations (org_id, ends_at) where ended_at is null;

-- Under which delegation a request's voter stands in for the seat's holder.
alter table approval_requests add column delegation_id uuid;

-- What an auditor asks for: votes that were tried and refused. The round does not change by them.
create table refused_votes (
    org_id uuid not null,
    id uuid not null,
    ticket_id uuid not null,
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
    constraint refused_votes_ticket foreign key (org_id, ticket_id) references tickets (org_id, id),
    constraint refused_votes_vote check (vote in ('approve', 'reject', 'abstain', 'delegate'))
);

call waypost_wall('refused_votes');

-- Of one person on one request only so many are kept, so each one counts those before.
create index refused_votes_of on refused_votes (org_id, request_id, actor_id);

create trigger refused_votes_are_not_changed before update on refused_votes
for each row execute function refuse_change('refused votes are append-only');

create trigger refused_votes_are_not_removed before delete on refused_votes
for each row execute function refuse_change('refused votes are append-only');

create trigger refused_votes_are_not_emptied before truncate on refused_votes
for each statement execute function refuse_change('refused votes are append-only');
