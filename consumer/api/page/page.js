"use strict";

const $ = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const small = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const percent = (p) => `${(100 * p).toFixed(p > 0.995 || p < 0.005 ? 1 : 0)}%`;

// make returns an element with properties and children; texts never become markup.
function make(tag, properties, ...children) {
  const e = Object.assign(document.createElement(tag), properties);
  e.append(...children);
  return e;
}

function drawing(tag, attributes) {
  const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  return e;
}

// say changes a text only if it is another, so that screen readers stay quiet.
function say(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text;
}

function age(seconds) {
  for (const [unit, length] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    const n = Math.floor(seconds / length);
    if (n >= 1) return `${n} ${unit}${n > 1 ? "s" : ""}`;
  }
  return "less than a minute";
}

function headers(more) {
  const token = sessionStorage.getItem("token");
  return token ? { ...more, Authorization: `Bearer ${token}` } : more;
}

// --- the numbers ---

// colour is the class of a category's colour, by its code. Those of many categories share colours.
function colour(code) {
  return `c${Math.max(code, 0) % 10}`;
}

let paused = false;
let categories = [];

function show(s) {
  categories = s.categories;
  const stream = s.stream;
  const rate = (stream ? stream.per_second : 0) + s.http.per_second;
  say("rate", rate < 10 ? small.format(rate) : number.format(rate));
  say("total", `${number.format((stream ? stream.classified : 0) + s.http.texts)} since the start${s.http.texts ? `, ${number.format(s.http.texts)} over HTTP` : ""}`);
  if (stream) {
    const held = stream.partitions || [];
    say("lag", stream.lag < 0 ? "unknown" : number.format(stream.lag));
    say("partitions", `${held.length} partition${held.length === 1 ? "" : "s"} held`);
    const dead = Object.entries(stream.dead_letters || {}).filter(([, n]) => n > 0).sort((a, b) => b[1] - a[1]);
    say("dead", number.format(dead.reduce((sum, [, n]) => sum + n, 0)));
    say("reasons", dead.map(([reason, n]) => `${reason.replaceAll("_", " ")} ${number.format(n)}`).join(", ") || "none");
  } else {
    say("lag", "–");
    say("partitions", "no stream role in this process");
    say("dead", "–");
    say("reasons", "");
  }
  say("model", s.model ? s.model.version : "none");
  say("age", s.model ? modelNote(s.model) : "");
  say("roles", (s.roles || []).join(", ") || "–");
  say("version", `${s.version || "devel"}, up for ${age(s.up_seconds)}`);
  showChart(s.minutes || []);
  showLatest(s.latest || []);
}

function modelNote(m) {
  const parts = [`serves for ${age(Date.now() / 1000 - m.serves_since)}`];
  if (m.trained_to) parts.push(`trained on data up to ${m.trained_to}`);
  if (m.accuracy) parts.push(`accuracy ${percent(m.accuracy)}`);
  return parts.join(", ");
}

function showChart(minutes) {
  if ($("legend").dataset.key !== categories.join()) {
    $("legend").dataset.key = categories.join();
    $("legend").replaceChildren(...categories.map((name, c) => make("li", {}, make("span", { className: `swatch ${colour(c)}` }), name)));
  }
  const count = (m, name) => m.counts[name] || 0;
  const total = (m) => categories.reduce((sum, name) => sum + count(m, name), 0);
  const top = Math.max(1, ...minutes.map(total));
  const last = minutes.length ? minutes[minutes.length - 1].at : 0;
  const bars = [];
  for (const m of minutes) {
    const x = 600 - 10 * ((last - m.at) / 60 + 1);
    let y = 180;
    categories.forEach((name, c) => {
      const n = count(m, name);
      const height = 176 * n / top;
      y -= height;
      if (n) bars.push(drawing("rect", { class: colour(c), x, y, width: 9, height }));
    });
  }
  $("chart").replaceChildren(...bars);
  const hour = categories.map((name) => minutes.reduce((sum, m) => sum + count(m, name), 0));
  const all = hour.reduce((a, b) => a + b, 0);
  say("chart-from", "1 hour ago");
  say("chart-top", all ? `highest bar: ${number.format(top)} a minute` : "");
  say("chart-summary", all
    ? `Last hour: ${hour.map((n, c) => [n, c]).filter(([n]) => n).sort((a, b) => b[0] - a[0]).map(([n, c]) => `${categories[c]} ${number.format(n)} (${percent(n / all)})`).join(", ")}.`
    : "Nothing was classified in the last hour.");
}

