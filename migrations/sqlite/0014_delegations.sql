-- Who votes for a person while they are away, planned ahead. Never deleted; it only ends early.
create table delegations (
    id blob not null,
    org_id blob not null constraint delegations_org references organizations (id),
    from_id blob not null,
    to_id blob not null,
    scope text not null,
    category text,
    service_id blob,
    catalog_item_id blob,
    starts_at text not null,
    ends_at text not null,
    reason text not null,
    created_at text not null,
    created_by text not null,
    created_by_id blob,
    ended_at text,
    ended_by text,
    ended_by_id blob,
    version integer not null,
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
) strict;

-- What is in force is looked for whenever a vote is asked for; most delegations are long over.
create index delegations_open on delegations (org_id, ends_at) where ended_at is null;

-- Under which delegation a request's voter stands in for the seat's holder.
alter table approval_requests add column delegation_id blob;

-- What an auditor asks for: votes that were tried and refused. The round does not change by them.
create table refused_votes (
    org_id blob not null,
    id blob not null,
    ticket_id blob not null,
    approval_id blob not null,
    request_id blob not null,
    at text not null,
    actor text not null,
    actor_id blob,
    vote text not null,
    code text not null,
    message text not null,
    comment text,
    constraint refused_votes_key primary key (org_id, id),
    constraint refused_votes_ticket foreign key (org_id, ticket_id) references tickets (org_id, id),
    constraint refused_votes_vote check (vote in ('approve', 'reject', 'abstain', 'delegate'))
) strict;

-- Of one person on one request only so many are kept, so each one counts those before.
create index refused_votes_of on refused_votes (org_id, request_id, actor_id);

create trigger refused_votes_are_not_changed before update on refused_votes
begin select raise(abort, 'refused votes are append-only'); end;

create trigger refused_votes_are_not_removed before delete on refused_votes
begin select raise(abort, 'refused votes are append-only'); end;
