// Plays the time-lapse: a stream of pictures of what changes, see exporting.py. It starts before all have come.
const EVERY = 8; // frames between whole pictures, for scrubbing back

export class Player {
  // `draw` is called with the canvas and the number of the frame.
  constructor(stream, draw) {
    this.draw = draw;
    this.frames = [];
    this.keys = new Map();
    this.number = -1;
    this.playing = this.closed = false;
    this.ready = new Promise((done) => { this.begun = done; });
    this.finished = this.read(stream.getReader());
  }

  get last() {
    return this.header ? this.header.frames - 1 : 0;
  }

  async read(reader) {
    let held = new Uint8Array(0);
    for (;;) {
      const { value, done } = await reader.read();
      if (done || this.closed) break;
      const joined = new Uint8Array(held.length + value.length);
      joined.set(held);
      joined.set(value, held.length);
      held = joined;
      let at = 0;
      const view = new DataView(held.buffer);
      while (held.length - at >= 4 && held.length - at - 4 >= view.getUint32(at, true)) {
        const size = view.getUint32(at, true);
        await this.add(held.slice(at + 4, at + 4 + size));
        at += 4 + size;
      }
      held = held.slice(at);
    }
  }

  async add(part) {
    if (!this.header) {
      this.header = JSON.parse(new TextDecoder().decode(part));
      this.canvas = document.createElement("canvas");
      this.canvas.width = this.header.width;
      this.canvas.height = this.header.height;
      this.context = this.canvas.getContext("2d");
      return;
    }
    if (!part.length) {
      this.frames.push(null);
      return;
    }
    const view = new DataView(part.buffer, part.byteOffset);
    const bitmap = await createImageBitmap(new Blob([part.slice(4)], { type: "image/webp" }));
    this.frames.push({ x: view.getUint16(0, true), y: view.getUint16(2, true), bitmap });
    this.begun();
  }

  // Shows a frame, or the last that has come.
  seek(number) {
    if (!this.frames.length) return;
    const wanted = Math.max(0, Math.min(number, this.frames.length - 1));
    if (wanted < this.number) {
      const key = Math.floor(wanted / EVERY) * EVERY;
      this.number = this.keys.has(key) ? key : -1;
      if (this.number >= 0) this.context.drawImage(this.keys.get(key), 0, 0);
    }
    while (this.number < wanted) {
      this.number += 1;
      const frame = this.frames[this.number];
      if (frame) this.context.drawImage(frame.bitmap, frame.x, frame.y);
      if (this.number % EVERY === 0 && !this.keys.has(this.number)) this.keep(this.number);
    }
    this.draw(this.canvas, this.number);
  }

  keep(number) {
    const copy = document.createElement("canvas");
    copy.width = this.canvas.width;
    copy.height = this.canvas.height;
    copy.getContext("2d").drawImage(this.canvas, 0, 0);
    this.keys.set(number, copy);
  }

  play() {
    if (this.number >= this.last) this.seek(0);
    this.playing = true;
    let before = performance.now(), at = Math.max(0, this.number);
    const step = (now) => {
      if (!this.playing) return;
      at = Math.min(at + ((now - before) / 1000) * this.header.rate, this.frames.length - 1);
      before = now;
      if (Math.floor(at) !== this.number) this.seek(Math.floor(at));
      if (this.number >= this.last) this.pause();
      else requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  pause() {
    this.playing = false;
    this.draw(this.canvas, this.number);
  }

  close() {
    this.closed = true;
    this.playing = false;
    for (const frame of this.frames) frame?.bitmap.close();
  }
}
