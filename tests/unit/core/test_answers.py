import pytest

from unspool.core.answers import status_class
from unspool.model.status import STATUS_CLASSES


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, None),
        (204, None),
        (299, None),
        (304, "server"),
        (100, "server"),
        (400, "bad_request"),
        (401, "auth"),
        (402, "quota"),
        (403, "auth"),
        (404, "bad_request"),
        (429, "rate_limit"),
        (499, "bad_request"),
        (500, "server"),
        (599, "server"),
    ],
)
def test_a_status_is_success_or_a_class(status, kind):
    assert status_class(status, None) == kind
    assert kind is None or kind in STATUS_CLASSES


def test_what_is_expected_is_success_and_nothing_else():
    assert status_class(404, [200, 404]) is None
    assert status_class(429, (429,)) is None
    assert status_class(201, [200]) == "server"
