// The tools that work on the picture itself: cropping, marking detail, selecting strokes.
import { place } from "./stage.js";

const $ = (id) => document.getElementById(id);
const RATIOS = [["Free", 0], ["1 : 1", 1], ["4 : 3", 4 / 3], ["3 : 4", 3 / 4], ["16 : 9", 16 / 9]];
const LEAST = 0.05, STEP = 0.02;
const clamp = (value, low, high) => Math.max(low, Math.min(high, value));

// A rectangle with four corners, over the whole photo.
export class Crop {
  constructor(stage) {
    this.stage = stage;
    this.box = $("crop");
    this.crop = [0, 0, 1, 1];
    this.ratio = 0;
    for (const [name, ratio] of RATIOS) {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: name });
      button.addEventListener("click", () => this.shape(ratio));
      button.dataset.ratio = ratio;
      $("ratios").append(button);
    }
    this.box.addEventListener("pointerdown", (event) => this.drag(event));
    this.box.addEventListener("keydown", (event) => this.key(event));
  }

  open(crop) {
    this.crop = [...crop];
    this.ratio = 0;
    this.stage.showPhoto(true, true);
    this.stage.easel.classList.add("cropping");
    this.box.hidden = false;
    this.draw();
    this.box.querySelector("button").focus({ focusVisible: false });
  }

  close() {
    this.box.hidden = true;
    this.stage.easel.classList.remove("cropping");
    this.stage.showPhoto(false);
    return this.crop.map((value) => Math.round(value * 1e4) / 1e4);
  }

  draw() {
    const [left, top, right, bottom] = this.crop;
    Object.assign(this.box.style, { left: `${100 * left}%`, top: `${100 * top}%`, width: `${100 * (right - left)}%`, height: `${100 * (bottom - top)}%` });
    for (const button of $("ratios").children) button.setAttribute("aria-pressed", String(Number(button.dataset.ratio) === this.ratio));
  }

  // The largest part of that shape around the middle.
  shape(ratio) {
    this.ratio = ratio;
    if (ratio) {
      const own = this.stage.aspect, wide = Math.min(1, ratio / own), high = Math.min(1, own / ratio);
      this.crop = [(1 - wide) / 2, (1 - high) / 2, (1 + wide) / 2, (1 + high) / 2];
    } else this.crop = [0, 0, 1, 1];
    this.draw();
  }

  move(corner, x, y) {
    const [h, v] = corner, crop = [...this.crop];
    crop[h] = h ? clamp(x, crop[0] + LEAST, 1) : clamp(x, 0, crop[2] - LEAST);
    crop[v] = v === 3 ? clamp(y, crop[1] + LEAST, 1) : clamp(y, 0, crop[3] - LEAST);
    if (this.ratio) {
      const high = ((crop[2] - crop[0]) * this.stage.aspect) / this.ratio;
      const edge = v === 3 ? crop[1] + high : crop[3] - high;
      if (edge < 0 || edge > 1) return;
      crop[v] = edge;
    }
    this.crop = crop;
    this.draw();
  }

  drag(event) {
    const corner = event.target.dataset.corner?.split(" ").map(Number);
    const begun = place(event, this.stage.easel), before = [...this.crop];
    const moved = (now) => {
      const [x, y] = place(now, this.stage.easel);
      if (corner) {
        this.move(corner, x, y);
        return;
      }
      const dx = clamp(x - begun[0], -before[0], 1 - before[2]), dy = clamp(y - begun[1], -before[1], 1 - before[3]);
      this.crop = [before[0] + dx, before[1] + dy, before[2] + dx, before[3] + dy];
      this.draw();
    };
    follow(event, this.box, moved);
  }

  key(event) {
    const corner = event.target.dataset.corner?.split(" ").map(Number), way = arrow(event);
    if (!corner || !way) return;
    this.move(corner, this.crop[corner[0]] + way[0], this.crop[corner[1]] + way[1]);
  }
}

// Marks where detail matters, on a small grid over the whole photo.
export class Detail {
  constructor(stage) {
    this.stage = stage;
    this.mask = document.createElement("canvas");
    this.erasing = false;
    this.spot = [0.5, 0.5];
    $("d-erase").addEventListener("click", () => {
      this.erasing = !this.erasing;
      $("d-erase").setAttribute("aria-pressed", String(this.erasing));
    });
    $("d-clear").addEventListener("click", () => {
      this.mask.getContext("2d").clearRect(0, 0, this.mask.width, this.mask.height);
      this.draw();
    });
  }

  open(id) {
    const { photo } = this.stage, scale = 256 / Math.max(photo.width, photo.height);
    if (this.id !== id) {
      this.mask.width = Math.max(1, Math.round(photo.width * scale));
      this.mask.height = Math.max(1, Math.round(photo.height * scale));
      this.id = id;
    }
    this.stage.showPhoto(true, true);
    this.stage.over.hidden = false;
    this.draw();
  }

