"""Every table and view of the first version.

How results are kept small: a *series* is what one probe shows from one location. A result is four integers in the
series' own B-tree, and ``code`` packs three facts that are small and rarely vary: HTTP status x 100, way x 10, outcome.
20000 reads: status 200, way 0, outcome 0. The outcomes are 0 ok, 1 slow, 2 failed, 3 unknown. The way is the clock (0
kernel, 1 portable) plus twice the address family (0 IPv4, 1 IPv6, 2 none). What only some results have stands in
``result_details``; the interval in force has a row only where it changes. The views undo all of this for people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

APPLICATION_ID = 0x70726F62

_TABLES = """
CREATE TABLE meta (
  name TEXT PRIMARY KEY,  -- 'installation' or 'created_at_ms'
  value TEXT NOT NULL     -- a random hex id made with the store; when the store was made
) STRICT, WITHOUT ROWID;

CREATE TABLE probes (
  id TEXT PRIMARY KEY,  -- as in [probe.<id>]
  name TEXT NOT NULL,   -- for people
  url TEXT NOT NULL     -- without credentials, query and fragment
) STRICT, WITHOUT ROWID;

CREATE TABLE series (
  no INTEGER PRIMARY KEY,                   -- short key of the results
  probe TEXT NOT NULL REFERENCES probes,    -- what was checked
  location TEXT NOT NULL,                   -- where from
  first_at_ms INTEGER NOT NULL,             -- start of the very first check, also when its result is long gone
  UNIQUE (probe, location)
) STRICT;

CREATE TABLE intervals (
  series INTEGER NOT NULL REFERENCES series,
  from_ms INTEGER NOT NULL,      -- start of the first check made under it
  interval_ms INTEGER NOT NULL,  -- in force until the next row of the series
  PRIMARY KEY (series, from_ms)
) STRICT, WITHOUT ROWID;

CREATE TABLE results (
  series INTEGER NOT NULL REFERENCES series,
  at_ms INTEGER NOT NULL,   -- start of the check
  code INTEGER NOT NULL,    -- HTTP status x 100 + way x 10 + outcome
  latency_us INTEGER,       -- the target's time; ok and slow only
  PRIMARY KEY (series, at_ms)
) STRICT, WITHOUT ROWID;

CREATE TABLE result_details (
  series INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  reason TEXT,         -- why it failed, or why nothing could be judged
  detail TEXT,         -- a sentence: expected and got
  dns_us INTEGER,      -- name lookup
  connect_us INTEGER,  -- connecting
  tls_us INTEGER,      -- TLS handshake
  wait_us INTEGER,     -- to the first byte of the answer
  body_us INTEGER,     -- to its last byte
  lag_us INTEGER,      -- our own delay, not the target's
  excerpt TEXT,        -- cleaned text of the response, failed checks only
  PRIMARY KEY (series, at_ms),
  FOREIGN KEY (series, at_ms) REFERENCES results ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE states (
  probe TEXT NOT NULL REFERENCES probes,
  location TEXT NOT NULL,
  identity TEXT NOT NULL,               -- changes when url, method or expectations change
  down_since_ms INTEGER,                -- start of the open incident of kind down
  slow_since_ms INTEGER,                -- start of the open incident of kind slow
  failing_count INTEGER NOT NULL,       -- failed checks in a row
  failing_started_at_ms INTEGER NOT NULL,
  good_count INTEGER NOT NULL,          -- good checks in a row while down
  good_started_at_ms INTEGER NOT NULL,
  slow_count INTEGER NOT NULL,          -- slow checks in a row
  slow_started_at_ms INTEGER NOT NULL,
  fast_count INTEGER NOT NULL,          -- fast checks in a row while slow
  fast_started_at_ms INTEGER NOT NULL,
  was_good INTEGER NOT NULL CHECK (was_good IN (0, 1)),  -- a good check was seen: up, not unknown
  since_ms INTEGER,                     -- start of what we believe now
  last_at_ms INTEGER,                   -- start of the last check
  certificate TEXT,                     -- fingerprint last warned about
  certificate_stage_ms INTEGER,         -- and at how much time left
  PRIMARY KEY (probe, location)
) STRICT, WITHOUT ROWID;

CREATE TABLE incidents (
  number INTEGER PRIMARY KEY AUTOINCREMENT,  -- for people, local to this store
  uid TEXT NOT NULL UNIQUE,                  -- for good, the same in every copy
  probe TEXT NOT NULL REFERENCES probes,
  location TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('down', 'slow')),
  severity TEXT NOT NULL CHECK (severity IN ('P0', 'P1', 'P2', 'P3')),
  started_at_ms INTEGER NOT NULL,            -- first failed or slow check
  confirmed_at_ms INTEGER NOT NULL,          -- the check that fired the rule
  ended_at_ms INTEGER,                       -- first good check; NULL while open
  closed_as TEXT CHECK (closed_as IN ('recovered', 'superseded', 'removed', 'resolved')),
  acknowledged_at_ms INTEGER,                -- when a person took it
  false_positive INTEGER NOT NULL DEFAULT 0 CHECK (false_positive IN (0, 1)),  -- a person's mark: does not count
  reason TEXT,
  detail TEXT,
  checks INTEGER NOT NULL,                   -- how many in a row fired the rule
  CHECK ((ended_at_ms IS NULL) = (closed_as IS NULL))
) STRICT;
CREATE UNIQUE INDEX incidents_open ON incidents (probe, location, kind) WHERE ended_at_ms IS NULL;
CREATE INDEX incidents_probe ON incidents (probe, started_at_ms);

CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  uid TEXT NOT NULL UNIQUE,  -- the same event is never recorded twice
  kind TEXT NOT NULL,        -- down_opened, down_recovered, slow_opened, slow_over, removed, ...
  probe TEXT REFERENCES probes,
  location TEXT NOT NULL,
  incident INTEGER REFERENCES incidents,
  at_ms INTEGER NOT NULL,    -- the check that caused it
  facts TEXT NOT NULL CHECK (json_valid(facts))
) STRICT;
CREATE INDEX events_incident ON events (incident);

CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  event INTEGER REFERENCES events,            -- what is told; NULL for a batch
  incident INTEGER REFERENCES incidents,
  kind TEXT NOT NULL,                         -- down, recovered, slow, slow_over, removed, several, ...
  channel TEXT NOT NULL,                      -- as in [alert.<id>]
  recipient TEXT NOT NULL,                    -- one address
  facts TEXT NOT NULL CHECK (json_valid(facts)),  -- all that the message says
  queued_at_ms INTEGER NOT NULL,
  message_id TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL DEFAULT 'queued'
    CHECK (state IN ('queued', 'sending', 'sent', 'batched', 'merged', 'closed', 'dropped')),
  fate TEXT NOT NULL DEFAULT 'untried'        -- of all attempts so far: refused only when every one surely was
    CHECK (fate IN ('untried', 'refused', 'unknown')),
  attempts INTEGER NOT NULL DEFAULT 0,
  next_attempt_at_ms INTEGER NOT NULL,
  lease_owner TEXT,                           -- the process that is sending it
  lease_until_ms INTEGER,
  frozen BLOB,                                -- the message as first claimed, until it is sent
  first_tried_at_ms INTEGER,
  sent_at_ms INTEGER,                         -- when the server took it
  last_error TEXT,
  is_permanent INTEGER NOT NULL DEFAULT 0 CHECK (is_permanent IN (0, 1)),  -- the last refusal will not pass by itself
  carrier INTEGER REFERENCES outbox,          -- the alert whose message tells this one instead
  UNIQUE (event, channel, recipient),
  CHECK ((carrier IS NOT NULL) = (state IN ('batched', 'merged'))),
  CHECK ((lease_until_ms IS NOT NULL) = (state = 'sending'))
) STRICT;
CREATE INDEX outbox_waiting ON outbox (next_attempt_at_ms) WHERE state IN ('queued', 'sending');
CREATE INDEX outbox_incident ON outbox (incident);
CREATE INDEX outbox_sent ON outbox (channel, recipient, sent_at_ms);
CREATE INDEX outbox_carrier ON outbox (carrier) WHERE carrier IS NOT NULL;

CREATE TABLE rounds (
  id INTEGER PRIMARY KEY,
  location TEXT NOT NULL,
  started_at_ms INTEGER NOT NULL,
  ended_at_ms INTEGER NOT NULL,
  checks INTEGER NOT NULL,
  is_offline INTEGER NOT NULL CHECK (is_offline IN (0, 1)),  -- nothing could be judged
  host TEXT NOT NULL,
  pid INTEGER NOT NULL
) STRICT;
CREATE INDEX rounds_ended ON rounds (ended_at_ms);

