-- Sign-ins: how people are known to the pages, and the links that begin one.

create table sign_ins (
    id blob not null,
    -- The organization of the person.
    org_id blob not null constraint sign_ins_org references organizations (id),
    person_id blob not null,
    -- SHA-256 of the secret that the browser keeps.
    hash blob not null constraint sign_ins_hash_key unique,
    -- Which browser it is, as it describes itself.
    device text not null,
    created_at text not null,
    -- When it was last used, to five minutes.
    used_at text not null,
    ended_at text,
    constraint sign_ins_key primary key (org_id, id)
) strict;

-- The devices of a person.
create index sign_ins_person on sign_ins (org_id, person_id) where ended_at is null;

-- What is forgotten next.
create index sign_ins_old on sign_ins (created_at);

create table sign_in_links (
    id blob not null,
    -- The organization of the person.
    org_id blob not null constraint sign_in_links_org references organizations (id),
    person_id blob not null,
    purpose text not null,
    -- SHA-256 of the secret; the secret itself is in a mail or was shown once.
    hash blob not null constraint sign_in_links_hash_key unique,
    created_at text not null,
    expires_at text not null,
    used_at text,
    constraint sign_in_links_key primary key (org_id, id)
) strict;

-- The links of a person: of those that were not used, all end with the first that is.
create index sign_in_links_person on sign_in_links (org_id, person_id);

-- What is forgotten next.
create index sign_in_links_old on sign_in_links (expires_at);

-- Whoever signs in names an address, and no organization.
create index people_email on people (email_folded) where email_folded is not null;

-- Who leaves is signed out, and stays so should they come back; who may do more than before signs
-- in anew.
create trigger people_are_signed_out after update on people
when (old.active = 1 and new.active = 0)
    or (old.role <> new.role and (old.role = 'requester' or new.role = 'admin'))
begin
    delete from sign_ins where org_id = new.org_id and person_id = new.id;
    delete from sign_in_links where org_id = new.org_id and person_id = new.id;
end;
