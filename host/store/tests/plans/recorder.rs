//! The recorder: which statements were carried out. SQLite's run on threads of their own, so it
//! listens to the whole process.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex},
};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<BTreeSet<String>>>);

/// Begins to listen.
pub(crate) fn install() -> Recorder {
    let recorder = Recorder::default();
    tracing::subscriber::set_global_default(recorder.clone()).unwrap();
    recorder
}

impl Recorder {
    pub(crate) fn forget(&self) {
        self.0.lock().unwrap().clear();
    }

    /// The statements so far, each once, without those that begin and end transactions.
    pub(crate) fn statements(&self) -> Vec<String> {
        let is_one = |text: &&String| {
            ["select", "insert", "update", "delete", "with"]
                .iter()
                .any(|verb| text.starts_with(verb))
        };
        self.0.lock().unwrap().iter().filter(is_one).cloned().collect()
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn event(&self, event: &Event<'_>) {
        let mut statement = Statement::default();
        event.record(&mut statement);
        // A short one is its own summary.
        let text = if statement.whole.is_empty() { statement.summary } else { statement.whole };
        self.0.lock().unwrap().insert(text.trim().to_owned());
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[derive(Default)]
struct Statement {
    summary: String,
    whole: String,
}

impl Visit for Statement {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => value.clone_into(&mut self.summary),
            "db.statement" => value.clone_into(&mut self.whole),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
