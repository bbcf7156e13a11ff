//! Delegations come back whole and are found while they are in force; refused votes are kept and
//! counted.

use waypost_domain::{
    approval::{Approval, RefusedVote, VoteKind},
    delegation::{Delegation, Scope},
    ids::{
        ApprovalRequestId, CatalogItemId, DelegationId, OrgId, PersonId, RefusedVoteId, ServiceId,
    },
    ticket::Ticket,
};
use waypost_store::{
    Store, StoreError, approval, delegation, event::Period, on_both_engines, refused_vote, testing,
};

use crate::fixture::{self, Tree, at, stored_ticket, tree};

on_both_engines! {
    a_delegation_of_every_scope_comes_back_whole
    a_delegation_ends_early_once
    delegations_are_found_while_they_are_in_force
    delegations_are_listed_page_by_page_and_by_person
    what_a_person_planned_is_listed_with_what_is_not_over_first
    delegations_of_organizations_are_apart
    unreadable_delegations_are_reported
    refused_votes_are_kept_counted_and_never_changed
    refused_votes_of_organizations_are_apart
}

fn person() -> PersonId {
    PersonId(fixture::id())
}

fn planned(org: OrgId, scope: Scope) -> Delegation {
    let from = person();
    Delegation {
        id: DelegationId(fixture::id()),
        org,
        from,
        to: person(),
        scope,
        starts_at: at(10),
        ends_at: at(20),
        reason: "On holiday".to_owned(),
        created_at: at(1),
        created_by: fixture::by(from),
        ended: None,
        version: 1,
    }
}

async fn stored(store: &Store, one: &Delegation) {
    let mut tx = store.write(one.org).await.unwrap();
    delegation::insert(&mut tx, one).await.unwrap();
    tx.commit().await.unwrap();
}

async fn a_delegation_of_every_scope_comes_back_whole(store: Store) {
    let org = tree(&store).await.client.id;
    for scope in [
        Scope::Everything,
        Scope::Category("access/password".parse().unwrap()),
        Scope::Service(ServiceId(fixture::id())),
        Scope::CatalogItem(CatalogItemId(fixture::id())),
    ] {
        let one = planned(org, scope);
        stored(&store, &one).await;
        let mut tx = store.read(org).await.unwrap();
        assert_eq!(delegation::find(&mut tx, one.id).await.unwrap(), Some(one));
    }
    let mut tx = store.read(org).await.unwrap();
    let nobodys = DelegationId(fixture::id());
    assert_eq!(delegation::find(&mut tx, nobodys).await.unwrap(), None);
}

async fn a_delegation_ends_early_once(store: Store) {
    let org = tree(&store).await.client.id;
    let mut one = planned(org, Scope::Everything);
    stored(&store, &one).await;
    let mut late = one.clone();
    one.end(&fixture::by(one.from), at(12)).unwrap();
    let mut tx = store.write(org).await.unwrap();
    delegation::update(&mut tx, &mut one).await.unwrap();
    assert_eq!(one.version, 2);
    assert_eq!(delegation::find(&mut tx, one.id).await.unwrap(), Some(one));
    let refused = delegation::update(&mut tx, &mut late).await;
    assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
}

async fn delegations_are_found_while_they_are_in_force(store: Store) {
    let org = tree(&store).await.client.id;
    let one = planned(org, Scope::Everything);
    let mut ended = planned(org, Scope::Everything);
    ended.from = one.from;
    ended.end(&fixture::by(ended.from), at(5)).unwrap();
    stored(&store, &one).await;
    stored(&store, &ended).await;
    let mut tx = store.read(org).await.unwrap();
    for (minute, is_there) in [(9, false), (10, true), (19, true), (20, false)] {
        let found = delegation::in_force(&mut tx, at(minute)).await.unwrap();
        assert_eq!(found.contains(&one), is_there, "{minute}");
        assert_eq!(found.len(), usize::from(is_there), "{minute}");
    }
    assert_eq!(delegation::count_open(&mut tx, one.from, at(1)).await.unwrap(), 1);
    assert_eq!(delegation::count_open(&mut tx, one.from, at(20)).await.unwrap(), 0);
    assert_eq!(delegation::count_open(&mut tx, one.to, at(1)).await.unwrap(), 0);
}

