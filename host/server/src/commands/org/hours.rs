//! Working hours as one types them: `mon-fri 08:00-18:00, sat 10:00-14:00`.

use waypost_domain::calendar::hours::DayHours;

/// The days in the order of the week.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Reads stretches joined by commas, each for a day or a run of days. `always` and `never` are
/// understood too.
pub(crate) fn parse(text: &str) -> Result<Vec<DayHours>, String> {
    match text.trim() {
        "always" => return Ok(stretch(&DAYS, "00:00", "24:00")),
        "never" => return Ok(Vec::new()),
        _ => {}
    }
    let mut lines = Vec::new();
    for part in text.split(',') {
        let wrong = || {
            format!(
                "`{}` is not valid; use working hours such as mon-fri 08:00-18:00, sat 10:00-14:00",
                part.trim()
            )
        };
        let (days, times) = part.trim().split_once(' ').ok_or_else(wrong)?;
        let (from, to) = times.trim().split_once('-').ok_or_else(wrong)?;
        lines.extend(stretch(run(days).ok_or_else(wrong)?, from.trim(), to.trim()));
    }
    Ok(lines)
}

/// The days from the first to the last, or the one day.
fn run(days: &str) -> Option<&'static [&'static str]> {
    let (first, last) = days.split_once('-').unwrap_or((days, days));
    let place = |day: &str| DAYS.iter().position(|known| *known == day);
    DAYS.get(place(first)?..=place(last)?)
}

fn stretch(days: &[&str], from: &str, to: &str) -> Vec<DayHours> {
    let line =
        |day: &&str| DayHours { day: (*day).to_owned(), from: from.to_owned(), to: to.to_owned() };
    days.iter().map(line).collect()
}

/// Writes hours so that [`parse`] reads them again; days with the same hours that follow each other
/// are one run.
pub(crate) fn told(lines: &[DayHours]) -> String {
    let mut parts: Vec<(usize, usize, &str, &str)> = Vec::new();
    for line in lines {
        let day = DAYS.iter().position(|day| *day == line.day).unwrap_or_default();
        let grows = parts.iter_mut().find(|(_, last, from, to)| {
            *last + 1 == day && (*from, *to) == (line.from.as_str(), line.to.as_str())
        });
        match grows {
            Some((_, last, ..)) => *last = day,
            None => parts.push((day, day, &line.from, &line.to)),
        }
    }
    if parts.is_empty() {
        return "never".to_owned();
    }
    let part = |(first, last, from, to): (usize, usize, &str, &str)| {
        let days = if first == last {
            DAYS[first].to_owned()
        } else {
            format!("{}-{}", DAYS[first], DAYS[last])
        };
        format!("{days} {from}-{to}")
    };
    parts.into_iter().map(part).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_told_as_they_are_typed() {
        for text in [
            "mon-fri 08:00-18:00",
            "mon-thu 08:00-18:00, fri 08:00-14:00",
            "mon-fri 08:00-12:00, mon-fri 13:00-17:00",
            "tue 09:00-10:00",
            "never",
        ] {
            assert_eq!(told(&parse(text).unwrap()), text);
        }
        assert_eq!(told(&parse("always").unwrap()), "mon-sun 00:00-24:00");
    }

    #[test]
    fn what_is_no_hours_is_refused_with_an_example() {
        for text in ["", "mon", "mon 8", "fri-mon 08:00-18:00", "monday 08:00-18:00"] {
            let told = parse(text).unwrap_err();
            assert!(told.ends_with("such as mon-fri 08:00-18:00, sat 10:00-14:00"), "{told}");
        }
    }
}
