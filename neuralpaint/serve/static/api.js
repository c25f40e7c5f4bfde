// Talks to the server. Every failure becomes an Error whose message can be shown.
const get = (path) => call(path, {});

async function call(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("The server does not answer. Is neuralpaint serve still running?");
  }
  if (answer.ok) return answer;
  let line = `The server answered ${answer.status}.`;
  try {
    line = (await answer.json()).error || line;
  } catch { /* not JSON: the number has to do */ }
  const error = new Error(line.charAt(0).toUpperCase() + line.slice(1));
  error.status = answer.status;
  throw error;
}

const json = async (path, options = {}) => (await call(path, options)).json();
const post = (path, body = {}) => json(path, { method: "POST", body: JSON.stringify(body) });
const at = (id) => `/api/paintings/${id}`;

export const api = {
  options: () => json("/api/options"),
  paintings: () => json("/api/paintings"),
  one: (id) => json(at(id)),
  // The body is the file as it is; when too many are on their way, it waits its turn.
  async upload(file, waiting) {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await json(`/api/paintings?name=${encodeURIComponent(file.name || "Pasted photo")}`, { method: "POST", body: file });
      } catch (error) {
        if (error.status !== 429 || attempt >= 10) throw error;
        waiting(error.message);
        await new Promise((done) => setTimeout(done, 2000 + 1000 * Math.random()));
      }
    }
  },
  style: (id, file) => json(`${at(id)}/style`, { method: "PUT", body: file }),
  mask: (id, width, height, values) => json(`${at(id)}/mask?width=${width}&height=${height}`, { method: "PUT", body: values }),
  paint: (id, choices, onward) => post(`${at(id)}/paint`, { choices, onward }),
  command: (id, word) => post(`${at(id)}/${word}`),
  select: (id, points, ids) => post(`${at(id)}/select`, { points, ids }),
  edit: (id, change) => post(`${at(id)}/edit`, change),
  remove: (id) => call(at(id), { method: "DELETE" }),
  picture: async (id, version, longest) => createImageBitmap(await (await get(`${at(id)}/picture/${version}?longest=${longest}`)).blob()),
  photo: async (id) => createImageBitmap(await (await get(`${at(id)}/files/photo`)).blob()),
  playback: async (id, version) => (await get(`${at(id)}/playback/${version}`)).body,
  async download(id, kind, longest) {
    const answer = await call(`${at(id)}/export`, { method: "POST", body: JSON.stringify({ kind, longest }) });
    const name = /filename="([^"]+)"/.exec(answer.headers.get("content-disposition") || "");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = name ? name[1] : `painting.${kind}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  },
};

// What happens on the server, as it happens. Connects again by itself; `joined` is called each time it has.
export class Live {
  constructor(handlers) {
    this.handlers = handlers;
    this.watched = "";
    this.delay = 500;
    this.connect();
  }

  connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.socket = new WebSocket(`${scheme}://${location.host}/api/live`);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => {
      this.delay = 500;
      this.send();
      this.handlers.joined();
    };
    this.socket.onmessage = ({ data }) => {
      if (typeof data === "string") {
        const news = JSON.parse(data);
        this.handlers[news.kind]?.(news);
      } else {
        const id = String.fromCharCode(...new Uint8Array(data, 0, 20));
        this.handlers.frame(id, new Blob([new Uint8Array(data, 20)], { type: "image/jpeg" }));
      }
    };
    this.socket.onclose = ({ code }) => {
      this.handlers.lost(code);
      setTimeout(() => this.connect(), this.delay);
      this.delay = Math.min(5000, this.delay * 1.6);
    };
  }

  watch(id) {
    this.watched = id;
    this.send();
  }

  send() {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ watch: this.watched }));
  }
}
