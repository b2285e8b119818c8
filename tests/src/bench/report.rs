//! What is said about a run: a table for people, JSON for machines, a chart for both.
//!
//! - [`figures`]: the figures of a load.
//! - [`machine`]: where and when it ran.
//! - [`targets`]: the numbers to reach.
//! - [`table`]: everything as Markdown.
//! - [`chart`]: the rates as SVG.

pub mod chart;
pub mod figures;
pub mod machine;
pub mod table;
pub mod targets;

pub use figures::Figures;

use std::{
    fs,
    io::{Write as _, stderr},
    path::Path,
};

use serde::Serialize;

use self::{machine::Machine, targets::Target};
use super::{
    engines::Engine,
    scenarios::{Scenario, Settings},
};

/// What a run found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Findings {
    /// What loads reached.
    pub rows: Vec<Row>,
    /// What is a single number.
    pub notes: Vec<Note>,
}

/// What one engine reached in one scenario.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The scenario.
    pub scenario: Scenario,
    /// The engine, or what else is told apart in the scenario.
    pub engine: String,
    /// Each figure's median over the rounds.
    pub median: Figures,
    /// The rounds.
    pub rounds: Vec<Figures>,
}

/// A single number.
#[derive(Clone, Debug, Serialize)]
pub struct Note {
    /// The scenario.
    pub scenario: Scenario,
    /// What it is.
    pub name: String,
    /// How much.
    pub value: u64,
    /// Of what; empty: a count.
    pub unit: &'static str,
}

/// Everything about a run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Where and when.
    pub machine: Machine,
    /// How much was measured.
    pub settings: Settings,
    /// The numbers to reach.
    pub targets: Vec<Target>,
    /// What was found.
    #[serde(flatten)]
    pub findings: Findings,
}

impl Findings {
    /// Adds what an engine reached.
    pub fn add(&mut self, scenario: Scenario, engine: impl Into<String>, rounds: Vec<Figures>) {
        let engine = engine.into();
        let median = Figures::median(&rounds);
        progress(&format!("  {engine}: {median}"));
        self.rows.push(Row {
            scenario,
            engine,
            median,
            rounds,
        });
    }

    /// Adds a single number.
    pub fn note(&mut self, scenario: Scenario, name: &str, value: u64, unit: &'static str) {
        progress(&format!("  {name}: {value} {unit}"));
        self.notes.push(Note {
            scenario,
            name: name.to_owned(),
            value,
            unit,
        });
    }

    /// What an engine reached in a scenario.
    #[must_use]
    pub fn figures(&self, scenario: Scenario, engine: &str) -> Option<&Figures> {
        let mut rows = self.rows.iter();
        let row = rows.find(|row| row.scenario == scenario && row.engine == engine)?;
        Some(&row.median)
    }

    /// How many claims of the hot pool Onsale appended at once, through `Execute` if that was measured, else in unary
    /// calls.
    #[must_use]
    pub fn batch_of_hot_claims(&self) -> Option<u32> {
        [Engine::OnsaleStream, Engine::Onsale]
            .iter()
            .find_map(|engine| {
                self.figures(Scenario::HotClaim, engine.name())?
                    .whole_batch()
            })
    }
}

impl Report {
    /// Writes `results.json`, `results.md` and `rates.svg` into a folder.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(folder)?;
        let mut json = serde_json::to_string_pretty(self)?;
        json.push('\n');
        fs::write(folder.join("results.json"), json)?;
        fs::write(folder.join("results.md"), table::markdown(self)?)?;
        fs::write(folder.join("rates.svg"), chart::svg(self)?)?;
        Ok(())
    }
}

/// Says how far the run is.
pub fn progress(line: &str) {
    // Where nobody listens, nobody is told.
    writeln!(stderr(), "{line}").ok();
}
