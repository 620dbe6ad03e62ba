-- name: newest_epoch
SELECT coalesce(max(epoch), 0) FROM owner;

-- name: newest_owner
SELECT epoch, pid, started, boot, at FROM owner ORDER BY epoch DESC LIMIT 1;

-- name: add_owner
INSERT INTO owner (epoch, pid, started, boot, at) VALUES (?, ?, ?, ?, ?);

-- name: last_event
SELECT seq, chain FROM event ORDER BY seq DESC LIMIT 1;

-- name: add_event
INSERT INTO event (seq, run, epoch, kind, body, commands, chain) VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: add_run
INSERT INTO run (id, name, started_at, state) VALUES (?, ?, ?, 'running') RETURNING number;

-- name: end_run
UPDATE run SET state = ?, reason = ?, completed_at = ? WHERE number = ?;

-- name: runs
SELECT number, id, name, started_at, state, reason, completed_at FROM run ORDER BY number;

-- name: events
SELECT seq, run, epoch, kind, body, commands, chain FROM event WHERE seq > ? ORDER BY seq LIMIT ?;

-- name: chain_of
SELECT chain FROM event WHERE seq = ?;
