"""The server: what it answers, what it refuses, and how it queues. The workers are fakes."""

import asyncio
import time

import pytest

pytest.importorskip("starlette")

from tests.serve.conftest import HEADERS, LIVE, ORIGIN, png

PAINT = {"choices": {"strokes": 40}, "onward": False}


def upload(client, name="cat.png"):
    answer = client.post(f"/api/paintings?name={name}", content=png())
    assert answer.status_code == 201, answer.text
    return answer.json()


def until(client, painting, state):
    for _ in range(400):
        found = client.get(f"/api/paintings/{painting}").json()
        if found["state"] == state:
            return found
        time.sleep(0.005)
    raise AssertionError(f"{found['state']}, not {state}")


def painted(client, fakes, painting):
    assert client.post(f"/api/paintings/{painting}/paint", json=PAINT).status_code == 202
    fakes[0].go.set()
    return until(client, painting, "done")


def test_the_page_needs_nothing_from_elsewhere_and_is_small(client):
    from neuralpaint.serve.catalogue import pages

    files = pages()
    assert sum(map(len, files.values())) < 300_000
    for name, content in files.items():
        answer = client.get("/" if name == "index.html" else f"/static/{name}")
        assert answer.status_code == 200 and answer.content == content
        if not name.endswith(".webp"):
            text = content.decode().replace("http://www.w3.org/", "")
            assert "http://" not in text and "https://" not in text, name
    assert b" style=" not in files["index.html"] and b"<script>" not in files["index.html"]


def test_all_that_can_be_chosen_has_a_picture(client):
    options = client.get("/api/options").json()
    for kind in ("brush", "look"):
        for entry in options["brushes" if kind == "brush" else "looks"]:
            assert client.get(f"/static/{kind}-{entry['name']}.webp").status_code == 200, entry
    assert client.get(f"/styles/{options['styles'][0]}.jpg").status_code == 200


def test_a_photo_is_painted_and_told_about(client, fakes):
    with client.websocket_connect(LIVE, headers=HEADERS) as socket:
        made = upload(client, "../../My cat.png")
        assert made["title"] == "My cat" and made["state"] == "new"
        socket.send_json({"watch": made["id"]})
        client.post(f"/api/paintings/{made['id']}/paint", json=PAINT)
        fakes[0].go.set()
        seen, picture = set(), b""
        while "done" not in seen:
            message = socket.receive()
            if message.get("bytes"):
                picture = message["bytes"]
            elif '"done"' in message["text"]:
                seen.add("done")
        assert picture[:20].decode() == made["id"] and picture[20:] == b"a picture"
    assert client.get(f"/api/paintings/{made['id']}").json()["versions"][0]["strokes"] == 9


def test_edits_are_undone_and_done_again(client, fakes):
    made = upload(client)["id"]
    painted(client, fakes, made)
    change = {"what": "recolor", "ids": [1, 2], "color": "#ff0000"}
    after = client.post(f"/api/paintings/{made}/edit", json=change).json()
    assert (after["at"], after["versions"][1]["strokes"]) == (1, 8)
    assert client.post(f"/api/paintings/{made}/undo").json()["at"] == 0
    assert client.post(f"/api/paintings/{made}/undo").json()["at"] == 0
    assert client.post(f"/api/paintings/{made}/redo").json()["at"] == 1


def test_a_new_surface_is_undone_with_its_choices(client, fakes):
    made = upload(client)["id"]
    painted(client, fakes, made)
    finish = {"relief": 0.5, "light": 90, "ground": "canvas", "varnish": 0, "wet": 0}
    after = client.post(f"/api/paintings/{made}/edit", json={"what": "finish", "finish": finish}).json()
    assert after["choices"]["relief"] == 0.5
    assert client.post(f"/api/paintings/{made}/undo").json()["choices"]["relief"] == 0


def test_a_search_goes_on_from_the_strokes_only_if_it_can(client, fakes, tmp_path):
    made = upload(client)["id"]
    painted(client, fakes, made)
    for choices, start in (({"strokes": 80}, 0), ({"strokes": 80, "brush": "marker"}, None)):
        client.post(f"/api/paintings/{made}/paint", json={"choices": choices, "onward": True})
        fakes[0].go.set()
        until(client, made, "done")
        assert fakes[0].tasks[-1][1]["start"] == start


