-- Views of the desk's queue that people saved for themselves.

create table saved_views (
    id blob not null,
    -- The organization whose queue it shows; the person may be of one above it.
    org_id blob not null constraint saved_views_org references organizations (id),
    person_id blob not null,
    name text not null,
    -- A view of the queue and its filter: `all?priority=1`.
    query text not null,
    created_at text not null,
    constraint saved_views_key primary key (org_id, id),
    constraint saved_views_name_key unique (org_id, person_id, name)
) strict;
