//! What each statement reads is bounded by what it returns, and not by what a tenant, or all of
//! them, have. Two sizes of the same database: the counts of the server are compared, never time.

use serde_json::json;
use sqlx::postgres::PgConnection;
use uuid::Uuid;
use wenzhen::consultations::store::{self as consultations, prune_idempotency_keys};
use wenzhen::consultations::{GenerateReport, Listing, NewAnswers, Place, UrgencyFilter, answers};
use wenzhen::identity::{Caller, Role, Scope, TenantId, UserId};
use wenzhen::jobs::claim::{ClaimRequest, claim};
use wenzhen::jobs::dead_letters::{self, RedriveRequest, prune_quarantine};
use wenzhen::jobs::outbox::take_due_rows;
use wenzhen::jobs::store::{self as jobs, Enqueued, JobFilter};
use wenzhen::jobs::{JobMessage, NewJob, transition};
use wenzhen::locale::Locale;
use wenzhen::page::Page;
use wenzhen::realtime::events;
use wenzhen::triage::{self, Urgency};
use wenzhen::uploads::store as uploads;
use wenzhen::users::store as users;

use super::{KINDS, create_job};
use crate::support::growth::{Reads, Size, fill, reads_of};
use crate::support::own_database;

const SMALL: Size = Size {
    jobs: 2_000,
    tenants: 1_000,
    records: 2_000,
};

const LARGE: Size = Size {
    jobs: 100_000,
    tenants: 10_000,
    records: 20_000,
};

/// What the deeper trees of a database that is fifty times as large may add to the blocks.
const MAX_BLOCK_RATIO: i64 = 2;

/// Index entries that the planner may read to know the least and greatest value of a column.
const FREE_ROWS: i64 = 200;

/// Blocks that a statement may read besides, such as those of a visibility map.
const FREE_BLOCKS: i64 = 64;

/// A statement by the name of what it does, and what it has read.
struct Measured {
    name: &'static str,
    reads: Reads,
}

struct Measurements<'a> {
    connection: &'a mut PgConnection,
    all: Vec<Measured>,
}

impl Measurements<'_> {
    async fn add(&mut self, name: &'static str, work: impl AsyncFnOnce(&mut PgConnection)) {
        let reads = reads_of(self.connection, work).await;
        self.all.push(Measured { name, reads });
    }
}

fn tenant(id: &str) -> TenantId {
    TenantId::try_from(id.to_owned()).unwrap()
}

fn user(id: &str) -> UserId {
    UserId::try_from(id.to_owned()).unwrap()
}

/// The first analysis of the tenant `big`; its consultation has the same id.
fn analysis() -> Uuid {
    "01900000-0001-7000-8000-000000000001".parse().unwrap()
}

fn message(tenant_id: &str, job: &str) -> JobMessage {
    JobMessage {
        tenant_id: tenant(tenant_id),
        job_id: job.parse().unwrap(),
        kind: "analyze".to_owned(),
        traceparent: None,
    }
}

/// With plans for the values of each call, and with those that a connection makes after some calls
/// for any values.
const PLANS: [&str; 2] = [
    "SET plan_cache_mode = force_custom_plan",
    "SET plan_cache_mode = force_generic_plan",
];

async fn measure(connection: &mut PgConnection, size: Size) -> Vec<Measured> {
    fill(connection, size).await;
    let mut measurements = Measurements {
        connection,
        all: Vec::new(),
    };
    for plans in PLANS {
        let set = sqlx::raw_sql(plans).execute(&mut *measurements.connection);
        set.await.unwrap();

        measure_sweep(&mut measurements).await;
        measure_redrive(&mut measurements).await;
        measure_jobs(&mut measurements).await;
        measure_lists(&mut measurements).await;
        measure_verification(&mut measurements).await;
        measure_pruning(&mut measurements).await;
    }
    measurements.all
}

/// A sweep that begins behind a tenant, how many rows it takes there, and whether it stops before
/// the last tenant.
struct Sweep {
    name: &'static str,
    after: &'static str,
    due: usize,
    is_stopped: bool,
}

