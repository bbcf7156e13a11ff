//! Names of what a desk has, for the schema of settings: `#[schemars(with = "names::Team")]` on a
//! field of type `String`.
//!
//! The host then warns of names that nobody has when a policy is bound. It refuses none: a policy
//! may be bound before what it names is there.

use schemars::JsonSchema;

/// A team: its key, or `organization/key`.
#[derive(Debug, JsonSchema)]
#[schemars(extend("format" = "waypost-team"))]
pub struct Team(pub String);

/// A category, from the general to the specific.
#[derive(Debug, JsonSchema)]
#[schemars(extend("format" = "waypost-category"))]
pub struct Category(pub Vec<String>);

/// A service: its key.
#[derive(Debug, JsonSchema)]
#[schemars(extend("format" = "waypost-service"))]
pub struct Service(pub String);

/// A configuration item: its key.
#[derive(Debug, JsonSchema)]
#[schemars(extend("format" = "waypost-ci"))]
pub struct Ci(pub String);

/// A person: their id.
#[derive(Debug, JsonSchema)]
#[schemars(extend("format" = "waypost-person"))]
pub struct Person(pub String);
