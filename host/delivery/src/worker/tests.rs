use std::sync::Mutex;

use chrono::TimeZone;
use uuid::Uuid;
use waypost_domain::fields::Fields;
use waypost_domain::ids::{MessageId, OrgId, PersonId, TeamId};
use waypost_domain::message::{DeliveryChannel, MessageState, ToldAs};
use waypost_domain::organization::{OrgKind, OrgSettings, Organization};
use waypost_domain::person::Person;
use waypost_domain::role::Role;
use waypost_domain::team::Team;
use waypost_store::{StoreOptions, organization, person};

use super::*;
use crate::{RETRY_DELAYS, Sink};

/// A clock that stands still until it is moved.
struct Hand(Mutex<DateTime<Utc>>);

impl Hand {
    fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for Hand {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }
}

/// No jitter, and ids in a row.
struct Even;

impl Entropy for Even {
    fn id(&self, _: DateTime<Utc>) -> Uuid {
        Uuid::nil()
    }

    fn secret(&self) -> [u8; 32] {
        [0; 32]
    }
}

/// Never comes to an end: whoever waits for it is stuck in the middle of sending.
#[derive(Clone)]
struct Stuck(Sink);

impl Transport for Stuck {
    async fn send(&self, message: &Message) -> Result<(), Undelivered> {
        self.0.send(message).await?;
        std::future::pending().await
    }
}

struct Office {
    store: Store,
    clock: Arc<Hand>,
    org: OrgId,
    sink: Sink,
}

impl Office {
    async fn open() -> Self {
        let store = Store::connect("sqlite::memory:", &StoreOptions::default()).await.unwrap();
        store.migrate().await.unwrap();
        let now = Utc.with_ymd_and_hms(2026, 6, 1, 8, 0, 0).unwrap();
        let org = OrgId(Uuid::from_u128(1));
        let team = Team {
            id: TeamId(Uuid::from_u128(2)),
            org,
            key: "service-desk".parse().unwrap(),
            name: "Service desk".to_owned(),
            zone: None,
            working_hours: None,
            lead: None,
            on_call: None,
            members: std::collections::BTreeSet::new(),
            serves: std::collections::BTreeSet::new(),
            active: true,
            version: 1,
        };
        let platform = Organization {
            id: org,
            parent: None,
            kind: OrgKind::Platform,
            key: "platform".parse().unwrap(),
            name: "Platform".to_owned(),
            settings: OrgSettings::new(team.id),
            created_at: now,
            version: 1,
        };
        let mira = Person {
            id: PersonId(Uuid::from_u128(3)),
            org,
            name: "Mira".to_owned(),
            email: Some("mira@northwind.example".to_owned()),
            role: Role::Agent,
            zone: None,
            manager: None,
            location: None,
            vip: false,
            language: None,
            fields: Fields::default(),
            active: true,
            version: 1,
        };
        let mut tx = store.system().await.unwrap();
        organization::create(&mut tx, &platform, &team).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = store.write(org).await.unwrap();
        person::insert(&mut tx, &mira).await.unwrap();
        tx.commit().await.unwrap();
        Self { store, clock: Arc::new(Hand(Mutex::new(now))), org, sink: Sink::default() }
    }

    /// Puts messages into the outbox, due so long from now.
    async fn post(&self, numbers: std::ops::Range<u128>, due_in: Duration) -> Vec<MessageId> {
        let now = self.clock.now();
        let message = |number| Message {
            id: MessageId(Uuid::from_u128(100 + number)),
            org: self.org,
            ticket: None,
            person: PersonId(Uuid::from_u128(3)),
            told_as: [ToldAs::Named].into(),
            after_end: false,
            channel: DeliveryChannel::Mail,
            address: None,
            subject: format!("message {number}"),
            body: "Hello.".to_owned(),
            dedupe_key: format!("key-{number}"),
            send_at: now + due_in,
            created_at: now,
        };
        let messages: Vec<Message> = numbers.map(message).collect();
        let mut tx = self.store.write(self.org).await.unwrap();
        outbox::enqueue_many(&mut tx, &messages).await.unwrap();
        tx.commit().await.unwrap();
        messages.iter().map(|message| message.id).collect()
    }

    fn worker<C: Transport>(&self, transport: C) -> Worker<C> {
        let clock: Arc<dyn Clock> = self.clock.clone();
        let options = WorkerOptions {
            at_once: 3,
            pause: Duration::from_millis(5),
            ..WorkerOptions::default()
        };
        Worker::new(self.store.clone(), clock, Arc::new(Even), transport, options)
    }

