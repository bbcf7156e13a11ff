//! Hashing of passwords: slow and wide on purpose, so it happens on threads that may wait, as often
//! at once as there are cores.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::available_parallelism,
};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash as Phc},
};
use tokio::sync::Semaphore;
use waypost_domain::password::{COMPARED, Password, PasswordHash};

use crate::{CommandError, preparing::on_blocking_thread};

/// What one hash costs: 19 MiB and two passes, one after the other. OWASP's advice for argon2id.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// So many wait for each core; more would wait longer than people do.
const WAITING_PER_CORE: usize = 8;
/// For accounts that have no password: nobody has it.
const NOBODYS_SALT: [u8; 16] = *b"waypost, no-one.";

/// Where passwords are hashed.
pub(crate) struct Hashing {
    /// As many as there are cores.
    turns: Arc<Semaphore>,
    /// Those with a turn and those who wait for one.
    places: Arc<Semaphore>,
    done: Arc<AtomicU64>,
}

impl Default for Hashing {
    fn default() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self::of(cores, cores * (1 + WAITING_PER_CORE))
    }
}

impl Hashing {
    fn of(turns: usize, places: usize) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(turns)),
            places: Arc::new(Semaphore::new(places)),
            done: Arc::default(),
        }
    }

    /// How many passwords were hashed so far, whatever came of it.
    pub(crate) fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Hashes a password that is to be kept.
    pub(crate) async fn hash(
        &self,
        password: &Password,
        salt: [u8; 16],
    ) -> Result<String, CommandError> {
        let (password, done) = (password.clone(), Arc::clone(&self.done));
        self.in_turn(move || {
            done.fetch_add(1, Ordering::Relaxed);
            hashed(&password, salt, params()?)
        })
        .await?
    }

    /// Whether a password is each of these. It always takes as long as [`COMPARED`] of them.
    pub(crate) async fn compare(
        &self,
        password: &Password,
        known: &[PasswordHash],
    ) -> Result<[bool; COMPARED], CommandError> {
        let (password, done) = (password.clone(), Arc::clone(&self.done));
        let known: Vec<String> = known.iter().map(|one| one.phc.clone()).collect();
        self.in_turn(move || {
            let mut fits = [false; COMPARED];
            for (index, fits) in fits.iter_mut().enumerate() {
                done.fetch_add(1, Ordering::Relaxed);
                *fits = if let Some(phc) = known.get(index) {
                    is(&password, phc)
                } else {
                    hashed(&password, NOBODYS_SALT, params()?)?;
                    false
                };
            }
            Ok(fits)
        })
        .await?
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, CommandError> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| CommandError::Busy)?;
        // Nobody closes it.
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_| CommandError::Busy)?;
        on_blocking_thread(move || {
            let done = work();
            // With the work and not with whoever waits for it: they may have gone.
            drop((turn, place));
            done
        })
        .await
    }
}

/// Whether it was hashed in another way than passwords are today.
pub(crate) fn is_outdated(phc: &str) -> bool {
    let Ok(read) = Phc::new(phc) else { return true };
    let is_todays = |params: Params| {
        (params.m_cost(), params.t_cost(), params.p_cost()) == (MEMORY_KIB, PASSES, LANES)
    };
    read.algorithm != Algorithm::Argon2id.ident()
        || read.version != Some(Version::V0x13.into())
        || !Params::try_from(&read).is_ok_and(is_todays)
}

fn params() -> Result<Params, CommandError> {
    Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(failed)
}

fn hashed(password: &Password, salt: [u8; 16], params: Params) -> Result<String, CommandError> {
    let with = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let phc = with.hash_password_with_salt(password.reveal().as_bytes(), &salt).map_err(failed)?;
    Ok(phc.to_string())
}

/// Compared in constant time, with what the hash says it cost.
fn is(password: &Password, phc: &str) -> bool {
    let read = Phc::new(phc);
    read.is_ok_and(|phc| {
        Argon2::default().verify_password(password.reveal().as_bytes(), &phc).is_ok()
    })
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> CommandError {
    CommandError::Internal(Box::new(error))
}

#[cfg(test)]
mod tests {
    use waypost_domain::ids::{OrgId, PersonId};

    use super::*;

    fn kept(phc: String) -> PasswordHash {
        PasswordHash {
            org: OrgId(uuid::Uuid::nil()),
            person: PersonId(uuid::Uuid::nil()),
            phc,
            set_at: chrono::DateTime::UNIX_EPOCH,
        }
    }

    #[tokio::test]
    async fn a_password_is_what_it_was_hashed_of_and_every_comparison_costs_the_same() {
        let hashing = Hashing::default();
        let password = Password::of("four blue teapots");
        let phc = hashing.hash(&password, [7; 16]).await.unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert!(!is_outdated(&phc));
        let other = hashing.hash(&Password::of("four red teapots"), [7; 16]).await.unwrap();
        let all = [kept(other), kept(phc), kept("nonsense".to_owned())];
        for (known, expected) in [
            (&all[..], [false, true, false]),
            (&all[1..2], [true, false, false]),
            (&[], [false, false, false]),
        ] {
            let before = hashing.done();
            assert_eq!(hashing.compare(&password, known).await.unwrap(), expected);
            assert_eq!(hashing.done() - before, COMPARED as u64);
        }
    }

    #[test]
    fn what_was_hashed_for_less_is_outdated_and_still_compared() {
        let password = Password::of("four blue teapots");
        let cheap = Params::new(64, 1, 1, None).unwrap();
        let phc = hashed(&password, [7; 16], cheap).unwrap();
        assert!(is_outdated(&phc) && is(&password, &phc));
        assert!(is_outdated("nonsense"));
    }

    #[tokio::test]
    async fn whoever_finds_no_place_is_told_so() {
        let hashing = Hashing::of(1, 1);
        let place = Arc::clone(&hashing.places).try_acquire_owned().unwrap();
        let password = Password::of("four blue teapots");
        let refused = hashing.compare(&password, &[]).await.unwrap_err();
        assert!(matches!(refused, CommandError::Busy));
        assert_eq!(hashing.done(), 0);
        drop(place);
        assert!(hashing.compare(&password, &[]).await.is_ok());
    }
}
