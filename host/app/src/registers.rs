//! Registers: people, teams, services, configuration items, categories and catalog items. All are
//! created, read, listed and changed in one way; what differs is the rows of the register, and the
//! little that its [`Kept`] says.

mod reader;
mod records;

use std::{collections::BTreeSet, future::Future, sync::Arc};

use serde_json::{Map, Value as Json};
use waypost_domain::{
    field::Value,
    refusal::Faults,
    register::{Readers, Record},
    role::Role,
    said::Said,
};
use waypost_store::{ReadTx, StoreError, WriteTx, organization};

use self::reader::Reader;
use crate::{
    Caller, CommandError, Desk, Missing, Page, PageRequest,
    input::{Reading, must_be_at},
    page::ListTag,
};

pub use crate::labels::Labels;

/// How the records of a register are kept, and the checks that look at other records.
pub trait Kept: Record {
    /// What is missing where there is no such record.
    const MISSING: Missing;

    /// Finds a record by its name in addresses.
    fn find(
        tx: &mut ReadTx,
        named: &str,
    ) -> impl Future<Output = Result<Option<Self>, StoreError>> + Send;

    /// Lists records in their order: all of them, or at least so many after a place.
    fn list(
        tx: &mut ReadTx,
        after: Option<&str>,
        least: u32,
    ) -> impl Future<Output = Result<Vec<Self>, CommandError>> + Send;

