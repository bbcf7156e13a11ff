-- Major incidents, and what an incident's desk knows of its reach.
alter table tickets add column sync_with_parent integer not null default 1
    constraint tickets_sync_with_parent_bool check (sync_with_parent in (0, 1));
alter table tickets add column affected_users integer not null default 0;
-- Where an incident stands as a major one; the columns after it hold what is true only there.
alter table tickets add column major_state text not null default 'none';
alter table tickets add column major_manager_id blob;
alter table tickets add column major_communication_owner_id blob;
alter table tickets add column major_next_update_at text;
-- Whether that time passed without an update, and somebody was told so.
alter table tickets add column major_update_missed integer not null default 0
    constraint tickets_major_update_missed_bool check (major_update_missed in (0, 1));
alter table tickets add column major_review_note text
    constraint tickets_major check (
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
