// Beside the graphs of a device: its open events, and the last value of each point. Comes after graphs.js.
"use strict";

const VALUES_MS = 10000;
const PREFIXES = ["", "k", "M", "G", "T", "P", "E"];
const PREFIXED = new Set(["bit", "bit/s", "Hz", "W", "VA", "V", "A"]);

// --- figures ---------------------------------------------------------------------------------------------------------

function figure3(value) {
  if (value === 0 || Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  return Math.abs(value) >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

function measured(value, unit) {
  if (typeof value !== "number") return "–";
  if (unit === "percent") return figure3(value) + " %";
  if (unit === "bytes" || unit === "bytes/s") return size(value) + unit.slice(5);
  if (unit === "epoch s") return new Date(value * 1000).toLocaleString();
  if (unit === "s" && Math.abs(value) >= 60) return span(value);
  if (unit === "s" && value !== 0 && Math.abs(value) < 1) {
    return Math.abs(value) < 1e-3 ? figure3(value * 1e6) + " µs" : figure3(value * 1e3) + " ms";
  }
  if (unit === "celsius") return figure3(value) + " °C";
  let place = 0;
  while (PREFIXED.has(unit) && Math.abs(value) >= 1000 && place < PREFIXES.length - 1) {
    value /= 1000;
    place += 1;
  }
  return (figure3(value) + " " + PREFIXES[place] + unit).trim();
}

// What counts is worth its rate.
function valueText(row) {
  return row.kind === "gauge" ? measured(row.value, row.unit) : measured(row.rate, row.unit === "percent" ? row.unit : row.unit + "/s");
}

// --- drawing ---------------------------------------------------------------------------------------------------------

function makeValues(component) {
  const list = element("dl", "values");
  list.component = component;
  list.hidden = true;
  return list;
}

function makeValue() {
  const pair = element("div");
  pair.append(element("dt"), element("dd"));
  return pair;
}

function drawValues(rows) {
  for (const list of at("pictures").querySelectorAll("dl")) {
    const mine = rows.filter((row) => row.component === list.component);
    list.hidden = mine.length === 0;
    sync(list, mine, (row) => JSON.stringify([row.source, row.point]), makeValue, (pair, row) => {
      put(pair.firstChild, row.point);
      put(pair.lastChild, valueText(row));
      const late = row.stale || row.age_s > 3 * row.step_s + 10;
      pair.className = late ? "late" : "";
      pair.title = plain(row.source + ", " + (row.at ? since(row.at) + " ago" : "no value yet"));
    });
  }
}

function drawEventsOf() {
  const events = chosen && last ? last.events.filter((event) => event.device === chosen.device
    && (chosen.component === null || event.component === chosen.component)) : [];
  at("graphs-events").hidden = events.length === 0;
  sync(at("graphs-events"), events, (event) => String(event.id), (event) => {
    const line = element("li");
    const button = element("button");
    button.type = "button";
    button.addEventListener("click", () => openEvent(event.id));
    line.append(element("span"), element("span", "quiet"), button);
    return line;
  }, (line, event) => {
    const [severity, component, button] = line.children;
    severity.className = "state " + event.severity_name;
    put(severity, event.severity_name);
    put(component, event.component);
    put(button, event.summary);
  });
}

// --- the loop --------------------------------------------------------------------------------------------------------

async function readValues() {
  const mine = chosen;
  if (!mine || document.hidden) return;
  drawEventsOf();
  try {
    const asked = mine.component === null ? {} : { component: mine.component };
    const found = await read("devices/" + encodeURIComponent(mine.device) + "/series", asked);
    if (chosen === mine) drawValues(found.values);
  } catch {
    if (chosen === mine) for (const pair of at("pictures").querySelectorAll("dl > div")) pair.className = "late";
  }
}

setInterval(readValues, VALUES_MS);
