-- The directory: people, teams, services, configuration items, categories, the request catalog; and
-- tokens.
--
-- Rows here are never deleted, only made inactive, because tickets name them. So tickets and teams
-- hold no foreign keys to them, which would cost a look-up and, on PostgreSQL, a shared row lock
-- for each ticket; commands check what they name, where the message matters.

create table people (
    id blob not null constraint people_key primary key,
    org_id blob not null constraint people_org references organizations (id),
    name text not null,
    email text,
    -- The address in lower case, for looking up.
    email_folded text,
    role text not null,
    zone text,
    manager_id blob,
    location text,
    vip integer not null constraint people_vip_bool check (vip in (0, 1)),
    language text,
    -- What the organization defined for itself, as a JSON object.
    fields text not null,
    active integer not null constraint people_active_bool check (active in (0, 1)),
    version integer not null,
    constraint people_email_key unique (org_id, email_folded)
) strict;

-- The list of an organization's people, a page at a time.
create index people_org on people (org_id, id);

create table teams (
    id blob not null constraint teams_key primary key,
    org_id blob not null constraint teams_org references organizations (id),
    key text not null,
    name text not null,
    zone text,
    working_hours text constraint teams_working_hours_json check (working_hours is null or json_valid(working_hours)),
    lead_id blob,
    on_call_id blob,
    active integer not null constraint teams_active_bool check (active in (0, 1)),
    version integer not null,
    constraint teams_key_key unique (org_id, key),
    -- For what belongs to a team: the organization is the team's.
    constraint teams_org_key unique (org_id, id)
) strict;

create table team_members (
    org_id blob not null,
    team_id blob not null,
    person_id blob not null,
    constraint team_members_key primary key (org_id, team_id, person_id),
    constraint team_members_team foreign key (org_id, team_id) references teams (org_id, id)
) strict, without rowid;

-- For a client's view of the people of the teams that serve it: whether somebody is in such a team.
create index team_members_person on team_members (person_id);
-- Teams are read with their members, a provider's by its clients: by the team alone, which the key
-- does not begin with.
create index team_members_team on team_members (team_id, person_id);

-- The client organizations that a provider's team also serves.
create table team_serves (
    org_id blob not null,
    team_id blob not null,
    client_id blob not null constraint team_serves_client references organizations (id),
    constraint team_serves_key primary key (org_id, team_id, client_id),
    constraint team_serves_team foreign key (org_id, team_id) references teams (org_id, id)
) strict, without rowid;

create index team_serves_client on team_serves (client_id, team_id);

create table services (
    id blob not null,
    org_id blob not null constraint services_org references organizations (id),
    key text not null,
    name text not null,
    criticality text not null,
    owner_id blob,
    support_team_id blob,
    -- What the organization defined for itself, as a JSON object.
    fields text not null,
    active integer not null constraint services_active_bool check (active in (0, 1)),
    version integer not null,
    constraint services_key primary key (org_id, id),
    constraint services_key_key unique (org_id, key)
) strict;

create table cis (
    id blob not null,
    org_id blob not null constraint cis_org references organizations (id),
    key text not null,
    name text not null,
    class text not null,
    criticality text not null,
    service_id blob,
    support_team_id blob,
    -- What the organization defined for itself, as a JSON object.
    fields text not null,
    active integer not null constraint cis_active_bool check (active in (0, 1)),
    version integer not null,
    constraint cis_key primary key (org_id, id),
    constraint cis_key_key unique (org_id, key)
) strict;

create table categories (
    id blob not null,
    org_id blob not null constraint categories_org references organizations (id),
    path text not null,
    name text not null,
    active integer not null constraint categories_active_bool check (active in (0, 1)),
    version integer not null,
    constraint categories_key primary key (org_id, id),
    constraint categories_path_key unique (org_id, path)
) strict;

create table catalog_items (
    id blob not null,
    org_id blob not null constraint catalog_items_org references organizations (id),
    key text not null,
    name text not null,
    description text not null,
    cost_minor integer,
    cost_currency text,
    -- Working hours of the organization until what is asked for is there.
    delivery_hours integer,
    form text not null constraint catalog_items_form_json check (json_valid(form)),
    -- The tasks that every request for it begins with.
    tasks text not null constraint catalog_items_tasks_json check (json_valid(tasks)),
    active integer not null constraint catalog_items_active_bool check (active in (0, 1)),
    version integer not null,
    constraint catalog_items_key primary key (org_id, id),
    constraint catalog_items_key_key unique (org_id, key),
    constraint catalog_items_cost check ((cost_minor is null) = (cost_currency is null))
) strict;

create table tokens (
    id blob not null,
    org_id blob not null constraint tokens_org references organizations (id),
    -- SHA-256 of the secret; the secret itself is shown once and kept nowhere.
    hash blob not null constraint tokens_hash_key unique,
    name text not null,
    role text not null,
    person_id blob,
    created_at text not null,
    expires_at text,
    revoked_at text,
    constraint tokens_key primary key (org_id, id)
) strict;
