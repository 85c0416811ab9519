
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const PERIOD_MS = 1000;
const main = document.querySelector("main");
const withSubsteps = main.dataset.substeps === "yes";
const rows = new Map();
const marks = new Map();

function short(number) {
  if (number === null) return "";
  for (const [unit, size] of [["G", 1e9], ["M", 1e6], ["k", 1e3]]) {
    if (number >= size) return (number / size).toPrecision(3) + unit;
  }
  return number >= 10 || Number.isInteger(number) ? number.toFixed(0) : number.toFixed(1);
}

function percent(share) {
  return (share * 100).toFixed(0) + " %";
}

function seconds(number) {
  return number === null ? "" : short(Math.max(0, number)) + " s";
}

function waitingOf(step) {
  return step.fill < 0.005 ? short(step.waiting) : `${short(step.waiting)} (${percent(step.fill)})`;
}

function hotKeysOf(step) {
  return step.hot_keys.map((hot) => `${hot.key} ${percent(hot.share)}`).join(", ");
}

function* flat(steps, depth = 0) {
  for (const step of steps) {
    yield [step, depth];
    if (withSubsteps) yield* flat(step.substeps, depth + 1);
  }
}

function added(parent, name, kind, attributes) {
  const element = document.createElementNS(SVG, name);
  element.setAttribute("class", kind);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent.append(element);
  return element;
}

// What is drawn into the picture of a step; nothing into a frame around others.
function marksOf(group) {
  const box = group.querySelector(":scope > rect.box");
  if (!box) return { group };
  const [width, height] = [box.width.baseVal.value, box.height.baseVal.value];
  const bar = { x: 4, y: height - 4, width: 0, height: 3 };
  const x = width / 2 + 6;
  return {
    group,
    room: width - 8,
    worked: added(group, "rect", "worked", bar),
    held: added(group, "rect", "held", bar),
    fill: added(group, "rect", "fill", { x: 4, y: 1, width: 0, height: 3 }),
    rate: added(group, "text", "rate", { x, y: height + 12 }),
    waiting: added(group, "text", "waiting", { x, y: -6 }),
  };
}

function draw(step, isBusiest) {
  const mark = marks.get(step.drawn_id);
  if (!mark) return;
  mark.group.classList.toggle("busiest", isBusiest);
  mark.group.classList.toggle("pressed", step.held_share >= 0.1);
  if (!mark.room) return;
  // A step may be held back and at work at once on different workers.
  const held = Math.min(step.held_share, 1 - step.worked_share);
  mark.worked.setAttribute("width", mark.room * step.worked_share);
  mark.held.setAttribute("x", 4 + mark.room * step.worked_share);
  mark.held.setAttribute("width", mark.room * held);
  mark.fill.setAttribute("width", mark.room * step.fill);
  const rate = step.out_per_second === null ? step.in_per_second : step.out_per_second;
  mark.rate.textContent = rate === null ? "" : short(rate) + "/s";
  mark.waiting.textContent = step.waiting ? short(step.waiting) + " waiting" : "";
}

function tell(step, depth, isBusiest) {
  let row = rows.get(step.step_id);
  if (!row) {
    row = document.getElementById("steps").insertRow();
    row.dataset.stepId = step.step_id;
    for (let n = 0; n < 12; n++) row.insertCell();
    rows.set(step.step_id, row);
  }
  row.classList.toggle("busiest", isBusiest);
  const texts = [
    "  ".repeat(depth) + step.step_name, step.op_type,
    short(step.items_in), short(step.in_per_second),
    short(step.items_out), short(step.out_per_second),
    waitingOf(step), percent(step.worked_share), percent(step.called_share),
    percent(step.held_share), seconds(step.watermark_lag), hotKeysOf(step),
  ];
  texts.forEach((text, n) => { row.cells[n].textContent = text; });
}

function show(status) {
  const run = document.getElementById("run");
  run.className = "";
  run.textContent = `process ${status.process_id} of ${status.processes}, ${status.phase}, `
    + `${status.seconds.toFixed(0)} s`;
  document.getElementById("workers").textContent = status.workers.map(
    (each) => `worker ${each.worker_index}: ${each.phase}, epoch ${each.epoch_opened} open, `
      + `${each.epoch_through} through`).join("; ");
  for (const [step, depth] of flat(status.steps)) {
    const isBusiest = status.busiest.includes(step.step_id);
    draw(step, isBusiest);
    tell(step, depth, isBusiest);
  }
  link(status.neighbours);
}

function link(neighbours) {
  const place = document.getElementById("neighbours");
  if (place.childElementCount) return;
  for (const each of neighbours) {
    const anchor = document.createElement("a");
    const there = new URL(location.href);
    there.port = each.port;
    anchor.href = there.href;
    anchor.textContent = `process ${each.process_id}`;
    place.append(anchor);
  }
}

async function look() {
  try {
    const answer = await fetch("/status", { cache: "no-store" });
    if (!answer.ok) throw new Error(await answer.text());
    show(await answer.json());
  } catch (error) {
    const run = document.getElementById("run");
    run.className = "gone";
    run.textContent = "no answer: the run has ended, or cannot be reached";
  }
  setTimeout(look, PERIOD_MS);
}

for (const group of document.querySelectorAll("g[data-step-id]")) {
  marks.set(group.dataset.stepId, marksOf(group));
}
look();