    /// Adds a record.
    fn insert(
        tx: &mut WriteTx,
        record: &Self,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Writes a record back.
    fn update(
        tx: &mut WriteTx,
        record: &mut Self,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Notes what stands against a record as it will be.
    fn check(
        _tx: &mut ReadTx,
        _before: Option<&Self>,
        _after: &Self,
        _faults: &mut Faults,
    ) -> impl Future<Output = Result<(), CommandError>> + Send {
        async { Ok(()) }
    }

    /// What lists are ordered by.
    fn place(&self) -> String {
        self.address()
    }
}

/// A record, with the names of what it refers to.
#[derive(Debug, Clone)]
pub struct View<R> {
    /// The record.
    pub record: R,
    /// The names; those of a whole page.
    pub labels: Arc<Labels>,
}

/// What became of a record that should be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It was created.
    Created,
    /// It was changed.
    Changed,
    /// It was so already.
    Unchanged,
}

/// Adds a record. For administrators.
///
/// # Errors
/// [`CommandError::Invalid`] with every wrong field, [`CommandError::Taken`] for a name that is in
/// use.
pub async fn create<R: Kept>(
    desk: &Desk,
    caller: &Caller,
    given: &Map<String, Json>,
) -> Result<View<R>, CommandError> {
    caller.must_be_admin()?;
    let mut tx = desk.write(caller).await?;
    let mut record = R::blank(desk.id(caller), caller.org);
    let mut reader = Reader::new(&mut tx);
    reader.fill(&mut record, given, true).await?;
    let mut faults = reader.faults;
    R::check(&mut tx, None, &record, &mut faults).await?;
    faults.refuse_any()?;

    R::insert(&mut tx, &record).await?;
    commit(desk, caller, tx, record, "added").await
}

/// Reads a record.
///
/// # Errors
/// [`CommandError::NotFound`], also for a record that the caller may not see.
pub async fn find<R: Kept>(
    desk: &Desk,
    caller: &Caller,
    named: &str,
) -> Result<View<R>, CommandError> {
    if R::REGISTER.readers == Readers::Desk {
        caller.must_be_desk()?;
    }
    let mut tx = desk.store.read(caller.org).await?;
    let record = load::<R>(&mut tx, named).await?;
    let is_hidden = match R::REGISTER.readers {
        Readers::All | Readers::Desk => false,
        Readers::AllActive => !record.head().active,
        Readers::DeskAndThemselves => caller.person().map(|id| id.0) != Some(record.head().id),
    };
    if is_hidden && caller.role == Role::Requester {
        return Err(CommandError::NotFound(R::MISSING));
    }
    let labels = Labels::of(&mut tx, values(std::slice::from_ref(&record))).await?;
    drop(tx);
    view(desk, caller, record, labels).await
}

/// Lists records in their order.
///
/// # Errors
/// [`CommandError::Cursor`] for a cursor of another list.
pub async fn list<R: Kept>(
    desk: &Desk,
    caller: &Caller,
    request: &PageRequest,
) -> Result<Page<View<R>>, CommandError> {
    let only_active = match R::REGISTER.readers {
        Readers::All => false,
        Readers::AllActive => caller.role == Role::Requester,
        Readers::Desk | Readers::DeskAndThemselves => {
            caller.must_be_desk()?;
            false
        }
    };
    let tag = ListTag::of(caller, R::REGISTER.path, &only_active);
    let after = tag.place(request.after.as_ref())?;
    let mut tx = desk.store.read(caller.org).await?;
    let mut rows = R::list(&mut tx, after.as_deref(), request.rows_to_read()).await?;
    rows.retain(|record| record.head().active || !only_active);
    let page = Page::of_all(rows, request, tag, R::place)?;
    let mut labels = Labels::of(&mut tx, values(&page.rows)).await?;
    drop(tx);
    name_served(desk, caller, &page.rows, &mut labels).await?;
    let labels = Arc::new(labels);
    Ok(page.map(|record| View { record, labels: labels.clone() }))
}

/// Changes a record of the organization itself. What is not given stays. For administrators.
///
/// # Errors
/// [`CommandError::Stale`] if the record is not at the expected version any more,
/// [`CommandError::Forbidden`] for a provider's record, [`CommandError::Invalid`] with every wrong
/// field.
pub async fn update<R: Kept>(
    desk: &Desk,
    caller: &Caller,
    named: &str,
    given: &Map<String, Json>,
    expected_version: Option<i64>,
) -> Result<View<R>, CommandError> {
    caller.must_be_admin()?;
    let mut tx = desk.write(caller).await?;
    let before = load::<R>(&mut tx, named).await?;
    if before.head().org != caller.org {
        let noun = R::REGISTER.noun;
        return Err(CommandError::Forbidden(Said::as_is(format!(
            "The {noun} `{named}` belongs to the provider; only the provider can change it."
        ))));
    }
    must_be_at(before.head().version, expected_version)?;
    let mut record = before.clone();
    let mut reader = Reader::new(&mut tx);
    reader.fill(&mut record, given, false).await?;
    let mut faults = reader.faults;
    R::check(&mut tx, Some(&before), &record, &mut faults).await?;
    faults.refuse_any()?;

    R::update(&mut tx, &mut record).await?;
    commit(desk, caller, tx, record, "changed").await
}

/// Makes a record as it should be: creates it if it is missing, changes what differs. It is in use
/// afterwards.
///
/// # Errors
/// As [`create()`] and [`update()`].
pub async fn apply<R: Kept>(
    desk: &Desk,
    caller: &Caller,
    named: &str,
    wanted: &Map<String, Json>,
) -> Result<Applied, CommandError> {
    let mut tx = desk.store.read(caller.org).await?;
    // What nothing can be called is not looked for: creating it says what is wrong.
    let found =
        if named.chars().any(char::is_control) { None } else { R::find(&mut tx, named).await? };
    // What its provider has under the same name is another record.
    let own = found.filter(|found| found.head().org == caller.org);
    let Some(found) = own else {
        drop(tx);
        create::<R>(desk, caller, wanted).await?;
        return Ok(Applied::Created);
    };
    let mut edit = wanted.clone();
    edit.insert("active".to_owned(), Json::Bool(true));
    edit.remove(R::REGISTER.named_by);
    let mut reader = Reader::new(&mut tx);
    for field in R::REGISTER.fields {
        let Some(json) = edit.get(field.name) else { continue };
        if reader.holds(&found, field, json).await? {
            edit.remove(field.name);
        }
    }
    drop(tx);
    if edit.is_empty() {
        return Ok(Applied::Unchanged);
    }
    update::<R>(desk, caller, named, &edit, None).await?;
    Ok(Applied::Changed)
}

async fn load<R: Kept>(tx: &mut ReadTx, named: &str) -> Result<R, CommandError> {
    R::find(tx, named).await?.ok_or(CommandError::NotFound(R::MISSING))
}

/// Commits what was written, and answers with the record.
async fn commit<R: Kept>(
    desk: &Desk,
    caller: &Caller,
    mut tx: WriteTx,
    record: R,
    done: &str,
) -> Result<View<R>, CommandError> {
    let labels = Labels::of(&mut tx, values(std::slice::from_ref(&record))).await?;
    tx.commit().await?;
    let (noun, address) = (R::REGISTER.noun, record.address());
    tracing::info!(org.id = %caller.org, record = %address, "{noun} {done}");
    view(desk, caller, record, labels).await
}

async fn view<R: Kept>(
    desk: &Desk,
    caller: &Caller,
    record: R,
    mut labels: Labels,
) -> Result<View<R>, CommandError> {
    name_served(desk, caller, std::slice::from_ref(&record), &mut labels).await?;
    Ok(View { record, labels: Arc::new(labels) })
}

/// Everything that the fields of some records hold.
fn values<R: Record>(records: &[R]) -> impl Iterator<Item = Value> {
    let fields = R::REGISTER.fields;
    records.iter().flat_map(move |record| fields.iter().filter_map(|field| (field.get)(record)))
}

/// Names the organizations that records are for, as far as the caller may know them: a client
/// learns nothing of the other clients of its provider's teams. No transaction is open, as this one
/// sees all organizations.
async fn name_served<R: Record>(
    desk: &Desk,
    caller: &Caller,
    records: &[R],
    labels: &mut Labels,
) -> Result<(), CommandError> {
    let mut visible = BTreeSet::new();
    for record in records {
        let is_own = record.head().org == caller.org;
        for value in values(std::slice::from_ref(record)) {
            if let Value::Organizations(all) = value {
                visible.extend(all.into_iter().filter(|org| is_own || *org == caller.org));
            }
        }
    }
    if visible.is_empty() {
        return Ok(());
    }
    let mut tx = desk.store.system_read().await?;
    for id in visible {
        if let Some(organization) = organization::find(&mut tx, id).await? {
            labels.served.insert(id, organization.key);
        }
    }
    Ok(())
}
