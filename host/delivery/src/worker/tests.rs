use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst};

use chrono::TimeZone;
use uuid::Uuid;
use waypost_domain::fields::Fields;
use waypost_domain::ids::{MessageId, OrgId, PersonId, TeamId};
use waypost_domain::message::{DeliveryChannel, MessageState, ToldAs};
use waypost_domain::organization::{OrgKind, OrgSettings, Organization};
use waypost_domain::person::Person;
use waypost_domain::role::Role;
use waypost_domain::team::Team;
use waypost_store::{StoreOptions, organization, person, testing};

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

/// Takes a message only when it is let, and knows how many wait for that.
#[derive(Clone)]
struct Gate {
    sink: Sink,
    turns: Arc<tokio::sync::Semaphore>,
    came: Arc<AtomicUsize>,
}

impl Gate {
    fn before(sink: Sink) -> Self {
        let turns = Arc::new(tokio::sync::Semaphore::new(0));
        Self { sink, turns, came: Arc::new(AtomicUsize::new(0)) }
    }

    async fn have_come(&self, many: usize) {
        while self.came.load(SeqCst) < many {
            tokio::task::yield_now().await;
        }
    }
}

impl Transport for Gate {
    async fn send(&self, message: &Message) -> Result<(), Undelivered> {
        self.came.fetch_add(1, SeqCst);
        self.turns.acquire().await.unwrap().forget();
        self.sink.send(message).await
    }
}

/// A worker that runs until it is stopped.
struct Running {
    stop: tokio::sync::oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
    }
}

fn start<C: Transport>(worker: Worker<C>) -> Running {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    Running { stop, task: tokio::spawn(worker.run(async { drop(stopped.await) })) }
}

struct Office {
    store: Store,
    clock: Arc<Hand>,
    org: OrgId,
    sink: Sink,
}

impl Office {
    async fn open() -> Self {
        Self::waiting_for(StoreOptions::default().wait).await
    }

