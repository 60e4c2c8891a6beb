-- Files of recordings and compositions that are in a bucket, on their way to it, or to be deleted from it. They are tied to no other row:
-- what is to be deleted is remembered until it is gone from the bucket, whatever becomes of its room meanwhile.

CREATE TABLE stored (
  id {id} PRIMARY KEY,                -- the recording's or the composition's
  kind {int} NOT NULL,                -- 0 a recording, 1 a composition
  state {int} NOT NULL,               -- 0 on its way, 1 there, 2 to be deleted
  address {text} NOT NULL,            -- s3://BUCKET/KEY
  bytes {int} NOT NULL,
  changed_ms {int} NOT NULL,          -- when its file was written to last
  tag {text} NOT NULL,                -- what the bucket calls what is in it; empty until it is there
  upload {text},                      -- what the bucket calls the upload in parts that is going on
  part_bytes {int} NOT NULL,
  parts {text} NOT NULL               -- a JSON list of what the bucket calls the parts that it has
){strict};