#[rustfmt::skip]
const SWEEPS: [Sweep; 3] = [
    Sweep { name: "sweep: many tenants are due", after: "", due: 100, is_stopped: true },
    Sweep { name: "sweep: one tenant is due", after: "due-~", due: 100, is_stopped: true },
    Sweep { name: "sweep: none is due", after: "flood", due: 0, is_stopped: true },
];

async fn measure_sweep(measurements: &mut Measurements<'_>) {
    for sweep in &SWEEPS {
        let take = async |connection: &mut PgConnection| {
            let round = take_due_rows(connection, sweep.after).await.unwrap();
            let is_stopped = round.last_tenant.is_some();
            assert_eq!(
                (round.due, is_stopped),
                (sweep.due, sweep.is_stopped),
                "{}",
                sweep.name
            );
        };
        measurements.add(sweep.name, take).await;
    }
}

/// A redrive of up to 50 jobs of a tenant, and its result.
struct Redrive {
    name: &'static str,
    tenant: &'static str,
    kind: Option<&'static str>,
    redriven: usize,
    remaining: i64,
}

const REPORTS: Option<&str> = Some("generate_report");

const REDRIVES: [Redrive; 4] = [
    Redrive {
        name: "redrive",
        tenant: "big",
        kind: None,
        redriven: 25,
        remaining: 0,
    },
    Redrive {
        name: "redrive: a kind",
        tenant: "big",
        kind: REPORTS,
        redriven: 25,
        remaining: 0,
    },
    Redrive {
        name: "redrive: all failed",
        tenant: "failed",
        kind: None,
        redriven: 50,
        remaining: 1_000,
    },
    Redrive {
        name: "redrive: no such kind",
        tenant: "failed",
        kind: REPORTS,
        redriven: 0,
        remaining: 0,
    },
];

async fn measure_redrive(measurements: &mut Measurements<'_>) {
    for case in &REDRIVES {
        let tenant = tenant(case.tenant);
        let redrive = async |connection: &mut PgConnection| {
            let request = RedriveRequest {
                tenant: &tenant,
                kind: case.kind,
                limit: 50,
            };
            let redriven = dead_letters::redrive(connection, request).await.unwrap();
            assert_eq!(redriven.messages.len(), case.redriven, "{}", case.name);
            assert_eq!(redriven.remaining, case.remaining, "{}", case.name);
        };
        measurements.add(case.name, redrive).await;
    }
}

async fn measure_jobs(measurements: &mut Measurements<'_>) {
    let big = tenant("big");
    let scope = Scope {
        tenant: &big,
        owner: None,
    };
    let waiting = message("flood", "01900000-0006-7000-8000-000000000001");

    let create = async |connection: &mut PgConnection| {
        create_job(connection, "big", json!({ "symptoms": "a cough" })).await;
    };
    measurements.add("create", create).await;

    let (owner, payload) = (
        user("user-1"),
        GenerateReport {
            consultation_id: analysis(),
        },
    );
    let report = NewJob::new(&big, &owner, Locale::En, &payload).unwrap();
    let report = report.deduplicate_by("one-key".to_owned());
    let enqueue_twice = async |connection: &mut PgConnection| {
        for is_new in [true, false] {
            let enqueued = jobs::enqueue(connection, &report).await.unwrap();
            assert_eq!(matches!(enqueued, Enqueued::New(_)), is_new);
        }
    };
    measurements.add("enqueue twice", enqueue_twice).await;

    let get = async |connection: &mut PgConnection| {
        jobs::get(connection, scope, analysis()).await.unwrap();
    };
    measurements.add("get a job", get).await;

    let claim_one = async |connection: &mut PgConnection| {
        let requests = [ClaimRequest::from(&waiting)];
        claim(connection, &requests, KINDS).await.unwrap();
    };
    measurements.add("claim", claim_one).await;

    let cancel = async |connection: &mut PgConnection| {
        let scope = Scope {
            tenant: &waiting.tenant_id,
            owner: None,
        };
        let cancelled = transition::cancel(connection, scope, waiting.job_id).await;
        cancelled.unwrap();
    };
    measurements.add("cancel", cancel).await;

    let process = async |connection: &mut PgConnection| {
        dead_letters::process(connection, &waiting).await.unwrap();
    };
    measurements.add("dead letter", process).await;
}

