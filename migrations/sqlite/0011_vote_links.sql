-- Links in letters with which somebody votes, once and on one request, without signing in.

create table vote_links (
    id blob not null,
    -- The organization of the person and of the request.
    org_id blob not null constraint vote_links_org references organizations (id),
    person_id blob not null,
    -- The request for a vote. Its round is written anew with each vote, so nothing refers to it.
    request_id blob not null,
    -- The letter that carries it.
    message_id blob not null,
    -- SHA-256 of the secret; the secret itself is in the letter.
    hash blob not null constraint vote_links_hash_key unique,
    created_at text not null,
    expires_at text not null,
    used_at text,
    constraint vote_links_key primary key (org_id, id),
    constraint vote_links_span check (created_at < expires_at)
) strict;

-- The links of a person: those for one request all end with the vote.
create index vote_links_person on vote_links (org_id, person_id, request_id);

-- What is forgotten next.
create index vote_links_old on vote_links (expires_at);

-- Who leaves votes no more, and letters that went to an address that is not theirs any more are not
-- to be voted with.
create trigger people_vote_by_no_old_letter after update on people
when (old.active = 1 and new.active = 0) or old.email_folded is not new.email_folded
begin
    delete from vote_links where org_id = new.org_id and person_id = new.id;
end;
