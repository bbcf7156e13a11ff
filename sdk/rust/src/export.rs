//! The bridge from the generated bindings to a policy's traits. Only [`export!`](crate::export!)
//! uses it.

use std::sync::OnceLock;

use crate::bindings::exports::waypost::lifecycle::lifecycle;
use crate::bindings::exports::waypost::policy::{approval, categorization, notification, routing};
use crate::{
    About, ApprovalPlan, Assignment, Binding, Categorization, Context, DataFile, Decline,
    Description, Event, Hook, Need, Notifications, Nudge, Policy, ServedHook, SettingsError,
    Ticket, WaitingApproval, log, schema_of, settings,
};

/// Makes a policy a component: names the policy and the hooks that it serves, each of which it must
/// implement.
///
/// ```
/// # use waypost_sdk::{Assignment, Binding, Context, Decline, Policy};
/// # use waypost_sdk::{Route, SettingsError, Ticket};
/// # #[derive(serde::Deserialize, schemars::JsonSchema)]
/// # struct Settings {}
/// struct OneDesk;
///
/// impl Policy for OneDesk {
///     type Settings = Settings;
///     fn new(_settings: Settings, _binding: &Binding) -> Result<Self, Vec<SettingsError>> {
///         Ok(Self)
///     }
/// }
///
/// impl Route for OneDesk {
///     fn route(&self, _ticket: &Ticket, _context: &Context) -> Result<Assignment, Decline> {
///         Ok(Assignment::to("service-desk").because("everything goes to the service desk"))
///     }
/// }
///
/// waypost_sdk::export!(OneDesk: route);
/// # fn main() {}
/// ```
///
/// On targets other than WebAssembly it expands to nothing but a check, so a policy's tests run
/// natively. Naming a hook whose trait the policy does not implement fails to compile:
///
/// ```compile_fail,E0277
/// # use waypost_sdk::{Binding, Policy, SettingsError};
/// # #[derive(serde::Deserialize, schemars::JsonSchema)]
/// # struct Settings {}
/// struct Silent;
///
/// impl Policy for Silent {
///     type Settings = Settings;
///     fn new(_settings: Settings, _binding: &Binding) -> Result<Self, Vec<SettingsError>> {
///         Ok(Self)
///     }
/// }
///
/// waypost_sdk::export!(Silent: notify);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! export {
    ($policy:ident : $($hook:ident),+ $(,)?) => {
        #[cfg(not(target_family = "wasm"))]
        const _: fn() = || {
            $($crate::__hook!(implemented $hook $policy);)+
        };

        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Exported;

            static CONFIGURED: ::std::sync::OnceLock<$policy> = ::std::sync::OnceLock::new();

            impl $crate::export::Pack for Exported {
                type Policy = $policy;

                fn configured() -> &'static ::std::sync::OnceLock<$policy> {
                    &CONFIGURED
                }

                fn manifest() -> $crate::About {
                    $crate::About {
                        name: ::std::string::String::from(env!("CARGO_PKG_NAME")),
                        version: ::std::string::String::from(env!("CARGO_PKG_VERSION")),
                        author: ::std::string::String::from(env!("CARGO_PKG_AUTHORS")),
                        summary: ::std::string::String::from(env!("CARGO_PKG_DESCRIPTION")),
                    }
                }

                fn served() -> ::std::vec::Vec<$crate::ServedHook> {
                    ::std::vec![$($crate::__hook!(served $hook $policy)),+]
                }

                $($crate::__hook!(answer $hook);)+
            }

            $crate::bindings::export!(Exported with_types_in $crate::bindings);
        };
    };
}

/// What [`export!`](crate::export!) writes for one hook.
#[doc(hidden)]
#[macro_export]
macro_rules! __hook {
    (implemented categorize $policy:ident) => { $crate::export::categorizes::<$policy>() };
    (implemented route $policy:ident) => { $crate::export::routes::<$policy>() };
    (implemented plan $policy:ident) => { $crate::export::plans::<$policy>() };
    (implemented stalled $policy:ident) => { $crate::export::nudges::<$policy>() };
    (implemented notify $policy:ident) => { $crate::export::notifies::<$policy>() };

    (served categorize $policy:ident) => { $crate::__hook!(served Categorize $policy) };
    (served route $policy:ident) => { $crate::__hook!(served Route $policy) };
    (served plan $policy:ident) => { $crate::__hook!(served Plan $policy) };
    (served stalled $policy:ident) => { $crate::__hook!(served Stalled $policy) };
    (served notify $policy:ident) => { $crate::__hook!(served Notify $policy) };
    (served $hook:ident $policy:ident) => {
        $crate::export::served($crate::Hook::$hook, <$policy as $crate::$hook>::needs())
    };

    (answer categorize) => {
        fn categorize(
            policy: &Self::Policy,
            ticket: &$crate::Ticket,
            context: &$crate::Context,
        ) -> ::std::result::Result<$crate::Categorization, $crate::Decline> {
            $crate::Categorize::categorize(policy, ticket, context)
        }
    };
    (answer route) => {
        fn route(
            policy: &Self::Policy,
            ticket: &$crate::Ticket,
            context: &$crate::Context,
        ) -> ::std::result::Result<$crate::Assignment, $crate::Decline> {
            $crate::Route::route(policy, ticket, context)
        }
    };
    (answer plan) => {
        fn plan(
            policy: &Self::Policy,
            ticket: &$crate::Ticket,
            context: &$crate::Context,
        ) -> ::std::result::Result<$crate::ApprovalPlan, $crate::Decline> {
            $crate::Plan::plan(policy, ticket, context)
        }
    };
    (answer stalled) => {
        fn stalled(
            policy: &Self::Policy,
            ticket: &$crate::Ticket,
            approval: &$crate::WaitingApproval,
            context: &$crate::Context,
        ) -> ::std::result::Result<$crate::Nudge, $crate::Decline> {
            $crate::Stalled::stalled(policy, ticket, approval, context)
        }
    };
    (answer notify) => {
        fn notify(
            policy: &Self::Policy,
            event: &$crate::Event,
            ticket: &$crate::Ticket,
            context: &$crate::Context,
        ) -> ::std::result::Result<$crate::Notifications, $crate::Decline> {
            $crate::Notify::notify(policy, event, ticket, context)
        }
    };
}

