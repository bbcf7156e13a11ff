//! A whole desk in one process, for tests: the real router, the real store on either engine, real
//! policies; and a clock, ids and a mailbox that belong to the test.
//!
//! Nothing here asserts what a test is about; it builds, sends, and returns what came back. Every
//! answer is checked against the OpenAPI document, and at the end of every story all records are
//! looked over for what must be true of them, whatever it did.

mod client;
mod desk;
mod document;
mod policies;
mod program;
mod proxy;
mod scene;
mod visitor;
mod world;

pub use client::{Answer, Client};
pub use desk::{TestClock, TestDesk, link_in};
pub use policies::policy;
pub use program::{Program, Ran, Server};
pub use proxy::Proxy;
pub use scene::{Scene, Writer};
pub use visitor::{Form, Listening, Visitor, route_of};
pub use waypost_policy::testing::{Guest, costly};
pub use waypost_web::ROUTES;
pub use world::{Org, PersonOf};

/// Makes `mod sqlite` and `mod postgres`, each running every story on an empty desk of its own.
#[macro_export]
macro_rules! on_both_engines {
    ($($story:ident)*) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $story() {
                    let path = concat!(module_path!(), "::", stringify!($story));
                    let desk = $crate::TestDesk::sqlite(path).await;
                    let records = desk.records();
                    super::$story(desk).await;
                    records.are_as_they_must_be().await;
                }
            )*
        }

        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $story() {
                    let path = concat!(module_path!(), "::", stringify!($story));
                    let desk = $crate::TestDesk::postgres(path).await;
                    let records = desk.records();
                    super::$story(desk).await;
                    records.are_as_they_must_be().await;
                }
            )*
        }
    };
}