async fn measure_lists(measurements: &mut Measurements<'_>) {
    let (big, many, none) = (tenant("big"), user("user-1"), user("user-2"));
    let page = Page {
        limit: 20,
        after: None,
    };

    let lists = [
        ("list of a tenant", None, 21),
        ("list of a user", Some(&many), 21),
        ("list of a user without any", Some(&none), 0),
    ];
    for (name, owner, count) in lists {
        let scope = Scope {
            tenant: &big,
            owner,
        };
        let list = async |connection: &mut PgConnection| {
            let rows = consultations::list(connection, scope, Listing::Newest(page))
                .await
                .unwrap();
            assert_eq!(rows.len(), count, "{name}");
        };
        measurements.add(name, list).await;
    }
    measure_urgencies(measurements, &big).await;

    for (name, filter) in [
        ("list of all jobs", JobFilter::All),
        ("list of failed jobs", JobFilter::Failed),
    ] {
        let list = async |connection: &mut PgConnection| {
            let rows = jobs::list(connection, &big, filter, page).await.unwrap();
            assert_eq!(rows.len(), 21, "{name}");
        };
        measurements.add(name, list).await;
    }

    let person = Caller {
        tenant: tenant("big"),
        user: user("user-1"),
        role: Role::Patient,
    };
    let list_uploads = async |connection: &mut PgConnection| {
        let rows = uploads::list(connection, &person, page).await.unwrap();
        assert_eq!(rows.len(), 21);
    };
    measurements.add("uploads of a person", list_uploads).await;
    measure_consultation(measurements, &big).await;

    let list_users = async |connection: &mut PgConnection| {
        let page = Page {
            limit: 20,
            after: None,
        };
        let listed = users::list(connection, &big, &page).await.unwrap();
        let shown = users::with_consultations(connection, &big, listed).await;
        assert_eq!(shown.unwrap().len(), 21);
    };
    measurements
        .add("users with consultations", list_users)
        .await;
}

/// What is read and written of one.
async fn measure_consultation(measurements: &mut Measurements<'_>, tenant: &TenantId) {
    let scope = Scope {
        tenant,
        owner: None,
    };

    let answer = async |connection: &mut PgConnection| {
        let new = confirm_first_question();
        let answered = answers::record(connection, scope, analysis(), &new).await;
        answered.unwrap();
    };
    measurements.add("answer a question", answer).await;

    let get = async |connection: &mut PgConnection| {
        consultations::get(connection, scope, analysis())
            .await
            .unwrap();
    };
    measurements.add("get a consultation", get).await;
    measure_events(measurements, tenant).await;

    let earlier = async |connection: &mut PgConnection| {
        let now = consultations::get(connection, scope, analysis()).await;
        let earlier =
            consultations::earlier_of_same_patient(connection, tenant, &now.unwrap()).await;
        earlier.unwrap();
    };
    measurements
        .add("earlier consultations of a patient", earlier)
        .await;
}

const fn page_behind<C>(after: Option<C>) -> Page<C> {
    Page { limit: 20, after }
}

/// Every fiftieth consultation is an emergency; the others are routine.
async fn measure_urgencies(measurements: &mut Measurements<'_>, tenant: &TenantId) {
    let scope = Scope {
        tenant,
        owner: None,
    };
    let last_emergency = Some("01900000-0001-7000-8000-000000000032");
    let earlier = Some("01900000-0001-7000-8000-000000000400");
    let (emergency, routine) = (Urgency::Emergency, Urgency::Routine);
    let of = |urgency, place| list_of(Some(urgency), false, place);
    let by_urgency = |place| list_of(None, false, place);
    let to_review = |urgency, place| list_of(urgency, true, place);

    #[rustfmt::skip]
    let lists = [
        ("the most urgent", by_urgency((emergency, None)), 21),
        ("the next urgency", by_urgency((emergency, last_emergency)), 21),
        ("emergencies", of(emergency, (emergency, None)), 21),
        ("earlier ones of an urgency", of(routine, (routine, earlier)), 21),
        ("an urgency that nobody has", of(Urgency::Urgent, (Urgency::Urgent, None)), 0),
        ("to be reviewed", to_review(None, (emergency, None)), 21),
        ("the next urgency to be reviewed", to_review(None, (emergency, last_emergency)), 21),
        ("routine to be reviewed", to_review(Some(routine), (routine, None)), 21),
        ("none to be reviewed", to_review(Some(Urgency::Urgent), (Urgency::Urgent, None)), 0),
    ];
    for (name, listing, count) in lists {
        let list = async |connection: &mut PgConnection| {
            let rows = consultations::list(connection, scope, listing).await;
            assert_eq!(rows.unwrap().len(), count, "{name}");
        };
        measurements.add(name, list).await;
    }
}

