-- Passwords, how often they were tried, and when a sign-in was last proven.

create table passwords (
    -- The organization of the person.
    org_id uuid not null constraint passwords_org references organizations (id),
    person_id uuid not null,
    -- What is left of the password: a PHC string, with the function and what it cost.
    phc text not null,
    set_at timestamptz not null,
    constraint passwords_key primary key (org_id, person_id)
);

call waypost_wall('passwords');

-- Of an address, whoever has it: what strangers enter is nobody's record.
create table password_tries (
    -- SHA-256 of the address in lower case.
    address_hash bytea not null constraint password_tries_key primary key,
    -- When the first of them was.
    since timestamptz not null,
    count bigint not null
);

-- What is forgotten next.
create index password_tries_old on password_tries (since);

alter table password_tries enable row level security;
alter table password_tries force row level security;
create policy system on password_tries using ((select waypost_system()));

-- None for a sign-in that was never proven again: when it began.
alter table sign_ins add column proven_at timestamptz;

-- Who comes back sets a new one.
create function lose_password() returns trigger language plpgsql as $$
begin
    delete from passwords where org_id = new.org_id and person_id = new.id;
    return null;
end $$;

create trigger people_lose_passwords after update on people for each row
when (old.active and not new.active)
execute function lose_password();

-- Whoever reads the mail of an address signs in with it: where it is another one, what the earlier
-- one opened is closed.
create function begin_anew() returns trigger language plpgsql as $$
begin
    delete from passwords where org_id = new.org_id and person_id = new.id;
    delete from sign_in_links where org_id = new.org_id and person_id = new.id;
    delete from sign_ins where org_id = new.org_id and person_id = new.id;
    return null;
end $$;

create trigger people_begin_anew_at_another_address after update on people for each row
when (old.email_folded is distinct from new.email_folded)
execute function begin_anew();
