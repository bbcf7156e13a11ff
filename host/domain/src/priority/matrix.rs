//! The matrix of an organization: impact × urgency → priority.

use std::fmt;

use thiserror::Error;

use crate::priority::Level;

/// Impact × urgency → priority. 2×2 to 5×5, every cell set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    /// One row for each impact, one cell for each urgency.
    rows: Vec<Vec<Level>>,
}

/// Rows that make no matrix.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MatrixFault {
    /// Too few or too many impacts.
    #[error("a priority matrix must have 2 to 5 rows, one for each impact; this one has {0}")]
    Rows(usize),
    /// Too few or too many urgencies.
    #[error(
        "a priority matrix must have 2 to 5 columns, one for each urgency; row {row} has {columns}"
    )]
    Columns {
        /// The row, counted from 1.
        row: usize,
        /// How many cells it has.
        columns: usize,
    },
    /// A cell is missing or too much.
    #[error(
        "row {row} has {columns} cells, but the first row has {expected}; every cell must be set"
    )]
    Uneven {
        /// The row, counted from 1.
        row: usize,
        /// How many cells it has.
        columns: usize,
        /// How many the first row has.
        expected: usize,
    },
    /// A cell holds no priority.
    #[error("the priority for impact {impact}, urgency {urgency} is {given}; it must be 1 to 5")]
    Cell {
        /// The row, counted from 1.
        impact: usize,
        /// The column, counted from 1.
        urgency: usize,
        /// What it holds.
        given: u8,
    },
}

/// A cell that makes priority worse although impact or urgency is higher. Allowed, and probably a
/// slip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MatrixLint {
    /// The cell: impact and urgency.
    pub cell: (Level, Level),
    /// Its priority.
    pub priority: Level,
    /// The neighbour with less impact or urgency.
    pub neighbour: (Level, Level),
    /// The neighbour's priority, which is higher.
    pub neighbour_priority: Level,
}

impl Matrix {
    /// Fewer levels would not tell anything apart.
    pub const MIN_SIZE: usize = 2;
    /// More levels are not told apart by people.
    pub const MAX_SIZE: usize = 5;
    /// The lowest priority there is.
    pub const LOWEST: Level = Level(5);

    /// A matrix of these rows: one for each impact, one cell for each urgency.
    pub fn new(rows: Vec<Vec<Level>>) -> Result<Self, MatrixFault> {
        let sizes = Self::MIN_SIZE..=Self::MAX_SIZE;
        if !sizes.contains(&rows.len()) {
            return Err(MatrixFault::Rows(rows.len()));
        }
        let expected = rows[0].len();
        if !sizes.contains(&expected) {
            return Err(MatrixFault::Columns { row: 1, columns: expected });
        }
        for (index, row) in rows.iter().enumerate() {
            if row.len() != expected {
                return Err(MatrixFault::Uneven { row: index + 1, columns: row.len(), expected });
            }
            for (column, cell) in row.iter().enumerate() {
                if !(1..=Self::LOWEST.0).contains(&cell.0) {
                    return Err(MatrixFault::Cell {
                        impact: index + 1,
                        urgency: column + 1,
                        given: cell.0,
                    });
                }
            }
        }
        Ok(Self { rows })
    }

    /// One row for each impact, one cell for each urgency.
    #[must_use]
    pub fn rows(&self) -> &[Vec<Level>] {
        &self.rows
    }

    /// How many impacts it knows: valid are 1 to this.
    #[must_use]
    pub fn impacts(&self) -> u8 {
        size(self.rows.len())
    }

    /// How many urgencies it knows: valid are 1 to this.
    #[must_use]
    pub fn urgencies(&self) -> u8 {
        size(self.rows[0].len())
    }

    /// The priority of a ticket. What is not known counts as 3, or as the lowest level of a smaller
    /// matrix.
    #[must_use]
    pub fn lookup(&self, impact: Option<Level>, urgency: Option<Level>) -> Level {
        let row = index(impact, self.impacts());
        let column = index(urgency, self.urgencies());
        self.rows[row][column]
    }

    /// The cells that make priority worse although impact or urgency is higher.
    #[must_use]
    pub fn lint(&self) -> Vec<MatrixLint> {
        let mut findings = Vec::new();
        for row in 0..self.rows.len() {
            for column in 0..self.rows[row].len() {
                for (next_row, next_column) in [(row + 1, column), (row, column + 1)] {
                    let Some(neighbour) =
                        self.rows.get(next_row).and_then(|cells| cells.get(next_column))
                    else {
                        continue;
                    };
                    if *neighbour < self.rows[row][column] {
                        findings.push(MatrixLint {
                            cell: (level(row), level(column)),
                            priority: self.rows[row][column],
                            neighbour: (level(next_row), level(next_column)),
                            neighbour_priority: *neighbour,
                        });
                    }
                }
            }
        }
        findings
    }
}

/// The usual 3×3 matrix: 1 for high impact and high urgency, 5 for low and low.
impl Default for Matrix {
    fn default() -> Self {
        let row = |cells: [u8; 3]| cells.map(Level).to_vec();
        Self { rows: vec![row([1, 2, 3]), row([2, 3, 4]), row([3, 4, 5])] }
    }
}

impl fmt::Display for MatrixLint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "impact {}, urgency {} gives priority {}, but the lesser impact {}, urgency {} gives {}",
            self.cell.0,
            self.cell.1,
            self.priority,
            self.neighbour.0,
            self.neighbour.1,
            self.neighbour_priority
        )
    }
}

/// The level that counts where none is known.
const UNKNOWN: Level = Level(3);

fn index(level: Option<Level>, size: u8) -> usize {
    // A level from before the matrix was made smaller counts as the lowest one.
    usize::from(level.unwrap_or(UNKNOWN).0.clamp(1, size) - 1)
}

fn level(index: usize) -> Level {
    Level(size(index + 1))
}

fn size(length: usize) -> u8 {
    u8::try_from(length).expect("a matrix has at most 5 rows and columns")
}