async fn delegations_are_listed_page_by_page_and_by_person(store: Store) {
    let org = tree(&store).await.client.id;
    let first = planned(org, Scope::Everything);
    let mut second = planned(org, Scope::Everything);
    second.to = first.from;
    let third = planned(org, Scope::Everything);
    for one in [&first, &second, &third] {
        stored(&store, one).await;
    }
    let mut tx = store.read(org).await.unwrap();
    let all = delegation::list(&mut tx, None, None, 2).await.unwrap();
    assert_eq!(all, [first.clone(), second.clone()]);
    let rest = delegation::list(&mut tx, None, Some(second.id), 2).await.unwrap();
    assert_eq!(rest, [third]);
    let own = delegation::list(&mut tx, Some(first.from), None, 9).await.unwrap();
    assert_eq!(own, [first.clone(), second.clone()]);
    let given = delegation::list(&mut tx, Some(second.from), None, 9).await.unwrap();
    assert_eq!(given, [second]);
}

async fn what_a_person_planned_is_listed_with_what_is_not_over_first(store: Store) {
    let org = tree(&store).await.client.id;
    let me = person();
    let given = |starts, ends| Delegation {
        from: me,
        starts_at: at(starts),
        ends_at: at(ends),
        ..planned(org, Scope::Everything)
    };
    let (in_force, to_come, over) = (given(10, 20), given(30, 40), given(1, 14));
    let mut ended = given(10, 20);
    ended.end(&fixture::by(me), at(12)).unwrap();
    let got = Delegation { to: me, ..planned(org, Scope::Everything) };
    let of_others = planned(org, Scope::Everything);
    for one in [&in_force, &to_come, &over, &ended, &got, &of_others] {
        stored(&store, one).await;
    }
    let mut tx = store.read(org).await.unwrap();
    let all = delegation::of_person(&mut tx, me, at(15), 9).await.unwrap();
    assert_eq!(all, [got.clone(), to_come, in_force, ended, over]);
    assert_eq!(delegation::of_person(&mut tx, me, at(15), 1).await.unwrap(), [got]);
}

async fn delegations_of_organizations_are_apart(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let mut one = planned(client.id, Scope::Everything);
    stored(&store, &one).await;
    let mut tx = store.write(other.id).await.unwrap();
    assert_eq!(delegation::find(&mut tx, one.id).await.unwrap(), None);
    assert_eq!(delegation::list(&mut tx, None, None, 9).await.unwrap(), []);
    assert_eq!(delegation::of_person(&mut tx, one.from, at(15), 9).await.unwrap(), []);
    assert_eq!(delegation::in_force(&mut tx, at(15)).await.unwrap(), []);
    assert_eq!(delegation::count_open(&mut tx, one.from, at(1)).await.unwrap(), 0);
    let refused = delegation::insert(&mut tx, &one).await;
    assert!(matches!(refused, Err(StoreError::WrongOrganization)), "{refused:?}");
    one.org = other.id;
    let refused = delegation::update(&mut tx, &mut one).await;
    assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
}

async fn unreadable_delegations_are_reported(store: Store) {
    let org = tree(&store).await.client.id;
    let one = planned(org, Scope::Category("access".parse().unwrap()));
    stored(&store, &one).await;
    for (damage, column) in [
        ("update delegations set created_by = 'ghost'", "created_by"),
        ("update delegations set category = 'Not A Path'", "category"),
    ] {
        let mut tx = store.system().await.unwrap();
        testing::execute(&mut tx, damage).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = store.read(org).await.unwrap();
        let Err(StoreError::Corrupt { table, column: named }) =
            delegation::find(&mut tx, one.id).await
        else {
            panic!("{damage}");
        };
        assert_eq!((table, named), ("delegations", column));
    }
}

