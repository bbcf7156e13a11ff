//! The doors behind one listener: programs come in by the API, people by the pages.

use std::convert::Infallible;

use axum::{Router, extract::Request, response::Response};
use tower::ServiceExt;

/// What programs ask for; everything else is a page.
const OF_PROGRAMS: [&str; 3] = ["/api", "/health", "/errors"];

/// One router of two: by its path, each request goes to the API or to the pages, and meets what
/// surrounds that one.
pub fn doors(api: Router, pages: Router) -> Router {
    let door = move |request: Request| {
        let door = if is_of_programs(request.uri().path()) { &api } else { &pages };
        let door = door.clone();
        async move {
            let answered: Result<Response, Infallible> = door.oneshot(request).await;
            match answered {
                Ok(response) => response,
                Err(never) => match never {},
            }
        }
    };
    Router::new().fallback(door)
}

fn is_of_programs(path: &str) -> bool {
    OF_PROGRAMS.iter().any(|start| {
        path.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_and_people_have_doors_of_their_own() {
        for path in ["/api/v1/incidents", "/api", "/health/ready", "/errors/not-found"] {
            assert!(is_of_programs(path), "{path}");
        }
        for path in ["/", "/apis", "/o/api/home", "/sign-in", "/healthy", "/assets/a.css"] {
            assert!(!is_of_programs(path), "{path}");
        }
    }
}
