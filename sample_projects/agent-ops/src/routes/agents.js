const express = require('express');

const LATE_AFTER_MS = 30_000;
const seen = new Map();
const router = express.Router();

router.get('/', (req, res) => {
  const now = Date.now();
  const agents = [...seen].sort().map(([name, at]) => ({ name, alive: now - at < LATE_AFTER_MS }));
  res.json({ agents });
});

router.post('/:name/heartbeat', (req, res) => {
  seen.set(req.params.name, Date.now());
  res.status(204).end();
});

module.exports = router;
