// Prints a JSON list for each thing that was tried: its name, and the trouble ("" for none).
const fs = require('fs'), path = require('path'), { spawnSync } = require('child_process');
const asked = JSON.parse(process.argv[1]);
const tell = (name, trouble) => console.log(JSON.stringify([name, trouble]));
const attempt = (name, work) => {
  try {
    work();
    tell(name, '');
  } catch (error) {
    tell(name, error.code || error.message);
  }
};
tell('runs Node.js ' + process.versions.node.split('.')[0], '');
for (const folder of asked.folders) attempt('writes ' + folder, () => {
  const made = fs.mkdirSync(folder, { recursive: true });
  const file = path.join(folder, '.imageopt-' + process.pid);
  fs.writeFileSync(file, '');
  fs.unlinkSync(file);
  if (made) fs.rmSync(made, { recursive: true });
});
for (const folder of asked.kept)
  attempt('keeps ' + folder, () => fs.appendFileSync(path.join(folder, '.imageopt-kept'), 'x'));
for (const addon of asked.addons.filter(file => fs.existsSync(file))) {
  const ran = spawnSync(process.execPath, ['-e', 'require(process.argv[1])', addon], { encoding: 'utf8', timeout: 5000 });
  const said = (ran.stderr || '').split('\n').find(line => /^\w*Error: /.test(line));
  tell('addon ' + addon, ran.status === 0 ? '' : said || ran.signal || 'exit code ' + ran.status);
}
require('dns').lookup(asked.name, error => tell('dns', error ? error.code : ''));
