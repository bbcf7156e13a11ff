//! The category tree: every category but the topmost stands below an active one.

use crate::{
    catalog::{Category, CategoryPath},
    refusal::{Faults, Refused},
    said::Said,
};

impl CategoryPath {
    /// Whether a category can stand here, as far as `all` categories of the organization go: the
    /// one above must be there and active, so that the tree has no holes. What is wrong is noted
    /// under the pointer.
    pub fn check_above(&self, all: &[Category], pointer: &str, faults: &mut Faults) {
        let Some(above) = self.parent() else { return };
        match all.iter().find(|category| category.path == above) {
            Some(category) if category.active => {}
            Some(_) => {
                let message = Said::as_is(format!("`{above}` is not active; activate it first."));
                faults.wrong(pointer, "inactive", message);
            }
            None => {
                let message =
                    Said::as_is(format!("There is no category `{above}`; create it first."));
                faults.wrong(pointer, "unknown", message);
            }
        }
    }
}

impl Category {
    /// Refuses to switch off a category while active ones of `all` stand below it.
    pub fn check_retiring(&self, all: &[Category]) -> Result<(), Refused> {
        let below = all
            .iter()
            .filter(|category| {
                category.active && category.path.parent().as_ref() == Some(&self.path)
            })
            .map(|category| category.path.as_str())
            .collect::<Vec<_>>();
        if below.is_empty() {
            return Ok(());
        }
        Err(Refused::guard(Said::as_is(format!(
            "`{}` has active subcategories: {}; deactivate them first.",
            self.path,
            below.join(", ")
        ))))
    }
}
