-- Major incidents, and what an incident's desk knows of its reach.
alter table tickets
    add column sync_with_parent boolean not null default true,
    add column affected_users bigint not null default 0,
    -- Where an incident stands as a major one; the columns after it hold what is true only there.
    add column major_state text not null default 'none',
    add column major_manager_id uuid,
    add column major_communication_owner_id uuid,
    add column major_next_update_at timestamptz,
    -- Whether that time passed without an update, and somebody was told so.
    add column major_update_missed boolean not null default false,
    add column major_review_note text,
    add constraint tickets_major check (
        major_state in ('none', 'proposed', 'accepted', 'review', 'done', 'rejected')
        and (kind = 'incident' or major_state = 'none')
        and (major_state in ('accepted', 'review', 'done')) = (major_manager_id is not null)
        and (major_manager_id is null) = (major_communication_owner_id is null)
        and (major_state = 'accepted') = (major_next_update_at is not null)
        and (major_state = 'accepted' or not major_update_missed)
        and (major_state = 'done') = (major_review_note is not null)
    );

-- Who asks where major incidents stand, and each round of upkeep for promises that were not kept. There are few, so it costs
-- other tickets nothing.
create index tickets_major on tickets (org_id, major_state, opened_at, id) where major_state <> 'none';