  close() {
    this.stage.over.hidden = true;
    this.stage.showPhoto(false);
    const { width, height } = this.mask, pixels = this.mask.getContext("2d").getImageData(0, 0, width, height).data;
    const values = new Uint8Array(width * height);
    for (let k = 0; k < values.length; k += 1) values[k] = pixels[4 * k + 3];
    return { width, height, values, any: values.some(Boolean) };
  }

  down(event) {
    let before = place(event, this.stage.over);
    this.dab(before, before);
    follow(event, this.stage.over, (now) => {
      const next = place(now, this.stage.over);
      this.dab(before, next);
      before = next;
    });
  }

  key(event) {
    const way = arrow(event);
    if (way) this.spot = [clamp(this.spot[0] + way[0], 0, 1), clamp(this.spot[1] + way[1], 0, 1)];
    else if (event.key === "Enter" || event.key === " ") this.dab(this.spot, this.spot);
    else return;
    event.preventDefault();
    this.draw(true);
  }

  dab(from, to) {
    const context = this.mask.getContext("2d"), { width, height } = this.mask;
    context.globalCompositeOperation = this.erasing ? "destination-out" : "source-over";
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = (Number($("d-size").value) / 100) * Math.min(width, height) * 2;
    context.beginPath();
    context.moveTo(from[0] * width, from[1] * height);
    context.lineTo(to[0] * width + 0.01, to[1] * height);
    context.stroke();
    this.draw();
  }

  draw(cross = false) {
    const { over } = this.stage, context = over.getContext("2d");
    over.width = this.mask.width * 3;
    over.height = this.mask.height * 3;
    context.globalAlpha = 0.6;
    context.drawImage(this.mask, 0, 0, over.width, over.height);
    context.globalCompositeOperation = "source-in";
    context.fillStyle = "#ff5424";
    context.fillRect(0, 0, over.width, over.height);
    context.globalCompositeOperation = "source-over";
    context.globalAlpha = 1;
    if (cross) drawCross(context, this.spot);
  }
}

// Points at strokes, or draws a line around some.
export class Select {
  constructor(stage, chosen) {
    this.stage = stage;
    this.chosen = chosen; // called with the points of a new selection
    this.spot = [0.5, 0.5];
  }

  open() {
    const { over, canvas } = this.stage;
    over.hidden = false;
    over.width = canvas.width;
    over.height = canvas.height;
    this.over = over.getContext("2d");
  }

  close() {
    this.stage.over.hidden = true;
  }

  down(event) {
    const { over } = this.stage, points = [place(event, over)];
    follow(event, over, (now) => {
      points.push(place(now, over));
      this.line(points);
    }, () => {
      this.over.clearRect(0, 0, over.width, over.height);
      this.chosen(length(points) < 0.02 ? [points[0]] : thin(points));
    });
  }

  key(event) {
    const way = arrow(event);
    if (way) this.spot = [clamp(this.spot[0] + way[0], 0, 1), clamp(this.spot[1] + way[1], 0, 1)];
    else if (event.key === "Enter" || event.key === " ") this.chosen([this.spot]);
    else return;
    event.preventDefault();
    this.over.clearRect(0, 0, this.stage.over.width, this.stage.over.height);
    drawCross(this.over, this.spot);
  }

  line(points) {
    const { width, height } = this.stage.over, context = this.over;
    context.clearRect(0, 0, width, height);
    context.beginPath();
    for (const [x, y] of points) context.lineTo(x * width, y * height);
    context.setLineDash([8, 6]);
    context.lineWidth = 2.5;
    context.strokeStyle = "#fff";
    context.shadowColor = "#000";
    context.shadowBlur = 3;
    context.stroke();
  }
}

function follow(event, element, moved, ended = () => {}) {
  event.preventDefault();
  element.setPointerCapture(event.pointerId);
  const stop = () => {
    element.removeEventListener("pointermove", moved);
    ended();
  };
  element.addEventListener("pointermove", moved);
  element.addEventListener("pointerup", stop, { once: true });
}

function arrow(event) {
  const step = event.shiftKey ? 4 * STEP : STEP;
  const way = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
  if (way) event.preventDefault();
  return way;
}

function drawCross(context, [x, y]) {
  const { width, height } = context.canvas;
  context.setLineDash([]);
  for (const [color, wide] of [["#000", 5], ["#fff", 2]]) {
    context.strokeStyle = color;
    context.lineWidth = wide;
    context.beginPath();
    context.moveTo(x * width - 14, y * height);
    context.lineTo(x * width + 14, y * height);
    context.moveTo(x * width, y * height - 14);
    context.lineTo(x * width, y * height + 14);
    context.stroke();
  }
}

function length(points) {
  let total = 0;
  for (let k = 1; k < points.length; k += 1) total += Math.hypot(points[k][0] - points[k - 1][0], points[k][1] - points[k - 1][1]);
  return total;
}

function thin(points) {
  const step = Math.ceil(points.length / 300);
  return points.filter((_, k) => k % step === 0).map(([x, y]) => [clamp(x, -1, 2), clamp(y, -1, 2)]);
}
