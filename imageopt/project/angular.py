"""angular.json -> Framework: where the build of an Angular application goes, and whether it renders on a server.

The newer builder (`application`) puts what a browser gets into a folder `browser` below the one that is configured, and
the server beside it; the older one (`browser`) writes into the configured folder itself.
"""

from pathlib import Path

from imageopt.project.jsonc import Json, object_of, read_object, text_of
from imageopt.project.model import Framework, Manifest


def angular(root: Path, manifest: Manifest, _outputs: tuple[str, ...]) -> Framework:
    """The framework's facts; unknown where angular.json names no single application."""
    data = read_object(root, "angular.json", comments=True) or {}
    projects = {name: object_of(value) for name, value in object_of(data.get("projects")).items()}
    built = {name: target for name, value in projects.items() if (target := _build(value))}
    default = text_of(data.get("defaultProject"))
    name = default if default in built else next(iter(built), "") if len(built) == 1 else ""
    if not name:
        reason = "angular.json builds several applications" if built else "angular.json builds no application"
        return Framework("angular", "unknown", (), (), (), "", reason, "angular.json")
    target = built[name]
    options = object_of(target.get("options"))
    written = options.get("outputPath", f"dist/{name}")
    base = (text_of(object_of(written).get("base")) if isinstance(written, dict) else text_of(written)).rstrip("/")
    browser = object_of(written).get("browser", "browser") if isinstance(written, dict) else "browser"
    newer = text_of(target.get("builder")).endswith((":application", ":browser-esbuild"))
    is_application = text_of(target.get("builder")).endswith(":application")
    if options.get("ssr") or options.get("server") or "server" in object_of(projects[name].get("architect")):
        start = ("node", f"{base}/server/server.mjs") if newer else ("node", f"{base}/server/main.js")
        needs = ("node_modules", "package.json") if not is_application else ()
        return Framework("angular", "server", (base,), needs, start, "", "it renders on a server", "angular.json")
    if "@angular/ssr" in manifest.dependencies or "@nguniversal/express-engine" in manifest.dependencies:
        reason = "it depends on Angular's server and angular.json does not use it"
        return Framework("angular", "unknown", (base,), (), (), "", reason, "angular.json")
    folder = f"{base}/{text_of(browser)}".rstrip("/") if is_application else base
    return Framework("angular", "static", (folder,), (), (), folder, "the build makes files alone", "angular.json")


def _build(project: Json) -> Json:
    """The target that builds an application; empty for a library."""
    if text_of(project.get("projectType")) == "library":
        return {}
    return object_of(object_of(project.get("architect") or project.get("targets")).get("build"))
