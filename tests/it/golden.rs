//! Golden evaluations: recorded decisions that must re-execute to the same bytes, whatever changes
//! around them.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use waypost_domain::{
    binding::Hook,
    ids::{BindingId, OrgId, ReceiptId, TicketId},
    receipt::{Evaluation, Outcome, Receipt},
};
use waypost_store::evaluation;
use waypost_test_support::{TestDesk, on_both_engines};

on_both_engines! {
    golden_rounds_re_execute_to_the_same_bytes
}

/// A recorded decision; see `tests/golden/README.md`.
struct Golden {
    name: &'static str,
    component: &'static [u8],
    receipt: &'static str,
    snapshot: &'static str,
    question: &'static str,
    answer: &'static str,
}

macro_rules! golden {
    ($evaluation:literal against $component:literal) => {
        Golden {
            name: concat!($evaluation, " against ", $component),
            component: include_bytes!(concat!("../golden/components/", $component, ".wasm")),
            receipt: include_str!(concat!("../golden/", $evaluation, "/receipt.json")),
            snapshot: include_str!(concat!("../golden/", $evaluation, "/snapshot.json")),
            question: include_str!(concat!("../golden/", $evaluation, "/question.json")),
            answer: include_str!(concat!("../golden/", $evaluation, "/answer.json")),
        }
    };
}

const GOLDEN: [Golden; 1] = [golden!("route" against "example-router-rs-0.1.0")];

async fn golden_rounds_re_execute_to_the_same_bytes(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    for (place, golden) in GOLDEN.iter().enumerate() {
        let about: Value = serde_json::from_str(golden.receipt).unwrap();
        let hook = about["hook"].as_str().unwrap();
        let component = acme.admin.client.upload(golden.component.to_vec()).await;
        let name = format!("golden-{place}");
        let position = i64::try_from(place).unwrap() + 1;
        let binding =
            acme.bind_component(&name, position, hook, &component, about["settings"].clone()).await;
        let snapshot: Value = serde_json::from_str(golden.snapshot).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let me = acme.admin.client.get("/me").await.ok();
        let org: OrgId = text(&me["organization"]["id"]).parse().unwrap();
        let at: DateTime<Utc> = text(&about["at"]).parse().unwrap();
        let id: ReceiptId = text(&about["id"]).parse().unwrap();
        let recorded = Evaluation {
            id: id.evaluation(),
            org,
            subject: text(&snapshot["ticket"]["head"]["id"]).parse::<TicketId>().unwrap().into(),
            occasion: "create".to_owned(),
            snapshot: golden.snapshot.as_bytes().to_vec(),
            part: None,
            at,
        };
        let kept = Receipt {
            id,
            org,
            subject: recorded.subject,
            evaluation: recorded.id,
            seq: 1,
            hook: hook.parse::<Hook>().unwrap(),
            layer: org,
            binding: text(&binding["id"]).parse::<BindingId>().unwrap(),
            revision: 1,
            component,
            settings_digest: text(&binding["active"]["settings_digest"]),
            data_digest: text(&binding["active"]["data_digest"]),
            wit_version: text(&about["wit_version"]),
            engine_version: text(&about["engine_version"]),
            question: golden.question.as_bytes().to_vec(),
            answer: golden.answer.trim_end().as_bytes().to_vec(),
            log: Vec::new(),
            fuel: about["fuel"].as_u64().unwrap(),
            duration_us: 1,
            outcome: Outcome::Applied,
            at,
        };
        let mut tx = desk.store.write(org).await.unwrap();
        let packed = evaluation::pack(recorded, &[kept]).unwrap();
        evaluation::insert_many(&mut tx, vec![packed]).await.unwrap();
        tx.commit().await.unwrap();

        let path = format!("/receipts/{}/re-execute", text(&about["id"]));
        let again = acme.agent.client.post(&path, json!({})).await.ok();

        assert_eq!(again["verdict"], "same", "{}: {again}", golden.name);
    }
    desk.ignore_mail();
}
