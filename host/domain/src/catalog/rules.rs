//! The rules of forms, items and the category tree.

use uuid::Uuid;

use crate::{
    catalog::Category,
    fixture::{ORG, answers, key, laptop, pointers, world},
    ids::CategoryId,
    refusal::Faults,
};

fn category(path: &str) -> Category {
    Category {
        id: CategoryId(Uuid::nil()),
        org: ORG,
        path: path.parse().unwrap(),
        name: path.to_owned(),
        active: true,
        version: 1,
    }
}

#[test]
fn answers_are_kept_in_the_order_of_the_form() {
    let mut shuffled = answers();
    shuffled.reverse();
    let kept = laptop().check_answers(&shuffled).unwrap();
    assert_eq!(kept, answers());
}

#[test]
fn each_kind_of_field_accepts_what_it_says() {
    let accepts = |field: &str, answer: &str| {
        let mut given = answers();
        given.retain(|(key, _)| key.as_str() != field);
        given.push((key(field), answer.to_owned()));
        laptop().check_answers(&given).is_ok()
    };
    assert!(accepts("model", "strong") && !accepts("model", "Strong"));
    assert!(accepts("screens", "-3") && !accepts("screens", "2.5"));
    assert!(accepts("from", "2028-02-29") && !accepts("from", "2026-02-29"));
    assert!(accepts("remote", "false") && !accepts("remote", "no"));
    assert!(accepts("why", &"x".repeat(2_000)) && !accepts("why", &"x".repeat(2_001)));
    assert!(!accepts("why", "  ") && accepts("from", ""));
}

#[test]
fn an_answer_given_twice_is_refused() {
    let mut twice = answers();
    twice.push((key("model"), "strong".to_owned()));
    let refused = laptop().check_answers(&twice).unwrap_err();
    assert_eq!(pointers(&refused), ["/answers/model"]);
}

#[test]
fn a_category_stands_below_an_active_one() {
    let mut all = world().categories;
    let faults_of = |path: &str, all: &[Category]| {
        let mut faults = Faults::new();
        category(path).path.check_above(all, "/path", &mut faults);
        faults.finish().is_err()
    };
    assert!(!faults_of("access/card", &all));
    assert!(!faults_of("hardware", &all));
    assert!(faults_of("hardware/laptop", &all));
    for category in &mut all {
        category.active = false;
    }
    assert!(faults_of("access/card", &all));
}

#[test]
fn a_category_is_not_switched_off_above_active_ones() {
    let all = world().categories;
    assert!(category("access").check_retiring(&all).is_err());
    category("access/password").check_retiring(&all).unwrap();
}
