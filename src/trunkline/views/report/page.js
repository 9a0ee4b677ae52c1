"use strict";
// Without this script the page is whole: cards are links to the articles below. With it, an article opens beside the
// picture, keys lead from card to card, and a live page follows its run.
const report = document.getElementById("report"), panel = document.getElementById("panel");
let chosen = "", typed = "", problem = -1;
document.documentElement.classList.add("scripted");

const cards = () => [...report.querySelectorAll("svg a.card")];
const card = (id) => report.querySelector(`svg a.card[href="#${CSS.escape(id)}"]`);

function show(id, focus) {
  const article = document.getElementById(id);
  if (!article) return;
  chosen = id;
  const close = document.createElement("button");
  close.textContent = "Close";
  close.addEventListener("click", hide);
  panel.replaceChildren(close, ...[...article.cloneNode(true).childNodes]);
  panel.hidden = false;
  document.body.classList.add("beside");
  card(id)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  for (const each of cards()) each.classList.toggle("chosen", each === card(id));
  if (focus) close.focus();
}

function hide() {
  if (panel.hidden) return;
  const from = card(chosen);
  panel.hidden = true;
  document.body.classList.remove("beside");
  chosen = "";
  for (const each of cards()) each.classList.remove("chosen");
  if (from) from.focus();
}

function filter() {
  const wanted = typed.trim().toLowerCase();
  let found = 0;
  for (const row of report.querySelectorAll("#networks tbody tr")) {
    const fits = row.textContent.toLowerCase().includes(wanted), own = card(row.dataset.of);
    row.hidden = !fits;
    if (own) own.classList.toggle("faint", !fits);
    found += fits;
  }
  const said = document.getElementById("found");
  if (said) said.textContent = wanted ? `${found} found` : "";
}

// The nearest card in a direction; what lies aside counts threefold.
function neighbour(from, x, y) {
  const middle = (each) => { const box = each.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; };
  const [left, top] = middle(from);
  let best = null, least = Infinity;
  for (const each of cards()) {
    const [right, bottom] = middle(each), along = (right - left) * x + (bottom - top) * y;
    if (each === from || along < 2) continue;
    const far = along + 3 * Math.abs((right - left) * y + (bottom - top) * x);
    if (far < least) [best, least] = [each, far];
  }
  return best;
}

report.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  const id = link && (link.getAttribute("href") || "").replace(/^#/, "");
  if (!id || !document.getElementById(id)) return;
  event.preventDefault();
  show(id, true);
});
report.addEventListener("input", (event) => {
  if (event.target.id === "find") { typed = event.target.value; filter(); }
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const input = event.target.matches("input");
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  if (event.key === "Escape") {
    if (input) event.target.blur();
    hide();
  } else if (!input && event.key === "/") {
    event.preventDefault();
    document.getElementById("find")?.focus();
  } else if (!input && event.key === "n") {
    const links = report.querySelectorAll(".problems a");
    if (links.length) {
      problem = (problem + 1) % links.length;
      links[problem].closest("details")?.setAttribute("open", "");
      links[problem].focus();
      show(links[problem].hash.slice(1), false);
    }
  } else if (!input && steps[event.key]) {
    const from = event.target.closest?.("svg a.card") || card(chosen);
    const next = from ? neighbour(from, ...steps[event.key]) : null;
    if (next) {
      event.preventDefault();
      next.focus();
      if (!panel.hidden) show(next.getAttribute("href").slice(1), false);
    }
  }
});

// The live page: its server sends the body anew; where the reader is stays.
if (document.body.dataset.live) {
  const source = new EventSource(document.body.dataset.live);
  const say = (text) => { const line = report.querySelector(".live"); if (line) { line.hidden = !text; line.textContent = text; } };
  const take = (event) => {
    const { title, body } = JSON.parse(event.data);
    const focused = document.activeElement, href = focused?.closest?.("svg a.card")?.getAttribute("href");
    const searching = focused?.id === "find", at = [window.scrollX, window.scrollY];
    document.title = title;
    report.replaceChildren(...new DOMParser().parseFromString(body, "text/html").body.childNodes);
    const find = document.getElementById("find");
    if (find) { find.value = typed; if (searching) find.focus(); }
    if (typed) filter();
    if (href) card(href.slice(1))?.focus();
    if (chosen) show(chosen, false);
    window.scrollTo(...at);
  };
  source.addEventListener("report", (event) => { take(event); say("live: the page follows the run"); });
  source.addEventListener("end", (event) => { take(event); source.close(); say("The run has ended; this page stays as it is. Save it to keep it."); });
  source.addEventListener("error", () => say("The run's process does not answer; the page shows how it last was."));
}
