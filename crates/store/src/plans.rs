//! Every question finds its rows by an index, in their order: nothing grows slower with the length of the history.

use std::path::Path;

use crate::link::{Fault, Link, Row, Value};
use crate::row::{
    CompositionFilter, CompositionStatus, HookFilter, IdentityOrId, NameOrId, Page, ParticipantFilter, ParticipantStatus,
    RecordedFile, RecordedKind, RecordingFilter, RecordingStatus, RoomFilter, RoomStatus, Write,
};
use crate::{apply, composition, read, recording};

/// Passes statements on, after a look at how SQLite would find the rows.
struct Explained<'a>(&'a mut dyn Link);

impl Explained<'_> {
    fn explain(&mut self, sql: &str, values: &[Value]) {
        let plan = self.0.rows(&format!("EXPLAIN QUERY PLAN {sql}"), values).expect("a plan");
        for step in plan {
            let step = step.text(3).expect("words");
            let sorts = step.contains("TEMP B-TREE");
            let reads_all =
                step.starts_with("SCAN") && !step.contains("COVERING INDEX events_waiting") && !step.contains("CONSTANT ROW");
            let reads_much = step.contains("(rowid>") || step.contains("(rowid<");
            assert!(!sorts && !reads_all && !reads_much, "{step}: {sql}");
        }
    }
}

impl Link for Explained<'_> {
    fn run(&mut self, sql: &str, values: &[Value]) -> Result<u64, Fault> {
        self.explain(sql, values);
        self.0.run(sql, values)
    }

    fn rows(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, Fault> {
        self.explain(sql, values);
        self.0.rows(sql, values)
    }

    fn along(&self, index: &str) -> String {
        self.0.along(index)
    }

    fn script(&mut self, sql: &str) -> Result<(), Fault> {
        self.0.script(sql)
    }

    fn begin(&mut self) -> Result<(), Fault> {
        self.0.begin()
    }

    fn commit(&mut self) -> Result<(), Fault> {
        self.0.commit()
    }

    fn rollback(&mut self) {
        self.0.rollback();
    }

    fn in_transaction(&self) -> bool {
        self.0.in_transaction()
    }

    fn begin_snapshot(&mut self) -> Result<(), Fault> {
        self.0.begin_snapshot()
    }

    fn steps_made(&mut self) -> Result<usize, Fault> {
        self.0.steps_made()
    }

    fn own_check(&mut self) -> Result<Vec<String>, Fault> {
        self.0.own_check()
    }

    fn copy_into(&mut self, path: &Path) -> Result<bool, Fault> {
        self.0.copy_into(path)
    }
}

const PAGES: [Page; 3] = [Page::First { size: 5 }, Page::After { place: 9, size: 5 }, Page::Before { place: 9, size: 5 }];

/// Looks at every statement that a running program sends. The link leads to an empty database.
pub(crate) fn check(link: &mut dyn Link) {
    let mut link = Explained(link);
    for made in 0..512 {
        let on = |bit: u32| made >> bit & 1 == 1;
        for page in PAGES {
            ask_lists(&mut link, &on, page).expect("an answer");
        }
    }
    ask_others(&mut link).expect("an answer");
    for write in writes() {
        let refused = apply::apply(&mut link, &write);
        assert!(refused.is_ok() || matches!(refused, Err(fault) if !fault.lost));
    }
    apply::forget(&mut link, 5, 5).expect("an answer");
    apply::forget_events(&mut link, 1, i64::MAX).expect("an answer");
}

