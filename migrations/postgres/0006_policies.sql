-- Policies: components, bindings and the decisions they made.

-- Stored once for all organizations that were granted them, and for as long as a revision of a
-- binding names them.
create table components (
    digest bytea not null constraint components_key primary key,
    size bigint not null,
    name text not null,
    version text not null,
    wit_version text not null,
    -- JSON: author, summary and hooks, which lists show.
    about text not null,
    -- JSON: all that the component says about itself.
    description text not null,
    created_at timestamptz not null
);

-- The bytes, for as long as an organization has the component.
create table component_bytes (
    digest bytea not null constraint component_bytes_key primary key
        constraint component_bytes_component references components (digest),
    bytes bytea not null
);

create table component_grants (
    org_id uuid not null constraint component_grants_org references organizations (id),
    digest bytea not null constraint component_grants_component references components (digest),
    granted_at timestamptz not null,
    constraint component_grants_key primary key (org_id, digest)
);

-- Whether anybody has a component: asked for each that may be removed.
create index component_grants_of on component_grants (digest);

create table bindings (
    id uuid not null,
    org_id uuid not null constraint bindings_org references organizations (id),
    name text collate "C" not null,
    enabled boolean not null,
    active_revision bigint not null,
    created_at timestamptz not null,
    version bigint not null,
    constraint bindings_key primary key (org_id, id),
    constraint bindings_name_key unique (org_id, name)
);

-- Where an enabled binding stands at each hook of its active revision, so that the key forbids two
-- at one place: nobody could say which of them is asked first. The position is the binding's own,
-- and the same at each of its hooks; it is unique for each hook and not for the layer, because
-- bindings without a common hook need no order.
create table binding_places (
    org_id uuid not null,
    hook text not null,
    position bigint not null,
    binding_id uuid not null,
    constraint binding_places_key primary key (org_id, hook, position),
    constraint binding_places_binding foreign key (org_id, binding_id) references bindings (org_id, id)
);

-- Never changed: a change of a binding is another revision.
create table binding_revisions (
    org_id uuid not null,
    binding_id uuid not null,
    number bigint not null,
    -- JSON: the names of the hooks, in the order in which a ticket meets them.
    hooks jsonb not null,
    position bigint not null,
    component bytea not null constraint binding_revisions_component references components (digest),
    -- The text that was checked, to the byte: its digest is in every receipt.
    settings text not null,
    settings_digest bytea not null,
    data_digest bytea not null,
    limit_fuel bigint,
    limit_deadline_ms bigint,
    limit_memory_bytes bigint,
    fallback text not null,
    fallback_team_id uuid,
    locked boolean not null,
    replaces_above boolean not null,
    note text,
    created_at timestamptz not null,
    created_by_id uuid,
    constraint binding_revisions_key primary key (org_id, binding_id, number),
    constraint binding_revisions_binding foreign key (org_id, binding_id) references bindings (org_id, id),
    constraint binding_revisions_hooks check (jsonb_array_length(hooks) > 0),
    constraint binding_revisions_fallback check (
        fallback in ('next', 'team') and (fallback = 'team') = (fallback_team_id is not null)
    )
);

-- Whether any revision names a component: asked for each that may be removed.
create index binding_revisions_component on binding_revisions (component);

-- What is in data files. Apart, because they can be large and are read only when the policy is
-- prepared; once for all revisions that have the same.
create table data_files (
    org_id uuid not null constraint data_files_org references organizations (id),
    digest bytea not null,
    content bytea not null,
    constraint data_files_key primary key (org_id, digest)
);

-- A revision's data files.
create table binding_data (
    org_id uuid not null,
    binding_id uuid not null,
    revision bigint not null,
    place bigint not null,
    name text not null,
    digest bytea not null,
    constraint binding_data_key primary key (org_id, binding_id, revision, place),
    constraint binding_data_revision foreign key (org_id, binding_id, revision)
        references binding_revisions (org_id, binding_id, number),
    constraint binding_data_file foreign key (org_id, digest) references data_files (org_id, digest)
);

-- What an auditor asks for: who switched a policy on, off or back, and when. A revision says who
-- made it; this says who put it into force. Appended with each switch, never changed.
create table binding_switches (
    org_id uuid not null,
    id uuid not null,
    binding_id uuid not null,
    what text not null,
    -- The revision in force from then on; of a disabled binding, the one that was; where a policy
    -- was removed, the last that had it.
    revision bigint not null,
    at timestamptz not null,
    actor text not null,
    actor_id uuid,
    constraint binding_switches_key primary key (org_id, id),
    constraint binding_switches_binding foreign key (org_id, binding_id) references bindings (org_id, id),
    constraint binding_switches_what check (
        what in ('enabled', 'disabled', 'rolled_back', 'policy_removed')
    )
);

