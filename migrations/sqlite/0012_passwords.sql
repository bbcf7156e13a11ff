-- Passwords, how often they were tried, and when a sign-in was last proven.

create table passwords (
    -- The organization of the person.
    org_id blob not null constraint passwords_org references organizations (id),
    person_id blob not null,
    -- What is left of the password: a PHC string, with the function and what it cost.
    phc text not null,
    set_at text not null,
    constraint passwords_key primary key (org_id, person_id)
) strict;

-- Of an address, whoever has it: what strangers enter is nobody's record.
create table password_tries (
    -- SHA-256 of the address in lower case.
    address_hash blob not null constraint password_tries_key primary key,
    -- When the first of them was.
    since text not null,
    count integer not null
) strict;

-- What is forgotten next.
create index password_tries_old on password_tries (since);

-- None for a sign-in that was never proven again: when it began.
alter table sign_ins add column proven_at text;

-- Who comes back sets a new one.
create trigger people_lose_passwords after update on people
when old.active = 1 and new.active = 0
begin
    delete from passwords where org_id = new.org_id and person_id = new.id;
end;

-- Whoever reads the mail of an address signs in with it: where it is another one, what the earlier
-- one opened is closed.
create trigger people_begin_anew_at_another_address after update on people
when old.email_folded is not new.email_folded
begin
    delete from passwords where org_id = new.org_id and person_id = new.id;
    delete from sign_in_links where org_id = new.org_id and person_id = new.id;
    delete from sign_ins where org_id = new.org_id and person_id = new.id;
end;
