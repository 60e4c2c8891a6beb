//! Recordings of the mix: begun, paused and stopped by whoever may, and what goes on as another.

use std::time::Duration;

use room::{
    Answer, Command, Definition, Event, Limits, LinkId, MixRecording, MixState, News, Permission, Permissions, Question,
    RecordAct, RecordNews, RecordingId, Refusal, Resume, RoomId, RoomKind, Rule, StageAct, StageSettings, Step, WhyStopped,
    limit,
};

use crate::party::{Party, offer};
use crate::stage::{definition, guest, hush, mix, part};
use crate::takes::{ended, offer_again, owned, report, set, taken, takes, words};

const SECOND: Duration = Duration::from_secs(1);

fn record(party: &mut Party, who: &str, act: RecordAct) -> Result<MixRecording, Refusal> {
    match party.act(who, Command::Stage(StageAct::Record(act)))? {
        Answer::Recording(recording) => Ok(recording),
        other => panic!("{other:?}"),
    }
}

/// What a member finds of the recordings of the mix.
fn states(party: &mut Party, who: &str) -> Vec<MixState> {
    match party.act(who, Command::Ask(Question::Recordings)) {
        Ok(Answer::Recordings(all)) => all.iter().map(|one| one.state).collect(),
        other => panic!("{other:?}"),
    }
}

/// Mo may do everything, gus what guests may.
fn two() -> Party {
    let mut party = Party::new(Limits::default());
    mix(&mut party, "mo", Permissions::ALL, part()).expect("a seat");
    mix(&mut party, "gus", guest(), part()).expect("a seat");
    hush(&mut party);
    party
}

#[test]
fn the_mix_is_recorded_paused_and_stopped_by_who_may() {
    let mut party = two();
    for act in [RecordAct::Start, RecordAct::Stop(RecordingId(1))] {
        assert_eq!(record(&mut party, "gus", act), Err(Refusal::NotPermitted));
    }
    assert_eq!(party.act("gus", Command::Ask(Question::Recordings)), Err(Refusal::NotPermitted));
    let one = record(&mut party, "mo", RecordAct::Start).unwrap();
    assert_eq!((one.state, one.ended, one.duration(party.now)), (MixState::Recording, None, Duration::ZERO));
    assert_eq!(party.media.take(), ["record the mix [running]"]);
    for who in ["mo", "gus"] {
        assert_eq!(party.heard(who), ["stage [Recordings]", "recording #2 on"]);
    }
    party.pass(SECOND * 5);
    hush(&mut party);
    assert_eq!(record(&mut party, "mo", RecordAct::Pause(one.id)).unwrap().state, MixState::Paused);
    party.pass(SECOND * 5);
    let paused = record(&mut party, "mo", RecordAct::Pause(one.id)).unwrap();
    assert_eq!(paused.duration(party.now), SECOND * 5, "pauses are left out");
    assert_eq!(party.heard("gus"), ["stage [Recordings]"], "a recording that is paused is one");
    record(&mut party, "mo", RecordAct::Resume(one.id)).unwrap();
    party.pass(SECOND * 2);
    let stopped = record(&mut party, "mo", RecordAct::Stop(one.id)).unwrap();
    assert_eq!((stopped.state, stopped.duration(party.now)), (MixState::Completed, SECOND * 7));
    assert_eq!((stopped.began, stopped.ended), (one.began, Some(party.now)));
    assert_eq!(party.media.take(), ["record the mix [paused]", "record the mix [running]", "record the mix []"]);
    assert_eq!(party.heard("gus"), ["stage [Recordings]", "stage [Recordings]", "recording #3 off"]);
    for act in [RecordAct::Stop(one.id), RecordAct::Pause(one.id), RecordAct::Resume(RecordingId(9))] {
        assert_eq!(record(&mut party, "mo", act), Err(Refusal::RecordingNotFound));
    }
    report(&mut party, one.id, ended(WhyStopped::Stopped));
    assert_eq!(words(&mut party).last().map(String::as_str), Some("ended: Stopped"));
    assert_eq!(states(&mut party, "mo"), [MixState::Completed]);
}

