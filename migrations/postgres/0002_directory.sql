-- The directory: people, teams, services, configuration items, categories, the request catalog; and
-- tokens.
--
-- Rows here are never deleted, only made inactive, because tickets name them. So tickets and teams
-- hold no foreign keys to them, which would cost a look-up and, on PostgreSQL, a shared row lock
-- for each ticket; commands check what they name, where the message matters.

create table people (
    id uuid not null constraint people_key primary key,
    org_id uuid not null constraint people_org references organizations (id),
    name text not null,
    email text,
    -- The address in lower case, for looking up.
    email_folded text collate "C",
    role text not null,
    zone text,
    manager_id uuid,
    location text,
    vip boolean not null,
    language text,
    -- What the organization defined for itself, as a JSON object.
    fields text not null,
    active boolean not null,
    version bigint not null,
    constraint people_email_key unique (org_id, email_folded)
);

-- The list of an organization's people, a page at a time.
create index people_org on people (org_id, id);

create table teams (
    id uuid not null constraint teams_key primary key,
    org_id uuid not null constraint teams_org references organizations (id),
    key text collate "C" not null,
    name text not null,
    zone text,
    working_hours jsonb,
    lead_id uuid,
    on_call_id uuid,
    active boolean not null,
    version bigint not null,
    constraint teams_key_key unique (org_id, key),
    -- For what belongs to a team: the organization is the team's.
    constraint teams_org_key unique (org_id, id)
);

create table team_members (
    org_id uuid not null,
    team_id uuid not null,
    person_id uuid not null,
    constraint team_members_key primary key (org_id, team_id, person_id),
    constraint team_members_team foreign key (org_id, team_id) references teams (org_id, id)
);

-- For a client's view of the people of the teams that serve it: whether somebody is in such a team.
create index team_members_person on team_members (person_id);
-- Teams are read with their members, a provider's by its clients: by the team alone, which the key
-- does not begin with.
create index team_members_team on team_members (team_id, person_id);

-- The client organizations that a provider's team also serves.
create table team_serves (
    org_id uuid not null,
    team_id uuid not null,
    client_id uuid not null constraint team_serves_client references organizations (id),
    constraint team_serves_key primary key (org_id, team_id, client_id),
    constraint team_serves_team foreign key (org_id, team_id) references teams (org_id, id)
);

create index team_serves_client on team_serves (client_id, team_id);

create table services (
    id uuid not null,
    org_id uuid not null constraint services_org references organizations (id),
    key text collate "C" not null,
    name text not null,
    criticality text not null,
    owner_id uuid,
    support_team_id uuid,
    -- What the organization defined for itself, as a JSON object.
    fields text not null,
    active boolean not null,
    version bigint not null,
    constraint services_key primary key (org_id, id),
    constraint services_key_key unique (org_id, key)
);

create table cis (
    id uuid not null,
    org_id uuid not null constraint cis_org references organizations (id),
    key text collate "C" not null,
    name text not null,
    class text collate "C" not null,
    criticality text not null,
    service_id uuid,
    support_team_id uuid,
    -- What the organization defined for itself, as a JSON object.
    fields text not null,
    active boolean not null,
    version bigint not null,
    constraint cis_key primary key (org_id, id),
    constraint cis_key_key unique (org_id, key)
);

create table categories (
    id uuid not null,
    org_id uuid not null constraint categories_org references organizations (id),
    path text collate "C" not null,
    name text not null,
    active boolean not null,
    version bigint not null,
    constraint categories_key primary key (org_id, id),
    constraint categories_path_key unique (org_id, path)
);

create table catalog_items (
    id uuid not null,
    org_id uuid not null constraint catalog_items_org references organizations (id),
    key text collate "C" not null,
    name text not null,
    description text not null,
    cost_minor bigint,
    cost_currency text,
    -- Working hours of the organization until what is asked for is there.
    delivery_hours bigint,
    form jsonb not null,
    -- The tasks that every request for it begins with.
    tasks jsonb not null,
    active boolean not null,
    version bigint not null,
    constraint catalog_items_key primary key (org_id, id),
    constraint catalog_items_key_key unique (org_id, key),
    constraint catalog_items_cost check ((cost_minor is null) = (cost_currency is null))
);

create table tokens (
    id uuid not null,
    org_id uuid not null constraint tokens_org references organizations (id),
    -- SHA-256 of the secret; the secret itself is shown once and kept nowhere.
    hash bytea not null constraint tokens_hash_key unique,
    name text not null,
    role text not null,
    person_id uuid,
    created_at timestamptz not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    constraint tokens_key primary key (org_id, id)
);

call waypost_wall('people');
call waypost_wall('teams');
call waypost_wall('team_members');

-- A team serves organizations below its own only: who could name any other would stand in its
-- directory.
alter table team_serves enable row level security;
alter table team_serves force row level security;
create policy system on team_serves using ((select waypost_system()));
create policy own on team_serves using (org_id = (select waypost_org())) with check (
    org_id = (select waypost_org())
    and client_id in (
        select org_id from organization_lines
        where ancestor_id = (select waypost_org()) and org_id <> (select waypost_org())
    )
);
call waypost_wall('services');
call waypost_wall('cis');
call waypost_wall('categories');
call waypost_wall('catalog_items');
call waypost_wall('tokens');

-- A client reads the provider's teams that serve it, and the people in them: the team's own
-- organization says so, and a person is of the organization that names them.
create policy served on team_serves for select using (client_id = (select waypost_org()));
create policy serving on teams for select using (
    (org_id, id) in (
        select org_id, team_id from team_serves where client_id = (select waypost_org())
    )
);
create policy serving on team_members for select using (
    (org_id, team_id) in (
        select org_id, team_id from team_serves where client_id = (select waypost_org())
    )
);
-- Person by person, and only for people of others: as a query in the policy, it would collect the
-- members of all teams of all organizations for each look-up, and take longer to plan than to run.
create function waypost_is_served_by(person uuid) returns boolean
    language plpgsql stable parallel safe as $$
begin
    return exists (
        select 1 from team_members m join team_serves s on s.org_id = m.org_id and s.team_id = m.team_id
        where m.person_id = person and s.client_id = (select waypost_org())
    );
end
$$;

create policy serving on people for select using (
    org_id <> (select waypost_org()) and waypost_is_served_by(id)
);