    /// One whose database is busy for whoever has waited so long.
    async fn waiting_for(wait: Duration) -> Self {
        let options = StoreOptions { wait, ..StoreOptions::default() };
        let store = Store::connect("sqlite::memory:", &options).await.unwrap();
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

    /// Makes a provider with an agent, and posts a message to them.
    async fn post_elsewhere(&self) -> OrgId {
        let now = self.clock.now();
        let org = OrgId(Uuid::from_u128(11));
        let mut tx = self.store.system().await.unwrap();
        let platform = organization::list(&mut tx).await.unwrap().remove(0);
        drop(tx);
        let mut tx = self.store.read(self.org).await.unwrap();
        let own = waypost_store::team::list(&mut tx).await.unwrap().remove(0);
        let mira = person::find(&mut tx, PersonId(Uuid::from_u128(3))).await.unwrap().unwrap();
        drop(tx);
        let team = Team { id: TeamId(Uuid::from_u128(12)), org, ..own };
        let provider = Organization {
            id: org,
            parent: Some(self.org),
            kind: OrgKind::Provider,
            key: "provider".parse().unwrap(),
            settings: OrgSettings::new(team.id),
            ..platform
        };
        let nora = Person { id: PersonId(Uuid::from_u128(13)), org, ..mira };
        let message = Message {
            id: MessageId(Uuid::from_u128(50)),
            org,
            person: nora.id,
            send_at: now,
            created_at: now,
            ticket: None,
            told_as: [ToldAs::Named].into(),
            after_end: false,
            channel: DeliveryChannel::Mail,
            address: None,
            subject: "elsewhere".to_owned(),
            body: "Hello.".to_owned(),
            link: None,
            dedupe_key: "elsewhere".to_owned(),
        };
        let mut tx = self.store.system().await.unwrap();
        organization::create(&mut tx, &provider, &team).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = self.store.write(org).await.unwrap();
        person::insert(&mut tx, &nora).await.unwrap();
        outbox::enqueue_many(&mut tx, &[message]).await.unwrap();
        tx.commit().await.unwrap();
        org
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
            link: None,
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

    /// The outbox, in the order in which it was filled.
    async fn posted(&self) -> Vec<Posted> {
        let mut tx = self.store.read(self.org).await.unwrap();
        let mut posted = outbox::list(&mut tx, None, 100).await.unwrap();
        posted.reverse();
        posted
    }

    async fn states(&self) -> Vec<MessageState> {
        self.posted().await.into_iter().map(|posted| posted.state).collect()
    }

    /// Waits until so many messages are settled.
    async fn have_been_settled(&self, many: usize) {
        let settled = async || {
            let states = self.states().await;
            states.iter().filter(|state| **state != MessageState::Pending).count()
        };
        while settled().await < many {
            tokio::task::yield_now().await;
        }
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
async fn a_stopped_worker_settles_what_it_began_and_gives_back_the_rest() {
    let office = Office::open().await;
    office.post(0..5, Duration::ZERO).await;
    let gate = Gate::before(office.sink.clone());
    let running = start(office.worker(gate.clone()));
    gate.have_come(3).await;
    assert!(office.posted().await.iter().all(|posted| posted.attempts == 1), "all are claimed");

    gate.turns.add_permits(100);
    running.stop().await;

    assert_eq!(office.subjects(), ["message 0", "message 1", "message 2"]);
    let posted = office.posted().await;
    assert!(posted[..3].iter().all(|posted| matches!(posted.state, MessageState::Sent { .. })));
    for rest in &posted[3..] {
        assert_eq!((&rest.state, rest.attempts), (&MessageState::Pending, 0));
        assert_eq!(rest.next_attempt_at, office.clock.now(), "due at once");
    }
    assert_eq!(office.worker(office.sink.clone()).run_once().await.unwrap().sent, 2);
}

#[tokio::test]
async fn what_was_settled_by_somebody_else_holds_up_nothing_of_its_batch() {
    let office = Office::open().await;
    let ids = office.post(0..3, Duration::ZERO).await;
    let gate = Gate::before(office.sink.clone());
    let running = start(office.worker(gate.clone()));
    gate.have_come(3).await;
    let mut tx = office.store.system().await.unwrap();
    let fate =
        Fate::Dead { address: "elsewhere@northwind.example".to_owned(), error: "550".into() };
    let settled = [Ended { org: office.org, message: ids[1], fate }];
    let before = outbox::settle_many(&mut tx, &settled, office.clock.now()).await.unwrap();
    assert!(before.is_empty());
    tx.commit().await.unwrap();

    gate.turns.add_permits(3);
    office.have_been_settled(3).await;
    running.stop().await;

    let posted = office.posted().await;
    assert!(matches!(posted[0].state, MessageState::Sent { .. }));
    assert!(matches!(posted[1].state, MessageState::Dead { .. }));
    assert_eq!(posted[1].message.address.as_deref(), Some("elsewhere@northwind.example"));
    assert!(matches!(posted[2].state, MessageState::Sent { .. }));
}

#[tokio::test]
async fn what_ends_together_is_settled_together() {
    let office = Office::open().await;
    office.post(0..40, Duration::ZERO).await;
    let gate = Gate::before(office.sink.clone());
    let options = WorkerOptions { at_once: 20, ..WorkerOptions::default() };
    let before = office.store.stats();
    let running = start(Worker { options, ..office.worker(gate.clone()) });
    gate.have_come(20).await;
    gate.turns.add_permits(40);
    office.have_been_settled(40).await;
    running.stop().await;

    let asked = office.store.stats().since(before);
    assert!(asked.commits <= 10, "{asked:?} for 40 messages");
}

#[tokio::test]
async fn a_slow_conversation_holds_up_nobody_else() {
    /// Lets everything pass at once but the first message.
    struct Slow(Gate);
    impl Transport for Slow {
        async fn send(&self, message: &Message) -> Result<(), Undelivered> {
            if message.subject == "message 0" {
                return self.0.send(message).await;
            }
            self.0.sink.send(message).await
        }
    }

    let office = Office::open().await;
    // More than are claimed at once.
    office.post(0..90, Duration::ZERO).await;
    let gate = Gate::before(office.sink.clone());
    let running = start(office.worker(Slow(gate.clone())));

    office.have_been_settled(89).await;

    assert_eq!(office.states().await[0], MessageState::Pending);
    gate.turns.add_permits(1);
    running.stop().await;
    assert!(matches!(office.states().await[0], MessageState::Sent { .. }));
    assert_eq!(office.sink.taken().len(), 90);
}

#[tokio::test]
async fn a_crash_sends_again_what_was_on_its_way_and_loses_nothing() {
    let office = Office::open().await;
    let ids = office.post(0..8, Duration::ZERO).await;
    let doomed = start(office.worker(Stuck(office.sink.clone())));
    while office.sink.taken().len() < 3 {
        tokio::task::yield_now().await;
    }
    doomed.task.abort();
    assert!(doomed.task.await.unwrap_err().is_cancelled());

    let worker = office.worker(office.sink.clone());
    assert_eq!(worker.run_once().await.unwrap(), Delivered::default(), "all are claimed");
    office.clock.advance(WorkerOptions::default().attempt * 2);
    assert_eq!(worker.run_once().await.unwrap().sent, 8);

    let sent: Vec<MessageId> = office.sink.taken().iter().map(|message| message.id).collect();
    assert_eq!(sent[..3], ids[..3]);
    assert_eq!(sent[3..], ids[..]);
}

#[tokio::test]
async fn several_workers_send_everything_once() {
    let office = Office::open().await;
    let ids = office.post(0..90, Duration::ZERO).await;
    let workers: Vec<_> = (0..3).map(|_| start(office.worker(office.sink.clone()))).collect();

    office.have_been_settled(90).await;
    for running in workers {
        running.stop().await;
    }

    let mut sent: Vec<MessageId> = office.sink.taken().iter().map(|message| message.id).collect();
    sent.sort_unstable();
    assert_eq!(sent, ids);
}

#[tokio::test]
async fn what_waited_for_its_place_too_long_is_claimed_anew() {
    let office = Office::open().await;
    office.post(0..5, Duration::ZERO).await;
    let gate = Gate::before(office.sink.clone());
    let running = start(office.worker(gate.clone()));
    gate.have_come(3).await;
    // There is still a lease, but not enough for an attempt as long as it may be.
    office.clock.advance(WorkerOptions::default().attempt + Duration::from_secs(1));

    gate.turns.add_permits(5);
    office.have_been_settled(5).await;
    running.stop().await;

    assert_eq!(office.sink.taken().len(), 5);
    assert!(office.posted().await.iter().all(|posted| posted.attempts == 1));
}

#[tokio::test]
async fn who_leaves_while_their_letter_waits_for_its_place_gets_none() {
    let office = Office::open().await;
    office.post(0..5, Duration::ZERO).await;
    let gate = Gate::before(office.sink.clone());
    let running = start(office.worker(gate.clone()));
    gate.have_come(3).await;

    office.change(|mira| mira.active = false).await;
    gate.turns.add_permits(5);
    office.have_been_settled(5).await;
    running.stop().await;

    assert_eq!(office.sink.taken().len(), 3);
    let states = office.states().await;
    assert!(states[3..].iter().all(|state| matches!(state, MessageState::Dropped { .. })));
}

#[tokio::test]
async fn a_running_worker_never_has_more_on_their_way_than_allowed() {
    /// Remembers how many it had at the same moment.
    #[derive(Default)]
    struct Crowd {
        now: AtomicU32,
        most: AtomicU32,
        sink: Sink,
    }
    impl Transport for Arc<Crowd> {
        async fn send(&self, message: &Message) -> Result<(), Undelivered> {
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
    let running = start(office.worker(Arc::clone(&crowd)));
    office.have_been_settled(20).await;
    running.stop().await;

    assert!(crowd.most.load(SeqCst) <= 3);
    assert_eq!(office.sink.taken().len(), 20);
}

#[tokio::test]
async fn what_cannot_be_read_of_one_organization_holds_up_no_other() {
    let office = Office::open().await;
    office.post_elsewhere().await;
    office.post(0..2, Duration::ZERO).await;
    let mut tx = office.store.system().await.unwrap();
    testing::execute(&mut tx, "update people set zone = 'nowhere' where org_id <> (select id from organizations where kind = 'platform')")
        .await
        .unwrap();
    tx.commit().await.unwrap();

    let delivered = office.worker(office.sink.clone()).run_once().await.unwrap();

    assert_eq!(delivered, Delivered { sent: 2, ..Delivered::default() });
    assert_eq!(office.subjects(), ["message 0", "message 1"]);
}

#[tokio::test]
async fn messages_of_all_organizations_are_settled_together() {
    let office = Office::open().await;
    office.post_elsewhere().await;
    office.post(0..2, Duration::ZERO).await;
    let before = office.store.stats();

    let delivered = office.worker(office.sink.clone()).run_once().await.unwrap();

    assert_eq!(delivered.sent, 3);
    let asked = office.store.stats().since(before);
    // Twice it is asked what is due, and once settled.
    assert!(asked.commits <= 3, "{asked:?}");
}

#[tokio::test]
async fn what_was_sent_is_settled_as_soon_as_the_database_can() {
    let office = Office::waiting_for(Duration::from_millis(30)).await;
    office.post(0..1, Duration::ZERO).await;
    let gate = Gate::before(office.sink.clone());
    let running = start(office.worker(gate.clone()));
    gate.have_come(1).await;
    let held = office.store.write(office.org).await.unwrap();
    gate.turns.add_permits(1);
    while office.sink.taken().is_empty() {
        tokio::task::yield_now().await;
    }
    // Whoever asked before has given up by then.
    for _ in 0..3 {
        let busy = office.store.write(office.org).await.unwrap_err();
        assert!(matches!(busy, StoreError::Busy), "{busy:?}");
    }
    drop(held);

    office.have_been_settled(1).await;
    running.stop().await;

    assert!(matches!(office.states().await[0], MessageState::Sent { .. }));
    assert_eq!(office.sink.taken().len(), 1);
}
