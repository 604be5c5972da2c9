// The read-only page: what `GET /api/v1` says, drawn anew every two seconds.
// All foreign text goes through textContent; nothing is ever parsed as HTML.
"use strict";

const REFRESH_MS = 2000;
const ANSWER_WITHIN_MS = 10000;
const FIRST_REPORT_MS = 10000;
const DEVICES_MS = 10000;
const KEY = "tocsin-token";
const MARKS = { "too few": "▼", "too many": "▲", up: "●", missing: "✖", restarting: "↻", unknown: "○" };
const URGENCY = { missing: 0, "too few": 1, "too many": 1, restarting: 2, unknown: 3, up: 4 };
const stateOf = (set) => (set.state === "up" && set.fault) || set.state;

const at = (id) => document.getElementById(id);
let token = sessionStorage.getItem(KEY) || "";
let timer = 0;
let last = null;
let devices = { at: 0, rows: [] };

// --- the API ---------------------------------------------------------------------------------------------------------

class Refused extends Error {}

async function ask(path, parameters = {}, cache = "no-store") {
  const query = new URLSearchParams(parameters).toString();
  const answer = await fetch("/api/v1/" + path + (query ? "?" + query : ""), {
    headers: { Authorization: "Bearer " + token },
    cache,
    credentials: "omit",
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  });
  if (answer.status === 401) {
    throw new Refused("The hub refused the token.");
  }
  if (!answer.ok) {
    const body = await answer.json().catch(() => ({}));
    throw new Error(body.error ? body.error.message : "HTTP " + answer.status);
  }
  return answer;
}

const read = async (path, parameters) => (await ask(path, parameters)).json();

// --- figures ---------------------------------------------------------------------------------------------------------

function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return whole + " s";
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return minutes < 10 ? minutes + " m " + (whole % 60) + " s" : minutes + " m";
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return hours + " h " + (minutes % 60) + " m";
  return Math.floor(hours / 24) + " d " + (hours % 24) + " h";
}

function since(time) {
  if (time === null || time === undefined) return "–";
  const then = typeof time === "number" ? time * 1000 : Date.parse(time);
  return Number.isFinite(then) ? span((Date.now() - then) / 1000) : "–";
}

function size(bytes) {
  if (typeof bytes !== "number") return "–";
  let value = bytes;
  for (const unit of ["B", "KiB", "MiB", "GiB"]) {
    if (Math.abs(value) < 1024) return (unit === "B" || value >= 100 ? value.toFixed(0) : value.toFixed(1)) + " " + unit;
    value /= 1024;
  }
  return value.toFixed(1) + " TiB";
}

const percent = (value) => (typeof value === "number" ? value.toFixed(1) : "–");
const counted = (number, one) => number + " " + one + (number === 1 ? "" : "s");

function pids(list) {
  const shown = list.slice(0, 6).join(" ");
  return list.length > 6 ? shown + " +" + (list.length - 6) : shown;
}

// Control characters, and characters that turn the direction of writing, become visible codes.
function plain(text) {
  return String(text ?? "").replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu,
    (c) => "\\u{" + c.codePointAt(0).toString(16) + "}");
}

// --- drawing ---------------------------------------------------------------------------------------------------------

function put(node, text) {
  const wanted = plain(text);
  if (node.textContent !== wanted) node.textContent = wanted;
}

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = plain(text);
  return made;
}

// Make the children of `parent` those of `items`, in order; a child with the same key is kept, and with it the focus.
function sync(parent, items, keyOf, make, renew) {
  const known = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  items.forEach((item, index) => {
    const key = keyOf(item);
    let child = known.get(key);
    known.delete(key);
    if (!child) {
      child = make(item);
      child.dataset.key = key;
    }
    renew(child, item);
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] || null);
  });
  known.forEach((child) => child.remove());
}

function rowOf(classes) {
  return () => {
    const row = document.createElement("tr");
    classes.forEach((name) => row.append(element("td", name)));
    return row;
  };
}

function renewCells(row, cells) {
  cells.forEach((cell, index) => {
    if (cell === null) return;
    const [text, className] = Array.isArray(cell) ? cell : [cell, undefined];
    const node = row.cells[index];
    put(node, text);
    if (className !== undefined && node.className !== className) node.className = className;
  });
}

function drawEvents(events) {
  at("events").hidden = events.length === 0;
  at("no-events").hidden = events.length > 0;
  sync(at("events").tBodies[0], events, (event) => String(event.id), makeEvent, (row, event) => {
    renewCells(row, [
      [event.severity_name + (event.state === "acknowledged" ? " (ack)" : ""), "state " + event.severity_name],
      event.device, event.component || "–", null, String(event.count), since(event.last_seen),
    ]);
    put(row.cells[3].firstChild, event.summary);
  });
}

function makeEvent(event) {
  const row = rowOf(["state", "name", "name", "wide", "number", "number"])();
  const button = element("button");
  button.type = "button";
  button.title = "Show all that is known of it, and what was there";
  button.addEventListener("click", () => openEvent(event.id));
  row.cells[3].append(button);
  return row;
}

