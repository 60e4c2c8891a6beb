-- Words in braces differ between databases: types, keys ({row}: given by us, {serial}: by the database), and whether types are strict.
--
-- `place` of rooms, participants and tracks is the moment of creation in milliseconds times 2^21, plus a number that tells apart what
-- came in the same millisecond: ordering by it is ordering by age, and a range of it is a range of time.

CREATE TABLE rooms (
  place {row},
  id {id} NOT NULL UNIQUE,
  account {text} NOT NULL,
  name {text} NOT NULL,
  kind {text} NOT NULL,
  status {int} NOT NULL,              -- 0 in progress, 1 completed, 2 failed
  created_ms {int} NOT NULL,
  updated_ms {int} NOT NULL,
  ended_ms {int},
  by_owner {int} NOT NULL,
  seats_max {int} NOT NULL,
  empty_timeout_s {int} NOT NULL,
  unused_timeout_s {int} NOT NULL,
  session_max_s {int} NOT NULL,
  tracks_max {int},
  audio_only {int} NOT NULL,
  codecs {text} NOT NULL,             -- a JSON list
  callback_url {text},
  callback_method {int},              -- 0 GET, 1 POST
  memo {text} NOT NULL,
  next_event {int} NOT NULL           -- the number that the room's next event gets
){strict};
CREATE UNIQUE INDEX rooms_in_progress ON rooms (account, name) WHERE status = 0;
CREATE INDEX rooms_by_account ON rooms (account, place);
CREATE INDEX rooms_by_status ON rooms (account, status, place);
CREATE INDEX rooms_by_name ON rooms (account, name, place);
CREATE INDEX rooms_by_name_and_status ON rooms (account, name, status, place);
CREATE INDEX rooms_by_end ON rooms (ended_ms) WHERE ended_ms IS NOT NULL;

CREATE TABLE participants (
  place {row},
  id {id} NOT NULL UNIQUE,
  room {id} NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
  identity {text} NOT NULL,
  status {int} NOT NULL,              -- 0 connected, 1 reconnecting, 2 disconnected
  created_ms {int} NOT NULL,
  updated_ms {int} NOT NULL,
  ended_ms {int}
){strict};
CREATE INDEX participants_by_room ON participants (room, place);
CREATE INDEX participants_by_status ON participants (room, status, place);
CREATE INDEX participants_by_identity ON participants (room, identity, place);
CREATE INDEX participants_by_identity_and_status ON participants (room, identity, status, place);
CREATE INDEX participants_there ON participants (room, identity, place) WHERE ended_ms IS NULL;

CREATE TABLE tracks (
  place {row},
  id {id} NOT NULL UNIQUE,
  participant {id} NOT NULL REFERENCES participants (id) ON DELETE CASCADE,
  room {id} NOT NULL,
  name {text} NOT NULL,
  kind {int} NOT NULL,                -- 0 audio, 1 video, 2 data
  enabled {int} NOT NULL,
  created_ms {int} NOT NULL,
  updated_ms {int} NOT NULL,
  removed_ms {int}
){strict};
CREATE INDEX tracks_by_participant ON tracks (participant);
CREATE INDEX tracks_published ON tracks (participant, place) WHERE removed_ms IS NULL;

CREATE TABLE subscribe_rules (
  participant {id} PRIMARY KEY REFERENCES participants (id) ON DELETE CASCADE,
  rules {text} NOT NULL,
  created_ms {int} NOT NULL,
  updated_ms {int} NOT NULL
){strict};

CREATE TABLE recording_rules (
  room {id} PRIMARY KEY REFERENCES rooms (id) ON DELETE CASCADE,
  rules {text} NOT NULL,
  created_ms {int} NOT NULL,
  updated_ms {int} NOT NULL
){strict};

CREATE TABLE events (
  place {serial},
  room {id} NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
  account {text} NOT NULL,
  participant {id} REFERENCES participants (id) ON DELETE CASCADE,
  name {text} NOT NULL,
  at_ms {int} NOT NULL,
  sequence {int} NOT NULL,
  parameters {text} NOT NULL,         -- a JSON list of pairs
  callback_url {text},
  callback_method {int},
  outcome {text} NOT NULL,
  attempts {int} NOT NULL,
  waits_ms {int},                     -- until when its callback waits; none: it does not wait any more, or nobody is told
  head {int} NOT NULL,                -- 1: the oldest of its room that waits
  told_ms {int}                       -- when it stopped waiting
){strict};
CREATE INDEX events_by_account ON events (account, place);
CREATE INDEX events_by_room ON events (room, place);
CREATE INDEX events_by_participant ON events (participant) WHERE participant IS NOT NULL;
CREATE INDEX events_waiting ON events (room, place, waits_ms) WHERE waits_ms IS NOT NULL;
CREATE INDEX events_due ON events (waits_ms, place) WHERE head = 1;

CREATE TABLE settings (
  key {text} PRIMARY KEY,
  value {text} NOT NULL
){strict};

CREATE TABLE alive (
  one {int} PRIMARY KEY CHECK (one = 1),
  at_ms {int} NOT NULL
){strict};
