"""Packages -> the same without source maps, type declarations, manuals and tests, as far as they do not name them.

By pattern alone others removed what was needed: a folder `docs` may be code. So a file stays that package.json
names (main, module, exports, imports, bin), and a folder that any of the package's own files speaks of; and licences
always do. That a program reads a manual when it runs is not seen, which is why nobody is given this unasked.
"""

import re
from collections.abc import Iterator

from imageopt.evidence.model import Evidence
from imageopt.rewrite.asked.model import HEREDOCS, Asked, Change, Site
from imageopt.rewrite.asked.shipped import saved_bytes, shipped_packages
from imageopt.rewrite.builders import builders

_FILES = r"\.([cm]?[jt]sx?\.map|css\.map|d\.[cm]?ts|md|markdown)$"
_FOLDERS = r"^(tests?|__tests__|docs?|examples?|benchmarks?|coverage)$"
_KEPT = r"licen[cs]e|copying|copyright|notice|patents"
_SCRIPT = r"""
const fs = require('fs'), at = require('path');
const files = /FILES/i, kept = /KEPT/i;
const folders = /FOLDERS/i, code = /\.([cm]?js|json|node)$/;
const list = (folder) => fs.readdirSync(folder, { withFileTypes: true });
const names = (value) => typeof value === 'string' ? [at.posix.normalize(value)]
  : Object.entries(value || {}).flatMap(([key, inner]) => /^types/.test(key) ? [] : names(inner));
const names_it = (named, path) => named.some((name) => name === path || name.startsWith(path + '/')
  || name.includes('*') && path.startsWith(name.split('*')[0]));
const speaks = (folder, skipped, said) => list(folder).some((entry) => {
  const path = at.join(folder, entry.name);
  if (entry.isDirectory()) return path !== skipped && entry.name !== 'node_modules' && speaks(path, skipped, said);
  return entry.isFile() && entry.name !== 'package.json' && code.test(entry.name)
    && said.test(fs.readFileSync(path, 'utf8'));
});
function trim(folder, root, named, all) {
  if (/\/node_modules\/(@[^/]+\/)?[^/@.][^/]*$/.test(folder) && fs.existsSync(folder + '/package.json')) {
    let said;
    try { said = JSON.parse(fs.readFileSync(folder + '/package.json', 'utf8')) || {}; } catch { return; }
    const { main, module, exports, imports, bin } = said;
    [root, named] = [folder, names({ main, module, exports, imports, bin })];
  }
  for (const entry of list(folder)) {
    const path = at.join(folder, entry.name), inside = root ? at.relative(root, path) : '';
    if (entry.isDirectory()) {
      const whole = folder === root && folders.test(entry.name) && !names_it(named, inside)
        && !speaks(root, path, new RegExp('["\'`/]' + entry.name + '["\'`/]'));
      trim(path, root, named, all || whole);
    } else if (root && entry.isFile() && !kept.test(entry.name) && !names_it(named, inside)
        && (all || files.test(entry.name) && !/\/typescript$/.test(root))) fs.unlinkSync(path);
  }
}
for (const folder of process.argv.slice(2)) if (fs.existsSync(folder)) trim(folder, '', [], false);
"""


def _make(site: Site) -> Change | str:
    packages = shipped_packages(site)
    if isinstance(packages, str):
        return packages
    if site.project.start is None or site.project.start.argv is None:
        return "the service is not started with node alone, and a compiler would miss the type declarations"
    if not builders(site.project, site.path).heredocs:
        return "the builder of the pipeline takes no script in a Dockerfile"
    if site.syntax < HEREDOCS:
        return "the syntax that the Dockerfile names takes no script: write `# syntax=docker/dockerfile:1`"
    saved = saved_bytes(site.evidence, _trimmed(site.evidence))
    if saved == 0:
        return "the image holds nothing of the kind"
    script = _SCRIPT.replace("FILES", _FILES).replace("FOLDERS", _FOLDERS).replace("KEPT", _KEPT)
    lines = ["# maps, types, manuals and tests of packages; not what package.json or the code names"]
    lines += [f"RUN node - {' '.join(packages.folders)} <<'EOF'", *script.strip().split("\n"), "EOF"]
    reason = "no program loads them: verify, and try what it reads"
    return Change((site.insertion(packages.end, *lines),), reason, saved)


def _trimmed(evidence: Evidence) -> Iterator[int]:
    """The files of production packages that it would remove, as far as their paths tell."""
    wanted = re.compile(rf"{_FILES}|/node_modules/(?:@[^/]+/)?[^/]+/(?:{_FOLDERS[2:-2]})/", re.IGNORECASE)
    kept = re.compile(rf"(?:{_KEPT})[^/]*$", re.IGNORECASE)
    for index, record in enumerate(evidence.image.files if evidence.image else ()):
        path = f"/{record.path}"
        if "/node_modules/" not in path or record.death is not None or not wanted.search(path) or kept.search(path):
            continue
        if evidence.classes[index].category != "dev-dependencies" and "/node_modules/typescript/" not in path:
            yield index


TRIMMED_PACKAGES = Asked("trimmed-packages", "packages without their maps, types, manuals and tests", _make)
