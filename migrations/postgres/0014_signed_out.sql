-- Whoever signs in has the lock of their password, or of their link, until that is kept. So these
-- come first and sign-ins last: one that is begun at this moment is waited for, and ends, too.
create or replace function sign_out() returns trigger language plpgsql as $$
begin
    -- Who comes back sets a new password; who has another role keeps theirs.
    if new.active then
        perform 1 from passwords where org_id = new.org_id and person_id = new.id for update;
    else
        delete from passwords where org_id = new.org_id and person_id = new.id;
    end if;
    delete from sign_in_links where org_id = new.org_id and person_id = new.id;
    delete from sign_ins where org_id = new.org_id and person_id = new.id;
    return null;
end $$;

-- Who leaves is signed out, and stays so should they come back. Who gets another role signs in
-- anew, for in it they may do what they could not before; a requester may do nothing that others
-- may not.
drop trigger people_are_signed_out on people;
create trigger people_are_signed_out after update on people for each row
when ((old.active and not new.active) or (old.role <> new.role and new.role <> 'requester'))
execute function sign_out();

-- The function above does it.
drop trigger people_lose_passwords on people;
drop function lose_password();
