-- The version of an organization's configuration: of everything in the directory and among the
-- bindings that tickets are decided by. It moves in the transaction of each change, whoever makes
-- it, so a transaction that reads the versions of an organization and of those above it knows
-- whether what was read before is still what is there.
create table config_versions (
    org_id uuid not null constraint config_versions_key primary key
        constraint config_versions_org references organizations (id),
    version bigint not null
);

call waypost_wall('config_versions');
-- What the layers above change decides for those below too.
create policy above on config_versions for select using (
    org_id in (select ancestor_id from organization_lines where org_id = (select waypost_org()))
);

select set_config('waypost.system', 'on', true);
insert into config_versions (org_id, version) select id, 1 from organizations;

-- Once for each transaction and organization, and only at its end: two transactions that change
-- several records of one organization each would otherwise wait for each other in a circle.
create procedure waypost_move_version(moved uuid) language plpgsql as $$
declare
    before text := coalesce(current_setting('waypost.moved', true), '');
begin
    if position(moved::text in before) = 0 then
        update config_versions set version = version + 1 where org_id = moved;
        perform set_config('waypost.moved', before || ' ' || moved::text, true);
    end if;
end $$;

create function move_version() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        call waypost_move_version(old.org_id);
    else
        call waypost_move_version(new.org_id);
    end if;
    return null;
end $$;

create function begin_version() returns trigger language plpgsql as $$
begin
    insert into config_versions (org_id, version) values (new.id, 1);
    return null;
end $$;

create function move_own_version() returns trigger language plpgsql as $$
begin
    call waypost_move_version(new.id);
    return null;
end $$;

create trigger organizations_have_versions after insert on organizations
for each row execute function begin_version();

create constraint trigger organizations_move_versions after update on organizations
deferrable initially deferred for each row execute function move_own_version();

-- A person whom nothing names yet matters to no decision, so a new one moves nothing.
create constraint trigger teams_move_versions after insert or update or delete on teams
deferrable initially deferred for each row execute function move_version();

create constraint trigger team_members_move_versions after insert or update or delete on team_members
deferrable initially deferred for each row execute function move_version();

create constraint trigger team_serves_move_versions after insert or update or delete on team_serves
deferrable initially deferred for each row execute function move_version();

create constraint trigger services_move_versions after insert or update or delete on services
deferrable initially deferred for each row execute function move_version();

create constraint trigger categories_move_versions after insert or update or delete on categories
deferrable initially deferred for each row execute function move_version();

create constraint trigger people_move_versions after update on people
deferrable initially deferred for each row execute function move_version();

create constraint trigger bindings_move_versions after insert or update or delete on bindings
deferrable initially deferred for each row execute function move_version();

create constraint trigger binding_pauses_move_versions after insert or update or delete on binding_pauses
deferrable initially deferred for each row execute function move_version();

-- What is kept of a configuration is told by these versions only as long as nothing outside of an
-- organization's line decides for it: a team serves organizations below its own, and lines stay.
create function serves_below() returns trigger language plpgsql as $$
begin
    if new.client_id = new.org_id or not exists (
        select 1 from organization_lines l
        where l.org_id = new.client_id and l.ancestor_id = new.org_id
    ) then
        raise exception 'a team serves organizations below its own only';
    end if;
    return new;
end $$;

create trigger team_serves_below before insert on team_serves
for each row execute function serves_below();

create trigger organization_lines_are_not_changed before update on organization_lines
for each row execute function refuse_change('the lines of an organization are written once');

create trigger organization_lines_are_not_removed before delete on organization_lines
for each row execute function refuse_change('the lines of an organization are written once');
