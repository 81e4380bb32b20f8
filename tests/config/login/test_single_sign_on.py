"""Single sign-on with a provider on this machine: who may enter, and every token that does not let anyone in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse
from joserfc.jwk import RSAKey

from sequences.models import SecurityEvent
from tests.factories import MembershipFactory, UserFactory
from tests.fakes.openid_provider import CLIENT_ID, CLIENT_SECRET, OpenIdProvider, run_provider
from tests.support.admin_pages import shown_messages

pytestmark = pytest.mark.django_db

EMAIL = "ada@sender.example"
CALLBACK = "/admin/login/single-sign-on/callback/"


@pytest.fixture
def provider(settings: Any) -> Iterator[OpenIdProvider]:
    with run_provider() as running:
        settings.OIDC = {"issuer": running.issuer, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        running.claims = {"email": EMAIL}
        yield running


@pytest.fixture
def member() -> Any:
    return MembershipFactory(user=UserFactory(username="ada", email=EMAIL)).user


def sign_on(
    provider: OpenIdProvider, client: Client | None = None, *, next_url: str = "", **bent: str
) -> tuple[Any, Any]:
    """The answer to the browser that comes back, and the id of the user of its session."""
    client = client or Client()
    started = client.get("/admin/login/single-sign-on/", {"next": next_url})
    query = {**provider.answer(started.headers["Location"]), **bent}
    answer = client.get(CALLBACK, query)
    return answer, client.session.get("_auth_user_id")


def test_the_login_page_has_a_button_only_where_it_is_set_up(provider: OpenIdProvider, settings: Any) -> None:
    page = Client().get("/admin/login/?next=/admin/sequences/contact/").content.decode()
    assert "Sign in with single sign-on" in page
    assert "/admin/login/single-sign-on/?next=%2Fadmin%2Fsequences%2Fcontact%2F" in page
    settings.OIDC = {}
    assert "single sign-on" not in Client().get("/admin/login/").content.decode()
    assert Client().get("/admin/login/single-sign-on/").status_code == 404
    assert Client().get(CALLBACK).status_code == 404


@pytest.mark.parametrize("email", [EMAIL, EMAIL.upper()])
def test_a_member_enters_by_the_verified_address(provider: OpenIdProvider, member: Any, email: str) -> None:
    provider.claims = {"email": email}
    client = Client()
    answer, user = sign_on(provider, client, next_url="/admin/sequences/contact/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/sequences/contact/")
    assert user == str(member.pk)
    assert client.get(reverse("admin:index")).status_code == 200
    assert (provider.asked["scope"], provider.asked["code_challenge_method"]) == ("openid email", "S256")
    assert list(SecurityEvent.objects.values_list("kind", "user")) == [("single_sign_on", member.pk)]


def test_no_user_is_led_to_another_site(provider: OpenIdProvider, member: Any) -> None:
    assert sign_on(provider, next_url="https://evil.example/")[0].headers["Location"] == "/admin/"


def test_an_address_that_only_the_user_info_has_counts(provider: OpenIdProvider, member: Any) -> None:
    provider.claims = {"email_verified": None}
    provider.user_info = {"sub": "user-1", "email": EMAIL, "email_verified": True}
    assert sign_on(provider)[1] == str(member.pk)
    provider.user_info["sub"] = "user-2"
    assert sign_on(provider)[1] is None


BENT: dict[str, Callable[[OpenIdProvider], Any]] = {
    "another nonce": lambda p: p.claims.update(nonce="other"),
    "no nonce": lambda p: p.claims.update(nonce=None),
    "another audience": lambda p: p.claims.update(aud="other"),
    "no audience": lambda p: p.claims.update(aud=None),
    "also another audience": lambda p: p.claims.update(aud=[CLIENT_ID, "other"]),
    "another issuer": lambda p: p.claims.update(iss="http://127.0.0.1:1"),
    "expired": lambda p: p.claims.update(exp=int(time.time()) - 600),
    "no end": lambda p: p.claims.update(exp=None),
    "issued later": lambda p: p.claims.update(nbf=int(time.time()) + 600),
    "signed by another key": lambda p: setattr(p, "signs_with", RSAKey.generate_key(2048, {"kid": "first"})),
    "an issuer that calls itself otherwise": lambda p: setattr(p, "called_itself", "https://other.example"),
}
REFUSED: dict[str, Callable[[OpenIdProvider], Any]] = {
    "unverified": lambda p: p.claims.update(email_verified=False),
    "verified in words": lambda p: p.claims.update(email_verified="false"),
    "not said to be verified": lambda p: p.claims.update(email_verified=None),
    "no address": lambda p: p.claims.update(email=None),
    "an address that is no text": lambda p: p.claims.update(email=[EMAIL]),
    "unknown": lambda p: p.claims.update(email="eve@sender.example"),
}


@pytest.mark.parametrize("bend", {**BENT, **REFUSED}.values(), ids={**BENT, **REFUSED}.keys())
def test_no_user_enters_with_a_bent_token(provider: OpenIdProvider, member: Any, bend: Callable[..., Any]) -> None:
    started = Client().get("/admin/login/single-sign-on/")
    assert started.status_code == 302
    client = Client()
    query = provider.answer(client.get("/admin/login/single-sign-on/").headers["Location"])
    bend(provider)
    answer = client.get(CALLBACK, query)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/login/")
    assert "_auth_user_id" not in client.session
    assert len(shown_messages(answer)) == 1
    assert get_user_model()._default_manager.count() == 1


def test_the_state_must_be_that_of_this_browser(provider: OpenIdProvider, member: Any) -> None:
    assert sign_on(provider, state="other")[1] is None
    stolen = provider.answer(Client().get("/admin/login/single-sign-on/").headers["Location"])
    client = Client()
    client.get(CALLBACK, stolen)
    assert "_auth_user_id" not in client.session
    client.get(CALLBACK)
    assert "_auth_user_id" not in client.session


def test_an_answer_counts_once(provider: OpenIdProvider, member: Any) -> None:
    client = Client()
    query = provider.answer(client.get("/admin/login/single-sign-on/").headers["Location"])
    client.get(CALLBACK, query)
    assert client.session["_auth_user_id"]
    client.logout()
    client.get(CALLBACK, query)
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}])
def test_who_may_not_enter_the_desk_does_not(provider: OpenIdProvider, member: Any, change: dict[str, Any]) -> None:
    get_user_model()._default_manager.filter(pk=member.pk).update(**change)
    assert sign_on(provider)[1] is None


def test_an_address_of_two_users_lets_neither_in(provider: OpenIdProvider, member: Any) -> None:
    MembershipFactory(user=UserFactory(username="second", email=EMAIL.upper()))
    assert sign_on(provider)[1] is None


def test_a_provider_that_is_down_or_refuses_is_one_line(provider: OpenIdProvider, settings: Any) -> None:
    answer = Client().get(CALLBACK, {"error": "access_denied"})
    assert answer.headers["Location"] == "/admin/login/"
    settings.OIDC = {**settings.OIDC, "issuer": "http://127.0.0.1:9"}
    answer = Client().get("/admin/login/single-sign-on/")
    assert answer.headers["Location"] == "/admin/login/"
    assert len(shown_messages(answer)) == 1
