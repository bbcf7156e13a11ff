-- What was recorded stays as it was: nothing changes or removes an event, and nothing changes a
-- decision. Receipts are removed when their retention has ended, and in no other way.

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

create trigger evaluations_are_not_changed before update on evaluations
for each row execute function refuse_change('recorded decisions do not change');

create trigger receipts_are_not_changed before update on receipts
for each row execute function refuse_change('recorded decisions do not change');

create trigger binding_revisions_are_not_changed before update on binding_revisions
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
