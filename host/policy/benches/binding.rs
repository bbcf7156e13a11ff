//! What binding a policy costs: looking at the upload, preparing it cold, from its artifact, from
//! memory.
//!
//! `cargo xtask plugins`, then `cargo bench -p waypost-policy --bench binding`.

#[expect(dead_code, reason = "each benchmark uses a part of it")]
#[path = "support/rules.rs"]
mod rules;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use waypost_policy::{ArtifactKey, Digest, Hook, PolicyRuntime, RuntimeConfig, open_dir};

fn with_artifacts() -> RuntimeConfig {
    RuntimeConfig { artifact_key: Some(ArtifactKey::from([7; 32])), ..RuntimeConfig::default() }
}

fn binding(criterion: &mut Criterion) {
    let component = rules::component(rules::POLICY);
    let digest = Digest::of(&component);
    let mut group = criterion.benchmark_group("bind");
    group.sample_size(10);

    group.bench_function("inspect an upload", |bencher| {
        bencher.iter_batched(
            || rules::runtime(RuntimeConfig::default()),
            |(runtime, folder)| (runtime.inspect(&component).expect("it is a policy"), folder),
            BatchSize::PerIteration,
        );
    });

    let settings = rules::settings(200);
    group.bench_function("prepare, component known, settings new", |bencher| {
        let (runtime, _folder) = rules::runtime(RuntimeConfig::default());
        runtime.inspect(&component).expect("it is a policy");
        let mut number = 0;
        bencher.iter(|| {
            number += 1;
            // A blank more each time: the same settings under another digest.
            let settings = format!("{settings}{}", " ".repeat(number));
            runtime
                .prepare(&|_| Ok(component.clone()), digest, &settings, &[], &[Hook::Route])
                .expect("it prepares")
        });
    });

    let (runtime, folder) = rules::runtime(with_artifacts());
    rules::prepare(&runtime, &component, 200);
    group.bench_function("prepare from its artifact, after a restart", |bencher| {
        bencher.iter_batched(
            || {
                let dir = open_dir(folder.path()).expect("the folder is there");
                PolicyRuntime::open(with_artifacts(), dir).expect("the engine starts")
            },
            |runtime| {
                let prepared = runtime.recall(digest, &settings, &[], &[Hook::Route]);
                (prepared.expect("the artifact is there"), runtime)
            },
            BatchSize::PerIteration,
        );
    });

    group.bench_function("prepare from memory", |bencher| {
        bencher.iter(|| rules::prepare(&runtime, &component, 200));
    });
    group.finish();
}

criterion_group!(benches, binding);
criterion_main!(benches);
