//! `waypost config`: the settings in force, and where each comes from.

use anyhow::Result;
use clap::Args;
use serde_json::{Map, Value, json};

use crate::config::{DEFAULTS, Setting};
use crate::terminal::Terminal;

/// Print the settings in force, where each comes from, and no secret.
#[derive(Debug, Args)]
pub(crate) struct Config {
    /// Print the defaults with their explanations instead: a file to start from.
    #[arg(long)]
    default: bool,
}

impl Config {
    pub(crate) fn run(self, mut terminal: Terminal) -> Result<()> {
        if self.default {
            return terminal.output.verbatim(DEFAULTS);
        }
        let settings = &terminal.loaded.settings;
        let row = |setting: &Setting| {
            vec![setting.key.clone(), setting.value.clone(), setting.from.clone()]
        };
        let rows = settings.iter().map(row);
        terminal.output.tell_table(|| json(settings), &["setting", "value", "from"], rows, "")
    }
}

fn json(settings: &[Setting]) -> Value {
    let pair = |setting: &Setting| {
        (setting.key.clone(), json!({ "value": setting.value, "from": setting.from }))
    };
    Value::Object(settings.iter().map(pair).collect::<Map<_, _>>())
}
