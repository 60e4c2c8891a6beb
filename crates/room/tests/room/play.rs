//! Files that are played into the mix: who may do what with them, what media is to play, and what everybody sees of it.

use std::time::Duration;

use room::{
    Answer, Command, Definition, Film, LayoutName, Limits, LinkId, News, Part, Permission, Permissions, PlayAct, PlayNews,
    PlayStart, PlayState, Playback, PlaybackId, Position, Question, Refusal, Report, Rights, RoomKind, StageAct, Target, Terms,
    WhyPlayed, limit,
};

use crate::party::{Party, offer};
use crate::stage::{definition, guest, hush, id, mix, part};

const SECOND: Duration = Duration::from_secs(1);

/// Mo may do everything, gus what guests may.
fn two() -> Party {
    let mut party = Party::new(Limits::default());
    mix(&mut party, "mo", Permissions::ALL, part()).expect("a seat");
    mix(&mut party, "gus", guest(), part()).expect("a seat");
    hush(&mut party);
    party
}

fn start(url: &str) -> PlayStart {
    PlayStart { url: url.into(), volume: 0, at: Duration::ZERO, layout: None, places: Vec::new() }
}

fn play(party: &mut Party, who: &str, act: PlayAct) -> Result<Playback, Refusal> {
    match party.act(who, Command::Stage(StageAct::Play(act)))? {
        Answer::Playback(playback) => Ok(playback),
        other => panic!("{other:?}"),
    }
}

fn begin(party: &mut Party, start: PlayStart) -> PlaybackId {
    play(party, "mo", PlayAct::Start(Box::new(start))).expect("played").id
}

fn report(party: &mut Party, playback: PlaybackId, news: PlayNews) {
    let room = party.people.values().next().expect("somebody").joined.room;
    party.report(Report::Played { room, playback, news });
}

/// What media is to play.
fn films(party: &Party) -> Vec<Film> {
    let room = party.people.values().next().expect("somebody").joined.room;
    party.media.scenes.get(&room).map(|scene| scene.films.clone()).unwrap_or_default()
}