def test_cancelling_ends_a_search_and_leaving_the_queue_needs_none(client, fakes):
    first, second = upload(client)["id"], upload(client)["id"]
    for painting in (first, second):
        client.post(f"/api/paintings/{painting}/paint", json=PAINT)
    until(client, first, "painting")
    assert client.get(f"/api/paintings/{second}").json()["ahead"] == 1
    client.post(f"/api/paintings/{second}/pause")
    until(client, second, "new")
    client.post(f"/api/paintings/{first}/cancel")
    until(client, first, "new")


def test_a_full_queue_says_so(client, fakes, monkeypatch):
    monkeypatch.setattr("neuralpaint.serve.studio.MAX_WAITING", 1)
    answers = [client.post(f"/api/paintings/{upload(client)['id']}/paint", json=PAINT) for _ in range(3)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused and "try again" in refused[0].json()["error"] and refused[0].headers["retry-after"]


def test_paintings_survive_the_server(fakes, tmp_path):
    from starlette.testclient import TestClient

    from neuralpaint.serve.app import make_app

    def started():
        app = make_app(tmp_path / "kept", hosts=["127.0.0.1"], token=None, threads=1)
        return TestClient(app, base_url=ORIGIN, headers=HEADERS)

    with started() as client:
        made = upload(client)["id"]
        client.post(f"/api/paintings/{made}/paint", json=PAINT)
        until(client, made, "painting")  # and it is ended in the middle
    with started() as client:
        until(client, made, "painting")
        assert fakes[2].tasks[-1][1]["resume"] is True
        fakes[2].go.set()
        until(client, made, "done")


def test_deleting_leaves_no_files(client, tmp_path):
    made = upload(client)["id"]
    assert client.delete(f"/api/paintings/{made}").status_code == 204
    assert not (tmp_path / "paintings" / made).exists()
    assert client.get(f"/api/paintings/{made}").status_code == 404


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [(b"", 422, "empty"), (b"no picture", 422, "not an image"), (b"\x89PNG" * 1000, 413, "shrink it")],
)
def test_bad_uploads_leave_nothing(client, tmp_path, monkeypatch, content, status, words):
    monkeypatch.setattr("neuralpaint.serve.app.MAX_UPLOAD", 2000)
    answer = client.post("/api/paintings?name=x", content=content)
    assert answer.status_code == status and words in answer.json()["error"]
    assert list((tmp_path / "paintings").iterdir()) == []


def test_an_upload_that_does_not_arrive_is_given_up(fakes, tmp_path, monkeypatch):
    from neuralpaint.serve.app import make_app

    monkeypatch.setattr("neuralpaint.serve.app._UPLOAD_SECONDS", 0.05)
    app = make_app(tmp_path / "paintings", hosts=["127.0.0.1"], token=None, threads=1)
    headers = [(b"host", b"127.0.0.1:8765"), (b"origin", ORIGIN.encode())]
    scope = {"type": "http", "method": "POST", "path": "/api/paintings", "headers": headers, "query_string": b"name=x"}
    scope |= {"http_version": "1.1", "scheme": "http", "server": ("127.0.0.1", 8765), "client": ("127.0.0.1", 1)}
    pieces, sent = [{"type": "http.request", "body": b"\x89PNG", "more_body": True}], []

    async def receive():
        return pieces.pop() if pieces else await asyncio.sleep(60)

    async def send(message):
        sent.append(message)

    async def main():
        async with app.router.lifespan_context(app):
            await asyncio.wait_for(app(scope, receive, send), 20)
            assert app.state.uploads == 0

    asyncio.run(main())
    assert sent[0]["status"] == 408 and b"to arrive" in sent[1]["body"]
    assert list((tmp_path / "paintings").iterdir()) == []