#[test]
fn several_recordings_of_the_mix_run_and_some_are_remembered() {
    let mut party = two();
    let all: Vec<_> = (0..limit::MIX_RECORDINGS_MAX).map(|_| record(&mut party, "mo", RecordAct::Start).unwrap().id).collect();
    assert_eq!(record(&mut party, "mo", RecordAct::Start), Err(Refusal::TooManyRecordings));
    report(&mut party, all[1], ended(WhyStopped::Disk));
    assert_eq!(party.media.take().last().map(String::as_str), Some("record the mix [running, running, running]"));
    assert_eq!(states(&mut party, "mo")[1], MixState::Completed);
    for _ in 0..limit::MIX_RECORDINGS_KEPT + 9 {
        let one = record(&mut party, "mo", RecordAct::Start).unwrap();
        record(&mut party, "mo", RecordAct::Stop(one.id)).unwrap();
    }
    // One more is forgotten with the next that begins.
    let kept = states(&mut party, "mo");
    assert_eq!(kept.iter().filter(|state| **state == MixState::Completed).count(), limit::MIX_RECORDINGS_KEPT + 1);
    assert_eq!(kept.iter().filter(|state| **state == MixState::Recording).count(), limit::MIX_RECORDINGS_MAX - 1);
}

#[test]
fn the_mix_is_made_as_long_as_it_is_recorded() {
    let mut party = two();
    party.join("tess", "den", &["v cam"]).unwrap();
    let room = party.people["mo"].joined.room;
    record(&mut party, "mo", RecordAct::Start).unwrap();
    party.act("gus", Command::Leave).unwrap();
    party.act("mo", Command::Leave).unwrap();
    let scene = &party.media.scenes[&room];
    assert_eq!((scene.cells.len(), scene.ears.len()), (1, 0), "nobody receives it");
    party.join("ted", "den", &["v cam"]).unwrap();
    assert_eq!(party.media.scenes[&room].cells.len(), 2);
    assert!(party.people["ted"].joined.recording.on);
    mix(&mut party, "max", Permissions::ALL, part()).unwrap();
    let [one] = party.people["max"].joined.stage.recordings[..] else { panic!("one") };
    party.media.take();
    party.act("max", Command::Leave).unwrap();
    assert!(!party.media.take().iter().any(|order| order.starts_with("record")), "it goes on");
    report(&mut party, one.id, ended(WhyStopped::Disk));
    assert_eq!(party.media.take(), ["record the mix []", "scene of 0"]);
    assert_eq!(party.heard("ted").last().map(String::as_str), Some("recording #3 off"));
}

#[test]
fn a_recording_of_the_mix_that_was_too_long_goes_on_as_another() {
    let mut party = two();
    let one = record(&mut party, "mo", RecordAct::Start).unwrap();
    party.media.take();
    report(&mut party, one.id, ended(WhyStopped::Long));
    assert_eq!(states(&mut party, "mo"), [MixState::Completed, MixState::Recording]);
    assert_eq!(party.media.take(), ["record the mix [running]"]);
    report(&mut party, one.id, ended(WhyStopped::Long));
    assert_eq!(states(&mut party, "mo").len(), 2, "once");
    let Ok(Answer::Recordings(all)) = party.act("mo", Command::Ask(Question::Recordings)) else { panic!("it may") };
    record(&mut party, "mo", RecordAct::Pause(all[1].id)).unwrap();
    report(&mut party, all[1].id, ended(WhyStopped::Long));
    assert_eq!(states(&mut party, "mo"), [MixState::Completed; 2], "what was paused just then ends");
}

#[test]
fn a_recording_of_the_mix_that_was_cut_off_goes_on_as_another() {
    let mut party = two();
    let cut = |party: &mut Party| {
        let Ok(Answer::Recordings(all)) = party.act("mo", Command::Ask(Question::Recordings)) else { panic!("it may") };
        report(party, all.last().expect("one").id, ended(WhyStopped::CutOff));
        states(party, "mo")
    };
    record(&mut party, "mo", RecordAct::Start).unwrap();
    assert_eq!(cut(&mut party), [MixState::Completed, MixState::Recording]);
    party.pass(limit::RETAKE_AFTER);
    assert_eq!(cut(&mut party), [MixState::Completed, MixState::Completed, MixState::Recording]);
    assert_eq!(cut(&mut party), [MixState::Completed; 3], "not again and again");
}