    /// Changes Mira's record.
    async fn change(&self, change: impl FnOnce(&mut Person)) {
        let mut tx = self.store.write(self.org).await.unwrap();
        let mut mira = person::find(&mut tx, PersonId(Uuid::from_u128(3))).await.unwrap().unwrap();
        change(&mut mira);
        person::update(&mut tx, &mut mira).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn states(&self) -> Vec<MessageState> {
        let mut tx = self.store.read(self.org).await.unwrap();
        let mut posted = outbox::list(&mut tx, None, 100).await.unwrap();
        posted.reverse();
        posted.into_iter().map(|posted| posted.state).collect()
    }

    fn subjects(&self) -> Vec<String> {
        self.sink.taken().into_iter().map(|message| message.subject).collect()
    }
}

#[tokio::test]
async fn what_is_due_is_sent_once() {
    let office = Office::open().await;
    office.post(0..10, Duration::ZERO).await;
    office.post(10..11, Duration::from_hours(1)).await;
    let worker = office.worker(office.sink.clone());

    let first = worker.run_once().await.unwrap();
    let second = worker.run_once().await.unwrap();

    assert_eq!(first, Delivered { sent: 10, ..Delivered::default() });
    assert_eq!(second, Delivered::default());
    assert_eq!(office.sink.taken().len(), 10);
    office.clock.advance(Duration::from_hours(1));
    assert_eq!(worker.run_once().await.unwrap().sent, 1);
}

#[tokio::test]
async fn a_crash_between_sending_and_settling_sends_again_with_the_same_id() {
    let office = Office::open().await;
    let ids = office.post(0..1, Duration::ZERO).await;
    let doomed = office.worker(Stuck(office.sink.clone()));
    let attempt = tokio::spawn(async move { doomed.run_once().await });
    while office.sink.taken().is_empty() {
        tokio::task::yield_now().await;
    }
    attempt.abort();
    assert!(attempt.await.unwrap_err().is_cancelled());

    let worker = office.worker(office.sink.clone());
    let during_the_lease = worker.run_once().await.unwrap();
    office.clock.advance(WorkerOptions::default().attempt * 2);
    let after_it = worker.run_once().await.unwrap();

    assert_eq!(during_the_lease, Delivered::default());
    assert_eq!(after_it.sent, 1);
    let sent: Vec<MessageId> = office.sink.taken().iter().map(|message| message.id).collect();
    assert_eq!(sent, [ids[0], ids[0]]);
    assert!(matches!(office.states().await[..], [MessageState::Sent { .. }]));
}

#[tokio::test]
async fn what_is_not_taken_climbs_the_ladder_and_dies_on_top() {
    let office = Office::open().await;
    office.post(0..1, Duration::ZERO).await;
    let worker = office.worker(office.sink.clone());
    let refusal = || Undelivered::Temporary("451 not now".to_owned());
    for wait in RETRY_DELAYS {
        office.sink.refuse_next(vec![refusal()]);
        assert_eq!(worker.run_once().await.unwrap().put_off, 1);
        let almost = wait.checked_sub(Duration::from_secs(1)).unwrap();
        office.clock.advance(almost);
        assert_eq!(worker.run_once().await.unwrap(), Delivered::default());
        office.clock.advance(Duration::from_secs(1));
    }
    office.sink.refuse_next(vec![refusal()]);

    assert_eq!(worker.run_once().await.unwrap().dead, 1);

    let states = office.states().await;
    let [MessageState::Dead { error, .. }] = &states[..] else { panic!("{states:?}") };
    assert_eq!(error, "451 not now");
    assert!(office.sink.taken().is_empty());
}

#[tokio::test]
async fn a_letter_goes_to_the_address_of_the_moment_it_leaves() {
    let office = Office::open().await;
    office.post(0..1, Duration::from_hours(1)).await;
    let worker = office.worker(office.sink.clone());
    office.change(|mira| mira.email = Some("mira.new@northwind.example".to_owned())).await;
    office.clock.advance(Duration::from_hours(1));
    office.sink.refuse_next(vec![Undelivered::Temporary("451 not now".to_owned())]);

    assert_eq!(worker.run_once().await.unwrap().put_off, 1);
    office.change(|mira| mira.email = Some("mira.newer@northwind.example".to_owned())).await;
    office.clock.advance(RETRY_DELAYS[0]);
    assert_eq!(worker.run_once().await.unwrap().sent, 1);

    let taken = office.sink.taken();
    assert_eq!(taken[0].address.as_deref(), Some("mira.newer@northwind.example"));
    let mut tx = office.store.read(office.org).await.unwrap();
    let posted = outbox::list(&mut tx, None, 10).await.unwrap().remove(0);
    assert_eq!(posted.message.address.as_deref(), Some("mira.newer@northwind.example"));
}

#[tokio::test]
async fn who_has_left_gets_no_letter_and_the_outbox_says_why() {
    let office = Office::open().await;
    office.post(0..1, Duration::ZERO).await;
    office.post(1..2, Duration::from_hours(1)).await;
    let worker = office.worker(office.sink.clone());
    office.sink.refuse_next(vec![Undelivered::Temporary("451 not now".to_owned())]);
    assert_eq!(worker.run_once().await.unwrap().put_off, 1);

    office.change(|mira| mira.active = false).await;
    office.clock.advance(Duration::from_hours(24));
    let delivered = worker.run_once().await.unwrap();

    assert_eq!(delivered, Delivered { dropped: 2, ..Delivered::default() });
    assert!(office.sink.taken().is_empty());
    for state in office.states().await {
        let MessageState::Dropped { reason, .. } = &state else { panic!("{state:?}") };
        assert_eq!(reason, "not sent: the person does not work here any more");
    }
}

#[tokio::test]
async fn who_has_no_address_gets_a_letter_once_they_have_one() {
    let office = Office::open().await;
    office.change(|mira| mira.email = None).await;
    office.post(0..1, Duration::ZERO).await;
    office.post(1..2, Duration::from_hours(1)).await;
    let worker = office.worker(office.sink.clone());
    assert_eq!(worker.run_once().await.unwrap().dropped, 1);

    office.change(|mira| mira.email = Some("mira@northwind.example".to_owned())).await;
    office.clock.advance(Duration::from_hours(1));

    assert_eq!(worker.run_once().await.unwrap().sent, 1);
    let states = office.states().await;
    assert!(
        matches!(&states[0], MessageState::Dropped { reason, .. }
            if reason == "not sent: the person has no e-mail address"),
        "{states:?}"
    );
}

#[tokio::test]
async fn a_message_that_will_never_be_taken_is_given_up_at_once() {
    let office = Office::open().await;
    office.post(0..2, Duration::ZERO).await;
    office.sink.refuse_next(vec![Undelivered::Permanent("550 no such person".to_owned())]);

    let delivered = office.worker(office.sink.clone()).run_once().await.unwrap();

    assert_eq!(delivered, Delivered { sent: 1, dead: 1, ..Delivered::default() });
    assert_eq!(office.subjects(), ["message 1"]);
}

#[tokio::test]
async fn a_stopped_worker_finishes_what_it_began() {
    /// Takes a message only when it is let.
    struct Gate(Sink, Arc<tokio::sync::Semaphore>);
    impl Transport for Gate {
        async fn send(&self, message: &Message) -> Result<(), Undelivered> {
            let _turn = self.1.acquire().await.unwrap();
            self.0.send(message).await
        }
    }

    let office = Office::open().await;
    office.post(0..5, Duration::ZERO).await;
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let worker = office.worker(Gate(office.sink.clone(), gate.clone()));
    let running = tokio::spawn(worker.run(async { drop(stopped.await) }));
    // Claimed is what is not due any more: wait for the three that it may have on their way.
    let due = async || {
        let mut tx = office.store.read(office.org).await.unwrap();
        let posted = outbox::list(&mut tx, None, 100).await.unwrap();
        posted.iter().filter(|posted| posted.attempts == 0).count()
    };
    while due().await > 2 {
        tokio::task::yield_now().await;
    }

    stop.send(()).unwrap();
    gate.add_permits(100);
    running.await.unwrap();

    assert_eq!(office.subjects().len(), 3);
    let sent = office.states().await.into_iter().filter(|state| *state != MessageState::Pending);
    assert_eq!(sent.count(), 3);
}

#[tokio::test]
async fn a_running_worker_never_has_more_on_their_way_than_allowed() {
    /// Remembers how many it had at the same moment.
    #[derive(Default)]
    struct Crowd {
        now: std::sync::atomic::AtomicU32,
        most: std::sync::atomic::AtomicU32,
        sink: Sink,
    }
    impl Transport for Arc<Crowd> {
        async fn send(&self, message: &Message) -> Result<(), Undelivered> {
            use std::sync::atomic::Ordering::SeqCst;
            let now = self.now.fetch_add(1, SeqCst) + 1;
            self.most.fetch_max(now, SeqCst);
            tokio::task::yield_now().await;
            self.now.fetch_sub(1, SeqCst);
            self.sink.send(message).await
        }
    }

    let office = Office::open().await;
    office.post(0..20, Duration::ZERO).await;
    let crowd = Arc::new(Crowd { sink: office.sink.clone(), ..Crowd::default() });
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let worker = office.worker(Arc::clone(&crowd));
    let running = tokio::spawn(worker.run(async { drop(stopped.await) }));
    while office.sink.taken().len() < 20 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    stop.send(()).unwrap();
    running.await.unwrap();

    assert!(crowd.most.load(std::sync::atomic::Ordering::SeqCst) <= 3);
    assert_eq!(office.sink.taken().len(), 20);
}
