// The graphs of a device, or of one of its sets: each is drawn when it comes into sight, and anew as long as it is.
// Comes after app.js, whose pieces it uses.
"use strict";

const AT_ONCE = 3;
const COLUMNS = 600;
const PLOT_HEIGHT = 130;
const [NARROW, WIDE] = [320, 900];
const NEW_AFTER_MS = [10000, 300000];
const dark = matchMedia("(prefers-color-scheme: dark)");
let chosen = null;
let waitingFigures = [];
let drawingNow = 0;

const rangeOf = () => Number(document.querySelector("#ranges [aria-pressed=true]").dataset.range);
const columnOf = (range) => Math.max(1, Math.floor(range / COLUMNS));
const widthOf = (figure) => Math.min(WIDE, Math.max(NARROW, Math.round(figure.clientWidth / 20) * 20));
const newAfter = () => Math.min(NEW_AFTER_MS[1], Math.max(NEW_AFTER_MS[0], columnOf(rangeOf()) * 1000));

const sight = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    target.seen = isIntersecting;
    if (isIntersecting) wish(target);
  }
}, { root: at("graphs"), rootMargin: "300px 0px" });

// --- one picture -----------------------------------------------------------------------------------------------------

function wish(figure) {
  const drawn = figure.drawnAs === manner() && Date.now() - figure.drawnAt < newAfter();
  if (drawn || figure.isWished) return;
  figure.isWished = true;
  waitingFigures.push(figure);
  drawNext();
}

function manner() {
  return [rangeOf(), at("compare").value, dark.matches].join(" ");
}

function drawNext() {
  while (drawingNow < AT_ONCE && waitingFigures.length) {
    const figure = waitingFigures.shift();
    figure.isWished = false;
    if (!figure.isConnected || !figure.seen) continue;
    drawingNow += 1;
    drawOne(figure).finally(() => { drawingNow -= 1; drawNext(); });
  }
}

async function drawOne(figure) {
  const wanted = manner();
  const range = rangeOf();
  const end = Math.floor(Date.now() / 1000 / columnOf(range)) * columnOf(range);
  const asked = {
    graph: figure.row.graph, start: end - range, end, format: "svg", width: widthOf(figure), height: PLOT_HEIGHT,
    theme: dark.matches ? "dark" : "light", zone: Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC",
  };
  if (figure.row.component !== null) asked.component = figure.row.component;
  if (at("compare").value) asked.compare_s = at("compare").value;
  const [image, problem] = figure.children;
  try {
    const answer = await ask("devices/" + encodeURIComponent(figure.device) + "/graph", asked, "default");
    const url = URL.createObjectURL(await answer.blob());
    if (!figure.isConnected) {
      URL.revokeObjectURL(url);
      return;
    }
    const before = image.src;
    image.src = url;
    image.hidden = false;
    figure.className = "";
    if (before) URL.revokeObjectURL(before);
    problem.hidden = true;
  } catch (error) {
    put(problem, figure.row.title + ": " + error.message);
    problem.hidden = false;
    image.hidden = !image.getAttribute("src");
  }
  figure.drawnAs = wanted;
  figure.drawnAt = Date.now();
  if (wanted !== manner() && figure.seen) wish(figure);
}

function makeFigure(device, row) {
  const figure = element("figure", "empty");
  const image = element("img");
  image.alt = plain(row.title + " of " + (row.component || device));
  image.hidden = true;
  const problem = element("p", "quiet problem");
  problem.hidden = true;
  figure.append(image, problem);
  Object.assign(figure, { device, row, drawnAs: "", drawnAt: 0, seen: false, isWished: false });
  return figure;
}

// --- all of them -----------------------------------------------------------------------------------------------------

async function openGraphs(device, component) {
  const mine = { device, component };
  chosen = mine;
  put(at("graphs-title"), component === null ? device : component + " on " + device);
  empty();
  drawEventsOf();
  put(at("graphs-facts"), "Reading…");
  at("graphs-facts").hidden = false;
  if (!at("graphs").open) at("graphs").showModal();
  let found;
  try {
    found = await read("devices/" + encodeURIComponent(device) + "/graphs", component === null ? {} : { component });
  } catch (error) {
    if (chosen === mine) put(at("graphs-facts"), error.message);
    return;
  }
  if (chosen !== mine) return;
  put(at("graphs-facts"), found.problem || (found.graphs.length ? "" : "There are none yet; the first sample makes them."));
  at("graphs-facts").hidden = at("graphs-facts").textContent === "";
  drawSections(device, component, found.graphs);
  readValues();
}

function drawSections(device, component, rows) {
  const sections = new Map();
  const others = new Set(rows.filter((row) => !row.single).map((row) => row.component));
  for (const row of rows) {
    if (row.single && others.has(row.component)) continue;  // its last value says enough
    if (!sections.has(row.component)) sections.set(row.component, []);
    sections.get(row.component).push(row);
  }
  for (const [name, ofOne] of sections) {
    const section = element("section");
    if (component === null) section.append(element("h3", "", name === null ? "All together" : name || "The device itself"));
    if (name !== null) section.append(makeValues(name));
    const grid = element("div", "pictures");
    grid.append(...ofOne.map((row) => makeFigure(device, row)));
    section.append(grid);
    at("pictures").append(section);
  }
  for (const figure of at("pictures").querySelectorAll("figure")) sight.observe(figure);
}

function empty() {
  for (const figure of at("pictures").querySelectorAll("figure")) {
    sight.unobserve(figure);
    const url = figure.firstChild.src;
    figure.firstChild.removeAttribute("src");  // what is being loaded is given up before it is gone
    if (url) URL.revokeObjectURL(url);
  }
  waitingFigures = [];
  at("pictures").replaceChildren();
}

function drawSeen() {
  if (document.hidden || !at("graphs").open) return;
  for (const figure of at("pictures").querySelectorAll("figure")) if (figure.seen) wish(figure);
}

at("ranges").addEventListener("click", (event) => {
  if (!event.target.dataset.range) return;
  for (const button of at("ranges").children) button.setAttribute("aria-pressed", String(button === event.target));
  drawSeen();
});
at("compare").addEventListener("change", drawSeen);
dark.addEventListener("change", drawSeen);
document.addEventListener("visibilitychange", drawSeen);
setInterval(drawSeen, 5000);
at("shut").addEventListener("click", () => at("graphs").close());
at("graphs").addEventListener("click", (event) => { if (event.target === at("graphs")) at("graphs").close(); });
at("graphs").addEventListener("close", () => { chosen = null; empty(); });
