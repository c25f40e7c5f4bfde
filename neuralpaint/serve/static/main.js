// The page: one painting at a time on the easel, its choices beside it, its tools below.
import { api, Live } from "./api.js";
import { DEFAULTS, FINISH, Panel, same, searchKeys } from "./panel.js";
import { Player } from "./player.js";
import { Stage } from "./stage.js";
import { Crop, Detail, Select } from "./tools.js";

const $ = (id) => document.getElementById(id);
const SOON = 800; // pixels along the longer side of a picture that is drawn in no time
const stage = new Stage();
const records = new Map();
let current = null; // id of the painting on the easel
let mode = "view";
let panel, live, player;
let selected = [];
let shownVersion = null;
let moved = false; // whether something was chosen that the painting is not painted with

const record = () => records.get(current);
const busy = (one = record()) => Boolean(one) && (one.state === "painting" || one.state === "waiting");

// --- messages -------------------------------------------------------------------------------------------------------

let noteTimer = 0;
function note(text, lasting = false) {
  $("note").textContent = text;
  clearTimeout(noteTimer);
  if (!lasting) noteTimer = setTimeout(() => { $("note").textContent = ""; }, 6000);
}

let spokenAt = 0;
function speak(text, always = false) {
  if (!always && performance.now() - spokenAt < 8000) return;
  spokenAt = performance.now();
  $("spoken").textContent = text;
}

async function trying(work) {
  try {
    return await work();
  } catch (error) {
    note(error.message);
    return undefined;
  }
}

// Changes are sent in the order in which they are made: a search waits for the mask that it is to follow.
let lastChange = Promise.resolve();
function changing(work) {
  lastChange = lastChange.then(() => trying(work));
  return lastChange;
}

// --- what is shown --------------------------------------------------------------------------------------------------

function icon(button, name, label) {
  button.querySelector("use").setAttribute("href", `#i-${name}`);
  button.querySelector("span").textContent = label;
}

function seconds(value) {
  if (value < 90) return `${Math.max(1, Math.round(value))} s left`;
  return `${Math.round(value / 60)} min left`;
}

function caption(one) {
  if (!one) return "";
  const { state, progress } = one, version = one.versions[one.at];
  if (state === "waiting") return one.ahead > 1 ? `Waiting: ${one.ahead - 1} before it` : "About to begin";
  if (state === "painting") {
    if (!progress.strokes) return "Looking at the photo";
    const left = progress.remaining > 0 && progress.share > 0.02 ? ` · ${seconds(progress.remaining)}` : "";
    return `${progress.strokes.toLocaleString("en")} strokes${left}`;
  }
  if (state === "failed") return one.error;
  if (!version) return "";
  const likeness = version.psnr ? ` · ${version.psnr.toFixed(1)} dB` : "";
  return `${state === "paused" ? "Paused at " : ""}${version.strokes.toLocaleString("en")} strokes${likeness}`;
}

function show() {
  const one = record();
  document.body.dataset.mode = one ? mode : "start";
  $("start").hidden = Boolean(one);
  $("easel").hidden = $("tray").hidden = !one;
  for (const tools of document.querySelectorAll(".tools")) tools.hidden = tools.dataset.for !== mode;
  $("caption").textContent = one && mode === "view" ? caption(one) : hint();
  if (!one) {
    $("apply").hidden = true;
    return;
  }
  const painted = one.versions.length > 0, working = busy(one);
  const go = $("go");
  if (working) icon(go, one.state === "waiting" ? "stop" : "pause", one.state === "waiting" ? "Leave the queue" : "Pause");
  else if (one.state === "paused" && !moved) icon(go, "play", "Go on");
  else icon(go, "brush", painted ? "Paint again" : "Paint");
  go.classList.toggle("busy", working || one.state === "paused");
  go.style.setProperty("--share", one.progress.share || 0);
  for (const id of ["t-select", "t-film", "t-save"]) $(id).disabled = !painted || working;
  for (const id of ["t-crop", "t-detail"]) $(id).disabled = !stage.photo;
  $("s-undo").disabled = working || one.at <= 0;
  $("s-redo").disabled = working || one.at >= one.versions.length - 1;
  for (const id of ["s-delete", "s-clear", "s-color"]) $(id).disabled = !selected.length;
  const apply = moved && (painted || working);
  $("apply").hidden = !apply;
  $("onward").hidden = panel.choices.brush !== one.choices.brush || !same(panel.choices, one.choices, ["crop"]);
}

