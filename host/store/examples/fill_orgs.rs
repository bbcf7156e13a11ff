//! Adds many organizations alike below a provider, to see what a large installation costs.
//!
//! Each has two teams of ten members, four people who ask, and a token for a program. Those of the
//! provider's teams that serve somebody serve them too.
//!
//! Usage: `fill_orgs URL PROVIDER COUNT`. Prints a line for each organization: the token's secret,
//! and the addresses of those who ask.

#![expect(clippy::print_stdout, reason = "its lines are its result")]

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use sqlx::error::BoxDynError;
use uuid::{Builder, Uuid};
use waypost_domain::{
    fields::Fields,
    ids::{OrgId, PersonId, TeamId, TokenId},
    organization::{OrgKind, OrgSettings, Organization},
    person::Person,
    role::Role,
    team::Team,
};
use waypost_store::{
    Store, StoreError, StoreOptions, organization, person, team, token, token::Token,
};

/// How many organizations one transaction creates.
const BATCH: usize = 200;
/// Each team's key, name, and how many work in it.
const TEAMS: [(&str, &str, usize); 2] =
    [("service-desk", "Service desk", 10), ("field", "Field engineers", 10)];
/// Who asks.
const ASKING: usize = 4;
/// The moment at which everything is made: the first of January 2026.
const MADE_AT_MS: i64 = 1_767_225_600_000;

/// Ids in the order in which they are made, as the server's are.
struct Ids(u64);

impl Ids {
    fn next(&mut self) -> Uuid {
        self.0 += 1;
        let millis = MADE_AT_MS.unsigned_abs() + self.0 / 64;
        let mut random = [0; 10];
        random[2..].copy_from_slice(&self.0.to_be_bytes());
        Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}

/// An organization with what belongs to it.
struct Client {
    organization: Organization,
    teams: Vec<Team>,
    people: Vec<Person>,
    token: Token,
    secret: String,
}

impl Client {
    fn new(ids: &mut Ids, place: usize, above: &Organization, at: DateTime<Utc>) -> Self {
        let (org, key) = (OrgId(ids.next()), format!("client-{:05}", place + 1));
        let mut people: Vec<Person> = Vec::new();
        let mut teams = Vec::new();
        for (team, name, size) in TEAMS {
            let first = people.len();
            for _ in 0..size {
                people.push(employ(ids, org, &key, &people));
            }
            let members = people[first..].iter().map(|person| person.id).collect();
            teams.push(Team {
                id: TeamId(ids.next()),
                org,
                key: team.parse().expect("it is made of letters and a dash"),
                name: name.to_owned(),
                zone: None,
                working_hours: None,
                lead: people.first().map(|person| person.id),
                on_call: None,
                members,
                serves: BTreeSet::new(),
                active: true,
                version: 1,
            });
        }
        for _ in 0..ASKING {
            let person = employ(ids, org, &key, &people);
            people.push(Person { role: Role::Requester, ..person });
        }
        let mut settings = OrgSettings::new(teams[0].id);
        settings.zone = above.settings.zone;
        let secret = format!("wp_bench-{key}");
        let token = Token {
            id: TokenId(ids.next()),
            org,
            hash: Sha256::digest(&secret).into(),
            name: "bench".to_owned(),
            role: Role::Admin,
            person: None,
            created_at: at,
            expires_at: None,
            revoked_at: None,
        };
        let organization = Organization {
            id: org,
            parent: Some(above.id),
            kind: OrgKind::Client,
            name: format!("Client {}", place + 1),
            key: key.parse().expect("it is made of letters, digits and a dash"),
            settings,
            created_at: at,
            version: 1,
        };
        Self { organization, teams, people, token, secret }
    }

    /// Adds what belongs to it, once it is there itself.
    async fn furnish(&self, store: &Store) -> Result<(), StoreError> {
        let mut tx = store.write(self.organization.id).await?;
        person::insert_many(&mut tx, &self.people).await?;
        // The first team is created with the organization.
        for one in &self.teams[1..] {
            team::insert(&mut tx, one).await?;
        }
        token::insert(&mut tx, &self.token).await?;
        tx.commit().await
    }

    /// The line about it.
    fn line(&self) -> String {
        let asking = &self.people[self.people.len() - ASKING..];
        let addresses = asking.iter().filter_map(|person| person.email.clone());
        std::iter::once(self.secret.clone()).chain(addresses).collect::<Vec<_>>().join(" ")
    }
}

/// Another agent; the first of all is the administrator, and decides for the others.
fn employ(ids: &mut Ids, org: OrgId, key: &str, before: &[Person]) -> Person {
    let number = before.len() + 1;
    let first = before.first().map(|person| person.id);
    Person {
        id: PersonId(ids.next()),
        org,
        name: format!("Person {number}"),
        email: Some(format!("person-{number:02}@{key}.example")),
        role: if first.is_none() { Role::Admin } else { Role::Agent },
        zone: None,
        manager: first,
        location: None,
        vip: false,
        language: None,
        fields: Fields::default(),
        active: true,
        version: 1,
    }
}

/// Has those of the provider's teams that serve somebody serve these organizations too.
async fn serve(store: &Store, provider: OrgId, clients: &[OrgId]) -> Result<(), StoreError> {
    let mut tx = store.write(provider).await?;
    for mut one in team::list(&mut tx).await? {
        if one.org == provider && !one.serves.is_empty() {
            one.serves.extend(clients);
            team::update(&mut tx, &mut one).await?;
        }
    }
    tx.commit().await
}

#[tokio::main]
async fn main() -> Result<(), BoxDynError> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [url, provider, count] = words.as_slice() else {
        return Err("usage: fill_orgs URL PROVIDER COUNT".into());
    };
    let count: usize = count.parse()?;
    let options = StoreOptions { create: false, ..StoreOptions::default() };
    let store = Store::connect(url, &options).await?;
    let found = organization::find_by_key(&mut store.system_read().await?, provider).await?;
    let above = found.ok_or_else(|| format!("there is no organization {provider}"))?;
    let at = DateTime::from_timestamp_millis(MADE_AT_MS).ok_or("there is no such moment")?;
    let (mut ids, mut made) = (Ids(0), Vec::with_capacity(count));
    while made.len() < count {
        let batch = made.len()..count.min(made.len() + BATCH);
        let clients: Vec<Client> =
            batch.map(|place| Client::new(&mut ids, place, &above, at)).collect();
        let mut tx = store.system().await?;
        for client in &clients {
            organization::create(&mut tx, &client.organization, &client.teams[0]).await?;
        }
        tx.commit().await?;
        for client in &clients {
            client.furnish(&store).await?;
            println!("{}", client.line());
        }
        made.extend(clients.iter().map(|client| client.organization.id));
    }
    serve(&store, above.id, &made).await?;
    store.close().await;
    Ok(())
}
