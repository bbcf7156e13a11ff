-- What was recorded stays as it was: nothing changes or removes an event, and nothing changes a
-- decision. Receipts are removed when their retention has ended, and in no other way: what was
-- removed, and when, is recorded first.

-- Recorded decisions from before these times are removed.
create table retention_cuts (
    org_id uuid not null constraint retention_cuts_org references organizations (id),
    cut_before timestamptz not null,
    cut_at timestamptz not null,
    constraint retention_cuts_key primary key (org_id, cut_before)
);

call waypost_wall('retention_cuts');

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '%', tg_argv[0];
end
$$;

create trigger events_are_not_changed before update on events
for each row execute function refuse_change('events are append-only');

create trigger events_are_not_removed before delete on events
for each row execute function refuse_change('events are append-only');

create trigger events_are_not_emptied before truncate on events
for each statement execute function refuse_change('events are append-only');

create trigger snapshot_parts_are_not_changed before update on snapshot_parts
for each row execute function refuse_change('recorded decisions do not change');

create trigger evaluations_are_not_changed before update on evaluations
for each row execute function refuse_change('recorded decisions do not change');

create trigger receipts_are_not_changed before update on receipts
for each row execute function refuse_change('recorded decisions do not change');

create trigger binding_revisions_are_not_changed before update on binding_revisions
for each row execute function refuse_change('revisions of bindings do not change');

create trigger binding_data_are_not_changed before update on binding_data
for each row execute function refuse_change('revisions of bindings do not change');

create trigger data_files_are_not_changed before update on data_files
for each row execute function refuse_change('revisions of bindings do not change');

create trigger binding_switches_are_not_changed before update on binding_switches
for each row execute function refuse_change('switches of bindings are append-only');

create trigger binding_switches_are_not_removed before delete on binding_switches
for each row execute function refuse_change('switches of bindings are append-only');

create trigger binding_switches_are_not_emptied before truncate on binding_switches
for each statement execute function refuse_change('switches of bindings are append-only');

create trigger refused_votes_are_not_changed before update on refused_votes
for each row execute function refuse_change('refused votes are append-only');

create trigger refused_votes_are_not_removed before delete on refused_votes
for each row execute function refuse_change('refused votes are append-only');

create trigger refused_votes_are_not_emptied before truncate on refused_votes
for each statement execute function refuse_change('refused votes are append-only');

create function refuse_unless_cut() returns trigger language plpgsql as $$
begin
    if not exists (
        select 1 from retention_cuts where org_id = old.org_id and cut_before > old.at
    ) then
        raise exception 'recorded decisions are removed when their retention has ended, and in no other way';
    end if;
    return old;
end
$$;

create trigger evaluations_are_removed_by_retention before delete on evaluations
for each row execute function refuse_unless_cut();

-- A part goes when all that can have it may have gone.
create function refuse_unless_part_cut() returns trigger language plpgsql as $$
begin
    if not exists (
        select 1 from retention_cuts where org_id = old.org_id and cut_before >= old.until
    ) then
        raise exception 'recorded decisions are removed when their retention has ended, and in no other way';
    end if;
    return old;
end
$$;

create trigger snapshot_parts_are_removed_by_retention before delete on snapshot_parts
for each row execute function refuse_unless_part_cut();

-- A receipt goes with its evaluation, before it.
create function refuse_unless_evaluation_cut() returns trigger language plpgsql as $$
begin
    if not exists (
        select 1 from retention_cuts c join evaluations e on e.org_id = c.org_id and e.at < c.cut_before
        where e.org_id = old.org_id and e.id = old.evaluation_id
    ) then
        raise exception 'recorded decisions are removed when their retention has ended, and in no other way';
    end if;
    return old;
end
$$;

create trigger receipts_are_removed_by_retention before delete on receipts
for each row execute function refuse_unless_evaluation_cut();

create trigger binding_revisions_are_not_removed before delete on binding_revisions
for each row execute function refuse_change('revisions of bindings are append-only');

create trigger binding_data_are_not_removed before delete on binding_data
for each row execute function refuse_change('revisions of bindings are append-only');

create trigger data_files_are_not_removed before delete on data_files
for each row execute function refuse_change('revisions of bindings are append-only');

create trigger approvals_are_not_removed before delete on approvals
for each row execute function refuse_change('rounds of approval are kept');

create trigger retention_cuts_are_not_changed before update on retention_cuts
for each row execute function refuse_change('cuts are append-only');

create trigger retention_cuts_are_not_removed before delete on retention_cuts
for each row execute function refuse_change('cuts are append-only');

-- Emptying a table asks neither row-level security nor the triggers of its rows.
do $$
declare
    emptied text;
begin
    for emptied in select tablename from pg_tables
        where schemaname = current_schema() and tablename not like '\_%'
            and tablename not in ('events', 'binding_switches', 'refused_votes')
    loop
        execute format(
            'create trigger %s before truncate on %I for each statement execute function refuse_change(%L)',
            emptied || '_are_not_emptied', emptied, 'records are not removed all at once'
        );
    end loop;
end $$;
