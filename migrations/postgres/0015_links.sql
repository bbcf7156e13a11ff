-- What tickets have to do with each other. A link is kept in one form, and told from both ends.

create table links (
    org_id uuid not null constraint links_org references organizations (id),
    from_id uuid not null,
    link_type text not null constraint links_type check (
        link_type in ('related_to', 'blocks', 'caused_by', 'recurrence_of')
    ),
    to_id uuid not null,
    created_by text not null,
    created_by_id uuid,
    created_at timestamptz not null,
    constraint links_key primary key (org_id, from_id, to_id, link_type),
    constraint links_from foreign key (org_id, from_id) references tickets (org_id, id),
    constraint links_to foreign key (org_id, to_id) references tickets (org_id, id),
    constraint links_ends check (from_id <> to_id)
);

create index links_to on links (org_id, to_id);

call waypost_wall('links');
