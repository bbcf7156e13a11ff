-- What an auditor asks for: who switched a policy on, off or back, and when. A revision says who made it; this says who
-- put it into force. Appended with each switch, never changed.

create table binding_switches (
    org_id uuid not null,
    id uuid not null,
    binding_id uuid not null,
    what text not null,
    -- The revision in force from then on; of a disabled binding, the one that was.
    revision bigint not null,
    at timestamptz not null,
    actor text not null,
    actor_id uuid,
    constraint binding_switches_key primary key (org_id, id),
    constraint binding_switches_binding foreign key (org_id, binding_id) references bindings (org_id, id),
    constraint binding_switches_what check (what in ('enabled', 'disabled', 'rolled_back'))
);

call waypost_wall('binding_switches');

create trigger binding_switches_are_not_changed before update on binding_switches
for each row execute function refuse_change('switches of bindings are append-only');

create trigger binding_switches_are_not_removed before delete on binding_switches
for each row execute function refuse_change('switches of bindings are append-only');

create trigger binding_switches_are_not_emptied before truncate on binding_switches
for each statement execute function refuse_change('switches of bindings are append-only');

-- Upkeep looks for rounds that nobody's vote is asked for among the open ones, which are few beside all there ever were.
create index approvals_pending on approvals (org_id, id) where outcome = 'pending';
