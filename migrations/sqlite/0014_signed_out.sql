-- Who leaves is signed out, and stays so should they come back; they set a new password then. Who
-- gets another role signs in anew, for in it they may do what they could not before; a requester
-- may do nothing that others may not.
drop trigger people_are_signed_out;
create trigger people_are_signed_out after update on people
when (old.active = 1 and new.active = 0)
    or (old.role <> new.role and new.role <> 'requester')
begin
    delete from passwords where org_id = new.org_id and person_id = new.id and new.active = 0;
    delete from sign_in_links where org_id = new.org_id and person_id = new.id;
    delete from sign_ins where org_id = new.org_id and person_id = new.id;
end;

-- The one above does it.
drop trigger people_lose_passwords;
