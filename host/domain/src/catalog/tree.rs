//! The category tree: every category but the topmost stands below one that exists.

use crate::{
    catalog::Category,
    directory::Lookup,
    refusal::{Faults, Refused},
    text,
};

impl Category {
    /// Refuses a new category that is there already, has no parent to stand below, or has no name.
    pub fn check_new(&self, directory: &dyn Lookup) -> Result<(), Refused> {
        let mut faults = Faults::new();
        text::name("/name", &self.name, &mut faults);
        if directory.category(&self.path).is_some() {
            let message = format!("there is a category `{}` already; edit that one", self.path);
            faults.wrong("/path", "repeated", message);
        }
        if let Some(parent) = self.path.parent() {
            let is_there = directory.category(&parent).is_some_and(|category| category.active);
            if !is_there {
                let message = format!("there is no active category `{parent}`; create it first");
                faults.wrong("/path", "no-parent", message);
            }
        }
        faults.finish()
    }

    /// Refuses to switch off a category while active ones stand below it.
    pub fn check_retiring(&self, directory: &dyn Lookup) -> Result<(), Refused> {
        let below = directory
            .categories()
            .iter()
            .filter(|category| {
                category.active && category.path.parent().as_ref() == Some(&self.path)
            })
            .map(|category| category.path.as_str())
            .collect::<Vec<_>>();
        if below.is_empty() {
            return Ok(());
        }
        Err(Refused::guard(format!(
            "`{}` has active categories below it: {}; switch those off first",
            self.path,
            below.join(", ")
        )))
    }
}