/// A room with tess, who keeps her seat over the restart that was.
fn restarted(mut party: Party) -> (Party, RoomId) {
    party.join("tess", "den", &["v cam"]).expect("a seat");
    let room = party.people["tess"].joined.room;
    (party.restarted(Limits::default()), room)
}

/// How many recordings of the mix are made.
fn running(party: &Party, room: RoomId) -> usize {
    party.media.mixes.get(&room).map_or(0, Vec::len)
}

#[test]
fn after_a_restart_a_recording_begun_by_hand_is_not_the_rooms_setting() {
    let by_hand = || {
        let mut party = two();
        record(&mut party, "mo", RecordAct::Start).unwrap();
        restarted(party)
    };
    let (mut party, room) = by_hand();
    let stage = party.rooms.save(party.now)[0].stage.clone();
    assert!(!stage.settings.record_on_start && stage.record);
    mix(&mut party, "mo", Permissions::ALL, part()).unwrap();
    assert_eq!((running(&party, room), states(&mut party, "mo")), (1, vec![MixState::Recording]), "it goes on");
    party.news("mo", News::Dead);
    party.act("mo", Command::Open { link: LinkId("again".into()), offer: offer(1) }).unwrap();
    assert_eq!(states(&mut party, "mo"), [MixState::Completed], "and ends with its last link, as without a restart");

    let (mut party, room) = by_hand();
    party.pass(Limits::default().session_timeout);
    assert!(party.rooms.by_name("den").is_none_or(|room| room.participants.is_empty()));
    mix(&mut party, "max", Permissions::ALL, part()).unwrap();
    assert_eq!(running(&party, room), 0, "whoever comes when all are gone is not recorded");
    assert_eq!(states(&mut party, "max"), []);
}

#[test]
fn a_room_whose_mix_is_recorded_waits_over_a_restart_for_those_who_received_it() {
    let recorded = || {
        let mut party = two();
        let room = party.people["mo"].joined.room;
        party.owner(Command::Record { room, on: true }).expect("a mixed room");
        assert_eq!(running(&party, room), 1);
        (party.restarted(Limits::default()), room)
    };
    let (mut party, room) = recorded();
    assert!(party.rooms.by_name("den").expect("it waits").participants.is_empty());
    party.pass(Limits::default().session_timeout / 2);
    mix(&mut party, "mo", Permissions::ALL, part()).unwrap();
    assert_eq!(party.people["mo"].joined.room, room, "the same room");
    assert_eq!((running(&party, room), states(&mut party, "mo")), (1, vec![MixState::Recording]), "it goes on");

    let (mut party, room) = recorded();
    party.pass(Limits::default().session_timeout);
    assert!(!party.rooms.by_name("den").expect("its empty timeout").recording_due, "nobody came");
    mix(&mut party, "max", Permissions::ALL, part()).unwrap();
    assert_eq!(running(&party, room), 0, "who comes later is not recorded");

    let (mut party, _) = recorded();
    party.pass(limit::EMPTY_TIMEOUT + SECOND);
    assert_eq!(party.rooms.rooms().count(), 0);

    let (mut party, room) = recorded();
    party.owner(Command::Record { room, on: false }).expect("it waits");
    mix(&mut party, "mo", Permissions::ALL, part()).unwrap();
    assert_eq!(running(&party, room), 0, "switched off before anybody came");
    assert!(!party.rooms.by_name("den").unwrap().recording_due);
}