CREATE TABLE blackouts (
  location TEXT NOT NULL,
  since_ms INTEGER NOT NULL,  -- first check that could not be judged
  ended_at_ms INTEGER,        -- NULL while we are offline
  told_at_ms INTEGER,         -- when an alert about it was queued
  PRIMARY KEY (location, since_ms)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX blackouts_open ON blackouts (location) WHERE ended_at_ms IS NULL;
"""


def _iso(column: str) -> str:
    return f"strftime('%Y-%m-%dT%H:%M:%fZ', {column} / 1000.0, 'unixepoch')"


_VIEWS = f"""
CREATE VIEW v_results AS
SELECT s.probe, s.location, {_iso("r.at_ms")} AS at,
  CASE r.code % 10 WHEN 0 THEN 'ok' WHEN 1 THEN 'slow' WHEN 2 THEN 'failed' ELSE 'unknown' END AS outcome,
  d.reason, d.detail, nullif(r.code / 100, 0) AS status, r.latency_us / 1000.0 AS latency_ms,
  d.dns_us / 1000.0 AS dns_ms, d.connect_us / 1000.0 AS connect_ms, d.tls_us / 1000.0 AS tls_ms,
  d.wait_us / 1000.0 AS wait_ms, d.body_us / 1000.0 AS body_ms, d.lag_us / 1000.0 AS lag_ms,
  iif(r.code / 10 % 2, 'portable', 'kernel') AS clock,
  CASE r.code / 20 % 5 WHEN 0 THEN 'ipv4' WHEN 1 THEN 'ipv6' END AS family,
  d.excerpt, r.at_ms
FROM results r JOIN series s ON s.no = r.series LEFT JOIN result_details d USING (series, at_ms);

CREATE VIEW v_incidents AS
SELECT i.number, i.probe, i.location, i.kind, i.severity, {_iso("i.started_at_ms")} AS started_at,
  {_iso("i.confirmed_at_ms")} AS confirmed_at, {_iso("i.ended_at_ms")} AS ended_at,
  {_iso("(SELECT min(o.queued_at_ms) FROM outbox o WHERE o.incident = i.number)")} AS announced_at,
  {_iso("i.acknowledged_at_ms")} AS acknowledged_at, i.closed_as, i.false_positive, i.reason, i.detail, i.checks,
  (i.ended_at_ms - i.started_at_ms) / 1000.0 AS duration_s, i.uid
FROM incidents i;

CREATE VIEW v_alerts AS
SELECT o.id, o.kind, json_extract(o.facts, '$.probe_id') AS probe, o.incident, o.channel, o.recipient, o.state, o.fate,
  o.attempts, {_iso("o.queued_at_ms")} AS queued_at, {_iso("coalesce(o.sent_at_ms, c.sent_at_ms)")} AS sent_at,
  iif(o.state IN ('queued', 'sending'), {_iso("o.next_attempt_at_ms")}, NULL) AS next_attempt_at,
  o.last_error, o.is_permanent, o.carrier, o.message_id
FROM outbox o LEFT JOIN outbox c ON c.id = o.carrier;

CREATE VIEW v_rounds AS
SELECT id, location, {_iso("started_at_ms")} AS started_at, {_iso("ended_at_ms")} AS ended_at,
  (ended_at_ms - started_at_ms) / 1000.0 AS duration_s, checks, is_offline, host, pid
FROM rounds;

CREATE VIEW v_daily AS
SELECT s.probe, s.location, date(r.at_ms / 1000, 'unixepoch') AS day, count(*) AS checks,
  sum(r.code % 10 = 0) AS ok, sum(r.code % 10 = 1) AS slow, sum(r.code % 10 = 2) AS failed,
  sum(r.code % 10 = 3) AS unknown, avg(r.latency_us) / 1000.0 AS average_ms, max(r.latency_us) / 1000.0 AS longest_ms
FROM results r JOIN series s ON s.no = r.series
GROUP BY s.probe, s.location, day;
"""  # noqa: S608  made of constants


def m001_initial(db: Database) -> None:
    """Make every table and view of the first version."""
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    for statement in (_TABLES + _VIEWS).split(";\n"):
        if statement.strip():
            db.execute(statement)