// The figures of a collector are its own word; its first heartbeat comes some seconds after the login.
function reported(one) {
  return one.devices > 0 || one.tasks > 0 || (one.since && Date.now() - Date.parse(one.since) >= FIRST_REPORT_MS);
}

function silent(one) {
  return one.silent ? `, ${one.silent} of ${one.devices} devices silent` : "";
}

function drawCollectors(collectors) {
  const attention = (number) => [String(number), Number(number) > 0 ? "number attention" : "number"];
  sync(at("collectors").tBodies[0], collectors, (one) => JSON.stringify([one.id, one.daemon]),
    rowOf(["name", "", "name", "state", "number", "number", "number", "number", "number"]),
    (row, one) => renewCells(row, [
      one.id, one.daemon, one.host + " " + one.version,
      one.connected
        ? [one.problem ? "● " + one.problem : "● connected for " + since(one.since) + silent(one), one.problem ? "attention" : "state up"]
        : ["✖ away for " + since(one.last_seen), "state away"],
      reported(one) ? String(one.devices) : "–", attention(one.behind), attention(one.late_runs),
      String(one.queue.events + one.queue.samples), attention(one.dropped.events + one.dropped.samples),
    ]));
}

function deviceBlocks(sets, scans) {
  const blocks = new Map(devices.rows.map((one) => [one.id, { device: one.id, about: one, scan: {}, sets: [] }]));
  for (const scan of scans) {
    blocks.set(scan.device, { device: scan.device, about: (blocks.get(scan.device) || {}).about || null, scan, sets: [] });
  }
  for (const set of sets) {
    if (!blocks.has(set.device)) blocks.set(set.device, { device: set.device, about: null, scan: {}, sets: [] });
    blocks.get(set.device).sets.push(set);
  }
  const wanted = at("filter").value.trim().toLowerCase();
  const urgency = (set) => URGENCY[stateOf(set)] ?? 0;
  const result = [];
  for (const block of blocks.values()) {
    if (wanted && !block.device.toLowerCase().includes(wanted)) {
      block.sets = block.sets.filter((set) => set.set.toLowerCase().includes(wanted));
      if (block.sets.length === 0) continue;
    }
    block.sets.sort((a, b) => urgency(a) - urgency(b) || a.set.localeCompare(b.set));
    block.events = last.events.filter((event) => event.device === block.device);
    const worst = Math.max(0, ...block.events.map((event) => event.severity));
    block.urgency = block.scan.problem ? -1 : Math.min(9 - worst, ...block.sets.map(urgency));
    result.push(block);
  }
  return result.sort((a, b) => a.urgency - b.urgency || a.device.localeCompare(b.device));
}

// Of a device without processes: what it is, and of how many parts.
function aboutDevice(one) {
  const parts = [one.class, one.address];
  if (one.components) parts.push(counted(one.components, "component"));
  if (one.state !== "production") parts.push(one.state);
  return parts.filter(Boolean).join(", ");
}

function makeDevice() {
  const block = element("div", "device card");
  const head = element("div", "head");
  const name = element("strong");
  const button = element("button");
  button.type = "button";
  button.title = "Show all its graphs";
  button.addEventListener("click", () => openGraphs(block.dataset.key, null));
  name.append(button);
  head.append(name, element("span", "quiet"), element("span"), element("p", "problem"));
  const scroll = element("div", "scroll");
  const table = element("table", "roll");
  const heads = table.createTHead().insertRow();
  for (const [title, className] of [["State", ""], ["Set", ""], ["Count", "number"], ["Pids", "pids"], ["CPU %", "number"],
    ["Memory", "number"], ["Restarts", "number restarts"], ["Since", "number"]]) {
    const cell = element("th", className, title);
    cell.scope = "col";
    heads.append(cell);
  }
  table.createTBody();
  scroll.append(table);
  block.append(head, scroll);
  return block;
}

function makeSet(set) {
  const row = rowOf(["state", "name", "number", "pids wide", "number", "number", "number restarts", "number"])();
  const button = element("button");
  button.type = "button";
  button.title = "Show its graphs";
  button.addEventListener("click", () => openGraphs(set.device, set.set));
  row.cells[1].append(button);
  return row;
}

function renewSet(row, set) {
  const state = row.cells[0];
  put(state, (MARKS[stateOf(set)] || "?") + " " + stateOf(set));
  state.className = "state " + (stateOf(set) === set.state ? set.state : "missing");
  put(row.cells[1].firstChild, set.set);
  row.classList.toggle("alarm", set.state === "missing");
  [String(set.count), pids(set.pids), percent(set.cpu_percent), size(set.memory_bytes), String(set.restarts),
    since(set.since)].forEach((text, index) => put(row.cells[index + 2], text));
  row.cells[6].className = "number restarts" + (set.restarts > 0 ? " attention" : "");
}

