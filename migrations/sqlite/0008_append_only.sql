-- What was recorded stays as it was: nothing changes or removes an event, and nothing changes a
-- decision. Receipts are removed when their retention has ended, and in no other way: what was
-- removed, and when, is recorded first.

-- Recorded decisions from before these times are removed.
create table retention_cuts (
    org_id blob not null constraint retention_cuts_org references organizations (id),
    cut_before text not null,
    cut_at text not null,
    constraint retention_cuts_key primary key (org_id, cut_before)
) strict;

create trigger events_are_not_changed before update on events
begin select raise(abort, 'events are append-only'); end;

create trigger events_are_not_removed before delete on events
begin select raise(abort, 'events are append-only'); end;

create trigger snapshot_parts_are_not_changed before update on snapshot_parts
begin select raise(abort, 'recorded decisions do not change'); end;

create trigger evaluations_are_not_changed before update on evaluations
begin select raise(abort, 'recorded decisions do not change'); end;

create trigger receipts_are_not_changed before update on receipts
begin select raise(abort, 'recorded decisions do not change'); end;

create trigger binding_revisions_are_not_changed before update on binding_revisions
begin select raise(abort, 'revisions of bindings do not change'); end;

create trigger binding_data_are_not_changed before update on binding_data
begin select raise(abort, 'revisions of bindings do not change'); end;

create trigger data_files_are_not_changed before update on data_files
begin select raise(abort, 'revisions of bindings do not change'); end;

create trigger binding_switches_are_not_changed before update on binding_switches
begin select raise(abort, 'switches of bindings are append-only'); end;

create trigger binding_switches_are_not_removed before delete on binding_switches
begin select raise(abort, 'switches of bindings are append-only'); end;

create trigger refused_votes_are_not_changed before update on refused_votes
begin select raise(abort, 'refused votes are append-only'); end;

create trigger refused_votes_are_not_removed before delete on refused_votes
begin select raise(abort, 'refused votes are append-only'); end;

create trigger evaluations_are_removed_by_retention before delete on evaluations
when not exists (select 1 from retention_cuts where org_id = old.org_id and cut_before > old.at)
begin select raise(abort, 'recorded decisions are removed when their retention has ended, and in no other way'); end;

-- A part goes when all that can have it may have gone.
create trigger snapshot_parts_are_removed_by_retention before delete on snapshot_parts
when not exists (select 1 from retention_cuts where org_id = old.org_id and cut_before >= old.until)
begin select raise(abort, 'recorded decisions are removed when their retention has ended, and in no other way'); end;

-- A receipt goes with its evaluation, before it.
create trigger receipts_are_removed_by_retention before delete on receipts
when not exists (
    select 1 from retention_cuts c join evaluations e on e.org_id = c.org_id and e.at < c.cut_before
    where e.org_id = old.org_id and e.id = old.evaluation_id
)
begin select raise(abort, 'recorded decisions are removed when their retention has ended, and in no other way'); end;

create trigger binding_revisions_are_not_removed before delete on binding_revisions
begin select raise(abort, 'revisions of bindings are append-only'); end;

create trigger binding_data_are_not_removed before delete on binding_data
begin select raise(abort, 'revisions of bindings are append-only'); end;

create trigger data_files_are_not_removed before delete on data_files
begin select raise(abort, 'revisions of bindings are append-only'); end;

create trigger approvals_are_not_removed before delete on approvals
begin select raise(abort, 'rounds of approval are kept'); end;

create trigger retention_cuts_are_not_changed before update on retention_cuts
begin select raise(abort, 'cuts are append-only'); end;

create trigger retention_cuts_are_not_removed before delete on retention_cuts
begin select raise(abort, 'cuts are append-only'); end;