@pytest.mark.parametrize(
    "choices",
    [
        {"strokes": 0},
        {"strokes": 10**9},
        {"strokes": "many"},
        {"brush": "../oil"},
        {"palette": "/etc/passwd"},
        {"palette": "#102030,/etc/passwd"},
        {"palette": "palette.yaml"},
        {"preset": "paper"},
        {"style": "../../x"},
        {"style": "picture"},
        {"crop": [0.5, 0, 0.5, 1]},
        {"wet": 1},
        {"relief": float("1e400")},
        {"unknown": 1},
    ],
)
def test_wrong_choices_are_one_line(client, choices):
    import json

    made = upload(client)["id"]
    body = json.dumps({"choices": choices, "onward": False})
    answer = client.post(f"/api/paintings/{made}/paint", content=body)
    assert answer.status_code == 422 and "\n" not in answer.json()["error"]
    assert client.get(f"/api/paintings/{made}").json()["state"] == "new"


@pytest.mark.parametrize("path", ["..%2f..%2fetc", "%2e%2e", "0" * 20, "painting.json", "a" * 3000])
def test_no_path_reaches_the_file_system(client, path):
    for address in (f"/api/paintings/{path}", f"/static/{path}", f"/styles/{path}.jpg"):
        assert client.get(address).status_code == 404
    made = upload(client)["id"]
    assert client.get(f"/api/paintings/{made}/files/{path}").status_code == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 421),  # a name that was made to mean this computer
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://127.0.0.1:1"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
    ],
)
def test_other_sites_are_refused(client, headers, status):
    assert client.post("/api/paintings?name=x", content=png(), headers=headers).status_code == status
    with pytest.raises(Exception):  # noqa: B017 (whatever the client raises for a refused socket)
        with client.websocket_connect(LIVE, headers=HEADERS | headers):
            pass


def test_a_request_from_no_page_changes_nothing(client):
    del client.headers["origin"]
    assert client.post("/api/paintings?name=x", content=png()).status_code == 403
    assert client.get("/api/paintings").json() == []


def test_the_page_is_confined(client):
    policy = client.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert "access-control-allow-origin" not in client.get("/api/paintings", headers={"origin": ORIGIN}).headers


def test_others_in_the_network_need_the_token(fakes, tmp_path):
    from starlette.testclient import TestClient

    from neuralpaint.serve.app import make_app

    with pytest.raises(ValueError, match="token"):
        TestClient(make_app(tmp_path, hosts=None, token=None, threads=1)).get("/")
    app = make_app(tmp_path / "kept", hosts=None, token="secret-word", threads=1)
    with TestClient(app, base_url="http://studio.local:8765", headers={"origin": "http://studio.local:8765"}) as client:
        assert client.get("/").status_code == 401
        assert client.get("/api/paintings").status_code == 401
        assert client.get("/?token=wrong").status_code == 401
        opened = client.get("/?token=secret-word", follow_redirects=False)
        assert opened.status_code == 303 and opened.headers["location"] == "/"
        cookie = opened.headers["set-cookie"].lower()
        assert "httponly" in cookie and "samesite=strict" in cookie
        assert client.get("/api/paintings").status_code == 200


def test_too_many_pages_are_told_to_wait(client, monkeypatch):
    monkeypatch.setattr("neuralpaint.serve.hub.MAX_PAGES", 1)
    with client.websocket_connect(LIVE, headers=HEADERS):
        with client.websocket_connect(LIVE, headers=HEADERS) as second:
            assert second.receive()["code"] == 1013


def test_a_full_disk_fails_one_painting_and_not_the_queue(client, fakes, monkeypatch):
    from neuralpaint.serve.store import Store
    from neuralpaint.utils.files import WriteError

    first, second = upload(client)["id"], upload(client)["id"]
    real = Store.save

    def full(self, record):
        if record.id == first and record.state == "painting":
            raise WriteError(self.path(record), OSError(28, "No space left on device"))
        real(self, record)

    monkeypatch.setattr(Store, "save", full)
    assert client.post(f"/api/paintings/{first}/paint", json=PAINT).status_code == 202
    assert "no space left" in until(client, first, "failed")["error"]
    painted(client, fakes, second)
