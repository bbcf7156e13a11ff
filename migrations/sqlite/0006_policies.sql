-- Policies: components, bindings and the decisions they made.

-- Stored once for all organizations that were granted them, and for as long as a revision of a
-- binding names them.
create table components (
    digest blob not null constraint components_key primary key,
    size integer not null,
    name text not null,
    version text not null,
    wit_version text not null,
    -- JSON: author, summary and hooks, which lists show.
    about text not null,
    -- JSON: all that the component says about itself.
    description text not null,
    created_at text not null
) strict;

-- The bytes, for as long as an organization has the component.
create table component_bytes (
    digest blob not null constraint component_bytes_key primary key
        constraint component_bytes_component references components (digest),
    bytes blob not null
) strict;

create table component_grants (
    org_id blob not null constraint component_grants_org references organizations (id),
    digest blob not null constraint component_grants_component references components (digest),
    granted_at text not null,
    constraint component_grants_key primary key (org_id, digest)
) strict, without rowid;

-- Whether anybody has a component: asked for each that may be removed.
create index component_grants_of on component_grants (digest);

create table bindings (
    id blob not null,
    org_id blob not null constraint bindings_org references organizations (id),
    name text not null,
    enabled integer not null constraint bindings_enabled_bool check (enabled in (0, 1)),
    active_revision integer not null,
    created_at text not null,
    version integer not null,
    constraint bindings_key primary key (org_id, id),
    constraint bindings_name_key unique (org_id, name)
) strict;

-- Where an enabled binding stands at each hook of its active revision, so that the key forbids two
-- at one place: nobody could say which of them is asked first. The position is the binding's own,
-- and the same at each of its hooks; it is unique for each hook and not for the layer, because
-- bindings without a common hook need no order.
create table binding_places (
    org_id blob not null,
    hook text not null,
    position integer not null,
    binding_id blob not null,
    constraint binding_places_key primary key (org_id, hook, position),
    constraint binding_places_binding foreign key (org_id, binding_id) references bindings (org_id, id)
) strict, without rowid;

-- Never changed: a change of a binding is another revision.
create table binding_revisions (
    org_id blob not null,
    binding_id blob not null,
    number integer not null,
    -- JSON: the names of the hooks, in the order in which a ticket meets them.
    hooks text not null constraint binding_revisions_hooks_json check (json_valid(hooks)),
    position integer not null,
    component blob not null constraint binding_revisions_component references components (digest),
    -- The text that was checked, to the byte: its digest is in every receipt.
    settings text not null,
    settings_digest blob not null,
    data_digest blob not null,
    limit_fuel integer,
    limit_deadline_ms integer,
    limit_memory_bytes integer,
    fallback text not null,
    fallback_team_id blob,
    locked integer not null constraint binding_revisions_locked_bool check (locked in (0, 1)),
    replaces_above integer not null constraint binding_revisions_replaces_above_bool check (replaces_above in (0, 1)),
    note text,
    created_at text not null,
    created_by_id blob,
    constraint binding_revisions_key primary key (org_id, binding_id, number),
    constraint binding_revisions_binding foreign key (org_id, binding_id) references bindings (org_id, id),
    constraint binding_revisions_hooks check (json_array_length(hooks) > 0),
    constraint binding_revisions_fallback check (
        fallback in ('next', 'team') and (fallback = 'team') = (fallback_team_id is not null)
    )
) strict;

-- Whether any revision names a component: asked for each that may be removed.
create index binding_revisions_component on binding_revisions (component);

-- What is in data files. Apart, because they can be large and are read only when the policy is
-- prepared; once for all revisions that have the same.
create table data_files (
    org_id blob not null constraint data_files_org references organizations (id),
    digest blob not null,
    content blob not null,
    constraint data_files_key primary key (org_id, digest)
) strict;

