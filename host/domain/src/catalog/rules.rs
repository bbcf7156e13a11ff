//! The rules of forms, items and the category tree.

use uuid::Uuid;

use crate::{
    catalog::{CatalogItem, Category, FieldKind, Money},
    field::{Given, Value},
    fixture::{ORG, answers, key, laptop, pointers, text, world},
    ids::CategoryId,
    refusal::Faults,
    register::Record,
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

fn question(key: &str, kind: &str, choices: &[&str]) -> Given {
    let choices = choices.iter().map(ToString::to_string).collect();
    Given::default()
        .with("field", text(key))
        .with("label", text("A question"))
        .with("kind", text(kind))
        .with("choices", Value::Texts(choices))
        .with("required", Value::Flag(true))
}

/// The pointers of what is wrong with a value for this field of an item.
fn wrong(field: &str, value: &Value, item: &mut CatalogItem) -> Vec<String> {
    let mut faults = Faults::new();
    let field = CatalogItem::REGISTER.field(field).unwrap();
    (field.set)(item, Some(value), &mut faults);
    faults.into_vec().into_iter().map(|fault| fault.pointer).collect()
}

#[test]
fn a_form_is_taken_in_its_order() {
    let mut item = laptop();
    let questions = vec![
        question("size", "choice", &["13 inch", "15 inch"]),
        question("reason", "text", &[]).with("required", Value::Flag(false)),
    ];
    assert_eq!(wrong("form", &Value::Objects(questions), &mut item), [] as [&str; 0]);
    assert_eq!(item.form[0].kind, FieldKind::Choice(vec!["13 inch".into(), "15 inch".into()]));
    assert_eq!((item.form[1].field.as_str(), item.form[1].required), ("reason", false));
}

#[test]
fn every_wrong_field_of_a_form_is_named() {
    let questions = vec![
        question("size", "choice", &[]),
        question("size", "text", &[]),
        question("UPPER", "text", &[]),
        question("when", "date", &["today"]),
        question("model", "choice", &["a", "a"]),
        question("", "text", &[]),
    ];
    assert_eq!(
        wrong("form", &Value::Objects(questions), &mut laptop()),
        [
            "/form/0/choices",
            "/form/1/field",
            "/form/2/field",
            "/form/3/choices",
            "/form/4/choices/1",
            "/form/5/field"
        ]
    );
}

#[test]
fn what_a_record_shows_is_what_it_takes() {
    let shown = laptop();
    let mut item = CatalogItem::blank(shown.id.0, shown.org);
    for field in CatalogItem::REGISTER.fields {
        let mut faults = Faults::new();
        (field.set)(&mut item, (field.get)(&shown).as_ref(), &mut faults);
        assert!(faults.is_empty(), "{}: {faults:?}", field.name);
    }
    assert_eq!(item, shown);
}

#[test]
fn a_cost_is_whole_minor_units_of_a_currency() {
    let money = |minor_units, currency: &str| {
        Value::Money(Money { minor_units, currency: currency.to_owned() })
    };
    let mut item = laptop();
    assert_eq!(wrong("cost", &money(129_900, "EUR"), &mut item), [] as [&str; 0]);
    assert_eq!(item.cost, Some(Money { minor_units: 129_900, currency: "EUR".to_owned() }));
    assert_eq!(wrong("cost", &money(-1, "EUR"), &mut item), ["/cost/minor_units"]);
    assert_eq!(wrong("cost", &money(1, "euro"), &mut item), ["/cost/currency"]);
}

#[test]
fn costs_are_added_up_in_each_currency() {
    let of = |costs: &[(i64, &str)]| {
        let money = |&(minor_units, currency): &(i64, &str)| Money {
            minor_units,
            currency: currency.to_owned(),
        };
        let sums = Money::sums(&costs.iter().map(money).collect::<Vec<_>>());
        sums.into_iter().map(|sum| (sum.minor_units, sum.currency)).collect::<Vec<_>>()
    };
    assert_eq!(of(&[]), []);
    let sums = of(&[(5, "USD"), (7, "EUR"), (0, "CHF"), (3, "EUR")]);
    let sums: Vec<_> = sums.iter().map(|(sum, currency)| (*sum, currency.as_str())).collect();
    assert_eq!(sums, [(0, "CHF"), (10, "EUR"), (5, "USD")]);
    // More than any amount holds is not less than that.
    assert_eq!(of(&[(i64::MAX, "EUR"), (1, "EUR")]), [(i64::MAX, "EUR".to_owned())]);
}
