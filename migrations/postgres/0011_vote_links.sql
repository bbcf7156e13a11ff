-- Links in letters with which somebody votes, once and on one request, without signing in.

create table vote_links (
    id uuid not null,
    -- The organization of the person and of the request.
    org_id uuid not null constraint vote_links_org references organizations (id),
    person_id uuid not null,
    -- The request for a vote. Its round is written anew with each vote, so nothing refers to it.
    request_id uuid not null,
    -- The letter that carries it.
    message_id uuid not null,
    -- SHA-256 of the secret; the secret itself is in the letter.
    hash bytea not null constraint vote_links_hash_key unique,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    constraint vote_links_key primary key (org_id, id),
    constraint vote_links_span check (created_at < expires_at)
);

-- The links of a person: those for one request all end with the vote.
create index vote_links_person on vote_links (org_id, person_id, request_id);

-- What is forgotten next.
create index vote_links_old on vote_links (expires_at);

call waypost_wall('vote_links');

-- Who leaves votes no more, and letters that went to an address that is not theirs any more are not
-- to be voted with.
create function forget_vote_links() returns trigger language plpgsql as $$
begin
    delete from vote_links where org_id = new.org_id and person_id = new.id;
    return null;
end $$;

create trigger people_vote_by_no_old_letter after update on people for each row
when ((old.active and not new.active) or old.email_folded is distinct from new.email_folded)
execute function forget_vote_links();
