-- What was recorded stays as it was: nothing changes or removes an event, and nothing changes a
-- decision. Receipts are removed when their retention has ended, and in no other way.

create trigger events_are_not_changed before update on events
begin select raise(abort, 'events are append-only'); end;

create trigger events_are_not_removed before delete on events
begin select raise(abort, 'events are append-only'); end;

create trigger evaluations_are_not_changed before update on evaluations
begin select raise(abort, 'recorded decisions do not change'); end;

create trigger receipts_are_not_changed before update on receipts
begin select raise(abort, 'recorded decisions do not change'); end;

create trigger binding_revisions_are_not_changed before update on binding_revisions
begin select raise(abort, 'revisions of bindings do not change'); end;

create trigger binding_switches_are_not_changed before update on binding_switches
begin select raise(abort, 'switches of bindings are append-only'); end;

create trigger binding_switches_are_not_removed before delete on binding_switches
begin select raise(abort, 'switches of bindings are append-only'); end;

create trigger refused_votes_are_not_changed before update on refused_votes
begin select raise(abort, 'refused votes are append-only'); end;

create trigger refused_votes_are_not_removed before delete on refused_votes
begin select raise(abort, 'refused votes are append-only'); end;