-- A revision's data files.
create table binding_data (
    org_id blob not null,
    binding_id blob not null,
    revision integer not null,
    place integer not null,
    name text not null,
    digest blob not null,
    constraint binding_data_key primary key (org_id, binding_id, revision, place),
    constraint binding_data_revision foreign key (org_id, binding_id, revision)
        references binding_revisions (org_id, binding_id, number),
    constraint binding_data_file foreign key (org_id, digest) references data_files (org_id, digest)
) strict;

-- What an auditor asks for: who switched a policy on, off or back, and when. A revision says who
-- made it; this says who put it into force. Appended with each switch, never changed.
create table binding_switches (
    org_id blob not null,
    id blob not null,
    binding_id blob not null,
    what text not null,
    -- The revision in force from then on; of a disabled binding, the one that was; where a policy
    -- was removed, the last that had it.
    revision integer not null,
    at text not null,
    actor text not null,
    actor_id blob,
    constraint binding_switches_key primary key (org_id, id),
    constraint binding_switches_binding foreign key (org_id, binding_id) references bindings (org_id, id),
    constraint binding_switches_what check (
        what in ('enabled', 'disabled', 'rolled_back', 'policy_removed')
    )
) strict;

-- Revisions that are not asked at a hook for now, because they failed there too often. Each process
-- counts the failures of its own; this is how the others, and the command line, know of a pause.
create table binding_pauses (
    org_id blob not null,
    binding_id blob not null,
    revision integer not null,
    hook text not null,
    since text not null,
    until text not null,
    constraint binding_pauses_key primary key (org_id, binding_id, revision, hook),
    constraint binding_pauses_revision foreign key (org_id, binding_id, revision)
        references binding_revisions (org_id, binding_id, number)
) strict;

-- What is the same in the snapshots of many evaluations: the organization's teams and services, as
-- they stood for a while. Each is kept once; its id follows from the rest. It goes when all
-- evaluations from before `until` are gone, because no other has it.
create table snapshot_parts (
    id blob not null,
    org_id blob not null,
    -- JSON, compressed.
    content blob not null,
    until text not null,
    constraint snapshot_parts_key primary key (org_id, id)
) strict;

-- The hooks asked for one event of a record share one snapshot.
create table evaluations (
    id blob not null,
    org_id blob not null,
    subject_kind text not null,
    subject_id blob not null,
    occasion text not null,
    -- The part of the snapshot that others have too. No foreign key: on PostgreSQL it would lock
    -- one row for all tickets.
    part_id blob,
    -- The rest of the snapshot, and of each receipt, in their order, the question, the answer and
    -- the log, all JSON, and the versions of contract and engine: compressed together, because they
    -- repeat each other.
    texts blob not null,
    at text not null,
    constraint evaluations_key primary key (org_id, id)
) strict;

create index evaluations_of on evaluations (org_id, subject_id);

-- What differs from one decision to the next. The rest is in its evaluation, and in the revision of
-- the binding, which never changes: component, settings and data.
create table receipts (
    org_id blob not null,
    evaluation_id blob not null,
    seq integer not null,
    hook text not null,
    binding_id blob not null,
    revision integer not null,
    fuel integer not null,
    duration_us integer not null,
    outcome text not null,
    -- What stood against it, or how it failed.
    outcome_facts text constraint receipts_outcome_facts_json check (outcome_facts is null or json_valid(outcome_facts)),
    -- The id of a receipt is its evaluation's, with the number in the last two bytes.
    constraint receipts_key primary key (org_id, evaluation_id, seq),
    constraint receipts_evaluation foreign key (org_id, evaluation_id) references evaluations (org_id, id),
    constraint receipts_outcome check (
        outcome in ('applied', 'overruled', 'suggested', 'declined', 'failed')
        and (outcome in ('overruled', 'failed')) = (outcome_facts is not null)
    )
) strict, without rowid;

-- Failures are few and are what an operator asks for first.
create index receipts_failed on receipts (org_id, evaluation_id, seq) where outcome = 'failed';
