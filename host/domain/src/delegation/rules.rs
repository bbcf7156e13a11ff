//! The rules of delegations.

use chrono::Duration;
use uuid::Uuid;

use super::*;
use crate::{
    fixture::{
        AGENT, CALLER, COLLEAGUE, LAPTOP, MANAGER, ORG, PAYROLL, RETIRED, hours, monday, opened,
        user,
    },
    ticket::TicketKind,
};

fn new(id: u128) -> NewDelegation {
    NewDelegation {
        id: DelegationId(Uuid::from_u128(id)),
        org: ORG,
        from: MANAGER,
        to: AGENT,
        scope: Scope::Everything,
        starts_at: Some(monday() + hours(10)),
        ends_at: monday() + hours(20),
        reason: "On holiday".to_owned(),
    }
}

fn planned(new: NewDelegation) -> Delegation {
    Delegation::plan(new, &user(MANAGER), monday()).unwrap()
}

fn about(id: u128, scope: Scope) -> Delegation {
    planned(NewDelegation { scope, starts_at: None, ..new(id) })
}

fn faults(new: NewDelegation) -> Vec<(String, &'static str)> {
    let refused = Delegation::plan(new, &user(MANAGER), monday()).unwrap_err();
    match refused {
        Refused::MissingFields(faults) | Refused::Invalid(faults) => {
            faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_delegation_has_another_person_an_end_that_is_to_come_and_a_reason() {
    let wrong = |new: NewDelegation| faults(new).remove(0).0;
    assert_eq!(wrong(NewDelegation { to: MANAGER, ..new(1) }), "/to");
    assert_eq!(wrong(NewDelegation { reason: " ".to_owned(), ..new(1) }), "/reason");
    assert_eq!(wrong(NewDelegation { ends_at: monday() + hours(10), ..new(1) }), "/ends_at");
    let over = NewDelegation {
        starts_at: Some(monday() - hours(9)),
        ends_at: monday() - hours(1),
        ..new(1)
    };
    assert_eq!(wrong(over), "/ends_at");
    let end = |days| monday() + hours(10) + Duration::days(days);
    assert_eq!(wrong(NewDelegation { ends_at: end(MAX_DAYS) + hours(1), ..new(1) }), "/ends_at");
    planned(NewDelegation { ends_at: end(MAX_DAYS), ..new(1) });
    let all = NewDelegation { to: MANAGER, ends_at: monday(), reason: String::new(), ..new(1) };
    assert_eq!(faults(all).len(), 3);
}

#[test]
fn a_delegation_is_in_force_from_its_start_until_its_end_or_until_it_is_ended() {
    let mut holiday = planned(new(1));
    let in_force =
        |one: &Delegation| [9, 10, 19, 20].map(|at| one.is_in_force(monday() + hours(at)));
    assert_eq!(in_force(&holiday), [false, true, true, false]);
    holiday.end(&user(MANAGER), monday() + hours(12)).unwrap();
    assert_eq!(in_force(&holiday), [false; 4]);
    assert_eq!(holiday.ended, Some((monday() + hours(12), user(MANAGER))));
    assert!(holiday.end(&user(MANAGER), monday() + hours(13)).is_err());
    assert!(planned(new(1)).end(&user(MANAGER), monday() + hours(20)).is_err());
    let at_once = planned(NewDelegation { starts_at: None, ..new(1) });
    assert!(at_once.is_in_force(monday()));
}

#[test]
fn a_delegation_covers_what_it_is_about() {
    let mut request = opened(TicketKind::Request);
    request.category = Some("access/password/reset".parse().unwrap());
    request.service = Some(PAYROLL);
    let covers = |scope| about(1, scope).covers(&request);
    let category = |path: &str| Scope::Category(path.parse().unwrap());
    assert!(covers(Scope::Everything));
    assert!(covers(category("access")) && covers(category("access/password")));
    assert!(covers(category("access/password/reset")));
    assert!(!covers(category("hardware")) && !covers(category("access/pass")));
    assert!(!covers(category("access/password/reset/now")));
    assert!(covers(Scope::Service(PAYROLL)) && !covers(Scope::Service(RETIRED)));
    request.request_mut().unwrap().item = Some(LAPTOP);
    assert!(about(1, Scope::CatalogItem(LAPTOP)).covers(&request));
    assert!(!about(1, Scope::CatalogItem(LAPTOP)).covers(&opened(TicketKind::Incident)));
}

#[test]
fn what_is_said_about_the_one_thing_goes_before_what_is_said_about_all() {
    let mut request = opened(TicketKind::Request);
    request.category = Some("access/password".parse().unwrap());
    request.service = Some(PAYROLL);
    let category = |path: &str| Scope::Category(path.parse().unwrap());
    let delegations = [
        about(1, Scope::Everything),
        about(2, category("access/password")),
        about(3, Scope::Service(PAYROLL)),
        about(4, category("access")),
        about(5, Scope::Everything),
        about(6, category("hardware")),
        planned(new(7)),
    ];
    let stand_ins = StandIns::about(&delegations, &request, monday());
    let order: Vec<u128> = stand_ins.of(MANAGER).map(|one| one.id.0.as_u128()).collect();
    assert_eq!(order, [3, 2, 4, 5, 1]);
    assert_eq!(stand_ins.of(AGENT).count(), 0);
}

#[test]
fn a_person_has_only_so_many_delegations_at_a_time() {
    assert!(check_room(MAX_OPEN - 1).is_ok());
    assert!(check_room(MAX_OPEN).is_err());
}

#[test]
fn people_delegate_their_own_votes_and_administrators_anybody_s() {
    let may = |role, caller| allows(role, caller, MANAGER).is_ok();
    for role in [Role::Requester, Role::Agent] {
        assert!(may(role, Some(MANAGER)) && !may(role, Some(COLLEAGUE)) && !may(role, None));
    }
    assert!(may(Role::Admin, Some(CALLER)) && may(Role::Admin, None));
    assert!(!may(Role::Auditor, Some(MANAGER)));
}
