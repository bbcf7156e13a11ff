//! Work on a request: it is submitted, approved or rejected, revised, and fulfilled.

use chrono::{DateTime, Duration, Utc};

use crate::{
    catalog::{CatalogItem, MAX_ANSWER_CHARS, MAX_FIELDS},
    event::{Actor, Change},
    key::Key,
    organization::OrgSettings,
    refusal::{Faults, Refused},
    request::{Fulfilment, FulfilmentCode, Request, RequestState},
    task::Tasks,
    text,
    ticket::{Action, Body, Ticket},
};

/// What the approval policy says about a request that is handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submission {
    /// Nobody needs to be asked.
    Approved,
    /// These people must agree first: an approval has been planned.
    Asks,
    /// It can't be approved.
    Refused {
        /// Why, for the requester.
        reason: String,
    },
}

/// Answers as they are kept: as texts, whatever form they belong to. A form says more when the request is handed in; a
/// request in free text has none.
pub(crate) fn answers(given: &[(Key, String)], faults: &mut Faults) -> Vec<(Key, String)> {
    if given.len() > MAX_FIELDS {
        let message = format!("{} answers; no form asks more than {MAX_FIELDS}", given.len());
        faults.wrong("/answers", "too-many", message);
    }
    let kept = |(field, answer): &(Key, String)| {
        let (pointer, answer) = (format!("/answers/{field}"), answer.trim());
        text::at_most_chars(&pointer, answer, MAX_ANSWER_CHARS, faults);
        text::plain(&pointer, answer, faults);
        (field.clone(), answer.to_owned())
    };
    given.iter().map(kept).collect()
}

impl Ticket {
    /// Checks whether a request can be handed in, before the approval policy is asked: its state, and each answer of
    /// its form. `item` is the catalog item that it asks for. Returns the answers as they will be kept.
    pub fn check_submission(
        &self,
        item: Option<&CatalogItem>,
    ) -> Result<Vec<(Key, String)>, Refused> {
        self.demand(Action::Submit)?;
        match (&self.body, item) {
            (Body::Request(request), Some(item)) => item.check_answers(&request.answers),
            (Body::Request(request), None) => Ok(request.answers.clone()),
            (Body::Incident(_), _) => Ok(Vec::new()),
        }
    }

    /// Hands a request in.
    pub fn submit(
        &mut self,
        item: Option<&CatalogItem>,
        submission: Submission,
        settings: &OrgSettings,
        now: DateTime<Utc>,
    ) -> Result<Vec<Change>, Refused> {
        let answers = self.check_submission(item)?;
        let before = self.clone();
        if let Some(request) = self.request_mut() {
            request.answers = answers;
            // What waits for approvers is promised from now on; their answer counts it anew.
            if !matches!(submission, Submission::Refused { .. }) {
                request.promise(item, settings, now);
            }
            request.state = match submission {
                Submission::Approved => RequestState::InFulfilment,
                Submission::Asks => RequestState::AwaitingApproval,
                Submission::Refused { reason } => RequestState::Rejected { reason, at: now },
            };
        }
        Ok(self.settle(&before, None, now))
    }

    /// All approvals are there: fulfilment begins. Only the outcome of an approval calls this.
    pub fn approve(
        &mut self,
        item: Option<&CatalogItem>,
        settings: &OrgSettings,
        now: DateTime<Utc>,
    ) -> Result<Vec<Change>, Refused> {
        self.demand(Action::Approve)?;
        let before = self.clone();
        if let Some(request) = self.request_mut() {
            request.promise(item, settings, now);
            request.state = RequestState::InFulfilment;
        }
        Ok(self.settle(&before, None, now))
    }

    /// An approval was refused. Only the outcome of an approval calls this.
    pub fn reject(&mut self, reason: &str, now: DateTime<Utc>) -> Result<Vec<Change>, Refused> {
        self.demand(Action::Reject)?;
        let reason = reason.to_owned();
        Ok(self.request_moves(RequestState::Rejected { reason, at: now }, now))
    }

    /// Takes a rejected or waiting request back, to be written anew. Whoever calls this cancels its open approval;
    /// what was decided stays as a round, and the next submission starts another.
    pub fn revise(&mut self, now: DateTime<Utc>) -> Result<Vec<Change>, Refused> {
        self.demand(Action::Revise)?;
        Ok(self.request_moves(RequestState::New, now))
    }

    /// Records that what was asked for is there. Not while a mandatory one of its tasks is neither done nor skipped.
    pub fn fulfill(
        &mut self,
        code: Option<FulfilmentCode>,
        notes: Option<&str>,
        tasks: &Tasks,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Result<Vec<Change>, Refused> {
        self.demand(Action::Fulfill)?;
        let mut faults = Faults::new();
        if code.is_none() {
            let message = format!("say how it ended: {}", FulfilmentCode::NAMES.join(", "));
            faults.missing("/fulfillment_code", message);
        }
        let notes = text::body("/fulfillment_notes", notes, "say what was done", &mut faults);
        let code = faults.finish_with(code)?;
        tasks.check_fulfilment()?;
        let fulfilment = Fulfilment { code, notes, at: now, by: by.clone() };
        Ok(self.request_moves(RequestState::Fulfilled(fulfilment), now))
    }

    /// What approvers decide on, as a text that is the same for the same content: the item, how many of it, the answers and the cost;
    /// for a request in free text, its texts. Its digest is what votes name.
    #[must_use]
    pub fn approval_content(&self) -> String {
        let mut content = String::new();
        let mut add = |name: &str, value: &str| {
            // The length keeps one value from looking like two.
            content.extend([name, " ", &value.len().to_string(), " ", value, "\n"]);
        };
        let Body::Request(request) = &self.body else { return content };
        if let Some(item) = request.item {
            add("item", &item.to_string());
            if request.quantity > 1 {
                add("quantity", &request.quantity.to_string());
            }
        } else {
            add("short_description", &self.short_description);
            add("description", &self.description);
        }
        for (field, answer) in &request.answers {
            add(field.as_str(), answer);
        }
        if let Some(cost) = &request.cost {
            add("cost", &format!("{} {}", cost.minor_units, cost.currency));
        }
        content
    }

    fn request_moves(&mut self, state: RequestState, now: DateTime<Utc>) -> Vec<Change> {
        let before = self.clone();
        if let Some(request) = self.request_mut() {
            request.state = state;
        }
        self.settle(&before, None, now)
    }

    const fn request_mut(&mut self) -> Option<&mut Request> {
        match &mut self.body {
            Body::Request(request) => Some(request),
            Body::Incident(_) => None,
        }
    }
}

impl Request {
    /// Says when it should be there, where its item promises a time of delivery: counted in the organization's working hours. What
    /// a person has said stays where nothing is promised.
    fn promise(&mut self, item: Option<&CatalogItem>, settings: &OrgSettings, now: DateTime<Utc>) {
        let Some(hours) = item.and_then(|item| item.delivery_hours) else { return };
        self.expected_at =
            settings.working_hours.worked_by(now, Duration::hours(hours.into()), settings.zone);
    }
}