function showLatest(latest) {
  const key = latest.map((l) => l.id + l.at).join();
  if ($("latest").dataset.key === key) return;
  $("latest").dataset.key = key;
  $("latest").replaceChildren(...latest.map((l) => make("li", { className: "card" },
    make("div", { className: "head" },
      make("span", { className: `swatch ${colour(categories.indexOf(l.category))}` }),
      make("strong", {}, l.category), make("span", {}, percent(l.probability)),
      make("span", {}, l.needs_review ? "needs review" : ""),
      make("span", {}, new Date(l.at).toLocaleTimeString()), make("span", {}, l.id)),
    make("p", {}, l.text))));
  if (!latest.length) $("latest").append(make("li", { className: "note" }, "None yet."));
}

// --- the connection ---

// EventSource cannot send a token, so the events are read from a plain answer.
async function watch() {
  for (let wait = 1000; ; wait = Math.min(2 * wait, 15000)) {
    try {
      const answer = await fetch("live", { headers: headers({}) });
      if (answer.status === 401) {
        $("login").hidden = false;
        connection("A token is needed", true);
        return;
      }
      if (!answer.ok) throw new Error(answer.statusText);
      $("login").hidden = true;
      wait = 1000;
      await readEvents(answer.body.pipeThrough(new TextDecoderStream()).getReader());
    } catch {
      // said below
    }
    connection("Connection lost, trying again…", true);
    await new Promise((done) => setTimeout(done, wait));
  }
}

async function readEvents(reader) {
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const events = (rest + value).split("\n\n");
    rest = events.pop();
    const data = events.pop(); // older ones are out of date
    if (data?.startsWith("data: ")) {
      if (!paused) show(JSON.parse(data.slice(6)));
      connection("Live", false);
    }
  }
}

let now = ["Connecting…", false]; // how the connection is, also while the page is paused

function connection(text, lost) {
  now = [text, lost];
  say("connection", paused && !lost ? "Paused" : text);
  $("connection").classList.toggle("lost", lost);
}

$("pause").addEventListener("click", () => {
  paused = !paused;
  $("pause").setAttribute("aria-pressed", paused);
  connection(...now);
});

$("login").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("token", $("token").value);
  watch();
});

// --- a text of one's own ---

$("try").addEventListener("submit", async (event) => {
  event.preventDefault();
  $("answer").replaceChildren("…");
  $("details").replaceChildren();
  try {
    const answer = await fetch("v1/predict?explain=true", {
      method: "POST",
      headers: headers({ "Content-Type": "application/json" }),
      body: JSON.stringify({ complaints: [{ narrative: $("text").value, company: $("company").value }] }),
    });
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.detail || answer.statusText);
    const result = body.results[0];
    const verdict = `${result.prediction}, ${percent(result.probability)}${result.needs_review ? ", needs review" : ""}`;
    $("answer").replaceChildren(make("p", { className: "verdict" }, verdict));
    $("details").replaceChildren(...details(result));
  } catch (error) {
    $("answer").replaceChildren(make("p", { className: "error" }, error.message));
  }
});

// details is all of an answer but the verdict, which is enough for a screen reader to say unasked.
function details(result) {
  const { for: pro, against: con } = result.explanation;
  const heaviest = Math.max(...[...pro, ...con].map((p) => Math.abs(p.weight)));
  const listed = (parts) => parts.filter((p) => Math.abs(p.weight) >= 0.005).slice(0, shownReasons).map(reason);
  const reason = (p) => row(p.in_text ? [p.name] : [p.name, make("span", { className: "note" }, " absent")],
    result.category_code, Math.abs(p.weight) / heaviest, weight.format(p.weight));
  return [
    table("Probabilities", mostProbable(result.probabilities).map(([name, p, c]) => row([name], c, p, percent(p)))),
    make("div", { className: "sides" },
      table(`For ${result.prediction}`, listed(pro)),
      table(`Against ${result.prediction}`, listed(con))),
    make("p", { className: "note" }, "Each weight is what a term or the company adds to the category's raw score; absent: it is not there, which speaks too."),
  ];
}

// mostProbable are the categories with their probabilities and codes, in the order of the codes; of many the most probable.
function mostProbable(probabilities) {
  const all = Object.entries(probabilities).map(([name, p], code) => [name, p, code]);
  return all.length <= shownCategories ? all : all.sort((a, b) => b[1] - a[1]).slice(0, shownCategories);
}

const shownCategories = 10;
const shownReasons = 6;
const weight = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2, signDisplay: "exceptZero" });

function table(caption, rows) {
  return make("table", { className: "bars" }, make("caption", {}, caption), make("tbody", {}, ...rows));
}

// row names a thing and shows its share of 1 as a bar in the colour of a category.
function row(name, category, share, value) {
  const bar = drawing("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" });
  bar.append(drawing("rect", { class: colour(category), x: 0, y: 0, width: 100 * share, height: 10 }));
  return make("tr", {}, make("th", { scope: "row" }, ...name), make("td", {}, bar), make("td", {}, value));
}

watch();
