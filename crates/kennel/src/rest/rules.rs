use room::{Command, ParticipantId, RoomId, RoomKind, RoomView, Rule, RuleLine, Topology};
use store::{RulesRow, Write};
use twilio::rest::rules::{everything, spell, spell_recording};
use twilio::rest::{self, Code, Key, Memo, Refusal};

use super::{Answered, Call, denied, rows, unavailable};
use crate::clock;
use crate::shelf::space::words;

impl Call<'_> {
    pub async fn find_subscribe_rules(&self, room: &Key<RoomId>, who: &Key<ParticipantId>) -> Answered {
        let (room, who) = self.participant(room, who).await?;
        need_server(&room, Code::NoSubscriptions)?;
        let kept = self.desk.store.subscribe_rules(who.id).await.map_err(unavailable)?;
        let rules = match &kept {
            Some(kept) => rest::rules::subscribe(&kept.text).unwrap_or_default(),
            // Not set: as it said when it came in.
            None => vec![everything(self.desk.hub.rule(ParticipantId(who.id)).await != Some(Rule::Nothing))],
        };
        let (created_ms, updated_ms) = times(kept.as_ref());
        let (room, participant) = (RoomId(room.id), ParticipantId(who.id));
        Ok(rest::render(self.host, &rest::SubscribeRules { room, participant, rules, created_ms, updated_ms }))
    }

    pub async fn set_subscribe_rules(&self, room: &Key<RoomId>, who: &Key<ParticipantId>, rules: Vec<RuleLine>) -> Answered {
        let (row, participant) = self.participant(room, who).await?;
        need_server(&row, Code::NoSubscriptions)?;
        let text = spell(&rules);
        // What counts and what is written down are the same, whoever else sets rules at this moment.
        let _turn = self.desk.ruling.lock().await;
        let id = ParticipantId(participant.id);
        let before = self.desk.hub.rule(id).await;
        self.rule(id, Rule::Listed(rules.into())).await?;
        let written = self.write(Write::SubscribeRules { participant: participant.id, text, at_ms: clock::unix_ms() }).await;
        if let (Err(refusal), Some(before)) = (&written, before) {
            self.rule(id, before).await?;
            return Err(refusal.clone());
        }
        self.find_subscribe_rules(room, who).await
    }

    async fn rule(&self, participant: ParticipantId, rule: Rule) -> Result<(), Refusal> {
        let ruled = self.desk.hub.owner(Command::SetRule { participant, rule }).await;
        ruled.map(drop).map_err(|denial| match denial {
            room::Refusal::ParticipantNotFound => self.not_found(),
            denial => denied(denial),
        })
    }

    pub async fn find_recording_rules(&self, room: &Key<RoomId>) -> Answered {
        let row = self.room(room).await?;
        need_server(&row, Code::NoRecording)?;
        let kept = self.desk.store.recording_rules(row.id).await.map_err(unavailable)?;
        let (created_ms, updated_ms, rules) = match &kept {
            Some(kept) => (Some(kept.created_ms), Some(kept.updated_ms), rest::rules::recording(&kept.text).unwrap_or_default()),
            None => {
                let memo = Memo::read(&row.memo);
                // What was asked for with the room is as old as that.
                let asked = memo.recording_rules.is_some() || memo.record_participants_on_connect;
                let since = Some(row.created_ms).filter(|_| asked);
                (since, since, memo.recording_rules.unwrap_or_else(|| vec![everything(memo.record_participants_on_connect)]))
            }
        };
        Ok(rest::render(self.host, &rest::RecordingRules { room: RoomId(row.id), rules, created_ms, updated_ms }))
    }

    pub async fn set_recording_rules(&self, room: &Key<RoomId>, rules: Vec<RuleLine>) -> Answered {
        let row = self.room(room).await?;
        need_server(&row, Code::NoRecording)?;
        if row.status != store::RoomStatus::InProgress {
            return Err(Refusal::room(Code::Status));
        }
        let text = spell_recording(&rules);
        // As with what is received.
        let _turn = self.desk.ruling.lock().await;
        let kept = self.desk.store.recording_rules(row.id).await.map_err(unavailable)?;
        let before = kept.map_or_else(|| Memo::read(&row.memo).record_rule(), |kept| rows::record_rule(&kept.text));
        let rules = Rule::Listed(rules.into());
        self.check_space(&row, &rules).await?;
        self.record(&row, rules).await?;
        let written = self.write(Write::RecordingRules { room: row.id, text, at_ms: clock::unix_ms() }).await;
        if let Err(refusal) = written {
            self.record(&row, before).await?;
            return Err(refusal);
        }
        self.find_recording_rules(room).await
    }

    /// Where recording is off, rules that would begin to need room on the disk.
    async fn check_space(&self, room: &store::RoomRow, rules: &Rule) -> Result<(), Refusal> {
        if !switches_on(self.desk.hub.room(&room.name).await.as_ref(), rules) {
            return Ok(());
        }
        let missing = self.desk.shelf.missing_bytes().await;
        missing.map_or(Ok(()), |missing| Err(Refusal::no_space(&words(missing))))
    }

    async fn record(&self, room: &store::RoomRow, rules: Rule) -> Result<(), Refusal> {
        let ruled = self.desk.hub.owner(Command::SetRecordRules { room: RoomId(room.id), rules }).await;
        ruled.map(drop).map_err(|denial| match denial {
            room::Refusal::NoRules => Refusal::room(Code::NoRecording),
            room::Refusal::RoomNotFound => Refusal::room(Code::Status),
            denial => denied(denial),
        })
    }
}