#[test]
fn the_owner_records_the_mix_of_a_mixed_room_and_ends_whatever_is_recorded_of_it() {
    let mut party = two();
    let room = party.people["mo"].joined.room;
    let switch = |party: &mut Party, on| party.owner(Command::Record { room, on }).map(drop);
    for _ in 0..2 {
        switch(&mut party, true).unwrap();
        assert_eq!((running(&party, room), states(&mut party, "mo").len()), (1, 1), "one is enough");
        assert!(!party.rooms.by_name("den").unwrap().options.record.takes_any(), "and no tracks beside it");
    }
    let Ok(Answer::Recordings(all)) = party.act("mo", Command::Ask(Question::Recordings)) else { panic!("it may") };
    record(&mut party, "mo", RecordAct::Pause(all[0].id)).unwrap();
    switch(&mut party, true).unwrap();
    assert_eq!(states(&mut party, "mo"), [MixState::Recording], "what was paused goes on");
    record(&mut party, "mo", RecordAct::Pause(all[0].id)).unwrap();
    let other = record(&mut party, "mo", RecordAct::Start).unwrap().id;
    switch(&mut party, true).unwrap();
    assert_eq!(states(&mut party, "mo"), [MixState::Paused, MixState::Recording], "one is enough");
    record(&mut party, "mo", RecordAct::Stop(other)).unwrap();
    party.owner(Command::SetRecordRules { room, rules: Rule::All }).unwrap();
    switch(&mut party, false).unwrap();
    assert_eq!(states(&mut party, "mo"), [MixState::Completed; 2]);
    let view = party.rooms.by_name("den").unwrap();
    assert_eq!((running(&party, room), view.recording, view.options.record), (0, false, Rule::Nothing));
    assert_eq!(party.act("mo", Command::Record { room, on: true }).map(drop), Err(Refusal::NotPermitted));
}

#[test]
fn a_room_without_a_mix_is_recorded_by_its_tracks() {
    let mut party = Party::new(Limits { kind: RoomKind::Group, ..Limits::default() });
    party.join("tess", "den", &["v cam"]).expect("a seat");
    let room = party.people["tess"].joined.room;
    party.owner(Command::Record { room, on: true }).expect("the server serves it");
    assert_eq!(party.rooms.by_name("den").unwrap().options.record, Rule::All);
    let mut mesh = Party::new(Limits { kind: RoomKind::Go, ..Limits::default() });
    mesh.join("tess", "den", &["v cam"]).expect("a seat");
    let room = mesh.people["tess"].joined.room;
    assert_eq!(mesh.owner(Command::Record { room, on: true }).map(drop), Err(Refusal::NoRules));
}

#[test]
fn a_room_recorded_from_its_start_stays_so_over_a_restart() {
    let mut party = recorded_from_the_start();
    let Ok(Answer::Recordings(all)) = party.act("mo", Command::Ask(Question::Recordings)) else { panic!("it may") };
    record(&mut party, "mo", RecordAct::Stop(all[0].id)).unwrap();
    let (mut party, room) = restarted(party);
    let stage = party.rooms.save(party.now)[0].stage.clone();
    assert!(stage.settings.record_on_start && !stage.record);
    mix(&mut party, "mo", Permissions::ALL, part()).unwrap();
    assert_eq!(running(&party, room), 0, "what was stopped stays so");
}

#[test]
fn with_the_last_link_the_recording_of_the_mix_ends() {
    let mut party = two();
    record(&mut party, "mo", RecordAct::Start).unwrap();
    party.act("gus", Command::Leave).unwrap();
    party.news("mo", News::Dead);
    assert_eq!(states(&mut party, "mo"), [MixState::Completed]);
    assert_eq!(record(&mut party, "mo", RecordAct::Start), Err(Refusal::KindNotServed), "there is nothing to record");
    party.act("mo", Command::Open { link: LinkId("again".into()), offer: offer(1) }).unwrap();
    assert_eq!(states(&mut party, "mo"), [MixState::Completed], "and does not begin by itself");
    assert_eq!(party.media.take().last().map(String::as_str), Some("scene of 1"));
    party.act("mo", Command::Open { link: LinkId("once more".into()), offer: offer(1) }).unwrap();
    record(&mut party, "mo", RecordAct::Start).unwrap();
    party.act("mo", Command::Open { link: LinkId("and again".into()), offer: offer(1) }).unwrap();
    assert_eq!(states(&mut party, "mo"), [MixState::Completed, MixState::Recording], "a link that replaces another is no end");
}

