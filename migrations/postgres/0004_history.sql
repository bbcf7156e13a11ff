-- What happened to records, what people said about them, and what they have to do with each other.
--
-- A subject is a record of whichever kind that has a history: its kind and its id. No foreign key
-- ties these rows to it, because it may stand in any of several tables. Ids are unique across all
-- of them, so keys and indexes need the id alone.

-- What happened. Appended, never changed.
create table events (
    org_id uuid not null,
    subject_kind text not null,
    subject_id uuid not null,
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
    constraint events_key primary key (org_id, subject_id, seq)
);

create table comments (
    id uuid not null,
    org_id uuid not null,
    subject_kind text not null,
    subject_id uuid not null,
    visibility text not null constraint comments_visibility check (visibility in ('public', 'internal')),
    author text not null,
    author_id uuid,
    text text not null,
    created_at timestamptz not null,
    constraint comments_key primary key (org_id, subject_id, created_at, id)
);

-- What a policy would set in a ticket, waiting for a person.
create table suggestions (
    id uuid not null,
    org_id uuid not null,
    ticket_id uuid not null,
    -- The receipt of the decision.
    evaluation_id uuid not null,
    receipt_seq bigint not null,
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

-- What became of what a policy suggested lately. An evaluation's id is a moment, and its receipts
-- say which binding suggested it.
create index suggestions_evaluation on suggestions (org_id, evaluation_id);

-- A link is kept in one form, and told from both ends.
create table links (
    org_id uuid not null constraint links_org references organizations (id),
    from_kind text not null,
    from_id uuid not null,
    link_type text not null constraint links_type check (
        link_type in ('related_to', 'blocks', 'caused_by', 'recurrence_of')
    ),
    to_kind text not null,
    to_id uuid not null,
    created_by text not null,
    created_by_id uuid,
    created_at timestamptz not null,
    constraint links_key primary key (org_id, from_id, to_id, link_type),
    constraint links_ends check (from_id <> to_id)
);

create index links_to on links (org_id, to_id);

call waypost_wall('events');
call waypost_wall('comments');
call waypost_wall('suggestions');
call waypost_wall('links');
