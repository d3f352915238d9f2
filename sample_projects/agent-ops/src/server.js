const path = require('path');
const compression = require('compression');
const express = require('express');
const morgan = require('morgan');
const agents = require('./routes/agents');
const runbooks = require('./routes/runbooks');

const app = express();
app.disable('x-powered-by');
app.use(morgan('tiny'));
app.use(compression());
app.use(express.json({ limit: '50kb' }));
app.use(express.static(path.join(__dirname, '..', 'public')));

app.get('/health', (req, res) => res.json({ status: 'ok' }));
app.use('/agents', agents);
app.use('/runbooks', runbooks);

const port = process.env.PORT || 8080;
const server = app.listen(port, () => console.log(`agent-ops listens on ${port}`));

process.on('SIGTERM', () => server.close(() => process.exit(0)));