function hint() {
  return {
    select: selected.length ? `${selected.length} ${selected.length === 1 ? "stroke" : "strokes"} selected` : "Touch a stroke, or draw a line around some",
    detail: "Paint over what matters: it gets more and smaller strokes",
    crop: "Drag the corners, or the whole frame",
    film: "",
  }[mode] || "";
}

function strip() {
  const list = $("strip"), all = [...records.values()].sort((a, b) => a.created - b.created).slice(-40);
  list.replaceChildren(...all.map((one) => {
    const item = document.createElement("li"), button = document.createElement("button"), gone = document.createElement("button");
    Object.assign(button, { type: "button", className: "thumb", title: one.title });
    button.setAttribute("aria-label", one.title);
    button.setAttribute("aria-current", String(one.id === current));
    const image = Object.assign(document.createElement("img"), { alt: "", loading: "lazy" });
    image.src = `/api/paintings/${one.id}/files/thumbnail?${one.version ?? "photo"}`;
    button.append(image);
    button.addEventListener("click", () => open(one.id));
    Object.assign(gone, { type: "button", className: "gone" });
    gone.setAttribute("aria-label", `Delete ${one.title}`);
    gone.innerHTML = '<svg aria-hidden="true"><use href="#i-close"/></svg>';
    gone.addEventListener("click", () => {
      if (confirm(`Delete the painting “${one.title}”?`)) trying(() => api.remove(one.id));
    });
    item.append(button, gone);
    return item;
  }));
}

// Puts a painting on the easel; `photo` is a promise of its picture, if the page has it.
async function open(id, photo = null) {
  if (mode !== "view") leave();
  sendFinish();
  current = id;
  selected = [];
  shownVersion = null;
  const one = record();
  if (location.hash !== `#${id}`) history.replaceState(null, "", `#${id}`);
  stage.clear();
  stage.photo = null;
  panel.load(one.choices);
  if (one.has_style) panel.showStylePicture(`/api/paintings/${id}/files/style`);
  moved = false;
  mark("");
  const [left, top, right, bottom] = one.choices.crop;
  stage.fit(((right - left) * one.width) / ((bottom - top) * one.height));
  live.watch(id);
  strip();
  show();
  const bitmap = await photo || await trying(() => api.photo(id));
  if (current !== id || !bitmap) return;
  stage.setPhoto(bitmap, one.choices.crop);
  if (!stage.to) stage.photoCanvas.hidden = one.versions.length > 0; // until the first strokes
  show();
  await picture();
}

async function picture() {
  const one = record();
  if (!one || one.version === null || one.state === "painting") return;
  const key = `${one.id} ${one.version}`;
  if (shownVersion === key) return;
  shownVersion = key;
  const longest = stage.longest;
  for (const size of stage.to || longest <= SOON ? [longest] : [SOON, longest]) { // a small one is there sooner
    const bitmap = await trying(() => api.picture(one.id, one.version, size));
    if (!bitmap || shownVersion !== key || current !== one.id) return;
    if (mode === "view" || mode === "select") stage.photoCanvas.hidden = $("divide").hidden;
    stage.show(bitmap);
  }
}

function mark(url) {
  $("mark").hidden = !url;
  if (url) $("mark").src = url;
  else $("mark").removeAttribute("src");
}

// --- painting -------------------------------------------------------------------------------------------------------

async function take(file) {
  if (!file) return;
  note("");
  const preview = createImageBitmap(file).catch(() => null); // HEIC: the server shows it
  document.body.classList.add("loading");
  $("invite").textContent = "Taking a look…";
  try {
    const made = await api.upload(file, (text) => note(text, true));
    records.set(made.id, made);
    const choices = { ...panel.choices, crop: [...DEFAULTS.crop], detail: panel.choices.detail === "none" ? "none" : "auto" };
    if (choices.style === "picture") choices.style = "";
    made.choices = choices;
    const opened = open(made.id, preview); // the search does not wait until the browser has decoded the photo
    await paint(choices, false, made.id);
    await opened;
  } catch (error) {
    note(error.message);
    speak(error.message, true);
  } finally {
    document.body.classList.remove("loading");
    $("invite").textContent = "Drop a photo here";
  }
}

// Paints with what is chosen, on or afresh, once all changes before it are made.
function search(onward) {
  const id = current;
  sendFinish();
  return changing(async () => {
    if (id === current) await paint(panel.choices, onward(), id);
  });
}

