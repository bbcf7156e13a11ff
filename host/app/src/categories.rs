//! Categories: the tree of what tickets are about.

use waypost_domain::{catalog::Category, ids::CategoryId, key::CategoryPath, refusal::Faults};
use waypost_store::{ReadTx, category};

use crate::{
    Caller, CommandError, Desk, Missing, Page, PageRequest,
    input::{Reading, checked, must_be_at, set},
    page::ListTag,
};

/// A new category.
#[derive(Debug, Clone, Default)]
pub struct NewCategory {
    /// Its place in the tree: `access/password`. The category above it is there already. The path does not change.
    pub path: String,
    /// The name people read.
    pub name: String,
}

/// Which fields of a category change. None leaves a field.
#[derive(Debug, Clone, Default)]
pub struct CategoryEdit {
    /// The name people read.
    pub name: Option<String>,
    /// Whether tickets may get it.
    pub active: Option<bool>,
}

/// Adds a category. For administrators.
///
/// # Errors
/// [`CommandError::Invalid`] with every wrong field, [`CommandError::Taken`] for a path that is in use.
pub async fn create(
    desk: &Desk,
    caller: &Caller,
    new: NewCategory,
) -> Result<Category, CommandError> {
    caller.must_be_admin()?;
    let mut faults = Faults::new();
    let path = faults.parse::<CategoryPath>("/path", &new.path);
    let name = faults.name("/name", &new.name);

    let mut tx = desk.write(caller).await?;
    if let Some(path) = &path {
        path.check_above(&category::list(&mut tx).await?, "/path", &mut faults);
    }
    let (path, name) = checked!(faults; path, name);

    let category = Category {
        id: CategoryId(desk.id(caller)),
        org: caller.org,
        path,
        name,
        active: true,
        version: 1,
    };
    category::insert(&mut tx, &category).await?;
    tx.commit().await?;
    tracing::info!(org.id = %caller.org, category.path = %category.path, "category added");
    Ok(category)
}

/// Reads a category.
///
/// # Errors
/// [`CommandError::NotFound`].
pub async fn find(desk: &Desk, caller: &Caller, path: &str) -> Result<Category, CommandError> {
    let mut tx = desk.store.read(caller.org).await?;
    load(&mut tx, path).await
}

/// Lists categories by path.
///
/// # Errors
/// [`CommandError::Cursor`] for a cursor of another list.
pub async fn list(
    desk: &Desk,
    caller: &Caller,
    request: &PageRequest,
) -> Result<Page<Category>, CommandError> {
    let tag = ListTag::of(caller, "categories", &());
    let mut tx = desk.store.read(caller.org).await?;
    let all = category::list(&mut tx).await?;
    Ok(Page::of_all(all, request, tag, |category| category.path.to_string())?)
}

/// Changes a category. For administrators.
///
/// # Errors
/// [`CommandError::Stale`] if the category is not at the expected version any more, [`CommandError::Invalid`] with
/// every wrong field.
pub async fn update(
    desk: &Desk,
    caller: &Caller,
    path: &str,
    edit: CategoryEdit,
    expected_version: Option<i64>,
) -> Result<Category, CommandError> {
    caller.must_be_admin()?;
    let mut tx = desk.write(caller).await?;
    let mut category = load(&mut tx, path).await?;
    must_be_at(category.version, expected_version)?;

    let mut faults = Faults::new();
    if let Some(name) = &edit.name {
        set(&mut category.name, faults.name("/name", name));
    }
    if let Some(active) = edit.active {
        let all = category::list(&mut tx).await?;
        if active {
            category.path.check_above(&all, "/active", &mut faults);
        } else {
            category.check_retiring(&all)?;
        }
        category.active = active;
    }
    faults.refuse_any()?;

    category::update(&mut tx, &mut category).await?;
    tx.commit().await?;
    tracing::info!(org.id = %caller.org, category.path = %category.path, "category changed");
    Ok(category)
}

async fn load(tx: &mut ReadTx, path: &str) -> Result<Category, CommandError> {
    let mut all = category::list(tx).await?.into_iter();
    all.find(|category| category.path.as_str() == path)
        .ok_or(CommandError::NotFound(Missing::Category))
}
