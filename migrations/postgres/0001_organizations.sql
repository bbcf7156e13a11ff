-- Organizations, and what every other table leans on.

-- Row-level security is the second wall between organizations: the queries bind their organization,
-- and these policies hold where one forgot to. A transaction sets its organization (`waypost.org`),
-- or says that it works across them (`waypost.system`); one that sets neither sees nothing.
create function waypost_org() returns uuid
    language sql stable parallel safe
    return nullif(current_setting('waypost.org', true), '')::uuid;

create function waypost_system() returns boolean
    language sql stable parallel safe
    return coalesce(current_setting('waypost.system', true), '') = 'on';

-- Only the organization itself, and work across organizations, sees and changes the rows of this
-- table.
create procedure waypost_wall(walled regclass)
    language plpgsql as $$
begin
    execute format('alter table %s enable row level security', walled);
    -- The owner of the tables is usually the role that the host connects as.
    execute format('alter table %s force row level security', walled);
    execute format(
        'create policy own on %s using (org_id = (select waypost_org()) or (select waypost_system()))',
        walled
    );
end $$;

create table organizations (
    id uuid not null constraint organizations_key primary key,
    -- The organization above; none for the platform.
    parent_id uuid constraint organizations_parent references organizations (id),
    kind text not null constraint organizations_kind check (kind in ('platform', 'provider', 'client')),
    key text collate "C" not null constraint organizations_key_key unique,
    name text not null,
    settings jsonb not null,
    created_at timestamptz not null,
    version bigint not null,
    constraint organizations_root check ((kind = 'platform') = (parent_id is null))
);

-- At most one platform.
create unique index organizations_platform on organizations (kind) where kind = 'platform';

-- For each organization, itself (depth 0) and every organization above it. An organization never
-- moves, so the lines are written once, with it; a query about layers needs no recursion.
create table organization_lines (
    org_id uuid not null constraint organization_lines_org references organizations (id),
    ancestor_id uuid not null constraint organization_lines_ancestor references organizations (id),
    depth bigint not null,
    constraint organization_lines_key primary key (org_id, ancestor_id)
);

create index organization_lines_below on organization_lines (ancestor_id);

-- The last number that was given to a kind of record. Numbers are never given twice; gaps are
-- allowed.
create table number_series (
    org_id uuid not null constraint number_series_org references organizations (id),
    kind text not null,
    last bigint not null,
    constraint number_series_key primary key (org_id, kind)
);

-- Lines and organizations decide what else an organization sees, so it writes none itself: only
-- Waypost, for all of them, does.
alter table organization_lines enable row level security;
alter table organization_lines force row level security;
create policy system on organization_lines using ((select waypost_system()));
create policy own on organization_lines for select using (org_id = (select waypost_org()));
create policy below on organization_lines for select using (ancestor_id = (select waypost_org()));

call waypost_wall('number_series');

-- Its place in the tree decides who sees it.
create function refuse_move() returns trigger language plpgsql as $$
begin
    raise exception 'an organization keeps its key, its kind and its place';
end
$$;

create trigger organizations_are_not_moved before update on organizations for each row
when (old.id <> new.id or old.key <> new.key or old.kind <> new.kind
    or old.parent_id is distinct from new.parent_id)
execute function refuse_move();

-- An organization reads itself, those above it, and those below it; it changes itself only.
alter table organizations enable row level security;
alter table organizations force row level security;
create policy system on organizations using ((select waypost_system()));
create policy own on organizations for select using (id = (select waypost_org()));
create policy own_settings on organizations for update using (id = (select waypost_org()));
create policy above on organizations for select using (
    id in (select ancestor_id from organization_lines where org_id = (select waypost_org()))
);
create policy below on organizations for select using (
    id in (select org_id from organization_lines where ancestor_id = (select waypost_org()))
);

-- Written by the check whether the database can be written. One row.
create table write_probe (
    id bigint not null constraint write_probe_key primary key constraint write_probe_one check (id = 1),
    writes bigint not null
);

insert into write_probe (id, writes) values (1, 0);

alter table write_probe enable row level security;
alter table write_probe force row level security;
create policy system on write_probe using ((select waypost_system()));
