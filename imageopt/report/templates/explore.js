"use strict";
// Draws the maps of a page from the data beside them. All text from the image goes through textContent: it is never markup.
(() => {
  const UNITS = ["B", "kB", "MB", "GB", "TB"];
  const size = (bytes) => {
    let value = bytes, unit = 0;
    while (value >= 999.5 && unit < UNITS.length - 1) { value /= 1000; unit += 1; }
    if (unit === 0) return `${value} B`;
    return `${value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)} ${UNITS[unit]}`;
  };
  const element = (name, className, text) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };

  // A node: its name, its bytes and what of them is wasted, where it comes from, and what is in it.
  const node = (name, note = "") => ({ name, note, bytes: 0, wasted: 0, inside: new Map() });
  const put = (top, steps, bytes, wasted) => {
    let at = top;
    at.bytes += bytes; at.wasted += wasted;
    for (const [key, note] of steps) {
      if (!at.inside.has(key)) at.inside.set(key, node(key, note));
      at = at.inside.get(key);
      at.bytes += bytes; at.wasted += wasted;
      if (note && !at.note) at.note = note;
    }
  };
  const REST = "smaller files";
  const path = (text) => {
    const parts = text.split("/").filter(Boolean);
    return [...parts, REST].map((part) => [part, ""]);
  };
  const VIEWS = {
    "by path": (side) => {
      const top = node("/");
      for (const [text, , bytes, wasted] of side.folders) put(top, path(text), bytes, wasted);
      return top;
    },
    "by layer": (side) => {
      const top = node("all layers");
      for (const [text, layer, bytes, wasted] of side.folders)
        put(top, [[`layer ${layer}`, side.layers[layer] || ""], ...path(text)], bytes, wasted);
      return top;
    },
    "by package": (side) => {
      const top = node("packages");
      for (const [manager, name, bytes] of side.packages) put(top, [[manager, ""], [name, ""]], bytes, 0);
      return top;
    },
    "by kind": (side) => {
      const top = node("all bytes");
      for (const [kind, where, bytes] of side.kinds) put(top, [[kind, where]], bytes, 0);
      return top;
    },
  };
  // What holds nothing but its own rest needs no step of its own.
  const opened = (at) => at.inside.size > (at.inside.has(REST) ? 1 : 0) || (at.inside.size === 1 && !at.inside.has(REST));

  // A squarified treemap: each strip takes as many boxes as make its worst one squarest.
  const squarify = (items, x, y, width, height, draw) => {
    const total = items.reduce((sum, item) => sum + item.bytes, 0);
    if (!total || width <= 0 || height <= 0) return;
    let areas = items.map((item) => [item, (item.bytes * width * height) / total]);
    const worst = (strip, side) => {
      const sum = strip.reduce((all, [, area]) => all + area, 0);
      const biggest = strip[0][1], least = strip[strip.length - 1][1];
      return Math.max((side * side * biggest) / (sum * sum), (sum * sum) / (side * side * least));
    };
    while (areas.length) {
      const side = Math.min(width, height);
      let count = 1;
      while (count < areas.length && worst(areas.slice(0, count + 1), side) <= worst(areas.slice(0, count), side)) count += 1;
      const strip = areas.slice(0, count);
      areas = areas.slice(count);
      const thick = strip.reduce((sum, [, area]) => sum + area, 0) / side;
      let along = 0;
      for (const [item, area] of strip) {
        const long = area / thick;
        if (width >= height) draw(item, x, y + along, thick, long);
        else draw(item, x + along, y, long, thick);
        along += long;
      }
      if (width >= height) { x += thick; width -= thick; } else { y += thick; height -= thick; }
    }
  };
  const hue = (name) => {
    let hash = 0;
    for (const char of name) hash = (hash * 31 + char.codePointAt(0)) >>> 0;
    return (hash * 137.508) % 360;
  };

  const SHOWN = 120; // tiles of one map: the rest is one tile
  const ROWS = 25;
  const children = (at) => {
    const all = [...at.inside.values()].filter((one) => one.bytes > 0).sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1));
    if (all.length <= SHOWN) return all;
    const rest = node(`${all.length - SHOWN + 1} smaller`);
    for (const one of all.slice(SHOWN - 1)) { rest.bytes += one.bytes; rest.wasted += one.wasted; }
    return [...all.slice(0, SHOWN - 1), rest];
  };

  const start = (box) => {
    const data = JSON.parse(document.getElementById(box.dataset.of).textContent);
    const holds = { "by package": "packages", "by kind": "kinds" };
    const names = Object.keys(VIEWS).filter((name) => data.sides.some((side) => side[holds[name] || "folders"].length));
    const trees = new Map(); // of each view and side, made when it is first shown
    const tree = (side) => {
      const key = `${state.view} ${data.sides.indexOf(side)}`;
      if (!trees.has(key)) trees.set(key, VIEWS[state.view](side));
      return trees.get(key);
    };
    if (!names.length) return;
    const state = { view: names[0], steps: [] };
    const bar = element("div", "tabs"); bar.setAttribute("role", "group"); bar.setAttribute("aria-label", "How the bytes are told apart");
    const crumbs = element("nav", "crumbs"); crumbs.setAttribute("aria-label", "Where you are");
    const maps = element("div", "maps"), told = element("p", "soft"), list = element("div");
    told.setAttribute("role", "status");
    const buttons = names.map((name) => {
      const button = element("button", "", name);
      button.type = "button";
      button.addEventListener("click", () => { state.view = name; state.steps = []; show(); });
      bar.append(button);
      return button;
    });
    const at = (side) => {
      let found = tree(side);
      for (const step of state.steps) { found = found.inside.get(step); if (!found) return node("nothing"); }
      return found;
    };
    const go = (steps, focus) => { state.steps = steps; show(); if (focus) (maps.querySelector("button.tile") || crumbs.querySelector("button")).focus(); };

    const tile = (item, x, y, width, height, whole, wide) => { // width: a share of the map, of `wide` units
      const into = opened(item);
      const made = element(into ? "button" : "div", "tile");
      if (into) { made.type = "button"; made.addEventListener("click", () => go([...state.steps, item.name], true)); }
      Object.assign(made.style, { left: `${100 * x}%`, top: `${y}px`, width: `${100 * width}%`, height: `${height}px` });
      made.style.setProperty("--hue", hue(item.name));
      if (item.wasted) made.style.setProperty("--waste", `${(100 * item.wasted) / item.bytes}%`);
      const waste = item.wasted ? `, ${size(item.wasted)} of it wasted` : "";
      const share = `${((100 * item.bytes) / whole).toFixed(1)} %`;
      const words = `${item.name}: ${size(item.bytes)}, ${share}${waste}${item.note ? `; ${item.note}` : ""}`;
      made.title = words;
      if (into) made.setAttribute("aria-label", `${words}. Open`); else { made.setAttribute("role", "img"); made.setAttribute("aria-label", words); }
      if (width * wide > 40 && height > 20) {
        made.append(element("b", "", item.name));
        if (height > 38) made.append(element("span", "", size(item.bytes)));
        if (height > 56 && item.note) made.append(element("span", "", item.note));
      }
      return made;
    };
    const show = () => {
      buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(names[index] === state.view)));
      crumbs.replaceChildren();
      [tree(data.sides[0]).name, ...state.steps].forEach((name, index, all) => {
        if (index) crumbs.append(element("span", "soft", "›"));
        const last = index === all.length - 1;
        const made = element(last ? "span" : "button", "", name);
        if (last) made.setAttribute("aria-current", "location");
        else { made.type = "button"; made.addEventListener("click", () => go(state.steps.slice(0, index), true)); }
        crumbs.append(made);
      });
      const places = data.sides.map(at);
      const most = Math.max(...places.map((place) => place.bytes), 1);
      maps.replaceChildren();
      places.forEach((place, index) => {
        const column = element("figure"), map = element("div", "map");
        const title = data.sides[index].name ? `${data.sides[index].name}: ` : "";
        column.append(element("figcaption", "", `${title}${size(place.bytes)}${place.wasted ? `, ${size(place.wasted)} wasted` : ""}`));
        const height = Math.max(24, Math.round((420 * place.bytes) / most)); // areas of both maps have one scale
        map.style.height = `${height}px`;
        map.setAttribute("role", "group");
        map.setAttribute("aria-label", `${title}${place.name}`);
        const wide = data.sides.length > 1 ? 500 : 1000;
        squarify(children(place), 0, 0, wide, height, (item, x, y, width, tall) => {
          map.append(tile(item, x / wide, y, width / wide, tall, place.bytes, wide));
        });
        column.append(map);
        maps.append(column);
      });
      table(places);
      told.textContent = places.map((place, index) => `${data.sides[index].name} ${place.name}: ${size(place.bytes)} in ${children(place).length} parts.`.trim()).join(" ");
    };
    const table = (places) => {
      const by = new Map();
      places.forEach((place, index) => children(place).forEach((item) => {
        if (!by.has(item.name)) by.set(item.name, places.map(() => 0));
        by.get(item.name)[index] = item.bytes;
      }));
      const rows = [...by].sort((a, b) => Math.max(...b[1]) - Math.max(...a[1]));
      const made = element("table"), head = element("tr");
      for (const side of data.sides) head.append(element("th", "num", side.name || "bytes"));
      head.append(element("th", "", state.view.replace("by ", "")));
      made.append(head);
      for (const [name, counts] of rows.slice(0, ROWS)) {
        const row = element("tr");
        for (const count of counts) row.append(element("td", "num", count ? size(count) : "–"));
        row.append(element("td", "", name));
        made.append(row);
      }
      const more = element("details"), wasOpen = list.querySelector("details")?.open;
      more.append(element("summary", "", `As a table${rows.length > ROWS ? `, the biggest ${ROWS} of ${rows.length}` : ""}`), made);
      more.open = Boolean(wasOpen);
      list.replaceChildren(more);
    };
    box.addEventListener("keydown", (event) => {
      if ((event.key === "Escape" || event.key === "Backspace") && state.steps.length) { event.preventDefault(); go(state.steps.slice(0, -1), true); }
    });
    box.replaceChildren(bar, crumbs, maps, told, list);
    show();
  };
  for (const box of document.querySelectorAll("[data-of]")) start(box);
})();