async fn stored_round_of(store: &Store, ticket: &Ticket) -> Approval {
    let round = crate::approvals::round_of(ticket, 1, &[person(), person()]);
    let mut tx = store.write(ticket.org).await.unwrap();
    approval::insert(&mut tx, &round).await.unwrap();
    tx.commit().await.unwrap();
    round
}

fn request_of(round: &Approval) -> ApprovalRequestId {
    round.requests().next().unwrap().id
}

/// A vote on a round of a ticket that is stored.
fn refused(round: &Approval, minute: i64) -> RefusedVote {
    RefusedVote {
        id: RefusedVoteId(fixture::id()),
        org: round.org,
        subject: round.subject,
        approval: round.id,
        request: request_of(round),
        at: at(minute),
        by: fixture::by(person()),
        vote: VoteKind::Reject,
        code: "forbidden".to_owned(),
        message: "This vote belongs to another approver.".to_owned(),
        comment: Some("too dear".to_owned()),
    }
}

async fn refused_votes_are_kept_counted_and_never_changed(store: Store) {
    let org = tree(&store).await.client;
    let ticket = stored_ticket(&store, &org).await;
    let round = stored_round_of(&store, &ticket).await;
    let (request, number) = (request_of(&round), ticket.number);
    let id_at = |minutes| RefusedVoteId(fixture::id_at(at(minutes)));
    let first = RefusedVote { id: id_at(3), ..refused(&round, 3) };
    let mut nobodys = RefusedVote { id: id_at(5), ..refused(&round, 5) };
    nobodys.by.person = None;
    nobodys.comment = None;
    let mut tx = store.write(org.id).await.unwrap();
    refused_vote::append(&mut tx, &first).await.unwrap();
    refused_vote::append(&mut tx, &nobodys).await.unwrap();
    assert_eq!(refused_vote::count(&mut tx, request, first.by.person).await.unwrap(), 1);
    assert_eq!(refused_vote::count(&mut tx, request, None).await.unwrap(), 1);
    let elsewhere = ApprovalRequestId(fixture::id());
    assert_eq!(refused_vote::count(&mut tx, elsewhere, None).await.unwrap(), 0);
    let all = Period::default();
    let page = refused_vote::page(&mut tx, all, None, 9).await.unwrap();
    let numbered = |one: &RefusedVote| (number.clone(), one.clone());
    assert_eq!(page, [numbered(&first), numbered(&nobodys)]);
    let rest = refused_vote::page(&mut tx, all, Some(first.id), 9).await.unwrap();
    assert_eq!(rest, [numbered(&nobodys)]);
    let early = Period { from: Some(at(1)), to: Some(at(5)) };
    let page = refused_vote::page(&mut tx, early, None, 9).await.unwrap();
    assert_eq!(page, [numbered(&first)]);
    tx.commit().await.unwrap();
    for change in ["update refused_votes set code = 'fine'", "delete from refused_votes"] {
        let mut tx = store.system().await.unwrap();
        assert!(testing::execute(&mut tx, change).await.is_err(), "{change}");
    }
}

async fn refused_votes_of_organizations_are_apart(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let round = stored_round_of(&store, &stored_ticket(&store, &client).await).await;
    let request = request_of(&round);
    let mut one = refused(&round, 3);
    let mut tx = store.write(client.id).await.unwrap();
    refused_vote::append(&mut tx, &one).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.write(other.id).await.unwrap();
    assert_eq!(refused_vote::count(&mut tx, request, one.by.person).await.unwrap(), 0);
    assert_eq!(refused_vote::page(&mut tx, Period::default(), None, 9).await.unwrap(), []);
    let refused = refused_vote::append(&mut tx, &one).await;
    assert!(matches!(refused, Err(StoreError::WrongOrganization)), "{refused:?}");
    one.org = other.id;
    let refused = refused_vote::append(&mut tx, &one).await;
    assert!(matches!(refused, Err(StoreError::Database(_))), "not its round: {refused:?}");
}
