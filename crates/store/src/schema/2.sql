-- What was recorded: one row for each file, also of those that are deleted, until their room is forgotten. `place` as in rooms.

CREATE TABLE recordings (
  place {row},
  id {id} NOT NULL UNIQUE,
  account {text} NOT NULL,
  room {id} NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
  room_name {text} NOT NULL,
  participant {id} REFERENCES participants (id) ON DELETE CASCADE,
  identity {text},
  track {id},
  kind {int} NOT NULL,                -- 0 sound of a track, 1 pictures of a track, 2 a room's mix
  name {text} NOT NULL,               -- what the app calls the track
  container {text} NOT NULL,
  codec {text} NOT NULL,
  status {int} NOT NULL,              -- 0 processing, 1 completed, 2 failed, 3 deleted
  created_ms {int} NOT NULL,
  updated_ms {int} NOT NULL,
  ended_ms {int},
  offset_ms {int} NOT NULL,
  duration_ms {int} NOT NULL,
  bytes {int} NOT NULL,
  why {text} NOT NULL,
  callback_url {text},
  callback_method {int}
){strict};
CREATE INDEX recordings_there ON recordings (account, place) WHERE status < 3;
CREATE INDEX recordings_by_status ON recordings (account, status, place);
CREATE INDEX recordings_by_kind ON recordings (account, kind, place);
CREATE INDEX recordings_by_name ON recordings (account, room_name, place);
CREATE INDEX recordings_by_room ON recordings (room, place);
CREATE INDEX recordings_by_participant ON recordings (participant, place);
CREATE INDEX recordings_by_track ON recordings (track, place);
CREATE INDEX recordings_with_file ON recordings (room) WHERE status < 3;
CREATE INDEX recordings_running ON recordings (status, place) WHERE status = 0;
