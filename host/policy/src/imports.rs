//! Imports: what a policy may ask of its host, and the host's answers.
//!
//! A component imports the contract's `log` and, if its language's runtime wants them, WASI
//! interfaces. Each name is on the list below or the upload is refused. The answers give no
//! authority: see [`wasi`].

mod wasi;

use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component, InstancePre, Linker, LinkerInstance, ResourceType, WasmStr};
use wasmtime::{Engine, StoreContextMut};

use crate::contract::{LIFECYCLE_PACKAGE, PACKAGE, WIT_VERSION, v0_1::log};
use crate::guest::{Guest, Stopped, charge};
use crate::{LogLevel, UploadRefused};

/// An import's or export's name taken apart: `wasi:io/streams@0.2.6`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Name<'a> {
    /// `wasi:io`
    pub(crate) package: &'a str,
    /// `streams`
    pub(crate) interface: &'a str,
    /// `0.2.6`
    pub(crate) version: Option<&'a str>,
}

impl<'a> Name<'a> {
    /// None for a plain name, which no interface has.
    pub(crate) fn parse(name: &'a str) -> Option<Self> {
        let (path, version) = match name.split_once('@') {
            Some((path, version)) => (path, Some(version)),
            None => (name, None),
        };
        let (package, interface) = path.split_once('/')?;
        Some(Self { package, interface, version })
    }

    /// Whether it is an interface of the hooks' package.
    pub(crate) fn is_of_hooks(&self) -> bool {
        self.package == PACKAGE
    }

    /// Whether it is an interface of the lifecycle's package.
    pub(crate) fn is_of_lifecycle(&self) -> bool {
        self.package == LIFECYCLE_PACKAGE
    }
}

/// Whether an import can be answered; if not, why, and what to do instead.
pub(crate) fn check(import: &str) -> Result<(), UploadRefused> {
    const EXPORTED: &str = "policies export this interface; the host does not provide it";
    let refuse = |why: &str| Err(UploadRefused::forbidden_import(import, why));
    let Some(name) = Name::parse(import) else {
        return refuse("a policy can import only interfaces of its contract, by their full names");
    };
    if name.is_of_lifecycle() {
        return refuse(EXPORTED);
    }
    if name.is_of_hooks() {
        if name.version != Some(WIT_VERSION) {
            return Err(UploadRefused::contract_version(import));
        }
        return match name.interface {
            "log" | "types" => Ok(()),
            "categorization" | "routing" | "approval" | "notification" => refuse(EXPORTED),
            _ => refuse("the contract has no such interface"),
        };
    }
    match wasi::verdict(&name) {
        Ok(()) => Ok(()),
        Err(why) => refuse(why),
    }
}

/// Answers everything that the component imports.
pub(crate) fn link(engine: &Engine, component: &Component) -> wasmtime::Result<InstancePre<Guest>> {
    let mut linker = Linker::new(engine);
    for (import, item) in component.component_type().imports(engine) {
        let ComponentItem::ComponentInstance(instance) = item.ty else {
            wasmtime::bail!("`{import}` is not an interface");
        };
        let Some(name) = Name::parse(import) else {
            wasmtime::bail!("`{import}` is not an interface");
        };
        let mut answers = linker.instance(import)?;
        for (function, item) in instance.exports(engine) {
            match item.ty {
                ComponentItem::ComponentFunc(ty) => answer(&mut answers, &name, function, &ty)?,
                ComponentItem::Resource(_) => {
                    let ty = wasi::resource(function);
                    answers.resource(function, ty, |mut store, _| {
                        store.data_mut().handles = store.data().handles.saturating_sub(1);
                        Ok(())
                    })?;
                }
                // Types need no answer.
                _ => {}
            }
        }
    }
    linker.instantiate_pre(component)
}

fn answer(
    answers: &mut LinkerInstance<'_, Guest>,
    name: &Name<'_>,
    function: &str,
    ty: &ComponentFunc,
) -> wasmtime::Result<()> {
    if name.is_of_hooks() && name.interface == "log" && function == "log" {
        return answers.func_wrap(function, write);
    }
    if wasi::answer(answers, name, function, ty)? {
        return Ok(());
    }
    // Whatever is left needs a handle that the host never gives away, or an authority that a policy
    // does not have.
    let refusal = format!("a policy cannot call {}/{}.{function}", name.package, name.interface);
    answers.func_new(function, move |_, _, _, _| Err(Stopped::Refused(refusal.clone()).into()))
}

/// `log.log`
fn write(
    mut store: StoreContextMut<'_, Guest>,
    (level, message): (log::Level, WasmStr),
) -> wasmtime::Result<()> {
    let message = message.to_str(&store)?.into_owned();
    charge(&mut store, message.len())?;
    store.data_mut().write_line(LogLevel::from(level), &message);
    Ok(())
}

/// A resource type of the host. The marker keeps one kind of handle from being taken for another.
fn host_resource<T: 'static>() -> ResourceType {
    ResourceType::host::<T>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_taken_apart() {
        let name = Name::parse("wasi:io/streams@0.2.6").unwrap();
        assert_eq!(name, Name { package: "wasi:io", interface: "streams", version: Some("0.2.6") });
        assert_eq!(Name::parse("log"), None);
    }

    #[test]
    fn harmless_imports_are_let_in() {
        for import in [
            "waypost:policy/log@0.1.0",
            "waypost:policy/types@0.1.0",
            "wasi:cli/environment@0.2.6",
            "wasi:cli/exit@0.2.6",
            "wasi:cli/terminal-stdout@0.2.0",
            "wasi:clocks/monotonic-clock@0.2.6",
            "wasi:filesystem/preopens@0.2.6",
            "wasi:filesystem/types@0.2.6",
            "wasi:io/streams@0.2.6",
            "wasi:random/insecure-seed@0.2.9",
        ] {
            assert_eq!(check(import), Ok(()), "{import}");
        }
    }

    #[test]
    fn what_would_be_an_authority_is_refused_with_its_name_and_why() {
        for (import, why) in [
            ("wasi:http/outgoing-handler@0.2.6", "network"),
            ("wasi:sockets/tcp@0.2.6", "network"),
            ("wasi:keyvalue/store@0.2.0", "grants policies no"),
            ("wasi:cli/environment@0.3.0", "0.2"),
            ("wasi:cli/environment@0.2.0-rc1", "0.2"),
            ("wasi:cli/environment@0.2.", "0.2"),
            ("wasi:cli/run@0.2.6", "grants policies no"),
            ("acme:tools/shell@1.0.0", "can import only"),
            ("waypost:policy/routing@0.1.0", "policies export"),
            ("waypost:lifecycle/lifecycle@0.1.0", "policies export"),
            ("waypost:policy/admin@0.1.0", "no such interface"),
            ("log", "full names"),
        ] {
            let refused = check(import).unwrap_err();
            assert_eq!(refused.code(), "forbidden_import");
            let message = refused.to_string();
            assert!(message.contains(import) && message.contains(why), "{message}");
        }
    }

    #[test]
    fn another_version_of_the_contract_is_named() {
        let refused = check("waypost:policy/log@0.2.0").unwrap_err();
        assert_eq!(refused.code(), "contract_version");
        assert!(refused.to_string().contains("0.2.0"));
    }
}
