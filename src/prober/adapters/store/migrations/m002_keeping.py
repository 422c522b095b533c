"""Results in the order in which they come, and the rollups that stay when they go.

A result now lies with all that came in the same hour, by series, so that a round of 2,000 probes writes 130 pages at
most instead of 2,000, and a whole hour is rolled up, read for all probes or pruned as one stretch of the file. The most
frequent code, 20000, takes no room: `results.rare_code` is NULL then, and `results.code` gives it back.

``hours`` and ``days`` say of each series what came out of its checks, at any time and for good; a day is the sum of
its hours. Hours, written for all series at once, lie together by time; days, read by the month, lie by series. Four
marks of a series say what may be believed:

* Hours before ``rolled_to_hour`` are rolled up. A result that comes late, into such an hour, takes the mark back to
  that hour, and all from there is rolled up anew. Hours and days that reach beyond the mark are out of date.
* From ``raw_from_hour`` on the results are the truth, and rollups a copy that can be made again. Before it the results
  are gone, and the rollups are the truth.
* ``last_hour`` is the hour of the newest result before ``rolled_to_hour``, which observes beyond it. When nothing
  observes that far it may be 0.
* ``carried_to_ms`` is until when the newest of the results that are gone observes, unless another check ended that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

_OLD = """
DROP VIEW v_results;
DROP VIEW v_daily;
ALTER TABLE results RENAME TO old_results;
ALTER TABLE result_details RENAME TO old_details;
"""

_TABLES = """
CREATE TABLE results (
  hour INTEGER NOT NULL,      -- hours since 1970 at the start of the check, UTC
  series INTEGER NOT NULL REFERENCES series,
  after_ms INTEGER NOT NULL,  -- and so long after the beginning of that hour
  rare_code INTEGER,          -- the code, NULL for 20000
  latency_us INTEGER,         -- the target's time; ok and slow only
  at_ms INTEGER AS (hour * 3600000 + after_ms),    -- start of the check
  code INTEGER AS (coalesce(rare_code, 20000)),    -- HTTP status x 100 + way x 10 + outcome
  PRIMARY KEY (hour, series, after_ms)
) STRICT, WITHOUT ROWID;