/// A list by urgency, from behind the consultation with this id, or from its beginning.
fn list_of(
    urgency: Option<Urgency>,
    is_to_review: bool,
    (place, id): (Urgency, Option<&str>),
) -> Listing {
    let filter = UrgencyFilter {
        urgency,
        is_to_review,
    };
    let after = id.map(|id| Place {
        filter,
        urgency: place,
        id: id.parse().unwrap(),
    });
    Listing::ByUrgency(filter, page_behind(after))
}

fn confirm_first_question() -> NewAnswers {
    let question = triage::checklist(None, None).next().unwrap();
    let body = json!({ "answers": { question.code: "yes" } });
    serde_json::from_value(body).unwrap()
}

/// The statement alone: the function's own commit would end the transaction that is measured.
async fn measure_verification(measurements: &mut Measurements<'_>) {
    let pending: Uuid = "01900000-0002-7000-8000-000000000001".parse().unwrap();
    let begin = async |connection: &mut PgConnection| {
        let sql = include_str!("../../shared/src/uploads/sql/begin_verification.sql");
        let begun = sqlx::query(sql)
            .bind("big")
            .bind(pending)
            .bind(60.0)
            .bind(uploads::MAX_VERIFICATIONS_OF_PERSON)
            .bind(uploads::MAX_VERIFICATIONS_OF_TENANT)
            .execute(connection)
            .await;
        assert_eq!(begun.unwrap().rows_affected(), 1);
    };
    measurements.add("begin a verification", begin).await;
}

/// One row of each table is to be pruned.
async fn measure_pruning(measurements: &mut Measurements<'_>) {
    let prune_keys = async |connection: &mut PgConnection| {
        assert_eq!(prune_idempotency_keys(connection).await.unwrap(), 1);
    };
    measurements.add("prune keys", prune_keys).await;

    let prune_messages = async |connection: &mut PgConnection| {
        assert_eq!(prune_quarantine(connection).await.unwrap(), 1);
    };
    measurements.add("prune quarantine", prune_messages).await;
}

/// The consultation of the first analysis has had many events.
async fn measure_events(measurements: &mut Measurements<'_>, tenant: &TenantId) {
    let scope = Scope {
        tenant,
        owner: None,
    };
    let last = async |connection: &mut PgConnection| {
        let last = events::last_event(connection, scope, analysis()).await;
        assert!(last.unwrap().id > 1_000);
    };
    measurements.add("last event", last).await;

    let page = async |connection: &mut PgConnection| {
        let page = events::after(connection, tenant, analysis(), 500).await;
        assert_eq!(page.unwrap().len(), events::PAGE_SIZE);
    };
    measurements.add("events after one", page).await;
}

/// In a database fifty times as large, no statement reads more rows for what it returns.
#[tokio::test]
async fn reads_do_not_grow_with_the_tables() {
    let mut own = own_database().await;
    let small = measure(&mut own.connection, SMALL).await;
    let large = measure(&mut own.connection, LARGE).await;
    own.remove().await;

    assert_eq!(small.len(), large.len());
    for (small, large) in small.iter().zip(&large) {
        let (name, before, after) = (small.name, small.reads, large.reads);
        assert!(
            after.rows <= before.rows + FREE_ROWS,
            "{name}: {before:?} {after:?}"
        );
        let max_blocks = before.blocks * MAX_BLOCK_RATIO + FREE_BLOCKS;
        assert!(after.blocks <= max_blocks, "{name}: {before:?} {after:?}");
    }
}
