//! What one decision costs: in a fresh sandbox, in a reused instance, and without any sandbox.
//!
//! `cargo xtask plugins`, then `cargo bench -p waypost-policy --bench decisions`.

#[path = "support/rules.rs"]
mod rules;

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use waypost_policy::{Hook, Limits, Question, RuntimeConfig, Seed};

fn decisions(criterion: &mut Criterion) {
    let component = rules::component(rules::POLICY);
    let (runtime, _folder) = rules::runtime(RuntimeConfig::default());
    let question = rules::question();
    // What is measured is work, not waiting: a machine that is busy with something else must not
    // end it.
    let limits = Limits { deadline: Duration::from_mins(1), ..Limits::of(Hook::Route) };

    for count in [10, 200] {
        let policy = rules::prepare(&runtime, &component, count);
        assert!(policy.snapshotted(), "{:?}", policy.not_snapshotted_because());
        let decision = runtime.decide(&policy, question.clone(), &limits, Seed([0; 16]));
        assert!(matches!(decision.outcome, Ok(Ok(_))), "{:?}", decision.outcome);

        let mut group = criterion.benchmark_group(format!("route, {count} rules"));
        group.bench_function("fresh sandbox", |bencher| {
            bencher.iter_batched(
                || question.clone(),
                |question| runtime.decide(&policy, question, &limits, Seed([0; 16])),
                BatchSize::SmallInput,
            );
        });
        group.bench_function("reused instance", |bencher| {
            bencher.iter_custom(|times| {
                let question = question.clone();
                runtime.time_reused(&policy, question, &limits, times).expect("the policy answers")
            });
        });
        let words = rules::words(count);
        group.bench_function("native scan", |bencher| {
            bencher.iter(|| native(&words, black_box(&question)));
        });
        group.finish();
    }

    criterion.bench_function("a question and an answer as JSON", |bencher| {
        bencher.iter_batched(
            || question.clone(),
            |question| question.to_json(),
            BatchSize::SmallInput,
        );
    });
}

/// The same rules as plain Rust: for each ticket the text is lowered once and every rule's words
/// are looked for.
fn native(rules: &[[String; 2]], question: &Question) -> Option<usize> {
    let ticket = &question.ticket().head;
    let title = ticket.short_description.to_lowercase();
    let body = ticket.description.to_lowercase();
    rules.iter().position(|words| {
        words.iter().any(|word| title.contains(word.as_str()) || body.contains(word.as_str()))
    })
}

criterion_group!(benches, decisions);
criterion_main!(benches);
