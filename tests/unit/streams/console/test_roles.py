"""Who may look, see single customers and act; and that a form must come from a page of ours and its session."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from streams.config import ConfigError
from streams.console.access import Access
from streams.console.roles import Role, Who, roles_of
from streams.console.sessions import Sessions
from streams.console.sources import StopsSource
from streams.errors import EngineError, ExitCode
from tests.support.console_pages import EVIL, Did, Pages
from tests.unit.streams.console.test_pages import console, own

HEADER = "X-User"
FILE = """
others = "look"
[[user]]
name = "ada"
role = "act"
[[user]]
name = "bert"
role = "customers"
"""
TOKENS = f"""
[[user]]
name = "ada"
role = "act"
token_sha256 = "{sha256(b"secret").hexdigest()}"
[[user]]
name = "bert"
role = "look"
token_sha256 = "{sha256(b"other").hexdigest()}"
"""
STOP = {"what": "everything", "why": "wrong prices"}
NOW = {**STOP, "confirmed": "everything"}


def by_proxy() -> Access:
    return Access(user_header=HEADER, roles=roles_of(FILE, "roles.toml", True))


def as_(name: str) -> dict[str, str]:
    return {HEADER: name}


async def form_token(client: TestClient[Any, Any], page: str = "/stop", **headers: str) -> str:
    """As the page has it; the client keeps the session."""
    text = await (await client.get(page, headers=headers)).text()
    found = re.search('name="form_token" value="([0-9a-f]+)"', text)
    assert found, text
    return found[1]


def test_a_file_gives_roles_and_others_one() -> None:
    roles = roles_of(FILE, "roles.toml", True)
    assert roles.of("ada") == Who("ada", Role.ACT)
    assert roles.of("bert") == Who("bert", Role.CUSTOMERS)
    assert roles.of("somebody") == Who("somebody", Role.LOOK)
    assert roles_of(FILE.replace('others = "look"', ""), "roles.toml", True).of("somebody") is None
    tokens = roles_of(TOKENS, "roles.toml", False)
    assert tokens.holder("secret") == Who("ada", Role.ACT)
    assert tokens.holder("secre") is None
    assert tokens.of("somebody") is None


def wrong() -> Iterator[tuple[str, bool, str]]:
    yield "user = 1", True, "roles.toml: .*user.*give \\[\\[user\\]\\] tables"
    yield FILE + "x = 1", True, "x"
    yield FILE.replace("act", "root"), True, "root"
    yield FILE.replace("bert", "ada"), True, "'ada' is there twice"
    yield FILE, False, "'ada' has no token_sha256"
    yield TOKENS, True, "the proxy asks them"
    yield 'others = "look"\n' + TOKENS, False, "give --user-header"
    yield TOKENS.replace('token_sha256 = "', 'token_sha256 = "X'), False, "token_sha256"
    yield "", True, "nobody may look"


@pytest.mark.parametrize(("text", "proxy", "words"), list(wrong()))
def test_a_wrong_file_is_named(text: str, proxy: bool, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        roles_of(text, "roles.toml", proxy)


@pytest.mark.asyncio
async def test_who_only_looks_sees_no_single_customer() -> None:
    async with console(access=by_proxy()) as client:
        text = await (await client.get("/now", headers=as_("somebody"))).text()
        assert "customers are at risk" in text
        assert "not for your role" in text
        assert "alert(" not in text, "the name of a customer of the made-up view"
        assert "Find a customer" not in text
        answer = await client.get("/customers?customer=anna", headers=as_("somebody"))
        assert answer.status == 403
        assert "anna is" not in await answer.text()
        dead = await (await client.get("/system/dead", headers=as_("somebody"))).text()
        assert "unknown_type" in dead
        assert "anna" not in dead
        live = await client.get("/live?page=now", headers=as_("somebody"))
        assert b"alert(" not in await live.content.readline()
        seen = await (await client.get("/now", headers=as_("bert"))).text()
        assert EVIL.replace("<", "&lt;").replace(">", "&gt;").replace('"', "&#34;") in seen
        assert (await client.get("/customers?customer=anna", headers=as_("bert"))).status == 200


@pytest.mark.asyncio
async def test_whom_no_role_fits_does_not_look() -> None:
    access = Access(user_header=HEADER, roles=roles_of(FILE.replace('others = "look"', ""), "f", True))
    async with console(access=access) as client:
        assert (await client.get("/now", headers=as_("somebody"))).status == 401
        assert (await client.get("/now", headers=as_("ada"))).status == 200


@pytest.mark.asyncio
async def test_who_may_act_stops_and_goes_on_with_their_name(caplog: pytest.LogCaptureFixture) -> None:
    did = Did()
    async with console(access=by_proxy(), doing=did) as client:
        token = await form_token(client, **as_("ada"))
        headers = {**as_("ada"), **own(client)}
        answer = await client.post("/stop", data={**STOP, "form_token": token}, headers=headers)
        assert answer.status == 200
        text = await answer.text()
        assert "<h1>Stop everything that goes out, legal notices too?</h1>" in text
        assert did.asked == [], "it is said in words, and confirmed"
        confirmed = {**STOP, "confirmed": "everything", "form_token": token}
        answer = await client.post("/stop", data=confirmed, headers=headers)
        text = await answer.text()
        assert "Stopped: everything" in text
        assert "Shard 1 does not decide by it yet" in text
        chosen = {"what": "chosen", "purpose": "marketing", "country": "DE", "action": "offer", "why": "x"}
        chosen |= {"form_token": token, "confirmed": "everything"}
        text = await (await client.post("/stop", data=chosen, headers=headers)).text()
        assert "<h1>Stop purpose marketing, action offer, country DE?</h1>" in text, "another was confirmed"
        sent = dict(re.findall('type="hidden" name="([^"]+)" value="([^"]*)"', text))
        assert sent.keys() == chosen.keys()
        assert (await client.post("/stop", data=sent, headers=headers)).status == 200
        data = {"number": "12", "why": "right again", "form_token": token}
        assert (await client.post("/resume", data=data, headers=headers)).status == 200
        assert (await client.post("/model", data={"model": "", "form_token": token}, headers=headers)).status == 200
    [one, other, resumed, model] = did.asked
    assert (one[1].purposes, one[1].by, one[1].why) == ((), "ada", "wrong prices")
    assert (other[1].purposes, other[1].countries, other[1].actions) == (("marketing",), ("DE",), ("offer",))
    assert resumed == ("resume", [12], "ada", "right again")
    assert model == ("model", None, "ada")
    assert "ada: stops everything: wrong prices" in caplog.text
    assert "ada: ends stops 12: right again" in caplog.text


@pytest.mark.asyncio
async def test_a_form_that_is_not_of_our_page_and_session_does_nothing() -> None:
    did = Did()
    async with console(access=by_proxy(), doing=did) as client, console(access=by_proxy()) as another:
        token, elsewhere = await form_token(client, **as_("ada")), await form_token(another, **as_("ada"))
        ours = own(client)
        tries = [
            ({**NOW, "form_token": token}, as_("ada")),  # no origin
            ({**NOW, "form_token": token}, {**as_("ada"), "Origin": "https://evil.example"}),
            ({**NOW, "form_token": token}, {**as_("ada"), "Origin": "null"}),
            (NOW, {**as_("ada"), **ours}),
            ({**NOW, "form_token": elsewhere}, {**as_("ada"), **ours}),
            ({**NOW, "form_token": "ä"}, {**as_("ada"), **ours}),
            ({**NOW, "form_token": token}, {**as_("bert"), **ours}),
            ({**NOW, "form_token": token}, {**as_("somebody"), **ours}),
        ]
        for data, headers in tries:
            assert (await client.post("/stop", data=data, headers=headers)).status == 403, (data, headers)
        for path in ("/stop", "/resume", "/model"):
            assert (await client.get(path + "?what=everything&why=x", headers=as_("ada"))).status in (200, 405)
    assert did.asked == []


@pytest.mark.asyncio
async def test_behind_a_proxy_the_origin_is_the_one_that_was_given() -> None:
    did, origin = Did(), "https://console.example.com"
    access = Access(user_header=HEADER, roles=roles_of(FILE, "f", True), origin=origin)
    async with console(access=access, doing=did) as client:
        answer = await client.get("/stop", headers=as_("ada"))
        assert not answer.cookies, "the proxy names who looks"
        found = re.search('name="form_token" value="([0-9a-f]+)"', await answer.text())
        assert found
        data = {**NOW, "form_token": found[1]}
        assert (await client.post("/stop", data=data, headers={**as_("ada"), **own(client)})).status == 403
        done = await client.post("/stop", data=data, headers={**as_("ada"), "Origin": origin})
        assert done.status == 200
        named = {**as_("ada"), "Host": "console.example.com"}
        assert (await client.get("/now", headers=named)).status == 200
    assert len(did.asked) == 1


@pytest.mark.asyncio
async def test_a_token_of_ones_own_is_a_role() -> None:
    did = Did()
    async with console(access=Access(roles=roles_of(TOKENS, "f", False)), doing=did) as client:
        assert (await client.get("/now")).status == 401
        await client.post("/login", data={"token": "other"}, headers=own(client))
        assert (await client.get("/now")).status == 200
        assert (await client.get("/customers")).status == 403
        await client.post("/login", data={"token": "secret"}, headers=own(client))
        data = {**NOW, "form_token": await form_token(client)}
        assert (await client.post("/stop", data=data, headers=own(client))).status == 200
        assert (await client.post("/login", data={"token": "secret"})).status == 403
    assert did.asked[0][1].by == "ada"


@pytest.mark.asyncio
async def test_without_a_roles_file_nobody_acts() -> None:
    did = Did()
    for access, headers in (
        (Access(), {}),
        (Access("t"), {"Authorization": "Bearer t"}),
        (Access(user_header=HEADER), as_("ada")),
    ):
        async with console(access=access, doing=did) as client:
            text = await (await client.get("/stop", headers=headers)).text()
            assert "form_token" not in text
            answer = await client.post("/stop", data=NOW, headers={**headers, **own(client)})
            assert answer.status == 403
    assert did.asked == []


class Refused(EngineError):
    code = ExitCode.USAGE
    remedy = "give another"


@pytest.mark.asyncio
async def test_what_is_refused_is_said_and_nothing_chosen_is_not_everything() -> None:
    async with console(access=by_proxy(), doing=Did(Refused("country 'XX' is none"))) as client:
        token, headers = await form_token(client, **as_("ada")), {**as_("ada"), **own(client)}
        answer = await client.post("/stop", data={**NOW, "form_token": token}, headers=headers)
        assert answer.status == 400
        text = await answer.text()
        assert "<h1>Not done</h1>" in text
        assert "country &#39;XX&#39; is none" in text
        assert "give another" in text
        for data, words in (
            ({"what": "chosen", "why": "x"}, "Nothing was chosen"),
            ({"why": "x", "purpose": "marketing"}, "It was not said what to stop"),
            ({**NOW, "purpose": "marketing"}, "Everything was chosen, and a purpose"),
            ({**NOW, "action": "offer"}, "Everything was chosen, and a purpose, an action"),
            ({"what": "everything", "why": " "}, "No reason is given"),
        ):
            answer = await client.post("/stop", data={**data, "form_token": token}, headers=headers)
            assert answer.status == 400
            assert words in await answer.text()


@pytest.mark.asyncio
async def test_the_form_of_a_stop_chooses_nothing_by_itself() -> None:
    async with console(access=by_proxy()) as client:
        text = await (await client.get("/stop", headers=as_("ada"))).text()
    assert 'value="everything" required' in text
    assert "checked" not in text


class Unread(Pages):
    async def stops(self) -> StopsSource:
        return StopsSource(trouble="What is stopped can't be read")


@pytest.mark.asyncio
async def test_the_form_of_a_stop_is_there_where_nothing_can_be_read() -> None:
    async with console(Unread(), by_proxy()) as client:
        text = await (await client.get("/stop", headers=as_("ada"))).text()
    assert "<h1>What is stopped is not known</h1>" in text
    assert '<form action="/stop"' in text


@pytest.mark.asyncio
async def test_a_form_is_theirs_in_each_tab_and_whatever_else_was_opened() -> None:
    did = Did()
    async with console(access=by_proxy(), doing=did) as client:
        token = await form_token(client, **as_("ada"))
        await client.get("/stop", headers={**as_("ada"), "Cookie": "retention=x"})
        answer = await client.post("/stop", data={**NOW, "form_token": token}, headers={**as_("ada"), **own(client)})
        assert answer.status == 200
        assert (await client.get("/policy/change?number=0", headers=as_("ada"))).status == 404
        assert (await client.get("/policy/change?number=x", headers=as_("ada"))).status == 404
    assert len(did.asked) == 1


@pytest.mark.asyncio
async def test_behind_a_proxy_only_names_of_ours_are_answered() -> None:
    did = Did()
    async with console(access=by_proxy(), doing=did) as client:
        evil = {**as_("ada"), "Host": "evil.example:8765", "Origin": "http://evil.example:8765"}
        assert (await client.get("/stop", headers=evil)).status == 401
        data = {**NOW, "form_token": await form_token(client, **as_("ada"))}
        assert (await client.post("/stop", data=data, headers=evil)).status == 401
    assert did.asked == []


@pytest.mark.asyncio
async def test_who_signs_out_is_out_with_every_copy_of_the_cookie_and_what_is_live(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("streams.console.live.EVERY_S", 0.1)
    async with console(access=Access(roles=roles_of(TOKENS, "f", False))) as client:
        assert (await client.post("/login", data={"token": "guess"}, headers=own(client))).status == 401
        assert "a token that is nobody's was given from 127.0.0.1" in caplog.text
        await client.post("/login", data={"token": "other"}, headers=own(client))
        assert "Sign out" in await (await client.get("/now")).text()
        [cookie] = list(client.session.cookie_jar)
        live = await client.get("/live")
        await live.content.readline()
        assert (await client.post("/logout")).status == 403, "of no page of ours"
        assert (await client.post("/logout", headers=own(client))).status == 401, "the page that it leads to"
        copy = {"Cookie": f"retention={cookie.value}"}
        assert (await client.get("/now", headers=copy)).status == 401
        await asyncio.wait_for(live.content.read(), 60.0)


def test_a_session_is_of_one_name_for_a_time_and_of_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = Sessions()
    cookie = sessions.issue("ä.d.a")
    assert sessions.name(cookie) == "ä.d.a"
    assert Sessions().name(cookie) is None
    for broken in ("", "a.b.c.d", cookie[:-1], cookie[1:], "ä" + cookie, cookie + "."):
        assert sessions.name(broken) is None
    form = sessions.form_token("ä.d.a")
    assert sessions.is_form_token("ä.d.a", form)
    assert not sessions.is_form_token("ada", form)
    for broken in ("", form[1:], form[:10], "0" * len(form), "ä" + form):
        assert not sessions.is_form_token("ä.d.a", broken)
    monkeypatch.setattr("streams.console.sessions.time.time", lambda: 2e9 * 2)
    assert sessions.name(cookie) is None
    assert not sessions.is_form_token("ä.d.a", form)


@pytest.mark.asyncio
async def test_a_change_of_the_policy_goes_from_its_text_to_force_by_forms() -> None:
    did = Did()
    async with console(access=by_proxy(), doing=did) as client:
        for path in ("/policy/change", "/policy/change?number=3"):
            text = await (await client.get(path, headers=as_("ada"))).text()
            assert "&lt;/textarea&gt;&lt;script&gt;" in text
        token, headers = await form_token(client, **as_("ada")), {**as_("ada"), **own(client)}

        async def sent(path: str, **form: str) -> str:
            answer = await client.post(path, data={**form, "form_token": token}, headers=headers)
            assert answer.status == 200, await answer.text()
            return await answer.text()

        assert "format is not given: it takes 1" in await sent("/policy/change", text="x = 1")
        looked = await sent("/policy/change", text="format = 1\r\n# ä\r\n")
        assert "<h1>It changes 2 keys</h1>" in looked
        assert "contact.caps[0].most" in looked
        assert "there is no risk moment" in looked
        assert "40 in the first day. 55 are above a level that has not asked: offer 40." in looked
        proposal = await sent("/policy/propose", text="format = 1\r\n", base="3-abc", reason="less", rolls_back="3")
        assert "bert proposes to change contact: fewer messages" in proposal
        assert "contact needs 1 of cleo" in proposal
        await sent("/policy/approve", proposal="5-fee")
        assert "Every shard has this policy." in await sent("/policy/apply", proposal="5-fee", reason="less", yes="40")
        refused = await client.post("/policy/propose", data={"text": "x", "form_token": token}, headers=headers)
        assert refused.status == 400
    assert did.asked[0:2] == [("text", None), ("text", 3)]
    assert ("look", "format = 1\n# ä\n") in did.asked, "line ends are those of the file"
    assert ("propose", "format = 1\n", "ada", "less", "3-abc", 3) in did.asked
    assert ("approve", "5-fee", "ada") in did.asked
    [applied] = [one[2] for one in did.asked if one[0] == "apply"]
    assert (applied.by, applied.reason, applied.yes, applied.dry_run) == ("ada", "less", 40, False)


@pytest.mark.asyncio
async def test_a_policys_whole_text_fits_into_a_form_and_who_looks_sees_proposals_alone() -> None:
    did = Did()
    async with console(access=by_proxy(), doing=did) as client:
        token, headers = await form_token(client, **as_("ada")), {**as_("ada"), **own(client)}
        longest = "format = 1\n" + "# äöü=&+\n" * 4_000
        data = {"text": longest, "form_token": token}
        assert (await client.post("/policy/change", data=data, headers=headers)).status == 200
        seen = await (await client.get("/policy/proposal?number=5", headers=as_("bert"))).text()
        assert "contact.caps[0].most" in seen
        assert '<form action="/policy/' not in seen
        assert (await client.get("/policy/change", headers=as_("bert"))).status == 403
        for path in ("change", "propose", "approve", "apply"):
            answer = await client.post(f"/policy/{path}", data=data, headers={**as_("bert"), **own(client)})
            assert answer.status == 403
    assert [one[0] for one in did.asked] == ["look", "proposed"]
