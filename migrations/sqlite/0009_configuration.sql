-- The version of an organization's configuration: of everything in the directory and among the
-- bindings that tickets are decided by. It moves in the transaction of each change, whoever makes
-- it, so a transaction that reads the versions of an organization and of those above it knows
-- whether what was read before is still what is there.
create table config_versions (
    org_id blob not null constraint config_versions_key primary key
        constraint config_versions_org references organizations (id),
    version integer not null
) strict, without rowid;

insert into config_versions (org_id, version) select id, 1 from organizations;

create trigger organizations_have_versions after insert on organizations
begin insert into config_versions (org_id, version) values (new.id, 1); end;

create trigger organizations_move_versions after update on organizations
begin update config_versions set version = version + 1 where org_id = new.id; end;

-- A person whom nothing names yet matters to no decision, so a new one moves nothing.
create trigger teams_insert_moves_versions after insert on teams
begin update config_versions set version = version + 1 where org_id = new.org_id; end;

create trigger teams_update_moves_versions after update on teams
begin update config_versions set version = version + 1 where org_id = new.org_id; end;

create trigger teams_delete_moves_versions after delete on teams
begin update config_versions set version = version + 1 where org_id = old.org_id; end;

create trigger team_members_insert_moves_versions after insert on team_members
begin update config_versions set version = version + 1 where org_id = new.org_id; end;

create trigger team_members_update_moves_versions after update on team_members
begin update config_versions set version = version + 1 where org_id = new.org_id; end;

create trigger team_members_delete_moves_versions after delete on team_members
begin update config_versions set version = version + 1 where org_id = old.org_id; end;

create trigger team_serves_insert_moves_versions after insert on team_serves
begin update config_versions set version = version + 1 where org_id = new.org_id; end;

create trigger team_serves_update_moves_versions after update on team_serves
begin update config_versions set version = version + 1 where org_id = new.org_id; end;

create trigger team_serves_delete_moves_versions after delete on team_serves
begin update config_versions set version = version + 1 where org_id = old.org_id; end;

create trigger services_insert_moves_versions after insert on services
begin update config_versions set version = version + 1 where org_id = new.org_id; end;

create trigger services_update_moves_versions after update on services
begin update config_versions set version = version + 1 where org_id = new.org_id; end;

create trigger services_delete_moves_versions after delete on services
begin update config_versions set version = version + 1 where org_id = old.org_id; end;

create trigger categories_insert_moves_versions after insert on categories
begin update config_versions set version = version + 1 where org_id = new.org_id; end;

create trigger categories_update_moves_versions after update on categories
begin update config_versions set version = version + 1 where org_id = new.org_id; end;

create trigger categories_delete_moves_versions after delete on categories
begin update config_versions set version = version + 1 where org_id = old.org_id; end;

create trigger people_update_moves_versions after update on people
begin update config_versions set version = version + 1 where org_id = new.org_id; end;

create trigger bindings_insert_moves_versions after insert on bindings
begin update config_versions set version = version + 1 where org_id = new.org_id; end;

create trigger bindings_update_moves_versions after update on bindings
begin update config_versions set version = version + 1 where org_id = new.org_id; end;

create trigger bindings_delete_moves_versions after delete on bindings
begin update config_versions set version = version + 1 where org_id = old.org_id; end;

create trigger binding_pauses_insert_moves_versions after insert on binding_pauses
begin update config_versions set version = version + 1 where org_id = new.org_id; end;

create trigger binding_pauses_update_moves_versions after update on binding_pauses
begin update config_versions set version = version + 1 where org_id = new.org_id; end;

create trigger binding_pauses_delete_moves_versions after delete on binding_pauses
begin update config_versions set version = version + 1 where org_id = old.org_id; end;

-- What is kept of a configuration is told by these versions only as long as nothing outside of an
-- organization's line decides for it: a team serves organizations below its own, and lines stay.
create trigger team_serves_below before insert on team_serves
when new.client_id = new.org_id or not exists (
    select 1 from organization_lines l where l.org_id = new.client_id and l.ancestor_id = new.org_id
)
begin select raise(abort, 'a team serves organizations below its own only'); end;

create trigger organization_lines_are_not_changed before update on organization_lines
begin select raise(abort, 'the lines of an organization are written once'); end;

create trigger organization_lines_are_not_removed before delete on organization_lines
begin select raise(abort, 'the lines of an organization are written once'); end;