fn list(party: &mut Party) -> Vec<(PlayState, Duration)> {
    let now = party.now;
    match party.act("mo", Command::Ask(Question::Playbacks)) {
        Ok(Answer::Playbacks(all)) => all.iter().map(|one| (one.state, one.position(now))).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn everything_may_be_done_before_a_byte_has_come() {
    let mut party = two();
    let one = begin(&mut party, start("http://a/b"));
    assert_eq!(party.heard("gus"), ["stage [Playbacks]"]);
    assert_eq!(play(&mut party, "mo", PlayAct::Volume(one, -70)).unwrap().volume, -50);
    assert_eq!(play(&mut party, "mo", PlayAct::Pause(one)).unwrap().state, PlayState::Paused);
    assert!(films(&party)[0].paused);
    assert_eq!(play(&mut party, "mo", PlayAct::Resume(one)).unwrap().state, PlayState::Playing);
    assert_eq!(films(&party).iter().map(|film| (film.volume, film.paused, film.area)).collect::<Vec<_>>(), [(-50, false, None)]);
    let stopped = play(&mut party, "mo", PlayAct::Stop(one)).unwrap();
    assert_eq!((stopped.state, stopped.why, stopped.ended), (PlayState::Completed, Some(WhyPlayed::Stopped), Some(party.now)));
    assert!(films(&party).is_empty());
    assert_eq!(play(&mut party, "mo", PlayAct::Stop(one)), Err(Refusal::PlaybackNotFound));
    // What media tells of it has crossed with that.
    hush(&mut party);
    report(&mut party, one, PlayNews::Began { pictures: true });
    report(&mut party, one, PlayNews::Ended(WhyPlayed::Failed));
    assert_eq!(party.heard("gus"), [""; 0]);
}

#[test]
fn it_is_seen_once_its_pictures_come_and_as_large_as_a_screen() {
    let mut party = two();
    let one = begin(&mut party, start("http://a/b"));
    hush(&mut party);
    report(&mut party, one, PlayNews::Began { pictures: true });
    assert_eq!(party.heard("gus"), ["stage [Playbacks]", "layout GridResponsive of 3"]);
    let area = films(&party)[0].area.expect("a place");
    assert!(area.width >= 1280 / 2 && area.width < 1280, "beside two members: {area:?}");
    play(&mut party, "mo", PlayAct::Stop(one)).unwrap();
    let sound = begin(&mut party, start("http://a/c"));
    report(&mut party, sound, PlayNews::Began { pictures: false });
    assert_eq!(films(&party)[0].area, None, "sound has no place");
    report(&mut party, sound, PlayNews::Ended(WhyPlayed::Finished));
    assert!(films(&party).is_empty() && list(&mut party).is_empty());
}

#[test]
fn who_begins_one_says_where_it_stands() {
    let mut party = two();
    let gus = id(&party, "gus");
    let places = vec![(Target::Me, Position::FullScreen), (Target::One(gus), Position::OffCanvas)];
    let one = begin(&mut party, PlayStart { layout: Some(LayoutName::Grid2x2), places, ..start("http://a/b") });
    report(&mut party, one, PlayNews::Began { pictures: true });
    let area = films(&party)[0].area.expect("a place");
    assert_eq!((area.width, area.height), (1280, 720));
    assert_eq!(crate::stage::seen(&party, "gus").member.wanted, Position::OffCanvas);
}

#[test]
fn its_position_moves_as_long_as_it_is_played() {
    let mut party = two();
    let one = begin(&mut party, PlayStart { at: SECOND * 7, ..start("http://a/b") });
    party.pass(SECOND * 3);
    assert_eq!(list(&mut party), [(PlayState::Playing, SECOND * 7)], "nothing has come yet");
    report(&mut party, one, PlayNews::Began { pictures: true });
    party.pass(SECOND * 3);
    assert_eq!(list(&mut party), [(PlayState::Playing, SECOND * 10)]);
    play(&mut party, "mo", PlayAct::Pause(one)).unwrap();
    party.pass(SECOND * 3);
    assert_eq!(list(&mut party), [(PlayState::Paused, SECOND * 10)]);
    let jump = films(&party)[0].jump;
    play(&mut party, "mo", PlayAct::SeekBy(one, -4_000)).unwrap();
    assert_eq!(films(&party)[0].from, SECOND * 6);
    play(&mut party, "mo", PlayAct::SeekBy(one, -60_000)).unwrap();
    play(&mut party, "mo", PlayAct::Seek(one, SECOND * 2)).unwrap();
    assert_eq!(films(&party).iter().map(|film| (film.from, film.jump)).collect::<Vec<_>>(), [(SECOND * 2, jump + 3)]);
    play(&mut party, "mo", PlayAct::Resume(one)).unwrap();
    party.pass(SECOND);
    assert_eq!(list(&mut party), [(PlayState::Playing, SECOND * 3)]);
}

#[test]
fn who_may_what() {
    let mut party = two();
    let one = begin(&mut party, start("http://a/b"));
    let all = |id| {
        let start = Box::new(start("http://a/b"));
        [
            PlayAct::Start(start),
            PlayAct::Pause(id),
            PlayAct::Resume(id),
            PlayAct::Volume(id, 3),
            PlayAct::Seek(id, SECOND),
            PlayAct::Stop(id),
        ]
    };
    for act in all(one) {
        assert_eq!(play(&mut party, "gus", act), Err(Refusal::NotPermitted));
    }
    assert_eq!(party.act("gus", Command::Ask(Question::Playbacks)), Err(Refusal::NotPermitted));
    mix(&mut party, "sue", Permissions::NONE.with(Permission::PlaybackSeek), part()).unwrap();
    play(&mut party, "sue", PlayAct::SeekBy(one, 5)).unwrap();
    assert_eq!(play(&mut party, "sue", PlayAct::Stop(one)), Err(Refusal::NotPermitted));
    mix(&mut party, "pat", Permissions::NONE.with(Permission::Playback), part()).unwrap();
    for act in all(one) {
        play(&mut party, "pat", act).expect("all of it");
    }
    let mo = id(&party, "mo");
    let moved = |places, layout| PlayAct::Start(Box::new(PlayStart { places, layout, ..start("http://a/b") }));
    assert_eq!(play(&mut party, "pat", moved(vec![(Target::One(mo), Position::OffCanvas)], None)), Err(Refusal::NotPermitted));
    assert_eq!(play(&mut party, "pat", moved(vec![], Some(LayoutName::Grid2x2))), Err(Refusal::NotPermitted));
    play(&mut party, "pat", moved(vec![(Target::Me, Position::FullScreen)], None)).expect("its own place");
    assert_eq!(Rights::GUEST.permissions, Permissions::NONE);
}

#[test]
fn so_many_and_no_more() {
    let mut party = two();
    let long = format!("http://a/{}", "b".repeat(limit::PLAYBACK_URL_BYTES_MAX));
    assert_eq!(play(&mut party, "mo", PlayAct::Start(Box::new(start(&long)))), Err(Refusal::Malformed));
    let all: Vec<PlaybackId> = (0..limit::PLAYBACKS_MAX).map(|_| begin(&mut party, start("http://a/b"))).collect();
    assert_eq!(play(&mut party, "mo", PlayAct::Start(Box::new(start("http://a/b")))), Err(Refusal::TooManyPlaybacks));
    report(&mut party, all[0], PlayNews::Ended(WhyPlayed::Unreachable));
    assert_eq!(list(&mut party).len(), limit::PLAYBACKS_MAX - 1);
    begin(&mut party, start("http://a/b"));
}

#[test]
fn they_are_begun_one_in_ten_seconds_in_the_long_run() {
    let mut party = two();
    let begun = |party: &mut Party| {
        let one = |_: &u32| match play(party, "mo", PlayAct::Start(Box::new(start("http://a/b")))) {
            Ok(one) => play(party, "mo", PlayAct::Stop(one.id)).is_ok(),
            Err(refusal) => {
                assert_eq!(refusal, Refusal::TooManyPlaybacks);
                false
            }
        };
        (0..20).filter(one).count()
    };
    assert_eq!(begun(&mut party), 6);
    party.pass(SECOND * 9);
    assert_eq!(begun(&mut party), 0);
    party.pass(SECOND);
    assert_eq!(begun(&mut party), 1);
    party.pass(SECOND * 3_600);
    assert_eq!(begun(&mut party), 6, "and no more, however long nobody did");
}

#[test]
fn twelve_hours_and_no_longer() {
    let mut party = Party::new(Limits::default());
    let terms = Terms { session_max: None, room_max: None, ..Terms::made(RoomKind::Group) };
    let long = Part { makes: Some(Box::new(Definition { terms, ..definition() })), ..part() };
    mix(&mut party, "mo", Permissions::ALL, long.clone()).expect("a seat");
    mix(&mut party, "gus", guest(), long).expect("a seat");
    let one = begin(&mut party, start("http://a/b"));
    report(&mut party, one, PlayNews::Began { pictures: true });
    play(&mut party, "mo", PlayAct::Pause(one)).unwrap();
    party.pass(limit::PLAYBACK_MAX - SECOND);
    assert_eq!(list(&mut party), [(PlayState::Paused, Duration::ZERO)]);
    hush(&mut party);
    party.pass(SECOND);
    assert_eq!(party.heard("gus"), ["stage [Playbacks]", "layout GridResponsive of 2"]);
    assert!(films(&party).is_empty() && list(&mut party).is_empty());
}

#[test]
fn media_that_begins_anew_goes_on_where_it_was() {
    let mut party = two();
    let one = begin(&mut party, start("http://a/b"));
    report(&mut party, one, PlayNews::Began { pictures: true });
    party.pass(SECOND * 9);
    // Nobody has a link for a while.
    for who in ["mo", "gus"] {
        party.news(who, News::Dead);
    }
    assert!(films(&party).is_empty());
    party.pass(SECOND);
    party.act("mo", Command::Open { link: LinkId("again".into()), offer: offer(1) }).unwrap();
    assert_eq!(films(&party).iter().map(|film| film.from).collect::<Vec<_>>(), [SECOND * 10]);
}