async function paint(choices, onward, id) {
  if (busy(records.get(id))) await paused(id, onward ? "pause" : "cancel");
  const one = await api.paint(id, choices, onward);
  moved = false;
  update(one);
  if (id !== current) return;
  stage.crop = one.choices.crop;
  stage.drawPhoto();
}

// Pauses or cancels, and waits until it has.
async function paused(id, word = "pause") {
  await api.command(id, word);
  for (let k = 0; k < 100; k += 1) {
    const one = await api.one(id);
    if (!busy(one)) {
      update(one);
      return;
    }
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error("It does not pause: wait a moment, and try again.");
}

// The surface needs no new search: it is drawn as soon as the slider rests, or something else is done.
let finishing = 0, finish = null; // what is to be sent: {id, values}
function sendFinish() {
  clearTimeout(finishing);
  const sent = finish;
  finish = null;
  if (sent) changing(async () => update(await api.edit(sent.id, { what: "finish", finish: sent.values })));
}

function chosen() {
  const one = record();
  if (!one) return;
  moved = !same(panel.choices, one.choices, searchKeys);
  clearTimeout(finishing);
  finish = null;
  if (one.versions.length && !busy(one) && !moved && !same(panel.choices, one.choices, FINISH)) {
    finish = { id: one.id, values: Object.fromEntries(FINISH.map((key) => [key, panel.choices[key]])) };
    finishing = setTimeout(sendFinish, 250);
  } else if (busy(one)) moved = moved || !same(panel.choices, one.choices, FINISH);
  show();
}

function update(one) {
  const before = records.get(one.id);
  if (before && before.revision > one.revision) return; // an answer that has been overtaken
  if (before && one.state === "painting" && !one.progress.strokes) one.progress = before.progress;
  records.set(one.id, one);
  if (one.id === current) {
    if (before && before.state !== one.state) {
      speak({ painting: "Painting begins", paused: "Paused", done: `Finished: ${caption(one)}`, failed: one.error }[one.state] || "", true);
      if (one.state === "failed") note(one.error);
    }
    show();
    if (mode !== "film") picture();
  }
  if (!before || before.version !== one.version) strip();
}

// --- tools ----------------------------------------------------------------------------------------------------------

const crop = new Crop(stage);
const detail = new Detail(stage);
const select = new Select(stage, (points) => trying(async () => {
  const found = await api.select(current, points, selected);
  selected = found.ids;
  mark(found.mark);
  if (found.color) $("s-color").value = found.color;
  speak(hint(), true);
  show();
}));

function enter(next) {
  mode = next;
  $("t-compare").setAttribute("aria-pressed", "false");
  stage.compare(false);
  $("panel").classList.remove("open");
  if (next === "crop") crop.open(panel.choices.crop);
  if (next === "detail") detail.open(current);
  if (next === "select") select.open();
  const over = { detail: "Where detail matters; arrow keys and Enter mark it", select: "Strokes; arrow keys and Enter select them" }[next];
  stage.over.tabIndex = over ? 0 : -1;
  if (over) {
    stage.over.setAttribute("role", "application");
    stage.over.setAttribute("aria-label", over);
    stage.over.focus({ focusVisible: false });
  }
  show();
}

// Back to the painting; what a tool has made is chosen.
function leave() {
  const before = mode;
  mode = "view";
  if (before === "crop") panel.set({ crop: crop.close() });
  if (before === "detail") {
    const { width, height, values, any } = detail.close(), id = current;
    if (any || panel.choices.detail === "mask") panel.set({ detail: any ? "mask" : "auto" });
    moved = moved || any;
    changing(async () => {
      try {
        await api.mask(id, width, height, values);
      } catch (error) {
        if (id === current) panel.set({ detail: "auto" });
        throw error;
      }
    });
  }
  if (before === "select") {
    select.close();
    selected = [];
    mark("");
  }
  if (before === "film") {
    player?.close();
    player = null;
    shownVersion = null;
    picture();
  }
  show();
}

async function change(what, more = {}) {
  const ids = selected, id = current;
  sendFinish();
  await changing(async () => {
    update(await api.edit(id, { what, ids, ...more }));
    if (id !== current) return;
    if (what === "delete") selected = [];
    mark("");
  });
  show();
}

async function film() {
  const one = record();
  enter("film");
  await trying(async () => {
    const scrub = $("f-scrub");
    scrub.value = 0;
    player = new Player(await api.playback(one.id, one.version), (canvas, number) => {
      stage.show(canvas, 0);
      scrub.max = player.last;
      scrub.value = number;
      scrub.setAttribute("aria-valuetext", `${Math.round((100 * number) / Math.max(1, player.last))} percent`);
      icon($("f-play"), player.playing ? "pause" : "play", player.playing ? "Pause" : "Play");
    });
    const mine = player;
    mine.finished.catch((error) => note(error.message));
    await mine.ready;
    if (player === mine) mine.play();
  });
}

// --- saving ---------------------------------------------------------------------------------------------------------

const KINDS = [
  ["png", "PNG", "The picture, exactly"], ["jpg", "JPEG", "The picture, in a smaller file"], ["svg", "SVG", "Every stroke a shape, for drawing programs"],
  ["mp4", "MP4", "The time-lapse as a video"], ["gif", "GIF", "The time-lapse, for anywhere"], ["strokes", "Strokes", "For neuralpaint render, at any size later"],
];

function buildSaving(catalogue) {
  $("kinds").replaceChildren(...KINDS.filter(([kind]) => kind !== "mp4" || catalogue.video).map(([kind, name], k) => {
    const label = document.createElement("label"), input = document.createElement("input"), text = document.createElement("span");
    Object.assign(input, { type: "radio", name: "kind", value: kind, checked: k === 0 });
    text.textContent = name;
    label.append(input, text);
    return label;
  }));
  $("kinds").addEventListener("change", describe);
  $("longest").addEventListener("input", describe);
}

const kindChosen = () => document.querySelector('input[name="kind"]:checked').value;

function describe() {
  const kind = kindChosen(), movie = kind === "mp4" || kind === "gif";
  const size = $("longest"), sized = kind !== "strokes" && kind !== "svg";
  size.max = movie ? 1920 : 8000;
  $("longest-row").hidden = !sized;
  const one = record(), longer = Number(size.value), ratio = stage.aspect;
  const [wide, high] = ratio >= 1 ? [longer, Math.round(longer / ratio)] : [Math.round(longer * ratio), longer];
  $("longest-out").textContent = `${wide} × ${high}`;
  $("saving-note").textContent = one ? KINDS.find(([name]) => name === kind)[2] : "";
}

async function download() {
  const button = $("download");
  button.disabled = true;
  button.textContent = "Drawing…";
  await trying(async () => {
    await api.download(current, kindChosen(), Number($("longest").value));
    $("saving").close();
  });
  button.disabled = false;
  button.textContent = "Save";
}

function saveAs(kind) {
  for (const input of document.querySelectorAll('input[name="kind"]')) input.checked = input.value === kind;
  if (!document.querySelector('input[name="kind"]:checked')) document.querySelector('input[name="kind"]').checked = true;
  $("longest").value = kind === "png" ? 2000 : 1000;
  describe();
  $("saving").showModal();
}

// --- events ---------------------------------------------------------------------------------------------------------

function listen() {
  const ask = () => {
    $("file").value = "";
    $("file").click();
  };
  $("choose").addEventListener("click", ask);
  $("add").addEventListener("click", ask);
  $("file").addEventListener("change", () => take($("file").files[0]));
  $("style-file").addEventListener("change", () => changing(async () => {
    const file = $("style-file").files[0], id = current;
    if (!file) return;
    if (!id) throw new Error("Drop a photo first, then a picture whose style to take.");
    note("Looking at the style…", true);
    update(await api.style(id, file));
    note("");
    if (id !== current) return;
    panel.showStylePicture(`/api/paintings/${id}/files/style?${Date.now()}`);
    panel.set({ style: "picture" });
    moved = true;
    show();
  }));
  addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("over");
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("over");
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("over");
    take(event.dataTransfer.files[0]);
  });
  addEventListener("paste", (event) => take([...event.clipboardData.files][0]));
  addEventListener("hashchange", () => {
    const id = location.hash.slice(1);
    if (records.has(id) && id !== current) open(id);
  });
  $("go").addEventListener("click", () => {
    if (busy()) trying(() => api.command(current, "pause"));
    else search(() => record()?.state === "paused" && !moved);
  });
  $("onward").addEventListener("click", () => search(() => true));
  $("afresh").addEventListener("click", () => search(() => false));
  $("t-crop").addEventListener("click", () => enter("crop"));
  $("t-detail").addEventListener("click", () => enter("detail"));
  $("t-select").addEventListener("click", () => enter("select"));
  $("t-film").addEventListener("click", film);
  $("t-save").addEventListener("click", () => saveAs("png"));
  $("f-save").addEventListener("click", () => saveAs("mp4"));
  $("t-compare").addEventListener("click", () => {
    const on = $("t-compare").getAttribute("aria-pressed") !== "true";
    $("t-compare").setAttribute("aria-pressed", String(on));
    stage.compare(on);
    if (on) $("divide").focus({ focusVisible: false });
  });
  for (const id of ["c-done", "d-done", "s-done", "f-done"]) $(id).addEventListener("click", leave);
  $("s-undo").addEventListener("click", () => step("undo"));
  $("s-redo").addEventListener("click", () => step("redo"));
  $("s-delete").addEventListener("click", () => change("delete"));
  $("s-color").addEventListener("change", () => change("recolor", { color: $("s-color").value }));
  $("s-clear").addEventListener("click", () => {
    selected = [];
    mark("");
    show();
  });
  $("f-play").addEventListener("click", () => (player?.playing ? player.pause() : player?.play()));
  $("f-scrub").addEventListener("input", () => {
    const wanted = Number($("f-scrub").value); // before the player shows where it is
    player?.pause();
    player?.seek(wanted);
  });
  $("download").addEventListener("click", download);
  $("sheet").addEventListener("click", () => {
    const opened = $("panel").classList.toggle("open");
    $("sheet").setAttribute("aria-expanded", String(opened));
  });
  $("stage").addEventListener("pointerdown", () => {
    $("panel").classList.remove("open");
    $("sheet").setAttribute("aria-expanded", "false");
  });
  stage.over.addEventListener("pointerdown", (event) => (mode === "detail" ? detail : select).down(event));
  stage.over.addEventListener("keydown", (event) => (mode === "detail" ? detail : select).key(event));
  addEventListener("keydown", keys);
}

