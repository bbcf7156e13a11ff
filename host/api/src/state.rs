//! What the API works with.

use axum::extract::FromRef;
use waypost_app::Desk;
use waypost_edge::Edge;

/// What the API works with.
#[derive(Clone)]
pub struct ApiState {
    /// Carries out every command.
    pub desk: Desk,
    /// What it shares with other front ends.
    pub edge: Edge,
}

impl FromRef<ApiState> for Desk {
    fn from_ref(state: &ApiState) -> Self {
        state.desk.clone()
    }
}
