//! Rules as they are written down.

use room::{ParticipantId, Rule, RuleLine, TrackId, Which, Whom};
use serde::{Deserialize, Serialize};

use super::{KINDS, PRIORITIES, at, place};

/// A rule.
#[derive(Default, Serialize, Deserialize)]
pub enum RuleForm {
    All,
    #[default]
    Nothing,
    Listed(Vec<LineForm>),
}

/// A line of a rule. Of a participant or track: its id, if the line may mean one, and the words.
#[derive(Serialize, Deserialize)]
pub struct LineForm {
    include: bool,
    publisher: Option<(Option<u128>, String)>,
    track: Option<(Option<u128>, String)>,
    kind: Option<u8>,
    priority: Option<u8>,
}

impl From<&Rule> for RuleForm {
    fn from(rule: &Rule) -> Self {
        match rule {
            Rule::All => RuleForm::All,
            Rule::Nothing => RuleForm::Nothing,
            Rule::Listed(lines) => RuleForm::Listed(lines.iter().map(Into::into).collect()),
        }
    }
}

impl From<RuleForm> for Rule {
    fn from(form: RuleForm) -> Self {
        match form {
            RuleForm::All => Rule::All,
            RuleForm::Nothing => Rule::Nothing,
            RuleForm::Listed(lines) => Rule::Listed(lines.into_iter().map(Into::into).collect()),
        }
    }
}

impl From<&RuleLine> for LineForm {
    fn from(line: &RuleLine) -> Self {
        LineForm {
            include: line.include,
            publisher: line.publisher.as_ref().map(|whom| match whom {
                Whom::Identity(words) => (None, words.to_string()),
                Whom::Id(id, words) => (Some(id.0), words.to_string()),
            }),
            track: line.track.as_ref().map(|which| match which {
                Which::Name(words) => (None, words.to_string()),
                Which::Id(id, words) => (Some(id.0), words.to_string()),
            }),
            kind: line.kind.map(|kind| place(&KINDS, &kind)),
            priority: line.priority.map(|priority| place(&PRIORITIES, &priority)),
        }
    }
}

impl From<LineForm> for RuleLine {
    fn from(form: LineForm) -> Self {
        RuleLine {
            include: form.include,
            publisher: form.publisher.map(|(id, words)| match id {
                Some(id) => Whom::Id(ParticipantId(id), words.into()),
                None => Whom::Identity(words.into()),
            }),
            track: form.track.map(|(id, words)| match id {
                Some(id) => Which::Id(TrackId(id), words.into()),
                None => Which::Name(words.into()),
            }),
            kind: form.kind.and_then(|kind| at(&KINDS, kind)),
            priority: form.priority.and_then(|priority| at(&PRIORITIES, priority)),
        }
    }
}
