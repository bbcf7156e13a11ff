//! What policies take of memory: each built policy alone, and a thousand bound ones.
//!
//! `cargo xtask plugins`, then `cargo run --release -p waypost-policy --example memory`.

#![expect(clippy::print_stdout, reason = "it prints its measurements")]

#[path = "../benches/support/rules.rs"]
mod rules;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use waypost_policy::{
    Decision, Digest, Hook, Limits, PolicyRuntime, Prepared, RuntimeConfig, Seed, open_dir,
};

/// How many bindings of equal settings are made, which share everything.
const EQUAL: usize = 1000;

/// How many bindings of different settings are made. Each is compiled, so the thousand that the
/// table speaks of is reckoned from these.
const DIFFERENT: usize = 50;

fn main() {
    let component = rules::component(rules::POLICY);
    let (runtime, _folder) =
        rules::runtime(RuntimeConfig { kept_policy_bytes: usize::MAX, ..RuntimeConfig::default() });
    println!("{:<44} {:>10}", "", "resident");
    let started = resident();
    println!("{:<44} {:>6} KiB", "the runtime, before any policy", started / 1024);

    let began = Instant::now();
    runtime.inspect(&component).expect("it is a policy");
    println!("{:<44} {:>6} KiB in {:?}", "a component, looked at", grown(started), began.elapsed());

    for rules in [10, 200] {
        let before = resident();
        let began = Instant::now();
        let policy = rules::prepare(&runtime, &component, rules);
        let took = began.elapsed();
        println!(
            "{:<44} {:>6} KiB in {took:?}",
            format!("a policy of {rules} rules"),
            grown(before)
        );
        println!("{:<44} {:>6} KiB", "  its code and image", policy.code_bytes() / 1024);
        println!("{:<44} {:>10}", "  starts from a snapshot", policy.snapshotted());
        let before = resident();
        let decisions: Vec<_> = (0..1000).map(|_| decide(&runtime, &policy)).collect();
        println!("{:<44} {:>6} KiB", "  after 1,000 decisions", grown(before));
        let mut times: Vec<_> = decisions.iter().map(|decision| decision.duration).collect();
        times.sort();
        println!("  p50 {:?}, p99 {:?}, fuel {}", times[500], times[990], decisions[0].fuel);
    }

    let before = resident();
    let same: Vec<_> = (0..EQUAL).map(|_| rules::prepare(&runtime, &component, 10)).collect();
    println!("{:<44} {:>6} KiB", format!("{EQUAL} bindings of equal settings"), grown(before));
    drop(same);

    let before = resident();
    let began = Instant::now();
    let different: Vec<_> =
        (0..DIFFERENT).map(|number| bind(&runtime, &component, number)).collect();
    let took = began.elapsed();
    println!(
        "{:<44} {:>6} KiB in {took:?}",
        format!("{DIFFERENT} bindings of different settings"),
        grown(before)
    );
    println!("{:<44} {:>6} KiB", "  so a thousand of them", grown(before) * 1000 / DIFFERENT);
    let before = resident();
    for policy in &different {
        decide(&runtime, policy);
    }
    println!("{:<44} {:>6} KiB", "  after a decision of each", grown(before));
}

/// A binding with settings that no other has.
fn bind(runtime: &PolicyRuntime, component: &[u8], number: usize) -> Arc<Prepared> {
    let settings = rules::settings(10).replace("rule 0", &format!("rule {number} of many"));
    runtime
        .prepare(&|_| Ok(component.to_vec()), Digest::of(component), &settings, &[], &[Hook::Route])
        .expect("the policy takes its settings")
}

fn decide(runtime: &PolicyRuntime, policy: &Prepared) -> Decision {
    let limits = Limits { deadline: Duration::from_mins(1), ..Limits::of(Hook::Route) };
    let decision = runtime.decide(policy, &rules::question(), &limits, Seed([0; 16]));
    assert!(matches!(decision.outcome, Ok(Ok(_))), "{:?}", decision.outcome);
    decision
}

fn grown(since: usize) -> usize {
    resident().saturating_sub(since) / 1024
}

/// The bytes of this process that are in memory, as Linux tells them.
fn resident() -> usize {
    let statm = open_dir(Path::new("/proc/self")).and_then(|dir| dir.read_to_string("statm"));
    let statm = statm.expect("this measurement needs Linux's /proc");
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.expect("the second number of statm is the resident pages") * 4096
}
