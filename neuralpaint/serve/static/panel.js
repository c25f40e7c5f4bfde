// What can be chosen: brush, look, strokes, colours, style, surface.
const $ = (id) => document.getElementById(id);
const FINISH = ["relief", "light", "ground", "varnish", "wet"];
const LEAST = 30;

export const DEFAULTS = {
  brush: "oil", strokes: 500, preset: "balanced", palette: "", opaque: false, background: "white", style: "", strength: 1,
  detail: "auto", crop: [0, 0, 1, 1], seed: 0, relief: 0, light: 135, ground: "none", varnish: 0, wet: 0,
};

export const same = (a, b, keys = Object.keys(DEFAULTS)) => keys.every((key) => JSON.stringify(a[key]) === JSON.stringify(b[key]));
export const searchKeys = Object.keys(DEFAULTS).filter((key) => !FINISH.includes(key));
export { FINISH };

export class Panel {
  // `changed` is called when something was chosen.
  constructor(catalogue, changed) {
    this.catalogue = catalogue;
    this.changed = changed;
    this.choices = { ...DEFAULTS };
    this.build();
    this.show();
  }

  build() {
    const { looks, brushes, palettes, styles, presets } = this.catalogue;
    const plain = { name: "", description: "the brush, and nothing else", options: {} };
    fill($("looks"), "look", [plain, ...looks], (look) => card(look.name || "plain", `/static/look-${look.name || "plain"}.webp`, look.description));
    fill($("brushes"), "brush", brushes, (brush) => card(brush.name, `/static/brush-${brush.name}.webp`, brush.description));
    fill($("presets"), "preset", presets.map((name) => ({ name })), ({ name }) => span(name));
    fill($("grounds"), "ground", ["none", "canvas", "paper"].map((name) => ({ name })), ({ name }) => span(name === "none" ? "smooth" : name));
    const counted = [6, 12, 24].map((count) => ({ name: String(count), label: `${count} found` }));
    fill($("palettes"), "palette", [{ name: "", label: "all" }, ...counted, ...palettes], swatch);
    const own = { name: "picture", label: "any picture…" };
    fill($("styles"), "style", [{ name: "" }, own, ...styles.map((name) => ({ name }))], styleCard);
    $("looks").addEventListener("change", (event) => this.take(event.target.value));
    for (const [id, key] of [["brushes", "brush"], ["presets", "preset"], ["palettes", "palette"], ["grounds", "ground"]]) {
      $(id).addEventListener("change", (event) => this.set({ [key]: event.target.value }));
    }
    $("styles").addEventListener("change", (event) => {
      if (event.target.value === "picture") this.pickStyle();
      else this.set({ style: event.target.value });
    });
    for (const key of ["relief", "light", "varnish", "wet", "strength"]) {
      $(key).addEventListener("input", () => this.set({ [key]: Number($(key).value) }));
    }
    $("strokes").addEventListener("input", () => this.set({ strokes: this.count() }));
  }

  // Strokes go from 30 to the most there can be, evenly in their logarithm, in round numbers.
  count() {
    const most = this.catalogue.max_strokes;
    const exact = LEAST * (most / LEAST) ** (Number($("strokes").value) / 100);
    const step = 10 ** Math.max(1, Math.floor(Math.log10(exact)) - 1);
    return Math.min(most, Math.round(exact / step) * step);
  }

  set(some) {
    Object.assign(this.choices, some);
    if (this.choices.brush !== "watercolor") this.choices.wet = 0;
    if (!this.choices.palette) this.choices.opaque = false;
    this.show();
    this.changed();
  }

  // What a look says; crop, detail and style stay.
  take(name) {
    const look = this.catalogue.looks.find((other) => other.name === name);
    const { crop, detail, style, strength, seed } = this.choices;
    this.choices = { ...DEFAULTS, crop, detail, style, strength, seed, ...(look ? look.options : {}) };
    this.choices.strokes = Math.min(this.choices.strokes, this.catalogue.max_strokes);
    this.show();
    this.changed();
  }

  // Shows the choices of a painting.
  load(choices) {
    this.choices = { ...DEFAULTS, ...choices, crop: [...choices.crop] };
    this.show();
  }

  show() {
    const chosen = this.choices;
    const look = this.catalogue.looks.find((other) => same({ ...DEFAULTS, ...other.options }, chosen, ["brush", "palette", "background", ...FINISH]));
    check("look", look ? look.name : same(DEFAULTS, chosen, ["brush", "palette", "background", ...FINISH]) ? "" : null);
    for (const key of ["brush", "preset", "palette", "ground", "style"]) check(key, chosen[key]);
    for (const key of ["relief", "light", "varnish", "wet", "strength"]) $(key).value = chosen[key];
    const most = this.catalogue.max_strokes;
    if (this.count() !== chosen.strokes) $("strokes").value = (100 * Math.log(chosen.strokes / LEAST)) / Math.log(most / LEAST);
    $("strokes").setAttribute("aria-valuetext", `${chosen.strokes} strokes`);
    $("strokes-out").textContent = chosen.strokes.toLocaleString("en");
    $("wet-row").hidden = chosen.brush !== "watercolor";
    $("strength-row").hidden = !chosen.style;
  }

  pickStyle() {
    $("style-file").value = "";
    $("style-file").click();
    this.show(); // until there is a picture
  }

  showStylePicture(url) {
    const face = $("styles").querySelector("[data-name='picture'] .face");
    const image = document.createElement("img");
    image.alt = "";
    image.src = url;
    face.replaceChildren(image);
  }
}

function fill(place, group, entries, draw) {
  place.replaceChildren(...entries.map((entry) => {
    const label = draw(entry), input = document.createElement("input");
    Object.assign(input, { type: "radio", name: group, value: entry.name });
    label.dataset.name = entry.name;
    label.prepend(input);
    return label;
  }));
}

function check(group, value) {
  for (const input of document.querySelectorAll(`input[name="${group}"]`)) input.checked = input.value === value;
}

function make(tag, kind, text = "") {
  const element = document.createElement(tag);
  if (kind) element.className = kind;
  if (text) element.textContent = text;
  return element;
}

function card(name, picture, title) {
  const label = make("label", "card"), face = make("span", "face", picture ? "" : "—");
  face.setAttribute("aria-hidden", "true");
  label.title = title || "";
  if (picture) face.append(Object.assign(make("img"), { src: picture, alt: "", loading: "lazy" }));
  label.append(face, make("span", "text", name));
  return label;
}

function styleCard({ name, label }) {
  if (!name || name === "picture") {
    const made = card(label || "none", "", name ? "The style of a picture of yours" : "As it is");
    made.classList.add("bare");
    made.querySelector(".face").textContent = label || "none";
    return made;
  }
  const words = name.replaceAll("-", " "), made = card(words, `/styles/${name}.jpg`, words);
  made.classList.add("bare");
  return made;
}

function span(name) {
  const label = make("label");
  label.append(make("span", "", name));
  return label;
}

function swatch({ name, label, colors }) {
  const made = make("label", "swatch"), row = make("span", "colors");
  for (const color of colors || []) row.append(Object.assign(make("i"), { style: "" }));
  (colors || []).forEach((color, index) => { row.children[index].style.background = color; });
  row.setAttribute("aria-hidden", "true");
  made.append(row, make("span", "text", label || name));
  return made;
}
