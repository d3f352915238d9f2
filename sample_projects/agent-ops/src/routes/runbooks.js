const fs = require('fs');
const path = require('path');
const express = require('express');
const { marked } = require('marked');

const FOLDER = path.join(__dirname, '..', '..', 'runbooks');
const router = express.Router();

router.get('/', (req, res) => {
  const names = fs.readdirSync(FOLDER).filter((name) => name.endsWith('.md'));
  res.json({ runbooks: names.map((name) => name.replace(/\.md$/, '')).sort() });
});

router.get('/:name', (req, res) => {
  const file = path.join(FOLDER, `${path.basename(req.params.name)}.md`);
  if (!fs.existsSync(file)) return res.status(404).json({ error: 'no such runbook' });
  res.type('html').send(marked.parse(fs.readFileSync(file, 'utf8')));
});

module.exports = router;
