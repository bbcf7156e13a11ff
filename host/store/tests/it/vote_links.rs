//! Links to vote with: found by the hash of their secret while the vote is asked for, used once,
//! apart by organization.

use waypost_domain::{
    approval::{Approval, SeatRequest, SeatState},
    ids::{MessageId, OrgId, VoteLinkId},
    person::Person,
    vote_link::VoteLink,
};
use waypost_store::{Store, approval, on_both_engines, person, vote_link};

use crate::{
    approvals::round_of,
    fixture::{self, Tree, at, stored_ticket, tree},
};

on_both_engines! {
    a_vote_link_is_found_while_its_persons_vote_is_asked_for
    a_vote_link_is_used_with_all_others_of_its_person_for_the_request
    all_vote_links_of_a_person_are_ended
    who_leaves_or_gets_another_address_has_no_vote_link_left
    a_vote_link_is_used_once_by_itself
    only_the_addresses_of_who_is_there_are_told_to_letters
    vote_links_of_organizations_are_apart
    vote_links_that_expired_long_ago_are_removed
}

async fn person_of(store: &Store, org: OrgId, name: &str) -> Person {
    let person = fixture::person(org, name);
    let mut tx = store.write(org).await.unwrap();
    person::insert(&mut tx, &person).await.unwrap();
    tx.commit().await.unwrap();
    person
}

/// A round of an organization that asks two people: the first for one vote, the second for two.
async fn asked(store: &Store, tree: &Tree) -> (Approval, [Person; 2]) {
    let org = &tree.client;
    let people = [person_of(store, org.id, "Ada").await, person_of(store, org.id, "Ben").await];
    let ticket = stored_ticket(store, org).await;
    let round = round_of(&ticket, 1, &[people[0].id, people[1].id]);
    let mut tx = store.write(org.id).await.unwrap();
    approval::insert(&mut tx, &round).await.unwrap();
    tx.commit().await.unwrap();
    (round, people)
}

/// The requests that somebody is asked for.
fn requests(round: &Approval, person: &Person) -> Vec<SeatRequest> {
    let theirs = round.requests().filter(|one| one.voter == person.id);
    theirs.filter(|one| one.state == SeatState::Requested).cloned().collect()
}

fn link(person: &Person, request: &SeatRequest, hash: u8) -> VoteLink {
    VoteLink {
        id: VoteLinkId(fixture::id()),
        org: person.org,
        person: person.id,
        request: request.id,
        message: MessageId(fixture::id()),
        hash: [hash; 32],
        created_at: at(0),
        expires_at: at(i64::from(hash)),
        used_at: None,
    }
}

async fn stored(store: &Store, links: &[VoteLink]) {
    let mut tx = store.write(links[0].org).await.unwrap();
    vote_link::insert(&mut tx, links).await.unwrap();
    tx.commit().await.unwrap();
}

async fn found(store: &Store, hash: u8) -> Option<(VoteLink, Person)> {
    vote_link::find(store, &[hash; 32]).await.unwrap()
}

async fn a_vote_link_is_found_while_its_persons_vote_is_asked_for(store: Store) {
    let (mut round, [ada, ben]) = asked(&store, &tree(&store).await).await;
    let request = requests(&round, &ada).remove(0);
    let link_of_ada = link(&ada, &request, 1);
    // One for another's vote is good for nothing.
    stored(&store, &[link_of_ada.clone(), link(&ben, &request, 2)]).await;
    assert_eq!(found(&store, 1).await, Some((link_of_ada, ada)));
    assert_eq!((found(&store, 2).await, found(&store, 3).await), (None, None));
    let states = [SeatState::Approved, SeatState::Delegated, SeatState::Vacant, SeatState::Waiting];
    for state in states {
        for step in round.stages.iter_mut().flat_map(|stage| &mut stage.steps) {
            for seat in step.requests.iter_mut().filter(|one| one.id == request.id) {
                seat.state = state;
            }
        }
        let mut tx = store.write(round.org).await.unwrap();
        approval::update(&mut tx, &mut round).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(found(&store, 1).await, None, "{state:?}");
    }
}

async fn a_vote_link_is_used_with_all_others_of_its_person_for_the_request(store: Store) {
    let (round, [ada, ben]) = asked(&store, &tree(&store).await).await;
    let of_ben = requests(&round, &ben);
    let of_ada = requests(&round, &ada).remove(0);
    let all = [
        link(&ben, &of_ben[0], 1),
        link(&ben, &of_ben[0], 2),
        link(&ben, &of_ben[1], 3),
        link(&ada, &of_ada, 4),
    ];
    stored(&store, &all).await;
    for (now, used) in [(at(1), 2), (at(2), 0)] {
        let mut tx = store.write(ben.org).await.unwrap();
        let count = vote_link::use_up(&mut tx, ben.id, of_ben[0].id, now).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(count, used);
    }
    for (hash, used_at) in [(1, Some(at(1))), (2, Some(at(1))), (3, None), (4, None)] {
        assert_eq!(found(&store, hash).await.unwrap().0.used_at, used_at, "{hash}");
    }
}