function drawRoll(sets, scans) {
  const blocks = deviceBlocks(sets, scans);
  at("no-devices").hidden = blocks.length > 0;
  put(at("no-devices"), at("filter").value ? "Nothing has that name." : "Waiting for the first scan…");
  sync(at("roll"), blocks, (block) => block.device, makeDevice, (node, block) => {
    const [name, facts, open, problem] = node.querySelector(".head").children;
    put(name.firstChild, block.device);
    const scan = block.scan;
    put(facts, scan.at ? scan.processes + (scan.processes === 1 ? " process" : " processes")
      + ", scanned " + since(scan.at) + " ago in " + Number(scan.duration_s || 0).toFixed(2) + " s" : block.about && !block.sets.length ? aboutDevice(block.about)
      : "not scanned yet");
    const worst = block.events.reduce((most, event) => (event.severity > (most ? most.severity : -1) ? event : most), null);
    put(open, worst ? counted(block.events.length, "open event") : "");
    open.className = worst ? "state " + worst.severity_name : "";
    put(problem, scan.problem || "");
    problem.hidden = !scan.problem;
    node.querySelector(".scroll").hidden = block.sets.length === 0;
    sync(node.querySelector("tbody"), block.sets, (set) => set.set, makeSet, renewSet);
  });
}

function drawVerdict(sets, scans, events) {
  const missing = sets.filter((set) => set.state === "missing").length;
  const faulty = sets.filter((set) => set.state === "up" && set.fault).length;
  const unread = scans.filter((scan) => scan.problem).length;
  const parts = [];
  if (missing) parts.push(counted(missing, "set") + " missing");
  if (faulty) parts.push(counted(faulty, "set") + " with too few or too many processes");
  if (unread) parts.push(counted(unread, "device") + " cannot be read");
  if (!parts.length && events.length) parts.push(counted(events.length, "open event"));
  const verdict = at("verdict");
  put(verdict, parts.length ? parts.join(", ") : sets.length ? "All " + sets.length + " sets are up" : "");
  verdict.className = missing || unread ? "bad" : events.length ? "attention" : "good";
  document.title = (missing ? "(" + missing + ") " : "") + "Tocsin";
}

// --- the loop --------------------------------------------------------------------------------------------------------

function draw() {
  if (!last) return;
  drawEvents(last.events);
  drawRoll(last.sets, last.scans);
  drawCollectors(last.collectors);
  drawVerdict(last.sets, last.scans, last.events);
}

// While a collector cannot be asked, what it said last of its devices stays.
function known(name, rows, keep) {
  if (!keep || !last) return rows;
  const told = new Set(rows.map((row) => row.device));
  return [...rows, ...last[name].filter((row) => !told.has(row.device))];
}

async function refresh() {
  clearTimeout(timer);
  const asked = token;
  try {
    const isOld = Date.now() - devices.at >= DEVICES_MS;
    const [roll, events, collectors, held] = await Promise.all([
      read("sets"), read("events", { state: "open", limit: 200 }), read("collectors"), isOld ? read("devices") : null,
    ]);
    if (asked !== token) return;
    if (held) devices = { at: Date.now(), rows: held.devices };
    const problems = Object.values(roll.problems || {});
    last = {
      sets: known("sets", roll.sets, problems.length > 0),
      scans: known("scans", roll.scans, problems.length > 0),
      events: events.events,
      collectors: collectors.collectors,
    };
    sessionStorage.setItem(KEY, token);
    enter(true);
    draw();
    at("banner").hidden = problems.length === 0;
    put(at("banner"), problems.length ? problems.join("; ") + ". What stands here is its last word." : "");
    put(at("clock"), "as of " + new Date().toLocaleTimeString());
  } catch (error) {
    if (asked !== token) return;
    if (error instanceof Refused) {
      leave(error.message);
      return;
    }
    at("banner").hidden = false;
    put(at("banner"), error instanceof TypeError || error.name === "TimeoutError"
      ? "The hub does not answer. What stands here is its last word; this page asks again by itself."
      : error.message);
  }
  timer = setTimeout(refresh, document.hidden ? REFRESH_MS * 5 : REFRESH_MS);
}

function enter(inside) {
  at("enter").hidden = inside;
  at("site").hidden = !inside;
  at("leave").hidden = !inside;
}

function leave(message) {
  clearTimeout(timer);
  token = "";
  last = null;
  devices = { at: 0, rows: [] };
  sessionStorage.removeItem(KEY);
  if (at("graphs").open) at("graphs").close();
  for (const drawn of [at("roll"), at("events").tBodies[0], at("collectors").tBodies[0]]) drawn.replaceChildren();
  enter(false);
  put(at("verdict"), "");
  put(at("clock"), "");
  at("banner").hidden = true;
  at("refused").hidden = !message;
  put(at("refused"), message || "");
  at("token").value = "";
  at("token").focus();
}

at("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  // A header takes visible ASCII only; what is no token is refused here already.
  const typed = at("token").value.trim();
  if (!/^[\x21-\x7e]+$/.test(typed)) {
    leave("That is no token: it has letters, digits and signs only.");
    return;
  }
  token = typed;
  refresh();
});
at("leave").addEventListener("click", () => leave(""));
at("filter").addEventListener("input", draw);
document.addEventListener("visibilitychange", () => { if (!document.hidden && token) refresh(); });

if (token) {
  refresh();
} else {
  leave("");
}
