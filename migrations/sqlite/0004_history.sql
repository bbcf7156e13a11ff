-- What happened to records, what people said about them, and what they have to do with each other.
--
-- A subject is a record of whichever kind that has a history: its kind and its id. No foreign key
-- ties these rows to it, because it may stand in any of several tables. Ids are unique across all
-- of them, so keys and indexes need the id alone.

-- What happened. Appended, never changed.
create table events (
    org_id blob not null,
    subject_kind text not null,
    subject_id blob not null,
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
    constraint events_key primary key (org_id, subject_id, seq)
) strict, without rowid;

create table comments (
    id blob not null,
    org_id blob not null,
    subject_kind text not null,
    subject_id blob not null,
    visibility text not null constraint comments_visibility check (visibility in ('public', 'internal')),
    author text not null,
    author_id blob,
    text text not null,
    created_at text not null,
    constraint comments_key primary key (org_id, subject_id, created_at, id)
) strict;

-- What a policy would set in a ticket, waiting for a person.
create table suggestions (
    id blob not null,
    org_id blob not null,
    ticket_id blob not null,
    -- The receipt of the decision.
    evaluation_id blob not null,
    receipt_seq integer not null,
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

-- What became of what a policy suggested lately. An evaluation's id is a moment, and its receipts
-- say which binding suggested it.
create index suggestions_evaluation on suggestions (org_id, evaluation_id);

-- A link is kept in one form, and told from both ends.
create table links (
    org_id blob not null constraint links_org references organizations (id),
    from_kind text not null,
    from_id blob not null,
    link_type text not null constraint links_type check (
        link_type in ('related_to', 'blocks', 'caused_by', 'recurrence_of')
    ),
    to_kind text not null,
    to_id blob not null,
    created_by text not null,
    created_by_id blob,
    created_at text not null,
    constraint links_key primary key (org_id, from_id, to_id, link_type),
    constraint links_ends check (from_id <> to_id)
) strict, without rowid;

create index links_to on links (org_id, to_id);
