//! `waypost:lifecycle@0.1.0`: who a policy is, and how it gets its settings.

use crate::DataFile as OurFile;

/// Generated from the WIT, which documents its items.
mod generated {
    wasmtime::component::bindgen!({
        inline: "
            package waypost:host;
            world described { export waypost:lifecycle/lifecycle@0.1.0; }
        ",
        path: "../../wit/0.1.0/deps/lifecycle",
        additional_derives: [PartialEq, Clone],
    });
}

pub(crate) use self::generated::exports::waypost::lifecycle::lifecycle::{
    DataFile, Description, SettingsError,
};

#[cfg(test)]
pub(crate) use self::generated::exports::waypost::lifecycle::lifecycle::ServedHook;

/// The types of the interface's functions: parameters and results.
pub(crate) type Describe = ((), (Description,));
pub(crate) type Configured = (Result<(), Vec<SettingsError>>,);
pub(crate) type Configure<'a> = ((&'a str, &'a [DataFile], &'a [&'a str]), Configured);

/// The data files as the contract has them.
pub(crate) fn lower_files(data: &[OurFile]) -> Vec<DataFile> {
    data.iter()
        .map(|file| DataFile { name: file.name.clone(), content: file.content.to_vec() })
        .collect()
}
