//! How an error reads at the command line.

use waypost_app::CommandError;
use waypost_domain::refusal::{FieldFault, Refused};

/// One sentence, then a line for each wrong field.
pub(crate) fn of(error: &anyhow::Error) -> String {
    let mut told = String::new();
    for cause in error.chain() {
        let sentence = cause.to_string();
        // Many errors end with what their cause says.
        if told.ends_with(&sentence) {
            continue;
        }
        if !told.is_empty() {
            told.push_str(": ");
        }
        told.push_str(&sentence);
    }
    let faults = error.chain().filter_map(|cause| cause.downcast_ref()).flat_map(field_faults);
    for FieldFault { pointer, message, .. } in faults {
        told.extend(["\n  ", pointer.trim_start_matches('/'), ": ", message]);
    }
    let refused = error.chain().find_map(|cause| {
        let refused = cause.downcast_ref();
        let Some(CommandError::Refused(Refused::InvalidTransition { allowed, .. })) = refused
        else {
            return None;
        };
        Some(allowed)
    });
    if let Some(allowed) = refused {
        let asked = allowed.iter().filter(|action| action.is_asked_by_name());
        let names = asked.map(|action| action.as_str()).collect::<Vec<_>>();
        told.extend(["\n  possible actions: ", &names.join(", ")]);
    }
    told
}

/// The wrong fields of a command, each with its place and the remedy.
pub(crate) fn field_faults(error: &CommandError) -> impl Iterator<Item = &FieldFault> {
    let (CommandError::Invalid(faults)
    | CommandError::Refused(Refused::MissingFields(faults) | Refused::Invalid(faults))) = error
    else {
        return [].iter();
    };
    faults.iter()
}

#[cfg(test)]
mod tests {
    use anyhow::Context;
    use waypost_domain::{
        said::Said,
        ticket::{Action, State, TicketKind},
    };

    use super::*;

    #[test]
    fn every_wrong_field_has_its_line() {
        let fault = |pointer: &str| FieldFault {
            pointer: pointer.to_owned(),
            code: "missing",
            message: Said::as_is("give one"),
        };
        let error: Result<(), _> =
            Err(CommandError::Invalid(vec![fault("/name"), fault("/settings/zone")]));
        let told = of(&error.context("creating the organization").unwrap_err());
        let (sentence, fields) = told.split_once('\n').unwrap();
        assert!(sentence.starts_with("creating the organization: 2 "), "{sentence}");
        assert_eq!(fields, "  name: give one\n  settings/zone: give one");
    }

    #[test]
    fn what_the_state_does_not_allow_is_told_with_what_it_does() {
        let refused = CommandError::Refused(Refused::InvalidTransition {
            action: Action::Reopen,
            kind: TicketKind::Problem,
            why: Said::as_is("in state `resolved`"),
            state: State::Resolved,
            allowed: vec![Action::Reanalyze, Action::Close],
        });
        let told = of(&anyhow::Error::new(refused));
        assert!(told.ends_with("\n  possible actions: reanalyze, close"), "{told}");
    }

    #[test]
    fn nothing_is_said_twice() {
        let cause = std::io::Error::other("the disk is full");
        assert_eq!(of(&anyhow::Error::new(cause).context("the disk is full")), "the disk is full");
    }
}