-- Revisions that are not asked at a hook for now, because they failed there too often. Each process
-- counts the failures of its own; this is how the others, and the command line, know of a pause.
create table binding_pauses (
    org_id uuid not null,
    binding_id uuid not null,
    revision bigint not null,
    hook text not null,
    since timestamptz not null,
    until timestamptz not null,
    constraint binding_pauses_key primary key (org_id, binding_id, revision, hook),
    constraint binding_pauses_revision foreign key (org_id, binding_id, revision)
        references binding_revisions (org_id, binding_id, number)
);

-- What is the same in the snapshots of many evaluations: the organization's teams and services, as
-- they stood for a while. Each is kept once; its id follows from the rest. It goes when all
-- evaluations from before `until` are gone, because no other has it.
create table snapshot_parts (
    id uuid not null,
    org_id uuid not null,
    -- JSON, compressed.
    content bytea not null,
    until timestamptz not null,
    constraint snapshot_parts_key primary key (org_id, id)
);

-- The hooks asked for one event of a record share one snapshot.
create table evaluations (
    id uuid not null,
    org_id uuid not null,
    subject_kind text not null,
    subject_id uuid not null,
    occasion text not null,
    -- The part of the snapshot that others have too. No foreign key: on PostgreSQL it would lock
    -- one row for all tickets.
    part_id uuid,
    -- The rest of the snapshot, and of each receipt, in their order, the question, the answer and
    -- the log, all JSON, and the versions of contract and engine: compressed together, because they
    -- repeat each other.
    texts bytea not null,
    at timestamptz not null,
    constraint evaluations_key primary key (org_id, id)
);

create index evaluations_of on evaluations (org_id, subject_id);

-- What differs from one decision to the next. The rest is in its evaluation, and in the revision of
-- the binding, which never changes: component, settings and data.
create table receipts (
    org_id uuid not null,
    evaluation_id uuid not null,
    seq bigint not null,
    hook text not null,
    binding_id uuid not null,
    revision bigint not null,
    fuel bigint not null,
    duration_us bigint not null,
    outcome text not null,
    -- What stood against it, or how it failed.
    outcome_facts jsonb,
    -- The id of a receipt is its evaluation's, with the number in the last two bytes.
    constraint receipts_key primary key (org_id, evaluation_id, seq),
    constraint receipts_evaluation foreign key (org_id, evaluation_id) references evaluations (org_id, id),
    constraint receipts_outcome check (
        outcome in ('applied', 'overruled', 'suggested', 'declined', 'failed')
        and (outcome in ('overruled', 'failed')) = (outcome_facts is not null)
    )
);

-- Failures are few and are what an operator asks for first.
create index receipts_failed on receipts (org_id, evaluation_id, seq) where outcome = 'failed';

call waypost_wall('component_grants');
call waypost_wall('bindings');
call waypost_wall('binding_places');
call waypost_wall('binding_revisions');
call waypost_wall('data_files');
call waypost_wall('binding_data');
call waypost_wall('binding_switches');
call waypost_wall('binding_pauses');
call waypost_wall('snapshot_parts');
call waypost_wall('evaluations');
call waypost_wall('receipts');

-- The layers above an organization decide for it too: it reads their bindings, and the components
-- granted to them.
create policy above on bindings for select using (
    org_id in (select ancestor_id from organization_lines where org_id = (select waypost_org()))
);
create policy above on binding_revisions for select using (
    org_id in (select ancestor_id from organization_lines where org_id = (select waypost_org()))
);
create policy above on binding_data for select using (
    org_id in (select ancestor_id from organization_lines where org_id = (select waypost_org()))
);
create policy above on data_files for select using (
    org_id in (select ancestor_id from organization_lines where org_id = (select waypost_org()))
);
create policy above on binding_pauses for select using (
    org_id in (select ancestor_id from organization_lines where org_id = (select waypost_org()))
);
create policy above on component_grants for select using (
    org_id in (select ancestor_id from organization_lines where org_id = (select waypost_org()))
);

-- Anybody may bring a component: its bytes are what names it. Only who was granted it may read it.
alter table components enable row level security;
alter table components force row level security;
create policy system on components using ((select waypost_system()));
create policy bring on components for insert with check (true);
create policy granted on components for select using (digest in (select digest from component_grants));
create policy named on components for select using (digest in (select component from binding_revisions));

alter table component_bytes enable row level security;
alter table component_bytes force row level security;
create policy system on component_bytes using ((select waypost_system()));
create policy bring on component_bytes for insert with check (true);
create policy granted on component_bytes for select using (digest in (select digest from component_grants));
