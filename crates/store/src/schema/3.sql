-- Films made of recordings, and hooks that ask for one of each room that ends. A composition's row stays, also of one that is deleted,
-- until its room is forgotten. `place` as in rooms.

CREATE TABLE compositions (
  place {row},
  id {id} NOT NULL UNIQUE,
  account {text} NOT NULL,
  room {id} NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
  room_name {text} NOT NULL,
  hook {id},                          -- which one asked for it; it may be gone
  status {int} NOT NULL,              -- 0 enqueued, 1 processing, 2 completed, 3 failed, 4 deleted
  parameters {text} NOT NULL,         -- what was asked, as the door spells it
  container {text} NOT NULL,
  created_ms {int} NOT NULL,
  updated_ms {int} NOT NULL,
  ended_ms {int},
  percent {int} NOT NULL,
  attempts {int} NOT NULL,
  duration_ms {int} NOT NULL,
  bytes {int} NOT NULL,
  why {text} NOT NULL,
  callback_url {text},
  callback_method {int}
){strict};
CREATE INDEX compositions_there ON compositions (account, place) WHERE status < 4;
CREATE INDEX compositions_by_status ON compositions (account, status, place);
CREATE INDEX compositions_by_name ON compositions (account, room_name, place);
CREATE INDEX compositions_by_room ON compositions (room, place);
CREATE INDEX compositions_kept ON compositions (room) WHERE status < 3;

CREATE TABLE composition_hooks (
  place {row},
  id {id} NOT NULL UNIQUE,
  account {text} NOT NULL,
  name {text} NOT NULL,
  folded {text} NOT NULL,             -- the name in small letters
  enabled {int} NOT NULL,
  parameters {text} NOT NULL,         -- what it asks for, as the door spells it
  created_ms {int} NOT NULL,
  updated_ms {int},                   -- none until it is changed
  callback_url {text},
  callback_method {int}
){strict};
CREATE UNIQUE INDEX composition_hooks_by_name ON composition_hooks (account, name);
CREATE INDEX composition_hooks_by_account ON composition_hooks (account, place);
CREATE INDEX composition_hooks_enabled ON composition_hooks (account, enabled, place);
