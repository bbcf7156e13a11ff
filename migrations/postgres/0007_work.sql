-- Work in progress: messages to send, requests to answer once, imports to resume.

create table outbox (
    id uuid not null,
    org_id uuid not null constraint outbox_org references organizations (id),
    ticket_id uuid,
    person_id uuid not null,
    -- As what the person is told it, and whether the ticket had ended by then: looked at again when
    -- it leaves.
    told_as text not null,
    after_end boolean not null,
    channel text not null,
    -- Where it was sent to last; looked up when it leaves.
    address text,
    subject text not null,
    body text not null,
    -- What the link is for that the body has a place for; its secret is made when it leaves.
    link text,
    dedupe_key text collate "C" not null,
    send_at timestamptz not null,
    created_at timestamptz not null,
    state text not null,
    attempts bigint not null,
    -- When it is claimed next: the time to send, then the end of a worker's lease or of a back-off.
    next_attempt_at timestamptz not null,
    last_error text,
    settled_at timestamptz,
    -- When its texts and its address were removed, which is some weeks after it was settled.
    emptied_at timestamptz,
    constraint outbox_key primary key (org_id, id),
    constraint outbox_state check (
        state in ('pending', 'sent', 'dead', 'dropped')
        and (state = 'pending') = (settled_at is null)
    ),
    constraint outbox_sent check (state <> 'sent' or address is not null or emptied_at is not null),
    constraint outbox_dead check (state not in ('dead', 'dropped') or last_error is not null)
);

-- A person hears of a thing once. A message to administrators is about no ticket; it is once for
-- each key too. By ticket first: messages about the latest tickets go where the last ones went, and
-- a ticket's are found by it.
create unique index outbox_dedupe_key
    on outbox (org_id, coalesce(ticket_id, '00000000-0000-0000-0000-000000000000'::uuid), person_id, dedupe_key);

create index outbox_due on outbox (next_attempt_at) where state = 'pending';

-- Whose texts are to be emptied next; nothing that was emptied is in it.
create index outbox_texts on outbox (settled_at) where emptied_at is null and settled_at is not null;

create table idempotency_keys (
    org_id uuid not null constraint idempotency_keys_org references organizations (id),
    caller text collate "C" not null,
    method text not null,
    path text collate "C" not null,
    key text collate "C" not null,
    request_digest bytea not null,
    -- Empty until the answer is kept, right after the commit that says it was carried out.
    status bigint,
    response bytea,
    -- Written in the transaction of the request's own changes: a process that dies before it has
    -- kept the answer leaves behind that there was one, so a repeat is not carried out a second
    -- time.
    carried_out_at timestamptz,
    -- When it is forgotten.
    expires_at timestamptz not null,
    constraint idempotency_keys_key primary key (org_id, caller, method, path, key),
    constraint idempotency_keys_answer check ((status is null) = (response is null))
);

-- What is forgotten next. Most keys are forgotten after a day.
create index idempotency_keys_expiry on idempotency_keys (expires_at);

create table import_jobs (
    org_id uuid not null constraint import_jobs_org references organizations (id),
    name text collate "C" not null,
    file_digest bytea not null,
    -- What the rows become: `tickets`.
    kind text collate "C" not null,
    -- The system that the rows come from.
    source text collate "C" not null,
    -- How the rows are read, as JSON. With other options the job begins at the first row again.
    options text not null,
    -- How often it began at the first row.
    runs bigint not null,
    -- The first row of the file that has not been looked at.
    next_row bigint not null,
    accepted bigint not null,
    refused bigint not null,
    started_at timestamptz not null,
    updated_at timestamptz not null,
    finished_at timestamptz,
    constraint import_jobs_key primary key (org_id, name)
);

call waypost_wall('outbox');
call waypost_wall('idempotency_keys');
call waypost_wall('import_jobs');
