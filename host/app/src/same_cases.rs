//! Enums of two rooms with the same cases: what the domain has, and what policies are asked with or
//! answer with. A case that one of them gains does not compile until the other has it.

/// A function from one enum to another with the same cases.
macro_rules! same_cases {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($from:path) -> $to:path { $($case:ident),+ $(,)? }) => {
        $(#[$doc])*
        $vis const fn $name(value: $from) -> $to {
            use $from as From;
            use $to as To;
            match value {
                $(From::$case => To::$case,)+
            }
        }
    };
}

pub(crate) use same_cases;
