-- Organizations, and what every other table leans on.

create table organizations (
    id blob not null constraint organizations_key primary key,
    -- The organization above; none for the platform.
    parent_id blob constraint organizations_parent references organizations (id),
    kind text not null constraint organizations_kind check (kind in ('platform', 'provider', 'client')),
    key text not null constraint organizations_key_key unique,
    name text not null,
    settings text not null constraint organizations_settings_json check (json_valid(settings)),
    created_at text not null,
    version integer not null,
    constraint organizations_root check ((kind = 'platform') = (parent_id is null))
) strict;

-- At most one platform.
create unique index organizations_platform on organizations (kind) where kind = 'platform';

-- Its place in the tree decides who sees it.
create trigger organizations_are_not_moved before update on organizations
when old.id <> new.id or old.key <> new.key or old.kind <> new.kind or old.parent_id is not new.parent_id
begin select raise(abort, 'an organization keeps its key, its kind and its place'); end;

-- For each organization, itself (depth 0) and every organization above it. An organization never
-- moves, so the lines are written once, with it; a query about layers needs no recursion.
create table organization_lines (
    org_id blob not null constraint organization_lines_org references organizations (id),
    ancestor_id blob not null constraint organization_lines_ancestor references organizations (id),
    depth integer not null,
    constraint organization_lines_key primary key (org_id, ancestor_id)
) strict, without rowid;

create index organization_lines_below on organization_lines (ancestor_id);

-- The last number that was given to a kind of record. Numbers are never given twice; gaps are
-- allowed.
create table number_series (
    org_id blob not null constraint number_series_org references organizations (id),
    kind text not null,
    last integer not null,
    constraint number_series_key primary key (org_id, kind)
) strict, without rowid;

-- Written by the check whether the database can be written. One row.
create table write_probe (
    id integer not null constraint write_probe_key primary key constraint write_probe_one check (id = 1),
    writes integer not null
) strict;

insert into write_probe (id, writes) values (1, 0);
