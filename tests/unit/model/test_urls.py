import pytest

from unspool.model.schema_export import workflow_schema
from unspool.model.urls import METHODS, header_problem, url_problem, without_secrets


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost",
        "https://example.com/a?b=c#d",
        "HTTPS://EXAMPLE.COM:8443/",
        "http://user:pass@[::1]:80/ü",
        "http://a/$&'()*+,;=:@%20",
    ],
)
def test_an_address_of_a_server(url: str):
    assert url_problem(url) is None


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://example.com/", "must begin with"),
        ("example.com", "must begin with"),
        ("//example.com", "must begin with"),
        ("", "must begin with"),
        (" http://a/", "must begin with"),
        ("http://", "names no server"),
        ("http:///path", "names no server"),
        ("https://:80/", "names no server"),
        ("http://a:0/", "names no server"),
        ("http://a/b c", "a space"),
        ("http://a/b\r\nHost: x", "a space or a control character"),
        ("http://a/\0", "a control character"),
        ("http://a:99999/", "is no address"),
        ("http://[::1/", "is no address"),
    ],
)
def test_what_no_request_can_go_to(url: str, said: str):
    problem = url_problem(url)
    assert problem is not None
    assert said in problem


def test_what_is_shown_of_an_address_holds_no_secret():
    assert without_secrets("https://me:pass@example.com:1/a?token=x#y") == "https://example.com:1/a"


def test_a_header_stays_one_header():
    assert header_problem("Bearer x\tü") is None
    for value in ("a\nb", "a\r\nInjected: b", "a\0", "\x7f"):
        assert header_problem(value) is not None


def test_the_methods_are_those_of_the_schema():
    assert tuple(workflow_schema()["$defs"]["HttpMethod"]["enum"]) == METHODS
