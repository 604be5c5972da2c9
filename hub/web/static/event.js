// One event, with what was there when it opened, as its collector has kept it. Comes after app.js, whose pieces it uses.
"use strict";

const HIDDEN_FACTS = new Set(["id", "severity", "fingerprint", "details", "summary"]);
const MOMENTS = new Set(["first_seen", "last_seen", "closed_at"]);
const SIZES = [["memory_bytes", "memory"], ["available_bytes", "available"], ["swap_bytes", "swap"],
  ["swap_free_bytes", "swap free"]];
let looking = 0;

function fact(name, value) {
  const row = element("tr");
  row.append(element("th", "", name), element("td", "wide", value));
  return row;
}

function factText(name, value) {
  if (MOMENTS.has(name)) return new Date(value).toLocaleString();
  return Array.isArray(value) ? value.join(" ") : value;
}

function factsOf(event) {
  const table = element("table", "facts");
  const shown = Object.entries(event).filter(([name, value]) => !HIDDEN_FACTS.has(name) && value !== "" && value !== null);
  const details = Object.entries(event.details || {}).filter(([name, value]) =>
    name !== "evidence" && value !== null && value.length !== 0);
  for (const [name, value] of [...shown, ...details]) {
    table.append(fact(name.replaceAll("_", " "), factText(name, value)));
  }
  return table;
}

function processTable(title, rows, more) {
  const block = element("div", "scroll");
  block.append(element("h3", "", title));
  if (rows.length === 0) {
    block.append(element("p", "quiet", "no process"));
    return block;
  }
  const table = element("table");
  const heads = table.createTHead().insertRow();
  for (const [name, className] of [["Pid", "number"], ["Set", ""], ["CPU %", "number"], ["Memory", "number"],
    ["State", ""], ["Command", ""]]) {
    heads.append(element("th", className, name));
  }
  const body = table.createTBody();
  for (const one of rows) {
    const row = body.insertRow();
    row.append(element("td", "number", one.pid), element("td", "name", one.set ?? "–"),
      element("td", "number", percent(one.cpu_percent)), element("td", "number", size(one.memory_bytes)),
      element("td", "", one.gone ? "gone" : one.state), element("td", "wide", one.command || one.name));
  }
  block.append(table);
  if (more > 0) block.append(element("p", "quiet", "and " + more + " more"));
  return block;
}

function hostLine(host) {
  if (host.problem) return "Of the host nothing is known: " + host.problem + ".";
  const said = [];
  if (host.load) said.push("load " + host.load.map((one) => one.toFixed(2)).join(" ")
    + (host.processors ? " on " + counted(host.processors, "processor") : ""));
  for (const [name, word] of SIZES) if (typeof host[name] === "number") said.push(word + " " + size(host[name]));
  const waits = Object.entries(host.pressure || {}).filter(([, value]) => value > 0);
  if (host.pressure) said.push("waiting for " + (waits.map(([name, value]) =>
    name.replaceAll("_", " ") + " " + value.toFixed(1) + " %").join(", ") || "nothing"));
  return said.join(", ");
}

function evidenceOf(found) {
  const parts = [element("h3", "", "What was there"), element("p", "", new Date(found.at).toLocaleString() + ": "
    + found.processes + (found.processes === 1 ? " process; " : " processes; ") + hostLine(found.host))];
  for (const one of found.sets) {
    parts.push(one.before === null ? element("p", "quiet", one.set + " before: not known")
      : processTable(one.set + " before", one.before, one.more_before));
    parts.push(processTable(one.set + " then", one.now, one.more_now));
  }
  parts.push(processTable("Of the host, by CPU", found.by_cpu, 0));
  parts.push(processTable("Of the host, by memory", found.by_memory, 0));
  return parts;
}

async function openEvent(id) {
  const turn = ++looking;
  put(at("event-title"), "Event " + id);
  at("event-body").replaceChildren(element("p", "quiet", "Reading…"));
  if (!at("event").open) at("event").showModal();
  let parts;
  try {
    const event = await read("events/" + id);
    parts = [element("p", "", event.summary), factsOf(event)];
    if (turn === looking) at("event-body").replaceChildren(...parts);
    if (event.details && event.details.evidence) parts.push(...evidenceOf(await read("events/" + id + "/evidence")));
  } catch (error) {
    parts = [...(parts || []), element("p", "problem", error.message)];
  }
  if (turn === looking) at("event-body").replaceChildren(...parts);
}

at("event-shut").addEventListener("click", () => at("event").close());
at("event").addEventListener("click", (click) => { if (click.target === at("event")) at("event").close(); });
at("event").addEventListener("close", () => { looking += 1; at("event-body").replaceChildren(); });