/// Whether these rules would begin to record. Where others do, or wait for room on the disk, they may take less: nothing is in their way.
fn switches_on(room: Option<&RoomView>, rules: &Rule) -> bool {
    let is_on = |room: &RoomView| room.recording || room.options.record.takes_any();
    rules.takes_any() && !room.is_some_and(is_on)
}

/// In a room whose media does not pass the server there is nothing to rule.
fn need_server(row: &store::RoomRow, code: Code) -> Result<(), Refusal> {
    let kind = rows::kind(row);
    // A room that may move to the server can be ruled there, and moves there to be recorded.
    let moves = kind == RoomKind::Auto;
    if moves || kind.topology() == Topology::Server { Ok(()) } else { Err(Refusal::room(code)) }
}

fn times(kept: Option<&RulesRow>) -> (Option<u64>, Option<u64>) {
    (kept.map(|kept| kept.created_ms), kept.map(|kept| kept.updated_ms))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use room::{Limits, Moment, RoomOptions, Terms};

    use super::*;

    fn line(include: bool) -> RuleLine {
        RuleLine { include, publisher: None, track: None, kind: None, priority: None }
    }

    fn room(record: Rule, recording: bool) -> RoomView {
        RoomView {
            id: RoomId(1),
            name: "Den".into(),
            kind: RoomKind::Group,
            options: RoomOptions { record, ..RoomOptions::default() },
            terms: Terms::adhoc(RoomKind::Group, &Limits::default()),
            by_owner: true,
            memo: room::Sealed::default(),
            topology: Topology::Server,
            recording,
            recording_waits: false,
            recording_due: false,
            began: Moment::START,
            participants: Vec::new(),
            stage: Arc::default(),
        }
    }

    #[test]
    fn only_rules_that_switch_recording_on_need_room_on_the_disk() {
        let sound = RuleLine { kind: Some(room::Kind::Audio), ..line(true) };
        let listed = |lines: &[RuleLine]| Rule::Listed(lines.into());
        let check = |before: &RoomView, rules: &[RuleLine], expected: bool| {
            assert_eq!(switches_on(Some(before), &listed(rules)), expected, "{:?}: {rules:?}", before.options.record);
        };
        let (off, waits) = (room(Rule::Nothing, false), room(listed(&[line(true)]), false));
        check(&off, &[line(true)], true);
        check(&off, std::slice::from_ref(&sound), true);
        check(&off, &[line(true), line(false)], false);
        check(&off, &[line(false)], false);
        check(&waits, &[sound], false);
        check(&waits, &[line(true), line(false)], false);
        check(&room(Rule::Nothing, true), &[line(true)], false);
        assert!(switches_on(None, &listed(&[line(true)])));
    }
}