fn ask_lists(link: &mut dyn Link, on: &dyn Fn(u32) -> bool, page: Page) -> Result<(), Fault> {
    let word = |bit| Some("x".to_owned()).filter(|_| on(bit));
    let (created_from_ms, created_before_ms) = (Some(1).filter(|_| on(2)), Some(2).filter(|_| on(3)));
    let status = Some(RoomStatus::Completed).filter(|_| on(0));
    read::rooms(link, "a", &RoomFilter { status, name: word(1), created_from_ms, created_before_ms }, page)?;
    let status = Some(ParticipantStatus::Connected).filter(|_| on(0));
    read::participants(link, 1, &ParticipantFilter { status, identity: word(1), created_from_ms, created_before_ms }, page)?;
    read::tracks(link, 1, page)?;
    let filter = RecordingFilter {
        status: Some(RecordingStatus::Deleted).filter(|_| on(0)),
        kind: Some(RecordedKind::Mix).filter(|_| on(4)),
        tracks_only: on(5),
        track: Some(1).filter(|_| on(6)),
        participant: Some(1).filter(|_| on(7)),
        room: Some(1).filter(|_| on(8)),
        room_name: word(1),
        created_from_ms,
        created_before_ms,
    };
    recording::list(link, "a", &filter, page)?;
    let status = Some(CompositionStatus::Deleted).filter(|_| on(0));
    let room = Some(1).filter(|_| on(4));
    let filter = CompositionFilter { status, room, room_name: word(1), created_from_ms, created_before_ms };
    composition::list(link, "a", &filter, page)?;
    let enabled = Some(true).filter(|_| on(0));
    composition::hooks(link, "a", &HookFilter { enabled, name: word(1), created_from_ms, created_before_ms }, page)?;
    read::events(link, "a", Some(1).filter(|_| on(4)), page).map(drop)
}

fn ask_others(link: &mut dyn Link) -> Result<(), Fault> {
    for which in [NameOrId::Name("a".into()), NameOrId::Id(1)] {
        read::room(link, "a", &which)?;
        read::track(link, 1, &which)?;
    }
    for who in [IdentityOrId::Identity("a".into()), IdentityOrId::Id(1)] {
        read::participant(link, 1, &who)?;
    }
    read::subscribe_rules(link, 1)?;
    read::recording_rules(link, 1)?;
    recording::one(link, "a", 1)?;
    recording::running(link)?;
    composition::one(link, "a", 1)?;
    composition::waiting(link, "a")?;
    composition::waiting_count(link, "a")?;
    composition::hook(link, "a", 1)?;
    composition::hook_by_name(link, "a", "b")?;
    read::setting(link, "a")?;
    read::due(link, 1, 1, &[])?;
    read::due(link, 1, 1, &["http://a".into(), "http://b".into()])?;
    read::next_due(link, 1).map(drop)
}

fn writes() -> Vec<Write> {
    let (at_ms, outcome) = (1, String::new());
    let left = ParticipantStatus::Disconnected;
    vec![
        Write::RoomEnded { room: 1, status: RoomStatus::Completed, at_ms },
        Write::Participant { participant: 1, status: left, at_ms },
        Write::Participant { participant: 1, status: ParticipantStatus::Connected, at_ms },
        Write::TrackRemoved { track: 1, at_ms },
        Write::RecordingFlows { recording: 1, at_ms, codec: outcome.clone(), offset_ms: 1 },
        Write::RecordingEnded {
            recording: 1,
            status: RecordingStatus::Completed,
            at_ms,
            file: RecordedFile::default(),
            why: outcome.clone(),
        },
        Write::RecordingDeleted { recording: 1, at_ms },
        Write::RecordingLost { recording: 1, at_ms, why: outcome.clone() },
        Write::CompositionStarted { composition: 1, at_ms },
        Write::CompositionProgress { composition: 1, at_ms, percent: 1 },
        Write::CompositionPutBack { composition: 1, at_ms },
        Write::CompositionCompleted { composition: 1, at_ms, duration_ms: 1, bytes: 1, why: outcome.clone() },
        Write::CompositionFailed { composition: 1, at_ms, why: outcome.clone() },
        Write::CompositionDeleted { composition: 1, at_ms },
        Write::HookDeleted { hook: 1 },
        Write::Anonymize { participant: 1, identity: "a".into(), parameter: "b".into(), at_ms },
        Write::Delivered { id: 1, at_ms, outcome: outcome.clone() },
        Write::Deferred { id: 1, next_ms: 2, outcome },
        Write::Alive { at_ms },
    ]
}