/// Fails to compile for a policy that does not categorize.
pub fn categorizes<P: crate::Categorize>() {}
/// Fails to compile for a policy that does not route.
pub fn routes<P: crate::Route>() {}
/// Fails to compile for a policy that does not plan approvals.
pub fn plans<P: crate::Plan>() {}
/// Fails to compile for a policy that does not look after awaited votes.
pub fn nudges<P: crate::Stalled>() {}
/// Fails to compile for a policy that does not notify.
pub fn notifies<P: crate::Notify>() {}

/// What `describe` says of a hook.
#[must_use]
pub fn served(hook: Hook, needs: Vec<Need>) -> ServedHook {
    let needs = needs.into_iter().map(|need| need.name().to_owned()).collect();
    ServedHook { hook: hook.name().to_owned(), needs }
}

/// A policy with the hooks that it serves; the others decline.
pub trait Pack: 'static {
    /// The policy.
    type Policy: Policy;

    /// Where the configured policy is kept.
    fn configured() -> &'static OnceLock<Self::Policy>;
    /// What `Cargo.toml` says.
    fn manifest() -> About;
    /// The hooks that are served.
    fn served() -> Vec<ServedHook>;

    /// Asks `categorize`.
    fn categorize(_: &Self::Policy, _: &Ticket, _: &Context) -> Result<Categorization, Decline> {
        Err(unserved())
    }
    /// Asks `route`.
    fn route(_: &Self::Policy, _: &Ticket, _: &Context) -> Result<Assignment, Decline> {
        Err(unserved())
    }
    /// Asks `plan`.
    fn plan(_: &Self::Policy, _: &Ticket, _: &Context) -> Result<ApprovalPlan, Decline> {
        Err(unserved())
    }
    /// Asks `stalled`.
    fn stalled(
        _: &Self::Policy,
        _: &Ticket,
        _: &WaitingApproval,
        _: &Context,
    ) -> Result<Nudge, Decline> {
        Err(unserved())
    }
    /// Asks `notify`.
    fn notify(
        _: &Self::Policy,
        _: &Event,
        _: &Ticket,
        _: &Context,
    ) -> Result<Notifications, Decline> {
        Err(unserved())
    }
}

/// The answer of a hook that the policy does not serve.
fn unserved() -> Decline {
    Decline::NoOpinion(Vec::new())
}

/// The configured policy; it is missing only if the host skipped `configure`.
fn configured<T: Pack>() -> Result<&'static T::Policy, Decline> {
    T::configured()
        .get()
        .ok_or_else(|| Decline::Broken("the policy was asked before it was configured".to_owned()))
}

impl<T: Pack> lifecycle::Guest for T {
    fn describe() -> Description {
        let About { name, version, author, summary } = T::Policy::about(T::manifest());
        Description {
            name,
            version,
            author,
            summary,
            settings_schema: schema_of::<<T::Policy as Policy>::Settings>(),
            hooks: T::served(),
        }
    }

    fn configure(
        json: String,
        data: Vec<DataFile>,
        hooks: Vec<String>,
    ) -> Result<(), Vec<SettingsError>> {
        // A panic ends as a bare trap; this way the receipt's log says what went wrong.
        std::panic::set_hook(Box::new(|panic| log::error(&panic.to_string())));
        // The host names only hooks that `describe` lists, and those are known here.
        let hooks = hooks.iter().filter_map(|name| Hook::named(name)).collect();
        let policy = T::Policy::new(settings::read(&json)?, &Binding { hooks, data })?;
        T::configured()
            .set(policy)
            .map_err(|_| vec![SettingsError::at("", "the policy is configured already")])
    }
}

impl<T: Pack> categorization::Guest for T {
    fn categorize(ticket: Ticket, context: Context) -> Result<Categorization, Decline> {
        T::categorize(configured::<T>()?, &ticket, &context)
    }
}

impl<T: Pack> routing::Guest for T {
    fn route(ticket: Ticket, context: Context) -> Result<Assignment, Decline> {
        T::route(configured::<T>()?, &ticket, &context)
    }
}

impl<T: Pack> approval::Guest for T {
    fn plan(ticket: Ticket, context: Context) -> Result<ApprovalPlan, Decline> {
        T::plan(configured::<T>()?, &ticket, &context)
    }

    fn stalled(
        ticket: Ticket,
        approval: WaitingApproval,
        context: Context,
    ) -> Result<Nudge, Decline> {
        T::stalled(configured::<T>()?, &ticket, &approval, &context)
    }
}

impl<T: Pack> notification::Guest for T {
    fn notify(event: Event, ticket: Ticket, context: Context) -> Result<Notifications, Decline> {
        T::notify(configured::<T>()?, &event, &ticket, &context)
    }
}
