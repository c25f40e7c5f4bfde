// The easel: the painting as large as the page allows, each new picture fading in over the one before.
const FADE = 180; // milliseconds
const ROOM = 320; // pixels of height that have to be left on a narrow page, to have the choices below the painting
const $ = (id) => document.getElementById(id);

export class Stage {
  constructor() {
    this.easel = $("easel");
    this.canvas = $("painting");
    this.photoCanvas = $("photo");
    this.over = $("over");
    this.context = this.canvas.getContext("2d");
    this.aspect = 1;
    this.from = this.to = this.photo = null;
    this.crop = [0, 0, 1, 1];
    this.whole = false;
    this.listeners = [];
    new ResizeObserver(() => this.fit()).observe($("stage"));
    addEventListener("resize", () => this.fit()); // what is below the stage may be all that changes
    $("divide").addEventListener("input", () => this.divide());
  }

  // Sizes the easel for a picture of this aspect, width by height. On a narrow page a wide picture leaves room below it.
  fit(aspect = this.aspect) {
    this.aspect = aspect;
    const stage = $("stage"), below = innerHeight - stage.getBoundingClientRect().top;
    const roomy = matchMedia("(max-width: 820px)").matches && below - innerWidth / aspect > ROOM;
    document.body.classList.toggle("roomy", roomy);
    const style = getComputedStyle(stage);
    const wide = stage.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const high = roomy ? Infinity : stage.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
    const width = Math.max(40, Math.min(wide, high * aspect));
    this.width = width;
    this.height = width / aspect;
    this.easel.style.width = `${this.width}px`;
    this.easel.style.height = `${this.height}px`;
    for (const listener of this.listeners) listener();
  }

  // Pixels along the longer side that are worth having.
  get longest() {
    const side = Math.max(this.width, this.height) * Math.min(2, devicePixelRatio);
    return Math.max(400, Math.min(3200, Math.ceil(side / 400) * 400));
  }

  clear() {
    this.from = this.to = null;
    cancelAnimationFrame(this.timer);
    this.timer = 0;
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  // Fades to a picture.
  show(bitmap, fade = FADE) {
    if (Math.abs(bitmap.width / bitmap.height / this.aspect - 1) > 0.004) this.fit(bitmap.width / bitmap.height);
    this.from = this.to && fade ? this.to : null;
    this.to = bitmap;
    this.began = performance.now();
    this.fade = fade;
    if (!this.timer) this.timer = requestAnimationFrame((now) => this.draw(now));
  }

  draw(now) {
    const { canvas, context, to } = this;
    this.timer = 0;
    if (!to) return;
    if (canvas.width !== to.width || canvas.height !== to.height) {
      canvas.width = to.width;
      canvas.height = to.height;
    }
    const share = this.from && this.fade ? Math.min(1, (now - this.began) / this.fade) : 1;
    context.globalAlpha = 1;
    if (share < 1) {
      context.drawImage(this.from, 0, 0, canvas.width, canvas.height);
      context.globalAlpha = share;
    }
    context.drawImage(to, 0, 0);
    context.globalAlpha = 1;
    if (share < 1) this.timer = requestAnimationFrame((next) => this.draw(next));
  }

  // The photo, of which `crop` is painted.
  setPhoto(bitmap, crop) {
    this.photo = bitmap;
    this.crop = crop;
    this.drawPhoto();
  }

  drawPhoto() {
    if (!this.photo) return;
    const [left, top, right, bottom] = this.whole ? [0, 0, 1, 1] : this.crop;
    const { width, height } = this.photo, canvas = this.photoCanvas;
    canvas.width = Math.max(1, Math.round((right - left) * width));
    canvas.height = Math.max(1, Math.round((bottom - top) * height));
    canvas.getContext("2d").drawImage(this.photo, -left * width, -top * height);
  }

  // Shows the photo instead of the painting: all of it if `whole`.
  showPhoto(shown, whole = false) {
    this.whole = whole;
    this.drawPhoto();
    this.photoCanvas.hidden = !shown;
    this.photoCanvas.style.clipPath = "";
    if (shown && this.photo) this.fit(this.photoCanvas.width / this.photoCanvas.height);
    else if (this.to) this.fit(this.to.width / this.to.height);
  }

  compare(shown) {
    for (const id of ["split", "divide"]) $(id).hidden = !shown;
    this.showPhoto(shown);
    if (shown) this.divide();
  }

  divide() {
    const share = Number($("divide").value);
    this.photoCanvas.style.clipPath = `inset(0 ${100 - share}% 0 0)`;
    $("split").style.left = `${share}%`;
  }
}

// Where a pointer is on an element, in fractions of it.
export function place(event, element) {
  const box = element.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
}