function step(word) {
  const id = current;
  sendFinish();
  selected = [];
  mark("");
  return changing(async () => {
    const one = await api.command(id, word);
    update(one);
    if (id === current) panel.load({ ...panel.choices, ...Object.fromEntries(FINISH.map((key) => [key, one.choices[key]])) });
  });
}

function keys(event) {
  if ($("saving").open || !current) return;
  const typing = event.target.matches("input:not([type=range]):not([type=radio]), textarea");
  if (event.key === "Escape") {
    $("panel").classList.remove("open");
    if (mode !== "view") leave();
  } else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !busy()) {
    event.preventDefault();
    step(event.shiftKey ? "redo" : "undo");
  } else if ((event.key === "Delete" || event.key === "Backspace") && mode === "select" && selected.length && !typing) {
    event.preventDefault();
    change("delete");
  } else if (event.key === " " && mode === "view" && event.target === document.body) {
    event.preventDefault();
    $("go").click();
  }
}

// --- the server -----------------------------------------------------------------------------------------------------

const handlers = {
  async joined() {
    note("");
    const all = await trying(() => api.paintings());
    if (!all) return;
    records.clear();
    for (const one of all) records.set(one.id, one);
    const wanted = location.hash.slice(1);
    if (current && !records.has(current)) current = null;
    if (!current && records.has(wanted)) await open(wanted);
    else {
      if (current) live.watch(current);
      strip();
      show();
      picture();
    }
  },
  lost(code) {
    note(code === 1013 ? "Too many pages are open here. This one waits for a place…" : "The server has gone. As soon as it is back, this page goes on.", true);
  },
  painting({ painting }) {
    update(painting);
  },
  progress({ id, progress }) {
    const one = records.get(id);
    if (!one) return;
    one.progress = progress;
    if (id === current) {
      show();
      speak(caption(one));
    }
  },
  deleted({ id }) {
    records.delete(id);
    if (id === current) {
      current = null;
      history.replaceState(null, "", location.pathname);
    }
    strip();
    show();
  },
  async frame(id, blob) {
    if (id !== current || (mode !== "view" && mode !== "select")) return;
    const bitmap = await createImageBitmap(blob).catch(() => null);
    if (!bitmap || id !== current || !busy()) return;
    stage.photoCanvas.hidden = $("divide").hidden;
    shownVersion = null;
    stage.show(bitmap);
    document.body.dataset.frames = String(Number(document.body.dataset.frames || 0) + 1);
  },
};

const catalogue = await trying(() => api.options());
if (catalogue) {
  panel = new Panel(catalogue, chosen);
  buildSaving(catalogue);
  listen();
  live = new Live(handlers);
  show();
}