async fn a_vote_link_is_used_once_by_itself(store: Store) {
    let tree = tree(&store).await;
    let (round, [ada, _]) = asked(&store, &tree).await;
    let request = requests(&round, &ada).remove(0);
    let all = [link(&ada, &request, 10), link(&ada, &request, 11), link(&ada, &request, 12)];
    stored(&store, &all).await;
    let once = async |org, place: usize, now| {
        let mut tx = store.write(org).await.unwrap();
        let used = vote_link::use_one(&mut tx, all[place].id, at(now)).await.unwrap();
        tx.commit().await.unwrap();
        used
    };
    let own = ada.org;
    assert!(!once(tree.other.id, 0, 1).await);
    assert!(once(own, 0, 1).await && !once(own, 0, 2).await);
    // It ends with its time, or before it.
    assert!(!once(own, 1, 11).await && once(own, 1, 10).await);
    let mut tx = store.write(own).await.unwrap();
    assert_eq!(vote_link::end_all(&mut tx, ada.id, at(2)).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert!(!once(own, 2, 3).await);
    let used = found(&store, 10).await.unwrap().0.used_at;
    assert_eq!(used, Some(at(1)));
}

async fn only_the_addresses_of_who_is_there_are_told_to_letters(store: Store) {
    let tree = tree(&store).await;
    let (_, [mut ada, mut ben]) = asked(&store, &tree).await;
    let (own, ids) = (ada.org, (ada.id, ben.id));
    let told = async |org| {
        let mut tx = store.write(org).await.unwrap();
        vote_link::addresses(&mut tx, &[ids.0, ids.1]).await.unwrap()
    };
    assert_eq!(told(own).await.len(), 2);
    assert!(told(tree.other.id).await.is_empty());
    ada.email = Some("ABEL@client.example".to_owned());
    ben.active = false;
    let mut tx = store.write(own).await.unwrap();
    person::update(&mut tx, &mut ada).await.unwrap();
    person::update(&mut tx, &mut ben).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(Vec::from_iter(told(own).await), [(ids.0, "abel@client.example".to_owned())]);
    let mut tx = store.write(own).await.unwrap();
    assert!(vote_link::addresses(&mut tx, &[]).await.unwrap().is_empty());
}

async fn all_vote_links_of_a_person_are_ended(store: Store) {
    let tree = tree(&store).await;
    let (round, [ada, ben]) = asked(&store, &tree).await;
    let (of_ada, of_ben) = (requests(&round, &ada), requests(&round, &ben));
    let all = [link(&ben, &of_ben[0], 1), link(&ben, &of_ben[1], 2), link(&ada, &of_ada[0], 3)];
    stored(&store, &all).await;
    for (org, ended) in [(tree.other.id, 0), (tree.client.id, 2)] {
        let mut tx = store.write(org).await.unwrap();
        assert_eq!(vote_link::end_all(&mut tx, ben.id, at(1)).await.unwrap(), ended);
        tx.commit().await.unwrap();
    }
    for (hash, used_at) in [(1, Some(at(1))), (2, Some(at(1))), (3, None)] {
        assert_eq!(found(&store, hash).await.unwrap().0.used_at, used_at, "{hash}");
    }
}

/// A change of a person, and whether it ends their links.
type Change = (fn(&mut Person), bool);

async fn who_leaves_or_gets_another_address_has_no_vote_link_left(store: Store) {
    let (round, [mut ada, _]) = asked(&store, &tree(&store).await).await;
    let request = requests(&round, &ada).remove(0);
    let changes: [Change; 6] = [
        (|person| "Ada Abel".clone_into(&mut person.name), false),
        (|person| person.email = Some("abel@client.example".to_owned()), true),
        (|person| person.email = Some("Abel@Client.example".to_owned()), false),
        (|person| person.email = None, true),
        (|person| person.active = false, true),
        (|person| person.active = true, false),
    ];
    for (hash, (change, ends)) in (1..).zip(changes) {
        stored(&store, &[link(&ada, &request, hash)]).await;
        let was_there = ada.active;
        change(&mut ada);
        let mut tx = store.write(ada.org).await.unwrap();
        person::update(&mut tx, &mut ada).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(found(&store, hash).await.is_none(), ends, "change {hash}");
        if ends && was_there {
            // Not only hidden while they are away.
            let mut tx = store.system().await.unwrap();
            assert_eq!(vote_link::EXPIRED.remove(&mut tx, at(9999), 100).await.unwrap(), 0);
        }
    }
}

async fn vote_links_of_organizations_are_apart(store: Store) {
    let tree = tree(&store).await;
    let (round, [ada, _]) = asked(&store, &tree).await;
    let request = requests(&round, &ada).remove(0);
    stored(&store, &[link(&ada, &request, 1)]).await;
    let mut tx = store.write(tree.other.id).await.unwrap();
    assert_eq!(vote_link::use_up(&mut tx, ada.id, request.id, at(1)).await.unwrap(), 0);
    // One that is said to be of another organization is not written, or found by nobody.
    let foreign = VoteLink { org: tree.client.id, ..link(&ada, &request, 2) };
    assert!(vote_link::insert(&mut tx, &[foreign]).await.is_err());
    drop(tx);
    stored(&store, &[VoteLink { org: tree.other.id, ..link(&ada, &request, 3) }]).await;
    assert_eq!(found(&store, 3).await, None);
    assert_eq!(found(&store, 1).await.unwrap().0.used_at, None);
}

async fn vote_links_that_expired_long_ago_are_removed(store: Store) {
    let (round, [ada, _]) = asked(&store, &tree(&store).await).await;
    let request = requests(&round, &ada).remove(0);
    let all: Vec<VoteLink> = (1..=4).map(|hash| link(&ada, &request, hash)).collect();
    stored(&store, &all).await;
    let has = async |before| {
        vote_link::EXPIRED.has_any(&mut store.system_read().await.unwrap(), before).await.unwrap()
    };
    assert!(!has(at(1)).await && has(at(2)).await);
    let mut tx = store.system().await.unwrap();
    assert_eq!(vote_link::EXPIRED.remove(&mut tx, at(3), 1).await.unwrap(), 1);
    assert_eq!(vote_link::EXPIRED.remove(&mut tx, at(3), 10).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert!(!has(at(3)).await && has(at(4)).await);
    assert!(found(&store, 2).await.is_none() && found(&store, 3).await.is_some());
}