CREATE TABLE result_details (
  hour INTEGER NOT NULL,
  series INTEGER NOT NULL,
  after_ms INTEGER NOT NULL,
  reason TEXT,         -- why it failed, or why nothing could be judged
  detail TEXT,         -- a sentence: expected and got
  dns_us INTEGER,      -- name lookup
  connect_us INTEGER,  -- connecting
  tls_us INTEGER,      -- TLS handshake
  wait_us INTEGER,     -- to the first byte of the answer
  body_us INTEGER,     -- to its last byte
  lag_us INTEGER,      -- our own delay, not the target's
  excerpt TEXT,        -- cleaned text of the response, failed checks only
  PRIMARY KEY (hour, series, after_ms),
  FOREIGN KEY (hour, series, after_ms) REFERENCES results ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
"""

_MOVE = """
INSERT INTO results (hour, series, after_ms, rare_code, latency_us)
  SELECT at_ms / 3600000 AS hour, series, at_ms % 3600000 AS after_ms, nullif(code, 20000), latency_us
  FROM old_results ORDER BY hour, series, after_ms;
INSERT INTO result_details (hour, series, after_ms, reason, detail, dns_us, connect_us, tls_us, wait_us, body_us,
    lag_us, excerpt)
  SELECT at_ms / 3600000, series, at_ms % 3600000, reason, detail, dns_us, connect_us, tls_us, wait_us, body_us,
    lag_us, excerpt
  FROM old_details;
DROP TABLE old_details;
DROP TABLE old_results;
"""

_MARKS = """
ALTER TABLE series ADD COLUMN rolled_to_hour INTEGER NOT NULL DEFAULT 0;
ALTER TABLE series ADD COLUMN last_hour INTEGER NOT NULL DEFAULT 0;
ALTER TABLE series ADD COLUMN raw_from_hour INTEGER NOT NULL DEFAULT 0;
ALTER TABLE series ADD COLUMN carried_to_ms INTEGER NOT NULL DEFAULT 0;
"""


def _rollup(table: str, unit: str, key: str) -> str:
    return f"""
CREATE TABLE {table} (
  {unit} INTEGER NOT NULL,         -- {unit}s since 1970, UTC
  series INTEGER NOT NULL REFERENCES series,
  ok INTEGER NOT NULL,           -- how many checks that started in it came to what
  slow INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  unknown INTEGER NOT NULL,
  observed BLOB,                 -- which parts of it: (from, to) after from, 4 bytes each, in ms; NULL is all of it
  latencies BLOB,                -- their histogram; NULL when there is none
  total_us INTEGER NOT NULL,     -- their sum
  longest_us INTEGER,            -- the longest of them
  PRIMARY KEY ({key})
) STRICT, WITHOUT ROWID;
"""


_VIEWS = """
CREATE VIEW v_results AS
SELECT s.probe, s.location, strftime('%Y-%m-%dT%H:%M:%fZ', r.at_ms / 1000.0, 'unixepoch') AS at,
  CASE r.code % 10 WHEN 0 THEN 'ok' WHEN 1 THEN 'slow' WHEN 2 THEN 'failed' ELSE 'unknown' END AS outcome,
  d.reason, d.detail, nullif(r.code / 100, 0) AS status, r.latency_us / 1000.0 AS latency_ms,
  d.dns_us / 1000.0 AS dns_ms, d.connect_us / 1000.0 AS connect_ms, d.tls_us / 1000.0 AS tls_ms,
  d.wait_us / 1000.0 AS wait_ms, d.body_us / 1000.0 AS body_ms, d.lag_us / 1000.0 AS lag_ms,
  iif(r.code / 10 % 2, 'portable', 'kernel') AS clock,
  CASE r.code / 20 % 5 WHEN 0 THEN 'ipv4' WHEN 1 THEN 'ipv6' END AS family,
  d.excerpt, r.at_ms
FROM results r JOIN series s ON s.no = r.series LEFT JOIN result_details d USING (hour, series, after_ms);

CREATE VIEW v_daily AS
SELECT s.probe, s.location, date(d.day * 86400, 'unixepoch') AS day,
  sum(d.ok + d.slow + d.failed + d.unknown) AS checks, sum(d.ok) AS ok, sum(d.slow) AS slow, sum(d.failed) AS failed,
  sum(d.unknown) AS unknown, 1.0 * sum(d.total_us) / nullif(sum(d.ok + d.slow), 0) / 1000 AS average_ms,
  max(d.longest_us) / 1000.0 AS longest_ms
FROM (
  SELECT d.day, d.series, d.ok, d.slow, d.failed, d.unknown, d.total_us, d.longest_us
  FROM days d JOIN series s ON s.no = d.series WHERE d.day < s.rolled_to_hour / 24
  UNION ALL
  SELECT h.hour / 24, h.series, h.ok, h.slow, h.failed, h.unknown, h.total_us, h.longest_us
  FROM hours h JOIN series s ON s.no = h.series
  WHERE h.hour >= (SELECT min(rolled_to_hour) / 24 * 24 FROM series)
    AND h.hour BETWEEN s.rolled_to_hour / 24 * 24 AND s.rolled_to_hour - 1
  UNION ALL
  SELECT r.hour / 24, r.series, r.code % 10 = 0, r.code % 10 = 1, r.code % 10 = 2, r.code % 10 = 3,
    coalesce(r.latency_us, 0), r.latency_us
  FROM results r JOIN series s ON s.no = r.series
  WHERE r.hour >= (SELECT min(rolled_to_hour) FROM series) AND r.hour >= s.rolled_to_hour
) d JOIN series s ON s.no = d.series
GROUP BY s.probe, s.location, d.day;
"""


def m002_keeping(db: Database) -> None:
    """Lay results by the hour, and make the rollups that outlive them."""
    rollups = _rollup("hours", "hour", "hour, series") + _rollup("days", "day", "series, day")
    for statement in (_OLD + _TABLES + _MOVE + _MARKS + rollups + _VIEWS).split(";\n"):
        if statement.strip():
            db.execute(statement)