fn recorded_from_the_start() -> Party {
    let mut party = Party::new(Limits::default());
    let stage = StageSettings { record_on_start: true, ..StageSettings::default() };
    party.owner(Command::Define("den".into(), Box::new(Definition { stage, ..definition() }))).expect("defined");
    mix(&mut party, "mo", Permissions::ALL, part()).expect("a seat");
    party
}

#[test]
fn a_room_may_be_recorded_from_its_start_until_somebody_stops_that() {
    let mut party = recorded_from_the_start();
    assert_eq!(party.media.take(), ["open mo/1 at 1", "publish [mic, cam]", "scene of 1", "record the mix [running]"]);
    let joined = &party.people["mo"].joined;
    assert!(joined.recording.on && joined.stage.recordings.len() == 1);
    party.news("mo", News::Dead);
    party.act("mo", Command::Open { link: LinkId("again".into()), offer: offer(1) }).unwrap();
    assert_eq!(states(&mut party, "mo"), [MixState::Completed, MixState::Recording], "another begins");
    let Ok(Answer::Recordings(all)) = party.act("mo", Command::Ask(Question::Recordings)) else { panic!("it may") };
    record(&mut party, "mo", RecordAct::Stop(all[1].id)).unwrap();
    mix(&mut party, "gus", guest(), part()).unwrap();
    party.news("mo", News::Dead);
    party.act("mo", Command::Open { link: LinkId("again".into()), offer: offer(1) }).unwrap();
    assert_eq!(states(&mut party, "mo"), [MixState::Completed; 2]);
}

#[test]
fn after_a_lost_worker_and_after_a_restart_recordings_go_on_as_others() {
    let mut party = recorded_from_the_start();
    party.join("tess", "den", &["v cam"]).unwrap();
    set(&mut party, Rule::All).unwrap();
    let (room, old) = (party.people["tess"].joined.room, takes(&party, "tess"));
    party.media.lose(room);
    party.report_lost();
    offer_again(&mut party, "tess");
    let running = |party: &Party| party.media.mixes.get(&room).map_or(0, Vec::len);
    assert_eq!((taken(&party, "tess"), running(&party)), (owned(&["cam"]), 1));
    assert_ne!(takes(&party, "tess"), old);
    let revision = party.rooms.save(party.now)[0].recording_revision;
    let mut party = party.restarted(Limits::default());
    assert!(party.rooms.by_name("den").unwrap().recording);
    let (seat, identity) = (party.seat_key("tess"), "tess".into());
    let tracks = (9, vec![crate::party::draft("v cam")]);
    party.resume_as("tess", Resume { seat, identity, tracks, signals: Vec::new() }).unwrap();
    let joined = &party.people["tess"].joined;
    assert!(joined.recording.on && joined.recording.revision > revision);
    let link = joined.links[0].link.clone();
    party.signal("tess", &link, Step::Offer, 2);
    assert_eq!((taken(&party, "tess"), running(&party)), (owned(&["cam"]), 1));
}

#[test]
fn the_permission_is_the_one_for_recordings() {
    for (permission, expected) in [(Permission::Recording, true), (Permission::Stream, false), (Permission::Playback, false)] {
        let mut party = two();
        mix(&mut party, "al", [permission].into_iter().collect(), part()).unwrap();
        assert_eq!(record(&mut party, "al", RecordAct::Start).is_ok(), expected, "{permission:?}");
    }
}

#[test]
fn recordings_that_nobody_asked_for_are_only_noted() {
    let mut party = two();
    hush(&mut party);
    report(&mut party, RecordingId(99), RecordNews::Silent(true));
    report(&mut party, RecordingId(99), ended(WhyStopped::Stopped));
    assert_eq!((party.heard("mo"), party.media.take()), (vec![], vec![]));
    let told = party.people["mo"].heard.iter().any(|event| matches!(event, Event::Recording(_)));
    assert!(!told);
}
