//! Working hours, a line for each stretch of a day.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use waypost_domain::calendar::WorkingHours;
use waypost_domain::calendar::hours::{self, DayHours};

/// Working hours of a weekday.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DayHours)]
pub(crate) struct HoursWire {
    /// `mon`, `tue`, `wed`, `thu`, `fri`, `sat` or `sun`.
    #[schema(example = "mon")]
    day: String,
    /// Start time.
    #[schema(example = "08:00")]
    from: String,
    /// End time; `24:00` for the end of the day.
    #[schema(example = "18:00")]
    to: String,
}

impl HoursWire {
    /// Working hours in lines, Monday first.
    pub(crate) fn lines(week: &WorkingHours) -> Vec<Self> {
        let line = |line: DayHours| Self { day: line.day, from: line.from, to: line.to };
        hours::lines(week).into_iter().map(line).collect()
    }
}

impl From<HoursWire> for DayHours {
    fn from(line: HoursWire) -> Self {
        Self { day: line.day, from: line.from, to: line.to }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_week_has_five_lines() {
        let lines = HoursWire::lines(&WorkingHours::default());
        let days = lines.iter().map(|line| line.day.as_str()).collect::<Vec<_>>();
        assert_eq!(days, ["mon", "tue", "wed", "thu", "fri"]);
        assert_eq!((lines[0].from.as_str(), lines[0].to.as_str()), ("08:00", "18:00"));
    }
}
