//! What a policy is configured for, beside its settings.

use crate::{DataFile, Hook};

/// The binding that a policy is configured for.
#[derive(Clone, Debug, Default)]
pub struct Binding {
    /// The hooks that will be asked with these settings: one set of settings may serve several
    /// hooks of a policy, or one of them.
    pub hooks: Vec<Hook>,
    /// The files that belong to the binding: tables, models.
    pub data: Vec<DataFile>,
}

impl Binding {
    /// Whether a hook will be asked with these settings.
    #[must_use]
    pub fn serves(&self, hook: Hook) -> bool {
        self.hooks.contains(&hook)
    }

    /// The content of the file with a name.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        let file = self.data.iter().find(|file| file.name == name)?;
        Some(&file.content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_by_its_name() {
        let table = DataFile { name: "teams.csv".to_owned(), content: b"a,b".to_vec() };
        let binding = Binding { data: vec![table], hooks: vec![Hook::Route] };
        assert_eq!(binding.file("teams.csv"), Some(b"a,b".as_slice()));
        assert_eq!(binding.file("people.csv"), None);
        assert!(binding.serves(Hook::Route) && !binding.serves(Hook::Plan));
    }
}
